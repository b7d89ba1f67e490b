/*
 * The engine on a disk that fills up, at every size of disk: whichever file meets the end (a table, the log's next
 * segment, the manifest), the write says so and has done nothing, reads go on, and once there is room the same engine
 * takes the same batch within a second. What was acknowledged is there, in this process, after a reopening and after a
 * power cut.
 *
 * Replay one case: LOAM_TEST_SEED=seed LOAM_TEST_CASE=pages build/tests/crash/engine_full_disk_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "tests/harness/engine_workload.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { BATCHES = 60, MS = 1000000, SECOND = 1000 * MS, PAGE = 4096, CASES = 150, FULL_TIMES = 3 };

struct life {
    uint64_t seed, pages;
    const struct workload *workload;
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
    struct engine_batch batch;
    uint32_t acked, durable;
    uint64_t refused; /* times that a full disk was told */
};

static struct totals { uint64_t refused, by_log, by_flush; } totals;

static void broken(const struct life *life, const char *what, const char *text) {
    fail_msg("%s: %s\n  after batch %u; replay: LOAM_TEST_SEED=%llu LOAM_TEST_CASE=%llu "
             "build/tests/crash/engine_full_disk_test",
             what, text, life->acked, (unsigned long long)life->seed, (unsigned long long)life->pages);
}

static void set_capacity(struct life *life, uint64_t bytes) {
    const struct sim_disk_faults faults = {.capacity_bytes = bytes};
    sim_disk_set_faults(life->disk, &faults);
}

static void open_engine(struct life *life) {
    struct engine_options options = workload_engine_options(life->workload);
    struct error error = {0};
    options.disk_reserve_bytes = 1; /* so that the end is met, and not the reserve */
    life->io = sim_io_create(life->sim, life->disk, NULL);
    if (engine_open(life->io, "/store", &options, &life->engine, &error) != STATUS_OK) broken(life, "open", error.text);
}

static void close_engine(struct life *life) {
    engine_close(life->engine);
    io_destroy(life->io);
}

static void compare(struct life *life, const char *when) {
    struct error error = {0};
    uint32_t n = 0;
    if (life->acked == 0) return;
    if (workload_recovered(life->engine, &n) != STATUS_OK || n != life->acked)
        broken(life, when, "another batch is last");
    if (workload_compare(life->workload, life->engine, n, &error) != STATUS_OK) broken(life, when, error.text);
}

static enum status write_next(struct life *life) {
    const struct engine_write_options options = {.sync = life->acked % 3 == 0};
    assert_int_equal(workload_build(life->workload, life->acked + 1, &life->batch), STATUS_OK);
    const enum status status = engine_write(life->engine, &life->batch, &options);
    if (status != STATUS_OK) return status;
    life->acked++;
    if (options.sync) life->durable = life->acked;
    return STATUS_OK;
}

static void count_refusal(const struct life *life) {
    struct error error;
    engine_last_error(life->engine, &error);
    totals.refused++;
    totals.by_log += strstr(error.text, "the log can't grow") != NULL;
    totals.by_flush += strstr(error.text, "flush put off") != NULL;
    if (error.status != STATUS_NO_SPACE) broken(life, "the last error is of another kind", error.text);
}

/* There is room; the next batch goes in within a second, with nothing done but trying again. */
static void write_soon(struct life *life) {
    const uint64_t until = io_now_ns(life->io) + SECOND;
    enum status status;
    while ((status = write_next(life)) == STATUS_NO_SPACE && io_now_ns(life->io) < until)
        io_run(life->io, io_now_ns(life->io) + 20 * MS);
    if (status != STATUS_OK) broken(life, "a second after there is space", status_name(status));
}

/* Writes until the disk is full, then gives it room, FULL_TIMES over. */
static void live(struct life *life) {
    uint64_t pages = life->pages;
    set_capacity(life, sim_disk_used_bytes(life->disk) + pages * PAGE);
    while (life->acked < BATCHES) {
        const enum status status = write_next(life);
        if (status == STATUS_OK) {
            if (life->acked % 7 == 0) (void)!engine_flush(life->engine);
            io_run(life->io, io_now_ns(life->io) + MS);
            continue;
        }
        if (status != STATUS_NO_SPACE) broken(life, "a write on a full disk", status_name(status));
        count_refusal(life);
        compare(life, "while the disk is full");
        set_capacity(life, 0);
        write_soon(life);
        if (++life->refused < FULL_TIMES) {
            pages = pages / 2 + life->refused;
            set_capacity(life, sim_disk_used_bytes(life->disk) + pages * PAGE);
        }
    }
    set_capacity(life, 0);
    if (engine_flush(life->engine) != STATUS_OK) broken(life, "a flush with room", "failed");
    if (engine_verify(life->engine, NULL, NULL) != STATUS_OK) broken(life, "with room", "verify");
    compare(life, "with room");
}

static void run_case(uint64_t seed, const struct workload *workload, uint64_t pages) {
    struct life life = {.seed = seed, .pages = pages, .workload = workload};
    life.sim = sim_create(seed);
    life.disk = sim_disk_create(hash_mix(seed, pages));
    engine_batch_init(&life.batch);
    open_engine(&life);
    live(&life);
    close_engine(&life);
    open_engine(&life);
    compare(&life, "reopened");
    sim_disk_cut(life.disk, SIM_CUT_RANDOM);
    close_engine(&life);
    open_engine(&life);
    compare(&life, "after a power cut");
    close_engine(&life);
    engine_batch_deinit(&life.batch);
    sim_disk_destroy(life.disk);
    sim_destroy(life.sim);
}

static void a_full_disk_refuses_writes_in_words_and_they_go_on_when_there_is_room(void **state) {
    (void)state;
    const uint64_t seed = test_seed(1), only = test_number("LOAM_TEST_CASE", 0);
    struct workload *workload = workload_create(seed, BATCHES, 60);
    const uint64_t cases = test_scaled(CASES), stride = cases < CASES ? CASES / cases : 1;
    if (only != 0) run_case(seed, workload, only);
    for (uint64_t pages = 1; only == 0 && pages <= CASES; pages += stride) run_case(seed, workload, pages);
    workload_destroy(workload);
    print_message("%llu refusals, %llu by the log, %llu by a flush\n", (unsigned long long)totals.refused,
                  (unsigned long long)totals.by_log, (unsigned long long)totals.by_flush);
    if (only == 0) assert_true(totals.by_log > 0 && totals.by_flush > 0);
}

/* ---- The manifest ------------------------------------------------------------------------------------------------ */

/* The next write of a file whose path ends so finds no space, in part. */
struct trap {
    const char *ending;
    unsigned times;
};

static void spring(void *context, struct sim_disk *disk, enum sim_disk_call call, const char *path) {
    struct trap *trap = context;
    const size_t length = strlen(path), ending = strlen(trap->ending);
    if (trap->times == 0 || call != SIM_DISK_WRITE || length < ending ||
        strcmp(path + length - ending, trap->ending) != 0)
        return;
    trap->times--;
    sim_disk_fail_at(disk, 1, STATUS_NO_SPACE, false);
}

static void an_edit_without_room_is_taken_back_and_written_again_later(void **state) {
    (void)state;
    const uint64_t seed = test_seed(1);
    uint64_t refused = 0;
    struct workload *workload = workload_create(seed, BATCHES, 60);
    for (uint64_t i = 0; i < test_scaled(20); i++) {
        struct life life = {.seed = seed + i, .pages = i, .workload = workload};
        struct trap trap = {.ending = ".manifest"};
        life.sim = sim_create(seed + i);
        life.disk = sim_disk_create(seed + i);
        engine_batch_init(&life.batch);
        open_engine(&life);
        sim_disk_set_watch(life.disk, spring, &trap);
        while (life.acked < BATCHES) {
            write_soon(&life);
            if (life.acked % 5 != 0) continue;
            trap.times = 1;
            /* OK: a memtable that was full by itself had its flush under way, which was made again. */
            const enum status told = engine_flush(life.engine);
            if (told != STATUS_NO_SPACE && told != STATUS_OK) broken(&life, "a flush without room", status_name(told));
            refused += told == STATUS_NO_SPACE;
            if (trap.times != 0) broken(&life, "the manifest", "was not written");
            compare(&life, "after an edit was taken back");
            if (life.acked % 10 == 0) continue; /* a write tries again */
            if (engine_flush(life.engine) != STATUS_OK) broken(&life, "a flush with room", "failed");
        }
        sim_disk_set_watch(life.disk, NULL, NULL);
        sim_disk_cut(life.disk, SIM_CUT_RANDOM);
        close_engine(&life);
        open_engine(&life);
        uint32_t n = 0;
        struct error error = {0};
        if (workload_recovered(life.engine, &n) != STATUS_OK || n < life.durable) broken(&life, "cut", "lost");
        if (workload_compare(workload, life.engine, n, &error) != STATUS_OK) broken(&life, "cut", error.text);
        close_engine(&life);
        engine_batch_deinit(&life.batch);
        sim_disk_destroy(life.disk);
        sim_destroy(life.sim);
    }
    workload_destroy(workload);
    assert_true(refused > test_scaled(20) * 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_refuses_writes_in_words_and_they_go_on_when_there_is_room),
        cmocka_unit_test(an_edit_without_room_is_taken_back_and_written_again_later),
    };
    return cmocka_run_group_tests_name("engine on a full disk", tests, NULL, NULL);
}
