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

#include "engine/names.h"
#include "kv/kv.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/inspect/row_text.h"
#include "tools/loam/reply_text.h"
#include "tools/loam/store_reading.h"
#include "tools/loam/terminal.h"

enum { ROWS_PER_STEP = 256 };

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
    struct store_reading store;
    const char *key;                  /* get */
    const char *pattern;              /* scan; NULL = all */
    const struct row_describer *tree; /* scan; NULL = names */
    uint64_t limit;                   /* 0 = none */
    uint64_t shown;
    bool malformed; /* a row of the tree */
    struct buf text;
};

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static const char *type_name(const struct reading *reading, uint8_t type) {
    for (size_t i = 0; i < reading->store.stores.owner_count; i++)
        if (reading->store.stores.owners[i].type == type) return reading->store.stores.owners[i].name;
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
    do status = names_scan(&reading->store.view, &cursor, ROWS_PER_STEP, visit, reading);
    while (status == STATUS_OK && cursor != 0);
    if (status == STATUS_INVALID && engine_applied(reading->store.engine).index == 0)
        return STATUS_OK; /* nothing yet */
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status visit_one(struct reading *reading) {
    struct name_row row;
    struct engine_value value;
    struct slice name = slice_from_text(reading->key);
    enum status status = names_get(&reading->store.view, name, &row, &value);
    if (status == STATUS_INVALID && engine_applied(reading->store.engine).index == 0)
        return STATUS_OK; /* nothing yet */
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = visit_get(reading, name, &row);
    engine_value_release(&value);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_names(struct reading *reading) {
    if (reading->key == NULL) return visit_names(reading, visit_scan);
    return reading->store.node != NULL ? visit_one(reading) : visit_names(reading, visit_get);
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
    enum status status = engine_iterator_open(reading->store.engine, reading->tree->kind, &options, &iterator);
    if (status == STATUS_INVALID && engine_applied(reading->store.engine).index == 0)
        return STATUS_OK; /* nothing yet */
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

static int read_store(struct reading *reading, const char *dir) {
    struct error error = {0};
    enum status status = store_reading_open(&reading->store, dir, &error);
    if (status == STATUS_OK) {
        status = reading->tree != NULL ? read_tree(reading) : read_names(reading);
        if (status != STATUS_OK) engine_last_error(reading->store.engine, &error);
        if (status == STATUS_INVALID)
            (void)error_set(&error, status,
                            "%s: there is no tree of loam's stores: another program keeps its own there. loam stats "
                            "lists them, loam inspect shows their rows",
                            dir);
    }
    const bool is_told = status == STATUS_OK || status == STATUS_WRONG_TYPE;
    if (!is_told) (void)fprintf(stderr, "loam: %s\n", error.text[0] ? error.text : status_text(status));
    store_reading_close(&reading->store);
    buf_deinit(&reading->text);
    if (status_class(status) == STATUS_CLASS_DAMAGE || reading->malformed) return EXIT_CORRUPT;
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}

/* ---- Command lines ----------------------------------------------------------------------------------------------- */

int command_get(int argc, char **argv) {
    struct reading reading = {.key = NULL};
    const struct argument_option taken[] = {{.name = "--uncommitted", .flag = &reading.store.uncommitted}};
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
                                            {.name = "--uncommitted", .flag = &reading.store.uncommitted}};
    const struct arguments arguments = {"scan", scan_usage, "a DIR", 1, 1, taken, 4};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (tree && reading.pattern) return arguments_refuse(&arguments, "--match or --tree, not both");
    if (tree && strcmp(tree, "list") == 0) return print_trees();
    if (tree && !(reading.tree = find_tree(tree))) return EXIT_FAILED;
    return read_store(&reading, argv[0]);
}
