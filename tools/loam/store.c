/*
 * store: `loam get` and `loam scan` read the names of a store without its server. What they show is what the engine has
 * installed: entries that only the log holds, after the index that is printed, come in when the node starts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/names.h"
#include "kv/kv.h"
#include "tools/loam/commands.h"
#include "tools/loam/number_option.h"
#include "tools/loam/reply_text.h"
#include "tools/loam/terminal.h"

enum { ROWS_PER_STEP = 256, KINDS_MAX = 16 };

static const char get_usage[] =
    "usage: loam get DIR KEY\n\nDIR: a node's data directory, or an engine's. Exit code 1 if "
    "there is no such key.\n";
static const char scan_usage[] =
    "usage: loam scan DIR [--match PATTERN] [--limit N]\n\nDIR: a node's data directory, or "
    "an engine's. Prints names, types, values and expiry (ms since 1970).\n";

struct reading {
    struct io *io;
    struct engine *engine;
    char dir[IO_PATH_BYTES]; /* of the engine */
    struct engine_tree_kind kinds[KINDS_MAX];
    const char *key;     /* get */
    const char *pattern; /* scan; NULL = all */
    uint64_t limit;      /* 0 = none */
    uint64_t shown;
    struct buf text;
};

/* ---- Opening
 * --------------------------------------------------------------------------------------------------------- */

struct choice {
    char name[64];
    unsigned count;
};

static enum status choose_engine(void *context, const struct io_entry *entry) {
    struct choice *choice = context;
    if (entry->kind != IO_ENTRY_DIR || strncmp(entry->name, "engine-", 7) != 0) return STATUS_OK;
    (void)snprintf(choice->name, sizeof choice->name, "%s", entry->name);
    choice->count++;
    return STATUS_OK;
}

/* A node's directory holds its engine's; while a snapshot is being taken over there may be two for a moment. */
static enum status find_engine(struct reading *reading, const char *dir, struct error *error) {
    struct choice choice = {.count = 0};
    enum status status = io_dir_list(reading->io, dir, choose_engine, &choice);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", dir, status_text(status));
    if (choice.count > 1)
        return error_set(error, STATUS_BUSY, "%s holds more than one engine: name the one to read", dir);
    const int size = snprintf(reading->dir, sizeof reading->dir, "%s%s%s", dir, choice.count ? "/" : "", choice.name);
    return size < (int)sizeof reading->dir ? STATUS_OK : error_set(error, STATUS_TOO_LARGE, "%s: too long", dir);
}

/* An engine of its own keeps its log in its directory; a node's is replayed by the node. */
static bool has_own_log(const struct reading *reading) {
    char path[IO_PATH_BYTES];
    struct io_entry entry;
    if (snprintf(path, sizeof path, "%s/wal", reading->dir) >= (int)sizeof path) return false;
    return io_stat(reading->io, path, &entry) == STATUS_OK && entry.kind == IO_ENTRY_DIR;
}

static enum status open_engine(struct reading *reading, const char *dir, struct error *error) {
    enum status status = find_engine(reading, dir, error);
    if (status != STATUS_OK) return status;
    size_t count = 0;
    reading->kinds[count++] = (struct engine_tree_kind){.id = KIND_SYSTEM, .name = "raft.system"};
    check(names_kind_count < KINDS_MAX);
    for (size_t i = 0; i < names_kind_count; i++) reading->kinds[count++] = names_kinds[i];
    const bool own_log = has_own_log(reading);
    const struct engine_options options = {.kinds = reading->kinds,
                                           .kind_count = count,
                                           .wal = own_log ? ENGINE_WAL_OWN : ENGINE_WAL_OFF,
                                           .must_exist = true,
                                           .read_only = true};
    status = engine_open(reading->io, reading->dir, &options, &reading->engine, error);
    if (status != STATUS_OK) return error_prefix(error, status, "%s", reading->dir);
    if (own_log) return STATUS_OK;
    const struct engine_mark mark = engine_installed(reading->engine);
    (void)fprintf(stderr, "%s: as of entry %" PRIu64 "; later ones are in the node's log\n", reading->dir, mark.index);
    return STATUS_OK;
}

/* ---- Rows
 * -------------------------------------------------------------------------------------------------------------- */

static enum status print_row(struct reading *reading, struct slice name, const struct name_row *row) {
    buf_clear(&reading->text);
    enum status status = reply_text_quote(&reading->text, name);
    if (status == STATUS_OK && row->type == NAME_STRING)
        status = buf_append_format(&reading->text, " string ");
    else if (status == STATUS_OK)
        status = buf_append_format(&reading->text, " type %u, object %" PRIu64, row->type, row->object);
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
    if (row->type != NAME_STRING) return STATUS_WRONG_TYPE;
    reading->shown++;
    terminal_print(row->value);
    terminal_print(slice_from_text("\n"));
    return STATUS_END;
}

/* The order is that of hashes, whose seed only the node knows: a single name is looked for among all. */
static enum status visit_names(struct reading *reading,
                               enum status (*visit)(void *, struct slice, const struct name_row *)) {
    const struct names_view view = {.engine = reading->engine,
                                    .log_time_ms = engine_installed(reading->engine).time_ms};
    uint64_t cursor = 0;
    enum status status;
    do status = names_scan(&view, &cursor, ROWS_PER_STEP, visit, reading);
    while (status == STATUS_OK && cursor != 0);
    if (status == STATUS_INVALID && engine_installed(reading->engine).index == 0) return STATUS_OK; /* nothing yet */
    return status == STATUS_END ? STATUS_OK : status;
}

static int read_store(struct reading *reading, const char *dir,
                      enum status (*visit)(void *, struct slice, const struct name_row *)) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct error error = {0};
    enum status status = io_create(&options, &reading->io, &error);
    if (status == STATUS_OK) status = open_engine(reading, dir, &error);
    if (status == STATUS_OK) {
        status = visit_names(reading, visit);
        if (status != STATUS_OK) engine_last_error(reading->engine, &error);
    }
    if (status != STATUS_OK) (void)fprintf(stderr, "loam: %s\n", error.text[0] ? error.text : status_text(status));
    engine_close(reading->engine);
    buf_deinit(&reading->text);
    io_destroy(reading->io);
    if (status_class(status) == STATUS_CLASS_DAMAGE) return EXIT_CORRUPT;
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}

/* ---- Command lines
 * ----------------------------------------------------------------------------------------------------- */

int command_get(int argc, char **argv) {
    if (argc != 2) {
        const bool asked = argc == 1 && strcmp(argv[0], "--help") == 0;
        (void)fputs(get_usage, asked ? stdout : stderr);
        return asked ? EXIT_CLEAN : EXIT_FAILED;
    }
    struct reading reading = {.key = argv[1]};
    const int code = read_store(&reading, argv[0], visit_get);
    if (code != EXIT_CLEAN || reading.shown > 0) return code;
    (void)fprintf(stderr, "loam: there is no \"%s\"\n", argv[1]);
    return EXIT_FAILED;
}

int command_scan(int argc, char **argv) {
    struct reading reading = {.pattern = NULL};
    const bool asked = argc == 1 && strcmp(argv[0], "--help") == 0;
    bool sound = argc >= 1 && !asked;
    for (int at = 1; at < argc && sound; at += 2) {
        sound = at + 1 < argc;
        if (sound && strcmp(argv[at], "--match") == 0)
            reading.pattern = argv[at + 1];
        else
            sound = sound && strcmp(argv[at], "--limit") == 0 && number_option(argv[at + 1], INT64_MAX, &reading.limit);
    }
    if (!sound) {
        (void)fputs(scan_usage, asked ? stdout : stderr);
        return asked ? EXIT_CLEAN : EXIT_FAILED;
    }
    return read_store(&reading, argv[0], visit_scan);
}
