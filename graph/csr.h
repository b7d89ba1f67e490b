/*
 * csr: a graph as two arrays: where the neighbours of each node begin, and the neighbours (compressed sparse rows).
 * What algorithms run on: built once from a snapshot, then read only. Nodes get dense numbers in the order of their
 * ids.
 *
 * Built in one pass: nodes first, ascending; then the edges, grouped by source in the same order. Edges whose other end
 * is not among the nodes are left out (a filter by label). Memory is counted and bounded: TOO_LARGE beyond the limit.
 * One thread while it is built; any number afterwards.
 */
#ifndef GRAPH_CSR_H
#define GRAPH_CSR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/status.h"

enum { CSR_NODES_MAX = INT32_MAX };
#define CSR_NONE UINT32_MAX

struct csr {
    uint32_t node_count;
    uint64_t edge_count;
    uint64_t *node_ids; /* node_count, ascending */
    uint64_t *offsets;  /* node_count + 1: edges of node n are offsets[n] .. offsets[n + 1] - 1 */
    uint32_t *targets;  /* edge_count */
    double *weights;    /* edge_count; NULL = none were asked for */
    uint64_t *edge_ids; /* edge_count; NULL = csr_keep_edge_ids was not called */
    uint64_t log_index; /* of the snapshot; the builder's to set */

    /* The builder's. */
    size_t bytes, limit_bytes;
    size_t node_capacity, edge_capacity;
    uint32_t source; /* edges of this node are being added; nodes before it are closed */
    bool has_edges, is_dense, weighted, keeps_edge_ids;
};

/* limit_bytes bounds what its arrays take. */
void csr_init(struct csr *csr, size_t limit_bytes, bool weighted);
void csr_deinit(struct csr *csr);

/* The edges' ids are kept, too: before the first edge. */
void csr_keep_edge_ids(struct csr *csr);

/* All nodes, ascending ids, before the first edge. TOO_LARGE (memory, or CSR_NODES_MAX), NO_MEMORY. */
MUST_CHECK enum status csr_add_node(struct csr *csr, uint64_t id);
/* The next edge; `source` never falls. Ends are dense numbers (csr_find); a target CSR_NONE is left out. */
MUST_CHECK enum status csr_add_edge(struct csr *csr, uint32_t source, uint32_t target, double weight);
/* The id of the edge that was added last and not left out; only with csr_keep_edge_ids. */
void csr_name_edge(struct csr *csr, uint64_t id);
/* After the last edge. */
MUST_CHECK enum status csr_finish(struct csr *csr);

/* The dense number of a node; CSR_NONE if it is not there. */
uint32_t csr_find(const struct csr *csr, uint64_t id);

static inline uint64_t csr_degree(const struct csr *csr, uint32_t node) {
    return csr->offsets[node + 1] - csr->offsets[node];
}

#endif
