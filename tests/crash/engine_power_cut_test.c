/*
 * Power cuts at every I/O of an engine's life. One run of a seeded workload under drawn options; before each of its
 * I/Os (of some of them, at ordinary volume) the disk is cloned, the clone's power is cut, and an engine opened on what
 * is left:
 *  - what it holds is exactly the model after some batch n: no part of a batch, no reordering, no value of another
 * time;
 *  - n is at least the last batch that was acknowledged as durable, at most the last that was handed in; without a log
 * of its own at least what a flush installed, at most what the owner's log was said to hold;
 *  - verify finds nothing;
 *  - the format level is the store's, or the one of an upgrade that was asked for, and that one once it was said to be
 * done;
 *  - finished checkpoints hold exactly what they held when they were made;
 *  - in the moment of the I/O itself, readers in memory see no batch that is still being committed.
 * Some recoveries are cut, too, and each recovered store goes on and is cut again.
 *
 * In a third of the cases (where something was unsynced) an unsynced write also went astray: it stands over stored
 * sectors of another place. Then the store may refuse to open, or fail a read, in words; but what it does answer must
 * be true, what a read meets verify must find, and acknowledged batches are not missing in silence.
 *
 * Replay one case: LOAM_TEST_SEED=seed LOAM_TEST_CUT=number build/tests/crash/engine_power_cut_test
 */
#include <inttypes.h>
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
    POINTS = 10000,
    RUNS = 12, /* at least, to see different lives */
    BATCHES_MAX = 150,
    CHECKPOINTS_MAX = 4,
    RECOVERY_CUTS_MAX = 2,
    STRIDE = 3, /* at ordinary volume one I/O of so many is cut */
    MS = 1000000,
};

static const char dir[] = "/store";

/* What may and what must be there after a cut. */
struct promise {
    uint32_t durable;            /* acknowledged with sync, or covered by a flush that was said to be installed */
    uint32_t most;               /* handed in; without a log of its own: said to be durable in the owner's */
    unsigned level_asked, level; /* formats: what was asked for, and what the engine said is done */
};

struct checkpoint {
    char path[32];
    uint32_t holds;
};

/* ---- One machine ------------------------------------------------------------------------------------------------- */

struct machine {
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine *engine;
};

struct run {
    uint64_t seed;
    uint64_t only_cut; /* 0 = every one */
    const struct workload *workload;
    struct workload_options drawn;
    uint32_t batches;
    unsigned sync_percent;
    unsigned interludes; /* a pause between two batches is one of so many */
    struct machine machine;
    struct promise promise;
    uint32_t issued;    /* handed in */
    bool is_committing; /* batch `issued` is being written */
    struct checkpoint checkpoints[CHECKPOINTS_MAX];
    size_t checkpoint_count;
    uint64_t ios;
};

/* Over all runs. */
static struct totals {
    uint64_t runs;
    uint64_t points;
    uint64_t recoveries_cut;
    uint64_t lost_batches;  /* handed in, not kept: rightly so */
    uint64_t kept_unsynced; /* kept without a promise */
    uint64_t checkpoints_read;
    uint64_t peeks;
    uint64_t strays, strays_refused, strays_met, strays_harmless;
    uint64_t strays_shorter; /* zeros over the last of a log or manifest: as if never written */
    uint64_t flushes, compactions, moves, ingested, upgrades;
} totals;

static bool has_own_log(const struct run *run) {
    return run->drawn.options.wal == ENGINE_WAL_OWN;
}

static enum status machine_boot(struct machine *machine, const struct run *run, const char *path, struct error *error) {
    const struct sim_io_options io_options = {.compaction_workers = 1 + (unsigned)(run->seed % 2)};
    machine->io = sim_io_create(machine->sim, machine->disk, &io_options);
    machine->engine = NULL;
    return engine_open(machine->io, path, &run->drawn.options, &machine->engine, error);
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
    struct sim_stray stray; /* size 0 = none */
};

static void explain(const struct cut_case *cut, const char *what, const char *text) {
    const struct sim_stray *stray = &cut->stray;
    if (stray->size > 0)
        print_message("%zu bytes meant for %s:%" PRIu64 " stand at %s:%" PRIu64 "\n", stray->size, stray->from,
                      stray->from_offset, stray->path, stray->offset);
    fail_msg("%s: %s\n  seed %" PRIu64 ", cut %" PRIu64 "; replay: LOAM_TEST_SEED=%" PRIu64 " LOAM_TEST_CUT=%" PRIu64
             " build/tests/crash/engine_power_cut_test",
             what, text, cut->run->seed, cut->number, cut->run->seed, cut->number);
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
            if (status != STATUS_OK) explain(cut, "does not open", error.text);
            return;
        }
        totals.points++;
        totals.recoveries_cut++;
        machine_stop(&cut->machine);
    }
}

static unsigned level_of(const struct engine *engine) {
    struct engine_options options;
    engine_get_options(engine, &options);
    return options.format_level;
}

static void visit_finding(void *context, const struct engine_finding *finding) {
    const struct cut_case *cut = context;
    print_message("cut %" PRIu64 ": %s: %s\n", cut->number, finding->file, finding->text);
}

/* Compares, and returns how many batches are there. */
static uint32_t examine(struct cut_case *cut) {
    struct error error = {0};
    uint32_t n = 0;
    enum status status = workload_recovered(cut->machine.engine, &n);
    if (status != STATUS_OK) explain(cut, "the marker", status_text(status));
    if (n < cut->promise.durable || n > cut->promise.most) {
        (void)error_set(&error, STATUS_CORRUPT, "%u batches are there, %u were durable, %u handed in", n,
                        cut->promise.durable, cut->promise.most);
        explain(cut, "a promise was broken", error.text);
    }
    if (workload_compare(cut->run->workload, cut->machine.engine, n, &error) != STATUS_OK)
        explain(cut, "the content differs", error.text);
    if (engine_verify(cut->machine.engine, visit_finding, cut) != STATUS_OK) explain(cut, "verify", "see above");
    const unsigned level = level_of(cut->machine.engine);
    if (level < cut->promise.level || level > cut->promise.level_asked)
        explain(cut, "the format level", level < cut->promise.level ? "an upgrade is lost" : "nobody asked for it");
    cut->promise.level = level; /* it stays */
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
            print_message("%s\n", run->checkpoints[i].path);
            explain(cut, "a checkpoint", error.text);
        }
        machine_stop(&machine);
        totals.checkpoints_read++;
    }
}

/* An owner does not wait: the flush that makes room may wait for its own log, which becomes durable by and by. */
static enum status write_as_owner(const struct run *run, const struct machine *machine, uint32_t n,
                                  struct engine_batch *batch, struct promise *promise) {
    const struct engine_write_options hurried = {.no_wait = true}, patient = {.no_wait = false};
    bool durable;
    enum status status =
        workload_write(run->workload, machine->io, machine->engine, n, true, batch, &hurried, &durable);
    if (status != STATUS_BUSY) return status;
    if (promise->most < n - 1) engine_log_durable(machine->engine, promise->most = n - 1);
    engine_batch_clear(batch);
    return workload_write(run->workload, machine->io, machine->engine, n, true, batch, &patient, &durable);
}

/* Batch n, and what may be believed once it is written. sync: durable when it returns; or, without a log of its own,
 * the owner's log is. */
static enum status write_batch(const struct run *run, const struct machine *machine, uint32_t n, bool sync,
                               struct promise *promise) {
    const struct engine_write_options options = {.sync = sync};
    struct engine_batch batch;
    bool durable = false;
    enum status status;
    engine_batch_init(&batch);
    if (has_own_log(run)) {
        promise->most = n;
        status = workload_write(run->workload, machine->io, machine->engine, n, false, &batch, &options, &durable);
        if (status == STATUS_OK && (sync || durable)) promise->durable = n;
    } else {
        status = write_as_owner(run, machine, n, &batch, promise);
        if (status == STATUS_OK && sync) engine_log_durable(machine->engine, promise->most = n);
    }
    engine_batch_deinit(&batch);
    return status;
}

/* After it, all batches up to n are promised. */
static enum status flush(const struct run *run, struct engine *engine, uint32_t n, struct promise *promise) {
    if (!has_own_log(run)) engine_log_durable(engine, promise->most = n);
    enum status status = engine_flush(engine);
    if (status == STATUS_OK) promise->durable = n;
    return status;
}

static enum status upgrade(struct engine *engine, struct promise *promise) {
    promise->level_asked = ENGINE_FORMAT_LEVEL_LATEST;
    const enum status status = engine_upgrade(engine, 0, NULL);
    if (status == STATUS_OK) promise->level = promise->level_asked;
    return status;
}

/* A few more batches on what was recovered; the power goes somewhere among them. */
static void go_on_and_cut(struct cut_case *cut, uint32_t n) {
    cut->promise.durable = cut->promise.most = n;
    sim_disk_cut_at(cut->machine.disk, prng_between(&cut->prng, 1, 60), draw_cut(&cut->prng));
    for (uint64_t left = 5; left > 0 && n < cut->run->batches && sim_disk_is_powered(cut->machine.disk); left--) {
        bool sync = prng_chance(&cut->prng, 1, 2);
        enum status status = write_batch(cut->run, &cut->machine, ++n, sync, &cut->promise);
        if (status == STATUS_OK && prng_chance(&cut->prng, 1, 4))
            status = flush(cut->run, cut->machine.engine, n, &cut->promise);
        if (status == STATUS_OK && prng_chance(&cut->prng, 1, 10)) status = engine_compact(cut->machine.engine);
        if (status == STATUS_OK && prng_chance(&cut->prng, 1, 10)) status = upgrade(cut->machine.engine, &cut->promise);
        if (status != STATUS_OK) break;
        io_run(cut->machine.io, io_now_ns(cut->machine.io) + MS);
    }
    if (sim_disk_is_powered(cut->machine.disk)) sim_disk_cut(cut->machine.disk, draw_cut(&cut->prng));
    machine_stop(&cut->machine);
    totals.points++;
}

/* ---- A write that went astray ------------------------------------------------------------------------------------ */

static bool is_damage(enum status status) {
    return status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_IO || status == STATUS_NOT_FOUND ||
           status == STATUS_VERSION || status == STATUS_MISMATCH || status == STATUS_READ_ONLY;
}

/* Noticed, or harmless; never an answer. */
static void examine_struck(struct cut_case *cut) {
    struct error error = {0};
    uint32_t n = 0;
    const enum status verdict = engine_verify(cut->machine.engine, NULL, NULL);
    enum status status = workload_recovered(cut->machine.engine, &n);
    if (status == STATUS_OK) status = workload_compare(cut->run->workload, cut->machine.engine, n, &error);
    if (status == STATUS_MISMATCH) explain(cut, "a stray write became an answer", error.text);
    if (status != STATUS_OK && !is_damage(status)) explain(cut, "a read", status_name(status));
    if (status != STATUS_OK && verdict == STATUS_OK)
        explain(cut, "verify missed what a read met", error.text[0] != '\0' ? error.text : status_name(status));
    if (status == STATUS_OK && n > cut->promise.most) explain(cut, "more than was handed in", "is there");
    if (status == STATUS_OK && n < cut->promise.durable && verdict == STATUS_OK && !cut->stray.zeros)
        explain(cut, "durable batches are missing after a stray write", "and nobody says so");
    totals.strays_shorter += status == STATUS_OK && n < cut->promise.durable;
    totals.strays_met += status != STATUS_OK || verdict != STATUS_OK;
    totals.strays_harmless += status == STATUS_OK && verdict == STATUS_OK && n >= cut->promise.durable;
}

static void run_struck(struct cut_case *cut) {
    struct error error = {0};
    totals.strays++;
    sim_disk_power_on(cut->machine.disk);
    const enum status status = machine_boot(&cut->machine, cut->run, dir, &error);
    if (status == STATUS_OK) {
        examine_struck(cut);
    } else {
        if (!is_damage(status) || error.text[0] == '\0') explain(cut, "refused without words", status_name(status));
        totals.strays_refused++;
    }
    machine_stop(&cut->machine);
}

/* ---- At an I/O of the original ----------------------------------------------------------------------------------- */

static void run_case(const struct run *run, struct sim_disk *disk) {
    struct cut_case cut = {.run = run, .number = run->ios, .promise = run->promise};
    prng_init(&cut.prng, hash_mix(run->seed, run->ios));
    cut.machine.sim = sim_create(prng_next(&cut.prng));
    cut.machine.disk = sim_disk_clone(disk, prng_next(&cut.prng));
    const bool astray = prng_chance(&cut.prng, 1, 3) && sim_disk_misdirect(cut.machine.disk, &cut.stray);
    sim_disk_cut(cut.machine.disk, draw_cut(&cut.prng));
    totals.points++;
    if (astray) {
        run_struck(&cut);
    } else {
        recover(&cut);
        uint32_t n = examine(&cut);
        examine_checkpoints(&cut);
        go_on_and_cut(&cut, n);
        recover(&cut);
        (void)examine(&cut);
        machine_stop(&cut.machine);
    }
    sim_disk_destroy(cut.machine.disk);
    sim_destroy(cut.machine.sim);
}

/* A reader comes while a batch is being committed: it must not see it yet. */
static void peek(const struct run *run) {
    uint32_t n = 0;
    const enum status status = workload_recovered_try(run->machine.engine, &n);
    if (status == STATUS_WOULD_BLOCK) return;
    if (status != STATUS_OK || n != run->issued - 1)
        fail_msg("seed %" PRIu64 ", I/O %" PRIu64 ": while batch %u is committed a reader sees %u (%s)", run->seed,
                 run->ios, run->issued, n, status_name(status));
    totals.peeks++;
}

static void before_io(void *context, struct sim_disk *disk, enum sim_disk_call call, const char *path) {
    struct run *run = context;
    (void)call;
    (void)path;
    run->ios++;
    if (run->is_committing) peek(run);
    if (run->only_cut != 0 ? run->only_cut != run->ios
                           : test_scaled(100) <= 100 && hash_mix(run->seed, run->ios) % STRIDE != 0)
        return;
    run_case(run, disk);
}

/* ---- One run of the original ------------------------------------------------------------------------------------- */

static void must(const struct run *run, enum status status, const char *what, const char *text) {
    if (status == STATUS_OK) return;
    fail_msg("seed %" PRIu64 ", batch %u: %s: %s: %s", run->seed, run->issued, what, status_name(status), text);
}

static void boot_original(struct run *run) {
    struct error error = {0};
    must(run, machine_boot(&run->machine, run, dir, &error), "open", error.text);
}

static void collect(struct run *run) {
    struct engine_stats stats;
    engine_get_stats(run->machine.engine, &stats);
    totals.flushes += stats.flushes;
    totals.compactions += stats.compactions;
    totals.moves += stats.trivial_moves;
    totals.ingested += stats.ingested_files;
}

static void make_checkpoint(struct run *run) {
    struct engine_mark mark;
    struct error error = {0};
    if (run->checkpoint_count == CHECKPOINTS_MAX) return;
    struct checkpoint *checkpoint = &run->checkpoints[run->checkpoint_count];
    snprintf(checkpoint->path, sizeof checkpoint->path, "/checkpoint%zu", run->checkpoint_count);
    must(run, flush(run, run->machine.engine, run->issued, &run->promise), "flush", "before a checkpoint");
    must(run, engine_checkpoint(run->machine.engine, checkpoint->path, &mark, &error), "checkpoint", error.text);
    if (!has_own_log(run)) assert_int_equal(mark.index, run->issued);
    checkpoint->holds = run->issued;
    run->checkpoint_count++;
}

/* Without a log of its own the engine forgets what no flush has installed: its owner writes it anew. */
static void reopen(struct run *run) {
    collect(run);
    machine_stop(&run->machine);
    boot_original(run);
    must(run, workload_recovered(run->machine.engine, &run->issued), "the marker", "after a reopening");
    if (run->issued < run->promise.durable) fail_msg("seed %" PRIu64 ": reopened with less", run->seed);
}

/* What happens between two batches. */
static void interlude(struct run *run, struct prng *prng) {
    switch (prng_below(prng, run->interludes)) {
    case 0:
    case 1:
    case 2: must(run, flush(run, run->machine.engine, run->issued, &run->promise), "flush", ""); break;
    case 3: must(run, engine_compact(run->machine.engine), "compact", ""); break;
    case 4: make_checkpoint(run); break;
    case 5: reopen(run); break;
    case 6:
        totals.upgrades += run->promise.level < ENGINE_FORMAT_LEVEL_LATEST;
        must(run, upgrade(run->machine.engine, &run->promise), "upgrade", "");
        break;
    default: break;
    }
    io_run(run->machine.io, io_now_ns(run->machine.io) + prng_below(prng, MS));
}

static void live(struct run *run, struct prng *prng) {
    boot_original(run);
    while (run->issued < run->batches) {
        bool sync = prng_chance(prng, run->sync_percent, 100);
        run->issued++;
        run->is_committing = true;
        enum status status = write_batch(run, &run->machine, run->issued, sync, &run->promise);
        run->is_committing = false;
        must(run, status, "write", "");
        interlude(run, prng);
    }
    collect(run);
    machine_stop(&run->machine);
}

static void run_seed(uint64_t seed, uint64_t only_cut) {
    struct prng prng;
    struct run run = {.seed = seed, .only_cut = only_cut};
    prng_init(&prng, hash_mix(seed, 0x637574));
    run.batches = (uint32_t)prng_between(&prng, 30, BATCHES_MAX);
    run.sync_percent = (unsigned)prng_below(&prng, 101);
    run.interludes = (unsigned)prng_between(&prng, 12, 60);
    workload_draw_options(&prng, &run.drawn);
    if (!has_own_log(&run)) { /* flushes then wait for the owner's log */
        run.sync_percent /= 4;
        run.drawn.options.memtable_bytes = 4 << 10;
    }
    run.promise.level = run.promise.level_asked = run.drawn.options.format_level;
    struct workload *workload = workload_create(seed, run.batches, (unsigned)prng_below(&prng, 50));
    run.workload = workload;
    run.machine = (struct machine){.sim = sim_create(seed), .disk = sim_disk_create(seed)};
    sim_disk_set_watch(run.machine.disk, before_io, &run);
    live(&run, &prng);
    sim_disk_destroy(run.machine.disk);
    sim_destroy(run.machine.sim);
    workload_destroy(workload);
    totals.runs++;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void every_cut_leaves_a_prefix_with_all_that_was_promised(void **state) {
    (void)state;
    uint64_t seed = test_seed(1);
    uint64_t only_cut = test_number("LOAM_TEST_CUT", 0);
    uint64_t wanted = test_scaled(POINTS);
    do {
        run_seed(seed++, only_cut);
    } while (only_cut == 0 && (totals.points < wanted || totals.runs < test_scaled(RUNS)));
    print_message("%" PRIu64 " points in %" PRIu64 " runs; %" PRIu64 " in recovery; batches: %" PRIu64
                  " rightly lost, %" PRIu64 " kept without a promise; %" PRIu64 " checkpoints read, %" PRIu64
                  " readers beside a commit; %" PRIu64 " flushes, %" PRIu64 " compactions, %" PRIu64 " moves, %" PRIu64
                  " ingests, %" PRIu64 " upgrades\n",
                  totals.points, totals.runs, totals.recoveries_cut, totals.lost_batches, totals.kept_unsynced,
                  totals.checkpoints_read, totals.peeks, totals.flushes, totals.compactions, totals.moves,
                  totals.ingested, totals.upgrades);
    print_message("%" PRIu64 " writes astray: %" PRIu64 " refused at open, %" PRIu64
                  " met by a read or by verify, %" PRIu64 " harmless, %" PRIu64 " of zeros over the last of a log\n",
                  totals.strays, totals.strays_refused, totals.strays_met, totals.strays_harmless,
                  totals.strays_shorter);
}

/* A suite that never met the hard cases proves nothing. */
static void rare_cases_were_met(void **state) {
    (void)state;
    if (test_number("LOAM_TEST_CUT", 0) != 0 || totals.points < POINTS) skip();
    assert_true(totals.recoveries_cut > POINTS / 20);
    assert_true(totals.lost_batches > 100);
    assert_true(totals.kept_unsynced > 100);
    assert_true(totals.checkpoints_read > 100);
    assert_true(totals.flushes > 20);
    assert_true(totals.compactions > 20);
    assert_true(totals.moves > 0);
    assert_true(totals.ingested > 20);
    assert_true(totals.upgrades > 0);
    assert_true(totals.peeks > 100);
    assert_true(totals.strays_refused > 20 && totals.strays_met > 20 && totals.strays_harmless > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_leaves_a_prefix_with_all_that_was_promised),
        cmocka_unit_test(rare_cases_were_met),
    };
    return cmocka_run_group_tests_name("engine power cuts", tests, NULL, NULL);
}
