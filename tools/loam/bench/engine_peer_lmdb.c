/*
 * engine_peer_lmdb: the driver of LMDB, through lmdb.h (0.9.24).
 *
 * Unsynced writes go through a writable map (WRITEMAP, NOSYNC): they outlive the process, as a log in the page cache
 * does. A durable store is opened without either, so that each commit is two barriers, in the order that LMDB needs.
 * Each put is a transaction; a get renews the reader's, to see the latest state.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/bench/engine_driver.h"

/* ---- What is used of lmdb.h -------------------------------------------------------------------------------------- */

typedef struct MDB_env MDB_env;
typedef struct MDB_txn MDB_txn;
typedef struct MDB_cursor MDB_cursor;
typedef unsigned MDB_dbi;
typedef struct MDB_val {
    size_t mv_size;
    void *mv_data;
} MDB_val;
typedef struct MDB_envinfo {
    void *me_mapaddr;
    size_t me_mapsize, me_last_pgno, me_last_txnid;
    unsigned me_maxreaders, me_numreaders;
} MDB_envinfo;

enum {
    MDB_NOSYNC = 0x10000,
    MDB_RDONLY = 0x20000,
    MDB_WRITEMAP = 0x80000,
    MDB_NOTLS = 0x200000,
    MDB_NOTFOUND = -30798,
};
enum { MDB_FIRST = 0, MDB_LAST = 6, MDB_NEXT = 8, MDB_PREV = 12, MDB_SET_RANGE = 17 };

/* clang-format off */
#define FUNCTIONS(X)                                                            \
    X(char *, version, (int *, int *, int *))                                   \
    X(char *, strerror, (int))                                                  \
    X(int, env_create, (MDB_env **))                                            \
    X(int, env_set_mapsize, (MDB_env *, size_t))                                \
    X(int, env_set_maxreaders, (MDB_env *, unsigned))                           \
    X(int, env_open, (MDB_env *, const char *, unsigned, unsigned))             \
    X(int, env_info, (MDB_env *, MDB_envinfo *))                                \
    X(void, env_close, (MDB_env *))                                             \
    X(int, txn_begin, (MDB_env *, MDB_txn *, unsigned, MDB_txn **))             \
    X(int, txn_commit, (MDB_txn *))                                             \
    X(void, txn_abort, (MDB_txn *))                                             \
    X(void, txn_reset, (MDB_txn *))                                             \
    X(int, txn_renew, (MDB_txn *))                                              \
    X(int, dbi_open, (MDB_txn *, const char *, unsigned, MDB_dbi *))            \
    X(int, put, (MDB_txn *, MDB_dbi, MDB_val *, MDB_val *, unsigned))           \
    X(int, get, (MDB_txn *, MDB_dbi, MDB_val *, MDB_val *))                     \
    X(int, del, (MDB_txn *, MDB_dbi, MDB_val *, MDB_val *))                     \
    X(int, cursor_open, (MDB_txn *, MDB_dbi, MDB_cursor **))                    \
    X(void, cursor_close, (MDB_cursor *))                                       \
    X(int, cursor_get, (MDB_cursor *, MDB_val *, MDB_val *, unsigned))
/* clang-format on */

static struct {
#define X(result, name, arguments) result(*name) arguments;
    FUNCTIONS(X)
#undef X
} mdb;

static enum status lmdb_bind(struct peer_library *library, struct error *error) {
    const struct peer_symbol symbols[] = {
#define X(result, name, arguments) {"mdb_" #name, (void (**)(void)) & mdb.name},
        FUNCTIONS(X)
#undef X
    };
    return peer_bind(library, symbols, sizeof symbols / sizeof *symbols, error);
}

static bool lmdb_version(char *text, size_t size) {
    int major, minor, patch;
    (void)mdb.version(&major, &minor, &patch);
    (void)snprintf(text, size, "%d.%d.%d", major, minor, patch);
    return true;
}

/* ---- Open and close ---------------------------------------------------------------------------------------------- */

enum { LMDB_PAGE_BYTES = 4096, READERS_MAX = 126 };

struct store {
    MDB_env *env;
    MDB_dbi dbi;
};
struct store_writer {
    struct store *store;
    MDB_txn *txn; /* of the batch; NULL between batches */
};
struct store_reader {
    struct store *store;
    MDB_txn *txn;
};
struct store_cursor {
    MDB_txn *txn;
    MDB_cursor *cursor;
};

static enum status fail(const char *what, int code) {
    return engine_driver_fail(&engine_driver_lmdb, STATUS_IO, what, mdb.strerror(code));
}

static void lmdb_close_store(struct store *store) {
    if (store->env) mdb.env_close(store->env);
    free(store);
}

static int open_tree(struct store *store) {
    MDB_txn *txn;
    int code = mdb.txn_begin(store->env, NULL, 0, &txn);
    if (code) return code;
    code = mdb.dbi_open(txn, NULL, 0, &store->dbi);
    if (code) {
        mdb.txn_abort(txn);
        return code;
    }
    return mdb.txn_commit(txn);
}

/* Room for four times the data, half-filled pages and copied ones; the file is sparse. */
static size_t map_bytes(const struct bench_settings *settings) {
    const uint64_t small = settings->entries * (settings->value_bytes + 64);
    const uint64_t large = settings->entries * (BENCH_LARGE_VALUE_BYTES + 64);
    return (size_t)(((small + large) * 4 + (256 << 20)) / LMDB_PAGE_BYTES * LMDB_PAGE_BYTES);
}

static enum status lmdb_open_store(struct io *io, const struct bench_settings *settings, const char *dir, bool durable,
                                   struct store **opened) {
    (void)io;
    struct store *store = calloc(1, sizeof *store);
    if (!store) return STATUS_NO_MEMORY;
    const unsigned flags = MDB_NOTLS | (durable ? 0 : MDB_WRITEMAP | MDB_NOSYNC);
    int code = mdb.env_create(&store->env);
    if (!code) code = mdb.env_set_mapsize(store->env, map_bytes(settings));
    if (!code) code = mdb.env_set_maxreaders(store->env, READERS_MAX);
    if (!code) code = mdb.env_open(store->env, dir, flags, 0644);
    if (!code) code = open_tree(store);
    if (code) {
        enum status status = fail(dir, code);
        lmdb_close_store(store);
        return status;
    }
    *opened = store;
    return STATUS_OK;
}

static void lmdb_describe(const struct bench_settings *settings, char *text, size_t size) {
    (void)settings;
    (void)snprintf(text, size,
                   "a transaction for each put, WRITEMAP and NOSYNC (fillsync: neither); no memtable, cache, filter, "
                   "compression or checksum");
}

/* ---- Writes ------------------------------------------------------------------------------------------------------ */

static MDB_val val(struct slice slice) {
    return (MDB_val){.mv_size = slice.size, .mv_data = (void *)(uintptr_t)slice.data};
}

static enum status lmdb_writer_open(struct store *store, struct store_writer **opened) {
    struct store_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return STATUS_NO_MEMORY;
    writer->store = store;
    *opened = writer;
    return STATUS_OK;
}

static void lmdb_writer_close(struct store_writer *writer) {
    if (writer->txn) mdb.txn_abort(writer->txn);
    free(writer);
}

static enum status commit(MDB_txn *txn, int code) {
    if (code) {
        mdb.txn_abort(txn);
    } else {
        code = mdb.txn_commit(txn);
    }
    return code ? fail("write", code) : STATUS_OK;
}

/* The store was opened for what sync says. */
static enum status lmdb_put_one(struct store_writer *writer, struct slice key, struct slice value, bool sync) {
    (void)sync;
    MDB_txn *txn;
    int code = mdb.txn_begin(writer->store->env, NULL, 0, &txn);
    if (code) return fail("begin", code);
    MDB_val name = val(key), data = val(value);
    return commit(txn, mdb.put(txn, writer->store->dbi, &name, &data, 0));
}

static enum status lmdb_delete_one(struct store_writer *writer, struct slice key) {
    MDB_txn *txn;
    int code = mdb.txn_begin(writer->store->env, NULL, 0, &txn);
    if (code) return fail("begin", code);
    MDB_val name = val(key);
    code = mdb.del(txn, writer->store->dbi, &name, NULL);
    return commit(txn, code == MDB_NOTFOUND ? 0 : code);
}

static enum status lmdb_batch_add(struct store_writer *writer, struct slice key, struct slice value) {
    int code = writer->txn ? 0 : mdb.txn_begin(writer->store->env, NULL, 0, &writer->txn);
    MDB_val name = val(key), data = val(value);
    if (!code) code = mdb.put(writer->txn, writer->store->dbi, &name, &data, 0);
    return code ? fail("put", code) : STATUS_OK;
}

static enum status lmdb_batch_write(struct store_writer *writer) {
    MDB_txn *txn = writer->txn;
    writer->txn = NULL;
    return txn ? commit(txn, 0) : STATUS_OK;
}

/* ---- Reads ------------------------------------------------------------------------------------------------------- */

static enum status lmdb_reader_open(struct store *store, struct store_reader **opened) {
    struct store_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return STATUS_NO_MEMORY;
    reader->store = store;
    int code = mdb.txn_begin(store->env, NULL, MDB_RDONLY, &reader->txn);
    if (code) {
        free(reader);
        return fail("begin", code);
    }
    mdb.txn_reset(reader->txn);
    *opened = reader;
    return STATUS_OK;
}

static void lmdb_reader_close(struct store_reader *reader) {
    mdb.txn_abort(reader->txn);
    free(reader);
}

static enum status lmdb_get_one(struct store_reader *reader, struct slice key, struct slice *value) {
    int code = mdb.txn_renew(reader->txn);
    if (code) return fail("renew", code);
    MDB_val name = val(key), data;
    code = mdb.get(reader->txn, reader->store->dbi, &name, &data);
    if (code) {
        mdb.txn_reset(reader->txn);
        return code == MDB_NOTFOUND ? STATUS_NOT_FOUND : fail("get", code);
    }
    *value = slice_make(data.mv_data, data.mv_size);
    return STATUS_OK;
}

static void lmdb_done(struct store_reader *reader) {
    mdb.txn_reset(reader->txn);
}

static enum status lmdb_cursor_open(struct store *store, bool scan, struct store_cursor **opened) {
    (void)scan;
    struct store_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor) return STATUS_NO_MEMORY;
    int code = mdb.txn_begin(store->env, NULL, MDB_RDONLY, &cursor->txn);
    if (!code) code = mdb.cursor_open(cursor->txn, store->dbi, &cursor->cursor);
    if (code) {
        if (cursor->txn) mdb.txn_abort(cursor->txn);
        free(cursor);
        return fail("cursor", code);
    }
    *opened = cursor;
    return STATUS_OK;
}

static void lmdb_cursor_close(struct store_cursor *cursor) {
    mdb.cursor_close(cursor->cursor);
    mdb.txn_abort(cursor->txn);
    free(cursor);
}

static enum status move(struct store_cursor *cursor, unsigned how, MDB_val name, struct slice *key,
                        struct slice *value) {
    MDB_val data;
    int code = mdb.cursor_get(cursor->cursor, &name, &data, how);
    if (code) return code == MDB_NOTFOUND ? STATUS_END : fail("cursor", code);
    *key = slice_make(name.mv_data, name.mv_size);
    *value = slice_make(data.mv_data, data.mv_size);
    return STATUS_OK;
}

static enum status lmdb_first(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    return move(cursor, MDB_FIRST, (MDB_val){0}, key, value);
}
static enum status lmdb_last(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    return move(cursor, MDB_LAST, (MDB_val){0}, key, value);
}
static enum status lmdb_seek(struct store_cursor *cursor, struct slice from, struct slice *key, struct slice *value) {
    return move(cursor, MDB_SET_RANGE, val(from), key, value);
}
static enum status lmdb_next(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    return move(cursor, MDB_NEXT, (MDB_val){0}, key, value);
}
static enum status lmdb_previous(struct store_cursor *cursor, struct slice *key, struct slice *value) {
    return move(cursor, MDB_PREV, (MDB_val){0}, key, value);
}

/* ---- State ------------------------------------------------------------------------------------------------------- */

/* Nothing goes on in the background. */
static bool lmdb_at_rest(struct store *store) {
    (void)store;
    return true;
}

static bool lmdb_is_log(const char *file_name) {
    (void)file_name;
    return false;
}

static uint64_t lmdb_table_bytes(struct store *store) {
    MDB_envinfo info = {0};
    if (mdb.env_info(store->env, &info)) return 0;
    return ((uint64_t)info.me_last_pgno + 1) * LMDB_PAGE_BYTES;
}

static const struct peer_names names = {{"liblmdb.so.0", "liblmdb.so", NULL}};

const struct driver engine_driver_lmdb = {
    .name = "lmdb",
    .names = &names,
    .bind = lmdb_bind,
    .probe = "mdb_env_open",
    .version = lmdb_version,
    .describe = lmdb_describe,
    .open = lmdb_open_store,
    .close = lmdb_close_store,
    .writer_open = lmdb_writer_open,
    .writer_close = lmdb_writer_close,
    .put = lmdb_put_one,
    .delete = lmdb_delete_one,
    .batch_add = lmdb_batch_add,
    .batch_write = lmdb_batch_write,
    .reader_open = lmdb_reader_open,
    .reader_close = lmdb_reader_close,
    .get = lmdb_get_one,
    .done = lmdb_done,
    .cursor_open = lmdb_cursor_open,
    .cursor_close = lmdb_cursor_close,
    .first = lmdb_first,
    .last = lmdb_last,
    .seek = lmdb_seek,
    .next = lmdb_next,
    .previous = lmdb_previous,
    .at_rest = lmdb_at_rest,
    .is_log = lmdb_is_log,
    .table_bytes = lmdb_table_bytes,
};
