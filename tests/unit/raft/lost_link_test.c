/*
 * lost_link: a leader whose connections break is replaced soon, one that is heard again is not (election.c,
 * election_suspect_leader), on cores whose ticks are given by hand: a heartbeat each tick, ten to an election timeout.
 */
#include "tests/harness/raft_lab_facts.h"

enum { SOON = 8 };

static void break_link(uint64_t at, uint64_t peer) {
    const struct raft_event event = {.kind = RAFT_EVENT_LINK, .report = {.peer = peer, .ok = false}};
    assert_int_equal(lab_step(lab, at, &event), STATUS_OK);
}

/* A tick on every node that is up; all that is said arrives. */
static void tick_all(unsigned ticks) {
    while (ticks-- > 0) {
        lab->now_ms += 10;
        for (uint64_t id = 1; id <= lab->options.nodes; id++)
            if (lab->nodes[id].raft) lab_tick(lab, id);
        lab_settle(lab);
        lab_must_be_well();
    }
}

static void a_leader_that_died_is_replaced_before_the_timeout(void **state) {
    (void)state;
    for (unsigned nodes = 3; nodes <= 5; nodes += 2) {
        lab_begin(nodes, false);
        lab_elect(1);
        const uint64_t term = lab_status(lab, 1).term;
        lab_crash(lab, 1, 0);
        for (uint64_t id = 2; id <= nodes; id++) break_link(id, 1);
        tick_all(SOON);
        assert_int_equal(lab_leader(lab), 2); /* who comes first goes first */
        assert_int_equal(lab_status(lab, 2).term, term + 1);
        lab_stop(lab);
    }
}

static void without_a_broken_link_a_timeout_is_waited_for(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    const uint64_t term = lab_status(lab, 1).term;
    lab_crash(lab, 1, 0);
    tick_all(9);
    assert_int_equal(lab_status(lab, 2).term, term);
    assert_int_equal(lab_status(lab, 3).term, term);
}

static void who_cannot_win_leaves_it_to_the_next(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    lab_isolate(lab, 2);
    assert_int_equal(lab_propose(lab, 1, 3), STATUS_OK);
    lab_settle(lab);
    lab_heal(lab);
    lab_crash(lab, 1, 0);
    break_link(2, 1);
    break_link(3, 1);
    tick_all(SOON + 2);
    assert_int_equal(lab_leader(lab), 3);
}

/* Node 3 learns late that its link broke, and sticks to node 1 until then: node 2 asks it more than once. */
static void a_voter_that_learns_late_is_asked_again_soon(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    const uint64_t term = lab_status(lab, 1).term;
    lab_crash(lab, 1, 0);
    break_link(2, 1);
    tick_all(4);
    assert_int_equal(lab_status(lab, 2).role, RAFT_PRE_CANDIDATE);
    assert_int_equal(lab_status(lab, 3).leader, 1);
    break_link(3, 1);
    tick_all(4);
    assert_int_equal(lab_leader(lab), 2);
    assert_int_equal(lab_status(lab, 2).term, term + 1);
}

static void who_has_just_started_lets_others_go_first(void **state) {
    (void)state;
    struct lab_options options = {
        .nodes = 3, .voters = 3, .seed = 42, .heartbeat_ticks = 1, .election_ticks = 10, .guard_ms = 20};
    lab_start(lab, &options);
    lab_elect(3);
    tick_all(5);
    assert_int_equal(lab_propose(lab, 3, 1), STATUS_OK);
    tick_all(5);
    lab_crash(lab, 1, 0);
    lab_restart(lab, 1);
    tick_all(1);
    lab_crash(lab, 3, 0);
    break_link(1, 3);
    break_link(2, 3);
    tick_all(SOON);
    assert_int_equal(lab_leader(lab), 2);
}

static void a_leader_that_is_heard_again_stays(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    const uint64_t term = lab_status(lab, 1).term;
    for (unsigned round = 0; round < 50; round++) {
        break_link(2, 1);
        break_link(3, 1);
        tick_all(1 + round % 3);
    }
    assert_int_equal(lab_leader(lab), 1);
    assert_int_equal(lab_status(lab, 1).term, term);
    /* And it is waited for as long as before. */
    lab_crash(lab, 1, 0);
    tick_all(9);
    assert_int_equal(lab_status(lab, 2).term, term);
    assert_int_equal(lab_status(lab, 3).term, term);
}

static void one_that_lost_the_leader_does_not_disturb_those_who_hear_it(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    const uint64_t term = lab_status(lab, 1).term;
    lab->cut[1][2] = lab->cut[2][1] = true;
    break_link(2, 1);
    tick_all(100);
    assert_int_equal(lab_leader(lab), 1);
    assert_int_equal(lab_status(lab, 1).term, term);
}

/* 4.2.3, with a heartbeat's time in the place of a whole timeout. */
static void a_voter_sticks_for_a_heartbeat_more_to_a_leader_that_it_lost(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    const uint64_t term = lab_status(lab, 1).term;
    const struct raft_message vote = {
        .kind = RAFT_VOTE, .from = 2, .to = 3, .term = term + 1, .index = lab_status(lab, 2).last, .log_term = term};
    break_link(3, 2); /* another's link means nothing */
    lab_tick_times(3, 3);
    lab_receive(&vote);
    assert_int_equal(lab_status(lab, 3).term, term);
    break_link(3, 1);
    lab_tick_times(3, 1);
    lab_receive(&vote);
    assert_int_equal(lab_status(lab, 3).term, term);
    lab_tick_times(3, 1);
    lab_receive(&vote);
    assert_int_equal(lab_status(lab, 3).term, term + 1);
    assert_int_equal(lab_status(lab, 3).vote, 2);
}

#define T(fact) cmocka_unit_test_setup_teardown(fact, lab_set_up, lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_leader_that_died_is_replaced_before_the_timeout),
        T(without_a_broken_link_a_timeout_is_waited_for),
        T(who_cannot_win_leaves_it_to_the_next),
        T(a_voter_that_learns_late_is_asked_again_soon),
        T(who_has_just_started_lets_others_go_first),
        T(a_leader_that_is_heard_again_stays),
        T(one_that_lost_the_leader_does_not_disturb_those_who_hear_it),
        T(a_voter_sticks_for_a_heartbeat_more_to_a_leader_that_it_lost),
    };
    return cmocka_run_group_tests_name("lost_link", tests, NULL, NULL);
}
