/*
 * entry_list: entries of one tree in order; private to engine/memtable.
 *
 * A list linked both ways, and a radix tree that finds places in it. One writer, readers without locks: a node is
 * filled in before it is linked by a release store, and never moves. The tree tells a neighbour; from there readers and
 * the writer go on in the list, which is the truth.
 *
 * Each edge also carries the head of the node that it leads to, so that a search that would overshoot does not touch
 * that node. Readers load an edge's target before its head: the head of an edge only falls as nodes are linked in, so a
 * head above the one looked for proves that the target is beyond it, whichever of two stores was seen.
 */
#ifndef ENGINE_MEMTABLE_ENTRY_LIST_H
#define ENGINE_MEMTABLE_ENTRY_LIST_H

#include <stdatomic.h>

#include "engine/base/arena.h"
#include "engine/entry/internal_key.h"
#include "engine/memtable/radix_build.h"

struct memtable_grown;

enum { MEMTABLE_HEAD_BYTES = sizeof(uint64_t) /* of a node's key, zeros where it is shorter */ };

/* What many entries take memory for: nothing stands here that can be told from something else. */
struct memtable_node {
    struct memtable_node *_Atomic next;
    _Atomic uint64_t next_head;         /* entry_head of next; UINT64_MAX = none */
    struct memtable_node *_Atomic prev; /* the list's head before the first */
    uint64_t trailer;
    _Atomic uintptr_t value; /* twice its size and 1, where it stands behind the key; the address of a struct
                                memtable_grown once it was extended */
    uint32_t key_size;
    uint8_t bytes[]; /* key, at least MEMTABLE_HEAD_BYTES, then value */
};

static inline struct slice memtable_node_key(const struct memtable_node *node) {
    return slice_make(node->bytes, node->key_size);
}

/* entry_head of the key. */
static inline uint64_t memtable_node_head(const struct memtable_node *node) {
    return coding_get_key_u64(node->bytes);
}

static inline size_t memtable_key_room(size_t key_size) {
    return key_size < MEMTABLE_HEAD_BYTES ? MEMTABLE_HEAD_BYTES : key_size;
}

/* The value as it was put, which has so many bytes. */
static inline struct slice memtable_node_put_value(const struct memtable_node *node, size_t size) {
    return slice_make(node->bytes + memtable_key_room(node->key_size), size);
}

/* The place that is looked for. */
struct memtable_target {
    uint64_t head;
    struct radix_key key;
};

static inline struct memtable_target memtable_target(struct slice key, uint64_t trailer) {
    return (struct memtable_target){.head = entry_head(key), .key = {.key = key, .trailer = trailer}};
}

struct entry_list {
    struct memtable_node *head;
    struct memtable_node *latest; /* the writer's: what it linked last; NULL = nobody knows */
    struct radix radix;
};

/* Where an entry is to be linked; the writer's, good until the next change. */
struct entry_place {
    struct memtable_node *before; /* the last node before the target; the list's head when there is none */
    bool found;                   /* radix is where radix_find ended */
    struct radix_place radix;
};

/* False when out of memory. */
bool entry_list_init(struct entry_list *list, struct arena *arena);

/* An unlinked node with room for key and value, filled in but for its edges. NULL when out of memory. */
struct memtable_node *entry_list_node_create(struct arena *arena, const struct memtable_target *target,
                                             struct slice value);

void entry_list_find_place(struct entry_list *list, const struct memtable_target *target, struct entry_place *place);
/* False when out of memory: it is not linked. */
bool entry_list_link(struct entry_list *list, struct arena *arena, struct memtable_node *node,
                     const struct entry_place *place);
/* An unlinked node, and the head of its key. */
struct entry_item {
    uint64_t head;
    struct memtable_node *node;
};
/* Links nodes that are in order. Into an empty list that nobody reads yet they all go in one walk, else one by one.
 * False when out of memory: the list is good for nothing any more. */
bool entry_list_link_all(struct entry_list *list, struct arena *arena, const struct entry_item *items, size_t count);
/* The same of nodes in two parts, which two threads may fill: entry_list_join then links first and second into an empty
 * list that nobody reads yet. False as above. */
struct entry_part {
    struct radix_build build;
    struct memtable_node *first, *last;
};
void entry_part_fill(struct entry_part *part, struct arena *arena, const struct entry_item *items, size_t count);
bool entry_list_join(struct entry_list *list, struct entry_part *first, struct entry_part *second);
/* Takes out the node behind `before`; readers that stand on it still find their way. */
void entry_list_unlink(struct entry_list *list, struct memtable_node *before);

/* The first node at or after the target, NULL = none. */
struct memtable_node *entry_list_seek(const struct entry_list *list, const struct memtable_target *target);
/* What searches for these targets read is brought close to the processor. A search waits for memory at nearly every
 * node; several at a time wait together. */
enum { ENTRY_LIST_TOUCH_MAX = 16 };
void entry_list_touch(const struct entry_list *list, const struct memtable_target *targets, size_t count);
/* The last node before the target, NULL = none. */
struct memtable_node *entry_list_seek_before(const struct entry_list *list, const struct memtable_target *target);
struct memtable_node *entry_list_last(const struct entry_list *list); /* NULL = none */

static inline struct memtable_node *entry_list_next(const struct memtable_node *node) {
    return atomic_load_explicit(&node->next, memory_order_acquire);
}
static inline struct memtable_node *entry_list_first(const struct entry_list *list) {
    return entry_list_next(list->head);
}
static inline struct memtable_node *entry_list_prev(const struct entry_list *list, const struct memtable_node *node) {
    struct memtable_node *prev = atomic_load_explicit(&node->prev, memory_order_acquire);
    return prev == list->head ? NULL : prev;
}

#endif
