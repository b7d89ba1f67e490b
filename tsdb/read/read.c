/* read: commands on one series; and the ways to its samples. */
#include "tsdb/read/read.h"

#include "tsdb/reply_text.h"

/* ---- finding ----------------------------------------------------------------------------------------------------- */

static enum status find_border(struct series_view *series) {
    int64_t last_ms = 0;
    double value;
    enum status status = series_last_sample(series, &last_ms, &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    series->has_border = (uint64_t)last_ms - (uint64_t)INT64_MIN > series->retention_ms;
    series->border_ms = (int64_t)((uint64_t)last_ms - series->retention_ms);
    return STATUS_OK;
}

enum status series_view_make(const struct names_view *view, uint64_t id, const struct tsdb_settings *settings,
                             struct series_view *series) {
    *series = (struct series_view){.view = view, .series = id, .retention_ms = settings->retention_ms};
    return settings->retention_ms ? find_border(series) : STATUS_OK;
}

enum status series_view_find(const struct names_view *view, struct slice name, struct series_view *series,
                             struct series_row *row, struct engine_value *value) {
    struct name_row name_row;
    enum status status = names_get(view, name, &name_row, value);
    if (status) return status;
    uint64_t id = name_row.object;
    uint8_t type = name_row.type;
    engine_value_release(value);
    if (type != NAME_SERIES) return STATUS_WRONG_TYPE;
    struct series_key key = series_key_make(id);
    status = view_get(view, TREE_SERIES, slice_make(key.bytes, sizeof key.bytes), value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    status = series_row_decode(value->data, row);
    if (status == STATUS_OK) status = series_view_make(view, id, &row->settings, series);
    if (status) engine_value_release(value);
    return status;
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

enum status series_last_sample(const struct series_view *series, int64_t *time_ms, double *value) {
    struct chunk_cursor cursor;
    struct samples samples = {0};
    enum status status = chunk_cursor_open(&cursor, series->view, series->series);
    if (status == STATUS_OK) status = chunk_cursor_last(&cursor);
    if (status == STATUS_OK) status = chunk_cursor_decode(&cursor, &samples);
    if (status == STATUS_OK) {
        *time_ms = samples.times_ms[samples.count - 1];
        *value = samples.values[samples.count - 1];
    }
    chunk_cursor_close(&cursor);
    samples_deinit(&samples);
    return status;
}

struct visiting {
    struct chunk_cursor cursor;
    struct samples samples;
    int64_t from_ms, to_ms;
    samples_visit visit;
    void *context;
};

/* END once a chunk lies behind the range. */
static enum status visit_chunk(struct visiting *visiting, bool backward) {
    int64_t first_ms = 0;
    enum status status = chunk_cursor_first_ms(&visiting->cursor, &first_ms);
    if (status == STATUS_OK && first_ms > visiting->to_ms) return backward ? STATUS_OK : STATUS_END;
    if (status == STATUS_OK) status = chunk_cursor_decode(&visiting->cursor, &visiting->samples);
    if (status) return status;
    const struct samples *samples = &visiting->samples;
    size_t begin = samples_find(samples->times_ms, samples->count, visiting->from_ms);
    size_t end = samples->count;
    if (visiting->to_ms < samples->times_ms[end - 1]) end = samples_find(samples->times_ms, end, visiting->to_ms + 1);
    if (begin < end)
        status = visiting->visit(visiting->context, samples->times_ms + begin, samples->values + begin, end - begin);
    bool reaches_start = samples->times_ms[0] <= visiting->from_ms;
    return status == STATUS_OK && backward && reaches_start ? STATUS_END : status;
}

static enum status walk(struct visiting *visiting, bool backward) {
    struct chunk_cursor *cursor = &visiting->cursor;
    enum status status = chunk_cursor_at_or_before(cursor, backward ? visiting->to_ms : visiting->from_ms);
    if (status == STATUS_NOT_FOUND && !backward) status = chunk_cursor_first(cursor);
    while (status == STATUS_OK) {
        status = visit_chunk(visiting, backward);
        if (status == STATUS_OK) status = backward ? chunk_cursor_prev(cursor) : chunk_cursor_next(cursor);
    }
    return status == STATUS_NOT_FOUND || status == STATUS_END ? STATUS_OK : status;
}

enum status series_visit(const struct series_view *series, int64_t from_ms, int64_t to_ms, bool backward,
                         samples_visit visit, void *context) {
    struct visiting visiting = {.from_ms = from_ms, .to_ms = to_ms, .visit = visit, .context = context};
    if (series->has_border && visiting.from_ms < series->border_ms) visiting.from_ms = series->border_ms;
    if (visiting.from_ms > to_ms) return STATUS_OK;
    enum status status = chunk_cursor_open(&visiting.cursor, series->view, series->series);
    if (status == STATUS_OK) status = walk(&visiting, backward);
    chunk_cursor_close(&visiting.cursor);
    samples_deinit(&visiting.samples);
    return status;
}

enum status tsdb_scan(const struct names_view *view, struct slice name, int64_t from_ms, int64_t to_ms,
                      samples_visit visit, void *context) {
    struct series_view series;
    struct series_row row;
    struct engine_value value;
    enum status status = series_view_find(view, name, &series, &row, &value);
    if (status) return status;
    engine_value_release(&value);
    return series_visit(&series, from_ms, to_ms, false, visit, context);
}

/* ---- replies ----------------------------------------------------------------------------------------------------- */

enum status finish_read(struct buf *reply, size_t start, enum status status) {
    if (status == STATUS_OK) return STATUS_OK;
    reply->size = start;
    if (status == STATUS_NOT_FOUND) return reply_error(reply, TSDB_TEXT_NO_KEY);
    if (status == STATUS_WRONG_TYPE) return reply_error(reply, TSDB_TEXT_WRONG_TYPE);
    if (status == STATUS_TOO_LARGE) return reply_error(reply, TSDB_TEXT_REPLY_TOO_LARGE, (int)TSDB_REPLY_MAX_BYTES);
    return status;
}

enum status reply_sample(struct buf *reply, int64_t time_ms, double value, unsigned protocol) {
    enum status status = reply_array(reply, 2);
    if (status == STATUS_OK) status = reply_integer(reply, time_ms);
    if (status) return status;
    if (protocol >= 3) return reply_double(reply, value);
    char text[TSDB_VALUE_TEXT_BYTES];
    (void)tsdb_format_value(value, text);
    return reply_status(reply, text);
}

enum status reply_labels(struct buf *reply, struct series_row row, unsigned protocol) {
    size_t count = row.settings.label_count;
    enum status status = protocol >= 3 ? reply_map(reply, count) : reply_array(reply, count);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct tsdb_label label = series_row_next_label(&row);
        if (protocol < 3) status = reply_array(reply, 2);
        if (status == STATUS_OK) status = reply_bulk(reply, label.name);
        if (status == STATUS_OK) status = reply_bulk(reply, label.value);
    }
    return status;
}

enum status tsdb_read_settings(const struct names_view *view, struct slice name,
                               enum status (*visit)(void *context, const struct tsdb_settings *settings),
                               void *context) {
    struct tsdb_label labels[TSDB_LABELS_MAX];
    struct series_view series;
    struct series_row row;
    struct engine_value value;
    enum status status = series_view_find(view, name, &series, &row, &value);
    if (status) return status;
    for (size_t i = 0; i < row.settings.label_count; i++) labels[i] = series_row_next_label(&row);
    row.settings.labels = labels;
    status = visit(context, &row.settings);
    engine_value_release(&value);
    return status;
}

enum status tsdb_get(const struct names_view *view, struct slice name, unsigned protocol, struct buf *reply) {
    struct series_view series;
    struct series_row row;
    struct engine_value value;
    size_t start = reply->size;
    int64_t time_ms = 0;
    double last = 0;
    enum status status = series_view_find(view, name, &series, &row, &value);
    if (status) return finish_read(reply, start, status);
    engine_value_release(&value);
    status = series_last_sample(&series, &time_ms, &last);
    if (status == STATUS_NOT_FOUND) return reply_array(reply, 0);
    if (status == STATUS_OK) status = reply_sample(reply, time_ms, last, protocol);
    return finish_read(reply, start, status);
}

enum status tsdb_range(const struct names_view *view, struct slice name, const struct tsdb_range *range,
                       unsigned protocol, struct buf *reply) {
    struct series_view series;
    struct series_row row;
    struct engine_value value;
    size_t start = reply->size;
    enum status status = series_view_find(view, name, &series, &row, &value);
    if (status) return finish_read(reply, start, status);
    engine_value_release(&value);
    return finish_read(reply, start, range_reply(&series, range, protocol, reply));
}
