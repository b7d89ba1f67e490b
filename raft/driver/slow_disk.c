/*
 * slow_disk: a leader whose disk is slow gives its place to another. Others answer for it meanwhile: what a majority
 * holds is committed without the leader's own disk, so nothing is wrong yet; but one more failure, or memory that fills
 * with what is not written, makes all wait for that disk (Jepsen on TigerBeetle 0.16.11; LeaseGuard's "faux leader").
 *
 * The sign is a write that has not come back for options.slow_disk_ms. While that holds, and for ten times as long
 * afterwards, the node campaigns only where nobody else does, and offers leadership no second time after it was given
 * away: where all disks are slow, leadership goes round once and stays.
 */
#include "raft/driver/driver_internal.h"

enum { RECOVERY_TIMES = 10 };

static uint64_t limit_ns(const struct raft_driver *driver) {
    return (uint64_t)driver->options.slow_disk_ms * MS_NS;
}

static void set_slow(struct raft_driver *driver, bool is_slow) {
    const struct raft_event event = {.kind = RAFT_EVENT_DISK, .disk = {.is_slow = is_slow}};
    driver->slow_disk.is_slow = is_slow;
    driver->slow_disk.since_tick = driver->ticks;
    if (driver_step(driver, &event, 0, NULL) != STATUS_OK) log_warn(driver->log, "the core was not told of the disk");
    if (is_slow)
        log_warn(driver->log, "node %llu: the disk owes a write for %llu ms: it is slow",
                 (unsigned long long)driver->identity.node_id, (unsigned long long)(persist_oldest_ns(driver) / MS_NS));
    else
        log_info(driver->log, "node %llu: the disk is no longer slow", (unsigned long long)driver->identity.node_id);
}

static void judge(struct raft_driver *driver) {
    struct slow_disk *disk = &driver->slow_disk;
    const uint64_t now = driver_now(driver);
    if (persist_oldest_ns(driver) >= limit_ns(driver)) {
        disk->until_ns = now + RECOVERY_TIMES * limit_ns(driver);
        if (!disk->is_slow) set_slow(driver, true);
    } else if (disk->is_slow && now >= disk->until_ns) {
        set_slow(driver, false);
    }
}

/* Of the voters who hold all that is committed, who holds most; not the one that was asked last, if there is another.
 */
static const struct raft_peer *choose(const struct raft_driver *driver, const struct raft_status *core) {
    const struct raft_peer *best = NULL;
    for (unsigned i = 0; i < core->peer_count; i++) {
        const struct raft_peer *peer = &core->peers[i];
        const bool serves = peer->voter && !peer->self && !witness_is(driver, peer->id) && peer->recently_active &&
                            peer->match >= core->commit;
        if (!serves || peer->progress != RAFT_REPLICATE) continue;
        const bool was_asked = best != NULL && best->id == driver->slow_disk.last_to;
        if (best == NULL || was_asked || (peer->match > best->match && peer->id != driver->slow_disk.last_to))
            best = peer;
    }
    return best;
}

static void give_way(struct raft_driver *driver) {
    struct raft_status core;
    raft_get_status(driver->raft, &core);
    if (core.commit <= core.stable) return; /* others are no faster */
    const struct raft_peer *to = choose(driver, &core);
    if (to == NULL || raft_transfer_target(driver->raft) != 0) return;
    const struct raft_event event = {.kind = RAFT_EVENT_TRANSFER, .transfer = {.to = to->id}};
    /* If it does not come about, the next one is asked. */
    driver->slow_disk.last_to = to->id;
    driver->slow_disk.give_way_ns = driver_now(driver) + 2 * driver->options.election_ticks * driver->tick_ns;
    if (driver_step(driver, &event, 0, NULL) != STATUS_OK) return;
    driver->counts.gave_way++;
    driver->wants_turn = true;
    log_warn(driver->log, "node %llu: leadership goes to node %llu, because the disk is slow",
             (unsigned long long)driver->identity.node_id, (unsigned long long)to->id);
}

void slow_disk_turn(struct raft_driver *driver) {
    struct slow_disk *disk = &driver->slow_disk;
    if (driver->failed != STATUS_OK) return;
    judge(driver);
    const struct raft_position core = raft_get_position(driver->raft);
    const bool are_ahead = driver->role == RAFT_LEADER && core.commit > core.stable;
    if (!are_ahead || disk->ahead_tick == 0) disk->ahead_tick = are_ahead ? driver->ticks : 0;
    if (driver->role != RAFT_LEADER) return;
    if (driver->term != disk->term) { /* elected anew, slow as it is: nobody else could be */
        disk->term = driver->term;
        disk->give_way_ns = disk->is_slow ? driver_now(driver) + RECOVERY_TIMES * limit_ns(driver) : 0;
    }
    if (persist_oldest_ns(driver) >= limit_ns(driver) && driver_now(driver) >= disk->give_way_ns) give_way(driver);
}
