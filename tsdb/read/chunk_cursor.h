/*
 * chunk_cursor: walks the stored chunks of one series, in order of time. A thin cover of an engine iterator.
 */
#ifndef TSDB_READ_CHUNK_CURSOR_H
#define TSDB_READ_CHUNK_CURSOR_H

#include "tsdb/codec/chunk.h"
#include "tsdb/codec/rows.h"

struct chunk_cursor {
    uint64_t series;
    struct chunk_range range;
    struct engine_iterator *iterator;
};

/* Not movable while open. Close also after a failure. view is borrowed for the call (its snapshot until close). */
MUST_CHECK enum status chunk_cursor_open(struct chunk_cursor *cursor, const struct names_view *view, uint64_t series);
void chunk_cursor_close(struct chunk_cursor *cursor);

/* Each ends at a chunk (OK), at none (NOT_FOUND), or with what the engine says: WOULD_BLOCK, CORRUPT, IO. */
MUST_CHECK enum status chunk_cursor_first(struct chunk_cursor *cursor);
MUST_CHECK enum status chunk_cursor_last(struct chunk_cursor *cursor);
MUST_CHECK enum status chunk_cursor_at_or_before(struct chunk_cursor *cursor, int64_t time_ms); /* by first time */
MUST_CHECK enum status chunk_cursor_after(struct chunk_cursor *cursor, int64_t time_ms);        /* first > time */
MUST_CHECK enum status chunk_cursor_next(struct chunk_cursor *cursor);
MUST_CHECK enum status chunk_cursor_prev(struct chunk_cursor *cursor);

/* Of the chunk at which it stands. */
MUST_CHECK enum status chunk_cursor_first_ms(const struct chunk_cursor *cursor, int64_t *first_ms);
struct slice chunk_cursor_value(const struct chunk_cursor *cursor); /* borrowed until the next move */
MUST_CHECK enum status chunk_cursor_head(const struct chunk_cursor *cursor, int64_t *first_ms, struct chunk_head *head);
MUST_CHECK enum status chunk_cursor_decode(const struct chunk_cursor *cursor, struct samples *samples);

/* One row by key, as the view says: from memory only, or from files too. */
MUST_CHECK enum status view_get(const struct names_view *view, uint32_t tree, struct slice key,
                                struct engine_value *value);

#endif
