/* engine_cut: see engine_cut.h. Each case draws from a seed of its own, so that one alone replays. */
#include "tests/harness/engine_cut.h"

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

enum { RECOVERY_CUTS_MAX = 2, MS = 1000000 };

struct cut_case {
    const struct life *life;
    struct cut_totals *totals;
    uint64_t number;
    struct prng prng;
    struct machine machine;
    struct promise promise;
    struct sim_stray stray; /* size 0 = none */
    struct buf plan;        /* of a repair, as it told it */
};

static void explain(const struct cut_case *cut, const char *what, const char *text) {
    const struct sim_stray *stray = &cut->stray;
    if (stray->size > 0)
        print_message("%zu bytes meant for %s:%" PRIu64 " stand at %s:%" PRIu64 "\n", stray->size, stray->from,
                      stray->from_offset, stray->path, stray->offset);
    if (cut->plan.size > 0) print_message("%.*s", (int)cut->plan.size, (const char *)cut->plan.data);
    fail_msg("%s: %s\n  seed %" PRIu64 ", cut %" PRIu64 "; replay: LOAM_TEST_SEED=%" PRIu64 " LOAM_TEST_CUT=%" PRIu64
             " build/tests/crash/engine_power_cut_test",
             what, text, cut->life->seed, cut->number, cut->life->seed, cut->number);
}

static enum sim_cut draw_cut(struct prng *prng) {
    uint64_t draw = prng_below(prng, 10);
    return draw < 2 ? SIM_CUT_NONE : draw < 4 ? SIM_CUT_ALL : SIM_CUT_RANDOM;
}

/* ---- Recovery ---------------------------------------------------------------------------------------------------- */

/* Boots until the engine is open; the power goes now and then while it recovers. */
static void recover(struct cut_case *cut) {
    struct error error = {0};
    for (unsigned left = RECOVERY_CUTS_MAX;; left--) {
        bool is_cut = left > 0 && prng_chance(&cut->prng, 1, 3);
        sim_disk_power_on(cut->machine.disk);
        if (is_cut) sim_disk_cut_at(cut->machine.disk, prng_between(&cut->prng, 1, 25), draw_cut(&cut->prng));
        enum status status = machine_boot(&cut->machine, cut->life, LIFE_DIR, &error);
        if (sim_disk_is_powered(cut->machine.disk)) {
            sim_disk_cut_at(cut->machine.disk, 0, SIM_CUT_NONE);
            if (status != STATUS_OK) explain(cut, "does not open", error.text);
            return;
        }
        cut->totals->points++;
        cut->totals->recoveries_cut++;
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
    if (workload_compare(cut->life->workload, cut->machine.engine, n, &error) != STATUS_OK)
        explain(cut, "the content differs", error.text);
    if (engine_verify(cut->machine.engine, visit_finding, cut) != STATUS_OK) explain(cut, "verify", "see above");
    const unsigned level = level_of(cut->machine.engine);
    if (level < cut->promise.level || level > cut->promise.level_asked)
        explain(cut, "the format level", level < cut->promise.level ? "an upgrade is lost" : "nobody asked for it");
    cut->promise.level = level; /* it stays */
    cut->totals->lost_batches += cut->promise.most - n;
    cut->totals->kept_unsynced += n - cut->promise.durable;
    return n;
}

/* ---- Copies ------------------------------------------------------------------------------------------------------ */

static void examine_copy(struct cut_case *cut, const char *path, uint32_t holds) {
    struct machine machine = {.sim = cut->machine.sim, .disk = cut->machine.disk};
    struct error error = {0};
    if (machine_boot(&machine, cut->life, path, &error) != STATUS_OK ||
        workload_compare(cut->life->workload, machine.engine, holds, &error) != STATUS_OK) {
        print_message("%s\n", path);
        explain(cut, "a checkpoint or backup", error.text);
    }
    machine_stop(&machine);
}

static void examine_checkpoints(struct cut_case *cut) {
    const struct life *life = cut->life;
    for (size_t i = 0; i < life->checkpoint_count; i++, cut->totals->checkpoints_read++)
        examine_copy(cut, life->checkpoints[i].path, life->checkpoints[i].holds);
}

static enum status note_number(void *context, uint64_t number) {
    *(uint64_t *)context = number;
    return STATUS_OK;
}

/* The newest one that is there: at least the last that was finished, at most the one that was being made. */
static void examine_backups(struct cut_case *cut) {
    static const char restored[] = "/restored";
    struct error error = {0};
    uint64_t newest = 0;
    if (cut->life->backups_begun == 0 || !prng_chance(&cut->prng, 1, 4)) return;
    const enum status status = engine_care_list_backups(cut->machine.io, LIFE_BACKUPS, note_number, &newest);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) explain(cut, "the backups", status_text(status));
    if (newest < cut->life->backups_made) explain(cut, "the backups", "a finished one is gone");
    if (newest > cut->life->backups_begun) explain(cut, "the backups", "one that nobody made");
    if (newest == 0) return;
    if (engine_care_restore(cut->machine.io, LIFE_BACKUPS, 0, restored, &error) != STATUS_OK)
        explain(cut, "restore", error.text);
    examine_copy(cut, restored, cut->life->backups[newest]);
    cut->totals->backups_read++;
}

/* ---- And on ------------------------------------------------------------------------------------------------------ */

/* A few more batches on what was recovered; the power goes somewhere among them. */
static void go_on_and_cut(struct cut_case *cut, uint32_t n) {
    cut->promise.durable = cut->promise.most = n;
    sim_disk_cut_at(cut->machine.disk, prng_between(&cut->prng, 1, 60), draw_cut(&cut->prng));
    for (uint64_t left = 5; left > 0 && n < cut->life->batches && sim_disk_is_powered(cut->machine.disk); left--) {
        bool sync = prng_chance(&cut->prng, 1, 2);
        enum status status = life_write(cut->life, &cut->machine, ++n, sync, &cut->promise);
        if (status == STATUS_OK && prng_chance(&cut->prng, 1, 4))
            status = life_flush(cut->life, cut->machine.engine, n, &cut->promise);
        if (status == STATUS_OK && prng_chance(&cut->prng, 1, 10)) status = engine_compact(cut->machine.engine);
        if (status == STATUS_OK && prng_chance(&cut->prng, 1, 10))
            status = life_upgrade(cut->machine.engine, &cut->promise);
        if (status != STATUS_OK) break;
        io_run(cut->machine.io, io_now_ns(cut->machine.io) + MS);
    }
    if (sim_disk_is_powered(cut->machine.disk)) sim_disk_cut(cut->machine.disk, draw_cut(&cut->prng));
    machine_stop(&cut->machine);
    cut->totals->points++;
}

static void run_plain(struct cut_case *cut) {
    recover(cut);
    const uint32_t n = examine(cut);
    examine_checkpoints(cut);
    examine_backups(cut);
    go_on_and_cut(cut, n);
    recover(cut);
    (void)examine(cut);
    machine_stop(&cut->machine);
}

/* ---- Repair ------------------------------------------------------------------------------------------------------ */

static void expect_written(struct cut_case *cut, uint32_t tree, enum model_kind kind) {
    const struct engine_iterator_options options = {.lower = slice_make(NULL, 0)};
    struct engine_iterator *iterator;
    if (engine_iterator_open(cut->machine.engine, tree, &options, &iterator) != STATUS_OK)
        explain(cut, "after a repair", "an iterator does not open");
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        const struct slice text = engine_iterator_key(iterator);
        const unsigned key = model_key_from(text);
        if (key == MODEL_KEYS || !slice_equal(model_key(key), text))
            explain(cut, "after a repair", "a key nobody wrote");
        const struct slice value = engine_iterator_value(iterator);
        if (engine_iterator_status(iterator) != STATUS_OK) break;
        if (!workload_was_written(cut->life->workload, kind, key, value))
            explain(cut, "after a repair", "a value nobody wrote");
    }
    if (engine_iterator_status(iterator) != STATUS_OK) explain(cut, "after a repair", "an iterator fails");
    engine_iterator_close(iterator);
}

/* No edit tells the number of a tree: what the log brings may go into another one (care.h). */
static bool has_guessed(const struct cut_case *cut) {
    static const char words[] = ": a guess: ";
    return cut->plan.size > 0 && memmem(cut->plan.data, cut->plan.size, words, sizeof words - 1) != NULL;
}

/* What is lost may uncover older versions; it is never anything else, and the store goes on. */
static void examine_mended(struct cut_case *cut) {
    struct error error = {0};
    const enum status status = machine_boot(&cut->machine, cut->life, LIFE_DIR, &error);
    if (status == STATUS_INVALID && strstr(error.text, "/wal") != NULL) { /* a limit of repair: care.h */
        cut->totals->guesses++;
        machine_stop(&cut->machine);
        return;
    }
    if (status != STATUS_OK) explain(cut, "does not open after its repair", error.text);
    if (engine_verify(cut->machine.engine, visit_finding, cut) != STATUS_OK)
        explain(cut, "verify after a repair", "see above");
    for (uint32_t tree = 1; tree <= MODEL_TREES && !has_guessed(cut); tree++) {
        struct engine_tree_info info;
        if (engine_tree_info(cut->machine.engine, tree, &info) == STATUS_OK)
            expect_written(cut, tree, (enum model_kind)info.kind);
    }
    if (engine_compact(cut->machine.engine) != STATUS_OK) explain(cut, "after a repair", "it does not compact");
    if (engine_verify(cut->machine.engine, visit_finding, cut) != STATUS_OK)
        explain(cut, "verify after a repair and a compaction", "see above");
    machine_stop(&cut->machine);
}

static void keep_line(void *context, const char *line) {
    struct cut_case *cut = context;
    assert_int_equal(buf_append_format(&cut->plan, "  | %s\n", line), STATUS_OK);
}

/* The first attempt may be cut; the second one comes to its end. */
static void mend(struct cut_case *cut) {
    const struct care_repair_options options = {.say = keep_line, .context = cut};
    struct care_repair_report report;
    struct error error = {0};
    enum status status;
    for (bool is_cut = prng_chance(&cut->prng, 2, 3);; is_cut = false) {
        sim_disk_power_on(cut->machine.disk);
        if (is_cut) sim_disk_cut_at(cut->machine.disk, prng_between(&cut->prng, 1, 120), draw_cut(&cut->prng));
        buf_clear(&cut->plan);
        cut->machine.io = sim_io_create(cut->machine.sim, cut->machine.disk, NULL);
        status = engine_care_repair(cut->machine.io, LIFE_DIR, &options, &report, &error);
        machine_stop(&cut->machine);
        if (sim_disk_is_powered(cut->machine.disk)) break;
        cut->totals->points++;
        cut->totals->repairs_cut++;
    }
    sim_disk_cut_at(cut->machine.disk, 0, SIM_CUT_NONE);
    if (status == STATUS_UNSUPPORTED || status == STATUS_NOT_FOUND) {
        cut->totals->unrepairable++;
        return;
    }
    if (status != STATUS_OK) explain(cut, "the repair", error.text);
    cut->totals->repairs++;
    examine_mended(cut);
}

/* ---- A write that went astray ------------------------------------------------------------------------------------ */

static bool is_damage(enum status status) {
    return status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_IO || status == STATUS_NOT_FOUND ||
           status == STATUS_VERSION || status == STATUS_MISMATCH || status == STATUS_READ_ONLY;
}

/* Noticed (true), or harmless; never an answer. */
static bool examine_struck(struct cut_case *cut) {
    struct error error = {0};
    uint32_t n = 0;
    const enum status verdict = engine_verify(cut->machine.engine, NULL, NULL);
    enum status status = workload_recovered(cut->machine.engine, &n);
    if (status == STATUS_OK) status = workload_compare(cut->life->workload, cut->machine.engine, n, &error);
    if (status == STATUS_MISMATCH) explain(cut, "a stray write became an answer", error.text);
    if (status != STATUS_OK && !is_damage(status)) explain(cut, "a read", status_name(status));
    if (status != STATUS_OK && verdict == STATUS_OK)
        explain(cut, "verify missed what a read met", error.text[0] != '\0' ? error.text : status_name(status));
    if (status == STATUS_OK && n > cut->promise.most) explain(cut, "more than was handed in", "is there");
    if (status == STATUS_OK && n < cut->promise.durable && verdict == STATUS_OK && !cut->stray.zeros)
        explain(cut, "durable batches are missing after a stray write", "and nobody says so");
    const bool is_met = status != STATUS_OK || verdict != STATUS_OK;
    cut->totals->strays_shorter += status == STATUS_OK && n < cut->promise.durable;
    cut->totals->strays_met += is_met;
    cut->totals->strays_harmless += !is_met && n >= cut->promise.durable;
    return is_met;
}

static void run_struck(struct cut_case *cut) {
    struct error error = {0};
    bool is_met = true;
    cut->totals->strays++;
    sim_disk_power_on(cut->machine.disk);
    const enum status status = machine_boot(&cut->machine, cut->life, LIFE_DIR, &error);
    if (status == STATUS_OK) {
        is_met = examine_struck(cut);
    } else {
        if (!is_damage(status) || error.text[0] == '\0') explain(cut, "refused without words", status_name(status));
        cut->totals->strays_refused++;
    }
    machine_stop(&cut->machine);
    if (is_met && prng_chance(&cut->prng, 1, 2)) mend(cut);
}

/* ---- One case ---------------------------------------------------------------------------------------------------- */

void cut_run(const struct life *life, const struct sim_disk *disk, uint64_t number, struct cut_totals *totals) {
    struct cut_case cut = {.life = life, .totals = totals, .number = number, .promise = life->promise};
    struct sim_disk_stats stats;
    prng_init(&cut.prng, hash_mix(life->seed, number));
    cut.machine.sim = sim_create(prng_next(&cut.prng));
    cut.machine.disk = sim_disk_clone(disk, prng_next(&cut.prng));
    const bool astray = prng_chance(&cut.prng, 1, 3) && sim_disk_misdirect(cut.machine.disk, &cut.stray);
    sim_disk_cut(cut.machine.disk, draw_cut(&cut.prng));
    totals->points++;
    if (astray)
        run_struck(&cut);
    else
        run_plain(&cut);
    sim_disk_stats(cut.machine.disk, &stats);
    totals->torn += stats.torn;
    buf_deinit(&cut.plan);
    sim_disk_destroy(cut.machine.disk);
    sim_destroy(cut.machine.sim);
}
