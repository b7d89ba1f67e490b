/* memory: counters. Invariant: used[u] is the sum of what the holders under u were charged and have not given back. */
#include "engine/cache/memory.h"

enum { READER_SHARE = 16 };

void memory_charge(struct memory *memory, enum engine_memory_user user, uint64_t *charged, uint64_t bytes) {
    if (!memory || bytes == *charged) return;
    /* Unsigned: a smaller number is added as what wraps round to it. */
    memory_add(memory, user, bytes - *charged);
    *charged = bytes;
}

void memory_set(struct memory *memory, enum engine_memory_user user, uint64_t bytes) {
    if (memory) atomic_store_explicit(&memory->used[user], bytes, memory_order_relaxed);
}

uint64_t memory_total(const struct memory *memory) {
    uint64_t total = 0;
    for (unsigned user = 0; user < ENGINE_MEMORY_USERS; user++)
        total += memory_used(memory, (enum engine_memory_user)user);
    return total;
}

uint64_t memory_reader_room(const struct memory *memory) {
    const uint64_t aside = memory->limit / READER_SHARE, used = memory_used(memory, ENGINE_MEMORY_READERS);
    return used < aside ? aside - used : 0;
}

bool memory_allows_reader(const struct memory *memory, uint64_t more) {
    return !memory || memory->limit == 0 || more <= memory_reader_room(memory);
}

const char *engine_memory_user_name(enum engine_memory_user user) {
    static const char *const names[ENGINE_MEMORY_USERS] = {"memtables", "cache", "tables", "readers",
                                                           "jobs",      "log",   "state",  "slack"};
    return (unsigned)user < ENGINE_MEMORY_USERS ? names[user] : "unknown";
}
