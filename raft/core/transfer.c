/*
 * transfer: leadership given to a voter of the caller's choice (dissertation 3.10). Invariant: while one is under way
 * the leader takes no proposals, so that the target can catch up; it is told to campaign only when its durable log is
 * as long as the leader's; and after an election timeout the leader gives up and leads on.
 *
 * The target campaigns without asking whether it may (9.6), and says so in its requests: voters that hear the leader
 * answer them all the same (4.2.3), because it is the leader's own wish. What makes an election safe is untouched by
 * either: one vote in a term, the up-to-date check.
 */
#include "raft/core/core.h"

static bool may_lead(struct raft *raft, uint64_t id) {
    const struct progress *peer = membership_find(raft, id);
    if (!peer || peer->is_witness) return false;
    for (unsigned i = 0; i < raft->configuration.voter_count; i++)
        if (raft->configuration.voters[i] == id) return true;
    return false;
}

void transfer_end(struct raft *raft) {
    raft->transfer_to = 0;
    raft->transfer_elapsed = 0;
    raft->transfer_is_told = false;
}

enum status transfer_start(struct raft *raft, uint64_t to) {
    if (raft->role != RAFT_LEADER) return STATUS_NOT_LEADER;
    if (to == raft->options.id) {
        transfer_end(raft);
        return STATUS_OK;
    }
    if (!may_lead(raft, to)) return STATUS_INVALID;
    struct progress *peer = membership_find(raft, to);
    if (peer->state == RAFT_SEND_SNAPSHOT || (raft->transfer_to != 0 && raft->transfer_to != to)) return STATUS_BUSY;
    if (raft->transfer_to == to) return STATUS_OK;
    raft->transfer_to = to;
    if (peer->match < core_last(raft)) peer->append_due = true;
    return STATUS_OK;
}

void transfer_tick(struct raft *raft) {
    if (raft->transfer_to == 0) return;
    if (++raft->transfer_elapsed >= raft->options.election_ticks) transfer_end(raft);
    raft->transfer_is_told = false; /* word of it may be lost: once more */
}

void transfer_send(struct raft *raft) {
    if (raft->transfer_to == 0 || raft->transfer_is_told) return;
    const struct progress *peer = membership_find(raft, raft->transfer_to);
    if (!may_lead(raft, raft->transfer_to)) {
        transfer_end(raft); /* it was removed meanwhile */
        return;
    }
    if (peer->match < core_last(raft)) return;
    if (lease_is_guarding(raft)) return; /* a handed leader guards against nobody: what there is to guard ends here */
    lease_give_up(raft);
    raft->transfer_is_told = ready_add_message(raft, RAFT_TIMEOUT_NOW, raft->transfer_to) != NULL;
}

/* Who is heard first, then who knows that he may campaign, then who holds most. */
static bool is_better(const struct raft *raft, const struct progress *peer, const struct progress *best) {
    const bool knows = peer->commit >= raft->configuration_index,
               best_knows = best->commit >= raft->configuration_index;
    if (peer->recently_active != best->recently_active) return peer->recently_active;
    return knows == best_knows ? peer->match > best->match : knows;
}

/*
 * The leader's disk has failed, or it is no voter any more. Nobody is brought up to date: who is best off is told, and
 * wins if a majority holds no more than it. Should it not, voters find another after their timeouts, as without the
 * word. It promises nothing, so it needs no disk.
 */
void transfer_before_leaving(struct raft *raft) {
    const struct progress *best = NULL;
    if (raft->role != RAFT_LEADER || lease_is_guarding(raft)) return; /* as in transfer_send */
    for (unsigned i = 0; i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        if (peer->id == raft->options.id || !may_lead(raft, peer->id)) continue;
        if (!best || is_better(raft, peer, best)) best = peer;
    }
    if (best) (void)ready_add_message(raft, RAFT_TIMEOUT_NOW, best->id);
}

uint64_t raft_transfer_target(const struct raft *raft) {
    return raft->transfer_to;
}
