/*
 * replication: what a leader sends, and what it makes of the replies (dissertation 3.5, 10.2.1 pipelining). Invariant:
 * nothing is sent but by the progress of its receiver, so that what is on its way is bounded; every stop is loosened by
 * a later reply.
 */
#include "raft/core/core.h"

#include "engine/base/check.h"

void replication_heartbeat_all(struct raft *raft) {
    for (unsigned i = 0; i < raft->peer_count; i++)
        raft->peers[i].heartbeat_due = raft->peers[i].id != raft->options.id;
}

/* 6.2. Learners don't count; a leader always hears itself. */
bool replication_quorum_is_active(struct raft *raft) {
    struct quorum_tally tallies[RAFT_MEMBERS_MAX];
    for (unsigned i = 0; i < raft->peer_count; i++) {
        struct progress *peer = &raft->peers[i];
        bool self = peer->id == raft->options.id;
        tallies[i] = (struct quorum_tally){.id = peer->id, .voted = true, .granted = self || peer->recently_active};
        peer->recently_active = self;
    }
    return quorum_joint_vote(&raft->configuration, tallies, raft->peer_count) == QUORUM_VOTE_WON;
}

void replication_send_heartbeats(struct raft *raft) {
    if (raft->role != RAFT_LEADER) return;
    for (unsigned i = 0; i < raft->peer_count; i++) {
        struct progress *peer = &raft->peers[i];
        if (!peer->heartbeat_due) continue;
        struct raft_message *heartbeat = ready_add_message(raft, RAFT_HEARTBEAT, peer->id);
        if (!heartbeat) return;
        peer->heartbeat_due = false;
        heartbeat->commit = core_least(peer->match, raft->commit); /* never more than it is known to have */
        heartbeat->round = raft->read_round;
        heartbeat->log_time_ms = raft->log_time_ms;
        peer->sent_commit = core_most(peer->sent_commit, heartbeat->commit);
    }
}

/* One append to a member that is not paused; false when there is nothing to send to it now. */
static bool send_append(struct raft *raft, struct progress *peer) {
    bool may_carry = peer->state == RAFT_PROBE || !inflights_are_full(&peer->inflights);
    bool carries = may_carry && peer->next <= core_last(raft);
    if (!carries && !peer->append_due && !progress_wants_commit(peer, raft->commit)) return false;
    uint64_t before = peer->next - 1;
    uint64_t before_term = before == 0 ? 0 : term_table_at(&raft->terms, before);
    if (before < raft->log_start || (before > 0 && before_term == 0)) { /* compacted, or its term is forgotten */
        snapshot_begin(raft, peer);
        return false;
    }
    size_t bytes = 0;
    unsigned count = 0;
    if (carries) {
        count = raft->options.measure(raft->options.measure_context, peer->next, core_last(raft),
                                      raft->options.append_bytes_max, &bytes);
        if (count == 0) return false;
        check(count <= core_last(raft) - before);
    }
    struct raft_message *append = ready_add_message(raft, RAFT_APPEND, peer->id);
    if (!append) return false;
    append->index = before;
    append->log_term = before_term;
    append->entry_count = count;
    append->commit = raft->commit;
    append->log_time_ms = raft->log_time_ms;
    progress_sent(peer, count, bytes, raft->commit);
    return true;
}

void replication_send_appends(struct raft *raft) {
    if (raft->role != RAFT_LEADER) return;
    for (unsigned i = 0; i < raft->peer_count; i++) {
        struct progress *peer = &raft->peers[i];
        if (peer->id == raft->options.id) continue;
        while (!progress_is_paused(peer) && send_append(raft, peer)) {}
    }
}

static void heard(struct raft *raft, struct progress *peer, const struct raft_message *message) {
    peer->recently_active = true;
    peer->commit = core_most(peer->commit, message->commit);
    if (message->clock_ms > 0)
        peer->clock = (struct log_time_clock){.wall_ms = message->clock_ms, .steady_ms = raft->steady_ms};
}

/* 3.5: the logs part somewhere at or below the hint. Terms only rise along both, so all of ours above the hint's term
 * is skipped too. */
static void handle_refusal(struct raft *raft, struct progress *peer, const struct raft_message *message) {
    uint64_t probe = core_least(message->hint_index, core_last(raft));
    if (message->lost) progress_lose(peer, probe);
    if (message->hint_term > 0) {
        uint64_t ignored;
        probe = term_table_conflict(&raft->terms, probe, message->hint_term, &ignored);
    }
    if (progress_refuse(peer, message->index, probe)) peer->append_due = true;
}

static void advance_state(struct raft *raft, struct progress *peer, uint64_t index) {
    if (peer->state == RAFT_PROBE) {
        progress_become_replicate(peer);
    } else if (peer->state == RAFT_REPLICATE) {
        inflights_free(&peer->inflights, index);
    } else if (peer->match >= raft->log_start) {
        /* It has caught up with the log, by the snapshot or without it. */
        progress_become_probe(peer);
        progress_become_replicate(peer);
    }
}

void replication_handle_reply(struct raft *raft, struct progress *peer, const struct raft_message *message) {
    heard(raft, peer, message);
    if (message->reject) {
        handle_refusal(raft, peer, message);
        return;
    }
    if (message->index > core_last(raft)) return; /* of no log that we have had */
    bool news = progress_acknowledge(peer, message->index);
    if (!news && !(peer->state == RAFT_PROBE && peer->match == message->index)) return;
    advance_state(raft, peer, message->index);
    commit_by_counting(raft);
}

void replication_handle_heartbeat_reply(struct raft *raft, struct progress *peer, const struct raft_message *message) {
    heard(raft, peer, message);
    peer->paused = false;
    /* If what filled the window was lost, nothing else would tell: an append, empty if need be, is answered by what it
     * has. */
    bool behind = peer->match < core_last(raft) || peer->state == RAFT_PROBE;
    if (behind && peer->state != RAFT_SEND_SNAPSHOT) peer->append_due = true;
    if (message->round > peer->acked_round && message->round <= raft->read_round) {
        peer->acked_round = message->round;
        read_index_confirm(raft);
    }
}
