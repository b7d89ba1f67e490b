/*
 * stores_workload: a seeded series of entries over one name space in which any name may become a string, a series or a
 * graph, be renamed or deleted, and what every name holds after each entry.
 *
 * Made by a run of its own (edits of graphs are computed on a state), in which the model is compared after each entry.
 * Some graph operations are computed on a state that has passed when they come: they must be refused.
 */
#ifndef TESTS_HARNESS_STORES_WORKLOAD_H
#define TESTS_HARNESS_STORES_WORKLOAD_H

#include "tests/harness/stores_model.h"

struct stores_workload;

/* Entries 1 (which makes the trees) to `entries`. NULL and words: the model and the stores disagreed while it was made.
 */
struct stores_workload *stores_workload_create(uint64_t seed, uint32_t entries, struct error *error);
void stores_workload_destroy(struct stores_workload *workload); /* NULL is allowed */

struct stores_entry stores_workload_entry(const struct stores_workload *workload, uint32_t n); /* borrowed */
const struct model_state *stores_workload_state(const struct stores_workload *workload, uint32_t n);

/* Over all workloads so far: how often it came to what is rare. */
struct stores_workload_counts {
    uint64_t late_samples, deleted_ranges, renames, whole_deletes, stale_edits, deleted_edges;
};
extern struct stores_workload_counts stores_workload_counts;

/* Small limits, so that a few dozen entries flush and compact; kinds are the lab's. */
struct engine_options stores_workload_engine_options(const struct stores_lab *lab);

#endif
