/*
 * election: who leads (dissertation 3.4, 3.6.1, 4.2.3, 6.2, 9.6). Invariant: {term, vote} leaves this node, as a
 * request or as a granting reply, only when it is durable; terms never go back; a node votes once in a term.
 */
#include "raft/core/core.h"

#include "engine/base/check.h"

enum { RELUCTANT_TIMEOUTS = 3 };

/* 9.3: timeouts are drawn anew for each term and campaign, so that split votes end. */
static void draw_timeout(struct raft *raft) {
    raft->election_timeout =
        raft->options.election_ticks + (unsigned)prng_below(&raft->prng, raft->options.election_ticks);
    /* Who could lead well has had its turn by then; where nobody else can, a slow leader is better than none. */
    if (raft->reluctant) raft->election_timeout += RELUCTANT_TIMEOUTS * raft->options.election_ticks;
    raft->silence = 0;
}

void election_hear_leader(struct raft *raft) {
    raft->election_elapsed = 0;
    if (raft->silence != 0) draw_timeout(raft);
}

/* How many voters before us would take the leader's place: by their ids, and who has started a moment ago and could
 * commit nothing yet behind all others. */
static unsigned rank_of_self(const struct raft *raft) {
    unsigned rank = 0;
    for (unsigned i = 0; i < raft->peer_count && raft->peers[i].id < raft->options.id; i++)
        rank += raft->peers[i].id != raft->leader && !raft->peers[i].is_witness &&
                raft_configuration_has_voter(&raft->configuration, raft->peers[i].id);
    return lease_is_young(raft) ? rank + raft->configuration.voter_count : rank;
}

/* A heartbeat's time, and a tick, of which a part has passed already. */
static unsigned beat_of(const struct raft *raft) {
    return raft->options.heartbeat_ticks + 1;
}

/*
 * A process that ends closes its connections: its followers know at once, and need not wait for a whole timeout (3.4
 * asks for no particular one). That a connection broke proves nothing by itself, so the leader has a heartbeat's time
 * to be heard once more, over another connection; then its followers stick to it no longer, and campaign one after
 * another, a heartbeat apart, by pre-vote, which changes nothing while a majority hears the leader (9.6, 4.2.3).
 */
void election_suspect_leader(struct raft *raft) {
    if (raft->role != RAFT_FOLLOWER || raft->silence != 0) return;
    const unsigned silence = raft->election_elapsed + beat_of(raft);
    if (silence >= raft->options.election_ticks) return;
    const unsigned campaign = silence + 1 + beat_of(raft) * rank_of_self(raft);
    raft->silence = silence;
    if (!raft->reluctant && campaign < raft->election_timeout) raft->election_timeout = campaign;
}

void election_set_reluctance(struct raft *raft, bool is_reluctant) {
    if (raft->reluctant == is_reluctant) return;
    raft->reluctant = is_reluctant;
    draw_timeout(raft);
}

/* What every change of role starts from. A new term forgets the vote and who leads. */
static void reset(struct raft *raft, uint64_t term) {
    check(term >= raft->term);
    if (raft->role == RAFT_LEADER) read_index_fail_all(raft);
    if (term != raft->term) {
        raft->term = term;
        raft->vote = 0;
        raft->vote_reply_due = false;
        raft->acknowledge_due = false;
        raft->acknowledged = 0;
        raft->verified = raft->commit; /* nothing is known of the new leader's log, but Leader Completeness (3.6.3) */
    }
    raft->leader = 0;
    raft->election_elapsed = 0;
    raft->heartbeat_elapsed = 0;
    draw_timeout(raft);
    raft->pending_change_index = 0;
    raft->uncommitted_bytes = 0;
    raft->read_round = 0;
    raft->is_handed = false;
    transfer_end(raft);
    lease_end(raft);
    for (unsigned i = 0; i < raft->peer_count; i++) progress_reset(&raft->peers[i], 0, core_last(raft) + 1);
}

void election_become_follower(struct raft *raft, uint64_t term, uint64_t leader) {
    reset(raft, term);
    raft->role = RAFT_FOLLOWER;
    raft->leader = leader;
}

void election_enter_term(struct raft *raft, uint64_t term) {
    const unsigned elapsed = raft->election_elapsed, timeout = raft->election_timeout, silence = raft->silence;
    const bool waits = raft->role == RAFT_FOLLOWER;
    election_become_follower(raft, term, 0);
    if (!waits) return;
    raft->election_elapsed = elapsed;
    raft->election_timeout = timeout;
    raft->silence = silence;
}

/* 6.4, 3.6.2: a new leader knows what is committed once an entry of its own term is. */
static void become_leader(struct raft *raft) {
    check(raft->role == RAFT_CANDIDATE && raft->durable.term == raft->term && raft->durable.vote == raft->options.id);
    const bool was_handed = raft->is_handed;
    reset(raft, raft->term);
    raft->role = RAFT_LEADER;
    raft->leader = raft->options.id;
    struct progress *self = membership_self(raft);
    self->recently_active = true;
    self->match = raft->stable; /* its own disk counts for what is durable, as any other's */
    progress_become_replicate(self);
    raft->pending_change_index = core_last(raft); /* one may stand anywhere in the tail that was inherited */
    size_t bytes = 0;
    if (core_last(raft) > raft->commit) {
        (void)raft->options.measure(raft->options.measure_context, raft->commit + 1, core_last(raft), SIZE_MAX, &bytes);
    }
    raft->uncommitted_bytes = bytes;
    lease_lead(raft, was_handed);
    append_made_entry(raft, RAFT_ENTRY_NOOP, 0);
}

static enum quorum_vote count_votes(const struct raft *raft) {
    struct quorum_tally tallies[RAFT_MEMBERS_MAX];
    for (unsigned i = 0; i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        tallies[i] = (struct quorum_tally){
            .id = peer->id, .voted = peer->vote != PROGRESS_VOTE_NONE, .granted = peer->vote == PROGRESS_VOTE_GRANTED};
    }
    return quorum_joint_vote(&raft->configuration, tallies, raft->peer_count);
}

static void ask_all(struct raft *raft) {
    for (unsigned i = 0; i < raft->peer_count; i++) {
        struct progress *peer = &raft->peers[i];
        peer->vote_due = peer->id != raft->options.id && raft_configuration_has_voter(&raft->configuration, peer->id);
    }
}

static void become_candidate(struct raft *raft) {
    reset(raft, raft->term + 1);
    raft->role = RAFT_CANDIDATE;
    raft->vote = raft->options.id; /* counted when it is durable: election_count_own_vote */
    ask_all(raft);
}

static void act_on_votes(struct raft *raft) {
    enum quorum_vote result = count_votes(raft);
    if (result == QUORUM_VOTE_PENDING) return;
    if (result == QUORUM_VOTE_LOST) {
        election_become_follower(raft, raft->term, 0);
    } else if (raft->role == RAFT_PRE_CANDIDATE) {
        become_candidate(raft);
    } else {
        become_leader(raft);
    }
}

/* 9.6: asks whether an election could be won, in a term that is not entered yet. Neither term nor vote change. */
static void become_pre_candidate(struct raft *raft) {
    reset(raft, raft->term);
    raft->role = RAFT_PRE_CANDIDATE;
    ask_all(raft);
    membership_self(raft)->vote = PROGRESS_VOTE_GRANTED;
    act_on_votes(raft);
}

static bool may_campaign(const struct raft *raft) {
    if (raft->role == RAFT_LEADER || raft->halted || !membership_is_voter(raft)) return false;
    if (raft->options.is_witness) return false; /* it has not got what its log stands for */
    if (raft->doubt_term != 0) return false;    /* what it lacks may be committed */
    if (raft->install != INSTALL_NONE || !append_has_room_for_term(raft, raft->term + 1)) return false;
    return !membership_has_committed_change(raft); /* 4.1: it would count by a configuration that is out of date */
}

void election_campaign_handed(struct raft *raft) {
    if (!may_campaign(raft)) return;
    become_candidate(raft);
    raft->is_handed = true;
}

/*
 * Who asked early may have met voters whose own link was not known to be broken yet: they don't answer (4.2.3). It asks
 * again after a whole round of those who take turns, so that the order of turns stays.
 */
static void ask_again_soon(struct raft *raft, unsigned silence) {
    const unsigned round =
        beat_of(raft) * (raft->configuration.voter_count > 2u ? raft->configuration.voter_count - 1u : 1u);
    raft->silence = silence;
    if (round < raft->election_timeout) raft->election_timeout = round;
}

void election_campaign(struct raft *raft) {
    if (!may_campaign(raft)) return;
    if (raft->options.no_pre_vote) {
        become_candidate(raft);
        return;
    }
    const unsigned silence = raft->silence;
    become_pre_candidate(raft);
    if (silence != 0 && !raft->reluctant && raft->role == RAFT_PRE_CANDIDATE) ask_again_soon(raft, silence);
}

static void tick_leader(struct raft *raft) {
    if (++raft->election_elapsed >= raft->options.election_ticks) {
        raft->election_elapsed = 0;
        /* 6.2: clients of a leader that is cut off must be free to find another. */
        if (!raft->options.no_check_quorum && !replication_quorum_is_active(raft)) {
            election_become_follower(raft, raft->term, 0);
            return;
        }
    }
    transfer_tick(raft);
    if (++raft->heartbeat_elapsed >= raft->options.heartbeat_ticks) {
        raft->heartbeat_elapsed = 0;
        replication_heartbeat_all(raft);
    }
}

void election_tick(struct raft *raft) {
    if (raft->role == RAFT_LEADER) {
        tick_leader(raft);
        return;
    }
    if (++raft->election_elapsed < raft->election_timeout) return;
    /* Who may not campaign forgets the leader all the same: else it would stick to one that is gone, and refuse its
     * vote to whoever may (etcd #12359). */
    raft->leader = 0;
    election_campaign(raft);
}

bool election_voter_sticks(const struct raft *raft) {
    /* 4.2.3: a server that hears from a leader does not let others disturb it. A leader hears itself. */
    const unsigned stick = raft->silence != 0 ? raft->silence : raft->options.election_ticks;
    return !raft->options.no_check_quorum && raft->leader != 0 && raft->election_elapsed < stick;
}

/* 3.6.1: the later last term, or the same and a log at least as long. */
static bool is_up_to_date(const struct raft *raft, const struct raft_message *message) {
    /*
     * PAR (Alagappan et al., FAST 2018): a log that lost entries says nothing about what may be committed. All that
     * this node acknowledged was of terms up to doubt_term; whoever holds an entry of a later term has it from a leader
     * who was elected without this node's vote, by a majority that met every commit's majority in another node than
     * this one, and so holds all of it that was committed (raft/README.md).
     */
    if (raft->doubt_term != 0 && message->log_term <= raft->doubt_term) return false;
    uint64_t last_term = term_table_last_term(&raft->terms);
    return message->log_term > last_term || (message->log_term == last_term && message->index >= core_last(raft));
}

/* Every reply to a candidate says what is committed here: see learn_commit. */
static struct raft_message *add_reply(struct raft *raft, enum raft_message_kind kind, uint64_t to) {
    struct raft_message *reply = ready_add_message(raft, kind, to);
    if (!reply) return NULL;
    reply->commit = raft->commit;
    reply->hint_term = term_table_at(&raft->terms, raft->commit);
    return reply;
}

void election_refuse(struct raft *raft, enum raft_message_kind kind, uint64_t to) {
    struct raft_message *reply = add_reply(raft, kind, to);
    if (reply) reply->reject = true;
}

/*
 * Whatever stands at a committed index with the same term is committed here too (3.5 Log Matching). Without that word a
 * configuration that takes effect at apply can leave nobody electable: after a restart the only voter of the new
 * configuration doesn't know that it is committed and asks for votes by the old one, while those who know are no voters
 * any more and have longer logs. (The cure is raft-rs's "commit by vote".)
 */
static void learn_commit(struct raft *raft, const struct raft_message *message) {
    if (message->hint_term == 0 || message->commit <= raft->commit) return;
    if (term_table_at(&raft->terms, message->commit) != message->hint_term) return;
    commit_to(raft, message->commit);
    if (membership_has_committed_change(raft))
        election_become_follower(raft, raft->term, 0); /* to be applied before it counts votes */
}

void election_handle_vote_request(struct raft *raft, const struct raft_message *message) {
    bool pre = message->kind == RAFT_PRE_VOTE;
    /* No check that the candidate is a member, nor that we are a voter: either may know a configuration that we have
     * not applied (4.2.1). */
    bool may_vote =
        raft->vote == message->from || (raft->vote == 0 && raft->leader == 0) || (pre && message->term > raft->term);
    if (may_vote && is_up_to_date(raft, message)) {
        if (pre) {
            struct raft_message *reply = add_reply(raft, RAFT_PRE_VOTE_REPLY, message->from);
            if (reply) reply->term = message->term; /* not ours: the candidate looks for its own */
            return;
        }
        raft->vote = message->from;
        raft->election_elapsed = 0;
        draw_timeout(raft);
        raft->vote_reply_due = true; /* 3.8: goes out when the vote is durable */
        return;
    }
    election_refuse(raft, pre ? RAFT_PRE_VOTE_REPLY : RAFT_VOTE_REPLY, message->from);
}

void election_handle_vote_reply(struct raft *raft, const struct raft_message *message) {
    if (raft->role != RAFT_LEADER) learn_commit(raft, message);
    enum raft_message_kind expected = raft->role == RAFT_PRE_CANDIDATE ? RAFT_PRE_VOTE_REPLY : RAFT_VOTE_REPLY;
    if (raft->role != RAFT_PRE_CANDIDATE && raft->role != RAFT_CANDIDATE) return;
    if (message->kind != expected) return; /* of the pre-candidacy that this candidacy came from */
    if (expected == RAFT_PRE_VOTE_REPLY && !message->reject && message->term != raft->term + 1)
        return; /* of an earlier one */
    struct progress *peer = membership_find(raft, message->from);
    if (!peer || peer->vote != PROGRESS_VOTE_NONE) return; /* the first word of each counts */
    peer->vote = message->reject ? PROGRESS_VOTE_REFUSED : PROGRESS_VOTE_GRANTED;
    act_on_votes(raft);
}

void election_count_own_vote(struct raft *raft) {
    if (raft->role != RAFT_CANDIDATE || raft->vote != raft->options.id) return;
    struct progress *self = membership_self(raft);
    if (!self || self->vote != PROGRESS_VOTE_NONE) return;
    self->vote = PROGRESS_VOTE_GRANTED;
    act_on_votes(raft);
}

/*
 * Requests for votes wait for our own vote to be durable: without that, a candidate that lost entries and its term in a
 * crash could campaign in the same term again, and count the votes that its longer log had won.
 */
void election_send_requests(struct raft *raft) {
    bool pre = raft->role == RAFT_PRE_CANDIDATE;
    if (!pre && (raft->role != RAFT_CANDIDATE || !persist_term_is_durable(raft))) return;
    for (unsigned i = 0; i < raft->peer_count; i++) {
        struct progress *peer = &raft->peers[i];
        if (!peer->vote_due) continue;
        struct raft_message *request = ready_add_message(raft, pre ? RAFT_PRE_VOTE : RAFT_VOTE, peer->id);
        if (!request) return;
        peer->vote_due = false;
        request->term = raft->term + pre;
        request->index = core_last(raft);
        request->log_term = term_table_last_term(&raft->terms);
        request->handed = raft->is_handed;
    }
}

void election_send_reply(struct raft *raft) {
    if (!raft->vote_reply_due || raft->halted || !persist_term_is_durable(raft)) return;
    if (add_reply(raft, RAFT_VOTE_REPLY, raft->vote)) raft->vote_reply_due = false;
}
