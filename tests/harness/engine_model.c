/*
 * engine_model: see engine_model.h. Invariant: a model_value never changes, so states share it.
 */
#include "tests/harness/engine_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/base/prng.h"

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

static struct {
    size_t size;
    char text[64];
} keys[MODEL_KEYS];

/* Already in order: 0 is empty, then four families of growing length that begin alike within a family. */
static void make_keys(void) {
    for (unsigned i = 1; i < MODEL_KEYS; i++) {
        static const char *const shapes[] = {"k%02u", "key-%03u", "key:with a long beginning/%02u",
                                             "key:with a long beginning~%02u/and an end that is longer than that"};
        const unsigned family = i * 4 / MODEL_KEYS;
        keys[i].size = (size_t)snprintf(keys[i].text, sizeof keys[i].text, shapes[family], i);
        const struct slice before = slice_make(keys[i - 1].text, keys[i - 1].size);
        check(slice_compare(before, slice_make(keys[i].text, keys[i].size)) < 0);
    }
}

struct slice model_key(unsigned number) {
    if (keys[1].size == 0) make_keys(); /* by the one thread that draws the workload */
    return slice_make(keys[number].text, keys[number].size);
}

unsigned model_key_from(struct slice text) {
    unsigned number = 0;
    while (number < MODEL_KEYS && slice_compare(model_key(number), text) < 0) number++;
    return number;
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

struct model_values {
    struct arena arena;
};

struct model_values *model_values_create(void) {
    struct model_values *values = calloc(1, sizeof *values);
    check(values != NULL);
    arena_init(&values->arena, 256 << 10);
    return values;
}

void model_values_destroy(struct model_values *values) {
    arena_deinit(&values->arena);
    free(values);
}

static struct model_value *new_value(struct model_values *values, size_t size) {
    check(size <= MODEL_VALUE_MAX);
    struct model_value *value = arena_alloc(&values->arena, sizeof *value + size, _Alignof(struct model_value));
    check(value != NULL);
    value->size = size;
    value->expires_ms = INT64_MAX;
    return value;
}

/* What an operation writes: half compressible; with an expiry in front; for merges a number or some letters. */
static void make_bytes(const struct model_operation *operation, uint8_t *to) {
    struct prng prng;
    prng_init(&prng, operation->value_seed);
    for (size_t i = 0; i < operation->value_size; i++)
        to[i] = i % 16 < 8 ? (uint8_t)('a' + i % 16) : (uint8_t)prng_next(&prng);
    if (operation->kind == MODEL_EXPIRY) coding_put_u64(to, (uint64_t)operation->expires_ms);
    if (operation->kind == MODEL_SUM) coding_put_u64(to, operation->value_seed);
}

static const struct model_value *written(const struct model_operation *operation, struct model_values *values) {
    struct model_value *value = new_value(values, operation->value_size);
    make_bytes(operation, value->bytes);
    if (operation->kind == MODEL_EXPIRY || operation->kind == MODEL_UNTIL) value->expires_ms = operation->expires_ms;
    return value;
}

/* base (may be NULL) with what the operation brings behind it. */
static const struct model_value *extended(const struct model_value *base, const struct model_operation *operation,
                                          bool separated, struct model_values *values) {
    const size_t before = base ? base->size + separated : 0;
    struct model_value *value = new_value(values, before + operation->value_size);
    if (base) memcpy(value->bytes, base->bytes, base->size);
    if (base && separated) value->bytes[base->size] = '|';
    make_bytes(operation, value->bytes + before);
    return value;
}

static const struct model_value *summed(const struct model_value *base, const struct model_operation *operation,
                                        struct model_values *values) {
    struct model_value *value = new_value(values, 8);
    coding_put_u64(value->bytes, (base ? coding_get_u64(base->bytes) : 0) + operation->value_seed);
    return value;
}

/* ---- Operations -------------------------------------------------------------------------------------------------- */

void model_apply(struct model_state *state, const struct model_operation *operation, struct model_values *values) {
    struct model_tree *tree = &state->trees[operation->tree];
    const struct model_value **value = &tree->values[operation->key];
    switch (operation->action) {
    case MODEL_PUT: *value = written(operation, values); break;
    case MODEL_DELETE: *value = NULL; break;
    case MODEL_DELETE_RANGE:
        for (unsigned key = operation->key; key < operation->end; key++) tree->values[key] = NULL;
        break;
    case MODEL_MERGE:
        *value =
            tree->kind == MODEL_SUM ? summed(*value, operation, values) : extended(*value, operation, true, values);
        break;
    case MODEL_APPEND: *value = extended(*value, operation, false, values); break;
    case MODEL_CREATE: tree->kind = operation->kind; break;
    case MODEL_DROP: *tree = (struct model_tree){.kind = MODEL_NONE}; break;
    }
}

enum status model_encode(const struct model_operation *operation, struct engine_batch *batch) {
    uint8_t bytes[MODEL_VALUE_MAX];
    const struct slice key = model_key(operation->key);
    const struct slice value = slice_make(bytes, operation->value_size);
    const struct slice end = operation->end < MODEL_KEYS ? model_key(operation->end) : slice_make(NULL, 0);
    make_bytes(operation, bytes);
    switch (operation->action) {
    case MODEL_PUT:
        if (operation->kind == MODEL_UNTIL)
            return engine_batch_put_until(batch, operation->tree, key, value, operation->expires_ms);
        return engine_batch_put(batch, operation->tree, key, value);
    case MODEL_APPEND: return engine_batch_append(batch, operation->tree, key, value);
    case MODEL_DELETE: return engine_batch_delete(batch, operation->tree, key);
    case MODEL_DELETE_RANGE: return engine_batch_delete_range(batch, operation->tree, key, end);
    case MODEL_MERGE: return engine_batch_merge(batch, operation->tree, key, value);
    case MODEL_CREATE: return engine_batch_create_tree(batch, operation->tree, operation->kind);
    default: return engine_batch_drop_tree(batch, operation->tree);
    }
}

enum status model_put_row(const struct model_operation *operation, struct engine_sst_writer *writer) {
    uint8_t bytes[MODEL_VALUE_MAX];
    const struct slice key = model_key(operation->key);
    const struct slice end = operation->end < MODEL_KEYS ? model_key(operation->end) : slice_make(NULL, 0);
    if (operation->action == MODEL_DELETE) return engine_sst_writer_delete(writer, key);
    if (operation->action == MODEL_DELETE_RANGE) return engine_sst_writer_delete_range(writer, key, end);
    make_bytes(operation, bytes);
    return engine_sst_writer_put(writer, key, slice_make(bytes, operation->value_size));
}

/* ---- Operators and filter ---------------------------------------------------------------------------------------- */

static enum status add_up(struct slice key, const struct slice *base, const struct slice *operands, size_t count,
                          struct buf *result) {
    uint64_t sum = 0;
    (void)key;
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

static enum status sum_full(void *context, struct slice key, const struct slice *base, const struct slice *operands,
                            size_t count, struct buf *result) {
    (void)context;
    return add_up(key, base, operands, count, result);
}

static enum status sum_partial(void *context, struct slice key, const struct slice *operands, size_t count,
                               struct buf *result) {
    (void)context;
    return add_up(key, NULL, operands, count, result);
}

static enum status join_partial(void *context, struct slice key, const struct slice *operands, size_t count,
                                struct buf *result) {
    enum status status = STATUS_OK;
    (void)context, (void)key;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (i > 0) status = buf_append_byte(result, '|');
        if (status == STATUS_OK) status = buf_append_slice(result, operands[i]);
    }
    return status;
}

static enum status join_full(void *context, struct slice key, const struct slice *base, const struct slice *operands,
                             size_t count, struct buf *result) {
    enum status status = STATUS_OK;
    if (base != NULL) status = buf_append_slice(result, *base);
    if (base != NULL && status == STATUS_OK) status = buf_append_byte(result, '|');
    return status == STATUS_OK ? join_partial(context, key, operands, count, result) : status;
}

static enum engine_filter_decision drop_due(void *context, struct slice key, struct slice value, int64_t mark_time_ms) {
    (void)context, (void)key;
    return value.size >= 8 && (int64_t)coding_get_u64(value.data) <= mark_time_ms ? ENGINE_DROP : ENGINE_KEEP;
}

static const struct engine_merge sum_merge = {.name = "model.sum", .full = sum_full, .partial = sum_partial};
static const struct engine_merge join_merge = {.name = "model.join", .full = join_full, .partial = join_partial};
static const struct engine_filter expiry_filter = {.name = "model.expiry", .decide = drop_due};

const struct engine_tree_kind model_kinds[MODEL_KINDS] = {
    {.id = MODEL_PLAIN,
     .name = "model.plain",
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter_bits_per_key = 10,
     .value_threshold_bytes = 300},
    {.id = MODEL_SUM,
     .name = "model.sum",
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_ZSTD,
     .merge = &sum_merge},
    {.id = MODEL_JOIN,
     .name = "model.join",
     .merge = &join_merge,
     .filter_bits_per_key = 6,
     .value_threshold_bytes = 256,
     .value_garbage_percent = 20},
    {.id = MODEL_UNTIL,
     .name = "model.until",
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter_bits_per_key = 10,
     .expires = true},
    {.id = MODEL_EXPIRY,
     .name = "model.expiry",
     .filter = &expiry_filter,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .value_threshold_bytes = 300},
};

/* ---- Comparison -------------------------------------------------------------------------------------------------- */

enum model_answer model_expect(const struct model_state *state, uint32_t tree, unsigned key, int64_t now_ms) {
    const struct model_value *value = state->trees[tree].values[key];
    if (value == NULL) return MODEL_ABSENT;
    /* A file taken in moves no log time: at the very moment both may be. */
    if (state->trees[tree].kind == MODEL_UNTIL && value->expires_ms < now_ms) return MODEL_ABSENT;
    return value->expires_ms <= now_ms ? MODEL_EITHER : MODEL_PRESENT;
}

/* Where a comparison is. */
struct place {
    struct engine *engine;
    const struct engine_snapshot *snapshot;
    const struct model_state *state;
    int64_t now_ms;
    uint32_t tree;
    struct error *error;
};

static enum status differs(const struct place *place, const char *how, unsigned key) {
    return error_set(place->error, STATUS_MISMATCH, "tree %" PRIu32 ", key %u \"%.*s\": %s", place->tree, key,
                     key < MODEL_KEYS ? (int)model_key(key).size : 0, key < MODEL_KEYS ? keys[key].text : "", how);
}

static enum model_answer expect(const struct place *place, unsigned key) {
    return model_expect(place->state, place->tree, key, place->now_ms);
}

static enum status compare_value(const struct place *place, unsigned key, struct slice found) {
    const struct model_value *value = place->state->trees[place->tree].values[key];
    if (expect(place, key) == MODEL_ABSENT) return differs(place, "is shown, and should not be there", key);
    if (slice_equal(found, slice_make(value->bytes, value->size))) return STATUS_OK;
    return differs(place, value->size == found.size ? "another value" : "a value of another length", key);
}

static enum status compare_gets(const struct place *place) {
    for (unsigned key = 0; key < MODEL_KEYS; key++) {
        struct engine_value value;
        enum status status = engine_get(place->engine, place->snapshot, place->tree, model_key(key), &value);
        if (status == STATUS_NOT_FOUND && expect(place, key) != MODEL_PRESENT) continue;
        if (status == STATUS_NOT_FOUND) return differs(place, "get does not find it", key);
        if (status != STATUS_OK) return error_set(place->error, status, "get of key %u: %s", key, status_text(status));
        status = compare_value(place, key, value.data);
        engine_value_release(&value);
        if (status != STATUS_OK) return error_prefix(place->error, status, "get");
    }
    return STATUS_OK;
}

/* Keys in (from, to), in either direction, must not have to be there. */
static enum status compare_gap(const struct place *place, int from, int to, int step) {
    for (int key = from + step; key != to; key += step)
        if (expect(place, (unsigned)key) == MODEL_PRESENT) return differs(place, "passed over", (unsigned)key);
    return STATUS_OK;
}

static enum status compare_walk(const struct place *place, struct engine_iterator *iterator, bool is_forward) {
    const int step = is_forward ? 1 : -1, end = is_forward ? MODEL_KEYS : -1;
    int at = is_forward ? -1 : MODEL_KEYS;
    if (is_forward)
        engine_iterator_seek_first(iterator);
    else
        engine_iterator_seek_last(iterator);
    while (engine_iterator_valid(iterator)) {
        const struct slice text = engine_iterator_key(iterator);
        const unsigned key = model_key_from(text);
        if (key == MODEL_KEYS || !slice_equal(model_key(key), text)) return differs(place, "a key nobody wrote", key);
        if (is_forward ? (int)key <= at : (int)key >= at) return differs(place, "out of order", key);
        enum status status = compare_gap(place, at, (int)key, step);
        const struct slice value = engine_iterator_value(iterator);
        if (status == STATUS_OK) status = engine_iterator_status(iterator); /* one that is kept apart may be damaged */
        if (status == STATUS_OK) status = compare_value(place, key, value);
        if (status != STATUS_OK) return error_prefix(place->error, status, is_forward ? "forward" : "backward");
        at = (int)key;
        if (is_forward)
            engine_iterator_next(iterator);
        else
            engine_iterator_prev(iterator);
    }
    enum status status = engine_iterator_status(iterator);
    if (status != STATUS_OK) return error_set(place->error, status, "iterator: %s", status_text(status));
    status = compare_gap(place, at, end, step);
    return status == STATUS_OK ? STATUS_OK : error_prefix(place->error, status, is_forward ? "forward" : "backward");
}

/* The trees as they are now: a snapshot may still show one that was dropped. */
static enum status compare_kind(const struct place *place) {
    struct engine_tree_info info;
    const enum status status = engine_tree_info(place->engine, place->tree, &info);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return error_set(place->error, status, "tree info");
    const uint32_t kind = status == STATUS_OK ? info.kind : MODEL_NONE;
    if (kind == (uint32_t)place->state->trees[place->tree].kind) return STATUS_OK;
    return error_set(place->error, STATUS_MISMATCH, "tree %" PRIu32 ": kind %" PRIu32 " instead of %d", place->tree,
                     kind, (int)place->state->trees[place->tree].kind);
}

static enum status compare_tree(const struct place *place) {
    const struct engine_iterator_options options = {.snapshot = place->snapshot};
    struct engine_iterator *iterator;
    enum status status = place->snapshot ? STATUS_OK : compare_kind(place);
    if (status != STATUS_OK || place->state->trees[place->tree].kind == MODEL_NONE) return status;
    status = engine_iterator_open(place->engine, place->tree, &options, &iterator);
    if (status != STATUS_OK)
        return error_set(place->error, status, "iterator of tree %" PRIu32 ": %s", place->tree, status_text(status));
    status = compare_walk(place, iterator, true);
    if (status == STATUS_OK) status = compare_walk(place, iterator, false);
    engine_iterator_close(iterator);
    return status == STATUS_OK ? compare_gets(place) : status;
}

enum status model_compare_engine(const struct model_state *state, int64_t now_ms, struct engine *engine,
                                 const struct engine_snapshot *snapshot, struct error *error) {
    enum status status = STATUS_OK;
    for (uint32_t tree = 1; status == STATUS_OK && tree <= MODEL_TREES; tree++) {
        const struct place place = {engine, snapshot, state, now_ms, tree, error};
        status = compare_tree(&place);
    }
    return status;
}
