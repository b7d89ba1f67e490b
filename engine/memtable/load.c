/*
 * load: runs of entries, one for each tree. Invariant: the entries that wait for a tree are newer than those that are
 * linked in it, and stand in the order of their sequences. An append, which goes by the version before it, waits for
 * nobody: what waits for its tree is linked first.
 */
#include "engine/memtable/load.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/page_pool.h"
#include "engine/base/pages.h"
#include "engine/engine.h"
#include "engine/memtable/entry_sort.h"
#include "engine/memtable/memtable_internal.h"

enum {
    ITEMS_FIRST = 64,
    LINK_BYTES = 24,     /* of inner nodes, about, that an entry's linking takes */
    ITEMS_GROWTH = 8,    /* of an array: what is not written to takes addresses, no memory */
    HALVES_LEAST = 4096, /* entries: fewer are linked before another thread has woken up */
};

struct load_run {
    struct load_run *next;
    struct memtable_tree *tree;
    struct entry_item *items; /* owned */
    size_t count, room;
};

void memtable_load_begin(struct memtable_load *load, struct memtable *memtable) {
    *load = (struct memtable_load){.memtable = memtable};
}

/* The run of the tree, made if absent; NULL when out of memory. */
static struct load_run *run_of(struct memtable_load *load, uint32_t number) {
    if (load->latest && load->latest->tree->tree == number) return load->latest;
    struct memtable_tree *tree = memtable_tree_make(load->memtable, number);
    if (!tree) return NULL;
    if (!tree->waiting) {
        struct load_run *run = calloc(1, sizeof *run);
        if (!run) return NULL;
        run->tree = tree;
        run->next = load->runs;
        load->runs = tree->waiting = run;
    }
    load->latest = tree->waiting;
    return load->latest;
}

/* Who takes pages for the tree's nodes may have those of the items. */
static void give_items(struct memtable *memtable, struct entry_item *items, size_t room, size_t used) {
    page_pool_give_room(memtable->arena.pool, items, room * sizeof *items, used * sizeof *items);
}

static enum status make_room(struct memtable *memtable, struct load_run *run) {
    if (run->count < run->room) return STATUS_OK;
    const size_t more = run->room ? run->room * ITEMS_GROWTH : ITEMS_FIRST;
    struct entry_item *grown = pages_room_alloc(more * sizeof *grown); /* a sort goes over it in no order */
    if (!grown) return STATUS_NO_MEMORY;
    if (run->count) memcpy(grown, run->items, run->count * sizeof *grown);
    give_items(memtable, run->items, run->room, run->count);
    run->items = grown;
    run->room = more;
    return STATUS_OK;
}

/* ---- Linking ----------------------------------------------------------------------------------------------------- */

/* Two parts of a run, each picked, sorted and linked by itself; the second's inner nodes lie aside until then. */
struct halves {
    const struct entry_item *all;
    size_t count;
    struct entry_cut cut;
    struct entry_item *items, *temp;
    size_t begin[3]; /* of each, and their end */
    struct arena *arenas[2];
    struct entry_part parts[2];
};

static enum status pick_half(void *context, size_t at) {
    struct halves *halves = context;
    entry_sort_pick(halves->all, halves->count, &halves->cut, at, halves->items + halves->begin[at]);
    return STATUS_OK;
}

static enum status sort_half(void *context, size_t at) {
    struct halves *halves = context;
    const size_t begin = halves->begin[at], count = halves->begin[at + 1] - begin;
    entry_sort(halves->items + begin, halves->temp + begin, count);
    return STATUS_OK;
}

static enum status link_half(void *context, size_t at) {
    struct halves *halves = context;
    const size_t begin = halves->begin[at], count = halves->begin[at + 1] - begin;
    entry_part_fill(&halves->parts[at], halves->arenas[at], halves->items + begin, count);
    return STATUS_OK;
}

/* `picked`: room for them all. It becomes the run's; that of before serves the tree. */
static bool link_halves(struct memtable *memtable, struct load_run *run, struct entry_item *picked,
                        const struct entry_cut *cut, const struct memtable_load_team *team) {
    struct arena aside;
    struct halves halves = {.all = run->items,
                            .count = run->count,
                            .cut = *cut,
                            .items = picked,
                            .temp = run->items, /* once all are picked */
                            .begin = {0, cut->first, run->count},
                            .arenas = {&memtable->arena, &aside}};
    arena_init_like(&aside, &memtable->arena);
    team->run(team->user, 2, pick_half, &halves);
    team->run(team->user, 2, sort_half, &halves);
    give_items(memtable, run->items, run->room, run->count);
    run->items = picked;
    run->room = run->count;
    team->run(team->user, 2, link_half, &halves);
    const bool linked = entry_list_join(&run->tree->list, &halves.parts[0], &halves.parts[1]);
    arena_join(&memtable->arena, &aside);
    return linked;
}

/* `temp`: as above; it is given away. */
static bool link_all(struct memtable *memtable, struct load_run *run, struct entry_item *temp,
                     const struct memtable_load_team *team) {
    struct entry_list *list = &run->tree->list;
    struct entry_cut cut;
    if (team && run->count >= HALVES_LEAST && radix_is_empty(&list->radix) &&
        entry_sort_cut(run->items, run->count, &cut))
        return link_halves(memtable, run, temp, &cut, team);
    entry_sort(run->items, temp, run->count);
    give_items(memtable, temp, run->count, run->count);
    return entry_list_link_all(list, &memtable->arena, run->items, run->count);
}

static enum status link_run(struct memtable_load *load, struct load_run *run, const struct memtable_load_team *team) {
    if (run->count == 0) return STATUS_OK;
    struct entry_item *temp = pages_room_alloc(run->count * sizeof *temp);
    if (!temp || !link_all(load->memtable, run, temp, team)) return STATUS_NO_MEMORY;
    load->waiting -= run->count;
    run->count = 0;
    return STATUS_OK;
}

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

/* Set aside, but already counted. */
static enum status set_aside(struct memtable_load *load, struct load_run *run, uint64_t trailer, struct slice key,
                             struct slice value) {
    struct memtable *memtable = load->memtable;
    enum status status = make_room(memtable, run);
    if (status == STATUS_OK)
        status = key_filter_add(&memtable->filter, memtable_filter_hash(run->tree->tree, entry_key_hash(key)));
    if (status != STATUS_OK) return status;
    const struct memtable_target target = memtable_target(key, trailer);
    struct memtable_node *node = entry_list_node_create(&memtable->arena, &target, value);
    if (!node) return STATUS_NO_MEMORY;
    run->items[run->count++] = (struct entry_item){.head = target.head, .node = node};
    load->waiting++;
    memtable_account(memtable);
    memtable_note_sequence(memtable, entry_sequence(trailer));
    memtable_note_entry(memtable);
    return STATUS_OK;
}

enum status memtable_load_add(struct memtable_load *load, uint32_t number, enum entry_kind kind, uint64_t sequence,
                              struct slice key, struct slice value) {
    check(key.size <= ENGINE_KEY_MAX_BYTES && value.size <= ENGINE_VALUE_MAX_BYTES && sequence <= ENTRY_SEQUENCE_MAX);
    if (kind == ENTRY_RANGE_DELETE) return memtable_add(load->memtable, number, kind, sequence, key, value);
    struct load_run *run = run_of(load, number);
    if (!run) return STATUS_NO_MEMORY;
    if (kind != ENTRY_APPEND) return set_aside(load, run, entry_trailer(sequence, kind), key, value);
    const enum status status = link_run(load, run, NULL);
    return status == STATUS_OK ? memtable_add(load->memtable, number, kind, sequence, key, value) : status;
}

enum status memtable_load_link(struct memtable_load *load, const struct memtable_load_team *team) {
    enum status status = STATUS_OK;
    for (struct load_run *run = load->runs; run && status == STATUS_OK; run = run->next)
        status = link_run(load, run, team);
    memtable_settle(load->memtable);
    memtable_account(load->memtable);
    return status;
}

void memtable_load_end(struct memtable_load *load) {
    while (load->runs) {
        struct load_run *run = load->runs;
        load->runs = run->next;
        run->tree->waiting = NULL;
        give_items(load->memtable, run->items, run->room, run->count);
        free(run);
    }
    load->waiting = 0;
    load->latest = NULL;
}

size_t memtable_load_bytes(const struct memtable_load *load) {
    return memtable_bytes(load->memtable) + load->waiting * LINK_BYTES;
}
