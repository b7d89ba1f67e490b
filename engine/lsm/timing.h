/*
 * timing: how long calls take, as histograms. Jobs are all timed; of gets, puts and seeks one in TIMING_EVERY, so that
 * reading the clock and the lock of the histogram cost next to nothing.
 *
 * Threads: any. Which calls are timed is decided by a counter that racing threads may count wrong: it is a sample.
 */
#ifndef ENGINE_LSM_TIMING_H
#define ENGINE_LSM_TIMING_H

#include <stdatomic.h>

#include "engine/base/hist.h"
#include "engine/base/sync.h"
#include "engine/engine.h"

enum { TIMING_EVERY = 64 };

struct timing {
    struct timing_kind {
        _Alignas(64) _Atomic uint32_t calls;
        struct mutex mutex;
        struct hist hist; /* nanoseconds */
    } kinds[ENGINE_TIMING_COUNT];
};

void timing_init(struct timing *timing);
void timing_deinit(struct timing *timing);
void timing_add(struct timing *timing, enum engine_timing kind, uint64_t ns);

/* When the call began; 0: it is not in the sample. */
static inline uint64_t timing_start(struct timing *timing, struct io *io, enum engine_timing kind) {
    _Atomic uint32_t *calls = &timing->kinds[kind].calls;
    const uint32_t call = atomic_load_explicit(calls, memory_order_relaxed);
    atomic_store_explicit(calls, call + 1, memory_order_relaxed);
    return call % TIMING_EVERY == 0 ? io_now_ns(io) : 0;
}

static inline void timing_end(struct timing *timing, struct io *io, enum engine_timing kind, uint64_t start) {
    if (start != 0) timing_add(timing, kind, io_now_ns(io) - start);
}

#endif
