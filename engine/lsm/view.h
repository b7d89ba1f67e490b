/*
 * view: all that a read needs at one moment: the memtables and the version. Immutable. The present one is acquired
 * without a lock.
 *
 * One 64-bit word holds the present view's slot and how often it was acquired since it became present; a reader adds
 * one to the word and so learns the slot and owns a reference in one step. A view counts down with each release; when
 * it is replaced, the acquisitions are added, and whoever brings the sum to zero was the last (split reference counts).
 * The last release does not free: it moves the view to a list that the owner empties where it may block.
 *
 * Threads: acquire and release by any; the rest under the engine's lock.
 */
#ifndef ENGINE_LSM_VIEW_H
#define ENGINE_LSM_VIEW_H

#include <stdatomic.h>

#include "engine/base/list.h"
#include "engine/base/sync.h"
#include "engine/lsm/mem.h"
#include "engine/lsm/version.h"

enum {
    VIEW_SLOT_BITS = 16, /* at most 65536 views alive; each needs a reader that keeps it */
    VIEW_CHUNK = 256,
    VIEW_CHUNKS = (1 << VIEW_SLOT_BITS) / VIEW_CHUNK,
    VIEW_SEALED_MAX = 15,
};

struct view {
    uint64_t number; /* 1, 2, .. in order of publication */
    _Atomic int64_t references;
    struct version *version;
    uint64_t sequence; /* of a reader beside a writer: what it shows, and */
    int64_t time_ms;   /* the log time of that; 0 = whatever is published */
    struct mem *active;
    uint32_t sealed_count;
    struct mem *sealed[VIEW_SEALED_MAX]; /* newest first */
    uint32_t slot;
    struct list link; /* alive: oldest first; dead */
};

struct view_chunk {
    _Atomic(struct view *) views[VIEW_CHUNK];
};

struct view_table {
    _Atomic uint64_t current; /* slot << 48 | acquisitions; no view: VIEW_NONE */
    _Atomic(struct view_chunk *) chunks[VIEW_CHUNKS];
    struct mutex mutex; /* for the lists and slots */
    struct list alive;  /* in order of number, the present one last */
    struct list dead;
    uint64_t next_number;
    uint32_t slots_used; /* slots ever given out */
    uint32_t *free_slots;
    uint32_t free_count, free_capacity;
};

void view_table_init(struct view_table *table);
/* Every reference must have been released; frees all. */
void view_table_deinit(struct view_table *table);

/* An empty view with a slot, so that filling and publishing it can't fail. NULL when out of memory (or slots). Either
 * publish it or discard it. */
struct view *view_reserve(struct view_table *table);
/* What it consists of: takes references of its own to all. */
void view_fill(struct view *view, struct version *version, struct mem *active, struct mem *const *sealed,
               uint32_t sealed_count);
void view_discard(struct view_table *table, struct view *view); /* NULL is allowed */
/* Makes it the present one. Never fails. True: the one before died of it (its list wants emptying). */
bool view_publish(struct view_table *table, struct view *view);

struct view *view_acquire(struct view_table *table);
/* Nothing has replaced it. The caller holds it. */
bool view_is_present(const struct view_table *table, const struct view *view);
/* True: it was the last reference, and a dead view waits on the list. */
bool view_release(struct view_table *table, struct view *view);

/* The present one, without a reference. REQUIRES: the engine's lock, under which it is replaced. */
struct view *view_present(const struct view_table *table);
/* Frees the dead: releases their versions and memtables. May put files into the morgue. */
void view_bury(struct view_table *table);
/* The number of the oldest view alive. */
uint64_t view_oldest(struct view_table *table);

#endif
