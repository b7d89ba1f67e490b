/*
 * dump_check: see dump_check.h. Names ascend, so each comes once; the commands of a name stand together: what makes it,
 * what fills it, its expiry.
 */
#include "tools/loam/dump/dump_check.h"

#include "engine/base/decimal.h"
#include "tools/loamd/restore_args.h"

static bool refuse(const char **why, const char *text) {
    *why = text;
    return false;
}

static enum dump_kind kind_of(const struct dump_command *command) {
    static const char *const names[DUMP_NO_KIND] = {[DUMP_SET] = "SET",
                                                    [DUMP_PART] = "SETRANGE",
                                                    [DUMP_CREATE] = "TS.CREATE",
                                                    [DUMP_SAMPLES] = "TS.MADD",
                                                    [DUMP_SAMPLE] = "TS.RESTORE",
                                                    [DUMP_GRAPH] = "GRAPH.RESTORE",
                                                    [DUMP_ROWS] = "GRAPH.RESTORE",
                                                    [DUMP_EXPIRY] = "PEXPIREAT"};
    if (command->arg_count < 2) return DUMP_NO_KIND;
    for (int i = 0; i < DUMP_NO_KIND; i++) {
        if (!slice_equal(command->args[0], slice_from_text(names[i]))) continue;
        const bool makes = command->arg_count == 3 && slice_equal(command->args[2], slice_from_text("GRAPH"));
        return i == DUMP_GRAPH && !makes ? DUMP_ROWS : (enum dump_kind)i;
    }
    return DUMP_NO_KIND;
}

/* ---- Shapes ------------------------------------------------------------------------------------------------------ */

static bool is_time(struct slice text) {
    int64_t time_ms = 0;
    return decimal_parse(text, &time_ms) && time_ms > 0;
}

static bool check_string(struct dump_reader *reader, const struct dump_command *command, const char **why) {
    const struct slice *args = command->args;
    int64_t offset = 0;
    if (command->kind == DUMP_SET) {
        const bool expires =
            command->arg_count == 5 && slice_equal(args[3], slice_from_text("PXAT")) && is_time(args[4]);
        if (command->arg_count != 3 && !expires) return refuse(why, "SET name value [PXAT ms] is expected");
        reader->string_bytes = args[2].size;
        reader->is_closed = expires;
        reader->counts.strings++;
        return true;
    }
    if (command->arg_count != 4 || !decimal_parse(args[2], &offset) || (uint64_t)offset != reader->string_bytes)
        return refuse(why, "SETRANGE name offset bytes is expected, where the string ends so far");
    reader->string_bytes += args[3].size;
    return true;
}

static bool is_sample(const struct slice *args) {
    int64_t time_ms = 0;
    double value = 0;
    return decimal_parse(args[0], &time_ms) && exact_double_parse(args[1], &value);
}

static bool check_samples(struct dump_reader *reader, const struct dump_command *command, const char **why) {
    if (command->kind == DUMP_SAMPLE) {
        reader->counts.samples++;
        return command->arg_count == 4 && is_sample(command->args + 2)
                   ? true
                   : refuse(why, "TS.RESTORE name time value is expected");
    }
    const size_t count = (command->arg_count - 1) / 3;
    bool good = command->arg_count == 1 + 3 * count && count > 0;
    for (size_t i = 0; good && i < count; i++)
        good = slice_equal(command->args[1 + 3 * i], command->args[1]) && is_sample(command->args + 2 + 3 * i);
    reader->counts.samples += count;
    return good ? true : refuse(why, "TS.MADD of one series with times and values is expected");
}

static bool check_rows(struct dump_reader *reader, const struct dump_command *command, const char **why) {
    struct restore_command restore;
    if (!restore_command_read(command->args, command->arg_count, &restore, why)) return false;
    const bool nodes = restore.form == RESTORE_NODES, edges = restore.form == RESTORE_EDGES;
    if (restore.form == RESTORE_DROP) reader->counts.nodes--;
    if (!nodes && !edges) return true;
    for (uint64_t i = 0; i < restore.count; i++) {
        struct restore_node node;
        struct restore_edge edge;
        const bool good = nodes ? restore_take_node(&restore.rows, &node) : restore_take_edge(&restore.rows, &edge);
        if (!good) return refuse(why, restore.rows.why);
        if (nodes) reader->counts.nodes += !node.is_hole;
        if (edges) reader->counts.edges += !edge.is_hole;
    }
    return restore.rows.at == restore.rows.count ? true : refuse(why, "there are more arguments than rows");
}

static bool check_shape(struct dump_reader *reader, const struct dump_command *command, const char **why) {
    switch (command->kind) {
    case DUMP_SET:
    case DUMP_PART: return check_string(reader, command, why);
    case DUMP_CREATE: reader->counts.series++; return true;
    case DUMP_SAMPLES:
    case DUMP_SAMPLE: return check_samples(reader, command, why);
    case DUMP_GRAPH: reader->counts.graphs++; return true;
    case DUMP_ROWS: return check_rows(reader, command, why);
    default:
        reader->is_closed = true;
        return command->arg_count == 3 && is_time(command->args[2]) ? true
                                                                    : refuse(why, "PEXPIREAT name ms is expected");
    }
}

/* ---- Order ------------------------------------------------------------------------------------------------------- */

static bool check_place(const struct dump_reader *reader, const struct dump_command *command, const char **why) {
    const enum dump_kind kind = command->kind;
    const bool makes = kind == DUMP_SET || kind == DUMP_CREATE || kind == DUMP_GRAPH;
    if (kind == DUMP_NO_KIND) return refuse(why, "no dump holds such a command");
    if (command->begins != makes) return refuse(why, "the commands of a name don't stand together, or come twice");
    if (makes) return true;
    if (reader->is_closed) return refuse(why, "a command stands behind the expiry of its name");
    const bool fits = kind == DUMP_EXPIRY || (kind == DUMP_PART && reader->item == DUMP_SET) ||
                      ((kind == DUMP_SAMPLES || kind == DUMP_SAMPLE) && reader->item == DUMP_CREATE) ||
                      (kind == DUMP_ROWS && reader->item == DUMP_GRAPH);
    return fits ? true : refuse(why, "the command is not for what its name is");
}

enum status dump_check_command(struct dump_reader *reader, struct dump_command *command, const char **why) {
    command->kind = kind_of(command);
    if (command->kind != DUMP_NO_KIND) {
        const int order = reader->has_name ? slice_compare(command->args[1], buf_slice(&reader->name)) : 1;
        command->begins = order > 0;
        if (order < 0) {
            *why = "the names don't ascend";
            return STATUS_INVALID;
        }
    }
    if (!check_place(reader, command, why)) return STATUS_INVALID;
    if (command->begins) {
        reader->is_closed = false;
        reader->item = command->kind;
        reader->has_name = true;
        const enum status status = buf_assign(&reader->name, command->args[1]);
        if (status != STATUS_OK) return status;
    }
    return check_shape(reader, command, why) ? STATUS_OK : STATUS_INVALID;
}
