/*
 * memory: the arena of one query with its limit. The first allocation beyond it sets a fault and gives NULL.
 */
#ifndef GRAPH_CYPHER_MEMORY_H
#define GRAPH_CYPHER_MEMORY_H

#include "engine/base/arena.h"
#include "graph/cypher/fault.h"

struct cypher_memory {
    struct arena *arena;
    size_t limit_bytes; /* of arena->used_bytes */
    struct cypher_fault *fault;
};

struct cypher_memory cypher_memory_make(struct arena *arena, struct cypher_fault *fault);

/* Zeroed, aligned for any struct. NULL: TOO_LARGE or NO_MEMORY stands in the fault. */
void *cypher_alloc(struct cypher_memory *memory, size_t size);

#endif
