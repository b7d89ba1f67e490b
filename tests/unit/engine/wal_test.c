/*
 * wal_test: facts about the log, one a test, on a simulated machine. Power cuts and failing devices:
 * tests/crash/wal_crash_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/wal_scan.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/wal_lab.h"

enum { SEGMENT = WAL_LAB_SEGMENT };
static const char dir[] = WAL_LAB_DIR;

static int set_up(void **state) {
    struct wal_lab *f = wal_lab_create(7);
    if (f == NULL) return -1;
    *state = f;
    return 0;
}

static uint64_t append(struct wal_lab *f) {
    uint64_t lsn;
    assert_int_equal(wal_model_append(&f->model, f->wal, &lsn), STATUS_OK);
    return lsn;
}

static uint64_t append_bytes(struct wal_lab *f, const void *data, size_t size) {
    uint64_t lsn;
    struct slice part = slice_make(data, size);
    assert_int_equal(wal_append(f->wal, 1, &part, 1, &lsn), STATUS_OK);
    return lsn;
}

/* ---- Writing and opening again ----------------------------------------------------------------------------------- */

static void a_new_log_is_empty(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    assert_int_equal(f->recovery.records, 0);
    assert_int_equal(f->recovery.segments, 0);
    assert_int_equal(wal_durable(f->wal), wal_end(f->wal));
    assert_true(wal_start(f->wal) <= wal_end(f->wal));
}

static void committed_records_come_back_in_order(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    for (int i = 0; i < 300; i++) {
        append(f);
        if (i % 7 == 0) wal_lab_commit(f);
    }
    wal_lab_commit(f);
    wal_lab_close(f);
    wal_lab_open(f);
    assert_int_equal(f->recovery.records, 300);
    assert_int_equal(f->model.seen_next, 300);
    assert_int_equal(f->recovery.torn_groups, 0);
}

static void uncommitted_records_are_gone_after_close(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    append(f);
    wal_lab_commit(f);
    append(f);
    wal_lab_close(f);
    wal_lab_open(f);
    assert_int_equal(f->model.seen_next, 1);
}

static void unsynced_commits_outlive_the_process(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    uint64_t durable = wal_durable(f->wal);
    for (int i = 0; i < 200; i++) {
        append(f);
        assert_int_equal(wal_commit(f->wal, false), STATUS_OK);
    }
    struct wal_stats stats;
    wal_get_stats(f->wal, &stats);
    assert_true(wal_durable(f->wal) == durable ||
                stats.segments_live > 1); /* only making a segment syncs the one before */
    wal_lab_close(f);
    wal_lab_open(f);
    assert_int_equal(f->model.seen_next, 200);
}

static void an_unsynced_commit_costs_little_more_than_its_bytes(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    uint8_t payload[100] = {1};
    for (int i = 0; i < 100; i++) {
        append_bytes(f, payload, sizeof payload);
        assert_int_equal(wal_commit(f->wal, false), STATUS_OK);
    }
    uint32_t end = (uint32_t)wal_end(f->wal);
    assert_true(end < 4096 + 4096 + 100 * (100 + 9 + 48) * 512 / 496 + 4096);
}

static void a_sync_after_unsynced_commits_makes_all_durable(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    for (int i = 0; i < 10; i++) {
        append(f);
        assert_int_equal(wal_commit(f->wal, false), STATUS_OK);
    }
    wal_lab_commit(f);
    assert_int_equal(wal_durable(f->wal), wal_end(f->wal));
    sim_disk_cut(f->machine.disk, SIM_CUT_NONE);
    wal_lab_close(f);
    wal_machine_boot(&f->machine);
    wal_lab_open(f);
    assert_int_equal(f->model.seen_next, 10);
}

static void positions_grow_and_come_back_the_same(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    uint64_t last = 0, lsn = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t end = wal_end(f->wal);
        lsn = append(f);
        assert_true(lsn > last);
        assert_true(lsn >= end);
        last = lsn;
        if (i % 3 == 0) {
            wal_lab_commit(f);
            assert_true(wal_durable(f->wal) > lsn);
        }
    }
    wal_lab_commit(f);
    wal_lab_close(f);
    wal_lab_open(f);
    assert_int_equal(f->model.last_lsn, last);
    assert_true(append(f) > last);
}

static void one_barrier_serves_one_group(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    struct wal_stats before, after;
    wal_get_stats(f->wal, &before);
    for (int i = 0; i < 8; i++) {
        for (int k = 0; k < 5; k++) append_bytes(f, "abc", 3);
        wal_lab_commit(f);
    }
    wal_get_stats(f->wal, &after);
    assert_int_equal(after.commits - before.commits, 8);
    assert_int_equal(after.syncs - before.syncs, 8);
    assert_int_equal(after.written_bytes - before.written_bytes, 8 * IO_PAGE_BYTES);
}

static void a_record_larger_than_a_segment_gets_one_of_its_own_size(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    size_t size = 3 * SEGMENT + 17;
    uint8_t *large = malloc(size);
    assert_non_null(large);
    for (size_t i = 0; i < size; i++) large[i] = (uint8_t)(i * 7);
    append_bytes(f, "before", 6);
    uint64_t lsn = append_bytes(f, large, size);
    uint64_t after = append_bytes(f, "after", 5);
    wal_lab_commit(f);
    assert_true(after > lsn);
    assert_int_equal(lsn >> 32, 2);

    struct buf scratch = BUF_EMPTY;
    struct wal_record record;
    uint64_t next;
    assert_int_equal(wal_read(f->wal, lsn, &scratch, &record, &next, NULL), STATUS_OK);
    assert_int_equal(record.payload.size, size);
    assert_memory_equal(record.payload.data, large, size);
    wal_lab_close(f);
    assert_int_equal(wal_open(f->machine.io, dir, &f->options, NULL, NULL, &f->wal, &f->recovery, &f->error),
                     STATUS_OK);
    assert_int_equal(f->recovery.records, 3);
    assert_int_equal(wal_read(f->wal, lsn, &scratch, &record, &next, NULL), STATUS_OK);
    assert_memory_equal(record.payload.data, large, size);
    buf_deinit(&scratch);
    free(large);
}

static void empty_payloads_are_records_too(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    for (int i = 0; i < 900; i++) append_bytes(f, NULL, 0);
    wal_lab_commit(f);
    wal_lab_close(f);
    assert_int_equal(wal_open(f->machine.io, dir, &f->options, NULL, NULL, &f->wal, &f->recovery, &f->error),
                     STATUS_OK);
    assert_int_equal(f->recovery.records, 900);
}

/* ---- Limits and refusals ----------------------------------------------------------------------------------------- */

static void appends_beyond_the_pending_limit_are_refused_until_a_commit(void **state) {
    struct wal_lab *f = *state;
    f->options.pending_limit_bytes = 1000;
    wal_lab_open(f);
    uint8_t payload[600] = {0};
    append_bytes(f, payload, sizeof payload);
    struct slice part = slice_make(payload, sizeof payload);
    uint64_t lsn;
    assert_int_equal(wal_append(f->wal, 1, &part, 1, &lsn), STATUS_BUSY);
    wal_lab_commit(f);
    assert_int_equal(wal_pending(f->wal), 0);
    uint8_t larger[2000] = {0};
    append_bytes(f, larger, sizeof larger); /* alone it may exceed the limit */
}

static void a_payload_over_the_limit_is_refused(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    struct slice part = {.data = (const uint8_t *)dir, .size = (size_t)WAL_RECORD_MAX_BYTES + 1}; /* never read */
    uint64_t lsn;
    assert_int_equal(wal_append(f->wal, 1, &part, 1, &lsn), STATUS_TOO_LARGE);
}

static void a_log_of_another_owner_is_refused(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    append(f);
    wal_lab_commit(f);
    wal_lab_close(f);
    uint64_t before = sim_disk_hash(f->machine.disk);
    f->options.owner = 43;
    assert_int_equal(wal_lab_try_open(f), STATUS_MISMATCH);
    assert_non_null(strstr(f->error.text, "another store"));
    assert_int_equal(sim_disk_hash(f->machine.disk), before);
}

static enum status refuse(void *context, const struct wal_record *record) {
    (void)record;
    unsigned *left = context;
    return (*left)-- > 1 ? STATUS_OK : STATUS_UNSUPPORTED;
}

static void a_visitor_may_end_the_opening(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    for (int i = 0; i < 5; i++) append(f);
    wal_lab_commit(f);
    wal_lab_close(f);
    uint64_t before = sim_disk_hash(f->machine.disk);
    unsigned left = 3;
    assert_int_equal(wal_open(f->machine.io, dir, &f->options, refuse, &left, &f->wal, &f->recovery, &f->error),
                     STATUS_UNSUPPORTED);
    assert_null(f->wal);
    assert_int_equal(f->recovery.records, 3);
    assert_int_equal(sim_disk_hash(f->machine.disk), before);
}

struct promise {
    unsigned told;
    enum status answer;
};

static enum status count_told(void *context, const struct wal_record *record) {
    (void)record;
    ((struct promise *)context)->told++;
    return STATUS_OK;
}

static enum status answer_behind_all(void *context) {
    const struct promise *promise = context;
    assert_int_equal(promise->told, 5);
    return promise->answer;
}

static void nothing_is_changed_before_the_opener_agrees(void **state) {
    struct wal_lab *f = *state;
    struct promise promise = {.answer = STATUS_UNSUPPORTED};
    wal_lab_open(f);
    for (int i = 0; i < 5; i++) append(f);
    wal_lab_commit(f);
    wal_lab_close(f);
    const uint64_t before = sim_disk_hash(f->machine.disk);
    f->options.before_change = answer_behind_all;
    assert_int_equal(wal_open(f->machine.io, dir, &f->options, count_told, &promise, &f->wal, &f->recovery, &f->error),
                     STATUS_UNSUPPORTED);
    assert_null(f->wal);
    assert_int_equal(sim_disk_hash(f->machine.disk), before);
    promise = (struct promise){.answer = STATUS_OK};
    assert_int_equal(wal_open(f->machine.io, dir, &f->options, count_told, &promise, &f->wal, &f->recovery, &f->error),
                     STATUS_OK);
    assert_true(sim_disk_hash(f->machine.disk) != before);
    f->options.before_change = NULL;
}

static void a_missing_segment_is_faulty(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    while (wal_end(f->wal) >> 32 < 4) {
        append(f);
        wal_lab_commit(f);
    }
    wal_lab_close(f);
    assert_int_equal(io_remove(f->machine.io, "/wal/00000002.wal"), STATUS_OK);
    assert_int_equal(wal_lab_try_open(f), STATUS_FAULTY);
    assert_non_null(strstr(f->error.text, "00000002 is missing"));
}

/* ---- Dropping, recycling, pins, reading -------------------------------------------------------------------------- */

static void fill_segments(struct wal_lab *f, uint32_t until) {
    while (wal_end(f->wal) >> 32 < until) {
        append(f);
        wal_lab_commit(f);
    }
}

/* Lets the keeper do what it has to: it is a job, and jobs run beside. */
static void let_jobs_run(struct wal_lab *f) {
    sim_run_until(f->machine.sim, sim_now_ns(f->machine.sim) + 1000000000);
}

static void a_dropped_prefix_is_gone_and_its_files_serve_again(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    fill_segments(f, 6);
    struct wal_stats stats;
    wal_drop_before(f->wal, (uint64_t)5 << 32);
    assert_int_equal(wal_start(f->wal) >> 32, 5);
    let_jobs_run(f);
    wal_get_stats(f->wal, &stats);
    assert_int_equal(stats.segments_spare, 2);
    uint64_t created = stats.segments_created;
    uint64_t recycled = stats.segments_recycled;
    fill_segments(f, 8);
    wal_get_stats(f->wal, &stats);
    assert_int_equal(stats.segments_created, created);
    assert_int_equal(stats.segments_recycled, recycled + 2);

    f->model.dropped = UINT64_MAX;
    wal_lab_close(f);
    wal_lab_open(f);
    assert_true(f->model.seen_first > 0);
    assert_int_equal(f->model.seen_next, f->model.durable);
    assert_int_equal(wal_start(f->wal) >> 32, 5);
}

static void a_pinned_segment_stays_until_it_is_unpinned(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    uint64_t first = append(f);
    fill_segments(f, 5);
    wal_pin(f->wal, first);
    wal_pin(f->wal, first);
    wal_drop_before(f->wal, (uint64_t)4 << 32);
    assert_int_equal(wal_start(f->wal) >> 32, 1);
    wal_unpin(f->wal, first);
    assert_int_equal(wal_start(f->wal) >> 32, 1);
    wal_unpin(f->wal, first);
    assert_int_equal(wal_start(f->wal) >> 32, 4);
    struct buf scratch = BUF_EMPTY;
    struct wal_record record;
    uint64_t next;
    assert_int_equal(wal_read(f->wal, first, &scratch, &record, &next, NULL), STATUS_COMPACTED);
    buf_deinit(&scratch);
}

static void walk(struct wal_lab *f, uint64_t lsn, uint64_t expected_count) {
    struct buf scratch = BUF_EMPTY;
    uint64_t number = 0;
    struct wal_record record;
    enum status status;
    while ((status = wal_read(f->wal, lsn, &scratch, &record, &lsn, &f->error)) == STATUS_OK) {
        uint8_t type;
        struct slice expected = wal_model_record(&f->model, number++, &type);
        assert_int_equal(record.type, type);
        assert_int_equal(record.payload.size, expected.size);
        assert_memory_equal(record.payload.data, expected.data, expected.size);
    }
    assert_int_equal(status, STATUS_END);
    assert_int_equal(number, expected_count);
    buf_deinit(&scratch);
}

static void every_record_reads_back_wherever_it_is(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    uint64_t first = 0;
    for (int i = 0; i < 400; i++) {
        uint64_t lsn = append(f);
        if (i == 0) first = lsn;
        if (i % 5 == 0) assert_int_equal(wal_commit(f->wal, i % 15 == 0), STATUS_OK);
        if (i % 57 == 0) walk(f, first, (uint64_t)i + 1);
    }
    walk(f, first, 400); /* files, and what is in memory alone */
    wal_lab_commit(f);
    wal_lab_close(f);
    wal_lab_open(f);
    walk(f, wal_start(f->wal), 400);
}

static void a_damaged_record_is_reported_with_its_place_when_read(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    uint8_t payload[400] = {0};
    uint64_t lsn = append_bytes(f, payload, sizeof payload);
    wal_lab_commit(f);
    assert_int_equal(sim_disk_damage(f->machine.disk, "/wal/00000001.wal", (uint32_t)lsn + 100, SIM_DAMAGE_FLIP),
                     STATUS_OK);
    struct buf scratch = BUF_EMPTY;
    struct wal_record record;
    uint64_t next;
    assert_int_equal(wal_read(f->wal, lsn, &scratch, &record, &next, &f->error), STATUS_CORRUPT);
    assert_non_null(strstr(f->error.text, "00000001.wal: offset"));
    buf_deinit(&scratch);
}

/* ---- Commits on the loop ----------------------------------------------------------------------------------------- */

static void on_commit(void *context, enum status status, uint64_t durable_lsn) {
    struct wal_lab *f = context;
    f->answers++;
    f->answer = status;
    f->answer_lsn = durable_lsn;
}

static void open_for_loop(struct wal_lab *f) {
    f->options.on_commit = on_commit;
    f->options.context = f;
    wal_lab_open(f);
}

static void run_until_answer(struct wal_lab *f, unsigned answers) {
    for (int i = 0; i < 100000 && f->answers < answers; i++) io_run(f->machine.io, io_now_ns(f->machine.io) + 1000000);
    assert_int_equal(f->answers, answers);
}

static void a_commit_on_the_loop_is_one_operation(void **state) {
    struct wal_lab *f = *state;
    open_for_loop(f);
    for (unsigned i = 0; i < 5; i++) {
        uint64_t lsn = append(f);
        assert_true(wal_is_idle(f->wal));
        wal_commit_start(f->wal);
        assert_false(wal_is_idle(f->wal));
        assert_true(wal_durable(f->wal) <= lsn);
        run_until_answer(f, i + 1);
        assert_int_equal(f->answer, STATUS_OK);
        assert_true(f->answer_lsn > lsn);
        assert_int_equal(f->answer_lsn, wal_durable(f->wal));
    }
    struct wal_stats stats;
    wal_get_stats(f->wal, &stats);
    assert_int_equal(stats.commits, 5);
    assert_int_equal(stats.syncs, 5);
}

static void what_is_appended_during_a_commit_is_the_next_group(void **state) {
    struct wal_lab *f = *state;
    open_for_loop(f);
    append(f);
    wal_commit_start(f->wal);
    uint64_t during = 0;
    for (int i = 0; i < 20; i++) during = append(f);
    wal_commit_start(f->wal); /* one is in flight: does nothing */
    run_until_answer(f, 1);
    assert_true(f->answer_lsn <= during);
    wal_commit_start(f->wal);
    run_until_answer(f, 2);
    assert_true(f->answer_lsn > during);
    struct wal_stats stats;
    wal_get_stats(f->wal, &stats);
    assert_int_equal(stats.commits, 2);
    f->model.durable = f->model.next;
    wal_lab_close(f);
    wal_lab_open(f);
}

static void commits_on_the_loop_go_on_from_segment_to_segment(void **state) {
    struct wal_lab *f = *state;
    open_for_loop(f);
    unsigned answers = 0;
    while (wal_end(f->wal) >> 32 < 9) {
        for (int i = 0; i < 4; i++) append(f);
        uint64_t all = f->model.next;
        uint64_t end = wal_end(f->wal);
        while (wal_durable(f->wal) < end) {
            wal_commit_start(f->wal);
            append(f); /* while it is in flight, rotation included */
            run_until_answer(f, ++answers);
            assert_int_equal(f->answer, STATUS_OK);
        }
        f->model.durable = all;
        if (wal_start(f->wal) >> 32 < wal_end(f->wal) >> 32) wal_drop_before(f->wal, wal_durable(f->wal));
        f->model.dropped = f->model.durable;
    }
    struct wal_stats stats;
    wal_get_stats(f->wal, &stats);
    assert_true(stats.segments_recycled > 0);
    wal_lab_close(f);
    wal_lab_open(f);
}

static void closing_waits_for_the_commit_in_flight(void **state) {
    struct wal_lab *f = *state;
    open_for_loop(f);
    append(f);
    wal_commit_start(f->wal);
    wal_lab_close(f);
    assert_int_equal(f->answers, 0);
    wal_lab_open(f);
    assert_true(f->model.seen_next <= 1);
}

static void a_failed_commit_makes_the_log_read_only(void **state) {
    struct wal_lab *f = *state;
    open_for_loop(f);
    append(f);
    sim_disk_fail_at(f->machine.disk, 1, STATUS_IO, false);
    wal_commit_start(f->wal);
    run_until_answer(f, 1);
    assert_int_equal(f->answer, STATUS_IO);
    uint64_t lsn;
    assert_int_equal(wal_append(f->wal, 1, NULL, 0, &lsn), STATUS_READ_ONLY);
    assert_int_equal(wal_commit(f->wal, true), STATUS_READ_ONLY);
    wal_commit_start(f->wal);
    assert_true(wal_is_idle(f->wal));
}

/* ---- A full disk ------------------------------------------------------------------------------------------------- */

static void no_room_for_a_segment_loses_nothing_and_is_tried_again(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    append(f);
    wal_lab_commit(f);
    struct sim_disk_faults faults = {.capacity_bytes = sim_disk_used_bytes(f->machine.disk) + 4096};
    sim_disk_set_faults(f->machine.disk, &faults);
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        append(f);
        status = wal_commit(f->wal, true);
        if (status == STATUS_OK) f->model.durable = f->model.next;
    }
    assert_int_equal(status, STATUS_NO_SPACE);
    assert_int_equal(wal_commit(f->wal, true), STATUS_NO_SPACE);
    faults.capacity_bytes = 0;
    sim_disk_set_faults(f->machine.disk, &faults);
    wal_lab_commit(f);
    assert_int_equal(wal_durable(f->wal), wal_end(f->wal));
    wal_lab_close(f);
    wal_lab_open(f);
}

static void no_room_is_an_answer_on_the_loop_too(void **state) {
    struct wal_lab *f = *state;
    open_for_loop(f);
    struct sim_disk_faults faults = {.capacity_bytes = sim_disk_used_bytes(f->machine.disk) + 4096};
    sim_disk_set_faults(f->machine.disk, &faults);
    unsigned answers = 0;
    do {
        append(f);
        wal_commit_start(f->wal);
        run_until_answer(f, ++answers);
    } while (f->answer == STATUS_OK);
    assert_int_equal(f->answer, STATUS_NO_SPACE);
    append(f);
    faults.capacity_bytes = 0;
    sim_disk_set_faults(f->machine.disk, &faults);
    wal_commit_start(f->wal);
    run_until_answer(f, ++answers);
    assert_int_equal(f->answer, STATUS_OK);
    wal_commit_start(f->wal);
    run_until_answer(f, ++answers);
    f->model.durable = f->model.next;
    assert_int_equal(wal_durable(f->wal), wal_end(f->wal));
    wal_lab_close(f);
    wal_lab_open(f);
}

/* The opening fails, and yet shows what comes before. */
static void records_before_a_sector_that_can_t_be_read_are_shown(void **state) {
    struct wal_lab *f = *state;
    char path[64];
    wal_lab_open(f);
    uint64_t lsn = 0;
    for (int i = 0; i <= 20; i++) {
        lsn = append(f);
        wal_lab_commit(f);
    }
    snprintf(path, sizeof path, "%s/%08x.wal", dir, (unsigned)(lsn >> 32));
    const uint64_t bad = (uint32_t)lsn;
    for (int i = 0; i < 5; i++) append(f);
    wal_lab_commit(f);
    wal_lab_close(f);
    assert_int_equal(sim_disk_damage(f->machine.disk, path, bad, SIM_DAMAGE_UNREADABLE), STATUS_OK);
    const uint64_t before = sim_disk_hash(f->machine.disk);
    assert_int_equal(wal_lab_try_open(f), STATUS_IO);
    assert_non_null(strstr(f->error.text, "offset"));
    assert_int_equal(f->model.seen_next, 20);
    assert_int_equal(sim_disk_hash(f->machine.disk), before);
    /* Where nothing was written yet, too. */
    assert_int_equal(sim_disk_damage(f->machine.disk, path, SEGMENT - 100, SIM_DAMAGE_UNREADABLE), STATUS_OK);
    assert_int_equal(wal_lab_try_open(f), STATUS_IO);
    assert_int_equal(f->model.seen_next, 20);
}

/* ---- Out of memory ----------------------------------------------------------------------------------------------- */

static void every_failed_allocation_is_answered_and_nothing_is_lost(void **state) {
    enum { RECORDS = 120, GROUP = 40 }; /* a group that outgrows what the log had from its opening */
    struct wal_lab *f = *state;
    for (uint64_t n = 1;; n++) {
        alloc_fault_at(n);
        enum status status = wal_lab_try_open(f);
        if (status == STATUS_OK) {
            const char *wrong = wal_model_judge(&f->model);
            wal_model_adopt(&f->model);
            assert_null(wrong);
            for (int i = 0; i < RECORDS && status == STATUS_OK; i++) {
                uint64_t lsn;
                status = wal_model_append(&f->model, f->wal, &lsn);
                if (status == STATUS_OK && i % GROUP == GROUP - 1) status = wal_commit(f->wal, true);
                if (status == STATUS_OK && i % GROUP == GROUP - 1) f->model.durable = f->model.next;
            }
        }
        bool hit = alloc_fault_clear();
        if (status != STATUS_OK) assert_int_equal(status, STATUS_NO_MEMORY);
        if (f->wal != NULL && status != STATUS_OK) wal_lab_commit(f); /* the log goes on */
        wal_lab_close(f);
        if (!hit) break;
    }
    wal_lab_open(f);
    assert_true(f->model.seen_next > RECORDS);
}

int main(void) {
#define fact(name) cmocka_unit_test_setup_teardown(name, set_up, wal_lab_tear_down)
    const struct CMUnitTest tests[] = {
        fact(a_new_log_is_empty),
        fact(committed_records_come_back_in_order),
        fact(uncommitted_records_are_gone_after_close),
        fact(unsynced_commits_outlive_the_process),
        fact(an_unsynced_commit_costs_little_more_than_its_bytes),
        fact(a_sync_after_unsynced_commits_makes_all_durable),
        fact(positions_grow_and_come_back_the_same),
        fact(one_barrier_serves_one_group),
        fact(a_record_larger_than_a_segment_gets_one_of_its_own_size),
        fact(empty_payloads_are_records_too),
        fact(appends_beyond_the_pending_limit_are_refused_until_a_commit),
        fact(a_payload_over_the_limit_is_refused),
        fact(a_log_of_another_owner_is_refused),
        fact(a_visitor_may_end_the_opening),
        fact(nothing_is_changed_before_the_opener_agrees),
        fact(a_missing_segment_is_faulty),
        fact(a_dropped_prefix_is_gone_and_its_files_serve_again),
        fact(a_pinned_segment_stays_until_it_is_unpinned),
        fact(every_record_reads_back_wherever_it_is),
        fact(a_damaged_record_is_reported_with_its_place_when_read),
        fact(a_commit_on_the_loop_is_one_operation),
        fact(what_is_appended_during_a_commit_is_the_next_group),
        fact(commits_on_the_loop_go_on_from_segment_to_segment),
        fact(closing_waits_for_the_commit_in_flight),
        fact(a_failed_commit_makes_the_log_read_only),
        fact(no_room_for_a_segment_loses_nothing_and_is_tried_again),
        fact(no_room_is_an_answer_on_the_loop_too),
        fact(records_before_a_sector_that_can_t_be_read_are_shown),
        fact(every_failed_allocation_is_answered_and_nothing_is_lost),
    };
#undef fact
    return cmocka_run_group_tests_name("wal", tests, NULL, NULL);
}
