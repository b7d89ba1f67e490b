/* state_machine: graph as raft sees it; the only file of graph that knows raft (DESIGN R4). */
#ifndef GRAPH_STATE_MACHINE_H
#define GRAPH_STATE_MACHINE_H

#include "graph/graph.h"
#include "raft/state_machine.h"

#pragma GCC visibility push(default)

enum { GRAPH_STORE = 3 };

struct graph_machine;

/* `owners` as graph_store_create; borrowed. *machine is filled in, its context is *graph_machine, which lives until
 * graph_machine_destroy. */
MUST_CHECK enum status graph_machine_create(const struct name_owner *owners, size_t owner_count,
                                            struct graph_machine **graph_machine, struct state_machine *machine);
void graph_machine_destroy(struct graph_machine *machine); /* NULL is allowed */

#pragma GCC visibility pop

#endif
