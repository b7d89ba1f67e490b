/*
 * about: what nodes tell each other of themselves: how long they guard (raft/core/lease.h) and whether they should
 * lead. To each member when a connection to it comes up, and again once in an election timeout, for words may be lost.
 */
#include "raft/driver/driver_internal.h"

void about_send(struct raft_driver *driver, uint64_t to) {
    const bool is_well = driver->failed == STATUS_OK && !driver->slow_disk.is_slow;
    const struct driver_about about = {.guard_ms = driver->options.guard_ms,
                                       .priority =
                                           is_well && !driver->superblock.is_witness ? driver->options.priority : 0,
                                       .is_witness = driver->superblock.is_witness};
    buf_clear(&driver->scratch);
    if (driver_about_encode(&driver->scratch, &about) != STATUS_OK) return;
    struct slice part = buf_slice(&driver->scratch);
    if (transport_send(driver->transport, to, TRANSPORT_CONTROL, &part, 1) != STATUS_OK) return; /* told again later */
}

void about_turn(struct raft_driver *driver) {
    if (driver->ticks < driver->about_tick) return;
    driver->about_tick = driver->ticks + driver->options.election_ticks;
    for (size_t i = 0; i < driver->members.count; i++) {
        const uint64_t id = driver->members.rows[i].member.id;
        if (id != driver->identity.node_id) about_send(driver, id);
    }
}

static void tell_core(struct raft_driver *driver, const struct driver_member *member) {
    const struct raft_event event = {
        .kind = RAFT_EVENT_GUARD,
        .guard = {.peer = member->member.id, .guard_ms = member->guard_ms, .is_witness = member->is_witness}};
    if (driver_step(driver, &event, 0, NULL) != STATUS_OK) log_debug(driver->log, "a guard is not taken");
}

void about_take(struct raft_driver *driver, uint64_t from, struct slice payload) {
    struct driver_about about;
    struct driver_member *member = members_find(driver, from);
    if (member == NULL || driver_about_decode(payload, &about) != STATUS_OK) return;
    member->priority = about.priority;
    member->is_witness = about.is_witness;
    member->guard_ms = about.guard_ms;
    tell_core(driver, member);
}

void about_forget(struct raft_driver *driver, uint64_t peer) {
    struct driver_member *member = members_find(driver, peer);
    if (member != NULL) member->guard_ms = 0;
}

void about_configured(struct raft_driver *driver) {
    driver->about_tick = driver->ticks; /* what this node told those who did not know it was not heard */
    for (size_t i = 0; i < driver->members.count; i++)
        if (driver->members.rows[i].guard_ms != 0) tell_core(driver, &driver->members.rows[i]);
}
