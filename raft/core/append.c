/*
 * append: how entries enter the log, on the leader (proposals, entries of the core's own) and on a follower
 * (dissertation 3.5). Invariant: nothing at or below the commit index is ever replaced; an acknowledgement names only
 * what equals the leader's log of this term and is durable here, under a term that is durable here.
 */
#include "raft/core/core.h"

#include "engine/base/check.h"

static uint64_t term_of(const void *entries, unsigned i) {
    return ((const struct raft_entry *)entries)[i].term;
}

bool append_has_room_for_term(const struct raft *raft, uint64_t term) {
    struct raft_entry next = {.term = term};
    return term_table_room(&raft->terms, core_last(raft) + 1, raft->applied, term_of, &next, 1) == 1;
}

static void put(struct raft *raft, uint64_t first, const struct raft_entry *entries, unsigned count) {
    check(raft->put_count == 0 && count > 0 && first > raft->commit && first <= core_last(raft) + 1);
    if (first <= core_last(raft)) {
        persist_cut(raft, first);
        membership_unmark_from(raft, first);
        term_table_cut(&raft->terms, first);
    }
    for (unsigned i = 0; i < count; i++) {
        term_table_append(&raft->terms, entries[i].term);
        if (entries[i].kind == RAFT_ENTRY_CONFIGURATION) membership_mark(raft, core_last(raft));
    }
    raft->put_first = first;
    raft->put = entries;
    raft->put_count = count;
    if (raft->role == RAFT_LEADER)
        lease_made(raft, first);
    else
        lease_end_changed(raft);
}

enum status append_propose(struct raft *raft, struct raft_entry *entries, unsigned count) {
    if (raft->role != RAFT_LEADER || !membership_is_voter(raft)) return STATUS_NOT_LEADER;
    size_t bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        if (entries[i].kind != RAFT_ENTRY_COMMAND) return STATUS_INVALID;
        bytes += entries[i].bytes.size;
    }
    if (count == 0) return STATUS_INVALID;
    if (raft->transfer_to != 0) return STATUS_BUSY; /* 3.10: the target is to catch up */
    size_t limit = raft->options.uncommitted_bytes_max;
    if (raft->uncommitted_bytes > 0 && (bytes > limit || raft->uncommitted_bytes > limit - bytes)) return STATUS_BUSY;
    raft->uncommitted_bytes += bytes;
    for (unsigned i = 0; i < count; i++) entries[i].term = raft->term;
    put(raft, core_last(raft) + 1, entries, count);
    return STATUS_OK;
}

void append_made_entry(struct raft *raft, enum raft_entry_kind kind, size_t bytes) {
    raft->made = (struct raft_entry){.term = raft->term, .kind = kind, .bytes = slice_make(raft->made_bytes, bytes)};
    put(raft, core_last(raft) + 1, &raft->made, 1);
}

/* 3.5 consistency check; index 0 is where all logs agree. An index whose term is forgotten matches nothing. */
static bool matches(const struct raft *raft, uint64_t index, uint64_t term) {
    if (index == 0) return term == 0;
    return term != 0 && term_table_at(&raft->terms, index) == term;
}

static void refuse(struct raft *raft, const struct raft_message *message) {
    struct raft_message *reply = ready_add_message(raft, RAFT_APPEND_REPLY, message->from);
    if (!reply) return;
    reply->reject = true;
    reply->lost = raft->doubt_term != 0;
    reply->index = message->index;
    reply->commit = raft->durable_commit;
    reply->clock_ms = raft->wall_ms;
    /* 3.5, "the protocol can be optimized": skip our tail of terms that the leader's log can't hold below its index. */
    reply->hint_index = term_table_conflict(&raft->terms, core_least(message->index, core_last(raft)),
                                            message->log_term, &reply->hint_term);
    if (reply->hint_index >= raft->commit) return;
    reply->hint_index = raft->commit; /* forgotten terms; what is committed matches */
    reply->hint_term = term_table_at(&raft->terms, raft->commit);
}

/*
 * How many of the entries stand in the log already; the first that doesn't is where the log is to be replaced. Those at
 * or below the commit index do without a look: 3.6.3, what is committed is in the leader's log.
 */
static unsigned count_known(const struct raft *raft, const struct raft_message *message) {
    uint64_t committed = raft->commit > message->index ? raft->commit - message->index : 0;
    unsigned known = (unsigned)core_least(committed, message->entry_count);
    while (known < message->entry_count &&
           term_table_at(&raft->terms, message->index + 1 + known) == message->entries[known].term)
        known++;
    return known;
}

static void verify_to(struct raft *raft, uint64_t index) {
    raft->verified = core_most(raft->verified, index);
    raft->acknowledge_due = true; /* also when nothing is new: the leader may have missed the last one */
}

enum status append_handle(struct raft *raft, const struct raft_message *message) {
    raft->log_time_ms = core_most(raft->log_time_ms, message->log_time_ms);
    if (raft->install != INSTALL_NONE) return STATUS_OK; /* the log is being replaced: the leader will send again */
    if (message->index > raft->commit && !matches(raft, message->index, message->log_term)) {
        refuse(raft, message);
        return STATUS_OK;
    }
    unsigned known = count_known(raft, message);
    uint64_t last_new = message->index + message->entry_count;
    if (known < message->entry_count) {
        uint64_t first = message->index + 1 + known;
        if (first <= term_table_start(&raft->terms))
            return STATUS_OK; /* recovered with more terms than fit: wait for word of the commit */
        /* 3.5 Leader Append-Only: within its term a leader contradicts neither itself nor what is committed. */
        if (first <= core_least(raft->verified, core_last(raft))) return STATUS_INVALID;
        if (message->entries[known].term < term_table_at(&raft->terms, first - 1)) return STATUS_INVALID;
        unsigned taken = term_table_room(&raft->terms, first, raft->applied, term_of, message->entries + known,
                                         message->entry_count - known);
        last_new = first - 1 + taken;
        if (taken > 0) put(raft, first, message->entries + known, taken);
    }
    verify_to(raft, core_most(last_new, raft->commit));
    raft->acknowledged =
        core_most(raft->acknowledged, core_least(message->index, raft->stable)); /* not worth a reply of its own */
    commit_to(raft, core_least(message->commit, last_new));
    return STATUS_OK;
}

/*
 * The reply waits until something is worth saying: the term is durable, and so is what has been verified, or at least
 * more of it than was said before. Replies to several appends become one, for an acknowledgement covers all below it.
 */
void append_send_acknowledgement(struct raft *raft) {
    if (!raft->acknowledge_due || raft->halted || raft->role == RAFT_LEADER || raft->leader == 0 ||
        !persist_term_is_durable(raft))
        return;
    uint64_t index = core_least(raft->verified, raft->stable);
    if (index < raft->verified && index <= raft->acknowledged) return;
    struct raft_message *reply = ready_add_message(raft, RAFT_APPEND_REPLY, raft->leader);
    if (!reply) return;
    reply->index = index;
    reply->commit = raft->durable_commit;
    reply->clock_ms = raft->wall_ms;
    raft->acknowledged = index;
    raft->acknowledge_due = index < raft->verified;
}
