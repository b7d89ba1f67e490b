/*
 * commit: how far the log is safe (dissertation 3.6.2). Invariant: the commit index never falls, and never passes the
 * last index.
 */
#include "raft/core/core.h"

#include "engine/base/check.h"

void commit_to(struct raft *raft, uint64_t index) {
    /* A leader that speaks of more than we hold believes that we lost nothing; it finds out by its next append. */
    if (index <= raft->commit || index > core_last(raft)) return;
    raft->commit_note_due = core_most(raft->commit_note_due, membership_last_mark(raft, raft->commit, index));
    raft->commit = index;
    raft->verified = core_most(raft->verified, index);
}

static uint64_t match_of(const struct raft *raft, const struct progress *peer) {
    (void)raft;
    return peer->match;
}

/* Figure 3.7 (figure 8 of the paper): an entry of an earlier term is not committed by counting, only by an entry of
 * this term above it. */
void commit_by_counting(struct raft *raft) {
    if (lease_is_guarding(raft)) return; /* somebody may still read by the lease of a former term */
    struct quorum_tally tallies[RAFT_MEMBERS_MAX];
    unsigned count = membership_tally(raft, match_of, tallies);
    uint64_t index = quorum_joint_index(&raft->configuration, tallies, count);
    if (index == UINT64_MAX || index <= raft->commit) return;
    if (term_table_at(&raft->terms, index) != raft->term) return;
    commit_to(raft, index);
    lease_committed(raft);
    size_t bytes = 0;
    if (index < core_last(raft)) {
        (void)raft->options.measure(raft->options.measure_context, index + 1, core_last(raft), SIZE_MAX, &bytes);
    }
    raft->uncommitted_bytes = bytes;
}

bool commit_has_own_term(const struct raft *raft) {
    return term_table_at(&raft->terms, raft->commit) == raft->term;
}
