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

#endif
