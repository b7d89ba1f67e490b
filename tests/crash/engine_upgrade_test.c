/*
 * The power goes, or a call fails, at any I/O of an upgrade of the format level, of a store at rest and of a running
 * one: the store opens, holds all that it held, and has the old level or the new one; the new one if the upgrade had
 * said OK. A second upgrade then comes to its end.
 *
 * Replay one case: LOAM_TEST_SEED=seed LOAM_TEST_CASE=nth build/tests/crash/engine_upgrade_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "engine/care.h"
#include "tests/harness/engine_workload.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { BATCHES = 30, MS = 1000000 };

enum what { CUT_AT_REST, CUT_RUNNING, FAIL_AT_REST, FAIL_RUNNING, WHATS };

struct life {
    struct workload *workload;
    struct engine_options options;
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
};

static void boot(struct life *life) {
    struct error error;
    life->io = sim_io_create(life->sim, life->disk, NULL);
    if (engine_open(life->io, "/store", &life->options, &life->engine, &error) != STATUS_OK)
        fail_msg("the store does not open: %s", error.text);
}

static void stop(struct life *life) {
    engine_close(life->engine);
    life->engine = NULL;
    io_destroy(life->io);
}

/* A store of level 1 with files, and with batches that are in its log alone. */
static void make(struct life *life, uint64_t seed) {
    struct engine_batch batch;
    *life = (struct life){.workload = workload_create(seed, BATCHES, 30)};
    life->options = workload_engine_options(life->workload);
    life->options.format_level = 1;
    life->sim = sim_create(seed);
    life->disk = sim_disk_create(seed);
    boot(life);
    engine_batch_init(&batch);
    for (uint32_t n = 1; n <= BATCHES; n++) {
        const struct engine_write_options sync = {.sync = n == BATCHES};
        assert_int_equal(workload_build(life->workload, n, &batch), STATUS_OK);
        assert_int_equal(engine_write(life->engine, &batch, &sync), STATUS_OK);
        if (n == BATCHES / 2) assert_int_equal(engine_flush(life->engine), STATUS_OK);
        io_run(life->io, io_now_ns(life->io) + MS);
    }
    engine_batch_deinit(&batch);
}

static void unmake(struct life *life) {
    sim_disk_destroy(life->disk);
    sim_destroy(life->sim);
    workload_destroy(life->workload);
}

static unsigned level_of(const struct engine *engine) {
    struct engine_options options;
    engine_get_options(engine, &options);
    return options.format_level;
}

/* The store opens, with one of the two levels, and holds everything; returns the level. */
static unsigned examine(struct life *life, uint64_t seed, uint64_t nth) {
    struct error error = {.status = STATUS_OK};
    uint32_t n = 0;
    boot(life);
    const unsigned level = level_of(life->engine);
    assert_int_equal(workload_recovered(life->engine, &n), STATUS_OK);
    if (n != BATCHES || workload_compare(life->workload, life->engine, n, &error) != STATUS_OK)
        fail_msg("seed %llu, case %llu: %u batches: %s", (unsigned long long)seed, (unsigned long long)nth, n,
                 error.text);
    assert_int_equal(engine_verify(life->engine, NULL, NULL), STATUS_OK);
    return level;
}

static enum status upgrade(struct life *life, bool running) {
    struct care_upgrade_report report;
    struct error error;
    if (running) return engine_upgrade(life->engine, 0, &error);
    const enum status status = engine_care_upgrade(life->io, "/store", 0, &report, &error);
    assert_true(status == STATUS_OK || error.text[0]);
    return status;
}

/* False: the upgrade was over before its nth I/O. */
static bool disturb(enum what what, uint64_t seed, uint64_t nth) {
    struct life life;
    const bool running = what == CUT_RUNNING || what == FAIL_RUNNING, cut = what == CUT_AT_REST || what == CUT_RUNNING;
    make(&life, seed);
    if (!running) {
        stop(&life);
        life.io = sim_io_create(life.sim, life.disk, NULL);
    }
    if (cut)
        sim_disk_cut_at(life.disk, nth, SIM_CUT_RANDOM);
    else
        sim_disk_fail_at(life.disk, nth, STATUS_IO, false);
    const bool done = upgrade(&life, running) == STATUS_OK;
    const bool met = cut ? !sim_disk_is_powered(life.disk) : sim_disk_has_failed(life.disk);
    if (cut)
        sim_disk_cut_at(life.disk, 0, SIM_CUT_NONE);
    else
        sim_disk_fail_at(life.disk, 0, STATUS_OK, false);
    if (cut && !met) sim_disk_cut(life.disk, SIM_CUT_RANDOM);
    stop(&life);
    const unsigned level = examine(&life, seed, nth);
    if (level != 2 && (done || level != 1))
        fail_msg("seed %llu, case %llu: an upgrade that %s left level %u", (unsigned long long)seed,
                 (unsigned long long)nth, done ? "was done" : "failed", level);
    stop(&life);
    life.io = sim_io_create(life.sim, life.disk, NULL);
    assert_int_equal(upgrade(&life, false), STATUS_OK);
    io_destroy(life.io);
    assert_int_equal(examine(&life, seed, nth), 2);
    stop(&life);
    unmake(&life);
    return met;
}

static void any_disturbance_leaves_one_of_the_two_levels(void **state) {
    (void)state;
    const uint64_t seed = test_seed(1), only = test_number("LOAM_TEST_CASE", 0);
    const uint64_t seeds = only ? 1 : 1 + test_scaled(100) / 50;
    for (uint64_t s = seed; s < seed + seeds; s++) {
        for (enum what what = 0; what < WHATS; what++) {
            uint64_t nth = only ? only : 1;
            while (disturb(what, s, nth) && !only) nth++;
            assert_true(only || nth > 4);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_disturbance_leaves_one_of_the_two_levels),
    };
    return cmocka_run_group_tests_name("engine upgrade", tests, NULL, NULL);
}
