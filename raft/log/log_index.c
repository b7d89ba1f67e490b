/*
 * log_index: see the header.
 */
#include "raft/log/log_index.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

void log_points_deinit(struct log_points *points) {
    free(points->items);
    *points = (struct log_points){0};
}

enum status log_points_reserve(struct log_points *points, size_t more) {
    if (points->count + more <= points->capacity) return STATUS_OK;
    size_t capacity = points->capacity ? points->capacity * 2 : 16;
    while (capacity < points->count + more) capacity *= 2;
    struct log_point *items = realloc(points->items, capacity * sizeof *items);
    if (items == NULL) return STATUS_NO_MEMORY;
    points->items = items;
    points->capacity = capacity;
    return STATUS_OK;
}

void log_points_add(struct log_points *points, uint64_t index, uint64_t value) {
    check(points->count < points->capacity);
    check(points->count == 0 || points->items[points->count - 1].index < index);
    points->items[points->count++] = (struct log_point){.index = index, .value = value};
}

void log_points_cut(struct log_points *points, uint64_t index) {
    while (points->count > 0 && points->items[points->count - 1].index >= index) points->count--;
}

/* How many points are at or below index. */
static size_t count_up_to(const struct log_points *points, uint64_t index) {
    size_t low = 0, high = points->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (points->items[middle].index <= index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void log_points_forget(struct log_points *points, uint64_t index) {
    size_t below = count_up_to(points, index);
    if (below <= 1) return;
    size_t drop = below - 1;
    memmove(points->items, points->items + drop, (points->count - drop) * sizeof *points->items);
    points->count -= drop;
}

const struct log_point *log_points_find(const struct log_points *points, uint64_t index) {
    size_t below = count_up_to(points, index);
    return below == 0 ? NULL : &points->items[below - 1];
}

enum status log_points_copy(const struct log_points *points, uint64_t index, struct log_points *to) {
    size_t below = count_up_to(points, index);
    size_t first = below == 0 ? 0 : below - 1;
    to->count = 0;
    enum status status = log_points_reserve(to, points->count - first);
    if (status != STATUS_OK) return status;
    if (points->count > first) memcpy(to->items, points->items + first, (points->count - first) * sizeof *to->items);
    to->count = points->count - first;
    return STATUS_OK;
}
