/*
 * hist: a histogram of non-negative integers (nanoseconds, bytes) with relative error below 1/32, in fixed memory
 * (log-linear buckets, as HdrHistogram). Not thread-safe; merge per-thread ones.
 */
#ifndef ENGINE_BASE_HIST_H
#define ENGINE_BASE_HIST_H

#include <stdint.h>

#pragma GCC visibility push(default)

enum { HIST_SUB_BITS = 5, HIST_BUCKETS = (64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS };

struct hist {
    uint64_t count;
    uint64_t sum;
    uint64_t min;
    uint64_t max;
    uint64_t buckets[HIST_BUCKETS];
};

void hist_init(struct hist *hist);
void hist_add(struct hist *hist, uint64_t value);
void hist_merge(struct hist *into, const struct hist *from);
/* The smallest bucket bound at or below which `fraction` (0..1) of the values lie; 0 when empty. */
uint64_t hist_quantile(const struct hist *hist, double fraction);
double hist_mean(const struct hist *hist);

#pragma GCC visibility pop

#endif
