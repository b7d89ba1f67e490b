/*
 * block_cache: shards, chosen by the hash of a block's key, and one limit over them. Invariant: whoever looks for a
 * block and whoever adds it take the same shard's lock.
 */
#include "engine/cache/block_cache.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/cache/block_cache_internal.h"

enum {
    SHARD_BYTES_MIN = 16 << 20, /* smaller ones would refuse large blocks */
    SLAB_BYTES_MIN = 16 << 20,  /* of a cache whose blocks lie in huge pages: less does well without */
    BLOCK_LINES = 8,            /* of a block: those that a search in it reads first */
    LINE_BYTES = 64,
    BLOCKS_AT_ONCE = 64, /* looked at under one lock */
};

struct block_cache *block_cache_create(size_t bytes, struct page_pool *pool) {
    struct block_cache *cache = calloc(1, sizeof *cache);
    if (!cache) return NULL;
    if (bytes >= SLAB_BYTES_MIN) {
        cache->slab = slab_create(pool);
        cache->lasting = slab_create(pool);
        if (!cache->slab || !cache->lasting) {
            block_cache_destroy(cache);
            return NULL;
        }
    }
    unsigned count = 1;
    while (count < BLOCK_SHARDS_MAX && bytes / (count * 2) >= SHARD_BYTES_MIN) count *= 2;
    for (; cache->shard_count < count; cache->shard_count++) {
        if (block_shard_init(&cache->shards[cache->shard_count], bytes / count)) continue;
        cache->shard_count++;
        block_cache_destroy(cache);
        return NULL;
    }
    return cache;
}

void block_cache_destroy(struct block_cache *cache) {
    if (!cache) return;
    for (unsigned i = 0; i < cache->shard_count; i++) block_shard_deinit(&cache->shards[i]);
    slab_destroy(cache->slab);
    slab_destroy(cache->lasting);
    free(cache);
}

static struct block_shard *shard_of(struct block_cache *cache, uint64_t hash) {
    return &cache->shards[hash & (cache->shard_count - 1)];
}

/* Whoever asks for a block searches in it: the lines with the keys are fetched side by side, not one after another. */
static void block_touch(const struct block *block) {
    for (size_t line = 1; line <= BLOCK_LINES; line++) __builtin_prefetch((const char *)block + line * LINE_BYTES);
}

static struct block *find_chained(struct block_shard *shard, const struct block_place *place) {
    const struct block *guess = block_shard_guess(shard, place);
    if (guess) block_touch(guess);
    return block_shard_find(shard, place);
}

void block_cache_touch(const struct block_slot *slot) {
    const struct block *block = block_slot_look(slot);
    if (!block) return;
    __builtin_prefetch(block, 1); /* who gets it counts itself there */
    block_touch(block);
}

struct block *block_cache_get(struct block_cache *cache, uint64_t file, uint64_t place, struct block_slot *slot) {
    const struct block_place where = block_place_make(file, place, slot);
    struct block_shard *shard = shard_of(cache, where.hash);
    /* Before the lock: what stood there a moment ago is a hint that costs nothing when it is wrong. */
    if (slot) block_touch(block_slot_look(slot));
    mutex_lock(&shard->mutex);
    struct block *block = slot ? block_slot_look(slot) : find_chained(shard, &where);
    if (block) {
        block_acquire(block);
        shard->hits++;
    } else {
        shard->misses++;
    }
    mutex_unlock(&shard->mutex);
    if (!block) return NULL;
    uint8_t uses = atomic_load_explicit(&block->uses, memory_order_relaxed);
    if (uses < BLOCK_USES_MAX) atomic_store_explicit(&block->uses, (uint8_t)(uses + 1), memory_order_relaxed);
    return block;
}

void block_cache_add(struct block_cache *cache, struct block **block, struct block_slot *slot) {
    const struct block_place where = block_place_make((*block)->file, (*block)->place, slot);
    struct block_shard *shard = shard_of(cache, where.hash);
    mutex_lock(&shard->mutex);
    struct block *first = block_shard_find(shard, &where);
    if (first) {
        block_acquire(first);
    } else if (block_shard_make_room(shard, block_charge(*block))) {
        block_shard_insert(shard, *block, &where);
    } else {
        shard->refused++;
    }
    mutex_unlock(&shard->mutex);
    if (!first) return;
    block_release(*block);
    *block = first;
}

void block_cache_drop(struct block_cache *cache, uint64_t file, uint64_t place, struct block_slot *slot) {
    if (slot && !block_slot_look(slot)) return;
    const struct block_place where = block_place_make(file, place, slot);
    struct block_shard *shard = shard_of(cache, where.hash);
    mutex_lock(&shard->mutex);
    struct block *block = block_shard_find(shard, &where);
    if (block) block_shard_remove(shard, block, where.hash);
    mutex_unlock(&shard->mutex);
}

bool block_cache_give_up_one(struct block_cache *cache) {
    const unsigned first = atomic_fetch_add_explicit(&cache->next_to_give_up, 1, memory_order_relaxed);
    for (unsigned i = 0; i < cache->shard_count; i++) {
        struct block_shard *shard = &cache->shards[(first + i) & (cache->shard_count - 1)];
        mutex_lock(&shard->mutex);
        const bool gave = block_shard_give_up(shard);
        mutex_unlock(&shard->mutex);
        if (gave) return true;
    }
    return false;
}

/* ---- Another ceiling --------------------------------------------------------------------------------------------- */

/* Blocks in runs that are to leave go, whatever their uses: they hold addresses of their own, and can't be moved. */
static void queue_leave_runs(struct block_shard *shard, struct list *queue) {
    for (struct list *link = queue->next, *next; link != queue; link = next) {
        next = link->next;
        struct block *block = list_entry(link, struct block, queue);
        if (block_home_of(block) == HOME_SLAB && slab_is_leaving(block) && !block_is_pinned(block))
            block_shard_evict(shard, block);
    }
}

static void leave_runs(struct block_cache *cache) {
    for (unsigned i = 0; i < cache->shard_count; i++) {
        struct block_shard *shard = &cache->shards[i];
        mutex_lock(&shard->mutex);
        queue_leave_runs(shard, &shard->small);
        queue_leave_runs(shard, &shard->main);
        mutex_unlock(&shard->mutex);
    }
}

static void shard_set_limit(struct block_shard *shard, size_t limit) {
    mutex_lock(&shard->mutex);
    shard->limit = limit;
    (void)block_shard_make_room(shard, 0); /* what is pinned stays over it for now */
    mutex_unlock(&shard->mutex);
}

static size_t table_bytes(struct block_cache *cache) {
    size_t bytes = sizeof *cache;
    for (unsigned i = 0; i < cache->shard_count; i++) {
        struct block_shard *shard = &cache->shards[i];
        mutex_lock(&shard->mutex);
        bytes += shard->bucket_count * sizeof(struct block *) + shard->ghost_count * sizeof(uint64_t);
        mutex_unlock(&shard->mutex);
    }
    return bytes;
}

/* Beside the slab of blocks that come and go. */
static size_t beside_slab(struct block_cache *cache) {
    size_t bytes = table_bytes(cache) + (size_t)atomic_load_explicit(&cache->heap_bytes, memory_order_relaxed);
    if (cache->lasting) bytes += slab_reserved(cache->lasting);
    const size_t lasting = (size_t)atomic_load_explicit(&cache->lasting_bytes, memory_order_relaxed);
    return bytes > lasting ? bytes - lasting : 0; /* one may be freed between the two looks */
}

void block_cache_set_limit(struct block_cache *cache, size_t bytes) {
    const size_t beside = beside_slab(cache);
    for (unsigned i = 0; i < cache->shard_count; i++) shard_set_limit(&cache->shards[i], bytes / cache->shard_count);
    if (!cache->slab) return;
    slab_set_limit(cache->slab, bytes > beside ? bytes - beside : 0);
    if (slab_is_shrinking(cache->slab)) leave_runs(cache); /* what was pinned before */
    while (slab_shrink(cache->slab)) leave_runs(cache);
}

size_t block_cache_memory(struct block_cache *cache) {
    return beside_slab(cache) + (cache->slab ? slab_reserved(cache->slab) : 0);
}

void block_cache_get_stats(struct block_cache *cache, struct block_cache_stats *stats) {
    *stats = (struct block_cache_stats){0};
    for (unsigned i = 0; i < cache->shard_count; i++) {
        struct block_shard *shard = &cache->shards[i];
        mutex_lock(&shard->mutex);
        stats->limit += shard->limit;
        stats->bytes += shard->bytes;
        stats->blocks += shard->block_count;
        stats->hits += shard->hits;
        stats->misses += shard->misses;
        stats->added += shard->added;
        stats->refused += shard->refused;
        stats->evicted += shard->evicted;
        mutex_unlock(&shard->mutex);
    }
}

/*
 * Some of the blocks of a queue, from *last on (NULL: its first): *last is then the last of them, with a reference, so
 * that the walk finds its place again after the lock was free; or NULL, when none is left or that one has left.
 */
static uint64_t some_pinned_bytes(struct block_shard *shard, struct list *queue, struct block **last) {
    uint64_t bytes = 0;
    struct block *before = *last;
    *last = NULL;
    mutex_lock(&shard->mutex);
    if (before && before->found_by == FOUND_BY_NOTHING) {
        mutex_unlock(&shard->mutex);
        block_release(before);
        return 0;
    }
    struct list *link = before ? before->queue.next : queue->next;
    for (size_t seen = 0; seen < BLOCKS_AT_ONCE && link != &shard->small && link != &shard->main; seen++) {
        *last = list_entry(link, struct block, queue);
        if (block_is_pinned(*last)) bytes += block_charge(*last);
        link = link->next;
    }
    if (*last) block_acquire(*last);
    mutex_unlock(&shard->mutex);
    block_release(before);
    return bytes;
}

static uint64_t queue_pinned_bytes(struct block_shard *shard, struct list *queue, size_t blocks) {
    struct block *last = NULL;
    uint64_t bytes = 0;
    for (size_t seen = 0; seen <= blocks;
         seen += BLOCKS_AT_ONCE) { /* what comes to its end meanwhile is not waited for */
        bytes += some_pinned_bytes(shard, queue, &last);
        if (!last) break;
    }
    block_release(last);
    return bytes;
}

uint64_t block_cache_pinned_bytes(struct block_cache *cache) {
    struct block_cache_stats stats;
    uint64_t bytes = 0;
    block_cache_get_stats(cache, &stats);
    for (unsigned i = 0; i < cache->shard_count; i++) {
        struct block_shard *shard = &cache->shards[i];
        bytes += queue_pinned_bytes(shard, &shard->small, (size_t)stats.blocks);
        bytes += queue_pinned_bytes(shard, &shard->main, (size_t)stats.blocks);
    }
    return bytes;
}
