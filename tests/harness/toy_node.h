/*
 * toy_node: the simplest store that a world can drive: one node, a synced log of commands, everything in memory. It is
 * sound; each of its planted bugs breaks one promise, to prove that the world's checks bite.
 */
#ifndef TESTS_HARNESS_TOY_NODE_H
#define TESTS_HARNESS_TOY_NODE_H

#include "tools/sim/world.h"

enum toy_bug {
    TOY_SOUND,
    TOY_NO_SYNC,        /* answers before the log is durable */
    TOY_REPLAYS_TWICE,  /* applies the last record twice after a restart */
    TOY_STALE_READS,    /* answers reads from an older state now and then */
    TOY_LIES_REFUSED,   /* does a write and says that it was not applied */
    TOY_TEARS_PAIRS,    /* writes MSET as two records */
    TOY_REWRITES_TERMS, /* shows other terms of its old entries after a restart */
    TOY_SHRINKS,        /* drops the end of its log while it leads */
    TOY_STAYS_DOWN,     /* does not come back after the second boot */
    TOY_GARBLES,        /* changes a byte of a value */
    TOY_BUG_COUNT
};

const char *toy_bug_name(enum toy_bug bug);
/* The kind's context points to *bug, which must outlive the runs. */
struct world_node_kind toy_node_kind(const enum toy_bug *bug);

#endif
