/*
 * page_pool: runs of pages (pages.h) that one user gave back, kept for the next. A run from the system is cleared by
 * it, page by page or at once, with the first byte that is touched; one from here is not.
 *
 * What lies here may be taken back by the system when it is short of memory, without a word: it then comes as a new run
 * would. Any thread.
 */
#ifndef ENGINE_BASE_PAGE_POOL_H
#define ENGINE_BASE_PAGE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/sync.h"

#pragma GCC visibility push(default)

enum { PAGE_POOL_RUNS_MAX = 64 };

struct page_pool {
    struct mutex mutex;
    size_t count, most; /* mutex: runs that lie here; as many as there may be */
    void *runs[PAGE_POOL_RUNS_MAX];
    size_t low; /* fewer than so many are told of; 0 = nobody wants to know */
    void (*tell)(void *context);
    void *context;
};

/* Keeps up to `bytes`; 0 = nothing: all goes through to the system. */
void page_pool_init(struct page_pool *pool, size_t bytes);
/* Right after the init: `tell` is called by whoever takes a run and leaves fewer than `low` here, since who takes one
 * mostly takes more. It may be called from any thread, with locks held, and takes none that is held by a caller. A pool
 * that keeps nothing tells nobody. */
void page_pool_watch(struct page_pool *pool, size_t low, void (*tell)(void *context), void *context);
void page_pool_deinit(struct page_pool *pool);
/* A run with huge pages, content undefined; the caller's until it is given back. NULL when out of memory. A NULL pool
 * keeps nothing. */
void *page_pool_take(struct page_pool *pool);
void page_pool_give(struct page_pool *pool, void *run);
/* Takes over room of pages_room_alloc(bytes), of which the first `used` bytes were written to: runs that these are in
 * are given as above, what else there is goes back to the system. */
void page_pool_give_room(struct page_pool *pool, void *room, size_t bytes, size_t used);
/* Has the system clear one more run, if fewer than `least` lie here; false: there are as many, or none may be kept, or
 * none is to be had. */
bool page_pool_stock(struct page_pool *pool, size_t least);
/* What lies here. */
size_t page_pool_bytes(struct page_pool *pool);

#pragma GCC visibility pop

#endif
