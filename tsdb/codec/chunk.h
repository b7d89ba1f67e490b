/*
 * chunk: a run of samples of one series as the value of a row; the key says when it begins (FORMAT.md, "Chunk").
 *
 * An OPEN chunk is the last of its series: whole bytes per sample, so that the next sample is an append to the value. A
 * GORILLA chunk is sealed: a header and the codec's bit stream. Times rise strictly in both. Pure; any thread.
 */
#ifndef TSDB_CODEC_CHUNK_H
#define TSDB_CODEC_CHUNK_H

#include "engine/base/coding.h"
#include "tsdb/codec/gorilla.h"

enum chunk_encoding { CHUNK_OPEN = 1, CHUNK_GORILLA = 2 };

/* Decoded samples; owns its arrays. Zeroed = empty. */
struct samples {
    int64_t *times_ms;
    double *values;
    size_t count, capacity;
};
void samples_deinit(struct samples *samples); /* empty and usable again */
MUST_CHECK enum status samples_reserve(struct samples *samples, size_t more);
MUST_CHECK enum status samples_append(struct samples *samples, int64_t time_ms, double value);
MUST_CHECK enum status samples_insert(struct samples *samples, size_t at, int64_t time_ms, double value);
void samples_remove(struct samples *samples, size_t begin, size_t end);
/* The first index whose time is >= time_ms; count if there is none. Times rise. */
size_t samples_find(const int64_t *times_ms, size_t count, int64_t time_ms);

/*
 * Appends one sample's OPEN bytes; the value's first byte before the first one. `state` is that of the samples before
 * (zeroed: none); it moves on, and so knows what the chunk would take sealed.
 */
MUST_CHECK enum status chunk_append_open(struct buf *to, struct gorilla_state *state, int64_t time_ms, double value);
/* Appends a whole value. Times rise strictly, count > 0. */
MUST_CHECK enum status chunk_encode_open(struct buf *to, const int64_t *times_ms, const double *values, size_t count);
MUST_CHECK enum status chunk_encode_sealed(struct buf *to, const int64_t *times_ms, const double *values, size_t count);
/* Bytes that a sealed value of these samples takes at most. */
size_t chunk_sealed_bytes(const struct gorilla_state *state);

/* One sample of an OPEN value, as the bytes tell it: what it differs by from the sample before. */
struct open_sample {
    uint64_t second_delta; /* modulo 2^64 */
    uint64_t xor_bits;
};
/* False, and the decoder has failed: no sample. */
bool chunk_read_open_sample(struct decoder *decoder, struct open_sample *sample);

struct chunk_head {
    enum chunk_encoding encoding;
    size_t count;
    int64_t last_ms;
};
/* CORRUPT; VERSION: an encoding of a later version. Reads an OPEN value to its end, of a sealed one the header. */
MUST_CHECK enum status chunk_read_head(struct slice value, int64_t first_ms, struct chunk_head *head);
/* Replaces *samples. CORRUPT, VERSION, NO_MEMORY. */
MUST_CHECK enum status chunk_decode(struct slice value, int64_t first_ms, struct samples *samples);

#endif
