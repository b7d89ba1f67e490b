/*
 * server_node: whole servers (tools/loamd/server.h) as the nodes of a world: the code of production, on simulated
 * machines. Limits are small, so that a run of a few hundred operations flushes, compacts, rotates logs and sends
 * snapshots.
 */
#ifndef TOOLS_SIM_SERVER_NODE_H
#define TOOLS_SIM_SERVER_NODE_H

#include "tools/sim/record.h"
#include "tools/sim/world.h"

/* What a run's servers are like: drawn from its seed. */
struct server_node_options {
    unsigned founders, witness; /* witness: 0 = none */
    unsigned format_level;      /* of the stores that are made; 0 = the latest */
    uint64_t seed;
};

/* The kind's context points to *options, which must outlive the run. */
struct world_node_kind server_node_kind(const struct server_node_options *options);

/* What a frame between servers says: for a record. */
void server_node_describe(struct slice frame, struct record_words *to);

/* A plan's run on whole servers. */
void server_world_run(struct world_options *options, struct world_report *report);

#endif
