/* mem: life of a memtable's wrapper. */
#include "engine/lsm/mem.h"

#include <stdlib.h>

struct mem *mem_create(struct memory *memory, struct page_pool *pool, uint64_t seed) {
    struct mem *mem = calloc(1, sizeof *mem);
    if (!mem) return NULL;
    mem->references = 1;
    mem->memory = memory;
    mem->table = memtable_create_from(pool, seed);
    if (!mem->table) {
        free(mem);
        return NULL;
    }
    (void)mem_recount(mem);
    return mem;
}

bool mem_recount(struct mem *mem) {
    const uint64_t bytes = memtable_reserved(mem->table);
    if (bytes == mem_charged(mem)) return false;
    memory_add(mem->memory, ENGINE_MEMORY_MEMTABLES, bytes - mem_charged(mem));
    atomic_store_explicit(&mem->charged, bytes, memory_order_relaxed);
    return true;
}

void mem_acquire(struct mem *mem) {
    atomic_fetch_add_explicit(&mem->references, 1, memory_order_relaxed);
}

void mem_release(struct mem *mem) {
    if (!mem || atomic_fetch_sub_explicit(&mem->references, 1, memory_order_acq_rel) != 1) return;
    memtable_release(mem->table);
    memory_subtract(mem->memory, ENGINE_MEMORY_MEMTABLES, mem_charged(mem));
    free(mem->changes);
    free(mem);
}

enum status mem_note_tree(struct mem *mem, const struct mem_tree_change *change) {
    if (mem->change_count == mem->change_capacity) {
        const size_t more = mem->change_capacity ? mem->change_capacity * 2 : 8;
        struct mem_tree_change *grown = realloc(mem->changes, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        mem->changes = grown;
        mem->change_capacity = more;
    }
    mem->changes[mem->change_count++] = *change;
    return STATUS_OK;
}
