/*
 * txn: optimistic transactions on an engine with a log of its own. Source of the idea: Kung and Robinson 1981, checked
 * as snapshot isolation has it: first committer wins (Berenson and others 1995).
 *
 * A transaction reads the state at its beginning, and over it what it has written itself; nobody sees that before the
 * commit. Writers take no locks and wait for nobody. The commit applies all or nothing, at one place in the order of
 * all writes; if any key that it writes was written by somebody else since it began, it does nothing and answers
 * CONFLICT, and says which key.
 *
 * What can't happen: a read of what was not committed; two reads that differ; an update lost; half a transaction seen;
 * rows that appear between two scans. What can: *write skew*. Two transactions that read what the other writes, and
 * write different keys, both commit. Where that matters, have the keys that a decision rests on locked:
 * engine_txn_get_for_update, engine_txn_lock; for a scan, also against rows that were not there, engine_txn_lock_range.
 * With all that it reads locked, transactions are serializable.
 *
 * "Written" is any put, delete, merge, append or range delete over the key, even one that changes nothing, and of a row
 * that was dropped by its tree's filter or its time meanwhile; a value's time of expiry that comes is no write. A tree
 * that was dropped since, or dropped and made anew, is a conflict too. Trees are created and dropped by engine_write.
 *
 * A transaction holds a snapshot: versions stay on disk as long as it lives. It is kept in memory and given up by a
 * restart or a crash. Threads: one at a time for each transaction; any number of them at once.
 */
#ifndef ENGINE_TXN_H
#define ENGINE_TXN_H

#include "engine/engine.h"

#pragma GCC visibility push(default)

struct engine_txn;

struct engine_txn_options {
    size_t limit_bytes; /* memory for writes and locks; what would pass it is TOO_LARGE, and not done [16 MiB] */
};

/* UNSUPPORTED with ENGINE_WAL_OFF: the order of writes is then its owner's log's. NO_MEMORY. options may be NULL. */
MUST_CHECK enum status engine_txn_begin(struct engine *engine, const struct engine_txn_options *options,
                                        struct engine_txn **txn);
/* Gives up what was not committed. Its iterators must have been closed. NULL is allowed. */
void engine_txn_end(struct engine_txn *txn);
/* Begins anew: at the state of now, with nothing written, locked or saved. For another try, or after a commit.
 * Iterators must have been closed. NO_MEMORY: it is as it was. */
MUST_CHECK enum status engine_txn_restart(struct engine_txn *txn);

/* ---- Writes: as engine_batch_*. INVALID (no such tree at the beginning, not for its kind; committed), TOO_LARGE,
 * NO_MEMORY: nothing was done. */
MUST_CHECK enum status engine_txn_put(struct engine_txn *txn, uint32_t tree, struct slice key, struct slice value);
MUST_CHECK enum status engine_txn_put_until(struct engine_txn *txn, uint32_t tree, struct slice key, struct slice value,
                                            int64_t expires_ms);
MUST_CHECK enum status engine_txn_delete(struct engine_txn *txn, uint32_t tree, struct slice key);
/* A write of every key in the range, whether it is there or not: a row that somebody puts there is a conflict. */
MUST_CHECK enum status engine_txn_delete_range(struct engine_txn *txn, uint32_t tree, struct slice begin,
                                               struct slice end);
MUST_CHECK enum status engine_txn_merge(struct engine_txn *txn, uint32_t tree, struct slice key, struct slice operand);
MUST_CHECK enum status engine_txn_append(struct engine_txn *txn, uint32_t tree, struct slice key, struct slice bytes);

/* ---- Reads: as engine_get and its kin, at the beginning's state and over that its own writes. INVALID: no such tree
 * at the beginning; committed. */
MUST_CHECK enum status engine_txn_get(struct engine_txn *txn, uint32_t tree, struct slice key,
                                      struct engine_value *value);
MUST_CHECK enum status engine_txn_get_many(struct engine_txn *txn, uint32_t tree, const struct slice *keys,
                                           size_t count, struct engine_value *values, enum status *statuses);
/* engine_txn_lock, then engine_txn_get: also of a key that is not there. */
MUST_CHECK enum status engine_txn_get_for_update(struct engine_txn *txn, uint32_t tree, struct slice key,
                                                 struct engine_value *value);
/* The commit will conflict if the key was written since the beginning. Nobody waits for a lock. */
MUST_CHECK enum status engine_txn_lock(struct engine_txn *txn, uint32_t tree, struct slice key);
/* The same of every key in [begin, end), there or not; an empty end = to the end of the tree. The commit walks over
 * what memory holds of the range, and over files that are newer than the transaction. */
MUST_CHECK enum status engine_txn_lock_range(struct engine_txn *txn, uint32_t tree, struct slice begin,
                                             struct slice end);
/* Shows what the transaction had written when it was opened, not what it writes later. options->snapshot must be NULL
 * (INVALID). Closed by engine_iterator_close, before the transaction ends, restarts or rolls back. */
MUST_CHECK enum status engine_txn_iterator_open(struct engine_txn *txn, uint32_t tree,
                                                const struct engine_iterator_options *options,
                                                struct engine_iterator **iterator);
/* The state at the beginning, without own writes; NULL once committed. Borrowed until it commits, restarts or ends. */
const struct engine_snapshot *engine_txn_snapshot(const struct engine_txn *txn);

/* ---- Savepoints -------------------------------------------------------------------------------------------------- */

/* Remembers what was written so far. Nests; NO_MEMORY. */
MUST_CHECK enum status engine_txn_save(struct engine_txn *txn, uint32_t *savepoint);
/* Takes back what was written since, and forgets later savepoints; this one stays. Locks stay: what was read was read.
 * Costs a copy of what stays. INVALID: no such savepoint (any more). NO_MEMORY: it is as it was. */
MUST_CHECK enum status engine_txn_rollback(struct engine_txn *txn, uint32_t savepoint);

/* ---- End --------------------------------------------------------------------------------------------------------- */

/*
 * OK: all of it is written, at once (with sync, durable), and the transaction is over: engine_txn_end or _restart.
 * CONFLICT: nothing was done, engine_txn_get_conflict says why; it can only be restarted or ended. What else
 * engine_write answers: nothing was done (but for a failure of the log, see there); BUSY, NO_SPACE and NO_MEMORY may be
 * tried again. With nothing written, it answers whether what is locked is as it was: CONFLICT or OK; on a read-only
 * engine also READ_ONLY, if engine_refresh has gone on to files that can't tell. options may be NULL.
 */
MUST_CHECK enum status engine_txn_commit(struct engine_txn *txn, const struct engine_write_options *options);

/* Log time of the commit, as a batch's mark has it; 0 = the clock's [0]. A restart forgets it. */
void engine_txn_set_time(struct engine_txn *txn, int64_t time_ms);

struct engine_txn_conflict {
    uint32_t tree;
    /* The key that was written by another; empty for a tree that was dropped, and for an empty key. Of a range delete
     * by another: the first key at which it meets ours. Borrowed until the transaction restarts or ends. */
    struct slice key;
    uint64_t sequence; /* of the write that won; in the order of all writes of the store */
    bool tree_is_gone;
};
/* After CONFLICT; all zero otherwise. */
void engine_txn_get_conflict(const struct engine_txn *txn, struct engine_txn_conflict *conflict);

/* Memory that its writes and locks take now. */
size_t engine_txn_bytes(const struct engine_txn *txn);

#pragma GCC visibility pop

#endif
