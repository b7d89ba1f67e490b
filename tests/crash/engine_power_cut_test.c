/*
 * Power cuts at every I/O of an engine's life: one run of a seeded workload under drawn options, with flushes,
 * compactions, checkpoints, backups, an upgrade, snapshots, scans over deletes, and reopenings under other policies
 * between its batches. Before each of its I/Os (of some of them, at ordinary volume) a clone of the disk is cut,
 * recovered and examined: engine_cut.h says what must hold. And in the moment of the I/O itself, readers in memory see
 * no batch that is still being committed.
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
#include "engine/care.h"
#include "tests/harness/engine_cut.h"
#include "tests/harness/engine_moments.h"
#include "tests/harness/test_env.h"

enum {
    POINTS = 5000,
    LARGE = 50000, /* every moment was met */
    RUNS = 12,     /* at least, to see different lives */
    BATCHES_MAX = 150,
    STRIDE = 14,      /* one I/O of so many is cut; */
    STRIDE_LARGE = 3, /* at large volume, */
    EVERY_LIFE = 4,   /* and every one in a life of so many */
    MOVES_EVERY = 4,  /* lives; an even number */
    MS = 1000000,
};

struct run {
    struct life life;
    struct machine machine;
    struct moments moments;
    uint64_t only_cut; /* 0 = every one */
    unsigned stride;
    unsigned sync_percent;
    unsigned interludes; /* a pause between two batches is one of so many */
    bool is_committing;  /* batch `issued` is being written */
    struct engine_snapshot *snapshot;
    uint32_t snapshot_sees;
    uint64_t ios;
};

/* Over all runs. */
static struct cut_totals totals;
static uint64_t points_at[MOMENT_COUNT];
static struct {
    uint64_t runs, peeks, snapshots_read;
    uint64_t flushes, compactions, moves, ingested, dictionaries;
} lives;

/* ---- At an I/O --------------------------------------------------------------------------------------------------- */

/* A reader comes while a batch is being committed: it must not see it yet. */
static void peek(const struct run *run) {
    uint32_t n = 0;
    const enum status status = workload_recovered_try(run->machine.engine, &n);
    if (status == STATUS_WOULD_BLOCK) return;
    if (status != STATUS_OK || n != run->life.issued - 1)
        fail_msg("seed %" PRIu64 ", I/O %" PRIu64 ": while batch %u is committed a reader sees %u (%s)", run->life.seed,
                 run->ios, run->life.issued, n, status_name(status));
    lives.peeks++;
}

/* What few I/Os are part of: each of these is a point. */
static bool is_rare(uint32_t at) {
    static const enum moment rare[] = {MOMENT_SCANS, MOMENT_RANGES, MOMENT_FIFO, MOMENT_CAPPED, MOMENT_UPGRADE};
    for (size_t i = 0; i < sizeof rare / sizeof rare[0]; i++)
        if (at >> rare[i] & 1) return true;
    return false;
}

static void before_io(void *context, struct sim_disk *disk, enum sim_disk_call call, const char *path) {
    struct run *run = context;
    const uint32_t at = moments_at(&run->moments, call, path);
    run->ios++;
    if (run->is_committing) peek(run);
    const bool is_drawn = hash_mix(run->life.seed, run->ios) % run->stride == 0 || is_rare(at);
    if (run->only_cut != 0 ? run->only_cut != run->ios : !is_drawn) return;
    for (unsigned i = 0; i < MOMENT_COUNT; i++) points_at[i] += at >> i & 1;
    cut_run(&run->life, disk, run->ios, &totals);
}

/* ---- One run of the original ------------------------------------------------------------------------------------- */

static void must(const struct run *run, enum status status, const char *what, const char *text) {
    if (status == STATUS_OK) return;
    fail_msg("seed %" PRIu64 ", batch %u: %s: %s: %s", run->life.seed, run->life.issued, what, status_name(status),
             text);
}

static void boot(struct run *run, bool policies_changed) {
    struct error error = {0};
    struct engine_options options = run->life.drawn.options;
    options.on_event = moments_event;
    options.event_context = &run->moments;
    moments_open(&run->moments, policies_changed);
    must(run, machine_boot_with(&run->machine, &run->life, LIFE_DIR, &options, &error), "open", error.text);
    run->moments.is_opening = false;
}

static void collect(const struct run *run) {
    struct engine_stats stats;
    engine_get_stats(run->machine.engine, &stats);
    lives.flushes += stats.flushes;
    lives.compactions += stats.compactions;
    lives.moves += stats.trivial_moves;
    lives.ingested += stats.ingested_files;
    lives.dictionaries += stats.dictionaries;
}

static void flush(struct run *run, const char *what) {
    must(run, life_flush(&run->life, run->machine.engine, run->life.issued, &run->life.promise), "flush", what);
}

static void make_checkpoint(struct run *run) {
    struct life *life = &run->life;
    struct engine_mark mark;
    struct error error = {0};
    if (life->checkpoint_count == LIFE_KEPT_MAX) return;
    struct checkpoint *checkpoint = &life->checkpoints[life->checkpoint_count];
    snprintf(checkpoint->path, sizeof checkpoint->path, "/checkpoint%zu", life->checkpoint_count);
    flush(run, "before a checkpoint");
    run->moments.activity = MOMENT_CHECKPOINT;
    must(run, engine_checkpoint(run->machine.engine, checkpoint->path, &mark, &error), "checkpoint", error.text);
    run->moments.activity = 0;
    if (!life_has_own_log(life)) assert_int_equal(mark.index, life->issued);
    checkpoint->holds = life->issued;
    life->checkpoint_count++;
}

static void make_backup(struct run *run) {
    const struct backup_options options = {.keep = 2};
    struct life *life = &run->life;
    struct backup_report report;
    struct error error = {0};
    if (life->backups_begun == LIFE_KEPT_MAX) return;
    flush(run, "before a backup");
    life->backups[++life->backups_begun] = life->issued;
    run->moments.activity = MOMENT_BACKUP;
    must(run, engine_backup(run->machine.engine, LIFE_BACKUPS, &options, &report, &error), "backup", error.text);
    run->moments.activity = 0;
    assert_int_equal(report.number, life->backups_begun);
    life->backups_made++;
}

static void upgrade(struct run *run) {
    run->moments.activity = MOMENT_UPGRADE;
    must(run, life_upgrade(run->machine.engine, &run->life.promise), "upgrade", "");
    run->moments.activity = 0;
}

/* Compares what the snapshot sees, and lets it go. */
static void release_snapshot(struct run *run) {
    struct error error = {0};
    if (run->snapshot == NULL) return;
    must(run,
         model_compare_engine(workload_state(run->life.workload, run->snapshot_sees), run->snapshot_sees,
                              run->machine.engine, run->snapshot, &error),
         "a snapshot", error.text);
    engine_snapshot_release(run->machine.engine, run->snapshot);
    run->snapshot = NULL;
    run->moments.snapshots = 0;
    lives.snapshots_read++;
}

static void turn_snapshot(struct run *run) {
    if (run->snapshot != NULL) {
        release_snapshot(run);
        return;
    }
    run->snapshot = engine_snapshot_acquire(run->machine.engine);
    assert_non_null(run->snapshot);
    run->snapshot_sees = run->life.issued;
    run->moments.snapshots = 1;
}

/* Over everything that was deleted, where a life has such a tree. */
static void scan(struct run *run) {
    const struct engine_iterator_options options = {.no_fill = true};
    struct engine_iterator *iterator;
    const struct model_state *state = workload_state(run->life.workload, run->life.issued);
    if (!state->has_bulk || state->bulk_seed != 0) return;
    /* What it asks for is a flush, which waits for the owner's log. */
    if (!life_has_own_log(&run->life))
        engine_log_durable(run->machine.engine, run->life.promise.most = run->life.issued);
    must(run, engine_iterator_open(run->machine.engine, MODEL_BULK_TREE, &options, &iterator), "scan", "");
    engine_iterator_seek_first(iterator);
    must(run, engine_iterator_status(iterator), "scan", "");
    assert_false(engine_iterator_valid(iterator));
    engine_iterator_close(iterator);
}

/* The keys of these lives move upwards (engine_workload.c): files that overlap with nothing below move down as they
 * are, where levels are small, nothing is kept as bytes of another codec, and a reopening leaves the policy. */
static bool lives_by_moves(const struct life *life) {
    return life->seed % MOVES_EVERY == 1;
}

/* What a life is for hangs on its policies. */
static bool keeps_policies(const struct life *life) {
    return lives_by_moves(life) || workload_is_capped(life->seed) || workload_clears_bulk(life->seed);
}

/* Without a log of its own the engine forgets what no flush has installed: its owner writes it anew. */
static void reopen(struct run *run, struct prng *prng) {
    const bool others = prng_chance(prng, 1, 2) && !keeps_policies(&run->life);
    release_snapshot(run);
    collect(run);
    machine_stop(&run->machine);
    if (others) workload_draw_policies(prng, &run->life.drawn);
    boot(run, others);
    must(run, workload_recovered(run->machine.engine, &run->life.issued), "the marker", "after a reopening");
    if (run->life.issued < run->life.promise.durable) fail_msg("seed %" PRIu64 ": reopened with less", run->life.seed);
}

/* What happens between two batches. */
static void interlude(struct run *run, struct prng *prng) {
    switch (prng_below(prng, run->interludes)) {
    case 0:
    case 1:
    case 2: flush(run, ""); break;
    case 3: must(run, engine_compact(run->machine.engine), "compact", ""); break;
    case 4: make_checkpoint(run); break;
    case 5: reopen(run, prng); break;
    case 6: make_backup(run); break;
    case 7:
    case 8: turn_snapshot(run); break;
    case 9: upgrade(run); break;
    default: break;
    }
    io_run(run->machine.io, io_now_ns(run->machine.io) + prng_below(prng, MS));
}

static void write_next(struct run *run, bool sync) {
    struct life *life = &run->life;
    life->issued++;
    run->is_committing = true;
    if (life_has_own_log(life) && workload_ingests(life->workload, life->issued)) run->moments.activity = MOMENT_INGEST;
    if (life_has_own_log(life) && workload_transacts(life->workload, life->issued))
        run->moments.activity = MOMENT_TRANSACTION;
    const enum status status = life_write(life, &run->machine, life->issued, sync, &life->promise);
    run->moments.activity = 0;
    run->is_committing = false;
    must(run, status, "write", "");
}

/* The rows go down, so that the file with the range delete that comes next covers theirs. */
static void clear_bulk(struct run *run) {
    must(run, engine_compact(run->machine.engine), "compact", "");
    write_next(run, true);
    flush(run, "after a range delete");
}

static bool clears_bulk_next(const struct life *life) {
    if (!workload_clears_bulk(life->seed)) return false;
    return workload_state(life->workload, life->issued)->bulk_seed != 0 &&
           workload_state(life->workload, life->issued + 1)->bulk_seed == 0;
}

static void live(struct run *run, struct prng *prng) {
    boot(run, false);
    while (run->life.issued < run->life.batches) {
        if (clears_bulk_next(&run->life))
            clear_bulk(run);
        else
            write_next(run, prng_chance(prng, run->sync_percent, 100));
        if (run->snapshot == NULL) scan(run);
        interlude(run, prng);
    }
    release_snapshot(run);
    collect(run);
    machine_stop(&run->machine);
}

static void prepare_moves(struct life *life) {
    struct engine_options *options = &life->drawn.options;
    for (size_t i = 0; i < MODEL_KINDS; i++) {
        life->drawn.kinds[i].policy = ENGINE_POLICY_LEVELED;
        life->drawn.kinds[i].bottom = life->drawn.kinds[i].upper;
    }
    options->memtable_bytes = 4 << 10;
    options->file_bytes = 4 << 10;
    options->level_base_bytes = 8 << 10;
    options->level0_trigger = 1;
}

/* All deletes in one file, and nothing but a scan asks for their compaction. The rows are many and alike: their tables
 * get dictionaries. */
static void prepare_bulk(struct life *life) {
    struct engine_tree_kind *plain = &life->drawn.kinds[MODEL_PLAIN - 1];
    life->drawn.options.memtable_bytes = 256 << 10;
    life->drawn.options.level0_trigger = 12;
    life->drawn.options.block_bytes = 256;
    life->drawn.options.format_level = ENGINE_FORMAT_LEVEL_LATEST;
    plain->policy = ENGINE_POLICY_LAZY;
    plain->upper = plain->bottom = ENGINE_COMPRESSION_ZSTD;
    plain->dictionary_bytes = 256;
}

/* One file after the other passes the cap. */
static void prepare_drops(struct life *life) {
    life->drawn.kinds[MODEL_CAPPED - 1].policy = ENGINE_POLICY_FIFO;
    life->drawn.options.memtable_bytes = 4 << 10;
}

static void prepare_clears(struct life *life) {
    life->drawn.kinds[MODEL_PLAIN - 1].policy = ENGINE_POLICY_LEVELED;
    life->drawn.options.memtable_bytes = 8 << 10;
    life->drawn.options.file_bytes = 8 << 10;
    life->drawn.options.level0_trigger = 4;
}

static void draw_life(struct run *run, struct prng *prng) {
    struct life *life = &run->life;
    prng_init(prng, hash_mix(life->seed, 0x637574));
    const bool is_long = workload_is_capped(life->seed) || workload_clears_bulk(life->seed);
    life->batches = (uint32_t)prng_between(prng, is_long ? BATCHES_MAX - 30 : 30, BATCHES_MAX);
    run->sync_percent = (unsigned)prng_below(prng, 101);
    run->interludes = (unsigned)prng_between(prng, 14, 60);
    workload_draw_options(prng, &life->drawn);
    if (!life_has_own_log(life)) { /* flushes then wait for the owner's log */
        run->sync_percent /= 4;
        life->drawn.options.memtable_bytes = 4 << 10;
    }
    if (lives_by_moves(life)) prepare_moves(life);
    struct workload *workload = workload_create(life->seed, life->batches, (unsigned)prng_below(prng, 50));
    if (workload_clears_bulk(life->seed))
        prepare_clears(life);
    else if (workload_has_bulk(workload))
        prepare_bulk(life);
    if (workload_is_capped(life->seed)) prepare_drops(life);
    life->promise.level = life->promise.level_asked = life->drawn.options.format_level;
    life->workload = workload;
}

static void run_seed(uint64_t seed, uint64_t only_cut) {
    static struct run run; /* kinds point into it */
    struct prng prng;
    const bool is_large = test_scaled(100) > 100;
    run = (struct run){.life.seed = seed, .only_cut = only_cut, .stride = is_large ? STRIDE_LARGE : STRIDE};
    if (is_large && seed % EVERY_LIFE == 0) run.stride = 1;
    draw_life(&run, &prng);
    run.machine = (struct machine){.sim = sim_create(seed), .disk = sim_disk_create(seed)};
    sim_disk_set_watch(run.machine.disk, before_io, &run);
    live(&run, &prng);
    sim_disk_destroy(run.machine.disk);
    sim_destroy(run.machine.sim);
    workload_destroy((struct workload *)(uintptr_t)run.life.workload);
    lives.runs++;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void print_totals(void) {
    print_message("%" PRIu64 " points in %" PRIu64 " runs; %" PRIu64 " in recovery, %" PRIu64 " in repair; %" PRIu64
                  " pages torn; batches: %" PRIu64 " rightly lost, %" PRIu64 " kept without a promise\n",
                  totals.points, lives.runs, totals.recoveries_cut, totals.repairs_cut, totals.torn,
                  totals.lost_batches, totals.kept_unsynced);
    print_message("lives: %" PRIu64 " flushes, %" PRIu64 " compactions, %" PRIu64 " moves, %" PRIu64
                  " ingests, %" PRIu64 " dictionaries; read: %" PRIu64 " checkpoints, %" PRIu64 " backups, %" PRIu64
                  " snapshots, %" PRIu64 " times beside a commit\n",
                  lives.flushes, lives.compactions, lives.moves, lives.ingested, lives.dictionaries,
                  totals.checkpoints_read, totals.backups_read, lives.snapshots_read, lives.peeks);
    print_message("%" PRIu64 " writes astray: %" PRIu64 " refused at open, %" PRIu64
                  " met by a read or by verify, %" PRIu64 " harmless, %" PRIu64
                  " of zeros over the last of a log; %" PRIu64 " repaired (%" PRIu64
                  " with a log that does not fit), %" PRIu64 " with nothing to repair from\n",
                  totals.strays, totals.strays_refused, totals.strays_met, totals.strays_harmless,
                  totals.strays_shorter, totals.repairs, totals.guesses, totals.unrepairable);
    print_message("first cuts by what was under way:");
    for (unsigned i = 0; i < MOMENT_COUNT; i++)
        print_message("%s %s %" PRIu64, i ? "," : "", moment_name((enum moment)i), points_at[i]);
    print_message("\n");
}

static void every_cut_leaves_a_prefix_with_all_that_was_promised(void **state) {
    (void)state;
    uint64_t seed = test_seed(1);
    uint64_t only_cut = test_number("LOAM_TEST_CUT", 0);
    uint64_t wanted = test_scaled(POINTS);
    do {
        run_seed(seed++, only_cut);
    } while (only_cut == 0 && (totals.points < wanted || lives.runs < test_scaled(RUNS)));
    print_totals();
}

/* Cuts that a series of LARGE points has at least. */
static uint64_t least_at(enum moment moment) {
    if (moment == MOMENT_RANGES || moment == MOMENT_CAPPED) return 100; /* lives are made for them */
    return moment == MOMENT_FIFO ? 1 : 20;
}

/* A suite that never met the hard cases proves nothing. What it meets hangs on the lives as much as on the points: half
 * as many lives say nothing about a seed. */
static void rare_cases_were_met(void **state) {
    (void)state;
    if (test_number("LOAM_TEST_CUT", 0) != 0 || totals.points < POINTS || lives.runs < RUNS) skip();
    assert_true(totals.recoveries_cut > POINTS / 20);
    assert_true(totals.torn > POINTS / 20);
    assert_true(totals.lost_batches > 100);
    assert_true(totals.kept_unsynced > 100);
    assert_true(totals.checkpoints_read > 100 && totals.backups_read > 20 && lives.snapshots_read > 5);
    assert_true(lives.flushes > 20 && lives.compactions > 20);
    assert_true(lives.moves > 0 && lives.ingested > 20);
    assert_true(lives.peeks > 100);
    assert_true(lives.dictionaries > 0);
    assert_true(totals.strays_refused > 20 && totals.strays_met > 20 && totals.strays_harmless > 20);
    assert_true(totals.repairs > 20 && totals.repairs_cut > 20);
    for (unsigned i = 0; i < MOMENT_COUNT && totals.points >= LARGE; i++)
        if (points_at[i] < least_at((enum moment)i))
            fail_msg("only %" PRIu64 " cuts: %s", points_at[i], moment_name((enum moment)i));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_leaves_a_prefix_with_all_that_was_promised),
        cmocka_unit_test(rare_cases_were_met),
    };
    return cmocka_run_group_tests_name("engine power cuts", tests, NULL, NULL);
}
