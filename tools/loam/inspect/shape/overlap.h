/*
 * overlap: how many files of a level share keys with a span, in O(log): those that begin before its end, less those
 * that end before its beginning. Private to state.c.
 */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_OVERLAP_H
#define TOOLS_LOAM_INSPECT_SHAPE_OVERLAP_H

#include "tools/loam/inspect/shape/state.h"

struct overlap_index {
    size_t count;
    const struct edit_file **by_first, **by_last;
    uint64_t *first_bytes, *last_bytes; /* of the files before each, in the two orders; count + 1 items */
};

/* Of the rows [from, to), which are of one level. deinit in any case. NO_MEMORY. */
MUST_CHECK enum status overlap_index_make(struct overlap_index *index, const struct state *state, size_t from,
                                          size_t to);
void overlap_index_deinit(struct overlap_index *index);

struct state_overlap overlap_find(const struct overlap_index *index, const struct edit_file *span);

#endif
