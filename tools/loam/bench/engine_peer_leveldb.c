/*
 * engine_peer_leveldb: the driver of LevelDB, through its C interface (leveldb/c.h, 1.23). Invariant: what is not set
 * here has LevelDB's own default.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/bench/engine_driver.h"

/* ---- What is used of leveldb/c.h --------------------------------------------------------------------------------- */

typedef struct leveldb_t leveldb_t;
typedef struct leveldb_options_t leveldb_options_t;
typedef struct leveldb_cache_t leveldb_cache_t;
typedef struct leveldb_filterpolicy_t leveldb_filterpolicy_t;
typedef struct leveldb_writeoptions_t leveldb_writeoptions_t;
typedef struct leveldb_readoptions_t leveldb_readoptions_t;
typedef struct leveldb_writebatch_t leveldb_writebatch_t;
typedef struct leveldb_iterator_t leveldb_iterator_t;

enum { COMPRESSION_NONE = 0, COMPRESSION_SNAPPY = 1 };

/* clang-format off */
#define FUNCTIONS(X)                                                                                                        \
    X(leveldb_t *, open, (const leveldb_options_t *, const char *, char **))                                                \
    X(void, close, (leveldb_t *))                                                                                           \
    X(void, put, (leveldb_t *, const leveldb_writeoptions_t *, const char *, size_t, const char *, size_t, char **))        \
    X(void, delete, (leveldb_t *, const leveldb_writeoptions_t *, const char *, size_t, char **))                           \
    X(void, write, (leveldb_t *, const leveldb_writeoptions_t *, leveldb_writebatch_t *, char **))                          \
    X(char *, get, (leveldb_t *, const leveldb_readoptions_t *, const char *, size_t, size_t *, char **))                   \
    X(leveldb_iterator_t *, create_iterator, (leveldb_t *, const leveldb_readoptions_t *))                                  \
    X(void, iter_destroy, (leveldb_iterator_t *))                                                                           \
    X(unsigned char, iter_valid, (const leveldb_iterator_t *))                                                              \
    X(void, iter_seek_to_first, (leveldb_iterator_t *))                                                                     \
    X(void, iter_seek_to_last, (leveldb_iterator_t *))                                                                      \
    X(void, iter_seek, (leveldb_iterator_t *, const char *, size_t))                                                        \
    X(void, iter_next, (leveldb_iterator_t *))                                                                              \
    X(void, iter_prev, (leveldb_iterator_t *))                                                                              \
    X(const char *, iter_key, (const leveldb_iterator_t *, size_t *))                                                       \
    X(const char *, iter_value, (const leveldb_iterator_t *, size_t *))                                                     \
    X(void, iter_get_error, (const leveldb_iterator_t *, char **))                                                          \
    X(char *, property_value, (leveldb_t *, const char *))                                                                  \
    X(void, compact_range, (leveldb_t *, const char *, size_t, const char *, size_t))                                       \
    X(leveldb_options_t *, options_create, (void))                                                                          \
    X(void, options_destroy, (leveldb_options_t *))                                                                         \
    X(void, options_set_create_if_missing, (leveldb_options_t *, unsigned char))                                            \
    X(void, options_set_write_buffer_size, (leveldb_options_t *, size_t))                                                   \
    X(void, options_set_max_open_files, (leveldb_options_t *, int))                                                         \
    X(void, options_set_max_file_size, (leveldb_options_t *, size_t))                                                       \
    X(void, options_set_compression, (leveldb_options_t *, int))                                                            \
    X(void, options_set_block_size, (leveldb_options_t *, size_t))                                                          \
    X(void, options_set_cache, (leveldb_options_t *, leveldb_cache_t *))                                                    \
    X(void, options_set_filter_policy, (leveldb_options_t *, leveldb_filterpolicy_t *))                                     \
    X(leveldb_filterpolicy_t *, filterpolicy_create_bloom, (int))                                                           \
    X(void, filterpolicy_destroy, (leveldb_filterpolicy_t *))                                                               \
    X(leveldb_cache_t *, cache_create_lru, (size_t))                                                                        \
    X(void, cache_destroy, (leveldb_cache_t *))                                                                             \
    X(leveldb_writeoptions_t *, writeoptions_create, (void))                                                                \
    X(void, writeoptions_destroy, (leveldb_writeoptions_t *))                                                               \
    X(void, writeoptions_set_sync, (leveldb_writeoptions_t *, unsigned char))                                               \
    X(leveldb_readoptions_t *, readoptions_create, (void))                                                                  \
    X(void, readoptions_destroy, (leveldb_readoptions_t *))                                                                 \
    X(void, readoptions_set_fill_cache, (leveldb_readoptions_t *, unsigned char))                                           \
    X(leveldb_writebatch_t *, writebatch_create, (void))                                                                    \
    X(void, writebatch_destroy, (leveldb_writebatch_t *))                                                                   \
    X(void, writebatch_clear, (leveldb_writebatch_t *))                                                                     \
    X(void, writebatch_put, (leveldb_writebatch_t *, const char *, size_t, const char *, size_t))                           \
    X(void, free, (void *))                                                                                                 \
    X(int, major_version, (void))                                                                                           \
    X(int, minor_version, (void))
/* clang-format on */

static struct {
#define X(result, name, arguments) result(*name) arguments;
    FUNCTIONS(X)
#undef X
} level;

static enum status leveldb_bind(struct peer_library *library, struct error *error) {
    const struct peer_symbol symbols[] = {
#define X(result, name, arguments) {"leveldb_" #name, (void (**)(void)) & level.name},
        FUNCTIONS(X)
#undef X
    };
    return peer_bind(library, symbols, sizeof symbols / sizeof *symbols, error);
}

static bool leveldb_version(char *text, size_t size) {
    (void)snprintf(text, size, "%d.%d", level.major_version(), level.minor_version());
    return true;
}

/* ---- Open and close ---------------------------------------------------------------------------------------------- */

enum { OPEN_FILES = 10000, LEVEL1_BYTES = 10 << 20, LEVEL0_TRIGGER = 4 };

struct store {
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_filterpolicy_t *filter;
    leveldb_writeoptions_t *unsynced, *synced;
    leveldb_readoptions_t *read, *scan;
};
struct store_writer {
    struct store *store;
    leveldb_writebatch_t *batch;
};
struct store_reader {
    struct store *store;
    char *value;
};
struct store_cursor {
    leveldb_iterator_t *iterator;
};

/* Takes the message. */
static enum status fail(const char *what, char *message) {
    enum status status = engine_driver_fail(&engine_driver_leveldb, STATUS_IO, what, message);
    level.free(message);
    return status;
}

static void leveldb_close_store(struct store *store) {
    if (store->db) level.close(store->db);
    if (store->read) level.readoptions_destroy(store->read);
    if (store->scan) level.readoptions_destroy(store->scan);
    if (store->unsynced) level.writeoptions_destroy(store->unsynced);
    if (store->synced) level.writeoptions_destroy(store->synced);
    if (store->options) level.options_destroy(store->options);
    if (store->filter) level.filterpolicy_destroy(store->filter);
    if (store->cache) level.cache_destroy(store->cache);
    free(store);
}

static void set_options(struct store *store, const struct bench_settings *settings) {
    store->cache = level.cache_create_lru(settings->cache_bytes);
    store->options = level.options_create();
    level.options_set_create_if_missing(store->options, 1);
    level.options_set_write_buffer_size(store->options, settings->memtable_bytes);
    level.options_set_max_open_files(store->options, OPEN_FILES);
    if (settings->file_bytes) level.options_set_max_file_size(store->options, settings->file_bytes);
    level.options_set_compression(store->options, settings->compression == BENCH_COMPRESSION_NONE ? COMPRESSION_NONE
                                                                                                  : COMPRESSION_SNAPPY);
    level.options_set_block_size(store->options, 4096);
    level.options_set_cache(store->options, store->cache);
    if (settings->filter_bits) {
        store->filter = level.filterpolicy_create_bloom((int)settings->filter_bits);
        level.options_set_filter_policy(store->options, store->filter);
    }
    store->unsynced = level.writeoptions_create();
    store->synced = level.writeoptions_create();
    level.writeoptions_set_sync(store->synced, 1);
    store->read = level.readoptions_create();
    store->scan = level.readoptions_create();
    level.readoptions_set_fill_cache(store->scan, 0);
}

static enum status leveldb_open_store(struct io *io, const struct bench_settings *settings, const char *dir,
                                      bool durable, struct store **opened) {
    (void)io;
    (void)durable; /* said with each write */
    struct store *store = calloc(1, sizeof *store);
    if (!store) return STATUS_NO_MEMORY;
    set_options(store, settings);
    char *message = NULL;
    store->db = level.open(store->options, dir, &message);
    if (message) {
        leveldb_close_store(store);
        return fail(dir, message);
    }
    *opened = store;
    return STATUS_OK;
}

static void leveldb_describe(const struct bench_settings *settings, char *text, size_t size) {
    char file[32] = "its own (2 MiB)";
    if (settings->file_bytes)
        (void)snprintf(file, sizeof file, "%llu MiB", (unsigned long long)settings->file_bytes >> 20);
    (void)snprintf(
        text, size,
        "level base 10 MiB (fixed), files %s, blocks 4 KiB, 2 memtables (fixed), %d open files, %sno checksums "
        "on reads (its default), tables mapped (fixed)",
        file, OPEN_FILES, settings->compression == BENCH_COMPRESSION_NONE ? "" : "snappy, ");
}

/* ---- Writes ------------------------------------------------------------------------------------------------------ */

static enum status leveldb_writer_open(struct store *store, struct store_writer **opened) {
    struct store_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return STATUS_NO_MEMORY;
    writer->store = store;
    writer->batch = level.writebatch_create();
    *opened = writer;
    return STATUS_OK;
}

static void leveldb_writer_close(struct store_writer *writer) {
    level.writebatch_destroy(writer->batch);
    free(writer);
}

static enum status leveldb_put_one(struct store_writer *writer, struct slice key, struct slice value, bool sync) {
    char *message = NULL;
    struct store *store = writer->store;
    level.put(store->db, sync ? store->synced : store->unsynced, (const char *)key.data, key.size,
              (const char *)value.data, value.size, &message);
    return message ? fail("put", message) : STATUS_OK;
}

static enum status leveldb_delete_one(struct store_writer *writer, struct slice key) {
    char *message = NULL;
    level.delete(writer->store->db, writer->store->unsynced, (const char *)key.data, key.size, &message);
    return message ? fail("delete", message) : STATUS_OK;
}

static enum status leveldb_batch_add(struct store_writer *writer, struct slice key, struct slice value) {
    level.writebatch_put(writer->batch, (const char *)key.data, key.size, (const char *)value.data, value.size);
    return STATUS_OK;
}

static enum status leveldb_batch_write(struct store_writer *writer) {
    char *message = NULL;
    level.write(writer->store->db, writer->store->unsynced, writer->batch, &message);
    level.writebatch_clear(writer->batch);
    return message ? fail("write", message) : STATUS_OK;
}

/* ---- Reads ------------------------------------------------------------------------------------------------------- */

static enum status leveldb_reader_open(struct store *store, struct store_reader **opened) {
    struct store_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return STATUS_NO_MEMORY;
    reader->store = store;
    *opened = reader;
    return STATUS_OK;
}

static void leveldb_reader_close(struct store_reader *reader) {
    free(reader);
}

static enum status leveldb_get_one(struct store_reader *reader, struct slice key, struct slice *value) {
    char *message = NULL;
    size_t size = 0;
    reader->value =
        level.get(reader->store->db, reader->store->read, (const char *)key.data, key.size, &size, &message);
    if (message) return fail("get", message);
    if (!reader->value) return STATUS_NOT_FOUND;
    *value = slice_make(reader->value, size);
    return STATUS_OK;
}

static void leveldb_done(struct store_reader *reader) {
    level.free(reader->value);
}

static enum status leveldb_cursor_open(struct store *store, bool scan, struct store_cursor **opened) {
    struct store_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor) return STATUS_NO_MEMORY;
    cursor->iterator = level.create_iterator(store->db, scan ? store->scan : store->read);
    *opened = cursor;
    return STATUS_OK;
}

static void leveldb_cursor_close(struct store_cursor *cursor) {
    level.iter_destroy(cursor->iterator);
    free(cursor);
}

static enum status entry(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    if (!level.iter_valid(cursor->iterator)) {
        char *message = NULL;
        level.iter_get_error(cursor->iterator, &message);
        return message ? fail("iterator", message) : STATUS_END;
    }
    key->data = (const uint8_t *)level.iter_key(cursor->iterator, &key->size);
    value->data = (const uint8_t *)level.iter_value(cursor->iterator, &value->size);
    return STATUS_OK;
}

static enum status leveldb_first(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    level.iter_seek_to_first(cursor->iterator);
    return entry(cursor, key, value);
}
static enum status leveldb_last(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    level.iter_seek_to_last(cursor->iterator);
    return entry(cursor, key, value);
}
static enum status leveldb_seek(struct store_cursor *cursor, struct slice from, struct slice *key,
                                struct slice *value) {
    level.iter_seek(cursor->iterator, (const char *)from.data, from.size);
    return entry(cursor, key, value);
}
static enum status leveldb_next(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    level.iter_next(cursor->iterator);
    return entry(cursor, key, value);
}
static enum status leveldb_previous(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    level.iter_prev(cursor->iterator);
    return entry(cursor, key, value);
}

/* ---- State ------------------------------------------------------------------------------------------------------- */

static enum status leveldb_compact(struct store *store) {
    level.compact_range(store->db, NULL, 0, NULL, 0);
    return STATUS_OK;
}

/*
 * LevelDB does not tell whether a compaction is due, but when one is: level 0 has as many files as its trigger, or
 * another level is larger than its target. Rows of leveldb.stats: level, files, size in MB, ...
 */
static bool leveldb_at_rest(struct store *store) {
    char *stats = level.property_value(store->db, "leveldb.stats");
    bool rest = stats != NULL;
    for (const char *line = stats; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        unsigned number = 0;
        double files = 0, mib = 0, target = LEVEL1_BYTES / 1048576.0;
        if (sscanf(line, " %u %lf %lf ", &number, &files, &mib) != 3) continue;
        for (unsigned i = 1; i < number; i++) target *= 10;
        if (number == 0 ? files >= LEVEL0_TRIGGER : mib > target) rest = false;
    }
    if (stats) level.free(stats);
    return rest;
}

static bool leveldb_is_log(const char *file_name) {
    size_t size = strlen(file_name);
    return size > 4 && strcmp(file_name + size - 4, ".log") == 0;
}

static const struct peer_names names = {{"libleveldb.so.1d", "libleveldb.so.1", "libleveldb.so", NULL}};

const struct driver engine_driver_leveldb = {
    .name = "leveldb",
    .names = &names,
    .bind = leveldb_bind,
    .probe = "leveldb_open",
    .version = leveldb_version,
    .describe = leveldb_describe,
    .open = leveldb_open_store,
    .close = leveldb_close_store,
    .writer_open = leveldb_writer_open,
    .writer_close = leveldb_writer_close,
    .put = leveldb_put_one,
    .delete = leveldb_delete_one,
    .batch_add = leveldb_batch_add,
    .batch_write = leveldb_batch_write,
    .reader_open = leveldb_reader_open,
    .reader_close = leveldb_reader_close,
    .get = leveldb_get_one,
    .done = leveldb_done,
    .cursor_open = leveldb_cursor_open,
    .cursor_close = leveldb_cursor_close,
    .first = leveldb_first,
    .last = leveldb_last,
    .seek = leveldb_seek,
    .next = leveldb_next,
    .previous = leveldb_previous,
    .compact = leveldb_compact,
    .at_rest = leveldb_at_rest,
    .is_log = leveldb_is_log,
};
