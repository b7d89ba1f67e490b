#include "tests/harness/raft_lab_facts.h"

struct lab *lab;

int lab_set_up(void **state) {
    (void)state;
    lab = lab_create();
    return lab ? 0 : -1;
}

int lab_tear_down(void **state) {
    (void)state;
    lab_destroy(lab);
    lab = NULL;
    return 0;
}

void lab_begin(unsigned nodes, bool by_hand) {
    struct lab_options options = {
        .nodes = nodes, .voters = nodes, .seed = 42, .by_hand = by_hand, .heartbeat_ticks = 1, .election_ticks = 10};
    lab_start(lab, &options);
}

void lab_must_be_well(void) {
    if (lab->failure[0] != '\0') fail_msg("%s", lab->failure);
}

void lab_elect(uint64_t id) {
    lab_campaign(lab, id);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_leader(lab), id);
}

void lab_receive(const struct raft_message *message) {
    (void)lab_step(lab, message->to, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = message});
    lab_must_be_well();
}

void lab_tick_times(uint64_t id, unsigned ticks) {
    while (ticks-- > 0) lab_tick(lab, id);
}

const struct raft_message *lab_find_sent(enum raft_message_kind kind, uint64_t from, uint64_t to) {
    for (unsigned i = lab->message_count; i-- > 0;) {
        const struct raft_message *message = &lab->network[i].message;
        if (message->kind == kind && message->from == from && message->to == to) return message;
    }
    return NULL;
}

void lab_forget_messages(void) {
    while (lab->message_count > 0) lab_drop(lab, 0);
}
