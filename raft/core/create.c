/*
 * create: a node's memory and how it starts (dissertation 3.8: term, vote and log are what survives). Invariant:
 * everything is allocated here, from the limits in the options.
 */
#include <stdlib.h>

#include "raft/core/core.h"

static size_t size_or(size_t value, size_t otherwise) {
    return value > 0 ? value : otherwise;
}

static unsigned count_or(unsigned value, unsigned otherwise) {
    return value > 0 ? value : otherwise;
}

static struct raft_options fill_in(const struct raft_options *given) {
    struct raft_options options = *given;
    options.heartbeat_ticks = count_or(given->heartbeat_ticks, 1);
    options.election_ticks = count_or(given->election_ticks, 10 * options.heartbeat_ticks);
    options.inflight_messages_max = count_or(given->inflight_messages_max, 64);
    options.inflight_bytes_max = size_or(given->inflight_bytes_max, 16 << 20);
    options.append_bytes_max = size_or(given->append_bytes_max, 1 << 20);
    options.uncommitted_bytes_max = size_or(given->uncommitted_bytes_max, 64 << 20);
    options.terms_max = count_or(given->terms_max, 256);
    options.reads_max = count_or(given->reads_max, 1024);
    options.messages_max = count_or(given->messages_max, 256);
    options.works_max = count_or(given->works_max, 64);
    if (options.guard_recovered_ms < options.guard_ms) options.guard_recovered_ms = options.guard_ms;
    options.configuration = NULL;
    return options;
}

static bool is_sound(const struct raft_options *options) {
    if (options->id == 0 || !options->measure) return false;
    if (options->election_ticks <= options->heartbeat_ticks || options->terms_max < TERM_TABLE_PAIRS_MIN) return false;
    if (options->guard_ms > RAFT_GUARD_MS_MAX || options->drift_permille >= 1000) return false;
    if (options->applied < options->log_start || options->log_start_term > options->hard_state.term) return false;
    return (options->log_start == 0) == (options->log_start_term == 0);
}

static bool allocate(struct raft *raft) {
    const struct raft_options *options = &raft->options;
    raft->terms.pairs = calloc(options->terms_max, sizeof *raft->terms.pairs);
    raft->works = calloc(options->works_max, sizeof *raft->works);
    raft->reads = calloc(options->reads_max, sizeof *raft->reads);
    raft->read_states = calloc(options->reads_max, sizeof *raft->read_states);
    raft->messages = calloc(options->messages_max, sizeof *raft->messages);
    if (!raft->terms.pairs || !raft->works || !raft->reads || !raft->read_states || !raft->messages) return false;
    for (unsigned i = 0; i < RAFT_MEMBERS_MAX; i++) {
        raft->peers[i].inflights.ring = calloc(options->inflight_messages_max, sizeof(struct inflight));
        if (!raft->peers[i].inflights.ring) return false;
    }
    return true;
}

static void start(struct raft *raft, const struct raft_configuration *configuration) {
    const struct raft_options *options = &raft->options;
    prng_init(&raft->prng, options->seed);
    raft->life = prng_next(&raft->prng) | 1;
    raft->term = raft->handed.term = raft->durable.term = options->hard_state.term;
    raft->vote = raft->handed.vote = raft->durable.vote = options->hard_state.vote;
    term_table_init(&raft->terms, raft->terms.pairs, options->terms_max, options->log_start, options->log_start_term);
    raft->log_start = raft->stable = options->log_start;
    raft->applied = raft->commit_handed = options->applied;
    raft->commit = raft->verified = core_most(options->applied, options->commit);
    raft->doubt_term = options->doubt_term;
    raft->handed_commit = raft->durable_commit = raft->commit;
    raft->unhanded_first = options->log_start + 1;
    raft->log_time_ms = options->log_time_ms;
    raft->lease.was_recovered = options->log_start > 0;
    if (configuration) membership_adopt(raft, configuration);
    raft->configuration_index = options->applied;
    election_become_follower(raft, raft->term, 0);
}

enum status raft_create(const struct raft_options *options, struct raft **out) {
    *out = NULL;
    struct raft_options filled = fill_in(options);
    if (!is_sound(&filled)) return STATUS_INVALID;
    bool named = options->configuration && options->configuration->voter_count > 0;
    if (named && !raft_configuration_is_valid(options->configuration)) return STATUS_INVALID;
    struct raft *raft = calloc(1, sizeof *raft);
    if (!raft) return STATUS_NO_MEMORY;
    raft->options = filled;
    if (!allocate(raft)) {
        raft_destroy(raft);
        return STATUS_NO_MEMORY;
    }
    start(raft, named ? options->configuration : NULL);
    *out = raft;
    return STATUS_OK;
}

void raft_destroy(struct raft *raft) {
    if (!raft) return;
    for (unsigned i = 0; i < RAFT_MEMBERS_MAX; i++) free(raft->peers[i].inflights.ring);
    free(raft->terms.pairs);
    free(raft->works);
    free(raft->reads);
    free(raft->read_states);
    free(raft->messages);
    free(raft);
}

enum status raft_recover_entry(struct raft *raft, uint64_t index, uint64_t term, enum raft_entry_kind kind) {
    if (raft->started || index != core_last(raft) + 1) return STATUS_INVALID;
    if (term == 0 || term < term_table_last_term(&raft->terms) || term > raft->term) return STATUS_INVALID;
    term_table_append(&raft->terms, term);
    raft->stable = index;
    raft->lease.was_recovered = true;
    raft->unhanded_first = index + 1;
    if (kind == RAFT_ENTRY_CONFIGURATION && index > raft->applied) membership_mark(raft, index);
    return STATUS_OK;
}

/* ---- log time
 * ------------------------------------------------------------------------------------------------------------------ */

static unsigned collect_clocks(const struct raft *raft, struct log_time_clock clocks[static RAFT_MEMBERS_MAX]) {
    unsigned count = 0;
    for (unsigned i = 0; i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        if (!raft_configuration_has_voter(&raft->configuration, peer->id)) continue;
        bool self = peer->id == raft->options.id;
        clocks[count++] =
            self ? (struct log_time_clock){.wall_ms = raft->wall_ms, .steady_ms = raft->steady_ms} : peer->clock;
    }
    return count;
}

uint64_t raft_log_time(struct raft *raft) {
    if (raft->role == RAFT_LEADER) {
        struct log_time_clock clocks[RAFT_MEMBERS_MAX];
        unsigned count = collect_clocks(raft, clocks);
        raft->log_time_ms = core_most(raft->log_time_ms, log_time_median(clocks, count, raft->steady_ms));
    }
    return raft->log_time_ms;
}

void raft_observe_log_time(struct raft *raft, uint64_t log_time_ms) {
    raft->log_time_ms = core_most(raft->log_time_ms, log_time_ms);
}
