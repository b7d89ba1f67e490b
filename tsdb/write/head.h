/*
 * head: what an append to a series needs to know, and a bounded cache of it by series id.
 *
 * A head is derived: settings from the series' row, the rest from its last chunk. The cache is apply's alone.
 */
#ifndef TSDB_WRITE_HEAD_H
#define TSDB_WRITE_HEAD_H

#include "tsdb/read/chunk_cursor.h"

struct head {
    uint64_t series;
    uint64_t retention_ms;
    uint32_t chunk_bytes;
    enum tsdb_policy policy;
    bool has_samples;
    int64_t last_ms; /* if has_samples */
    bool is_open;    /* the last chunk is an OPEN one */
    int64_t open_first_ms;
    struct gorilla_state state; /* of the open chunk's samples; zeroed without one */
};

/* Reads row and last chunk. CORRUPT if there is no row; WOULD_BLOCK, IO, NO_MEMORY. */
MUST_CHECK enum status head_load(const struct names_view *view, uint64_t series, struct samples *scratch,
                                 struct head *head);
void head_take_settings(struct head *head, const struct tsdb_settings *settings);

/* Whether retention hides or refuses a sample of that time. */
bool head_is_past_retention(const struct head *head, int64_t time_ms);

struct head_cache;
MUST_CHECK enum status head_cache_create(struct head_cache **cache);
void head_cache_destroy(struct head_cache *cache);
void head_cache_clear(struct head_cache *cache);
/* NULL if it is not there. Borrowed until the next call. */
const struct head *head_cache_find(struct head_cache *cache, uint64_t series);
/* Copies in; forgets the one that was used longest ago when full. Out of memory it keeps nothing: it is a cache. */
void head_cache_put(struct head_cache *cache, const struct head *head);
void head_cache_drop(struct head_cache *cache, uint64_t series);

#endif
