#include "graph/cypher/symbols.h"

#include "engine/base/hash.h"

enum { FIRST_CAPACITY = 16 };

void symbols_init(struct symbols *symbols, struct arena *arena, uint64_t seed) {
    *symbols = (struct symbols){.arena = arena, .seed = seed};
}

/* Where the name stands or would stand. */
static uint32_t *symbols_place(const struct symbols *symbols, struct slice name) {
    const uint32_t mask = symbols->capacity * 2 - 1;
    for (uint32_t at = (uint32_t)hash64(name, symbols->seed) & mask;; at = (at + 1) & mask) {
        uint32_t *place = &symbols->places[at];
        if (*place == 0 || slice_equal(symbols->names[*place - 1], name)) return place;
    }
}

uint32_t symbols_find(const struct symbols *symbols, struct slice name) {
    return symbols->count ? *symbols_place(symbols, name) - 1 : SYMBOL_NONE;
}

static enum status symbols_grow(struct symbols *symbols) {
    const uint32_t capacity = symbols->capacity ? symbols->capacity * 2 : FIRST_CAPACITY;
    struct slice *names = arena_alloc(symbols->arena, capacity * sizeof *names, _Alignof(struct slice));
    uint32_t *places = arena_alloc(symbols->arena, capacity * 2 * sizeof *places, _Alignof(uint32_t));
    if (!names || !places) return STATUS_NO_MEMORY;
    if (symbols->count) memcpy(names, symbols->names, symbols->count * sizeof *names);
    memset(places, 0, capacity * 2 * sizeof *places);
    symbols->names = names;
    symbols->places = places;
    symbols->capacity = capacity;
    for (uint32_t i = 0; i < symbols->count; i++) *symbols_place(symbols, names[i]) = i + 1;
    return STATUS_OK;
}

enum status symbols_add(struct symbols *symbols, struct slice name, uint32_t *number) {
    *number = symbols_find(symbols, name);
    if (*number != SYMBOL_NONE) return STATUS_OK;
    if (symbols->count == symbols->capacity) {
        enum status status = symbols_grow(symbols);
        if (status) return status;
    }
    *number = symbols->count;
    symbols->names[symbols->count] = name;
    *symbols_place(symbols, name) = ++symbols->count;
    return STATUS_OK;
}
