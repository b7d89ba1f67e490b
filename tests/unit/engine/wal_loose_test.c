/*
 * wal_loose_test: facts about a log that nobody asks to be durable: full segments stay unsynced, a synced commit covers
 * all of them, a hole ends the log, and what stood behind it never comes back. Power cuts at every I/O:
 * tests/crash/wal_crash_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/wal/wal_internal.h"
#include "tests/harness/wal_lab.h"

enum { SEGMENT = WAL_LAB_SEGMENT };

static void cut_power(struct wal_lab *f, enum sim_cut cut) {
    wal_lab_close(f);
    sim_disk_cut(f->machine.disk, cut);
    wal_machine_boot(&f->machine);
}

static void zero_sector(struct wal_lab *f, const char *path, uint64_t sector) {
    assert_int_equal(sim_disk_damage(f->machine.disk, path, sector * IO_SECTOR_BYTES, SIM_DAMAGE_ZERO), STATUS_OK);
}

static void full_segments_stay_unsynced_while_nobody_asks(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    wal_lab_fill_to(f, 4);
    cut_power(f, SIM_CUT_NONE);
    wal_lab_open(f);
    assert_int_equal(f->recovery.records, 0);
    assert_int_equal(f->recovery.torn_groups, 1);
}

static void a_synced_commit_covers_every_segment_before_it(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    wal_lab_fill_to(f, 4);
    wal_lab_commit(f);
    cut_power(f, SIM_CUT_NONE);
    wal_lab_open(f);
    assert_int_equal(f->recovery.torn_groups, 0);
    assert_true(f->recovery.records == f->model.next);
}

static void after_a_durable_commit_full_segments_are_synced_for_a_while(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    wal_lab_fill_to(f, 2);
    assert_int_equal(wal_commit(f->wal, true), STATUS_OK);
    wal_lab_fill_to(f, 3);
    const uint64_t durable = wal_durable(f->wal);
    assert_true(wal_lsn_segment(durable) == 2 && (uint32_t)durable > SEGMENT / 2);
    wal_lab_fill_to(f, 8);
    assert_true(wal_lsn_segment(wal_durable(f->wal)) < 7);
}

static void a_failed_sync_of_an_older_segment_ends_the_log(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    wal_lab_fill_to(f, 4);
    sim_disk_fail_sync(f->machine.disk);
    assert_int_equal(wal_commit(f->wal, true), STATUS_IO);
    assert_true(sim_disk_take_sync_failure(f->machine.disk));
    assert_int_equal(wal_commit(f->wal, true),
                     STATUS_READ_ONLY); /* not believed when it would say OK the second time */
    uint64_t lsn;
    assert_int_equal(wal_model_append(&f->model, f->wal, &lsn), STATUS_READ_ONLY);
}

static void a_hole_ends_the_log_and_what_stood_behind_never_comes_back(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    wal_lab_fill_to(f, 5);
    cut_power(f, SIM_CUT_ALL); /* the device has written all, but for one sector */
    zero_sector(f, "/wal/00000002.wal", 60);
    const uint64_t written = f->model.next;
    wal_lab_open(f);
    assert_int_equal(f->recovery.torn_groups, 1);
    assert_int_equal(wal_lsn_segment(f->recovery.torn_lsn), 2);
    assert_true(f->model.next > 0 && f->model.next < written);
    assert_int_equal(wal_lsn_segment(wal_end(f->wal)), 6); /* a number that no stamp has */
    const uint64_t kept = f->model.next;
    wal_lab_close(f);
    wal_lab_open(f);
    assert_true(f->model.next == kept && f->recovery.torn_groups == 0);
    wal_lab_fill_to(f, 8);
    wal_lab_close(f);
    wal_lab_open(f);
    assert_int_equal(f->recovery.torn_groups, 0);
}

/* The dead segments could not be removed: they stay dead. */
static void dead_segments_that_stay_are_not_read(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    wal_lab_fill_to(f, 5);
    cut_power(f, SIM_CUT_ALL);
    zero_sector(f, "/wal/00000002.wal", 60);
    for (unsigned at = 1; at < 60; at++) {
        struct wal_lab copy = *f;
        copy.machine.disk = sim_disk_clone(f->machine.disk, at);
        copy.machine.io = sim_io_create(f->machine.sim, copy.machine.disk, &(struct sim_io_options){.node = 1});
        sim_disk_cut_at(copy.machine.disk, at, SIM_CUT_RANDOM);
        const enum status first = wal_lab_try_open(&copy);
        if (first == STATUS_OK) wal_model_adopt(&copy.model);
        cut_power(&copy, SIM_CUT_RANDOM);
        wal_lab_open(&copy);
        wal_lab_fill_to(&copy, 8);
        wal_lab_close(&copy);
        wal_lab_open(&copy);
        wal_lab_close(&copy);
        io_destroy(copy.machine.io);
        sim_disk_destroy(copy.machine.disk);
    }
}

static void a_hole_below_a_durable_group_is_faulty(void **state) {
    struct wal_lab *f = *state;
    uint64_t lsn;
    wal_lab_open(f);
    wal_lab_fill_to(f, 4);
    wal_lab_commit(f);
    assert_int_equal(wal_model_put(&f->model, f->wal, &lsn), STATUS_OK);
    cut_power(f, SIM_CUT_ALL);
    const struct sim_disk *whole = f->machine.disk;
    for (uint32_t segment = 1; segment < 4; segment++) {
        for (uint64_t sector = 16; sector < SEGMENT / IO_SECTOR_BYTES - 8; sector += 9) {
            char path[32];
            struct wal_lab copy = *f;
            copy.machine.disk = sim_disk_clone(whole, sector);
            copy.machine.io = sim_io_create(f->machine.sim, copy.machine.disk, &(struct sim_io_options){.node = 1});
            (void)snprintf(path, sizeof path, "/wal/%08x.wal", (unsigned)segment);
            zero_sector(&copy, path, sector);
            const uint64_t before = sim_disk_hash(copy.machine.disk);
            assert_int_equal(wal_lab_try_open(&copy), STATUS_FAULTY);
            assert_true(sim_disk_hash(copy.machine.disk) == before);
            assert_int_equal(wal_lsn_segment(copy.recovery.faulty_lsn), segment);
            io_destroy(copy.machine.io);
            sim_disk_destroy(copy.machine.disk);
        }
    }
}

/* Its name may come back with a power cut, and what it lacks must not look lost then. */
static void a_dropped_segment_may_come_back_with_holes(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    wal_lab_fill_to(f, 5);
    wal_drop_before(f->wal, wal_end(f->wal));
    f->model.dropped = f->model.next - 1;
    wal_lab_commit(f);
    cut_power(f, SIM_CUT_NONE);
    wal_lab_open(f);
}

/* ---- The chain --------------------------------------------------------------------------------------------------- */

static struct wal_segment_header header(uint32_t segment, uint32_t before) {
    return (struct wal_segment_header){.segment = segment, .predecessor_end = wal_lsn(before, 0) * (before != 0)};
}

static void the_chain_leaves_out_what_no_later_header_names(void **state) {
    (void)state;
    const struct wal_segment_header headers[] = {header(3, 2), header(4, 3), header(5, 4), header(6, 3), header(7, 6)};
    bool dead[5];
    uint32_t missing = 0;
    assert_int_equal(wal_chain_select(headers, 5, dead, &missing), STATUS_OK);
    assert_true(!dead[0] && dead[1] && dead[2] && !dead[3] && !dead[4]);
    assert_int_equal(wal_chain_select(headers + 1, 4, dead, &missing), STATUS_OK); /* what is before was dropped */
    assert_true(dead[0] && dead[1] && !dead[2] && !dead[3]);
}

static void a_segment_that_a_header_names_is_missed(void **state) {
    (void)state;
    const struct wal_segment_header gap[] = {header(2, 1), header(4, 3)};
    const struct wal_segment_header first[] = {header(2, 1), header(4, 0)};
    bool dead[2];
    uint32_t missing = 0;
    assert_int_equal(wal_chain_select(gap, 2, dead, &missing), STATUS_FAULTY);
    assert_int_equal(missing, 3);
    assert_int_equal(wal_chain_select(first, 2, dead, &missing), STATUS_FAULTY);
}

#define fact(name) cmocka_unit_test_setup_teardown(name, wal_lab_set_up_loose, wal_lab_tear_down)

struct told {
    uint64_t first, count;
};

static enum status note_told(void *context, const struct wal_record *record) {
    struct told *told = context;
    if (told->count++ == 0) told->first = record->lsn;
    return STATUS_OK;
}

/* What a reader is told that has seen `from`. */
static struct told read_from(struct wal_lab *f, uint64_t from) {
    struct wal_options options = f->options;
    struct told told = {.count = 0};
    struct wal *none = NULL;
    options.read_only = true;
    options.from_lsn = from;
    const enum status status =
        wal_open(f->machine.io, "/wal", &options, note_told, &told, &none, &f->recovery, &f->error);
    if (status != STATUS_OK) fail_msg("%s: %s", status_name(status), f->error.text);
    assert_null(none);
    return told;
}

/* The older segment has lost its end: where it is read, the log ends there. */
static void a_reader_that_goes_on_reads_no_segment_before_its_own(void **state) {
    struct wal_lab *f = *state;
    uint64_t seen = 0, last = 0;
    wal_lab_open(f);
    wal_lab_fill_to(f, 3);
    assert_int_equal(wal_model_put(&f->model, f->wal, &seen), STATUS_OK);
    wal_lab_fill_to(f, 5);
    assert_int_equal(wal_model_put(&f->model, f->wal, &last), STATUS_OK);
    wal_lab_close(f);
    const struct told all = read_from(f, 0), rest = read_from(f, seen);
    assert_int_equal(wal_lsn_segment(all.first), 1);
    assert_int_equal(wal_lsn_segment(rest.first), 3);
    assert_true(rest.count > 0 && rest.count < all.count);
    assert_int_equal(read_from(f, wal_lsn(9, 0)).count,
                     all.count); /* not there: nothing is known of what came before */
    for (uint64_t sector = 20; sector < SEGMENT / IO_SECTOR_BYTES; sector++)
        zero_sector(f, "/wal/00000002.wal", sector);
    assert_int_equal(read_from(f, seen).count, rest.count);
    assert_true(read_from(f, 0).count < all.count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fact(full_segments_stay_unsynced_while_nobody_asks),
        fact(a_synced_commit_covers_every_segment_before_it),
        fact(after_a_durable_commit_full_segments_are_synced_for_a_while),
        fact(a_failed_sync_of_an_older_segment_ends_the_log),
        fact(a_hole_ends_the_log_and_what_stood_behind_never_comes_back),
        fact(dead_segments_that_stay_are_not_read),
        fact(a_hole_below_a_durable_group_is_faulty),
        fact(a_dropped_segment_may_come_back_with_holes),
        fact(a_reader_that_goes_on_reads_no_segment_before_its_own),
        cmocka_unit_test(the_chain_leaves_out_what_no_later_header_names),
        cmocka_unit_test(a_segment_that_a_header_names_is_missed),
    };
    return cmocka_run_group_tests_name("wal_loose", tests, NULL, NULL);
}
