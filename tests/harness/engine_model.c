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
#include "engine/base/hash.h"
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
    const bool ends =
        operation->kind == MODEL_EXPIRY || operation->kind == MODEL_UNTIL || operation->kind == MODEL_AGED;
    if (ends) value->expires_ms = operation->expires_ms;
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
    tree->written += operation->value_size + MODEL_CAP_EACH;
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
    case MODEL_BULK_PUT:
        state->has_bulk = true;
        state->bulk_seed = operation->value_seed | 1;
        break;
    case MODEL_BULK_DELETE:
    case MODEL_BULK_CLEAR: state->bulk_seed = 0; break;
    }
}

struct slice model_bulk_key(unsigned number, char text[16]) {
    return slice_make(text, (size_t)snprintf(text, 16, "bulk%05u", number));
}

struct slice model_bulk_value(uint64_t seed, unsigned number, uint8_t bytes[8]) {
    coding_put_u64(bytes, hash_mix(seed, number));
    return slice_make(bytes, 8);
}

static enum status encode_bulk(const struct model_operation *operation, struct engine_batch *batch) {
    const bool deletes = operation->action == MODEL_BULK_DELETE;
    enum status status = deletes ? STATUS_OK : engine_batch_create_tree(batch, MODEL_BULK_TREE, MODEL_PLAIN);
    for (unsigned i = 0; i < MODEL_BULK_KEYS && status == STATUS_OK; i++) {
        char text[16];
        uint8_t bytes[8];
        const struct slice key = model_bulk_key(i, text);
        status = deletes ? engine_batch_delete(batch, MODEL_BULK_TREE, key)
                         : engine_batch_put(batch, MODEL_BULK_TREE, key,
                                            model_bulk_value(operation->value_seed | 1, i, bytes));
    }
    return status;
}

void model_row(const struct model_operation *operation, struct model_row *row) {
    make_bytes(operation, row->bytes);
    row->key = model_key(operation->key);
    row->end = operation->end < MODEL_KEYS ? model_key(operation->end) : slice_make(NULL, 0);
    row->value = slice_make(row->bytes, operation->value_size);
}

enum status model_encode(const struct model_operation *operation, struct engine_batch *batch) {
    struct model_row row;
    model_row(operation, &row);
    switch (operation->action) {
    case MODEL_PUT:
        if (operation->kind == MODEL_UNTIL)
            return engine_batch_put_until(batch, operation->tree, row.key, row.value, operation->expires_ms);
        return engine_batch_put(batch, operation->tree, row.key, row.value);
    case MODEL_APPEND: return engine_batch_append(batch, operation->tree, row.key, row.value);
    case MODEL_DELETE: return engine_batch_delete(batch, operation->tree, row.key);
    case MODEL_DELETE_RANGE: return engine_batch_delete_range(batch, operation->tree, row.key, row.end);
    case MODEL_MERGE: return engine_batch_merge(batch, operation->tree, row.key, row.value);
    case MODEL_CREATE: return engine_batch_create_tree(batch, operation->tree, operation->kind);
    case MODEL_BULK_PUT:
    case MODEL_BULK_DELETE: return encode_bulk(operation, batch);
    case MODEL_BULK_CLEAR:
        return engine_batch_delete_range(batch, MODEL_BULK_TREE, slice_from_text("bulk"), slice_from_text("bulkx"));
    default: return engine_batch_drop_tree(batch, operation->tree);
    }
}

bool model_writes(const struct model_operation *operation, struct slice value) {
    struct model_row row;
    model_row(operation, &row);
    return slice_equal(value, row.value);
}

enum status model_put_row(const struct model_operation *operation, struct engine_sst_writer *writer) {
    struct model_row row;
    model_row(operation, &row);
    if (operation->action == MODEL_DELETE) return engine_sst_writer_delete(writer, row.key);
    if (operation->action == MODEL_DELETE_RANGE) return engine_sst_writer_delete_range(writer, row.key, row.end);
    return engine_sst_writer_put(writer, row.key, row.value);
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
    {.id = MODEL_AGED,
     .name = "model.aged",
     .filter_bits_per_key = 10,
     .policy = ENGINE_POLICY_FIFO,
     .fifo_age_ms = MODEL_AGE_MS},
    {.id = MODEL_CAPPED,
     .name = "model.capped",
     .filter_bits_per_key = 10,
     .value_threshold_bytes = 512,
     .policy = ENGINE_POLICY_FIFO,
     .fifo_bytes = MODEL_CAP_BYTES},
};

/* ---- What reads may answer --------------------------------------------------------------------------------------- */

enum model_answer model_expect(const struct model_state *state, uint32_t tree, unsigned key, int64_t now_ms) {
    const struct model_value *value = state->trees[tree].values[key];
    if (value == NULL) return MODEL_ABSENT;
    /* A file taken in moves no log time: at the very moment both may be. */
    if (state->trees[tree].kind == MODEL_UNTIL && value->expires_ms < now_ms) return MODEL_ABSENT;
    if (state->trees[tree].kind == MODEL_CAPPED && state->trees[tree].written > MODEL_CAP_BYTES) return MODEL_EITHER;
    return value->expires_ms <= now_ms ? MODEL_EITHER : MODEL_PRESENT;
}
