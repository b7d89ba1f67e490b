/*
 * gorilla: samples as a bit stream: times as deltas of deltas, values as XOR with the one before.
 *
 * After Pelkonen et al., "Gorilla: A Fast, Scalable, In-Memory Time Series Database", VLDB 2015, section 4.1, with a
 * 64-bit escape so that any int64 time and any double come back bit for bit. The stream says neither how many samples
 * it holds nor when the first one is: its owner does. Bits: tsdb/FORMAT.md, "Gorilla stream". Pure; no state, any
 * thread.
 */
#ifndef TSDB_CODEC_GORILLA_H
#define TSDB_CODEC_GORILLA_H

#include "engine/base/buf.h"

/* A stream holds no more bytes than this for `count` samples. */
static inline size_t gorilla_size_max(size_t count) {
    return count * 19 + 8;
}

/* What the next sample's bits depend on, and how many bits there are so far. Zeroed = before the first sample. */
struct gorilla_state {
    uint64_t bit_count;
    uint64_t sample_count;
    int64_t time_ms;
    uint64_t delta; /* modulo 2^64 */
    uint64_t value_bits;
    uint8_t window_leading, window_size; /* of the last stored XOR; size 0 = none yet */
};

/* Counts the bits that one more sample takes, without writing them. */
void gorilla_count(struct gorilla_state *state, int64_t time_ms, double value);

/* Appends the stream of `count` samples, count > 0, times in any order. NO_MEMORY. */
MUST_CHECK enum status gorilla_encode(struct buf *to, const int64_t *times_ms, const double *values, size_t count);

/*
 * Reads exactly `count` samples, the first at first_ms, into arrays of the caller's. CORRUPT: the stream ends early,
 * goes on behind the last sample, or uses a window before there is one; the arrays then hold what was read, and
 * rubbish.
 */
MUST_CHECK enum status gorilla_decode(struct slice stream, int64_t first_ms, size_t count, int64_t *times_ms,
                                      double *values);

/* Where the bits of one sample go, for tools. */
enum gorilla_value_form {
    GORILLA_WHOLE,      /* the first sample: 64 bits, and no time */
    GORILLA_SAME,       /* the value before */
    GORILLA_OLD_WINDOW, /* XOR in the window of the last stored one */
    GORILLA_NEW_WINDOW, /* with a window of its own */
};
struct gorilla_sample {
    uint64_t at;                    /* its first bit, counted from that of the stream */
    unsigned time_bits, value_bits; /* how many tell each, heads included */
    int64_t second_delta;
    enum gorilla_value_form form;
    unsigned leading, size; /* the window: zeros before it, bits in it; the rest of 64 are zeros behind it */
    uint64_t xor_bits;
    int64_t time_ms;
    double value;
};
/* gorilla_decode, sample by sample; CORRUPT comes behind all that could be read. */
MUST_CHECK enum status gorilla_explain(struct slice stream, int64_t first_ms, size_t count,
                                       void (*visit)(void *context, const struct gorilla_sample *sample),
                                       void *context);

#endif
