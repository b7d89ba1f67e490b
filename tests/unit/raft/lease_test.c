/*
 * lease: who may read without asking, and who may not commit yet (raft/core/lease.h; "LeaseGuard", Davis, Demirbas,
 * Deng, 2025), on cores whose clocks and messages move by hand. A guard of 100 ms; clocks that are equal unless a fact
 * says otherwise, so a lease lasts 100 ms too.
 */
#include "raft/core/core.h"
#include "tests/harness/raft_lab_facts.h"

enum { GUARD_MS = 100 };

static void begin(unsigned nodes, uint32_t drift_permille) {
    struct lab_options options = {.nodes = nodes,
                                  .voters = nodes,
                                  .seed = 42,
                                  .heartbeat_ticks = 1,
                                  .election_ticks = 10,
                                  .guard_ms = GUARD_MS,
                                  .drift_permille = drift_permille};
    lab_start(lab, &options);
    for (uint64_t id = 1; id <= nodes; id++) lab_tick(lab, id);
}

static void pass(uint64_t ms) {
    lab->now_ms += ms;
    for (uint64_t id = 1; id <= lab->options.nodes; id++) lab_clock(lab, id);
}

/* Node 1 leads, and has committed an entry just now. */
static void begin_with_a_lease(unsigned nodes) {
    begin(nodes, 0);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    lab_settle(lab);
    lab_must_be_well();
}

/* Asks, as a driver does, and looks only at what is answered without a message. */
static bool is_served_at_once(uint64_t node) {
    const uint64_t served = lab->nodes[node].reads_served;
    assert_int_equal(lab_read(lab, node), STATUS_OK);
    lab_clock(lab, node);
    lab_must_be_well();
    return lab->nodes[node].reads_served > served;
}

static bool holds_lease(uint64_t node) {
    return raft_lease_ends_ms(lab->nodes[node].raft) > lab_steady_ms(lab, node);
}

static void settle_well(void) {
    lab_settle(lab);
    lab_must_be_well();
}

/* ---- The holder ----------------------------------------------------------------------------------------------------
 */

static void a_leader_reads_alone_while_its_newest_committed_entry_is_young(void **state) {
    (void)state;
    begin_with_a_lease(3);
    lab_isolate(lab, 1);
    pass(GUARD_MS - 1);
    assert_true(is_served_at_once(1));
    pass(1);
    assert_false(is_served_at_once(1));
    lab_forget_messages();
    lab_heal(lab);
    lab_tick(lab, 1); /* a round does what the lease did */
    settle_well();
    assert_int_equal(lab->nodes[1].read_count, 0);
}

static void a_lease_counts_from_when_the_entry_was_made_not_from_its_commit(void **state) {
    (void)state;
    begin_with_a_lease(3);
    pass(GUARD_MS);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    pass(GUARD_MS - 10);
    settle_well();
    assert_true(holds_lease(1));
    assert_int_equal(raft_lease_ends_ms(lab->nodes[1].raft) - lab_steady_ms(lab, 1), 10);
}

static void there_is_no_lease_before_the_first_commit_of_the_term(void **state) {
    (void)state;
    begin(3, 0);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    settle_well();
    pass(GUARD_MS + 1);
    lab_crash(lab, 1, LAB_WORKS_MAX);
    lab_tick_times(3, 20);
    lab_forget_messages();
    lab_campaign(lab, 2);
    while (lab_status(lab, 2).role != RAFT_LEADER) lab_deliver(lab, 0);
    lab_forget_messages();
    pass(GUARD_MS + 1);
    assert_false(lab_status(lab, 2).guards);
    assert_false(is_served_at_once(2));
    assert_false(holds_lease(2));
    lab_tick_times(2, 3);
    settle_well();
    assert_int_equal(lab->nodes[2].read_count, 0);
}

static void a_read_that_came_after_the_last_look_at_the_clock_is_not_served_by_it(void **state) {
    (void)state;
    begin_with_a_lease(3);
    const uint64_t served = lab->nodes[1].reads_served;
    lab_isolate(lab, 1);
    lab->now_ms += 10 * GUARD_MS; /* it stood still: the clock that it knows is an old one */
    assert_int_equal(lab_read(lab, 1), STATUS_OK);
    assert_true(raft_lease_ends_ms(lab->nodes[1].raft) > lab->nodes[1].raft->steady_ms);
    assert_int_equal(lab->nodes[1].reads_served, served);
    lab_clock(lab, 1);
    assert_int_equal(lab->nodes[1].reads_served, served);
}

static void followers_read_by_the_leader_s_lease_without_a_round(void **state) {
    (void)state;
    begin_with_a_lease(3);
    lab->cut[3][1] = lab->cut[1][3] = true; /* no majority but by node 2, which is asking */
    lab_forget_messages();
    assert_int_equal(lab_read(lab, 2), STATUS_OK);
    lab_deliver(lab, 0);
    lab_clock(lab, 1);
    assert_non_null(lab_find_sent(RAFT_READ_REPLY, 1, 2));
    assert_int_equal(lab->met.lease_reads, 1);
    settle_well();
    assert_int_equal(lab->nodes[2].read_count, 0);
}

/* ---- Who comes after it
 * ---------------------------------------------------------------------------------------------- */

/* Node 1 is cut off and does not know; node 2 leads with a log that ends as node 1's does. */
static void depose(void) {
    lab_isolate(lab, 1);
    lab->nodes[3].raft->leader = lab->nodes[2].raft->leader = 0; /* as after a timeout that took no time */
    lab_campaign(lab, 2);
    settle_well();
    assert_int_equal(lab_status(lab, 2).role, RAFT_LEADER);
}

static void a_new_leader_commits_nothing_while_the_old_one_may_read(void **state) {
    (void)state;
    begin_with_a_lease(3);
    const uint64_t commit = lab_status(lab, 2).commit;
    depose();
    assert_int_equal(lab_propose(lab, 2, 1), STATUS_OK);
    settle_well();
    assert_true(lab_status(lab, 2).guards);
    pass(GUARD_MS - 1);
    settle_well();
    assert_true(holds_lease(1));
    assert_true(is_served_at_once(1));
    assert_int_equal(lab_status(lab, 2).commit, commit);
    pass(2);
    settle_well();
    assert_false(holds_lease(1));
    assert_int_equal(lab_status(lab, 2).commit, commit + 2);
    assert_false(lab_status(lab, 2).guards);
}

static void an_election_after_a_timeout_leaves_nothing_to_wait_for(void **state) {
    (void)state;
    begin_with_a_lease(3);
    pass(0);
    pass(GUARD_MS + 1);
    depose();
    assert_false(lab_status(lab, 2).guards);
    assert_int_equal(lab_status(lab, 2).commit, lab_status(lab, 2).last);
}

static void the_first_leader_of_a_cluster_and_one_that_is_alone_wait_for_nothing(void **state) {
    (void)state;
    begin(3, 0);
    lab_elect(1);
    assert_int_equal(lab_status(lab, 1).commit, 1);
    lab_stop(lab);
    begin(1, 0);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    lab_crash(lab, 1, LAB_WORKS_MAX);
    lab_restart(lab, 1);
    lab_elect(1);
    assert_int_equal(lab_status(lab, 1).commit, 3);
}

static void who_has_forgotten_when_its_log_came_counts_from_its_start(void **state) {
    (void)state;
    begin_with_a_lease(3);
    lab_crash(lab, 2, LAB_WORKS_MAX);
    pass(GUARD_MS / 2);
    lab_restart(lab, 2);
    depose();
    const uint64_t commit = lab_status(lab, 2).last - 1;
    pass(GUARD_MS);
    settle_well();
    assert_int_equal(lab_status(lab, 2).commit, commit);
    pass(1);
    settle_well();
    assert_int_equal(lab_status(lab, 2).commit, lab_status(lab, 2).last);
}

/* ---- Giving it up
 * ---------------------------------------------------------------------------------------------------- */

static void transfer(uint64_t to) {
    assert_int_equal(lab_step(lab, 1, &(struct raft_event){.kind = RAFT_EVENT_TRANSFER, .transfer = {.to = to}}),
                     STATUS_OK);
}

static void a_transfer_ends_the_lease_and_the_next_leader_need_not_wait(void **state) {
    (void)state;
    begin_with_a_lease(3);
    transfer(2);
    assert_false(holds_lease(1));
    settle_well();
    assert_int_equal(lab_leader(lab), 2);
    assert_int_equal(lab_status(lab, 2).commit, lab_status(lab, 2).last);
    assert_true(is_served_at_once(2));
}

static void after_a_transfer_that_failed_there_is_no_lease_in_this_term(void **state) {
    (void)state;
    begin_with_a_lease(3);
    lab_isolate(lab, 2);
    transfer(2);
    lab_forget_messages();
    transfer(1);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    settle_well();
    assert_int_equal(lab_status(lab, 1).commit, lab_status(lab, 1).last);
    assert_false(holds_lease(1)); /* its word may still arrive, and then node 2 would not wait */
    assert_int_equal(lab_read(lab, 1), STATUS_OK);
    settle_well();
    assert_int_equal(lab->nodes[1].read_count, 0);
}

static void one_that_guards_tells_nobody_to_campaign_yet(void **state) {
    (void)state;
    begin_with_a_lease(3);
    depose();
    assert_int_equal(lab_step(lab, 2, &(struct raft_event){.kind = RAFT_EVENT_TRANSFER, .transfer = {.to = 3}}),
                     STATUS_OK);
    pass(0);
    settle_well();
    assert_int_equal(lab_leader(lab), 2);
    pass(GUARD_MS + 1);
    settle_well();
    assert_int_equal(lab_leader(lab), 3);
}

static void one_that_guards_and_whose_disk_fails_tells_nobody_either(void **state) {
    (void)state;
    begin_with_a_lease(3);
    depose();
    pass(0);
    (void)lab_step(lab, 2, &(struct raft_event){.kind = RAFT_EVENT_HALT});
    settle_well();
    assert_int_equal(lab_leader(lab), 1); /* who still reads by its lease, and would not know of the next one */
    assert_true(holds_lease(1));
}

static void a_leader_whose_disk_failed_and_one_that_met_a_later_term_hold_none(void **state) {
    (void)state;
    begin_with_a_lease(3);
    assert_true(holds_lease(1));
    (void)lab_step(lab, 1, &(struct raft_event){.kind = RAFT_EVENT_HALT});
    assert_false(holds_lease(1));
    lab_stop(lab);
    begin_with_a_lease(3);
    lab_receive(&(struct raft_message){.kind = RAFT_HEARTBEAT_REPLY, .from = 2, .to = 1, .term = 9});
    assert_false(holds_lease(1));
}

static void clocks_that_part_end_a_lease(void **state) {
    (void)state;
    begin_with_a_lease(3);
    lab->nodes[1].clock_offset_ms = 40; /* slewed, or a little late */
    lab_clock(lab, 1);
    assert_true(holds_lease(1));
    lab->nodes[1].clock_offset_ms = 5000; /* the wall clock went on while the steady one did not */
    lab_clock(lab, 1);
    assert_false(holds_lease(1));
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    settle_well();
    assert_true(holds_lease(1));
}

/* ---- How long, and among whom
 * ------------------------------------------------------------------------------------------ */

static void tell_guard(uint64_t at, uint64_t of, uint64_t guard_ms) {
    assert_int_equal(
        lab_step(lab, at, &(struct raft_event){.kind = RAFT_EVENT_GUARD, .guard = {.peer = of, .guard_ms = guard_ms}}),
        STATUS_OK);
}

static void a_lease_is_no_longer_than_the_shortest_guard_less_what_clocks_may_drift(void **state) {
    (void)state;
    begin_with_a_lease(3);
    lab->nodes[1].raft->options.drift_permille = 50;
    assert_int_equal(raft_lease_ends_ms(lab->nodes[1].raft) - lab_steady_ms(lab, 1), GUARD_MS * 950 / 1050);
    tell_guard(1, 3, 60);
    assert_int_equal(raft_lease_ends_ms(lab->nodes[1].raft) - lab_steady_ms(lab, 1), 60 * 950 / 1050);
    tell_guard(1, 3, 0);
    assert_false(holds_lease(1));
    tell_guard(1, 3, 1000000);
    tell_guard(1, 2, 1000000);
    assert_true(raft_lease_ends_ms(lab->nodes[1].raft) - lab_steady_ms(lab, 1) < RAFT_GUARD_MS_MAX);
}

static void a_member_whose_link_comes_up_has_to_say_it_again(void **state) {
    (void)state;
    begin_with_a_lease(3);
    assert_int_equal(lab_step(lab, 1, &(struct raft_event){.kind = RAFT_EVENT_LINK, .report = {.peer = 3, .ok = true}}),
                     STATUS_OK);
    assert_false(holds_lease(1));
    tell_guard(1, 3, GUARD_MS);
    assert_true(holds_lease(1));
}

static void the_slowest_holder_has_ended_when_the_fastest_guard_has(void **state) {
    (void)state;
    for (uint32_t drift = 1; drift < 1000; drift += 37) {
        begin(3, drift);
        lab->nodes[1].clock_permille = 1000 - drift;
        lab->nodes[2].clock_permille = 1000 + drift;
        lab_elect(1);
        assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
        settle_well();
        depose();
        while (lab_status(lab, 2).guards) { /* lab_must_be_well looks whether both hold at any moment */
            pass(1);
            settle_well();
        }
        lab_stop(lab);
    }
}

static void a_change_of_members_is_made_without_a_lease_and_a_new_one_begins_after_it(void **state) {
    (void)state;
    begin(4, 0);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    settle_well();
    assert_true(holds_lease(1));
    const struct raft_change change = {.count = 1, .items = {{.kind = RAFT_CHANGE_REMOVE, .id = 4}}};
    assert_int_equal(lab_propose_change(lab, 1, &change), STATUS_OK);
    assert_false(holds_lease(1));
    settle_well();
    assert_int_equal(lab_status(lab, 1).configuration.voter_count, 3);
    assert_false(holds_lease(1));
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    settle_well();
    assert_true(holds_lease(1));
}

/* ---- Renewal
 * ----------------------------------------------------------------------------------------------------------- */

static void reads_renew_a_lease_by_an_entry_and_idleness_writes_nothing(void **state) {
    (void)state;
    begin_with_a_lease(3);
    const uint64_t last = lab_status(lab, 1).last;
    pass(10 * GUARD_MS);
    for (unsigned i = 0; i < 50; i++) {
        pass(GUARD_MS);
        lab_tick(lab, 1);
        settle_well();
    }
    assert_int_equal(lab_status(lab, 1).last, last);
    for (unsigned i = 0; i < 20; i++) { /* few reads are not worth an entry */
        pass(2 * GUARD_MS);
        assert_int_equal(lab_read(lab, 1), STATUS_OK);
        settle_well();
    }
    assert_int_equal(lab_status(lab, 1).last, last);
    for (unsigned i = 0; i < 1000; i++) {
        pass(1);
        assert_int_equal(lab_read(lab, 1), STATUS_OK);
        lab_clock(lab, 1);
        settle_well();
    }
    const uint64_t written = lab_status(lab, 1).last - last;
    assert_in_range(written, 1, 1000 / (GUARD_MS / 2) + 1);
    assert_true(lab->met.lease_reads > 950);
}

#define T(fact) cmocka_unit_test_setup_teardown(fact, lab_set_up, lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_leader_reads_alone_while_its_newest_committed_entry_is_young),
        T(a_lease_counts_from_when_the_entry_was_made_not_from_its_commit),
        T(there_is_no_lease_before_the_first_commit_of_the_term),
        T(a_read_that_came_after_the_last_look_at_the_clock_is_not_served_by_it),
        T(followers_read_by_the_leader_s_lease_without_a_round),
        T(a_new_leader_commits_nothing_while_the_old_one_may_read),
        T(an_election_after_a_timeout_leaves_nothing_to_wait_for),
        T(the_first_leader_of_a_cluster_and_one_that_is_alone_wait_for_nothing),
        T(who_has_forgotten_when_its_log_came_counts_from_its_start),
        T(a_transfer_ends_the_lease_and_the_next_leader_need_not_wait),
        T(after_a_transfer_that_failed_there_is_no_lease_in_this_term),
        T(one_that_guards_tells_nobody_to_campaign_yet),
        T(one_that_guards_and_whose_disk_fails_tells_nobody_either),
        T(a_leader_whose_disk_failed_and_one_that_met_a_later_term_hold_none),
        T(clocks_that_part_end_a_lease),
        T(a_lease_is_no_longer_than_the_shortest_guard_less_what_clocks_may_drift),
        T(a_member_whose_link_comes_up_has_to_say_it_again),
        T(the_slowest_holder_has_ended_when_the_fastest_guard_has),
        T(a_change_of_members_is_made_without_a_lease_and_a_new_one_begins_after_it),
        T(reads_renew_a_lease_by_an_entry_and_idleness_writes_nothing),
    };
    return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
