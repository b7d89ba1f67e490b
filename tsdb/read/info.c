/* info: TS.INFO. Walks all chunks of the series. */
#include "tsdb/read/read.h"
#include "tsdb/reply_text.h"

struct summary {
    uint64_t samples, chunks, bytes;
    int64_t first_ms, last_ms; /* of visible samples; 0 without any */
    bool with_chunks;
    unsigned protocol;
    struct buf list; /* encoded, if with_chunks */
};

static enum status put_field(struct buf *to, const char *name, int64_t value) {
    enum status status = reply_status(to, name);
    return status ? status : reply_integer(to, value);
}

/* In RESP2 a map is written flat, which is what RedisTimeSeries does too. */
static enum status list_chunk(struct summary *summary, int64_t first_ms, const struct chunk_head *head, size_t bytes) {
    struct buf *list = &summary->list;
    enum status status = reply_map(list, 5);
    if (status == STATUS_OK) status = put_field(list, "startTimestamp", first_ms);
    if (status == STATUS_OK) status = put_field(list, "endTimestamp", head->last_ms);
    if (status == STATUS_OK) status = put_field(list, "samples", (int64_t)head->count);
    if (status == STATUS_OK) status = put_field(list, "size", (int64_t)bytes);
    if (status == STATUS_OK) status = reply_status(list, "bytesPerSample");
    if (status == STATUS_OK) status = reply_double(list, (double)bytes / (double)head->count);
    return status == STATUS_OK && list->size > TSDB_REPLY_MAX_BYTES ? STATUS_TOO_LARGE : status;
}

/* Of a chunk that the border of retention cuts, only a part counts. */
static enum status count_visible(struct summary *summary, const struct series_view *series,
                                 const struct chunk_cursor *cursor, int64_t first_ms, const struct chunk_head *head) {
    size_t hidden = 0;
    int64_t first_visible_ms = first_ms;
    if (series->has_border && head->last_ms < series->border_ms) return STATUS_OK;
    if (series->has_border && first_ms < series->border_ms) {
        struct samples samples = {0};
        enum status status = chunk_cursor_decode(cursor, &samples);
        if (status == STATUS_OK) {
            hidden = samples_find(samples.times_ms, samples.count, series->border_ms);
            first_visible_ms = samples.times_ms[hidden];
        }
        samples_deinit(&samples);
        if (status) return status;
    }
    if (summary->samples == 0) summary->first_ms = first_visible_ms;
    summary->samples += head->count - hidden;
    summary->last_ms = head->last_ms;
    return STATUS_OK;
}

static enum status walk(struct summary *summary, const struct series_view *series, struct chunk_cursor *cursor) {
    enum status status = chunk_cursor_first(cursor);
    while (status == STATUS_OK) {
        struct chunk_head head;
        int64_t first_ms = 0;
        size_t bytes = chunk_cursor_value(cursor).size;
        status = chunk_cursor_head(cursor, &first_ms, &head);
        if (status == STATUS_OK) status = count_visible(summary, series, cursor, first_ms, &head);
        if (status == STATUS_OK && summary->with_chunks) status = list_chunk(summary, first_ms, &head, bytes);
        summary->chunks++;
        summary->bytes += CHUNK_KEY_BYTES + bytes;
        if (status == STATUS_OK) status = chunk_cursor_next(cursor);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status put_numbers(struct buf *reply, const struct summary *summary, const struct tsdb_settings *settings) {
    enum status status = put_field(reply, "totalSamples", (int64_t)summary->samples);
    if (status == STATUS_OK) status = put_field(reply, "memoryUsage", (int64_t)summary->bytes);
    if (status == STATUS_OK) status = put_field(reply, "firstTimestamp", summary->first_ms);
    if (status == STATUS_OK) status = put_field(reply, "lastTimestamp", summary->last_ms);
    if (status == STATUS_OK) status = put_field(reply, "retentionTime", (int64_t)settings->retention_ms);
    if (status == STATUS_OK) status = put_field(reply, "chunkCount", (int64_t)summary->chunks);
    if (status == STATUS_OK) status = put_field(reply, "chunkSize", (int64_t)settings->chunk_bytes);
    return status;
}

static enum status put_words(struct buf *reply, const struct series_row *row, unsigned protocol) {
    enum status status = reply_status(reply, "chunkType");
    if (status == STATUS_OK) status = reply_status(reply, "compressed");
    if (status == STATUS_OK) status = reply_status(reply, "duplicatePolicy");
    enum tsdb_policy policy = row->settings.policy;
    if (status == STATUS_OK) status = policy ? reply_status(reply, tsdb_policy_name(policy)) : reply_null(reply);
    if (status == STATUS_OK) status = reply_status(reply, "labels");
    if (status == STATUS_OK) status = reply_labels(reply, *row, protocol);
    if (status == STATUS_OK) status = reply_status(reply, "sourceKey");
    if (status == STATUS_OK) status = reply_null(reply);
    if (status == STATUS_OK) status = reply_status(reply, "rules");
    return status ? status : reply_map(reply, 0);
}

static enum status put_chunks(struct buf *reply, const struct summary *summary, const struct series_row *row) {
    enum status status = reply_status(reply, "keySelfName");
    if (status == STATUS_OK) status = reply_bulk(reply, row->name);
    if (status == STATUS_OK) status = reply_status(reply, "Chunks");
    if (status == STATUS_OK) status = reply_array(reply, summary->chunks);
    return status ? status : buf_append_slice(reply, buf_slice(&summary->list));
}

static enum status answer(const struct series_view *series, const struct series_row *row, struct summary *summary,
                          struct buf *reply) {
    struct chunk_cursor cursor;
    enum status status = chunk_cursor_open(&cursor, series->view, series->series);
    if (status == STATUS_OK) status = walk(summary, series, &cursor);
    chunk_cursor_close(&cursor);
    if (status == STATUS_OK) status = reply_map(reply, summary->with_chunks ? 14 : 12);
    if (status == STATUS_OK) status = put_numbers(reply, summary, &row->settings);
    if (status == STATUS_OK) status = put_words(reply, row, summary->protocol);
    if (status == STATUS_OK && summary->with_chunks) status = put_chunks(reply, summary, row);
    return status;
}

enum status tsdb_info(const struct names_view *view, struct slice name, bool with_chunks, unsigned protocol,
                      struct buf *reply) {
    struct summary summary = {.with_chunks = with_chunks, .protocol = protocol};
    struct series_view series;
    struct series_row row;
    struct engine_value value;
    size_t start = reply->size;
    enum status status = series_view_find(view, name, &series, &row, &value);
    if (status) return finish_read(reply, start, status);
    status = answer(&series, &row, &summary, reply);
    engine_value_release(&value);
    buf_deinit(&summary.list);
    return finish_read(reply, start, status);
}
