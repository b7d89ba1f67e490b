/*
 * engine_workload: the generator and the model. The model keeps every state: state n is made from n - 1 once, sharing
 * nothing; states are small.
 */
#include "tests/harness/engine_workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "engine/base/prng.h"

enum {
    KIND_PLAIN = 1,
    KIND_SUM = 2, /* merge adds 64-bit numbers */
    MARKER_TREE = 1,
    KEYS = 60,
    VALUE_MAX = 3000,
    OPERATIONS_MAX = 8,
    APPEND_LIMIT = 6000,
    INGEST_EVERY = 9,
};

static const char marker[8] = "!"; /* as long as a key of the model */

/* ---- The model --------------------------------------------------------------------------------------------------- */

struct pair {
    char key[8];
    struct buf value;
};

struct tree {
    uint32_t kind;               /* 0: is not there */
    struct pair pairs[KEYS + 1]; /* sorted */
    size_t count;
};

struct state {
    struct tree trees[WORKLOAD_TREES + 1]; /* from 1 */
};

enum action { PUT, DELETE, DELETE_RANGE, MERGE, APPEND, CREATE, DROP };

struct operation {
    enum action action;
    uint32_t tree;
    uint32_t kind;
    char key[8];
    char end[8];
    uint64_t value_seed;
    size_t value_size;
};

struct step {
    struct operation operations[OPERATIONS_MAX + WORKLOAD_TREES];
    size_t count;
    bool ingests; /* puts and deletes of one tree, each key once, behind at most one range delete */
};

struct workload {
    uint64_t seed;
    uint32_t batches;
    unsigned large;
    struct step *steps; /* from 1 */
    uint64_t low, span; /* while drawing: keys come from here */
};

static void must(enum status status) {
    check(status == STATUS_OK);
}

static size_t find(const struct tree *tree, const char *key, bool *is_there) {
    size_t at = 0;
    while (at < tree->count && strcmp(tree->pairs[at].key, key) < 0) at++;
    *is_there = at < tree->count && strcmp(tree->pairs[at].key, key) == 0;
    return at;
}

/* The value of key, made empty if absent. */
static struct buf *upsert(struct tree *tree, const char *key, bool *was_there) {
    size_t at = find(tree, key, was_there);
    if (!*was_there) {
        check(tree->count < KEYS + 1);
        memmove(&tree->pairs[at + 1], &tree->pairs[at], (tree->count - at) * sizeof tree->pairs[0]);
        tree->pairs[at] = (struct pair){.value = BUF_EMPTY};
        memcpy(tree->pairs[at].key, key, sizeof tree->pairs[at].key);
        tree->count++;
    }
    return &tree->pairs[at].value;
}

static void erase(struct tree *tree, size_t at) {
    buf_deinit(&tree->pairs[at].value);
    tree->count--;
    memmove(&tree->pairs[at], &tree->pairs[at + 1], (tree->count - at) * sizeof tree->pairs[0]);
}

static void clear(struct tree *tree) {
    while (tree->count > 0) erase(tree, tree->count - 1);
}

static void make_value(const struct operation *operation, uint8_t *to) {
    struct prng prng;
    prng_init(&prng, operation->value_seed);
    for (size_t i = 0; i < operation->value_size; i++) {
        to[i] = i % 16 < 8 ? (uint8_t)('a' + i % 16) : (uint8_t)prng_next(&prng); /* half compressible */
    }
}

static void add(struct buf *value, bool was_there, uint64_t number) {
    uint8_t sum[8];
    coding_put_u64(sum, (was_there ? coding_get_u64(value->data) : 0) + number);
    must(buf_assign(value, slice_make(sum, sizeof sum)));
}

static void erase_range(struct tree *tree, const char *begin, const char *end) {
    for (size_t i = tree->count; i-- > 0;) {
        const char *key = tree->pairs[i].key;
        if (strcmp(key, begin) >= 0 && (end[0] == '\0' || strcmp(key, end) < 0)) erase(tree, i);
    }
}

static void model_change(struct tree *tree, const struct operation *operation) {
    uint8_t bytes[VALUE_MAX];
    bool was_there;
    struct buf *value;
    switch (operation->action) {
    case PUT:
    case APPEND:
        make_value(operation, bytes);
        value = upsert(tree, operation->key, &was_there);
        if (operation->action == PUT) buf_clear(value);
        must(buf_append(value, bytes, operation->value_size));
        break;
    case MERGE:
        value = upsert(tree, operation->key, &was_there);
        add(value, was_there, operation->value_seed);
        break;
    case DELETE:
        for (size_t at = find(tree, operation->key, &was_there); was_there; was_there = false) erase(tree, at);
        break;
    case DELETE_RANGE: erase_range(tree, operation->key, operation->end); break;
    case CREATE: tree->kind = operation->kind; break;
    case DROP:
        clear(tree);
        tree->kind = 0;
        break;
    }
}

static void model_apply(struct state *state, const struct step *step, uint32_t n) {
    for (size_t i = 0; i < step->count; i++)
        model_change(&state->trees[step->operations[i].tree], &step->operations[i]);
    uint8_t number[8];
    bool was_there;
    coding_put_u64(number, n);
    must(buf_assign(upsert(&state->trees[MARKER_TREE], marker, &was_there), slice_make(number, sizeof number)));
}

static void model_clear(struct state *state) {
    for (size_t i = 1; i <= WORKLOAD_TREES; i++) clear(&state->trees[i]);
}

/* ---- The generator ----------------------------------------------------------------------------------------------- */

static void draw_key(struct prng *prng, const struct workload *workload, char *key) {
    snprintf(key, 8, "k%02u", (unsigned)(workload->low + prng_below(prng, workload->span)));
}

static size_t value_size(const struct tree *tree, const char *key) {
    bool is_there;
    size_t at = find(tree, key, &is_there);
    return is_there ? tree->pairs[at].value.size : 0;
}

static struct operation *add_operation(struct step *step, enum action action, uint32_t tree) {
    struct operation *operation = &step->operations[step->count++];
    operation->action = action;
    operation->tree = tree;
    return operation;
}

static void draw_value(struct prng *prng, const struct workload *workload, struct operation *operation) {
    bool is_large = prng_below(prng, 100) < workload->large;
    operation->value_seed = prng_next(prng);
    operation->value_size = (size_t)prng_below(prng, is_large ? VALUE_MAX : 120);
}

/* The end of a range that begins at the operation's key; the two change places when they are the wrong way round. */
static void draw_end(struct prng *prng, const struct workload *workload, struct operation *operation) {
    draw_key(prng, workload, operation->end);
    int order = strcmp(operation->key, operation->end);
    if (order == 0) operation->action = DELETE;
    if (order <= 0) return;
    char swapped[8];
    memcpy(swapped, operation->end, sizeof swapped);
    memcpy(operation->end, operation->key, sizeof swapped);
    memcpy(operation->key, swapped, sizeof swapped);
}

/* On a tree of the plain kind. */
static void draw_plain(struct prng *prng, const struct workload *workload, struct step *step, const struct tree *tree,
                       uint32_t number) {
    uint64_t draw = prng_below(prng, 100);
    enum action action = draw < 50 ? PUT : draw < 70 ? APPEND : draw < 92 ? DELETE : DELETE_RANGE;
    struct operation *operation = add_operation(step, action, number);
    draw_key(prng, workload, operation->key);
    if (action == APPEND && value_size(tree, operation->key) > APPEND_LIMIT) operation->action = DELETE;
    if (action == PUT || action == APPEND) draw_value(prng, workload, operation);
    if (action == DELETE_RANGE && !prng_chance(prng, 1, 8)) draw_end(prng, workload, operation);
}

static void draw_sum(struct prng *prng, const struct workload *workload, struct step *step, uint32_t number) {
    bool is_delete = prng_chance(prng, 1, 5);
    struct operation *operation = add_operation(step, is_delete ? DELETE : MERGE, number);
    draw_key(prng, workload, operation->key);
    operation->value_seed = prng_next(prng);
}

static void draw_operation(struct prng *prng, const struct workload *workload, struct step *step, struct state *state) {
    uint32_t number = (uint32_t)prng_between(prng, 1, WORKLOAD_TREES);
    const struct tree *tree = &state->trees[number];
    if (tree->kind == 0) {
        add_operation(step, CREATE, number)->kind = prng_chance(prng, 1, 3) ? KIND_SUM : KIND_PLAIN;
    } else if (number != MARKER_TREE && prng_chance(prng, 1, 25)) {
        add_operation(step, DROP, number);
    } else if (tree->kind == KIND_SUM) {
        draw_sum(prng, workload, step, number);
    } else {
        draw_plain(prng, workload, step, tree, number);
    }
}

/* With an odd seed the keys move upwards as time goes on, so that files do not overlap and compaction moves them whole.
 */
static void choose_keys(struct workload *workload, uint32_t n) {
    bool drifts = workload->seed % 2 == 1;
    workload->span = drifts ? KEYS / 6 : KEYS;
    workload->low = drifts ? (KEYS - workload->span) * n / workload->batches : 0;
}

static bool has_key(const struct step *step, const char *key) {
    for (size_t i = 0; i < step->count; i++)
        if (step->operations[i].action != DELETE_RANGE && strcmp(step->operations[i].key, key) == 0) return true;
    return false;
}

/* What may stand in a file for the marker's tree, in the order of its keys. */
static void draw_ingest(struct prng *prng, const struct workload *workload, struct step *step, struct state *state) {
    step->ingests = true;
    if (prng_chance(prng, 1, 3)) {
        struct operation *range = add_operation(step, DELETE_RANGE, MARKER_TREE);
        draw_key(prng, workload, range->key);
        draw_end(prng, workload, range);
        if (range->action == DELETE) step->count--; /* an empty one */
    }
    for (uint64_t left = prng_between(prng, 1, OPERATIONS_MAX - 1); left > 0; left--) {
        char key[8] = {0};
        draw_key(prng, workload, key);
        if (has_key(step, key)) continue;
        size_t at = step->count++;
        const size_t first = step->operations[0].action == DELETE_RANGE ? 1 : 0;
        for (; at > first && strcmp(step->operations[at - 1].key, key) > 0; at--)
            step->operations[at] = step->operations[at - 1];
        struct operation *operation = &step->operations[at];
        *operation = (struct operation){.action = prng_chance(prng, 1, 4) ? DELETE : PUT, .tree = MARKER_TREE};
        memcpy(operation->key, key, sizeof key);
        if (operation->action == PUT) draw_value(prng, workload, operation);
    }
    for (size_t i = 0; i < step->count; i++) model_change(&state->trees[MARKER_TREE], &step->operations[i]);
}

/* Each operation is drawn in the state that the ones before it left. */
static void draw_step(struct workload *workload, uint32_t n, struct state *state) {
    struct prng prng;
    struct step *step = &workload->steps[n];
    prng_init(&prng, hash_mix(workload->seed, n));
    choose_keys(workload, n);
    if (n == 1) add_operation(step, CREATE, MARKER_TREE)->kind = KIND_PLAIN;
    if (n == 1) model_change(&state->trees[MARKER_TREE], &step->operations[0]);
    if (n % INGEST_EVERY == INGEST_EVERY - 1) {
        draw_ingest(&prng, workload, step, state);
        return;
    }
    for (uint64_t left = prng_between(&prng, 1, OPERATIONS_MAX); left > 0; left--) {
        draw_operation(&prng, workload, step, state);
        const struct operation *operation = &step->operations[step->count - 1];
        model_change(&state->trees[operation->tree], operation);
    }
}

struct workload *workload_create(uint64_t seed, uint32_t batches, unsigned large) {
    struct workload *workload = calloc(1, sizeof *workload);
    struct state *state = calloc(1, sizeof *state);
    check(workload != NULL && state != NULL);
    *workload = (struct workload){.seed = seed, .batches = batches, .large = large};
    workload->steps = calloc((size_t)batches + 1, sizeof *workload->steps);
    check(workload->steps != NULL);
    for (uint32_t n = 1; n <= batches; n++) draw_step(workload, n, state);
    model_clear(state);
    free(state);
    return workload;
}

void workload_destroy(struct workload *workload) {
    free(workload->steps);
    free(workload);
}

uint32_t workload_batches(const struct workload *workload) {
    return workload->batches;
}

/* ---- The engine's side ------------------------------------------------------------------------------------------- */

static enum status fold_sum(const struct slice *base, const struct slice *operands, size_t count, struct buf *result) {
    uint64_t sum = 0;
    if (base != NULL && base->size != 8) return STATUS_CORRUPT;
    if (base != NULL) sum = coding_get_u64(base->data);
    for (size_t i = 0; i < count; i++) {
        if (operands[i].size != 8) return STATUS_CORRUPT;
        sum += coding_get_u64(operands[i].data);
    }
    uint8_t bytes[8];
    coding_put_u64(bytes, sum);
    return buf_assign(result, slice_make(bytes, sizeof bytes));
}

static enum status merge_full(void *context, struct slice key, const struct slice *base, const struct slice *operands,
                              size_t count, struct buf *result) {
    (void)context;
    (void)key;
    return fold_sum(base, operands, count, result);
}

static enum status merge_partial(void *context, struct slice key, const struct slice *operands, size_t count,
                                 struct buf *result) {
    (void)context;
    (void)key;
    return fold_sum(NULL, operands, count, result);
}

static const struct engine_merge sum_merge = {.name = "test.sum", .full = merge_full, .partial = merge_partial};

static const struct engine_tree_kind kinds[WORKLOAD_KINDS] = {
    {.id = KIND_PLAIN,
     .name = "test.plain",
     .upper = ENGINE_COMPRESSION_NONE,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter_bits_per_key = 10},
    {.id = KIND_SUM,
     .name = "test.sum",
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_ZSTD,
     .merge = &sum_merge},
};

struct engine_options workload_engine_options(const struct workload *workload) {
    (void)workload;
    return (struct engine_options){
        .kinds = kinds,
        .kind_count = WORKLOAD_KINDS,
        .wal = ENGINE_WAL_OWN,
        .memtable_bytes = 24 << 10,
        .memtable_limit = 3,
        .cache_bytes = 64 << 10,
        .block_bytes = 1 << 10,
        .file_bytes = 16 << 10,
        .level_base_bytes = 48 << 10,
        .level_ratio = 4,
        .level0_trigger = 2,
        .wal_segment_bytes = 64 << 10,
        .disk_reserve_bytes = 1,
    };
}

static enum status put_operation(struct engine_batch *batch, const struct operation *operation) {
    uint8_t bytes[VALUE_MAX];
    uint8_t number[8];
    struct slice key = slice_from_text(operation->key);
    make_value(operation, bytes);
    struct slice value = slice_make(bytes, operation->value_size);
    coding_put_u64(number, operation->value_seed);
    switch (operation->action) {
    case PUT: return engine_batch_put(batch, operation->tree, key, value);
    case APPEND: return engine_batch_append(batch, operation->tree, key, value);
    case DELETE: return engine_batch_delete(batch, operation->tree, key);
    case DELETE_RANGE: return engine_batch_delete_range(batch, operation->tree, key, slice_from_text(operation->end));
    case MERGE: return engine_batch_merge(batch, operation->tree, key, slice_make(number, sizeof number));
    case CREATE: return engine_batch_create_tree(batch, operation->tree, operation->kind);
    default: return engine_batch_drop_tree(batch, operation->tree);
    }
}

enum status workload_build(const struct workload *workload, uint32_t n, struct engine_batch *batch) {
    check(n >= 1 && n <= workload->batches);
    const struct step *step = &workload->steps[n];
    uint8_t number[8];
    enum status status = STATUS_OK;
    engine_batch_clear(batch);
    for (size_t i = 0; status == STATUS_OK && i < step->count; i++) status = put_operation(batch, &step->operations[i]);
    coding_put_u64(number, n);
    if (status != STATUS_OK) return status;
    return engine_batch_put(batch, MARKER_TREE, slice_from_text(marker), slice_make(number, sizeof number));
}

/* ---- By a file --------------------------------------------------------------------------------------------------- */

static const char ingest_path[] = "/workload.in";

static enum status put_row(struct engine_sst_writer *writer, const struct operation *operation) {
    uint8_t bytes[VALUE_MAX];
    const struct slice key = slice_from_text(operation->key);
    if (operation->action == DELETE) return engine_sst_writer_delete(writer, key);
    if (operation->action == DELETE_RANGE)
        return engine_sst_writer_delete_range(writer, key, slice_from_text(operation->end));
    make_value(operation, bytes);
    return engine_sst_writer_put(writer, key, slice_make(bytes, operation->value_size));
}

static enum status build_file(const struct workload *workload, struct io *io, uint32_t n) {
    const struct step *step = &workload->steps[n];
    struct engine_sst_writer *writer;
    uint8_t number[8];
    enum status status = io_remove(io, ingest_path);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    status = engine_sst_writer_open(io, ingest_path, &kinds[KIND_PLAIN - 1], &writer);
    if (status != STATUS_OK) return status;
    coding_put_u64(number, n);
    status = engine_sst_writer_put(writer, slice_from_text(marker), slice_make(number, sizeof number));
    for (size_t i = 0; status == STATUS_OK && i < step->count; i++) status = put_row(writer, &step->operations[i]);
    if (status == STATUS_OK) status = engine_sst_writer_finish(writer);
    engine_sst_writer_close(writer);
    return status;
}

enum status workload_write(const struct workload *workload, struct io *io, struct engine *engine, uint32_t n,
                           bool log_off, struct engine_batch *batch, const struct engine_write_options *options,
                           bool *durable) {
    *durable = false;
    if (log_off || !workload->steps[n].ingests) {
        const enum status status = workload_build(workload, n, batch);
        if (log_off) batch->mark = (struct engine_mark){.index = n, .term = 1, .time_ms = n};
        return status == STATUS_OK ? engine_write(engine, batch, options) : status;
    }
    const struct engine_ingest_options move = {.move = true};
    const char *path = ingest_path;
    enum status status = build_file(workload, io, n);
    if (status == STATUS_OK) status = engine_ingest(engine, MARKER_TREE, &path, 1, &move, NULL);
    *durable = status == STATUS_OK;
    return status;
}

enum status workload_recovered(struct engine *engine, uint32_t *n) {
    struct engine_tree_info info;
    struct engine_value value;
    *n = 0;
    enum status status = engine_tree_info(engine, MARKER_TREE, &info);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = engine_get(engine, NULL, MARKER_TREE, slice_from_text(marker), &value);
    if (status == STATUS_NOT_FOUND) return STATUS_CORRUPT; /* a part of the first batch */
    if (status != STATUS_OK) return status;
    *n = value.data.size == 8 ? (uint32_t)coding_get_u64(value.data.data) : UINT32_MAX;
    engine_value_release(&value);
    return STATUS_OK;
}

/* ---- Comparison -------------------------------------------------------------------------------------------------- */

/* Where a comparison is. */
struct place {
    struct engine *engine;
    uint32_t tree;
    const struct tree *wanted;
    struct error *error;
};

static enum status differs(const struct place *place, const char *how, struct slice key) {
    return error_set(place->error, STATUS_MISMATCH, "tree %" PRIu32 ", key %.*s: %s", place->tree, (int)key.size,
                     (const char *)key.data, how);
}

static enum status compare_pair(const struct place *place, const struct pair *wanted, struct slice key,
                                struct slice value) {
    if (!slice_equal(key, slice_from_text(wanted->key))) return differs(place, "another key stands here", key);
    if (slice_equal(value, buf_slice(&wanted->value))) return STATUS_OK;
    return differs(place, value.size == wanted->value.size ? "another value" : "a value of another length", key);
}

static enum status compare_gets(const struct place *place) {
    for (unsigned i = 0; i < KEYS; i++) {
        char key[8];
        bool is_wanted;
        struct engine_value value;
        snprintf(key, sizeof key, "k%02u", i);
        size_t at = find(place->wanted, key, &is_wanted);
        enum status status = engine_get(place->engine, NULL, place->tree, slice_from_text(key), &value);
        if (status == STATUS_NOT_FOUND && !is_wanted) continue;
        if (status == STATUS_NOT_FOUND) return differs(place, "get does not find it", slice_from_text(key));
        if (status != STATUS_OK) return error_set(place->error, status, "get of %s", key);
        if (!is_wanted) status = differs(place, "get finds what was deleted", slice_from_text(key));
        if (status == STATUS_OK)
            status = compare_pair(place, &place->wanted->pairs[at], slice_from_text(key), value.data);
        engine_value_release(&value);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status compare_walk(const struct place *place, struct engine_iterator *iterator, bool is_forward) {
    size_t count = place->wanted->count;
    if (is_forward) {
        engine_iterator_seek_first(iterator);
    } else {
        engine_iterator_seek_last(iterator);
    }
    for (size_t i = 0; i < count; i++) {
        const struct pair *wanted = &place->wanted->pairs[is_forward ? i : count - 1 - i];
        if (!engine_iterator_valid(iterator)) {
            enum status status = engine_iterator_status(iterator);
            if (status != STATUS_OK) return error_set(place->error, status, "iterator: %s", status_text(status));
            return differs(place, "the iterator ends before it", slice_from_text(wanted->key));
        }
        enum status status =
            compare_pair(place, wanted, engine_iterator_key(iterator), engine_iterator_value(iterator));
        if (status != STATUS_OK) return status;
        if (is_forward) {
            engine_iterator_next(iterator);
        } else {
            engine_iterator_prev(iterator);
        }
    }
    if (engine_iterator_valid(iterator)) return differs(place, "stands behind the end", engine_iterator_key(iterator));
    return engine_iterator_status(iterator);
}

static enum status compare_tree(const struct place *place) {
    struct engine_tree_info info;
    enum status status = engine_tree_info(place->engine, place->tree, &info);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return error_set(place->error, status, "tree info");
    uint32_t kind = status == STATUS_OK ? info.kind : 0;
    if (kind != place->wanted->kind) {
        return error_set(place->error, STATUS_MISMATCH, "tree %" PRIu32 ": kind %" PRIu32 " instead of %" PRIu32,
                         place->tree, kind, place->wanted->kind);
    }
    if (kind == 0) return STATUS_OK;
    struct engine_iterator_options options = {0};
    struct engine_iterator *iterator;
    status = engine_iterator_open(place->engine, place->tree, &options, &iterator);
    if (status != STATUS_OK) return error_set(place->error, status, "iterator of tree %" PRIu32, place->tree);
    status = compare_walk(place, iterator, true);
    if (status == STATUS_OK) status = compare_walk(place, iterator, false);
    engine_iterator_close(iterator);
    return status == STATUS_OK ? compare_gets(place) : status;
}

enum status workload_compare(const struct workload *workload, struct engine *engine, uint32_t n, struct error *error) {
    struct state *state = calloc(1, sizeof *state);
    if (state == NULL) return error_set(error, STATUS_NO_MEMORY, "the model");
    for (uint32_t i = 1; i <= n; i++) model_apply(state, &workload->steps[i], i);
    enum status status = STATUS_OK;
    for (uint32_t tree = 1; status == STATUS_OK && tree <= WORKLOAD_TREES; tree++) {
        struct place place = {.engine = engine, .tree = tree, .wanted = &state->trees[tree], .error = error};
        status = compare_tree(&place);
    }
    if (status != STATUS_OK && error != NULL) (void)error_prefix(error, status, "after batch %" PRIu32, n);
    model_clear(state);
    free(state);
    return status;
}
