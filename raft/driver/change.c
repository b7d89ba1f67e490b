/*
 * change: another set of members, at somebody's wish, on the leader (dissertation 4.1, 4.2.1, 4.3). Two things enter
 * the log one behind the other: an entry for each member whose place the log does not know yet, and the configuration.
 * As the leader appends them together, no log has the second without the first.
 */
#include <inttypes.h>

#include "engine/base/check.h"
#include "raft/driver/driver_internal.h"
#include "raft/log/envelope.h"

enum {
    CHANGE_MS = 10000,
    /* 4.2.1: a learner that is so close is up to date within a heartbeat. */
    CAUGHT_UP_ENTRIES = 4096,
};

/* ---- May it be? ---- */

static const struct raft_member *find_added(const struct raft_driver_change *change, uint64_t id) {
    for (unsigned i = 0; i < change->added_count; i++)
        if (change->added[i].id == id) return &change->added[i];
    return NULL;
}

/* The first id of a list without a place; 0 = all have one. */
static uint64_t find_placeless(struct raft_driver *driver, const struct raft_driver_change *change, const uint64_t *ids,
                               unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        const struct driver_member *known = members_find(driver, ids[i]);
        if (find_added(change, ids[i]) == NULL && (known == NULL || known->retired_ns != 0)) return ids[i];
    }
    return 0;
}

static bool is_address(const char *address) {
    const char *colon = strrchr(address, ':');
    return colon != NULL && strcmp(colon, ":0") != 0 && io_address_is_valid(address);
}

/* What the core would take for a change of nothing is a mistake of whoever asked for it. */
static enum status check_items(const struct raft_driver *driver, const struct raft_driver_change *change,
                               struct error *error) {
    for (unsigned i = 0; i < change->change.count && i < RAFT_MEMBERS_MAX; i++) {
        const uint64_t id = change->change.items[i].id;
        const enum raft_change_kind kind = change->change.items[i].kind;
        const bool is_member = raft_configuration_has(&driver->configuration, id);
        const bool is_told = find_added(change, id) != NULL;
        if (!is_member && (kind == RAFT_CHANGE_REMOVE || kind == RAFT_CHANGE_UPDATE))
            return error_set(error, STATUS_INVALID, "node %" PRIu64 " is no member", id);
        if (is_told && is_member && kind != RAFT_CHANGE_UPDATE)
            return error_set(error, STATUS_INVALID, "node %" PRIu64 " is a member already", id);
    }
    return STATUS_OK;
}

static enum status check_places(struct raft_driver *driver, const struct raft_driver_change *change,
                                const struct raft_configuration *next, struct error *error) {
    for (unsigned i = 0; i < change->added_count; i++) {
        const struct raft_member *member = &change->added[i];
        if (!raft_configuration_has(next, member->id))
            return error_set(error, STATUS_INVALID, "node %" PRIu64 " is told of and not added", member->id);
        if (!is_address(member->peer_address) || !is_address(member->client_address))
            return error_set(error, STATUS_INVALID,
                             "node %" PRIu64
                             ": an address is HOST:PORT, the host in numbers, as 127.0.0.1:7001 or [::1]:7001",
                             member->id);
    }
    uint64_t placeless = find_placeless(driver, change, next->voters, next->voter_count);
    if (placeless == 0) placeless = find_placeless(driver, change, next->learners, next->learner_count);
    if (placeless != 0)
        return error_set(error, STATUS_INVALID, "node %" PRIu64 ": the cluster does not know where it is: add it first",
                         placeless);
    for (size_t i = 0; i < driver->members.count; i++) {
        const struct raft_member *member = &driver->members.rows[i].member;
        if (raft_configuration_has(next, member->id) && !is_address(member->peer_address))
            return error_set(error, STATUS_INVALID, "node %" PRIu64 " has no address for peers (%s): start it with one",
                             member->id, member->peer_address);
    }
    return STATUS_OK;
}

static const struct raft_peer *find_peer(const struct raft_status *core, uint64_t id) {
    for (unsigned i = 0; i < core->peer_count; i++)
        if (core->peers[i].id == id) return &core->peers[i];
    return NULL;
}

/* 4.2.1: a voter that has to catch up first can keep a majority from committing for as long. */
static enum status check_new_voters(const struct raft_status *core, const struct raft_configuration *next,
                                    struct error *error) {
    for (unsigned i = 0; i < next->voter_count; i++) {
        const uint64_t id = next->voters[i];
        if (raft_configuration_has_voter(&core->configuration, id)) continue;
        const struct raft_peer *peer = find_peer(core, id);
        if (peer == NULL)
            return error_set(error, STATUS_INVALID, "node %" PRIu64 " has to be a learner first, and to catch up", id);
        const uint64_t behind = core->last > peer->match ? core->last - peer->match : 0;
        if (peer->progress == RAFT_SEND_SNAPSHOT || peer->match == 0 || behind > CAUGHT_UP_ENTRIES)
            return error_set(error, STATUS_BUSY, "node %" PRIu64 " is %" PRIu64 " entries behind: it has to catch up",
                             id, behind);
    }
    return STATUS_OK;
}

static enum status check_leaders(const struct raft_driver *driver, const struct raft_configuration *next,
                                 struct error *error) {
    for (unsigned i = 0; i < next->voter_count; i++)
        if (!witness_is(driver, next->voters[i])) return STATUS_OK;
    return error_set(error, STATUS_INVALID, "only witnesses would be left, and none of them can lead");
}

static enum status check_node(const struct raft_driver *driver, const struct raft_status *core, struct error *error) {
    if (driver->failed != STATUS_OK) return error_set(error, STATUS_READ_ONLY, "%s", status_text(STATUS_READ_ONLY));
    if (driver->closing) return error_set(error, STATUS_CANCELLED, "this node is closing");
    if (core->role != RAFT_LEADER)
        return error_set(error, STATUS_NOT_LEADER, "this node does not lead; node %" PRIu64 " does", core->leader);
    if (driver->change.request != NULL || core->pending_change_index > core->applied)
        return error_set(error, STATUS_BUSY, "another change of members is under way");
    if (raft_transfer_target(driver->raft) != 0) return error_set(error, STATUS_BUSY, "leadership is being given away");
    return STATUS_OK;
}

/* ---- Into the log ---- */

static enum status propose_member(struct raft_driver *driver, const struct raft_member *member) {
    uint8_t bytes[OWN_BYTES_MAX];
    const struct own_operation own = {.kind = OWN_MEMBER, .member = *member};
    return requests_propose_own(driver, 0, slice_make(bytes, own_encode(bytes, &own)));
}

static uint64_t known_incarnation(struct raft_driver *driver, uint64_t id) {
    const struct driver_member *known = members_find(driver, id);
    if (id == driver->identity.node_id) return driver->identity.incarnation;
    if (known != NULL && known->member.incarnation != 0) return known->member.incarnation;
    return node_state_incarnation(&driver->superblock, id);
}

/* Whom the log does not know yet, as this node has met them, and whoever is new. */
static enum status propose_places(struct raft_driver *driver, const struct raft_driver_change *change,
                                  const struct raft_configuration *next) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < driver->members.count; i++) {
        struct raft_member member = driver->members.rows[i].member;
        if (driver->members.rows[i].has_row || find_added(change, member.id) != NULL) continue;
        if (!raft_configuration_has(next, member.id)) continue;
        member.incarnation = known_incarnation(driver, member.id);
        status = propose_member(driver, &member);
    }
    for (unsigned i = 0; status == STATUS_OK && i < change->added_count; i++) {
        struct raft_member member = change->added[i];
        if (member.incarnation == 0) member.incarnation = known_incarnation(driver, member.id);
        status = propose_member(driver, &member);
    }
    return status;
}

enum status raft_driver_change(struct raft_driver *driver, const struct raft_driver_change *change,
                               struct raft_request *request, struct error *error) {
    struct raft_status core;
    struct raft_configuration next;
    const char *why = NULL;
    raft_get_status(driver->raft, &core);
    enum status status = check_node(driver, &core, error);
    if (status != STATUS_OK) return status;
    if (raft_configuration_change(&driver->configuration, &change->change, &next, &why) != STATUS_OK)
        return error_set(error, STATUS_INVALID, "%s", why);
    status = check_items(driver, change, error);
    if (status != STATUS_OK) return status;
    status = check_places(driver, change, &next, error);
    if (status == STATUS_OK) status = check_leaders(driver, &next, error);
    if (status == STATUS_OK) status = check_new_voters(&core, &next, error);
    if (status != STATUS_OK) return status;
    const struct raft_event event = {.kind = RAFT_EVENT_PROPOSE_CHANGE, .change = &change->change};
    status = propose_places(driver, change, &next);
    if (status == STATUS_OK) status = driver_step(driver, &event, 0, NULL);
    if (status != STATUS_OK) return error_set(error, status, "the log does not take it now: %s", status_text(status));
    raft_get_status(driver->raft, &core);
    request->index = core.last;
    request->driver[REQUEST_KIND] = REQUEST_CHANGE;
    driver->change = (struct membership_change){.request = request,
                                                .index = core.last,
                                                .term = core.term,
                                                .leaves = next.outgoing_count > 0 && next.auto_leave,
                                                .deadline_ns = driver_now(driver) + (uint64_t)CHANGE_MS * MS_NS};
    driver->wants_turn = true;
    return STATUS_OK;
}

/* ---- Its end ---- */

void change_end(struct raft_driver *driver, enum status status) {
    struct raft_request *request = driver->change.request;
    if (request == NULL) return;
    driver->change.request = NULL;
    request_refuse(driver, request, status);
}

void change_applied(struct raft_driver *driver, uint64_t index, uint64_t term) {
    struct membership_change *change = &driver->change;
    if (change->request == NULL || index < change->index) return;
    if (index == change->index && term == change->term) change->applied = true;
    if (!change->applied)
        change_end(driver, STATUS_TIMED_OUT); /* another leader's entry took its place */
    else if (!change->leaves || driver->configuration.outgoing_count == 0)
        change_end(driver, STATUS_OK);
}

void change_turn(struct raft_driver *driver) {
    if (driver->change.request != NULL && driver_now(driver) >= driver->change.deadline_ns)
        change_end(driver, STATUS_TIMED_OUT);
}
