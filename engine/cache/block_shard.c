/*
 * block_shard: see the header. Invariant: bytes == sum of charges of the blocks in the two queues <= limit. The cache's
 * reference keeps a block; only a block with no other reference is evicted.
 */
#include "engine/cache/block_shard.h"

#include <stdlib.h>

#include "engine/base/check.h"

enum {
    BUCKETS_MIN = 64,
    BLOCK_BYTES_GUESS = 4096, /* sizes the ghost list */
};

/* ---- Where a block is noted -------------------------------------------------------------------------------------- */

static struct block **bucket_of(struct block_shard *shard, uint64_t hash) {
    return shard->buckets + ((hash >> 8) & (shard->bucket_count - 1));
}

struct block *block_shard_guess(struct block_shard *shard, const struct block_place *place) {
    return place->slot ? NULL : *bucket_of(shard, place->hash);
}

struct block *block_shard_find(struct block_shard *shard, const struct block_place *place) {
    if (place->slot) return block_slot_look(place->slot);
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
            struct block **bucket = bucket_of(shard, hash_mix(block->file, block->place));
            block->chain = *bucket;
            *bucket = block;
        }
    }
    free(old);
}

static void shard_note(struct block_shard *shard, struct block *block, const struct block_place *place) {
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

void block_shard_remove(struct block_shard *shard, struct block *block, uint64_t hash) {
    shard_unnote(shard, block, hash);
    list_remove(&block->queue);
    size_t charge = block_charge(block);
    shard->bytes -= charge;
    if (!block->in_main) shard->small_bytes -= charge;
    shard->block_count--;
    block_release(block);
}

/* ---- Who stays --------------------------------------------------------------------------------------------------- */

static void ghost_remember(struct block_shard *shard, uint64_t hash) {
    if (shard->ghost_count) shard->ghosts[(hash >> 8) % shard->ghost_count] = hash;
}

static bool ghost_has(const struct block_shard *shard, uint64_t hash) {
    return shard->ghost_count && shard->ghosts[(hash >> 8) % shard->ghost_count] == hash;
}

void block_shard_evict(struct block_shard *shard, struct block *block) {
    uint64_t hash = hash_mix(block->file, block->place);
    if (!block->in_main) ghost_remember(shard, hash);
    shard->evicted++;
    block_shard_remove(shard, block, hash);
}

/* Looks at the oldest block of the small queue: evicts it, or moves it to main if it is pinned or was used. */
static void small_step(struct block_shard *shard) {
    struct block *block = list_entry(shard->small.next, struct block, queue);
    uint8_t uses = atomic_load_explicit(&block->uses, memory_order_relaxed);
    if (uses == 0 && !block_is_pinned(block)) {
        block_shard_evict(shard, block);
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
        block_shard_evict(shard, block);
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

bool block_shard_make_room(struct block_shard *shard, size_t charge) {
    if (charge > shard->limit) return false;
    /* Each block can be looked at once in the small queue and BLOCK_USES_MAX + 1 times in main; more steps than that
     * meet only pinned ones. */
    size_t steps = shard->block_count * (BLOCK_USES_MAX + 2);
    while (shard->bytes + charge > shard->limit) {
        if (steps-- == 0 || shard->block_count == 0) return false;
        shard_step(shard);
    }
    return true;
}

bool block_shard_give_up(struct block_shard *shard) {
    const uint64_t before = shard->evicted;
    size_t steps = shard->block_count * (BLOCK_USES_MAX + 2);
    while (shard->evicted == before && steps-- > 0) shard_step(shard);
    return shard->evicted != before;
}

void block_shard_insert(struct block_shard *shard, struct block *block, const struct block_place *place) {
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

bool block_shard_init(struct block_shard *shard, size_t limit) {
    *shard =
        (struct block_shard){.limit = limit, .ghost_count = limit / BLOCK_BYTES_GUESS, .bucket_count = BUCKETS_MIN};
    mutex_init(&shard->mutex);
    list_init(&shard->small);
    list_init(&shard->main);
    shard->buckets = calloc(BUCKETS_MIN, sizeof(struct block *));
    if (shard->ghost_count) shard->ghosts = calloc(shard->ghost_count, sizeof(uint64_t));
    return shard->buckets && (shard->ghosts || !shard->ghost_count);
}

void block_shard_deinit(struct block_shard *shard) {
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
