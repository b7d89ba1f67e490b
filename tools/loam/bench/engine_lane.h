/*
 * engine_lane: one thread of a workload: its random numbers, and what it measured.
 */
#ifndef TOOLS_LOAM_BENCH_ENGINE_LANE_H
#define TOOLS_LOAM_BENCH_ENGINE_LANE_H

#include <stdatomic.h>

#include "engine/base/hist.h"
#include "engine/base/prng.h"
#include "engine/base/slice.h"
#include "engine/base/sync.h"
#include "engine/io.h"
#include "tools/loam/bench/engine_driver.h"

struct lane {
    /* set by who starts it */
    struct io *io;
    const struct bench_settings *settings;
    const struct driver *driver;
    struct store *store;
    const uint8_t *noise;
    size_t noise_bytes;   /* values are cut from so many */
    uint64_t space;       /* keys are numbers below */
    uint64_t value_bytes; /* of what it writes */
    uint64_t count;       /* operations that it makes */
    uint64_t seed;
    bool durable;
    bool refill;       /* keys are those of the fill whose seed was `seed`, again and again: none is new */
    atomic_bool *stop; /* ends early once set; may be NULL */
    atomic_bool begun; /* set by it, behind its first operation or when it gives up */

    /* while it runs */
    struct prng prng;
    uint64_t value_at;
    uint64_t start_ns, at_ns;

    /* what it measured */
    enum status status;
    struct hist latency;
    uint64_t operations, found, bytes, conflicts;
    uint64_t touched; /* keeps the reads of values from being left out */
    uint64_t sample_ns, sample_end_ns, sample_from;
    uint32_t sample_count;
    uint32_t samples[BENCH_TIMELINE_MAX];

    struct thread thread;
    enum status (*work)(struct lane *lane);
};

/* Sets all that begins at 0, and the clock. */
void lane_begin(struct lane *lane);
/* The key of a number. */
struct slice lane_key(const struct lane *lane, uint64_t number, uint8_t key[BENCH_KEY_BYTES]);
/* A key that is between two which may be there. */
struct slice lane_missing_key(const struct lane *lane, uint64_t number, uint8_t key[BENCH_KEY_BYTES]);
/* Half of each 100 bytes repeats the other half, or rows of JSON (the settings' json_values). Borrowed. */
struct slice lane_value(struct lane *lane);
/* Makes room at the end of the samples. */
void lane_sample(struct lane *lane, uint64_t now_ns);

/* `operations` more have ended; one reading of the clock: they began where the last ones ended. */
static inline void lane_lap(struct lane *lane, uint64_t operations) {
    uint64_t now_ns = io_now_ns(lane->io);
    hist_add(&lane->latency, now_ns - lane->at_ns);
    lane->operations += operations;
    lane->at_ns = now_ns;
    if (now_ns >= lane->sample_end_ns) lane_sample(lane, now_ns);
}

static inline void lane_touch(struct lane *lane, struct slice value) {
    if (value.size) lane->touched += (uint64_t)value.data[0] + value.data[value.size - 1];
    lane->bytes += value.size;
}

#endif
