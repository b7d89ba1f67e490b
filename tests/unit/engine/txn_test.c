/* Transactions, fact by fact: what they see and what they leave; what conflicts: txn_conflict_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/alloc_fault.h"
#include "tests/harness/txn_lab.h"

/* ---- What is seen ------------------------------------------------------------------------------------------------ */

static void reads_see_the_beginning_and_own_writes(void **state) {
    struct txn_lab *fixture = *state;
    lab_put(fixture->lab.engine, TREE, "a", "1");
    lab_put(fixture->lab.engine, TREE, "b", "2");
    txn_lab_begin(fixture);
    lab_put(fixture->lab.engine, TREE, "a", "later");
    lab_put(fixture->lab.engine, TREE, "z", "later");
    txn_lab_put(fixture->txn, "c", "own");
    assert_int_equal(engine_txn_delete(fixture->txn, TREE, s("b")), STATUS_OK);
    txn_lab_expect(fixture->txn, TREE, "a", "1");
    txn_lab_expect(fixture->txn, TREE, "b", NULL);
    txn_lab_expect(fixture->txn, TREE, "c", "own");
    txn_lab_expect(fixture->txn, TREE, "z", NULL);
    lab_expect_all(fixture->lab.engine, engine_txn_snapshot(fixture->txn), TREE, "a=1 b=2");
}

static void nobody_sees_it_before_the_commit_and_everybody_all_of_it_after(void **state) {
    struct txn_lab *fixture = *state;
    txn_lab_begin(fixture);
    txn_lab_put(fixture->txn, "a", "1");
    assert_int_equal(engine_txn_merge(fixture->txn, SUMS, s("n"), s("5")), STATUS_OK);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "");
    lab_expect_all(fixture->lab.engine, NULL, SUMS, "");
    txn_lab_commit(fixture->txn);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "a=1");
    lab_expect_all(fixture->lab.engine, NULL, SUMS, "n=5");
}

static void what_is_given_up_was_never_there(void **state) {
    struct txn_lab *fixture = *state;
    txn_lab_begin(fixture);
    txn_lab_put(fixture->txn, "a", "1");
    engine_txn_end(fixture->txn);
    fixture->txn = NULL;
    lab_expect_all(fixture->lab.engine, NULL, TREE, "");
}

/* Versions of others lie between the base and what is own. */
static void own_operands_are_folded_onto_the_beginning(void **state) {
    struct txn_lab *fixture = *state;
    lab_merge(fixture->lab.engine, SUMS, "n", "10");
    lab_put(fixture->lab.engine, TREE, "t", "base");
    txn_lab_begin(fixture);
    lab_merge(fixture->lab.engine, SUMS, "n", "100");
    lab_append(fixture->lab.engine, TREE, "t", "-other");
    assert_int_equal(engine_txn_merge(fixture->txn, SUMS, s("n"), s("1")), STATUS_OK);
    assert_int_equal(engine_txn_merge(fixture->txn, SUMS, s("n"), s("2")), STATUS_OK);
    assert_int_equal(engine_txn_append(fixture->txn, TREE, s("t"), s("-own")), STATUS_OK);
    txn_lab_expect(fixture->txn, SUMS, "n", "13");
    txn_lab_expect(fixture->txn, TREE, "t", "base-own");
    txn_lab_expect_rows(fixture->txn, SUMS, NULL, "n=13", "n=13");
    txn_lab_expect_rows(fixture->txn, TREE, NULL, "t=base-own", "t=base-own");
    txn_lab_settle(fixture);
    txn_lab_expect(fixture->txn, SUMS, "n", "13");
    txn_lab_expect_rows(fixture->txn, SUMS, NULL, "n=13", "n=13");
    txn_lab_expect_rows(fixture->txn, TREE, NULL, "t=base-own", "t=base-own");
}

static void iterators_show_own_writes_both_ways(void **state) {
    struct txn_lab *fixture = *state;
    for (char key[] = "a"; key[0] <= 'j'; key[0]++) lab_put(fixture->lab.engine, TREE, key, "0");
    txn_lab_settle(fixture);
    txn_lab_begin(fixture);
    lab_put(fixture->lab.engine, TREE, "e", "later");
    lab_put(fixture->lab.engine, TREE, "bb", "later");
    lab_delete(fixture->lab.engine, TREE, "j");
    assert_int_equal(engine_txn_delete_range(fixture->txn, TREE, s("c"), s("g")), STATUS_OK);
    txn_lab_put(fixture->txn, "d", "1");
    txn_lab_put(fixture->txn, "ba", "2");
    assert_int_equal(engine_txn_delete(fixture->txn, TREE, s("h")), STATUS_OK);
    txn_lab_put(fixture->txn, "i", "3");
    txn_lab_expect_rows(fixture->txn, TREE, NULL, "a=0 b=0 ba=2 d=1 g=0 i=3 j=0", "j=0 i=3 g=0 d=1 ba=2 b=0 a=0");
    const struct engine_iterator_options bounded = {.lower = s("b"), .upper = s("g")};
    txn_lab_expect_rows(fixture->txn, TREE, &bounded, "b=0 ba=2 d=1", "d=1 ba=2 b=0");
    const struct engine_iterator_options prefixed = {.prefix = s("b")};
    txn_lab_expect_rows(fixture->txn, TREE, &prefixed, "b=0 ba=2", "ba=2 b=0");
    txn_lab_expect(fixture->txn, TREE, "e", NULL);
    txn_lab_expect(fixture->txn, TREE, "c", NULL);
    txn_lab_expect(fixture->txn, TREE, "d", "1");
}

static void an_iterator_turns_round_and_seeks_over_own_writes(void **state) {
    struct txn_lab *fixture = *state;
    struct engine_iterator *iterator;
    lab_put(fixture->lab.engine, TREE, "a", "0");
    lab_put(fixture->lab.engine, TREE, "c", "0");
    txn_lab_begin(fixture);
    txn_lab_put(fixture->txn, "b", "1");
    txn_lab_put(fixture->txn, "c", "1");
    assert_int_equal(engine_txn_iterator_open(fixture->txn, TREE, NULL, &iterator), STATUS_OK);
    engine_iterator_seek(iterator, s("c"));
    assert_true(slice_equal(engine_iterator_value(iterator), s("1")));
    engine_iterator_prev(iterator);
    assert_true(slice_equal(engine_iterator_key(iterator), s("b")));
    engine_iterator_next(iterator);
    assert_true(slice_equal(engine_iterator_key(iterator), s("c")));
    assert_true(slice_equal(engine_iterator_value(iterator), s("1")));
    engine_iterator_next(iterator);
    assert_false(engine_iterator_valid(iterator));
    engine_iterator_seek_before(iterator, s("b"));
    assert_true(slice_equal(engine_iterator_key(iterator), s("a")));
    engine_iterator_close(iterator);
}

static void an_open_iterator_does_not_see_later_own_writes(void **state) {
    struct txn_lab *fixture = *state;
    struct engine_iterator *iterator;
    txn_lab_begin(fixture);
    txn_lab_put(fixture->txn, "a", "1");
    assert_int_equal(engine_txn_iterator_open(fixture->txn, TREE, NULL, &iterator), STATUS_OK);
    txn_lab_put(fixture->txn, "a", "2");
    txn_lab_put(fixture->txn, "b", "2");
    engine_iterator_seek_first(iterator);
    assert_true(slice_equal(engine_iterator_value(iterator), s("1")));
    engine_iterator_next(iterator);
    assert_false(engine_iterator_valid(iterator));
    engine_iterator_seek_last(iterator);
    assert_true(slice_equal(engine_iterator_key(iterator), s("a")));
    assert_true(slice_equal(engine_iterator_value(iterator), s("1")));
    engine_iterator_close(iterator);
    txn_lab_expect_rows(fixture->txn, TREE, NULL, "a=2 b=2", "b=2 a=2");
}

static void many_keys_are_read_as_one_would_be(void **state) {
    struct txn_lab *fixture = *state;
    const struct slice keys[] = {s("c"), s("a"), s("b"), s("x"), s("a")};
    struct engine_value values[5];
    enum status statuses[5];
    lab_put(fixture->lab.engine, TREE, "a", "0");
    lab_put(fixture->lab.engine, TREE, "b", "0");
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    txn_lab_begin(fixture);
    lab_put(fixture->lab.engine, TREE, "x", "later");
    txn_lab_put(fixture->txn, "c", "1");
    assert_int_equal(engine_txn_delete(fixture->txn, TREE, s("b")), STATUS_OK);
    assert_int_equal(engine_txn_get_many(fixture->txn, TREE, keys, 5, values, statuses), STATUS_OK);
    assert_int_equal(statuses[0], STATUS_OK);
    assert_true(slice_equal(values[0].data, s("1")));
    assert_true(slice_equal(values[1].data, s("0")));
    assert_int_equal(statuses[2], STATUS_NOT_FOUND);
    assert_int_equal(statuses[3], STATUS_NOT_FOUND);
    assert_true(slice_equal(values[4].data, s("0")));
    for (int i = 0; i < 5; i++)
        if (statuses[i] == STATUS_OK) engine_value_release(&values[i]);
}

static void a_value_outlives_its_transaction(void **state) {
    struct txn_lab *fixture = *state;
    struct engine_value value;
    txn_lab_begin(fixture);
    txn_lab_put(fixture->txn, "a", "mine");
    assert_int_equal(engine_txn_get(fixture->txn, TREE, s("a"), &value), STATUS_OK);
    engine_txn_end(fixture->txn);
    fixture->txn = NULL;
    assert_true(slice_equal(value.data, s("mine")));
    engine_value_release(&value);
}

/* ---- Savepoints, limits, misuse ---------------------------------------------------------------------------------- */

static void a_rollback_takes_back_what_came_after_the_savepoint(void **state) {
    struct txn_lab *fixture = *state;
    uint32_t none, one, two;
    struct engine_value value;
    lab_put(fixture->lab.engine, TREE, "base", "0");
    txn_lab_begin(fixture);
    assert_int_equal(engine_txn_save(fixture->txn, &none), STATUS_OK);
    txn_lab_put(fixture->txn, "a", "1");
    assert_int_equal(engine_txn_append(fixture->txn, TREE, s("a"), s("1")), STATUS_OK);
    assert_int_equal(engine_txn_save(fixture->txn, &one), STATUS_OK);
    assert_int_equal(engine_txn_append(fixture->txn, TREE, s("a"), s("2")), STATUS_OK);
    assert_int_equal(engine_txn_delete_range(fixture->txn, TREE, s("b"), s("c")), STATUS_OK);
    assert_int_equal(engine_txn_save(fixture->txn, &two), STATUS_OK);
    txn_lab_put(fixture->txn, "d", "3");
    assert_int_equal(engine_txn_get(fixture->txn, TREE, s("a"), &value), STATUS_OK);
    assert_int_equal(engine_txn_rollback(fixture->txn, one), STATUS_OK);
    assert_true(slice_equal(value.data, s("112")));
    engine_value_release(&value);
    txn_lab_expect_rows(fixture->txn, TREE, NULL, "a=11 base=0", "base=0 a=11");
    assert_int_equal(engine_txn_rollback(fixture->txn, two), STATUS_INVALID);
    txn_lab_put(fixture->txn, "e", "4");
    assert_int_equal(engine_txn_rollback(fixture->txn, one), STATUS_OK);
    txn_lab_expect_rows(fixture->txn, TREE, NULL, "a=11 base=0", "base=0 a=11");
    txn_lab_put(fixture->txn, "f", "5");
    txn_lab_commit(fixture->txn);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "a=11 base=0 f=5");
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    assert_int_equal(engine_txn_rollback(fixture->txn, none), STATUS_INVALID);
}

static void what_was_rolled_back_does_not_conflict_and_locks_stay(void **state) {
    struct txn_lab *fixture = *state;
    uint32_t savepoint;
    txn_lab_begin(fixture);
    txn_lab_put(fixture->txn, "a", "1");
    assert_int_equal(engine_txn_save(fixture->txn, &savepoint), STATUS_OK);
    txn_lab_put(fixture->txn, "b", "1");
    assert_int_equal(engine_txn_rollback(fixture->txn, savepoint), STATUS_OK);
    lab_put(fixture->lab.engine, TREE, "b", "2");
    txn_lab_commit(fixture->txn);
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    assert_int_equal(engine_txn_save(fixture->txn, &savepoint), STATUS_OK);
    assert_int_equal(engine_txn_lock(fixture->txn, TREE, s("c")), STATUS_OK);
    assert_int_equal(engine_txn_rollback(fixture->txn, savepoint), STATUS_OK);
    txn_lab_put(fixture->txn, "d", "1");
    lab_put(fixture->lab.engine, TREE, "c", "2");
    txn_lab_expect_conflict(fixture->txn, TREE, "c");
}

static void memory_has_a_limit(void **state) {
    struct txn_lab *fixture = *state;
    const struct engine_txn_options options = {.limit_bytes = 64 << 10};
    char key[16], value[1000];
    unsigned written = 0;
    enum status status = STATUS_OK;
    memset(value, 'v', sizeof value);
    assert_int_equal(engine_txn_begin(fixture->lab.engine, &options, &fixture->txn), STATUS_OK);
    for (; written < 1000 && status == STATUS_OK; written += status == STATUS_OK) {
        snprintf(key, sizeof key, "k%03u", written);
        status = engine_txn_put(fixture->txn, TREE, s(key), slice_make(value, sizeof value));
    }
    assert_int_equal(status, STATUS_TOO_LARGE);
    assert_in_range(written, 10, 64);
    assert_true(engine_txn_bytes(fixture->txn) <= options.limit_bytes);
    txn_lab_expect(fixture->txn, TREE, key, NULL);
    for (status = STATUS_OK; status == STATUS_OK;) status = engine_txn_lock(fixture->txn, TREE, s("k"));
    assert_int_equal(status, STATUS_TOO_LARGE);
    txn_lab_commit(fixture->txn);
    struct engine_value got;
    snprintf(key, sizeof key, "k%03u", written - 1);
    assert_int_equal(engine_get(fixture->lab.engine, NULL, TREE, s(key), &got), STATUS_OK);
    engine_value_release(&got);
    snprintf(key, sizeof key, "k%03u", written);
    lab_expect(fixture->lab.engine, NULL, TREE, key, NULL);
}

static void what_the_tree_does_not_take_is_refused_at_once(void **state) {
    struct txn_lab *fixture = *state;
    struct engine_value value;
    struct engine_iterator *iterator;
    txn_lab_begin(fixture);
    assert_int_equal(engine_txn_merge(fixture->txn, TREE, s("k"), s("1")), STATUS_INVALID);
    assert_int_equal(engine_txn_put(fixture->txn, 77, s("k"), s("1")), STATUS_INVALID);
    assert_int_equal(engine_txn_get(fixture->txn, 77, s("k"), &value), STATUS_INVALID);
    assert_int_equal(engine_txn_lock(fixture->txn, 77, s("k")), STATUS_INVALID);
    const struct engine_iterator_options at = {.snapshot = engine_txn_snapshot(fixture->txn)};
    assert_int_equal(engine_txn_iterator_open(fixture->txn, TREE, &at, &iterator), STATUS_INVALID);
    txn_lab_put(fixture->txn, "k", "1");
    txn_lab_commit(fixture->txn);
    lab_expect_all(fixture->lab.engine, NULL, TREE, "k=1");
}

static void a_committed_transaction_is_over(void **state) {
    struct txn_lab *fixture = *state;
    struct engine_value value;
    uint32_t savepoint;
    txn_lab_begin(fixture);
    txn_lab_put(fixture->txn, "k", "1");
    txn_lab_commit(fixture->txn);
    assert_int_equal(engine_txn_commit(fixture->txn, NULL), STATUS_INVALID);
    assert_int_equal(engine_txn_put(fixture->txn, TREE, s("k"), s("2")), STATUS_INVALID);
    assert_int_equal(engine_txn_get(fixture->txn, TREE, s("k"), &value), STATUS_INVALID);
    assert_int_equal(engine_txn_save(fixture->txn, &savepoint), STATUS_INVALID);
    assert_null(engine_txn_snapshot(fixture->txn));
}

static void without_a_log_of_its_own_there_are_none(void **state) {
    struct txn_lab *fixture = *state;
    fixture->lab.options.wal = ENGINE_WAL_OFF;
    struct engine *engine = lab_open(fixture->lab.io, "off", &fixture->lab.options);
    assert_int_equal(engine_txn_begin(engine, NULL, &fixture->txn), STATUS_UNSUPPORTED);
    engine_close(engine);
}

static void on_a_read_only_engine_it_reads_and_does_not_commit_writes(void **state) {
    struct txn_lab *fixture = *state;
    lab_put(fixture->lab.engine, TREE, "k", "1");
    fixture->lab.options.read_only = true;
    struct engine *engine = lab_open(fixture->lab.io, "db", &fixture->lab.options);
    assert_int_equal(engine_txn_begin(engine, NULL, &fixture->txn), STATUS_OK);
    txn_lab_expect(fixture->txn, TREE, "k", "1");
    assert_int_equal(engine_txn_lock(fixture->txn, TREE, s("k")), STATUS_OK);
    txn_lab_commit(fixture->txn);
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    txn_lab_put(fixture->txn, "k", "2");
    txn_lab_expect(fixture->txn, TREE, "k", "2");
    assert_int_equal(engine_txn_commit(fixture->txn, NULL), STATUS_READ_ONLY);
    engine_txn_end(fixture->txn);
    fixture->txn = NULL;
    engine_close(engine);
}

static void time_that_passes_is_no_write(void **state) {
    struct txn_lab *fixture = *state;
    struct engine_value value;
    lab_set_time(fixture->lab.engine, 100);
    lab_create_tree(fixture->lab.engine, UNTIL_TREE, UNTIL_KIND);
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put_until(&batch, UNTIL_TREE, s("k"), s("1"), INT64_MAX / 2), STATUS_OK);
    assert_int_equal(lab_write(fixture->lab.engine, &batch), STATUS_OK);
    engine_batch_deinit(&batch);
    txn_lab_begin(fixture);
    txn_lab_expect(fixture->txn, UNTIL_TREE, "k", "1");
    assert_int_equal(engine_txn_append(fixture->txn, UNTIL_TREE, s("k"), s("1")), STATUS_INVALID);
    assert_int_equal(engine_txn_put_until(fixture->txn, UNTIL_TREE, s("gone"), s("2"), 1), STATUS_OK);
    assert_int_equal(engine_txn_put_until(fixture->txn, UNTIL_TREE, s("here"), s("3"), 0), STATUS_OK);
    assert_int_equal(engine_txn_get(fixture->txn, UNTIL_TREE, s("gone"), &value), STATUS_NOT_FOUND);
    txn_lab_expect_rows(fixture->txn, UNTIL_TREE, NULL, "here=3 k=1", "k=1 here=3");
    lab_set_time(fixture->lab.engine, INT64_MAX / 2 + 1);
    assert_int_equal(engine_txn_put_until(fixture->txn, UNTIL_TREE, s("k"), s("4"), 0), STATUS_OK);
    txn_lab_commit(fixture->txn);
    lab_expect_all(fixture->lab.engine, NULL, UNTIL_TREE, "here=3 k=4");
}

static void a_commit_has_the_time_that_its_owner_says(void **state) {
    struct txn_lab *fixture = *state;
    lab_set_time(fixture->lab.engine, 100);
    lab_create_tree(fixture->lab.engine, UNTIL_TREE, UNTIL_KIND);
    txn_lab_begin(fixture);
    assert_int_equal(engine_txn_put_until(fixture->txn, UNTIL_TREE, s("k"), s("1"), 200), STATUS_OK);
    engine_txn_set_time(fixture->txn, 199);
    txn_lab_commit(fixture->txn);
    lab_expect_all(fixture->lab.engine, NULL, UNTIL_TREE, "k=1");
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    assert_int_equal(engine_txn_put_until(fixture->txn, UNTIL_TREE, s("l"), s("2"), 300), STATUS_OK);
    engine_txn_set_time(fixture->txn, 200);
    txn_lab_commit(fixture->txn);
    lab_expect_all(fixture->lab.engine, NULL, UNTIL_TREE, "l=2");
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    assert_int_equal(engine_txn_put(fixture->txn, TREE, s("a"), s("3")), STATUS_OK);
    txn_lab_commit(fixture->txn); /* the clock's, which is far beyond */
    lab_expect_all(fixture->lab.engine, NULL, UNTIL_TREE, "");
}

/* A transfer that is tried until nobody was faster: README, "The life of a transaction". */
static enum status transfer(struct engine_txn *txn) {
    for (;;) {
        enum status status = engine_txn_merge(txn, SUMS, s("from"), s("-1"));
        if (status == STATUS_OK) status = engine_txn_merge(txn, SUMS, s("to"), s("1"));
        if (status == STATUS_OK) status = engine_txn_commit(txn, NULL);
        if (status != STATUS_CONFLICT) return status;
        status = engine_txn_restart(txn);
        if (status != STATUS_OK) return status;
    }
}

static void a_conflict_is_met_by_trying_again(void **state) {
    struct txn_lab *fixture = *state;
    lab_put(fixture->lab.engine, SUMS, "from", "10");
    lab_put(fixture->lab.engine, SUMS, "to", "0");
    txn_lab_begin(fixture);
    lab_merge(fixture->lab.engine, SUMS, "to", "5");
    assert_int_equal(transfer(fixture->txn), STATUS_OK);
    lab_expect_all(fixture->lab.engine, NULL, SUMS, "from=9 to=6");
}

/* ---- Memory that ends -------------------------------------------------------------------------------------------- */

static enum status whole_life(struct txn_lab *fixture, struct engine_txn **txn) {
    uint32_t savepoint;
    struct engine_value value;
    enum status status = engine_txn_begin(fixture->lab.engine, NULL, txn);
    if (status == STATUS_OK) status = engine_txn_put(*txn, TREE, s("a"), s("1"));
    if (status == STATUS_OK) status = engine_txn_save(*txn, &savepoint);
    if (status == STATUS_OK) status = engine_txn_merge(*txn, SUMS, s("n"), s("1"));
    if (status == STATUS_OK) status = engine_txn_delete_range(*txn, TREE, s("b"), s("c"));
    if (status == STATUS_OK) status = engine_txn_rollback(*txn, savepoint);
    if (status == STATUS_OK) status = engine_txn_lock_range(*txn, TREE, s("x"), s("y"));
    if (status == STATUS_OK) status = engine_txn_append(*txn, TREE, s("a"), s("2"));
    if (status == STATUS_OK) status = engine_txn_get(*txn, TREE, s("a"), &value);
    if (status == STATUS_OK) engine_value_release(&value);
    return status == STATUS_OK ? engine_txn_commit(*txn, NULL) : status;
}

static void without_memory_nothing_is_done(void **state) {
    struct txn_lab *fixture = *state;
    for (uint64_t n = 1;; n++) {
        alloc_fault_at(n);
        const enum status status = whole_life(fixture, &fixture->txn);
        const bool delivered = alloc_fault_clear();
        engine_txn_end(fixture->txn);
        fixture->txn = NULL;
        lab_expect(fixture->lab.engine, NULL, TREE, "a", status == STATUS_OK ? "12" : NULL);
        lab_delete(fixture->lab.engine, TREE, "a");
        if (!delivered) break;
        if (status != STATUS_OK) assert_int_equal(status, STATUS_NO_MEMORY);
        assert_true(n < 1000);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, txn_lab_set_up, txn_lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(reads_see_the_beginning_and_own_writes),
        TEST(nobody_sees_it_before_the_commit_and_everybody_all_of_it_after),
        TEST(what_is_given_up_was_never_there),
        TEST(own_operands_are_folded_onto_the_beginning),
        TEST(iterators_show_own_writes_both_ways),
        TEST(an_iterator_turns_round_and_seeks_over_own_writes),
        TEST(an_open_iterator_does_not_see_later_own_writes),
        TEST(many_keys_are_read_as_one_would_be),
        TEST(a_value_outlives_its_transaction),
        TEST(a_rollback_takes_back_what_came_after_the_savepoint),
        TEST(what_was_rolled_back_does_not_conflict_and_locks_stay),
        TEST(memory_has_a_limit),
        TEST(what_the_tree_does_not_take_is_refused_at_once),
        TEST(a_committed_transaction_is_over),
        TEST(without_a_log_of_its_own_there_are_none),
        TEST(on_a_read_only_engine_it_reads_and_does_not_commit_writes),
        TEST(time_that_passes_is_no_write),
        TEST(a_commit_has_the_time_that_its_owner_says),
        TEST(a_conflict_is_met_by_trying_again),
        TEST(without_memory_nothing_is_done),
    };
    return cmocka_run_group_tests_name("txn", tests, NULL, NULL);
}
