/*
 * warmer: memory for a memtable or a cache that is being filled by one thread is cleared by another, a little ahead:
 * who takes runs from the pool finds some there. The system's clearing of pages would take a quarter of a replay, and a
 * sixth of reads into an empty cache. Private to engine/lsm.
 *
 * Where no core is left over the one that fills clears its pages itself, as it would without.
 */
#ifndef ENGINE_LSM_WARMER_H
#define ENGINE_LSM_WARMER_H

#include "engine/base/page_pool.h"
#include "engine/io.h"

struct warmer {
    struct io *io;          /* borrowed */
    struct page_pool *pool; /* borrowed */
    struct mutex mutex;
    struct condition ended;
    bool runs;  /* mutex: the job */
    bool stops; /* mutex */
    struct io_job job;
};

/* Watches the pool until warmer_deinit. */
void warmer_init(struct warmer *warmer, struct io *io, struct page_pool *pool);
/* Waits for the job's present step; runs that are taken later on are the taker's to clear. */
void warmer_deinit(struct warmer *warmer);

#endif
