/*
 * execute: runs a plan on an open graph, in steps.
 *
 * The caller begins a step with an amount of work (about: rows looked at), then pulls rows until it gets BUSY (the step
 * is over), END, or a failure. Rows are in run->row, at the slots of the plan's columns, until the next pull. Edits of
 * a writing plan stay on the graph's handle. A run belongs to one thread at a time; `cancelled` may be set from any.
 */
#ifndef GRAPH_CYPHER_EXECUTE_H
#define GRAPH_CYPHER_EXECUTE_H

#include "graph/cypher/run.h"

struct run_options {
    const struct plan *plan;        /* borrowed as all here, until stop */
    struct graph *graph;            /* open */
    const struct value *parameters; /* one for each of the statement's names */
    struct value_budget *budget;
    struct prng *prng;
    int64_t clock_ms;
    uint64_t hash_seed;
    const atomic_bool *cancelled; /* may be NULL */
    struct cypher_fault *fault;   /* filled on failure; may stay empty for those that are not the query's fault */
};

/* Whatever it returns, run_stop follows once. The run must not move in memory. */
MUST_CHECK enum status run_start(struct run *run, const struct run_options *options);
void run_stop(struct run *run);

/* OK, CANCELLED or NO_MEMORY. */
MUST_CHECK enum status run_step_begin(struct run *run, uint64_t work);
/* OK: a row; END; BUSY: begin another step; else the run is over. */
MUST_CHECK enum status run_pull(struct run *run);

#endif
