/*
 * The engine when the n-th I/O or the n-th allocation fails, for n = 1, 2, 3 ... until a whole life (open, write,
 * flush, compact, checkpoint, read, close) meets no failure. After each:
 *  - no crash; nothing leaks (sanitizer builds watch);
 *  - a call that failed has done nothing or all of it: what is seen is the model after some batch;
 *  - what was acknowledged before stays true, in this process, after a reopening, and after the power was cut.
 *
 * Replay one case: LOAM_TEST_SEED=seed LOAM_TEST_NTH=n build/tests/crash/engine_fault_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/engine_workload.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { BATCHES = 40, MS = 1000000 };

/* What fails, and how. */
struct fault {
    const char *name;
    enum status io; /* IO, NO_SPACE; OK: an allocation */
    bool forever;
};

struct life {
    uint64_t seed;
    uint64_t nth;
    const struct fault *fault;
    const struct workload *workload;
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
    struct engine_batch batch;
    struct prng prng;
    uint32_t durable; /* acknowledged so */
    uint32_t acked;
    uint32_t issued;
    bool has_failed; /* something answered a failure */
};

static void broken(const struct life *life, const char *what, const char *text) {
    alloc_fault_clear();
    fail_msg("%s: %s\n  %s, seed %llu, n = %llu; replay: LOAM_TEST_SEED=%llu LOAM_TEST_NTH=%llu "
             "build/tests/crash/engine_fault_test",
             what, text, life->fault->name, (unsigned long long)life->seed, (unsigned long long)life->nth,
             (unsigned long long)life->seed, (unsigned long long)life->nth);
}

static void arm(const struct life *life) {
    if (life->fault->io != STATUS_OK) {
        sim_disk_fail_at(life->disk, life->nth, life->fault->io, life->fault->forever);
    } else if (life->fault->forever) {
        alloc_fault_from(life->nth);
    } else {
        alloc_fault_at(life->nth);
    }
}

/* True if the fault has struck. */
static bool disarm(const struct life *life) {
    if (life->fault->io == STATUS_OK) return alloc_fault_clear();
    bool has_struck = sim_disk_has_failed(life->disk);
    sim_disk_fail_at(life->disk, 0, STATUS_OK, false);
    return has_struck;
}

/* A failure is one of those that the fault may cause. */
static bool is_fine(struct life *life, const char *what, enum status status) {
    if (status == STATUS_OK) return true;
    bool is_fault = status == STATUS_IO || status == STATUS_NO_SPACE || status == STATUS_READ_ONLY;
    if (life->fault->io == STATUS_OK) is_fault = status == STATUS_NO_MEMORY || status == STATUS_READ_ONLY;
    if (!is_fault) broken(life, what, status_name(status));
    life->has_failed = true;
    return false;
}

/* ---- A life ------------------------------------------------------------------------------------------------------ */

static bool open_engine(struct life *life) {
    struct engine_options options = workload_engine_options(life->workload);
    return is_fine(life, "open", engine_open(life->io, "/store", &options, &life->engine, NULL));
}

static bool write_next(struct life *life) {
    struct engine_write_options options = {.sync = prng_chance(&life->prng, 1, 2)};
    bool durable;
    life->issued = life->acked + 1;
    if (!is_fine(life, "write",
                 workload_write(life->workload, life->io, life->engine, life->issued, false, &life->batch, &options,
                                &durable)))
        return false;
    life->acked = life->issued;
    if (options.sync || durable) life->durable = life->acked;
    return true;
}

static bool read_all(struct life *life) {
    struct engine_iterator_options options = {0};
    struct engine_iterator *iterator;
    if (!is_fine(life, "iterator", engine_iterator_open(life->engine, 1, &options, &iterator))) return false;
    engine_iterator_seek_first(iterator);
    while (engine_iterator_valid(iterator)) engine_iterator_next(iterator);
    enum status status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return is_fine(life, "iteration", status);
}

static bool flush(struct life *life) {
    if (!is_fine(life, "flush", engine_flush(life->engine))) return false;
    life->durable = life->acked;
    return true;
}

static bool checkpoint(struct life *life) {
    struct engine_mark mark;
    char path[32];
    snprintf(path, sizeof path, "/checkpoint%u", life->acked);
    return is_fine(life, "checkpoint", engine_checkpoint(life->engine, path, &mark, NULL));
}

/* What happens after batch n; false ends the life early. */
static bool interlude(struct life *life) {
    io_run(life->io, io_now_ns(life->io) + MS);
    switch (life->acked % 10) {
    case 3: return flush(life);
    case 5: return read_all(life);
    case 7: return checkpoint(life);
    case 9: return is_fine(life, "compact", engine_compact(life->engine));
    default: return true;
    }
}

static void live(struct life *life) {
    arm(life);
    if (!open_engine(life)) return;
    while (life->acked < BATCHES && write_next(life)) {
        if (!interlude(life)) break;
    }
}

/* ---- Judgement --------------------------------------------------------------------------------------------------- */

static uint32_t examine(struct life *life, const char *when, uint32_t least) {
    struct error error = {0};
    uint32_t n = 0;
    enum status status = workload_recovered(life->engine, &n);
    if (status != STATUS_OK) broken(life, when, status_text(status));
    if (n < least || n > life->issued) {
        (void)error_set(&error, STATUS_CORRUPT, "%u batches seen, at least %u promised, %u handed in", n, least,
                        life->issued);
        broken(life, when, error.text);
    }
    if (workload_compare(life->workload, life->engine, n, &error) != STATUS_OK) broken(life, when, error.text);
    return n;
}

static void reopen(struct life *life, const char *when) {
    struct engine_options options = workload_engine_options(life->workload);
    struct error error = {0};
    life->io = sim_io_create(life->sim, life->disk, NULL);
    if (engine_open(life->io, "/store", &options, &life->engine, &error) != STATUS_OK) broken(life, when, error.text);
}

static void stop(struct life *life) {
    engine_close(life->engine);
    io_destroy(life->io);
    life->engine = NULL;
}

/* The store is sound after the fault, and goes on. */
static void judge(struct life *life) {
    if (life->engine != NULL) (void)examine(life, "in the same process", life->acked);
    stop(life);
    reopen(life, "reopened");
    /* A failed sync may have cost what was handed over without sync before. */
    life->acked = examine(life, "reopened", life->fault->io == STATUS_OK ? life->acked : life->durable);
    for (int i = 0; i < 3 && life->acked < BATCHES; i++) {
        if (!write_next(life)) broken(life, "a write after reopening", "failed");
    }
    sim_disk_cut(life->disk, prng_chance(&life->prng, 1, 2) ? SIM_CUT_NONE : SIM_CUT_RANDOM);
    stop(life);
    reopen(life, "after a power cut");
    (void)examine(life, "after a power cut", life->durable);
    if (engine_verify(life->engine, NULL, NULL) != STATUS_OK) broken(life, "after a power cut", "verify");
    stop(life);
}

/* One life with the n-th failing; false when it was over before. */
static bool run_life(const struct fault *fault, const struct workload *workload, uint64_t seed, uint64_t nth) {
    struct life life = {.seed = seed, .nth = nth, .fault = fault, .workload = workload};
    life.sim = sim_create(seed);
    life.disk = sim_disk_create(seed + nth);
    life.io = sim_io_create(life.sim, life.disk, NULL);
    prng_init(&life.prng, hash_mix(seed, nth));
    engine_batch_init(&life.batch);
    live(&life);
    bool has_struck = disarm(&life);
    if (!has_struck && life.has_failed) broken(&life, "no fault struck", "and yet something failed");
    judge(&life);
    engine_batch_deinit(&life.batch);
    sim_disk_destroy(life.disk);
    sim_destroy(life.sim);
    return has_struck;
}

/* All n; at less than full volume every few of them, another few for each seed. */
static void loop(const struct fault *fault) {
    uint64_t seed = test_seed(1);
    uint64_t only = test_number("LOAM_TEST_NTH", 0);
    struct workload *workload = workload_create(seed, BATCHES, 40);
    uint64_t stride = 100 / (test_scaled(100) < 100 ? test_scaled(100) : 100);
    uint64_t lives = 1;
    if (only != 0) {
        run_life(fault, workload, seed, only);
    } else {
        for (uint64_t nth = 1; run_life(fault, workload, seed, nth); nth += stride) lives++;
        print_message("%s: %llu lives\n", fault->name, (unsigned long long)lives);
        assert_true(lives > 100 / stride);
    }
    workload_destroy(workload);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void nth_io_fails_once(void **state) {
    (void)state;
    static const struct fault fault = {.name = "an I/O fails", .io = STATUS_IO};
    loop(&fault);
}

static void every_io_fails_from_the_nth_on(void **state) {
    (void)state;
    static const struct fault fault = {.name = "all I/O fails", .io = STATUS_IO, .forever = true};
    loop(&fault);
}

static void nth_io_finds_the_disk_full(void **state) {
    (void)state;
    static const struct fault fault = {.name = "an I/O finds no space", .io = STATUS_NO_SPACE};
    loop(&fault);
}

static void nth_allocation_fails(void **state) {
    (void)state;
    static const struct fault fault = {.name = "an allocation fails"};
    loop(&fault);
}

static void every_allocation_fails_from_the_nth_on(void **state) {
    (void)state;
    static const struct fault fault = {.name = "all allocations fail", .forever = true};
    loop(&fault);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nth_io_fails_once),
        cmocka_unit_test(every_io_fails_from_the_nth_on),
        cmocka_unit_test(nth_io_finds_the_disk_full),
        cmocka_unit_test(nth_allocation_fails),
        cmocka_unit_test(every_allocation_fails_from_the_nth_on),
    };
    return cmocka_run_group_tests_name("engine faults", tests, NULL, NULL);
}
