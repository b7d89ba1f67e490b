/*
 * block_shard: a part of a block cache under a lock of its own: S3-FIFO (Yang et al., "FIFO queues are all you need for
 * cache eviction", SOSP 2023). Private to engine/cache.
 *
 * A newcomer enters the small queue (a tenth of the bytes), or the main queue if its key is in the ghost list. The
 * small queue's oldest block moves to main if it was asked for, else it leaves and its key enters the ghost list. The
 * main queue's oldest block goes round again while its count of uses lasts, else it leaves.
 *
 * All but init and deinit: with the mutex held.
 */
#ifndef ENGINE_CACHE_BLOCK_SHARD_H
#define ENGINE_CACHE_BLOCK_SHARD_H

#include "engine/base/hash.h"
#include "engine/base/sync.h"
#include "engine/cache/block_cache.h"

enum { BLOCK_USES_MAX = 3 };

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

/* Of struct block's found_by. */
enum block_found_by { FOUND_BY_NOTHING, FOUND_BY_CHAIN, FOUND_BY_SLOT };

/* What leads to a block: where it is noted, or would be. */
struct block_place {
    uint64_t file, number, hash;
    struct block_slot *slot; /* NULL: a bucket */
};
static inline struct block_place block_place_make(uint64_t file, uint64_t number, struct block_slot *slot) {
    return (struct block_place){.file = file, .number = number, .hash = hash_mix(file, number), .slot = slot};
}

static inline bool block_is_pinned(const struct block *block) {
    return atomic_load_explicit(&block->references, memory_order_acquire) > 1;
}

static inline struct block *block_slot_look(const struct block_slot *slot) {
    return atomic_load_explicit(&slot->block, memory_order_acquire);
}

/* False when out of memory: to be deinitialized all the same. */
bool block_shard_init(struct block_shard *shard, size_t limit);
/* No block in it may be pinned. */
void block_shard_deinit(struct block_shard *shard);

/* NULL = not here. */
struct block *block_shard_find(struct block_shard *shard, const struct block_place *place);
/* The first of those that a bucket leads to, mostly the right one: for a look ahead. */
struct block *block_shard_guess(struct block_shard *shard, const struct block_place *place);
/* Takes a reference of its own. There is room for it. */
void block_shard_insert(struct block_shard *shard, struct block *block, const struct block_place *place);
/* Takes the block from where it is noted and its queue and drops the cache's reference. */
void block_shard_remove(struct block_shard *shard, struct block *block, uint64_t hash);
/* As block_shard_remove, counted and remembered as evicted. */
void block_shard_evict(struct block_shard *shard, struct block *block);
/* Evicts until `charge` more bytes fit; false if pinned blocks leave no room. */
bool block_shard_make_room(struct block_shard *shard, size_t charge);
/* The least wanted one leaves; false: all are pinned, or there is none. */
bool block_shard_give_up(struct block_shard *shard);

#endif
