/*
 * block_cache: S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023) in shards.
 *
 * A newcomer enters the small queue (a tenth of the bytes), or the main queue if its key is in the ghost list. The
 * small queue's oldest block moves to main if it was asked for, else it leaves and its key enters the ghost list. The
 * main queue's oldest block goes round again while its count of uses lasts, else it leaves.
 *
 * Invariant of a shard: bytes == sum of charges of the blocks in its two queues <= limit. The table's reference keeps a
 * block; only a block with no other reference is evicted.
 */
#include "engine/cache/block_cache.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/base/sync.h"
#include "engine/cache/slab.h"

enum {
    SHARDS_MAX = 16,
    SHARD_BYTES_MIN = 16 << 20, /* smaller ones would refuse large blocks */
    BUCKETS_MIN = 64,
    BLOCK_BYTES_GUESS = 4096,  /* sizes the ghost list */
    SLAB_BYTES_MIN = 32 << 20, /* of a cache whose blocks lie in huge pages: less does well without */
    BLOCK_LINES = 8,           /* of a block: those that a search in it reads first */
    LINE_BYTES = 64,
    USES_MAX = 3,
    BUCKETS_AT_ONCE = 64, /* looked at under one lock */
};

struct block_shard {
    struct mutex mutex;
    struct list small; /* oldest first */
    struct list main;
    size_t limit, bytes, small_bytes;
    struct block **buckets;
    size_t bucket_count; /* a power of two */
    size_t block_count;
    uint64_t *ghosts; /* key hashes; a key's slot is hash % ghost_count: a later one drives out an earlier one */
    size_t ghost_count;
    uint64_t hits, misses, added, refused, evicted;
};

struct block_cache {
    struct slab *slab;    /* NULL: blocks come from malloc */
    unsigned shard_count; /* a power of two */
    struct block_shard shards[SHARDS_MAX];
};

/* ---- Blocks ------------------------------------------------------------------------------------------------------ */

static size_t block_bytes(size_t size) {
    return sizeof(struct block) + size + BLOCK_SLACK_BYTES;
}

struct block *block_create(struct block_cache *cache, uint64_t file, uint64_t place, size_t size) {
    if (size > SIZE_MAX - sizeof(struct block) - BLOCK_SLACK_BYTES) return NULL;
    struct slab *slab = cache && block_bytes(size) <= SLAB_PIECE_MAX ? cache->slab : NULL;
    struct block *block = slab ? slab_alloc(slab, block_bytes(size)) : malloc(block_bytes(size));
    if (!block) return NULL;
    *block = (struct block){.file = file, .place = place, .size = size, .slab = slab};
    atomic_init(&block->references, 1);
    atomic_init(&block->uses, 0);
    memset(block->data + size, 0, BLOCK_SLACK_BYTES);
    return block;
}

void block_acquire(struct block *block) {
    atomic_fetch_add_explicit(&block->references, 1, memory_order_relaxed);
}

void block_release(struct block *block) {
    if (!block) return;
    uint32_t before = atomic_fetch_sub_explicit(&block->references, 1, memory_order_acq_rel);
    check(before > 0);
    if (before > 1) return;
    if (block->slab)
        slab_free(block->slab, block);
    else
        free(block);
}

size_t block_charge(const struct block *block) {
    return block->slab ? slab_cost(block_bytes(block->size)) : block_bytes(block->size);
}

/* ---- Shards ------------------------------------------------------------------------------------------------------ */

static uint64_t key_hash(uint64_t file, uint64_t place) {
    return hash_mix(file, place);
}

static struct block **bucket_of(struct block_shard *shard, uint64_t hash) {
    return &shard->buckets[(hash >> 8) & (shard->bucket_count - 1)];
}

/* Whoever asks for a block searches in it: the lines with the keys are fetched side by side, not one after another. */
static void block_touch(const struct block *block) {
    for (size_t line = 1; line <= BLOCK_LINES; line++) __builtin_prefetch((const char *)block + line * LINE_BYTES);
}

static struct block *shard_find(struct block_shard *shard, uint64_t hash, uint64_t file, uint64_t place) {
    struct block *block = *bucket_of(shard, hash);
    while (block && (block->file != file || block->place != place)) block = block->chain;
    return block;
}

/* Twice the buckets; when there is no memory for them, chains grow instead. */
static void shard_grow(struct block_shard *shard) {
    size_t count = shard->bucket_count * 2;
    struct block **buckets = calloc(count, sizeof(struct block *));
    if (!buckets) return;
    struct block **old = shard->buckets;
    size_t old_count = shard->bucket_count;
    shard->buckets = buckets;
    shard->bucket_count = count;
    for (size_t i = 0; i < old_count; i++) {
        for (struct block *block = old[i], *next; block; block = next) {
            next = block->chain;
            struct block **bucket = bucket_of(shard, key_hash(block->file, block->place));
            block->chain = *bucket;
            *bucket = block;
        }
    }
    free(old);
}

/* Takes the block out of table and queues and drops the table's reference. */
static void shard_remove(struct block_shard *shard, struct block *block, uint64_t hash) {
    struct block **at = bucket_of(shard, hash);
    while (*at != block) at = &(*at)->chain;
    *at = block->chain;
    list_remove(&block->queue);
    size_t charge = block_charge(block);
    shard->bytes -= charge;
    if (!block->in_main) shard->small_bytes -= charge;
    shard->block_count--;
    block_release(block);
}

static bool block_is_pinned(const struct block *block) {
    return atomic_load_explicit(&block->references, memory_order_acquire) > 1;
}

static void ghost_remember(struct block_shard *shard, uint64_t hash) {
    if (shard->ghost_count) shard->ghosts[(hash >> 8) % shard->ghost_count] = hash;
}

static bool ghost_has(const struct block_shard *shard, uint64_t hash) {
    return shard->ghost_count && shard->ghosts[(hash >> 8) % shard->ghost_count] == hash;
}

static void evict(struct block_shard *shard, struct block *block) {
    uint64_t hash = key_hash(block->file, block->place);
    if (!block->in_main) ghost_remember(shard, hash);
    shard->evicted++;
    shard_remove(shard, block, hash);
}

/* Looks at the oldest block of the small queue: evicts it, or moves it to main if it is pinned or was used. */
static void small_step(struct block_shard *shard) {
    struct block *block = list_entry(shard->small.next, struct block, queue);
    uint8_t uses = atomic_load_explicit(&block->uses, memory_order_relaxed);
    if (uses == 0 && !block_is_pinned(block)) {
        evict(shard, block);
        return;
    }
    list_remove(&block->queue);
    list_push_back(&shard->main, &block->queue);
    block->in_main = true;
    shard->small_bytes -= block_charge(block);
    atomic_store_explicit(&block->uses, 0, memory_order_relaxed);
}

/* Looks at the oldest block of the main queue: evicts it, or lets it go round once more. */
static void main_step(struct block_shard *shard) {
    struct block *block = list_entry(shard->main.next, struct block, queue);
    uint8_t uses = atomic_load_explicit(&block->uses, memory_order_relaxed);
    if (uses == 0 && !block_is_pinned(block)) {
        evict(shard, block);
        return;
    }
    if (uses) atomic_store_explicit(&block->uses, (uint8_t)(uses - 1), memory_order_relaxed);
    list_remove(&block->queue);
    list_push_back(&shard->main, &block->queue);
}

/* Evicts until `charge` more bytes fit; false if pinned blocks leave no room. */
static bool shard_make_room(struct block_shard *shard, size_t charge) {
    if (charge > shard->limit) return false;
    /* Each block can be looked at once in the small queue and USES_MAX + 1 times in main; more steps than that meet
     * only pinned ones. */
    size_t steps = shard->block_count * (USES_MAX + 2);
    while (shard->bytes + charge > shard->limit) {
        if (steps-- == 0 || shard->block_count == 0) return false;
        bool small_is_over = shard->small_bytes > shard->limit / 10 || list_is_empty(&shard->main);
        if (small_is_over && !list_is_empty(&shard->small)) {
            small_step(shard);
        } else {
            main_step(shard);
        }
    }
    return true;
}

static void shard_insert(struct block_shard *shard, struct block *block, uint64_t hash) {
    if (shard->block_count * 2 >= shard->bucket_count) shard_grow(shard); /* a longer chain costs a miss a block */
    size_t charge = block_charge(block);
    block->in_main = ghost_has(shard, hash);
    list_push_back(block->in_main ? &shard->main : &shard->small, &block->queue);
    if (!block->in_main) shard->small_bytes += charge;
    shard->bytes += charge;
    shard->block_count++;
    shard->added++;
    struct block **bucket = bucket_of(shard, hash);
    block->chain = *bucket;
    *bucket = block;
    block_acquire(block); /* the table's */
}

static bool shard_init(struct block_shard *shard, size_t limit) {
    *shard =
        (struct block_shard){.limit = limit, .bucket_count = BUCKETS_MIN, .ghost_count = limit / BLOCK_BYTES_GUESS};
    mutex_init(&shard->mutex);
    list_init(&shard->small);
    list_init(&shard->main);
    shard->buckets = calloc(shard->bucket_count, sizeof(struct block *));
    if (shard->ghost_count) shard->ghosts = calloc(shard->ghost_count, sizeof(uint64_t));
    return shard->buckets && (shard->ghosts || !shard->ghost_count);
}

static void shard_deinit(struct block_shard *shard) {
    struct list *queues[] = {&shard->small, &shard->main};
    for (size_t i = 0; i < 2; i++) {
        for (struct list *link = list_pop_front(queues[i]); link; link = list_pop_front(queues[i])) {
            struct block *block = list_entry(link, struct block, queue);
            check(!block_is_pinned(block));
            block_release(block);
        }
    }
    free(shard->buckets);
    free(shard->ghosts);
    mutex_deinit(&shard->mutex);
}

/* ---- The cache --------------------------------------------------------------------------------------------------- */

struct block_cache *block_cache_create(size_t bytes) {
    struct block_cache *cache = calloc(1, sizeof *cache);
    if (!cache) return NULL;
    if (bytes >= SLAB_BYTES_MIN) {
        cache->slab = slab_create();
        if (!cache->slab) {
            free(cache);
            return NULL;
        }
    }
    unsigned count = 1;
    while (count < SHARDS_MAX && bytes / (count * 2) >= SHARD_BYTES_MIN) count *= 2;
    for (; cache->shard_count < count; cache->shard_count++) {
        if (shard_init(&cache->shards[cache->shard_count], bytes / count)) continue;
        cache->shard_count++;
        block_cache_destroy(cache);
        return NULL;
    }
    return cache;
}

void block_cache_destroy(struct block_cache *cache) {
    if (!cache) return;
    for (unsigned i = 0; i < cache->shard_count; i++) shard_deinit(&cache->shards[i]);
    slab_destroy(cache->slab);
    free(cache);
}

static struct block_shard *shard_of(struct block_cache *cache, uint64_t hash) {
    return &cache->shards[hash & (cache->shard_count - 1)];
}

struct block *block_cache_get(struct block_cache *cache, uint64_t file, uint64_t place) {
    uint64_t hash = key_hash(file, place);
    struct block_shard *shard = shard_of(cache, hash);
    mutex_lock(&shard->mutex);
    struct block *block = *bucket_of(shard, hash);
    if (block) block_touch(block); /* mostly the right one */
    block = shard_find(shard, hash, file, place);
    if (block) {
        block_acquire(block);
        shard->hits++;
    } else {
        shard->misses++;
    }
    mutex_unlock(&shard->mutex);
    if (!block) return NULL;
    uint8_t uses = atomic_load_explicit(&block->uses, memory_order_relaxed);
    if (uses < USES_MAX) atomic_store_explicit(&block->uses, (uint8_t)(uses + 1), memory_order_relaxed);
    return block;
}

void block_cache_prepare(struct block_cache *cache, uint64_t file, uint64_t place, unsigned step) {
    uint64_t hash = key_hash(file, place);
    struct block_shard *shard = shard_of(cache, hash);
    mutex_lock(&shard->mutex);
    struct block **bucket = bucket_of(shard, hash);
    if (step == 0) {
        __builtin_prefetch(bucket);
    } else if (*bucket) {
        __builtin_prefetch(*bucket);
        block_touch(*bucket);
    }
    mutex_unlock(&shard->mutex);
}

void block_cache_add(struct block_cache *cache, struct block **block) {
    uint64_t hash = key_hash((*block)->file, (*block)->place);
    struct block_shard *shard = shard_of(cache, hash);
    mutex_lock(&shard->mutex);
    struct block *first = shard_find(shard, hash, (*block)->file, (*block)->place);
    if (first) {
        block_acquire(first);
    } else if (shard_make_room(shard, block_charge(*block))) {
        shard_insert(shard, *block, hash);
    } else {
        shard->refused++;
    }
    mutex_unlock(&shard->mutex);
    if (!first) return;
    block_release(*block);
    *block = first;
}

void block_cache_drop(struct block_cache *cache, uint64_t file, uint64_t place) {
    uint64_t hash = key_hash(file, place);
    struct block_shard *shard = shard_of(cache, hash);
    mutex_lock(&shard->mutex);
    struct block *block = shard_find(shard, hash, file, place);
    if (block) shard_remove(shard, block, hash);
    mutex_unlock(&shard->mutex);
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

/* REQUIRES: the shard's mutex. Of so many buckets from `from` on. */
static uint64_t buckets_pinned_bytes(const struct block_shard *shard, size_t from, size_t count) {
    uint64_t bytes = 0;
    for (size_t i = from; i < from + count && i < shard->bucket_count; i++)
        for (const struct block *block = shard->buckets[i]; block; block = block->chain)
            if (block_is_pinned(block)) bytes += block_charge(block);
    return bytes;
}

uint64_t block_cache_pinned_bytes(struct block_cache *cache) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < cache->shard_count; i++) {
        struct block_shard *shard = &cache->shards[i];
        size_t from = 0, end = 1;
        for (; from < end; from += BUCKETS_AT_ONCE) {
            mutex_lock(&shard->mutex);
            end = shard->bucket_count;
            bytes += buckets_pinned_bytes(shard, from, BUCKETS_AT_ONCE);
            mutex_unlock(&shard->mutex);
        }
    }
    return bytes;
}
