/*
 * range_build: gathers the range deletes of one SST, which come in any order, and hands them on sorted. Private to
 * engine/sst.
 */
#ifndef ENGINE_SST_RANGE_BUILD_H
#define ENGINE_SST_RANGE_BUILD_H

#include "engine/sst/block_build.h"

struct range_build {
    struct buf keys;    /* begins and ends, one after another */
    struct buf entries; /* array of struct range_entry */
};

void range_build_init(struct range_build *build);
void range_build_deinit(struct range_build *build);
/* Copies; an empty end = to the end of the tree. NO_MEMORY. */
MUST_CHECK enum status range_build_add(struct range_build *build, struct slice begin, struct slice end,
                                       uint64_t sequence);
/* Sorts, and adds each to the block as an entry of its own. NO_MEMORY. */
MUST_CHECK enum status range_build_finish(struct range_build *build, struct block_build *block);
/* After finish, with one or more: where the first begins, and the furthest end, empty = the end of the tree. Borrowed.
 */
struct slice range_build_begin(const struct range_build *build);
struct slice range_build_end(const struct range_build *build);

#endif
