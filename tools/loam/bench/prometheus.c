/* prometheus: see prometheus.h. */
#include "tools/loam/bench/prometheus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "tools/loam/bench/bench_dir.h"
#include "tools/loam/bench/bench_target.h"
#include "tools/loam/cluster/process.h"

enum { WRITE_BYTES = 1 << 20 };

/* ---- OpenMetrics text -------------------------------------------------------------------------------------------- */

struct text_file {
    struct io_file *file;
    struct buf pending;
    uint64_t offset;
};

static enum status write_pending(struct text_file *text) {
    enum status status = io_file_write(text->file, text->offset, text->pending.data, text->pending.size);
    text->offset += text->pending.size;
    buf_clear(&text->pending);
    return status;
}

/* nab{file="name"} value seconds.thousandths */
static enum status write_series(struct text_file *text, const struct tsdb_series *series) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < series->count; i++) {
        const int64_t time_ms = series->times_ms[i];
        status = buf_append_format(&text->pending, "nab{file=\"%s\"} %s %" PRId64 ".%03d\n", series->name,
                                   series->texts[i], time_ms / 1000, (int)(time_ms % 1000));
        if (status == STATUS_OK && text->pending.size >= WRITE_BYTES) status = write_pending(text);
    }
    return status;
}

static enum status write_text(struct io *io, const char *path, const struct tsdb_data *data, struct error *error) {
    struct text_file text = {0};
    enum status status = io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &text.file);
    if (status == STATUS_OK) status = buf_append_format(&text.pending, "# TYPE nab gauge\n");
    for (size_t i = 0; status == STATUS_OK && i < data->files.count; i++)
        status = write_series(&text, &data->series[i]);
    if (status == STATUS_OK) status = buf_append_format(&text.pending, "# EOF\n");
    if (status == STATUS_OK) status = write_pending(&text);
    buf_deinit(&text.pending);
    io_file_close(text.file);
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s: %s", path, status_text(status));
}

/* ---- promtool ---------------------------------------------------------------------------------------------------- */

static enum status run(const char *program, const char *const *arguments, const char *log, struct error *error) {
    long pid = 0;
    int code = 0;
    enum status status = process_start(program, arguments, log, &pid, error);
    if (status == STATUS_OK) status = process_wait(pid, &code);
    if (status != STATUS_OK) return status;
    return code == 0 ? STATUS_OK : error_set(error, STATUS_IO, "promtool ended with code %d; see %s", code, log);
}

/* "promtool, version 2.42.0+ds (branch: ..." */
static void read_version(struct io *io, const char *program, const char *log, char *version, size_t size) {
    const char *const arguments[] = {"promtool", "--version", NULL};
    char text[256] = "";
    struct io_file *file = NULL;
    size_t got = 0;
    (void)snprintf(version, size, "unknown");
    if (run(program, arguments, log, NULL) || io_file_open(io, log, IO_OPEN_READ, &file)) return;
    if (io_file_read(file, 0, text, sizeof text - 1, &got) == STATUS_OK) {
        const char *word = strstr(text, "version ");
        if (word) (void)snprintf(version, size, "%.*s", (int)strcspn(word + 8, " "), word + 8);
    }
    io_file_close(file);
}

/* ---- The blocks' files ------------------------------------------------------------------------------------------- */

struct block_walk {
    struct io *io;
    const char *path;
    struct prometheus_result *result;
};

static enum status add_chunk_file(void *context, const struct io_entry *entry) {
    struct prometheus_result *result = context;
    result->chunk_bytes += entry->size;
    return STATUS_OK;
}

static enum status add_block_entry(void *context, const struct io_entry *entry) {
    const struct block_walk *walk = context;
    char path[IO_PATH_BYTES];
    if (strcmp(entry->name, "chunks") == 0) {
        if (snprintf(path, sizeof path, "%s/chunks", walk->path) >= (int)sizeof path) return STATUS_TOO_LARGE;
        return io_dir_list(walk->io, path, add_chunk_file, walk->result);
    }
    *(strcmp(entry->name, "index") == 0 ? &walk->result->index_bytes : &walk->result->other_bytes) += entry->size;
    return STATUS_OK;
}

static enum status add_block(void *context, const struct io_entry *entry) {
    const struct block_walk *walk = context;
    char path[IO_PATH_BYTES];
    if (entry->kind != IO_ENTRY_DIR) return STATUS_OK;
    if (snprintf(path, sizeof path, "%s/%s", walk->path, entry->name) >= (int)sizeof path) return STATUS_TOO_LARGE;
    struct block_walk inside = {.io = walk->io, .path = path, .result = walk->result};
    walk->result->blocks++;
    return io_dir_list(walk->io, path, add_block_entry, &inside);
}

enum status prometheus_measure(struct io *io, const char *dir, const struct tsdb_data *data,
                               struct prometheus_result *result, struct error *error) {
    char program[IO_PATH_BYTES], text[IO_PATH_BYTES], blocks[IO_PATH_BYTES], log[IO_PATH_BYTES];
    *result = (struct prometheus_result){0};
    enum status status = bench_program_find(io, "promtool", program, error);
    if (status != STATUS_OK) return status;
    (void)snprintf(text, sizeof text, "%.900s/nab.txt", dir);
    (void)snprintf(blocks, sizeof blocks, "%.900s/blocks", dir);
    (void)snprintf(log, sizeof log, "%.900s/promtool.log", dir);
    bench_remove_dir(io, dir);
    status = bench_make_dir(io, dir);
    if (status != STATUS_OK) return error_set(error, status, "cannot make %s: %s", dir, status_text(status));
    read_version(io, program, log, result->version, sizeof result->version);
    status = write_text(io, text, data, error);
    /* Blocks as long as they come: fewer indexes, and the text is not read once for each two hours. */
    const char *const arguments[] = {
        "promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1000000h", text, blocks, NULL};
    const uint64_t start_ns = io_now_ns(io);
    if (status == STATUS_OK) status = run(program, arguments, log, error);
    result->seconds = (double)(io_now_ns(io) - start_ns) / 1e9;
    struct block_walk walk = {.io = io, .path = blocks, .result = result};
    if (status == STATUS_OK) status = io_dir_list(io, blocks, add_block, &walk);
    if (status == STATUS_OK && result->blocks == 0)
        status = error_set(error, STATUS_NOT_FOUND, "promtool made no block; see %s", log);
    if (status == STATUS_OK) bench_remove_dir(io, dir);
    return status;
}
