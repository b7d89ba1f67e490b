/*
 * conflict: was a key, or any key of a range, written after some sequence? Asks what memory and files tell, newest
 * first; nothing is folded away that could answer as long as a snapshot stands at that sequence (see
 * store_oldest_transaction).
 */
#ifndef ENGINE_LSM_CONFLICT_H
#define ENGINE_LSM_CONFLICT_H

#include "engine/lsm/store.h"

struct conflict_search {
    struct engine *engine;
    const struct view *view; /* borrowed */
    uint64_t after;          /* what has a higher sequence counts, */
    uint64_t upto;           /* as far as this one: all up to it is in the view */
    bool files;              /* files may hold some of that; else memtables have it all */

    /* When found. */
    uint64_t sequence; /* of the write */
    struct buf key;    /* of a range: where; the caller's to deinit */
};

/* tree: an instance. IO, CORRUPT, NO_MEMORY. */
MUST_CHECK enum status conflict_find_key(struct conflict_search *search, uint32_t tree, struct slice key, bool *found);
/* [begin, end); an empty end = to the end of the tree. */
MUST_CHECK enum status conflict_find_range(struct conflict_search *search, uint32_t tree, struct slice begin,
                                           struct slice end, bool *found);

#endif
