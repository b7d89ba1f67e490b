/*
 * describers: the tables of all layers put together: who describes the rows of a kind of tree, who the operations of a
 * store.
 */
#ifndef TOOLS_LOAM_INSPECT_DESCRIBERS_H
#define TOOLS_LOAM_INSPECT_DESCRIBERS_H

#include "engine/describe.h"
#include "raft/describe.h"

/* NULL: no layer of loam has such a kind of trees. */
const struct row_describer *describers_find(uint64_t kind);
/* The i-th of all; NULL behind the last. */
const struct row_describer *describers_get(size_t i);

/* kv, tsdb, graph. */
extern const struct operation_describers store_describers;

/* Trees of a node have the numbers of their kinds. */
extern const struct tree_describers node_trees;

#endif
