/* Policies of merging through the public API: what FIFO lets go, and how a store comes into the shape of another
 * policy. What each policy picks is a table in pick_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/engine_lab.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, KIND = 1, KEYS = 3000 };

struct fixture {
    struct io *io;
    struct engine_tree_kind kind;
    struct engine_options options;
    struct engine *engine;
    struct prng prng;
    int values[KEYS]; /* 0 = absent */
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->io = sim_io_create_alone(1);
    prng_init(&fixture->prng, 7);
    fixture->kind = (struct engine_tree_kind){.id = KIND, .name = "k"};
    fixture->options = lab_options();
    fixture->options.kinds = &fixture->kind;
    fixture->options.kind_count = 1;
    fixture->options.level_base_bytes = 8 << 10; /* a tree of more than 128 KiB is large */
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    engine_close(fixture->engine);
    io_destroy(fixture->io);
    free(fixture);
    return 0;
}

static void work(struct fixture *fixture) {
    while (io_job_assist(fixture->io)) continue;
}

static void open_as(struct fixture *fixture, enum engine_policy policy) {
    engine_close(fixture->engine);
    fixture->kind.policy = policy;
    fixture->engine = lab_open(fixture->io, "db", &fixture->options);
}

static void write_some(struct fixture *fixture, int count) {
    char key[16], value[128];
    for (int i = 0; i < count; i++) {
        const uint64_t at = prng_below(&fixture->prng, KEYS);
        fixture->values[at] = (int)prng_below(&fixture->prng, 1000000) + 1;
        snprintf(key, sizeof key, "%06d", (int)at);
        snprintf(value, sizeof value, "%0100d", fixture->values[at]);
        lab_put(fixture->engine, TREE, key, value);
    }
}

static void check_all(struct fixture *fixture) {
    char key[16], value[128];
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "%06d", i);
        snprintf(value, sizeof value, "%0100d", fixture->values[i]);
        lab_expect(fixture->engine, NULL, TREE, key, fixture->values[i] ? value : NULL);
    }
}

static uint64_t debt_of(struct engine *engine) {
    struct engine_stats stats;
    engine_get_stats(engine, &stats);
    return stats.debt_bytes;
}

static void a_store_comes_into_the_shape_of_each_policy(void **state) {
    struct fixture *fixture = *state;
    static const enum engine_policy policies[] = {ENGINE_POLICY_TIERED, ENGINE_POLICY_LEVELED, ENGINE_POLICY_FIFO,
                                                  ENGINE_POLICY_LAZY,   ENGINE_POLICY_LEVELED, ENGINE_POLICY_TIERED};
    open_as(fixture, policies[0]);
    lab_create_tree(fixture->engine, TREE, KIND);
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        if (i > 0) open_as(fixture, policies[i]);
        write_some(fixture, KEYS);
        assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
        work(fixture);
        assert_int_equal(debt_of(fixture->engine), 0);
        check_all(fixture);
    }
}

static void lazy_keeps_a_quarter_above_the_last_level(void **state) {
    struct fixture *fixture = *state;
    struct engine_stats stats;
    open_as(fixture, ENGINE_POLICY_LAZY);
    lab_create_tree(fixture->engine, TREE, KIND);
    write_some(fixture, 4 * KEYS);
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    work(fixture);
    engine_get_stats(fixture->engine, &stats);
    uint64_t between = 0;
    for (int i = 1; i < ENGINE_LEVELS - 1; i++) between += stats.levels[i].bytes;
    assert_true(stats.levels[ENGINE_LEVELS - 1].bytes > 16 * fixture->options.level_base_bytes); /* a large tree */
    assert_true(between * 4 <= stats.levels[ENGINE_LEVELS - 1].bytes);
    assert_true(stats.levels[0].files < 4);
}

/* Files above the last level, and all. */
static void count_files(struct engine *engine, uint64_t *above, uint64_t *all) {
    struct engine_stats stats;
    engine_get_stats(engine, &stats);
    *above = *all = 0;
    for (int i = 0; i < ENGINE_LEVELS; i++) {
        *all += stats.levels[i].files;
        if (i < ENGINE_LEVELS - 1) *above += stats.levels[i].files;
    }
}

static void a_small_tree_becomes_one_run_once_nobody_writes(void **state) {
    struct fixture *fixture = *state;
    uint64_t above, all;
    fixture->options.level_base_bytes = 1 << 20;
    open_as(fixture, ENGINE_POLICY_LAZY);
    lab_create_tree(fixture->engine, TREE, KIND);
    write_some(fixture, KEYS);
    count_files(fixture->engine, &above, &all);
    assert_true(above > 0);
    assert_true(debt_of(fixture->engine) > 0); /* it is owed before it is begun */
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    work(fixture);
    count_files(fixture->engine, &above, &all);
    assert_int_equal(above, 0);
    assert_true(all > 0);
    assert_int_equal(debt_of(fixture->engine), 0);
    check_all(fixture);
}

static void a_store_that_is_written_to_is_left_alone(void **state) {
    struct fixture *fixture = *state;
    struct engine_stats stats;
    fixture->options.level_base_bytes = 1 << 20;
    fixture->options.level0_trigger = 1000;
    open_as(fixture, ENGINE_POLICY_LAZY);
    lab_create_tree(fixture->engine, TREE, KIND);
    for (int i = 0; i < 1000; i++) {
        write_some(fixture, 1);
        if (i % 100 == 0) assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
        (void)io_job_assist(fixture->io); /* a look at the store, and a write before the next one */
    }
    engine_get_stats(fixture->engine, &stats);
    assert_int_equal(stats.compactions, 0);
    assert_true(stats.levels[0].files >= 10);
    work(fixture);
    engine_get_stats(fixture->engine, &stats);
    assert_int_equal(stats.compactions, 1);
    assert_int_equal(stats.levels[0].files, 0);
    check_all(fixture);
}

static void keys_in_order_are_written_once(void **state) {
    struct fixture *fixture = *state;
    struct engine_stats stats;
    char key[16], value[128];
    open_as(fixture, ENGINE_POLICY_LAZY);
    lab_create_tree(fixture->engine, TREE, KIND);
    for (int i = 0; i < 2 * KEYS; i++) {
        snprintf(key, sizeof key, "%06d", i);
        snprintf(value, sizeof value, "%0100d", i);
        lab_put(fixture->engine, TREE, key, value);
    }
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    work(fixture);
    engine_get_stats(fixture->engine, &stats);
    assert_int_equal(stats.compacted_written_bytes, 0);
    assert_true(stats.trivial_moves > 0 && stats.levels[ENGINE_LEVELS - 1].files > 0);
}

static uint64_t present_keys(struct fixture *fixture) {
    struct engine_iterator *iterator;
    const struct engine_iterator_options options = {.no_fill = true};
    uint64_t count = 0;
    assert_int_equal(engine_iterator_open(fixture->engine, TREE, &options, &iterator), STATUS_OK);
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) count++;
    assert_int_equal(engine_iterator_status(iterator), STATUS_OK);
    engine_iterator_close(iterator);
    return count;
}

static void fifo_holds_its_bytes(void **state) {
    struct fixture *fixture = *state;
    struct engine_stats stats;
    fixture->kind.fifo_bytes = 100 << 10;
    open_as(fixture, ENGINE_POLICY_FIFO);
    lab_create_tree(fixture->engine, TREE, KIND);
    write_some(fixture, 3 * KEYS);
    lab_put(fixture->engine, TREE, "newest", "here");
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    work(fixture);
    engine_get_stats(fixture->engine, &stats);
    assert_in_range(stats.disk_bytes, 50 << 10, 100 << 10);
    assert_int_equal(stats.compacted_written_bytes, 0);
    lab_expect(fixture->engine, NULL, TREE, "newest", "here");
    assert_true(present_keys(fixture) < KEYS);
}

static void fifo_lets_the_old_go_but_not_what_a_snapshot_sees(void **state) {
    struct fixture *fixture = *state;
    fixture->kind.fifo_age_ms = 1000;
    fixture->options.wal = ENGINE_WAL_OFF;
    open_as(fixture, ENGINE_POLICY_FIFO);
    engine_log_durable(fixture->engine, UINT64_MAX - 1);
    lab_create_tree(fixture->engine, TREE, KIND);
    lab_put(fixture->engine, TREE, "a", "1");
    lab_set_time(fixture->engine, 1000);
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    struct engine_snapshot *snapshot = engine_snapshot_acquire(fixture->engine);
    lab_put(fixture->engine, TREE, "b", "2");
    lab_set_time(fixture->engine, 2000);
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    work(fixture);
    lab_expect_all(fixture->engine, NULL, TREE, "a=1 b=2");
    engine_snapshot_release(fixture->engine, snapshot);
    work(fixture);
    lab_expect_all(fixture->engine, NULL, TREE, "b=2");
}

static uint64_t entries_on_disk(struct engine *engine) {
    struct engine_tree_info info;
    assert_int_equal(engine_tree_info(engine, TREE, &info), STATUS_OK);
    return info.entries;
}

/* 3000 keys in the last level; in memory 10000 other keys and the deletes of all but one of the 3000. */
static void delete_most(struct fixture *fixture) {
    char key[16];
    fixture->options.memtable_bytes = 4 << 20;
    fixture->options.level_base_bytes = 1 << 20;
    open_as(fixture, ENGINE_POLICY_LAZY);
    lab_create_tree(fixture->engine, TREE, KIND);
    for (int pass = 0; pass < 3; pass++) {
        for (int i = 0; i < (pass == 1 ? 10000 : KEYS); i++) {
            snprintf(key, sizeof key, "%c%06d", pass == 1 ? 'z' : 'a', i);
            if (pass == 2 && i < KEYS - 1) lab_delete(fixture->engine, TREE, key);
            if (pass < 2) lab_put(fixture->engine, TREE, key, "v");
        }
        if (pass == 0) assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    }
    work(fixture);
}

static void a_scan_over_many_deletes_has_them_compacted(void **state) {
    struct fixture *fixture = *state;
    delete_most(fixture);
    assert_int_equal(entries_on_disk(fixture->engine), KEYS);
    assert_int_equal(present_keys(fixture), 10001);
    work(fixture);
    assert_int_equal(entries_on_disk(fixture->engine), 10001); /* neither the deletes nor what they hid */
    assert_int_equal(present_keys(fixture), 10001);
}

static void deletes_stay_where_a_snapshot_keeps_what_they_hide(void **state) {
    struct fixture *fixture = *state;
    delete_most(fixture);
    struct engine_snapshot *snapshot = engine_snapshot_acquire(fixture->engine);
    assert_int_equal(present_keys(fixture), 10001);
    work(fixture);
    assert_int_equal(entries_on_disk(fixture->engine), KEYS); /* nothing was done */
    engine_snapshot_release(fixture->engine, snapshot);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_store_comes_into_the_shape_of_each_policy),
        TEST(lazy_keeps_a_quarter_above_the_last_level),
        TEST(a_small_tree_becomes_one_run_once_nobody_writes),
        TEST(a_store_that_is_written_to_is_left_alone),
        TEST(keys_in_order_are_written_once),
        TEST(a_scan_over_many_deletes_has_them_compacted),
        TEST(deletes_stay_where_a_snapshot_keeps_what_they_hide),
        TEST(fifo_holds_its_bytes),
        TEST(fifo_lets_the_old_go_but_not_what_a_snapshot_sees),
    };
    return cmocka_run_group_tests_name("engine_policy", tests, NULL, NULL);
}
