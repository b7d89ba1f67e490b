/*
 * warmer: memory for a memtable that is being filled by one thread is cleared by another, a little ahead. For a replay,
 * which the system's clearing of pages would take a quarter of. Private to engine/lsm.
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

void warmer_init(struct warmer *warmer, struct io *io, struct page_pool *pool);
/* More memory will be taken from the pool soon. */
void warmer_poke(struct warmer *warmer);
/* Waits for the job's present step. */
void warmer_deinit(struct warmer *warmer);

#endif
