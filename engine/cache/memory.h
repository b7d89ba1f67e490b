/*
 * memory: who holds how much of the memory that an engine may use. One struct for an engine; every part of it adds what
 * it takes and subtracts what it gives back, under the name of its user (enum engine_memory_user).
 *
 * Counts only: who has to give way is decided above (engine/lsm/budget.h). Any thread, no lock. Wherever a struct
 * memory is taken, NULL is allowed: nobody counts then.
 */
#ifndef ENGINE_CACHE_MEMORY_H
#define ENGINE_CACHE_MEMORY_H

#include <stdatomic.h>

#include "engine/engine.h"

struct memory {
    uint64_t limit; /* of all together; 0 = none. Set before use */
    _Atomic uint64_t used[ENGINE_MEMORY_USERS];
};

static inline void memory_add(struct memory *memory, enum engine_memory_user user, uint64_t bytes) {
    if (memory) atomic_fetch_add_explicit(&memory->used[user], bytes, memory_order_relaxed);
}
static inline void memory_subtract(struct memory *memory, enum engine_memory_user user, uint64_t bytes) {
    if (memory) atomic_fetch_sub_explicit(&memory->used[user], bytes, memory_order_relaxed);
}
static inline uint64_t memory_used(const struct memory *memory, enum engine_memory_user user) {
    return atomic_load_explicit(&memory->used[user], memory_order_relaxed);
}

/* What one holder has: *charged was told before, from now on it is `bytes`. One thread at a time for a holder. */
void memory_charge(struct memory *memory, enum engine_memory_user user, uint64_t *charged, uint64_t bytes);
/* What is told from outside, as it stands now. */
void memory_set(struct memory *memory, enum engine_memory_user user, uint64_t bytes);
/* All users together. */
uint64_t memory_total(const struct memory *memory);
/* A sixteenth of the limit is set aside for what readers hold, so that it may come and go without a word. True if
 * `more` bytes stay within that: for what does well without. */
bool memory_allows_reader(const struct memory *memory, uint64_t more);
/* What is set aside and not in use. */
uint64_t memory_reader_room(const struct memory *memory);

#endif
