/* page_keys: see page_keys.h. */
#include "tools/loam/inspect/shape/page_keys.h"

#include <stdlib.h>

static int compare(const void *left, const void *right) {
    const struct page_key *a = left, *b = right;
    if (a->instance != b->instance) return a->instance < b->instance ? -1 : 1;
    return slice_compare(a->key, b->key);
}

enum status page_keys_make(struct page_keys *keys, const struct shape_history *history, uint32_t from) {
    size_t unique = 0;
    *keys = (struct page_keys){.items = malloc((2 * history->file_count + 1) * sizeof *keys->items)};
    if (!keys->items) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < history->file_count; i++) {
        const struct edit_file *file = &history->files[i].meta;
        if (history->files[i].gone <= from) continue;
        keys->items[keys->count++] = (struct page_key){file->instance, file->first};
        if (file->has_last) keys->items[keys->count++] = (struct page_key){file->instance, file->last};
    }
    if (keys->count > 1) qsort(keys->items, keys->count, sizeof *keys->items, compare);
    for (size_t i = 0; i < keys->count; i++)
        if (i == 0 || compare(&keys->items[i], &keys->items[unique - 1]) != 0) keys->items[unique++] = keys->items[i];
    keys->count = unique;
    return STATUS_OK;
}

void page_keys_deinit(struct page_keys *keys) {
    free(keys->items);
    *keys = (struct page_keys){.items = NULL};
}

size_t page_keys_find(const struct page_keys *keys, uint32_t instance, struct slice key) {
    const struct page_key wanted = {instance, key};
    const struct page_key *found = bsearch(&wanted, keys->items, keys->count, sizeof wanted, compare);
    return found ? (size_t)(found - keys->items) : 0;
}
