/* chunk_cursor: see chunk_cursor.h. */
#include "tsdb/read/chunk_cursor.h"

enum status view_get(const struct names_view *view, uint32_t tree, struct slice key, struct engine_value *value) {
    if (view->memory_only) return engine_get_try(view->engine, view->snapshot, tree, key, value);
    return engine_get(view->engine, view->snapshot, tree, key, value);
}

enum status chunk_cursor_open(struct chunk_cursor *cursor, const struct names_view *view, uint64_t series) {
    *cursor = (struct chunk_cursor){.series = series, .range = chunk_range_make(series)};
    struct engine_iterator_options options = {.snapshot = view->snapshot,
                                              .lower = slice_make(cursor->range.begin, SERIES_KEY_BYTES),
                                              .upper = slice_make(cursor->range.end, cursor->range.end_size),
                                              .memory_only = view->memory_only};
    return engine_iterator_open(view->engine, TREE_CHUNKS, &options, &cursor->iterator);
}

void chunk_cursor_close(struct chunk_cursor *cursor) {
    if (cursor->iterator) engine_iterator_close(cursor->iterator);
    cursor->iterator = NULL;
}

static enum status standing(const struct chunk_cursor *cursor) {
    if (engine_iterator_valid(cursor->iterator)) return STATUS_OK;
    enum status status = engine_iterator_status(cursor->iterator);
    return status ? status : STATUS_NOT_FOUND;
}

enum status chunk_cursor_first(struct chunk_cursor *cursor) {
    engine_iterator_seek_first(cursor->iterator);
    return standing(cursor);
}

enum status chunk_cursor_last(struct chunk_cursor *cursor) {
    engine_iterator_seek_last(cursor->iterator);
    return standing(cursor);
}

/* The first key that sorts behind that of time_ms. */
struct key_behind {
    uint8_t bytes[CHUNK_KEY_BYTES + 1];
};

static struct key_behind key_behind(uint64_t series, int64_t time_ms) {
    struct key_behind behind = {{0}};
    struct chunk_key key = chunk_key_make(series, time_ms);
    memcpy(behind.bytes, key.bytes, CHUNK_KEY_BYTES);
    return behind;
}

enum status chunk_cursor_at_or_before(struct chunk_cursor *cursor, int64_t time_ms) {
    struct key_behind key = key_behind(cursor->series, time_ms);
    engine_iterator_seek_before(cursor->iterator, slice_make(key.bytes, sizeof key.bytes));
    return standing(cursor);
}

enum status chunk_cursor_after(struct chunk_cursor *cursor, int64_t time_ms) {
    struct key_behind key = key_behind(cursor->series, time_ms);
    engine_iterator_seek(cursor->iterator, slice_make(key.bytes, sizeof key.bytes));
    return standing(cursor);
}

enum status chunk_cursor_next(struct chunk_cursor *cursor) {
    engine_iterator_next(cursor->iterator);
    return standing(cursor);
}

enum status chunk_cursor_prev(struct chunk_cursor *cursor) {
    engine_iterator_prev(cursor->iterator);
    return standing(cursor);
}

enum status chunk_cursor_first_ms(const struct chunk_cursor *cursor, int64_t *first_ms) {
    uint64_t series = 0;
    return chunk_key_decode(engine_iterator_key(cursor->iterator), &series, first_ms);
}

struct slice chunk_cursor_value(const struct chunk_cursor *cursor) {
    return engine_iterator_value(cursor->iterator);
}

enum status chunk_cursor_head(const struct chunk_cursor *cursor, int64_t *first_ms, struct chunk_head *head) {
    enum status status = chunk_cursor_first_ms(cursor, first_ms);
    return status ? status : chunk_read_head(chunk_cursor_value(cursor), *first_ms, head);
}

enum status chunk_cursor_decode(const struct chunk_cursor *cursor, struct samples *samples) {
    int64_t first_ms = 0;
    enum status status = chunk_cursor_first_ms(cursor, &first_ms);
    return status ? status : chunk_decode(chunk_cursor_value(cursor), first_ms, samples);
}
