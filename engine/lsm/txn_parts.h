/*
 * txn_parts: the inside of a transaction, for its parts. Private to engine/lsm.
 */
#ifndef ENGINE_LSM_TXN_PARTS_H
#define ENGINE_LSM_TXN_PARTS_H

#include "engine/lsm/batch.h"
#include "engine/lsm/own_writes.h"
#include "engine/lsm/store.h"
#include "engine/txn.h"

/* A tree that it has used, as of its beginning. */
struct txn_tree {
    uint32_t id, instance;
    const struct engine_tree_kind *kind; /* borrowed from the options */
};

struct txn_save {
    uint32_t number;
    uint32_t count; /* of operations */
    size_t bytes;
};

struct engine_txn {
    struct engine *engine;
    struct engine_snapshot *snapshot; /* NULL: committed */
    size_t limit_bytes;
    struct engine_batch writes; /* in order */
    struct memtable *own; /* the same, to be read; operation n has the sequence OWN_SEQUENCE_FIRST + n; NULL = none */
    struct engine_batch locks; /* keys and ranges, as deletes that nobody applies */
    struct txn_tree *trees;
    size_t tree_count, tree_capacity, tree_latest;
    struct txn_save *saves; /* numbers ascending */
    size_t save_count, save_capacity;
    uint32_t next_save;
    int64_t time_ms;
    uint64_t checked; /* up to this sequence nothing conflicts */
    struct engine_txn_conflict conflict;
    struct buf conflict_key;
};

/* The tree as of the beginning. INVALID: there is none, or it has committed. */
MUST_CHECK enum status txn_find_tree(struct engine_txn *txn, uint32_t id, const struct txn_tree **tree);
/* What it reads beside its snapshot. */
static inline struct own_writes txn_own(const struct engine_txn *txn) {
    return (struct own_writes){.table = txn->own, .sequence = OWN_SEQUENCE_FIRST + txn->writes.count};
}

#endif
