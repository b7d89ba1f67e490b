/* Transactions, fact by fact: what conflicts with them, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/txn_lab.h"

static void the_first_committer_wins_and_the_other_is_told_the_key(void **state) {
    struct txn_lab *fixture = *state;
    struct engine_txn_conflict conflict;
    struct engine_stats stats;
    txn_lab_begin_both(fixture);
    txn_lab_put(fixture->txn, "a", "1");
    txn_lab_put(fixture->txn, "k", "1");
    txn_lab_put(fixture->other, "k", "2");
    txn_lab_commit(fixture->other);
    engine_get_stats(fixture->lab.engine, &stats);
    txn_lab_expect_conflict(fixture->txn, TREE, "k");
    engine_txn_get_conflict(fixture->txn, &conflict);
    assert_int_equal(conflict.sequence, stats.sequence);
    assert_false(conflict.tree_is_gone);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "k=2");
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    txn_lab_expect(fixture->txn, TREE, "k", "2");
    txn_lab_put(fixture->txn, "k", "3");
    txn_lab_commit(fixture->txn);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "k=3");
}

static void other_keys_and_trees_do_not_conflict(void **state) {
    struct txn_lab *fixture = *state;
    txn_lab_begin(fixture);
    txn_lab_put(fixture->txn, "b", "1");
    lab_put(fixture->lab.engine, TREE, "a", "1");
    lab_delete_range(fixture->lab.engine, TREE, "a", "b");
    lab_put(fixture->lab.engine, TREE, "c", "1");
    lab_put(fixture->lab.engine, SUMS, "b", "1");
    txn_lab_commit(fixture->txn);
}

static void write_in_every_way(struct engine *engine, int way) {
    switch (way) {
    case 0: lab_put(engine, SUMS, "k", "7"); break;
    case 1: lab_delete(engine, SUMS, "k"); break;
    case 2: lab_merge(engine, SUMS, "k", "7"); break;
    case 3: lab_append(engine, SUMS, "k", "7"); break;
    default: lab_delete_range(engine, SUMS, "a", "z"); break;
    }
}

enum { WAYS = 5, PLACES = 3, FLUSHED = 1, COMPACTED = 2 };

/* The key may be there at the beginning or not; the writes may lie in memory or be folded in files by then. */
static void every_way_of_writing_conflicts_wherever_it_lies(void **state) {
    struct txn_lab *fixture = *state;
    for (int run = 0; run < WAYS * PLACES * 2; run++) {
        const int way = run % WAYS, place = run / WAYS % PLACES;
        lab_delete_range(fixture->lab.engine, SUMS, "", "z");
        if (run / WAYS / PLACES) lab_put(fixture->lab.engine, SUMS, "k", "1");
        assert_int_equal(engine_txn_begin(fixture->lab.engine, NULL, &fixture->txn), STATUS_OK);
        assert_int_equal(engine_txn_put(fixture->txn, SUMS, s("k"), s("3")), STATUS_OK);
        write_in_every_way(fixture->lab.engine, way);
        if (place >= FLUSHED) assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
        if (place == COMPACTED) assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
        txn_lab_expect_conflict(fixture->txn, SUMS, "k");
        engine_txn_end(fixture->txn);
        fixture->txn = NULL;
    }
}

/* Nothing of it is left to be seen; yet it was written. */
static void a_key_that_came_and_went_conflicts_though_compaction_saw_it(void **state) {
    struct txn_lab *fixture = *state;
    lab_put(fixture->lab.engine, TREE, "a", "1");
    txn_lab_settle(fixture);
    txn_lab_begin(fixture);
    txn_lab_put(fixture->txn, "k", "1");
    lab_put(fixture->lab.engine, TREE, "k", "2");
    txn_lab_settle(fixture);
    lab_delete(fixture->lab.engine, TREE, "k");
    txn_lab_settle(fixture);
    txn_lab_settle(fixture);
    txn_lab_expect_conflict(fixture->txn, TREE, "k");
}

static void a_value_that_its_filter_dropped_conflicts(void **state) {
    struct txn_lab *fixture = *state;
    lab_create_tree(fixture->lab.engine, 9, LAB_EXPIRY);
    txn_lab_begin(fixture);
    assert_int_equal(engine_txn_put(fixture->txn, 9, s("k"), s("9")), STATUS_OK);
    lab_put(fixture->lab.engine, 9, "k", "5");
    lab_set_time(fixture->lab.engine, 1000);
    txn_lab_settle(fixture);
    txn_lab_settle(fixture);
    txn_lab_expect_conflict(fixture->txn, 9, "k");
}

/* Files of this tree go as soon as nobody sees them. */
static void a_file_that_a_fifo_would_drop_conflicts_first(void **state) {
    struct txn_lab *fixture = *state;
    lab_create_tree(fixture->lab.engine, FIFO_TREE, FIFO_KIND);
    txn_lab_begin(fixture);
    assert_int_equal(engine_txn_put(fixture->txn, FIFO_TREE, s("k"), s("9")), STATUS_OK);
    lab_put(fixture->lab.engine, FIFO_TREE, "k", "5");
    txn_lab_settle(fixture);
    txn_lab_expect_conflict(fixture->txn, FIFO_TREE, "k");
    engine_txn_end(fixture->txn);
    fixture->txn = NULL;
    txn_lab_settle(fixture);
    lab_expect_all(fixture->lab.engine, NULL, FIFO_TREE, "");
}

static void ingested_rows_conflict(void **state) {
    struct txn_lab *fixture = *state;
    struct engine_sst_writer *writer;
    const char *const path = "in";
    txn_lab_begin(fixture);
    txn_lab_put(fixture->txn, "k", "1");
    assert_int_equal(engine_sst_writer_open(fixture->lab.io, path, &fixture->kinds[LAB_PLAIN - 1], &writer), STATUS_OK);
    assert_int_equal(engine_sst_writer_put(writer, s("k"), s("2")), STATUS_OK);
    assert_int_equal(engine_sst_writer_finish(writer), STATUS_OK);
    engine_sst_writer_close(writer);
    assert_int_equal(engine_ingest(fixture->lab.engine, TREE, &path, 1, NULL, NULL), STATUS_OK);
    txn_lab_expect_conflict(fixture->txn, TREE, "k");
}

static void a_range_delete_conflicts_with_a_row_that_came_into_the_range(void **state) {
    struct txn_lab *fixture = *state;
    for (int place = 0; place < PLACES; place++) {
        assert_int_equal(engine_txn_begin(fixture->lab.engine, NULL, &fixture->txn), STATUS_OK);
        assert_int_equal(engine_txn_delete_range(fixture->txn, TREE, s("d"), s("g")), STATUS_OK);
        lab_put(fixture->lab.engine, TREE, "c", "1");
        lab_put(fixture->lab.engine, TREE, "e", "1");
        lab_put(fixture->lab.engine, TREE, "g", "1");
        if (place >= FLUSHED) assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
        if (place == COMPACTED) assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
        txn_lab_expect_conflict(fixture->txn, TREE, "e");
        engine_txn_end(fixture->txn);
        fixture->txn = NULL;
    }
    txn_lab_begin(fixture);
    assert_int_equal(engine_txn_delete_range(fixture->txn, TREE, s("d"), s("g")), STATUS_OK);
    lab_put(fixture->lab.engine, TREE, "c", "1");
    lab_put(fixture->lab.engine, TREE, "g", "1");
    lab_delete_range(fixture->lab.engine, TREE, "a", "d");
    txn_lab_commit(fixture->txn);
}

static void two_range_deletes_conflict_where_they_meet(void **state) {
    struct txn_lab *fixture = *state;
    for (int place = 0; place < 2; place++) {
        assert_int_equal(engine_txn_begin(fixture->lab.engine, NULL, &fixture->txn), STATUS_OK);
        assert_int_equal(engine_txn_delete_range(fixture->txn, TREE, s("d"), s("")), STATUS_OK);
        lab_delete_range(fixture->lab.engine, TREE, "m", "p");
        if (place) txn_lab_settle(fixture);
        txn_lab_expect_conflict(fixture->txn, TREE, "m");
        engine_txn_end(fixture->txn);
        fixture->txn = NULL;
    }
}

static void a_tree_made_anew_conflicts(void **state) {
    struct txn_lab *fixture = *state;
    struct engine_txn_conflict conflict;
    txn_lab_begin(fixture);
    txn_lab_put(fixture->txn, "k", "1");
    lab_drop_tree(fixture->lab.engine, TREE);
    txn_lab_expect_conflict(fixture->txn, TREE, "");
    engine_txn_get_conflict(fixture->txn, &conflict);
    assert_true(conflict.tree_is_gone);
    assert_true(conflict.sequence > 0);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    txn_lab_settle(fixture);
    txn_lab_expect_conflict(fixture->txn, TREE, "");
    txn_lab_expect(fixture->txn, TREE, "k", "1");
    lab_expect_all(fixture->lab.engine, NULL, TREE, "");
}

static void write_skew_passes_unless_keys_are_locked(void **state) {
    struct txn_lab *fixture = *state;
    struct engine_value value;
    for (int locked = 0; locked < 2; locked++) {
        lab_put(fixture->lab.engine, TREE, "a", "on duty");
        lab_put(fixture->lab.engine, TREE, "b", "on duty");
        txn_lab_begin_both(fixture);
        const char *const reads[] = {"b", "a"}, *const writes[] = {"a", "b"};
        struct engine_txn *txns[] = {fixture->txn, fixture->other};
        for (int i = 0; i < 2; i++) {
            txn_lab_expect(txns[i], TREE, reads[i], "on duty");
            if (locked) {
                assert_int_equal(engine_txn_get_for_update(txns[i], TREE, s(reads[i]), &value), STATUS_OK);
                engine_value_release(&value);
            }
            txn_lab_put(txns[i], writes[i], "away");
        }
        txn_lab_commit(fixture->txn);
        if (locked)
            txn_lab_expect_conflict(fixture->other, TREE, "a");
        else
            txn_lab_commit(fixture->other);
        lab_expect_all(fixture->lab.engine, NULL, TREE, locked ? "a=away b=on duty" : "a=away b=away");
        engine_txn_end(fixture->txn);
        engine_txn_end(fixture->other);
        fixture->txn = fixture->other = NULL;
    }
}

static void a_locked_key_that_was_not_there_conflicts_when_it_comes(void **state) {
    struct txn_lab *fixture = *state;
    struct engine_value value;
    txn_lab_begin(fixture);
    assert_int_equal(engine_txn_get_for_update(fixture->txn, TREE, s("k"), &value), STATUS_NOT_FOUND);
    txn_lab_put(fixture->txn, "other", "1");
    lab_put(fixture->lab.engine, TREE, "k", "1");
    txn_lab_expect_conflict(fixture->txn, TREE, "k");
}

static void a_locked_range_conflicts_with_a_phantom(void **state) {
    struct txn_lab *fixture = *state;
    txn_lab_begin(fixture);
    assert_int_equal(engine_txn_lock_range(fixture->txn, TREE, s("a"), s("c")), STATUS_OK);
    txn_lab_put(fixture->txn, "z", "1");
    lab_put(fixture->lab.engine, TREE, "b", "1");
    txn_lab_expect_conflict(fixture->txn, TREE, "b");
}

static void with_nothing_written_a_commit_says_whether_locks_held(void **state) {
    struct txn_lab *fixture = *state;
    txn_lab_begin(fixture);
    lab_put(fixture->lab.engine, TREE, "k", "1");
    txn_lab_commit(fixture->txn);
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    assert_int_equal(engine_txn_lock(fixture->txn, TREE, s("k")), STATUS_OK);
    lab_put(fixture->lab.engine, TREE, "k", "2");
    txn_lab_expect_conflict(fixture->txn, TREE, "k");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, txn_lab_set_up, txn_lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_first_committer_wins_and_the_other_is_told_the_key),
        TEST(other_keys_and_trees_do_not_conflict),
        TEST(every_way_of_writing_conflicts_wherever_it_lies),
        TEST(a_key_that_came_and_went_conflicts_though_compaction_saw_it),
        TEST(a_value_that_its_filter_dropped_conflicts),
        TEST(a_file_that_a_fifo_would_drop_conflicts_first),
        TEST(ingested_rows_conflict),
        TEST(a_range_delete_conflicts_with_a_row_that_came_into_the_range),
        TEST(two_range_deletes_conflict_where_they_meet),
        TEST(a_tree_made_anew_conflicts),
        TEST(write_skew_passes_unless_keys_are_locked),
        TEST(a_locked_key_that_was_not_there_conflicts_when_it_comes),
        TEST(a_locked_range_conflicts_with_a_phantom),
        TEST(with_nothing_written_a_commit_says_whether_locks_held),
    };
    return cmocka_run_group_tests_name("txn_conflict", tests, NULL, NULL);
}
