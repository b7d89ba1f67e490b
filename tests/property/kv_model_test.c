/*
 * kv_model: random operations on two engines that flush and compact at different times, beside a model that is an
 * array. Every reply of both equals the model's; the logical hash of both is equal at the same index, although one
 * engine's compaction may have dropped what is due and the other's not; reads and the count agree with the model.
 *
 * Replay one case: LOAM_TEST_SEED=<seed> build/tests/property/kv_model_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/decimal.h"
#include "engine/base/prng.h"
#include "kv/kv.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { KEYS = 24, VALUE_MAX = 400, RUNS = 40, STEPS = 400, ENTRY_ARGS = 8 };

/* ---- the model ---- */

struct entry {
    bool present;
    int64_t expire_ms;
    size_t size;
    uint8_t value[4 * VALUE_MAX];
};

struct model {
    struct entry entries[KEYS];
    int64_t now_ms;
};

static struct entry *look(struct model *model, unsigned key) {
    struct entry *entry = &model->entries[key];
    if (entry->present && entry->expire_ms && entry->expire_ms <= model->now_ms) entry->present = false;
    return entry;
}

static void model_store(struct model *model, unsigned key, struct slice value, int64_t expire_ms) {
    struct entry *entry = &model->entries[key];
    entry->present = expire_ms == 0 || expire_ms > model->now_ms;
    entry->expire_ms = expire_ms;
    entry->size = value.size;
    if (value.size) memcpy(entry->value, value.data, value.size);
}

/* ---- one step: an operation and the model's answer ---- */

struct step {
    struct kv_op op;
    struct slice arguments[ENTRY_ARGS];
    unsigned keys[ENTRY_ARGS];
    struct buf expected;
};

static char names[KEYS][16];
static uint8_t random_bytes[VALUE_MAX];

static struct slice name_of(unsigned key) {
    return slice_from_text(names[key]);
}

static struct slice random_value(struct prng *prng) {
    if (prng_chance(prng, 1, 3)) { /* often a number, for INCR */
        static char number[8][24];
        char *text = number[prng_below(prng, 8)];
        int size = snprintf(text, sizeof number[0], "%lld", (long long)prng_below(prng, 2000) - 1000);
        return slice_make(text, (size_t)size);
    }
    return slice_make(random_bytes, prng_below(prng, VALUE_MAX));
}

static void expect(enum status status) {
    assert_int_equal(status, STATUS_OK);
}

static void add_expiry(struct prng *prng, struct model *model, struct step *step, int64_t *expire_ms) {
    *expire_ms = 0;
    if (prng_chance(prng, 1, 2)) return;
    bool relative = prng_chance(prng, 1, 2);
    step->op.flags |= relative ? KV_EXPIRE_IN : KV_EXPIRE_AT;
    step->op.origin = KV_ORIGIN_SET;
    step->op.number = (int64_t)prng_between(prng, 1, 3000);
    if (!relative) step->op.number += model->now_ms - 500;
    *expire_ms = relative ? model->now_ms + step->op.number : step->op.number;
}

static void make_set(struct prng *prng, struct model *model, struct step *step) {
    unsigned key = step->keys[0];
    struct entry *entry = look(model, key);
    int64_t expire_ms = 0;
    step->op.kind = KV_OP_SET;
    step->arguments[1] = random_value(prng);
    step->op.argument_count = 2;
    add_expiry(prng, model, step, &expire_ms);
    if (prng_chance(prng, 1, 4)) step->op.flags |= prng_chance(prng, 1, 2) ? KV_NX : KV_XX;
    if (prng_chance(prng, 1, 4)) step->op.flags |= KV_GET;
    if (expire_ms == 0 && prng_chance(prng, 1, 4)) step->op.flags |= KV_KEEP_TTL;
    uint32_t flags = step->op.flags;
    bool refused = (flags & KV_NX && entry->present) || (flags & KV_XX && !entry->present);
    if (flags & KV_GET && entry->present)
        expect(reply_bulk(&step->expected, slice_make(entry->value, entry->size)));
    else if (flags & KV_GET || refused)
        expect(reply_null(&step->expected));
    else
        expect(reply_ok(&step->expected));
    if (flags & KV_KEEP_TTL && entry->present) expire_ms = entry->expire_ms;
    if (!refused) model_store(model, key, step->arguments[1], expire_ms);
}

static void make_append(struct prng *prng, struct model *model, struct step *step) {
    struct entry *entry = look(model, step->keys[0]);
    step->op.kind = KV_OP_APPEND;
    step->arguments[1] = slice_make(random_bytes, prng_below(prng, 20));
    step->op.argument_count = 2;
    if (!entry->present) model_store(model, step->keys[0], slice_make(NULL, 0), 0);
    if (entry->size + step->arguments[1].size > sizeof entry->value) step->arguments[1].size = 0;
    memcpy(entry->value + entry->size, random_bytes, step->arguments[1].size);
    entry->size += step->arguments[1].size;
    expect(reply_integer(&step->expected, (int64_t)entry->size));
}

static void make_increment(struct prng *prng, struct model *model, struct step *step) {
    struct entry *entry = look(model, step->keys[0]);
    step->op.kind = KV_OP_INCREMENT;
    step->op.number = (int64_t)prng_below(prng, 100) - 50;
    step->op.argument_count = 1;
    int64_t value = 0;
    if (entry->present && !decimal_parse(slice_make(entry->value, entry->size), &value)) {
        expect(reply_error(&step->expected, "ERR value is not an integer or out of range"));
        return;
    }
    char text[24];
    int size = snprintf(text, sizeof text, "%lld", (long long)(value + step->op.number));
    model_store(model, step->keys[0], slice_make(text, (size_t)size), entry->present ? entry->expire_ms : 0);
    expect(reply_integer(&step->expected, value + step->op.number));
}

static void make_delete(struct prng *prng, struct model *model, struct step *step) {
    step->op.kind = KV_OP_DELETE;
    step->op.argument_count = 1 + prng_below(prng, 3);
    int64_t deleted = 0;
    for (size_t i = 0; i < step->op.argument_count; i++) {
        struct entry *entry = look(model, step->keys[i]);
        deleted += entry->present;
        entry->present = false;
    }
    expect(reply_integer(&step->expected, deleted));
}

static void make_expire(struct prng *prng, struct model *model, struct step *step) {
    static const uint32_t conditions[] = {0, 0, KV_NX, KV_XX, KV_GT, KV_LT};
    struct entry *entry = look(model, step->keys[0]);
    uint32_t condition = conditions[prng_below(prng, 6)];
    step->op.kind = KV_OP_EXPIRE;
    step->op.flags = KV_EXPIRE_IN | condition;
    step->op.origin = KV_ORIGIN_PEXPIRE;
    step->op.number = (int64_t)prng_below(prng, 2500) - 300;
    step->op.argument_count = 1;
    int64_t when = model->now_ms + step->op.number, old = entry->expire_ms;
    bool allowed = entry->present;
    if (condition == KV_NX) allowed &= old == 0;
    if (condition == KV_XX) allowed &= old != 0;
    if (condition == KV_GT) allowed &= old != 0 && when > old;
    if (condition == KV_LT) allowed &= old == 0 || when < old;
    if (allowed) entry->expire_ms = when;
    if (allowed && when <= model->now_ms) entry->present = false;
    expect(reply_integer(&step->expected, allowed));
}

static void make_persist(struct prng *prng, struct model *model, struct step *step) {
    (void)prng;
    struct entry *entry = look(model, step->keys[0]);
    step->op.kind = KV_OP_PERSIST;
    step->op.argument_count = 1;
    expect(reply_integer(&step->expected, entry->present && entry->expire_ms));
    if (entry->present) entry->expire_ms = 0;
}

static void make_rename(struct prng *prng, struct model *model, struct step *step) {
    struct entry *from = look(model, step->keys[0]), *to = look(model, step->keys[1]);
    bool only_new = prng_chance(prng, 1, 2);
    step->op.kind = KV_OP_RENAME;
    step->op.flags = only_new ? KV_NX : 0;
    step->op.argument_count = 2;
    bool same = step->keys[0] == step->keys[1];
    if (!from->present) {
        expect(reply_error(&step->expected, "ERR no such key"));
        return;
    }
    bool done = !same && !(only_new && to->present);
    if (only_new)
        expect(reply_integer(&step->expected, done));
    else
        expect(reply_ok(&step->expected));
    if (!done) return;
    *to = *from;
    from->present = false;
}

static void make_copy(struct prng *prng, struct model *model, struct step *step) {
    if (step->keys[0] == step->keys[1]) step->keys[1] = (step->keys[0] + 1) % KEYS;
    step->arguments[1] = name_of(step->keys[1]);
    struct entry *from = look(model, step->keys[0]), *to = look(model, step->keys[1]);
    bool replace = prng_chance(prng, 1, 2);
    step->op.kind = KV_OP_COPY;
    step->op.flags = replace ? KV_REPLACE : 0;
    step->op.argument_count = 2;
    bool done = from->present && (replace || !to->present);
    if (done) *to = *from;
    expect(reply_integer(&step->expected, done));
}

static void make_mset(struct prng *prng, struct model *model, struct step *step) {
    step->op.kind = KV_OP_MSET;
    step->op.flags = prng_chance(prng, 1, 3) ? KV_NX : 0;
    step->op.argument_count = 2 * (1 + prng_below(prng, 3));
    bool any = false;
    for (size_t i = 0; i < step->op.argument_count; i += 2) {
        step->arguments[i] = name_of(step->keys[i]);
        step->arguments[i + 1] = random_value(prng);
        any |= look(model, step->keys[i])->present;
    }
    bool refused = step->op.flags & KV_NX && any;
    for (size_t i = 0; i < step->op.argument_count && !refused; i += 2)
        model_store(model, step->keys[i], step->arguments[i + 1], 0);
    if (step->op.flags & KV_NX)
        expect(reply_integer(&step->expected, !refused));
    else
        expect(reply_ok(&step->expected));
}

static void make_getdel(struct prng *prng, struct model *model, struct step *step) {
    (void)prng;
    struct entry *entry = look(model, step->keys[0]);
    step->op.kind = KV_OP_GETDEL;
    step->op.argument_count = 1;
    if (entry->present)
        expect(reply_bulk(&step->expected, slice_make(entry->value, entry->size)));
    else
        expect(reply_null(&step->expected));
    entry->present = false;
}

static void make_clear(struct prng *prng, struct model *model, struct step *step) {
    step->op.kind = KV_OP_CLEAR;
    step->op.argument_count = 0;
    if (!prng_chance(prng, 1, 6)) { /* seldom: else nothing grows old */
        make_persist(prng, model, step);
        return;
    }
    for (unsigned i = 0; i < KEYS; i++) model->entries[i].present = false;
    expect(reply_ok(&step->expected));
}

static void make_step(struct prng *prng, struct model *model, struct step *step) {
    static void (*const makers[])(struct prng *, struct model *, struct step *) = {
        make_set,     make_set,    make_set,  make_append, make_increment, make_delete, make_expire,
        make_persist, make_rename, make_copy, make_mset,   make_getdel,    make_clear};
    step->op = (struct kv_op){0};
    buf_clear(&step->expected);
    for (int i = 0; i < ENTRY_ARGS; i++) {
        step->keys[i] = (unsigned)prng_below(prng, KEYS);
        step->arguments[i] = name_of(step->keys[i]);
    }
    makers[prng_below(prng, sizeof makers / sizeof makers[0])](prng, model, step);
    step->op.arguments = step->arguments;
}

/* ---- a replica ---- */

struct replica {
    struct io *io;
    struct engine *engine;
    struct kv *kv;
    struct engine_options options;
    struct engine_batch batch;
    struct buf reply;
    uint64_t index;
    bool memory_only; /* goes the way of WOULD_BLOCK and prefetch */
    unsigned prefetches;
};

static void open_replica_engine(struct replica *replica) {
    struct error error = {0};
    if (engine_open(replica->io, "db", &replica->options, &replica->engine, &error)) fail_msg("%s", error.text);
}

static void open_replica(struct replica *replica, uint64_t seed, size_t memtable_bytes, bool memory_only) {
    *replica = (struct replica){.io = sim_io_create_alone(seed), .memory_only = memory_only};
    replica->options = (struct engine_options){.kinds = names_kinds,
                                               .kind_count = names_kind_count,
                                               .wal = ENGINE_WAL_OFF,
                                               .memtable_bytes = memtable_bytes,
                                               .cache_bytes = 64 << 10,
                                               .disk_reserve_bytes = 1};
    open_replica_engine(replica);
    expect(kv_create(NULL, 0, &replica->kv));
    engine_batch_init(&replica->batch);
    static const uint32_t trees[][2] = {
        {TREE_NAMES, KIND_NAMES}, {TREE_NAMES_EXPIRY, KIND_NAMES_EXPIRY}, {TREE_NAMES_META, KIND_NAMES_META}};
    for (int i = 0; i < 3; i++) expect(engine_batch_create_tree(&replica->batch, trees[i][0], trees[i][1]));
    replica->batch.mark = (struct engine_mark){.index = ++replica->index, .term = 1};
    expect(engine_write(replica->engine, &replica->batch, NULL));
    engine_log_durable(replica->engine, replica->index);
}

static void close_replica(struct replica *replica) {
    kv_destroy(replica->kv);
    engine_batch_deinit(&replica->batch);
    buf_deinit(&replica->reply);
    engine_close(replica->engine);
    io_destroy(replica->io);
}

static struct names_view view_of(const struct replica *replica, int64_t now_ms) {
    return (struct names_view){.engine = replica->engine, .seed = 99, .log_time_ms = now_ms};
}

static void apply(struct replica *replica, struct slice operation, int64_t now_ms) {
    struct names_view view = view_of(replica, now_ms);
    view.memory_only = replica->memory_only;
    enum status status = STATUS_WOULD_BLOCK;
    for (int tries = 0; status == STATUS_WOULD_BLOCK && tries < 3; tries++) {
        if (tries) {
            expect(kv_prefetch(replica->kv, &view, operation));
            replica->prefetches++;
        }
        engine_batch_clear(&replica->batch);
        buf_clear(&replica->reply);
        status = kv_apply(replica->kv, &view, operation, &replica->batch, &replica->reply);
    }
    expect(status);
    replica->batch.mark = (struct engine_mark){.index = ++replica->index, .term = 1, .time_ms = now_ms};
    expect(engine_write(replica->engine, &replica->batch, NULL));
    engine_log_durable(replica->engine, replica->index);
}

static void flush_and_reopen(struct replica *replica) {
    expect(engine_flush(replica->engine));
    expect(engine_compact(replica->engine));
    engine_close(replica->engine);
    open_replica_engine(replica);
}

/* ---- comparing ---- */

static void assert_same_reply(const struct replica *replica, const struct step *step, uint64_t seed, unsigned at) {
    if (slice_equal(buf_slice(&replica->reply), buf_slice(&step->expected))) return;
    fail_msg("seed %llu, step %u: %s answers otherwise than the model; replay: LOAM_TEST_SEED=%llu "
             "build/tests/property/kv_model_test",
             (unsigned long long)seed, at, kv_op_kind_name(step->op.kind), (unsigned long long)seed);
}

static enum status count_visit(void *context, struct slice name, const struct name_row *row) {
    uint64_t *visits = context;
    (void)row;
    for (unsigned key = 0; key < KEYS; key++)
        if (slice_equal(name, name_of(key))) visits[key]++;
    return STATUS_OK;
}

/* Every key by get, and a whole scan in small steps that meets each name that is there exactly once. */
static void assert_same_state(struct replica *replica, struct model *model) {
    struct names_view view = view_of(replica, model->now_ms);
    uint64_t visits[KEYS] = {0}, cursor = 0;
    do expect(names_scan(&view, &cursor, 3, count_visit, visits));
    while (cursor);
    for (unsigned key = 0; key < KEYS; key++) {
        struct entry *entry = look(model, key);
        struct name_row row;
        struct engine_value value;
        enum status status = names_get(&view, name_of(key), &row, &value);
        assert_int_equal(status, entry->present ? STATUS_OK : STATUS_NOT_FOUND);
        assert_int_equal(visits[key], entry->present);
        if (!entry->present) continue;
        assert_true(slice_equal(row.value, slice_make(entry->value, entry->size)));
        assert_true(row.expire_ms == entry->expire_ms);
        engine_value_release(&value);
    }
}

static void reap_everything(struct replica *replica, struct model *model) {
    struct kv_op op = {.kind = KV_OP_REAP, .number = 1000};
    struct buf operation = BUF_EMPTY;
    expect(kv_op_encode(&operation, &op));
    apply(replica, buf_slice(&operation), model->now_ms);
    buf_deinit(&operation);
    struct names_view view = view_of(replica, model->now_ms);
    uint64_t count = 0, present = 0;
    for (unsigned key = 0; key < KEYS; key++) present += look(model, key)->present;
    expect(names_count(&view, &count));
    assert_int_equal(count, present);
}

static void run(uint64_t seed) {
    struct prng prng;
    struct model model = {.now_ms = 1000000};
    struct replica replicas[2];
    struct step step = {0};
    struct buf operation = BUF_EMPTY;
    prng_init(&prng, seed);
    prng_fill(&prng, random_bytes, sizeof random_bytes);
    for (unsigned i = 0; i < KEYS; i++) (void)snprintf(names[i], sizeof names[i], "name-%u", i);
    open_replica(&replicas[0], seed, 1 << 20, false);
    open_replica(&replicas[1], seed + 1, 32 << 10, true);
    for (unsigned at = 0; at < STEPS; at++) {
        model.now_ms += (int64_t)prng_below(&prng, 200);
        make_step(&prng, &model, &step);
        buf_clear(&operation);
        expect(kv_op_encode(&operation, &step.op));
        for (int i = 0; i < 2; i++) {
            apply(&replicas[i], buf_slice(&operation), model.now_ms);
            assert_same_reply(&replicas[i], &step, seed, at);
        }
        if (prng_chance(&prng, 1, 60)) flush_and_reopen(&replicas[1]);
        if (prng_chance(&prng, 1, 80))
            for (int i = 0; i < 2; i++) reap_everything(&replicas[i], &model);
        if (!prng_chance(&prng, 1, 20)) continue;
        uint64_t hashes[2];
        for (int i = 0; i < 2; i++) {
            struct names_view view = view_of(&replicas[i], model.now_ms);
            expect(names_hash(&view, &hashes[i]));
            assert_same_state(&replicas[i], &model);
        }
        assert_true(hashes[0] == hashes[1]);
    }
    for (int i = 0; i < 2; i++) close_replica(&replicas[i]);
    buf_deinit(&operation);
    buf_deinit(&step.expected);
}

static void replies_reads_count_and_hashes_agree_with_the_model(void **state) {
    (void)state;
    uint64_t first = test_seed(1);
    for (uint64_t i = 0; i < test_scaled(RUNS); i++) run(first + i);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(replies_reads_count_and_hashes_agree_with_the_model)};
    return cmocka_run_group_tests_name("kv_model", tests, NULL, NULL);
}
