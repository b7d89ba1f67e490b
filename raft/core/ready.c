/*
 * ready: effects that pile up between two calls of raft_ready, and their delivery. Invariant: every queue has a fixed
 * size. A message without room is dropped, as a network may; whatever must not be lost is kept as a state ("due") and
 * made into a message only when there is room.
 */
#include "raft/core/core.h"

#include <string.h>

void ready_reclaim(struct raft *raft) {
    if (!raft->drained) return;
    raft->drained = false;
    raft->message_count = 0;
    raft->read_state_count = 0;
    raft->snapshot_count = 0;
}

struct raft_message *ready_add_message(struct raft *raft, enum raft_message_kind kind, uint64_t to) {
    if (raft->message_count == raft->options.messages_max) {
        raft->messages_dropped++;
        return NULL;
    }
    struct raft_message *message = &raft->messages[raft->message_count++];
    *message = (struct raft_message){.kind = kind, .from = raft->options.id, .to = to, .term = raft->term};
    return message;
}

bool ready_has_read_room(const struct raft *raft) {
    return raft->read_count + raft->read_state_count < raft->options.reads_max;
}

void ready_add_read_state(struct raft *raft, uint64_t context, enum status status, uint64_t index) {
    raft->read_states[raft->read_state_count++] =
        (struct raft_read_state){.context = context, .status = status, .index = index};
}

static enum raft_role shown_role(const struct raft *raft) {
    bool learns = raft->role == RAFT_FOLLOWER && !membership_is_voter(raft) &&
                  raft_configuration_has(&raft->configuration, raft->options.id);
    return learns ? RAFT_LEARNER : raft->role;
}

static void note_changes(struct raft *raft, struct raft_ready *ready) {
    enum raft_role role = shown_role(raft);
    ready->role = role;
    ready->term = raft->term;
    ready->leader = raft->leader;
    ready->note = role != raft->noted_role || raft->term != raft->noted_term || raft->leader != raft->noted_leader;
    raft->noted_role = role;
    raft->noted_term = raft->term;
    raft->noted_leader = raft->leader;
}

static void collect_snapshots(struct raft *raft) {
    for (unsigned i = 0; i < raft->peer_count; i++) {
        if (!raft->peers[i].snapshot_due) continue;
        raft->peers[i].snapshot_due = false;
        raft->snapshots[raft->snapshot_count++] = raft->peers[i].id;
    }
}

/* What the states say is due becomes messages. */
static void write_messages(struct raft *raft) {
    if (raft->halted) return;
    election_send_reply(raft);
    append_send_acknowledgement(raft);
    election_send_requests(raft);
    read_index_start_round(raft);
    replication_send_heartbeats(raft);
    replication_send_appends(raft);
    transfer_send(raft);
    collect_snapshots(raft);
}

bool raft_ready(struct raft *raft, struct raft_ready *ready) {
    ready_reclaim(raft);
    *ready = (struct raft_ready){0};
    persist_hand_out(raft, ready);
    write_messages(raft);
    if (raft->commit > raft->commit_handed) {
        ready->commit_first = raft->commit_handed + 1;
        ready->commit_last = raft->commit_handed = raft->commit;
    }
    ready->messages = raft->messages;
    ready->message_count = raft->message_count;
    ready->reads = raft->read_states;
    ready->read_count = raft->read_state_count;
    ready->snapshots = raft->snapshots;
    ready->snapshot_count = raft->snapshot_count;
    note_changes(raft, ready);
    raft->drained = true;
    bool any = ready->number != 0 || ready->commit_first != 0 || ready->message_count > 0 || ready->read_count > 0 ||
               ready->snapshot_count > 0 || ready->note;
    if (!any) *ready = (struct raft_ready){0};
    return any;
}
