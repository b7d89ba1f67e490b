/*
 * hand_over: leadership given away at somebody's wish (raft/core/transfer.c). One at a time; whoever asked hears once:
 * when another node is known to lead, or the core has given up. Writes wait meanwhile, as they do without a leader: the
 * core answers BUSY, and they go to whoever leads next.
 */
#include "raft/driver/driver_internal.h"

enum { ELECTIONS_MOST = 4 /* timeouts without any leader: nobody will tell */ };

static enum status start(struct raft_driver *driver, uint64_t to) {
    if (driver->failed != STATUS_OK) return STATUS_READ_ONLY;
    const bool takes_back = to == driver->identity.node_id;
    if (driver->closing || (driver->hand_over.request != NULL && !takes_back)) return STATUS_BUSY;
    const struct raft_event event = {.kind = RAFT_EVENT_TRANSFER, .transfer = {.to = to}};
    return driver_step(driver, &event, 0, NULL);
}

void raft_driver_transfer(struct raft_driver *driver, uint64_t to, struct raft_request *request) {
    const enum status status = start(driver, to);
    request->index = 0;
    if (status != STATUS_OK || to == driver->identity.node_id) {
        request_refuse(driver, request, status);
        return;
    }
    const uint64_t election_ns = driver->options.election_ticks * driver->tick_ns;
    request->driver[REQUEST_KIND] = REQUEST_TRANSFER;
    driver->hand_over = (struct hand_over){.request = request,
                                           .to = to,
                                           .term = driver->term,
                                           .deadline_ns = driver_now(driver) + ELECTIONS_MOST * election_ns};
    driver->wants_turn = true;
}

void hand_over_end(struct raft_driver *driver, enum status status) {
    struct raft_request *request = driver->hand_over.request;
    if (request == NULL) return;
    driver->hand_over.request = NULL;
    request_refuse(driver, request, status);
}

void hand_over_turn(struct raft_driver *driver) {
    const struct hand_over *hand_over = &driver->hand_over;
    if (hand_over->request == NULL) return;
    const bool leads = driver->leader == driver->identity.node_id;
    if (driver->leader == hand_over->to && driver->term > hand_over->term)
        hand_over_end(driver, STATUS_OK);
    else if (leads ? raft_transfer_target(driver->raft) == 0 : driver->leader != 0)
        hand_over_end(driver, STATUS_TIMED_OUT);
    else if (driver_now(driver) >= hand_over->deadline_ns)
        hand_over_end(driver, STATUS_TIMED_OUT);
}
