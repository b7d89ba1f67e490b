/* head: see head.h. */
#include "tsdb/write/head.h"

#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/base/list.h"

enum { HEADS_MAX = 1 << 16, SLOTS = 1 << 16 };

void head_take_settings(struct head *head, const struct tsdb_settings *settings) {
    head->retention_ms = settings->retention_ms;
    head->chunk_bytes = settings->chunk_bytes;
    head->policy = settings->policy;
}

static enum status load_settings(const struct names_view *view, struct head *head) {
    struct engine_value value;
    struct series_key key = series_key_make(head->series);
    enum status status = view_get(view, TREE_SERIES, slice_make(key.bytes, sizeof key.bytes), &value);
    if (status == STATUS_NOT_FOUND) return STATUS_CORRUPT; /* a name without its series */
    if (status) return status;
    struct series_row row;
    status = series_row_decode(value.data, &row);
    if (status == STATUS_OK) head_take_settings(head, &row.settings);
    engine_value_release(&value);
    return status;
}

static enum status load_open_chunk(const struct chunk_cursor *cursor, struct samples *scratch, struct head *head) {
    enum status status = chunk_cursor_decode(cursor, scratch);
    if (status) return status;
    head->is_open = true;
    head->open_first_ms = scratch->times_ms[0];
    for (size_t i = 0; i < scratch->count; i++) gorilla_count(&head->state, scratch->times_ms[i], scratch->values[i]);
    return STATUS_OK;
}

enum status head_load(const struct names_view *view, uint64_t series, struct samples *scratch, struct head *head) {
    *head = (struct head){.series = series};
    struct chunk_cursor cursor;
    enum status status = load_settings(view, head);
    if (status) return status;
    status = chunk_cursor_open(&cursor, view, series);
    if (status == STATUS_OK) status = chunk_cursor_last(&cursor);
    if (status == STATUS_OK) {
        struct chunk_head last;
        int64_t first_ms = 0;
        status = chunk_cursor_head(&cursor, &first_ms, &last);
        head->has_samples = true;
        head->last_ms = last.last_ms;
        if (status == STATUS_OK && last.encoding == CHUNK_OPEN) status = load_open_chunk(&cursor, scratch, head);
    } else if (status == STATUS_NOT_FOUND) {
        status = STATUS_OK;
    }
    chunk_cursor_close(&cursor);
    return status;
}

bool head_is_past_retention(const struct head *head, int64_t time_ms) {
    if (!head->retention_ms || !head->has_samples || time_ms >= head->last_ms) return false;
    return (uint64_t)head->last_ms - (uint64_t)time_ms > head->retention_ms;
}

/* ---- the cache --------------------------------------------------------------------------------------------------- */

struct cached {
    struct head head;
    struct list use;     /* of head_cache.uses */
    struct cached *next; /* of one slot */
};

struct head_cache {
    struct cached **slots;
    struct list uses; /* the latest first */
    size_t count;
};

enum status head_cache_create(struct head_cache **cache) {
    struct head_cache *made = calloc(1, sizeof *made);
    if (made) made->slots = calloc(SLOTS, sizeof *made->slots);
    if (!made || !made->slots) {
        free(made);
        return STATUS_NO_MEMORY;
    }
    list_init(&made->uses);
    *cache = made;
    return STATUS_OK;
}

static struct cached **find_slot(struct head_cache *cache, uint64_t series) {
    struct cached **slot = &cache->slots[hash_mix(series, 0) % SLOTS];
    while (*slot && (*slot)->head.series != series) slot = &(*slot)->next;
    return slot;
}

void head_cache_drop(struct head_cache *cache, uint64_t series) {
    struct cached **slot = find_slot(cache, series);
    struct cached *entry = *slot;
    if (!entry) return;
    *slot = entry->next;
    list_remove(&entry->use);
    cache->count--;
    free(entry);
}

void head_cache_clear(struct head_cache *cache) {
    while (!list_is_empty(&cache->uses))
        head_cache_drop(cache, list_entry(cache->uses.next, struct cached, use)->head.series);
}

void head_cache_destroy(struct head_cache *cache) {
    if (!cache) return;
    head_cache_clear(cache);
    free(cache->slots);
    free(cache);
}

const struct head *head_cache_find(struct head_cache *cache, uint64_t series) {
    struct cached *entry = *find_slot(cache, series);
    if (!entry) return NULL;
    list_remove(&entry->use);
    list_push_front(&cache->uses, &entry->use);
    return &entry->head;
}

void head_cache_put(struct head_cache *cache, const struct head *head) {
    struct cached **slot = find_slot(cache, head->series);
    if (*slot) {
        (*slot)->head = *head;
        return;
    }
    struct cached *entry = calloc(1, sizeof *entry);
    if (!entry) return;
    entry->head = *head;
    *slot = entry;
    list_push_front(&cache->uses, &entry->use);
    if (++cache->count > HEADS_MAX)
        head_cache_drop(cache, list_entry(cache->uses.prev, struct cached, use)->head.series);
}
