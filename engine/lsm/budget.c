/*
 * budget: shares. Invariant, with a limit: the cache's ceiling is the limit less what all others hold, or its floor;
 * memtables grow only while that floor is left to it.
 */
#include "engine/lsm/budget.h"

#include "engine/base/pages.h"
#include "engine/lsm/store.h"

enum {
    SLACK_SHARE = 12, /* of the limit: for what malloc loses between its pieces */
    FLOOR_SHARE = 16, /* what the cache keeps in any case */
    STEP_SHARE = 32,  /* the cache shrinks by so much more than it must, and grows back only when that pays */
    EARLY_SHARE = 4,  /* of a step: the cache shrinks so long before it must, since others take more meanwhile */
    MEMTABLE_SHARE = 10,
    WAIT_STEP_NS = 1000000,
    WAIT_MOST_NS = 1000000000,
    MAPPED_LOG_BYTES = 2 << 20, /* engine/io/mapped_file.c */
};

#define MEMTABLE_BYTES_MOST ((size_t)64 << 20)

void budget_fill_options(struct engine_options *options) {
    if (options->memory_bytes == 0) return;
    const uint64_t share = options->memory_bytes / MEMTABLE_SHARE;
    if (options->memtable_bytes == 0)
        options->memtable_bytes = share < MEMTABLE_BYTES_MOST ? (size_t)share : MEMTABLE_BYTES_MOST;
    if (options->cache_bytes == 0) options->cache_bytes = (size_t)options->memory_bytes;
}

void budget_init(struct engine *engine) {
    const uint64_t limit = engine->options.memory_bytes;
    mutex_init(&engine->budget_lock);
    engine->memory.limit = limit;
    memory_set(&engine->memory, ENGINE_MEMORY_SLACK, limit / SLACK_SHARE);
    engine->cache_limit = engine->options.cache_bytes;
}

/* What nobody adds to piece by piece. */
static void count_rest(struct engine *engine) {
    struct events *events = &engine->events;
    uint64_t state = sizeof *engine + sizeof(struct view) * 2;
    mutex_lock(&engine->morgue.mutex);
    state += engine->morgue.file_bytes;
    mutex_unlock(&engine->morgue.mutex);
    mutex_lock(&events->mutex);
    state += events->pending.capacity;
    mutex_unlock(&events->mutex);
    state += page_pool_bytes(&engine->spare_runs);
    state += codec_memory_bytes(engine->environment.codec);
    memory_set(&engine->memory, ENGINE_MEMORY_STATE, state);
    memory_set(&engine->memory, ENGINE_MEMORY_CACHE, block_cache_memory(engine->environment.cache));
}

static void note_most(struct engine *engine) {
    const uint64_t total = memory_total(&engine->memory);
    if (total > engine->memory_most) engine->memory_most = total;
}

/* All but the cache; readers with what is set aside for them. */
static uint64_t others_hold(const struct memory *memory) {
    return memory_total(memory) - memory_used(memory, ENGINE_MEMORY_CACHE) + memory_reader_room(memory);
}

/* The cache may have outgrown its ceiling: what finds no slot in a full run, and what lasts, lies beside its runs.
 * REQUIRES: budget_lock, what the cache holds counted under it. */
static void set_cache_limit(struct engine *engine, uint64_t others) {
    const uint64_t limit = engine->memory.limit, least = limit / FLOOR_SHARE, step = limit / STEP_SHARE;
    const uint64_t most = engine->options.cache_bytes, now = engine->cache_limit;
    const uint64_t room = others + least < limit ? limit - others : least;
    uint64_t share = room > least + step ? room - step : least;
    if (share > most) share = most;
    const bool moves = share != now && (room < now + step / EARLY_SHARE || share >= now + step);
    const bool is_over = memory_used(&engine->memory, ENGINE_MEMORY_CACHE) > now; /* as counted just now */
    if (!moves && !is_over) return;
    if (moves) engine->cache_limit = share;
    block_cache_set_limit(engine->environment.cache, (size_t)engine->cache_limit);
    memory_set(&engine->memory, ENGINE_MEMORY_CACHE, block_cache_memory(engine->environment.cache));
}

void budget_balance(struct engine *engine) {
    if (engine->memory.limit == 0) return;
    mutex_lock(&engine->budget_lock);
    count_rest(engine);
    set_cache_limit(engine, others_hold(&engine->memory));
    note_most(engine);
    mutex_unlock(&engine->budget_lock);
}

void budget_end_job(const struct engine *engine) {
    if (engine->memory.limit > 0) pages_trim_heap();
}

void budget_note_write(struct engine *engine) {
    if (!mem_recount(engine->active)) return;
    if (engine->wal) memory_set(&engine->memory, ENGINE_MEMORY_LOG, wal_memory_bytes(engine->wal) + MAPPED_LOG_BYTES);
    budget_balance(engine);
}

bool budget_has_room(const struct engine *engine) {
    const struct memory *memory = &engine->memory;
    if (memory->limit == 0) return true;
    return others_hold(memory) + memory->limit / FLOOR_SHARE + PAGES_RUN_BYTES <= memory->limit;
}

bool budget_allows_write(const struct engine *engine) {
    if (budget_has_room(engine)) return true;
    const uint64_t memtables = memory_used(&engine->memory, ENGINE_MEMORY_MEMTABLES);
    return engine->sealed_count == 0 && memtables <= mem_charged(engine->active);
}

enum status budget_wait_for_readers(struct engine *engine, uint64_t start_ns) {
    store_job_start(engine, &engine->sweep_job); /* what nobody reads any more goes */
    mutex_unlock(&engine->mutex);
    const bool enough = io_now_ns(engine->io) - start_ns > WAIT_MOST_NS;
    if (enough) {
        store_note_error(engine, STATUS_NO_MEMORY,
                         "memory_bytes: open iterators keep memtables that were flushed, and there is no room for "
                         "others; a write was refused");
    } else {
        while (io_job_assist(engine->io)) continue; /* where there are no threads */
        io_sleep(engine->io, WAIT_STEP_NS);
    }
    mutex_lock(&engine->mutex);
    return enough ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status budget_admit_reader(struct engine *engine, uint64_t bytes) {
    const struct memory *memory = &engine->memory;
    memory_add(&engine->memory, ENGINE_MEMORY_READERS, bytes);
    if (memory->limit == 0) return STATUS_OK;
    budget_balance(engine);
    if (memory_total(memory) <= memory->limit) return STATUS_OK;
    memory_subtract(&engine->memory, ENGINE_MEMORY_READERS, bytes);
    return STATUS_NO_MEMORY;
}

void budget_get_stats(struct engine *engine, struct engine_stats *stats) {
    mutex_lock(&engine->budget_lock);
    count_rest(engine);
    note_most(engine);
    stats->memory_limit = engine->memory.limit;
    for (unsigned user = 0; user < ENGINE_MEMORY_USERS; user++) {
        stats->memory_used[user] = memory_used(&engine->memory, (enum engine_memory_user)user);
        stats->memory_total += stats->memory_used[user];
    }
    stats->memory_most = engine->memory_most;
    mutex_unlock(&engine->budget_lock);
    stats->open_files = atomic_load_explicit(&engine->open_files, memory_order_relaxed) +
                        atomic_load_explicit(&engine->values.open_count, memory_order_relaxed);
}
