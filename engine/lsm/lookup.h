/*
 * lookup: one key in a view, newest source first; what engine_get and engine_get_many are made of. Private to
 * engine/lsm.
 */
#ifndef ENGINE_LSM_LOOKUP_H
#define ENGINE_LSM_LOOKUP_H

#include "engine/lsm/own_writes.h"
#include "engine/lsm/resolve.h"
#include "engine/lsm/store.h"

/* What has to be read from a file before a lookup can go on. Neither: a file is not even open. */
struct lookup_missing {
    struct sst *sst; /* a data block of it, or NULL */
    uint32_t at;
    struct value_reference reference; /* a value kept apart; bytes 0 = none */
    bool is_all;                      /* it is the answer: there are no operands to be folded onto it */
};

struct lookup {
    /* Set by the caller, the rest zero. The view is held until lookup_answer. */
    struct engine *engine;
    const struct tree *tree;
    struct slice key;
    uint64_t hash; /* entry_key_hash(key) */
    uint64_t snapshot;
    int64_t time_ms; /* of the read: what ends by then is gone */
    unsigned flags;  /* enum sst_read_flag */
    struct own_writes own;
    struct block *held; /* a value kept apart that was read for this lookup, the caller's; NULL = none */

    uint64_t cover; /* the highest range delete met; hides what is older */
    bool decided;   /* nothing older matters */
    struct operands operands;
    bool has_base;
    bool is_apart; /* base is a reference (engine/values/FORMAT.md) */
    struct slice base;
    struct block *block; /* pins base, or */
    struct memtable *memtable;
    struct lookup_missing missing; /* after WOULD_BLOCK */
};

/* Searches. OK also when there is nothing. */
MUST_CHECK enum status lookup_run(struct lookup *lookup, const struct view *view);
/* After lookup_run, whose status comes in: the value, pinned, or why there is none. Frees what the lookup holds. */
MUST_CHECK enum status lookup_answer(struct lookup *lookup, enum status status, struct engine_value *value);

/* engine_get and engine_get_many over a transaction's own writes; flags: enum sst_read_flag. */
MUST_CHECK enum status lookup_get(struct engine *engine, const struct engine_snapshot *snapshot,
                                  const struct own_writes *own, uint32_t tree, struct slice key, unsigned flags,
                                  struct engine_value *value);
MUST_CHECK enum status lookup_get_many(struct engine *engine, const struct engine_snapshot *snapshot,
                                       const struct own_writes *own, uint32_t tree, const struct slice *keys,
                                       size_t count, struct engine_value *values, enum status *statuses);

#endif
