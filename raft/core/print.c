/*
 * print: events and effects as sentences, so that a transcript reads like a story. What a message of a kind does not
 * use is not printed.
 */
#include <inttypes.h>

#include "raft/core/core.h"

/* Terms and indexes are written term/index, as in "6/20". */

static const char *entry_kind_name(enum raft_entry_kind kind) {
    switch (kind) {
    case RAFT_ENTRY_NOOP: return "noop";
    case RAFT_ENTRY_COMMAND: return "command";
    case RAFT_ENTRY_CONFIGURATION: return "configuration";
    }
    return "unknown";
}

const char *raft_message_kind_name(enum raft_message_kind kind) {
    switch (kind) {
    case RAFT_PRE_VOTE: return "pre-vote";
    case RAFT_PRE_VOTE_REPLY: return "pre-vote-reply";
    case RAFT_VOTE: return "vote";
    case RAFT_VOTE_REPLY: return "vote-reply";
    case RAFT_APPEND: return "append";
    case RAFT_APPEND_REPLY: return "append-reply";
    case RAFT_HEARTBEAT: return "heartbeat";
    case RAFT_HEARTBEAT_REPLY: return "heartbeat-reply";
    case RAFT_SNAPSHOT: return "snapshot";
    case RAFT_READ: return "read";
    case RAFT_READ_REPLY: return "read-reply";
    case RAFT_TIMEOUT_NOW: return "timeout-now";
    }
    return "unknown";
}

static enum status print_entries(struct buf *to, uint64_t first, const struct raft_entry *entries, unsigned count) {
    enum status status = STATUS_OK;
    for (unsigned i = 0; status == STATUS_OK && i < count; i++) {
        status = buf_append_format(to, "%s%" PRIu64 "/%" PRIu64 " %s", i > 0 ? ", " : " ", entries[i].term, first + i,
                                   entry_kind_name(entries[i].kind));
        if (status == STATUS_OK && entries[i].kind == RAFT_ENTRY_COMMAND)
            status = buf_append_format(to, " of %zu bytes", entries[i].bytes.size);
    }
    return status;
}

static enum status print_append(struct buf *to, const struct raft_message *m) {
    enum status status =
        buf_append_format(to, " after %" PRIu64 "/%" PRIu64 ", commit %" PRIu64, m->log_term, m->index, m->commit);
    if (status != STATUS_OK || m->entry_count == 0) return status;
    if (!m->entries)
        return buf_append_format(to, ", entries %" PRIu64 "..%" PRIu64, m->index + 1, m->index + m->entry_count);
    status = buf_append_format(to, ", entries");
    return status == STATUS_OK ? print_entries(to, m->index + 1, m->entries, m->entry_count) : status;
}

static enum status print_append_reply(struct buf *to, const struct raft_message *m) {
    if (!m->reject) return buf_append_format(to, ": has up to %" PRIu64, m->index);
    return buf_append_format(to, ": refuses %" PRIu64 ", try %" PRIu64 "/%" PRIu64 "%s", m->index, m->hint_term,
                             m->hint_index, m->lost ? ", has lost what it had" : "");
}

enum status raft_message_print_content(struct buf *to, const struct raft_message *m) {
    switch (m->kind) {
    case RAFT_PRE_VOTE:
    case RAFT_VOTE:
        return buf_append_format(to, " with a log to %" PRIu64 "/%" PRIu64 "%s", m->log_term, m->index,
                                 m->handed ? ", handed" : "");
    case RAFT_PRE_VOTE_REPLY:
    case RAFT_VOTE_REPLY: return buf_append_format(to, m->reject ? ": no" : ": yes");
    case RAFT_APPEND: return print_append(to, m);
    case RAFT_APPEND_REPLY: return print_append_reply(to, m);
    case RAFT_HEARTBEAT: return buf_append_format(to, ", commit %" PRIu64 ", round %" PRIu64, m->commit, m->round);
    case RAFT_HEARTBEAT_REPLY: return buf_append_format(to, ", round %" PRIu64, m->round);
    case RAFT_SNAPSHOT: return buf_append_format(to, " at %" PRIu64 "/%" PRIu64, m->log_term, m->index);
    case RAFT_READ: return buf_append_format(to, " %" PRIu64, m->context);
    case RAFT_READ_REPLY: return buf_append_format(to, " %" PRIu64 " at %" PRIu64, m->context, m->index);
    case RAFT_TIMEOUT_NOW: return STATUS_OK;
    }
    return STATUS_OK;
}

enum status raft_message_print(struct buf *to, const struct raft_message *message) {
    enum status status = buf_append_format(to, "%" PRIu64 "->%" PRIu64 " %s in term %" PRIu64, message->from,
                                           message->to, raft_message_kind_name(message->kind), message->term);
    return status == STATUS_OK ? raft_message_print_content(to, message) : status;
}

static enum status print_change(struct buf *to, const struct raft_change *change) {
    static const char letters[] = {'v', 'l', 'r', 'u'};
    enum status status =
        buf_append_format(to, change->count == 0 ? "propose to leave the joint configuration" : "propose a change:");
    for (unsigned i = 0; status == STATUS_OK && i < change->count; i++) {
        status = buf_append_format(to, " %c%" PRIu64, letters[change->items[i].kind & 3], change->items[i].id);
    }
    return status;
}

static enum status print_message_event(struct buf *to, const struct raft_message *message) {
    enum status status = buf_append_format(to, "receive ");
    return status == STATUS_OK ? raft_message_print(to, message) : status;
}

static enum status print_apply(struct buf *to, const struct raft_event *event) {
    enum status status = buf_append_format(to, "apply configuration at %" PRIu64 ": ", event->apply.index);
    return status == STATUS_OK ? raft_configuration_print(to, event->apply.configuration) : status;
}

enum status raft_event_print(struct buf *to, const struct raft_event *event) {
    switch (event->kind) {
    case RAFT_EVENT_CLOCK:
        return buf_append_format(to, "clock steady %" PRIu64 " ms, wall %" PRIu64 " ms", event->clock.steady_ms,
                                 event->clock.wall_ms);
    case RAFT_EVENT_TICK: return buf_append_format(to, "tick");
    case RAFT_EVENT_MESSAGE: return print_message_event(to, event->message);
    case RAFT_EVENT_PROPOSE: return buf_append_format(to, "propose %u", event->propose.count);
    case RAFT_EVENT_PROPOSE_CHANGE: return print_change(to, event->change);
    case RAFT_EVENT_READ: return buf_append_format(to, "read %" PRIu64, event->read.context);
    case RAFT_EVENT_PERSISTED: return buf_append_format(to, "work %" PRIu64 " is durable", event->persisted.number);
    case RAFT_EVENT_APPLIED: return buf_append_format(to, "applied up to %" PRIu64, event->applied.index);
    case RAFT_EVENT_APPLY_CONFIGURATION: return print_apply(to, event);
    case RAFT_EVENT_COMPACTED:
        return buf_append_format(to, "the log is dropped up to %" PRIu64, event->compacted.index);
    case RAFT_EVENT_SNAPSHOT_REPORT:
        return buf_append_format(to, "the snapshot %" PRIu64 " for %" PRIu64 " %s", event->report.index,
                                 event->report.peer, event->report.ok ? "has arrived" : "has failed");
    case RAFT_EVENT_LINK:
        return buf_append_format(to, "the link to %" PRIu64 " is %s", event->report.peer,
                                 event->report.ok ? "up" : "down");
    case RAFT_EVENT_GUARD:
        return buf_append_format(to, "%" PRIu64 " guards for %" PRIu64 " ms", event->guard.peer, event->guard.guard_ms);
    case RAFT_EVENT_TRANSFER: return buf_append_format(to, "give leadership to %" PRIu64, event->transfer.to);
    case RAFT_EVENT_CAMPAIGN: return buf_append_format(to, "campaign");
    case RAFT_EVENT_HALT: return buf_append_format(to, "halt");
    case RAFT_EVENT_WHOLE: return buf_append_format(to, "whole");
    case RAFT_EVENT_DISK: return buf_append_format(to, "disk %s", event->disk.is_slow ? "slow" : "well");
    }
    return buf_append_format(to, "unknown event");
}

static enum status print_progress(struct buf *to, const struct progress *peer) {
    enum status status = buf_append_format(to, "; %" PRIu64 " %s match %" PRIu64 " next %" PRIu64 "%s", peer->id,
                                           raft_progress_name(peer->state), peer->match, peer->next,
                                           progress_is_paused(peer) ? " paused" : "");
    if (status == STATUS_OK && peer->inflights.count > 0)
        status = buf_append_format(to, " in flight %u", peer->inflights.count);
    return status;
}

enum status raft_state_print(struct buf *to, const struct raft *raft) {
    enum status status = buf_append_format(
        to,
        "%" PRIu64 " %s in term %" PRIu64 ", vote %" PRIu64 ", leader %" PRIu64 "; log %" PRIu64 "..%" PRIu64
        ", durable %" PRIu64 ", commit %" PRIu64 ", applied %" PRIu64,
        raft->options.id, raft->halted ? "halted" : raft_role_name(raft->role), raft->term, raft->vote, raft->leader,
        raft->log_start + 1, core_last(raft), raft->stable, raft->commit, raft->applied);
    if (raft->role != RAFT_LEADER) return status;
    if (status == STATUS_OK && raft->transfer_to != 0)
        status = buf_append_format(to, "; gives leadership to %" PRIu64, raft->transfer_to);
    for (unsigned i = 0; status == STATUS_OK && i < raft->peer_count; i++) {
        if (raft->peers[i].id != raft->options.id) status = print_progress(to, &raft->peers[i]);
    }
    return status;
}

/* ---- ready
 * ---------------------------------------------------------------------------------------------------------------------
 */

static enum status print_work(struct buf *to, const struct raft_ready *ready, const char *in) {
    enum status status = buf_append_format(to, "%swork %" PRIu64 ":", in, ready->number);
    if (status == STATUS_OK && ready->install.index > 0) {
        status = buf_append_format(to, " install %" PRIu64 "/%" PRIu64 ";", ready->install.term, ready->install.index);
    }
    if (status == STATUS_OK && ready->has_hard_state) {
        status = buf_append_format(to, " term %" PRIu64 " vote %" PRIu64 ";", ready->hard_state.term,
                                   ready->hard_state.vote);
    }
    if (status == STATUS_OK && ready->append_first > 0) {
        status = buf_append_format(to, " append %" PRIu64 "..%" PRIu64 ";", ready->append_first, ready->append_last);
    }
    if (status == STATUS_OK && ready->commit_note > 0)
        status = buf_append_format(to, " commit %" PRIu64 ";", ready->commit_note);
    return status == STATUS_OK ? buf_append_byte(to, '\n') : status;
}

static enum status print_messages(struct buf *to, const struct raft_ready *ready, const char *in) {
    enum status status = STATUS_OK;
    for (unsigned i = 0; status == STATUS_OK && i < ready->message_count; i++) {
        status = buf_append_format(to, "%ssend ", in);
        if (status == STATUS_OK) status = raft_message_print(to, &ready->messages[i]);
        if (status == STATUS_OK) status = buf_append_byte(to, '\n');
    }
    return status;
}

static enum status print_reads_and_snapshots(struct buf *to, const struct raft_ready *ready, const char *in) {
    enum status status = STATUS_OK;
    for (unsigned i = 0; status == STATUS_OK && i < ready->read_count; i++) {
        const struct raft_read_state *read = &ready->reads[i];
        status = read->status == STATUS_OK
                     ? buf_append_format(to, "%sread %" PRIu64 " may be served from %" PRIu64 "\n", in, read->context,
                                         read->index)
                     : buf_append_format(to, "%sread %" PRIu64 " failed: %s\n", in, read->context,
                                         status_text(read->status));
    }
    for (unsigned i = 0; status == STATUS_OK && i < ready->snapshot_count; i++) {
        status = buf_append_format(to, "%sstream a snapshot to %" PRIu64 "\n", in, ready->snapshots[i]);
    }
    return status;
}

enum status raft_ready_print(struct buf *to, const struct raft_ready *ready, unsigned indent) {
    static const char spaces[] = "                ";
    const char *in = spaces + sizeof spaces - 1 - core_least(indent, sizeof spaces - 1);
    enum status status = STATUS_OK;
    if (ready->note) {
        status = buf_append_format(to, "%sis %s in term %" PRIu64 ", leader %" PRIu64 "\n", in,
                                   raft_role_name(ready->role), ready->term, ready->leader);
    }
    if (status == STATUS_OK && ready->number > 0) status = print_work(to, ready, in);
    if (status == STATUS_OK) status = print_messages(to, ready, in);
    if (status == STATUS_OK && ready->commit_first > 0) {
        status =
            buf_append_format(to, "%scommit %" PRIu64 "..%" PRIu64 "\n", in, ready->commit_first, ready->commit_last);
    }
    return status == STATUS_OK ? print_reads_and_snapshots(to, ready, in) : status;
}
