/*
 * skiplist: entries of one tree in order; private to engine/memtable.
 *
 * Pugh, "Skip lists" (1990), with one writer and readers without locks: a node is filled in before it is linked by a
 * release store, bottom level first, and never moves. Each edge also carries the head of the node it leads to, so that
 * a search that would overshoot does not touch that node. Readers load an edge's target before its head: heads of an
 * edge only fall as nodes are linked in, so a head above the one looked for proves that the target is beyond it,
 * whichever of two stores was seen.
 *
 * A node's edges stand before it, its key behind it: what a comparison needs and the edge that follows lie together.
 */
#ifndef ENGINE_MEMTABLE_SKIPLIST_H
#define ENGINE_MEMTABLE_SKIPLIST_H

#include <stdatomic.h>

#include "engine/base/arena.h"
#include "engine/base/prng.h"
#include "engine/entry/internal_key.h"

enum { SKIPLIST_HEIGHT = 12 };

struct memtable_node;
struct memtable_grown;

struct memtable_edge {
    struct memtable_node *_Atomic to;
    _Atomic uint64_t head;
};

struct memtable_node {
    uint64_t head; /* entry_head of the key */
    uint64_t trailer;
    uint32_t key_size;
    uint32_t value_size : 28;
    uint32_t height : 4;
    struct memtable_grown *_Atomic grown; /* the value once it was extended; NULL = it stands behind the key */
    struct memtable_node *_Atomic prev;   /* on level 0; the list's head before the first */
    uint8_t bytes[];                      /* key, then value */
};

static inline struct slice memtable_node_key(const struct memtable_node *node) {
    return slice_make(node->bytes, node->key_size);
}

static inline const struct memtable_edge *memtable_node_edge(const struct memtable_node *node, unsigned level) {
    return (const struct memtable_edge *)(const void *)node - 1 - level;
}

/* The place that is looked for. */
struct memtable_target {
    uint64_t head;
    uint64_t trailer;
    struct slice key;
};

static inline struct memtable_target memtable_target(struct slice key, uint64_t trailer) {
    return (struct memtable_target){.head = entry_head(key), .trailer = trailer, .key = key};
}

struct skiplist {
    struct memtable_node *head;
    _Atomic uint32_t height;                       /* levels in use */
    struct memtable_node *finger[SKIPLIST_HEIGHT]; /* the writer's: on each level the last node up to the latest insert;
                                                      [0] NULL = none */
};

/* False when out of memory. */
bool skiplist_init(struct skiplist *list, struct arena *arena);

/* An unlinked node with room for key and value, filled in but for edges. NULL when out of memory. */
struct memtable_node *skiplist_node_create(struct prng *prng, struct arena *arena, const struct memtable_target *target,
                                           struct slice value);

/* The last node before the target on every level. */
void skiplist_find_before(struct skiplist *list, const struct memtable_target *target,
                          struct memtable_node *before[SKIPLIST_HEIGHT]);
void skiplist_link(struct skiplist *list, struct memtable_node *node, struct memtable_node *before[SKIPLIST_HEIGHT]);
/* Takes out the node behind before[0]; readers that stand on it still find their way. */
void skiplist_unlink(struct skiplist *list, struct memtable_node *node, struct memtable_node *before[SKIPLIST_HEIGHT]);

/* The first node at or after the target, NULL = none. */
struct memtable_node *skiplist_seek(const struct skiplist *list, const struct memtable_target *target);
/* What searches for these targets read is brought close to the processor. A search waits for memory at nearly every
 * node; several at a time wait together. */
enum { SKIPLIST_TOUCH_MAX = 16 };
void skiplist_touch(const struct skiplist *list, const struct memtable_target *targets, size_t count);
/* The last node before the target, NULL = none. */
struct memtable_node *skiplist_seek_before(const struct skiplist *list, const struct memtable_target *target);
struct memtable_node *skiplist_last(const struct skiplist *list); /* NULL = none */

static inline struct memtable_node *skiplist_next(const struct memtable_node *node) {
    return atomic_load_explicit(&memtable_node_edge(node, 0)->to, memory_order_acquire);
}
static inline struct memtable_node *skiplist_first(const struct skiplist *list) {
    return skiplist_next(list->head);
}
static inline struct memtable_node *skiplist_prev(const struct skiplist *list, const struct memtable_node *node) {
    struct memtable_node *prev = atomic_load_explicit(&node->prev, memory_order_acquire);
    return prev == list->head ? NULL : prev;
}

#endif
