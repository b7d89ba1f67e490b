/*
 * Trees large beside their memtables, so that sorted runs gather between the first and the last level, and what any
 * merge does with them: seeded batches (stretches of keys, keys apart, deletes, range deletes), each flushed, with
 * pauses in which nobody writes, compactions, snapshots and reopenings under another policy between them. After each
 * pause, and at the end, every key holds what was written last, and a snapshot sees what it saw.
 *
 * Replay: LOAM_TEST_SEED=seed build/tests/property/engine_runs_test
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/engine.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum {
    SEEDS = 40,
    KEYS = 600,
    ROUNDS = 90,
    KEY_BYTES = 6,
    VALUE_MAX = 80,
    TURN_NS = 10000000,
    TURNS_MAX = 60, /* more than a merge at rest waits and takes */
};

/* What a state holds: the round in which each key was put; 0 = is not there. */
struct content {
    uint32_t rounds[KEYS];
};

struct run {
    uint64_t seed;
    struct prng prng;
    struct io *io;
    struct engine *engine;
    struct engine_tree_kind kind;
    struct engine_options options;
    struct content now, then; /* then: what the snapshot sees */
    struct engine_snapshot *snapshot;
    uint32_t round;
};

/* Over all seeds: pauses that met runs above the last level, and those after which fewer were left. */
static struct { uint64_t met, merged; } pauses;

static void broken(const struct run *run, const char *what, unsigned key) {
    fail_msg("seed %" PRIu64 ", round %" PRIu32 ": %s, key %u (replay: LOAM_TEST_SEED=%" PRIu64 ")", run->seed,
             run->round, what, key, run->seed);
}

static void must(const struct run *run, enum status status, const char *what) {
    if (status != STATUS_OK) fail_msg("seed %" PRIu64 ": %s: %s", run->seed, what, status_name(status));
}

static struct slice key_of(unsigned key, char text[16]) {
    snprintf(text, 16, "k%05u", key);
    return slice_make(text, KEY_BYTES);
}

/* A function of key and round, so that no state keeps bytes. */
static struct slice value_of(unsigned key, uint32_t round, char text[VALUE_MAX]) {
    const int size = snprintf(text, VALUE_MAX, "%u in round %" PRIu32 "%*s", key, round, (int)(key * round % 40), "");
    return slice_make(text, (size_t)size);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static void put(struct run *run, struct engine_batch *batch, unsigned key) {
    char text[16], value[VALUE_MAX];
    run->now.rounds[key] = run->round;
    must(run, engine_batch_put(batch, 1, key_of(key, text), value_of(key, run->round, value)), "put");
}

static void delete_range(struct run *run, struct engine_batch *batch, unsigned from, unsigned to) {
    char first[16], last[16];
    for (unsigned key = from; key < to; key++) run->now.rounds[key] = 0;
    must(run, engine_batch_delete_range(batch, 1, key_of(from, first), key_of(to, last)), "delete range");
}

static void delete_one(struct run *run, struct engine_batch *batch, unsigned key) {
    char text[16];
    run->now.rounds[key] = 0;
    must(run, engine_batch_delete(batch, 1, key_of(key, text)), "delete");
}

static void draw_operations(struct run *run, struct engine_batch *batch) {
    struct prng *prng = &run->prng;
    const unsigned from = (unsigned)prng_below(prng, KEYS);
    const unsigned most = prng_chance(prng, 1, 8) ? KEYS : 40, end = from + 1 + (unsigned)prng_below(prng, most);
    const uint64_t draw = prng_below(prng, 20);
    if (draw == 0) {
        delete_range(run, batch, from, end < KEYS ? end : KEYS);
    } else if (draw < 8) {
        for (unsigned key = from; key < end && key < KEYS; key++) put(run, batch, key);
    } else {
        for (unsigned left = end - from; left > 0; left--) {
            const unsigned key = (unsigned)prng_below(prng, KEYS);
            if (prng_chance(prng, 1, 10))
                delete_one(run, batch, key);
            else
                put(run, batch, key);
        }
    }
}

static void write_some(struct run *run) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    run->round++;
    if (run->round == 1) must(run, engine_batch_create_tree(&batch, 1, 1), "create");
    for (unsigned key = 0; key < KEYS && run->round == 1; key++) put(run, &batch, key);
    if (run->round > 1) draw_operations(run, &batch);
    must(run, engine_write(run->engine, &batch, NULL), "write");
    must(run, engine_flush(run->engine), "flush");
    engine_batch_deinit(&batch);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static void check_key(const struct run *run, const struct content *content, struct engine_snapshot *snapshot,
                      unsigned key) {
    struct engine_value value;
    char text[16], expected[VALUE_MAX];
    const uint32_t round = content->rounds[key];
    const enum status status = engine_get(run->engine, snapshot, 1, key_of(key, text), &value);
    if (status == STATUS_NOT_FOUND && round == 0) return;
    if (status != STATUS_OK) broken(run, status_name(status), key);
    if (round == 0 || !slice_equal(value.data, value_of(key, round, expected))) broken(run, "another value", key);
    engine_value_release(&value);
}

static void check_walk(const struct run *run, const struct content *content, struct engine_snapshot *snapshot) {
    const struct engine_iterator_options options = {.snapshot = snapshot};
    struct engine_iterator *iterator;
    char text[16], expected[VALUE_MAX];
    must(run, engine_iterator_open(run->engine, 1, &options, &iterator), "iterator");
    engine_iterator_seek_first(iterator);
    for (unsigned key = 0; key < KEYS; key++) {
        if (content->rounds[key] == 0) continue;
        if (!engine_iterator_valid(iterator)) broken(run, "the iterator ended", key);
        if (!slice_equal(engine_iterator_key(iterator), key_of(key, text))) broken(run, "another key", key);
        if (!slice_equal(engine_iterator_value(iterator), value_of(key, content->rounds[key], expected)))
            broken(run, "another value in a walk", key);
        engine_iterator_next(iterator);
    }
    if (engine_iterator_valid(iterator)) broken(run, "more than was written", KEYS);
    must(run, engine_iterator_status(iterator), "iterator");
    engine_iterator_close(iterator);
}

static void check_all(const struct run *run) {
    check_walk(run, &run->now, NULL);
    for (unsigned key = 0; key < KEYS; key++) check_key(run, &run->now, NULL, key);
    if (run->snapshot != NULL) check_walk(run, &run->then, run->snapshot);
}

/* ---- Between batches --------------------------------------------------------------------------------------------- */

/* Files between the first and the last level. */
static uint64_t files_between(const struct engine_stats *stats) {
    uint64_t files = 0;
    for (unsigned i = 1; i + 1 < ENGINE_LEVELS; i++) files += stats->levels[i].files;
    return files;
}

/* Nobody writes until nothing is left to do. */
static void pause(struct run *run) {
    struct engine_stats before, after;
    unsigned turns = 0;
    engine_get_stats(run->engine, &before);
    do {
        (void)io_run(run->io, io_now_ns(run->io) + TURN_NS);
        engine_get_stats(run->engine, &after);
    } while (after.debt_bytes > 0 && ++turns < TURNS_MAX);
    pauses.met += files_between(&before) > 0;
    pauses.merged += files_between(&before) > 0 && files_between(&after) == 0;
    check_all(run);
}

static void open_engine(struct run *run) {
    static const enum engine_policy policies[] = {ENGINE_POLICY_LAZY, ENGINE_POLICY_LAZY, ENGINE_POLICY_LAZY,
                                                  ENGINE_POLICY_TIERED, ENGINE_POLICY_LEVELED};
    run->kind.policy = policies[prng_below(&run->prng, sizeof policies / sizeof policies[0])];
    must(run, engine_open(run->io, "/db", &run->options, &run->engine, NULL), "open");
}

static void drop_snapshot(struct run *run) {
    if (run->snapshot != NULL) engine_snapshot_release(run->engine, run->snapshot);
    run->snapshot = NULL;
}

static void act(struct run *run) {
    switch (prng_below(&run->prng, 40)) {
    case 0: must(run, engine_compact(run->engine), "compact"); break;
    case 1:
        drop_snapshot(run);
        engine_close(run->engine);
        open_engine(run);
        break;
    case 2:
        drop_snapshot(run);
        run->snapshot = engine_snapshot_acquire(run->engine);
        run->then = run->now;
        break;
    case 3: drop_snapshot(run); break;
    default:
        if (prng_chance(&run->prng, 1, 5)) pause(run);
        break;
    }
    (void)io_run(run->io, 0); /* the background gets a turn */
}

static void run_seed(uint64_t seed) {
    static struct run run; /* options point into it */
    run = (struct run){.seed = seed, .kind = {.id = 1, .name = "runs", .filter_bits_per_key = (unsigned)seed % 3 * 5}};
    prng_init(&run.prng, seed);
    run.options = (struct engine_options){
        .kinds = &run.kind,
        .kind_count = 1,
        .memtable_bytes = 64 << 10,
        .cache_bytes = 64 << 10,
        .block_bytes = 512,
        .file_bytes = (uint64_t)2048 << prng_below(&run.prng, 5),
        .level_base_bytes = (uint64_t)2048 << prng_below(&run.prng, 5),
        .level_ratio = 3,
        .level0_trigger = 1 + (unsigned)prng_below(&run.prng, 3),
        .wal_segment_bytes = 64 << 10,
        .disk_reserve_bytes = 1,
    };
    run.io = sim_io_create_alone(seed);
    open_engine(&run);
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_some(&run);
        act(&run);
    }
    pause(&run);
    drop_snapshot(&run);
    must(&run, engine_verify(run.engine, NULL, NULL), "verify");
    engine_close(run.engine);
    io_destroy(run.io);
}

static void no_merge_lets_an_older_entry_stand_above_a_newer_one(void **state) {
    (void)state;
    const uint64_t first = test_seed(1), seeds = test_scaled(SEEDS);
    for (uint64_t seed = first; seed < first + seeds; seed++) run_seed(seed);
    print_message("%" PRIu64 " pauses met runs above the last level, %" PRIu64 " left none\n", pauses.met,
                  pauses.merged);
    if (seeds >= SEEDS) assert_true(pauses.met > SEEDS && pauses.merged > SEEDS / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_merge_lets_an_older_entry_stand_above_a_newer_one)};
    return cmocka_run_group_tests_name("engine runs", tests, NULL, NULL);
}
