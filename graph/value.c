/*
 * value: making, copying and asking; comparisons are in value_order.c.
 *
 * Invariant: a list's or map's depth is one more than its deepest item's, at most VALUE_DEPTH_MAX, so that everything
 * here may recurse.
 */
#include "graph/value.h"

#include <stdlib.h>

#include "engine/base/check.h"

enum { ARENA_BLOCK_BYTES = 16 << 10, VALUE_ALIGN = 8 };

/* --- memory --- */

void value_arena_init(struct value_arena *arena, struct value_budget *budget) {
    *arena = (struct value_arena){.budget = budget};
    arena_init(&arena->arena, ARENA_BLOCK_BYTES);
}

static size_t left_of(size_t limit, size_t used) {
    if (limit == 0) return SIZE_MAX;
    return used < limit ? limit - used : 0;
}

static size_t own_left(const struct value_budget *budget) {
    return budget ? left_of(budget->limit_bytes, budget->used_bytes) : SIZE_MAX;
}

static size_t pool_left(const struct value_budget *budget) {
    const struct value_pool *pool = budget ? budget->pool : NULL;
    return pool ? left_of(atomic_load(&pool->limit_bytes), atomic_load(&pool->used_bytes)) : SIZE_MAX;
}

size_t value_budget_left(const struct value_budget *budget) {
    const size_t own = own_left(budget), pool = pool_left(budget);
    return own < pool ? own : pool;
}

void value_budget_refuse(struct value_budget *budget) {
    if (!budget || value_budget_left(budget) == SIZE_MAX || budget->refused != VALUE_NOT_REFUSED) return;
    budget->refused = own_left(budget) <= pool_left(budget) ? VALUE_REFUSED_BY_BUDGET : VALUE_REFUSED_BY_POOL;
}

static bool budget_refuses(struct value_budget *budget, size_t size) {
    if (size <= value_budget_left(budget)) return false;
    value_budget_refuse(budget);
    return true;
}

static void budget_set_used(struct value_budget *budget, size_t used) {
    if (budget->pool && used > budget->used_bytes)
        atomic_fetch_add(&budget->pool->used_bytes, used - budget->used_bytes);
    if (budget->pool && used < budget->used_bytes)
        atomic_fetch_sub(&budget->pool->used_bytes, budget->used_bytes - used);
    budget->used_bytes = used;
    if (used > budget->peak_bytes) budget->peak_bytes = used;
}

bool value_budget_charge(struct value_budget *budget, size_t size) {
    if (!budget) return true;
    if (budget_refuses(budget, size)) return false;
    budget_set_used(budget, budget->used_bytes + size);
    return true;
}

void value_budget_release(struct value_budget *budget, size_t size) {
    if (!budget) return;
    check(budget->used_bytes >= size);
    budget_set_used(budget, budget->used_bytes - size);
}

/* The budget follows what the arena has taken from malloc; a block's overhead may pass the limit by a little. */
static void arena_settle(struct value_arena *arena) {
    size_t reserved = arena->arena.reserved_bytes;
    if (arena->budget) budget_set_used(arena->budget, arena->budget->used_bytes - arena->charged_bytes + reserved);
    arena->charged_bytes = reserved;
}

void value_arena_deinit(struct value_arena *arena) {
    arena_deinit(&arena->arena);
    arena_settle(arena);
}

void value_arena_reset(struct value_arena *arena) {
    arena_reset(&arena->arena);
    arena_settle(arena);
}

void *value_alloc(struct value_arena *arena, size_t size) {
    size_t room = (size_t)(arena->arena.end - arena->arena.cursor);
    if (size + VALUE_ALIGN > room && budget_refuses(arena->budget, size)) return NULL;
    void *memory = arena_alloc(&arena->arena, size, VALUE_ALIGN);
    if (arena->arena.reserved_bytes != arena->charged_bytes) arena_settle(arena);
    return memory;
}

void *value_alloc_array(struct value_arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        if (arena->budget) arena->budget->refused = VALUE_REFUSED_BY_BUDGET;
        return NULL;
    }
    return value_alloc(arena, bytes);
}

/* --- making --- */

enum status value_list(const struct value *items, size_t count, struct value *value) {
    uint8_t depth = 0;
    for (size_t i = 0; i < count; i++) depth = items[i].depth > depth ? items[i].depth : depth;
    if (depth >= VALUE_DEPTH_MAX) return STATUS_TOO_LARGE;
    *value = (struct value){.type = VALUE_LIST, .depth = (uint8_t)(depth + 1), .list = {items, count}};
    return STATUS_OK;
}

struct value value_path(const struct value *items, size_t count) {
    check(count % 2 == 1);
    return (struct value){.type = VALUE_PATH, .list = {items, count}};
}

static bool entries_ascend(const struct value_entry *entries, size_t count) {
    for (size_t i = 1; i < count; i++)
        if (slice_compare(entries[i - 1].key, entries[i].key) > 0) return false;
    return true;
}

static void entries_merge(const struct value_entry *from, size_t middle, size_t end, struct value_entry *to) {
    size_t left = 0, right = middle;
    for (size_t i = 0; i < end; i++) {
        bool take_left = left < middle && (right >= end || slice_compare(from[left].key, from[right].key) <= 0);
        to[i] = take_left ? from[left++] : from[right++];
    }
}

/* Stable, as qsort is not: of equal keys the later one has to stay last. */
static enum status entries_sort(struct value_entry *entries, size_t count) {
    if (entries_ascend(entries, count)) return STATUS_OK;
    struct value_entry *spare = malloc(count * sizeof *spare);
    if (!spare) return STATUS_NO_MEMORY;
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t at = 0; at < count; at += 2 * run) {
            size_t left = count - at;
            entries_merge(entries + at, run < left ? run : left, 2 * run < left ? 2 * run : left, spare + at);
        }
        memcpy(entries, spare, count * sizeof *spare);
    }
    free(spare);
    return STATUS_OK;
}

static size_t entries_drop_repeated(struct value_entry *entries, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && slice_equal(entries[i].key, entries[i + 1].key)) continue;
        entries[kept++] = entries[i];
    }
    return kept;
}

enum status value_map(struct value_entry *entries, size_t count, struct value *value) {
    uint8_t depth = 0;
    for (size_t i = 0; i < count; i++) depth = entries[i].value.depth > depth ? entries[i].value.depth : depth;
    if (depth >= VALUE_DEPTH_MAX) return STATUS_TOO_LARGE;
    enum status status = entries_sort(entries, count);
    if (status != STATUS_OK) return status;
    count = entries_drop_repeated(entries, count);
    *value = (struct value){.type = VALUE_MAP, .depth = (uint8_t)(depth + 1), .map = {entries, count}};
    return STATUS_OK;
}

/* --- copying --- */

enum status value_copy_string(struct value_arena *arena, struct slice text, struct value *value) {
    uint8_t *bytes = value_alloc(arena, text.size);
    if (!bytes) return STATUS_NO_MEMORY;
    if (text.size) memcpy(bytes, text.data, text.size);
    *value = value_string(slice_make(bytes, text.size));
    return STATUS_OK;
}

static enum status items_copy(struct value_arena *arena, struct value value, struct value *copy) {
    struct value *items = value_alloc_array(arena, value.list.count, sizeof *items);
    if (!items) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < value.list.count; i++) {
        enum status status = value_copy(arena, value.list.items[i], &items[i]);
        if (status != STATUS_OK) return status;
    }
    *copy = value;
    copy->list.items = items;
    return STATUS_OK;
}

static enum status entries_copy(struct value_arena *arena, struct value value, struct value *copy) {
    struct value_entry *entries = value_alloc_array(arena, value.map.count, sizeof *entries);
    if (!entries) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < value.map.count; i++) {
        struct value key;
        enum status status = value_copy_string(arena, value.map.entries[i].key, &key);
        if (status == STATUS_OK) status = value_copy(arena, value.map.entries[i].value, &entries[i].value);
        if (status != STATUS_OK) return status;
        entries[i].key = key.text;
    }
    *copy = value;
    copy->map.entries = entries;
    return STATUS_OK;
}

enum status value_copy(struct value_arena *arena, struct value value, struct value *copy) {
    switch ((enum value_type)value.type) {
    case VALUE_STRING: return value_copy_string(arena, value.text, copy);
    case VALUE_LIST:
    case VALUE_PATH: return items_copy(arena, value, copy);
    case VALUE_MAP: return entries_copy(arena, value, copy);
    default: *copy = value; return STATUS_OK;
    }
}

size_t value_size_bytes(struct value value) {
    size_t size = 0;
    switch ((enum value_type)value.type) {
    case VALUE_STRING: return value.text.size + VALUE_ALIGN;
    case VALUE_LIST:
    case VALUE_PATH:
        for (size_t i = 0; i < value.list.count; i++) size += value_size_bytes(value.list.items[i]);
        return size + value.list.count * sizeof(struct value);
    case VALUE_MAP:
        for (size_t i = 0; i < value.map.count; i++)
            size += value.map.entries[i].key.size + VALUE_ALIGN + value_size_bytes(value.map.entries[i].value);
        return size + value.map.count * sizeof(struct value_entry);
    default: return 0;
    }
}

/* --- asking --- */

const char *value_type_name(enum value_type type) {
    static const char *const names[VALUE_TYPE_COUNT] = {"Null", "Boolean", "Integer", "Float", "String",
                                                        "List", "Map",     "Node",    "Edge",  "Path"};
    return type < VALUE_TYPE_COUNT ? names[type] : "Unknown";
}

static bool is_scalar_property(struct value value) {
    return value.type >= VALUE_BOOLEAN && value.type <= VALUE_STRING;
}

bool value_is_property(struct value value) {
    if (value.type != VALUE_LIST) return is_scalar_property(value);
    for (size_t i = 0; i < value.list.count; i++)
        if (!is_scalar_property(value.list.items[i])) return false;
    return true;
}

const struct value *value_map_get(const struct value *map, struct slice key) {
    size_t low = 0, high = map->map.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_compare(map->map.entries[middle].key, key);
        if (order == 0) return &map->map.entries[middle].value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
