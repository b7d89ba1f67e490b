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
/* Bytes of runs asked of the system, less what those that leave have given back. */
size_t slab_reserved(struct slab *slab);

/*
 * Memory of at most `bytes`: where more would be needed, slab_alloc answers NULL. When there is more already,
 * slab_shrink chooses the emptiest runs to leave until the others are within the limit, beside what earlier ones still
 * hold: nothing is allocated in those any more, each page of the system in which no piece lies goes back at once, and
 * the run with its last piece. True: runs were chosen that have pieces left, and their owner is to free what it can and
 * then to ask again.
 */
void slab_set_limit(struct slab *slab, size_t bytes);
bool slab_shrink(struct slab *slab);
/* There are runs that leave. */
bool slab_is_shrinking(struct slab *slab);
/* There is no room for another run. */
bool slab_is_full(struct slab *slab);
/* Whether the piece lies in a run that is to leave. Takes no lock: a run that was just chosen may not show it yet. */
bool slab_is_leaving(const void *piece);

#endif
