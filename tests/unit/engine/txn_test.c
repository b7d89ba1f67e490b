/* Transactions, fact by fact: what they see, what conflicts with them, and what they leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/txn.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/engine_lab.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, SUMS = 2, FIFO_TREE = 3, UNTIL_TREE = 4, FIFO_KIND = 20, UNTIL_KIND = 21, KINDS = 5 };

struct fixture {
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine_tree_kind kinds[KINDS];
    struct engine_options options;
    struct engine *engine;
    struct engine_txn *txn, *other;
};

static struct slice s(const char *text) {
    return slice_from_text(text);
}

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->sim = sim_create(3);
    fixture->disk = sim_disk_create(3);
    fixture->io = sim_io_create(fixture->sim, fixture->disk, NULL);
    fixture->options = lab_options();
    memcpy(fixture->kinds, fixture->options.kinds, fixture->options.kind_count * sizeof fixture->kinds[0]);
    fixture->kinds[3] =
        (struct engine_tree_kind){.id = FIFO_KIND, .name = "txn.fifo", .policy = ENGINE_POLICY_FIFO, .fifo_bytes = 1};
    fixture->kinds[4] = (struct engine_tree_kind){.id = UNTIL_KIND, .name = "txn.until", .expires = true};
    fixture->options.kinds = fixture->kinds;
    fixture->options.kind_count = KINDS;
    fixture->engine = lab_open(fixture->io, "db", &fixture->options);
    lab_create_tree(fixture->engine, TREE, LAB_PLAIN);
    lab_create_tree(fixture->engine, SUMS, LAB_SUM);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    engine_txn_end(fixture->txn);
    engine_txn_end(fixture->other);
    engine_close(fixture->engine);
    io_destroy(fixture->io);
    sim_disk_destroy(fixture->disk);
    sim_destroy(fixture->sim);
    free(fixture);
    return 0;
}

static void begin(struct fixture *fixture) {
    assert_int_equal(engine_txn_begin(fixture->engine, NULL, &fixture->txn), STATUS_OK);
}

static void begin_both(struct fixture *fixture) {
    begin(fixture);
    assert_int_equal(engine_txn_begin(fixture->engine, NULL, &fixture->other), STATUS_OK);
}

static void put(struct engine_txn *txn, const char *key, const char *value) {
    assert_int_equal(engine_txn_put(txn, TREE, s(key), s(value)), STATUS_OK);
}

static void expect(struct engine_txn *txn, uint32_t tree, const char *key, const char *expected) {
    struct engine_value value;
    const enum status status = engine_txn_get(txn, tree, s(key), &value);
    if (status != (expected ? STATUS_OK : STATUS_NOT_FOUND)) fail_msg("get %s: %s", key, status_name(status));
    if (!expected) return;
    if (!slice_equal(value.data, s(expected)))
        fail_msg("get %s: \"%.*s\", expected \"%s\"", key, (int)value.data.size, (const char *)value.data.data,
                 expected);
    engine_value_release(&value);
}

static void add(struct buf *to, struct engine_iterator *iterator) {
    const struct slice key = engine_iterator_key(iterator), value = engine_iterator_value(iterator);
    assert_int_equal(buf_append_format(to, "%s%.*s=%.*s", to->size ? " " : "", (int)key.size, (const char *)key.data,
                                       (int)value.size, (const char *)value.data),
                     STATUS_OK);
}

/* Forward, then backward, as "a=1 b=2". */
static void expect_rows(struct engine_txn *txn, uint32_t tree, const struct engine_iterator_options *options,
                        const char *forward, const char *backward) {
    struct engine_iterator *iterator;
    struct buf rows = BUF_EMPTY;
    assert_int_equal(engine_txn_iterator_open(txn, tree, options, &iterator), STATUS_OK);
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator))
        add(&rows, iterator);
    assert_int_equal(engine_iterator_status(iterator), STATUS_OK);
    if (!slice_equal(buf_slice(&rows), s(forward)))
        fail_msg("forward \"%.*s\", expected \"%s\"", (int)rows.size, (const char *)rows.data, forward);
    buf_clear(&rows);
    for (engine_iterator_seek_last(iterator); engine_iterator_valid(iterator); engine_iterator_prev(iterator))
        add(&rows, iterator);
    assert_int_equal(engine_iterator_status(iterator), STATUS_OK);
    if (!slice_equal(buf_slice(&rows), s(backward)))
        fail_msg("backward \"%.*s\", expected \"%s\"", (int)rows.size, (const char *)rows.data, backward);
    buf_deinit(&rows);
    engine_iterator_close(iterator);
}

static void commit(struct engine_txn *txn) {
    const enum status status = engine_txn_commit(txn, NULL);
    if (status != STATUS_OK) fail_msg("commit: %s", status_name(status));
}

static void expect_conflict(struct engine_txn *txn, uint32_t tree, const char *key) {
    struct engine_txn_conflict conflict;
    assert_int_equal(engine_txn_commit(txn, NULL), STATUS_CONFLICT);
    engine_txn_get_conflict(txn, &conflict);
    assert_int_equal(conflict.tree, tree);
    if (!slice_equal(conflict.key, s(key)))
        fail_msg("conflict at \"%.*s\", expected \"%s\"", (int)conflict.key.size, (const char *)conflict.key.data, key);
}

static void flush_and_compact(struct fixture *fixture) {
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->engine), STATUS_OK);
}

/* ---- What is seen ------------------------------------------------------------------------------------------------ */

static void reads_see_the_beginning_and_own_writes(void **state) {
    struct fixture *fixture = *state;
    lab_put(fixture->engine, TREE, "a", "1");
    lab_put(fixture->engine, TREE, "b", "2");
    begin(fixture);
    lab_put(fixture->engine, TREE, "a", "later");
    lab_put(fixture->engine, TREE, "z", "later");
    put(fixture->txn, "c", "own");
    assert_int_equal(engine_txn_delete(fixture->txn, TREE, s("b")), STATUS_OK);
    expect(fixture->txn, TREE, "a", "1");
    expect(fixture->txn, TREE, "b", NULL);
    expect(fixture->txn, TREE, "c", "own");
    expect(fixture->txn, TREE, "z", NULL);
    lab_expect_all(fixture->engine, engine_txn_snapshot(fixture->txn), TREE, "a=1 b=2");
}

static void nobody_sees_it_before_the_commit_and_everybody_all_of_it_after(void **state) {
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture->txn, "a", "1");
    assert_int_equal(engine_txn_merge(fixture->txn, SUMS, s("n"), s("5")), STATUS_OK);
    lab_expect_all(fixture->engine, NULL, TREE, "");
    lab_expect_all(fixture->engine, NULL, SUMS, "");
    commit(fixture->txn);
    lab_expect_all(fixture->engine, NULL, TREE, "a=1");
    lab_expect_all(fixture->engine, NULL, SUMS, "n=5");
}

static void what_is_given_up_was_never_there(void **state) {
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture->txn, "a", "1");
    engine_txn_end(fixture->txn);
    fixture->txn = NULL;
    lab_expect_all(fixture->engine, NULL, TREE, "");
}

/* Versions of others lie between the base and what is own. */
static void own_operands_are_folded_onto_the_beginning(void **state) {
    struct fixture *fixture = *state;
    lab_merge(fixture->engine, SUMS, "n", "10");
    lab_put(fixture->engine, TREE, "t", "base");
    begin(fixture);
    lab_merge(fixture->engine, SUMS, "n", "100");
    lab_append(fixture->engine, TREE, "t", "-other");
    assert_int_equal(engine_txn_merge(fixture->txn, SUMS, s("n"), s("1")), STATUS_OK);
    assert_int_equal(engine_txn_merge(fixture->txn, SUMS, s("n"), s("2")), STATUS_OK);
    assert_int_equal(engine_txn_append(fixture->txn, TREE, s("t"), s("-own")), STATUS_OK);
    expect(fixture->txn, SUMS, "n", "13");
    expect(fixture->txn, TREE, "t", "base-own");
    expect_rows(fixture->txn, SUMS, NULL, "n=13", "n=13");
    expect_rows(fixture->txn, TREE, NULL, "t=base-own", "t=base-own");
    flush_and_compact(fixture);
    expect(fixture->txn, SUMS, "n", "13");
    expect_rows(fixture->txn, SUMS, NULL, "n=13", "n=13");
    expect_rows(fixture->txn, TREE, NULL, "t=base-own", "t=base-own");
}

static void iterators_show_own_writes_both_ways(void **state) {
    struct fixture *fixture = *state;
    for (char key[] = "a"; key[0] <= 'j'; key[0]++) lab_put(fixture->engine, TREE, key, "0");
    flush_and_compact(fixture);
    begin(fixture);
    lab_put(fixture->engine, TREE, "e", "later");
    lab_put(fixture->engine, TREE, "bb", "later");
    lab_delete(fixture->engine, TREE, "j");
    assert_int_equal(engine_txn_delete_range(fixture->txn, TREE, s("c"), s("g")), STATUS_OK);
    put(fixture->txn, "d", "1");
    put(fixture->txn, "ba", "2");
    assert_int_equal(engine_txn_delete(fixture->txn, TREE, s("h")), STATUS_OK);
    put(fixture->txn, "i", "3");
    expect_rows(fixture->txn, TREE, NULL, "a=0 b=0 ba=2 d=1 g=0 i=3 j=0", "j=0 i=3 g=0 d=1 ba=2 b=0 a=0");
    const struct engine_iterator_options bounded = {.lower = s("b"), .upper = s("g")};
    expect_rows(fixture->txn, TREE, &bounded, "b=0 ba=2 d=1", "d=1 ba=2 b=0");
    const struct engine_iterator_options prefixed = {.prefix = s("b")};
    expect_rows(fixture->txn, TREE, &prefixed, "b=0 ba=2", "ba=2 b=0");
    expect(fixture->txn, TREE, "e", NULL);
    expect(fixture->txn, TREE, "c", NULL);
    expect(fixture->txn, TREE, "d", "1");
}

static void an_iterator_turns_round_and_seeks_over_own_writes(void **state) {
    struct fixture *fixture = *state;
    struct engine_iterator *iterator;
    lab_put(fixture->engine, TREE, "a", "0");
    lab_put(fixture->engine, TREE, "c", "0");
    begin(fixture);
    put(fixture->txn, "b", "1");
    put(fixture->txn, "c", "1");
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
    struct fixture *fixture = *state;
    struct engine_iterator *iterator;
    begin(fixture);
    put(fixture->txn, "a", "1");
    assert_int_equal(engine_txn_iterator_open(fixture->txn, TREE, NULL, &iterator), STATUS_OK);
    put(fixture->txn, "a", "2");
    put(fixture->txn, "b", "2");
    engine_iterator_seek_first(iterator);
    assert_true(slice_equal(engine_iterator_value(iterator), s("1")));
    engine_iterator_next(iterator);
    assert_false(engine_iterator_valid(iterator));
    engine_iterator_seek_last(iterator);
    assert_true(slice_equal(engine_iterator_key(iterator), s("a")));
    assert_true(slice_equal(engine_iterator_value(iterator), s("1")));
    engine_iterator_close(iterator);
    expect_rows(fixture->txn, TREE, NULL, "a=2 b=2", "b=2 a=2");
}

static void many_keys_are_read_as_one_would_be(void **state) {
    struct fixture *fixture = *state;
    const struct slice keys[] = {s("c"), s("a"), s("b"), s("x"), s("a")};
    struct engine_value values[5];
    enum status statuses[5];
    lab_put(fixture->engine, TREE, "a", "0");
    lab_put(fixture->engine, TREE, "b", "0");
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    begin(fixture);
    lab_put(fixture->engine, TREE, "x", "later");
    put(fixture->txn, "c", "1");
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
    struct fixture *fixture = *state;
    struct engine_value value;
    begin(fixture);
    put(fixture->txn, "a", "mine");
    assert_int_equal(engine_txn_get(fixture->txn, TREE, s("a"), &value), STATUS_OK);
    engine_txn_end(fixture->txn);
    fixture->txn = NULL;
    assert_true(slice_equal(value.data, s("mine")));
    engine_value_release(&value);
}

/* ---- What conflicts ---------------------------------------------------------------------------------------------- */

static void the_first_committer_wins_and_the_other_is_told_the_key(void **state) {
    struct fixture *fixture = *state;
    struct engine_txn_conflict conflict;
    struct engine_stats stats;
    begin_both(fixture);
    put(fixture->txn, "a", "1");
    put(fixture->txn, "k", "1");
    put(fixture->other, "k", "2");
    commit(fixture->other);
    engine_get_stats(fixture->engine, &stats);
    expect_conflict(fixture->txn, TREE, "k");
    engine_txn_get_conflict(fixture->txn, &conflict);
    assert_int_equal(conflict.sequence, stats.sequence);
    assert_false(conflict.tree_is_gone);
    lab_expect_all(fixture->engine, NULL, TREE, "k=2");
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    expect(fixture->txn, TREE, "k", "2");
    put(fixture->txn, "k", "3");
    commit(fixture->txn);
    lab_expect_all(fixture->engine, NULL, TREE, "k=3");
}

static void other_keys_and_trees_do_not_conflict(void **state) {
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture->txn, "b", "1");
    lab_put(fixture->engine, TREE, "a", "1");
    lab_delete_range(fixture->engine, TREE, "a", "b");
    lab_put(fixture->engine, TREE, "c", "1");
    lab_put(fixture->engine, SUMS, "b", "1");
    commit(fixture->txn);
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
    struct fixture *fixture = *state;
    for (int run = 0; run < WAYS * PLACES * 2; run++) {
        const int way = run % WAYS, place = run / WAYS % PLACES;
        lab_delete_range(fixture->engine, SUMS, "", "z");
        if (run / WAYS / PLACES) lab_put(fixture->engine, SUMS, "k", "1");
        assert_int_equal(engine_txn_begin(fixture->engine, NULL, &fixture->txn), STATUS_OK);
        assert_int_equal(engine_txn_put(fixture->txn, SUMS, s("k"), s("3")), STATUS_OK);
        write_in_every_way(fixture->engine, way);
        if (place >= FLUSHED) assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
        if (place == COMPACTED) assert_int_equal(engine_compact(fixture->engine), STATUS_OK);
        expect_conflict(fixture->txn, SUMS, "k");
        engine_txn_end(fixture->txn);
        fixture->txn = NULL;
    }
}

/* Nothing of it is left to be seen; yet it was written. */
static void a_key_that_came_and_went_conflicts_though_compaction_saw_it(void **state) {
    struct fixture *fixture = *state;
    lab_put(fixture->engine, TREE, "a", "1");
    flush_and_compact(fixture);
    begin(fixture);
    put(fixture->txn, "k", "1");
    lab_put(fixture->engine, TREE, "k", "2");
    flush_and_compact(fixture);
    lab_delete(fixture->engine, TREE, "k");
    flush_and_compact(fixture);
    flush_and_compact(fixture);
    expect_conflict(fixture->txn, TREE, "k");
}

static void a_value_that_its_filter_dropped_conflicts(void **state) {
    struct fixture *fixture = *state;
    lab_create_tree(fixture->engine, 9, LAB_EXPIRY);
    begin(fixture);
    assert_int_equal(engine_txn_put(fixture->txn, 9, s("k"), s("9")), STATUS_OK);
    lab_put(fixture->engine, 9, "k", "5");
    lab_set_time(fixture->engine, 1000);
    flush_and_compact(fixture);
    flush_and_compact(fixture);
    expect_conflict(fixture->txn, 9, "k");
}

/* Files of this tree go as soon as nobody sees them. */
static void a_file_that_a_fifo_would_drop_conflicts_first(void **state) {
    struct fixture *fixture = *state;
    lab_create_tree(fixture->engine, FIFO_TREE, FIFO_KIND);
    begin(fixture);
    assert_int_equal(engine_txn_put(fixture->txn, FIFO_TREE, s("k"), s("9")), STATUS_OK);
    lab_put(fixture->engine, FIFO_TREE, "k", "5");
    flush_and_compact(fixture);
    expect_conflict(fixture->txn, FIFO_TREE, "k");
    engine_txn_end(fixture->txn);
    fixture->txn = NULL;
    flush_and_compact(fixture);
    lab_expect_all(fixture->engine, NULL, FIFO_TREE, "");
}

static void ingested_rows_conflict(void **state) {
    struct fixture *fixture = *state;
    struct engine_sst_writer *writer;
    const char *const path = "in";
    begin(fixture);
    put(fixture->txn, "k", "1");
    assert_int_equal(engine_sst_writer_open(fixture->io, path, &fixture->kinds[LAB_PLAIN - 1], &writer), STATUS_OK);
    assert_int_equal(engine_sst_writer_put(writer, s("k"), s("2")), STATUS_OK);
    assert_int_equal(engine_sst_writer_finish(writer), STATUS_OK);
    engine_sst_writer_close(writer);
    assert_int_equal(engine_ingest(fixture->engine, TREE, &path, 1, NULL, NULL), STATUS_OK);
    expect_conflict(fixture->txn, TREE, "k");
}

static void a_range_delete_conflicts_with_a_row_that_came_into_the_range(void **state) {
    struct fixture *fixture = *state;
    for (int place = 0; place < PLACES; place++) {
        assert_int_equal(engine_txn_begin(fixture->engine, NULL, &fixture->txn), STATUS_OK);
        assert_int_equal(engine_txn_delete_range(fixture->txn, TREE, s("d"), s("g")), STATUS_OK);
        lab_put(fixture->engine, TREE, "c", "1");
        lab_put(fixture->engine, TREE, "e", "1");
        lab_put(fixture->engine, TREE, "g", "1");
        if (place >= FLUSHED) assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
        if (place == COMPACTED) assert_int_equal(engine_compact(fixture->engine), STATUS_OK);
        expect_conflict(fixture->txn, TREE, "e");
        engine_txn_end(fixture->txn);
        fixture->txn = NULL;
    }
    begin(fixture);
    assert_int_equal(engine_txn_delete_range(fixture->txn, TREE, s("d"), s("g")), STATUS_OK);
    lab_put(fixture->engine, TREE, "c", "1");
    lab_put(fixture->engine, TREE, "g", "1");
    lab_delete_range(fixture->engine, TREE, "a", "d");
    commit(fixture->txn);
}

static void two_range_deletes_conflict_where_they_meet(void **state) {
    struct fixture *fixture = *state;
    for (int place = 0; place < 2; place++) {
        assert_int_equal(engine_txn_begin(fixture->engine, NULL, &fixture->txn), STATUS_OK);
        assert_int_equal(engine_txn_delete_range(fixture->txn, TREE, s("d"), s("")), STATUS_OK);
        lab_delete_range(fixture->engine, TREE, "m", "p");
        if (place) flush_and_compact(fixture);
        expect_conflict(fixture->txn, TREE, "m");
        engine_txn_end(fixture->txn);
        fixture->txn = NULL;
    }
}

static void a_tree_made_anew_conflicts(void **state) {
    struct fixture *fixture = *state;
    struct engine_txn_conflict conflict;
    begin(fixture);
    put(fixture->txn, "k", "1");
    lab_drop_tree(fixture->engine, TREE);
    expect_conflict(fixture->txn, TREE, "");
    engine_txn_get_conflict(fixture->txn, &conflict);
    assert_true(conflict.tree_is_gone);
    assert_true(conflict.sequence > 0);
    lab_create_tree(fixture->engine, TREE, LAB_PLAIN);
    flush_and_compact(fixture);
    expect_conflict(fixture->txn, TREE, "");
    expect(fixture->txn, TREE, "k", "1");
    lab_expect_all(fixture->engine, NULL, TREE, "");
}

static void write_skew_passes_unless_keys_are_locked(void **state) {
    struct fixture *fixture = *state;
    struct engine_value value;
    for (int locked = 0; locked < 2; locked++) {
        lab_put(fixture->engine, TREE, "a", "on duty");
        lab_put(fixture->engine, TREE, "b", "on duty");
        begin_both(fixture);
        const char *const reads[] = {"b", "a"}, *const writes[] = {"a", "b"};
        struct engine_txn *txns[] = {fixture->txn, fixture->other};
        for (int i = 0; i < 2; i++) {
            expect(txns[i], TREE, reads[i], "on duty");
            if (locked) {
                assert_int_equal(engine_txn_get_for_update(txns[i], TREE, s(reads[i]), &value), STATUS_OK);
                engine_value_release(&value);
            }
            put(txns[i], writes[i], "away");
        }
        commit(fixture->txn);
        if (locked)
            expect_conflict(fixture->other, TREE, "a");
        else
            commit(fixture->other);
        lab_expect_all(fixture->engine, NULL, TREE, locked ? "a=away b=on duty" : "a=away b=away");
        engine_txn_end(fixture->txn);
        engine_txn_end(fixture->other);
        fixture->txn = fixture->other = NULL;
    }
}

static void a_locked_key_that_was_not_there_conflicts_when_it_comes(void **state) {
    struct fixture *fixture = *state;
    struct engine_value value;
    begin(fixture);
    assert_int_equal(engine_txn_get_for_update(fixture->txn, TREE, s("k"), &value), STATUS_NOT_FOUND);
    put(fixture->txn, "other", "1");
    lab_put(fixture->engine, TREE, "k", "1");
    expect_conflict(fixture->txn, TREE, "k");
}

static void a_locked_range_conflicts_with_a_phantom(void **state) {
    struct fixture *fixture = *state;
    begin(fixture);
    assert_int_equal(engine_txn_lock_range(fixture->txn, TREE, s("a"), s("c")), STATUS_OK);
    put(fixture->txn, "z", "1");
    lab_put(fixture->engine, TREE, "b", "1");
    expect_conflict(fixture->txn, TREE, "b");
}

static void with_nothing_written_a_commit_says_whether_locks_held(void **state) {
    struct fixture *fixture = *state;
    begin(fixture);
    lab_put(fixture->engine, TREE, "k", "1");
    commit(fixture->txn);
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    assert_int_equal(engine_txn_lock(fixture->txn, TREE, s("k")), STATUS_OK);
    lab_put(fixture->engine, TREE, "k", "2");
    expect_conflict(fixture->txn, TREE, "k");
}

/* ---- Savepoints, limits, misuse ---------------------------------------------------------------------------------- */

static void a_rollback_takes_back_what_came_after_the_savepoint(void **state) {
    struct fixture *fixture = *state;
    uint32_t none, one, two;
    struct engine_value value;
    lab_put(fixture->engine, TREE, "base", "0");
    begin(fixture);
    assert_int_equal(engine_txn_save(fixture->txn, &none), STATUS_OK);
    put(fixture->txn, "a", "1");
    assert_int_equal(engine_txn_append(fixture->txn, TREE, s("a"), s("1")), STATUS_OK);
    assert_int_equal(engine_txn_save(fixture->txn, &one), STATUS_OK);
    assert_int_equal(engine_txn_append(fixture->txn, TREE, s("a"), s("2")), STATUS_OK);
    assert_int_equal(engine_txn_delete_range(fixture->txn, TREE, s("b"), s("c")), STATUS_OK);
    assert_int_equal(engine_txn_save(fixture->txn, &two), STATUS_OK);
    put(fixture->txn, "d", "3");
    assert_int_equal(engine_txn_get(fixture->txn, TREE, s("a"), &value), STATUS_OK);
    assert_int_equal(engine_txn_rollback(fixture->txn, one), STATUS_OK);
    assert_true(slice_equal(value.data, s("112")));
    engine_value_release(&value);
    expect_rows(fixture->txn, TREE, NULL, "a=11 base=0", "base=0 a=11");
    assert_int_equal(engine_txn_rollback(fixture->txn, two), STATUS_INVALID);
    put(fixture->txn, "e", "4");
    assert_int_equal(engine_txn_rollback(fixture->txn, one), STATUS_OK);
    expect_rows(fixture->txn, TREE, NULL, "a=11 base=0", "base=0 a=11");
    put(fixture->txn, "f", "5");
    commit(fixture->txn);
    lab_expect_all(fixture->engine, NULL, TREE, "a=11 base=0 f=5");
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    assert_int_equal(engine_txn_rollback(fixture->txn, none), STATUS_INVALID);
}

static void what_was_rolled_back_does_not_conflict_and_locks_stay(void **state) {
    struct fixture *fixture = *state;
    uint32_t savepoint;
    begin(fixture);
    put(fixture->txn, "a", "1");
    assert_int_equal(engine_txn_save(fixture->txn, &savepoint), STATUS_OK);
    put(fixture->txn, "b", "1");
    assert_int_equal(engine_txn_rollback(fixture->txn, savepoint), STATUS_OK);
    lab_put(fixture->engine, TREE, "b", "2");
    commit(fixture->txn);
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    assert_int_equal(engine_txn_save(fixture->txn, &savepoint), STATUS_OK);
    assert_int_equal(engine_txn_lock(fixture->txn, TREE, s("c")), STATUS_OK);
    assert_int_equal(engine_txn_rollback(fixture->txn, savepoint), STATUS_OK);
    put(fixture->txn, "d", "1");
    lab_put(fixture->engine, TREE, "c", "2");
    expect_conflict(fixture->txn, TREE, "c");
}

static void memory_has_a_limit(void **state) {
    struct fixture *fixture = *state;
    const struct engine_txn_options options = {.limit_bytes = 64 << 10};
    char key[16], value[1000];
    unsigned written = 0;
    enum status status = STATUS_OK;
    memset(value, 'v', sizeof value);
    assert_int_equal(engine_txn_begin(fixture->engine, &options, &fixture->txn), STATUS_OK);
    for (; written < 1000 && status == STATUS_OK; written += status == STATUS_OK) {
        snprintf(key, sizeof key, "k%03u", written);
        status = engine_txn_put(fixture->txn, TREE, s(key), slice_make(value, sizeof value));
    }
    assert_int_equal(status, STATUS_TOO_LARGE);
    assert_in_range(written, 10, 64);
    assert_true(engine_txn_bytes(fixture->txn) <= options.limit_bytes);
    expect(fixture->txn, TREE, key, NULL);
    for (status = STATUS_OK; status == STATUS_OK;) status = engine_txn_lock(fixture->txn, TREE, s("k"));
    assert_int_equal(status, STATUS_TOO_LARGE);
    commit(fixture->txn);
    struct engine_value got;
    snprintf(key, sizeof key, "k%03u", written - 1);
    assert_int_equal(engine_get(fixture->engine, NULL, TREE, s(key), &got), STATUS_OK);
    engine_value_release(&got);
    snprintf(key, sizeof key, "k%03u", written);
    lab_expect(fixture->engine, NULL, TREE, key, NULL);
}

static void what_the_tree_does_not_take_is_refused_at_once(void **state) {
    struct fixture *fixture = *state;
    struct engine_value value;
    struct engine_iterator *iterator;
    begin(fixture);
    assert_int_equal(engine_txn_merge(fixture->txn, TREE, s("k"), s("1")), STATUS_INVALID);
    assert_int_equal(engine_txn_put(fixture->txn, 77, s("k"), s("1")), STATUS_INVALID);
    assert_int_equal(engine_txn_get(fixture->txn, 77, s("k"), &value), STATUS_INVALID);
    assert_int_equal(engine_txn_lock(fixture->txn, 77, s("k")), STATUS_INVALID);
    const struct engine_iterator_options at = {.snapshot = engine_txn_snapshot(fixture->txn)};
    assert_int_equal(engine_txn_iterator_open(fixture->txn, TREE, &at, &iterator), STATUS_INVALID);
    put(fixture->txn, "k", "1");
    commit(fixture->txn);
    lab_expect_all(fixture->engine, NULL, TREE, "k=1");
}

static void a_committed_transaction_is_over(void **state) {
    struct fixture *fixture = *state;
    struct engine_value value;
    uint32_t savepoint;
    begin(fixture);
    put(fixture->txn, "k", "1");
    commit(fixture->txn);
    assert_int_equal(engine_txn_commit(fixture->txn, NULL), STATUS_INVALID);
    assert_int_equal(engine_txn_put(fixture->txn, TREE, s("k"), s("2")), STATUS_INVALID);
    assert_int_equal(engine_txn_get(fixture->txn, TREE, s("k"), &value), STATUS_INVALID);
    assert_int_equal(engine_txn_save(fixture->txn, &savepoint), STATUS_INVALID);
    assert_null(engine_txn_snapshot(fixture->txn));
}

static void without_a_log_of_its_own_there_are_none(void **state) {
    struct fixture *fixture = *state;
    fixture->options.wal = ENGINE_WAL_OFF;
    struct engine *engine = lab_open(fixture->io, "off", &fixture->options);
    assert_int_equal(engine_txn_begin(engine, NULL, &fixture->txn), STATUS_UNSUPPORTED);
    engine_close(engine);
}

static void on_a_read_only_engine_it_reads_and_does_not_commit_writes(void **state) {
    struct fixture *fixture = *state;
    lab_put(fixture->engine, TREE, "k", "1");
    fixture->options.read_only = true;
    struct engine *engine = lab_open(fixture->io, "db", &fixture->options);
    assert_int_equal(engine_txn_begin(engine, NULL, &fixture->txn), STATUS_OK);
    expect(fixture->txn, TREE, "k", "1");
    assert_int_equal(engine_txn_lock(fixture->txn, TREE, s("k")), STATUS_OK);
    commit(fixture->txn);
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    put(fixture->txn, "k", "2");
    expect(fixture->txn, TREE, "k", "2");
    assert_int_equal(engine_txn_commit(fixture->txn, NULL), STATUS_READ_ONLY);
    engine_txn_end(fixture->txn);
    fixture->txn = NULL;
    engine_close(engine);
}

static void time_that_passes_is_no_write(void **state) {
    struct fixture *fixture = *state;
    struct engine_value value;
    lab_set_time(fixture->engine, 100);
    lab_create_tree(fixture->engine, UNTIL_TREE, UNTIL_KIND);
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put_until(&batch, UNTIL_TREE, s("k"), s("1"), INT64_MAX / 2), STATUS_OK);
    assert_int_equal(lab_write(fixture->engine, &batch), STATUS_OK);
    engine_batch_deinit(&batch);
    begin(fixture);
    expect(fixture->txn, UNTIL_TREE, "k", "1");
    assert_int_equal(engine_txn_append(fixture->txn, UNTIL_TREE, s("k"), s("1")), STATUS_INVALID);
    assert_int_equal(engine_txn_put_until(fixture->txn, UNTIL_TREE, s("gone"), s("2"), 1), STATUS_OK);
    assert_int_equal(engine_txn_put_until(fixture->txn, UNTIL_TREE, s("here"), s("3"), 0), STATUS_OK);
    assert_int_equal(engine_txn_get(fixture->txn, UNTIL_TREE, s("gone"), &value), STATUS_NOT_FOUND);
    expect_rows(fixture->txn, UNTIL_TREE, NULL, "here=3 k=1", "k=1 here=3");
    lab_set_time(fixture->engine, INT64_MAX / 2 + 1);
    assert_int_equal(engine_txn_put_until(fixture->txn, UNTIL_TREE, s("k"), s("4"), 0), STATUS_OK);
    commit(fixture->txn);
    lab_expect_all(fixture->engine, NULL, UNTIL_TREE, "here=3 k=4");
}

static void a_commit_has_the_time_that_its_owner_says(void **state) {
    struct fixture *fixture = *state;
    lab_set_time(fixture->engine, 100);
    lab_create_tree(fixture->engine, UNTIL_TREE, UNTIL_KIND);
    begin(fixture);
    assert_int_equal(engine_txn_put_until(fixture->txn, UNTIL_TREE, s("k"), s("1"), 200), STATUS_OK);
    engine_txn_set_time(fixture->txn, 199);
    commit(fixture->txn);
    lab_expect_all(fixture->engine, NULL, UNTIL_TREE, "k=1");
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    assert_int_equal(engine_txn_put_until(fixture->txn, UNTIL_TREE, s("l"), s("2"), 300), STATUS_OK);
    engine_txn_set_time(fixture->txn, 200);
    commit(fixture->txn);
    lab_expect_all(fixture->engine, NULL, UNTIL_TREE, "l=2");
    assert_int_equal(engine_txn_restart(fixture->txn), STATUS_OK);
    assert_int_equal(engine_txn_put(fixture->txn, TREE, s("a"), s("3")), STATUS_OK);
    commit(fixture->txn); /* the clock's, which is far beyond */
    lab_expect_all(fixture->engine, NULL, UNTIL_TREE, "");
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
    struct fixture *fixture = *state;
    lab_put(fixture->engine, SUMS, "from", "10");
    lab_put(fixture->engine, SUMS, "to", "0");
    begin(fixture);
    lab_merge(fixture->engine, SUMS, "to", "5");
    assert_int_equal(transfer(fixture->txn), STATUS_OK);
    lab_expect_all(fixture->engine, NULL, SUMS, "from=9 to=6");
}

/* ---- Memory that ends -------------------------------------------------------------------------------------------- */

static enum status whole_life(struct fixture *fixture, struct engine_txn **txn) {
    uint32_t savepoint;
    struct engine_value value;
    enum status status = engine_txn_begin(fixture->engine, NULL, txn);
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
    struct fixture *fixture = *state;
    for (uint64_t n = 1;; n++) {
        alloc_fault_at(n);
        const enum status status = whole_life(fixture, &fixture->txn);
        const bool delivered = alloc_fault_clear();
        engine_txn_end(fixture->txn);
        fixture->txn = NULL;
        lab_expect(fixture->engine, NULL, TREE, "a", status == STATUS_OK ? "12" : NULL);
        lab_delete(fixture->engine, TREE, "a");
        if (!delivered) break;
        if (status != STATUS_OK) assert_int_equal(status, STATUS_NO_MEMORY);
        assert_true(n < 1000);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
