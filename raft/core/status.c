/*
 * status: the core seen from outside: for people, for the checkers, as one number.
 */
#include "engine/base/hash.h"
#include "raft/core/core.h"

const char *raft_role_name(enum raft_role role) {
    switch (role) {
    case RAFT_FOLLOWER: return "follower";
    case RAFT_PRE_CANDIDATE: return "pre-candidate";
    case RAFT_CANDIDATE: return "candidate";
    case RAFT_LEADER: return "leader";
    case RAFT_LEARNER: return "learner";
    }
    return "unknown";
}

static struct raft_peer show_peer(const struct raft *raft, const struct progress *peer) {
    bool voter = raft_configuration_has_voter(&raft->configuration, peer->id);
    struct raft_peer shown = {.id = peer->id, .voter = voter, .learner = !voter, .self = peer->id == raft->options.id};
    shown.guard_ms = shown.self ? raft->options.guard_ms : peer->guard_ms;
    if (raft->role != RAFT_LEADER) return shown;
    shown.progress = peer->state;
    shown.match = peer->match;
    shown.next = peer->next;
    shown.commit = peer->id == raft->options.id ? raft->commit : peer->commit;
    shown.paused = progress_is_paused(peer);
    shown.recently_active = peer->recently_active;
    shown.inflight_messages = peer->inflights.count;
    shown.inflight_bytes = peer->inflights.bytes;
    shown.snapshot_index = peer->snapshot_index;
    shown.clock_ms = peer->clock.wall_ms;
    return shown;
}

/* A role of its own for whoever is told, not for the core. */
static enum raft_role show_role(const struct raft *raft) {
    bool learns = raft->role == RAFT_FOLLOWER && !membership_is_voter(raft) &&
                  raft_configuration_has(&raft->configuration, raft->options.id);
    return learns ? RAFT_LEARNER : raft->role;
}

const struct raft_configuration *raft_get_configuration(const struct raft *raft) {
    return &raft->configuration;
}

struct raft_position raft_get_position(const struct raft *raft) {
    return (struct raft_position){.role = show_role(raft),
                                  .halted = raft->halted,
                                  .term = raft->term,
                                  .log_start = raft->log_start,
                                  .last = core_last(raft),
                                  .stable = raft->stable,
                                  .commit = raft->commit,
                                  .lease_reads = raft->lease.served};
}

void raft_get_status(const struct raft *raft, struct raft_status *status) {
    *status = (struct raft_status){
        .id = raft->options.id,
        .term = raft->term,
        .vote = raft->vote,
        .leader = raft->leader,
        .role = show_role(raft),
        .halted = raft->halted,
        .log_start = raft->log_start,
        .last = core_last(raft),
        .stable = raft->stable,
        .commit = raft->commit,
        .applied = raft->applied,
        .durable_commit = raft->durable_commit,
        .doubt_term = raft->doubt_term,
        .terms_known_from = term_table_start(&raft->terms),
        .terms = raft->terms.count,
        .terms_max = raft->options.terms_max,
        .uncommitted_bytes = raft->uncommitted_bytes,
        .uncommitted_bytes_max = raft->options.uncommitted_bytes_max,
        .reads = raft->read_count,
        .reads_max = raft->options.reads_max,
        .works = raft->work_count,
        .works_max = raft->options.works_max,
        .messages_dropped = raft->messages_dropped,
        .log_time_ms = raft->log_time_ms,
        .guards = raft->lease.guards,
        .lease_ends_ms = raft_lease_ends_ms(raft),
        .lease_reads = raft->lease.served,
        .configuration = raft->configuration,
        .pending_change_index = raft->pending_change_index,
        .peer_count = raft->peer_count,
    };
    for (unsigned i = 0; i < raft->peer_count; i++) status->peers[i] = show_peer(raft, &raft->peers[i]);
}

size_t raft_uncommitted_bytes(const struct raft *raft) {
    return raft->uncommitted_bytes;
}

uint64_t raft_term_at(const struct raft *raft, uint64_t index) {
    return term_table_at(&raft->terms, index);
}

/* ---- invariants
 * ---------------------------------------------------------------------------------------------------------------- */

#define HOLDS(condition, sentence)                                                                                     \
    if (!(condition)) return sentence

static const char *check_log(const struct raft *raft) {
    bool installing = raft->install != INSTALL_NONE;
    HOLDS(raft->commit <= core_last(raft), "commit index within the log");
    HOLDS(raft->applied <= raft->commit, "applied index within what is committed");
    HOLDS(raft->log_start <= raft->applied || installing, "the log starts within what is applied");
    HOLDS(raft->log_start <= term_table_start(&raft->terms), "terms are known within the log only");
    HOLDS(raft->stable <= core_last(raft), "what is durable is in the log");
    HOLDS(raft->verified <= core_last(raft), "what is verified is in the log");
    HOLDS(raft->durable_commit <= raft->handed_commit && raft->handed_commit <= raft->commit,
          "what is noted as committed is");
    HOLDS(raft->commit_handed <= raft->commit, "only what is committed is handed out to apply");
    HOLDS(raft->unhanded_first > raft->log_start && raft->unhanded_first <= core_last(raft) + 1,
          "what waits for the disk is in the log");
    HOLDS(raft->stable < raft->unhanded_first || installing, "what is durable was handed out");
    return NULL;
}

static const char *check_terms(const struct raft *raft) {
    const struct term_table *terms = &raft->terms;
    HOLDS(terms->count >= 1 && terms->count <= terms->capacity, "the term table keeps its bound");
    for (unsigned i = 1; i < terms->count; i++) {
        HOLDS(terms->pairs[i].term > terms->pairs[i - 1].term, "terms rise along the log");
        HOLDS(terms->pairs[i].first > terms->pairs[i - 1].first, "first indexes rise along the log");
    }
    HOLDS(terms->pairs[terms->count - 1].first <= terms->last, "every pair covers an index");
    HOLDS(term_table_last_term(terms) <= raft->term, "no entry is of a term to come");
    return NULL;
}

static const char *check_election(const struct raft *raft) {
    HOLDS(raft->durable.term <= raft->handed.term && raft->handed.term <= raft->term, "the durable term is not ahead");
    HOLDS(raft->durable.term != raft->term || raft->durable.vote == raft->vote || raft->durable.vote == 0,
          "a vote is given once in a term");
    HOLDS(!raft->halted || raft->role == RAFT_FOLLOWER, "a node whose disk failed neither leads nor campaigns");
    HOLDS(raft->transfer_to == 0 || raft->role == RAFT_LEADER, "only a leader gives leadership away");
    HOLDS((raft->role == RAFT_LEADER) == (raft->leader == raft->options.id),
          "a leader knows itself, and nobody else takes itself for one");
    if (raft->role == RAFT_CANDIDATE || raft->role == RAFT_LEADER) {
        HOLDS(raft->vote == raft->options.id, "a candidate has voted for itself");
    }
    if (raft->role == RAFT_LEADER) {
        HOLDS(raft->durable.term == raft->term && raft->durable.vote == raft->vote,
              "a leader's term and vote are durable");
        HOLDS(!raft->halted, "a node without a disk does not lead");
    }
    return NULL;
}

static const char *check_persist(const struct raft *raft) {
    HOLDS(raft->work_count <= raft->options.works_max, "works keep their bound");
    uint64_t number = 0;
    for (unsigned i = 0; i < raft->work_count; i++) {
        const struct work *work = &raft->works[(raft->work_head + i) % raft->options.works_max];
        HOLDS(work->number > number && work->number <= raft->last_number, "works are numbered in order");
        HOLDS(work->last <= core_last(raft), "a work confirms only what is in the log");
        number = work->number;
    }
    HOLDS(raft->install != INSTALL_HANDED || raft->work_count > 0, "an install that was handed out is under way");
    return NULL;
}

static const char *check_peers(const struct raft *raft) {
    for (unsigned i = 0; i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        HOLDS(i == 0 || peer->id > raft->peers[i - 1].id, "members are sorted");
        HOLDS(peer->match < peer->next, "what is sent next is not yet acknowledged");
        HOLDS(peer->match <= core_last(raft), "nobody acknowledged what is not in the log");
        if (raft->role != RAFT_LEADER) continue;
        if (peer->id == raft->options.id) {
            HOLDS(peer->match == raft->stable, "a leader counts of itself what is durable");
            continue;
        }
        HOLDS(peer->next <= core_last(raft) + 1, "nothing is sent from beyond the log");
        HOLDS(peer->state == RAFT_REPLICATE || peer->inflights.count == 0,
              "only a replicating member has appends in flight");
        HOLDS(peer->inflights.count <= peer->inflights.limit_messages, "the window keeps its bound");
        HOLDS(peer->acked_round <= raft->read_round, "no reply to a round that has not begun");
    }
    return NULL;
}

static const char *check_reads(const struct raft *raft) {
    HOLDS(raft->read_count + raft->read_state_count <= raft->options.reads_max, "reads keep their bound");
    HOLDS(raft->read_count == 0 || raft->role == RAFT_LEADER, "reads wait on a leader only");
    uint64_t round = 0;
    bool open = false;
    for (unsigned i = 0; i < raft->read_count; i++) {
        const struct pending_read *read = &raft->reads[(raft->read_head + i) % raft->options.reads_max];
        HOLDS(!open || read->round == 0, "reads join rounds in order");
        HOLDS(read->round == 0 || (read->round >= round && read->round <= raft->read_round),
              "rounds rise along the queue");
        HOLDS(read->round == 0 || read->index <= raft->commit, "a read index is committed");
        open = read->round == 0;
        round = read->round;
    }
    return NULL;
}

static const char *check_lease(const struct raft *raft) {
    const struct lease *lease = &raft->lease;
    HOLDS(lease->mark_count <= LEASE_MARKS_MAX, "dates of entries keep their bound");
    bool leads = raft->role == RAFT_LEADER;
    HOLDS(leads || (!lease->guards && lease->from_ms == 0 && lease->mark_count == 0),
          "only a leader guards and leases");
    HOLDS(lease->from_ms == 0 || !lease->guards, "who guards holds no lease");
    for (unsigned i = 0; i < lease->mark_count; i++) {
        const struct lease_mark *mark = &lease->marks[(lease->mark_head + i) % LEASE_MARKS_MAX];
        HOLDS(mark->index > raft->commit && mark->index <= core_last(raft), "dates are of entries to be committed");
        HOLDS(mark->made_ms >= lease->from_ms && mark->made_ms <= raft->steady_ms, "dates rise along the log");
    }
    return NULL;
}

const char *raft_check_invariants(const struct raft *raft) {
    const char *broken = check_log(raft);
    if (!broken) broken = check_terms(raft);
    if (!broken) broken = check_election(raft);
    if (!broken) broken = check_persist(raft);
    if (!broken) broken = check_peers(raft);
    if (!broken) broken = check_reads(raft);
    if (!broken) broken = check_lease(raft);
    if (!broken && raft->peer_count > 0 && !raft_configuration_is_valid(&raft->configuration))
        broken = "the configuration is valid";
    return broken;
}

/* ---- hash
 * ----------------------------------------------------------------------------------------------------------------------
 */

static uint64_t hash_words(uint64_t hash, const uint64_t *words, unsigned count) {
    for (unsigned i = 0; i < count; i++) hash = hash_mix(hash, words[i]);
    return hash;
}

#define HASH(hash, ...)                                                                                                \
    hash_words((hash), (const uint64_t[]){__VA_ARGS__},                                                                \
               (unsigned)(sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)))

static uint64_t hash_log(const struct raft *raft, uint64_t hash) {
    hash = HASH(hash, raft->log_start, raft->stable, raft->commit, raft->applied, raft->verified, raft->acknowledge_due,
                raft->acknowledged, raft->uncommitted_bytes, raft->commit_handed, raft->terms.last, raft->terms.count);
    for (unsigned i = 0; i < raft->terms.count; i++)
        hash = HASH(hash, raft->terms.pairs[i].term, raft->terms.pairs[i].first);
    hash = HASH(hash, raft->work_count, raft->last_number, raft->handed.term, raft->handed.vote, raft->durable.term,
                raft->durable.vote, raft->unhanded_first, raft->vote_reply_due, raft->commit_note_due,
                raft->handed_commit, raft->durable_commit, (uint64_t)raft->install);
    for (unsigned i = 0; i < raft->work_count; i++) {
        const struct work *work = &raft->works[(raft->work_head + i) % raft->options.works_max];
        hash = HASH(hash, work->number, work->hard_state.term, work->hard_state.vote, work->commit_note, work->last,
                    work->install_index);
    }
    return hash;
}

static uint64_t hash_peers(const struct raft *raft, uint64_t hash) {
    for (unsigned i = 0; i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        hash = HASH(hash, peer->id, (uint64_t)peer->state, peer->match, peer->next, peer->sent_commit, peer->commit,
                    peer->snapshot_index, peer->paused, peer->append_due, peer->heartbeat_due, peer->snapshot_due,
                    peer->recently_active, (uint64_t)peer->vote, peer->vote_due, peer->acked_round, peer->clock.wall_ms,
                    peer->clock.steady_ms, peer->guard_ms, peer->inflights.count);
        for (unsigned j = 0; j < peer->inflights.count; j++) {
            const struct inflight *inflight =
                &peer->inflights.ring[(peer->inflights.head + j) % peer->inflights.limit_messages];
            hash = HASH(hash, inflight->last, inflight->bytes);
        }
    }
    uint8_t bytes[RAFT_CONFIGURATION_BYTES_MAX];
    hash = hash64(slice_make(bytes, raft_configuration_encode(&raft->configuration, bytes)), hash);
    hash = HASH(hash, raft->configuration_index, raft->pending_change_index, raft->configuration_mark_count,
                raft->configuration_unmarked);
    return hash_words(hash, raft->configuration_marks, raft->configuration_mark_count);
}

static uint64_t hash_reads(const struct raft *raft, uint64_t hash) {
    hash = HASH(hash, raft->read_count, raft->read_round);
    for (unsigned i = 0; i < raft->read_count; i++) {
        const struct pending_read *read = &raft->reads[(raft->read_head + i) % raft->options.reads_max];
        hash = HASH(hash, read->from, read->context, read->life, read->round, read->index, read->clocks);
    }
    return hash;
}

static uint64_t hash_lease(const struct raft *raft, uint64_t hash) {
    const struct lease *lease = &raft->lease;
    hash = HASH(hash, lease->clocks, lease->end_is_new, lease->end_ms, lease->was_recovered, lease->recovered_ms,
                lease->guards, lease->is_given_up, lease->from_ms, lease->newest_ms, lease->wanted_ms, lease->wanted,
                lease->mark_count);
    for (unsigned i = 0; i < lease->mark_count; i++) {
        const struct lease_mark *mark = &lease->marks[(lease->mark_head + i) % LEASE_MARKS_MAX];
        hash = HASH(hash, mark->index, mark->made_ms);
    }
    return hash;
}

uint64_t raft_hash(const struct raft *raft) {
    uint64_t hash =
        HASH(raft->options.id, raft->term, raft->vote, raft->leader, (uint64_t)raft->role, raft->halted, raft->life,
             raft->election_elapsed, raft->heartbeat_elapsed, raft->election_timeout, raft->silence, raft->steady_ms,
             raft->wall_ms, raft->log_time_ms, raft->is_handed, raft->transfer_to, raft->transfer_elapsed,
             raft->transfer_is_told, raft->reluctant, raft->doubt_term);
    hash = hash_words(hash, raft->prng.state, 4);
    return hash_lease(raft, hash_reads(raft, hash_peers(raft, hash_log(raft, hash))));
}
