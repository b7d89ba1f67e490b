/* series_emit: from the edit of a series to changes of the batch. Their order is the order of time. */
#include "tsdb/write/series_edit.h"

enum status chunk_put(struct engine_batch *batch, uint64_t series, enum chunk_encoding encoding,
                      const int64_t *times_ms, const double *values, size_t count, struct buf *scratch) {
    struct chunk_key key = chunk_key_make(series, times_ms[0]);
    buf_clear(scratch);
    enum status status = encoding == CHUNK_OPEN ? chunk_encode_open(scratch, times_ms, values, count)
                                                : chunk_encode_sealed(scratch, times_ms, values, count);
    if (status) return status;
    return engine_batch_put(batch, TREE_CHUNKS, slice_make(key.bytes, sizeof key.bytes), buf_slice(scratch));
}

enum status chunk_delete(struct engine_batch *batch, uint64_t series, int64_t first_ms) {
    struct chunk_key key = chunk_key_make(series, first_ms);
    return engine_batch_delete(batch, TREE_CHUNKS, slice_make(key.bytes, sizeof key.bytes));
}

/* ---- retention --------------------------------------------------------------------------------------------------- */

/* A chunk goes when the next one begins at or below the border: then all its samples are under it. Looked at when a
 * chunk is sealed, so that appends do not pay for it. */
enum status series_edit_prepare(struct series_edit *edit) {
    const struct head *head = &edit->head;
    edit->trims = false;
    if (!edit->has_sealed || !head->retention_ms) return STATUS_OK;
    uint64_t reach = (uint64_t)head->last_ms - (uint64_t)INT64_MIN;
    if (reach < head->retention_ms) return STATUS_OK;
    struct chunk_cursor cursor;
    enum status status = chunk_cursor_open(&cursor, edit->view, head->series);
    if (status == STATUS_OK)
        status = chunk_cursor_at_or_before(&cursor, (int64_t)((uint64_t)head->last_ms - head->retention_ms));
    if (status == STATUS_OK) status = chunk_cursor_first_ms(&cursor, &edit->trim_ms);
    if (status == STATUS_OK) status = chunk_cursor_prev(&cursor);
    edit->trims = status == STATUS_OK;
    chunk_cursor_close(&cursor);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status trim(const struct series_edit *edit, struct engine_batch *batch) {
    if (!edit->trims) return STATUS_OK;
    struct chunk_key begin = chunk_key_make(edit->head.series, INT64_MIN);
    struct chunk_key end = chunk_key_make(edit->head.series, edit->trim_ms);
    return engine_batch_delete_range(batch, TREE_CHUNKS, slice_make(begin.bytes, sizeof begin.bytes),
                                     slice_make(end.bytes, sizeof end.bytes));
}

/* ---- rewriting --------------------------------------------------------------------------------------------------- */

struct emitter {
    struct series_edit *edit;
    struct engine_batch *batch;
    struct buf *scratch;
};

static enum status put_piece(const struct emitter *emitter, enum chunk_encoding encoding, const struct samples *samples,
                             size_t begin, size_t end) {
    return chunk_put(emitter->batch, emitter->edit->head.series, encoding, samples->times_ms + begin,
                     samples->values + begin, end - begin, emitter->scratch);
}

/* The open chunk is cut as it would have been, had its samples come in order; the last piece stays open. */
static enum status emit_open(const struct emitter *emitter, const struct chunk_edit *chunk) {
    struct head *head = &emitter->edit->head;
    const struct samples *samples = &chunk->samples;
    struct gorilla_state state = {0};
    size_t begin = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < samples->count; i++) {
        struct gorilla_state after = state;
        gorilla_count(&after, samples->times_ms[i], samples->values[i]);
        bool is_full = chunk_sealed_bytes(&after) > head->chunk_bytes || after.sample_count > TSDB_CHUNK_SAMPLES_MAX;
        if (is_full && i > begin) {
            status = put_piece(emitter, CHUNK_GORILLA, samples, begin, i);
            begin = i;
            state = (struct gorilla_state){0};
            gorilla_count(&state, samples->times_ms[i], samples->values[i]);
        } else {
            state = after;
        }
    }
    head->open_first_ms = samples->times_ms[begin];
    head->state = state;
    return status ? status : put_piece(emitter, CHUNK_OPEN, samples, begin, samples->count);
}

/* Into even pieces, so that later samples between them find room. */
static enum status emit_sealed(const struct emitter *emitter, const struct chunk_edit *chunk) {
    const struct samples *samples = &chunk->samples;
    struct gorilla_state state = {0};
    for (size_t i = 0; i < samples->count; i++) gorilla_count(&state, samples->times_ms[i], samples->values[i]);
    size_t limit = emitter->edit->head.chunk_bytes;
    size_t pieces = (chunk_sealed_bytes(&state) + limit - 1) / limit;
    size_t least = (samples->count + TSDB_CHUNK_SAMPLES_MAX - 1) / TSDB_CHUNK_SAMPLES_MAX;
    if (pieces < least) pieces = least;
    if (pieces > samples->count) pieces = samples->count;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < pieces; i++)
        status =
            put_piece(emitter, CHUNK_GORILLA, samples, samples->count * i / pieces, samples->count * (i + 1) / pieces);
    return status;
}

static enum status emit_append(const struct emitter *emitter, const struct chunk_edit *chunk) {
    const struct samples *samples = &chunk->samples;
    size_t begin = chunk->loaded ? chunk->stored_count : 0;
    if (begin == samples->count) return STATUS_OK;
    struct gorilla_state state = chunk->base;
    buf_clear(emitter->scratch);
    for (size_t i = begin; i < samples->count; i++) {
        enum status status = chunk_append_open(emitter->scratch, &state, samples->times_ms[i], samples->values[i]);
        if (status) return status;
    }
    struct chunk_key key = chunk_key_make(emitter->edit->head.series, chunk->stored_first_ms);
    return engine_batch_append(emitter->batch, TREE_CHUNKS, slice_make(key.bytes, sizeof key.bytes),
                               buf_slice(emitter->scratch));
}

static enum status emit_chunk(const struct emitter *emitter, const struct chunk_edit *chunk) {
    if (!chunk->rewrite) return emit_append(emitter, chunk);
    enum status status = STATUS_OK;
    if (chunk->stored && chunk->samples.times_ms[0] != chunk->stored_first_ms)
        status = chunk_delete(emitter->batch, emitter->edit->head.series, chunk->stored_first_ms);
    if (status) return status;
    return chunk->open ? emit_open(emitter, chunk) : emit_sealed(emitter, chunk);
}

enum status series_edit_emit(struct series_edit *edit, struct engine_batch *batch, struct buf *scratch) {
    struct emitter emitter = {.edit = edit, .batch = batch, .scratch = scratch};
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < edit->count; i++) status = emit_chunk(&emitter, &edit->chunks[i]);
    edit->head_is_stale = false;
    return status ? status : trim(edit, batch);
}
