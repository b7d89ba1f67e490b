/*
 * engine_model_compare: all that an engine shows against a state of the model; see engine_model.h. Invariant: the first
 * difference ends it, with words.
 */
#include "tests/harness/engine_model.h"

#include <inttypes.h>

#include "engine/base/hash.h"

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
    return error_set(place->error, STATUS_MISMATCH, "tree %" PRIu32 " (%s), key %u \"%.*s\": %s", place->tree,
                     model_kinds[place->state->trees[place->tree].kind - 1].name, key,
                     key < MODEL_KEYS ? (int)model_key(key).size : 0,
                     key < MODEL_KEYS ? (const char *)model_key(key).data : "", how);
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

/* The iterator shows the keys in [low, high). */
struct span {
    int low, high;
};

static enum status compare_walk(const struct place *place, struct engine_iterator *iterator, struct span span,
                                bool is_forward) {
    const int step = is_forward ? 1 : -1, end = is_forward ? span.high : span.low - 1;
    int at = is_forward ? span.low - 1 : span.high;
    if (is_forward)
        engine_iterator_seek_first(iterator);
    else
        engine_iterator_seek_last(iterator);
    while (engine_iterator_valid(iterator)) {
        const struct slice text = engine_iterator_key(iterator);
        const unsigned key = model_key_from(text);
        if (key == MODEL_KEYS || !slice_equal(model_key(key), text)) return differs(place, "a key nobody wrote", key);
        if (is_forward ? (int)key <= at : (int)key >= at) return differs(place, "out of order", key);
        if ((int)key < span.low || (int)key >= span.high) return differs(place, "out of the bounds", key);
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

static enum status compare_walks(const struct place *place, struct slice prefix, struct span span) {
    const struct engine_iterator_options options = {.snapshot = place->snapshot, .prefix = prefix};
    struct engine_iterator *iterator;
    enum status status = engine_iterator_open(place->engine, place->tree, &options, &iterator);
    if (status != STATUS_OK)
        return error_set(place->error, status, "iterator of tree %" PRIu32 ": %s", place->tree, status_text(status));
    status = compare_walk(place, iterator, span, true);
    if (status == STATUS_OK) status = compare_walk(place, iterator, span, false);
    engine_iterator_close(iterator);
    if (status != STATUS_OK && prefix.size > 0)
        return error_prefix(place->error, status, "prefix \"%.*s\"", (int)prefix.size, (const char *)prefix.data);
    return status;
}

static bool begins_with(struct slice key, struct slice prefix) {
    return key.size >= prefix.size && slice_equal(slice_make(key.data, prefix.size), prefix);
}

/* One of a few beginnings, by place and time: some are of many keys, some of one, some of none. */
static enum status compare_prefix(const struct place *place) {
    static const char *const prefixes[] = {
        "k", "key", "key-", "k1", "key:with a long beginning/", "key:", "key-02", "key:with a long beginning~6",
        "l", "key/"};
    const size_t count = sizeof prefixes / sizeof prefixes[0];
    const struct slice prefix = slice_from_text(prefixes[hash_mix((uint64_t)place->now_ms, place->tree) % count]);
    struct span span = {.low = (int)model_key_from(prefix)};
    for (span.high = span.low; span.high < MODEL_KEYS && begins_with(model_key((unsigned)span.high), prefix);)
        span.high++;
    return compare_walks(place, prefix, span);
}

/* What a get of many keys answered for one of them. */
static enum status compare_one_of_many(const struct place *place, unsigned key, enum status status,
                                       struct engine_value *value) {
    if (status == STATUS_NOT_FOUND && expect(place, key) != MODEL_PRESENT) return STATUS_OK;
    if (status == STATUS_NOT_FOUND) return differs(place, "get of many does not find it", key);
    if (status != STATUS_OK)
        return error_set(place->error, status, "get of many, key %u: %s", key, status_text(status));
    status = compare_value(place, key, value->data);
    return status == STATUS_OK ? STATUS_OK : error_prefix(place->error, status, "get of many");
}

/* All keys at once, from the last to the first, and a few of them twice. */
static enum status compare_many(const struct place *place) {
    enum { TWICE = 10, MANY = MODEL_KEYS + TWICE };
    struct slice many[MANY];
    struct engine_value values[MANY];
    enum status statuses[MANY];
    unsigned numbers[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        numbers[i] = i < MODEL_KEYS ? MODEL_KEYS - 1 - i : (i - MODEL_KEYS) * 7;
        many[i] = model_key(numbers[i]);
    }
    enum status result = engine_get_many(place->engine, place->snapshot, place->tree, many, MANY, values, statuses);
    if (result != STATUS_OK) return error_set(place->error, result, "get of many: %s", status_text(result));
    for (unsigned i = 0; i < MANY; i++) {
        if (result == STATUS_OK) result = compare_one_of_many(place, numbers[i], statuses[i], &values[i]);
        if (statuses[i] == STATUS_OK) engine_value_release(&values[i]);
    }
    return result;
}

static enum status compare_tree(const struct place *place) {
    const struct span all = {0, MODEL_KEYS};
    enum status status = place->snapshot ? STATUS_OK : compare_kind(place);
    if (status != STATUS_OK || place->state->trees[place->tree].kind == MODEL_NONE) return status;
    status = compare_walks(place, slice_make(NULL, 0), all);
    if (status == STATUS_OK) status = compare_prefix(place);
    if (status == STATUS_OK) status = compare_gets(place);
    return status == STATUS_OK ? compare_many(place) : status;
}

/* ---- The tree that is written as a whole ------------------------------------------------------------------------- */

static enum status bulk_differs(const struct place *place, const char *how, unsigned number) {
    return error_set(place->error, STATUS_MISMATCH, "the tree that is written as a whole, key %u: %s", number, how);
}

static enum status compare_bulk_walk(const struct place *place, struct engine_iterator *iterator) {
    const uint64_t seed = place->state->bulk_seed;
    unsigned number = 0;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        char text[16];
        uint8_t bytes[8];
        if (seed == 0 || number >= MODEL_BULK_KEYS) return bulk_differs(place, "should not be there", number);
        if (!slice_equal(engine_iterator_key(iterator), model_bulk_key(number, text)))
            return bulk_differs(place, "passed over", number);
        if (!slice_equal(engine_iterator_value(iterator), model_bulk_value(seed, number, bytes)))
            return bulk_differs(place, "another value", number);
        number++;
    }
    const enum status status = engine_iterator_status(iterator);
    if (status != STATUS_OK) return error_set(place->error, status, "iterator: %s", status_text(status));
    return seed == 0 || number == MODEL_BULK_KEYS ? STATUS_OK
                                                  : bulk_differs(place, "and those after it are missing", number);
}

static enum status compare_bulk(const struct place *place) {
    const struct engine_iterator_options options = {.snapshot = place->snapshot};
    struct engine_tree_info info;
    struct engine_iterator *iterator;
    enum status status = engine_tree_info(place->engine, MODEL_BULK_TREE, &info);
    if (!place->state->has_bulk)
        return status == STATUS_OK && place->snapshot == NULL ? bulk_differs(place, "there is no such tree", 0)
                                                              : STATUS_OK;
    status = engine_iterator_open(place->engine, MODEL_BULK_TREE, &options, &iterator);
    if (status != STATUS_OK) return error_set(place->error, status, "iterator of the bulk: %s", status_text(status));
    status = compare_bulk_walk(place, iterator);
    engine_iterator_close(iterator);
    return status;
}

enum status model_compare_engine(const struct model_state *state, int64_t now_ms, struct engine *engine,
                                 const struct engine_snapshot *snapshot, struct error *error) {
    enum status status = STATUS_OK;
    for (uint32_t tree = 1; status == STATUS_OK && tree <= MODEL_TREES; tree++) {
        const struct place place = {engine, snapshot, state, now_ms, tree, error};
        status = compare_tree(&place);
    }
    const struct place bulk = {engine, snapshot, state, now_ms, MODEL_BULK_TREE, error};
    return status == STATUS_OK ? compare_bulk(&bulk) : status;
}
