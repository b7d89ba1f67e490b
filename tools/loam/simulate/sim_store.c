/* sim_store: see sim_store.h. Invariant: what a call of the engine took on the caller's side has passed when the next
 * one comes. */
#include "tools/loam/simulate/sim_store.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/prng.h"

enum {
    SEED = 1,
    NOISE_BYTES = 1 << 20,
    NOISE_UNIT = 100,
    LOOK_NS = 100000, /* a writer that has to wait tries again so often */
};
#define WAIT_MOST_NS ((uint64_t)3600 * 1000000000)
#define REST_MOST_NS ((uint64_t)30 * 24 * 3600 * 1000000000) /* of virtual time: far beyond what any merging takes */

static const char dir[] = "store";

/* ---- Merges ------------------------------------------------------------------------------------------------------ */

static enum status take_last(void *context, struct slice key, const struct slice *base, const struct slice *operands,
                             size_t count, struct buf *result) {
    (void)context;
    (void)key;
    (void)base;
    return buf_append_slice(result, operands[count - 1]);
}

static enum status take_last_operand(void *context, struct slice key, const struct slice *operands, size_t count,
                                     struct buf *result) {
    return take_last(context, key, NULL, operands, count, result);
}

static const struct engine_merge last_wins = {.name = "simulate.last", .full = take_last, .partial = take_last_operand};

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static enum status fail(struct sim_store *store, enum status status, const char *what) {
    struct error last = {.status = STATUS_OK};
    if (store->engine) engine_last_error(store->engine, &last);
    return error_set(&store->error, status, "%s: %s", what, last.status != STATUS_OK ? last.text : status_text(status));
}

/* Half of each unit repeats the other half. */
static bool make_noise(struct sim_store *store, uint32_t value_most) {
    struct prng prng;
    store->value_most = value_most;
    store->noise_bytes = NOISE_BYTES + (size_t)value_most;
    store->noise = malloc(store->noise_bytes);
    if (!store->noise) return false;
    prng_init(&prng, SEED);
    prng_fill(&prng, store->noise, store->noise_bytes);
    for (size_t at = 0; at + NOISE_UNIT <= store->noise_bytes; at += NOISE_UNIT)
        memcpy(store->noise + at + NOISE_UNIT / 2, store->noise + at, NOISE_UNIT / 2);
    return true;
}

enum status sim_store_open(struct sim_store *store, const struct sim_store_options *options) {
    const struct sim_io_options machine = {
        .compaction_workers = 2, .read_workers = 1, .long_workers = 1, .device = &options->device};
    struct engine_options engine = options->engine;
    engine_batch_init(&store->batch);
    store->sim = sim_create(SEED);
    store->disk = sim_disk_create(SEED);
    if (!make_noise(store, options->value_most)) return fail(store, STATUS_NO_MEMORY, "values");
    const struct sim_disk_faults bounds = {.capacity_bytes = options->capacity_bytes};
    sim_disk_set_faults(store->disk, &bounds);
    store->io = sim_io_create(store->sim, store->disk, &machine);
    store->kind = options->kind;
    store->kind.id = SIM_STORE_KIND;
    store->kind.name = "simulate.tree";
    store->kind.merge = &last_wins;
    engine.kinds = &store->kind;
    engine.kind_count = 1;
    engine.wal = ENGINE_WAL_OFF;
    engine.disk_reserve_bytes = 1;
    engine.event_log_bytes = ENGINE_EVENT_LOG_OFF;
    const enum status status = engine_open(store->io, dir, &engine, &store->engine, &store->error);
    if (status == STATUS_OK) engine_log_durable(store->engine, UINT64_MAX);
    return status;
}

void sim_store_close(struct sim_store *store) {
    engine_close(store->engine);
    engine_batch_deinit(&store->batch);
    if (store->io) io_destroy(store->io);
    sim_disk_destroy(store->disk);
    sim_destroy(store->sim);
    free(store->trees);
    free(store->noise);
}

enum status sim_store_open_reader(struct sim_store *store, struct sim_store_reader *reader) {
    static const struct sim_device free_of_charge;
    const struct sim_io_options machine = {.device = &free_of_charge};
    const struct engine_options options = {
        .kinds = &store->kind, .kind_count = 1, .wal = ENGINE_WAL_OFF, .must_exist = true, .read_only = true};
    *reader = (struct sim_store_reader){.sim = sim_create(SEED), .disk = sim_disk_clone(store->disk, SEED)};
    reader->io = sim_io_create(reader->sim, reader->disk, &machine);
    return engine_open(reader->io, dir, &options, &reader->engine, &store->error);
}

void sim_store_close_reader(struct sim_store_reader *reader) {
    engine_close(reader->engine);
    io_destroy(reader->io);
    sim_disk_destroy(reader->disk);
    sim_destroy(reader->sim);
}

/* ---- Trees ------------------------------------------------------------------------------------------------------- */

/* Where it is, or would be. */
static size_t place_of(const struct sim_store *store, uint32_t tree) {
    size_t low = 0, high = store->tree_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (store->trees[middle] < tree)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool sim_store_has_tree(const struct sim_store *store, uint32_t tree) {
    const size_t at = place_of(store, tree);
    return at < store->tree_count && store->trees[at] == tree;
}

static enum status note_tree(struct sim_store *store, uint32_t tree) {
    const size_t at = place_of(store, tree);
    if (store->tree_count == store->tree_capacity) {
        const size_t more = store->tree_capacity ? store->tree_capacity * 2 : 16;
        uint32_t *grown = realloc(store->trees, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        store->trees = grown;
        store->tree_capacity = more;
    }
    memmove(store->trees + at + 1, store->trees + at, (store->tree_count - at) * sizeof *store->trees);
    store->trees[at] = tree;
    store->tree_count++;
    return STATUS_OK;
}

static void forget_tree(struct sim_store *store, uint32_t tree) {
    const size_t at = place_of(store, tree);
    store->tree_count--;
    memmove(store->trees + at, store->trees + at + 1, (store->tree_count - at) * sizeof *store->trees);
}

/* ---- Writes ------------------------------------------------------------------------------------------------------ */

static struct slice make_value(struct sim_store *store, uint32_t size) {
    store->noise_at += size;
    if (store->noise_at + size > store->noise_bytes) store->noise_at = store->noise_at % NOISE_UNIT;
    return slice_make(store->noise + store->noise_at, size);
}

static enum status stage(struct sim_store *store, const struct write_op *op) {
    struct engine_batch *batch = &store->batch;
    const struct slice value = make_value(store, op->value_bytes);
    switch (op->kind) {
    case WRITE_PUT: return engine_batch_put(batch, op->tree, op->key, value);
    case WRITE_DELETE: return engine_batch_delete(batch, op->tree, op->key);
    case WRITE_DELETE_RANGE: return engine_batch_delete_range(batch, op->tree, op->key, op->end);
    case WRITE_MERGE: return engine_batch_merge(batch, op->tree, op->key, value);
    case WRITE_APPEND: return engine_batch_append(batch, op->tree, op->key, value);
    case WRITE_DROP_TREE: return engine_batch_drop_tree(batch, op->tree);
    }
    return STATUS_INVALID;
}

static void let_pass(struct sim_store *store, uint64_t ns) {
    sim_store_run_until(store, sim_now_ns(store->sim) + ns + sim_io_take_lead_ns(store->io));
}

static enum status write_batch(struct sim_store *store, const struct write_op *op) {
    static const struct engine_write_options no_wait = {.no_wait = true};
    store->batch.mark = (struct engine_mark){.index = store->index + 1, .term = 1, .time_ms = op->time_ms};
    const enum status status = engine_write(store->engine, &store->batch, &no_wait);
    if (status == STATUS_OK) store->index++;
    let_pass(store, status == STATUS_OK ? SIM_STORE_WRITE_NS : 0);
    return status;
}

enum status sim_store_write(struct sim_store *store, const struct write_op *op) {
    const bool is_there = sim_store_has_tree(store, op->tree), drops = op->kind == WRITE_DROP_TREE;
    if (!is_there && (drops || op->kind == WRITE_DELETE_RANGE)) return STATUS_OK;
    if (!is_there && store->tree_count == ENGINE_TREES_MAX)
        return error_set(&store->error, STATUS_TOO_LARGE, "more than %d trees at once", ENGINE_TREES_MAX);
    engine_batch_clear(&store->batch);
    enum status status = is_there ? STATUS_OK : engine_batch_create_tree(&store->batch, op->tree, SIM_STORE_KIND);
    if (status == STATUS_OK) status = stage(store, op);
    if (status == STATUS_OK) status = write_batch(store, op);
    if (status == STATUS_BUSY) return status;
    if (status != STATUS_OK) return fail(store, status, "a write");
    if (drops) forget_tree(store, op->tree);
    if (!is_there) status = note_tree(store, op->tree);
    return status == STATUS_OK ? status : fail(store, status, "trees");
}

enum status sim_store_write_waiting(struct sim_store *store, const struct write_op *op, uint64_t *waited_ns) {
    const uint64_t begin = sim_now_ns(store->sim);
    enum status status;
    *waited_ns = 0;
    while ((status = sim_store_write(store, op)) == STATUS_BUSY) {
        const uint64_t now = sim_now_ns(store->sim), next = sim_next_ns(store->sim);
        if (now - begin > WAIT_MOST_NS)
            return error_set(&store->error, STATUS_TIMED_OUT, "a write waited for an hour of the store's time");
        sim_store_run_until(store, next > now && next < now + LOOK_NS ? next : now + LOOK_NS);
        *waited_ns = sim_now_ns(store->sim) - begin;
    }
    return status;
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

uint64_t sim_store_now_ns(const struct sim_store *store) {
    return sim_now_ns(store->sim);
}

void sim_store_run_until(struct sim_store *store, uint64_t at_ns) {
    const uint64_t now = sim_now_ns(store->sim);
    sim_run_until(store->sim, at_ns > now ? at_ns : now);
}

enum status sim_store_rest(struct sim_store *store) {
    const uint64_t until = sim_now_ns(store->sim) + REST_MOST_NS;
    const enum status status = engine_flush_start(store->engine);
    if (status != STATUS_OK) return fail(store, status, "the last flush");
    let_pass(store, 0);
    while (sim_next_ns(store->sim) != UINT64_MAX) {
        if (sim_next_ns(store->sim) > until) return fail(store, STATUS_TIMED_OUT, "rest does not come");
        (void)sim_step(store->sim);
    }
    const enum status failed = engine_failure(store->engine);
    return failed == STATUS_OK ? STATUS_OK : fail(store, failed, "a flush");
}
