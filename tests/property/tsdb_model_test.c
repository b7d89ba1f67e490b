/*
 * tsdb_model_test: seeded operations on a few series against arrays of samples; after each, reply and samples must be
 * the model's. Two replicas apply the same: one keeps all in memory and answers from it alone, the other flushes,
 * compacts, reopens and forgets in between; batches and hashes must agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "kv/kv.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"
#include "tsdb/tsdb.h"

enum { SERIES = 4, MODEL_SAMPLES = 60000, ADD_MAX = 700, KINDS_MAX = 16 };

static void expect(enum status status) {
    if (status) fail_msg("%s", status_name(status));
}

/* ---- the model --------------------------------------------------------------------------------------------------- */

struct model_series {
    bool exists;
    uint64_t retention_ms;
    enum tsdb_policy policy;
    size_t count;
    int64_t times[MODEL_SAMPLES];
    double values[MODEL_SAMPLES];
};

static struct model_series models[SERIES];

static size_t model_find(const struct model_series *model, int64_t time_ms) {
    size_t low = 0, high = model->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (model->times[middle] < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool model_is_hidden(const struct model_series *model, int64_t time_ms) {
    if (!model->retention_ms || !model->count) return false;
    int64_t last = model->times[model->count - 1];
    return time_ms < last && (uint64_t)last - (uint64_t)time_ms > model->retention_ms;
}

/* NULL: it is added. */
static const char *model_add(struct model_series *model, int64_t time_ms, double value, enum tsdb_policy policy) {
    if (!policy) policy = model->policy;
    if (model_is_hidden(model, time_ms)) return "ERR TSDB: Timestamp is older than retention";
    size_t at = model_find(model, time_ms);
    if (at < model->count && model->times[at] == time_ms) {
        double *old = &model->values[at];
        if (policy == TSDB_POLICY_LAST) *old = value;
        if (policy == TSDB_POLICY_MIN && value < *old) *old = value;
        if (policy == TSDB_POLICY_MAX && value > *old) *old = value;
        if (policy == TSDB_POLICY_SUM) *old += value;
        bool blocks = policy == TSDB_POLICY_NONE || policy == TSDB_POLICY_BLOCK;
        return blocks ? "ERR TSDB: Error at upsert, update is not supported when DUPLICATE_POLICY is set to BLOCK mode"
                      : NULL;
    }
    assert_true(model->count < MODEL_SAMPLES);
    memmove(model->times + at + 1, model->times + at, (model->count - at) * sizeof model->times[0]);
    memmove(model->values + at + 1, model->values + at, (model->count - at) * sizeof model->values[0]);
    model->times[at] = time_ms;
    model->values[at] = value;
    model->count++;
    return NULL;
}

static uint64_t model_delete(struct model_series *model, int64_t from_ms, int64_t to_ms) {
    if (from_ms > to_ms) return 0;
    size_t begin = model_find(model, from_ms);
    size_t end = to_ms == INT64_MAX ? model->count : model_find(model, to_ms + 1);
    uint64_t visible = 0;
    for (size_t i = begin; i < end; i++) visible += !model_is_hidden(model, model->times[i]);
    memmove(model->times + begin, model->times + end, (model->count - end) * sizeof model->times[0]);
    memmove(model->values + begin, model->values + end, (model->count - end) * sizeof model->values[0]);
    model->count -= end - begin;
    return visible;
}

/* ---- a replica --------------------------------------------------------------------------------------------------- */

struct replica {
    struct io *io;
    struct engine *engine;
    struct engine_options options;
    struct engine_tree_kind kinds[KINDS_MAX];
    struct name_owner owners[2];
    struct tsdb *tsdb;
    struct kv *kv;
    struct engine_batch batch;
    struct buf reply;
    uint64_t index;
    bool memory_only;
    uint64_t waits;
};

static void open_engine(struct replica *replica) {
    struct error error;
    if (engine_open(replica->io, "db", &replica->options, &replica->engine, &error)) fail_msg("%s", error.text);
}

static void write_batch(struct replica *replica, int64_t now_ms) {
    replica->batch.mark = (struct engine_mark){.index = ++replica->index, .term = 1, .time_ms = now_ms};
    expect(engine_write(replica->engine, &replica->batch, NULL));
    engine_log_durable(replica->engine, replica->index);
}

static void open_replica(struct replica *replica, uint64_t seed, bool memory_only, size_t memtable_bytes) {
    *replica = (struct replica){.io = sim_io_create_alone(seed), .memory_only = memory_only};
    size_t kinds = 0;
    for (size_t i = 0; i < names_kind_count; i++) replica->kinds[kinds++] = names_kinds[i];
    for (size_t i = 0; i < tsdb_kind_count; i++) replica->kinds[kinds++] = tsdb_kinds[i];
    replica->options = (struct engine_options){.kinds = replica->kinds,
                                               .kind_count = kinds,
                                               .wal = ENGINE_WAL_OFF,
                                               .memtable_bytes = memtable_bytes,
                                               .cache_bytes = 256 << 10,
                                               .disk_reserve_bytes = 1};
    open_engine(replica);
    replica->owners[0] = kv_string_owner;
    expect(tsdb_create(replica->owners, 2, &replica->tsdb));
    replica->owners[1] = tsdb_owner(replica->tsdb);
    expect(kv_create(replica->owners, 2, &replica->kv));
    engine_batch_init(&replica->batch);
    static const uint32_t trees[] = {TREE_NAMES,  TREE_NAMES_EXPIRY, TREE_NAMES_META,
                                     TREE_SERIES, TREE_CHUNKS,       TREE_LABELS};
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++)
        expect(engine_batch_create_tree(&replica->batch, trees[i], trees[i]));
    write_batch(replica, 0);
}

static void close_replica(struct replica *replica) {
    kv_destroy(replica->kv);
    tsdb_destroy(replica->tsdb);
    engine_batch_deinit(&replica->batch);
    buf_deinit(&replica->reply);
    engine_close(replica->engine);
    io_destroy(replica->io);
}

static struct names_view view_of(const struct replica *replica, int64_t now_ms) {
    return (struct names_view){.engine = replica->engine, .seed = 5, .log_time_ms = now_ms};
}

enum store { STORE_KV, STORE_TSDB };

static enum status apply_once(struct replica *replica, const struct names_view *view, enum store store,
                              struct slice operation) {
    engine_batch_clear(&replica->batch);
    buf_clear(&replica->reply);
    if (store == STORE_KV) return kv_apply(replica->kv, view, operation, &replica->batch, &replica->reply);
    return tsdb_apply(replica->tsdb, view, replica->index + 1, operation, &replica->batch, &replica->reply);
}

static void apply(struct replica *replica, enum store store, struct slice operation, int64_t now_ms) {
    struct names_view view = view_of(replica, now_ms);
    view.memory_only = replica->memory_only;
    enum status status = apply_once(replica, &view, store, operation);
    if (status == STATUS_WOULD_BLOCK) {
        replica->waits++;
        expect(store == STORE_KV ? kv_prefetch(replica->kv, &view, operation)
                                 : tsdb_prefetch(replica->tsdb, &view, operation));
        /* What a small cache did not keep is read by this call, as the driver allows it. */
        view.memory_only = false;
        status = apply_once(replica, &view, store, operation);
    }
    expect(status);
    write_batch(replica, now_ms);
}

static void disturb(struct replica *replica, struct prng *prng) {
    switch (prng_below(prng, 4)) {
    case 0: expect(engine_flush(replica->engine)); break;
    case 1: expect(engine_compact(replica->engine)); break;
    case 2: tsdb_forget(replica->tsdb); break;
    default:
        expect(engine_flush(replica->engine));
        engine_close(replica->engine);
        open_engine(replica);
        tsdb_forget(replica->tsdb);
    }
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

struct comparison {
    const struct model_series *model;
    size_t at;
};

static enum status compare_samples(void *context, const int64_t *times_ms, const double *values, size_t count) {
    struct comparison *comparison = context;
    const struct model_series *model = comparison->model;
    assert_true(comparison->at + count <= model->count);
    assert_memory_equal(times_ms, model->times + comparison->at, count * sizeof *times_ms);
    assert_memory_equal(values, model->values + comparison->at, count * sizeof *values);
    comparison->at += count;
    return STATUS_OK;
}

static struct slice name_of(size_t series) {
    static const char *const names[SERIES] = {"alpha", "beta", "gamma", "delta"};
    return slice_from_text(names[series]);
}

static void compare_series(const struct replica *replica, size_t series, int64_t now_ms) {
    const struct model_series *model = &models[series];
    struct names_view view = view_of(replica, now_ms);
    struct comparison comparison = {.model = model};
    while (comparison.at < model->count && model_is_hidden(model, model->times[comparison.at])) comparison.at++;
    enum status status = tsdb_scan(&view, name_of(series), INT64_MIN, INT64_MAX, compare_samples, &comparison);
    if (!model->exists) {
        assert_int_equal(status, STATUS_NOT_FOUND);
        return;
    }
    expect(status);
    assert_int_equal(comparison.at, model->count);
}

static void expect_reply(struct decoder *decoder, const char *error, int64_t integer) {
    struct reply_value value;
    expect(reply_decode(decoder, &value));
    if (error) {
        assert_int_equal(value.tag, REPLY_ERROR);
        assert_true(slice_equal(value.text, slice_from_text(error)));
    } else {
        assert_int_equal(value.tag, REPLY_INTEGER);
        assert_int_equal(value.integer, integer);
    }
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

struct run {
    struct prng prng;
    struct replica replicas[2];
    int64_t now_ms;
    struct buf operation;
};

static void apply_both(struct run *run, enum store store) {
    for (int i = 0; i < 2; i++) apply(&run->replicas[i], store, buf_slice(&run->operation), run->now_ms);
    const struct replica *a = &run->replicas[0], *b = &run->replicas[1];
    assert_true(slice_equal(buf_slice(&a->reply), buf_slice(&b->reply)));
    assert_true(slice_equal(buf_slice(&a->batch.operations), buf_slice(&b->batch.operations)));
}

static struct decoder apply_op(struct run *run, const struct tsdb_op *op) {
    buf_clear(&run->operation);
    expect(tsdb_op_encode(&run->operation, op));
    apply_both(run, STORE_TSDB);
    return decoder_make(buf_slice(&run->replicas[0].reply));
}

static void make_settings(struct run *run, struct tsdb_settings *settings) {
    static const uint32_t sizes[] = {48, 64, 200, 1024, 4096};
    *settings = (struct tsdb_settings){.given = (uint32_t)prng_below(&run->prng, 8) | TSDB_CHUNK_SIZE};
    if (settings->given & TSDB_RETENTION) settings->retention_ms = prng_between(&run->prng, 0, 400000);
    settings->chunk_bytes = sizes[prng_below(&run->prng, 5)];
    if (settings->given & TSDB_DUPLICATE_POLICY) settings->policy = (enum tsdb_policy)prng_below(&run->prng, 7);
}

static void model_take(struct model_series *model, const struct tsdb_settings *settings) {
    if (settings->given & TSDB_RETENTION) model->retention_ms = settings->retention_ms;
    if (settings->given & TSDB_DUPLICATE_POLICY) model->policy = settings->policy;
}

static void create_or_alter(struct run *run) {
    size_t series = prng_below(&run->prng, SERIES);
    struct model_series *model = &models[series];
    struct tsdb_op op = {.kind = model->exists ? TSDB_OP_ALTER : TSDB_OP_CREATE, .name = name_of(series)};
    make_settings(run, &op.settings);
    /* What retention has hidden may be gone: neither a longer one nor an older last sample is asked to bring it back.
     */
    if (model->exists) op.settings.given &= ~(uint32_t)TSDB_RETENTION;
    struct decoder decoder = apply_op(run, &op);
    struct reply_value value;
    expect(reply_decode(&decoder, &value));
    assert_int_equal(value.tag, REPLY_OK);
    if (!model->exists) model->count = model->retention_ms = model->policy = 0;
    model->exists = true;
    model_take(model, &op.settings);
}

/* Mostly behind the last one, sometimes far before, sometimes at a time that is taken. */
static int64_t make_time(struct run *run, const struct model_series *model, int64_t last_ms, unsigned disorder) {
    if (!prng_chance(&run->prng, disorder, 100)) return last_ms + (int64_t)prng_between(&run->prng, 1, 2000);
    if (model->count && prng_chance(&run->prng, 1, 3)) return model->times[prng_below(&run->prng, model->count)];
    return last_ms - (int64_t)prng_below(&run->prng, 500000);
}

static double make_value(struct run *run) {
    return prng_chance(&run->prng, 1, 2) ? (double)prng_below(&run->prng, 100) : prng_unit(&run->prng) * 1e6;
}

static void add_many(struct run *run) {
    static struct tsdb_add samples[ADD_MAX];
    static const unsigned disorders[] = {0, 0, 2, 30, 100};
    size_t count = prng_between(&run->prng, 1, prng_chance(&run->prng, 1, 8) ? ADD_MAX : 12);
    unsigned disorder = disorders[prng_below(&run->prng, 5)];
    bool one_series = prng_chance(&run->prng, 2, 3);
    size_t series = prng_below(&run->prng, SERIES);
    int64_t last_ms[SERIES];
    for (size_t i = 0; i < SERIES; i++) last_ms[i] = models[i].count ? models[i].times[models[i].count - 1] : 1000000;
    const char *errors[ADD_MAX];
    size_t chosen[ADD_MAX];
    for (size_t i = 0; i < count; i++) {
        if (!one_series) series = prng_below(&run->prng, SERIES);
        chosen[i] = series;
        int64_t time_ms = make_time(run, &models[series], last_ms[series], disorder);
        if (time_ms > last_ms[series]) last_ms[series] = time_ms;
        samples[i] = (struct tsdb_add){.name = name_of(series), .time_ms = time_ms, .value = make_value(run)};
    }
    struct tsdb_op op = {.kind = TSDB_OP_MADD, .samples = samples, .sample_count = count};
    struct decoder decoder = apply_op(run, &op);
    struct reply_value head;
    expect(reply_decode(&decoder, &head));
    assert_int_equal(head.count, count);
    for (size_t i = 0; i < count; i++) {
        struct model_series *model = &models[chosen[i]];
        errors[i] = "ERR TSDB: the key does not exist";
        if (model->exists) errors[i] = model_add(model, samples[i].time_ms, samples[i].value, TSDB_POLICY_NONE);
        expect_reply(&decoder, errors[i], samples[i].time_ms);
    }
}

static void add_one(struct run *run) {
    size_t series = prng_below(&run->prng, SERIES);
    struct model_series *model = &models[series];
    int64_t last_ms = model->count && model->exists ? model->times[model->count - 1] : 1000000;
    struct tsdb_add sample = {.name = name_of(series), .value = make_value(run)};
    sample.time_ms = make_time(run, model, last_ms, 20);
    struct tsdb_op op = {.kind = TSDB_OP_ADD, .samples = &sample, .sample_count = 1};
    op.on_duplicate = (enum tsdb_policy)prng_below(&run->prng, 7);
    make_settings(run, &op.settings);
    if (!model->exists) {
        model->count = model->retention_ms = model->policy = 0;
        model->exists = true;
        model_take(model, &op.settings);
    }
    struct decoder decoder = apply_op(run, &op);
    expect_reply(&decoder, model_add(model, sample.time_ms, sample.value, op.on_duplicate), sample.time_ms);
}

static void delete_samples(struct run *run) {
    size_t series = prng_below(&run->prng, SERIES);
    struct model_series *model = &models[series];
    if (!model->exists) return;
    struct tsdb_op op = {
        .kind = TSDB_OP_DELETE_RANGE, .name = name_of(series), .from_ms = INT64_MIN, .to_ms = INT64_MAX};
    if (model->count && !prng_chance(&run->prng, 1, 20)) {
        op.from_ms = model->times[prng_below(&run->prng, model->count)] + (int64_t)prng_below(&run->prng, 3) - 1;
        op.to_ms = op.from_ms + (int64_t)prng_below(&run->prng, prng_chance(&run->prng, 1, 2) ? 3000 : 300000);
    }
    if (model->count && model->retention_ms && op.to_ms >= model->times[model->count - 1])
        op.to_ms = model->times[model->count - 1] - 1;
    struct decoder decoder = apply_op(run, &op);
    expect_reply(&decoder, NULL, (int64_t)model_delete(model, op.from_ms, op.to_ms));
}

static void delete_name(struct run *run) {
    size_t series = prng_below(&run->prng, SERIES);
    struct slice name = name_of(series);
    struct kv_op op = {.kind = KV_OP_DELETE, .arguments = &name, .argument_count = 1};
    buf_clear(&run->operation);
    expect(kv_op_encode(&run->operation, &op));
    apply_both(run, STORE_KV);
    models[series].exists = false;
    models[series].count = 0;
}

static void step(struct run *run) {
    uint64_t choice = prng_below(&run->prng, 100);
    run->now_ms += (int64_t)prng_below(&run->prng, 5);
    if (choice < 10)
        create_or_alter(run);
    else if (choice < 60)
        add_many(run);
    else if (choice < 85)
        add_one(run);
    else if (choice < 97)
        delete_samples(run);
    else if (choice < 98)
        delete_name(run);
    if (prng_chance(&run->prng, 1, 6)) disturb(&run->replicas[1], &run->prng);
    if (!prng_chance(&run->prng, 1, 4)) return;
    for (size_t i = 0; i < SERIES; i++) compare_series(&run->replicas[prng_below(&run->prng, 2)], i, run->now_ms);
}

static void compare_hashes(struct run *run) {
    uint64_t hashes[2];
    for (int i = 0; i < 2; i++) {
        struct names_view view = view_of(&run->replicas[i], run->now_ms);
        expect(tsdb_hash(&view, &hashes[i]));
    }
    assert_int_equal(hashes[0], hashes[1]);
}

static void replies_samples_batches_and_hashes_agree_with_the_model(void **state) {
    (void)state;
    uint64_t first = test_seed(1), count = test_scaled(30);
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct run run = {.now_ms = 1};
        print_message("seed %llu\n", (unsigned long long)seed);
        prng_init(&run.prng, seed);
        memset(models, 0, sizeof models);
        open_replica(&run.replicas[0], seed, false, 0);
        open_replica(&run.replicas[1], seed, true, 64 << 10);
        for (int i = 0; i < 300; i++) step(&run);
        for (size_t i = 0; i < SERIES; i++) {
            compare_series(&run.replicas[0], i, run.now_ms);
            compare_series(&run.replicas[1], i, run.now_ms);
        }
        compare_hashes(&run);
        if (seed == first) assert_true(run.replicas[1].waits > 0);
        close_replica(&run.replicas[0]);
        close_replica(&run.replicas[1]);
        buf_deinit(&run.operation);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(replies_samples_batches_and_hashes_agree_with_the_model)};
    return cmocka_run_group_tests_name("tsdb_model", tests, NULL, NULL);
}
