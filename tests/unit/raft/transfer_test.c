/*
 * transfer: leadership given to another node (dissertation 3.10), on cores whose messages and disks move by hand.
 */
#include "tests/harness/raft_lab_facts.h"

static enum status give_leadership(uint64_t from, uint64_t to) {
    return lab_step(lab, from, &(struct raft_event){.kind = RAFT_EVENT_TRANSFER, .transfer = {.to = to}});
}

static void a_leader_gives_its_place_to_another_at_once(void **state) {
    (void)state;
    lab_begin(5, false);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 3), STATUS_OK);
    lab_settle(lab);
    const uint64_t term = lab_status(lab, 1).term;
    assert_int_equal(give_leadership(1, 4), STATUS_OK);
    lab_settle(lab); /* no tick: all have just heard of node 1 */
    lab_must_be_well();
    assert_int_equal(lab_leader(lab), 4);
    assert_int_equal(lab_status(lab, 4).term, term + 1);
    for (uint64_t id = 1; id <= 5; id++) assert_int_equal(lab_status(lab, id).leader, 4);
    assert_int_equal(lab_propose(lab, 4, 1), STATUS_OK);
    lab_settle(lab);
    assert_int_equal(lab_status(lab, 1).commit, lab_status(lab, 4).last);
}

static void a_target_that_is_behind_is_brought_up_to_date_first(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    lab_isolate(lab, 2);
    assert_int_equal(lab_propose(lab, 1, 4), STATUS_OK);
    lab_settle(lab);
    lab_heal(lab);
    assert_int_equal(give_leadership(1, 2), STATUS_OK);
    assert_null(lab_find_sent(RAFT_TIMEOUT_NOW, 1, 2));
    lab_tick_times(1, 1); /* its heartbeat's answer loosens what was lost */
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_leader(lab), 2);
    assert_int_equal(lab_status(lab, 2).commit, lab_status(lab, 2).last);
}

static void nothing_is_proposed_while_leadership_is_given_away(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    lab_isolate(lab, 2);
    const uint64_t term = lab_status(lab, 1).term;
    const struct raft_change change = {.count = 1, .items = {{RAFT_CHANGE_REMOVE, 3}}};
    assert_int_equal(give_leadership(1, 2), STATUS_OK);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_BUSY);
    assert_int_equal(lab_propose_change(lab, 1, &change), STATUS_BUSY);
    assert_int_equal(give_leadership(1, 3), STATUS_BUSY);
    assert_true(raft_transfer_target(lab->nodes[1].raft) == 2);
    for (unsigned tick = 0; tick < 10; tick++) { /* an election timeout */
        lab_tick_times(1, 1);
        lab_settle(lab);
    }
    assert_true(raft_transfer_target(lab->nodes[1].raft) == 0);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_leader(lab), 1);
    assert_int_equal(lab_status(lab, 1).term, term);
}

static void a_transfer_can_be_taken_back(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    lab_isolate(lab, 2);
    assert_int_equal(give_leadership(1, 2), STATUS_OK);
    assert_int_equal(give_leadership(1, 1), STATUS_OK);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    assert_int_equal(give_leadership(1, 3), STATUS_OK);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_leader(lab), 3);
}

static void word_of_a_transfer_that_is_lost_is_said_again(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    assert_int_equal(give_leadership(1, 2), STATUS_OK);
    assert_non_null(lab_find_sent(RAFT_TIMEOUT_NOW, 1, 2));
    lab_forget_messages();
    lab_settle(lab);
    assert_int_equal(lab_leader(lab), 1);
    lab_tick_times(1, 1);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_leader(lab), 2);
}

static void only_a_leader_gives_leadership_and_only_to_a_voter(void **state) {
    (void)state;
    const struct lab_options options = {
        .nodes = 4, .voters = 3, .seed = 42, .heartbeat_ticks = 1, .election_ticks = 10};
    lab_start(lab, &options);
    lab_elect(1);
    const struct raft_change change = {.count = 1, .items = {{RAFT_CHANGE_ADD_LEARNER, 4}}};
    assert_int_equal(lab_propose_change(lab, 1, &change), STATUS_OK);
    lab_settle(lab);
    assert_int_equal(give_leadership(2, 3), STATUS_NOT_LEADER);
    assert_int_equal(give_leadership(1, 4), STATUS_INVALID);
    assert_int_equal(give_leadership(1, 9), STATUS_INVALID);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    lab_must_be_well();
}

/* The leader's wish lifts 4.2.3 alone: one vote in a term, and only for a log that has all that is here. */
static void a_handed_candidate_with_a_lesser_log_gets_no_vote(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 2), STATUS_OK);
    lab_settle(lab);
    const uint64_t term = lab_status(lab, 1).term;
    struct raft_message vote = {.kind = RAFT_VOTE, .from = 2, .to = 3, .term = term + 1, .index = 1, .log_term = term};
    lab_receive(&vote);
    assert_int_equal(lab_status(lab, 3).term, term); /* it hears node 1 */
    vote.handed = true;
    lab_receive(&vote);
    assert_int_equal(lab_status(lab, 3).term, term + 1);
    assert_true(lab_find_sent(RAFT_VOTE_REPLY, 3, 2)->reject);
}

static void a_late_word_of_a_transfer_elects_nobody(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    const uint64_t term = lab_status(lab, 1).term;
    assert_int_equal(give_leadership(1, 2), STATUS_OK);
    lab_settle(lab);
    lab_receive(&(struct raft_message){.kind = RAFT_TIMEOUT_NOW, .from = 1, .to = 3, .term = term});
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_leader(lab), 2);
}

static void halt(uint64_t id) {
    assert_int_equal(lab_step(lab, id, &(struct raft_event){.kind = RAFT_EVENT_HALT}), STATUS_OK);
}

static void a_leader_whose_disk_failed_is_followed_at_once_by_who_holds_most(void **state) {
    (void)state;
    lab_begin(5, false);
    lab_elect(1);
    lab_isolate(lab, 2);
    lab_isolate(lab, 3);
    assert_int_equal(lab_propose(lab, 1, 3), STATUS_OK);
    lab_settle(lab);
    lab_heal(lab);
    const uint64_t term = lab_status(lab, 1).term;
    halt(1);
    lab_settle(lab); /* no tick */
    lab_must_be_well();
    assert_int_equal(lab_leader(lab), 4);
    assert_int_equal(lab_status(lab, 4).term, term + 1);
    assert_int_equal(lab_propose(lab, 4, 1), STATUS_OK);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_status(lab, 5).commit, lab_status(lab, 4).last);
}

static void remove_voter(uint64_t leader, uint64_t id, enum raft_transition transition) {
    const struct raft_change change = {
        .transition = transition, .count = 1, .items = {{.kind = RAFT_CHANGE_REMOVE, .id = id}}};
    assert_int_equal(lab_propose_change(lab, leader, &change), STATUS_OK);
}

/* 4.2.2 leaves it to a timeout. */
static void a_leader_that_is_removed_is_followed_at_once(void **state) {
    (void)state;
    for (int joint = 0; joint < 2; joint++) {
        lab_begin(4, false);
        lab_elect(1);
        lab_isolate(lab, 3); /* who is behind can't lead */
        assert_int_equal(lab_propose(lab, 1, 3), STATUS_OK);
        lab_settle(lab);
        lab_heal(lab);
        const uint64_t term = lab_status(lab, 1).term;
        remove_voter(1, 1, joint ? RAFT_TRANSITION_JOINT_IMPLICIT : RAFT_TRANSITION_AUTO);
        for (unsigned beat = 0; beat < 4 && lab_leader(lab) == 1;
             beat++) { /* others learn of commits by its heartbeats */
            lab_tick_times(1, 1);
            lab_settle(lab);
        }
        lab_must_be_well();
        assert_int_not_equal(lab_leader(lab), 1);
        assert_int_not_equal(lab_leader(lab), 0); /* nobody's timeout has passed */
        assert_int_equal(lab_status(lab, lab_leader(lab)).term, term + 1);
        assert_int_equal(lab_propose(lab, lab_leader(lab), 1), STATUS_OK);
        lab_settle(lab);
        lab_must_be_well();
        if (!joint) lab_stop(lab);
    }
}

static void a_follower_whose_disk_failed_tells_nobody_to_campaign(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    halt(2);
    assert_int_equal(lab->message_count, 0);
    lab_settle(lab);
    assert_int_equal(lab_leader(lab), 1);
}

static void a_node_with_a_slow_disk_leaves_elections_to_others(void **state) {
    (void)state;
    lab_begin(3, false);
    const struct raft_event slow = {.kind = RAFT_EVENT_DISK, .disk = {.is_slow = true}};
    assert_int_equal(lab_step(lab, 1, &slow), STATUS_OK);
    for (unsigned tick = 0; tick < 20; tick++) { /* twice the election timeout, and nobody else's time passes */
        lab_tick_times(1, 1);
        assert_int_equal(lab_status(lab, 1).role, RAFT_FOLLOWER);
    }
    for (unsigned tick = 0; tick < 40; tick++) lab_tick_times(1, 1); /* but nobody does */
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_leader(lab), 1);
}

#define T(fact) cmocka_unit_test_setup_teardown(fact, lab_set_up, lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_leader_gives_its_place_to_another_at_once),
        T(a_target_that_is_behind_is_brought_up_to_date_first),
        T(nothing_is_proposed_while_leadership_is_given_away),
        T(a_transfer_can_be_taken_back),
        T(word_of_a_transfer_that_is_lost_is_said_again),
        T(only_a_leader_gives_leadership_and_only_to_a_voter),
        T(a_handed_candidate_with_a_lesser_log_gets_no_vote),
        T(a_late_word_of_a_transfer_elects_nobody),
        T(a_leader_whose_disk_failed_is_followed_at_once_by_who_holds_most),
        T(a_leader_that_is_removed_is_followed_at_once),
        T(a_follower_whose_disk_failed_tells_nobody_to_campaign),
        T(a_node_with_a_slow_disk_leaves_elections_to_others),
    };
    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
