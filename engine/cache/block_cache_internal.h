/*
 * block_cache_internal: a block cache as its own files see it: blocks and their memory (block.c), shards
 * (block_shard.c), and what holds them together (block_cache.c). Private to engine/cache.
 */
#ifndef ENGINE_CACHE_BLOCK_CACHE_INTERNAL_H
#define ENGINE_CACHE_BLOCK_CACHE_INTERNAL_H

#include "engine/cache/block_shard.h"
#include "engine/cache/slab.h"

enum { BLOCK_SHARDS_MAX = 16 };

/* Of struct block's home, beside BLOCK_IS_BACKED. */
enum block_home { HOME_HEAP, HOME_SLAB, HOME_LASTING, HOME_LASTING_HEAP };
enum { BLOCK_IS_BACKED = 0x80 };

static inline enum block_home block_home_of(const struct block *block) {
    return (enum block_home)(block->home & ~BLOCK_IS_BACKED);
}

struct block_cache {
    struct slab *slab;                /* NULL: blocks come from malloc */
    struct slab *lasting;             /* of blocks that do not come and go; NULL with the other */
    _Atomic uint64_t heap_bytes;      /* of blocks that come from malloc, lasting ones apart */
    _Atomic uint64_t lasting_bytes;   /* charges of those in `lasting` */
    _Atomic unsigned next_to_give_up; /* shard that makes room in a full slab */
    unsigned shard_count;             /* a power of two */
    struct block_shard shards[BLOCK_SHARDS_MAX];
};

/* A block leaves, so that its memory serves another one; false: none can. */
bool block_cache_give_up_one(struct block_cache *cache);

#endif
