/*
 * row_buffer: rows that an operator keeps: the slots that it carries, and values of its own beside them. Copies in and
 * copies out; its memory counts against the budget.
 */
#ifndef GRAPH_CYPHER_ROW_BUFFER_H
#define GRAPH_CYPHER_ROW_BUFFER_H

#include "graph/cypher/plan.h"
#include "graph/value.h"

struct row_buffer {
    struct value_arena arena;
    const struct plan_slots *slots;
    uint32_t extra; /* values besides the slots */
    struct value **rows;
    size_t count, capacity;
};

void row_buffer_init(struct row_buffer *buffer, const struct plan_slots *slots, uint32_t extra,
                     struct value_budget *budget);
void row_buffer_deinit(struct row_buffer *buffer); /* also of zeros */
void row_buffer_reset(struct row_buffer *buffer);

/* NO_MEMORY: none, or over the budget. */
MUST_CHECK enum status row_buffer_add(struct row_buffer *buffer, const struct value *row, const struct value *extra);
/* The slots of row `index` back into `row`, copied into the arena. */
MUST_CHECK enum status row_buffer_get(const struct row_buffer *buffer, size_t index, struct value_arena *arena,
                                      struct value *row);
/* The slots of `row` as they are now, in place of those kept. */
MUST_CHECK enum status row_buffer_set(struct row_buffer *buffer, size_t index, const struct value *row);

#endif
