/*
 * lead: who may write. One thread at a time leads: it applies batches, writes the own log, seals memtables. The lead is
 * a word, so that a lone writer takes it and gives it back without a lock (write.c).
 *
 * Invariant: a word of LEAD_LOOK tells the one who leads that somebody came meanwhile: it gives the lead up under the
 * mutex, after a look at what was asked for (a seal, a cut of the log) and at the queue. Whoever asks for something
 * under the mutex calls lead_try: either the lead is its own then, or the one who leads will look.
 */
#ifndef ENGINE_LSM_LEAD_H
#define ENGINE_LSM_LEAD_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/engine.h"

enum lead_state { LEAD_FREE, LEAD_ALONE, LEAD_LOOK };

struct lead {
    _Atomic uint32_t state;
};

/* Without the mutex; false: somebody leads. */
static inline bool lead_try_alone(struct lead *lead) {
    uint32_t state = LEAD_FREE;
    return atomic_load_explicit(&lead->state, memory_order_relaxed) == LEAD_FREE &&
           atomic_compare_exchange_strong_explicit(&lead->state, &state, LEAD_ALONE, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* By the one who leads, without the mutex; false: somebody came, and the lead is still ours. */
static inline bool lead_end_alone(struct lead *lead) {
    uint32_t state = LEAD_ALONE;
    return atomic_compare_exchange_strong_explicit(&lead->state, &state, LEAD_FREE, memory_order_release,
                                                   memory_order_relaxed);
}

/* REQUIRES: mutex. False: somebody leads, and will look. */
static inline bool lead_try(struct lead *lead) {
    return atomic_exchange_explicit(&lead->state, LEAD_LOOK, memory_order_acq_rel) == LEAD_FREE;
}

/*
 * What has been published last: where batches ended, in one piece, for any thread without a lock. One writes at a time.
 * A reader that meets a change half-way reads again (a sequence lock).
 */
struct lead_mark {
    _Atomic uint32_t version; /* odd while it changes */
    _Atomic uint64_t sequence, index, term;
    _Atomic int64_t time_ms;
};

static inline void lead_mark_store(struct lead_mark *cell, uint64_t sequence, const struct engine_mark *mark) {
    const uint32_t version = atomic_load_explicit(&cell->version, memory_order_relaxed);
    atomic_store_explicit(&cell->version, version + 1, memory_order_relaxed);
    /* Each release store below is seen by a reader only with the odd version. */
    atomic_store_explicit(&cell->sequence, sequence, memory_order_release);
    atomic_store_explicit(&cell->index, mark->index, memory_order_release);
    atomic_store_explicit(&cell->term, mark->term, memory_order_release);
    atomic_store_explicit(&cell->time_ms, mark->time_ms, memory_order_release);
    atomic_store_explicit(&cell->version, version + 2, memory_order_release);
}

static inline uint64_t lead_mark_load(const struct lead_mark *cell, struct engine_mark *mark) {
    for (;;) {
        const uint32_t before = atomic_load_explicit(&cell->version, memory_order_acquire);
        const uint64_t sequence = atomic_load_explicit(&cell->sequence, memory_order_acquire);
        mark->index = atomic_load_explicit(&cell->index, memory_order_acquire);
        mark->term = atomic_load_explicit(&cell->term, memory_order_acquire);
        mark->time_ms = atomic_load_explicit(&cell->time_ms, memory_order_acquire);
        const uint32_t after = atomic_load_explicit(&cell->version, memory_order_relaxed);
        if (before == after && before % 2 == 0) return sequence;
    }
}

#endif
