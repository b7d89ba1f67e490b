/*
 * engine_driver: an engine as the workloads see it. Each driver completes struct store and its kin in its own way, so
 * that a handle of one can't be passed to another.
 *
 * Contract: a put or delete is one atomic write that outlives the process; with sync, the power too. What a get or a
 * cursor finds is touched by the workload, so lazy engines pay as others do. Threads: a writer, reader or cursor
 * belongs to one thread at a time, the store to all. Failures have been written to the standard error by the driver.
 */
#ifndef TOOLS_LOAM_BENCH_ENGINE_DRIVER_H
#define TOOLS_LOAM_BENCH_ENGINE_DRIVER_H

#include "engine/base/slice.h"
#include "engine/io.h"
#include "tools/loam/bench/engine_bench.h"
#include "tools/loam/bench/engine_peer.h"

struct store;
struct store_writer;
struct store_reader;
struct store_cursor;
struct store_txn;

struct driver {
    const char *name;
    const struct peer_names *names; /* how its library is called; NULL = inside this program */
    /* Fills in the driver's table of functions. NOT_FOUND names the one that is missing. */
    enum status (*bind)(struct peer_library *library, struct error *error);
    const char *probe; /* the name of one of them, by which the library's file is found */
    /* The version that the library tells; false: it tells none. */
    bool (*version)(char *text, size_t size);
    /* What it is opened with, in its own terms, for people. */
    void (*describe)(const struct bench_settings *settings, char *text, size_t size);

    /* Makes the store if it is absent. durable: every write will be synced. */
    enum status (*open)(struct io *io, const struct bench_settings *settings, const char *dir, bool durable,
                        struct store **store);
    void (*close)(struct store *store);

    enum status (*writer_open)(struct store *store, struct store_writer **writer);
    void (*writer_close)(struct store_writer *writer);
    enum status (*put)(struct store_writer *writer, struct slice key, struct slice value, bool sync);
    enum status (*delete)(struct store_writer *writer, struct slice key);
    enum status (*batch_add)(struct store_writer *writer, struct slice key, struct slice value);
    enum status (*batch_write)(struct store_writer *writer);

    enum status (*reader_open)(struct store *store, struct store_reader **reader);
    void (*reader_close)(struct store_reader *reader);
    /* The latest state. *value is borrowed until `done`, which follows an OK. */
    enum status (*get)(struct store_reader *reader, struct slice key, struct slice *value);
    void (*done)(struct store_reader *reader);

    /* The state at open. scan: it will walk over everything, and shall not turn the cache over. */
    enum status (*cursor_open)(struct store *store, bool scan, struct store_cursor **cursor);
    void (*cursor_close)(struct store_cursor *cursor);
    /* Moves, and lends the entry until the next move. END past the last one. */
    enum status (*first)(struct store_cursor *cursor, struct slice *key, struct slice *value);
    enum status (*last)(struct store_cursor *cursor, struct slice *key, struct slice *value);
    enum status (*seek)(struct store_cursor *cursor, struct slice from, struct slice *key, struct slice *value);
    enum status (*next)(struct store_cursor *cursor, struct slice *key, struct slice *value);
    enum status (*previous)(struct store_cursor *cursor, struct slice *key, struct slice *value);

    /* Optimistic transactions with snapshot isolation; txn_open NULL = there are none. txn_prepare (may be NULL) comes
     * before the first one is opened. A handle is one thread's, and begins again and again. txn_get: what it reads may
     * not be changed by others until the commit; *value is borrowed until txn_done. txn_commit: CONFLICT. */
    enum status (*txn_prepare)(struct store *store);
    enum status (*txn_open)(struct store *store, struct store_txn **txn);
    void (*txn_close)(struct store_txn *txn);
    enum status (*txn_begin)(struct store_txn *txn);
    enum status (*txn_get)(struct store_txn *txn, struct slice key, struct slice *value);
    void (*txn_done)(struct store_txn *txn);
    enum status (*txn_put)(struct store_txn *txn, struct slice key, struct slice value);
    enum status (*txn_commit)(struct store_txn *txn);

    enum status (*compact)(struct store *store); /* NULL = there is nothing to compact */
    /* As the engine itself says: nothing to flush, no compaction due, levels within their targets. */
    bool (*at_rest)(struct store *store);
    bool (*is_log)(const char *file_name);
    /* Bytes of data where the files' sizes do not tell them; NULL = they do. */
    uint64_t (*table_bytes)(struct store *store);
};

extern const struct driver engine_driver_loam;
extern const struct driver engine_driver_rocksdb;
extern const struct driver engine_driver_leveldb;
extern const struct driver engine_driver_lmdb;

/* In the order of the columns; loam first. */
extern const struct driver *const engine_drivers[BENCH_ENGINES_MAX];

/* Writes "loam bench engine: NAME: what: text" to the standard error. */
enum status engine_driver_fail(const struct driver *driver, enum status status, const char *what, const char *text);

#endif
