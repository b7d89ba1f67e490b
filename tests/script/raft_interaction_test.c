/*
 * raft_interaction: the interaction transcripts of etcd-io/raft on our core (tests/harness/raft_transcript.h says what
 * "exact" and "final" mean). Each test names the strength that it demands; where that is not "exact", it says why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/harness/datadriven.h"
#include "tests/harness/raft_transcript.h"

enum strength { EXACT, FINAL };

static unsigned played, played_exact;

static void play(const char *name, enum strength strength) {
    struct raft_transcript_result result;
    raft_transcript_run(name, &result);
    if (!result.found) {
        print_message("SKIP: no raft-scripts/interaction/%s in %s\n", name, datadriven_folder());
        skip();
    }
    bool good = result.unsupported[0] == '\0' && result.final && (result.exact || strength == FINAL);
    print_message("%s: %u directives, %s\n", name, result.directives, result.exact ? "exact" : "final state and log");
    if (!good) {
        print_message("unsupported: %s\n%.*s", result.unsupported, (int)result.difference.size,
                      (const char *)result.difference.data);
    }
    played++;
    played_exact += result.exact;
    buf_deinit(&result.difference);
    assert_true(good);
}

static void one_node_elects_itself_and_commits(void **state) {
    (void)state;
    play("single_node.txt", EXACT);
}

static void a_leader_without_a_quorum_steps_down(void **state) {
    (void)state;
    play("checkquorum.txt", EXACT);
}

static void a_pre_vote_is_won_only_when_the_leader_is_silent(void **state) {
    (void)state;
    play("prevote_checkquorum.txt", EXACT);
}

static void a_new_leader_finds_where_figure_seven_s_logs_part(void **state) {
    (void)state;
    play("probe_and_replicate.txt", EXACT);
}

static void a_full_window_is_loosened_by_a_heartbeat(void **state) {
    (void)state;
    play("replicate_pause.txt", EXACT);
}

static void a_follower_behind_the_log_gets_a_snapshot(void **state) {
    (void)state;
    play("slow_follower_after_compaction.txt", EXACT);
}

static void an_acknowledgement_alone_ends_the_snapshot_state(void **state) {
    (void)state;
    play("snapshot_succeed_via_app_resp.txt", EXACT);
}

static void one_voter_is_added_in_one_step(void **state) {
    (void)state;
    play("confchange_v2_add_single_auto.txt", EXACT);
}

static void a_joint_configuration_is_left_by_itself(void **state) {
    (void)state;
    play("confchange_v2_add_double_implicit.txt", EXACT);
}

/* Four appends arrive before a node handles its Ready: etcd answers each, we answer all of them by one acknowledgement.
 */
static void two_voters_are_added_and_removed_jointly(void **state) {
    (void)state;
    play("confchange_v2_add_double_auto.txt", FINAL);
}

static void a_leader_that_is_replaced_gives_its_place_to_the_newcomer(void **state) {
    (void)state;
    play("confchange_v2_replace_leader.txt", EXACT);
}

/*
 * The second change is proposed while the first is committed and not applied. etcd counts its own disk after it has
 * applied what a Ready commits, our harness before: so our appends to the new learners tell a commit index that is one
 * later.
 */
static void a_change_that_is_taken_unasked_applies_after_the_one_before_it(void **state) {
    (void)state;
    play("confchange_disable_validation.txt", FINAL);
}

static int print_count(void **state) {
    (void)state;
    if (played > 0)
        print_message("%u transcripts played: %u at the strength of exact messages, %u of final state and log\n",
                      played, played_exact, played - played_exact);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_node_elects_itself_and_commits),
        cmocka_unit_test(a_leader_without_a_quorum_steps_down),
        cmocka_unit_test(a_pre_vote_is_won_only_when_the_leader_is_silent),
        cmocka_unit_test(a_new_leader_finds_where_figure_seven_s_logs_part),
        cmocka_unit_test(a_full_window_is_loosened_by_a_heartbeat),
        cmocka_unit_test(a_follower_behind_the_log_gets_a_snapshot),
        cmocka_unit_test(an_acknowledgement_alone_ends_the_snapshot_state),
        cmocka_unit_test(one_voter_is_added_in_one_step),
        cmocka_unit_test(a_joint_configuration_is_left_by_itself),
        cmocka_unit_test(two_voters_are_added_and_removed_jointly),
        cmocka_unit_test(a_leader_that_is_replaced_gives_its_place_to_the_newcomer),
        cmocka_unit_test(a_change_that_is_taken_unasked_applies_after_the_one_before_it),
    };
    return cmocka_run_group_tests_name("raft_interaction", tests, NULL, print_count);
}
