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
    SLAB_BYTES_MIN = 16 << 20, /* of a cache whose blocks lie in huge pages: less does well without */
    BLOCK_LINES = 8,           /* of a block: those that a search in it reads first */
    LINE_BYTES = 64,
    ROOM_TRIES = 32, /* blocks that leave so that another finds memory in a full slab */
    USES_MAX = 3,
    BLOCKS_AT_ONCE = 64, /* looked at under one lock */
};

struct block_shard {
    struct mutex mutex;
    struct list small; /* oldest first */
    struct list main;
    size_t limit, bytes, small_bytes;
    struct block **buckets; /* of blocks without a slot */
    size_t bucket_count;    /* a power of two */
    size_t block_count;
    size_t chained;   /* of them in the buckets, not in slots */
    uint64_t *ghosts; /* key hashes; a key's slot is hash % ghost_count: a later one drives out an earlier one */
    size_t ghost_count;
    uint64_t hits, misses, added, refused, evicted;
};

enum block_home { HOME_HEAP, HOME_SLAB, HOME_LASTING, HOME_LASTING_HEAP };
enum { BLOCK_IS_BACKED = 0x80 }; /* beside its home */
enum block_found_by { FOUND_BY_NOTHING, FOUND_BY_CHAIN, FOUND_BY_SLOT };

struct block_cache {
    struct slab *slab;                /* NULL: blocks come from malloc */
    struct slab *lasting;             /* of blocks that do not come and go; NULL with the other */
    _Atomic uint64_t heap_bytes;      /* of blocks that come from malloc, lasting ones apart */
    _Atomic uint64_t lasting_bytes;   /* charges of those in `lasting` */
    _Atomic unsigned next_to_give_up; /* shard that makes room in a full slab */
    unsigned shard_count;             /* a power of two */
    struct block_shard shards[SHARDS_MAX];
};

/* ---- Blocks ------------------------------------------------------------------------------------------------------ */

static size_t block_bytes(size_t size) {
    return sizeof(struct block) + size + BLOCK_SLACK_BYTES;
}

static bool give_up_one(struct block_cache *cache);

/* A full slab has other blocks leave; NULL also when none of them had a slot of this size. */
static struct block *slab_take(struct block_cache *cache, size_t bytes) {
    for (int i = 0; i < ROOM_TRIES; i++) {
        struct block *block = slab_alloc(cache->slab, bytes);
        if (block || !slab_is_full(cache->slab)) return block;
        if (!give_up_one(cache)) break;
    }
    return NULL;
}

static enum block_home home_of(const struct block *block) {
    return (enum block_home)(block->home & ~BLOCK_IS_BACKED);
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
    const enum block_home home = home_of(block);
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

void block_acquire(struct block *block) {
    atomic_fetch_add_explicit(&block->references, 1, memory_order_relaxed);
}

void block_release(struct block *block) {
    if (!block) return;
    uint32_t before = atomic_fetch_sub_explicit(&block->references, 1, memory_order_acq_rel);
    check(before > 0);
    if (before > 1) return;
    give_memory_back(block);
}

size_t block_charge(const struct block *block) {
    return is_heap(home_of(block)) ? block_bytes(block->size) : slab_cost(block_bytes(block->size));
}

/* ---- Shards ------------------------------------------------------------------------------------------------------ */

static uint64_t key_hash(uint64_t file, uint64_t place) {
    return hash_mix(file, place);
}

static struct block **bucket_of(struct block_shard *shard, uint64_t hash) {
    return shard->buckets + ((hash >> 8) & (shard->bucket_count - 1));
}

/* Whoever asks for a block searches in it: the lines with the keys are fetched side by side, not one after another. */
static void block_touch(const struct block *block) {
    for (size_t line = 1; line <= BLOCK_LINES; line++) __builtin_prefetch((const char *)block + line * LINE_BYTES);
}

static struct block *slot_block(const struct block_slot *slot) {
    return atomic_load_explicit(&slot->block, memory_order_acquire);
}

/* What leads to a block: where it is noted, or would be. */
struct place {
    uint64_t file, number, hash;
    struct block_slot *slot; /* NULL: a bucket */
};

static struct place place_make(uint64_t file, uint64_t number, struct block_slot *slot) {
    return (struct place){.file = file, .number = number, .hash = key_hash(file, number), .slot = slot};
}

static struct block *shard_find(struct block_shard *shard, const struct place *place) {
    if (place->slot) return slot_block(place->slot);
    struct block *block = *bucket_of(shard, place->hash);
    while (block && (block->file != place->file || block->place != place->number)) block = block->chain;
    return block;
}

/* Twice the buckets; when there is no memory for them, chains grow instead. */
static void shard_grow(struct block_shard *shard) {
    const size_t old_count = shard->bucket_count;
    struct block **old = shard->buckets;
    struct block **buckets = calloc(old_count * 2, sizeof(struct block *));
    if (!buckets) return;
    shard->buckets = buckets;
    shard->bucket_count = old_count * 2;
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

static void shard_note(struct block_shard *shard, struct block *block, const struct place *place) {
    if (place->slot) {
        block->found_by = FOUND_BY_SLOT;
        block->slot = place->slot;
        atomic_store_explicit(&place->slot->block, block, memory_order_release);
        return;
    }
    if (shard->chained * 2 >= shard->bucket_count) shard_grow(shard); /* a longer chain costs a miss a block */
    struct block **bucket = bucket_of(shard, place->hash);
    block->found_by = FOUND_BY_CHAIN;
    block->chain = *bucket;
    *bucket = block;
    shard->chained++;
}

static void shard_unnote(struct block_shard *shard, struct block *block, uint64_t hash) {
    if (block->found_by == FOUND_BY_SLOT) {
        atomic_store_explicit(&block->slot->block, NULL, memory_order_release); /* it may be gone from here on */
    } else {
        struct block **at = bucket_of(shard, hash);
        while (*at != block) at = &(*at)->chain;
        *at = block->chain;
        shard->chained--;
    }
    block->found_by = FOUND_BY_NOTHING;
}

/* Takes the block from where it is noted and its queue and drops the cache's reference. */
static void shard_remove(struct block_shard *shard, struct block *block, uint64_t hash) {
    shard_unnote(shard, block, hash);
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

/* Looks at one block. There is one. */
static void shard_step(struct block_shard *shard) {
    bool small_is_over = shard->small_bytes > shard->limit / 10 || list_is_empty(&shard->main);
    if (small_is_over && !list_is_empty(&shard->small)) {
        small_step(shard);
    } else {
        main_step(shard);
    }
}

/* Evicts until `charge` more bytes fit; false if pinned blocks leave no room. */
static bool shard_make_room(struct block_shard *shard, size_t charge) {
    if (charge > shard->limit) return false;
    /* Each block can be looked at once in the small queue and USES_MAX + 1 times in main; more steps than that meet
     * only pinned ones. */
    size_t steps = shard->block_count * (USES_MAX + 2);
    while (shard->bytes + charge > shard->limit) {
        if (steps-- == 0 || shard->block_count == 0) return false;
        shard_step(shard);
    }
    return true;
}

/* The least wanted one leaves; false: all are pinned, or there is none. */
static bool shard_give_up(struct block_shard *shard) {
    const uint64_t before = shard->evicted;
    size_t steps = shard->block_count * (USES_MAX + 2);
    while (shard->evicted == before && steps-- > 0) shard_step(shard);
    return shard->evicted != before;
}

static void shard_insert(struct block_shard *shard, struct block *block, const struct place *place) {
    size_t charge = block_charge(block);
    block->in_main = ghost_has(shard, place->hash);
    list_push_back(block->in_main ? &shard->main : &shard->small, &block->queue);
    if (!block->in_main) shard->small_bytes += charge;
    shard->bytes += charge;
    shard->block_count++;
    shard->added++;
    shard_note(shard, block, place);
    block_acquire(block); /* the cache's */
}

static bool shard_init(struct block_shard *shard, size_t limit) {
    *shard =
        (struct block_shard){.limit = limit, .ghost_count = limit / BLOCK_BYTES_GUESS, .bucket_count = BUCKETS_MIN};
    mutex_init(&shard->mutex);
    list_init(&shard->small);
    list_init(&shard->main);
    shard->buckets = calloc(BUCKETS_MIN, sizeof(struct block *));
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
    slab_destroy(cache->lasting);
    free(cache);
}

static struct block_shard *shard_of(struct block_cache *cache, uint64_t hash) {
    return &cache->shards[hash & (cache->shard_count - 1)];
}

struct block *block_cache_get(struct block_cache *cache, uint64_t file, uint64_t place, struct block_slot *slot) {
    const struct place where = place_make(file, place, slot);
    struct block_shard *shard = shard_of(cache, where.hash);
    /* Before the lock: what stood there a moment ago is a hint that costs nothing when it is wrong. */
    if (slot) block_touch(slot_block(slot));
    mutex_lock(&shard->mutex);
    struct block *block = slot ? NULL : *bucket_of(shard, where.hash);
    if (block) block_touch(block); /* mostly the right one */
    block = shard_find(shard, &where);
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

void block_cache_add(struct block_cache *cache, struct block **block, struct block_slot *slot) {
    const struct place where = place_make((*block)->file, (*block)->place, slot);
    struct block_shard *shard = shard_of(cache, where.hash);
    mutex_lock(&shard->mutex);
    struct block *first = shard_find(shard, &where);
    if (first) {
        block_acquire(first);
    } else if (shard_make_room(shard, block_charge(*block))) {
        shard_insert(shard, *block, &where);
    } else {
        shard->refused++;
    }
    mutex_unlock(&shard->mutex);
    if (!first) return;
    block_release(*block);
    *block = first;
}

void block_cache_drop(struct block_cache *cache, uint64_t file, uint64_t place, struct block_slot *slot) {
    if (slot && !slot_block(slot)) return;
    const struct place where = place_make(file, place, slot);
    struct block_shard *shard = shard_of(cache, where.hash);
    mutex_lock(&shard->mutex);
    struct block *block = shard_find(shard, &where);
    if (block) shard_remove(shard, block, where.hash);
    mutex_unlock(&shard->mutex);
}

static bool give_up_one(struct block_cache *cache) {
    const unsigned first = atomic_fetch_add_explicit(&cache->next_to_give_up, 1, memory_order_relaxed);
    for (unsigned i = 0; i < cache->shard_count; i++) {
        struct block_shard *shard = &cache->shards[(first + i) & (cache->shard_count - 1)];
        mutex_lock(&shard->mutex);
        const bool gave = shard_give_up(shard);
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
        if (home_of(block) == HOME_SLAB && slab_is_leaving(block) && !block_is_pinned(block)) evict(shard, block);
    }
}

static void shard_set_limit(struct block_shard *shard, size_t limit) {
    mutex_lock(&shard->mutex);
    shard->limit = limit;
    (void)shard_make_room(shard, 0); /* what is pinned stays over it for now */
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
    if (slab_shrink(cache->slab) == 0) return;
    for (unsigned i = 0; i < cache->shard_count; i++) {
        struct block_shard *shard = &cache->shards[i];
        mutex_lock(&shard->mutex);
        queue_leave_runs(shard, &shard->small);
        queue_leave_runs(shard, &shard->main);
        mutex_unlock(&shard->mutex);
    }
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
