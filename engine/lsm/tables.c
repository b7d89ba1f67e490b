/*
 * tables: opening is counted, closing is put off. Invariant: a table in `detached` is in no file, and whoever may still
 * use it holds a view older than the number it was given there.
 */
#include "engine/lsm/tables.h"

#include <stdlib.h>

#include "engine/lsm/store.h"

enum {
    TABLE_SHARE = 4,  /* of memory_bytes */
    ROUNDS_MAX = 2,   /* of the hand: the second meets no file that was asked for in between */
    TRIM_EIGHTHS = 7, /* of the limits: down to so much, so that it is done seldom */
};

struct detached {
    struct list link;
    struct sst *sst;
    uint64_t view; /* the first that does not know it */
};

static uint64_t table_bytes(const struct engine *engine) {
    return memory_used(&engine->memory, ENGINE_MEMORY_TABLES);
}

/* SSTs that may be open beside the files of values that are. */
static uint64_t tables_most(const struct engine *engine) {
    const uint64_t values = atomic_load_explicit(&engine->values.open_count, memory_order_relaxed);
    return values < engine->open_files_most ? engine->open_files_most - values : 0;
}

/* More than `eighths` of what may be open. A reader beside a writer may not close what the writer removes meanwhile. */
static bool are_over(const struct engine *engine, unsigned eighths) {
    if (engine->options.read_only) return false;
    const uint64_t count = atomic_load_explicit(&engine->open_files, memory_order_relaxed);
    if (count > tables_most(engine) * eighths / 8) return true;
    return engine->memory.limit > 0 && table_bytes(engine) > engine->memory.limit / TABLE_SHARE * eighths / 8;
}

void tables_note_open(struct engine *engine, struct sst *sst) {
    atomic_fetch_add_explicit(&engine->open_files, 1, memory_order_relaxed);
    memory_add(&engine->memory, ENGINE_MEMORY_TABLES, sst_memory_bytes(sst));
    if (!are_over(engine, 8)) return;
    mutex_lock(&engine->mutex);
    store_job_start(engine, &engine->sweep_job);
    mutex_unlock(&engine->mutex);
}

void tables_close_one(struct engine *engine, struct sst *sst) {
    if (!sst) return;
    atomic_fetch_sub_explicit(&engine->open_files, 1, memory_order_relaxed);
    memory_subtract(&engine->memory, ENGINE_MEMORY_TABLES, sst_memory_bytes(sst));
    sst_close(sst);
}

void tables_pin(struct engine *engine, struct file *file) {
    mutex_lock(&engine->table_lock);
    file->pins++;
    mutex_unlock(&engine->table_lock);
}

void tables_unpin(struct engine *engine, struct file *file) {
    mutex_lock(&engine->table_lock);
    file->pins--;
    mutex_unlock(&engine->table_lock);
}

/* ---- Taking tables from their files ------------------------------------------------------------------------------ */

/* REQUIRES: table_lock. True: its table goes. */
static bool detach(struct engine *engine, struct file *file, struct list *gone) {
    struct sst *sst = atomic_load_explicit(&file->sst, memory_order_relaxed);
    if (!sst || file->pins > 0) return false;
    if (atomic_exchange_explicit(&file->used, false, memory_order_relaxed)) return false;
    struct detached *entry = malloc(sizeof *entry);
    if (!entry) return false;
    *entry = (struct detached){.sst = sst};
    list_push_back(gone, &entry->link);
    atomic_store_explicit(&file->sst, NULL, memory_order_release);
    engine->detached_count++;
    engine->detached_bytes += sst_memory_bytes(sst);
    return true;
}

/* What stays open once the detached ones are closed. */
static bool is_enough(const struct engine *engine) {
    const uint64_t count = atomic_load_explicit(&engine->open_files, memory_order_relaxed) - engine->detached_count;
    const uint64_t bytes = table_bytes(engine) - engine->detached_bytes;
    if (count > tables_most(engine) * TRIM_EIGHTHS / 8) return false;
    return engine->memory.limit == 0 || bytes <= engine->memory.limit / TABLE_SHARE * TRIM_EIGHTHS / 8;
}

/* REQUIRES: table_lock. The hand passes the files from place `from` to before `to` in the version. */
static void go_round(struct engine *engine, const struct version *version, uint64_t from, uint64_t to,
                     struct list *gone) {
    uint64_t place = 0;
    for (size_t t = 0; t < version->count; t++) {
        for (uint32_t i = 0; i < ENGINE_LEVELS; i++) {
            const struct level *level = &version->trees[t]->levels[i];
            for (uint32_t f = 0; f < level->count; f++, place++) {
                if (place < from || place >= to || is_enough(engine)) continue;
                (void)detach(engine, level->files[f], gone);
                engine->table_hand = place + 1;
            }
        }
    }
}

/* Readers that come from now on do not know the tables in `gone`. */
static void publish(struct engine *engine, struct view *view, struct list *gone) {
    struct mem *sealed[VIEW_SEALED_MAX];
    mutex_lock(&engine->mutex);
    for (uint32_t i = 0; i < engine->sealed_count; i++) sealed[i] = engine->sealed[engine->sealed_count - 1 - i];
    view_fill(view, engine->version, engine->active, sealed, engine->sealed_count);
    if (view_publish(&engine->views, view)) store_job_start(engine, &engine->sweep_job);
    for (struct list *link = gone->next; link != gone; link = link->next)
        list_entry(link, struct detached, link)->view = view->number;
    mutex_unlock(&engine->mutex);
}

static void trim(struct engine *engine) {
    struct list gone;
    list_init(&gone);
    struct view *fresh = view_reserve(&engine->views);
    if (!fresh) return;
    struct view *view = view_acquire(&engine->views);
    mutex_lock(&engine->table_lock);
    for (int round = 0; round < ROUNDS_MAX && !is_enough(engine); round++) {
        const uint64_t hand = engine->table_hand;
        go_round(engine, view->version, hand, UINT64_MAX, &gone);
        go_round(engine, view->version, 0, hand, &gone);
    }
    mutex_unlock(&engine->table_lock);
    if (list_is_empty(&gone))
        view_discard(&engine->views, fresh);
    else
        publish(engine, fresh, &gone);
    store_release_view(engine, view);
    for (struct list *link = list_pop_front(&gone); link; link = list_pop_front(&gone))
        list_push_back(&engine->detached, link);
}

/* ---- Closing them ------------------------------------------------------------------------------------------------ */

static void close_before(struct engine *engine, uint64_t view) {
    for (struct list *link = engine->detached.next, *next; link != &engine->detached; link = next) {
        next = link->next;
        struct detached *entry = list_entry(link, struct detached, link);
        if (entry->view > view) continue;
        list_remove(link);
        mutex_lock(&engine->table_lock);
        engine->detached_count--;
        engine->detached_bytes -= sst_memory_bytes(entry->sst);
        mutex_unlock(&engine->table_lock);
        tables_close_one(engine, entry->sst);
        free(entry);
    }
}

void tables_sweep(struct engine *engine) {
    if (!list_is_empty(&engine->detached)) close_before(engine, view_oldest(&engine->views));
    if (!are_over(engine, 8)) return;
    trim(engine);
    close_before(engine, view_oldest(&engine->views));
}

void tables_close_all(struct engine *engine) {
    close_before(engine, UINT64_MAX);
}
