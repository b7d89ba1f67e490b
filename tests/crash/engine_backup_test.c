/*
 * Backups: each holds the state of its time, whole, also when tables are links to earlier ones, when the power is cut
 * at any I/O of making it, and when others are removed.
 *
 * Replay one case: LOAM_TEST_SEED=seed LOAM_TEST_CASE=nth build/tests/crash/engine_backup_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/care.h"
#include "tests/harness/engine_workload.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { BATCHES = 60, STEP = 15, MS = 1000000 };

struct life {
    struct workload *workload;
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
    uint32_t written;
};

static void boot(struct life *life) {
    const struct engine_options options = workload_engine_options(life->workload);
    struct error error;
    life->io = sim_io_create(life->sim, life->disk, NULL);
    if (engine_open(life->io, "/store", &options, &life->engine, &error) != STATUS_OK) fail_msg("%s", error.text);
}

static void stop(struct life *life) {
    engine_close(life->engine);
    io_destroy(life->io);
}

static void make(struct life *life, uint64_t seed) {
    *life = (struct life){.workload = workload_create(seed, BATCHES, 40)};
    life->sim = sim_create(seed);
    life->disk = sim_disk_create(seed);
    boot(life);
}

static void unmake(struct life *life) {
    stop(life);
    workload_destroy(life->workload);
    sim_disk_destroy(life->disk);
    sim_destroy(life->sim);
}

static void write_some(struct life *life) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    for (int i = 0; i < STEP; i++) {
        assert_int_equal(workload_build(life->workload, ++life->written, &batch), STATUS_OK);
        assert_int_equal(engine_write(life->engine, &batch, NULL), STATUS_OK);
        io_run(life->io, io_now_ns(life->io) + MS);
    }
    engine_batch_deinit(&batch);
}

/* Backup `number`, restored, holds the first n batches. */
static void expect_backup(struct life *life, uint64_t number, uint32_t n) {
    static unsigned serial;
    const struct engine_options options = workload_engine_options(life->workload);
    struct engine *engine = NULL;
    struct error error = {.status = STATUS_OK};
    char dir[32];
    snprintf(dir, sizeof dir, "/restored%u", serial++);
    if (engine_care_restore(life->io, "/backups", number, dir, &error) != STATUS_OK)
        fail_msg("restore of %llu: %s", (unsigned long long)number, error.text);
    if (engine_open(life->io, dir, &options, &engine, &error) != STATUS_OK) fail_msg("%s: %s", dir, error.text);
    if (workload_compare(life->workload, engine, n, &error) != STATUS_OK)
        fail_msg("backup %llu is not batch %u: %s", (unsigned long long)number, n, error.text);
    engine_close(engine);
}

static void each_backup_holds_its_time_and_copies_only_what_is_new(void **state) {
    (void)state;
    const struct backup_options options = {.verify_all = true};
    for (uint64_t i = 0; i < test_scaled(10); i++) {
        struct life life;
        struct backup_report report;
        struct error error;
        uint64_t linked = 0, linked_values = 0;
        make(&life, test_seed(1) + i);
        for (uint64_t n = 1; n <= BATCHES / STEP; n++) {
            write_some(&life);
            if (engine_backup(life.engine, "/backups", &options, &report, &error) != STATUS_OK)
                fail_msg("%s", error.text);
            assert_int_equal(report.number, n);
            linked += report.linked_tables;
            linked_values += report.linked_value_files;
        }
        assert_int_equal(engine_backup(life.engine, "/backups", &options, &report, &error), STATUS_OK);
        assert_int_equal(report.linked_tables, report.tables); /* nothing came since */
        assert_int_equal(report.linked_value_files, report.value_files);
        assert_int_equal(report.copied_bytes, 0);
        for (uint64_t n = 1; n <= BATCHES / STEP; n++) expect_backup(&life, n, (uint32_t)n * STEP);
        expect_backup(&life, 0, BATCHES);
        unmake(&life);
        assert_true((linked > 0 && linked_values > 0) || i > 0);
    }
}

static void old_backups_go_and_the_others_stay_whole(void **state) {
    (void)state;
    const struct backup_options options = {.keep = 2};
    struct life life;
    struct backup_report report;
    struct error error;
    make(&life, test_seed(1));
    for (uint64_t n = 1; n <= BATCHES / STEP; n++) {
        write_some(&life);
        assert_int_equal(engine_backup(life.engine, "/backups", &options, &report, &error), STATUS_OK);
        assert_int_equal(report.pruned, n > 2);
    }
    assert_int_equal(engine_care_restore(life.io, "/backups", 1, "/gone", &error), STATUS_NOT_FOUND);
    expect_backup(&life, 3, 3 * STEP);
    expect_backup(&life, 4, 4 * STEP);
    assert_int_equal(engine_care_restore(life.io, "/backups", 4, "/store", &error), STATUS_EXISTS);
    unmake(&life);
}

static void a_store_at_rest_is_backed_up_with_its_log(void **state) {
    (void)state;
    struct life life;
    struct backup_report report;
    struct error error;
    make(&life, test_seed(2));
    write_some(&life);
    assert_int_equal(engine_care_backup(life.io, "/store", "/backups", NULL, &report, &error), STATUS_LOCKED);
    engine_close(life.engine);
    assert_int_equal(engine_care_backup(life.io, "/store", "/backups", NULL, &report, &error), STATUS_OK);
    expect_backup(&life, 1, life.written);
    const struct engine_options options = workload_engine_options(life.workload);
    assert_int_equal(engine_open(life.io, "/store", &options, &life.engine, &error), STATUS_OK);
    unmake(&life);
}

static void damage_is_not_taken_in(const char *ending) {
    struct life life;
    struct backup_report report;
    struct error error;
    char path[IO_PATH_BYTES];
    uint64_t offset;
    make(&life, test_seed(3));
    write_some(&life);
    assert_int_equal(engine_flush(life.engine), STATUS_OK);
    do { /* of a file that is in use: one that a merge has replaced may not be gone yet */
        const enum status status = sim_disk_damage_any(life.disk, ending, SIM_DAMAGE_FLIP, path, sizeof path, &offset);
        assert_int_equal(status, STATUS_OK);
    } while (engine_verify(life.engine, NULL, NULL) == STATUS_OK);
    assert_int_equal(engine_backup(life.engine, "/backups", NULL, &report, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.text, ending));
    assert_int_equal(engine_care_restore(life.io, "/backups", 0, "/none", &error), STATUS_NOT_FOUND);
    unmake(&life);
}

static void damage_is_not_taken_into_a_backup(void **state) {
    (void)state;
    damage_is_not_taken_in(".sst");
    damage_is_not_taken_in(".val");
}

/* The power goes at the nth I/O of the second backup; false: it was over before. */
static bool cut_at(uint64_t seed, uint64_t nth) {
    const struct backup_options options = {.keep = 1};
    struct life life;
    struct backup_report report;
    struct error error;
    make(&life, seed);
    write_some(&life);
    assert_int_equal(engine_backup(life.engine, "/backups", NULL, &report, &error), STATUS_OK);
    write_some(&life);
    sim_disk_cut_at(life.disk, nth, SIM_CUT_RANDOM);
    const bool done = engine_backup(life.engine, "/backups", &options, &report, &error) == STATUS_OK;
    sim_disk_cut_at(life.disk, 0, SIM_CUT_NONE);
    if (done) sim_disk_cut(life.disk, SIM_CUT_RANDOM);
    stop(&life);
    boot(&life);
    struct io_entry first, second;
    const bool has_first = io_stat(life.io, "/backups/0000000001/SUPERBLOCK", &first) == STATUS_OK;
    const bool has_second = io_stat(life.io, "/backups/0000000002/SUPERBLOCK", &second) == STATUS_OK;
    if (!has_first && !has_second)
        fail_msg("seed %llu, cut at %llu: no backup is left", (unsigned long long)seed, (unsigned long long)nth);
    if (done && !has_second)
        fail_msg("seed %llu, cut at %llu: a finished backup is gone", (unsigned long long)seed,
                 (unsigned long long)nth);
    if (has_first) expect_backup(&life, 1, STEP);
    if (has_second) expect_backup(&life, 2, 2 * STEP);
    /* The next one comes to its end, whatever lies about. */
    if (engine_backup(life.engine, "/backups", NULL, &report, &error) != STATUS_OK)
        fail_msg("cut at %llu: %s", (unsigned long long)nth, error.text);
    unmake(&life);
    return !done;
}

static void a_power_cut_at_any_io_leaves_whole_backups(void **state) {
    (void)state;
    const uint64_t seed = test_seed(5), only = test_number("LOAM_TEST_CASE", 0);
    if (only) cut_at(seed, only);
    const uint64_t stride =
        test_scaled(100) < 100 ? 29 : 1; /* each life writes and restores: others fall to other seeds */
    uint64_t nth = 1 + seed % stride;
    while (!only && cut_at(seed, nth)) nth += stride;
    assert_true(only || nth > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_backup_holds_its_time_and_copies_only_what_is_new),
        cmocka_unit_test(old_backups_go_and_the_others_stay_whole),
        cmocka_unit_test(a_store_at_rest_is_backed_up_with_its_log),
        cmocka_unit_test(damage_is_not_taken_into_a_backup),
        cmocka_unit_test(a_power_cut_at_any_io_leaves_whole_backups),
    };
    return cmocka_run_group_tests_name("engine backup", tests, NULL, NULL);
}
