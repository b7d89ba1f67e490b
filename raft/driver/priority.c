/*
 * priority: who should lead. A leader gives its place (raft/core/transfer.c) to the voter of the highest priority above
 * its own that could lead as well: connected, heard, as good as caught up, its disk not slow (about.c says
 * so). That one must have been so for five election timeouts without a break, and after an offer ten more pass: a node
 * that comes and goes gets no leadership to lose. Elections know nothing of priorities; what is safe does not hang on
 * them.
 */
#include "raft/driver/driver_internal.h"

enum { HOLD_TIMEOUTS = 5, REST_TIMEOUTS = 10, LAG_MOST = 1000 /* entries: milliseconds to catch up */ };

static bool could_lead(const struct raft_driver *driver, const struct raft_status *core, const struct raft_peer *peer,
                       const struct driver_member *member) {
    const uint64_t timeout_ns = driver->options.election_ticks * driver->tick_ns;
    if (!peer->voter || peer->self || peer->progress != RAFT_REPLICATE) return false;
    if (driver_now(driver) - member->heard_ns > timeout_ns || !transport_is_up(driver->transport, peer->id))
        return false;
    return peer->match + LAG_MOST >= core->commit;
}

static uint64_t choose(struct raft_driver *driver) {
    struct raft_status core;
    uint32_t most = driver->options.priority;
    uint64_t to = 0;
    raft_get_status(driver->raft, &core);
    if (core.guards || core.pending_change_index > core.applied || core.configuration.outgoing_count > 0) return 0;
    for (unsigned i = 0; i < core.peer_count; i++) {
        const struct driver_member *member = members_find(driver, core.peers[i].id);
        if (member == NULL || member->priority <= most || !could_lead(driver, &core, &core.peers[i], member)) continue;
        most = member->priority;
        to = member->member.id;
    }
    return to;
}

static void offer(struct raft_driver *driver, uint64_t to) {
    const struct raft_event event = {.kind = RAFT_EVENT_TRANSFER, .transfer = {.to = to}};
    driver->priority.wait_tick = driver->ticks + (uint64_t)REST_TIMEOUTS * driver->options.election_ticks;
    if (driver_step(driver, &event, 0, NULL) != STATUS_OK) return;
    driver->counts.gave_to_higher++;
    driver->wants_turn = true;
    log_info(driver->log, "node %llu: leadership goes to node %llu, which has a higher priority",
             (unsigned long long)driver->identity.node_id, (unsigned long long)to);
}

/* Once in a tick is often enough. */
void priority_turn(struct raft_driver *driver) {
    struct priority *priority = &driver->priority;
    const bool may_give = driver->failed == STATUS_OK && driver->role == RAFT_LEADER &&
                          driver->hand_over.request == NULL && raft_transfer_target(driver->raft) == 0;
    if (driver->ticks == priority->looked_tick) return;
    priority->looked_tick = driver->ticks;
    const uint64_t to = may_give ? choose(driver) : 0;
    if (to != priority->to) {
        priority->to = to;
        priority->since_tick = driver->ticks;
    }
    const uint64_t held = driver->ticks - priority->since_tick;
    if (to == 0 || driver->ticks < priority->wait_tick) return;
    if (held >= (uint64_t)HOLD_TIMEOUTS * driver->options.election_ticks) offer(driver, to);
}
