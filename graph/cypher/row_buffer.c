/* row_buffer: rows that an operator keeps. */
#include "graph/cypher/row_buffer.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

void row_buffer_init(struct row_buffer *buffer, const struct plan_slots *slots, uint32_t extra,
                     struct value_budget *budget) {
    *buffer = (struct row_buffer){.slots = slots, .extra = extra};
    value_arena_init(&buffer->arena, budget);
}

static void rows_free(struct row_buffer *buffer) {
    value_budget_release(buffer->arena.budget, buffer->capacity * sizeof *buffer->rows);
    free(buffer->rows);
    buffer->rows = NULL;
    buffer->count = buffer->capacity = 0;
}

void row_buffer_deinit(struct row_buffer *buffer) {
    if (buffer->arena.arena.block_bytes == 0) return; /* never initialised */
    rows_free(buffer);
    value_arena_deinit(&buffer->arena);
}

void row_buffer_reset(struct row_buffer *buffer) {
    rows_free(buffer);
    value_arena_reset(&buffer->arena);
}

static enum status rows_reserve(struct row_buffer *buffer) {
    if (buffer->count < buffer->capacity) return STATUS_OK;
    size_t capacity = buffer->capacity ? 2 * buffer->capacity : FIRST_CAPACITY;
    size_t more = (capacity - buffer->capacity) * sizeof *buffer->rows;
    if (!value_budget_charge(buffer->arena.budget, more)) return STATUS_NO_MEMORY;
    struct value **rows = realloc(buffer->rows, capacity * sizeof *rows);
    if (!rows) {
        value_budget_release(buffer->arena.budget, more);
        return STATUS_NO_MEMORY;
    }
    buffer->rows = rows;
    buffer->capacity = capacity;
    return STATUS_OK;
}

enum status row_buffer_add(struct row_buffer *buffer, const struct value *row, const struct value *extra) {
    enum status status = rows_reserve(buffer);
    if (status != STATUS_OK) return status;
    uint32_t count = buffer->slots->count;
    struct value *kept = value_alloc_array(&buffer->arena, (size_t)count + buffer->extra, sizeof *kept);
    if (!kept) return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++)
        status = value_copy(&buffer->arena, row[buffer->slots->items[i]], &kept[i]);
    for (uint32_t i = 0; i < buffer->extra && status == STATUS_OK; i++)
        status = value_copy(&buffer->arena, extra[i], &kept[count + i]);
    if (status == STATUS_OK) buffer->rows[buffer->count++] = kept;
    return status;
}

enum status row_buffer_get(const struct row_buffer *buffer, size_t index, struct value_arena *arena,
                           struct value *row) {
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < buffer->slots->count && status == STATUS_OK; i++)
        status = value_copy(arena, buffer->rows[index][i], &row[buffer->slots->items[i]]);
    return status;
}

enum status row_buffer_set(struct row_buffer *buffer, size_t index, const struct value *row) {
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < buffer->slots->count && status == STATUS_OK; i++) {
        struct value *kept = &buffer->rows[index][i];
        struct value now = row[buffer->slots->items[i]];
        /* Most slots are as they were; only what the operator wrote is copied again. */
        if (kept->type == now.type && value_equivalent(*kept, now)) continue;
        status = value_copy(&buffer->arena, now, kept);
    }
    return status;
}
