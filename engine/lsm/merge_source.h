/*
 * merge_source: several sources in order, as one. A binary heap whose top is the current entry; with one source, moves
 * go straight to it.
 */
#ifndef ENGINE_LSM_MERGE_SOURCE_H
#define ENGINE_LSM_MERGE_SOURCE_H

#include <stddef.h>

#include "engine/entry/source.h"

struct merge_source {
    struct source source;
    struct source **children; /* borrowed array, of sources that close with this one; all of them */
    size_t count;
    struct source **heap; /* borrowed array of the same length: the valid ones; heap[0] is the current */
    size_t heap_count;
    bool backward; /* the heap's order */
};

/* children and heap hold `count` pointers and stay the caller's; heap's content does not matter. No two sources have an
 * equal entry. */
void merge_source_init(struct merge_source *merge, struct source **children, struct source **heap, size_t count);

#endif
