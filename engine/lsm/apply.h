/*
 * apply: one batch into the active memtable and the table of trees, and out of them again: what a writer's turn, a
 * replay and a reader's refresh do with operations. It publishes nothing, and knows of no log. Private to engine/lsm.
 *
 * Invariant: a batch is in the memtable whole or not at all, and trees with it.
 */
#ifndef ENGINE_LSM_APPLY_H
#define ENGINE_LSM_APPLY_H

#include "engine/lsm/batch.h"
#include "engine/lsm/store.h"

/* Applies the operations of one batch to the active memtable, from sequence `first` on; all or nothing. Leader, or
 * recovery. INVALID, NO_MEMORY, TOO_LARGE, CORRUPT. */
MUST_CHECK enum status store_apply(struct engine *engine, struct slice operations, uint32_t count, uint64_t first);
/* Takes back the first `count` operations of a batch that was applied last; they have sequences from `first` on.
 * Leader, or recovery. */
void store_undo(struct engine *engine, struct slice operations, uint32_t count, uint64_t first);
/* What comes before an operation enters the memtable. *tree: whose row it is, or NULL for one that makes or drops a
 * tree: that is done then. Leader, or recovery. INVALID, NO_MEMORY, TOO_LARGE. */
MUST_CHECK enum status store_admit_operation(struct engine *engine, const struct batch_operation *operation,
                                             uint64_t sequence, const struct tree **tree);

#endif
