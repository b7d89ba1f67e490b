/*
 * snapshot: members that the log can't reach any more (dissertation 5.1, 5.3), and the log's own start. Invariant: a
 * snapshot never takes the commit index back, and nothing that follows it is acknowledged before it is durable.
 */
#include "raft/core/core.h"

#include "engine/base/check.h"

void snapshot_begin(struct raft *raft, struct progress *peer) {
    if (!peer->recently_active) {
        peer->append_due = false;
        return; /* nobody is there to take it: its first heartbeat's reply asks again */
    }
    progress_become_snapshot(peer, raft->applied);
}

enum status snapshot_handle_report(struct raft *raft, uint64_t peer_id, uint64_t index, bool ok) {
    if (raft->role != RAFT_LEADER) return STATUS_OK;
    struct progress *peer = membership_find(raft, peer_id);
    if (!peer || peer->id == raft->options.id) return STATUS_OK;
    if (peer->state != RAFT_SEND_SNAPSHOT) return STATUS_OK; /* it has caught up meanwhile */
    if (ok && index > core_last(raft)) return STATUS_INVALID;
    peer->snapshot_index = ok ? index : 0;
    progress_become_probe(peer);
    peer->paused = true; /* until its acknowledgement or its next heartbeat's reply: not at once again */
    return STATUS_OK;
}

/* The log is where the snapshot is, and nothing more is in it. */
static void restore(struct raft *raft, const struct raft_message *message) {
    persist_cut(raft, raft->commit +
                          1); /* what stands above is not verified, and must not be confirmed by a write under way */
    membership_unmark_from(raft, 0);
    term_table_reset(&raft->terms, message->index, message->log_term);
    raft->log_start = raft->commit = raft->verified = message->index;
    raft->commit_handed = raft->handed_commit = message->index; /* the install says so */
    raft->unhanded_first = message->index + 1;
    raft->install = INSTALL_WAITING;
    raft->install_term = message->log_term;
    raft->install_configuration = *message->configuration;
    raft->install_taken = true;
    membership_adopt(raft, message->configuration);
    raft->configuration_index = message->index;
    lease_end_changed(raft);
}

enum status snapshot_handle(struct raft *raft, const struct raft_message *message) {
    raft->acknowledge_due = true; /* by the answer the leader learns where we are, whatever becomes of the snapshot */
    if (message->index <= raft->commit || raft->install != INSTALL_NONE || raft->halted) return STATUS_OK;
    if (term_table_at(&raft->terms, message->index) ==
        message->log_term) { /* 5.1: we have it all; only word of the commit was missing */
        commit_to(raft, message->index);
        return STATUS_OK;
    }
    /* Defence in depth: a configuration without us comes from a stream that was meant for another time. */
    if (!raft_configuration_has(message->configuration, raft->options.id)) return STATUS_OK;
    restore(raft, message);
    return STATUS_OK;
}

enum status snapshot_handle_compacted(struct raft *raft, uint64_t index) {
    if (index > raft->applied) return STATUS_INVALID;
    if (index <= raft->log_start) return STATUS_OK;
    raft->log_start = index;
    term_table_compact(&raft->terms, index);
    return STATUS_OK;
}
