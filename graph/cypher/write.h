/*
 * write: what the operators that change the graph do with one row: making nodes and edges, setting and removing
 * properties and labels. All return OK, a fault's status, or what the graph answered.
 */
#ifndef GRAPH_CYPHER_WRITE_H
#define GRAPH_CYPHER_WRITE_H

#include "graph/cypher/run.h"

/* Makes nodes, edges and paths and writes their slots. `merging`: a null property is a fault, for what was just made
 * would not match the pattern. */
MUST_CHECK enum status write_create(struct run *run, const struct plan_creation *creation, bool merging);
/* SET, or REMOVE. A null target is left out. */
MUST_CHECK enum status write_set(struct run *run, const struct cypher_set_items *items, bool remove);
/* Deletes; what is gone already counts as deleted. A node that has edges left is a fault unless detach. */
MUST_CHECK enum status write_delete_edge(struct run *run, uint64_t id);
MUST_CHECK enum status write_delete_node(struct run *run, uint64_t id, bool detach);

#endif
