/*
 * resolve: from a base and operands to a value. Operands are of two kinds, the tree's merge operator's and appends; a
 * chain may mix them.
 */
#ifndef ENGINE_LSM_RESOLVE_H
#define ENGINE_LSM_RESOLVE_H

#include "engine/engine.h"
#include "engine/entry/internal_key.h"

struct operand {
    uint64_t trailer; /* MERGE or APPEND */
    struct slice value;
};

/* The operands of one key, gathered newest first; values are copied. Reusable after clear. */
struct operands {
    struct operand *items;
    size_t count, capacity;
    struct buf bytes; /* values, one after another; items hold offsets until operands_settle */
};

void operands_deinit(struct operands *operands);
void operands_clear(struct operands *operands);
MUST_CHECK enum status operands_add(struct operands *operands, uint64_t trailer, struct slice value);
/* After the last add: values become readable. */
void operands_settle(struct operands *operands);

/*
 * Folds all into *result (cleared first). base NULL = none. operands is settled, newest first. TOO_LARGE, CORRUPT or
 * SYNTAX (the operator's verdict), NO_MEMORY, CORRUPT when the tree's kind has no merge operator.
 */
MUST_CHECK enum status resolve_full(const struct engine_tree_kind *kind, struct slice key, const struct slice *base,
                                    const struct operands *operands, struct buf *result);

/* Folds operands [from, from + *taken) (newest first), a run of one kind, into one operand in *result. UNSUPPORTED: the
 * operator has no partial. */
MUST_CHECK enum status resolve_partial(const struct engine_tree_kind *kind, struct slice key,
                                       const struct operands *operands, size_t from, size_t *taken, struct buf *result);

#endif
