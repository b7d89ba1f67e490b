/*
 * bugs: a regression test for each consensus bug that a real system had and that the core could have (raft/README.md
 * lists them all; those that stand in paper_test.c by the name of their section are not repeated here).
 */
#include "tests/harness/raft_lab_facts.h"

static void run_ticks(unsigned ticks) {
    while (ticks-- > 0) {
        lab->now_ms += 10;
        for (uint64_t id = 1; id <= lab->options.nodes; id++) lab_tick(lab, id);
        lab_settle(lab);
        lab_must_be_well();
    }
}

static enum status step_message(uint64_t to, const struct raft_message *message) {
    struct raft_outcome outcome;
    return raft_step(lab->nodes[to].raft, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = message},
                     &outcome);
}

static void change_one(uint64_t leader, enum raft_change_kind kind, uint64_t id) {
    struct raft_change change = {.count = 1, .items = {{.kind = kind, .id = id}}};
    assert_int_equal(lab_propose_change(lab, leader, &change), STATUS_OK);
    lab_settle(lab);
    lab_must_be_well();
}

/* Row 3. */
static void row_3_a_removed_node_disturbs_nobody(void **state) {
    (void)state;
    lab_begin(4, false);
    lab_elect(1);
    lab_isolate(lab, 4); /* it never hears that it was removed */
    change_one(1, RAFT_CHANGE_REMOVE, 4);
    lab_heal(lab);
    uint64_t term = lab_status(lab, 1).term;
    run_ticks(300);
    assert_int_equal(lab_leader(lab), 1);
    assert_int_equal(lab_status(lab, 1).term, term);
}

/* Row 4: two nodes that can't reach each other, a third that reaches both. */
static void row_4_a_partial_partition_keeps_its_leader(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    lab->cut[1][2] = lab->cut[2][1] = true;
    run_ticks(100);
    uint64_t leader = lab_leader(lab);
    uint64_t term = lab_status(lab, leader).term;
    run_ticks(500);
    assert_int_equal(lab_leader(lab), leader);
    assert_int_equal(lab_status(lab, leader).term, term);
}

/*
 * Row 5: a leader that is heard and hears nothing. Pre-vote alone would keep it for ever, as its followers stick to it.
 */
static void row_5_a_deaf_leader_gives_way(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    lab->cut[2][1] = lab->cut[3][1] = true;
    run_ticks(100);
    assert_true(lab_leader(lab) == 2 || lab_leader(lab) == 3);
    assert_int_not_equal(lab_status(lab, 1).role, RAFT_LEADER);
}

/* Row 10. */
static void row_10_a_read_right_after_a_restart_sees_all_that_was_acknowledged(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 5), STATUS_OK);
    lab_settle(lab);
    for (uint64_t id = 1; id <= 3; id++) lab_crash(lab, id, 0);
    for (uint64_t id = 1; id <= 3; id++) lab_restart(lab, id);
    lab_elect(2);
    assert_int_equal(lab_read(lab, 2), STATUS_OK);
    lab_settle(lab);
    lab_must_be_well(); /* the lab compares the read index with what was committed */
    assert_int_equal(lab->nodes[2].reads_served, 1);
}

/* Row 14. */
static void row_14_a_store_ahead_of_its_log_is_refused(void **state) {
    (void)state;
    lab_begin(1, false);
    struct raft_options options = {.id = 9, .measure = (unsigned (*)(void *, uint64_t, uint64_t, size_t, size_t *))0};
    struct raft *raft;
    assert_int_equal(raft_create(&options, &raft), STATUS_INVALID); /* no measure */
    lab_crash(lab, 1, 0);
    lab->nodes[1].durable_state.index = 7; /* the log ends before it */
    lab_restart(lab, 1);
    struct raft_outcome outcome;
    assert_int_equal(raft_step(lab->nodes[1].raft, &(struct raft_event){.kind = RAFT_EVENT_TICK}, &outcome),
                     STATUS_INVALID);
}

/* The next append to a node, its write, and its acknowledgement. */
static void replicate_one(uint64_t leader, uint64_t to) {
    for (unsigned i = 0; i < lab->message_count; i++) {
        if (lab->network[i].message.kind != RAFT_APPEND || lab->network[i].message.to != to) continue;
        lab_deliver(lab, i);
        break;
    }
    lab_persist(lab, to, 10);
    lab_persist(lab, leader, 10);
    struct raft_message reply = *lab_find_sent(RAFT_APPEND_REPLY, to, leader);
    (void)lab_step(lab, leader, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = &reply});
    lab_must_be_well();
}

/* Row 17. */
static void row_17_a_demoted_leader_does_not_count_itself(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_elect(1);
    lab_isolate(lab, 3);
    struct raft_change change = {.count = 1, .items = {{.kind = RAFT_CHANGE_ADD_LEARNER, .id = 1}}};
    assert_int_equal(lab_propose_change(lab, 1, &change), STATUS_OK);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    uint64_t last = lab_status(lab, 1).last;
    replicate_one(1, 2);
    assert_int_equal(lab_status(lab, 1).commit, last - 1);
    lab_apply(lab, 1, 10); /* the voters are {2, 3} from here on */
    assert_false(lab_status(lab, 1).peers[0].voter);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_NOT_LEADER);
    replicate_one(1, 2);
    assert_int_equal(lab_status(lab, 1).stable, last);
    assert_int_equal(lab_status(lab, 1).peers[1].match, last);
    assert_int_equal(lab_status(lab, 1).commit, last - 1); /* 1 and 2 have the command; of the voters only 2 */
    lab_heal(lab);
    run_ticks(60);
    assert_true(lab_leader(lab) == 2 || lab_leader(lab) == 3);
    assert_true(lab_status(lab, 2).commit >= last);
}

/* Row 18. */
static void row_18_what_is_committed_is_never_replaced(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 3), STATUS_OK);
    lab_settle(lab);
    uint64_t commit = lab_status(lab, 2).commit;
    uint64_t term = lab_status(lab, 2).term;
    struct raft_entry other = {.term = term + 1, .kind = RAFT_ENTRY_NOOP};
    struct raft_message append = {.kind = RAFT_APPEND,
                                  .from = 3,
                                  .to = 2,
                                  .term = term + 1,
                                  .index = 1,
                                  .log_term = 1,
                                  .entry_count = 1,
                                  .entries = &other};
    assert_int_equal(step_message(2, &append), STATUS_OK); /* what lies below the commit index is not looked at */
    assert_int_equal(lab_status(lab, 2).last, commit);
    assert_int_equal(raft_term_at(lab->nodes[2].raft, 2), 1);
}

/* Row 27: A is replaced by B, and B by A again; the answer to the first write of A may confirm nothing. */
static void row_27_an_old_write_confirms_no_entry_that_was_replaced_since(void **state) {
    (void)state;
    lab_begin(3, true);
    struct raft_entry a = {.term = 1, .kind = RAFT_ENTRY_NOOP};
    struct raft_entry b = {.term = 2, .kind = RAFT_ENTRY_NOOP};
    struct raft_message append = {.kind = RAFT_APPEND, .from = 2, .to = 1, .term = 1, .entry_count = 1, .entries = &a};
    (void)lab_step(lab, 1, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = &append});
    append.from = 3;
    append.term = 2;
    append.entries = &b;
    (void)lab_step(lab, 1, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = &append});
    append.from = 2;
    append.term = 3;
    append.entries = &a;
    (void)lab_step(lab, 1, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = &append});
    lab_must_be_well();
    assert_int_equal(lab->nodes[1].work_count, 3);
    lab_persist(lab, 1, 1); /* the first write of A */
    assert_int_equal(lab_status(lab, 1).stable, 0);
    lab_persist(lab, 1, 1); /* B */
    assert_int_equal(lab_status(lab, 1).stable, 0);
    assert_null(lab_find_sent(RAFT_APPEND_REPLY, 1, 2));
    lab_persist(lab, 1, 1); /* A again */
    assert_int_equal(lab_status(lab, 1).stable, 1);
    assert_int_equal(lab_find_sent(RAFT_APPEND_REPLY, 1, 2)->index, 1);
    lab_must_be_well();
}

/* Row 28. */
static void row_28_a_refused_candidate_learns_what_is_committed(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    lab_isolate(lab, 3);
    assert_int_equal(lab_propose(lab, 1, 3), STATUS_OK);
    lab_settle(lab);
    uint64_t commit = lab_status(lab, 1).commit;
    uint64_t term = lab_status(lab, 1).term;
    struct raft_message refusal = {
        .kind = RAFT_VOTE_REPLY, .from = 2, .to = 3, .term = term, .reject = true, .commit = commit, .hint_term = term};
    uint64_t before = lab_status(lab, 3).commit;
    assert_int_equal(step_message(3, &refusal), STATUS_OK);
    assert_int_equal(lab_status(lab, 3).commit, before); /* it lacks those entries */
    refusal.commit = lab_status(lab, 3).last;
    assert_int_equal(step_message(3, &refusal), STATUS_OK);
    assert_int_equal(lab_status(lab, 3).commit, lab_status(lab, 3).last);
}

static void row_28_a_committed_configuration_is_noted_at_once(void **state) {
    (void)state;
    struct lab_options options = {.nodes = 2, .voters = 1, .seed = 3, .election_ticks = 10};
    lab_start(lab, &options);
    lab_elect(1);
    change_one(1, RAFT_CHANGE_ADD_VOTER, 2);
    run_ticks(3);
    for (uint64_t id = 1; id <= 2; id++) {
        uint64_t commit = lab_status(lab, id).commit;
        lab_crash(lab, id, 0);
        assert_true(lab->nodes[id].durable_commit >= 2);
        lab_restart(lab, id);
        lab_settle(lab);
        assert_true(lab_status(lab, id).commit <= commit);
        assert_int_equal(lab_status(lab, id).configuration.voter_count, 2);
    }
    run_ticks(60);
    assert_true(lab_leader(lab) != 0);
}

/* Row 29. */
static void row_29_a_learner_votes_when_it_is_asked(void **state) {
    (void)state;
    struct lab_options options = {.nodes = 2, .voters = 1, .seed = 3, .election_ticks = 10};
    lab_start(lab, &options);
    lab_elect(1);
    change_one(1, RAFT_CHANGE_ADD_LEARNER, 2);
    run_ticks(3);
    for (unsigned i = 0; i < 25; i++) lab_tick(lab, 2); /* hears nothing for a while */
    lab_forget_messages();
    struct raft_message vote = {.kind = RAFT_VOTE, .from = 1, .to = 2, .term = 9, .index = 50, .log_term = 8};
    (void)lab_step(lab, 2, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = &vote});
    assert_false(lab_find_sent(RAFT_VOTE_REPLY, 2, 1)
                     ->reject); /* it may be a voter by a configuration that it has not applied */
}

/* Row 31. */
static void row_31_the_commit_index_never_goes_back(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 3), STATUS_OK);
    lab_settle(lab);
    uint64_t commit = lab_status(lab, 2).commit;
    struct raft_message heartbeat = {
        .kind = RAFT_HEARTBEAT, .from = 1, .to = 2, .term = lab_status(lab, 1).term, .commit = 1};
    assert_int_equal(step_message(2, &heartbeat), STATUS_OK);
    assert_int_equal(lab_status(lab, 2).commit, commit);
    lab_flush(lab, 2);
    lab_crash(lab, 2, 0);
    lab_restart(lab, 2);
    assert_int_equal(lab_status(lab, 2).commit, commit);
    heartbeat.commit = commit + 100; /* of a log that we have lost, it seems: not believed */
    assert_int_equal(step_message(2, &heartbeat), STATUS_OK);
    assert_int_equal(lab_status(lab, 2).commit, commit);
}

/* Row 39. */
static void row_39_a_lost_probe_and_a_broken_link_are_made_good(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    for (unsigned round = 0; round < 5; round++) {
        lab_isolate(lab, 3);
        assert_int_equal(lab_propose(lab, 1, 2), STATUS_OK);
        lab_settle(lab);
        (void)lab_step(lab, 1, &(struct raft_event){.kind = RAFT_EVENT_LINK, .report = {.peer = 3, .ok = false}});
        lab_forget_messages();
        lab_heal(lab);
        run_ticks(3);
        assert_int_equal(lab_status(lab, 3).last, lab_status(lab, 1).last);
        assert_int_equal(lab_status(lab, 1).peers[2].progress, RAFT_REPLICATE);
    }
}

static void row_39_a_failed_snapshot_is_sent_again(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_elect(1);
    lab_isolate(lab, 3);
    assert_int_equal(lab_propose(lab, 1, 8), STATUS_OK);
    lab_settle(lab);
    lab_flush(lab, 1);
    lab_compact(lab, 1, lab_status(lab, 1).commit);
    lab_heal(lab);
    for (unsigned i = 0; i < 10 && lab->stream_count == 0; i++) {
        lab_tick(lab, 1);
        while (lab->message_count > 0) lab_deliver(lab, 0);
    }
    assert_int_equal(lab->stream_count, 1);
    lab_stream_end(lab, 0, false);
    run_ticks(5);
    assert_int_equal(lab->met.snapshots, 1);
    assert_int_equal(lab_status(lab, 3).commit, lab_status(lab, 1).commit);
}

/* A reply to a former life of the asker must not answer a read of this one that has the same context. */
static void row_9_an_answer_to_a_former_life_is_dropped(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_elect(1);
    lab->nodes[3].next_context = 100;
    assert_int_equal(lab_read(lab, 3), STATUS_OK);
    lab_settle(lab);
    struct raft_message stale = {.kind = RAFT_READ_REPLY,
                                 .from = 1,
                                 .to = 3,
                                 .term = lab_status(lab, 1).term,
                                 .context = 101,
                                 .life = 12345,
                                 .index = 1};
    lab->nodes[3].next_context = 100;
    assert_int_equal(lab_read(lab, 3), STATUS_OK);
    uint64_t served = lab->nodes[3].reads_served;
    (void)lab_step(lab, 3, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = &stale});
    assert_int_equal(lab->nodes[3].reads_served, served);
    lab_must_be_well();
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, lab_set_up, lab_tear_down)
        T(row_3_a_removed_node_disturbs_nobody),
        T(row_4_a_partial_partition_keeps_its_leader),
        T(row_5_a_deaf_leader_gives_way),
        T(row_9_an_answer_to_a_former_life_is_dropped),
        T(row_10_a_read_right_after_a_restart_sees_all_that_was_acknowledged),
        T(row_14_a_store_ahead_of_its_log_is_refused),
        T(row_17_a_demoted_leader_does_not_count_itself),
        T(row_18_what_is_committed_is_never_replaced),
        T(row_27_an_old_write_confirms_no_entry_that_was_replaced_since),
        T(row_28_a_refused_candidate_learns_what_is_committed),
        T(row_28_a_committed_configuration_is_noted_at_once),
        T(row_29_a_learner_votes_when_it_is_asked),
        T(row_31_the_commit_index_never_goes_back),
        T(row_39_a_lost_probe_and_a_broken_link_are_made_good),
        T(row_39_a_failed_snapshot_is_sent_again),
    };
    return cmocka_run_group_tests_name("bugs", tests, NULL, NULL);
}
