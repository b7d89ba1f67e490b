/*
 * symbols: distinct names, numbered from 0 in the order in which they came; a hash table in an arena.
 *
 * The seed of the hash comes from the caller, who takes it from the whole text: names that were chosen to collide do
 * not.
 */
#ifndef GRAPH_CYPHER_SYMBOLS_H
#define GRAPH_CYPHER_SYMBOLS_H

#include "engine/base/arena.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

#define SYMBOL_NONE UINT32_MAX

struct symbols {
    struct arena *arena;
    struct slice *names; /* borrowed bytes */
    uint64_t seed;
    uint32_t count;
    uint32_t capacity; /* of names; the table has twice as many places */
    uint32_t *places;  /* number + 1, or 0 */
};

void symbols_init(struct symbols *symbols, struct arena *arena, uint64_t seed);
uint32_t symbols_find(const struct symbols *symbols, struct slice name); /* SYMBOL_NONE */
/* The number of the name, added if it is new. NO_MEMORY. */
MUST_CHECK enum status symbols_add(struct symbols *symbols, struct slice name, uint32_t *number);

#endif
