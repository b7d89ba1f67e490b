/* names_read: looking at the name space. A row that is due is absent (names.h); nothing here writes. */
#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "engine/names/names_format.h"

/* Key of an ordinary name on the stack; a longer one gets a heap buffer. */
enum { KEY_STACK_BYTES = 256 };

static enum status view_get(const struct names_view *view, uint32_t tree, struct slice key,
                            struct engine_value *value) {
    if (view->memory_only) return engine_get_try(view->engine, view->snapshot, tree, key, value);
    return engine_get(view->engine, view->snapshot, tree, key, value);
}

static bool is_absent(const struct names_view *view, const struct name_row *row) {
    if (names_row_is_due(row, view->log_time_ms)) return true;
    if (view->clock_ms == 0 || !names_row_is_due(row, view->clock_ms)) return false;
    *view->late = true;
    return true;
}

static enum status get_by_key(const struct names_view *view, struct slice key, struct name_row *row,
                              struct engine_value *value) {
    enum status status = view_get(view, TREE_NAMES, key, value);
    if (status) return status;
    status = names_decode_row(value->data, row);
    if (status == STATUS_OK && is_absent(view, row)) status = STATUS_NOT_FOUND;
    if (status) engine_value_release(value);
    return status;
}

enum status names_get(const struct names_view *view, struct slice name, struct name_row *row,
                      struct engine_value *value) {
    if (name.size > ENGINE_KEY_MAX_BYTES - NAMES_HASH_BYTES) return STATUS_NOT_FOUND;
    uint64_t hash = names_hash_of(view->seed, name);
    if (name.size <= KEY_STACK_BYTES) {
        uint8_t key[NAMES_HASH_BYTES + KEY_STACK_BYTES];
        coding_put_key_u64(key, hash);
        if (name.size) memcpy(key + NAMES_HASH_BYTES, name.data, name.size);
        return get_by_key(view, slice_make(key, NAMES_HASH_BYTES + name.size), row, value);
    }
    struct buf key = BUF_EMPTY;
    enum status status = names_encode_key(&key, hash, name);
    if (status == STATUS_OK) status = get_by_key(view, buf_slice(&key), row, value);
    buf_deinit(&key);
    return status;
}

enum status names_row_key(uint64_t seed, struct slice name, struct buf *key) {
    return names_encode_key(key, names_hash_of(seed, name), name);
}

/* A row's key begins with the hash: that much leads a search to it. */
void names_touch(const struct names_view *view, const struct slice *names, size_t count) {
    uint8_t bytes[NAMES_TOUCH_MAX][NAMES_HASH_BYTES];
    struct slice keys[NAMES_TOUCH_MAX];
    check(count <= NAMES_TOUCH_MAX);
    for (size_t i = 0; i < count; i++) {
        coding_put_key_u64(bytes[i], names_hash_of(view->seed, names[i]));
        keys[i] = slice_make(bytes[i], NAMES_HASH_BYTES);
    }
    engine_touch(view->engine, TREE_NAMES, keys, count);
}

enum status names_count(const struct names_view *view, uint64_t *count) {
    struct engine_value value;
    *count = 0;
    enum status status = view_get(view, TREE_NAMES_META, names_count_key(), &value);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status) return status;
    status = value.data.size == 8 ? STATUS_OK : STATUS_CORRUPT;
    if (status == STATUS_OK) *count = coding_get_u64(value.data.data);
    engine_value_release(&value);
    return status;
}

static enum status open_iterator(const struct names_view *view, uint32_t tree, struct engine_iterator **iterator) {
    struct engine_iterator_options options = {
        .snapshot = view->snapshot, .memory_only = view->memory_only, .no_fill = true};
    return engine_iterator_open(view->engine, tree, &options, iterator);
}

enum status names_next_expiry(const struct names_view *view, int64_t *expire_ms) {
    struct engine_iterator *iterator = NULL;
    enum status status = open_iterator(view, TREE_NAMES_EXPIRY, &iterator);
    if (status) return status;
    engine_iterator_seek_first(iterator);
    if (engine_iterator_valid(iterator)) {
        struct slice name;
        status = names_decode_expiry(engine_iterator_key(iterator), expire_ms, &name);
    } else {
        status = engine_iterator_status(iterator);
        if (status == STATUS_OK) status = STATUS_NOT_FOUND;
    }
    engine_iterator_close(iterator);
    return status;
}

/* One row of a scan: decodes it and hands it on if it is there. */
static enum status visit_row(const struct names_view *view, const struct engine_iterator *iterator, struct slice name,
                             enum status (*visit)(void *, struct slice, const struct name_row *), void *context) {
    struct name_row row;
    enum status status = names_decode_row(engine_iterator_value(iterator), &row);
    if (status || is_absent(view, &row)) return status;
    return visit(context, name, &row);
}

enum status names_scan(const struct names_view *view, uint64_t *cursor, uint64_t limit,
                       enum status (*visit)(void *context, struct slice name, const struct name_row *row),
                       void *context) {
    struct engine_iterator *iterator = NULL;
    enum status status = open_iterator(view, TREE_NAMES, &iterator);
    if (status) return status;
    uint8_t start[NAMES_HASH_BYTES];
    coding_put_key_u64(start, *cursor);
    uint64_t looked_at = 0, last_hash = 0, next = 0;
    for (engine_iterator_seek(iterator, slice_make(start, sizeof start)); engine_iterator_valid(iterator);
         engine_iterator_next(iterator)) {
        uint64_t hash = 0;
        struct slice name;
        status = names_decode_key(engine_iterator_key(iterator), &hash, &name);
        if (status) break;
        /* Names of one hash stay together, so that the cursor never points into the middle of them. */
        if (looked_at >= limit && hash != last_hash) {
            next = hash;
            break;
        }
        status = visit_row(view, iterator, name, visit, context);
        if (status) break;
        last_hash = hash;
        looked_at++;
    }
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    if (status == STATUS_OK) *cursor = next;
    engine_iterator_close(iterator);
    return status;
}

/* Chains key and value of every entry of a tree into *hash; rows of names that are due are left out. */
static enum status hash_tree(const struct names_view *view, uint32_t tree, uint64_t *hash) {
    struct engine_iterator *iterator = NULL;
    enum status status = open_iterator(view, tree, &iterator);
    if (status) return status;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        struct slice value = engine_iterator_value(iterator);
        if (tree == TREE_NAMES) {
            struct name_row row;
            status = names_decode_row(value, &row);
            if (status) break;
            if (names_row_is_due(&row, view->log_time_ms)) continue;
        }
        *hash = hash64(value, hash64(engine_iterator_key(iterator), *hash));
    }
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

enum status names_hash(const struct names_view *view, uint64_t *hash) {
    static const uint32_t trees[] = {TREE_NAMES, TREE_NAMES_EXPIRY, TREE_NAMES_META};
    *hash = 0;
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        enum status status = hash_tree(view, trees[i], hash);
        if (status) return status;
    }
    return STATUS_OK;
}
