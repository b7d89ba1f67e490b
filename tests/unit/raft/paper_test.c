/*
 * paper: what the dissertation demands, section by section, on cores whose messages and disks move by hand. Every event
 * is also held against the five safety properties (tests/harness/raft_lab.h).
 */
#include "tests/harness/raft_lab_facts.h"

/* The paper without its later refinements: no pre-vote, no sticking to a leader; a campaign does what it says. */
static void start_plain(unsigned nodes) {
    struct lab_options options = {.nodes = nodes,
                                  .voters = nodes,
                                  .seed = 42,
                                  .by_hand = true,
                                  .no_pre_vote = true,
                                  .no_check_quorum = true,
                                  .election_ticks = 10};
    lab_start(lab, &options);
}

static void deliver_kind(enum raft_message_kind kind, uint64_t from, uint64_t to) {
    for (unsigned i = 0; i < lab->message_count; i++) {
        const struct raft_message *message = &lab->network[i].message;
        if (message->kind != kind || message->from != from || message->to != to) continue;
        lab_deliver(lab, i);
        lab_must_be_well();
        return;
    }
    fail_msg("no %s from %d to %d", raft_message_kind_name(kind), (int)from, (int)to);
}

/* ---- 3.4 leader election ----------------------------------------------------------------------------------------- */

static void a_majority_of_durable_votes_elects_a_leader(void **state) {
    (void)state;
    lab_begin(5, true);
    lab_campaign(lab, 1);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_status(lab, 1).role, RAFT_LEADER);
    for (uint64_t id = 2; id <= 5; id++) assert_int_equal(lab_status(lab, id).leader, 1);
}

static void a_candidate_in_a_minority_stays_one(void **state) {
    (void)state;
    lab_begin(5, false);
    for (uint64_t id = 3; id <= 5; id++) lab_isolate(lab, id);
    lab_campaign(lab, 1);
    lab_settle(lab);
    assert_int_equal(lab_status(lab, 1).role, RAFT_PRE_CANDIDATE);
    assert_int_equal(lab_leader(lab), 0);
}

static void a_node_votes_once_in_a_term(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_receive(&(struct raft_message){.kind = RAFT_VOTE, .from = 2, .to = 1, .term = 5});
    lab_receive(&(struct raft_message){.kind = RAFT_VOTE, .from = 3, .to = 1, .term = 5});
    assert_false(lab_find_sent(RAFT_VOTE_REPLY, 1, 2)->reject);
    assert_true(lab_find_sent(RAFT_VOTE_REPLY, 1, 3)->reject);
    lab_forget_messages();
    lab_receive(&(struct raft_message){.kind = RAFT_VOTE, .from = 2, .to = 1, .term = 5});
    assert_false(lab_find_sent(RAFT_VOTE_REPLY, 1, 2)->reject); /* asked again: the same answer */
}

static void a_vote_survives_a_crash(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_receive(&(struct raft_message){.kind = RAFT_VOTE, .from = 2, .to = 1, .term = 5});
    lab_persist(lab, 1, 1);
    lab_crash(lab, 1, 0);
    lab_restart(lab, 1);
    lab_forget_messages();
    lab_receive(&(struct raft_message){.kind = RAFT_VOTE, .from = 3, .to = 1, .term = 5});
    assert_true(lab_find_sent(RAFT_VOTE_REPLY, 1, 3)->reject);
    assert_int_equal(lab_status(lab, 1).vote, 2);
}

static void split_votes_end_because_timeouts_differ(void **state) {
    (void)state;
    lab_begin(5, false);
    for (unsigned tick = 0; tick < 200 && lab_leader(lab) == 0; tick++) {
        for (uint64_t id = 1; id <= 5; id++) lab_tick(lab, id);
        lab_settle(lab);
    }
    lab_must_be_well();
    assert_true(lab_leader(lab) != 0);
}

/* 3.4: only a leader's word and a vote that is given begin the wait anew. Else others whose logs are too short could
 * campaign again and again, and whoever could win never would. */
static void a_refused_vote_does_not_begin_the_wait_anew(void **state) {
    (void)state;
    start_plain(3);
    struct raft_entry entry = {.term = 1, .kind = RAFT_ENTRY_NOOP};
    lab_receive(&(struct raft_message){
        .kind = RAFT_APPEND, .from = 2, .to = 1, .term = 1, .entry_count = 1, .entries = &entry});
    lab_persist(lab, 1, 1);
    unsigned ticks = 0;
    for (uint64_t term = 2; lab_status(lab, 1).role == RAFT_FOLLOWER && ticks < 20; term++) {
        for (unsigned i = 0; i < 5 && lab_status(lab, 1).role == RAFT_FOLLOWER; i++, ticks++) lab_tick(lab, 1);
        if (lab_status(lab, 1).role != RAFT_FOLLOWER) break;
        lab_receive(&(struct raft_message){.kind = RAFT_VOTE, .from = 3, .to = 1, .term = term});
        assert_true(lab_find_sent(RAFT_VOTE_REPLY, 1, 3)->reject);
        lab_forget_messages();
    }
    assert_int_equal(lab_status(lab, 1).role, RAFT_CANDIDATE);
}

static void a_given_vote_begins_the_wait_anew(void **state) {
    (void)state;
    start_plain(3);
    for (uint64_t term = 1; term < 10; term++) {
        for (unsigned i = 0; i < 9; i++) lab_tick(lab, 1);
        assert_int_equal(lab_status(lab, 1).role, RAFT_FOLLOWER);
        lab_receive(&(struct raft_message){.kind = RAFT_VOTE, .from = 3, .to = 1, .term = term});
        lab_persist(lab, 1, 1);
    }
    assert_int_equal(lab_status(lab, 1).vote, 3);
}

/* ---- 3.5 log replication ----------------------------------------------------------------------------------------- */

static void an_entry_reaches_all_and_is_committed(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 3), STATUS_OK);
    lab_settle(lab);
    lab_must_be_well();
    for (uint64_t id = 1; id <= 3; id++) {
        assert_int_equal(lab_status(lab, id).commit, 4);
        assert_int_equal(lab->nodes[id].state.index, 4);
    }
}

static void a_proposal_to_a_follower_names_the_leader(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(2);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_NOT_LEADER);
    assert_int_equal(lab_status(lab, 1).leader, 2);
}

static void a_conflicting_tail_is_replaced_by_the_leader_s(void **state) {
    (void)state;
    start_plain(3);
    lab_elect(1);
    lab_isolate(lab, 1);
    assert_int_equal(lab_propose(lab, 1, 4), STATUS_OK); /* nobody else will ever have these */
    lab_settle(lab);
    lab_elect(2);
    assert_int_equal(lab_propose(lab, 2, 1), STATUS_OK);
    lab_settle(lab);
    lab_heal(lab);
    lab_tick(lab, 2);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_status(lab, 1).last, lab_status(lab, 2).last);
    assert_int_equal(lab->nodes[1].log[3].value, lab->nodes[2].log[3].value);
    assert_true(lab->met.cuts_of_log > 0);
}

static void a_late_append_takes_nothing_back(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    lab_repeat(lab, 0);
    lab_repeat(lab, 1);
    lab_settle(lab);
    assert_int_equal(lab_propose(lab, 1, 2), STATUS_OK);
    lab_settle(lab);
    uint64_t last = lab_status(lab, 2).last;
    struct raft_message late = {.kind = RAFT_APPEND,
                                .from = 1,
                                .to = 2,
                                .term = lab_status(lab, 1).term,
                                .index = 1,
                                .log_term = 1,
                                .commit = 1};
    lab_receive(&late);
    assert_int_equal(lab_status(lab, 2).last, last);
    assert_int_equal(lab_status(lab, 2).commit, last);
}

static void terms_are_skipped_in_one_refusal_each(void **state) {
    (void)state;
    lab_begin(3, true);
    /* Node 2 holds twenty entries of term 2 that are nobody's; the leader's log is one of term 1 and 3. */
    struct raft_entry entries[20];
    for (unsigned i = 0; i < 20; i++) entries[i] = (struct raft_entry){.term = 2, .kind = RAFT_ENTRY_NOOP};
    lab_receive(&(struct raft_message){
        .kind = RAFT_APPEND, .from = 3, .to = 2, .term = 2, .entry_count = 20, .entries = entries});
    lab_receive(&(struct raft_message){.kind = RAFT_APPEND, .from = 1, .to = 2, .term = 5, .index = 15, .log_term = 1});
    const struct raft_message *refusal = lab_find_sent(RAFT_APPEND_REPLY, 2, 1);
    assert_true(refusal->reject);
    assert_int_equal(refusal->hint_index, 0); /* no index below can hold an entry of term 1 or less */
}

/* ---- 3.6 safety -------------------------------------------------------------------------------------------------- */

static void a_voter_refuses_a_candidate_with_a_lesser_log(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    lab_settle(lab);
    lab_tick_times(2, 25);
    lab_forget_messages();
    uint64_t term = lab_status(lab, 2).term;
    uint64_t last = lab_status(lab, 2).last;
    struct raft_message vote = {
        .kind = RAFT_VOTE, .from = 3, .to = 2, .term = term + 1, .index = last - 1, .log_term = term};
    lab_receive(&vote);
    assert_true(lab_find_sent(RAFT_VOTE_REPLY, 2, 3)->reject);
    lab_forget_messages();
    vote.index = last + 5;
    vote.log_term = term - 1;
    lab_receive(&vote);
    assert_true(lab_find_sent(RAFT_VOTE_REPLY, 2, 3)->reject);
    lab_forget_messages();
    vote.log_term = term;
    lab_receive(&vote);
    assert_false(lab_find_sent(RAFT_VOTE_REPLY, 2, 3)->reject);
}

/* Moves messages and disks among the first `count` nodes until one of them leads. */
static void until_leads(uint64_t id, uint64_t from, uint64_t to) {
    lab_campaign(lab, id);
    for (unsigned i = 0; i < 100 && lab_status(lab, id).role != RAFT_LEADER; i++) {
        if (lab->message_count > 0) lab_deliver(lab, 0);
        for (uint64_t node = from; node <= to; node++) lab_persist(lab, node, 10);
    }
    lab_must_be_well();
    assert_int_equal(lab_status(lab, id).role, RAFT_LEADER);
}

/*
 * Figure 3.7 (figure 8 of the paper), times (a) to (c): an old entry on a majority is not committed until one of the
 * leader's own term is.
 */
static void figure_eight_an_old_entry_is_not_committed_by_counting(void **state) {
    (void)state;
    start_plain(5);
    lab_elect(1);
    /* (a) S1 leads and puts entry 2 on S2 only. */
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    deliver_kind(RAFT_APPEND, 1, 2);
    lab_persist(lab, 1, 10);
    lab_persist(lab, 2, 10);
    lab_forget_messages();
    /* (b) S1 dies; S5 leads with the votes of S3 and S4, and appends another entry 2. */
    lab_crash(lab, 1, 0);
    until_leads(5, 3, 5);
    lab_persist(lab, 5, 10);
    lab_forget_messages();
    /* (c) S5 dies, S1 leads again, and entry 2 gets onto S3: a majority has it, but it is of an old term. */
    lab_crash(lab, 5, 0);
    lab_restart(lab, 1);
    for (uint64_t node = 1; node <= 4 && lab_status(lab, 1).term < lab_status(lab, 3).term; node++) {
        lab_campaign(lab, 1); /* its term is behind: the first tries only catch up */
        lab_persist(lab, 1, 10);
    }
    lab_forget_messages();
    until_leads(1, 1, 4);
    uint64_t term = lab_status(lab, 1).term;
    lab_forget_messages();
    lab_receive(&(struct raft_message){.kind = RAFT_APPEND_REPLY, .from = 2, .to = 1, .term = term, .index = 2});
    lab_receive(&(struct raft_message){.kind = RAFT_APPEND_REPLY, .from = 3, .to = 1, .term = term, .index = 2});
    assert_int_equal(raft_term_at(lab->nodes[1].raft, 2), 1);
    assert_int_equal(lab_status(lab, 1).commit, 1); /* three of five have entry 2, and it is not committed */
}

static void an_entry_of_its_own_term_commits_all_before_it(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    lab_isolate(lab, 3);
    assert_int_equal(lab_propose(lab, 1, 2), STATUS_OK);
    lab_settle(lab);
    lab_crash(lab, 1, 0);
    lab_heal(lab);
    lab_tick_times(2, 25);
    lab_tick_times(3, 25);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_leader(lab), 2);
    assert_int_equal(lab_status(lab, 2).commit, lab_status(lab, 2).last);
    assert_int_equal(raft_term_at(lab->nodes[2].raft, lab_status(lab, 2).last),
                     lab_status(lab, 2).term); /* its no-op */
}

/* ---- 3.8 persisted state ----------------------------------------------------------------------------------------- */

static void no_vote_and_no_request_leaves_before_it_is_durable(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_receive(&(struct raft_message){.kind = RAFT_VOTE, .from = 2, .to = 1, .term = 7});
    assert_null(lab_find_sent(RAFT_VOTE_REPLY, 1, 2));
    lab_persist(lab, 1, 1);
    assert_non_null(lab_find_sent(RAFT_VOTE_REPLY, 1, 2));

    struct lab_options plain = {
        .nodes = 3, .voters = 3, .seed = 1, .by_hand = true, .no_pre_vote = true, .election_ticks = 10};
    lab_stop(lab);
    lab_start(lab, &plain);
    lab_campaign(lab, 1);
    assert_null(lab_find_sent(RAFT_VOTE, 1, 2));
    lab_persist(lab, 1, 1);
    assert_non_null(lab_find_sent(RAFT_VOTE, 1, 2));
}

static void no_acknowledgement_leaves_before_entry_and_term_are_durable(void **state) {
    (void)state;
    lab_begin(3, true);
    struct raft_entry entry = {.term = 4, .kind = RAFT_ENTRY_NOOP};
    lab_receive(&(struct raft_message){
        .kind = RAFT_APPEND, .from = 2, .to = 1, .term = 4, .entry_count = 1, .entries = &entry});
    assert_null(lab_find_sent(RAFT_APPEND_REPLY, 1, 2));
    lab_persist(lab, 1, 10);
    assert_int_equal(lab_find_sent(RAFT_APPEND_REPLY, 1, 2)->index, 1);
}

/* 10.2.1: the leader's disk is one of the disks. */
static void a_leader_sends_before_its_own_write_and_counts_it_after(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    uint64_t last = lab_status(lab, 1).last;
    assert_non_null(lab_find_sent(RAFT_APPEND, 1, 2));
    deliver_kind(RAFT_APPEND, 1, 2);
    lab_persist(lab, 2, 10);
    deliver_kind(RAFT_APPEND_REPLY, 2, 1);
    assert_int_equal(lab_status(lab, 1).commit, last - 1); /* one disk of three */
    lab_persist(lab, 1, 10);
    assert_int_equal(lab_status(lab, 1).commit, last);
}

static void followers_alone_can_commit_what_the_leader_has_not_written_yet(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    uint64_t last = lab_status(lab, 1).last;
    for (uint64_t id = 2; id <= 3; id++) {
        deliver_kind(RAFT_APPEND, 1, id);
        lab_persist(lab, id, 10);
        deliver_kind(RAFT_APPEND_REPLY, id, 1);
    }
    assert_int_equal(lab_status(lab, 1).commit, last);
    assert_true(lab_status(lab, 1).stable < last);
}

static void one_voter_commits_when_its_disk_is_done(void **state) {
    (void)state;
    lab_begin(1, true);
    lab_campaign(lab, 1);
    assert_int_equal(lab_status(lab, 1).role, RAFT_CANDIDATE); /* its own vote is not durable yet */
    lab_persist(lab, 1, 1);
    assert_int_equal(lab_status(lab, 1).role, RAFT_LEADER);
    assert_int_equal(lab_status(lab, 1).commit, 0);
    lab_persist(lab, 1, 1);
    assert_int_equal(lab_status(lab, 1).commit, 1);
    lab_must_be_well();
}

/* ---- 4 membership ------------------------------------------------------------------------------------------------ */

static void a_joint_configuration_needs_both_majorities(void **state) {
    (void)state;
    struct lab_options options = {.nodes = 5, .voters = 3, .seed = 1, .election_ticks = 10};
    lab_start(lab, &options);
    lab_elect(1);
    struct raft_change change = {
        .transition = RAFT_TRANSITION_JOINT_EXPLICIT,
        .count = 2,
        .items = {{.kind = RAFT_CHANGE_ADD_VOTER, .id = 4}, {.kind = RAFT_CHANGE_ADD_VOTER, .id = 5}}};
    assert_int_equal(lab_propose_change(lab, 1, &change), STATUS_OK);
    lab_tick_times(1, 3);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_status(lab, 1).configuration.outgoing_count, 3);
    lab_isolate(lab, 2);
    lab_isolate(lab, 3);
    lab->cut[2][3] = lab->cut[3][2] = false;
    uint64_t commit = lab_status(lab, 1).commit;
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    lab_settle(lab);
    assert_int_equal(lab_status(lab, 1).commit, commit); /* 1, 4, 5 are a majority of the new voters, not of the old */
    lab_heal(lab);
    lab_tick_times(1, 3);
    lab_settle(lab);
    lab_must_be_well();
    assert_true(lab_status(lab, 1).commit > commit);
}

static void one_change_at_a_time(void **state) {
    (void)state;
    struct lab_options options = {.nodes = 5, .voters = 3, .seed = 1, .by_hand = true, .election_ticks = 10};
    lab_start(lab, &options);
    lab_elect(1);
    struct raft_change change = {.count = 1, .items = {{.kind = RAFT_CHANGE_ADD_VOTER, .id = 4}}};
    assert_int_equal(lab_propose_change(lab, 1, &change), STATUS_OK);
    change.items[0].id = 5;
    assert_int_equal(lab_propose_change(lab, 1, &change), STATUS_BUSY);
    lab_settle(lab);
    assert_int_equal(lab_propose_change(lab, 1, &change), STATUS_OK);
    lab_must_be_well();
}

static void a_learner_receives_and_decides_nothing(void **state) {
    (void)state;
    struct lab_options options = {.nodes = 2, .voters = 1, .seed = 1, .election_ticks = 10};
    lab_start(lab, &options);
    lab_elect(1);
    struct raft_change change = {.count = 1, .items = {{.kind = RAFT_CHANGE_ADD_LEARNER, .id = 2}}};
    assert_int_equal(lab_propose_change(lab, 1, &change), STATUS_OK);
    lab_settle(lab);
    lab_tick_times(1, 3);
    lab_settle(lab);
    assert_int_equal(lab->nodes[2].role, RAFT_LEARNER);
    assert_int_equal(lab_status(lab, 2).commit, lab_status(lab, 1).commit);
    lab_crash(lab, 2, 0);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    lab_settle(lab);
    assert_int_equal(lab_status(lab, 1).commit, lab_status(lab, 1).last); /* without it */
    lab_restart(lab, 2);
    lab_tick_times(2, 50);
    lab_settle(lab);
    assert_int_equal(lab_status(lab, 2).role, RAFT_LEARNER); /* never a candidate */
    lab_must_be_well();
}

static void a_leader_that_was_removed_goes_once_others_know(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    struct raft_change change = {.count = 1, .items = {{.kind = RAFT_CHANGE_REMOVE, .id = 1}}};
    assert_int_equal(lab_propose_change(lab, 1, &change), STATUS_OK);
    lab_settle(lab);
    lab_tick_times(1, 2);
    lab_settle(lab);
    assert_int_not_equal(lab_status(lab, 1).role, RAFT_LEADER);
    for (unsigned tick = 0; tick < 60; tick++) {
        for (uint64_t id = 1; id <= 3; id++) lab_tick(lab, id);
        lab_settle(lab);
    }
    lab_must_be_well();
    assert_true(lab_leader(lab) == 2 || lab_leader(lab) == 3);
}

/* ---- 4.2.3, 6.2, 9.6: who may disturb whom ----------------------------------------------------------------------- */

static void voters_stick_to_a_leader_that_they_hear(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    uint64_t term = lab_status(lab, 2).term;
    struct raft_message vote = {
        .kind = RAFT_VOTE, .from = 3, .to = 2, .term = term + 10, .index = 100, .log_term = term};
    lab_receive(&vote);
    assert_int_equal(lab_status(lab, 2).term, term);
    assert_null(lab_find_sent(RAFT_VOTE_REPLY, 2, 3));
    lab_tick_times(2, 10);
    lab_receive(&vote);
    assert_int_equal(lab_status(lab, 2).term, term + 10);
}

static void a_leader_that_is_cut_off_steps_down(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    lab_isolate(lab, 1);
    lab_tick_times(1, 20);
    assert_int_equal(lab_status(lab, 1).role, RAFT_FOLLOWER);
    assert_int_equal(lab_status(lab, 1).leader, 0);
}

static void a_node_that_was_cut_off_comes_back_without_a_new_term(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    uint64_t term = lab_status(lab, 1).term;
    lab_isolate(lab, 3);
    lab_tick_times(3, 500);
    lab_settle(lab);
    assert_int_equal(lab_status(lab, 3).term, term); /* asks, and is not answered */
    lab_heal(lab);
    for (unsigned tick = 0; tick < 40; tick++) {
        for (uint64_t id = 1; id <= 3; id++) lab_tick(lab, id);
        lab_settle(lab);
    }
    assert_int_equal(lab_leader(lab), 1);
    assert_int_equal(lab_status(lab, 1).term, term);
    assert_int_equal(lab_status(lab, 3).leader, 1);
    lab_must_be_well();
}

/* ---- 5 compaction and snapshots ---------------------------------------------------------------------------------- */

static void a_follower_that_the_log_can_t_reach_gets_a_snapshot(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    lab_isolate(lab, 3);
    for (unsigned i = 0; i < 5; i++) assert_int_equal(lab_propose(lab, 1, 4), STATUS_OK);
    lab_settle(lab);
    lab_flush(lab, 1);
    lab_compact(lab, 1, lab_status(lab, 1).commit);
    lab_heal(lab);
    lab_tick_times(1, 2);
    lab_settle(lab);
    lab_tick_times(1, 2);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab->met.snapshots, 1);
    assert_int_equal(lab->nodes[3].state.index, lab->nodes[1].state.index);
    assert_int_equal(lab_status(lab, 1).peers[2].progress, RAFT_REPLICATE);
}

static void a_snapshot_of_the_past_changes_nothing(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 4), STATUS_OK);
    lab_settle(lab);
    uint64_t commit = lab_status(lab, 2).commit;
    struct raft_message old = {.kind = RAFT_SNAPSHOT,
                               .from = 1,
                               .to = 2,
                               .term = lab_status(lab, 1).term,
                               .index = 2,
                               .log_term = 1,
                               .configuration = &lab->nodes[1].state.configuration};
    struct raft_outcome outcome;
    assert_int_equal(
        raft_step(lab->nodes[2].raft, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = &old}, &outcome),
        STATUS_OK);
    assert_false(outcome.install);
    assert_int_equal(lab_status(lab, 2).commit, commit);
}

static void a_snapshot_is_acknowledged_only_when_it_is_installed(void **state) {
    (void)state;
    lab_begin(3, true);
    struct raft_configuration configuration = lab->nodes[1].state.configuration;
    struct raft_message snapshot = {.kind = RAFT_SNAPSHOT,
                                    .from = 2,
                                    .to = 1,
                                    .term = 3,
                                    .index = 50,
                                    .log_term = 2,
                                    .configuration = &configuration};
    lab->nodes[1].arriving = (struct lab_state){.index = 50, .term = 2, .configuration = configuration};
    lab_receive(&snapshot);
    const struct raft_message *early = lab_find_sent(RAFT_APPEND_REPLY, 1, 2);
    assert_true(!early || early->index == 0);
    lab_persist(lab, 1, 10);
    assert_int_equal(lab_find_sent(RAFT_APPEND_REPLY, 1, 2)->index, 50);
    assert_int_equal(lab_status(lab, 1).commit, 50);
    assert_int_equal(lab_status(lab, 1).log_start, 50);
}

/* ---- 6.4 linearizable reads -------------------------------------------------------------------------------------- */

static void a_read_waits_for_an_entry_of_the_leader_s_own_term(void **state) {
    (void)state;
    start_plain(3);
    lab_campaign(lab, 1);
    lab_persist(lab, 1, 10);
    deliver_kind(RAFT_VOTE, 1, 2);
    lab_persist(lab, 2, 10);
    deliver_kind(RAFT_VOTE_REPLY, 2, 1);
    assert_int_equal(lab_status(lab, 1).role, RAFT_LEADER);
    assert_int_equal(lab_read(lab, 1), STATUS_OK);
    assert_null(lab_find_sent(RAFT_HEARTBEAT, 1, 2)); /* no round begins */
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab->nodes[1].reads_served, 1);
}

static void a_read_is_confirmed_by_a_majority_after_it_was_asked(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_elect(1);
    lab_forget_messages();
    assert_int_equal(lab_read(lab, 1), STATUS_OK);
    assert_int_equal(lab->nodes[1].reads_served, 0);
    deliver_kind(RAFT_HEARTBEAT, 1, 2);
    deliver_kind(RAFT_HEARTBEAT_REPLY, 2, 1);
    assert_int_equal(lab->nodes[1].reads_served, 1);
    lab_must_be_well();
}

static void a_late_or_repeated_reply_confirms_no_later_read(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_elect(1);
    lab_forget_messages();
    assert_int_equal(lab_read(lab, 1), STATUS_OK);
    deliver_kind(RAFT_HEARTBEAT, 1, 2);
    struct raft_message reply = *lab_find_sent(RAFT_HEARTBEAT_REPLY, 2, 1);
    deliver_kind(RAFT_HEARTBEAT_REPLY, 2, 1);
    assert_int_equal(lab->nodes[1].reads_served, 1);
    lab_forget_messages();
    assert_int_equal(lab_read(lab, 1), STATUS_OK);
    lab_receive(&reply); /* the network repeats it */
    lab_receive(&reply);
    assert_int_equal(lab->nodes[1].reads_served, 1);
    reply.from = 3;
    lab_receive(&reply); /* the other follower's, late: of the first round too */
    assert_int_equal(lab->nodes[1].reads_served, 1);
    deliver_kind(RAFT_HEARTBEAT, 1, 3);
    deliver_kind(RAFT_HEARTBEAT_REPLY, 3, 1);
    assert_int_equal(lab->nodes[1].reads_served, 2);
}

static void all_reads_of_a_turn_share_one_round(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_elect(1);
    lab_forget_messages();
    struct raft *raft = lab->nodes[1].raft;
    for (uint64_t context = 1; context <= 10; context++) {
        struct raft_outcome outcome;
        assert_int_equal(
            raft_step(raft, &(struct raft_event){.kind = RAFT_EVENT_READ, .read = {.context = context}}, &outcome),
            STATUS_OK);
    }
    struct raft_ready ready;
    assert_true(raft_ready(raft, &ready));
    assert_int_equal(ready.message_count, 2); /* a heartbeat to each follower */
    struct raft_message reply = {
        .kind = RAFT_HEARTBEAT_REPLY, .from = 2, .to = 1, .term = ready.term, .round = ready.messages[0].round};
    struct raft_outcome outcome;
    assert_int_equal(raft_step(raft, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = &reply}, &outcome),
                     STATUS_OK);
    assert_true(raft_ready(raft, &ready));
    assert_int_equal(ready.read_count, 10);
}

static void a_round_that_was_lost_is_made_good_by_the_next_heartbeat(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_elect(1);
    assert_int_equal(lab_read(lab, 1), STATUS_OK);
    lab_forget_messages();
    lab_tick(lab, 1);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab->nodes[1].reads_served, 1);
}

static void a_follower_asks_the_leader_for_a_read_index(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    assert_int_equal(lab_propose(lab, 1, 2), STATUS_OK);
    lab_settle(lab);
    assert_int_equal(lab_read(lab, 3), STATUS_OK);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab->nodes[3].reads_served, 1);
}

static void reads_fail_when_leadership_is_lost(void **state) {
    (void)state;
    lab_begin(3, true);
    lab_elect(1);
    lab_isolate(lab, 1);
    assert_int_equal(lab_read(lab, 1), STATUS_OK);
    assert_int_equal(lab->nodes[1].read_count, 1);
    lab_tick_times(1, 25);
    assert_int_equal(lab_status(lab, 1).role, RAFT_FOLLOWER);
    assert_int_equal(lab->nodes[1].read_count, 0); /* told to ask again */
    assert_int_equal(lab->nodes[1].reads_served, 0);
}

/* ---- 10.2.1 pipelining and its limits ---------------------------------------------------------------------------- */

static void the_window_bounds_appends_in_messages_and_in_bytes(void **state) {
    (void)state;
    struct lab_options options = {
        .nodes = 3, .voters = 3, .seed = 1, .election_ticks = 10, .inflight_messages_max = 3, .append_bytes_max = 16};
    lab_start(lab, &options);
    lab_elect(1);
    lab_isolate(lab, 3);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(lab_propose(lab, 1, 2), STATUS_OK);
        lab_settle(lab);
    }
    struct raft_peer peer = lab_status(lab, 1).peers[2];
    assert_int_equal(peer.inflight_messages, 3);
    assert_int_equal(peer.inflight_bytes, 3 * 16);
    assert_true(peer.paused);
    assert_int_equal(lab_status(lab, 1).commit, lab_status(lab, 1).last); /* the others are not held up */
    lab_heal(lab);
    lab_tick_times(1, 3);
    lab_settle(lab);
    lab_must_be_well();
    assert_int_equal(lab_status(lab, 3).last, lab_status(lab, 1).last);
}

static void a_full_uncommitted_tail_refuses_proposals(void **state) {
    (void)state;
    struct lab_options options = {
        .nodes = 3, .voters = 3, .seed = 1, .election_ticks = 10, .uncommitted_bytes_max = 100};
    lab_start(lab, &options);
    lab_elect(1);
    lab_isolate(lab, 1);
    assert_int_equal(lab_propose(lab, 1, 16), STATUS_OK); /* larger than the limit, but nothing else waits */
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_BUSY);
    lab_heal(lab);
    lab_tick_times(1, 3);
    lab_settle(lab);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_OK);
    lab_must_be_well();
}

static void a_node_whose_disk_failed_is_silent_and_leads_no_more(void **state) {
    (void)state;
    lab_begin(3, false);
    lab_elect(1);
    (void)lab_step(lab, 1, &(struct raft_event){.kind = RAFT_EVENT_HALT});
    lab_forget_messages();
    assert_int_equal(lab_status(lab, 1).role, RAFT_FOLLOWER);
    assert_int_equal(lab_propose(lab, 1, 1), STATUS_NOT_LEADER);
    lab_receive(
        &(struct raft_message){.kind = RAFT_VOTE, .from = 2, .to = 1, .term = 90, .index = 100, .log_term = 80});
    lab_tick_times(1, 100);
    assert_int_equal(lab->message_count, 0);
    for (unsigned tick = 0; tick < 60; tick++) {
        lab_tick(lab, 2);
        lab_tick(lab, 3);
        lab_settle(lab);
    }
    assert_true(lab_leader(lab) == 2 || lab_leader(lab) == 3);
    lab_must_be_well();
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, lab_set_up, lab_tear_down)
        T(a_majority_of_durable_votes_elects_a_leader),
        T(a_candidate_in_a_minority_stays_one),
        T(a_node_votes_once_in_a_term),
        T(a_vote_survives_a_crash),
        T(split_votes_end_because_timeouts_differ),
        T(a_refused_vote_does_not_begin_the_wait_anew),
        T(a_given_vote_begins_the_wait_anew),
        T(an_entry_reaches_all_and_is_committed),
        T(a_proposal_to_a_follower_names_the_leader),
        T(a_conflicting_tail_is_replaced_by_the_leader_s),
        T(a_late_append_takes_nothing_back),
        T(terms_are_skipped_in_one_refusal_each),
        T(a_voter_refuses_a_candidate_with_a_lesser_log),
        T(figure_eight_an_old_entry_is_not_committed_by_counting),
        T(an_entry_of_its_own_term_commits_all_before_it),
        T(no_vote_and_no_request_leaves_before_it_is_durable),
        T(no_acknowledgement_leaves_before_entry_and_term_are_durable),
        T(a_leader_sends_before_its_own_write_and_counts_it_after),
        T(followers_alone_can_commit_what_the_leader_has_not_written_yet),
        T(one_voter_commits_when_its_disk_is_done),
        T(a_joint_configuration_needs_both_majorities),
        T(one_change_at_a_time),
        T(a_learner_receives_and_decides_nothing),
        T(a_leader_that_was_removed_goes_once_others_know),
        T(voters_stick_to_a_leader_that_they_hear),
        T(a_leader_that_is_cut_off_steps_down),
        T(a_node_that_was_cut_off_comes_back_without_a_new_term),
        T(a_follower_that_the_log_can_t_reach_gets_a_snapshot),
        T(a_snapshot_of_the_past_changes_nothing),
        T(a_snapshot_is_acknowledged_only_when_it_is_installed),
        T(a_read_waits_for_an_entry_of_the_leader_s_own_term),
        T(a_read_is_confirmed_by_a_majority_after_it_was_asked),
        T(a_late_or_repeated_reply_confirms_no_later_read),
        T(all_reads_of_a_turn_share_one_round),
        T(a_round_that_was_lost_is_made_good_by_the_next_heartbeat),
        T(a_follower_asks_the_leader_for_a_read_index),
        T(reads_fail_when_leadership_is_lost),
        T(the_window_bounds_appends_in_messages_and_in_bytes),
        T(a_full_uncommitted_tail_refuses_proposals),
        T(a_node_whose_disk_failed_is_silent_and_leads_no_more),
    };
    return cmocka_run_group_tests_name("paper", tests, NULL, NULL);
}
