/*
 * Explained reads against a flat model: seeded batches of every kind of operation, flushes, compactions and reopens
 * between them. An explained get and an explained scan answer what the plain ones do and what the model holds; the
 * blocks and values that they name are as many as the cache was asked for, and lie where the tables' indexes have them.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/explain.h"
#include "engine/lsm/file_names.h"
#include "engine/sst/sst_read.h"
#include "tests/harness/engine_workload.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { STEPS = 4096 };

/* What a read told. */
struct told {
    struct engine_watch watch;
    struct engine_step steps[STEPS];
    size_t count;
    uint64_t from_file, from_cache;
    struct buf key;     /* of the entry that was told last, and */
    bool seen_alive;    /* of one of its versions: it is shown, or an operand of what is */
    bool asked_unasked; /* a version or block of a file that was not said to be asked */
    uint64_t file;      /* asked last */
};

struct run {
    uint64_t seed;
    struct prng prng;
    struct workload *workload;
    struct workload_options drawn;
    struct io *io;
    struct engine *engine;
    struct engine_batch batch;
    uint32_t n;
    struct told told;
    struct codec *codec;
};

static void broken(const struct run *run, const char *what, uint64_t a, uint64_t b) {
    fail_msg("seed %" PRIu64 ", batch %u: %s: %" PRIu64 ", %" PRIu64 " (replay: LOAM_TEST_SEED=%" PRIu64 ")", run->seed,
             run->n, what, a, b, run->seed);
}

static void must(const struct run *run, enum status status, const char *what) {
    if (status != STATUS_OK) broken(run, what, status, 0);
}

static void take(void *context, const struct engine_step *step) {
    struct told *told = context;
    const bool read = step->kind == ENGINE_STEP_BLOCK || step->kind == ENGINE_STEP_VALUE;
    told->from_file += read && step->from == ENGINE_FROM_FILE;
    told->from_cache += read && step->from == ENGINE_FROM_CACHE;
    if (step->kind == ENGINE_STEP_FILE && step->answer == ENGINE_FILE_ASKED) told->file = step->file;
    if (step->kind == ENGINE_STEP_ENTRY) {
        const bool alive = step->effect == ENGINE_EFFECT_SHOWN || step->effect == ENGINE_EFFECT_OPERAND;
        const bool same = told->key.data && slice_equal(buf_slice(&told->key), step->key);
        told->seen_alive = alive || (same && told->seen_alive);
        assert_int_equal(buf_assign(&told->key, step->key), STATUS_OK);
    }
    if (told->count == STEPS) return;
    told->steps[told->count] = *step;
    told->steps[told->count].key = told->steps[told->count].value = slice_make(NULL, 0);
    told->count++;
}

static void begin(struct run *run) {
    struct told *told = &run->told;
    told->count = 0;
    told->from_file = told->from_cache = told->file = 0;
    told->seen_alive = false;
    told->watch = (struct engine_watch){.told = take, .context = told};
    engine_explain(run->engine, &told->watch);
}

/* ---- Places ------------------------------------------------------------------------------------------------------ */

/* The block that was told lies there in the file on disk; key (may be NULL): it is where the file's index leads to. */
static void check_block(struct run *run, const struct engine_step *step, const struct slice *key) {
    struct sst_environment environment = {.io = run->io, .codec = run->codec};
    char path[IO_PATH_BYTES];
    struct sst_identity identity;
    struct error error;
    struct sst *sst = NULL;
    uint64_t offset = 0, bytes = 0;
    must(run, file_path(path, "db", FILE_SST, step->file), "path");
    must(run, sst_read_identity(run->io, path, &identity, &error), "a file that was told is there");
    must(run, sst_open(&environment, path, identity, step->file, &sst, &error), "open it");
    if (step->count != sst_block_count(sst) || step->at >= step->count) broken(run, "blocks", step->at, step->count);
    sst_block_place(sst, step->at, &offset, &bytes);
    if (key && sst_find_block(sst, *key, ENTRY_SEQUENCE_MAX) != step->at)
        broken(run, "not the key's block", step->file, step->at);
    if (offset != step->offset || bytes != step->bytes) broken(run, "a block lies elsewhere", offset, step->offset);
    sst_close(sst);
}

/* Of a file the first that is told is the key's; older versions may lie in the next. */
static void check_some_blocks(struct run *run, const struct slice *key) {
    uint64_t before = 0;
    for (size_t i = 0; i < run->told.count; i++) {
        const struct engine_step *step = &run->told.steps[i];
        if (step->kind != ENGINE_STEP_BLOCK) continue;
        if (prng_chance(&run->prng, 1, 20)) check_block(run, step, step->file == before ? NULL : key);
        before = step->file;
    }
}

/* ---- Gets -------------------------------------------------------------------------------------------------------- */

/* A version that decides was told if there is a value, and the file it is of was asked. */
static void check_versions(struct run *run, enum status status) {
    const struct told *told = &run->told;
    bool value = false;
    uint64_t asked = 0;
    for (size_t i = 0; i < told->count; i++) {
        const struct engine_step *step = &told->steps[i];
        if (step->kind == ENGINE_STEP_FILE && step->answer == ENGINE_FILE_ASKED) asked = step->file;
        if (step->kind == ENGINE_STEP_BLOCK && step->file != asked)
            broken(run, "a block of another file", step->file, asked);
        if (step->kind == ENGINE_STEP_VERSION)
            value |= step->effect == ENGINE_EFFECT_SHOWN || step->effect == ENGINE_EFFECT_OPERAND;
    }
    if (status == STATUS_OK && !value) broken(run, "a value without a version", told->count, 0);
}

static void check_get(struct run *run, const struct model_state *state, uint32_t tree, unsigned key) {
    struct engine_value value, plain;
    struct engine_stats before, after;
    engine_get_stats(run->engine, &before);
    begin(run);
    const enum status status = engine_explain_get(run->engine, tree, model_key(key), &value);
    engine_explain(run->engine, NULL);
    engine_get_stats(run->engine, &after);
    if (after.cache_misses - before.cache_misses != run->told.from_file)
        broken(run, "reads told, and done", run->told.from_file, after.cache_misses - before.cache_misses);
    if (after.cache_hits - before.cache_hits != run->told.from_cache)
        broken(run, "hits told, and had", run->told.from_cache, after.cache_hits - before.cache_hits);
    check_versions(run, status);
    const struct slice key_bytes = model_key(key);
    check_some_blocks(run, &key_bytes);
    const enum status answer = engine_get(run->engine, NULL, tree, model_key(key), &plain);
    if (answer != status) broken(run, "explained get, plain get", status, answer);
    if (status == STATUS_OK && !slice_equal(value.data, plain.data)) broken(run, "values differ", tree, key);
    const enum model_answer expected = model_expect(state, tree, key, run->n);
    if (expected == MODEL_PRESENT && status != STATUS_OK) broken(run, "is not found", tree, key);
    if (expected == MODEL_ABSENT && status == STATUS_OK) broken(run, "is found", tree, key);
    if (status != STATUS_OK) return;
    const struct model_value *held = state->trees[tree].values[key];
    if (expected == MODEL_PRESENT && !slice_equal(value.data, slice_make(held->bytes, held->size)))
        broken(run, "another value than the model's", tree, key);
    engine_value_release(&value);
    engine_value_release(&plain);
}

/* ---- Scans ------------------------------------------------------------------------------------------------------- */

static void check_scan(struct run *run, uint32_t tree) {
    struct engine_iterator *watched = NULL, *plain = NULL;
    begin(run);
    must(run, engine_iterator_open(run->engine, tree, NULL, &watched), "open");
    engine_explain(run->engine, NULL);
    must(run, engine_iterator_open(run->engine, tree, NULL, &plain), "open");
    engine_iterator_seek_first(plain);
    engine_explain(run->engine, &run->told.watch);
    engine_iterator_seek_first(watched);
    while (engine_iterator_valid(plain) && engine_iterator_valid(watched)) {
        const struct slice key = engine_iterator_key(watched);
        if (!slice_equal(key, engine_iterator_key(plain))) broken(run, "keys differ", tree, 0);
        const bool at_key = slice_equal(key, buf_slice(&run->told.key)); /* else it stands behind folded operands */
        if (at_key && !run->told.seen_alive) broken(run, "a row whose entries were told as gone", tree, 0);
        if (!slice_equal(engine_iterator_value(watched), engine_iterator_value(plain)))
            broken(run, "values differ", tree, 0);
        engine_iterator_next(watched);
        engine_explain(run->engine, NULL);
        engine_iterator_next(plain);
        engine_explain(run->engine, &run->told.watch);
    }
    if (engine_iterator_valid(plain) != engine_iterator_valid(watched)) broken(run, "one ends before", tree, 0);
    must(run, engine_iterator_status(watched), "scan");
    engine_iterator_close(watched);
    engine_explain(run->engine, NULL);
    engine_iterator_close(plain);
    check_some_blocks(run, NULL);
}

static void check_all(struct run *run) {
    const struct model_state *state = workload_state(run->workload, run->n);
    for (uint32_t tree = 1; tree <= MODEL_TREES; tree++) {
        if (state->trees[tree].kind == MODEL_NONE) continue;
        for (unsigned key = 0; key < MODEL_KEYS; key++) check_get(run, state, tree, key);
        check_scan(run, tree);
    }
}

/* ---- Lives ------------------------------------------------------------------------------------------------------- */

static void open_run(struct run *run) {
    struct error error = {.status = STATUS_OK};
    const enum status status = engine_open(run->io, "db", &run->drawn.options, &run->engine, &error);
    if (status != STATUS_OK) fail_msg("seed %" PRIu64 ": open: %s", run->seed, error.text);
}

static void act(struct run *run) {
    switch (prng_below(&run->prng, 16)) {
    case 0: must(run, engine_flush(run->engine), "flush"); break;
    case 1: must(run, engine_compact(run->engine), "compact"); break;
    case 2:
        engine_close(run->engine);
        open_run(run);
        break;
    case 3: break;
    default: return;
    }
    check_all(run);
}

static void run_seed(uint64_t seed, uint32_t batches) {
    struct run *run = calloc(1, sizeof *run);
    run->seed = seed;
    prng_init(&run->prng, seed);
    run->workload = workload_create(seed, batches, 10);
    workload_draw_options(&run->prng, &run->drawn);
    run->drawn.options.wal = ENGINE_WAL_OWN;
    run->io = sim_io_create_alone(seed);
    run->codec = codec_create();
    engine_batch_init(&run->batch);
    open_run(run);
    for (run->n = 1; run->n <= batches; run->n++) {
        bool durable;
        must(run, workload_write(run->workload, run->io, run->engine, run->n, false, &run->batch, NULL, &durable),
             "write");
        act(run);
    }
    engine_close(run->engine);
    engine_batch_deinit(&run->batch);
    workload_destroy(run->workload);
    buf_deinit(&run->told.key);
    codec_destroy(run->codec);
    io_destroy(run->io);
    free(run);
}

static void explained_reads_answer_what_plain_ones_and_the_model_do(void **state) {
    (void)state;
    const uint64_t replay = test_seed(0);
    if (replay) {
        run_seed(replay, 200);
        return;
    }
    for (uint64_t seed = 1; seed <= test_scaled(30); seed++) run_seed(seed, 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(explained_reads_answer_what_plain_ones_and_the_model_do)};
    return cmocka_run_group_tests_name("engine_explain", tests, NULL, NULL);
}
