/* view: split reference counts over a table of slots. Invariant: a view's slot is given away only after its last
 * release. */
#include "engine/lsm/view.h"

#include <stdlib.h>

#include "engine/base/check.h"

#define COUNT_MASK ((UINT64_C(1) << 48) - 1)
#define VIEW_NONE UINT64_MAX

void view_table_init(struct view_table *table) {
    *table = (struct view_table){.next_number = 1};
    atomic_init(&table->current, VIEW_NONE);
    mutex_init(&table->mutex);
    list_init(&table->alive);
    list_init(&table->dead);
}

static struct view *view_in_slot(const struct view_table *table, uint64_t slot) {
    const struct view_chunk *chunk = atomic_load_explicit(&table->chunks[slot / VIEW_CHUNK], memory_order_acquire);
    return atomic_load_explicit(&chunk->views[slot % VIEW_CHUNK], memory_order_acquire);
}

struct view *view_present(const struct view_table *table) {
    const uint64_t word = atomic_load_explicit(&table->current, memory_order_acquire);
    return word == VIEW_NONE ? NULL : view_in_slot(table, word >> 48);
}

/* REQUIRES: table->mutex. Room on the free list is made when a slot is taken, so that giving it back can't fail. */
static bool take_slot(struct view_table *table, uint32_t *slot) {
    if (table->free_count > 0) {
        *slot = table->free_slots[--table->free_count];
        return true;
    }
    if (table->slots_used == (1u << VIEW_SLOT_BITS) - 1) return false;
    if (table->slots_used == table->free_capacity) {
        const uint32_t more = table->free_capacity ? table->free_capacity * 2 : 64;
        uint32_t *grown = realloc(table->free_slots, more * sizeof *grown);
        if (!grown) return false;
        table->free_slots = grown;
        table->free_capacity = more;
    }
    _Atomic(struct view_chunk *) *chunk = &table->chunks[table->slots_used / VIEW_CHUNK];
    if (!atomic_load_explicit(chunk, memory_order_relaxed)) {
        struct view_chunk *made = calloc(1, sizeof *made);
        if (!made) return false;
        atomic_store_explicit(chunk, made, memory_order_release);
    }
    *slot = table->slots_used++;
    return true;
}

struct view *view_reserve(struct view_table *table) {
    struct view *view = calloc(1, sizeof *view);
    if (!view) return NULL;
    list_init(&view->link);
    mutex_lock(&table->mutex);
    const bool taken = take_slot(table, &view->slot);
    mutex_unlock(&table->mutex);
    if (taken) return view;
    free(view);
    return NULL;
}

void view_fill(struct view *view, struct version *version, struct mem *active, struct mem *const *sealed,
               uint32_t sealed_count) {
    check(sealed_count <= VIEW_SEALED_MAX);
    view->version = version;
    version_acquire(version);
    view->active = active;
    mem_acquire(active);
    for (uint32_t i = 0; i < sealed_count; i++) {
        view->sealed[i] = sealed[i];
        mem_acquire(sealed[i]);
    }
    view->sealed_count = sealed_count;
}

static void free_view(struct view_table *table, struct view *view) {
    version_release(view->version);
    mem_release(view->active);
    for (uint32_t i = 0; i < view->sealed_count; i++) mem_release(view->sealed[i]);
    mutex_lock(&table->mutex);
    table->free_slots[table->free_count++] = view->slot;
    mutex_unlock(&table->mutex);
    free(view);
}

void view_discard(struct view_table *table, struct view *view) {
    if (view) free_view(table, view);
}

static void die(struct view_table *table, struct view *view) {
    mutex_lock(&table->mutex);
    list_remove(&view->link);
    list_push_back(&table->dead, &view->link);
    mutex_unlock(&table->mutex);
}

/* The view that `word` named is no longer present: adds the acquisitions that the word counted. */
static bool settle(struct view_table *table, uint64_t word) {
    if (word == VIEW_NONE) return false;
    struct view *view = view_in_slot(table, word >> 48);
    const int64_t acquired = (int64_t)(word & COUNT_MASK);
    if (atomic_fetch_add_explicit(&view->references, acquired, memory_order_acq_rel) + acquired != 0) return false;
    die(table, view);
    return true;
}

bool view_publish(struct view_table *table, struct view *view) {
    mutex_lock(&table->mutex);
    view->number = table->next_number++;
    list_push_back(&table->alive, &view->link);
    mutex_unlock(&table->mutex);
    _Atomic(struct view *) *slot = &atomic_load_explicit(&table->chunks[view->slot / VIEW_CHUNK], memory_order_relaxed)
                                        ->views[view->slot % VIEW_CHUNK];
    atomic_store_explicit(slot, view, memory_order_release);
    const uint64_t before = atomic_exchange_explicit(&table->current, (uint64_t)view->slot << 48, memory_order_acq_rel);
    return settle(table, before);
}

struct view *view_acquire(struct view_table *table) {
    const uint64_t word = atomic_fetch_add_explicit(&table->current, 1, memory_order_acq_rel);
    return view_in_slot(table, word >> 48);
}

bool view_is_present(const struct view_table *table, const struct view *view) {
    return atomic_load_explicit(&table->current, memory_order_acquire) >> 48 == view->slot;
}

/* While a view is present its count is 0 or below, so that no release of it is taken for the last. */
bool view_release(struct view_table *table, struct view *view) {
    if (atomic_fetch_sub_explicit(&view->references, 1, memory_order_acq_rel) != 1) return false;
    die(table, view);
    return true;
}

void view_bury(struct view_table *table) {
    for (;;) {
        mutex_lock(&table->mutex);
        struct list *link = list_pop_front(&table->dead);
        mutex_unlock(&table->mutex);
        if (!link) return;
        free_view(table, list_entry(link, struct view, link));
    }
}

uint64_t view_oldest(struct view_table *table) {
    mutex_lock(&table->mutex);
    const uint64_t number =
        list_is_empty(&table->alive) ? UINT64_MAX : list_entry(table->alive.next, struct view, link)->number;
    mutex_unlock(&table->mutex);
    return number;
}

void view_table_deinit(struct view_table *table) {
    settle(table, atomic_exchange(&table->current, VIEW_NONE));
    view_bury(table);
    check(list_is_empty(&table->alive));
    for (uint32_t i = 0; i < VIEW_CHUNKS; i++) free(atomic_load(&table->chunks[i]));
    free(table->free_slots);
    mutex_deinit(&table->mutex);
}
