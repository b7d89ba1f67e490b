/*
 * engine_peer_rocksdb: the driver of RocksDB, through its C interface (rocksdb/c.h, 7.8). Invariant: what is not set
 * here has RocksDB's own default.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/bench/engine_driver.h"

/* ---- What is used of rocksdb/c.h --------------------------------------------------------------------------------- */

typedef struct rocksdb_t rocksdb_t;
typedef struct rocksdb_options_t rocksdb_options_t;
typedef struct rocksdb_block_based_table_options_t rocksdb_table_options_t;
typedef struct rocksdb_cache_t rocksdb_cache_t;
typedef struct rocksdb_filterpolicy_t rocksdb_filterpolicy_t;
typedef struct rocksdb_writeoptions_t rocksdb_writeoptions_t;
typedef struct rocksdb_readoptions_t rocksdb_readoptions_t;
typedef struct rocksdb_writebatch_t rocksdb_writebatch_t;
typedef struct rocksdb_iterator_t rocksdb_iterator_t;
typedef struct rocksdb_pinnableslice_t rocksdb_pinnableslice_t;
typedef struct rocksdb_optimistictransactiondb_t rocksdb_otxn_db_t;
typedef struct rocksdb_optimistictransaction_options_t rocksdb_otxn_options_t;
typedef struct rocksdb_transaction_t rocksdb_transaction_t;

enum { COMPRESSION_NONE = 0, COMPRESSION_LZ4 = 4, COMPRESSION_ZSTD = 7 };

/* clang-format off */
#define FUNCTIONS(X)                                                                                                        \
    X(rocksdb_t *, open, (const rocksdb_options_t *, const char *, char **))                                                \
    X(void, close, (rocksdb_t *))                                                                                           \
    X(void, put, (rocksdb_t *, const rocksdb_writeoptions_t *, const char *, size_t, const char *, size_t, char **))        \
    X(void, delete, (rocksdb_t *, const rocksdb_writeoptions_t *, const char *, size_t, char **))                           \
    X(void, write, (rocksdb_t *, const rocksdb_writeoptions_t *, rocksdb_writebatch_t *, char **))                          \
    X(rocksdb_pinnableslice_t *, get_pinned,                                                                                \
      (rocksdb_t *, const rocksdb_readoptions_t *, const char *, size_t, char **))                                          \
    X(const char *, pinnableslice_value, (const rocksdb_pinnableslice_t *, size_t *))                                       \
    X(void, pinnableslice_destroy, (rocksdb_pinnableslice_t *))                                                             \
    X(rocksdb_iterator_t *, create_iterator, (rocksdb_t *, const rocksdb_readoptions_t *))                                  \
    X(void, iter_destroy, (rocksdb_iterator_t *))                                                                           \
    X(unsigned char, iter_valid, (const rocksdb_iterator_t *))                                                              \
    X(void, iter_seek_to_first, (rocksdb_iterator_t *))                                                                     \
    X(void, iter_seek_to_last, (rocksdb_iterator_t *))                                                                      \
    X(void, iter_seek, (rocksdb_iterator_t *, const char *, size_t))                                                        \
    X(void, iter_next, (rocksdb_iterator_t *))                                                                              \
    X(void, iter_prev, (rocksdb_iterator_t *))                                                                              \
    X(const char *, iter_key, (const rocksdb_iterator_t *, size_t *))                                                       \
    X(const char *, iter_value, (const rocksdb_iterator_t *, size_t *))                                                     \
    X(void, iter_get_error, (const rocksdb_iterator_t *, char **))                                                          \
    X(int, property_int, (rocksdb_t *, const char *, uint64_t *))                                                           \
    X(void, compact_range, (rocksdb_t *, const char *, size_t, const char *, size_t))                                       \
    X(rocksdb_options_t *, options_create, (void))                                                                          \
    X(void, options_destroy, (rocksdb_options_t *))                                                                         \
    X(void, options_set_create_if_missing, (rocksdb_options_t *, unsigned char))                                            \
    X(void, options_set_allow_mmap_reads, (rocksdb_options_t *, unsigned char))                                             \
    X(void, options_set_write_buffer_size, (rocksdb_options_t *, size_t))                                                   \
    X(void, options_set_max_write_buffer_number, (rocksdb_options_t *, int))                                                \
    X(void, options_set_max_bytes_for_level_base, (rocksdb_options_t *, uint64_t))                                          \
    X(void, options_set_target_file_size_base, (rocksdb_options_t *, uint64_t))                                             \
    X(void, options_set_compression, (rocksdb_options_t *, int))                                                            \
    X(void, options_set_compression_options, (rocksdb_options_t *, int, int, int, int))                                     \
    X(void, options_set_compression_options_zstd_max_train_bytes, (rocksdb_options_t *, int))                               \
    X(void, options_set_stats_dump_period_sec, (rocksdb_options_t *, unsigned int))                                         \
    X(void, options_set_block_based_table_factory, (rocksdb_options_t *, rocksdb_table_options_t *))                        \
    X(rocksdb_table_options_t *, block_based_options_create, (void))                                                        \
    X(void, block_based_options_destroy, (rocksdb_table_options_t *))                                                       \
    X(void, block_based_options_set_block_size, (rocksdb_table_options_t *, size_t))                                        \
    X(void, block_based_options_set_block_cache, (rocksdb_table_options_t *, rocksdb_cache_t *))                            \
    X(void, block_based_options_set_filter_policy, (rocksdb_table_options_t *, rocksdb_filterpolicy_t *))                   \
    X(rocksdb_filterpolicy_t *, filterpolicy_create_bloom_full, (double))                                                   \
    X(rocksdb_cache_t *, cache_create_lru, (size_t))                                                                        \
    X(void, cache_destroy, (rocksdb_cache_t *))                                                                             \
    X(rocksdb_writeoptions_t *, writeoptions_create, (void))                                                                \
    X(void, writeoptions_destroy, (rocksdb_writeoptions_t *))                                                               \
    X(void, writeoptions_set_sync, (rocksdb_writeoptions_t *, unsigned char))                                               \
    X(rocksdb_readoptions_t *, readoptions_create, (void))                                                                  \
    X(void, readoptions_destroy, (rocksdb_readoptions_t *))                                                                 \
    X(void, readoptions_set_fill_cache, (rocksdb_readoptions_t *, unsigned char))                                           \
    X(rocksdb_writebatch_t *, writebatch_create, (void))                                                                    \
    X(void, writebatch_destroy, (rocksdb_writebatch_t *))                                                                   \
    X(void, writebatch_clear, (rocksdb_writebatch_t *))                                                                     \
    X(void, writebatch_put, (rocksdb_writebatch_t *, const char *, size_t, const char *, size_t))                           \
    X(rocksdb_otxn_db_t *, optimistictransactiondb_open, (const rocksdb_options_t *, const char *, char **))                \
    X(void, optimistictransactiondb_close, (rocksdb_otxn_db_t *))                                                           \
    X(rocksdb_t *, optimistictransactiondb_get_base_db, (rocksdb_otxn_db_t *))                                              \
    X(void, optimistictransactiondb_close_base_db, (rocksdb_t *))                                                           \
    X(rocksdb_otxn_options_t *, optimistictransaction_options_create, (void))                                               \
    X(void, optimistictransaction_options_destroy, (rocksdb_otxn_options_t *))                                              \
    X(void, optimistictransaction_options_set_set_snapshot, (rocksdb_otxn_options_t *, unsigned char))                      \
    X(rocksdb_transaction_t *, optimistictransaction_begin,                                                                 \
      (rocksdb_otxn_db_t *, const rocksdb_writeoptions_t *, const rocksdb_otxn_options_t *, rocksdb_transaction_t *))       \
    X(void, transaction_destroy, (rocksdb_transaction_t *))                                                                 \
    X(rocksdb_pinnableslice_t *, transaction_get_pinned_for_update,                                                         \
      (rocksdb_transaction_t *, const rocksdb_readoptions_t *, const char *, size_t, unsigned char, char **))               \
    X(void, transaction_put, (rocksdb_transaction_t *, const char *, size_t, const char *, size_t, char **))                \
    X(void, transaction_commit, (rocksdb_transaction_t *, char **))                                                         \
    X(void, free, (void *))
/* clang-format on */

static struct {
#define X(result, name, arguments) result(*name) arguments;
    FUNCTIONS(X)
#undef X
} rocks;

static enum status rocksdb_bind(struct peer_library *library, struct error *error) {
    const struct peer_symbol symbols[] = {
#define X(result, name, arguments) {"rocksdb_" #name, (void (**)(void)) & rocks.name},
        FUNCTIONS(X)
#undef X
    };
    return peer_bind(library, symbols, sizeof symbols / sizeof *symbols, error);
}

/* ---- Open and close ---------------------------------------------------------------------------------------------- */

enum { MEMTABLES = 4 }; /* as many as the engine of this project keeps */

struct store {
    rocksdb_t *db;
    rocksdb_otxn_db_t *otxn_db; /* NULL until transactions are asked for */
    char dir[BENCH_PATH_BYTES];
    rocksdb_options_t *options;
    rocksdb_table_options_t *table;
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *unsynced, *synced;
    rocksdb_readoptions_t *read, *scan;
};
struct store_writer {
    struct store *store;
    rocksdb_writebatch_t *batch;
};
struct store_reader {
    struct store *store;
    rocksdb_pinnableslice_t *value;
};
struct store_cursor {
    rocksdb_iterator_t *iterator;
};

/* Takes the message. */
static enum status fail(const char *what, char *message) {
    enum status status = engine_driver_fail(&engine_driver_rocksdb, STATUS_IO, what, message);
    rocks.free(message);
    return status;
}

static void rocksdb_close_store(struct store *store) {
    if (store->otxn_db) {
        rocks.optimistictransactiondb_close_base_db(store->db);
        rocks.optimistictransactiondb_close(store->otxn_db);
    } else if (store->db) {
        rocks.close(store->db);
    }
    if (store->read) rocks.readoptions_destroy(store->read);
    if (store->scan) rocks.readoptions_destroy(store->scan);
    if (store->unsynced) rocks.writeoptions_destroy(store->unsynced);
    if (store->synced) rocks.writeoptions_destroy(store->synced);
    if (store->options) rocks.options_destroy(store->options);
    if (store->table) rocks.block_based_options_destroy(store->table);
    if (store->cache) rocks.cache_destroy(store->cache);
    free(store);
}

static int compression_of(const struct bench_settings *settings) {
    switch (settings->compression) {
    case BENCH_COMPRESSION_LZ4: return COMPRESSION_LZ4;
    case BENCH_COMPRESSION_ZSTD: return COMPRESSION_ZSTD;
    case BENCH_COMPRESSION_NONE: break;
    }
    return COMPRESSION_NONE;
}

/* Trained on a hundred times its size, as RocksDB's documentation advises. */
static void set_dictionary(struct store *store, int bytes) {
    enum { WINDOW_BITS = -14, LEVEL = 32767, STRATEGY = 0 }; /* RocksDB's own defaults */
    rocks.options_set_compression_options(store->options, WINDOW_BITS, LEVEL, STRATEGY, bytes);
    rocks.options_set_compression_options_zstd_max_train_bytes(store->options, bytes * 100);
}

static void set_options(struct store *store, const struct bench_settings *settings) {
    store->cache = rocks.cache_create_lru(settings->cache_bytes);
    store->table = rocks.block_based_options_create();
    rocks.block_based_options_set_block_size(store->table, 4096);
    rocks.block_based_options_set_block_cache(store->table, store->cache);
    if (settings->filter_bits) /* the table options own the policy */
        rocks.block_based_options_set_filter_policy(
            store->table, rocks.filterpolicy_create_bloom_full((double)settings->filter_bits));
    store->options = rocks.options_create();
    rocks.options_set_create_if_missing(store->options, 1);
    rocks.options_set_allow_mmap_reads(store->options, settings->map_tables);
    rocks.options_set_write_buffer_size(store->options, settings->memtable_bytes);
    rocks.options_set_max_write_buffer_number(store->options, MEMTABLES);
    rocks.options_set_max_bytes_for_level_base(store->options, settings->level_bytes);
    if (settings->file_bytes) rocks.options_set_target_file_size_base(store->options, settings->file_bytes);
    rocks.options_set_compression(store->options, compression_of(settings));
    if (settings->dictionary_bytes) set_dictionary(store, (int)settings->dictionary_bytes);
    rocks.options_set_stats_dump_period_sec(store->options, 0);
    rocks.options_set_block_based_table_factory(store->options, store->table);
    store->unsynced = rocks.writeoptions_create();
    store->synced = rocks.writeoptions_create();
    rocks.writeoptions_set_sync(store->synced, 1);
    store->read = rocks.readoptions_create();
    store->scan = rocks.readoptions_create();
    rocks.readoptions_set_fill_cache(store->scan, 0);
}

static enum status rocksdb_open_store(struct io *io, const struct bench_settings *settings, const char *dir,
                                      bool durable, struct store **opened) {
    (void)io;
    (void)durable; /* said with each write */
    struct store *store = calloc(1, sizeof *store);
    if (!store) return STATUS_NO_MEMORY;
    set_options(store, settings);
    (void)snprintf(store->dir, sizeof store->dir, "%s", dir);
    char *message = NULL;
    store->db = rocks.open(store->options, dir, &message);
    if (message) {
        rocksdb_close_store(store);
        return fail(dir, message);
    }
    *opened = store;
    return STATUS_OK;
}

static void rocksdb_describe(const struct bench_settings *settings, char *text, size_t size) {
    char file[32] = "its own (64 MiB)";
    if (settings->file_bytes)
        (void)snprintf(file, sizeof file, "%llu MiB", (unsigned long long)settings->file_bytes >> 20);
    (void)snprintf(text, size,
                   "level base %llu MiB, files %s, blocks 4 KiB, full filters, %d memtables, LRU cache, 2 background "
                   "jobs, checksums on reads from files%s%s",
                   (unsigned long long)settings->level_bytes >> 20, file, MEMTABLES,
                   settings->map_tables ? ", tables mapped" : "",
                   settings->dictionary_bytes ? ", dictionaries trained on 100 times their size" : "");
}

/* ---- Writes ------------------------------------------------------------------------------------------------------ */

static enum status rocksdb_writer_open(struct store *store, struct store_writer **opened) {
    struct store_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return STATUS_NO_MEMORY;
    writer->store = store;
    writer->batch = rocks.writebatch_create();
    *opened = writer;
    return STATUS_OK;
}

static void rocksdb_writer_close(struct store_writer *writer) {
    rocks.writebatch_destroy(writer->batch);
    free(writer);
}

static enum status rocksdb_put_one(struct store_writer *writer, struct slice key, struct slice value, bool sync) {
    char *message = NULL;
    struct store *store = writer->store;
    rocks.put(store->db, sync ? store->synced : store->unsynced, (const char *)key.data, key.size,
              (const char *)value.data, value.size, &message);
    return message ? fail("put", message) : STATUS_OK;
}

static enum status rocksdb_delete_one(struct store_writer *writer, struct slice key) {
    char *message = NULL;
    rocks.delete(writer->store->db, writer->store->unsynced, (const char *)key.data, key.size, &message);
    return message ? fail("delete", message) : STATUS_OK;
}

static enum status rocksdb_batch_add(struct store_writer *writer, struct slice key, struct slice value) {
    rocks.writebatch_put(writer->batch, (const char *)key.data, key.size, (const char *)value.data, value.size);
    return STATUS_OK;
}

static enum status rocksdb_batch_write(struct store_writer *writer) {
    char *message = NULL;
    rocks.write(writer->store->db, writer->store->unsynced, writer->batch, &message);
    rocks.writebatch_clear(writer->batch);
    return message ? fail("write", message) : STATUS_OK;
}

/* ---- Reads ------------------------------------------------------------------------------------------------------- */

static enum status rocksdb_reader_open(struct store *store, struct store_reader **opened) {
    struct store_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return STATUS_NO_MEMORY;
    reader->store = store;
    *opened = reader;
    return STATUS_OK;
}

static void rocksdb_reader_close(struct store_reader *reader) {
    free(reader);
}

static enum status rocksdb_get_one(struct store_reader *reader, struct slice key, struct slice *value) {
    char *message = NULL;
    reader->value =
        rocks.get_pinned(reader->store->db, reader->store->read, (const char *)key.data, key.size, &message);
    if (message) return fail("get", message);
    if (!reader->value) return STATUS_NOT_FOUND;
    size_t size = 0;
    const char *data = rocks.pinnableslice_value(reader->value, &size);
    *value = slice_make(data, size);
    return STATUS_OK;
}

static void rocksdb_done(struct store_reader *reader) {
    rocks.pinnableslice_destroy(reader->value);
}

static enum status rocksdb_cursor_open(struct store *store, bool scan, struct store_cursor **opened) {
    struct store_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor) return STATUS_NO_MEMORY;
    cursor->iterator = rocks.create_iterator(store->db, scan ? store->scan : store->read);
    *opened = cursor;
    return STATUS_OK;
}

static void rocksdb_cursor_close(struct store_cursor *cursor) {
    rocks.iter_destroy(cursor->iterator);
    free(cursor);
}

static enum status entry(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    if (!rocks.iter_valid(cursor->iterator)) {
        char *message = NULL;
        rocks.iter_get_error(cursor->iterator, &message);
        return message ? fail("iterator", message) : STATUS_END;
    }
    key->data = (const uint8_t *)rocks.iter_key(cursor->iterator, &key->size);
    value->data = (const uint8_t *)rocks.iter_value(cursor->iterator, &value->size);
    return STATUS_OK;
}

static enum status rocksdb_first(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    rocks.iter_seek_to_first(cursor->iterator);
    return entry(cursor, key, value);
}
static enum status rocksdb_last(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    rocks.iter_seek_to_last(cursor->iterator);
    return entry(cursor, key, value);
}
static enum status rocksdb_seek(struct store_cursor *cursor, struct slice from, struct slice *key,
                                struct slice *value) {
    rocks.iter_seek(cursor->iterator, (const char *)from.data, from.size);
    return entry(cursor, key, value);
}
static enum status rocksdb_next(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    rocks.iter_next(cursor->iterator);
    return entry(cursor, key, value);
}
static enum status rocksdb_previous(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    rocks.iter_prev(cursor->iterator);
    return entry(cursor, key, value);
}

/* ---- Transactions ------------------------------------------------------------------------------------------------ */

struct store_txn {
    struct store *store;
    rocksdb_otxn_options_t *options;
    rocksdb_transaction_t *transaction;
    rocksdb_pinnableslice_t *value;
};

/* As a database with transactions it keeps its memtables for longer: so it is one from here on only. */
static enum status rocksdb_txn_prepare(struct store *store) {
    char *message = NULL;
    if (store->otxn_db) return STATUS_OK;
    rocks.close(store->db);
    store->db = NULL;
    store->otxn_db = rocks.optimistictransactiondb_open(store->options, store->dir, &message);
    if (message) return fail("open with transactions", message);
    store->db = rocks.optimistictransactiondb_get_base_db(store->otxn_db);
    return STATUS_OK;
}

static enum status rocksdb_txn_open(struct store *store, struct store_txn **opened) {
    struct store_txn *txn = calloc(1, sizeof *txn);
    if (!txn) return STATUS_NO_MEMORY;
    txn->store = store;
    txn->options = rocks.optimistictransaction_options_create();
    rocks.optimistictransaction_options_set_set_snapshot(txn->options, 1);
    *opened = txn;
    return STATUS_OK;
}

static void rocksdb_txn_close(struct store_txn *txn) {
    if (txn->transaction) rocks.transaction_destroy(txn->transaction);
    rocks.optimistictransaction_options_destroy(txn->options);
    free(txn);
}

static enum status rocksdb_txn_begin(struct store_txn *txn) {
    txn->transaction =
        rocks.optimistictransaction_begin(txn->store->otxn_db, txn->store->unsynced, txn->options, txn->transaction);
    return STATUS_OK;
}

static enum status rocksdb_txn_get(struct store_txn *txn, struct slice key, struct slice *value) {
    char *message = NULL;
    size_t size = 0;
    txn->value = rocks.transaction_get_pinned_for_update(txn->transaction, txn->store->read, (const char *)key.data,
                                                         key.size, 1, &message);
    if (message) return fail("get for update", message);
    if (!txn->value) return STATUS_NOT_FOUND;
    const char *data = rocks.pinnableslice_value(txn->value, &size);
    *value = slice_make(data, size);
    return STATUS_OK;
}

static void rocksdb_txn_done(struct store_txn *txn) {
    rocks.pinnableslice_destroy(txn->value);
}

static enum status rocksdb_txn_put(struct store_txn *txn, struct slice key, struct slice value) {
    char *message = NULL;
    rocks.transaction_put(txn->transaction, (const char *)key.data, key.size, (const char *)value.data, value.size,
                          &message);
    return message ? fail("transaction put", message) : STATUS_OK;
}

/* "Resource busy": a key was changed meanwhile; "Try again": the memtables do not reach back far enough to tell. */
static enum status rocksdb_txn_commit(struct store_txn *txn) {
    char *message = NULL;
    rocks.transaction_commit(txn->transaction, &message);
    if (!message) return STATUS_OK;
    if (!strstr(message, "Resource busy") && !strstr(message, "Try again")) return fail("commit", message);
    rocks.free(message);
    return STATUS_CONFLICT;
}

/* ---- State ------------------------------------------------------------------------------------------------------- */

static enum status rocksdb_compact(struct store *store) {
    rocks.compact_range(store->db, NULL, 0, NULL, 0);
    return STATUS_OK;
}

static bool rocksdb_at_rest(struct store *store) {
    static const char *const zero[] = {"rocksdb.num-immutable-mem-table", "rocksdb.mem-table-flush-pending",
                                       "rocksdb.num-running-flushes", "rocksdb.compaction-pending",
                                       "rocksdb.num-running-compactions"};
    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++) {
        uint64_t value = 1;
        if (rocks.property_int(store->db, zero[i], &value) != 0 || value != 0) return false;
    }
    return true;
}

static bool rocksdb_is_log(const char *file_name) {
    size_t size = strlen(file_name);
    return size > 4 && strcmp(file_name + size - 4, ".log") == 0;
}

static const struct peer_names names = {{"librocksdb.so.7.8", "librocksdb.so.7", "librocksdb.so", NULL}};

const struct driver engine_driver_rocksdb = {
    .name = "rocksdb",
    .names = &names,
    .bind = rocksdb_bind,
    .probe = "rocksdb_open",
    .describe = rocksdb_describe,
    .open = rocksdb_open_store,
    .close = rocksdb_close_store,
    .writer_open = rocksdb_writer_open,
    .writer_close = rocksdb_writer_close,
    .put = rocksdb_put_one,
    .delete = rocksdb_delete_one,
    .batch_add = rocksdb_batch_add,
    .batch_write = rocksdb_batch_write,
    .reader_open = rocksdb_reader_open,
    .reader_close = rocksdb_reader_close,
    .get = rocksdb_get_one,
    .done = rocksdb_done,
    .cursor_open = rocksdb_cursor_open,
    .cursor_close = rocksdb_cursor_close,
    .first = rocksdb_first,
    .last = rocksdb_last,
    .seek = rocksdb_seek,
    .next = rocksdb_next,
    .previous = rocksdb_previous,
    .txn_prepare = rocksdb_txn_prepare,
    .txn_open = rocksdb_txn_open,
    .txn_close = rocksdb_txn_close,
    .txn_begin = rocksdb_txn_begin,
    .txn_get = rocksdb_txn_get,
    .txn_done = rocksdb_txn_done,
    .txn_put = rocksdb_txn_put,
    .txn_commit = rocksdb_txn_commit,
    .compact = rocksdb_compact,
    .at_rest = rocksdb_at_rest,
    .is_log = rocksdb_is_log,
};
