/*
 * memtable_internal: the memtable's state, shared by memtable.c and load.c.
 */
#ifndef ENGINE_MEMTABLE_MEMTABLE_INTERNAL_H
#define ENGINE_MEMTABLE_MEMTABLE_INTERNAL_H

#include "engine/memtable/entry_list.h"
#include "engine/memtable/key_filter.h"
#include "engine/memtable/memtable.h"

/* The entries of one tree. */
struct memtable_tree {
    uint32_t tree;
    struct entry_list list;
    struct load_run *waiting; /* a load's (load.h), for this tree; NULL = none */
};

struct memtable {
    _Atomic uint32_t references;
    struct arena arena;
    struct entry_list trees;      /* key: the tree's number, big-endian; value: address of its struct memtable_tree */
    struct memtable_tree *latest; /* the writer's: the one it last wrote to */
    struct range_set ranges;
    struct key_filter filter;
    _Atomic size_t bytes, reserved; /* copies of the arena's, for other threads */
    _Atomic uint64_t entries;
    _Atomic uint64_t first_sequence, last_sequence;
};

/* The tree, made if absent. NULL when out of memory. The writer. */
struct memtable_tree *memtable_tree_make(struct memtable *memtable, uint32_t number);

/* The trees share one filter. */
static inline uint64_t memtable_filter_hash(uint32_t tree, uint64_t hash) {
    return hash + tree * UINT64_C(0x9e3779b97f4a7c15);
}

/* What the arena has given out, for other threads. */
static inline void memtable_account(struct memtable *memtable) {
    atomic_store_explicit(&memtable->bytes, memtable->arena.used_bytes, memory_order_relaxed);
    atomic_store_explicit(&memtable->reserved, memtable->arena.reserved_bytes, memory_order_relaxed);
}

/* Its one writer. */
static inline void memtable_note_entry(struct memtable *memtable) {
    const uint64_t entries = atomic_load_explicit(&memtable->entries, memory_order_relaxed);
    atomic_store_explicit(&memtable->entries, entries + 1, memory_order_relaxed);
}

/* An entry is there, or about to be. */
static inline void memtable_note_sequence(struct memtable *memtable, uint64_t sequence) {
    if (atomic_load_explicit(&memtable->first_sequence, memory_order_relaxed) == 0)
        atomic_store_explicit(&memtable->first_sequence, sequence, memory_order_relaxed);
    atomic_store_explicit(&memtable->last_sequence, sequence, memory_order_relaxed);
}

#endif
