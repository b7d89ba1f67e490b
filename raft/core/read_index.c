/*
 * read_index: linearizable reads without an entry (dissertation 6.4). Invariant: a read is confirmed only by a round
 * that began after it was asked, among replies to that very round or a later one, in this term, or by a lease that was
 * held at a CLOCK that came after it (lease.h); and its index is no less than what was committed when it was asked.
 *
 * Rounds are numbered from 1 in each term, and a node leads a term once; a heartbeat carries the latest round, its
 * reply copies it. So a late or repeated reply speaks for its own round and those before it, and can't speak for a read
 * that came after. A round that is lost is made good by the next heartbeat, which carries its number or a greater one.
 */
#include "raft/core/core.h"

static struct pending_read *read_at(struct raft *raft, unsigned position) {
    return &raft->reads[(raft->read_head + position) % raft->options.reads_max];
}

static bool enqueue(struct raft *raft, uint64_t from, uint64_t context, uint64_t life) {
    if (!ready_has_read_room(raft)) return false;
    *read_at(raft, raft->read_count++) =
        (struct pending_read){.from = from, .context = context, .life = life, .clocks = raft->lease.clocks};
    lease_wanted(raft);
    return true;
}

enum status read_index_ask(struct raft *raft, uint64_t context) {
    if (raft->role == RAFT_LEADER)
        return enqueue(raft, raft->options.id, context, raft->life) ? STATUS_OK : STATUS_BUSY;
    if (raft->leader == 0 || raft->halted) return STATUS_NOT_LEADER;
    struct raft_message *request = ready_add_message(raft, RAFT_READ, raft->leader);
    if (!request) return STATUS_BUSY;
    request->context = context;
    request->life = raft->life;
    return STATUS_OK;
}

void read_index_handle_request(struct raft *raft, const struct raft_message *message) {
    if (raft->role != RAFT_LEADER) return;                               /* the asker finds the leader and asks again */
    (void)enqueue(raft, message->from, message->context, message->life); /* full: likewise */
}

void read_index_handle_reply(struct raft *raft, const struct raft_message *message) {
    if (message->life != raft->life || message->from != raft->leader) return;
    if (ready_has_read_room(raft)) ready_add_read_state(raft, message->context, STATUS_OK, message->index);
}

/* The oldest read may be served: its index is committed, and nobody had committed more when it was asked. */
static void answer_oldest(struct raft *raft, uint64_t index) {
    const struct pending_read read = *read_at(raft, 0);
    if (read.from == raft->options.id) {
        ready_add_read_state(raft, read.context, STATUS_OK, index);
    } else {
        struct raft_message *reply = ready_add_message(raft, RAFT_READ_REPLY, read.from);
        if (reply) {
            reply->context = read.context;
            reply->life = read.life;
            reply->index = index;
        }
    }
    raft->read_head = (raft->read_head + 1) % raft->options.reads_max;
    raft->read_count--;
}

static void answer_by_lease(struct raft *raft) {
    while (raft->read_count > 0 && lease_covers(raft, read_at(raft, 0)->clocks)) {
        answer_oldest(raft, raft->commit);
        raft->lease.served++;
    }
}

/* All reads that came since the last round go into one new round. 6.4 step 1: only once an entry of this term is
 * committed does the leader know what is. */
void read_index_start_round(struct raft *raft) {
    if (raft->role != RAFT_LEADER) return;
    answer_by_lease(raft);
    if (raft->read_count == 0 || read_at(raft, raft->read_count - 1)->round != 0) return;
    if (!commit_has_own_term(raft)) return;
    raft->read_round++;
    for (unsigned i = raft->read_count; i-- > 0 && read_at(raft, i)->round == 0;) {
        read_at(raft, i)->round = raft->read_round;
        read_at(raft, i)->index = raft->commit;
    }
    replication_heartbeat_all(raft);
    read_index_confirm(raft); /* a single voter is its own majority */
}

static uint64_t acked_round_of(const struct raft *raft, const struct progress *peer) {
    return peer->id == raft->options.id ? raft->read_round : peer->acked_round;
}

void read_index_confirm(struct raft *raft) {
    struct quorum_tally tallies[RAFT_MEMBERS_MAX];
    unsigned count = membership_tally(raft, acked_round_of, tallies);
    uint64_t confirmed = quorum_joint_index(&raft->configuration, tallies, count);
    while (raft->read_count > 0) {
        const struct pending_read *read = read_at(raft, 0);
        if (read->round == 0 || read->round > confirmed) return;
        answer_oldest(raft, read->index);
    }
}

void read_index_fail_all(struct raft *raft) {
    for (unsigned i = 0; i < raft->read_count; i++) {
        const struct pending_read *read = read_at(raft, i);
        if (read->from == raft->options.id) ready_add_read_state(raft, read->context, STATUS_NOT_LEADER, 0);
    }
    raft->read_head = raft->read_count = 0;
}
