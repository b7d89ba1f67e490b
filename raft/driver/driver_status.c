/*
 * driver_status: what people and servers ask of a driver.
 */
#include "raft/driver/driver_internal.h"

struct engine *raft_driver_engine(struct raft_driver *driver) {
    return driver->engine;
}

const struct raft *raft_driver_core(const struct raft_driver *driver) {
    return driver->raft;
}

bool raft_driver_pin_engine(struct raft_driver *driver) {
    if (driver->installing) return false;
    driver->engine_pins++;
    return true;
}

void raft_driver_unpin_engine(struct raft_driver *driver) {
    driver->engine_pins--;
    driver->wants_turn = true;
}

int64_t raft_driver_log_time(const struct raft_driver *driver) {
    return driver->log_time_ms;
}

static unsigned share(uint64_t used, uint64_t limit) {
    if (limit == 0) return 0;
    return used >= limit ? 1000 : (unsigned)(used * 1000 / limit);
}

unsigned raft_driver_pressure(const struct raft_driver *driver) {
    unsigned shares[] = {
        share(raft_uncommitted_bytes(driver->raft), driver->options.uncommitted_limit_bytes),
        share(raft_log_live_bytes(driver->raft_log), driver->options.log_limit_bytes),
        share(requests_count(driver), driver->requests.limit),
        driver->engine != NULL ? engine_pressure(driver->engine) : 0,
    };
    unsigned worst = driver->failed != STATUS_OK ? 1000 : 0;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (shares[i] > worst) worst = shares[i];
    return worst;
}

static void fill_in_peers(const struct raft_driver *driver, const struct raft_status *core,
                          struct raft_driver_status *status) {
    const struct raft_configuration *configuration = &status->configuration;
    status->configuration = core->configuration;
    status->removed =
        configuration->voter_count > 0 && !raft_configuration_has(configuration, driver->identity.node_id);
    status->peer_count = 0;
    for (size_t i = 0; i < driver->members.count && status->peer_count < RAFT_NODES_MAX; i++) {
        const struct driver_member *row = &driver->members.rows[i];
        if (row->retired_ns != 0) continue;
        const uint64_t id = row->member.id;
        struct raft_peer_status *peer = &status->peers[status->peer_count++];
        *peer = (struct raft_peer_status){.member = row->member, .progress = ""};
        peer->connected = id == driver->identity.node_id || transport_is_up(driver->transport, id);
        peer->last_heard_ms = row->heard_ns == 0 ? -1 : (int64_t)((driver_now(driver) - row->heard_ns) / MS_NS);
        peer->voter = raft_configuration_has_voter(configuration, id);
        peer->witness = id == driver->identity.node_id ? driver->superblock.is_witness : row->is_witness;
        peer->learner = !peer->voter && raft_configuration_has(configuration, id);
        for (unsigned k = 0; k < core->peer_count; k++) {
            const struct raft_peer *known = &core->peers[k];
            if (known->id != id) continue;
            peer->guard_ms = (uint32_t)known->guard_ms;
            peer->priority = known->self ? driver->options.priority : row->priority;
            if (core->role != RAFT_LEADER) continue;
            peer->match = known->self ? core->stable : known->match;
            peer->next = known->self ? core->last + 1 : known->next;
            peer->in_flight_messages = known->inflight_messages;
            peer->in_flight_bytes = known->inflight_bytes;
            peer->progress = known->self ? "" : raft_progress_name(known->progress);
        }
    }
}

void status_turn(struct raft_driver *driver) {
    const struct raft_position core = raft_get_position(driver->raft);
    if (core.commit == core.last) {
        driver->commit_since_ns = 0;
    } else if (driver->commit_since_ns == 0 || core.commit != driver->commit_seen) {
        driver->commit_since_ns = driver_now(driver);
        driver->commit_seen = core.commit;
    }
}

void raft_driver_get_status(const struct raft_driver *driver, struct raft_driver_status *status) {
    struct raft_status core;
    struct wal_stats wal;
    raft_get_status(driver->raft, &core);
    raft_log_get_stats(driver->raft_log, &wal);
    const uint64_t now_ms = driver_now(driver) / MS_NS;
    *status = (struct raft_driver_status){
        .identity = driver->identity,
        .role = driver->role,
        .term = core.term,
        .vote = core.vote,
        .leader = core.leader,
        .commit = core.commit,
        .applied = driver->applied,
        .first_index = core.log_start + 1,
        .last_index = core.last,
        .durable_index = core.stable,
        .commit_waiting_ms = driver->commit_since_ns == 0 ? 0 : (driver_now(driver) - driver->commit_since_ns) / MS_NS,
        .log_time_ms = driver->log_time_ms,
        .witness = driver->superblock.is_witness,
        .state_hash = witness_hash(driver),
        .log_bytes = raft_log_live_bytes(driver->raft_log),
        .log_limit_bytes = driver->options.log_limit_bytes,
        .uncommitted_bytes = core.uncommitted_bytes,
        .uncommitted_limit_bytes = core.uncommitted_bytes_max,
        .requests = requests_count(driver),
        .request_limit = driver->requests.limit,
        .sessions = sessions_count(driver->sessions),
        .session_limit = SESSIONS_MAX,
        .reply_bytes = sessions_reply_bytes(driver->sessions),
        .reply_limit_bytes = driver->options.reply_memory_bytes,
        .elections = driver->counts.elections,
        .leader_changes = driver->counts.leader_changes,
        .snapshots_sent = driver->counts.snapshots_sent,
        .snapshots_installed = driver->counts.snapshots_installed,
        .proposals = driver->counts.proposals,
        .applied_entries = driver->counts.applied_entries,
        .apply_stalls = driver->ahead.counts.stalls,
        .prefetch_looks = driver->ahead.counts.looks,
        .prefetched_entries = driver->ahead.counts.entries,
        .prefetch_lost = driver->ahead.counts.lost,
        .prefetch_ahead = prefetch_ahead(driver),
        .prefetch_window = driver->ahead.window,
        .read_rounds = driver->counts.read_rounds,
        .lease_ms = core.lease_ends_ms > now_ms ? core.lease_ends_ms - now_ms : 0,
        .lease_reads = core.lease_reads,
        .guard_ms = driver->options.guard_ms,
        .guards = core.guards,
        .priority = driver->options.priority,
        .gave_to_higher = driver->counts.gave_to_higher,
        .reads = driver->counts.reads,
        .log_commits = wal.commits,
        .log_syncs = wal.syncs,
        .log_written_bytes = wal.written_bytes,
        .disk_failed = driver->failed != STATUS_OK,
        .disk_slow = driver->slow_disk.is_slow,
        .disk_slow_ms =
            driver->slow_disk.is_slow ? (driver->ticks - driver->slow_disk.since_tick) * driver->tick_ns / MS_NS : 0,
        .disk_ahead_ms = driver->slow_disk.ahead_tick != 0
                             ? (driver->ticks - driver->slow_disk.ahead_tick) * driver->tick_ns / MS_NS
                             : 0,
        .disk_rests = driver_now(driver) < driver->slow_disk.give_way_ns,
        .disk_waiting_ms = persist_oldest_ns(driver) / MS_NS,
        .slow_disk_ms = driver->options.slow_disk_ms,
        .doubt_term = core.doubt_term,
        .scrub_passes = driver->counts.scrub_passes,
        .scrub_findings = driver->counts.scrub_findings,
        .scrub_ended_ms =
            driver->scrub.ended_ns == 0 ? -1 : (int64_t)((driver_now(driver) - driver->scrub.ended_ns) / MS_NS),
        .scrub_bytes = driver->scrub.done_bytes,
        .scrub_rate_bytes = driver->options.scrub_rate_bytes,
        .scrub_interval_s = driver->options.scrub_interval_s,
        .repairing = driver->repair.state >= REPAIR_BEGUN,
        .repairs = driver->counts.repairs,
        .set_aside_store = driver->superblock.damaged_engine,
        .set_aside_log = driver->superblock.damaged_log,
        .gave_way = driver->counts.gave_way,
    };
    fill_in_peers(driver, &core, status);
}

struct raft_driver_applied raft_driver_get_applied(const struct raft_driver *driver) {
    return (struct raft_driver_applied){.index = driver->applied,
                                        .state_hash = witness_hash(driver),
                                        .snapshots_installed = driver->counts.snapshots_installed,
                                        .gave_way = driver->counts.gave_way,
                                        .written = driver->written,
                                        .repairs = driver->counts.repairs,
                                        .scrub_passes = driver->counts.scrub_passes,
                                        .repairing = driver->repair.state >= REPAIR_BEGUN,
                                        .disk_slow = driver->slow_disk.is_slow,
                                        .is_joint = driver->configuration.outgoing_count > 0};
}

const char *raft_driver_check_invariants(const struct raft_driver *driver) {
    const bool settled = !driver->installing && driver->failed == STATUS_OK;
    if (settled && !raft_configuration_equal(raft_get_configuration(driver->raft), &driver->configuration))
        return "the core goes by the configuration that was applied last";
    return raft_check_invariants(driver->raft);
}

enum status raft_driver_set_link(struct raft_driver *driver, uint64_t peer, bool drop_in, bool drop_out) {
    return transport_set_link(driver->transport, peer, drop_in, drop_out);
}
