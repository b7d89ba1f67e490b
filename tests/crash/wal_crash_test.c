/*
 * wal_crash_test: the log under power cuts at every I/O, failing devices, damaged and misplaced sectors. After each the
 * log is opened and judged: all that was acknowledged is there, or the log says that it is faulty; and nothing is there
 * that was not written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/wal_scan.h"
#include "tests/harness/test_env.h"
#include "tests/harness/wal_model.h"

enum { SEGMENT = 64 << 10, WORKLOAD_STEPS = 60, SEEDS = 30, SIZE_LIMIT = 9000, LOOSE_STEPS = 120, LOOSE_STRIDE = 7 };
static const char dir[] = "/wal";
static const char replay[] = "LOAM_TEST_SEED=%llu build/tests/crash/wal_crash_test";

struct answer {
    unsigned count;
    enum status status;
};

static void on_commit(void *context, enum status status, uint64_t durable_lsn) {
    (void)durable_lsn;
    struct answer *answer = context;
    answer->count++;
    answer->status = status;
}

/* One seeded life of a log. */
struct run {
    uint64_t seed;
    struct wal_machine machine;
    struct wal_model model;
    struct wal_options options;
    struct answer answer;
    struct wal *wal;
    struct prng prng;
};

static void run_init(struct run *run, uint64_t seed) {
    *run = (struct run){.seed = seed};
    wal_machine_init(&run->machine, seed);
    wal_model_init(&run->model, seed, SIZE_LIMIT);
    prng_init(&run->prng, seed);
    run->options =
        (struct wal_options){.owner = seed, .segment_bytes = SEGMENT, .recycle_segments = 1 + (unsigned)(seed % 3)};
    if (seed % 2) {
        run->options.on_commit = on_commit;
        run->options.context = &run->answer;
    }
    run->options.compact = seed % 4 != 0;
    run->options.loose = seed % 4 == 2 || seed % 8 == 0;
}

static void run_deinit(struct run *run) {
    wal_close(run->wal);
    wal_model_deinit(&run->model);
    wal_machine_deinit(&run->machine);
}

static enum status commit(struct run *run, bool sync) {
    if (run->options.on_commit == NULL) return wal_commit(run->wal, sync);
    while (wal_pending(run->wal) > 0) {
        unsigned before = run->answer.count;
        wal_commit_start(run->wal);
        while (run->answer.count == before) io_run(run->machine.io, io_now_ns(run->machine.io) + 1000000);
        if (run->answer.status != STATUS_OK) return run->answer.status;
    }
    return STATUS_OK;
}

/* Appends, commits, drops; ends at the first failure. */
static enum status work(struct run *run, unsigned steps) {
    enum status status = STATUS_OK;
    for (unsigned step = 0; step < steps && status == STATUS_OK; step++) {
        uint64_t lsn = 0;
        uint64_t count = 1 + prng_below(&run->prng, 4);
        const bool put = run->options.on_commit == NULL && prng_chance(&run->prng, 1, 2);
        for (uint64_t i = 0; i < count && status == STATUS_OK; i++)
            status = (put ? wal_model_put : wal_model_append)(&run->model, run->wal, &lsn);
        if (status != STATUS_OK) break;
        const bool sync = run->options.on_commit != NULL ||
                          (run->options.loose ? prng_chance(&run->prng, 1, 25) : prng_chance(&run->prng, 2, 3));
        status = commit(run, sync);
        if (status == STATUS_OK && sync) run->model.durable = run->model.next;
        const bool drop = run->options.loose ? prng_chance(&run->prng, 1, 30) : sync && prng_chance(&run->prng, 1, 6);
        if (status == STATUS_OK && drop) {
            run->model.dropped = run->model.next - 1; /* everything before the last record may go */
            wal_drop_before(run->wal, lsn);
        }
        if (prng_chance(&run->prng, 1, 3)) sim_run_until(run->machine.sim, sim_now_ns(run->machine.sim) + 3000000);
    }
    return status;
}

static enum status open_log(struct run *run, struct wal_recovery *recovery, struct error *error) {
    return wal_model_open(&run->model, run->machine.io, dir, &run->options, &run->wal, recovery, error);
}

#define fail_run(run, ...)                                                                                             \
    do {                                                                                                               \
        print_error(__VA_ARGS__);                                                                                      \
        print_error("\nreplay: ");                                                                                     \
        print_error(replay, (unsigned long long)(run)->seed);                                                          \
        print_error("\n");                                                                                             \
        fail();                                                                                                        \
    } while (0)

static void must_open(struct run *run, struct wal_recovery *recovery) {
    struct error error;
    enum status status = open_log(run, recovery, &error);
    if (status != STATUS_OK) fail_run(run, "open: %s: %s", status_name(status), error.text);
    const char *wrong = wal_model_judge(&run->model);
    if (wrong != NULL) {
        fail_run(run, "%s: saw %llu..%llu, dropped %llu, durable %llu", wrong,
                 (unsigned long long)run->model.seen_first, (unsigned long long)run->model.seen_next,
                 (unsigned long long)run->model.dropped, (unsigned long long)run->model.durable);
    }
    wal_model_adopt(&run->model);
}

static void close_log(struct run *run) {
    wal_close(run->wal);
    run->wal = NULL;
}

/* The power goes in the midst of I/O number `at` of a run of its own; then again and again while the log is opened and
 * used. False: the run ended before. */
static bool cut_at(uint64_t seed, uint64_t at, uint64_t *torn) {
    struct run run;
    run_init(&run, seed);
    sim_disk_cut_at(run.machine.disk, at, SIM_CUT_RANDOM);
    struct wal_recovery recovery;
    struct error error;
    enum status status = open_log(&run, &recovery, &error);
    if (status == STATUS_OK) status = work(&run, run.options.loose ? LOOSE_STEPS : WORKLOAD_STEPS);
    bool cut = !sim_disk_is_powered(run.machine.disk);
    if (!cut && status != STATUS_OK) fail_run(&run, "%s without a fault", status_name(status));

    for (unsigned again = 0; cut && again < 3; again++) {
        close_log(&run);
        wal_machine_boot(&run.machine);
        sim_disk_cut_at(run.machine.disk, 1 + prng_below(&run.prng, run.options.loose && again > 0 ? 200 : 60),
                        SIM_CUT_RANDOM);
        status = open_log(&run, &recovery, &error);
        if (status != STATUS_OK) {
            if (sim_disk_is_powered(run.machine.disk))
                fail_run(&run, "cut at %llu: open: %s: %s", (unsigned long long)at, status_name(status), error.text);
            continue; /* the power went while it was opened: what is durable is as it was */
        }
        const char *wrong = wal_model_judge(&run.model);
        if (wrong != NULL) fail_run(&run, "cut at %llu, %u: %s", (unsigned long long)at, again, wrong);
        *torn += recovery.torn_groups;
        wal_model_adopt(&run.model);
        (void)!work(&run, run.options.loose ? 40 : 8);
    }
    close_log(&run);
    sim_disk_cut_at(run.machine.disk, 0, SIM_CUT_RANDOM);
    wal_machine_boot(&run.machine);
    must_open(&run, &recovery);
    status = work(&run, 3);
    if (status != STATUS_OK)
        fail_run(&run, "cut at %llu: the log does not go on: %s", (unsigned long long)at, status_name(status));
    close_log(&run);
    must_open(&run, &recovery);
    run_deinit(&run);
    return cut;
}

static void a_power_cut_at_any_io_loses_nothing_acknowledged(void **state) {
    (void)state;
    uint64_t first = test_seed(1), cuts = 0, torn = 0;
    for (uint64_t seed = first; seed < first + test_scaled(SEEDS); seed++) {
        uint64_t at = 1;
        const bool loose = seed % 4 == 2 || seed % 8 == 0; /* longer lives: a part of their moments */
        while (cut_at(seed, at, &torn)) {
            at += loose ? 1 + (seed + at) % LOOSE_STRIDE : 1;
            cuts++;
        }
        assert_true(at > 60); /* the workload did something */
    }
    print_message("%llu first cuts, %llu torn tails\n", (unsigned long long)cuts, (unsigned long long)torn);
    assert_true(torn > 0);
}

/* I/O number `at` fails, once or for good. False: the run ended before. */
static bool fail_at(uint64_t seed, uint64_t at, bool forever) {
    struct run run;
    run_init(&run, seed);
    sim_disk_fail_at(run.machine.disk, at, STATUS_IO, forever);
    struct wal_recovery recovery;
    struct error error;
    enum status status = open_log(&run, &recovery, &error);
    if (status == STATUS_OK) status = work(&run, WORKLOAD_STEPS);
    bool failed = sim_disk_has_failed(run.machine.disk);
    uint64_t lsn;
    if (run.wal != NULL && status != STATUS_OK && wal_append(run.wal, 1, NULL, 0, &lsn) != STATUS_READ_ONLY)
        fail_run(&run, "failure at %llu: the log goes on after %s", (unsigned long long)at, status_name(status));
    close_log(&run);

    /* The process ends and begins again on what the system shows; then the power goes: what the first opening showed
     * must still be there. */
    sim_disk_fail_at(run.machine.disk, 0, STATUS_IO, false);
    if (prng_chance(&run.prng, 1, 2)) sim_disk_cut(run.machine.disk, SIM_CUT_RANDOM);
    wal_machine_boot(&run.machine);
    must_open(&run, &recovery);
    close_log(&run);
    sim_disk_cut(run.machine.disk, SIM_CUT_NONE);
    wal_machine_boot(&run.machine);
    must_open(&run, &recovery);
    run_deinit(&run);
    return failed;
}

static void a_failure_of_any_io_loses_nothing_acknowledged(void **state) {
    (void)state;
    uint64_t first = test_seed(1), failures = 0;
    for (uint64_t seed = first; seed < first + test_scaled(SEEDS); seed++) {
        uint64_t at = 1;
        while (fail_at(seed, at, at % 2 != 0)) at++;
        assert_true(at > 60);
        failures += at - 1;
    }
    print_message("%llu failures\n", (unsigned long long)failures);
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

/* A log of a few segments, closed. */
static void make_log(struct run *run, uint64_t seed, unsigned steps) {
    struct wal_recovery recovery;
    run_init(run, seed);
    must_open(run, &recovery);
    enum status status = work(run, steps);
    if (status != STATUS_OK) fail_run(run, "%s without a fault", status_name(status));
    if (commit(run, true) != STATUS_OK) fail_run(run, "commit");
    run->model.durable = run->model.next;
    close_log(run);
}

struct paths {
    char items[64][IO_PATH_BYTES];
    unsigned count;
};

static void note_path(void *context, const char *path, uint64_t size) {
    struct paths *paths = context;
    (void)size;
    if (strstr(path, ".wal") != NULL && paths->count < 64)
        snprintf(paths->items[paths->count++], IO_PATH_BYTES, "%s", path);
}

/* Opens a damaged copy of the disk. */
static enum status open_copy(struct run *run, struct sim_disk *copy, struct error *error) {
    struct io *io = sim_io_create(run->machine.sim, copy, &(struct sim_io_options){.node = 1});
    struct wal_options options = run->options;
    options.on_commit = NULL;
    struct wal *wal;
    uint64_t before = sim_disk_hash(copy);
    enum status status = wal_model_open(&run->model, io, dir, &options, &wal, NULL, error);
    if (status != STATUS_OK && sim_disk_hash(copy) != before) fail_run(run, "a refused opening changed the directory");
    wal_close(wal);
    io_destroy(io);
    return status;
}

/* The damaged log is refused, or holds all that was acknowledged. Returns whether it was refused. */
static bool judge_copy(struct run *run, struct sim_disk *copy, const char *path, uint64_t offset) {
    struct error error;
    enum status status = open_copy(run, copy, &error);
    sim_disk_destroy(copy);
    if (run->model.wrong != NULL)
        fail_run(run, "%s offset %llu: %s", path, (unsigned long long)offset, run->model.wrong);
    if (status == STATUS_FAULTY || status == STATUS_CORRUPT || status == STATUS_MISMATCH || status == STATUS_VERSION)
        return true;
    if (status != STATUS_OK) fail_run(run, "%s offset %llu: %s", path, (unsigned long long)offset, status_name(status));
    const char *wrong = wal_model_judge(&run->model);
    if (wrong != NULL)
        fail_run(run, "%s offset %llu: damage became silence: %s", path, (unsigned long long)offset, wrong);
    return false;
}

static void a_flipped_bit_anywhere_is_detected_or_does_not_matter(void **state) {
    (void)state;
    uint64_t first = test_seed(100), refused = 0, harmless = 0;
    for (uint64_t seed = first; seed < first + 2; seed++) {
        struct run run;
        make_log(&run, seed, 30);
        struct paths paths = {.count = 0};
        sim_disk_walk(run.machine.disk, note_path, &paths);
        assert_true(paths.count > 0);
        for (unsigned i = 0; i < paths.count; i++) {
            for (uint64_t sector = 0; sector < SEGMENT / IO_SECTOR_BYTES; sector++) {
                /* once in the stamp, once behind it */
                for (unsigned part = 0; part < 2; part++) {
                    uint64_t inside = part ? 16 + prng_below(&run.prng, 496) : prng_below(&run.prng, 16);
                    uint64_t offset = sector * IO_SECTOR_BYTES + inside;
                    struct sim_disk *copy = sim_disk_clone(run.machine.disk, seed + sector);
                    assert_int_equal(sim_disk_damage(copy, paths.items[i], offset, SIM_DAMAGE_FLIP), STATUS_OK);
                    if (judge_copy(&run, copy, paths.items[i], offset))
                        refused++;
                    else
                        harmless++;
                }
            }
        }
        run_deinit(&run);
    }
    print_message("%llu refused, %llu in never-written space\n", (unsigned long long)refused,
                  (unsigned long long)harmless);
    assert_true(refused > 100);
}

/* Where groups begin and end in a segment, by the scan. */
struct extent {
    uint64_t first, last; /* sectors */
    uint64_t group;
};

static unsigned read_extents(struct run *run, const char *path, struct extent *extents, unsigned most, uint8_t *bytes) {
    struct io_file *file;
    size_t got;
    assert_int_equal(io_file_open(run->machine.io, path, IO_OPEN_READ, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, 0, bytes, SEGMENT, &got), STATUS_OK);
    io_file_close(file);
    struct wal_segment_header header;
    assert_int_equal(wal_segment_header_decode(slice_make(bytes, got), &header, NULL), STATUS_OK);
    struct wal_scan scan;
    assert_int_equal(wal_scan_init(&scan, slice_make(bytes, got), &header, NULL, NULL), STATUS_OK);
    unsigned count = 0;
    enum wal_verdict verdict;
    struct wal_group group;
    while (wal_scan_next(&scan, &verdict, &group) == STATUS_OK && verdict == WAL_FOUND_GROUP && count < most) {
        extents[count++] = (struct extent){
            .first = (uint32_t)group.lsn / IO_SECTOR_BYTES,
            .last = wal_offset_of(group.begin + group.length - 1) / IO_SECTOR_BYTES,
            .group = group.group,
        };
    }
    wal_scan_deinit(&scan);
    return count;
}

static void put_sector(struct io *io, const char *path, uint64_t sector, const uint8_t *bytes) {
    struct io_file *file;
    assert_int_equal(io_file_open(io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_write(file, sector * IO_SECTOR_BYTES, bytes, IO_SECTOR_BYTES), STATUS_OK);
    assert_int_equal(io_file_sync(file), STATUS_OK);
    io_file_close(file);
}

/* A log in one segment with synced groups alone. */
static void make_synced_log(struct run *run, uint64_t seed, unsigned groups) {
    struct wal_recovery recovery;
    run_init(run, seed);
    run->model.size_limit = 300;
    run->options.on_commit = NULL;
    must_open(run, &recovery);
    for (unsigned i = 0; i < groups; i++) {
        uint64_t lsn;
        assert_int_equal(wal_model_append(&run->model, run->wal, &lsn), STATUS_OK);
        assert_int_equal(wal_commit(run->wal, true), STATUS_OK);
    }
    run->model.durable = run->model.next;
    close_log(run);
}

static uint8_t image[SEGMENT];

static void a_sector_lost_below_a_later_group_is_faulty(void **state) {
    (void)state;
    static const uint8_t zero[IO_SECTOR_BYTES];
    struct run run;
    make_synced_log(&run, 200, 10);
    struct extent extents[32];
    unsigned count = read_extents(&run, "/wal/00000001.wal", extents, 32, image);
    assert_int_equal(count, 11);
    for (unsigned i = 0; i + 1 < count; i++) {
        for (uint64_t sector = extents[i].first; sector <= extents[i].last; sector++) {
            struct sim_disk *copy = sim_disk_clone(run.machine.disk, sector);
            struct io *io = sim_io_create(run.machine.sim, copy, &(struct sim_io_options){.node = 1});
            put_sector(io, "/wal/00000001.wal", sector, zero);
            io_destroy(io);
            assert_true(judge_copy(&run, copy, "zeroed", sector * IO_SECTOR_BYTES));
        }
    }
    run_deinit(&run);
}

static void a_sector_in_the_wrong_place_is_faulty(void **state) {
    (void)state;
    struct run run;
    make_synced_log(&run, 201, 10);
    struct extent extents[32];
    unsigned count = read_extents(&run, "/wal/00000001.wal", extents, 32, image);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t from = 8 + prng_below(&run.prng, extents[count - 1].last - 7);
        uint64_t to = 8 + prng_below(&run.prng, extents[count - 1].last - 7);
        if (from == to) continue;
        struct sim_disk *copy = sim_disk_clone(run.machine.disk, i);
        struct io *io = sim_io_create(run.machine.sim, copy, &(struct sim_io_options){.node = 1});
        put_sector(io, "/wal/00000001.wal", to, image + from * IO_SECTOR_BYTES);
        io_destroy(io);
        assert_true(judge_copy(&run, copy, "misdirected", to * IO_SECTOR_BYTES));
    }
    run_deinit(&run);
}

/* A group that lacks one sector at the tail was never acknowledged: it is cut, and what it was can never come back. */
static void a_torn_tail_is_cut_and_stays_cut(void **state) {
    (void)state;
    struct run run;
    for (unsigned missing = 0; missing < 16; missing++) {
        make_synced_log(&run, 202, 5);
        /* the group in flight: two pages, of which the power keeps all but one sector */
        struct wal_recovery recovery;
        must_open(&run, &recovery);
        uint8_t payload[5000];
        memset(payload, 0xee, sizeof payload);
        struct slice part = slice_make(payload, sizeof payload);
        uint64_t lsn;
        assert_int_equal(wal_append(run.wal, 9, &part, 1, &lsn), STATUS_OK);
        assert_int_equal(wal_commit(run.wal, true), STATUS_OK);
        close_log(&run);
        static const uint8_t zero[IO_SECTOR_BYTES];
        uint64_t first = (uint32_t)lsn / IO_SECTOR_BYTES;
        put_sector(run.machine.io, "/wal/00000001.wal", first + missing, zero);

        must_open(&run, &recovery);
        assert_int_equal(recovery.torn_groups, 1);
        assert_int_equal(recovery.torn_lsn >> 32, 1);
        assert_true(run.model.seen_next == 5);
        assert_int_equal(wal_end(run.wal) >> 32,
                         2); /* in a new segment: what is left of the torn group is never looked at again */
        assert_int_equal(wal_model_append(&run.model, run.wal, &lsn), STATUS_OK);
        assert_int_equal(wal_commit(run.wal, true), STATUS_OK);
        run.model.durable = run.model.next;
        close_log(&run);
        must_open(&run, &recovery);
        assert_int_equal(recovery.torn_groups, 0);
        run_deinit(&run);
    }
}

static void recycled_sectors_are_never_taken_for_new_ones(void **state) {
    (void)state;
    for (uint64_t seed = test_seed(300); seed < test_seed(300) + 4; seed++) {
        struct run run;
        run_init(&run, seed);
        struct wal_recovery recovery;
        for (unsigned life = 0; life < 20; life++) {
            must_open(&run, &recovery);
            assert_int_equal(recovery.torn_groups, 0);
            if (work(&run, 25) != STATUS_OK) fail_run(&run, "no fault was ordered");
            if (commit(&run, true) != STATUS_OK) fail_run(&run, "no fault was ordered");
            run.model.durable = run.model.next;
            sim_run_until(run.machine.sim, sim_now_ns(run.machine.sim) + 100000000);
            close_log(&run);
        }
        run_deinit(&run);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_at_any_io_loses_nothing_acknowledged),
        cmocka_unit_test(a_failure_of_any_io_loses_nothing_acknowledged),
        cmocka_unit_test(a_flipped_bit_anywhere_is_detected_or_does_not_matter),
        cmocka_unit_test(a_sector_lost_below_a_later_group_is_faulty),
        cmocka_unit_test(a_sector_in_the_wrong_place_is_faulty),
        cmocka_unit_test(a_torn_tail_is_cut_and_stays_cut),
        cmocka_unit_test(recycled_sectors_are_never_taken_for_new_ones),
    };
    return cmocka_run_group_tests_name("wal_crash", tests, NULL, NULL);
}
