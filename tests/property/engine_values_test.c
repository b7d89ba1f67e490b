/*
 * How much disk values kept apart may take: seeded overwrites, deletes, range deletes and snapshots of trees with
 * several shares of garbage. Whenever the store is at rest, its files of values hold at most what the share allows of
 * what SSTs refer to; when all is compacted and no snapshot was held, that is what users can read, to the byte.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/engine.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { KEYS = 120, VALUE_MAX = 3000, THRESHOLD = 400, ROUNDS = 40, RECORD_HEAD = 24, ENDS = 128, KEY_BYTES = 4 };

struct run {
    uint64_t seed;
    unsigned percent;
    struct prng prng;
    struct io *io;
    struct engine *engine;
    struct engine_tree_kind kind;
    size_t sizes[KEYS]; /* of the value; SIZE_MAX = none */
    bool snapshots;     /* some are taken */
    struct engine_snapshot *snapshot;
    uint64_t moved;
};

static void broken(const struct run *run, const char *what, uint64_t a, uint64_t b) {
    fail_msg("seed %" PRIu64 ", %u %% garbage: %s: %" PRIu64 ", %" PRIu64 " (replay: LOAM_TEST_SEED=%" PRIu64 ")",
             run->seed, run->percent, what, a, b, run->seed);
}

static void must(const struct run *run, enum status status, const char *what) {
    if (status != STATUS_OK) broken(run, what, status, 0);
}

static struct slice key_of(unsigned key, char text[16]) {
    snprintf(text, 16, "%04u", key);
    return slice_make(text, KEY_BYTES);
}

/* Incompressible enough: a record takes its value's bytes. */
static void put(struct run *run, struct engine_batch *batch, unsigned key) {
    static uint8_t bytes[VALUE_MAX];
    char text[16];
    run->sizes[key] = (size_t)prng_below(&run->prng, VALUE_MAX);
    for (size_t i = 0; i < run->sizes[key]; i++) bytes[i] = (uint8_t)prng_next(&run->prng);
    must(run, engine_batch_put(batch, 1, key_of(key, text), slice_make(bytes, run->sizes[key])), "put");
}

static void delete_some(struct run *run, struct engine_batch *batch) {
    char first[16], last[16];
    const unsigned from = (unsigned)prng_below(&run->prng, KEYS);
    const unsigned to = prng_chance(&run->prng, 1, 3) ? from + (unsigned)prng_below(&run->prng, KEYS - from) : from + 1;
    for (unsigned key = from; key < to; key++) run->sizes[key] = SIZE_MAX;
    if (to == from + 1)
        must(run, engine_batch_delete(batch, 1, key_of(from, first)), "delete");
    else if (to > from)
        must(run, engine_batch_delete_range(batch, 1, key_of(from, first), key_of(to, last)), "delete range");
}

static void write_some(struct run *run) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    for (unsigned left = 1 + (unsigned)prng_below(&run->prng, 20); left > 0; left--) {
        if (prng_chance(&run->prng, 1, 12))
            delete_some(run, &batch);
        else
            put(run, &batch, (unsigned)prng_below(&run->prng, KEYS));
    }
    must(run, engine_write(run->engine, &batch, NULL), "write");
    engine_batch_deinit(&batch);
}

static void toggle_snapshot(struct run *run) {
    if (run->snapshot) engine_snapshot_release(run->engine, run->snapshot);
    run->snapshot = run->snapshot ? NULL : engine_snapshot_acquire(run->engine);
}

static void rest(struct run *run) {
    must(run, engine_flush(run->engine), "flush");
    while (io_job_assist(run->io)) continue;
}

/* Records of all files against those that are referred to. */
static void check_files(const struct run *run) {
    struct engine_stats stats;
    engine_get_stats(run->engine, &stats);
    const uint64_t records = stats.value_bytes - stats.value_files * ENDS;
    if (records * (100 - run->percent) > stats.value_live_bytes * 100)
        broken(run, "files of values hold too much garbage (all, live)", records, stats.value_live_bytes);
}

/* The same against what can be read; and every value is what was written. */
static void check_all(struct run *run) {
    struct engine_stats stats;
    uint64_t live = 0;
    if (run->snapshot) toggle_snapshot(run);
    must(run, engine_flush(run->engine), "flush");
    must(run, engine_compact(run->engine), "compact");
    while (io_job_assist(run->io)) continue;
    engine_get_stats(run->engine, &stats);
    for (unsigned key = 0; key < KEYS; key++) {
        struct engine_value value;
        char text[16];
        const enum status status = engine_get(run->engine, NULL, 1, key_of(key, text), &value);
        if (run->sizes[key] == SIZE_MAX && status == STATUS_NOT_FOUND) continue;
        must(run, status, "get");
        if (value.data.size != run->sizes[key])
            broken(run, "a value of another size", value.data.size, run->sizes[key]);
        if (value.data.size >= THRESHOLD) live += value.data.size + RECORD_HEAD + KEY_BYTES;
        engine_value_release(&value);
    }
    /* Versions that a snapshot kept stay in the last level until something is merged there: without one, to the byte.
     */
    if (stats.value_live_bytes < live || (!run->snapshots && stats.value_live_bytes != live))
        broken(run, "the account (kept, true)", stats.value_live_bytes, live);
    check_files(run);
    must(run, engine_verify(run->engine, NULL, NULL), "verify");
    run->moved += stats.value_moved_bytes;
}

static struct engine *open_engine(const struct run *run) {
    const struct engine_options options = {
        .kinds = &run->kind,
        .kind_count = 1,
        .memtable_bytes = 32 << 10,
        .cache_bytes = 64 << 10,
        .block_bytes = 512,
        .file_bytes = 2 << 10,
        .value_file_bytes = 16 << 10,
        .level_base_bytes = 4 << 10,
        .level_ratio = 3,
        .level0_trigger = 3,
        .wal_segment_bytes = 64 << 10,
        .disk_reserve_bytes = 1,
    };
    struct engine *engine;
    must(run, engine_open(run->io, "/db", &options, &engine, NULL), "open");
    return engine;
}

static void act(struct run *run) {
    switch (prng_below(&run->prng, 8)) {
    case 0:
        if (run->snapshots) toggle_snapshot(run);
        break;
    case 1:
        if (run->snapshot) toggle_snapshot(run);
        engine_close(run->engine);
        run->engine = open_engine(run);
        break;
    case 2: check_all(run); break;
    default: break;
    }
}

static uint64_t run_seed(uint64_t seed) {
    static const unsigned percents[] = {10, 30, 50, 75};
    struct run run = {.seed = seed, .percent = percents[seed % 4], .snapshots = seed % 3 == 0};
    struct engine_batch batch;
    prng_init(&run.prng, seed);
    run.kind = (struct engine_tree_kind){.id = 1,
                                         .name = "apart",
                                         .filter_bits_per_key = 10,
                                         .value_threshold_bytes = THRESHOLD,
                                         .value_garbage_percent = run.percent};
    for (unsigned key = 0; key < KEYS; key++) run.sizes[key] = SIZE_MAX;
    run.io = sim_io_create_alone(seed);
    run.engine = open_engine(&run);
    engine_batch_init(&batch);
    must(&run, engine_batch_create_tree(&batch, 1, 1), "create");
    must(&run, engine_write(run.engine, &batch, NULL), "create");
    engine_batch_deinit(&batch);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned left = 1 + (unsigned)prng_below(&run.prng, 6); left > 0; left--) write_some(&run);
        rest(&run);
        check_files(&run);
        act(&run);
    }
    check_all(&run);
    engine_close(run.engine);
    io_destroy(run.io);
    return run.moved;
}

static void files_of_values_never_hold_more_garbage_than_their_share(void **state) {
    (void)state;
    const uint64_t replay = test_seed(0);
    uint64_t moved = 0;
    if (replay) {
        (void)run_seed(replay);
        return;
    }
    for (uint64_t seed = 1; seed <= test_scaled(40); seed++) moved += run_seed(seed);
    assert_true(moved > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_of_values_never_hold_more_garbage_than_their_share)};
    return cmocka_run_group_tests_name("engine_values", tests, NULL, NULL);
}
