/*
 * entry_sort: puts entries that came in the order of their sequences into the order of a tree; private to
 * engine/memtable.
 *
 * By the first eight bytes of their keys, and where these are equal by the next eight, as a radix sort of numbers that
 * lie side by side: an entry itself is touched only where its head does not decide.
 */
#ifndef ENGINE_MEMTABLE_ENTRY_SORT_H
#define ENGINE_MEMTABLE_ENTRY_SORT_H

#include "engine/memtable/entry_list.h"

/*
 * REQUIRES: entries of the same key stand in the order of their sequences. Afterwards: by key, and of one key the
 * newest first. `temp` has room for as many, content undefined before and after.
 */
void entry_sort(struct entry_item *items, struct entry_item *temp, size_t count);

/* For a sort by two: the entries whose heads are below `border` come first, those of the others second. */
struct entry_cut {
    uint64_t border;
    size_t first; /* entries of the first part */
};
/* Parts of about the same size. Entries of the second agree with each other in all bytes that they share with any of
 * the first. False: all heads are alike. */
bool entry_sort_cut(const struct entry_item *items, size_t count, struct entry_cut *cut);
/* The entries of a part (0 or 1), in the order in which they stand, to `part`, which has room for as many. */
void entry_sort_pick(const struct entry_item *items, size_t count, const struct entry_cut *cut, size_t at,
                     struct entry_item *part);

#endif
