/*
 * Power cuts at every I/O of an engine that carries all three stores. One run of a seeded series of entries over names
 * that are strings, series and graphs in turn; before each of its I/Os the disk is cloned, the clone's power is cut,
 * and the stores opened on what is left:
 *  - every name holds exactly what the model says that it holds after some entry n: no lost sample, no half of an edge,
 *    no name without what stands behind it; graphs are verified, and so is the engine;
 *  - n is at least the last entry that was acknowledged as durable, at most the last that was handed in. Without a log
 *    of its own (two runs of three, as in a node, where the owner seals): at least what a flush installed, at most what
 *    the owner's log was said to hold;
 *  - the owner's log, replayed from there, leads to what it had acknowledged; then work goes on, and is cut again.
 *
 * Replay one case: LOAM_TEST_SEED=seed LOAM_TEST_CUT=number build/tests/crash/stores_power_cut_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "engine/base/prng.h"
#include "tests/harness/stores_workload.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { CUTS = 12000, ENTRIES = 90, GOES_ON = 6, PATIENCE = 10000, MS = 1000000 };

static const char dir[] = "/stores";

struct run {
    uint64_t seed, only_cut, ios;
    enum engine_wal_mode wal;
    const struct stores_workload *workload;
    uint32_t issued;  /* handed in */
    uint32_t durable; /* acknowledged; for an owner: its log holds them */
};

static struct { uint64_t runs, cuts, lost, kept, replayed, flushes, compactions, prefetches; } totals;

/* ---- A machine --------------------------------------------------------------------------------------------------- */

struct machine {
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
    struct stores_lab lab;
};

static enum status boot(struct machine *machine, const struct run *run, struct error *error) {
    machine->io = sim_io_create(machine->sim, machine->disk, NULL);
    stores_lab_init(&machine->lab);
    struct engine_options options = stores_workload_engine_options(&machine->lab);
    options.wal = run->wal;
    options.owner_seals = run->wal == ENGINE_WAL_OFF;
    enum status status = engine_open(machine->io, dir, &options, &machine->engine, error);
    return status == STATUS_OK ? stores_lab_attach(&machine->lab, machine->engine) : status;
}

static void stop(struct machine *machine) {
    struct engine_stats stats;
    if (machine->engine != NULL) {
        engine_get_stats(machine->engine, &stats);
        totals.flushes += stats.flushes;
        totals.compactions += stats.compactions;
    }
    totals.prefetches += machine->lab.prefetches;
    stores_lab_deinit(&machine->lab);
    engine_close(machine->engine);
    io_destroy(machine->io);
    machine->engine = NULL;
    machine->io = NULL;
}

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

static enum status seal_if_wanted(struct machine *machine) {
    struct engine_batch rows; /* an owner has some; these stores' has none */
    if (!engine_wants_seal(machine->engine)) return STATUS_OK;
    engine_batch_init(&rows);
    enum status status = engine_amend(machine->engine, &rows, true);
    engine_batch_deinit(&rows);
    return status == STATUS_BUSY ? STATUS_OK : status;
}

/* The owner of a log never waits in its loop: it gives the engine's jobs time, and seals where that is wanted. */
static enum status write_staged(struct machine *machine, const struct run *run, bool sync) {
    const struct engine_write_options options = {.sync = sync && run->wal == ENGINE_WAL_OWN,
                                                 .no_wait = run->wal == ENGINE_WAL_OFF};
    for (int left = PATIENCE; left > 0; left--) {
        enum status status = engine_write(machine->engine, &machine->lab.batch, &options);
        if (status != STATUS_BUSY) return status;
        status = seal_if_wanted(machine);
        if (status != STATUS_OK) return status;
        io_run(machine->io, io_now_ns(machine->io) + MS);
    }
    return STATUS_TIMED_OUT;
}

static enum status write_entry(struct machine *machine, const struct run *run, uint32_t n, bool sync) {
    const struct stores_entry entry = stores_workload_entry(run->workload, n);
    enum status status = stores_lab_stage(&machine->lab, &entry);
    if (status == STATUS_OK) status = write_staged(machine, run, sync);
    if (status == STATUS_OK && run->wal == ENGINE_WAL_OFF) status = seal_if_wanted(machine);
    return status;
}

/* ---- A case ------------------------------------------------------------------------------------------------------ */

static void broken(const struct run *run, const char *what, const struct error *error) {
    fail_msg("%s: %s\n  replay: LOAM_TEST_SEED=%llu LOAM_TEST_CUT=%llu build/tests/crash/stores_power_cut_test", what,
             error->text, (unsigned long long)run->seed, (unsigned long long)run->ios);
}

static void print_finding(void *context, const struct engine_finding *finding) {
    (void)context;
    print_message("%s: %s\n", finding->file, finding->text);
}

/* What the machine holds is what the model holds after entry n. */
static void compare(const struct run *run, struct machine *machine, uint32_t n) {
    struct error error = {0};
    if (n > 0 && model_compare(stores_workload_state(run->workload, n), &machine->lab, &error) != STATUS_OK) {
        (void)error_prefix(&error, error.status, "after entry %u", n);
        broken(run, "the content differs", &error);
    }
}

/* How many entries it holds; they are compared. */
static uint32_t examine(const struct run *run, struct machine *machine, uint32_t least, uint32_t most) {
    struct error error = {0};
    uint64_t last = 0;
    if (stores_lab_last(&machine->lab, &last) != STATUS_OK) broken(run, "the owner's row", &error);
    uint32_t n = (uint32_t)last;
    if (n < least || n > most) {
        (void)error_set(&error, STATUS_CORRUPT, "%u entries are there, %u to %u have to be", n, least, most);
        broken(run, "a promise was broken", &error);
    }
    compare(run, machine, n);
    if (engine_verify(machine->engine, print_finding, NULL) != STATUS_OK) {
        (void)error_set(&error, STATUS_CORRUPT, "see above");
        broken(run, "verify", &error);
    }
    return n;
}

static uint32_t recover(const struct run *run, struct machine *machine, uint32_t durable, uint32_t issued,
                        uint32_t installed) {
    struct error error = {0};
    sim_disk_power_on(machine->disk);
    if (boot(machine, run, &error) != STATUS_OK) broken(run, "does not open", &error);
    bool is_own = run->wal == ENGINE_WAL_OWN;
    uint32_t n = examine(run, machine, is_own ? durable : installed, is_own ? issued : durable);
    totals.lost += issued - n;
    if (is_own) {
        totals.kept += n - durable;
        return n;
    }
    engine_log_durable(machine->engine, durable);
    for (; n < durable; n++, totals.replayed++) {
        if (write_entry(machine, run, n + 1, false) != STATUS_OK) broken(run, "the owner's log is not taken", &error);
    }
    compare(run, machine, n);
    return n;
}

static void draw_cut(struct sim_disk *disk, struct prng *prng) {
    uint64_t draw = prng_below(prng, 10);
    sim_disk_cut(disk, draw < 2 ? SIM_CUT_NONE : draw < 4 ? SIM_CUT_ALL : SIM_CUT_RANDOM);
}

/* A few more entries on what was recovered, with a flush among them; then the power goes again. */
static void go_on_and_cut(const struct run *run, struct machine *machine, struct prng *prng, uint32_t n) {
    uint32_t durable = n, last = n + GOES_ON < ENTRIES ? n + GOES_ON : ENTRIES;
    struct error error = {0};
    while (n < last) {
        bool sync = prng_chance(prng, 1, 2);
        if (write_entry(machine, run, ++n, sync) != STATUS_OK) broken(run, "an entry is not taken", &error);
        if (sync) durable = n;
        if (sync && run->wal == ENGINE_WAL_OFF) engine_log_durable(machine->engine, durable);
        if (n == last - 1) assert_int_equal(engine_flush_start(machine->engine), STATUS_OK);
        io_run(machine->io, io_now_ns(machine->io) + prng_below(prng, MS));
    }
    compare(run, machine, n);
    uint32_t installed = (uint32_t)engine_installed(machine->engine).index;
    draw_cut(machine->disk, prng);
    stop(machine);
    (void)recover(run, machine, durable, n, installed);
    totals.cuts++;
}

static void run_case(const struct run *run, struct sim_disk *disk, uint32_t installed) {
    struct prng prng;
    prng_init(&prng, hash_mix(run->seed, run->ios));
    struct machine machine = {.sim = sim_create(prng_next(&prng)), .disk = sim_disk_clone(disk, prng_next(&prng))};
    draw_cut(machine.disk, &prng);
    uint32_t n = recover(run, &machine, run->durable, run->issued, installed);
    totals.cuts++;
    if (prng_chance(&prng, 1, 3)) go_on_and_cut(run, &machine, &prng, n);
    stop(&machine);
    sim_disk_destroy(machine.disk);
    sim_destroy(machine.sim);
}

/* ---- The original ------------------------------------------------------------------------------------------------ */

struct original {
    struct run *run;
    struct machine *machine;
};

static void before_io(void *context, struct sim_disk *disk, enum sim_disk_call call, const char *path) {
    const struct original *original = context;
    struct run *run = original->run;
    const struct engine *engine = original->machine->engine;
    (void)call;
    (void)path;
    run->ios++;
    if (run->only_cut != 0 && run->only_cut != run->ios) return;
    run_case(run, disk, engine != NULL ? (uint32_t)engine_installed(engine).index : 0);
}

static void live(struct run *run, struct machine *machine) {
    struct prng prng;
    struct error error = {0};
    prng_init(&prng, hash_mix(run->seed, 0x73746f726573));
    if (boot(machine, run, &error) != STATUS_OK) broken(run, "a new one", &error);
    while (run->issued < ENTRIES) {
        bool sync = prng_chance(&prng, 1, 2);
        run->issued++;
        if (write_entry(machine, run, run->issued, sync) != STATUS_OK) broken(run, "an entry is not taken", &error);
        if (sync) run->durable = run->issued;
        if (sync && run->wal == ENGINE_WAL_OFF) engine_log_durable(machine->engine, run->durable);
        if (prng_chance(&prng, 1, 12)) assert_int_equal(engine_flush_start(machine->engine), STATUS_OK);
        if (run->wal == ENGINE_WAL_OFF) assert_int_equal(seal_if_wanted(machine), STATUS_OK);
        if (prng_chance(&prng, 1, 30) && run->wal == ENGINE_WAL_OWN)
            assert_int_equal(engine_compact(machine->engine), STATUS_OK);
        io_run(machine->io, io_now_ns(machine->io) + prng_below(&prng, MS));
    }
    stop(machine);
}

static void run_seed(uint64_t seed, uint64_t only_cut) {
    struct error error = {0};
    struct stores_workload *workload = stores_workload_create(seed, ENTRIES, &error);
    if (workload == NULL) fail_msg("seed %llu: %s", (unsigned long long)seed, error.text);
    struct run run = {.seed = seed, .only_cut = only_cut, .workload = workload};
    struct machine machine = {.sim = sim_create(seed), .disk = sim_disk_create(seed)};
    struct original original = {&run, &machine};
    run.wal = seed % 3 == 0 ? ENGINE_WAL_OWN : ENGINE_WAL_OFF;
    sim_disk_set_watch(machine.disk, before_io, &original);
    live(&run, &machine);
    sim_disk_destroy(machine.disk);
    sim_destroy(machine.sim);
    stores_workload_destroy(workload);
    totals.runs++;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void every_cut_leaves_all_stores_after_some_entry_with_all_that_was_promised(void **state) {
    (void)state;
    uint64_t seed = test_seed(1), only_cut = test_number("LOAM_TEST_CUT", 0), wanted = test_scaled(CUTS);
    const struct stores_workload_counts *counts = &stores_workload_counts;
    do {
        run_seed(seed++, only_cut);
    } while (only_cut == 0 && totals.cuts < wanted);
    print_message(
        "%llu power cuts in %llu runs; entries: %llu rightly lost, %llu kept without a promise, %llu replayed; "
        "%llu flushes, %llu compactions, %llu read ahead\n"
        "late samples %llu, deleted ranges %llu, edges deleted %llu, stale edits %llu, renames %llu, names deleted "
        "%llu\n",
        (unsigned long long)totals.cuts, (unsigned long long)totals.runs, (unsigned long long)totals.lost,
        (unsigned long long)totals.kept, (unsigned long long)totals.replayed, (unsigned long long)totals.flushes,
        (unsigned long long)totals.compactions, (unsigned long long)totals.prefetches,
        (unsigned long long)counts->late_samples, (unsigned long long)counts->deleted_ranges,
        (unsigned long long)counts->deleted_edges, (unsigned long long)counts->stale_edits,
        (unsigned long long)counts->renames, (unsigned long long)counts->whole_deletes);
}

/* A suite that never met the hard cases proves nothing. */
static void rare_cases_were_met(void **state) {
    (void)state;
    if (test_number("LOAM_TEST_CUT", 0) != 0 || totals.cuts < CUTS) skip();
    assert_true(totals.lost > 100 && totals.kept > 20 && totals.replayed > 100);
    assert_true(totals.flushes > 20 && totals.compactions > 20 && totals.prefetches > 20);
    assert_true(stores_workload_counts.late_samples > 50 && stores_workload_counts.deleted_ranges > 3);
    assert_true(stores_workload_counts.deleted_edges > 50 && stores_workload_counts.stale_edits > 5);
    assert_true(stores_workload_counts.renames > 3 && stores_workload_counts.whole_deletes > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_leaves_all_stores_after_some_entry_with_all_that_was_promised),
        cmocka_unit_test(rare_cases_were_met),
    };
    return cmocka_run_group_tests_name("stores power cuts", tests, NULL, NULL);
}
