/*
 * adjacency: blocks of a node's edges as bytes, and the merge operator that folds single changes into them.
 *
 * Invariant: a block's bytes are a function of the set of its live entries, and a change says of one entry whether it
 * is there; of several changes to one entry the newest counts. So any grouping of changes gives the same bytes.
 * Specification: graph/FORMAT.md, "adjacency".
 */
#ifndef GRAPH_STORE_ADJACENCY_H
#define GRAPH_STORE_ADJACENCY_H

#include "graph/graph.h"

enum {
    ADJACENCY_BLOCK_SLOTS = 256,
    /* A block's entries, and a putting and a taking of each: more are no honest history. */
    ADJACENCY_CHANGES_MAX = 3 * ADJACENCY_BLOCK_SLOTS,
};

struct adjacency_change {
    uint64_t node; /* the neighbour */
    uint64_t edge;
    uint32_t type;
    bool removed;
};

/* By type, neighbour, edge. */
int adjacency_order(const struct adjacency_change *a, const struct adjacency_change *b);

/* Appends the block of these entries: ascending, each once, none removed, at most ADJACENCY_BLOCK_SLOTS. */
MUST_CHECK enum status adjacency_block_encode(struct buf *to, const struct adjacency_change *entries, size_t count);
/* Reads a block; `incoming` is copied into every entry. CORRUPT, VERSION. */
MUST_CHECK enum status adjacency_block_decode(struct slice bytes, bool incoming,
                                              struct graph_neighbour entries[ADJACENCY_BLOCK_SLOTS], size_t *count);
bool adjacency_block_is_empty(struct slice bytes);

/* Appends an operand: changes ascending, each entry once. */
MUST_CHECK enum status adjacency_operand_encode(struct buf *to, const struct adjacency_change *changes, size_t count);
/* `changes` has room for ADJACENCY_CHANGES_MAX. CORRUPT, VERSION. */
MUST_CHECK enum status adjacency_operand_decode(struct slice bytes, struct adjacency_change *changes, size_t *count);

extern const struct engine_merge adjacency_merge;
extern const struct engine_filter adjacency_filter; /* drops blocks without entries */

#endif
