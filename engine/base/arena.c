/*
 * arena: a chain of blocks, bump allocation in the newest ordinary one.
 *
 * Invariant: what fits where depends on sizes and alignments only, never on the addresses that malloc gave: every
 * block's payload starts on a boundary of ARENA_ALIGN, so that the same calls use the same number of blocks in every
 * run.
 */
#include "engine/base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/page_pool.h"
#include "engine/base/pages.h"

enum { ARENA_ALIGN = 64 };

struct arena_block {
    struct arena_block *next;
    size_t payload_bytes;
    uint8_t *payload; /* aligned to ARENA_ALIGN, inside this allocation */
};

enum { BLOCK_OVERHEAD_BYTES = sizeof(struct arena_block) + ARENA_ALIGN };

void arena_init(struct arena *arena, size_t block_bytes) {
    check(block_bytes > 0);
    *arena = (struct arena){.block_bytes = block_bytes};
}

void arena_init_growing(struct arena *arena, size_t block_bytes, struct page_pool *pool) {
    check(block_bytes <= PAGES_RUN_BYTES - BLOCK_OVERHEAD_BYTES);
    arena_init(arena, block_bytes);
    arena->grows = true;
    arena->small_bytes = PAGES_RUN_BYTES;
    arena->pool = pool;
}

static bool takes_runs(const struct arena *arena) {
    return arena->grows && arena->reserved_bytes >= arena->small_bytes;
}

static void start_over(struct arena *arena) {
    *arena = (struct arena){.block_bytes = arena->block_bytes,
                            .grows = arena->grows,
                            .small_bytes = arena->small_bytes,
                            .pool = arena->pool};
}

void arena_init_like(struct arena *arena, const struct arena *like) {
    *arena = *like;
    start_over(arena);
    if (takes_runs(like)) arena->small_bytes = 0;
}

static bool is_run(size_t payload_bytes) {
    return payload_bytes == PAGES_RUN_BYTES - BLOCK_OVERHEAD_BYTES;
}

static void blocks_free(struct arena *arena) {
    for (struct arena_block *block = arena->blocks; block;) {
        struct arena_block *next = block->next;
        if (is_run(block->payload_bytes))
            page_pool_give(arena->pool, block);
        else
            free(block);
        block = next;
    }
}

void arena_deinit(struct arena *arena) {
    blocks_free(arena);
    start_over(arena);
}

/* Takes the first ordinary block out of the chain; NULL when there is none. */
static struct arena_block *ordinary_block_take(struct arena *arena) {
    for (struct arena_block **at = &arena->blocks; *at; at = &(*at)->next) {
        struct arena_block *block = *at;
        if (block->payload_bytes != arena->block_bytes) continue;
        *at = block->next;
        return block;
    }
    return NULL;
}

static void arena_use_block(struct arena *arena, struct arena_block *block) {
    block->next = arena->blocks;
    arena->blocks = block;
    arena->cursor = block->payload;
    arena->end = block->payload + block->payload_bytes;
}

void arena_reset(struct arena *arena) {
    struct arena_block *kept = ordinary_block_take(arena);
    arena_deinit(arena);
    if (!kept) return;
    arena->reserved_bytes = kept->payload_bytes + BLOCK_OVERHEAD_BYTES;
    arena_use_block(arena, kept);
}

static struct arena_block *block_create(struct arena *arena, size_t payload_bytes) {
    if (payload_bytes > SIZE_MAX - BLOCK_OVERHEAD_BYTES) return NULL;
    struct arena_block *block =
        is_run(payload_bytes) ? page_pool_take(arena->pool) : malloc(payload_bytes + BLOCK_OVERHEAD_BYTES);
    if (!block) return NULL;
    size_t start = (size_t)(uintptr_t)(block + 1);
    block->payload = (uint8_t *)(block + 1) + (ARENA_ALIGN - start % ARENA_ALIGN) % ARENA_ALIGN;
    block->payload_bytes = payload_bytes;
    block->next = NULL;
    arena->reserved_bytes += payload_bytes + BLOCK_OVERHEAD_BYTES;
    return block;
}

/* A piece larger than an ordinary block gets a block of its own behind the newest, whose free rest stays in use. */
static void *arena_alloc_large(struct arena *arena, size_t size) {
    struct arena_block *block = block_create(arena, size);
    if (!block) return NULL;
    if (!arena->blocks) {
        arena->blocks = block; /* cursor and end stay NULL: the next ordinary piece opens a block */
    } else {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    }
    arena->used_bytes += size;
    return block->payload;
}

void *arena_alloc_slowly(struct arena *arena, size_t size, size_t align) {
    check(align > 0 && align <= ARENA_ALIGN && (align & (align - 1)) == 0);
    if (size > arena->block_bytes) return arena_alloc_large(arena, size);
    struct arena_block *block =
        block_create(arena, takes_runs(arena) ? PAGES_RUN_BYTES - BLOCK_OVERHEAD_BYTES : arena->block_bytes);
    if (!block) return NULL;
    arena_use_block(arena, block); /* begins as the strictest asks */
    uint8_t *piece = arena->cursor;
    arena->cursor = piece + size;
    arena->used_bytes += size;
    return piece;
}

/* Behind the newest block, whose free rest stays in use; that of the other is lost. */
void arena_join(struct arena *arena, struct arena *other) {
    struct arena_block **last = &arena->blocks;
    check(arena->block_bytes == other->block_bytes && arena->grows == other->grows && arena->pool == other->pool);
    while (*last) last = &(*last)->next;
    *last = other->blocks;
    if (!arena->cursor) {
        arena->cursor = other->cursor;
        arena->end = other->end;
    }
    arena->reserved_bytes += other->reserved_bytes;
    arena->used_bytes += other->used_bytes;
    start_over(other);
}

void *arena_copy(struct arena *arena, const void *data, size_t size) {
    void *copy = arena_alloc(arena, size, 1);
    if (copy && size) memcpy(copy, data, size);
    return copy;
}
