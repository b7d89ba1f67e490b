/*
 * arena: memory that is given out piece by piece and taken back all at once; one per memtable, one per request.
 *
 * Allocation is single-threaded; what was allocated may be read from any thread that was shown it with release/acquire.
 */
#ifndef ENGINE_BASE_ARENA_H
#define ENGINE_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

enum { ARENA_PREFETCH_LINES = 3 };

struct arena_block;
struct page_pool;

struct arena {
    struct arena_block *blocks; /* newest first */
    uint8_t *cursor;
    uint8_t *end;
    size_t block_bytes;     /* size of an ordinary block */
    struct page_pool *pool; /* of a growing one: where its runs come from; NULL = the system */
    bool grows;             /* blocks are runs of huge pages (pages.h) once it has reserved small_bytes */
    size_t small_bytes;
    size_t reserved_bytes; /* what malloc was asked for in all */
    size_t used_bytes;     /* what was given out */
};

void arena_init(struct arena *arena, size_t block_bytes);
/* For one that may come to hold megabytes which are then searched at random: its later blocks lie in huge pages,
 * which come from the pool and go back there (borrowed; NULL = from the system). */
void arena_init_growing(struct arena *arena, size_t block_bytes, struct page_pool *pool);
/* Of the same kind as `like`, whose pool it takes from, with blocks as large as like's are by now. */
void arena_init_like(struct arena *arena, const struct arena *like);
void arena_deinit(struct arena *arena);
void arena_reset(struct arena *arena); /* forgets all, keeps one ordinary block */

/* arena_alloc's other part: a new block. */
void *arena_alloc_slowly(struct arena *arena, size_t size, size_t align);
/* Aligned to `align` (a power of two up to 64). NULL when out of memory; the arena stays usable. Larger than a block
 * gets one of its own. */
static inline void *arena_alloc(struct arena *arena, size_t size, size_t align) {
    const size_t padding = -(size_t)(uintptr_t)arena->cursor & (align - 1);
    const size_t room = (size_t)(arena->end - arena->cursor); /* 0 where there is no block yet */
    if (size > arena->block_bytes || padding > room || size > room - padding || !arena->cursor)
        return arena_alloc_slowly(arena, size, align);
    uint8_t *piece = arena->cursor + padding;
    arena->cursor = piece + size;
    arena->used_bytes += size;
    return piece;
}
/* Asks for the memory behind what was given out last, without waiting for it: the next piece is written at once then.
 */
static inline void arena_prefetch(const struct arena *arena) {
    for (int line = 1; line <= ARENA_PREFETCH_LINES; line++) __builtin_prefetch(arena->cursor + line * 64, 1);
}
/* What `other` gave out is this arena's from now on, and `other` as after its init. REQUIRES: arena_init_like. */
void arena_join(struct arena *arena, struct arena *other);
void *arena_copy(struct arena *arena, const void *data, size_t size);

#pragma GCC visibility pop

#endif
