/*
 * Damage to what an engine has stored: a flipped bit, a zeroed sector, an unreadable sector, anywhere. It may cost a
 * refusal to open or an error at a read, in words; it never becomes an answer: whatever the engine does answer is what
 * the model holds after some batch, and verify finds what reads do.
 *
 * Replay one case: LOAM_TEST_SEED=seed LOAM_TEST_CASE=number build/tests/crash/engine_damage_test
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

enum { LIVES = 10, CASES = 200, BATCHES = 40, MS = 1000000 };

static struct totals {
    unsigned refused;  /* to open, in words */
    unsigned errors;   /* at reads */
    unsigned harmless; /* all is there */
    unsigned shorter;  /* opened with fewer batches: the end of the log was taken for torn */
} totals;

struct damaged {
    uint64_t seed, number;
    const struct workload *workload;
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
    char path[IO_PATH_BYTES];
    uint64_t offset;
    enum sim_damage damage;
};

static void broken(const struct damaged *damaged, const char *what, const char *text) {
    fail_msg("%s: %s\n  damage %d at %s:%llu; replay: LOAM_TEST_SEED=%llu LOAM_TEST_CASE=%llu "
             "build/tests/crash/engine_damage_test",
             what, text, (int)damaged->damage, damaged->path, (unsigned long long)damaged->offset,
             (unsigned long long)damaged->seed, (unsigned long long)damaged->number);
}

static enum status boot(struct damaged *damaged, struct error *error) {
    struct engine_options options = workload_engine_options(damaged->workload);
    damaged->io = sim_io_create(damaged->sim, damaged->disk, NULL);
    damaged->engine = NULL;
    return engine_open(damaged->io, "/store", &options, &damaged->engine, error);
}

static void stop(struct damaged *damaged) {
    engine_close(damaged->engine);
    io_destroy(damaged->io);
}

/* A store with something in every kind of file; all of it durable. */
static void live(struct damaged *original) {
    struct engine_batch batch;
    struct error error = {0};
    engine_batch_init(&batch);
    if (boot(original, &error) != STATUS_OK) fail_msg("%s", error.text);
    for (uint32_t n = 1; n <= BATCHES; n++) {
        struct engine_write_options options = {.sync = true};
        bool durable;
        assert_int_equal(
            workload_write(original->workload, original->io, original->engine, n, false, &batch, &options, &durable),
            STATUS_OK);
        if (n % 16 == 0) assert_int_equal(engine_flush(original->engine), STATUS_OK);
        io_run(original->io, io_now_ns(original->io) + MS);
    }
    stop(original);
    engine_batch_deinit(&batch);
}

static bool is_damage(enum status status) {
    return status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_IO || status == STATUS_NOT_FOUND ||
           status == STATUS_VERSION || status == STATUS_MISMATCH || status == STATUS_READ_ONLY;
}

static void examine(struct damaged *damaged) {
    struct error error = {0};
    uint32_t n = 0;
    enum status verdict = engine_verify(damaged->engine, NULL, NULL);
    enum status status = workload_recovered(damaged->engine, &n);
    if (status == STATUS_OK) status = workload_compare(damaged->workload, damaged->engine, n, &error);
    if (status == STATUS_MISMATCH) broken(damaged, "damage became an answer", error.text);
    if (status != STATUS_OK && !is_damage(status)) broken(damaged, "a read", status_name(status));
    if (status != STATUS_OK && verdict == STATUS_OK)
        broken(damaged, "verify missed what a read met", status_name(status));
    /* Zeros at the end of the log can't be told from a group whose sectors never came: only they may shorten it. */
    if (status == STATUS_OK && n < BATCHES && damaged->damage != SIM_DAMAGE_ZERO) {
        broken(damaged, "acknowledged batches are missing", "and nobody says so");
    }
    totals.errors += status != STATUS_OK || verdict != STATUS_OK;
    totals.shorter += status == STATUS_OK && n < BATCHES;
    totals.harmless += status == STATUS_OK && verdict == STATUS_OK && n == BATCHES;
}

static void run_case(const struct damaged *original, uint64_t number) {
    struct damaged damaged = *original;
    struct prng prng;
    struct error error = {0};
    prng_init(&prng, hash_mix(original->seed, number));
    damaged.number = number;
    damaged.disk = sim_disk_clone(original->disk, prng_next(&prng));
    damaged.damage = (enum sim_damage)prng_below(&prng, 3);
    assert_int_equal(sim_disk_damage_any(damaged.disk, "/store/", damaged.damage, damaged.path, sizeof damaged.path,
                                         &damaged.offset),
                     STATUS_OK);
    enum status status = boot(&damaged, &error);
    if (status == STATUS_OK) {
        examine(&damaged);
    } else {
        if (!is_damage(status) || error.text[0] == '\0') broken(&damaged, "refused without words", status_name(status));
        totals.refused++;
    }
    stop(&damaged);
    sim_disk_destroy(damaged.disk);
}

static void run_life(uint64_t seed, uint64_t only) {
    struct workload *workload = workload_create(seed, BATCHES, 30);
    struct damaged original = {.seed = seed, .workload = workload, .sim = sim_create(seed)};
    original.disk = sim_disk_create(seed);
    live(&original);
    for (uint64_t number = 1; number <= CASES; number++) {
        if (only == 0 || only == number) run_case(&original, number);
    }
    sim_disk_destroy(original.disk);
    sim_destroy(original.sim);
    workload_destroy(workload);
}

static void damage_never_becomes_an_answer(void **state) {
    (void)state;
    uint64_t first = test_seed(1), only = test_number("LOAM_TEST_CASE", 0);
    uint64_t lives = only != 0 ? 1 : test_scaled(LIVES);
    for (uint64_t seed = first; seed < first + lives; seed++) run_life(seed, only);
    print_message("refused %u, errors %u, harmless %u, shorter %u\n", totals.refused, totals.errors, totals.harmless,
                  totals.shorter);
    if (only != 0) return;
    assert_true(totals.refused > 0 && totals.errors > 0 && totals.harmless > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(damage_never_becomes_an_answer)};
    return cmocka_run_group_tests_name("engine damage", tests, NULL, NULL);
}
