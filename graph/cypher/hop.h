/*
 * hop: what the operators that walk along edges share: the pattern of one hop, made ready for a row.
 */
#ifndef GRAPH_CYPHER_HOP_H
#define GRAPH_CYPHER_HOP_H

#include "graph/cypher/run.h"

struct hop {
    const struct plan_traverse *plan;
    enum graph_direction direction;
    uint32_t *types; /* room for all of the plan's; ids of those that the graph has */
    uint32_t type_count;
    bool impossible;         /* types are named, and the graph has none of them */
    struct value properties; /* passing: what every edge of a variable length has to have; null: nothing */
};

/* Room for the types, in the run's frame. */
MUST_CHECK enum status hop_init(struct run *run, const struct plan_traverse *plan, struct hop *hop);
/* For the row in the slots: types' ids, properties. */
MUST_CHECK enum status hop_begin(struct run *run, struct hop *hop);
/* The node in a slot: *is_null for null, a fault for anything but a node. */
MUST_CHECK enum status hop_node(struct run *run, const struct hop *hop, uint32_t slot, uint64_t *node, bool *is_null);

struct value hop_edge(uint64_t from, const struct graph_neighbour *neighbour);
/* The edge is in none of the slots whose edges it has to differ from. */
bool hop_is_distinct(const struct run *run, const struct plan_traverse *plan, uint64_t edge);
/* The edge has the properties. */
MUST_CHECK enum status hop_check_properties(struct run *run, const struct hop *hop, struct value edge, bool *has);

/* The node has all labels from the one numbered `first` on; one that is gone has none (operator_scan.c). */
MUST_CHECK enum status run_node_has_labels(struct run *run, uint64_t node, const struct cypher_names *labels,
                                           uint32_t first, bool *has);

#endif
