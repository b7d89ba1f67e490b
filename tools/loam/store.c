/*
 * store: `loam get` and `loam scan` read the names of a store without its server, or beside it, and change nothing of
 * it. A node's directory is read as its node would take it up: what was flushed, and the entries of its log that are
 * known to be committed. An engine's own directory shows what the engine has installed, and its own log. As of
 * which index is told.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/names.h"
#include "kv/kv.h"
#include "raft/driver.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/inspect/row_text.h"
#include "tools/loam/reply_text.h"
#include "tools/loam/terminal.h"
#include "tools/loamd/stores.h"

enum { ROWS_PER_STEP = 256, KINDS_MAX = 32, TRIES_MAX = 40, TRIES_SAME = 4, PAUSE_NS = 10000000 };

static const char get_usage[] =
    "usage: loam get DIR KEY [--uncommitted]\n\nDIR: a node's data directory, or an engine's; its server may run. Exit "
    "code 1 if "
    "there is no such key.\n"
    "--uncommitted: also what the node's log holds beyond the last commit that it knows of. A KEY that begins with "
    "'-'\n"
    "stands behind the word --.\n";
static const char scan_usage[] =
    "usage: loam scan DIR [--match PATTERN | --tree NAME] [--limit N] [--uncommitted]\n\nDIR: a node's data directory, "
    "or "
    "an engine's; its server may run. As of which entry goes to stderr. Prints names, types, values and expiry (ms "
    "since 1970).\n"
    "--tree: the rows of one tree as they lie in the store, field by field; '--tree list' names the trees.\n"
    "--uncommitted: also what the node's log holds beyond the last commit that it knows of.\n";

struct reading {
    struct io *io;
    struct engine *engine;
    struct raft_reading *node; /* NULL: an engine's directory */
    struct stores stores;      /* whose kinds of trees and types of names there are */
    struct names_view view;
    struct engine_tree_kind kinds[KINDS_MAX];
    const char *key;                  /* get */
    const char *pattern;              /* scan; NULL = all */
    const struct row_describer *tree; /* scan; NULL = names */
    uint64_t limit;                   /* 0 = none */
    bool uncommitted;
    uint64_t shown;
    bool malformed; /* a row of the tree */
    struct buf text;
};

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static bool holds(struct io *io, const char *dir, const char *name, enum io_entry_kind kind) {
    char path[IO_PATH_BYTES];
    struct io_entry entry;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) return false;
    return io_stat(io, path, &entry) == STATUS_OK && entry.kind == kind;
}

static enum status check_dir(struct io *io, const char *dir, struct error *error) {
    struct io_entry entry;
    const enum status status = io_stat(io, dir, &entry);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", dir, status_text(status));
    return entry.kind == IO_ENTRY_DIR ? STATUS_OK : error_set(error, STATUS_INVALID, "%s: not a directory", dir);
}

static void say_what_is_shown(const char *dir, const struct raft_reading_facts *facts) {
    (void)fprintf(stderr, "%s: as of entry %" PRIu64 ": files up to %" PRIu64 ", then the log", dir, facts->applied,
                  facts->flushed);
    if (facts->witness) (void)fprintf(stderr, "; of a witness, which keeps no data");
    if (facts->applied > facts->commit)
        (void)fprintf(stderr, "; %" PRIu64 " to %" PRIu64 " are not known to be committed", facts->commit + 1,
                      facts->applied);
    if (facts->last > facts->applied)
        (void)fprintf(stderr,
                      "; %" PRIu64 " to %" PRIu64 " are not known to be committed, and not shown (--uncommitted shows "
                      "them)",
                      facts->applied + 1, facts->last);
    (void)fputs("\n", stderr);
}

/* A node that runs flushes, cuts its log and takes over snapshots while it is read: what does not fit together is
 * looked at again, and is damage when it says the same every time. */
static enum status open_beside_node(struct reading *reading, const char *dir,
                                    const struct raft_reading_options *options, struct error *error) {
    struct error last = {.text = ""};
    unsigned same = 0;
    for (unsigned i = 1;; i++) {
        *error = (struct error){.status = STATUS_OK};
        const enum status status = raft_reading_open(reading->io, dir, options, &reading->node, error);
        const bool may_pass = status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_NOT_FOUND;
        same = strcmp(last.text, error->text) == 0 ? same + 1 : 1;
        if (!may_pass || i == TRIES_MAX || same == TRIES_SAME) return status;
        last = *error;
        io_sleep(reading->io, PAUSE_NS);
    }
}

static enum status open_node(struct reading *reading, const char *dir, struct error *error) {
    const struct raft_reading_options options = {.machines = reading->stores.machines,
                                                 .machine_count = reading->stores.machine_count,
                                                 .uncommitted = reading->uncommitted};
    enum status status = open_beside_node(reading, dir, &options, error);
    if (status != STATUS_OK) return status;
    struct raft_reading_facts facts;
    raft_reading_get_facts(reading->node, &facts);
    say_what_is_shown(dir, &facts);
    reading->engine = raft_reading_engine(reading->node);
    reading->view = (struct names_view){
        .engine = reading->engine, .seed = facts.identity.cluster_id, .log_time_ms = facts.log_time_ms};
    return STATUS_OK;
}

static enum status open_engine(struct reading *reading, const char *dir, struct error *error) {
    size_t count = 0;
    reading->kinds[count++] = (struct engine_tree_kind){.id = KIND_SYSTEM, .name = "raft.system"};
    for (size_t m = 0; m < reading->stores.machine_count; m++) {
        const struct state_machine *machine = &reading->stores.machines[m];
        check(count + machine->kind_count <= KINDS_MAX);
        for (size_t i = 0; i < machine->kind_count; i++) reading->kinds[count++] = machine->kinds[i];
    }
    const bool own_log = holds(reading->io, dir, "wal", IO_ENTRY_DIR);
    const struct engine_options options = {.kinds = reading->kinds,
                                           .kind_count = count,
                                           .wal = own_log ? ENGINE_WAL_OWN : ENGINE_WAL_OFF,
                                           .must_exist = true,
                                           .read_only = true};
    enum status status = engine_open(reading->io, dir, &options, &reading->engine, error);
    if (status != STATUS_OK) return status;
    const struct engine_mark mark = engine_applied(reading->engine);
    reading->view = (struct names_view){.engine = reading->engine, .log_time_ms = mark.time_ms};
    if (own_log) {
        (void)fprintf(stderr, "%s: as of batch %" PRIu64 ", files and log\n", dir, mark.index);
        return STATUS_OK;
    }
    (void)fprintf(stderr, "%s: as of entry %" PRIu64 "; later ones are in the log of the node that it belongs to\n",
                  dir, mark.index);
    return STATUS_OK;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static const char *type_name(const struct reading *reading, uint8_t type) {
    for (size_t i = 0; i < reading->stores.owner_count; i++)
        if (reading->stores.owners[i].type == type) return reading->stores.owners[i].name;
    return "unknown";
}

static enum status print_row(struct reading *reading, struct slice name, const struct name_row *row) {
    buf_clear(&reading->text);
    enum status status = reply_text_quote(&reading->text, name);
    if (status == STATUS_OK && row->type == NAME_STRING)
        status = buf_append_format(&reading->text, " string ");
    else if (status == STATUS_OK)
        status = buf_append_format(&reading->text, " %s, object %" PRIu64, type_name(reading, row->type), row->object);
    if (status == STATUS_OK && row->type == NAME_STRING) status = reply_text_quote(&reading->text, row->value);
    if (status == STATUS_OK && row->expire_ms != 0)
        status = buf_append_format(&reading->text, " expires %" PRId64, row->expire_ms);
    if (status == STATUS_OK) status = buf_append_byte(&reading->text, '\n');
    if (status == STATUS_OK) terminal_print(buf_slice(&reading->text));
    reading->shown++;
    return status;
}

static enum status visit_scan(void *context, struct slice name, const struct name_row *row) {
    struct reading *reading = context;
    if (reading->pattern && !kv_glob_match(slice_from_text(reading->pattern), name)) return STATUS_OK;
    if (reading->limit && reading->shown == reading->limit) return STATUS_END;
    return print_row(reading, name, row);
}

static enum status visit_get(void *context, struct slice name, const struct name_row *row) {
    struct reading *reading = context;
    if (!slice_equal(name, slice_from_text(reading->key))) return STATUS_OK;
    if (row->type != NAME_STRING) {
        (void)fprintf(stderr, "loam: %s is a %s (object %" PRIu64 "): get prints strings; a server reads the others\n",
                      reading->key, type_name(reading, row->type), row->object);
        return STATUS_WRONG_TYPE;
    }
    reading->shown++;
    terminal_print(row->value);
    terminal_print(slice_from_text("\n"));
    return STATUS_END;
}

/* The order is that of hashes, whose seed is the node's: an engine's own directory is searched for a name. */
static enum status visit_names(struct reading *reading,
                               enum status (*visit)(void *, struct slice, const struct name_row *)) {
    uint64_t cursor = 0;
    enum status status;
    do status = names_scan(&reading->view, &cursor, ROWS_PER_STEP, visit, reading);
    while (status == STATUS_OK && cursor != 0);
    if (status == STATUS_INVALID && engine_applied(reading->engine).index == 0) return STATUS_OK; /* nothing yet */
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status visit_one(struct reading *reading) {
    struct name_row row;
    struct engine_value value;
    struct slice name = slice_from_text(reading->key);
    enum status status = names_get(&reading->view, name, &row, &value);
    if (status == STATUS_INVALID && engine_applied(reading->engine).index == 0) return STATUS_OK; /* nothing yet */
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = visit_get(reading, name, &row);
    engine_value_release(&value);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_names(struct reading *reading) {
    if (reading->key == NULL) return visit_names(reading, visit_scan);
    return reading->node != NULL ? visit_one(reading) : visit_names(reading, visit_get);
}

/* ---- Rows of a tree ---------------------------------------------------------------------------------------------- */

static enum status print_tree_row(struct reading *reading, struct slice key, struct slice value) {
    buf_clear(&reading->text);
    const char *fault = NULL;
    enum status status = row_text_append(&reading->text, reading->tree, key, value, ROW_VALUE, &fault);
    if (status == STATUS_OK && fault) status = buf_append_format(&reading->text, " (malformed: %s)", fault);
    if (status == STATUS_OK) status = buf_append_byte(&reading->text, '\n');
    if (status != STATUS_OK) return status;
    terminal_print(buf_slice(&reading->text));
    reading->malformed |= fault != NULL;
    reading->shown++;
    return STATUS_OK;
}

/* Trees have the numbers of their kinds. */
static enum status read_tree(struct reading *reading) {
    const struct engine_iterator_options options = {.no_fill = true};
    struct engine_iterator *iterator = NULL;
    enum status status = engine_iterator_open(reading->engine, reading->tree->kind, &options, &iterator);
    if (status == STATUS_INVALID && engine_applied(reading->engine).index == 0) return STATUS_OK; /* nothing yet */
    if (status != STATUS_OK) return status;
    for (engine_iterator_seek_first(iterator); status == STATUS_OK && engine_iterator_valid(iterator);
         engine_iterator_next(iterator)) {
        if (reading->limit && reading->shown == reading->limit) break;
        status = print_tree_row(reading, engine_iterator_key(iterator), engine_iterator_value(iterator));
    }
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

static int print_trees(void) {
    const struct row_describer *rows;
    for (size_t i = 0; (rows = describers_get(i)) != NULL; i++) printf("%s\n", rows->name);
    return EXIT_CLEAN;
}

static const struct row_describer *find_tree(const char *name) {
    const struct row_describer *rows;
    for (size_t i = 0; (rows = describers_get(i)) != NULL; i++)
        if (strcmp(rows->name, name) == 0) return rows;
    (void)fprintf(stderr, "loam: there is no tree \"%s\"; '--tree list' names those that there are\n", name);
    return NULL;
}

static void close_store(struct reading *reading) {
    if (reading->node == NULL) engine_close(reading->engine);
    raft_reading_close(reading->node);
    stores_deinit(&reading->stores);
    buf_deinit(&reading->text);
    io_destroy(reading->io);
}

static int read_store(struct reading *reading, const char *dir) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct error error = {0};
    enum status status = io_create(&options, &reading->io, &error);
    if (status == STATUS_OK) status = stores_init(&reading->stores);
    if (status == STATUS_OK) status = check_dir(reading->io, dir, &error);
    if (status == STATUS_OK)
        status = holds(reading->io, dir, "superblock", IO_ENTRY_FILE) ? open_node(reading, dir, &error)
                                                                      : open_engine(reading, dir, &error);
    if (status == STATUS_OK) {
        status = reading->tree != NULL ? read_tree(reading) : read_names(reading);
        if (status != STATUS_OK) engine_last_error(reading->engine, &error);
        if (status == STATUS_INVALID)
            (void)error_set(&error, status,
                            "%s: there is no tree of loam's stores: another program keeps its own there. loam stats "
                            "lists them, loam inspect shows their rows",
                            dir);
    }
    const bool is_told = status == STATUS_OK || status == STATUS_WRONG_TYPE;
    if (!is_told) (void)fprintf(stderr, "loam: %s\n", error.text[0] ? error.text : status_text(status));
    close_store(reading);
    if (status_class(status) == STATUS_CLASS_DAMAGE || reading->malformed) return EXIT_CORRUPT;
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}

/* ---- Command lines ----------------------------------------------------------------------------------------------- */

int command_get(int argc, char **argv) {
    struct reading reading = {.key = NULL};
    const struct argument_option taken[] = {{.name = "--uncommitted", .flag = &reading.uncommitted}};
    const struct arguments arguments = {"get", get_usage, "a DIR and a KEY", 2, 2, taken, 1};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    reading.key = argv[1];
    code = read_store(&reading, argv[0]);
    if (code != EXIT_CLEAN || reading.shown > 0) return code;
    (void)fprintf(stderr, "loam: there is no \"%s\"\n", argv[1]);
    return EXIT_FAILED;
}

int command_scan(int argc, char **argv) {
    struct reading reading = {.pattern = NULL};
    const char *tree = NULL;
    const struct argument_option taken[] = {{.name = "--match", .text = &reading.pattern, .may_be_empty = true},
                                            {.name = "--tree", .text = &tree},
                                            {.name = "--limit", .number = &reading.limit, .limit = INT64_MAX},
                                            {.name = "--uncommitted", .flag = &reading.uncommitted}};
    const struct arguments arguments = {"scan", scan_usage, "a DIR", 1, 1, taken, 4};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (tree && reading.pattern) return arguments_refuse(&arguments, "--match or --tree, not both");
    if (tree && strcmp(tree, "list") == 0) return print_trees();
    if (tree && !(reading.tree = find_tree(tree))) return EXIT_FAILED;
    return read_store(&reading, argv[0]);
}
