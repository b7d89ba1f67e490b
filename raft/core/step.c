/*
 * step: the one door for events, and what holds for every message before its kind matters (dissertation 3.3: terms are
 * a logical clock). Invariant: an event is taken wholly or not at all, but for a message that turns out to contradict
 * the log: its term is taken, the rest refused.
 */
#include "raft/core/core.h"

static bool entries_are_sane(const struct raft_message *message) {
    uint64_t term = message->log_term;
    for (unsigned i = 0; i < message->entry_count; i++) {
        const struct raft_entry *entry = &message->entries[i];
        if (entry->term < term || entry->term == 0 || entry->term > message->term) return false;
        if (entry->kind < RAFT_ENTRY_NOOP || entry->kind > RAFT_ENTRY_CONFIGURATION) return false;
        term = entry->term;
    }
    return message->index <= UINT64_MAX - 1 - message->entry_count;
}

/* Bytes came from a peer, and were decoded: a message that no sane peer sends ends here. */
static bool is_sane(const struct raft *raft, const struct raft_message *message) {
    if (message->to != raft->options.id || message->from == raft->options.id || message->from == 0 ||
        message->term == 0)
        return false;
    if (message->kind < RAFT_PRE_VOTE || message->kind > RAFT_TIMEOUT_NOW) return false;
    if (message->kind == RAFT_APPEND)
        return entries_are_sane(message) && (message->entry_count == 0 || message->entries);
    if (message->kind != RAFT_SNAPSHOT) return message->entry_count == 0;
    return message->index > 0 && message->log_term > 0 && message->log_term <= message->term &&
           message->configuration && raft_configuration_is_valid(message->configuration);
}

static bool is_of_leader(enum raft_message_kind kind) {
    return kind == RAFT_APPEND || kind == RAFT_HEARTBEAT || kind == RAFT_SNAPSHOT || kind == RAFT_TIMEOUT_NOW;
}

static bool is_vote_request(enum raft_message_kind kind) {
    return kind == RAFT_PRE_VOTE || kind == RAFT_VOTE;
}

/* False: the message ends here. */
static bool meet_higher_term(struct raft *raft, const struct raft_message *message) {
    if (is_vote_request(message->kind) && !message->handed && election_voter_sticks(raft)) return false;
    if (message->kind == RAFT_PRE_VOTE) return true; /* 9.6: asking is not entering */
    if (message->kind == RAFT_PRE_VOTE_REPLY && !message->reject)
        return true; /* the term is the one that we asked about */
    if (message->kind == RAFT_VOTE)
        election_enter_term(raft, message->term);
    else
        election_become_follower(raft, message->term, is_of_leader(message->kind) ? message->from : 0);
    return true;
}

/*
 * A sender of a lower term is out of date, and mostly ignored. Two must be answered, or they would never find out: a
 * leader that we don't follow, because a partition let our term run ahead while nobody may disturb it (4.2.3, 9.6); and
 * a pre-candidate, so that it takes our term.
 */
static void meet_lower_term(struct raft *raft, const struct raft_message *message) {
    if (message->kind == RAFT_HEARTBEAT || message->kind == RAFT_APPEND) {
        /* Without both, whoever may campaign will, in the higher term, and is heard then. A learner never does, nor
         * do witnesses and who doubts its log. */
        const bool campaigns = membership_is_voter(raft) && raft->doubt_term == 0 && !raft->options.is_witness;
        if (raft->options.no_check_quorum && raft->options.no_pre_vote && campaigns) return;
        (void)ready_add_message(raft, RAFT_APPEND_REPLY, message->from);
    } else if (message->kind == RAFT_PRE_VOTE) {
        election_refuse(raft, RAFT_PRE_VOTE_REPLY, message->from);
    }
}

static enum status handle_of_leader(struct raft *raft, const struct raft_message *message) {
    if (raft->role == RAFT_LEADER) return STATUS_INVALID; /* 3.4 Election Safety: there is no other in this term */
    if (raft->leader != 0 && raft->leader != message->from) return STATUS_INVALID;
    if (raft->role != RAFT_FOLLOWER) election_become_follower(raft, message->term, message->from);
    raft->leader = message->from;
    election_hear_leader(raft);
    if (message->kind == RAFT_APPEND) return append_handle(raft, message);
    if (message->kind == RAFT_SNAPSHOT) return snapshot_handle(raft, message);
    if (message->kind == RAFT_TIMEOUT_NOW) {
        election_campaign_handed(raft);
        return STATUS_OK;
    }
    raft->log_time_ms = core_most(raft->log_time_ms, message->log_time_ms);
    commit_to(raft, message->commit);
    struct raft_message *reply = ready_add_message(raft, RAFT_HEARTBEAT_REPLY, message->from);
    if (!reply) return STATUS_OK;
    reply->round = message->round;
    reply->commit = raft->durable_commit;
    reply->clock_ms = raft->wall_ms;
    return STATUS_OK;
}

static void handle_reply_to_leader(struct raft *raft, const struct raft_message *message) {
    struct progress *peer = membership_find(raft, message->from);
    if (raft->role != RAFT_LEADER || !peer) return; /* of a member that has gone */
    if (message->kind == RAFT_APPEND_REPLY) {
        replication_handle_reply(raft, peer, message);
    } else {
        replication_handle_heartbeat_reply(raft, peer, message);
    }
    membership_step_down_if_replaced(raft);
}

static enum status step_message(struct raft *raft, const struct raft_message *message) {
    if (!is_sane(raft, message)) return STATUS_INVALID;
    if (raft->halted) return STATUS_OK;
    if (message->term < raft->term) {
        meet_lower_term(raft, message);
        return STATUS_OK;
    }
    if (message->term > raft->term && !meet_higher_term(raft, message)) return STATUS_OK;
    switch (message->kind) {
    case RAFT_PRE_VOTE:
    case RAFT_VOTE: election_handle_vote_request(raft, message); return STATUS_OK;
    case RAFT_PRE_VOTE_REPLY:
    case RAFT_VOTE_REPLY: election_handle_vote_reply(raft, message); return STATUS_OK;
    case RAFT_APPEND:
    case RAFT_HEARTBEAT:
    case RAFT_SNAPSHOT:
    case RAFT_TIMEOUT_NOW: return handle_of_leader(raft, message);
    case RAFT_APPEND_REPLY:
    case RAFT_HEARTBEAT_REPLY: handle_reply_to_leader(raft, message); return STATUS_OK;
    case RAFT_READ: read_index_handle_request(raft, message); return STATUS_OK;
    case RAFT_READ_REPLY: read_index_handle_reply(raft, message); return STATUS_OK;
    }
    return STATUS_INVALID;
}

static enum status step_link(struct raft *raft, uint64_t id, bool up) {
    struct progress *peer = membership_find(raft, id);
    if (!up && id != 0 && id == raft->leader) election_suspect_leader(raft);
    if (peer && up) peer->guard_ms = 0; /* it may be another program by now: it is to say it again */
    if (raft->role != RAFT_LEADER || !peer || id == raft->options.id) return STATUS_OK;
    if (!up) {
        if (peer->state == RAFT_REPLICATE) progress_become_probe(peer); /* what was on its way is probably lost */
        return STATUS_OK;
    }
    peer->paused = false;
    bool behind = peer->match < core_last(raft) || peer->state == RAFT_PROBE;
    if (behind && peer->state != RAFT_SEND_SNAPSHOT) peer->append_due = true;
    return STATUS_OK;
}

static enum status step_applied(struct raft *raft, uint64_t index) {
    if (index > raft->commit) return STATUS_INVALID;
    if (index <= raft->applied) return STATUS_OK;
    raft->applied = index;
    membership_applied(raft);
    return STATUS_OK;
}

static enum status step_guard(struct raft *raft, uint64_t id, uint64_t guard_ms, bool is_witness) {
    struct progress *peer = membership_find(raft, id);
    if (peer) {
        peer->guard_ms = guard_ms;
        peer->is_witness = is_witness;
    }
    return STATUS_OK;
}

static enum status step_halt(struct raft *raft) {
    if (raft->halted) return STATUS_OK;
    raft->message_count = 0; /* nothing that the disk may have to stand for leaves this node any more */
    transfer_before_leaving(raft);
    election_become_follower(raft, raft->term, 0);
    raft->halted = true;
    return STATUS_OK;
}

static enum status dispatch(struct raft *raft, const struct raft_event *event) {
    switch (event->kind) {
    case RAFT_EVENT_CLOCK: lease_clock(raft, event->clock.steady_ms, event->clock.wall_ms); return STATUS_OK;
    case RAFT_EVENT_TICK: election_tick(raft); return STATUS_OK;
    case RAFT_EVENT_MESSAGE: return step_message(raft, event->message);
    case RAFT_EVENT_PROPOSE: return append_propose(raft, event->propose.entries, event->propose.count);
    case RAFT_EVENT_PROPOSE_CHANGE: return membership_propose(raft, event->change);
    case RAFT_EVENT_READ: return read_index_ask(raft, event->read.context);
    case RAFT_EVENT_PERSISTED: return persist_handle_done(raft, event->persisted.number);
    case RAFT_EVENT_APPLIED: return step_applied(raft, event->applied.index);
    case RAFT_EVENT_APPLY_CONFIGURATION: return membership_apply(raft, event->apply.index, event->apply.configuration);
    case RAFT_EVENT_COMPACTED: return snapshot_handle_compacted(raft, event->compacted.index);
    case RAFT_EVENT_SNAPSHOT_REPORT:
        return snapshot_handle_report(raft, event->report.peer, event->report.index, event->report.ok);
    case RAFT_EVENT_LINK: return step_link(raft, event->report.peer, event->report.ok);
    case RAFT_EVENT_GUARD: return step_guard(raft, event->guard.peer, event->guard.guard_ms, event->guard.is_witness);
    case RAFT_EVENT_TRANSFER: return transfer_start(raft, event->transfer.to);
    case RAFT_EVENT_CAMPAIGN: election_campaign(raft); return STATUS_OK;
    case RAFT_EVENT_HALT: return step_halt(raft);
    case RAFT_EVENT_WHOLE: raft->doubt_term = 0; return STATUS_OK;
    case RAFT_EVENT_DISK: election_set_reluctance(raft, event->disk.is_slow); return STATUS_OK;
    }
    return STATUS_INVALID;
}

enum status raft_step(struct raft *raft, const struct raft_event *event, struct raft_outcome *outcome) {
    *outcome = (struct raft_outcome){.term = raft->term, .leader = raft->leader};
    /* The store, or a note, knows of more than the log holds: entries were lost, or recovery is not complete. */
    if (!raft->started && raft->commit > core_last(raft)) return STATUS_INVALID;
    raft->started = true;
    ready_reclaim(raft);
    raft->put_count = 0;
    raft->install_taken = false;
    enum status status = dispatch(raft, event);
    *outcome = (struct raft_outcome){.put_first = raft->put_count > 0 ? raft->put_first : 0,
                                     .put_count = raft->put_count,
                                     .put = raft->put_count > 0 ? raft->put : NULL,
                                     .term = raft->term,
                                     .leader = raft->leader,
                                     .install = raft->install_taken};
    return status;
}
