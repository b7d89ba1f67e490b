/*
 * row_table: a set of tuples of values under equivalence (null is null), numbered from 0 in the order in which they
 * came. For DISTINCT, and with what its owner keeps per number for groups. Copies what it keeps; owns its memory, which
 * counts against the budget.
 */
#ifndef GRAPH_CYPHER_ROW_TABLE_H
#define GRAPH_CYPHER_ROW_TABLE_H

#include "graph/value.h"

struct row_table_entry;

struct row_table {
    struct value_arena tuples;
    struct row_table_entry *entries; /* count of them, in order */
    uint32_t *index;                 /* slots: number of an entry + 1, 0 = free */
    size_t count, capacity;          /* entries */
    size_t index_size;               /* power of two, or 0 */
    uint32_t width;
    uint64_t seed;
};

void row_table_init(struct row_table *table, uint32_t width, struct value_budget *budget, uint64_t seed);
void row_table_deinit(struct row_table *table); /* also of zeros */
void row_table_reset(struct row_table *table);

/* The number of the tuple, which is added if it is not there. NO_MEMORY: none, or over the budget. */
MUST_CHECK enum status row_table_add(struct row_table *table, const struct value *tuple, size_t *number, bool *added);
const struct value *row_table_get(const struct row_table *table, size_t number);

#endif
