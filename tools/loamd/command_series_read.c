/*
 * command_series_read: TS.* commands that read: arguments -> struct tsdb_range and tsdb_query; the store answers.
 * Checked in RedisTimeSeries' words; options are read from left to right, FILTER takes all that follows.
 */
#include "engine/base/decimal.h"
#include "tools/loamd/command_series.h"

enum { TIMES_MAX = 128, SELECTED_MAX = 50, ARENA_BYTES = 4096, SMALL_COUNT = 256 };

struct query {
    struct tsdb_range range;
    struct tsdb_query filter;
    int64_t times_ms[TIMES_MAX];
    struct slice selected[SELECTED_MAX];
    struct tsdb_filter filters[TSDB_FILTERS_MAX];
    bool from_first, to_last; /* "-", "+" */
    struct arena arena;       /* of parsed filters */
};

static enum status wrong_arity(struct call *call) {
    return reply_error(&call->reply, "ERR wrong number of arguments for '%s' command", call->command->name);
}

/* Answers an error and says so: what every take_ function ends with when something is wrong. */
static bool refuse(struct call *call, const char *text, enum status *status) {
    *status = series_error(call, text);
    return false;
}

static bool is(const struct call *call, size_t i, const char *word) {
    return i < call->arg_count && call_arg_is(call, i, word);
}

/* ---- The span ---------------------------------------------------------------------------------------------------- */

bool series_span(struct call *call, size_t i, int64_t *from_ms, int64_t *to_ms, enum status *status) {
    *from_ms = INT64_MIN;
    *to_ms = INT64_MAX;
    if (!is(call, i, "-") && !tsdb_parse_time(call->args[i], from_ms))
        return refuse(call, "wrong fromTimestamp", status);
    if (!is(call, i + 1, "+") && !tsdb_parse_time(call->args[i + 1], to_ms))
        return refuse(call, "wrong toTimestamp", status);
    return true;
}

/* ---- Options of ranges: each take_ function moves *i to the option's last argument ------------------------------- */

static bool take_count(struct call *call, size_t *i, struct query *query, enum status *status) {
    int64_t count = 0;
    if (*i + 1 >= call->arg_count) return refuse(call, "COUNT argument is missing", status);
    if (!decimal_parse(call->args[++*i], &count)) return refuse(call, "Couldn't parse COUNT", status);
    if (count <= 0) return refuse(call, "Invalid COUNT value", status);
    query->range.has_count = true;
    query->range.count = (uint64_t)count;
    return true;
}

static bool take_values(struct call *call, size_t *i, struct query *query, enum status *status) {
    if (*i + 2 >= call->arg_count) return refuse(call, "FILTER_BY_VALUE one or more arguments are missing", status);
    if (!tsdb_parse_value(call->args[*i + 1], &query->range.value_min))
        return refuse(call, "Couldn't parse MIN", status);
    if (!tsdb_parse_value(call->args[*i + 2], &query->range.value_max))
        return refuse(call, "Couldn't parse MAX", status);
    query->range.filter_by_value = true;
    *i += 2;
    return true;
}

static bool take_times(struct call *call, size_t *i, struct query *query, enum status *status) {
    struct tsdb_range *range = &query->range;
    int64_t time_ms = 0;
    while (*i + 1 < call->arg_count && tsdb_parse_time(call->args[*i + 1], &time_ms)) {
        if (range->time_count == TIMES_MAX) return refuse(call, "FILTER_BY_TS takes at most 128 timestamps", status);
        query->times_ms[range->time_count++] = time_ms;
        ++*i;
    }
    if (range->time_count == 0) return refuse(call, "FILTER_BY_TS one or more arguments are missing", status);
    range->times_ms = query->times_ms;
    return true;
}

static bool take_align(struct call *call, size_t *i, struct query *query, enum status *status) {
    struct tsdb_range *range = &query->range;
    if (*i + 1 >= call->arg_count) {
        *status = wrong_arity(call);
        return false;
    }
    ++*i;
    if (is(call, *i, "start") || is(call, *i, "-"))
        range->align = TSDB_ALIGN_START;
    else if (is(call, *i, "end") || is(call, *i, "+"))
        range->align = TSDB_ALIGN_END;
    else if (tsdb_parse_time(call->args[*i], &range->align_ms))
        range->align = TSDB_ALIGN_TIME;
    else
        return refuse(call, "unknown ALIGN parameter", status);
    return true;
}

static bool take_bucket_time(struct call *call, size_t *i, struct query *query, enum status *status) {
    if (*i + 1 >= call->arg_count) {
        *status = wrong_arity(call);
        return false;
    }
    ++*i;
    if (is(call, *i, "start") || is(call, *i, "-"))
        query->range.bucket_time = TSDB_BUCKET_START;
    else if (is(call, *i, "end") || is(call, *i, "+"))
        query->range.bucket_time = TSDB_BUCKET_END;
    else if (is(call, *i, "mid") || is(call, *i, "~"))
        query->range.bucket_time = TSDB_BUCKET_MIDDLE;
    else
        return refuse(call, "unknown BUCKETTIMESTAMP parameter", status);
    return true;
}

/* AGGREGATION aggregator bucketDuration [BUCKETTIMESTAMP bt] [EMPTY] */
static bool take_aggregation(struct call *call, size_t *i, struct query *query, enum status *status) {
    struct tsdb_range *range = &query->range;
    if (*i + 2 >= call->arg_count || !decimal_parse(call->args[*i + 2], &range->bucket_ms))
        return refuse(call, "Couldn't parse AGGREGATION", status);
    if (is(call, *i + 1, "twa")) return refuse(call, "aggregation type twa is not supported", status);
    if (!tsdb_aggregator_parse(call->args[*i + 1], &range->aggregator))
        return refuse(call, "Unknown aggregation type", status);
    if (range->bucket_ms <= 0) return refuse(call, "bucketDuration must be greater than zero", status);
    *i += 2;
    for (;;) {
        if (is(call, *i + 1, "buckettimestamp")) {
            ++*i;
            if (!take_bucket_time(call, i, query, status)) return false;
        } else if (is(call, *i + 1, "empty")) {
            ++*i;
            range->empty = true;
        } else {
            return true;
        }
    }
}

/* False also when the word is no option of ranges: then *known is false and nothing was answered. */
static bool take_range_option(struct call *call, size_t *i, struct query *query, bool *known, enum status *status) {
    *known = true;
    if (is(call, *i, "latest")) return true; /* means something for compactions, which are not there */
    if (is(call, *i, "count")) return take_count(call, i, query, status);
    if (is(call, *i, "filter_by_value")) return take_values(call, i, query, status);
    if (is(call, *i, "filter_by_ts")) return take_times(call, i, query, status);
    if (is(call, *i, "align")) return take_align(call, i, query, status);
    if (is(call, *i, "aggregation")) return take_aggregation(call, i, query, status);
    if (is(call, *i, "buckettimestamp"))
        return refuse(call, "BUCKETTIMESTAMP flag should be the 3rd or 4th flag after AGGREGATION flag", status);
    if (is(call, *i, "empty"))
        return refuse(call, "EMPTY flag should be the 3rd or 5th flag after AGGREGATION flag", status);
    *known = false;
    return false;
}

/* What of the options only makes sense together. */
static bool judge_range(struct call *call, const struct query *query, enum status *status) {
    const struct tsdb_range *range = &query->range;
    if (range->align != TSDB_ALIGN_ZERO && range->aggregator == TSDB_NO_AGGREGATION)
        return refuse(call, "ALIGN parameter can only be used with AGGREGATION", status);
    if (range->align == TSDB_ALIGN_START && query->from_first)
        return refuse(call, "start alignment can only be used with explicit start timestamp", status);
    if (range->align == TSDB_ALIGN_END && query->to_last)
        return refuse(call, "end alignment can only be used with explicit end timestamp", status);
    return true;
}

static bool begin_range(struct call *call, size_t i, bool reverse, struct query *query, enum status *status) {
    query->range = (struct tsdb_range){.reverse = reverse};
    query->from_first = is(call, i, "-");
    query->to_last = is(call, i + 1, "+");
    return series_span(call, i, &query->range.from_ms, &query->range.to_ms, status);
}

/* Reads a few chunks at most, whatever the series holds: each sample that is looked at counts. */
static bool is_small(const struct tsdb_range *range) {
    return range->aggregator == TSDB_NO_AGGREGATION && !range->filter_by_value && range->time_count == 0 &&
           range->has_count && range->count <= SMALL_COUNT;
}

static enum status range(struct call *call, bool reverse) {
    struct query query;
    enum status status = STATUS_OK;
    bool known = true;
    if (!begin_range(call, 2, reverse, &query, &status)) return status;
    for (size_t i = 4; i < call->arg_count; i++)
        if (!take_range_option(call, &i, &query, &known, &status)) return known ? status : series_unknown(call, i);
    if (!judge_range(call, &query, &status)) return status;
    if (call->view.memory_only && !is_small(&query.range)) return STATUS_WOULD_BLOCK; /* not on the loop */
    return tsdb_range(&call->view, call->args[1], &query.range, (unsigned)call->protocol, &call->reply);
}

enum status cmd_ts_range(struct call *call) {
    return range(call, false);
}

enum status cmd_ts_revrange(struct call *call) {
    return range(call, true);
}

/* ---- One series -------------------------------------------------------------------------------------------------- */

enum status cmd_ts_get(struct call *call) {
    if (call->arg_count > 3) return wrong_arity(call);
    if (call->arg_count == 3 && !is(call, 2, "latest")) return series_error(call, "wrong 3rd argument");
    return tsdb_get(&call->view, call->args[1], (unsigned)call->protocol, &call->reply);
}

enum status cmd_ts_info(struct call *call) {
    if (call->arg_count > 3) return wrong_arity(call);
    if (call->arg_count == 3 && !is(call, 2, "debug")) return series_unknown(call, 2);
    return tsdb_info(&call->view, call->args[1], call->arg_count == 3, (unsigned)call->protocol, &call->reply);
}

/* ---- Series by their labels -------------------------------------------------------------------------------------- */

/* FILTER's arguments, from i to the end. */
static bool take_filters(struct call *call, size_t i, struct query *query, enum status *status) {
    if (call->arg_count - i > TSDB_FILTERS_MAX) return refuse(call, "too many filters", status);
    for (; i < call->arg_count; i++) {
        const enum status parsed =
            tsdb_filter_parse(call->args[i], &query->arena, &query->filters[query->filter.filter_count]);
        if (parsed == STATUS_SYNTAX) return refuse(call, "failed parsing labels", status);
        if (parsed != STATUS_OK) {
            *status = parsed;
            return false;
        }
        query->filter.filter_count++;
    }
    query->filter.filters = query->filters;
    return true;
}

static bool is_keyword(const struct call *call, size_t i) {
    static const char *const words[] = {"withlabels", "aggregation",     "limit",        "groupby", "reduce",
                                        "filter",     "filter_by_value", "filter_by_ts", "count",   "align"};
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
        if (is(call, i, words[w])) return true;
    return false;
}

static bool take_selected(struct call *call, size_t *i, struct query *query, enum status *status) {
    struct tsdb_query *filter = &query->filter;
    while (*i + 1 < call->arg_count && !is_keyword(call, *i + 1)) {
        if (filter->selected_count == SELECTED_MAX) return refuse(call, "reached max size for SELECT_LABELS", status);
        query->selected[filter->selected_count++] = call->args[++*i];
    }
    if (filter->selected_count == 0) return refuse(call, "SELECT_LABELS should have at least 1 parameter", status);
    filter->selected = query->selected;
    return true;
}

/* Reads from i on up to the filters' end. `has_range`: MRANGE's options are known, too. */
static bool take_query(struct call *call, size_t i, bool has_range, struct query *query, enum status *status) {
    bool known = false;
    for (; i < call->arg_count && !is(call, i, "filter"); i++) {
        if (is(call, i, "withlabels")) {
            query->filter.with_labels = true;
        } else if (is(call, i, "selected_labels")) {
            if (!take_selected(call, &i, query, status)) return false;
        } else if (is(call, i, "groupby")) {
            return refuse(call, "GROUPBY should always come after filter", status);
        } else if (!(has_range ? take_range_option(call, &i, query, &known, status) : is(call, i, "latest"))) {
            if (!known) *status = series_unknown(call, i);
            return false;
        }
    }
    if (query->filter.with_labels && query->filter.selected_count > 0)
        return refuse(call, "cannot accept WITHLABELS and SELECT_LABELS together", status);
    if (i == call->arg_count) {
        *status = has_range ? series_error(call, "missing FILTER argument") : wrong_arity(call);
        return false;
    }
    for (size_t at = i + 1; has_range && at < call->arg_count; at++)
        if (is(call, at, "groupby")) return refuse(call, "GROUPBY is not supported", status);
    if (has_range && i + 1 == call->arg_count) return refuse(call, "missing labels for filter argument", status);
    return take_filters(call, i + 1, query, status);
}

static enum status many_ranges(struct call *call, bool reverse) {
    struct query query;
    enum status status = STATUS_OK;
    query.filter = (struct tsdb_query){0};
    arena_init(&query.arena, ARENA_BYTES);
    if (begin_range(call, 1, reverse, &query, &status) && take_query(call, 3, true, &query, &status) &&
        judge_range(call, &query, &status))
        status = tsdb_mrange(&call->view, &query.filter, &query.range, (unsigned)call->protocol, &call->reply);
    arena_deinit(&query.arena);
    return status;
}

enum status cmd_ts_mrange(struct call *call) {
    return many_ranges(call, false);
}

enum status cmd_ts_mrevrange(struct call *call) {
    return many_ranges(call, true);
}

enum status cmd_ts_mget(struct call *call) {
    struct query query;
    enum status status = STATUS_OK;
    query.filter = (struct tsdb_query){0};
    arena_init(&query.arena, ARENA_BYTES);
    if (take_query(call, 1, false, &query, &status))
        status = tsdb_mget(&call->view, &query.filter, (unsigned)call->protocol, &call->reply);
    arena_deinit(&query.arena);
    return status;
}

enum status cmd_ts_queryindex(struct call *call) {
    struct query query;
    enum status status = STATUS_OK;
    query.filter = (struct tsdb_query){0};
    arena_init(&query.arena, ARENA_BYTES);
    if (take_filters(call, 1, &query, &status))
        status = tsdb_query_index(&call->view, &query.filter, (unsigned)call->protocol, &call->reply);
    arena_deinit(&query.arena);
    return status;
}
