#include "tools/loam/sim_trace.h"

#include <stdio.h>

#include "engine/io.h"
#include "tools/sim/server_node.h"
#include "tools/sim/sim_alloc.h"

void sim_trace_open(struct sim_trace *trace, struct world_options *options) {
    const struct record_options wanted = {.nodes = options->plan->nodes, .describe = server_node_describe};
    *trace = (struct sim_trace){.record = record_create(&wanted)};
    trace->operations.items = sim_alloc(TRACE_OPERATIONS_MAX * sizeof *trace->operations.items);
    options->record = trace->record;
    options->history = trace_operations_take;
    options->history_context = &trace->operations;
}

static enum status write_file(const char *path, struct slice text, struct error *error) {
    struct io *io = NULL;
    struct io_file *file = NULL;
    enum status status = io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &io, error);
    if (status != STATUS_OK) return status;
    status = io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file);
    if (status == STATUS_OK) status = io_file_write(file, 0, text.data, text.size);
    if (status != STATUS_OK) (void)error_set(error, status, "%s", status_text(status));
    io_file_close(file);
    io_destroy(io);
    return status;
}

bool sim_trace_write(const struct sim_trace *trace, const struct world_options *options,
                     const struct world_report *report, const char *path) {
    const struct trace_run run = {
        .plan = options->plan, .report = report, .record = trace->record, .operations = &trace->operations};
    struct buf page = BUF_EMPTY;
    struct error error = {0};
    enum status status = trace_page_make(&page, &run);
    if (status != STATUS_OK) (void)error_set(&error, status, "%s", status_text(status));
    if (status == STATUS_OK) status = write_file(path, buf_slice(&page), &error);
    buf_deinit(&page);
    if (status != STATUS_OK) (void)fprintf(stderr, "loam sim: %s: %s\n", path, error.text);
    return status == STATUS_OK;
}

void sim_trace_close(struct sim_trace *trace) {
    record_destroy(trace->record);
    sim_free(trace->operations.items);
    *trace = (struct sim_trace){0};
}
