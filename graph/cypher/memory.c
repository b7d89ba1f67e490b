#include "graph/cypher/memory.h"

#include <string.h>

#include "graph/cypher/ast.h"

struct cypher_memory cypher_memory_make(struct arena *arena, struct cypher_fault *fault) {
    return (struct cypher_memory){
        .arena = arena, .limit_bytes = arena->used_bytes + CYPHER_MEMORY_MAX_BYTES, .fault = fault};
}

void *cypher_alloc(struct cypher_memory *memory, size_t size) {
    const struct cypher_place nowhere = {0, 0};
    const size_t used = memory->arena->used_bytes;
    if (used > memory->limit_bytes || size > memory->limit_bytes - used) {
        cypher_fault_set(memory->fault, CYPHER_FAULT_TOO_LARGE, nowhere,
                         "the query needs more than %d MiB to be read: split it, or pass data as parameters",
                         CYPHER_MEMORY_MAX_BYTES >> 20);
        return NULL;
    }
    void *piece = arena_alloc(memory->arena, size ? size : 1, _Alignof(max_align_t));
    if (piece)
        memset(piece, 0, size);
    else
        cypher_fault_set(memory->fault, CYPHER_FAULT_NO_MEMORY, nowhere, "out of memory");
    return piece;
}
