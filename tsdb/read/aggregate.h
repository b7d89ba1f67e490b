/*
 * aggregate: samples of one bucket become one number. A NaN sample counts for nothing. Pure.
 */
#ifndef TSDB_READ_AGGREGATE_H
#define TSDB_READ_AGGREGATE_H

#include "tsdb/tsdb.h"

/* Of the samples of a bucket so far. Zeroed = none. */
struct bucket {
    uint64_t count;
    double sum, min, max, first, last;
    double mean, squares; /* Welford, Technometrics 1962: mean, and sum of squared distances from it */
};
void bucket_add(struct bucket *bucket, double value);
/* count > 0. */
double bucket_value(const struct bucket *bucket, enum tsdb_aggregator aggregator);
/* What EMPTY reports for a bucket without samples; `last` is the value of the last sample before it. */
double bucket_empty_value(enum tsdb_aggregator aggregator, double last);

/* The start of the bucket in which time_ms falls, when some bucket starts at align_ms. Stays within int64. */
int64_t bucket_start(int64_t time_ms, int64_t align_ms, int64_t bucket_ms);
/* What is reported as its time. A start below 0 of samples that are not is reported as 0. */
int64_t bucket_reported_time(int64_t start_ms, int64_t bucket_ms, enum tsdb_bucket_time which, bool keep_negative);

#endif
