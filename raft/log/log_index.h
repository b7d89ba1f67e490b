/*
 * log_index: what the log knows of its entries without their bytes: terms by runs, places by marks. Both lists grow
 * with index; a cut takes the end off, a compaction the beginning.
 */
#ifndef RAFT_LOG_LOG_INDEX_H
#define RAFT_LOG_LOG_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/status.h"

struct log_point {
    uint64_t index;
    uint64_t value; /* a run: the term from index on; a mark: the lsn at or before which the entry stands */
};

/* Points ascending in index. */
struct log_points {
    struct log_point *items; /* owned */
    size_t count, capacity;
};

void log_points_deinit(struct log_points *points);
MUST_CHECK enum status log_points_reserve(struct log_points *points, size_t more);
/* Never fails after reserve. index is above all. */
void log_points_add(struct log_points *points, uint64_t index, uint64_t value);
/* Takes away all at or above index. */
void log_points_cut(struct log_points *points, uint64_t index);
/* Takes away those that no index at or above `index` needs: all but the last at or below it. */
void log_points_forget(struct log_points *points, uint64_t index);
/* The last at or below index; NULL when there is none. */
const struct log_point *log_points_find(const struct log_points *points, uint64_t index);
/* *to = a copy of those that indexes from `index` on need. */
MUST_CHECK enum status log_points_copy(const struct log_points *points, uint64_t index, struct log_points *to);

#endif
