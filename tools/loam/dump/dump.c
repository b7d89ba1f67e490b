/*
 * dump: `loam dump`: all that a store holds, as one portable stream of commands (FORMAT.md), read from its files,
 * beside its server or without it: one state, that behind one entry of the log. The order is that of names and ids, so
 * that equal stores have equal streams.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/dump/dump_items.h"
#include "tools/loam/store_reading.h"
#include "tools/loam/terminal.h"

enum { NAMES_MIB_DEFAULT = 256, NAMES_MIB_MAX = 1 << 20, REDRAW_NS = 100 * 1000 * 1000 };

static const char usage[] =
    "usage: loam dump DIR [--output FILE] [--partial] [--uncommitted] [--names-mib N]\n"
    "\n"
    "DIR: a node's data directory; its server may run. As of which entry goes to stderr.\n"
    "\n"
    "  --output       a file, made or replaced once it is complete; without it standard output\n"
    "  --partial      what can't be read is told and left out; without it the dump ends there\n"
    "  --uncommitted  also what the node's log holds beyond the last commit that it knows of\n"
    "  --names-mib    memory for names, which are sorted (256); more names than that: the store is gone through again\n"
    "\n"
    "Exit code 2: damage was met; the stream says how many places are missing.\n";

struct dump {
    const char *dir;
    struct store_reading store;
    struct dump_writer writer;
    struct dump_damage damage;
    struct dump_names names;
    struct error error;
    bool draws;
    uint64_t drawn_ns;
};

/* ---- Progress ---------------------------------------------------------------------------------------------------- */

static void draw(struct dump *dump, bool last) {
    if (!dump->draws) return;
    const uint64_t now_ns = io_now_ns(dump->store.io);
    if (!last && now_ns - dump->drawn_ns < REDRAW_NS) return;
    dump->drawn_ns = now_ns;
    const struct dump_counts *counts = &dump->writer.counts;
    (void)fprintf(stderr, "\r  %" PRIu64 " names, %" PRIu64 " samples, %" PRIu64 " nodes and edges, %.1f MB ",
                  counts->strings + counts->series + counts->graphs, counts->samples, counts->nodes + counts->edges,
                  (double)counts->bytes / 1e6);
    if (last) (void)fputc('\n', stderr);
}

/* ---- The stream -------------------------------------------------------------------------------------------------- */

static enum status write_name(struct dump *dump, const struct dump_name *name) {
    struct dump_source source = {
        .view = &dump->store.view, .writer = &dump->writer, .damage = &dump->damage, .error = &dump->error};
    switch (name->type) {
    case NAME_STRING: return dump_string(&source, name);
    case NAME_SERIES: return dump_series(&source, name);
    case NAME_GRAPH: return dump_graph(&source, name);
    default:
        return error_set(&dump->error, STATUS_UNSUPPORTED, "%.*s: a name of type %u, which this version can't dump",
                         (int)name->size, (const char *)name->text, name->type);
    }
}

static enum status write_names(struct dump *dump) {
    enum status status = STATUS_OK;
    do {
        status = dump_names_next(&dump->names, &dump->error);
        for (size_t i = 0; status == STATUS_OK && i < dump->names.count; i++) {
            status = write_name(dump, &dump->names.items[i]);
            draw(dump, false);
        }
    } while (status == STATUS_OK && dump->names.count > 0);
    return status;
}

/* A store that is not a node's has no seed that its names could be found by. */
static enum status describe(struct dump *dump, struct dump_head *head) {
    if (!dump->store.has_seed)
        return error_set(&dump->error, STATUS_INVALID,
                         "%s: an engine's own directory; a dump is made of a node's data directory", dump->dir);
    *head = (struct dump_head){.cluster_id = dump->store.view.seed, .time_ms = dump->store.view.log_time_ms};
    head->entry = engine_applied(dump->store.engine).index;
    if (dump->store.node == NULL) {
        dump->damage.places++;
        (void)fprintf(stderr, "loam dump: %s; the dump goes on with the store alone, up to entry %" PRIu64 "\n",
                      dump->store.whole.text, head->entry);
        return STATUS_OK;
    }
    struct raft_reading_facts facts;
    raft_reading_get_facts(dump->store.node, &facts);
    head->entry = facts.applied;
    if (facts.witness)
        return error_set(&dump->error, STATUS_INVALID, "%s: of a witness, which keeps no data; dump another node",
                         dump->dir);
    return STATUS_OK;
}

static enum status write_stream(struct dump *dump) {
    struct dump_head head;
    enum status status = describe(dump, &head);
    dump->damage.engine = dump->store.engine;
    dump->names.view = &dump->store.view;
    dump->names.damage = &dump->damage;
    dump->writer.error = &dump->error;
    dump->writer.output.io = dump->store.io;
    if (status != STATUS_OK) return status;
    status = dump_writer_open(&dump->writer, &head);
    if (status == STATUS_OK) status = write_names(dump);
    dump->writer.counts.missing = dump->damage.places;
    draw(dump, true);
    return dump_writer_close(&dump->writer, status);
}

static void report(const struct dump *dump) {
    const struct dump_counts *counts = &dump->writer.counts;
    (void)fprintf(stderr,
                  "  %" PRIu64 " strings, %" PRIu64 " series (%" PRIu64 " samples), %" PRIu64 " graphs (%" PRIu64
                  " nodes, %" PRIu64 " edges): %" PRIu64 " commands, %" PRIu64 " bytes\n",
                  counts->strings, counts->series, counts->samples, counts->graphs, counts->nodes, counts->edges,
                  counts->commands, dump->writer.output.offset);
    if (counts->missing > 0)
        (void)fprintf(stderr, "  not all of it: %" PRIu64 " places could not be read\n", counts->missing);
}

static int run(struct dump *dump) {
    enum status status = store_reading_open(&dump->store, dump->dir, &dump->error);
    if (status == STATUS_OK) status = write_stream(dump);
    if (status == STATUS_OK)
        report(dump);
    else
        (void)fprintf(stderr, "loam dump: %s\n", dump->error.text[0] ? dump->error.text : status_text(status));
    if (status_class(status) == STATUS_CLASS_DAMAGE && !dump->damage.goes_on)
        (void)fprintf(stderr, "  nothing was kept; --partial leaves out what can't be read\n");
    dump_names_deinit(&dump->names);
    store_reading_close(&dump->store);
    if (status_class(status) == STATUS_CLASS_DAMAGE || (status == STATUS_OK && dump->damage.places > 0))
        return EXIT_CORRUPT;
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}

int command_dump(int argc, char **argv) {
    struct dump dump = {.writer.output.command = "dump", .draws = terminal_has_errors()};
    uint64_t names_mib = NAMES_MIB_DEFAULT;
    const struct argument_option taken[] = {{.name = "--output", .text = &dump.writer.output.path},
                                            {.name = "--partial", .flag = &dump.damage.goes_on},
                                            {.name = "--uncommitted", .flag = &dump.store.uncommitted},
                                            {.name = "--names-mib", .number = &names_mib, .limit = NAMES_MIB_MAX}};
    const struct arguments arguments = {"dump", usage, "a DIR", 1, 1, taken, 4};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    dump.dir = argv[0];
    dump.store.explains = dump.damage.goes_on;
    dump.names.limit_bytes = (size_t)names_mib << 20;
    return run(&dump);
}
