/*
 * edit_table: the series that one operation edits, found by id, kept in the order in which they were first met. That
 * order is the order of what goes into the batch, so it depends on the operation alone.
 */
#ifndef TSDB_WRITE_EDIT_TABLE_H
#define TSDB_WRITE_EDIT_TABLE_H

#include "tsdb/write/series_edit.h"

/* Zeroed = empty. */
struct edit_table {
    struct series_edit *edits;
    size_t count, capacity;
    uint32_t *slots; /* open addressing: index + 1, 0 = free; twice the capacity */
};
void edit_table_clear(struct edit_table *table); /* keeps its memory */
void edit_table_deinit(struct edit_table *table);
/* NULL if it is not there. Borrowed until the next add. */
struct series_edit *edit_table_find(const struct edit_table *table, uint64_t series);
/* A new edit that begins with this head, whose series is not there yet. NO_MEMORY. */
MUST_CHECK enum status edit_table_add(struct edit_table *table, const struct names_view *view,
                                      struct edit_budget *budget, const struct head *head, struct series_edit **edit);

#endif
