/*
 * namespaces: a network namespace for each node of a cluster, and cables between them that can be pulled: what the
 * kernels of parted machines see, and not what a node is told to drop. By `ip` (Debian's iproute2), as root, on Linux.
 *
 * Node I has 10.99.net.I on its peers' cable, which ends in one of two bridges: nodes hear who is on the same one. A
 * second cable, which is never cut, brings this process to the same address: a client's network is another one.
 */
#ifndef TOOLS_LOAM_CHAOS_NAMESPACES_H
#define TOOLS_LOAM_CHAOS_NAMESPACES_H

#include "tools/loam/cluster/cluster.h"

/* Who hears whom: all zero: everybody. */
struct cables {
    uint32_t side;  /* a bit for each node that is on the other bridge */
    uint32_t alone; /* a bit for each node that does not hear others of this set */
};

/* Makes plan.nodes of them, numbered plan.net; what a run that was killed left is removed first. DENIED: not root;
 * NOT_FOUND: no `ip`; INVALID with its words. On failure nothing is left. Blocking, some 100 ms. */
MUST_CHECK enum status namespaces_make(const struct cluster *cluster, struct error *error);
/* From `was` to `now`; some milliseconds. */
MUST_CHECK enum status namespaces_plug(const struct cluster *cluster, const struct cables *was,
                                       const struct cables *now, struct error *error);
/* Removes all; what is not there is no error. */
void namespaces_remove(const struct cluster *cluster);

#endif
