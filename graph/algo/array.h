/* array: an algorithm's arrays, counted against its limit, and its smallest step. Private to graph/algo. */
#ifndef GRAPH_ALGO_ARRAY_H
#define GRAPH_ALGO_ARRAY_H

#include <stdint.h>
#include <stdlib.h>

#include "engine/base/status.h"

/* A zeroed array of `count` items; *left falls by its bytes. */
static inline enum status array_take(void **array, size_t count, size_t item_bytes, size_t *left) {
    const size_t bytes = (count ? count : 1) * item_bytes;
    if (bytes > *left) return STATUS_TOO_LARGE;
    *array = calloc(count ? count : 1, item_bytes);
    if (!*array) return STATUS_NO_MEMORY;
    *left -= bytes;
    return STATUS_OK;
}

/* A node and one of its edges: every step goes on. */
static inline uint64_t algo_work(uint64_t work) {
    return work < 2 ? 2 : work;
}

#endif
