/*
 * range_set: the range tombstones of a memtable (all trees) or of an SST (one tree), asked "is this key deleted by one
 * of them, as of this sequence?".
 *
 * An interval skip list (Hanson 1991): the boundaries are nodes; a tombstone leaves its sequence on O(log n) edges that
 * together span it; a query looks at the O(log n) edges above the key. The sequences of one edge form a persistent
 * stack with jump pointers (Myers 1983), newest on top, so that an old snapshot finds its place in O(log n) too and a
 * split edge shares what stood on it. Insert and query are O(log n) expected in all cases, overlapping ranges included.
 *
 * Threads: one writer at a time, sequences never decreasing; any number of readers beside it, without a lock, as long
 * as they ask with a snapshot below what is being added. Memory comes from the caller's arena and lives as long as
 * that.
 */
#ifndef ENGINE_ENTRY_RANGE_SET_H
#define ENGINE_ENTRY_RANGE_SET_H

#include <stdatomic.h>

#include "engine/base/arena.h"
#include "engine/base/prng.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

struct range_node;

enum { RANGE_SET_HEIGHT = 12 };

struct range_set {
    struct arena *arena;     /* borrowed */
    struct range_node *head; /* before every key; made by the first add */
    _Atomic uint64_t count;  /* tombstones in it */
    struct prng prng;
};

/* Allocates nothing. `seed` decides tower heights: same adds, same shape. */
void range_set_init(struct range_set *set, struct arena *arena, uint64_t seed);

/* Adds [begin, end) of tree; an empty end = to the end of the tree. Copies the keys. NO_MEMORY changes no answer. begin
 * >= end deletes nothing and is not kept. */
MUST_CHECK enum status range_set_add(struct range_set *set, uint32_t tree, struct slice begin, struct slice end,
                                     uint64_t sequence);

/* Takes back every tombstone with a sequence >= first that was added for exactly this range; for a batch that failed
 * half-way, before it was published. */
void range_set_undo(struct range_set *set, uint32_t tree, struct slice begin, struct slice end, uint64_t first);

static inline bool range_set_is_empty(const struct range_set *set) {
    return atomic_load_explicit(&set->count, memory_order_acquire) == 0;
}

/* The highest sequence <= snapshot of a tombstone that covers key; 0 = none. An entry with a lower sequence is deleted.
 */
uint64_t range_set_cover(const struct range_set *set, uint32_t tree, struct slice key, uint64_t snapshot);

/*
 * The same with the stretch around key, [begin, end), in which the answer is the same: for scans, which ask once per
 * stretch. Slices are borrowed from the arena; an empty begin = from the first key of the tree; has_end false = to the
 * end of the tree.
 */
struct range_stretch {
    uint64_t sequence; /* 0 = not covered */
    struct slice begin;
    struct slice end;
    bool has_end;
};
void range_set_stretch(const struct range_set *set, uint32_t tree, struct slice key, uint64_t snapshot,
                       struct range_stretch *stretch);

/* The tombstones one by one, ordered by (tree, begin, sequence descending): for flush and compaction. */
struct range_tombstone {
    uint32_t tree;
    struct slice begin; /* borrowed from the arena */
    struct slice end;   /* empty = to the end of the tree */
    uint64_t sequence;
};
struct range_cursor {
    const struct range_node *node;
    const void *mark;
};
/* Starts before the first of `tree`. */
void range_cursor_init(struct range_cursor *cursor, const struct range_set *set, uint32_t tree);
/* False when there is none left (of any tree: compare tombstone->tree). */
bool range_cursor_next(struct range_cursor *cursor, struct range_tombstone *tombstone);

#endif
