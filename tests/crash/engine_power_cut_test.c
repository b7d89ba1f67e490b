/*
 * Power cuts at every I/O of an engine's life. One run of a seeded workload; before each of its I/Os the disk is
 * cloned, the clone's power is cut, and an engine opened on what is left:
 *  - what it holds is exactly the model after some batch n: no part of a batch, no reordering, no value of another
 * time;
 *  - n is at least the last batch that was acknowledged as durable, at most the last that was handed in; without a log
 * of its own (every third run) at least what a flush installed, at most what the owner's log was said to hold;
 *  - verify finds nothing;
 *  - finished checkpoints hold exactly what they held when they were made.
 * Some recoveries are cut, too, and each recovered store goes on and is cut again.
 *
 * Replay one case: LOAM_TEST_SEED=seed LOAM_TEST_CUT=number build/tests/crash/engine_power_cut_test
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

enum {
    CUTS = 5000,
    RUNS = 12, /* at least, to see different lives */
    BATCHES = 60,
    CHECKPOINTS_MAX = 4,
    RECOVERY_CUTS_MAX = 2,
    MS = 1000000,
};

static const char dir[] = "/store";

/* What may and what must be there after a cut. */
struct promise {
    uint32_t durable; /* acknowledged with sync, or covered by a flush that was said to be installed */
    uint32_t most;    /* handed in; without a log of its own: said to be durable in the owner's */
};

struct checkpoint {
    char path[32];
    uint32_t holds;
};

struct run {
    uint64_t seed;
    enum engine_wal_mode wal;
    uint64_t only_cut; /* 0 = every one */
    const struct workload *workload;
    struct promise promise;
    uint32_t issued; /* handed in */
    struct checkpoint checkpoints[CHECKPOINTS_MAX];
    size_t checkpoint_count;
    uint64_t ios;
};

/* Over all runs. */
struct totals {
    uint64_t runs;
    uint64_t cuts;
    uint64_t recoveries_cut;
    uint64_t lost_batches;  /* handed in, not kept: rightly so */
    uint64_t kept_unsynced; /* kept without a promise */
    uint64_t checkpoints_read;
    uint64_t flushes, compactions, moves, ingested;
};

static struct totals totals;

/* ---- One machine ------------------------------------------------------------------------------------------------- */

struct machine {
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
};

static enum status machine_boot(struct machine *machine, const struct run *run, const char *path, struct error *error) {
    struct engine_options options = workload_engine_options(run->workload);
    options.wal = run->wal;
    machine->io = sim_io_create(machine->sim, machine->disk, NULL);
    machine->engine = NULL;
    return engine_open(machine->io, path, &options, &machine->engine, error);
}

static void machine_stop(struct machine *machine) {
    engine_close(machine->engine);
    io_destroy(machine->io);
    machine->engine = NULL;
    machine->io = NULL;
}

/* ---- One case ---------------------------------------------------------------------------------------------------- */

struct cut_case {
    const struct run *run;
    uint64_t number;
    struct prng prng;
    struct machine machine;
    struct promise promise;
};

static void explain(const struct cut_case *cut, const char *what, const struct error *error) {
    fail_msg("%s: %s\n  seed %llu, cut %llu; replay: LOAM_TEST_SEED=%llu LOAM_TEST_CUT=%llu "
             "build/tests/crash/engine_power_cut_test",
             what, error->text, (unsigned long long)cut->run->seed, (unsigned long long)cut->number,
             (unsigned long long)cut->run->seed, (unsigned long long)cut->number);
}

static enum sim_cut draw_cut(struct prng *prng) {
    uint64_t draw = prng_below(prng, 10);
    return draw < 2 ? SIM_CUT_NONE : draw < 4 ? SIM_CUT_ALL : SIM_CUT_RANDOM;
}

/* Boots until the engine is open; the power goes now and then while it recovers. */
static void recover(struct cut_case *cut) {
    struct error error = {0};
    for (unsigned left = RECOVERY_CUTS_MAX;; left--) {
        bool is_cut = left > 0 && prng_chance(&cut->prng, 1, 3);
        sim_disk_power_on(cut->machine.disk);
        if (is_cut) sim_disk_cut_at(cut->machine.disk, prng_between(&cut->prng, 1, 25), draw_cut(&cut->prng));
        enum status status = machine_boot(&cut->machine, cut->run, dir, &error);
        if (sim_disk_is_powered(cut->machine.disk)) {
            sim_disk_cut_at(cut->machine.disk, 0, SIM_CUT_NONE);
            if (status != STATUS_OK) explain(cut, "does not open", &error);
            return;
        }
        totals.cuts++;
        totals.recoveries_cut++;
        machine_stop(&cut->machine);
    }
}

static void visit_finding(void *context, const struct engine_finding *finding) {
    const struct cut_case *cut = context;
    print_message("cut %llu: %s: %s\n", (unsigned long long)cut->number, finding->file, finding->text);
}

/* Compares, and returns how many batches are there. */
static uint32_t examine(struct cut_case *cut) {
    struct error error = {0};
    uint32_t n = 0;
    enum status status = workload_recovered(cut->machine.engine, &n);
    if (status != STATUS_OK) {
        (void)error_set(&error, status, "%s", status_text(status));
        explain(cut, "the marker", &error);
    }
    if (n < cut->promise.durable || n > cut->promise.most) {
        (void)error_set(&error, STATUS_CORRUPT, "%u batches are there, %u were durable, %u handed in", n,
                        cut->promise.durable, cut->promise.most);
        explain(cut, "a promise was broken", &error);
    }
    if (workload_compare(cut->run->workload, cut->machine.engine, n, &error) != STATUS_OK) {
        explain(cut, "the content differs", &error);
    }
    if (engine_verify(cut->machine.engine, visit_finding, cut) != STATUS_OK) {
        (void)error_set(&error, STATUS_CORRUPT, "see above");
        explain(cut, "verify", &error);
    }
    totals.lost_batches += cut->promise.most - n;
    totals.kept_unsynced += n - cut->promise.durable;
    return n;
}

static void examine_checkpoints(struct cut_case *cut) {
    const struct run *run = cut->run;
    for (size_t i = 0; i < run->checkpoint_count; i++) {
        struct machine machine = {.sim = cut->machine.sim, .disk = cut->machine.disk};
        struct error error = {0};
        if (machine_boot(&machine, run, run->checkpoints[i].path, &error) != STATUS_OK ||
            workload_compare(run->workload, machine.engine, run->checkpoints[i].holds, &error) != STATUS_OK) {
            explain(cut, run->checkpoints[i].path, &error);
        }
        machine_stop(&machine);
        totals.checkpoints_read++;
    }
}

/* Batch n, and what may be believed once it is written. sync: durable when it returns; or, without a log of its own,
 * the owner's log is. */
static enum status write_batch(const struct run *run, const struct machine *machine, uint32_t n, bool sync,
                               struct promise *promise) {
    struct engine *engine = machine->engine;
    const bool log_off = run->wal == ENGINE_WAL_OFF;
    bool durable;
    struct engine_write_options options = {.sync = sync && run->wal == ENGINE_WAL_OWN};
    struct engine_batch batch;
    engine_batch_init(&batch);
    if (run->wal == ENGINE_WAL_OWN) promise->most = n;
    enum status status = workload_write(run->workload, machine->io, engine, n, log_off, &batch, &options, &durable);
    if (status == STATUS_OK && (options.sync || durable)) promise->durable = n;
    if (status == STATUS_OK && sync && run->wal == ENGINE_WAL_OFF) {
        promise->most = n;
        engine_log_durable(engine, n);
    }
    engine_batch_deinit(&batch);
    return status;
}

/* After it, all batches up to n are promised. */
static enum status flush(const struct run *run, struct engine *engine, uint32_t n, struct promise *promise) {
    if (run->wal == ENGINE_WAL_OFF) engine_log_durable(engine, promise->most = n);
    enum status status = engine_flush(engine);
    if (status == STATUS_OK) promise->durable = n;
    return status;
}

/* A few more batches on what was recovered; the power goes somewhere among them. */
static void go_on_and_cut(struct cut_case *cut, uint32_t n) {
    cut->promise = (struct promise){.durable = n, .most = n};
    sim_disk_cut_at(cut->machine.disk, prng_between(&cut->prng, 1, 60), draw_cut(&cut->prng));
    for (uint64_t left = 5; left > 0 && n < BATCHES && sim_disk_is_powered(cut->machine.disk); left--) {
        bool sync = prng_chance(&cut->prng, 1, 2);
        enum status status = write_batch(cut->run, &cut->machine, ++n, sync, &cut->promise);
        if (status == STATUS_OK && prng_chance(&cut->prng, 1, 4)) {
            status = flush(cut->run, cut->machine.engine, n, &cut->promise);
        }
        if (status != STATUS_OK) break;
        io_run(cut->machine.io, io_now_ns(cut->machine.io) + MS);
    }
    if (sim_disk_is_powered(cut->machine.disk)) sim_disk_cut(cut->machine.disk, draw_cut(&cut->prng));
    machine_stop(&cut->machine);
    totals.cuts++;
}

static void run_case(const struct run *run, struct sim_disk *disk) {
    struct cut_case cut = {.run = run, .number = run->ios, .promise = run->promise};
    prng_init(&cut.prng, hash_mix(run->seed, run->ios));
    cut.machine.sim = sim_create(prng_next(&cut.prng));
    cut.machine.disk = sim_disk_clone(disk, prng_next(&cut.prng));
    sim_disk_cut(cut.machine.disk, draw_cut(&cut.prng));
    totals.cuts++;
    recover(&cut);
    uint32_t n = examine(&cut);
    examine_checkpoints(&cut);
    go_on_and_cut(&cut, n);
    recover(&cut);
    (void)examine(&cut);
    machine_stop(&cut.machine);
    sim_disk_destroy(cut.machine.disk);
    sim_destroy(cut.machine.sim);
}

static void before_io(void *context, struct sim_disk *disk, enum sim_disk_call call, const char *path) {
    struct run *run = context;
    (void)call;
    (void)path;
    run->ios++;
    if (run->only_cut != 0 && run->only_cut != run->ios) return;
    run_case(run, disk);
}

/* ---- One run of the original ------------------------------------------------------------------------------------- */

static void boot_original(struct run *run, struct machine *machine) {
    struct error error = {0};
    if (machine_boot(machine, run, dir, &error) != STATUS_OK)
        fail_msg("seed %llu: %s", (unsigned long long)run->seed, error.text);
}

static void collect(struct engine *engine) {
    struct engine_stats stats;
    engine_get_stats(engine, &stats);
    totals.flushes += stats.flushes;
    totals.compactions += stats.compactions;
    totals.moves += stats.trivial_moves;
    totals.ingested += stats.ingested_files;
}

static void make_checkpoint(struct run *run, struct machine *machine) {
    struct engine_mark mark;
    struct error error = {0};
    if (run->checkpoint_count == CHECKPOINTS_MAX) return;
    struct checkpoint *checkpoint = &run->checkpoints[run->checkpoint_count];
    snprintf(checkpoint->path, sizeof checkpoint->path, "/checkpoint%zu", run->checkpoint_count);
    if (flush(run, machine->engine, run->issued, &run->promise) != STATUS_OK ||
        engine_checkpoint(machine->engine, checkpoint->path, &mark, &error) != STATUS_OK) {
        fail_msg("seed %llu: checkpoint: %s", (unsigned long long)run->seed, error.text);
    }
    if (run->wal == ENGINE_WAL_OFF) assert_int_equal(mark.index, run->issued);
    checkpoint->holds = run->issued;
    run->checkpoint_count++;
}

/* Without a log of its own the engine forgets what no flush has installed: its owner writes it anew. */
static void reopen(struct run *run, struct machine *machine) {
    collect(machine->engine);
    machine_stop(machine);
    boot_original(run, machine);
    assert_int_equal(workload_recovered(machine->engine, &run->issued), STATUS_OK);
    if (run->issued < run->promise.durable) fail_msg("seed %llu: reopened with less", (unsigned long long)run->seed);
}

/* What happens between two batches. */
static void interlude(struct run *run, struct machine *machine, struct prng *prng) {
    enum status status = STATUS_OK;
    uint64_t draw = prng_below(prng, 40);
    if (draw < 3) {
        status = flush(run, machine->engine, run->issued, &run->promise);
    } else if (draw == 3) {
        status = engine_compact(machine->engine);
    } else if (draw == 4) {
        make_checkpoint(run, machine);
    } else if (draw == 5) {
        reopen(run, machine);
    }
    if (status != STATUS_OK)
        fail_msg("seed %llu: between batches: %s", (unsigned long long)run->seed, status_text(status));
    io_run(machine->io, io_now_ns(machine->io) + prng_below(prng, MS));
}

static void live(struct run *run, struct machine *machine, struct prng *prng) {
    boot_original(run, machine);
    while (run->issued < BATCHES) {
        bool sync = prng_chance(prng, 1, 2);
        enum status status = write_batch(run, machine, ++run->issued, sync, &run->promise);
        if (status != STATUS_OK) {
            fail_msg("seed %llu, batch %u: %s", (unsigned long long)run->seed, run->issued, status_text(status));
        }
        interlude(run, machine, prng);
    }
    collect(machine->engine);
    machine_stop(machine);
}

static void run_seed(uint64_t seed, uint64_t only_cut) {
    struct prng prng;
    struct workload *workload = workload_create(seed, BATCHES, 30);
    struct run run = {.seed = seed, .only_cut = only_cut, .workload = workload};
    struct machine machine = {.sim = sim_create(seed), .disk = sim_disk_create(seed)};
    run.wal = seed % 3 == 0 ? ENGINE_WAL_OFF : ENGINE_WAL_OWN;
    prng_init(&prng, hash_mix(seed, 0x637574));
    sim_disk_set_watch(machine.disk, before_io, &run);
    live(&run, &machine, &prng);
    sim_disk_destroy(machine.disk);
    sim_destroy(machine.sim);
    workload_destroy(workload);
    totals.runs++;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void every_cut_leaves_a_prefix_with_all_that_was_promised(void **state) {
    (void)state;
    uint64_t seed = test_seed(1);
    uint64_t only_cut = test_number("LOAM_TEST_CUT", 0);
    uint64_t wanted = test_scaled(CUTS);
    do {
        run_seed(seed++, only_cut);
    } while (only_cut == 0 && (totals.cuts < wanted || totals.runs < test_scaled(RUNS)));
    print_message(
        "%llu power cuts in %llu runs; %llu in recovery; batches: %llu rightly lost, %llu kept without a promise; "
        "%llu checkpoints read; %llu flushes, %llu compactions, %llu moves, %llu ingests\n",
        (unsigned long long)totals.cuts, (unsigned long long)totals.runs, (unsigned long long)totals.recoveries_cut,
        (unsigned long long)totals.lost_batches, (unsigned long long)totals.kept_unsynced,
        (unsigned long long)totals.checkpoints_read, (unsigned long long)totals.flushes,
        (unsigned long long)totals.compactions, (unsigned long long)totals.moves, (unsigned long long)totals.ingested);
}

/* A suite that never met the hard cases proves nothing. */
static void rare_cases_were_met(void **state) {
    (void)state;
    if (test_number("LOAM_TEST_CUT", 0) != 0 || totals.cuts < CUTS) skip();
    assert_true(totals.recoveries_cut > CUTS / 20);
    assert_true(totals.lost_batches > 100);
    assert_true(totals.kept_unsynced > 100);
    assert_true(totals.checkpoints_read > 100);
    assert_true(totals.flushes > 20);
    assert_true(totals.compactions > 20);
    assert_true(totals.ingested > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_leaves_a_prefix_with_all_that_was_promised),
        cmocka_unit_test(rare_cases_were_met),
    };
    return cmocka_run_group_tests_name("engine power cuts", tests, NULL, NULL);
}
