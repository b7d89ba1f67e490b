/*
 * range: samples of a series pass filters, perhaps gather in buckets, and become the reply of TS.RANGE.
 *
 * Invariant: a reversed answer is the answer read backward, also where buckets are; sums are formed oldest first.
 */
#include <math.h>
#include <stdlib.h>

#include "tsdb/read/aggregate.h"
#include "tsdb/read/read.h"

struct range_run {
    const struct tsdb_range *range;
    unsigned protocol;
    uint64_t limit, emitted;
    struct buf body;       /* encoded samples; their number is known last */
    struct samples wanted; /* FILTER_BY_TS, sorted; values unused */
    int64_t align_ms;
    bool has_bucket; /* bucket holds samples */
    struct bucket bucket;
    int64_t start_ms, last_time_ms; /* of the bucket: its start, its last moment */
    bool keep_negative;
    struct samples buckets; /* reversed: reported times and values, until all are known */
};

/* ---- out --------------------------------------------------------------------------------------------------------- */

static enum status emit(struct range_run *run, int64_t time_ms, double value) {
    if (run->emitted >= run->limit) return STATUS_END;
    run->emitted++;
    enum status status = reply_sample(&run->body, time_ms, value, run->protocol);
    if (status) return status;
    if (run->body.size > TSDB_REPLY_MAX_BYTES) return STATUS_TOO_LARGE;
    return run->emitted == run->limit ? STATUS_END : STATUS_OK;
}

static enum status emit_bucket(struct range_run *run, int64_t start_ms, double value) {
    const struct tsdb_range *range = run->range;
    int64_t time_ms = bucket_reported_time(start_ms, range->bucket_ms, range->bucket_time, run->keep_negative);
    if (!range->reverse) return emit(run, time_ms, value);
    if (run->buckets.count >= TSDB_REPLY_MAX_BYTES / 16) return STATUS_TOO_LARGE;
    return samples_append(&run->buckets, time_ms, value);
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

static bool passes(const struct range_run *run, int64_t time_ms, double value) {
    const struct tsdb_range *range = run->range;
    if (range->filter_by_value && !(value >= range->value_min && value <= range->value_max)) return false;
    if (range->time_count == 0) return true;
    size_t at = samples_find(run->wanted.times_ms, run->wanted.count, time_ms);
    return at < run->wanted.count && run->wanted.times_ms[at] == time_ms;
}

static enum status close_bucket(struct range_run *run) {
    if (!run->has_bucket || run->bucket.count == 0) return STATUS_OK;
    return emit_bucket(run, run->start_ms, bucket_value(&run->bucket, run->range->aggregator));
}

/* EMPTY: the buckets between the last one and that which starts at next_ms. */
static enum status fill_gap(struct range_run *run, int64_t next_ms) {
    double value = bucket_empty_value(run->range->aggregator, run->bucket.last);
    enum status status = STATUS_OK;
    int64_t start_ms = run->start_ms;
    while (status == STATUS_OK && (uint64_t)next_ms - (uint64_t)start_ms > (uint64_t)run->range->bucket_ms) {
        start_ms += run->range->bucket_ms;
        status = emit_bucket(run, start_ms, value);
    }
    return status;
}

static enum status gather(struct range_run *run, int64_t time_ms, double value) {
    if (isnan(value)) return STATUS_OK;
    if (!run->has_bucket || time_ms > run->last_time_ms) {
        int64_t start_ms = bucket_start(time_ms, run->align_ms, run->range->bucket_ms);
        if (!run->has_bucket) run->keep_negative = time_ms < 0;
        enum status status = close_bucket(run);
        if (status == STATUS_OK && run->has_bucket && run->range->empty) status = fill_gap(run, start_ms);
        if (status) return status;
        run->has_bucket = true;
        run->bucket = (struct bucket){0};
        run->start_ms = start_ms;
        bool overflows = __builtin_add_overflow(start_ms, run->range->bucket_ms - 1, &run->last_time_ms);
        if (overflows) run->last_time_ms = INT64_MAX;
    }
    bucket_add(&run->bucket, value);
    return STATUS_OK;
}

static enum status visit_samples(void *context, const int64_t *times_ms, const double *values, size_t count) {
    struct range_run *run = context;
    bool aggregates = run->range->aggregator != TSDB_NO_AGGREGATION;
    bool backward = run->range->reverse && !aggregates;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        size_t at = backward ? count - 1 - i : i;
        if (!passes(run, times_ms[at], values[at])) continue;
        status = aggregates ? gather(run, times_ms[at], values[at]) : emit(run, times_ms[at], values[at]);
    }
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static int compare_times(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static enum status begin(struct range_run *run) {
    const struct tsdb_range *range = run->range;
    run->limit = range->has_count ? range->count : UINT64_MAX;
    if (range->align == TSDB_ALIGN_START) run->align_ms = range->from_ms;
    if (range->align == TSDB_ALIGN_END) run->align_ms = range->to_ms;
    if (range->align == TSDB_ALIGN_TIME) run->align_ms = range->align_ms;
    enum status status = samples_reserve(&run->wanted, range->time_count);
    if (status || range->time_count == 0) return status;
    memcpy(run->wanted.times_ms, range->times_ms, range->time_count * sizeof *range->times_ms);
    run->wanted.count = range->time_count;
    qsort(run->wanted.times_ms, run->wanted.count, sizeof *run->wanted.times_ms, compare_times);
    return STATUS_OK;
}

static enum status collect(struct range_run *run, const struct series_view *series) {
    const struct tsdb_range *range = run->range;
    bool aggregates = range->aggregator != TSDB_NO_AGGREGATION;
    if (run->limit == 0) return STATUS_OK;
    enum status status =
        series_visit(series, range->from_ms, range->to_ms, range->reverse && !aggregates, visit_samples, run);
    if (status == STATUS_OK && aggregates && run->emitted < run->limit) status = close_bucket(run);
    for (size_t i = run->buckets.count; status == STATUS_OK && i > 0; i--)
        status = emit(run, run->buckets.times_ms[i - 1], run->buckets.values[i - 1]);
    return status == STATUS_END ? STATUS_OK : status;
}

enum status range_reply(const struct series_view *series, const struct tsdb_range *range, unsigned protocol,
                        struct buf *body) {
    struct range_run run = {.range = range, .protocol = protocol};
    enum status status = begin(&run);
    if (status == STATUS_OK) status = collect(&run, series);
    if (status == STATUS_OK && body->size + run.body.size > TSDB_REPLY_MAX_BYTES) status = STATUS_TOO_LARGE;
    if (status == STATUS_OK) status = reply_array(body, run.emitted);
    if (status == STATUS_OK) status = buf_append_slice(body, buf_slice(&run.body));
    buf_deinit(&run.body);
    samples_deinit(&run.wanted);
    samples_deinit(&run.buckets);
    return status;
}
