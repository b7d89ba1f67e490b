/*
 * radix_build: makes a radix tree (radix.h) of entries that are in order, in one walk over them; private to
 * engine/memtable.
 */
#ifndef ENGINE_MEMTABLE_RADIX_BUILD_H
#define ENGINE_MEMTABLE_RADIX_BUILD_H

#include "engine/memtable/radix.h"

/* An inner node whose last child is still to come. */
struct radix_open {
    size_t depth;
    size_t first; /* of its children */
};

struct radix_known {
    radix_child child;
    int symbol;
};

struct radix_build {
    struct arena *arena;     /* borrowed until the end */
    struct radix_open *open; /* owned */
    size_t open_count, open_room;
    struct radix_known *children; /* of all open nodes, those of one in a row; owned */
    size_t child_count, child_room;
    const struct memtable_node *first, *last; /* added; NULL = none */
    radix_child pending;                      /* a joined part that ends with the last; 0 = the last itself */
    bool failed;
};

void radix_build_begin(struct radix_build *build, struct arena *arena);
/* The next entry, in order. What fails is remembered. */
void radix_build_add(struct radix_build *build, const struct memtable_node *node);
/* Before the end: as if all that was added to `right` were added here, too; right's memory goes. REQUIRES: both have
 * entries, right's are behind those here, and agree with each other in all that they share with these. */
void radix_build_join(struct radix_build *build, struct radix_build *right);
/* The tree of what was added, in the place of an empty one; the build's memory goes. False when out of memory: the tree
 * stays empty. */
bool radix_build_end(struct radix_build *build, struct radix *radix);

#endif
