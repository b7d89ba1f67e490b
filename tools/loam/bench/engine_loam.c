/* engine_loam: the driver of this project's own engine. Invariant: it is reached through its public header alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "tools/loam/bench/engine_driver.h"
#include "tools/loam/bench/engine_loam_txn.h"

enum { TREE = 1, KIND = 1 };

struct store {
    struct engine *engine;
    struct engine_tree_kind kind; /* lent to the engine */
};
struct store_writer {
    struct store *store;
    struct engine_batch batch;
};
struct store_reader {
    struct engine *engine;
    struct engine_value value;
};
struct store_cursor {
    struct store *store;
    struct engine_iterator *iterator;
};

static enum status fail(struct store *store, enum status status, const char *what) {
    struct error error;
    engine_last_error(store->engine, &error);
    return engine_driver_fail(&engine_driver_loam, status, what, error.text[0] ? error.text : status_text(status));
}

/* ---- Open and close ---------------------------------------------------------------------------------------------- */

static enum engine_compression compression_of(const struct bench_settings *settings) {
    switch (settings->compression) {
    case BENCH_COMPRESSION_LZ4: return ENGINE_COMPRESSION_LZ4;
    case BENCH_COMPRESSION_ZSTD: return ENGINE_COMPRESSION_ZSTD;
    case BENCH_COMPRESSION_NONE: break;
    }
    return ENGINE_COMPRESSION_NONE;
}

static enum status make_tree(struct store *store) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    enum status status = engine_batch_create_tree(&batch, TREE, KIND);
    if (status == STATUS_OK) status = engine_write(store->engine, &batch, NULL);
    engine_batch_deinit(&batch);
    return status;
}

static void loam_close(struct store *store) {
    engine_close(store->engine);
    free(store);
}

static enum status loam_open(struct io *io, const struct bench_settings *settings, const char *dir, bool durable,
                             struct store **opened) {
    (void)durable; /* said with each write */
    struct store *store = calloc(1, sizeof *store);
    if (!store) return STATUS_NO_MEMORY;
    store->kind = (struct engine_tree_kind){.id = KIND,
                                            .name = "bench",
                                            .upper = compression_of(settings),
                                            .bottom = compression_of(settings),
                                            .policy = settings->policy,
                                            .filter_bits_per_key = (unsigned)settings->filter_bits,
                                            .dictionary_bytes = settings->dictionary_bytes,
                                            .value_threshold_bytes = settings->value_threshold_bytes};
    struct engine_options options = {.kinds = &store->kind,
                                     .kind_count = 1,
                                     .memory_bytes = settings->memory_bytes,
                                     .memtable_bytes = settings->memory_bytes ? 0 : settings->memtable_bytes,
                                     .cache_bytes = settings->memory_bytes ? 0 : settings->cache_bytes,
                                     .map_tables = settings->map_tables,
                                     .level_base_bytes = settings->level_bytes,
                                     .file_bytes = settings->file_bytes};
    struct error error = {0};
    enum status status = engine_open(io, dir, &options, &store->engine, &error);
    if (status == STATUS_OK) status = make_tree(store);
    if (status != STATUS_OK) {
        (void)engine_driver_fail(&engine_driver_loam, status, dir, error.text[0] ? error.text : status_text(status));
        loam_close(store);
        return status;
    }
    *opened = store;
    return STATUS_OK;
}

static bool loam_version(char *text, size_t size) {
    (void)snprintf(text, size, "%s", LOAM_VERSION);
    return true;
}

static void loam_describe(const struct bench_settings *settings, char *text, size_t size) {
    char file[32] = "its own", apart[64] = "";
    if (settings->file_bytes)
        (void)snprintf(file, sizeof file, "%llu MiB", (unsigned long long)settings->file_bytes >> 20);
    char budget[128] = "";
    if (settings->memory_bytes)
        (void)snprintf(budget, sizeof budget, "one budget of %llu MiB for memtables, cache and all else, ",
                       (unsigned long long)settings->memory_bytes >> 20);
    if (settings->value_threshold_bytes)
        (void)snprintf(apart, sizeof apart, ", values from %llu bytes on kept apart",
                       (unsigned long long)settings->value_threshold_bytes);
    char packed[64] = "";
    if (settings->dictionary_bytes)
        (void)snprintf(packed, sizeof packed, ", dictionaries of %llu bytes",
                       (unsigned long long)settings->dictionary_bytes);
    (void)snprintf(text, size,
                   "%spolicy %s, level base %llu MiB, files %s, blocks 4 KiB, checksums on reads from files%s%s%s",
                   budget, bench_policy_name(settings->policy), (unsigned long long)settings->level_bytes >> 20, file,
                   settings->map_tables ? ", tables mapped" : "", apart, packed);
}

/* ---- Writes ------------------------------------------------------------------------------------------------------ */

static enum status loam_writer_open(struct store *store, struct store_writer **opened) {
    struct store_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return STATUS_NO_MEMORY;
    writer->store = store;
    engine_batch_init(&writer->batch);
    *opened = writer;
    return STATUS_OK;
}

static void loam_writer_close(struct store_writer *writer) {
    engine_batch_deinit(&writer->batch);
    free(writer);
}

static enum status write_batch(struct store_writer *writer, enum status status, bool sync) {
    struct engine_write_options options = {.sync = sync};
    if (status == STATUS_OK) status = engine_write(writer->store->engine, &writer->batch, &options);
    engine_batch_clear(&writer->batch);
    return status == STATUS_OK ? status : fail(writer->store, status, "write");
}

static enum status loam_put(struct store_writer *writer, struct slice key, struct slice value, bool sync) {
    return write_batch(writer, engine_batch_put(&writer->batch, TREE, key, value), sync);
}

static enum status loam_delete(struct store_writer *writer, struct slice key) {
    return write_batch(writer, engine_batch_delete(&writer->batch, TREE, key), false);
}

static enum status loam_batch_add(struct store_writer *writer, struct slice key, struct slice value) {
    return engine_batch_put(&writer->batch, TREE, key, value);
}

static enum status loam_batch_write(struct store_writer *writer) {
    return write_batch(writer, STATUS_OK, false);
}

/* ---- Reads ------------------------------------------------------------------------------------------------------- */

static enum status loam_reader_open(struct store *store, struct store_reader **opened) {
    struct store_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return STATUS_NO_MEMORY;
    reader->engine = store->engine;
    *opened = reader;
    return STATUS_OK;
}

static void loam_reader_close(struct store_reader *reader) {
    free(reader);
}

static enum status loam_get(struct store_reader *reader, struct slice key, struct slice *value) {
    enum status status = engine_get(reader->engine, NULL, TREE, key, &reader->value);
    if (status == STATUS_OK) *value = reader->value.data;
    return status;
}

static void loam_done(struct store_reader *reader) {
    engine_value_release(&reader->value);
}

static enum status loam_cursor_open(struct store *store, bool scan, struct store_cursor **opened) {
    struct store_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor) return STATUS_NO_MEMORY;
    cursor->store = store;
    struct engine_iterator_options options = {.no_fill = scan};
    enum status status = engine_iterator_open(store->engine, TREE, &options, &cursor->iterator);
    if (status != STATUS_OK) {
        free(cursor);
        return fail(store, status, "iterator");
    }
    *opened = cursor;
    return STATUS_OK;
}

static void loam_cursor_close(struct store_cursor *cursor) {
    engine_iterator_close(cursor->iterator);
    free(cursor);
}

static enum status entry(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    if (!engine_iterator_valid(cursor->iterator)) {
        enum status status = engine_iterator_status(cursor->iterator);
        return status == STATUS_OK ? STATUS_END : fail(cursor->store, status, "iterator");
    }
    *key = engine_iterator_key(cursor->iterator);
    *value = engine_iterator_value(cursor->iterator);
    return STATUS_OK;
}

static enum status loam_first(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    engine_iterator_seek_first(cursor->iterator);
    return entry(cursor, key, value);
}
static enum status loam_last(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    engine_iterator_seek_last(cursor->iterator);
    return entry(cursor, key, value);
}
static enum status loam_seek(struct store_cursor *cursor, struct slice from, struct slice *key, struct slice *value) {
    engine_iterator_seek(cursor->iterator, from);
    return entry(cursor, key, value);
}
static enum status loam_next(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    engine_iterator_next(cursor->iterator);
    return entry(cursor, key, value);
}
static enum status loam_previous(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    engine_iterator_prev(cursor->iterator);
    return entry(cursor, key, value);
}

static enum status loam_open_txn(struct store *store, struct store_txn **txn) {
    return loam_txn_open(store->engine, TREE, txn);
}

/* ---- State ------------------------------------------------------------------------------------------------------- */

static enum status loam_compact(struct store *store) {
    enum status status = engine_flush(store->engine);
    if (status == STATUS_OK) status = engine_compact(store->engine);
    return status == STATUS_OK ? status : fail(store, status, "compact");
}

static bool loam_at_rest(struct store *store) {
    struct engine_stats stats;
    engine_get_stats(store->engine, &stats);
    return stats.debt_bytes == 0 && stats.memtable_count <= 1;
}

static bool ends_in(const char *name, const char *end) {
    const size_t size = strlen(name), end_size = strlen(end);
    return size > end_size && strcmp(name + size - end_size, end) == 0;
}

/* Segments, and those that are kept ready. */
static bool loam_is_log(const char *file_name) {
    return ends_in(file_name, ".wal") || ends_in(file_name, ".spare");
}

const struct driver engine_driver_loam = {
    .name = "loam",
    .version = loam_version,
    .describe = loam_describe,
    .open = loam_open,
    .close = loam_close,
    .writer_open = loam_writer_open,
    .writer_close = loam_writer_close,
    .put = loam_put,
    .delete = loam_delete,
    .batch_add = loam_batch_add,
    .batch_write = loam_batch_write,
    .reader_open = loam_reader_open,
    .reader_close = loam_reader_close,
    .get = loam_get,
    .done = loam_done,
    .cursor_open = loam_cursor_open,
    .cursor_close = loam_cursor_close,
    .first = loam_first,
    .last = loam_last,
    .seek = loam_seek,
    .next = loam_next,
    .previous = loam_previous,
    .txn_open = loam_open_txn,
    .txn_close = loam_txn_close,
    .txn_begin = loam_txn_begin,
    .txn_get = loam_txn_get,
    .txn_done = loam_txn_done,
    .txn_put = loam_txn_put,
    .txn_commit = loam_txn_commit,
    .compact = loam_compact,
    .at_rest = loam_at_rest,
    .is_log = loam_is_log,
};
