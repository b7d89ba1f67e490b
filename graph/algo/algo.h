/*
 * algo: graph algorithms on a CSR, each as a state that is stepped: a step does about `work` units (a unit is an edge
 * or a node that is looked at) and returns, so that whoever drives it can stop it, or do other things between. Same
 * graph, same result, bit for bit, however the steps were cut.
 *
 * begin takes memory (counted: `limit_bytes`; TOO_LARGE, NO_MEMORY), step takes none, end frees it (also after a failed
 * begin). The CSR is borrowed until end. One thread at a time. Numbers of nodes are the CSR's dense ones.
 */
#ifndef GRAPH_ALGO_ALGO_H
#define GRAPH_ALGO_ALGO_H

#include "graph/csr.h"

/* ---- Breadth first: hops from one node --------------------------------------------------------------------------- */

enum { BFS_UNREACHED = -1 };

struct bfs {
    const struct csr *csr;
    int32_t *depth;   /* of each node; BFS_UNREACHED */
    uint32_t *order;  /* nodes reached, nearest first: `reached` of them */
    uint32_t *parent; /* on one shortest way from the source; CSR_NONE for the source and what is not reached */
    uint32_t reached;
    int32_t max_depth; /* how far it looks; < 0 = no bound */
    uint32_t target;   /* it stops when it has met this one; CSR_NONE = none */
    uint32_t head;
    uint64_t edge;
};
MUST_CHECK enum status bfs_begin(struct bfs *bfs, const struct csr *csr, uint32_t source, size_t limit_bytes);
/* True when it has finished. */
bool bfs_step(struct bfs *bfs, uint64_t work);
void bfs_end(struct bfs *bfs);

/* ---- Shortest paths by weight: Dijkstra's algorithm, binary heap --------------------------------------------------
 */

struct sssp {
    const struct csr *csr;
    double *distance; /* INFINITY = not reached */
    uint32_t *parent;
    uint32_t *heap, *place; /* place of a node in the heap; CSR_NONE = not in it */
    uint32_t heap_count;
    uint32_t target; /* as above */
    uint32_t node;   /* whose edges are being relaxed; CSR_NONE = take the next from the heap */
    uint64_t edge;
};
/* INVALID: an edge's weight is negative or not a number (checked as edges are met: see sssp_step). An edge of a CSR
 * without weights weighs 1. */
MUST_CHECK enum status sssp_begin(struct sssp *sssp, const struct csr *csr, uint32_t source, size_t limit_bytes);
/* OK and *done, or INVALID. */
MUST_CHECK enum status sssp_step(struct sssp *sssp, uint64_t work, bool *done);
void sssp_end(struct sssp *sssp);

/* ---- Weakly connected components: union by smallest, path halving -------------------------------------------------
 */

struct wcc {
    const struct csr *csr;
    uint32_t *component; /* of each node, when finished: the smallest node in it */
    uint32_t components; /* how many, when finished */
    uint32_t node;
    uint64_t edge;
    bool flattens;
};
MUST_CHECK enum status wcc_begin(struct wcc *wcc, const struct csr *csr, size_t limit_bytes);
bool wcc_step(struct wcc *wcc, uint64_t work);
void wcc_end(struct wcc *wcc);

/* ---- PageRank (Page, Brin, Motwani, Winograd 1999; nodes without outgoing edges give to all) ----------------------
 */

struct pagerank_options {
    double damping;          /* 0 = 0.85 */
    uint32_t max_iterations; /* 0 = 100 */
    double tolerance;        /* it stops when the sum of all changes is at most this; 0 = after max_iterations */
};

struct pagerank {
    const struct csr *csr;
    struct pagerank_options options;
    double *score; /* they sum up to 1 */
    double *next;
    uint32_t iterations; /* done */
    double dangling;     /* what nodes without edges give in this round */
    double change;
    uint32_t node;
    uint64_t edge;
    bool gathers;
};
MUST_CHECK enum status pagerank_begin(struct pagerank *pagerank, const struct csr *csr,
                                      const struct pagerank_options *options, size_t limit_bytes);
bool pagerank_step(struct pagerank *pagerank, uint64_t work);
void pagerank_end(struct pagerank *pagerank);

#endif
