/*
 * import: `loam import`: options, and which source reads the files (import_source.h); the frame does the rest.
 */
#include <stdio.h>
#include <string.h>

#include "tools/loam/commands.h"
#include "tools/loam/import/import_frame.h"
#include "tools/loam/number_option.h"
#include "tools/loam/terminal.h"

static const char usage[] =
    "usage: loam import [--to HOST:PORT] [--as KIND] [options] PATH...\n"
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
    const char *address;
    const char *as;
    struct import_options options;
    struct import_tally tally;
};

static bool take_text(struct import *import, const char *name, const char *value) {
    struct import_options *options = &import->options;
    const struct {
        const char *name;
        const char **to;
    } texts[] = {{"--to", &import->address},
                 {"--as", &import->as},
                 {"--series", &options->series},
                 {"--on-duplicate", &options->on_duplicate},
                 {"--time-unit", &options->time_unit},
                 {"--graph", &options->graph},
                 {"--node-label", &options->node_label},
                 {"--edge-type", &options->edge_type},
                 {"--weight", &options->weight}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(name, texts[i].name) == 0) return (*texts[i].to = value)[0] != '\0';
    if (strcmp(name, "--label") != 0 || options->label_count == IMPORT_LABELS_MAX) return false;
    options->labels[options->label_count++] = value;
    return true;
}

static bool take_value(struct import *import, const char *name, const char *value) {
    if (strcmp(name, "--limit") == 0) return number_option(value, UINT32_MAX, &import->options.limit);
    if (strcmp(name, "--max-bad") != 0) return take_text(import, name, value);
    import->tally.bad.limit = 0;
    return strcmp(value, "0") == 0 || number_option(value, UINT32_MAX, &import->tally.bad.limit);
}

/* The rest of the arguments are the paths. */
static bool parse_options(struct import *import, int argc, char **argv) {
    int at = 0;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--check") == 0)
            import->options.check = true;
        else if (strcmp(argv[at], "--make-ends") == 0)
            import->options.make_ends = true;
        else if (at + 1 == argc || !take_value(import, argv[at], argv[at + 1]))
            return false;
        else
            at++;
    }
    import->options.paths = argv + at;
    import->options.path_count = argc - at;
    return at < argc;
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
    struct import_frame frame = {
        .io = io, .address = import->address, .draws = terminal_has_errors(), .tally = &import->tally};
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
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        (void)fputs(usage, stdout);
        return EXIT_CLEAN;
    }
    struct import import = {
        .address = "127.0.0.1:7001", .options = {.weight = "weight"}, .tally = {.bad = {.limit = MAX_BAD}}};
    if (!parse_options(&import, argc, argv)) {
        (void)fputs(usage, stderr);
        return EXIT_FAILED;
    }
    const struct io_options io_options = {.backend = IO_BACKEND_POSIX};
    struct error error = {0};
    struct io *io = NULL;
    enum status status = io_create(&io_options, &io, &error);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "loam import: %s\n", error.text[0] ? error.text : status_text(status));
        return EXIT_FAILED;
    }
    const int code = run(&import, io, &error);
    io_destroy(io);
    return code;
}
