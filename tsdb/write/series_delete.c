/* series_delete: TS.DEL on stored chunks. Chunks inside the range go by one range delete, those at its edges are put
 * anew without the samples of the range. Of a chunk inside the header is read and no sample: millions of them may go at
 * once, on the loop thread. */
#include "tsdb/write/series_edit.h"

struct deletion {
    const struct head *head;
    int64_t from_ms, to_ms;
    struct engine_batch *batch;
    struct samples samples;
    struct buf scratch;
    uint64_t deleted;
    bool has_whole; /* chunks that go as a whole lie side by side */
    int64_t first_whole_ms, last_whole_ms;
};

static void count_visible(struct deletion *deletion, size_t begin, size_t end) {
    const int64_t *times_ms = deletion->samples.times_ms;
    while (begin < end && head_is_past_retention(deletion->head, times_ms[begin])) begin++;
    deletion->deleted += end - begin;
}

/* An edge, or a chunk that loses its middle. */
static enum status cut_chunk(struct deletion *deletion, int64_t first_ms, enum chunk_encoding encoding, size_t begin,
                             size_t end) {
    struct samples *samples = &deletion->samples;
    uint64_t series = deletion->head->series;
    enum status status = STATUS_OK;
    if (begin == 0) status = chunk_delete(deletion->batch, series, first_ms);
    samples_remove(samples, begin, end);
    if (status) return status;
    return chunk_put(deletion->batch, series, encoding, samples->times_ms, samples->values, samples->count,
                     &deletion->scratch);
}

static void note_whole(struct deletion *deletion, int64_t first_ms) {
    if (!deletion->has_whole) deletion->first_whole_ms = first_ms;
    deletion->has_whole = true;
    deletion->last_whole_ms = first_ms;
}

/* Whether the chunk goes as a whole, and its header tells how many of its samples were to be seen. */
static bool take_whole(struct deletion *deletion, int64_t first_ms, const struct chunk_head *head) {
    if (first_ms < deletion->from_ms || head->last_ms > deletion->to_ms) return false;
    const bool hides_first = head_is_past_retention(deletion->head, first_ms);
    if (hides_first && !head_is_past_retention(deletion->head, head->last_ms)) return false;
    if (!hides_first) deletion->deleted += head->count;
    note_whole(deletion, first_ms);
    return true;
}

static enum status visit_chunk(struct deletion *deletion, const struct chunk_cursor *cursor) {
    struct chunk_head head;
    int64_t first_ms = 0;
    enum status status = chunk_cursor_head(cursor, &first_ms, &head);
    if (status == STATUS_OK && take_whole(deletion, first_ms, &head)) return STATUS_OK;
    if (status == STATUS_OK) status = chunk_cursor_decode(cursor, &deletion->samples);
    if (status) return status;
    const struct samples *samples = &deletion->samples;
    size_t begin = samples_find(samples->times_ms, samples->count, deletion->from_ms);
    size_t end = deletion->to_ms == INT64_MAX ? samples->count
                                              : samples_find(samples->times_ms, samples->count, deletion->to_ms + 1);
    if (begin >= end) return STATUS_OK;
    count_visible(deletion, begin, end);
    if (end - begin < samples->count) return cut_chunk(deletion, first_ms, head.encoding, begin, end);
    note_whole(deletion, first_ms);
    return STATUS_OK;
}

static enum status delete_whole(const struct deletion *deletion) {
    if (!deletion->has_whole) return STATUS_OK;
    struct chunk_key begin = chunk_key_make(deletion->head->series, deletion->first_whole_ms);
    struct chunk_key last = chunk_key_make(deletion->head->series, deletion->last_whole_ms);
    uint8_t end[CHUNK_KEY_BYTES + 1] = {0};
    memcpy(end, last.bytes, sizeof last.bytes);
    return engine_batch_delete_range(deletion->batch, TREE_CHUNKS, slice_make(begin.bytes, sizeof begin.bytes),
                                     slice_make(end, sizeof end));
}

static enum status walk(struct deletion *deletion, struct chunk_cursor *cursor) {
    enum status status = chunk_cursor_at_or_before(cursor, deletion->from_ms);
    if (status == STATUS_NOT_FOUND) status = chunk_cursor_first(cursor);
    while (status == STATUS_OK) {
        int64_t first_ms = 0;
        status = chunk_cursor_first_ms(cursor, &first_ms);
        if (status || first_ms > deletion->to_ms) break;
        status = visit_chunk(deletion, cursor);
        if (status == STATUS_OK) status = chunk_cursor_next(cursor);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status series_delete_range(const struct names_view *view, const struct head *head, int64_t from_ms, int64_t to_ms,
                                struct engine_batch *batch, uint64_t *deleted) {
    struct deletion deletion = {.head = head, .from_ms = from_ms, .to_ms = to_ms, .batch = batch};
    *deleted = 0;
    if (from_ms > to_ms) return STATUS_OK;
    struct chunk_cursor cursor;
    enum status status = chunk_cursor_open(&cursor, view, head->series);
    if (status == STATUS_OK) status = walk(&deletion, &cursor);
    if (status == STATUS_OK) status = delete_whole(&deletion);
    chunk_cursor_close(&cursor);
    samples_deinit(&deletion.samples);
    buf_deinit(&deletion.scratch);
    *deleted = deletion.deleted;
    return status;
}
