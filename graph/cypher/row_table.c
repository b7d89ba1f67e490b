/*
 * row_table: open addressing over a dense array. Invariant: every entry is reachable from its hash by linear probing,
 * and at most three quarters of the index are taken.
 */
#include "graph/cypher/row_table.h"

#include <stdlib.h>

#include "engine/base/hash.h"

enum { FIRST_CAPACITY = 8, ENTRIES_MAX = UINT32_MAX - 1 };

struct row_table_entry {
    uint64_t hash;
    const struct value *tuple;
};

void row_table_init(struct row_table *table, uint32_t width, struct value_budget *budget, uint64_t seed) {
    *table = (struct row_table){.width = width, .seed = seed};
    value_arena_init(&table->tuples, budget);
}

static size_t table_bytes(const struct row_table *table) {
    return table->capacity * sizeof *table->entries + table->index_size * sizeof *table->index;
}

static void table_free(struct row_table *table) {
    value_budget_release(table->tuples.budget, table_bytes(table));
    free(table->entries);
    free(table->index);
    table->entries = NULL;
    table->index = NULL;
    table->count = table->capacity = table->index_size = 0;
}

void row_table_deinit(struct row_table *table) {
    if (table->tuples.arena.block_bytes == 0) return; /* never initialised */
    table_free(table);
    value_arena_deinit(&table->tuples);
}

void row_table_reset(struct row_table *table) {
    table_free(table);
    value_arena_reset(&table->tuples);
}

static void index_put(uint32_t *index, size_t size, uint64_t hash, uint32_t number) {
    size_t at = hash & (size - 1);
    while (index[at] != 0) at = (at + 1) & (size - 1);
    index[at] = number + 1;
}

/* Twice the entries; an index of 4/3 of them, rounded up to a power of two. */
static enum status table_grow(struct row_table *table) {
    size_t capacity = table->capacity ? 2 * table->capacity : FIRST_CAPACITY, index_size = 2 * capacity;
    if (capacity > ENTRIES_MAX) return STATUS_NO_MEMORY;
    size_t bytes = capacity * sizeof *table->entries + index_size * sizeof *table->index;
    if (!value_budget_charge(table->tuples.budget, bytes)) return STATUS_NO_MEMORY;
    struct row_table_entry *entries = malloc(capacity * sizeof *entries);
    uint32_t *index = calloc(index_size, sizeof *index);
    if (!entries || !index) {
        free(entries);
        free(index);
        value_budget_release(table->tuples.budget, bytes);
        return STATUS_NO_MEMORY;
    }
    if (table->count) memcpy(entries, table->entries, table->count * sizeof *entries);
    for (size_t i = 0; i < table->count; i++) index_put(index, index_size, entries[i].hash, (uint32_t)i);
    size_t count = table->count;
    table_free(table);
    table->entries = entries;
    table->index = index;
    table->count = count;
    table->capacity = capacity;
    table->index_size = index_size;
    return STATUS_OK;
}

static bool tuples_equivalent(const struct value *a, const struct value *b, uint32_t width) {
    for (uint32_t i = 0; i < width; i++)
        if (!value_equivalent(a[i], b[i])) return false;
    return true;
}

static bool table_find(const struct row_table *table, const struct value *tuple, uint64_t hash, size_t *number) {
    if (table->index_size == 0) return false;
    for (size_t at = hash & (table->index_size - 1); table->index[at] != 0; at = (at + 1) & (table->index_size - 1)) {
        const struct row_table_entry *entry = &table->entries[table->index[at] - 1];
        if (entry->hash != hash || !tuples_equivalent(entry->tuple, tuple, table->width)) continue;
        *number = table->index[at] - 1;
        return true;
    }
    return false;
}

static enum status tuple_copy(struct row_table *table, const struct value *tuple, const struct value **copy) {
    struct value *values = value_alloc_array(&table->tuples, table->width, sizeof *values);
    if (!values) return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < table->width; i++) {
        enum status status = value_copy(&table->tuples, tuple[i], &values[i]);
        if (status != STATUS_OK) return status;
    }
    *copy = values;
    return STATUS_OK;
}

enum status row_table_add(struct row_table *table, const struct value *tuple, size_t *number, bool *added) {
    uint64_t hash = table->seed;
    for (uint32_t i = 0; i < table->width; i++) hash = hash_mix(hash, value_hash(tuple[i], table->seed));
    *added = false;
    if (table_find(table, tuple, hash, number)) return STATUS_OK;
    enum status status = STATUS_OK;
    if (table->count == table->capacity) status = table_grow(table);
    const struct value *copy;
    if (status == STATUS_OK) status = tuple_copy(table, tuple, &copy);
    if (status != STATUS_OK) return status;
    *number = table->count++;
    *added = true;
    table->entries[*number] = (struct row_table_entry){.hash = hash, .tuple = copy};
    index_put(table->index, table->index_size, hash, (uint32_t)*number);
    return STATUS_OK;
}

const struct value *row_table_get(const struct row_table *table, size_t number) {
    return table->entries[number].tuple;
}
