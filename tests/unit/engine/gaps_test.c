/*
 * gaps_test: what is proven is what was watched and not put since; and in a whole engine, walks over mass deletes hop,
 * see what is put into them, and keep to their snapshot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/lsm/gaps.h"
#include "engine/lsm/iterator.h"
#include "engine/txn.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/engine_lab.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, INSTANCE = 7 };

static struct gap_span span(const char *begin, const char *end) {
    return (struct gap_span){.tree = TREE,
                             .instance = INSTANCE,
                             .begin = slice_from_text(begin),
                             .end = slice_from_text(end ? end : ""),
                             .has_end = end != NULL};
}

static void watch(struct gaps *gaps, const char *begin, const char *end) {
    const struct gap_span proposed = span(begin, end);
    assert_true(gaps_propose(gaps, &proposed));
    assert_true(gaps_activate(gaps));
}

static void prove(struct gaps *gaps, uint64_t since, const char *begin, const char *end) {
    const struct gap_span piece = span(begin, end);
    watch(gaps, begin, end);
    gaps_prove(gaps, since, &piece, 1);
}

static void put(struct gaps *gaps, const char *key) {
    gaps_note_key(gaps, INSTANCE, slice_from_text(key));
}

/* What a reader at `snapshot` who stands at key goes to: NULL = there is no gap, "" = the end of the tree. */
static void expect_end(struct gaps *gaps, const char *key, uint64_t snapshot, const char *end) {
    struct buf to = BUF_EMPTY;
    const enum gaps_side side = gaps_find_end(gaps, INSTANCE, slice_from_text(key), snapshot, &to);
    assert_int_equal(side, end == NULL ? GAPS_NONE : end[0] == 0 ? GAPS_TO_END : GAPS_TO);
    if (side == GAPS_TO) assert_true(slice_equal(buf_slice(&to), slice_from_text(end)));
    buf_deinit(&to);
}

static void expect_begin(struct gaps *gaps, const char *key, uint64_t snapshot, const char *begin) {
    struct buf to = BUF_EMPTY;
    const enum gaps_side side = gaps_find_begin(gaps, INSTANCE, slice_from_text(key), snapshot, &to);
    assert_int_equal(side, begin == NULL ? GAPS_NONE : GAPS_TO);
    if (side == GAPS_TO) assert_true(slice_equal(buf_slice(&to), slice_from_text(begin)));
    buf_deinit(&to);
}

static int set_up(void **state) {
    struct gaps *gaps = calloc(1, sizeof *gaps);
    gaps_init(gaps);
    *state = gaps;
    return 0;
}

static int tear_down(void **state) {
    gaps_deinit(*state);
    free(*state);
    return 0;
}

static void a_gap_is_for_readers_of_its_sequence_and_later_ones(void **state) {
    struct gaps *gaps = *state;
    prove(gaps, 10, "c", "g");
    expect_end(gaps, "c", 10, "g");
    expect_end(gaps, "f", 11, "g");
    expect_begin(gaps, "f", 10, "c");
    expect_end(gaps, "c", 9, NULL);
    expect_begin(gaps, "c", 9, NULL);
    expect_end(gaps, "b", 10, NULL);
    expect_end(gaps, "g", 10, NULL);
    struct buf to = BUF_EMPTY;
    assert_int_equal(gaps_find_end(gaps, INSTANCE + 1, slice_from_text("d"), 10, &to), GAPS_NONE);
}

static void a_gap_may_go_to_the_end_of_the_tree(void **state) {
    struct gaps *gaps = *state;
    prove(gaps, 10, "c", NULL);
    expect_end(gaps, "zzz", 10, "");
    put(gaps, "m");
    expect_end(gaps, "d", 10, "m");
    expect_end(gaps, "m", 10, NULL);
    expect_end(gaps, "n", 10, "");
}

static void nobody_goes_by_what_is_only_watched(void **state) {
    struct gaps *gaps = *state;
    watch(gaps, "c", "g");
    expect_end(gaps, "d", 10, NULL);
    gaps_give_up(gaps);
    expect_end(gaps, "d", 10, NULL);
    assert_true(gaps_are_none(gaps));
}

static void a_key_that_is_put_is_cut_out_of_a_gap(void **state) {
    struct gaps *gaps = *state;
    prove(gaps, 10, "c", "g");
    put(gaps, "e");
    expect_end(gaps, "c", 10, "e");
    expect_end(gaps, "e", 10, NULL);
    expect_begin(gaps, "e", 10, NULL);
    expect_end(gaps, "e1", 10, "g");
    put(gaps, "c");
    expect_end(gaps, "c", 10, NULL);
    expect_end(gaps, "d", 10, "e");
    gaps_note_key(gaps, INSTANCE + 1, slice_from_text("d"));
    expect_end(gaps, "d", 10, "e");
}

static void a_key_that_is_put_during_the_watch_is_cut_out_of_what_is_proven(void **state) {
    struct gaps *gaps = *state;
    watch(gaps, "c", "k");
    put(gaps, "e");
    const struct gap_span pieces[] = {span("c", "g"), span("h", "k")};
    gaps_prove(gaps, 10, pieces, 2);
    expect_end(gaps, "c", 10, "e");
    expect_end(gaps, "e", 10, NULL);
    expect_end(gaps, "f", 10, "g");
    expect_end(gaps, "g", 10, NULL);
    expect_end(gaps, "h", 10, "k");
}

static void neighbours_become_one_gap_of_the_later_sequence(void **state) {
    struct gaps *gaps = *state;
    prove(gaps, 10, "c", "g");
    prove(gaps, 20, "g", "k");
    prove(gaps, 15, "a", "c");
    expect_end(gaps, "b", 20, "k");
    expect_end(gaps, "b", 19, NULL);
    expect_begin(gaps, "j", 20, "a");
}

static void one_span_is_watched_at_a_time(void **state) {
    struct gaps *gaps = *state;
    const struct gap_span first = span("c", "g"), second = span("m", "p"), empty = span("c", "c");
    assert_false(gaps_propose(gaps, &empty));
    assert_true(gaps_propose(gaps, &first));
    assert_false(gaps_propose(gaps, &second));
    assert_true(gaps_activate(gaps));
    assert_false(gaps_activate(gaps));
    assert_false(gaps_propose(gaps, &second));
    gaps_give_up(gaps);
    assert_true(gaps_propose(gaps, &second));
}

static void the_oldest_gap_goes_where_there_are_too_many(void **state) {
    struct gaps *gaps = *state;
    char begin[16], end[16];
    for (int i = 0; i <= GAPS_MAX; i++) {
        snprintf(begin, sizeof begin, "%02da", i);
        snprintf(end, sizeof end, "%02dx", i);
        prove(gaps, 10, begin, end);
    }
    expect_end(gaps, "00b", 10, NULL);
    expect_end(gaps, "01b", 10, "01x");
    put(gaps, "05k"); /* there is no room for two halves */
    expect_end(gaps, "05b", 10, "05k");
    expect_end(gaps, "05l", 10, NULL);
    gaps_forget(gaps, INSTANCE);
    assert_true(gaps_are_none(gaps));
}

static void without_memory_gaps_are_forgotten_and_never_grow(void **state) {
    struct gaps *gaps = *state;
    for (uint64_t nth = 1; nth < 20; nth++) {
        gaps_forget(gaps, INSTANCE);
        prove(gaps, 10, "c", "g");
        alloc_fault_at(nth);
        put(gaps, "e");
        alloc_fault_clear();
        struct buf to = BUF_EMPTY;
        assert_int_equal(gaps_find_end(gaps, INSTANCE, slice_from_text("e"), 10, &to), GAPS_NONE);
        buf_deinit(&to);
    }
}

/* ---- In an engine ------------------------------------------------------------------------------------------------ */

enum { KEYS = 4000, FIRST = 1000, LAST = 2999 };

struct fixture {
    struct io *io;
    struct engine_options options;
    struct engine *engine;
};

static const char *name_of(unsigned number) {
    static char text[16];
    snprintf(text, sizeof text, "key%06u", number);
    return text;
}

static int open_filled(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->io = sim_io_create_alone(1);
    fixture->options = lab_options();
    fixture->options.gap_keys = 64;
    fixture->options.memtable_bytes = 8 << 20; /* nothing is compacted away */
    fixture->engine = lab_open(fixture->io, "db", &fixture->options);
    lab_create_tree(fixture->engine, TREE, LAB_PLAIN);
    for (unsigned i = 0; i < KEYS; i++) lab_put(fixture->engine, TREE, name_of(i), "v");
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    *state = fixture;
    return 0;
}

static int close_filled(void **state) {
    struct fixture *fixture = *state;
    engine_close(fixture->engine);
    io_destroy(fixture->io);
    free(fixture);
    return 0;
}

static void let_jobs_run(struct fixture *fixture) {
    while (io_job_assist(fixture->io)) {}
}

static void delete_row(struct fixture *fixture) {
    for (unsigned i = FIRST; i <= LAST; i++) {
        lab_delete(fixture->engine, TREE, name_of(i));
        if (i % 50 == 0) let_jobs_run(fixture);
    }
    let_jobs_run(fixture);
}

/* Of a seek into the row, forward or back: what it shows, and that it passed few or many keys. */
static void expect_seek(struct fixture *fixture, const struct engine_snapshot *snapshot, unsigned from, bool back,
                        const char *shown, bool hops) {
    struct engine_iterator *iterator;
    const struct engine_iterator_options options = {.snapshot = snapshot};
    assert_int_equal(engine_iterator_open(fixture->engine, TREE, &options, &iterator), STATUS_OK);
    if (back)
        engine_iterator_seek_before(iterator, slice_from_text(name_of(from)));
    else
        engine_iterator_seek(iterator, slice_from_text(name_of(from)));
    assert_true(engine_iterator_valid(iterator));
    assert_true(slice_equal(engine_iterator_key(iterator), slice_from_text(shown)));
    const uint64_t passed = iterator_passed(iterator);
    if (hops) assert_true(passed < 3 * fixture->options.gap_keys);
    if (!hops) assert_true(passed > 5 * fixture->options.gap_keys);
    engine_iterator_close(iterator);
}

static void behind_a_row_of_deletes_walks_hop(void **state) {
    struct fixture *fixture = *state;
    struct engine_snapshot *before = engine_snapshot_acquire(fixture->engine);
    delete_row(fixture);
    expect_seek(fixture, NULL, FIRST, false, "key003000", true);
    expect_seek(fixture, NULL, LAST + 1, true, "key000999", true);
    expect_seek(fixture, before, FIRST + 5, false, "key001005", true); /* nothing is gone there */
    lab_put(fixture->engine, TREE, name_of(2000), "back");
    expect_seek(fixture, NULL, FIRST, false, "key002000", true);
    expect_seek(fixture, NULL, 2001, false, "key003000", true);
    expect_seek(fixture, NULL, LAST + 1, true, "key002000", true);
    engine_snapshot_release(fixture->engine, before);
}

static void a_row_of_deletes_may_go_down(void **state) {
    struct fixture *fixture = *state;
    for (unsigned i = LAST + 1; i-- > FIRST;) lab_delete(fixture->engine, TREE, name_of(i));
    let_jobs_run(fixture);
    lab_delete(fixture->engine, TREE, name_of(0)); /* the end of a group: what is left of the row is proposed */
    let_jobs_run(fixture);
    expect_seek(fixture, NULL, FIRST + 100, false, "key003000", true);
}

static void the_first_long_walk_has_later_ones_hop(void **state) {
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 2000; i++) /* in no order */
        lab_delete(fixture->engine, TREE, name_of(FIRST + i * 773 % 2000));
    let_jobs_run(fixture);
    expect_seek(fixture, NULL, FIRST, false, "key003000", false);
    let_jobs_run(fixture);
    expect_seek(fixture, NULL, FIRST, false, "key003000", true);
    expect_seek(fixture, NULL, LAST, true, "key000999", true);
}

static void an_iterator_from_before_the_deletes_sees_them_all(void **state) {
    struct fixture *fixture = *state;
    struct engine_iterator *iterator;
    assert_int_equal(engine_iterator_open(fixture->engine, TREE, NULL, &iterator), STATUS_OK);
    delete_row(fixture);
    unsigned seen = 0;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) seen++;
    assert_int_equal(seen, KEYS);
    engine_iterator_close(iterator);
}

static void a_transaction_sees_what_it_put_into_a_gap(void **state) {
    struct fixture *fixture = *state;
    struct engine_txn *txn;
    struct engine_iterator *iterator;
    delete_row(fixture);
    assert_false(gaps_are_none(&fixture->engine->gaps));
    assert_int_equal(engine_txn_begin(fixture->engine, NULL, &txn), STATUS_OK);
    assert_int_equal(engine_txn_put(txn, TREE, slice_from_text(name_of(2000)), slice_from_text("own")), STATUS_OK);
    assert_int_equal(engine_txn_iterator_open(txn, TREE, NULL, &iterator), STATUS_OK);
    engine_iterator_seek(iterator, slice_from_text(name_of(FIRST)));
    assert_true(engine_iterator_valid(iterator));
    assert_true(slice_equal(engine_iterator_key(iterator), slice_from_text("key002000")));
    engine_iterator_seek_before(iterator, slice_from_text(name_of(LAST)));
    assert_true(engine_iterator_valid(iterator));
    assert_true(slice_equal(engine_iterator_key(iterator), slice_from_text("key002000")));
    engine_iterator_close(iterator);
    engine_txn_end(txn);
    expect_seek(fixture, NULL, FIRST, false, "key003000", true);
}

static void compaction_ends_what_there_is_to_hop_over(void **state) {
    struct fixture *fixture = *state;
    delete_row(fixture);
    assert_false(gaps_are_none(&fixture->engine->gaps));
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->engine), STATUS_OK);
    let_jobs_run(fixture);
    assert_true(gaps_are_none(&fixture->engine->gaps));
    expect_seek(fixture, NULL, FIRST, false, "key003000", true);
}

#define TABLE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define ENGINE(name) cmocka_unit_test_setup_teardown(name, open_filled, close_filled)

int main(void) {
    const struct CMUnitTest tests[] = {
        TABLE(a_gap_is_for_readers_of_its_sequence_and_later_ones),
        TABLE(a_gap_may_go_to_the_end_of_the_tree),
        TABLE(nobody_goes_by_what_is_only_watched),
        TABLE(a_key_that_is_put_is_cut_out_of_a_gap),
        TABLE(a_key_that_is_put_during_the_watch_is_cut_out_of_what_is_proven),
        TABLE(neighbours_become_one_gap_of_the_later_sequence),
        TABLE(one_span_is_watched_at_a_time),
        TABLE(the_oldest_gap_goes_where_there_are_too_many),
        TABLE(without_memory_gaps_are_forgotten_and_never_grow),
        ENGINE(behind_a_row_of_deletes_walks_hop),
        ENGINE(a_row_of_deletes_may_go_down),
        ENGINE(the_first_long_walk_has_later_ones_hop),
        ENGINE(an_iterator_from_before_the_deletes_sees_them_all),
        ENGINE(a_transaction_sees_what_it_put_into_a_gap),
        ENGINE(compaction_ends_what_there_is_to_hop_over),
    };
    return cmocka_run_group_tests_name("gaps", tests, NULL, NULL);
}
