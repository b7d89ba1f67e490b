/* A large merge is cut in two, which two jobs work on: what comes out is as if it had been one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/hash.h"
#include "tests/harness/engine_lab.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, KEYS = 1000 };

struct fixture {
    struct lab_store lab;
    unsigned whole, halved; /* merges told of */
};

static void count_parts(void *context, const char *line) {
    struct fixture *fixture = context;
    fixture->whole += strstr(line, "\"parts\":1") != NULL;
    fixture->halved += strstr(line, "\"parts\":2") != NULL;
}

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    lab_store_init(&fixture->lab, 11);
    fixture->lab.options.memtable_bytes = 1 << 20;
    fixture->lab.options.file_bytes = 4 << 10;
    fixture->lab.options.on_event = count_parts;
    fixture->lab.options.event_context = fixture;
    lab_store_open(&fixture->lab);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    lab_store_deinit(&fixture->lab);
    free(fixture);
    return 0;
}

static const char *key_of(unsigned key, char text[16]) {
    snprintf(text, 16, "k%05u", key);
    return text;
}

static const char *value_of(unsigned key, unsigned round, char text[64]) {
    size_t size = (size_t)snprintf(text, 64, "%u of round %u:", key, round);
    for (; size < 63; size++) text[size] = (char)('!' + hash_mix(round * KEYS + key, size) % 90);
    text[size] = 0;
    return text;
}

/* Every `step`th key from `from` on, into a file of level 0. */
static void put(const struct fixture *fixture, unsigned round, unsigned from, unsigned step) {
    char key[16], value[64];
    for (unsigned i = from; i < KEYS; i += step)
        lab_put(fixture->lab.engine, TREE, key_of(i, key), value_of(i, round, value));
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
}

static void compact(const struct fixture *fixture) {
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_OK);
}

static void everything_comes_out_of_both(void **state) {
    struct fixture *fixture = *state;
    char key[16], value[64];
    put(fixture, 1, 0, 1);
    put(fixture, 2, 0, 3);
    compact(fixture);
    assert_int_equal(fixture->halved, 1);
    for (unsigned i = 0; i < KEYS; i++)
        lab_expect(fixture->lab.engine, NULL, TREE, key_of(i, key), value_of(i, i % 3 == 0 ? 2 : 1, value));
}

static void a_merge_of_less_than_four_files_is_whole(void **state) {
    struct fixture *fixture = *state;
    put(fixture, 1, 0, 20);
    put(fixture, 2, 0, 40);
    compact(fixture);
    assert_int_equal(fixture->halved, 0);
    assert_true(fixture->whole > 0);
}

/* The cut lies within the range, whose delete the output has to keep for the snapshot's sake. */
static void a_range_delete_over_the_cut_holds_on_both_sides(void **state) {
    struct fixture *fixture = *state;
    char key[16], end[16], value[64];
    put(fixture, 1, 0, 1);
    struct engine_snapshot *snapshot = engine_snapshot_acquire(fixture->lab.engine);
    lab_delete_range(fixture->lab.engine, TREE, key_of(100, key), key_of(900, end));
    put(fixture, 2, 0, 50);
    compact(fixture);
    assert_int_equal(fixture->halved, 1);
    for (unsigned i = 0; i < KEYS; i++) {
        lab_expect(fixture->lab.engine, snapshot, TREE, key_of(i, key), value_of(i, 1, value));
        const bool gone = i >= 100 && i < 900;
        const char *left = i % 50 == 0 ? value_of(i, 2, value) : gone ? NULL : value_of(i, 1, value);
        lab_expect(fixture->lab.engine, NULL, TREE, key_of(i, key), left);
    }
    engine_snapshot_release(fixture->lab.engine, snapshot);
}

/* Versions of the key at the cut stay together, on its right side. */
static void all_versions_of_each_key_go_to_one_side(void **state) {
    struct fixture *fixture = *state;
    struct engine_snapshot *snapshots[4];
    char key[16], value[64];
    for (unsigned round = 0; round < 4; round++) {
        put(fixture, round, 0, 1);
        snapshots[round] = engine_snapshot_acquire(fixture->lab.engine);
    }
    compact(fixture);
    assert_true(fixture->halved > 0);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < KEYS; i++)
            lab_expect(fixture->lab.engine, snapshots[round], TREE, key_of(i, key), value_of(i, round, value));
        engine_snapshot_release(fixture->lab.engine, snapshots[round]);
    }
}

/* Closed in the middle of it: nothing of either part stays, and the next life does it again. */
static void a_close_in_between_leaves_nothing(void **state) {
    struct fixture *fixture = *state;
    char key[16], value[64];
    for (unsigned steps = 1; steps < 12; steps++) {
        put(fixture, steps, 0, 1);
        put(fixture, steps, 0, 2);
        for (unsigned i = 0; i < steps; i++) (void)io_job_assist(fixture->lab.io);
        engine_close(fixture->lab.engine);
        lab_store_open(&fixture->lab);
        for (unsigned i = 0; i < KEYS; i += 3)
            lab_expect(fixture->lab.engine, NULL, TREE, key_of(i, key), value_of(i, steps, value));
        assert_int_equal(engine_verify(fixture->lab.engine, NULL, NULL), STATUS_OK);
    }
    compact(fixture);
    assert_true(fixture->halved > 0);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_fixture(everything_comes_out_of_both),
        with_fixture(a_merge_of_less_than_four_files_is_whole),
        with_fixture(a_range_delete_over_the_cut_holds_on_both_sides),
        with_fixture(all_versions_of_each_key_go_to_one_side),
        with_fixture(a_close_in_between_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
