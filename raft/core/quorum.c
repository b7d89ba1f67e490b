/*
 * quorum: majorities. Invariant: for a given list and tallies the index never falls when a tally's index rises, and a
 * vote that is won or lost stays so whatever the silent voters say.
 */
#include "raft/core/quorum.h"

static const struct quorum_tally *tally_of(uint64_t id, const struct quorum_tally *tallies, unsigned tally_count) {
    for (unsigned i = 0; i < tally_count; i++) {
        if (tallies[i].id == id) return &tallies[i];
    }
    return NULL;
}

uint64_t quorum_majority_index(const uint64_t *voters, unsigned voter_count, const struct quorum_tally *tallies,
                               unsigned tally_count) {
    if (voter_count == 0) return UINT64_MAX;
    uint64_t sorted[RAFT_MEMBERS_MAX]; /* descending */
    for (unsigned i = 0; i < voter_count; i++) {
        const struct quorum_tally *tally = tally_of(voters[i], tallies, tally_count);
        uint64_t index = tally ? tally->index : 0;
        unsigned at = i;
        for (; at > 0 && sorted[at - 1] < index; at--) sorted[at] = sorted[at - 1];
        sorted[at] = index;
    }
    return sorted[voter_count / 2]; /* voter_count / 2 + 1 voters have reached it */
}

enum quorum_vote quorum_majority_vote(const uint64_t *voters, unsigned voter_count, const struct quorum_tally *tallies,
                                      unsigned tally_count) {
    if (voter_count == 0) return QUORUM_VOTE_WON;
    unsigned needed = voter_count / 2 + 1;
    unsigned granted = 0;
    unsigned refused = 0;
    for (unsigned i = 0; i < voter_count; i++) {
        const struct quorum_tally *tally = tally_of(voters[i], tallies, tally_count);
        if (!tally || !tally->voted) continue;
        granted += tally->granted;
        refused += !tally->granted;
    }
    if (granted >= needed) return QUORUM_VOTE_WON;
    return voter_count - refused < needed ? QUORUM_VOTE_LOST : QUORUM_VOTE_PENDING;
}

uint64_t quorum_joint_index(const struct raft_configuration *configuration, const struct quorum_tally *tallies,
                            unsigned tally_count) {
    uint64_t incoming = quorum_majority_index(configuration->voters, configuration->voter_count, tallies, tally_count);
    uint64_t outgoing =
        quorum_majority_index(configuration->outgoing, configuration->outgoing_count, tallies, tally_count);
    return incoming < outgoing ? incoming : outgoing;
}

enum quorum_vote quorum_joint_vote(const struct raft_configuration *configuration, const struct quorum_tally *tallies,
                                   unsigned tally_count) {
    enum quorum_vote incoming =
        quorum_majority_vote(configuration->voters, configuration->voter_count, tallies, tally_count);
    enum quorum_vote outgoing =
        quorum_majority_vote(configuration->outgoing, configuration->outgoing_count, tallies, tally_count);
    if (incoming == outgoing) return incoming;
    return incoming == QUORUM_VOTE_LOST || outgoing == QUORUM_VOTE_LOST ? QUORUM_VOTE_LOST : QUORUM_VOTE_PENDING;
}
