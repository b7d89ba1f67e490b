/*
 * record: `loam simulate record`: the writes that a log holds, as a trace. Of a bare engine's store these are the
 * batches of its log; of a node, what the committed entries of its log become when they are applied. Nothing of the
 * store is changed, no lock is taken; its owner may run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/explain.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/explain/log_walk.h"
#include "tools/loam/out.h"
#include "tools/loam/simulate/simulate.h"
#include "tools/loam/simulate/write_trace.h"
#include "tools/loam/store_reading.h"

static const char usage[] =
    "usage: loam simulate record DIR FILE [--follow SECONDS]\n"
    "\n"
    "Writes the trace FILE, which must not exist: kind, key, size of the value and time of each write that the log in\n"
    "DIR holds. DIR is a store of the bare engine, with its own log, or a node's data directory, whose committed\n"
    "entries are applied in memory. Logs are cut behind a flush: --follow goes on to read what comes for so long,\n"
    "beside the owner. DIR is not changed, and its owner may run.\n"
    "\n"
    "exit codes: 0 clean, 1 usage or failure, 2 a part of the log is damaged: what can be read of it is recorded\n";

enum { FOLLOW_MOST = 7 * 24 * 3600, ENGINE_PAUSE_MS = 100, NODE_PAUSE_MS = 1000, NS_PER_MS = 1000000 };

struct recording {
    struct io *io;
    const char *dir;
    bool is_node;
    struct trace_writer *writer;
    struct engine_mark mark; /* of the batch that is being told */
    uint64_t first, last;    /* indexes of batches */
    uint64_t missing;        /* batches between these that were gone before they were read */
    uint64_t kept_out;       /* records of the log that are no batches */
    uint32_t segment;        /* the last one that was read; what is before it will not change */
    uint64_t damaged;
    bool follows;
};

static int fail(const char *text) {
    (void)fprintf(stderr, "loam simulate record: %s\n", text);
    return EXIT_FAILED;
}

/* ---- Batches ----------------------------------------------------------------------------------------------------- */

static enum status take_operation(void *context, const struct engine_operation *operation) {
    static const enum write_kind kinds[] = {
        [ENGINE_OPERATION_PUT] = WRITE_PUT,       [ENGINE_OPERATION_DELETE] = WRITE_DELETE,
        [ENGINE_OPERATION_MERGE] = WRITE_MERGE,   [ENGINE_OPERATION_DELETE_RANGE] = WRITE_DELETE_RANGE,
        [ENGINE_OPERATION_APPEND] = WRITE_APPEND, [ENGINE_OPERATION_DROP_TREE] = WRITE_DROP_TREE};
    struct recording *recording = context;
    if (operation->kind == ENGINE_OPERATION_CREATE_TREE) return STATUS_OK; /* its first write tells */
    const bool is_range = operation->kind == ENGINE_OPERATION_DELETE_RANGE;
    if (operation->key.size > ENGINE_KEY_MAX_BYTES || operation->value.size > ENGINE_VALUE_MAX_BYTES ||
        (is_range && operation->value.size > ENGINE_KEY_MAX_BYTES))
        return STATUS_CORRUPT;
    const struct write_op op = {.kind = kinds[operation->kind],
                                .tree = operation->tree,
                                .time_ms = recording->mark.time_ms > 0 ? recording->mark.time_ms : 0,
                                .key = operation->key,
                                .end = is_range ? operation->value : slice_make(NULL, 0),
                                .value_bytes = is_range ? 0 : (uint32_t)operation->value.size};
    return trace_writer_add(recording->writer, &op);
}

/* False: it was recorded before. */
static bool is_new(struct recording *recording, uint64_t index) {
    if (index <= recording->last) return false;
    if (recording->last > 0) recording->missing += index - recording->last - 1;
    if (recording->first == 0) recording->first = index;
    recording->last = index;
    return true;
}

static enum status take_batch(void *context, const struct engine_batch *batch) {
    struct recording *recording = context;
    if (!is_new(recording, batch->mark.index)) return STATUS_OK;
    recording->mark = batch->mark;
    return engine_walk_batch(batch, take_operation, recording);
}

static enum status take_record(void *context, const struct wal_record *record) {
    struct recording *recording = context;
    struct engine_mark mark = {.index = 0};
    if (engine_batch_mark(record->payload, &mark) != STATUS_OK) {
        recording->kept_out++;
        return STATUS_OK;
    }
    if (!is_new(recording, mark.index)) return STATUS_OK;
    recording->mark = mark;
    const enum status status = engine_walk_record(record->payload, &mark, take_operation, recording);
    if (status != STATUS_CORRUPT) return status;
    recording->kept_out++;
    return STATUS_OK;
}

static enum status take_damage(void *context, const char *text, bool torn) {
    struct recording *recording = context;
    if (torn) return STATUS_OK; /* never acknowledged, or being written */
    recording->damaged++;
    (void)fprintf(stderr, "loam simulate record: damage: %s\n", text);
    return STATUS_OK;
}

/* ---- One look at the log ----------------------------------------------------------------------------------------- */

static enum status read_engine(struct recording *recording, struct error *error) {
    char path[IO_PATH_BYTES];
    struct log_walk walk = {.io = recording->io,
                            .dir = path,
                            .from = recording->segment,
                            .record = take_record,
                            .damage = take_damage,
                            .context = recording};
    if (snprintf(path, sizeof path, "%s/wal", recording->dir) >= (int)sizeof path)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", recording->dir);
    const enum status status = log_walk_run(&walk);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    if (walk.last > recording->segment) recording->segment = walk.last;
    return STATUS_OK;
}

static enum status read_node(struct recording *recording, struct error *error) {
    struct store_reading reading = {.on_batch = take_batch, .context = recording};
    const enum status status = store_reading_open(&reading, recording->dir, error);
    store_reading_close(&reading);
    return status;
}

static enum status read_log(struct recording *recording, struct error *error) {
    enum status status = recording->is_node ? read_node(recording, error) : read_engine(recording, error);
    if (status != STATUS_OK) return status;
    status = trace_writer_push(recording->writer);
    return status == STATUS_OK ? status : error_set(error, status, "the trace: %s", status_text(status));
}

static enum status follow(struct recording *recording, uint64_t seconds, struct error *error) {
    const uint64_t until = io_now_ns(recording->io) + seconds * 1000 * NS_PER_MS;
    const uint64_t pause_ms = recording->is_node ? NODE_PAUSE_MS : ENGINE_PAUSE_MS;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && io_now_ns(recording->io) < until) {
        io_sleep(recording->io, pause_ms * NS_PER_MS);
        status = read_log(recording, error);
    }
    return status;
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

static bool holds(struct io *io, const char *dir, const char *name, enum io_entry_kind kind) {
    char path[IO_PATH_BYTES];
    struct io_entry entry;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) return false;
    return io_stat(io, path, &entry) == STATUS_OK && entry.kind == kind;
}

static enum status choose(struct recording *recording, struct error *error) {
    struct io_entry entry;
    const enum status status = io_stat(recording->io, recording->dir, &entry);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", recording->dir, status_text(status));
    recording->is_node = holds(recording->io, recording->dir, "superblock", IO_ENTRY_FILE);
    if (recording->is_node || holds(recording->io, recording->dir, "wal", IO_ENTRY_DIR)) return STATUS_OK;
    return error_set(error, STATUS_NOT_FOUND,
                     "%s: neither a node's data directory nor a store with a log of its own: there is no log to record",
                     recording->dir);
}

static int tell(const struct recording *recording, const char *path) {
    char bytes[OUT_WORDS_BYTES];
    printf("%s: %" PRIu64 " writes of %s %" PRIu64 " to %" PRIu64 ", %s\n", path,
           trace_writer_operations(recording->writer), recording->is_node ? "entries" : "batches", recording->first,
           recording->last, bytes_words(trace_writer_bytes(recording->writer), bytes));
    if (recording->missing > 0)
        (void)fprintf(stderr,
                      "loam simulate record: %" PRIu64 " batches are missing between them: damaged, or flushed and cut "
                      "before they were read\n",
                      recording->missing);
    if (recording->kept_out > 0)
        (void)fprintf(stderr, "loam simulate record: %" PRIu64 " records of the log are no batches\n",
                      recording->kept_out);
    return recording->damaged > 0 || recording->kept_out > 0 ? EXIT_CORRUPT : EXIT_CLEAN;
}

static int record(struct recording *recording, const char *path, uint64_t seconds) {
    struct error error = {.status = STATUS_OK};
    if (choose(recording, &error) != STATUS_OK) return fail(error.text);
    if (trace_writer_open(recording->io, path, &recording->writer, &error) != STATUS_OK) return fail(error.text);
    enum status status = read_log(recording, &error);
    if (status == STATUS_OK && seconds > 0) status = follow(recording, seconds, &error);
    const enum status finished = trace_writer_finish(recording->writer);
    bool empty = false;
    int code = EXIT_FAILED;
    if (finished != STATUS_OK) {
        (void)fprintf(stderr, "loam simulate record: %s: %s\n", path, status_text(finished));
    } else if (status != STATUS_OK) {
        (void)fail(error.text);
        code = status_class(status) == STATUS_CLASS_DAMAGE ? EXIT_CORRUPT : EXIT_FAILED;
    } else if (trace_writer_operations(recording->writer) == 0) {
        (void)fprintf(stderr,
                      "loam simulate record: %s: its log holds no writes; all of it is flushed and cut. "
                      "--follow records what comes\n",
                      recording->dir);
        empty = true;
    } else {
        code = tell(recording, path);
    }
    trace_writer_close(recording->writer);
    if (empty && io_remove(recording->io, path) != STATUS_OK)
        (void)fprintf(stderr, "loam simulate record: %s: a trace of nothing, which can't be removed\n", path);
    return code;
}

int simulate_record(int argc, char **argv) {
    uint64_t seconds = 0;
    const struct argument_option options[] = {{.name = "--follow", .number = &seconds, .limit = FOLLOW_MOST}};
    const struct arguments arguments = {"simulate record", usage, "a DIR and a FILE", 2, 2, options, 1};
    struct recording recording = {.is_node = false};
    struct error error = {.status = STATUS_OK};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &recording.io, &error) != STATUS_OK)
        return fail(error.text);
    recording.dir = argv[0];
    code = record(&recording, argv[1], seconds);
    io_destroy(recording.io);
    return code;
}
