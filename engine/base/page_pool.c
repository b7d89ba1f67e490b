/* page_pool: a stack of runs under a lock. Invariant: count <= most <= PAGE_POOL_RUNS_MAX. */
#include "engine/base/page_pool.h"

#include "engine/base/pages.h"

void page_pool_init(struct page_pool *pool, size_t bytes) {
    const size_t runs = bytes / PAGES_RUN_BYTES;
    mutex_init(&pool->mutex);
    pool->count = 0;
    pool->most = runs < PAGE_POOL_RUNS_MAX ? runs : PAGE_POOL_RUNS_MAX;
    pool->low = 0;
}

void page_pool_watch(struct page_pool *pool, size_t low, void (*tell)(void *context), void *context) {
    pool->low = low < pool->most ? low : pool->most;
    pool->tell = tell;
    pool->context = context;
}

void page_pool_deinit(struct page_pool *pool) {
    while (pool->count > 0) pages_run_free(pool->runs[--pool->count]);
    mutex_deinit(&pool->mutex);
}

void *page_pool_take(struct page_pool *pool) {
    void *run = NULL;
    bool is_low = false;
    if (pool) {
        mutex_lock(&pool->mutex);
        if (pool->count > 0) run = pool->runs[--pool->count];
        is_low = pool->count < pool->low;
        mutex_unlock(&pool->mutex);
    }
    if (is_low) pool->tell(pool->context);
    return run ? run : pages_run_alloc(true);
}

/* The system is told before the run lies here: afterwards it may be somebody's again. */
void page_pool_give(struct page_pool *pool, void *run) {
    bool kept = false;
    if (pool && pool->most > 0) {
        pages_run_offer(run);
        mutex_lock(&pool->mutex);
        kept = pool->count < pool->most;
        if (kept) pool->runs[pool->count++] = run;
        mutex_unlock(&pool->mutex);
    }
    if (!kept) pages_run_free(run);
}

void page_pool_give_room(struct page_pool *pool, void *room, size_t bytes, size_t used) {
    if (bytes < PAGES_RUN_BYTES) {
        pages_room_free(room, bytes);
        return;
    }
    uint8_t *runs = room;
    for (size_t at = 0; at < bytes; at += PAGES_RUN_BYTES) {
        if (at < used)
            page_pool_give(pool, runs + at);
        else
            pages_run_free(runs + at);
    }
}

static bool has_room(struct page_pool *pool, size_t least) {
    return pool->count < least && pool->count < pool->most;
}

bool page_pool_stock(struct page_pool *pool, size_t least) {
    mutex_lock(&pool->mutex);
    bool kept = has_room(pool, least);
    mutex_unlock(&pool->mutex);
    void *run = kept ? pages_run_alloc(true) : NULL;
    if (!run) return false;
    pages_run_touch(run);
    mutex_lock(&pool->mutex);
    kept = has_room(pool, least);
    if (kept) pool->runs[pool->count++] = run;
    mutex_unlock(&pool->mutex);
    if (!kept) pages_run_free(run);
    return kept;
}

size_t page_pool_bytes(struct page_pool *pool) {
    mutex_lock(&pool->mutex);
    const size_t bytes = pool->count * (size_t)PAGES_RUN_BYTES;
    mutex_unlock(&pool->mutex);
    return bytes;
}
