/* engine_lane: see engine_lane.h. Invariant: what a lane draws depends on its seed alone. */
#include "tools/loam/bench/engine_lane.h"

#include "engine/base/coding.h"

enum { SAMPLE_NS = 1000 * 1000 }; /* at first; it grows with the run */

void lane_begin(struct lane *lane) {
    prng_init(&lane->prng, lane->seed);
    hist_init(&lane->latency);
    lane->sample_ns = SAMPLE_NS;
    lane->start_ns = lane->at_ns = io_now_ns(lane->io);
    lane->sample_end_ns = lane->start_ns + lane->sample_ns;
}

struct slice lane_key(const struct lane *lane, uint64_t number, uint8_t key[BENCH_KEY_BYTES]) {
    if (lane->settings->decimal_keys) {
        for (unsigned i = BENCH_KEY_BYTES; i-- > 0; number /= 10) key[i] = (uint8_t)('0' + number % 10);
    } else {
        coding_put_key_u64(key, number);
        memset(key + 8, '0', BENCH_KEY_BYTES - 8);
    }
    return slice_make(key, BENCH_KEY_BYTES);
}

struct slice lane_missing_key(const struct lane *lane, uint64_t number, uint8_t key[BENCH_KEY_BYTES]) {
    struct slice made = lane_key(lane, number, key);
    key[BENCH_KEY_BYTES - 1] = '.';
    return made;
}

struct slice lane_value(struct lane *lane) {
    lane->value_at = (lane->value_at + lane->value_bytes) % lane->noise_bytes;
    return slice_make(lane->noise + lane->value_at, lane->value_bytes);
}

/* When they are full, two samples become one of twice the length. */
static void halve_samples(struct lane *lane) {
    for (uint32_t i = 0; i < BENCH_TIMELINE_MAX / 2; i++)
        lane->samples[i] = lane->samples[2 * i] + lane->samples[2 * i + 1];
    lane->sample_count = BENCH_TIMELINE_MAX / 2;
    lane->sample_ns *= 2;
}

void lane_sample(struct lane *lane, uint64_t now_ns) {
    while (now_ns >= lane->sample_end_ns) {
        if (lane->sample_count == BENCH_TIMELINE_MAX) {
            halve_samples(lane);
        } else {
            /* An operation that took longer counts in the sample that it began in; the ones behind stay empty. */
            lane->samples[lane->sample_count++] = (uint32_t)(lane->operations - lane->sample_from);
            lane->sample_from = lane->operations;
        }
        lane->sample_end_ns = lane->start_ns + (lane->sample_count + 1) * lane->sample_ns;
    }
}
