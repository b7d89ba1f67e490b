/* aggregate: see aggregate.h. */
#include "tsdb/read/aggregate.h"

#include <math.h>
#include <strings.h>

static const char *const aggregator_names[] = {
    [TSDB_NO_AGGREGATION] = "none",
    [TSDB_AVG] = "avg",
    [TSDB_SUM] = "sum",
    [TSDB_MIN] = "min",
    [TSDB_MAX] = "max",
    [TSDB_RANGE] = "range",
    [TSDB_COUNT] = "count",
    [TSDB_FIRST] = "first",
    [TSDB_LAST] = "last",
    [TSDB_STD_P] = "std.p",
    [TSDB_STD_S] = "std.s",
    [TSDB_VAR_P] = "var.p",
    [TSDB_VAR_S] = "var.s",
};
enum { AGGREGATOR_COUNT = sizeof aggregator_names / sizeof aggregator_names[0] };

const char *tsdb_aggregator_name(enum tsdb_aggregator aggregator) {
    return (unsigned)aggregator < AGGREGATOR_COUNT ? aggregator_names[aggregator] : "unknown";
}

bool tsdb_aggregator_parse(struct slice text, enum tsdb_aggregator *aggregator) {
    for (int i = TSDB_AVG; i < AGGREGATOR_COUNT; i++) {
        size_t size = strlen(aggregator_names[i]);
        if (text.size != size || strncasecmp((const char *)text.data, aggregator_names[i], size) != 0) continue;
        *aggregator = (enum tsdb_aggregator)i;
        return true;
    }
    return false;
}

void bucket_add(struct bucket *bucket, double value) {
    if (isnan(value)) return;
    if (bucket->count++ == 0) bucket->first = bucket->min = bucket->max = value;
    if (value < bucket->min) bucket->min = value;
    if (value > bucket->max) bucket->max = value;
    bucket->last = value;
    bucket->sum += value;
    double distance = value - bucket->mean;
    bucket->mean += distance / (double)bucket->count;
    bucket->squares += distance * (value - bucket->mean);
}

static double variance(const struct bucket *bucket, bool of_sample) {
    if (bucket->count == 1) return 0;
    return bucket->squares / (double)(bucket->count - (of_sample ? 1 : 0));
}

double bucket_value(const struct bucket *bucket, enum tsdb_aggregator aggregator) {
    switch (aggregator) {
    case TSDB_AVG: return bucket->sum / (double)bucket->count;
    case TSDB_SUM: return bucket->sum;
    case TSDB_MIN: return bucket->min;
    case TSDB_MAX: return bucket->max;
    case TSDB_RANGE: return bucket->max - bucket->min;
    case TSDB_COUNT: return (double)bucket->count;
    case TSDB_FIRST: return bucket->first;
    case TSDB_LAST: return bucket->last;
    case TSDB_STD_P: return sqrt(variance(bucket, false));
    case TSDB_STD_S: return sqrt(variance(bucket, true));
    case TSDB_VAR_P: return variance(bucket, false);
    case TSDB_VAR_S: return variance(bucket, true);
    case TSDB_NO_AGGREGATION: break;
    }
    return NAN;
}

double bucket_empty_value(enum tsdb_aggregator aggregator, double last) {
    if (aggregator == TSDB_SUM || aggregator == TSDB_COUNT) return 0;
    return aggregator == TSDB_LAST ? last : NAN;
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static int64_t clamp(__int128 number) {
    if (number < INT64_MIN) return INT64_MIN;
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

int64_t bucket_start(int64_t time_ms, int64_t align_ms, int64_t bucket_ms) {
    __int128 past = ((__int128)time_ms - align_ms) % bucket_ms;
    if (past < 0) past += bucket_ms;
    return clamp((__int128)time_ms - past);
}

int64_t bucket_reported_time(int64_t start_ms, int64_t bucket_ms, enum tsdb_bucket_time which, bool keep_negative) {
    __int128 time = start_ms;
    if (which == TSDB_BUCKET_END) time += bucket_ms;
    if (which == TSDB_BUCKET_MIDDLE) time += bucket_ms / 2;
    if (time < 0 && !keep_negative) time = 0;
    return clamp(time);
}
