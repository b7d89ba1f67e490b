/*
 * memtable: an ordered list of trees, each with an ordered list of its entries (entry_list.h); range deletes in a
 * range_set; all in one arena that dies with the last reference.
 *
 * Invariant: what a published sequence covers is never changed. An extended value grows behind the length that any
 * published mark tells; marks and buffers are replaced as a whole when they are full, and the old ones stay.
 */
#include "engine/memtable/memtable.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/engine.h"
#include "engine/memtable/memtable_internal.h"

enum { ARENA_BLOCK_BYTES = 256 << 10, SMALL_BLOCK_BYTES = 16 << 10, GROWN_BYTES_MIN = 64, MARKS_MIN = 4 };

/* How long the value was as of a sequence. */
struct memtable_mark {
    uint32_t sequence_delta; /* above the node's */
    uint32_t size;
};

/* A value that was extended. marks[0] is the value as it was put. */
struct memtable_grown {
    uint8_t *data;
    struct memtable_mark *marks; /* sequences ascending */
    uint32_t capacity;
    uint32_t mark_capacity;
    _Atomic uint32_t mark_count; /* published: the first mark_count marks, and the bytes that they tell */
};

static struct memtable *create(uint64_t seed, bool small, struct page_pool *pool) {
    struct memtable *memtable = calloc(1, sizeof *memtable);
    if (!memtable) return NULL;
    atomic_init(&memtable->references, 1);
    if (small)
        arena_init(&memtable->arena, SMALL_BLOCK_BYTES);
    else
        arena_init_growing(&memtable->arena, ARENA_BLOCK_BYTES, pool);
    range_set_init(&memtable->ranges, &memtable->arena, seed ^ 1);
    if (entry_list_init(&memtable->trees, &memtable->arena)) return memtable;
    memtable_release(memtable);
    return NULL;
}

struct memtable *memtable_create(uint64_t seed) {
    return create(seed, false, NULL);
}

struct memtable *memtable_create_from(struct page_pool *pool, uint64_t seed) {
    return create(seed, false, pool);
}

struct memtable *memtable_create_small(uint64_t seed) {
    return create(seed, true, NULL);
}

void memtable_acquire(struct memtable *memtable) {
    atomic_fetch_add_explicit(&memtable->references, 1, memory_order_relaxed);
}

void memtable_release(struct memtable *memtable) {
    if (!memtable) return;
    uint32_t before = atomic_fetch_sub_explicit(&memtable->references, 1, memory_order_acq_rel);
    check(before > 0);
    if (before > 1) return;
    key_filter_deinit(&memtable->filter);
    arena_deinit(&memtable->arena);
    free(memtable);
}

/* ---- Versions of a node ------------------------------------------------------------------------------------------ */

static bool is_grown(uintptr_t value) {
    return !(value & 1);
}

static uintptr_t load_value(const struct memtable_node *node) {
    return atomic_load_explicit(&node->value, memory_order_acquire);
}

/* NULL = the value stands behind the key. */
static struct memtable_grown *node_grown(const struct memtable_node *node) {
    const uintptr_t value = load_value(node);
    return is_grown(value) ? (struct memtable_grown *)value : NULL;
}

static uint32_t grown_count(const struct memtable_grown *grown) {
    return atomic_load_explicit(&grown->mark_count, memory_order_acquire);
}

static uint64_t mark_sequence(const struct memtable_node *node, const struct memtable_grown *grown, uint32_t mark) {
    return entry_sequence(node->trailer) + grown->marks[mark].sequence_delta;
}

static struct slice node_put_value(const struct memtable_node *node) {
    const uintptr_t value = load_value(node);
    return memtable_node_put_value(node, is_grown(value) ? ((const struct memtable_grown *)value)->marks[0].size
                                                         : value >> 1);
}

/* The last mark with a sequence <= snapshot; the first one if even that is newer. */
static uint32_t mark_find(const struct memtable_node *node, const struct memtable_grown *grown, uint64_t snapshot) {
    uint32_t low = 0;
    uint32_t high = grown_count(grown);
    if (mark_sequence(node, grown, high - 1) <= snapshot) return high - 1;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (mark_sequence(node, grown, middle) <= snapshot) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The node as the snapshot sees it: trailer and value. */
static void node_version(const struct memtable_node *node, uint64_t snapshot, uint64_t *trailer, struct slice *value) {
    const uintptr_t now = load_value(node);
    *trailer = node->trailer;
    if (!is_grown(now)) {
        *value = memtable_node_put_value(node, now >> 1);
        return;
    }
    const struct memtable_grown *grown = (const struct memtable_grown *)now;
    uint32_t mark = mark_find(node, grown, snapshot);
    *trailer = entry_trailer(mark_sequence(node, grown, mark), entry_kind(node->trailer));
    *value = slice_make(grown->data, grown->marks[mark].size);
}

static uint64_t node_last_sequence(const struct memtable_node *node) {
    const struct memtable_grown *grown = node_grown(node);
    return grown ? mark_sequence(node, grown, grown_count(grown) - 1) : entry_sequence(node->trailer);
}

static bool node_has_key(const struct memtable_node *node, struct slice key) {
    return node && slice_equal(memtable_node_key(node), key);
}

/* ---- Trees ----------------------------------------------------------------------------------------------------- */

static struct memtable_tree *node_tree(const struct memtable_node *node) {
    struct memtable_tree *tree;
    memcpy(&tree, node_put_value(node).data, sizeof tree);
    return tree;
}

/* The first tree with this number or a higher one; NULL = none. */
static struct memtable_tree *tree_seek(const struct memtable *memtable, uint32_t number) {
    uint8_t key[4];
    coding_put_key_u32(key, number);
    struct memtable_target target = memtable_target(slice_make(key, sizeof key), ENTRY_TRAILER_FIRST);
    const struct memtable_node *node = entry_list_seek(&memtable->trees, &target);
    return node ? node_tree(node) : NULL;
}

static struct memtable_tree *tree_find(const struct memtable *memtable, uint32_t number) {
    struct memtable_tree *tree = tree_seek(memtable, number);
    return tree && tree->tree == number ? tree : NULL;
}

struct memtable_tree *memtable_tree_make(struct memtable *memtable, uint32_t number) {
    if (memtable->latest && memtable->latest->tree == number) return memtable->latest;
    struct memtable_tree *tree = tree_find(memtable, number);
    if (!tree) {
        tree = arena_alloc(&memtable->arena, sizeof *tree, 8);
        if (!tree || !entry_list_init(&tree->list, &memtable->arena)) return NULL;
        tree->tree = number;
        tree->waiting = NULL;
        uint8_t key[4];
        coding_put_key_u32(key, number);
        struct memtable_target target = memtable_target(slice_make(key, sizeof key), 0);
        struct slice value = slice_make(&tree, sizeof tree);
        struct memtable_node *node = entry_list_node_create(&memtable->arena, &target, value);
        if (!node) return NULL;
        struct entry_place place;
        entry_list_find_place(&memtable->trees, &target, &place);
        if (!entry_list_link(&memtable->trees, &memtable->arena, node, &place)) return NULL;
    }
    memtable->latest = tree;
    return tree;
}

/* ---- Writing --------------------------------------------------------------------------------------------------- */

static enum status insert(struct memtable *memtable, struct memtable_tree *tree, const struct memtable_target *target,
                          struct slice value, const struct entry_place *place) {
    struct memtable_node *node = entry_list_node_create(&memtable->arena, target, value);
    if (!node || !entry_list_link(&tree->list, &memtable->arena, node, place)) return STATUS_NO_MEMORY;
    return STATUS_OK;
}

/* The node's buffer and marks with room for one more mark of `size` bytes in all; NULL when out of memory. Not
 * published. */
static struct memtable_grown *grown_make_room(struct arena *arena, struct memtable_node *node, uint32_t size) {
    struct memtable_grown *old = node_grown(node);
    uint32_t count = old ? grown_count(old) : 1;
    if (old && size <= old->capacity && count < old->mark_capacity) return old;
    struct memtable_grown *grown = arena_alloc(arena, sizeof *grown, 8);
    if (!grown) return NULL;
    struct slice value = old ? slice_make(old->data, old->marks[count - 1].size) : node_put_value(node);
    *grown = old ? *old : (struct memtable_grown){0};
    atomic_init(&grown->mark_count, count);
    if (size > grown->capacity) {
        grown->capacity = size < GROWN_BYTES_MIN / 2 ? GROWN_BYTES_MIN : size * 2; /* size <= ENGINE_VALUE_MAX_BYTES */
        grown->data = arena_alloc(arena, grown->capacity, 1);
        if (!grown->data) return NULL;
        if (value.size) memcpy(grown->data, value.data, value.size);
    }
    if (count >= grown->mark_capacity) {
        grown->mark_capacity = count < MARKS_MIN ? MARKS_MIN : count * 2;
        grown->marks = arena_alloc(arena, grown->mark_capacity * sizeof *grown->marks, 4);
        if (!grown->marks) return NULL;
        if (old) {
            memcpy(grown->marks, old->marks, count * sizeof *grown->marks);
        } else {
            grown->marks[0] = (struct memtable_mark){.size = (uint32_t)value.size};
        }
    }
    return grown;
}

static enum status extend(struct memtable *memtable, struct memtable_node *node, uint64_t sequence,
                          struct slice bytes) {
    const struct memtable_grown *old = node_grown(node);
    size_t old_size = old ? old->marks[grown_count(old) - 1].size : node_put_value(node).size;
    if (bytes.size > ENGINE_VALUE_MAX_BYTES - old_size) return STATUS_TOO_LARGE;
    struct memtable_grown *grown = grown_make_room(&memtable->arena, node, (uint32_t)(old_size + bytes.size));
    if (!grown) return STATUS_NO_MEMORY;
    if (bytes.size) memcpy(grown->data + old_size, bytes.data, bytes.size);
    uint32_t count = grown_count(grown);
    grown->marks[count] = (struct memtable_mark){
        .sequence_delta = (uint32_t)(sequence - entry_sequence(node->trailer)),
        .size = (uint32_t)(old_size + bytes.size),
    };
    atomic_store_explicit(&grown->mark_count, count + 1, memory_order_release);
    if (grown != old) atomic_store_explicit(&node->value, (uintptr_t)grown, memory_order_release);
    return STATUS_OK;
}

static enum status append(struct memtable *memtable, struct memtable_tree *tree, uint64_t sequence, struct slice key,
                          struct slice bytes) {
    struct entry_place place;
    struct memtable_target target = memtable_target(key, entry_trailer(sequence, ENTRY_APPEND));
    entry_list_find_place(&tree->list, &target, &place);
    struct memtable_node *newest = entry_list_next(place.before);
    if (!node_has_key(newest, key)) newest = NULL;
    uint64_t last = newest ? node_last_sequence(newest) : 0;
    bool deleted = range_set_cover(&memtable->ranges, tree->tree, key, ENTRY_SEQUENCE_MAX) > last ||
                   (newest && entry_kind(newest->trailer) == ENTRY_DELETE);
    if (newest && !deleted && entry_kind(newest->trailer) != ENTRY_MERGE &&
        sequence - entry_sequence(newest->trailer) <= UINT32_MAX) {
        return extend(memtable, newest, sequence, bytes);
    }
    if (deleted) target.key.trailer = entry_trailer(sequence, ENTRY_PUT);
    return insert(memtable, tree, &target, bytes, &place);
}

static enum status put(struct memtable *memtable, struct memtable_tree *tree, uint64_t trailer, struct slice key,
                       struct slice value) {
    struct entry_place place;
    struct memtable_target target = memtable_target(key, trailer);
    entry_list_find_place(&tree->list, &target, &place);
    return insert(memtable, tree, &target, value, &place);
}

static enum status add(struct memtable *memtable, uint32_t number, enum entry_kind kind, uint64_t sequence,
                       struct slice key, struct slice value) {
    if (kind == ENTRY_RANGE_DELETE) return range_set_add(&memtable->ranges, number, key, value, sequence);
    struct memtable_tree *tree = memtable_tree_make(memtable, number);
    if (!tree) return STATUS_NO_MEMORY;
    const uint64_t hash = memtable_filter_hash(number, entry_key_hash(key));
    const enum status status = key_filter_add(&memtable->filter, hash);
    if (status != STATUS_OK) return status;
    return kind == ENTRY_APPEND ? append(memtable, tree, sequence, key, value)
                                : put(memtable, tree, entry_trailer(sequence, kind), key, value);
}

enum status memtable_add_unsettled(struct memtable *memtable, uint32_t tree, enum entry_kind kind, uint64_t sequence,
                                   struct slice key, struct slice value) {
    check(key.size <= ENGINE_KEY_MAX_BYTES && value.size <= ENGINE_VALUE_MAX_BYTES && sequence <= ENTRY_SEQUENCE_MAX);
    enum status status = add(memtable, tree, kind, sequence, key, value);
    memtable_account(memtable);
    if (status != STATUS_OK) return status;
    if (kind != ENTRY_RANGE_DELETE) memtable_note_entry(memtable);
    memtable_note_sequence(memtable, sequence);
    return STATUS_OK;
}

void memtable_settle(struct memtable *memtable) {
    key_filter_settle(&memtable->filter);
}

enum status memtable_add(struct memtable *memtable, uint32_t tree, enum entry_kind kind, uint64_t sequence,
                         struct slice key, struct slice value) {
    const enum status status = memtable_add_unsettled(memtable, tree, kind, sequence, key, value);
    memtable_settle(memtable);
    return status;
}

/* Takes back what was added for a key from `first` on: whole nodes, then the latest extensions of the one that was
 * there before. */
static void undo_key(struct memtable *memtable, uint32_t number, struct slice key, uint64_t first) {
    struct memtable_tree *tree = tree_find(memtable, number);
    struct entry_place place;
    struct memtable_target target = memtable_target(key, ENTRY_TRAILER_FIRST);
    struct memtable_node *node;
    if (!tree) return;
    for (;;) {
        entry_list_find_place(&tree->list, &target, &place);
        node = entry_list_next(place.before);
        if (!node_has_key(node, key)) return;
        if (entry_sequence(node->trailer) < first) break;
        entry_list_unlink(&tree->list, place.before);
        const struct memtable_grown *extended = node_grown(node);
        atomic_fetch_sub_explicit(&memtable->entries, extended ? grown_count(extended) : 1, memory_order_relaxed);
    }
    struct memtable_grown *grown = node_grown(node);
    if (!grown) return;
    uint32_t count = grown_count(grown);
    for (; count > 1 && mark_sequence(node, grown, count - 1) >= first; count--) {
        atomic_fetch_sub_explicit(&memtable->entries, 1, memory_order_relaxed);
    }
    atomic_store_explicit(&grown->mark_count, count, memory_order_release);
}

void memtable_undo(struct memtable *memtable, uint32_t tree, enum entry_kind kind, struct slice key, struct slice value,
                   uint64_t first) {
    if (kind == ENTRY_RANGE_DELETE) {
        range_set_undo(&memtable->ranges, tree, key, value, first);
    } else {
        undo_key(memtable, tree, key, first);
    }
    uint64_t last = atomic_load_explicit(&memtable->last_sequence, memory_order_relaxed);
    if (last >= first) atomic_store_explicit(&memtable->last_sequence, first - 1, memory_order_relaxed);
    if (atomic_load_explicit(&memtable->first_sequence, memory_order_relaxed) < first) return;
    atomic_store_explicit(&memtable->first_sequence, 0, memory_order_relaxed);
    atomic_store_explicit(&memtable->last_sequence, 0, memory_order_relaxed);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

bool memtable_get(const struct memtable *memtable, uint32_t tree, struct slice key, uint64_t snapshot,
                  struct memtable_version *version) {
    const struct memtable_tree *entries = tree_find(memtable, tree);
    if (!entries) return false;
    struct memtable_target target = memtable_target(key, entry_trailer_at(snapshot));
    version->node = entry_list_seek(&entries->list, &target);
    if (!node_has_key(version->node, key)) return false;
    node_version(version->node, snapshot, &version->trailer, &version->value);
    return true;
}

bool memtable_may_have(const struct memtable *memtable, uint32_t tree, uint64_t hash) {
    return key_filter_may_have(&memtable->filter, memtable_filter_hash(tree, hash));
}

void memtable_touch_filter(const struct memtable *memtable, uint32_t tree, uint64_t hash) {
    key_filter_touch(&memtable->filter, memtable_filter_hash(tree, hash));
}

void memtable_touch(const struct memtable *memtable, uint32_t tree, const struct slice *keys, size_t count) {
    struct memtable_target targets[ENTRY_LIST_TOUCH_MAX];
    const struct memtable_tree *entries = tree_find(memtable, tree);
    if (!entries) return;
    while (count > 0) {
        const size_t some = count < ENTRY_LIST_TOUCH_MAX ? count : ENTRY_LIST_TOUCH_MAX;
        for (size_t i = 0; i < some; i++) targets[i] = memtable_target(keys[i], ENTRY_TRAILER_FIRST);
        entry_list_touch(&entries->list, targets, some);
        keys += some;
        count -= some;
    }
}

bool memtable_get_older(struct memtable_version *version) {
    const struct memtable_node *node = entry_list_next(version->node);
    if (!node_has_key(node, memtable_node_key(version->node))) return false;
    version->node = node;
    node_version(node, ENTRY_SEQUENCE_MAX, &version->trailer, &version->value);
    return true;
}

uint64_t memtable_cover(const struct memtable *memtable, uint32_t tree, struct slice key, uint64_t snapshot) {
    return range_set_cover(&memtable->ranges, tree, key, snapshot);
}

const struct range_set *memtable_range_deletes(const struct memtable *memtable) {
    return &memtable->ranges;
}

bool memtable_next_tree(const struct memtable *memtable, uint32_t *tree) {
    const struct memtable_tree *entries = tree_seek(memtable, *tree);
    while (entries && !entry_list_first(&entries->list)) { /* all of it was taken back */
        entries = entries->tree == UINT32_MAX ? NULL : tree_seek(memtable, entries->tree + 1);
    }
    struct range_cursor cursor;
    struct range_tombstone tombstone;
    range_cursor_init(&cursor, &memtable->ranges, *tree);
    bool has_range = range_cursor_next(&cursor, &tombstone);
    if (!entries && !has_range) return false;
    *tree = entries && (!has_range || entries->tree < tombstone.tree) ? entries->tree : tombstone.tree;
    return true;
}

size_t memtable_reserved(const struct memtable *memtable) {
    return atomic_load_explicit(&memtable->reserved, memory_order_relaxed) + key_filter_bytes(&memtable->filter);
}

size_t memtable_bytes(const struct memtable *memtable) {
    return atomic_load_explicit(&memtable->bytes, memory_order_relaxed);
}

void memtable_get_stats(const struct memtable *memtable, struct memtable_stats *stats) {
    *stats = (struct memtable_stats){
        .bytes = atomic_load_explicit(&memtable->bytes, memory_order_relaxed),
        .reserved = memtable_reserved(memtable),
        .entries = atomic_load_explicit(&memtable->entries, memory_order_relaxed),
        .range_deletes = atomic_load_explicit(&memtable->ranges.count, memory_order_relaxed),
        .first_sequence = atomic_load_explicit(&memtable->first_sequence, memory_order_relaxed),
        .last_sequence = atomic_load_explicit(&memtable->last_sequence, memory_order_relaxed),
    };
}

/* ---- The entries of a tree, one by one --------------------------------------------------------------------------- */

static struct memtable_source *source_of(struct source *source) {
    return (struct memtable_source *)(void *)source;
}

/* Shows the node (as of this source's mark, when it shows every version); NULL or another tree's = the end. */
static void show(struct memtable_source *this, const struct memtable_node *node) {
    struct source *source = &this->source;
    this->node = node;
    source->valid = node != NULL;
    if (!source->valid) return;
    source->key = memtable_node_key(node);
    source->head = memtable_node_head(node);
    if (this->snapshot != MEMTABLE_EVERY_VERSION) {
        node_version(node, this->snapshot, &source->trailer, &source->value);
        return;
    }
    const struct memtable_grown *grown = node_grown(node);
    source->trailer = node->trailer;
    source->value = node_put_value(node);
    if (!grown || this->mark == 0) return;
    uint32_t from = grown->marks[this->mark - 1].size;
    source->trailer = entry_trailer(mark_sequence(node, grown, this->mark), ENTRY_APPEND);
    source->value = slice_make(grown->data + from, grown->marks[this->mark].size - from);
}

/* Shows the newest version of the node that is not newer than `newest`. */
static void show_from(struct memtable_source *this, const struct memtable_node *node, uint64_t newest) {
    const struct memtable_grown *grown = node && this->snapshot == MEMTABLE_EVERY_VERSION ? node_grown(node) : NULL;
    this->mark = grown ? mark_find(node, grown, newest) : 0;
    show(this, node);
}

/* Nodes lie wherever the arena put them: a walk waits for memory at each, unless the next one is fetched while the
 * present one is made use of. */
static void bring_next(const struct memtable_source *this) {
    const char *next = this->node ? (const char *)entry_list_next(this->node) : NULL;
    for (int line = 0; next && line < 3; line++) __builtin_prefetch(next + 64 * line);
}

static void memtable_source_next(struct source *source) {
    struct memtable_source *this = source_of(source);
    check(source->valid);
    if (this->mark > 0) {
        this->mark--;
        show(this, this->node);
    } else {
        show_from(this, entry_list_next(this->node), this->snapshot);
        bring_next(this);
    }
}

static void memtable_source_seek(struct source *source, struct slice key, uint64_t trailer) {
    struct memtable_source *this = source_of(source);
    struct memtable_target target = memtable_target(key, trailer);
    const struct memtable_node *node = this->tree ? entry_list_seek(&this->tree->list, &target) : NULL;
    source->status = STATUS_OK;
    bool same = node_has_key(node, key);
    show_from(this, node, same ? entry_sequence(trailer) : ENTRY_SEQUENCE_MAX);
    bring_next(this);
    if (same && this->mark > 0 && source->trailer > trailer) memtable_source_next(source);
}

/* A step down the tree each; then the entry behind the one where that ends, which is mostly what is looked for. */
static void memtable_source_prepare(struct source *source, struct slice key, uint64_t trailer, unsigned step) {
    struct memtable_source *this = source_of(source);
    if (!this->tree) return;
    if (step == 0) {
        this->coming = (struct radix_key){.key = key, .trailer = trailer};
        radix_stroll_begin(&this->tree->list.radix, &this->coming, &this->stroll);
    }
    if (radix_stroll_step(&this->stroll) || !this->stroll.near) return;
    __builtin_prefetch(entry_list_next(this->stroll.near));
    this->stroll.near = NULL;
}

static void memtable_source_seek_first(struct source *source) {
    memtable_source_seek(source, (struct slice){0}, ENTRY_TRAILER_FIRST);
}

/* False, and the source ends with INVALID, if it can only go forward. */
static bool goes_back(struct memtable_source *this) {
    bool can = this->snapshot != MEMTABLE_EVERY_VERSION;
    this->source.status = can ? STATUS_OK : STATUS_INVALID;
    if (!can) this->source.valid = false;
    return can;
}

static void memtable_source_seek_before(struct source *source, struct slice key, uint64_t trailer) {
    struct memtable_source *this = source_of(source);
    if (!goes_back(this)) return;
    struct memtable_target target = memtable_target(key, trailer);
    show(this, this->tree ? entry_list_seek_before(&this->tree->list, &target) : NULL);
}

static void memtable_source_seek_last(struct source *source) {
    struct memtable_source *this = source_of(source);
    if (goes_back(this)) show(this, this->tree ? entry_list_last(&this->tree->list) : NULL);
}

static void memtable_source_prev(struct source *source) {
    struct memtable_source *this = source_of(source);
    check(source->valid);
    if (goes_back(this)) show(this, entry_list_prev(&this->tree->list, this->node));
}

static void memtable_source_close(struct source *source) {
    source->valid = false;
}

static const struct source_vtable memtable_source_vtable = {
    .seek = memtable_source_seek,
    .seek_before = memtable_source_seek_before,
    .seek_first = memtable_source_seek_first,
    .seek_last = memtable_source_seek_last,
    .next = memtable_source_next,
    .prev = memtable_source_prev,
    .close = memtable_source_close,
    .prepare = memtable_source_prepare,
};

void memtable_source_init(struct memtable_source *source, const struct memtable *memtable, uint32_t tree,
                          uint64_t snapshot) {
    *source = (struct memtable_source){
        .source = {.vtable = &memtable_source_vtable},
        .tree = tree_find(memtable, tree),
        .snapshot = snapshot,
    };
}
