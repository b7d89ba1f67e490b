/*
 * stores: the node's one table of state machines (DESIGN R4), and of the types of names that they own. A new store is a
 * row in stores.c.
 */
#ifndef TOOLS_LOAMD_STORES_H
#define TOOLS_LOAMD_STORES_H

#include "graph/state_machine.h"
#include "kv/state_machine.h"
#include "raft/state_machine.h"
#include "tsdb/state_machine.h"

struct stores {
    struct kv_machine *kv;
    struct graph_machine *graph;
    struct tsdb_machine *tsdb;
    struct state_machine machines[STATE_MACHINES_MAX];
    size_t machine_count;
    struct name_owner owners[STATE_MACHINES_MAX];
    size_t owner_count;
};

/* Not movable afterwards: machines point at owners. */
MUST_CHECK enum status stores_init(struct stores *stores);
void stores_deinit(struct stores *stores);

#endif
