/*
 * roster: who has a vote, as the leader tells, and the next step towards what is wished: RAFT.CHANGE to the leader, one
 * at a time. Who is no member any more is ended and loses its directory; it comes back under its old number as a new
 * node, which waits to be added.
 *
 * Part of struct hands; loop thread.
 */
#ifndef TOOLS_LOAM_CHAOS_ROSTER_H
#define TOOLS_LOAM_CHAOS_ROSTER_H

#include "tools/loam/cluster/cluster.h"
#include "tools/resp/asker.h"

struct hand;
struct hands;

enum wish_place { WISH_VOTER, WISH_LEARNER, WISH_OUT };

struct roster {
    struct hands *hands; /* borrowed */
    struct asker asker;
    uint64_t again_ns; /* nothing is asked before */
    char words[96];    /* why the leader did not do what it was last told; "" */
    uint64_t changes;  /* that it did */
};

/* Of one node. */
struct roster_place {
    enum cluster_place is; /* as the leader tells */
    uint64_t index;        /* the last one at which a leader told that it is a member: what is older does not count */
    uint64_t none_ns;      /* since when the leader tells that it is none; 0: it does not */
    bool must_end;         /* its process ends, and then its directory goes; cleared once that is done */
};

void roster_init(struct roster *roster, struct hands *hands);
/* REQUIRES: idle. */
void roster_deinit(struct roster *roster);
/* After the leader is known. */
void roster_turn(struct roster *roster);
/* Nothing is missing; else `why` (128 bytes) says what. */
bool roster_is_well(const struct roster *roster, const struct hand *hand, char *why);

#endif
