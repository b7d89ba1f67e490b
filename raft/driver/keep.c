/*
 * keep: the log is kept short (a flush that is installed lets its beginning go, a log that grows asks for a flush), and
 * the stores' own housekeeping is proposed where it is due; a store that can't be written any more ends the node's
 * work.
 */
#include "raft/driver/driver_internal.h"

enum { FLUSH_AGAIN_MS = 100, MAINTAIN_MS = 100 };

/* Followers that are a little behind still get entries instead of a snapshot, as long as there is room. */
static uint64_t needed_by_followers(const struct raft_driver *driver, uint64_t index) {
    if (driver->role != RAFT_LEADER) return index;
    struct raft_status status;
    raft_get_status(driver->raft, &status);
    for (unsigned i = 0; i < status.peer_count; i++) {
        const struct raft_peer *peer = &status.peers[i];
        if (!peer->self && peer->recently_active && peer->match < index) index = peer->match;
    }
    return index;
}

static void compact(struct raft_driver *driver, uint64_t live_bytes) {
    uint64_t index = engine_installed(driver->engine).index;
    if (index <= raft_log_start(driver->raft_log)) return; /* most turns */
    uint64_t streamed = snapshot_send_needs(driver);
    if (live_bytes < driver->options.log_limit_bytes / 2) index = needed_by_followers(driver, index);
    if (streamed < index && live_bytes < driver->options.log_limit_bytes / 4 * 3) index = streamed;
    if (index <= raft_log_start(driver->raft_log)) return;
    uint64_t before = raft_log_start(driver->raft_log);
    uint64_t start = raft_log_compact(driver->raft_log, index);
    if (start == before) return;
    struct raft_event event = {.kind = RAFT_EVENT_COMPACTED, .compacted = {.index = start}};
    enum status status = driver_step(driver, &event, 0, NULL);
    if (status != STATUS_OK)
        log_warn(driver->log, "compacted up to %llu: %s", (unsigned long long)start, status_text(status));
}

enum status raft_driver_flush_start(struct raft_driver *driver) {
    driver->wants_turn = true; /* apply_slice cuts */
    return engine_flush_start(driver->engine);
}

void keep_log_short(struct raft_driver *driver) {
    uint64_t now = driver_now(driver);
    if (driver->installing || now - driver->flush_asked_ns < (uint64_t)FLUSH_AGAIN_MS * MS_NS) return;
    driver->flush_asked_ns = now;
    uint64_t live = raft_log_live_bytes(driver->raft_log);
    if (live >= driver->options.log_segment_bytes) compact(driver, live);
    bool long_log = live >= driver->options.log_limit_bytes / 2;
    if (!long_log || engine_installed(driver->engine).index >= driver->applied) return;
    enum status status = raft_driver_flush_start(driver);
    if (status != STATUS_OK && status != STATUS_BUSY)
        log_warn(driver->log, "a flush to shorten the log does not start: %s", status_text(status));
}

void keep_machines(struct raft_driver *driver) {
    uint64_t now = driver_now(driver);
    if (driver->role != RAFT_LEADER || driver->applied == 0 ||
        now - driver->maintained_ns < (uint64_t)MAINTAIN_MS * MS_NS)
        return;
    driver->maintained_ns = now;
    if (driver->applied < driver->commit) return; /* the last one may not be applied yet */
    for (size_t i = 0; i < driver->options.machine_count; i++) {
        const struct state_machine *machine = &driver->options.machines[i];
        if (machine->maintain == NULL) continue;
        buf_clear(&driver->maintenance);
        enum status status =
            machine->maintain(machine->context, (int64_t)raft_log_time(driver->raft), &driver->maintenance);
        if (status == STATUS_OK && driver->maintenance.size > 0)
            status = requests_propose_own(driver, machine->store, buf_slice(&driver->maintenance));
        if (status != STATUS_OK && status_class(status) != STATUS_CLASS_RETRY)
            log_warn(driver->log, "%s: housekeeping: %s", machine->name, status_text(status));
    }
}

/*
 * Where a write of the store has failed this node can neither apply nor send a snapshot any more. It halts before an
 * entry's apply would say so: a leader may need a follower that needs a snapshot, and then no entry ever comes.
 */
void keep_look_at_store(struct raft_driver *driver) {
    struct error error;
    if (driver->installing || engine_failure(driver->engine) == STATUS_OK) return;
    engine_last_error(driver->engine, &error);
    driver_fail(driver, engine_failure(driver->engine), error.text);
}
