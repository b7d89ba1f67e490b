/*
 * export: `loam export`: a graph of a running server as a file for other programs. What is written is one state of the
 * graph: if it changes meanwhile, the export fails and says so. A file appears under its name once it is complete.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/export/export_format.h"
#include "tools/loam/export/graph_pages.h"
#include "tools/loam/output.h"

enum { TIMEOUT_MS = 60000, FLUSH_BYTES = 256 << 10 };

static const char usage[] =
    "usage: loam export [--to HOST:PORT] [--password P] --format dot|graphml [--output FILE] GRAPH\n"
    "\n"
    "  --to         the server (127.0.0.1:7001); any node of a cluster will do\n"
    "  --format     graphml: all of it, with typed keys; dot: for Graphviz, properties as text of the labels\n"
    "  --output     a file, made or replaced once it is complete; without it standard output\n"
    "\n"
    "Exit code 1, with words, if the graph is changed while it is read.\n";

struct export {
    const char *address, *password, *graph;
    const struct export_format *format;
    struct io *io;
    struct output output;
    struct graph_pages pages;
    struct export_writing writing;
    uint64_t nodes, edges;
};

static enum status flush_text(struct export *export, size_t above, struct error *error) {
    struct buf *text = &export->writing.text;
    if (text->size <= above) return STATUS_OK;
    enum status status = output_write(&export->output, buf_slice(text), error);
    buf_clear(text);
    return status;
}

/* ---- Passes ------------------------------------------------------------------------------------------------------ */

static enum status note_all(struct export *export, bool edges, struct error *error) {
    const struct resp_reply *row;
    enum status status;
    graph_pages_begin(&export->pages, edges);
    while ((status = graph_pages_next(&export->pages, &row, error)) == STATUS_OK) {
        status = export_keys_note(&export->writing.keys, &row->elements[row->count - 1], edges);
        if (status != STATUS_OK) return status;
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status write_all(struct export *export, bool edges, struct error *error) {
    const struct resp_reply *row;
    enum status status;
    graph_pages_begin(&export->pages, edges);
    while ((status = graph_pages_next(&export->pages, &row, error)) == STATUS_OK) {
        status = edges ? export->format->edge(&export->writing, row) : export->format->node(&export->writing, row);
        if (status == STATUS_OK) status = flush_text(export, FLUSH_BYTES, error);
        if (status != STATUS_OK) return status;
        ++*(edges ? &export->edges : &export->nodes);
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status write_graph(struct export *export, struct error *error) {
    const struct export_format *format = export->format;
    enum status status = STATUS_OK;
    for (int edges = 0; status == STATUS_OK && format->needs_keys && edges < 2; edges++)
        status = note_all(export, edges == 1, error);
    if (status == STATUS_OK) status = format->head(&export->writing);
    for (int edges = 0; status == STATUS_OK && edges < 2; edges++) status = write_all(export, edges == 1, error);
    if (status == STATUS_OK) status = format->foot(&export->writing);
    return status == STATUS_OK ? flush_text(export, 0, error) : status;
}

static enum status run(struct export *export, struct error *error) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct client *client = NULL;
    enum status status = io_create(&options, &export->io, error);
    if (status == STATUS_OK) status = client_open(export->io, export->address, TIMEOUT_MS, &client, error);
    if (status == STATUS_OK) status = client_authenticate(client, export->password, error);
    if (status == STATUS_OK) status = graph_pages_open(&export->pages, client, export->graph, error);
    if (status == STATUS_OK) {
        export->output.io = export->io;
        status = output_open(&export->output, error);
    }
    if (status == STATUS_OK) status = write_graph(export, error);
    status = output_close(&export->output, status, error);
    client_close(client);
    io_destroy(export->io);
    export_keys_deinit(&export->writing.keys);
    buf_deinit(&export->writing.text);
    buf_deinit(&export->writing.value);
    return status;
}

/* ---- Command line ------------------------------------------------------------------------------------------------ */

static bool take_format(void *context, const char *name) {
    struct export *export = context;
    static const struct export_format *const formats[] = {&export_dot, &export_graphml};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i]->name, name) == 0) export->format = formats[i];
    return export->format != NULL;
}

int command_export(int argc, char **argv) {
    struct export export = {.address = "127.0.0.1:7001", .output = {.command = "export"}};
    struct error error = {0};
    const struct argument_option taken[] = {
        {.name = "--to", .text = &export.address},
        {.name = "--password", .text = &export.password},
        {.name = "--output", .text = &export.output.path},
        {.name = "--format", .take = take_format, .context = &export, .meaning = "dot or graphml"}};
    const struct arguments arguments = {"export", usage, "a GRAPH", 1, 1, taken, 4};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (!export.format) return arguments_refuse(&arguments, "--format is missing");
    export.graph = argv[0];
    export.writing.graph = export.graph;
    enum status status = run(&export, &error);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "loam export: %s\n", error.text[0] ? error.text : status_text(status));
        return EXIT_FAILED;
    }
    (void)fprintf(stderr, "  %" PRIu64 " nodes, %" PRIu64 " edges, as log entry %" PRId64 " left them\n", export.nodes,
                  export.edges, export.pages.change);
    if (export.writing.replaced > 0)
        (void)fprintf(stderr, "  %" PRIu64 " characters that %s can't hold became U+FFFD\n", export.writing.replaced,
                      export.format->name);
    return EXIT_CLEAN;
}
