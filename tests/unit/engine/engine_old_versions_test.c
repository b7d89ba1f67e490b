/* Versions that lie in the last level because a snapshot saw them when they got there: once it is gone they leave the
 * disk by themselves, and nothing is written anew as long as it is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "tests/harness/engine_lab.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, KEYS = 400, LAST = ENGINE_LEVELS - 1 };

struct fixture {
    struct io *io;
    struct engine_options options;
    struct engine *engine;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->io = sim_io_create_alone(1);
    fixture->options = lab_options();
    fixture->options.memtable_bytes = 1 << 20;
    fixture->engine = lab_open(fixture->io, "db", &fixture->options);
    lab_create_tree(fixture->engine, TREE, LAB_PLAIN);
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

static void work(const struct fixture *fixture) {
    while (io_job_assist(fixture->io)) continue;
}

static const char *value_of(unsigned key, unsigned round, char text[64]) {
    size_t size = (size_t)snprintf(text, 64, "%u of round %u:", key, round);
    for (; size < 63; size++)
        text[size] = (char)('!' + hash_mix(round * KEYS + key, size) % 90); /* does not compress */
    text[size] = 0;
    return text;
}

static const char *key_of(unsigned key, char text[16]) {
    snprintf(text, 16, "k%05u", key);
    return text;
}

static void put_all(const struct fixture *fixture, unsigned round) {
    char key[16], value[64];
    for (unsigned i = 0; i < KEYS; i++) lab_put(fixture->engine, TREE, key_of(i, key), value_of(i, round, value));
}

static void expect(const struct fixture *fixture, const struct engine_snapshot *snapshot, unsigned round) {
    char key[16], value[64];
    for (unsigned i = 0; i < KEYS; i += 7)
        lab_expect(fixture->engine, snapshot, TREE, key_of(i, key), value_of(i, round, value));
}

static struct engine_stats stats_of(const struct fixture *fixture) {
    struct engine_stats stats;
    work(fixture);
    engine_get_stats(fixture->engine, &stats);
    return stats;
}

/* Rounds 1 and 2 side by side in the last level. */
static struct engine_snapshot *fill(const struct fixture *fixture) {
    put_all(fixture, 1);
    struct engine_snapshot *snapshot = engine_snapshot_acquire(fixture->engine);
    put_all(fixture, 2);
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->engine), STATUS_OK);
    return snapshot;
}

static void they_go_when_the_snapshot_is_released(void **state) {
    const struct fixture *fixture = *state;
    struct engine_snapshot *snapshot = fill(fixture);
    const struct engine_stats before = stats_of(fixture);
    assert_true(before.levels[LAST].bytes > 0);
    expect(fixture, snapshot, 1);
    engine_snapshot_release(fixture->engine, snapshot);
    const struct engine_stats after = stats_of(fixture);
    assert_true(after.levels[LAST].bytes * 3 < before.levels[LAST].bytes * 2);
    expect(fixture, NULL, 2);
    assert_int_equal(stats_of(fixture).compactions, after.compactions);
    assert_int_equal(engine_compact(fixture->engine), STATUS_OK);
    assert_int_equal(stats_of(fixture).levels[LAST].bytes, after.levels[LAST].bytes); /* nothing was left to find */
}

static void nothing_is_written_anew_while_it_is_there(void **state) {
    const struct fixture *fixture = *state;
    struct engine_snapshot *snapshot = fill(fixture);
    const struct engine_stats before = stats_of(fixture);
    engine_snapshot_release(fixture->engine, engine_snapshot_acquire(fixture->engine)); /* a newer one says nothing */
    assert_int_equal(engine_compact(fixture->engine), STATUS_OK);
    assert_int_equal(stats_of(fixture).compactions, before.compactions);
    expect(fixture, snapshot, 1);
    engine_snapshot_release(fixture->engine, snapshot);
}

static void a_newer_snapshot_does_not_hold_them(void **state) {
    const struct fixture *fixture = *state;
    struct engine_snapshot *older = fill(fixture), *newer = engine_snapshot_acquire(fixture->engine);
    const struct engine_stats before = stats_of(fixture);
    engine_snapshot_release(fixture->engine, older);
    assert_true(stats_of(fixture).levels[LAST].bytes * 3 < before.levels[LAST].bytes * 2);
    expect(fixture, newer, 2);
    engine_snapshot_release(fixture->engine, newer);
}

static void they_go_after_an_opening_too(void **state) {
    struct fixture *fixture = *state;
    struct engine_snapshot *snapshot = fill(fixture);
    const struct engine_stats before = stats_of(fixture);
    engine_snapshot_release(fixture->engine, snapshot); /* the job has no step any more */
    engine_close(fixture->engine);
    fixture->engine = lab_open(fixture->io, "db", &fixture->options);
    assert_true(stats_of(fixture).levels[LAST].bytes * 3 < before.levels[LAST].bytes * 2);
    expect(fixture, NULL, 2);
    assert_int_equal(engine_verify(fixture->engine, NULL, NULL), STATUS_OK);
}

/* A chain of operands has no version that hides another, or the file would be written anew for ever. */
static void operands_that_can_not_be_folded_are_none(void **state) {
    const struct fixture *fixture = *state;
    char key[16];
    lab_create_tree(fixture->engine, TREE + 1, LAB_SUM);
    struct engine_snapshot *snapshots[3];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 50; i++) lab_merge(fixture->engine, TREE + 1, key_of(i, key), round == 1 ? "" : "5");
        snapshots[round] = engine_snapshot_acquire(fixture->engine);
    }
    assert_int_equal(engine_flush(fixture->engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->engine), STATUS_OK);
    for (unsigned round = 0; round < 3; round++) engine_snapshot_release(fixture->engine, snapshots[round]);
    const struct engine_stats before = stats_of(fixture);
    assert_true(before.levels[LAST].bytes > 0);
    assert_int_equal(engine_compact(fixture->engine), STATUS_OK);
    assert_true(stats_of(fixture).compactions <= before.compactions + 1);
}

/* The count is of level 2: an older binary refuses the field. */
static void at_level_1_they_are_not_counted(void **state) {
    struct fixture *fixture = *state;
    engine_close(fixture->engine);
    fixture->options.format_level = 1;
    fixture->engine = lab_open(fixture->io, "old", &fixture->options);
    lab_create_tree(fixture->engine, TREE, LAB_PLAIN);
    struct engine_snapshot *snapshot = fill(fixture);
    const struct engine_stats before = stats_of(fixture);
    engine_snapshot_release(fixture->engine, snapshot);
    assert_int_equal(stats_of(fixture).levels[LAST].bytes, before.levels[LAST].bytes);
    expect(fixture, NULL, 2);
}

int main(void) {
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(they_go_when_the_snapshot_is_released),    FACT(nothing_is_written_anew_while_it_is_there),
        FACT(a_newer_snapshot_does_not_hold_them),      FACT(they_go_after_an_opening_too),
        FACT(operands_that_can_not_be_folded_are_none), FACT(at_level_1_they_are_not_counted),
    };
    return cmocka_run_group_tests_name("old versions", tests, NULL, NULL);
}
