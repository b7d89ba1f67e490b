/*
 * csr_build: a CSR from a graph on a snapshot, in bounded steps: all nodes or those with any of some labels, then the
 * edges of some types between them, along or against their direction or both ways. One thread at a time.
 */
#ifndef GRAPH_CSR_BUILD_H
#define GRAPH_CSR_BUILD_H

#include "graph/csr.h"
#include "graph/graph.h"

struct csr_build_options {
    enum graph_direction direction; /* BOTH: every edge two times, a self-loop, too */
    const uint32_t *labels;         /* any of them; none = all nodes; borrowed until end, as types */
    size_t label_count;             /* up to GRAPH_LABELS_MAX */
    const uint32_t *types;          /* none = every type; GRAPH_NONE among these and the labels fits nothing */
    size_t type_count;
    bool edge_ids;         /* are kept */
    uint32_t weight_key;   /* property that is an edge's weight; GRAPH_NONE = without weights */
    double default_weight; /* of an edge that has no number there */
    size_t limit_bytes;    /* of the CSR */
};

struct csr_build {
    struct graph *graph; /* borrowed until end; has no edits */
    struct csr *csr;     /* the caller's; usable when a step has said done */
    struct csr_build_options options;
    struct csr_scan {
        struct graph_scan *scan; /* NULL = at its end */
        uint64_t id;             /* what it gave last */
        bool holds;              /* the id was not taken yet */
    } scans[GRAPH_LABELS_MAX];
    size_t scan_count; /* 0 = all nodes were added */
    struct csr_sweep {
        struct graph_sweep *sweep; /* NULL = not wanted, or at its end */
        uint64_t node;
        const struct graph_neighbour *entries;
        size_t count, at;
    } sweeps[2]; /* by direction */
};

/* INVALID: more labels than GRAPH_LABELS_MAX, or the graph has edits. Initialises *csr, which is to be deinitialised
 * whatever comes. */
MUST_CHECK enum status csr_build_begin(struct csr_build *build, struct graph *graph,
                                       const struct csr_build_options *options, struct csr *csr);
/* About `work` nodes or edges. TOO_LARGE: over the limit; INVALID: the graph has edits; CORRUPT, IO, NO_MEMORY. */
MUST_CHECK enum status csr_build_step(struct csr_build *build, uint64_t work, bool *done);
void csr_build_end(struct csr_build *build);

#endif
