/*
 * state_machine: what a store gives to raft, and all that raft knows of a store (DESIGN R4).
 *
 * apply is a function of the engine's state, the envelope and the operation alone: no clock, no entropy, no address, no
 * order of threads. It runs on the loop thread, in log order, and does not block: if a row is not in memory it answers
 * WOULD_BLOCK, having put nothing that counts into the batch; the driver has the rows read by `prefetch` in a job and
 * calls again, once: that call may block on what did not stay in memory.
 */
#ifndef RAFT_STATE_MACHINE_H
#define RAFT_STATE_MACHINE_H

#include "engine/engine.h"

#pragma GCC visibility push(default)

enum { STATE_MACHINES_MAX = 8, STATE_MACHINE_TOUCH_MAX = 16 };

/* What an entry says besides its operations; the same on every replica. */
struct envelope {
    uint64_t index; /* of the entry */
    uint64_t term;
    int64_t time_ms; /* log time: never falls */
    uint64_t seed;   /* chance, drawn by whoever proposed */
    uint64_t session;
    uint64_t serial;
    /* Of this node alone, changes no result: the rows have been brought in and may not have stayed (a cache that is
     * smaller than what the operation reads): read files rather than answer WOULD_BLOCK again. */
    bool may_block;
};

struct state_machine {
    uint8_t store;    /* the number that operations carry: 1 kv, 2 tsdb, 3 graph; 0 is raft's own */
    const char *name; /* "kv" */
    void *context;

    /* Kinds of trees that this store keeps, and trees that always exist (made by the first entry). */
    const struct engine_tree_kind *kinds;
    size_t kind_count;
    const struct state_machine_tree { uint32_t tree, kind; } * trees;
    size_t tree_count;

    /*
     * Turns one operation into changes of the batch and a reply (engine/base/reply.h), user errors included: those are
     * replies, with OK. The status is for what stops the node (CORRUPT, IO, NO_MEMORY, UNSUPPORTED operation) and for
     * WOULD_BLOCK. The driver clears batch and reply before a second call.
     */
    enum status (*apply)(void *context, const struct envelope *envelope, struct slice operation,
                         struct engine_batch *batch, struct buf *reply);
    /* Reads, blocking, what apply of this operation would read, so that the blocks are in memory. From a pool thread;
     * several at once. snapshot NULL = the latest state. */
    enum status (*prefetch)(void *context, const struct engine_snapshot *snapshot, struct slice operation);
    /* Whether apply of this operation would find its rows in memory, by the latest state: OK, or WOULD_BLOCK: prefetch
     * is worth its while. Touches no file; loop thread; anything else counts as OK. NULL: nothing is read ahead. */
    enum status (*probe)(void *context, struct slice operation);
    /* A hint, may be NULL: these operations are applied next, in this order; at most STATE_MACHINE_TOUCH_MAX. What they
     * read in memory is brought close to the processor. Never blocks. Loop thread. */
    void (*touch)(void *context, const struct slice *operations, size_t count);
    /* The engine was opened or replaced (start, snapshot install): use this one from now on, rebuild what is cached.
     * Loop thread, nothing of the old one is in use. */
    enum status (*after_restore)(void *context, struct engine *engine, uint64_t seed);
    /* Full logical scan at a snapshot and log time: equal on replicas at the same index. Blocking, from a job. */
    enum status (*hash)(void *context, const struct engine_snapshot *snapshot, int64_t time_ms, uint64_t *hash);
    /* Whether what the store holds at a snapshot is whole in itself: counts, indexes, both ends of what has two. OK, or
     * CORRUPT with the first finding in words. Blocking, from a job. NULL: hash reads all that there is to check. */
    enum status (*verify)(void *context, const struct engine_snapshot *snapshot, int64_t time_ms, struct error *error);
    /* A store's own housekeeping that must go through the log (expiry). Leader only, about every 100 ms: writes an
     * operation into *operation if one is due, else leaves it empty. Never blocks. */
    enum status (*maintain)(void *context, int64_t log_time_ms, struct buf *operation);
};

#pragma GCC visibility pop

#endif
