/*
 * hist: values below 2^HIST_SUB_BITS have a bucket each; above, every power of two is cut into 2^HIST_SUB_BITS equal
 * buckets.
 */
#include "engine/base/hist.h"

#include <stddef.h>

enum { HIST_SUB_COUNT = 1 << HIST_SUB_BITS };

static size_t hist_bucket(uint64_t value) {
    if (value < HIST_SUB_COUNT) return (size_t)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - HIST_SUB_BITS;
    return ((size_t)shift << HIST_SUB_BITS) + (size_t)(value >> shift);
}

/* The largest value that falls into the bucket. */
static uint64_t hist_bucket_last(size_t bucket) {
    if (bucket < HIST_SUB_COUNT) return bucket;
    size_t shift = (bucket >> HIST_SUB_BITS) - 1;
    uint64_t lead = HIST_SUB_COUNT + bucket % HIST_SUB_COUNT;
    return (lead << shift) + (((uint64_t)1 << shift) - 1);
}

void hist_init(struct hist *hist) {
    *hist = (struct hist){0};
}

void hist_add(struct hist *hist, uint64_t value) {
    if (hist->count == 0 || value < hist->min) hist->min = value;
    if (value > hist->max) hist->max = value;
    hist->count++;
    hist->sum += value;
    hist->buckets[hist_bucket(value)]++;
}

void hist_merge(struct hist *into, const struct hist *from) {
    if (from->count == 0) return;
    if (into->count == 0 || from->min < into->min) into->min = from->min;
    if (from->max > into->max) into->max = from->max;
    into->count += from->count;
    into->sum += from->sum;
    for (size_t i = 0; i < HIST_BUCKETS; i++) into->buckets[i] += from->buckets[i];
}

/* How many values, counted from the smallest, make up the fraction; at least one. */
static uint64_t hist_rank(const struct hist *hist, double fraction) {
    if (!(fraction > 0)) return 1;
    if (fraction >= 1) return hist->count;
    double exact = fraction * (double)hist->count;
    uint64_t rank = (uint64_t)exact;
    if ((double)rank < exact) rank++;
    return rank == 0 ? 1 : rank > hist->count ? hist->count : rank;
}

uint64_t hist_quantile(const struct hist *hist, double fraction) {
    if (hist->count == 0) return 0;
    uint64_t rank = hist_rank(hist, fraction);
    uint64_t seen = 0;
    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        seen += hist->buckets[i];
        if (seen < rank) continue;
        uint64_t last = hist_bucket_last(i);
        return last < hist->max ? last : hist->max;
    }
    return hist->max;
}

double hist_mean(const struct hist *hist) {
    return hist->count ? (double)hist->sum / (double)hist->count : 0;
}
