/*
 * quorum: what a majority says, of one list of voters or of the two of a joint configuration (dissertation 4.3). Pure
 * functions of small arrays.
 */
#ifndef RAFT_CORE_QUORUM_H
#define RAFT_CORE_QUORUM_H

#include "raft/raft.h"

enum quorum_vote { QUORUM_VOTE_PENDING, QUORUM_VOTE_WON, QUORUM_VOTE_LOST };

/* What is known of one voter: for an index, how far it has acknowledged (0 = nothing known); for a vote, a yes or no,
 * or nothing yet. */
struct quorum_tally {
    uint64_t id;
    uint64_t index;
    bool voted, granted;
};

/* The greatest index that a majority of `voters` has reached. An empty list holds nothing back: UINT64_MAX. A voter
 * without a tally counts as 0. */
uint64_t quorum_majority_index(const uint64_t *voters, unsigned voter_count, const struct quorum_tally *tallies,
                               unsigned tally_count);
/* An empty list has won. Lost: those who have not said no can no longer be a majority. */
enum quorum_vote quorum_majority_vote(const uint64_t *voters, unsigned voter_count, const struct quorum_tally *tallies,
                                      unsigned tally_count);

/* Of voters and outgoing of a configuration: the lesser index; won if both have won, lost if one has lost. */
uint64_t quorum_joint_index(const struct raft_configuration *configuration, const struct quorum_tally *tallies,
                            unsigned tally_count);
enum quorum_vote quorum_joint_vote(const struct raft_configuration *configuration, const struct quorum_tally *tallies,
                                   unsigned tally_count);

#endif
