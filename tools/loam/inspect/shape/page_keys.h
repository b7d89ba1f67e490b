/* page_keys: the keys of some files in order, each once, so that a page needs numbers only to lay files beside one
 * another. */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_PAGE_KEYS_H
#define TOOLS_LOAM_INSPECT_SHAPE_PAGE_KEYS_H

#include "tools/loam/inspect/shape/edit_history.h"

struct page_key {
    uint32_t instance;
    struct slice key; /* borrowed from the history */
};

struct page_keys {
    struct page_key *items; /* by instance, then by key */
    size_t count;
};

/* Of the files that are there at edit `from` or come later. deinit in any case. NO_MEMORY. */
MUST_CHECK enum status page_keys_make(struct page_keys *keys, const struct shape_history *history, uint32_t from);
void page_keys_deinit(struct page_keys *keys);
/* Place of a key that is among them. */
size_t page_keys_find(const struct page_keys *keys, uint32_t instance, struct slice key);

#endif
