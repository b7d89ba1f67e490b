/* read_many: commands on all series that match filters: TS.QUERYINDEX, TS.MGET, TS.MRANGE, TS.MREVRANGE. */
#include <strings.h>

#include "tsdb/read/query.h"
#include "tsdb/read/read.h"
#include "tsdb/reply_text.h"

struct many {
    const struct names_view *view;
    const struct tsdb_query *query;
    const struct tsdb_range *range; /* NULL: the last sample of each */
    unsigned protocol;
    struct buf *reply;
};

static enum status finish_many(struct buf *reply, size_t start, enum status status) {
    if (status == STATUS_INVALID) {
        reply->size = start;
        return reply_error(reply, TSDB_TEXT_NO_MATCHER);
    }
    return finish_read(reply, start, status);
}

/* RedisTimeSeries compares the names of SELECTED_LABELS without regard to case. */
static bool same_label(struct slice a, struct slice b) {
    return a.size == b.size && strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0;
}

static enum status put_selected_label(const struct many *many, struct series_row row, struct slice selected) {
    struct buf *reply = many->reply;
    enum status status = many->protocol >= 3 ? STATUS_OK : reply_array(reply, 2);
    for (size_t i = 0; status == STATUS_OK && i < row.settings.label_count; i++) {
        struct tsdb_label label = series_row_next_label(&row);
        if (!same_label(label.name, selected)) continue;
        status = reply_bulk(reply, label.name);
        return status ? status : reply_bulk(reply, label.value);
    }
    if (status == STATUS_OK) status = reply_bulk(reply, selected);
    return status ? status : reply_null(reply);
}

static enum status put_labels(const struct many *many, const struct series_row *row) {
    const struct tsdb_query *query = many->query;
    if (query->with_labels) return reply_labels(many->reply, *row, many->protocol);
    size_t count = query->selected_count;
    enum status status = many->protocol >= 3 ? reply_map(many->reply, count) : reply_array(many->reply, count);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = put_selected_label(many, *row, query->selected[i]);
    return status;
}

/* RESP3 names the aggregators beside the labels. */
static enum status put_aggregators(const struct many *many) {
    if (many->protocol < 3 || !many->range) return STATUS_OK;
    struct buf *reply = many->reply;
    enum tsdb_aggregator aggregator = many->range->aggregator;
    enum status status = reply_map(reply, 1);
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text("aggregators"));
    if (status == STATUS_OK) status = reply_array(reply, aggregator ? 1 : 0);
    if (status == STATUS_OK && aggregator)
        status = reply_bulk(reply, slice_from_text(tsdb_aggregator_name(aggregator)));
    return status;
}

static enum status put_samples(const struct many *many, const struct series_view *series) {
    if (many->range) return range_reply(series, many->range, many->protocol, many->reply);
    int64_t time_ms = 0;
    double value = 0;
    enum status status = series_last_sample(series, &time_ms, &value);
    if (status == STATUS_NOT_FOUND) return reply_array(many->reply, 0);
    return status ? status : reply_sample(many->reply, time_ms, value, many->protocol);
}

static enum status put_series(const struct many *many, const struct matched *matched) {
    struct series_view series;
    struct series_row row;
    enum status status = series_row_decode(matched->row, &row);
    if (status == STATUS_OK) status = series_view_make(many->view, matched->series, &row.settings, &series);
    if (status == STATUS_OK && many->protocol < 3) status = reply_array(many->reply, 3);
    if (status == STATUS_OK) status = reply_bulk(many->reply, matched->name);
    if (status == STATUS_OK && many->protocol >= 3) status = reply_array(many->reply, many->range ? 3 : 2);
    if (status == STATUS_OK) status = put_labels(many, &row);
    if (status == STATUS_OK) status = put_aggregators(many);
    if (status == STATUS_OK) status = put_samples(many, &series);
    return status == STATUS_OK && many->reply->size > TSDB_REPLY_MAX_BYTES ? STATUS_TOO_LARGE : status;
}

static enum status query_too_large(struct buf *reply) {
    return reply_error(reply, TSDB_TEXT_QUERY_TOO_LARGE, (int)TSDB_QUERY_MAX_BYTES);
}

static enum status answer_many(const struct many *many) {
    struct matches matches;
    size_t start = many->reply->size;
    matches_init(&matches);
    enum status status = query_run(many->view, many->query, &matches);
    if (status == STATUS_TOO_LARGE) {
        matches_deinit(&matches);
        return query_too_large(many->reply);
    }
    if (status == STATUS_OK)
        status = many->protocol >= 3 ? reply_map(many->reply, matches.count) : reply_array(many->reply, matches.count);
    for (size_t i = 0; status == STATUS_OK && i < matches.count; i++) status = put_series(many, &matches.list[i]);
    matches_deinit(&matches);
    return finish_many(many->reply, start, status);
}

enum status tsdb_mget(const struct names_view *view, const struct tsdb_query *query, unsigned protocol,
                      struct buf *reply) {
    struct many many = {.view = view, .query = query, .protocol = protocol, .reply = reply};
    return answer_many(&many);
}

enum status tsdb_mrange(const struct names_view *view, const struct tsdb_query *query, const struct tsdb_range *range,
                        unsigned protocol, struct buf *reply) {
    struct many many = {.view = view, .query = query, .range = range, .protocol = protocol, .reply = reply};
    return answer_many(&many);
}

enum status tsdb_query_index(const struct names_view *view, const struct tsdb_query *query, unsigned protocol,
                             struct buf *reply) {
    struct matches matches;
    size_t start = reply->size;
    matches_init(&matches);
    enum status status = query_run(view, query, &matches);
    if (status == STATUS_TOO_LARGE) {
        matches_deinit(&matches);
        return query_too_large(reply);
    }
    if (status == STATUS_OK)
        status = protocol >= 3 ? reply_set(reply, matches.count) : reply_array(reply, matches.count);
    for (size_t i = 0; status == STATUS_OK && i < matches.count; i++) status = reply_bulk(reply, matches.list[i].name);
    matches_deinit(&matches);
    return finish_many(reply, start, status);
}
