/*
 * block: where a block's memory is from and goes back to: huge pages in slots (engine/cache/slab.h), or malloc where
 * the cache is small or the block is large. Invariant: what is counted in the cache is what its blocks have.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/cache/block_cache_internal.h"

enum { ROOM_TRIES = 32 /* blocks that leave so that another finds memory in a full slab */ };

static size_t block_bytes(size_t size) {
    return sizeof(struct block) + size + BLOCK_SLACK_BYTES;
}

/* A full slab has other blocks leave; NULL also when none of them had a slot of this size. */
static struct block *slab_take(struct block_cache *cache, size_t bytes) {
    for (int i = 0; i < ROOM_TRIES; i++) {
        struct block *block = slab_alloc(cache->slab, bytes);
        if (block || !slab_is_full(cache->slab)) return block;
        if (!block_cache_give_up_one(cache)) break;
    }
    return NULL;
}

static bool is_heap(enum block_home home) {
    return home == HOME_HEAP || home == HOME_LASTING_HEAP;
}

static void count_memory(struct block_cache *cache, enum block_home home, uint64_t bytes) {
    if (cache && home == HOME_HEAP) atomic_fetch_add_explicit(&cache->heap_bytes, bytes, memory_order_relaxed);
    if (home == HOME_LASTING) atomic_fetch_add_explicit(&cache->lasting_bytes, bytes, memory_order_relaxed);
}

static struct block_backing **backing_at(struct block *block) {
    return (struct block_backing **)(void *)(block->data + block->size - sizeof(struct block_backing *));
}

static void give_memory_back(struct block *block) {
    struct block_cache *cache = block->cache;
    const enum block_home home = block_home_of(block);
    if (block->home & BLOCK_IS_BACKED) block_backing_release(*backing_at(block));
    count_memory(cache, home, 0 - (uint64_t)block_charge(block));
    if (is_heap(home))
        free(block);
    else
        slab_free(home == HOME_SLAB ? cache->slab : cache->lasting, block);
}

static struct block *make(struct block_cache *cache, enum block_home home, size_t size) {
    struct block *block = NULL;
    const size_t bytes = block_bytes(size);
    if (!cache || !cache->slab || bytes > SLAB_PIECE_MAX) home = home == HOME_SLAB ? HOME_HEAP : HOME_LASTING_HEAP;
    if (home == HOME_LASTING) block = slab_alloc(cache->lasting, bytes);
    if (home == HOME_SLAB) block = slab_take(cache, bytes);
    if (home == HOME_SLAB && !block && slab_is_full(cache->slab)) home = HOME_HEAP;
    if (is_heap(home)) block = malloc(bytes);
    if (!block) return NULL;
    *block = (struct block){.size = size, .home = (uint8_t)home, .cache = cache};
    atomic_init(&block->references, 1);
    atomic_init(&block->uses, 0);
    count_memory(cache, home, block_charge(block));
    memset(block->data + size, 0, BLOCK_SLACK_BYTES);
    return block;
}

struct block *block_create(struct block_cache *cache, uint64_t file, uint64_t place, size_t size) {
    if (size > SIZE_MAX - sizeof(struct block) - BLOCK_SLACK_BYTES) return NULL;
    struct block *block = make(cache, HOME_SLAB, size);
    if (!block) return NULL;
    block->file = file;
    block->place = place;
    return block;
}

struct block *block_create_lasting(struct block_cache *cache, size_t size) {
    if (size > SIZE_MAX - sizeof(struct block) - BLOCK_SLACK_BYTES) return NULL;
    return make(cache, HOME_LASTING, size);
}

struct block *block_create_backed(struct block_cache *cache, uint64_t file, uint64_t place, size_t size,
                                  struct block_backing *backing) {
    check(size % sizeof backing == 0);
    struct block *block = block_create(cache, file, place, size + sizeof backing);
    if (!block) return NULL;
    block->home |= BLOCK_IS_BACKED;
    *backing_at(block) = backing;
    block_backing_acquire(backing);
    return block;
}

void block_release(struct block *block) {
    if (!block) return;
    uint32_t before = atomic_fetch_sub_explicit(&block->references, 1, memory_order_acq_rel);
    check(before > 0);
    if (before > 1) return;
    give_memory_back(block);
}

size_t block_charge(const struct block *block) {
    return is_heap(block_home_of(block)) ? block_bytes(block->size) : slab_cost(block_bytes(block->size));
}
