/* raft_live_test: what is made of a running node's INFO: what commit waits for, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/loam/inspect/raftview/raft_live.h"

#define HEAD                                                                                                           \
    "# Raft\r\nraft_node_id:1\r\nraft_term:4\r\nraft_vote:1\r\nraft_first_index:1\r\nraft_disk:well\r\n"               \
    "raft_membership:member\r\nraft_commit_waiting_ms:2500\r\n"
#define SELF "peer_1:address=a:1,client_address=a:2,connected=1,voter=1,match=12,lag=0,progress=,last_heard_ms=-1\r\n"

static struct raft_live parse(const char *info) {
    struct raft_live live;
    assert_true(raft_live_parse(&live, slice_from_text(info)));
    return live;
}

static void says(const struct raft_live *live, const char *words) {
    struct out out = {.text = BUF_EMPTY};
    raft_live_print(&out, live);
    raft_live_json(&out, live);
    assert_int_equal(out.status, STATUS_OK);
    assert_int_equal(buf_append_byte(&out.text, '\0'), STATUS_OK);
    if (!strstr((const char *)out.text.data, words))
        fail_msg("\"%s\" is not in:\n%s", words, (const char *)out.text.data);
    buf_deinit(&out.text);
}

static void nothing_waits_where_all_is_committed(void **state) {
    (void)state;
    const struct raft_live live =
        parse(HEAD "raft_role:leader\r\nraft_leader:1\r\nraft_commit:12\r\nraft_last_index:12\r\n"
                   "raft_durable_index:12\r\nraft_configuration:voters=(1 2 3)\r\n" SELF);
    assert_int_equal(raft_live_wait(&live).index, 0);
    says(&live, "nothing waits: all 12 entries are committed");
}

static void a_voter_that_is_not_connected_is_named_with_since_when(void **state) {
    (void)state;
    const struct raft_live live = parse(
        HEAD "raft_role:leader\r\nraft_leader:1\r\nraft_commit:9\r\nraft_last_index:12\r\nraft_durable_index:12\r\n"
             "raft_configuration:voters=(1 2 3)\r\n" SELF
             "peer_2:client_address=b:2,connected=0,voter=1,match=9,lag=3,progress=probe,last_heard_ms=2600\r\n"
             "peer_3:client_address=c:2,connected=1,voter=1,match=5,lag=7,progress=snapshot,last_heard_ms=20\r\n");
    const struct raft_live_wait wait = raft_live_wait(&live);
    assert_true(wait.index == 10 && wait.last == 12 && wait.needed == 1 && wait.count == 2);
    assert_true(wait.ids[0] == 2 && wait.ids[1] == 3);
    says(&live, "has stood at 9 for 2.5 s; entries 10 to 12 behind it");
    says(&live, "node 2: not connected, last heard 2.6 s ago");
    says(&live, "node 3: is being sent a snapshot");
}

static void the_leaders_own_disk_counts_as_a_voters(void **state) {
    (void)state;
    const struct raft_live live = parse(
        HEAD "raft_role:leader\r\nraft_leader:1\r\nraft_commit:9\r\nraft_last_index:12\r\nraft_durable_index:9\r\n"
             "raft_disk_waiting_ms:1800\r\nraft_configuration:voters=(1)\r\n" SELF);
    const struct raft_live_wait wait = raft_live_wait(&live);
    assert_true(wait.needed == 1 && wait.count == 1 && wait.ids[0] == 1);
    says(&live, "its own disk has not answered for 1.8 s");
}

static void both_halves_of_a_joint_configuration_must_answer(void **state) {
    (void)state;
    const struct raft_live live = parse(
        HEAD
        "raft_role:leader\r\nraft_leader:1\r\nraft_commit:9\r\nraft_last_index:12\r\nraft_durable_index:12\r\n"
        "raft_configuration:voters=(1 2)&&(3 4 5) autoleave\r\n" SELF
        "peer_2:connected=1,voter=1,match=12,last_heard_ms=5\r\npeer_3:connected=1,voter=1,match=12,last_heard_ms=5\r\n"
        "peer_4:connected=1,voter=1,match=9,last_heard_ms=900\r\npeer_5:connected=1,voter=1,match=9,last_heard_ms=-"
        "1\r\n");
    assert_int_equal(live.configuration.outgoing_count, 3);
    const struct raft_live_wait wait = raft_live_wait(&live);
    assert_true(wait.needed == 1 && wait.count == 2 && wait.ids[0] == 4 && wait.ids[1] == 5);
    says(&live, "node 4: connected, but silent for 900 ms");
    says(&live, "node 5: never heard");
}

static void without_a_leader_it_is_told_whom_the_node_hears(void **state) {
    (void)state;
    const struct raft_live live =
        parse(HEAD "raft_role:pre-candidate\r\nraft_leader:0\r\nraft_commit:9\r\nraft_last_index:12\r\n"
                   "raft_configuration:voters=(1 2 3)\r\n" SELF
                   "peer_2:connected=0,voter=1,last_heard_ms=5000\r\npeer_3:connected=0,voter=1,last_heard_ms=-1\r\n");
    says(&live, "this node knows no leader; it hears 1 of 3 voters, itself included, which is no majority");
    says(&live, "node 2: not connected, heard 5.0 s ago");
}

static void a_limit_that_is_reached_is_told(void **state) {
    (void)state;
    const struct raft_live live = parse(
        HEAD
        "raft_role:leader\r\nraft_leader:1\r\nraft_commit:9\r\nraft_last_index:12\r\nraft_durable_index:12\r\n"
        "raft_configuration:voters=(1 2 3)\r\nlog_bytes:use=256,limit=256\r\nuncommitted_bytes:use=33,limit=32\r\n");
    says(&live, "the uncommitted tail is full (32 bytes)");
    says(&live, "the log is at its cap (256 bytes)");
}

static void a_new_leader_that_guards_is_told(void **state) {
    (void)state;
    const struct raft_live live = parse(
        HEAD "raft_role:leader\r\nraft_leader:1\r\nraft_commit:9\r\nraft_last_index:10\r\nraft_durable_index:10\r\n"
             "raft_guards:1\r\nraft_guard_ms:80\r\nraft_configuration:voters=(1 2 3)\r\n");
    says(&live, "because this leader is new");
}

static void what_is_no_node_of_loam_is_refused(void **state) {
    struct raft_live live;
    (void)state;
    assert_false(raft_live_parse(&live, slice_from_text("# Server\r\nredis_version:7.0.0\r\n")));
    assert_false(raft_live_parse(&live, slice_from_text("peer_:\r\npeer_1\npeer_x:match=1")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_waits_where_all_is_committed),
        cmocka_unit_test(a_voter_that_is_not_connected_is_named_with_since_when),
        cmocka_unit_test(the_leaders_own_disk_counts_as_a_voters),
        cmocka_unit_test(both_halves_of_a_joint_configuration_must_answer),
        cmocka_unit_test(without_a_leader_it_is_told_whom_the_node_hears),
        cmocka_unit_test(a_limit_that_is_reached_is_told),
        cmocka_unit_test(a_new_leader_that_guards_is_told),
        cmocka_unit_test(what_is_no_node_of_loam_is_refused),
    };
    return cmocka_run_group_tests_name("raft live", tests, NULL, NULL);
}
