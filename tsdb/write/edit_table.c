/* edit_table: see edit_table.h. */
#include "tsdb/write/edit_table.h"

#include <stdlib.h>

#include "engine/base/hash.h"

enum { FIRST_CAPACITY = 8 };

void edit_table_clear(struct edit_table *table) {
    for (size_t i = 0; i < table->count; i++) series_edit_deinit(&table->edits[i]);
    if (table->count) memset(table->slots, 0, 2 * table->capacity * sizeof *table->slots);
    table->count = 0;
}

void edit_table_deinit(struct edit_table *table) {
    edit_table_clear(table);
    free(table->edits);
    free(table->slots);
    *table = (struct edit_table){0};
}

static uint32_t *find_slot(const struct edit_table *table, uint64_t series) {
    size_t mask = 2 * table->capacity - 1;
    for (size_t i = hash_mix(series, 0) & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &table->slots[i];
        if (*slot == 0 || table->edits[*slot - 1].head.series == series) return slot;
    }
}

struct series_edit *edit_table_find(const struct edit_table *table, uint64_t series) {
    if (table->count == 0) return NULL;
    uint32_t slot = *find_slot(table, series);
    return slot ? &table->edits[slot - 1] : NULL;
}

static enum status grow(struct edit_table *table) {
    size_t capacity = table->capacity ? 2 * table->capacity : FIRST_CAPACITY;
    uint32_t *slots = calloc(2 * capacity, sizeof *slots);
    struct series_edit *edits = slots ? realloc(table->edits, capacity * sizeof *edits) : NULL;
    if (!edits) {
        free(slots);
        return STATUS_NO_MEMORY;
    }
    free(table->slots);
    table->slots = slots;
    table->edits = edits;
    table->capacity = capacity;
    for (size_t i = 0; i < table->count; i++) *find_slot(table, edits[i].head.series) = (uint32_t)i + 1;
    return STATUS_OK;
}

enum status edit_table_add(struct edit_table *table, const struct names_view *view, struct edit_budget *budget,
                           const struct head *head, struct series_edit **edit) {
    if (table->count == table->capacity) {
        enum status status = grow(table);
        if (status) return status;
    }
    uint32_t *slot = find_slot(table, head->series);
    *edit = &table->edits[table->count];
    series_edit_begin(*edit, view, budget, head);
    *slot = (uint32_t)++table->count;
    return STATUS_OK;
}
