/*
 * engine_workload: the generator. Each operation is drawn in the state that the ones before it left; every state is
 * kept.
 */
#include "tests/harness/engine_workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/base/hash.h"

enum {
    OPERATIONS_MAX = 10,
    LARGE_MAX = 3000,
    SMALL_MAX = 100,
    VALUE_LIMIT = 8000, /* what is longer is not extended any more */
    INGEST_EVERY = 9,
    TRANSACT_EVERY = 4,
    LIVES = 12, /* one of so many is such a one */
    LIFE_CAPPED = 6,
    LIFE_CLEARS = 10,
    CAPPED_TREE = 2,
    LARGE_CAPPED = 80, /* of a hundred values */
    BULK_EVERY = 14,   /* where there is any: written at the half, deleted at the end */
};

struct step {
    struct model_operation operations[OPERATIONS_MAX + 3];
    size_t count;
    bool transacts;
    bool ingests; /* puts and deletes of the marker's tree, each key once, behind at most one range delete */
};

/* How the life of a seed goes. */
struct habits {
    bool drifts;          /* keys move upwards */
    unsigned span;        /* keys in use at a time */
    unsigned drop_one_in; /* operations on a tree until it is dropped */
    unsigned deletes;     /* of a hundred operations on plain trees */
    unsigned ranges;      /* the same: range deletes */
    unsigned operations;  /* at most in a batch */
    bool bulk, clears, capped;
};

struct workload {
    uint64_t seed;
    uint32_t batches;
    unsigned large;
    struct habits habits;
    struct step *steps;         /* from 1 */
    struct model_state *states; /* from 0 */
    struct model_values *values;
    char ingest_path[IO_PATH_BYTES];
};

/* ---- The generator ----------------------------------------------------------------------------------------------- */

bool workload_is_capped(uint64_t seed) {
    return seed % LIVES == LIFE_CAPPED;
}

bool workload_clears_bulk(uint64_t seed) {
    return seed % LIVES == LIFE_CLEARS;
}

static void draw_habits(struct workload *workload) {
    struct prng prng;
    prng_init(&prng, hash_mix(workload->seed, 0x686162697473));
    workload->habits = (struct habits){
        .drifts = workload->seed % 2 == 1,
        .span = (unsigned)prng_between(&prng, 6, MODEL_KEYS),
        .drop_one_in = prng_chance(&prng, 1, 4) ? 8 : 30,
        .deletes = (unsigned)prng_between(&prng, 5, 40),
        .ranges = (unsigned)prng_between(&prng, 2, 16),
        .operations = (unsigned)prng_between(&prng, 2, OPERATIONS_MAX),
        .bulk = workload->seed % 8 == 4 || workload_clears_bulk(workload->seed),
        .clears = workload_clears_bulk(workload->seed),
        .capped = workload_is_capped(workload->seed),
    };
    if (workload->habits.capped) { /* enough is written to pass the cap again and again */
        workload->habits.drop_one_in = 400;
        workload->habits.deletes = 5;
        workload->habits.operations = OPERATIONS_MAX;
        workload->large = LARGE_CAPPED;
    }
    if (workload->habits.drifts) workload->habits.span = (unsigned)prng_between(&prng, 6, MODEL_KEYS / 5);
}

static unsigned draw_key(struct prng *prng, const struct workload *workload, uint32_t n) {
    const struct habits *habits = &workload->habits;
    const unsigned low = habits->drifts ? (MODEL_KEYS - habits->span) * n / workload->batches : 0;
    return low + (unsigned)prng_below(prng, habits->span);
}

static void draw_value(struct prng *prng, const struct workload *workload, struct model_operation *operation) {
    const bool is_large = prng_chance(prng, workload->large, 100);
    operation->value_size = (size_t)prng_between(prng, 0, is_large ? LARGE_MAX : SMALL_MAX);
    operation->value_seed = prng_next(prng);
}

static bool is_long(const struct model_state *state, const struct model_operation *operation) {
    const struct model_value *value = state->trees[operation->tree].values[operation->key];
    return value != NULL && value->size > VALUE_LIMIT;
}

static void draw_range(struct prng *prng, struct model_operation *operation) {
    operation->action = MODEL_DELETE_RANGE;
    operation->end = operation->key + 1 + (unsigned)prng_below(prng, prng_chance(prng, 1, 8) ? MODEL_KEYS : 12);
    if (operation->end > MODEL_KEYS) operation->end = MODEL_KEYS;
}

static void draw_change(struct prng *prng, const struct workload *workload, const struct model_state *state,
                        struct model_operation *operation) {
    const struct habits *habits = &workload->habits;
    const uint64_t draw = prng_below(prng, 100);
    draw_value(prng, workload, operation);
    if (draw < habits->ranges) {
        draw_range(prng, operation);
    } else if (draw < habits->ranges + habits->deletes || is_long(state, operation)) {
        operation->action = MODEL_DELETE;
    } else if (operation->kind == MODEL_SUM) {
        operation->action = MODEL_MERGE;
        operation->value_size = 8;
    } else if (operation->kind == MODEL_JOIN && draw % 4 < 2) {
        operation->action = MODEL_MERGE;
    } else if (operation->kind == MODEL_EXPIRY) {
        operation->value_size += 8;
    } else if (operation->kind == MODEL_UNTIL || operation->kind == MODEL_AGED || operation->kind == MODEL_CAPPED) {
        operation->action = MODEL_PUT;
    } else if (draw % 4 == 2) {
        operation->action = MODEL_APPEND;
    }
}

static struct model_operation draw_operation(struct prng *prng, const struct workload *workload, uint32_t n,
                                             const struct model_state *state) {
    static const enum model_kind kinds[] = {MODEL_PLAIN,  MODEL_PLAIN, MODEL_SUM,  MODEL_JOIN,
                                            MODEL_EXPIRY, MODEL_UNTIL, MODEL_AGED, MODEL_CAPPED};
    struct model_operation operation = {.action = MODEL_PUT, .tree = (uint32_t)prng_between(prng, 1, MODEL_TREES)};
    if (workload->habits.capped && prng_chance(prng, 3, 4)) operation.tree = CAPPED_TREE;
    operation.kind = state->trees[operation.tree].kind;
    operation.key = draw_key(prng, workload, n);
    if (operation.tree == WORKLOAD_MARKER_TREE && operation.key == WORKLOAD_MARKER_KEY) operation.key++;
    operation.end = MODEL_KEYS;
    operation.expires_ms = (int64_t)n + (int64_t)prng_between(prng, 1, prng_chance(prng, 1, 2) ? 20 : 400);
    if (operation.kind == MODEL_NONE) {
        operation.action = MODEL_CREATE;
        operation.kind = kinds[prng_below(prng, sizeof kinds / sizeof kinds[0])];
        if (workload->habits.capped && operation.tree == CAPPED_TREE) operation.kind = MODEL_CAPPED;
    } else if (operation.tree != WORKLOAD_MARKER_TREE && prng_chance(prng, 1, workload->habits.drop_one_in)) {
        operation.action = MODEL_DROP;
    } else {
        draw_change(prng, workload, state, &operation);
    }
    if (operation.kind == MODEL_AGED) operation.expires_ms = (int64_t)n + MODEL_AGE_MS;
    return operation;
}

static bool draw_bulk(struct prng *prng, const struct workload *workload, uint32_t n, struct model_operation *bulk) {
    const uint32_t at = n % BULK_EVERY;
    if (!workload->habits.bulk || (at != BULK_EVERY / 2 && at != BULK_EVERY - 1)) return false;
    const enum model_action end = workload->habits.clears ? MODEL_BULK_CLEAR : MODEL_BULK_DELETE;
    *bulk = (struct model_operation){
        .action = at == BULK_EVERY / 2 ? MODEL_BULK_PUT : end, .kind = MODEL_PLAIN, .value_seed = prng_next(prng)};
    return workload->states[n].has_bulk || bulk->action == MODEL_BULK_PUT;
}

/* Trees are made and dropped by batches alone. */
static bool can_transact(const struct step *step, uint32_t n) {
    if (n % TRANSACT_EVERY != TRANSACT_EVERY - 1) return false;
    for (size_t i = 0; i < step->count; i++)
        if (step->operations[i].action >= MODEL_CREATE) return false;
    return true;
}

static void add_marker(struct step *step, uint32_t n) {
    step->operations[step->count++] = (struct model_operation){.action = MODEL_PUT,
                                                               .tree = WORKLOAD_MARKER_TREE,
                                                               .kind = MODEL_SUM, /* a number */
                                                               .key = WORKLOAD_MARKER_KEY,
                                                               .end = MODEL_KEYS,
                                                               .value_seed = n,
                                                               .value_size = 8};
}

/* What may stand in a file for the marker's tree, in the order of its keys; all keys are above the marker's. */
static void draw_ingest(struct prng *prng, const struct workload *workload, uint32_t n, struct step *step) {
    struct model_operation range = {.tree = WORKLOAD_MARKER_TREE, .kind = MODEL_PLAIN};
    unsigned key = 0;
    step->ingests = true;
    range.key = 1 + draw_key(prng, workload, n) % (MODEL_KEYS - 1);
    draw_range(prng, &range);
    if (prng_chance(prng, 1, 3)) step->operations[step->count++] = range;
    add_marker(step, n);
    while (step->count < OPERATIONS_MAX) {
        key += 1 + (unsigned)prng_below(prng, 2 * MODEL_KEYS / OPERATIONS_MAX);
        if (key >= MODEL_KEYS) break;
        struct model_operation operation = {.tree = WORKLOAD_MARKER_TREE, .kind = MODEL_PLAIN, .key = key};
        operation.action = prng_chance(prng, 1, 4) ? MODEL_DELETE : MODEL_PUT;
        draw_value(prng, workload, &operation);
        step->operations[step->count++] = operation;
    }
}

static void draw_step(struct workload *workload, uint32_t n) {
    struct prng prng;
    struct step *step = &workload->steps[n];
    struct model_state *state = &workload->states[n];
    *state = workload->states[n - 1];
    prng_init(&prng, hash_mix(workload->seed, n));
    if (n == 1)
        step->operations[step->count++] =
            (struct model_operation){.action = MODEL_CREATE, .tree = WORKLOAD_MARKER_TREE, .kind = MODEL_PLAIN};
    if (n % INGEST_EVERY == INGEST_EVERY - 1) draw_ingest(&prng, workload, n, step);
    for (size_t i = 0; i < step->count; i++) model_apply(state, &step->operations[i], workload->values);
    if (step->ingests) return;
    struct model_operation bulk;
    if (draw_bulk(&prng, workload, n, &bulk)) {
        step->operations[step->count++] = bulk;
        model_apply(state, &bulk, workload->values);
    }
    for (uint64_t left = prng_between(&prng, 1, workload->habits.operations); left > 0; left--) {
        step->operations[step->count] = draw_operation(&prng, workload, n, state);
        model_apply(state, &step->operations[step->count++], workload->values);
    }
    add_marker(step, n);
    model_apply(state, &step->operations[step->count - 1], workload->values);
    step->transacts = can_transact(step, n);
}

struct workload *workload_create(uint64_t seed, uint32_t batches, unsigned large) {
    struct workload *workload = calloc(1, sizeof *workload);
    check(workload != NULL);
    *workload = (struct workload){.seed = seed, .batches = batches, .large = large};
    workload->values = model_values_create();
    workload_set_ingest_path(workload, "/workload.in");
    workload->steps = calloc((size_t)batches + 1, sizeof *workload->steps);
    workload->states = calloc((size_t)batches + 1, sizeof *workload->states);
    check(workload->steps != NULL && workload->states != NULL);
    draw_habits(workload);
    for (uint32_t n = 1; n <= batches; n++) draw_step(workload, n);
    return workload;
}

void workload_destroy(struct workload *workload) {
    model_values_destroy(workload->values);
    free(workload->states);
    free(workload->steps);
    free(workload);
}

uint32_t workload_batches(const struct workload *workload) {
    return workload->batches;
}

bool workload_has_bulk(const struct workload *workload) {
    return workload->habits.bulk;
}

bool workload_ingests(const struct workload *workload, uint32_t n) {
    return workload->steps[n].ingests;
}

bool workload_transacts(const struct workload *workload, uint32_t n) {
    return workload->steps[n].transacts;
}

const struct model_state *workload_state(const struct workload *workload, uint32_t n) {
    check(n <= workload->batches);
    return &workload->states[n];
}

/* ---- Options ----------------------------------------------------------------------------------------------------- */

struct engine_options workload_engine_options(const struct workload *workload) {
    (void)workload;
    return (struct engine_options){
        .kinds = model_kinds,
        .kind_count = MODEL_KINDS,
        .wal = ENGINE_WAL_OWN,
        .memtable_bytes = 24 << 10,
        .memtable_limit = 3,
        .cache_bytes = 64 << 10,
        .block_bytes = 1 << 10,
        .file_bytes = 16 << 10,
        .value_file_bytes = 16 << 10,
        .level_base_bytes = 48 << 10,
        .level_ratio = 4,
        .level0_trigger = 2,
        .wal_segment_bytes = 64 << 10,
        .disk_reserve_bytes = 1,
    };
}

/* A power of two times low, up to high. */
static size_t pick(struct prng *prng, size_t low, size_t high) {
    return low << prng_below(prng, (uint64_t)__builtin_ctzll(high / low) + 1);
}

/* FIFO without limits, where the kind has none: nothing goes. */
void workload_draw_policies(struct prng *prng, struct workload_options *drawn) {
    for (size_t i = 0; i < MODEL_KINDS; i++) {
        drawn->kinds[i].policy = (enum engine_policy)prng_below(prng, ENGINE_POLICY_FIFO + 1);
        if (drawn->kinds[i].id >= MODEL_AGED && prng_chance(prng, 1, 2)) drawn->kinds[i].policy = ENGINE_POLICY_FIFO;
    }
}

void workload_draw_options(struct prng *prng, struct workload_options *drawn) {
    for (size_t i = 0; i < MODEL_KINDS; i++) {
        drawn->kinds[i] = model_kinds[i];
        drawn->kinds[i].upper = (enum engine_compression)prng_below(prng, 3);
        drawn->kinds[i].bottom = (enum engine_compression)prng_below(prng, 3);
        drawn->kinds[i].filter_bits_per_key = (unsigned)prng_below(prng, 4) * 5;
        drawn->kinds[i].filter_prefix_bytes = (unsigned)prng_below(prng, 3) * 4;
        const bool inline_only = drawn->kinds[i].expires || prng_chance(prng, 1, 3);
        drawn->kinds[i].value_threshold_bytes = inline_only ? 0 : pick(prng, 256, 1024);
        drawn->kinds[i].value_garbage_percent = (unsigned)prng_below(prng, 80);
        /* Small ones, of few blocks: else hardly a file of a workload is large enough. */
        drawn->kinds[i].dictionary_bytes = prng_chance(prng, 1, 2) ? pick(prng, 256, 1024) : 0;
        if (drawn->kinds[i].dictionary_bytes) drawn->kinds[i].bottom = ENGINE_COMPRESSION_ZSTD;
    }
    workload_draw_policies(prng, drawn);
    drawn->options = (struct engine_options){
        .kinds = drawn->kinds,
        .kind_count = MODEL_KINDS,
        .wal = prng_chance(prng, 1, 3) ? ENGINE_WAL_OFF : ENGINE_WAL_OWN,
        .memtable_bytes = pick(prng, 4 << 10, 64 << 10),
        .memtable_limit = 2 + (unsigned)prng_below(prng, 4),
        .cache_bytes = pick(prng, 8 << 10, 1 << 20),
        .block_bytes = pick(prng, 256, 8 << 10),
        .file_bytes = pick(prng, 4 << 10, 64 << 10),
        .value_file_bytes = pick(prng, 2 << 10, 64 << 10),
        .level_base_bytes = pick(prng, 8 << 10, 128 << 10),
        .level_ratio = 2 + (unsigned)prng_below(prng, 9),
        .level0_trigger = 1 + (unsigned)prng_below(prng, 4),
        .gap_keys = (unsigned)pick(prng, 2, 16),
        .wal_segment_bytes = pick(prng, 64 << 10, 128 << 10),
        .manifest_bytes = pick(prng, 2 << 10, 64 << 10),
        .disk_reserve_bytes = 1,
        .format_level = 1 + (unsigned)prng_below(prng, ENGINE_FORMAT_LEVEL_LATEST),
    };
    drawn->options.map_tables = prng_chance(prng, 1, 4);
}

/* ---- The engine's side ------------------------------------------------------------------------------------------- */

enum status workload_build(const struct workload *workload, uint32_t n, struct engine_batch *batch) {
    check(n >= 1 && n <= workload->batches);
    const struct step *step = &workload->steps[n];
    enum status status = STATUS_OK;
    engine_batch_clear(batch);
    batch->mark = (struct engine_mark){.index = n, .term = 1, .time_ms = n};
    for (size_t i = 0; status == STATUS_OK && i < step->count; i++) status = model_encode(&step->operations[i], batch);
    return status;
}

/* ---- By a file --------------------------------------------------------------------------------------------------- */

void workload_set_ingest_path(struct workload *workload, const char *path) {
    (void)snprintf(workload->ingest_path, sizeof workload->ingest_path, "%s", path);
}

static enum status build_file(const struct workload *workload, struct io *io, uint32_t n) {
    const struct step *step = &workload->steps[n];
    struct engine_sst_writer *writer;
    enum status status = io_remove(io, workload->ingest_path);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    status = engine_sst_writer_open(io, workload->ingest_path, &model_kinds[MODEL_PLAIN - 1], &writer);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; status == STATUS_OK && i < step->count; i++)
        status = model_put_row(&step->operations[i], writer);
    if (status == STATUS_OK) status = engine_sst_writer_finish(writer);
    engine_sst_writer_close(writer);
    return status;
}

enum status workload_write(const struct workload *workload, struct io *io, struct engine *engine, uint32_t n,
                           bool log_off, struct engine_batch *batch, const struct engine_write_options *options,
                           bool *durable) {
    *durable = false;
    const struct step *step = &workload->steps[n];
    if (!log_off && step->transacts) return model_commit(engine, step->operations, step->count, n, options);
    if (log_off || !step->ingests) {
        const enum status status = workload_build(workload, n, batch);
        return status == STATUS_OK ? engine_write(engine, batch, options) : status;
    }
    const struct engine_ingest_options move = {.move = true};
    const char *path = workload->ingest_path;
    enum status status = build_file(workload, io, n);
    if (status == STATUS_OK) status = engine_ingest(engine, WORKLOAD_MARKER_TREE, &path, 1, &move, NULL);
    *durable = status == STATUS_OK;
    return status;
}

/* ---- What is there ----------------------------------------------------------------------------------------------- */

typedef enum status get_call(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree,
                             struct slice key, struct engine_value *value);

static enum status read_marker(struct engine *engine, get_call *get, uint32_t *n) {
    struct engine_tree_info info;
    struct engine_value value;
    *n = 0;
    enum status status = engine_tree_info(engine, WORKLOAD_MARKER_TREE, &info);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = get(engine, NULL, WORKLOAD_MARKER_TREE, model_key(WORKLOAD_MARKER_KEY), &value);
    if (status == STATUS_NOT_FOUND) return STATUS_CORRUPT; /* a part of the first batch */
    if (status != STATUS_OK) return status;
    *n = value.data.size == 8 ? (uint32_t)coding_get_u64(value.data.data) : UINT32_MAX;
    engine_value_release(&value);
    return STATUS_OK;
}

enum status workload_recovered(struct engine *engine, uint32_t *n) {
    return read_marker(engine, engine_get, n);
}

enum status workload_recovered_try(struct engine *engine, uint32_t *n) {
    return read_marker(engine, engine_get_try, n);
}

bool workload_was_written(const struct workload *workload, enum model_kind kind, unsigned key, struct slice value) {
    if (kind != MODEL_UNTIL && kind != MODEL_AGED && kind != MODEL_CAPPED) return true;
    for (uint32_t n = 1; n <= workload->batches; n++) {
        const struct step *step = &workload->steps[n];
        for (size_t i = 0; i < step->count; i++) {
            const struct model_operation *operation = &step->operations[i];
            if (operation->action == MODEL_PUT && operation->kind == kind && operation->key == key &&
                model_writes(operation, value))
                return true;
        }
    }
    return false;
}

enum status workload_compare(const struct workload *workload, struct engine *engine, uint32_t n, struct error *error) {
    const enum status status = model_compare_engine(workload_state(workload, n), (int64_t)n, engine, NULL, error);
    return status == STATUS_OK ? STATUS_OK : error_prefix(error, status, "after batch %" PRIu32, n);
}
