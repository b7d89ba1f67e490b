/*
 * import: `loam import`: options, and which source reads the files (import_source.h); the frame does the rest.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/import/import_frame.h"
#include "tools/loam/number_option.h"
#include "tools/loam/terminal.h"

static const char usage[] =
    "usage: loam import [--to HOST:PORT] [--password P] [--as KIND] [options] PATH...\n"
    "\n"
    "  --to            the server (127.0.0.1:7001); any node of a cluster will do\n"
    "  --as            what the files are: records, series or graph; without it --graph means a graph, *.csv are\n"
    "                  series, others records\n"
    "  --limit N       so many records or samples at most\n"
    "  --max-bad N     so many bad lines are left out and listed; one more ends the import (100)\n"
    "  --check         read all of it back and compare; exit code 1 if something is missing or differs\n"
    "\n"
    "  records: dpkg's directory (/var/lib/dpkg), its status file, any text file, or a directory of such -> SET\n"
    "\n"
    "  series: files time,value (ISO 8601 or a number), or a directory of such -> TS.CREATE, TS.MADD\n"
    "  --series NAME   the series; % stands for the file's name without .csv (%)\n"
    "  --label K=V     of a series that is made; may be repeated\n"
    "  --on-duplicate P   its DUPLICATE_POLICY: block, first, last, min, max, sum\n"
    "  --time-unit U   of times that are numbers: s, ms, us, ns; without it each file's first one decides\n"
    "\n"
    "  graph: *.csv with a header line, *.v lists of vertices, others lists of edges `source target [weight]` "
    "(comments\n"
    "  with # or %) -> GRAPH.IMPORT. Heads are those of Neo4j's import: `name:int`, :ID, :LABEL, :START_ID, :END_ID,\n"
    "  :TYPE, :IGNORE; types string, int, float, boolean, `[]` behind one for a list between ';'\n"
    "  --graph NAME    the graph\n"
    "  --node-label L  of the nodes of all files; several between ';'\n"
    "  --edge-type T   of edges without a :TYPE column (LINK for lists)\n"
    "  --weight KEY    the property that a list's third column becomes (weight)\n"
    "  --make-ends     nodes that edges name and no file holds are made; without it such edges are bad lines\n";

enum { MAX_BAD = 100 };

static const struct {
    const char *name;
    enum status (*open)(struct io *io, const struct import_options *options, struct import_tally *tally,
                        struct import_source **source, struct error *error);
    const char *ending; /* of a first PATH that is taken for it unasked */
} sources[] = {
    {"records", import_records_open, NULL},
    {"series", import_series_open, ".csv"},
    {"graph", import_graph_open, NULL},
};
enum { SOURCE_COUNT = sizeof sources / sizeof sources[0] };

struct import {
    const char *address, *password;
    const char *as;
    struct import_options options;
    struct import_tally tally;
};

/* May be repeated. */
static bool take_label(void *context, const char *value) {
    struct import_options *options = context;
    if (options->label_count == IMPORT_LABELS_MAX) return false;
    options->labels[options->label_count++] = value;
    return true;
}

static bool take_max_bad(void *context, const char *value) {
    uint64_t *limit = context;
    *limit = 0;
    return strcmp(value, "0") == 0 || number_option(value, UINT32_MAX, limit);
}

static bool take_arguments(struct import *import, int *argc, char **argv, int *code) {
    struct import_options *options = &import->options;
    const struct argument_option taken[] = {
        {.name = "--to", .text = &import->address},
        {.name = "--password", .text = &import->password},
        {.name = "--as", .text = &import->as},
        {.name = "--limit", .number = &options->limit, .limit = UINT32_MAX},
        {.name = "--max-bad", .take = take_max_bad, .context = &import->tally.bad.limit, .meaning = "a number"},
        {.name = "--check", .flag = &options->check},
        {.name = "--series", .text = &options->series},
        {.name = "--label", .take = take_label, .context = options, .meaning = "K=V, at most 32 of them"},
        {.name = "--on-duplicate", .text = &options->on_duplicate},
        {.name = "--time-unit", .text = &options->time_unit},
        {.name = "--graph", .text = &options->graph},
        {.name = "--node-label", .text = &options->node_label},
        {.name = "--edge-type", .text = &options->edge_type},
        {.name = "--weight", .text = &options->weight},
        {.name = "--make-ends", .flag = &options->make_ends},
    };
    const struct arguments arguments = {"import", usage, "a PATH", 1, INT_MAX, taken, sizeof taken / sizeof taken[0]};
    if (!arguments_take(&arguments, argc, argv, code)) return false;
    options->paths = argv;
    options->path_count = *argc;
    return true;
}

static bool ends_with(const char *text, const char *end) {
    const size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* SOURCE_COUNT if --as names none. */
static size_t choose_source(const struct import *import) {
    const bool series = import->options.series != NULL || import->options.label_count > 0;
    const char *name = import->as ? import->as : import->options.graph ? "graph" : series ? "series" : NULL;
    for (size_t i = 0; name && i < SOURCE_COUNT; i++)
        if (strcmp(name, sources[i].name) == 0) return i;
    if (name) return SOURCE_COUNT;
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        if (sources[i].ending && ends_with(import->options.paths[0], sources[i].ending)) return i;
    return 0;
}

static int run(struct import *import, struct io *io, struct error *error) {
    struct import_frame frame = {.io = io,
                                 .address = import->address,
                                 .password = import->password,
                                 .draws = terminal_has_errors(),
                                 .tally = &import->tally};
    const size_t chosen = choose_source(import);
    enum status status =
        chosen == SOURCE_COUNT
            ? error_set(error, STATUS_INVALID, "--as %s: records, series or graph is wanted", import->as)
            : sources[chosen].open(io, &import->options, &import->tally, &frame.source, error);
    const bool opened = status == STATUS_OK;
    if (opened) status = import_frame_run(&frame, error);
    bool good = status == STATUS_OK;
    if (good) {
        import_frame_report(&frame, import->options.check);
        if (frame.source->report) good = frame.source->report(frame.source);
    } else {
        (void)fprintf(stderr, "loam import: %s\n", error->text[0] ? error->text : status_text(status));
        bad_lines_print(&import->tally.bad, stderr);
    }
    if (opened) frame.source->close(frame.source);
    return good ? EXIT_CLEAN : EXIT_FAILED;
}

int command_import(int argc, char **argv) {
    int code;
    struct import import = {
        .address = "127.0.0.1:7001", .options = {.weight = "weight"}, .tally = {.bad = {.limit = MAX_BAD}}};
    if (!take_arguments(&import, &argc, argv, &code)) return code;
    const struct io_options io_options = {.backend = IO_BACKEND_POSIX};
    struct error error = {0};
    struct io *io = NULL;
    enum status status = io_create(&io_options, &io, &error);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "loam import: %s\n", error.text[0] ? error.text : status_text(status));
        return EXIT_FAILED;
    }
    code = run(&import, io, &error);
    io_destroy(io);
    return code;
}
