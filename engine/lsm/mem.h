/*
 * mem: a memtable with what a flush must know about it: up to which mark and sequence it goes, which trees came and
 * went in it, and where the log behind it ends.
 *
 * Threads: fields are written by the leader of the commit queue while the mem is active, and are constant once it is
 * sealed.
 */
#ifndef ENGINE_LSM_MEM_H
#define ENGINE_LSM_MEM_H

#include <stdatomic.h>

#include "engine/cache/memory.h"
#include "engine/lsm/edit.h"
#include "engine/memtable/memtable.h"

struct mem_tree_change {
    bool drop;
    struct edit_tree tree;
    uint64_t sequence;
};

struct mem {
    _Atomic uint32_t references;
    struct memory *memory;    /* where it is counted; borrowed, may be NULL */
    _Atomic uint64_t charged; /* the leader's: so much of it */
    struct memtable *table;
    struct engine_mark mark; /* of the last batch in it */
    uint64_t last_sequence;  /* given out up to the end of it */
    uint64_t log_end;        /* own log: everything below is in here or in older ones; set when sealed */
    uint64_t batches;
    struct mem_tree_change *changes; /* in order */
    size_t change_count, change_capacity;
};

/* One reference; NULL when out of memory. Memory comes from the pool (borrowed; NULL = none). */
struct mem *mem_create(struct memory *memory, struct page_pool *pool, uint64_t seed);
/* Leader: counts what it has grown to; true if that was more than before. */
bool mem_recount(struct mem *mem);
static inline uint64_t mem_charged(const struct mem *mem) {
    return atomic_load_explicit(&mem->charged, memory_order_relaxed);
}
void mem_acquire(struct mem *mem);
void mem_release(struct mem *mem); /* NULL is allowed */
MUST_CHECK enum status mem_note_tree(struct mem *mem, const struct mem_tree_change *change);
/* Nothing to flush: no batch, not even one that only moved the mark. */
static inline bool mem_is_empty(const struct mem *mem) {
    return mem->batches == 0;
}

#endif
