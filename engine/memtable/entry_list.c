/*
 * entry_list: searching, linking, taking out. Invariant: following next from the head visits all linked nodes in order;
 * prev leads to a node before, which is the nearest one once the writer has done with it.
 */
#include "engine/memtable/entry_list.h"

#include "engine/base/check.h"
#include "engine/memtable/radix_build.h"

enum { AHEAD = 8 /* nodes between the one that is linked and the one that is fetched */ };

static bool node_is_before(const struct memtable_node *node, const struct memtable_target *target) {
    const uint64_t head = memtable_node_head(node);
    if (head != target->head) return head < target->head;
    int order = slice_compare(memtable_node_key(node), target->key.key);
    return order != 0 ? order < 0 : node->trailer > target->key.trailer;
}

/* Whether the node that follows is before the target; *next = that node. */
static bool next_is_before(const struct memtable_node *node, const struct memtable_target *target,
                           struct memtable_node **next) {
    *next = entry_list_next(node);
    if (!*next || atomic_load_explicit(&node->next_head, memory_order_relaxed) > target->head) return false;
    return node_is_before(*next, target);
}

/* Head before target: see the header's opening. */
static void set_next(struct memtable_node *node, struct memtable_node *next, uint64_t head) {
    atomic_store_explicit(&node->next_head, head, memory_order_relaxed);
    atomic_store_explicit(&node->next, next, memory_order_release);
}

/* An unlinked node, with so much room behind its fields. */
static inline struct memtable_node *node_alloc(struct arena *arena, size_t room) {
    struct memtable_node *node = arena_alloc(arena, offsetof(struct memtable_node, bytes) + room, 8);
    if (!node) return NULL;
    atomic_init(&node->next, NULL);
    atomic_init(&node->next_head, UINT64_MAX);
    atomic_init(&node->prev, NULL);
    return node;
}

bool entry_list_init(struct entry_list *list, struct arena *arena) {
    *list = (struct entry_list){.head = node_alloc(arena, 0)};
    radix_init(&list->radix);
    return list->head != NULL;
}

struct memtable_node *entry_list_node_create(struct arena *arena, const struct memtable_target *target,
                                             struct slice value) {
    const struct slice key = target->key.key;
    const size_t key_room = memtable_key_room(key.size);
    struct memtable_node *node = node_alloc(arena, key_room + value.size);
    if (!node) return NULL;
    node->trailer = target->key.trailer;
    atomic_init(&node->value, (uintptr_t)value.size << 1 | 1);
    node->key_size = (uint32_t)key.size;
    coding_put_key_u64(node->bytes, target->head);
    if (key.size > MEMTABLE_HEAD_BYTES) memcpy(node->bytes, key.data, key.size);
    if (value.size) memcpy(node->bytes + key_room, value.data, value.size);
    arena_prefetch(arena); /* another one comes before long */
    return node;
}

/* From a neighbour to the last node before the target, the list's head if there is none; *next = the one behind it. */
static struct memtable_node *walk(const struct entry_list *list, struct memtable_node *at,
                                  const struct memtable_target *target, struct memtable_node **next) {
    while (at != list->head && !node_is_before(at, target)) at = atomic_load_explicit(&at->prev, memory_order_acquire);
    while (next_is_before(at, target, next)) at = *next;
    return at;
}

static struct memtable_node *search(const struct entry_list *list, const struct memtable_target *target,
                                    struct memtable_node **next, struct radix_place *place) {
    struct memtable_node *near = radix_find(&list->radix, &target->key, place);
    return walk(list, near ? near : list->head, target, next);
}

void entry_list_find_place(struct entry_list *list, const struct memtable_target *target, struct entry_place *place) {
    struct memtable_node *next;
    place->before = list->latest;
    place->found = false;
    /* Right behind the latest one: keys in order need no search. */
    if (list->latest && node_is_before(list->latest, target) && !next_is_before(list->latest, target, &next)) return;
    place->before = search(list, target, &next, &place->radix);
    place->found = true;
}

bool entry_list_link(struct entry_list *list, struct arena *arena, struct memtable_node *node,
                     const struct entry_place *place) {
    struct memtable_node *before = place->before, *next = entry_list_next(before);
    set_next(node, next, atomic_load_explicit(&before->next_head, memory_order_relaxed));
    atomic_store_explicit(&node->prev, before, memory_order_relaxed);
    /* First the tree, which may fail. A reader that comes by it before the node is linked finds what is around. */
    if (!radix_add(&list->radix, arena, place->found ? &place->radix : NULL, node)) return false;
    set_next(before, node, memtable_node_head(node));
    if (next) atomic_store_explicit(&next->prev, node, memory_order_release);
    list->latest = node;
    return true;
}

static void fetch_ahead(const struct entry_item *items, size_t count, size_t at) {
    if (at + AHEAD >= count) return;
    const char *memory = (const char *)items[at + AHEAD].node;
    __builtin_prefetch(memory, 1);
    __builtin_prefetch(memory + 64);
}

/* `after` follows `before`. */
static void join_nodes(struct memtable_node *before, struct memtable_node *after, uint64_t head) {
    atomic_store_explicit(&after->prev, before, memory_order_relaxed);
    set_next(before, after, head);
}

void entry_part_fill(struct entry_part *part, struct arena *arena, const struct entry_item *items, size_t count) {
    *part = (struct entry_part){.first = items[0].node, .last = items[count - 1].node};
    radix_build_begin(&part->build, arena);
    for (size_t i = 0; i < count; i++) {
        fetch_ahead(items, count, i);
        if (i > 0) join_nodes(items[i - 1].node, items[i].node, items[i].head);
        radix_build_add(&part->build, items[i].node);
    }
}

bool entry_list_join(struct entry_list *list, struct entry_part *first, struct entry_part *second) {
    join_nodes(list->head, first->first, memtable_node_head(first->first));
    join_nodes(first->last, second->first, memtable_node_head(second->first));
    list->latest = second->last;
    radix_build_join(&first->build, &second->build);
    return radix_build_end(&first->build, &list->radix);
}

static bool fill(struct entry_list *list, struct arena *arena, const struct entry_item *items, size_t count) {
    struct entry_part part;
    if (count == 0) return true;
    entry_part_fill(&part, arena, items, count);
    join_nodes(list->head, part.first, items[0].head);
    list->latest = part.last;
    return radix_build_end(&part.build, &list->radix);
}

bool entry_list_link_all(struct entry_list *list, struct arena *arena, const struct entry_item *items, size_t count) {
    if (radix_is_empty(&list->radix)) return fill(list, arena, items, count);
    bool linked = true;
    for (size_t i = 0; i < count && linked; i++) {
        struct memtable_node *node = items[i].node;
        const struct memtable_target target = memtable_target(memtable_node_key(node), node->trailer);
        struct entry_place place;
        fetch_ahead(items, count, i);
        entry_list_find_place(list, &target, &place);
        linked = entry_list_link(list, arena, node, &place);
    }
    return linked;
}

void entry_list_unlink(struct entry_list *list, struct memtable_node *before) {
    struct memtable_node *node = entry_list_next(before), *next = entry_list_next(node);
    radix_remove(&list->radix, node);
    set_next(before, next, atomic_load_explicit(&node->next_head, memory_order_relaxed));
    if (next) atomic_store_explicit(&next->prev, before, memory_order_release);
    list->latest = NULL;
}

void entry_list_touch(const struct entry_list *list, const struct memtable_target *targets, size_t count) {
    struct radix_stroll strolls[ENTRY_LIST_TOUCH_MAX];
    check(count <= ENTRY_LIST_TOUCH_MAX);
    for (size_t i = 0; i < count; i++) radix_stroll_begin(&list->radix, &targets[i].key, &strolls[i]);
    while (count > 0) {
        for (size_t i = 0; i < count;) {
            if (radix_stroll_step(&strolls[i]))
                i++;
            else
                strolls[i] = strolls[--count];
        }
    }
}

struct memtable_node *entry_list_seek(const struct entry_list *list, const struct memtable_target *target) {
    struct memtable_node *next;
    search(list, target, &next, NULL);
    return next;
}

struct memtable_node *entry_list_seek_before(const struct entry_list *list, const struct memtable_target *target) {
    struct memtable_node *next;
    struct memtable_node *at = search(list, target, &next, NULL);
    return at == list->head ? NULL : at;
}

struct memtable_node *entry_list_last(const struct entry_list *list) {
    /* Behind every key that there can be, or near it; then the list tells. */
    static const uint8_t highest[64] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    const struct radix_key key = {.key = slice_make(highest, sizeof highest)};
    struct memtable_node *at = radix_find(&list->radix, &key, NULL);
    if (!at) at = list->head;
    for (struct memtable_node *next; (next = entry_list_next(at));) at = next;
    return at == list->head ? NULL : at;
}
