/*
 * story: what makes the core fit for traces and replay: its prints read like a story, equal runs have equal hashes, and
 * after raft_create it asks for no memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/harness/alloc_fault.h"
#include "tests/harness/raft_lab.h"

static const char election_and_first_commit[] =
    "1 starts with a log to 0, a store at 0\n"
    "2 starts with a log to 0, a store at 0\n"
    "1 campaign\n"
    "  is pre-candidate in term 0, leader 0\n"
    "  send 1->2 pre-vote in term 1 with a log to 0/0\n"
    "2 receive 1->2 pre-vote in term 1 with a log to 0/0\n"
    "  send 2->1 pre-vote-reply in term 1: yes\n"
    "1 receive 2->1 pre-vote-reply in term 1: yes\n"
    "  is candidate in term 1, leader 0\n"
    "  work 1: term 1 vote 1;\n"
    "1 work 1 is durable\n"
    "  send 1->2 vote in term 1 with a log to 0/0\n"
    "2 receive 1->2 vote in term 1 with a log to 0/0\n"
    "  is follower in term 1, leader 0\n"
    "  work 1: term 1 vote 1;\n"
    "2 work 1 is durable\n"
    "  send 2->1 vote-reply in term 1: yes\n"
    "1 receive 2->1 vote-reply in term 1: yes\n"
    "  is leader in term 1, leader 1\n"
    "  work 2: append 1..1;\n"
    "  send 1->2 append in term 1 after 0/0, commit 0, entries 1..1\n"
    "1 work 2 is durable\n"
    "2 receive 1->2 append in term 1 after 0/0, commit 0, entries 1/1 noop\n"
    "  is follower in term 1, leader 1\n"
    "  work 2: append 1..1;\n"
    "2 work 2 is durable\n"
    "  send 2->1 append-reply in term 1: has up to 1\n"
    "1 receive 2->1 append-reply in term 1: has up to 1\n"
    "  send 1->2 append in term 1 after 1/1, commit 1\n"
    "  commit 1..1\n"
    "1 applied up to 1\n"
    "2 receive 1->2 append in term 1 after 1/1, commit 1\n"
    "  send 2->1 append-reply in term 1: has up to 1\n"
    "  commit 1..1\n"
    "2 applied up to 1\n";

static void play(struct lab *lab, struct buf *trace) {
    struct lab_options options = {.nodes = 2,
                                  .voters = 2,
                                  .seed = 42,
                                  .by_hand = true,
                                  .heartbeat_ticks = 1,
                                  .election_ticks = 10,
                                  .trace = trace};
    lab_start(lab, &options);
    lab_campaign(lab, 1);
    lab_settle(lab);
}

static void an_election_and_a_commit_read_like_a_story(void **state) {
    (void)state;
    struct lab *lab = lab_create();
    assert_non_null(lab);
    struct buf trace = BUF_EMPTY;
    play(lab, &trace);
    size_t size = sizeof election_and_first_commit - 1;
    assert_true(trace.size >= size);
    if (memcmp(trace.data, election_and_first_commit, size) != 0)
        fail_msg("%.*s", (int)trace.size, (const char *)trace.data);
    struct buf line = BUF_EMPTY;
    assert_int_equal(raft_state_print(&line, lab->nodes[1].raft), STATUS_OK);
    assert_true(slice_equal(buf_slice(&line),
                            slice_from_text("1 leader in term 1, vote 1, leader 1; log 1..1, durable 1, commit 1, "
                                            "applied 1; 2 replicate match 1 next 2")));
    buf_deinit(&line);
    buf_deinit(&trace);
    lab_destroy(lab);
}

static void equal_events_give_equal_hashes_and_others_do_not(void **state) {
    (void)state;
    struct lab *lab = lab_create();
    assert_non_null(lab);
    play(lab, NULL);
    uint64_t first = raft_hash(lab->nodes[1].raft);
    lab_stop(lab);
    play(lab, NULL);
    assert_true(raft_hash(lab->nodes[1].raft) == first);
    lab_tick(lab, 1);
    assert_true(raft_hash(lab->nodes[1].raft) != first);
    lab_destroy(lab);
}

static void nothing_is_allocated_after_creation(void **state) {
    (void)state;
    struct lab *lab = lab_create();
    assert_non_null(lab);
    struct lab_options options = {.nodes = 3, .voters = 3, .seed = 7, .heartbeat_ticks = 1, .election_ticks = 10};
    lab_start(lab, &options);
    uint64_t before = alloc_fault_count();
    lab_campaign(lab, 1);
    lab_settle(lab);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(lab_propose(lab, 1, 4), STATUS_OK);
        assert_int_equal(lab_read(lab, 2), STATUS_OK);
        for (uint64_t id = 1; id <= 3; id++) lab_tick(lab, id);
        lab_settle(lab);
    }
    assert_string_equal(lab->failure, "");
    assert_true(lab->met.commits > 200);
    assert_int_equal(alloc_fault_count(), before);
    lab_destroy(lab);
}

static unsigned measure(void *context, uint64_t first, uint64_t last, size_t limit, size_t *bytes) {
    (void)context;
    (void)limit;
    *bytes = 0;
    return (unsigned)(last - first + 1);
}

static void every_allocation_of_a_creation_may_fail(void **state) {
    (void)state;
    struct raft_options options = {.id = 1, .measure = measure};
    uint64_t points = 0;
    for (uint64_t n = 1;; n++) {
        struct raft *raft;
        alloc_fault_at(n);
        enum status status = raft_create(&options, &raft);
        if (!alloc_fault_clear()) {
            assert_int_equal(status, STATUS_OK);
            raft_destroy(raft);
            break;
        }
        points++;
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_null(raft);
    }
    assert_true(points >= 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_election_and_a_commit_read_like_a_story),
        cmocka_unit_test(equal_events_give_equal_hashes_and_others_do_not),
        cmocka_unit_test(nothing_is_allocated_after_creation),
        cmocka_unit_test(every_allocation_of_a_creation_may_fail),
    };
    return cmocka_run_group_tests_name("story", tests, NULL, NULL);
}
