/*
 * block_cache: blocks of SSTs in memory, decompressed and verified, under a hard ceiling of bytes.
 *
 * S3-FIFO (Yang et al., SOSP 2023) in shards: a small queue for newcomers, a main queue for what was asked for again, a
 * ghost list of keys lately evicted. Pinned blocks count against the ceiling and are not evicted; a block that does not
 * fit beside them is handed out uncached and freed with its last release. Any thread.
 */
#ifndef ENGINE_CACHE_BLOCK_CACHE_H
#define ENGINE_CACHE_BLOCK_CACHE_H

#include <stdatomic.h>

#include "engine/base/list.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

struct block_cache;
struct page_pool;

struct block_slot;

/* A verified, decoded block; immutable once it is in the cache or shared. Bytes follow the struct. */
struct block {
    uint64_t file;               /* key: which file, unique for the life of the cache */
    uint64_t place;              /* key: where in it; what that counts is the file's */
    size_t size;                 /* of data */
    _Atomic uint32_t references; /* the cache's own included */
    _Atomic uint8_t uses;        /* the cache's: asked for since it moved, up to 3 */
    bool in_main;                /* the cache's */
    uint8_t home;                /* the cache's: where its memory is from, and whether something backs it */
    uint8_t found_by;            /* the cache's: which of the two below leads to it */
    struct list queue;           /* the cache's */
    union {                      /* the cache's */
        struct block *chain;     /* next in the same bucket of its table */
        struct block_slot *slot;
    };
    struct block_cache *cache;  /* that counts its memory; may be NULL */
    _Alignas(8) uint8_t data[]; /* size bytes, then BLOCK_SLACK_BYTES that may be read but mean nothing */
};

enum { BLOCK_SLACK_BYTES = 8 };

/*
 * Where the cache notes a block that its owner asks for by number, such as an SST's data blocks: the owner keeps an
 * array of them, zeroed, beside what leads to the block, and no table is searched. While a block may be in it, it must
 * not move; block_cache_drop empties it. An owner without such numbers passes NULL throughout: its blocks are in a hash
 * table of the cache's. For one (file, place) it is always the one or the other.
 */
struct block_slot {
    _Atomic(struct block *) block; /* the cache's; NULL = not here */
};

/*
 * A block with one reference, the caller's; data is to be filled. Its memory is from `cache`, which it must not outlive
 * (a cache of some size keeps its blocks in huge pages: engine/cache/slab.h), or with NULL from malloc. NULL when out
 * of memory.
 */
struct block *block_create(struct block_cache *cache, uint64_t file, uint64_t place, size_t size);
/* The same for one that never enters the cache and stays for long: it lies apart, so that the cache can shrink. */
struct block *block_create_lasting(struct block_cache *cache, size_t size);

/* What a block points into, such as a mapped file: counted, freed by its owner's function with the last reference. */
struct block_backing {
    _Atomic uint32_t references;
    void (*destroy)(struct block_backing *backing);
};
static inline void block_backing_acquire(struct block_backing *backing) {
    atomic_fetch_add_explicit(&backing->references, 1, memory_order_relaxed);
}
static inline void block_backing_release(struct block_backing *backing) { /* NULL is allowed */
    if (backing && atomic_fetch_sub_explicit(&backing->references, 1, memory_order_acq_rel) == 1)
        backing->destroy(backing);
}
/* As block_create; the block keeps a reference to its backing as long as it lives. Behind the `size` bytes of its data
 * lies a pointer of the cache's, counted in block->size. */
struct block *block_create_backed(struct block_cache *cache, uint64_t file, uint64_t place, size_t size,
                                  struct block_backing *backing);

static inline void block_acquire(struct block *block) {
    atomic_fetch_add_explicit(&block->references, 1, memory_order_relaxed);
}
void block_release(struct block *block); /* NULL is allowed */
static inline struct slice block_slice(const struct block *block) {
    return slice_make(block->data, block->size);
}
/* What the block costs: bytes of data and struct, and what is lost beside them. */
size_t block_charge(const struct block *block);

/* NULL when out of memory. bytes 0: keeps nothing. `pool`: where its huge pages come from, borrowed; may be NULL. */
struct block_cache *block_cache_create(size_t bytes, struct page_pool *pool);
/* Every block that was made with it must have been released. NULL is allowed. */
void block_cache_destroy(struct block_cache *cache);

/* A hint: the block that the slot tells is got soon. */
void block_cache_touch(const struct block_slot *slot);
/* The block, with a reference for the caller; NULL = not here. Counts a hit or a miss. */
struct block *block_cache_get(struct block_cache *cache, uint64_t file, uint64_t place, struct block_slot *slot);

/*
 * Offers a block that the caller holds a reference to. If another came first under the same key, *block becomes that
 * one (references move over). Whether it was kept or not, the caller still holds its one reference to *block.
 */
void block_cache_add(struct block_cache *cache, struct block **block, struct block_slot *slot);

/* Forgets the block, if it is here; a pinned one is freed with its last release. The cache does not know the slot any
 * more when this returns, provided that nobody adds to it meanwhile. An empty slot costs no lock. */
void block_cache_drop(struct block_cache *cache, uint64_t file, uint64_t place, struct block_slot *slot);

/*
 * Another ceiling from now on, at most that of block_cache_create. What does not fit any more leaves, the least wanted
 * first, and the memory goes back to the system: runs that are mostly empty are emptied. Pinned blocks stay until they
 * are released. O(blocks in the cache) when it shrinks. One thread at a time.
 */
void block_cache_set_limit(struct block_cache *cache, size_t bytes);
/* All that it has of the system: blocks in and out of the table, runs that are partly empty, its own tables; but not
 * the charges of lasting blocks, which are their owners' to count. */
size_t block_cache_memory(struct block_cache *cache);

struct block_cache_stats {
    uint64_t limit, bytes; /* bytes <= limit, always */
    uint64_t blocks, hits, misses, added, refused, evicted;
};
/* O(shards). */
void block_cache_get_stats(struct block_cache *cache, struct block_cache_stats *stats);
/* Of blocks that somebody besides the cache holds. O(blocks in the cache); no lock is held for long, so beside others
 * at work it is an estimate. */
uint64_t block_cache_pinned_bytes(struct block_cache *cache);

#endif
