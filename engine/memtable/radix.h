/*
 * radix: finds the place of a key among the entries of one tree; private to engine/memtable.
 *
 * An adaptive radix tree (Leis et al., "The Adaptive Radix Tree", ICDE 2013) over the bytes of the key, an end of key
 * that is lower than any byte, and the trailer's bytes, higher trailers first: so its order is that of entries. It
 * answers with a neighbour of what is looked for; the list of the entries is the truth, and whoever searches goes on in
 * the list from there. So a reader beside the writer may meet a tree that is behind the list, or ahead of it.
 *
 * One writer, readers without locks: inner nodes are filled in before they are published by a release store; within one
 * a child is stored before what leads to it (the count, the index, the bit). An inner node that grows is copied, the
 * old one stays as it was. All memory is the arena's and dies with it.
 */
#ifndef ENGINE_MEMTABLE_RADIX_H
#define ENGINE_MEMTABLE_RADIX_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/slice.h"

struct memtable_node;
struct radix_inner;

/* An inner node, or an entry (the lowest bit is set), or nothing: 0. */
typedef uintptr_t radix_child;

/* What is looked for, or added: a key and its trailer. */
struct radix_key {
    struct slice key;
    uint64_t trailer;
};

/* Where a search ended, for the writer: the child there is where an entry is to be added. Good until the next change.
 */
struct radix_place {
    _Atomic radix_child *slot;
    size_t from; /* so many symbols lead there */
};

struct radix {
    _Atomic radix_child root;
    /* The writer's: what it added last, and the slot of the inner node that it stands in; slot NULL = nobody knows. */
    struct radix_place latest;
    const struct memtable_node *latest_entry;
};

void radix_init(struct radix *radix);
/* Nothing was ever added. */
static inline bool radix_is_empty(const struct radix *radix) {
    return atomic_load_explicit(&radix->root, memory_order_relaxed) == 0;
}

/* A neighbour of the key, at or near its place on either side; NULL = none is known (the tree is empty, or all about
 * there was taken back). place may be NULL. */
struct memtable_node *radix_find(const struct radix *radix, const struct radix_key *key, struct radix_place *place);

/* Adds an entry that is not there, from a place that radix_find told for its key. NULL: from where the last one was
 * added, if it belongs there too, or from the top. False when out of memory: nothing has changed. */
bool radix_add(struct radix *radix, struct arena *arena, const struct radix_place *place, struct memtable_node *node);

/* The entry, which is there, is not found any more. */
void radix_remove(struct radix *radix, const struct memtable_node *node);

/* One of several searches that go on side by side: each step asks for the memory that the next one reads. */
struct radix_stroll {
    const struct radix_key *key;
    radix_child at;
    size_t from;
    const struct memtable_node *near; /* where it has arrived, asked for by the last step; NULL = not yet, or nowhere */
};
void radix_stroll_begin(const struct radix *radix, const struct radix_key *key, struct radix_stroll *stroll);
/* False when it has arrived; what radix_find will read is near then. */
bool radix_stroll_step(struct radix_stroll *stroll);

#endif
