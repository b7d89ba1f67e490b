/*
 * slab: memory for blocks of some KiB that come and go for hours, in runs of huge pages (engine/base/pages.h).
 *
 * A run is cut into pages of 16 KiB; some pages side by side are a *span*, which is cut into slots of one size. Sizes
 * are a sixteenth apart, so that a slot is at most that much larger than what was asked for. A span whose slots are all
 * free gives its pages back, so that a size that is no longer asked for keeps nothing. A piece that would fill half a
 * page has a span of its own. Any thread.
 */
#ifndef ENGINE_CACHE_SLAB_H
#define ENGINE_CACHE_SLAB_H

#include <stdbool.h>
#include <stddef.h>

struct page_pool;
struct slab;

enum { SLAB_PIECE_MAX = 1 << 20 };

/* Its runs come from `pool` (may be NULL: from the system), which outlives it, and go back to the system. NULL when out
 * of memory. */
struct slab *slab_create(struct page_pool *pool);
/* Every piece must have been freed. NULL is allowed. */
void slab_destroy(struct slab *slab);

/* What a piece of `size` bytes costs: the bytes of its slot; size <= SLAB_PIECE_MAX. */
size_t slab_cost(size_t size);
/* Aligned to 64 bytes, content undefined; size 1..SLAB_PIECE_MAX. NULL when out of memory. */
void *slab_alloc(struct slab *slab, size_t size);
void slab_free(struct slab *slab, void *piece);
/* Bytes of runs asked of the system. */
size_t slab_reserved(struct slab *slab);

/*
 * Runs of at most `bytes`: where another would be needed, slab_alloc answers NULL. When there are more already,
 * slab_shrink chooses the emptiest to leave until the others are within the limit: nothing is allocated in those any
 * more, and each goes back to the system with its last piece. Returns how many have pieces left, which their owner is
 * to free.
 */
void slab_set_limit(struct slab *slab, size_t bytes);
size_t slab_shrink(struct slab *slab);
/* There are as many runs as the limit allows. */
bool slab_is_full(struct slab *slab);
/* Whether the piece lies in a run that is to leave. Takes no lock: a run that was just chosen may not show it yet. */
bool slab_is_leaving(const void *piece);

#endif
