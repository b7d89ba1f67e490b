/* The engine against a flat model: seeded batches of every kind of operation, flushes, compactions and reopens between
 * them. After each, all that is read must be what the model holds. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/engine_workload.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

struct run {
    uint64_t seed;
    struct prng prng;
    struct workload *workload;
    struct engine_options options;
    struct io *io;
    struct engine *engine;
    struct engine_batch batch;
};

static void must(struct run *run, uint32_t n, enum status status, const char *what, const struct error *error) {
    if (status == STATUS_OK) return;
    fail_msg("seed %" PRIu64 ", batch %u: %s: %s: %s (replay: LOAM_TEST_SEED=%" PRIu64 ")", run->seed, n, what,
             status_name(status), error ? error->text : "", run->seed);
}

static void open_run(struct run *run, uint32_t n) {
    struct error error = {.status = STATUS_OK};
    must(run, n, engine_open(run->io, "db", &run->options, &run->engine, &error), "open", &error);
}

static void act(struct run *run, uint32_t n) {
    struct error error;
    switch (prng_below(&run->prng, 12)) {
    case 0: must(run, n, engine_flush(run->engine), "flush", NULL); break;
    case 1: must(run, n, engine_compact(run->engine), "compact", NULL); break;
    case 2:
        engine_close(run->engine);
        open_run(run, n);
        break;
    default: return;
    }
    error.text[0] = 0;
    must(run, n, workload_compare(run->workload, run->engine, n, &error), "compare", &error);
}

static void run_seed(uint64_t seed, uint32_t batches) {
    struct run run = {.seed = seed};
    struct error error = {.status = STATUS_OK};
    prng_init(&run.prng, seed);
    run.workload = workload_create(seed, batches, 10);
    run.options = workload_engine_options(run.workload);
    run.io = sim_io_create_alone(seed);
    engine_batch_init(&run.batch);
    open_run(&run, 0);
    for (uint32_t n = 1; n <= batches; n++) {
        bool durable;
        must(&run, n, workload_write(run.workload, run.io, run.engine, n, false, &run.batch, NULL, &durable), "write",
             NULL);
        act(&run, n);
    }
    must(&run, batches, workload_compare(run.workload, run.engine, batches, &error), "compare", &error);
    must(&run, batches, engine_verify(run.engine, NULL, NULL), "verify", NULL);
    engine_close(run.engine);
    engine_batch_deinit(&run.batch);
    workload_destroy(run.workload);
    io_destroy(run.io);
}

static void everything_read_is_what_the_model_holds(void **state) {
    (void)state;
    const uint64_t replay = test_seed(0);
    if (replay) {
        run_seed(replay, 600);
        return;
    }
    for (uint64_t seed = 1; seed <= test_scaled(60); seed++) run_seed(seed, 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_read_is_what_the_model_holds)};
    return cmocka_run_group_tests_name("engine_model", tests, NULL, NULL);
}
