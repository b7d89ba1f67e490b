/*
 * skiplist: searching, linking, taking out. Invariant: what a level's edges visit is a part of what the level below
 * visits, in order.
 */
#include "engine/memtable/skiplist.h"

#include "engine/base/check.h"

static struct memtable_edge *edge_of(struct memtable_node *node, unsigned level) {
    return (struct memtable_edge *)(void *)node - 1 - level;
}

static struct memtable_node *edge_to(const struct memtable_node *node, unsigned level) {
    return atomic_load_explicit(&memtable_node_edge(node, level)->to, memory_order_acquire);
}

static uint64_t edge_head(const struct memtable_node *node, unsigned level) {
    return atomic_load_explicit(&memtable_node_edge(node, level)->head, memory_order_relaxed);
}

/* Head before target: see the header's opening. */
static void edge_set(struct memtable_node *node, unsigned level, struct memtable_node *to, uint64_t head) {
    atomic_store_explicit(&edge_of(node, level)->head, head, memory_order_relaxed);
    atomic_store_explicit(&edge_of(node, level)->to, to, memory_order_release);
}

static bool node_is_before(const struct memtable_node *node, const struct memtable_target *target) {
    if (node->head != target->head) return node->head < target->head;
    int order = slice_compare(memtable_node_key(node), target->key);
    return order != 0 ? order < 0 : node->trailer > target->trailer;
}

static struct memtable_node *node_alloc(struct arena *arena, unsigned height, size_t payload) {
    size_t edges = height * sizeof(struct memtable_edge);
    uint8_t *bytes = arena_alloc(arena, edges + sizeof(struct memtable_node) + payload, 8);
    if (!bytes) return NULL;
    struct memtable_node *node = (struct memtable_node *)(void *)(bytes + edges);
    *node = (struct memtable_node){.height = height & 0xf};
    for (unsigned i = 0; i < height; i++) {
        atomic_init(&edge_of(node, i)->to, NULL);
        atomic_init(&edge_of(node, i)->head, UINT64_MAX);
    }
    return node;
}

bool skiplist_init(struct skiplist *list, struct arena *arena) {
    *list = (struct skiplist){.head = node_alloc(arena, SKIPLIST_HEIGHT, 0)};
    atomic_init(&list->height, 1);
    return list->head != NULL;
}

struct memtable_node *skiplist_node_create(struct prng *prng, struct arena *arena, const struct memtable_target *target,
                                           struct slice value) {
    unsigned height = 1;
    for (uint64_t bits = prng_next(prng); (bits & 3) == 0 && height < SKIPLIST_HEIGHT; bits >>= 2) height++;
    struct memtable_node *node = node_alloc(arena, height, target->key.size + value.size);
    if (!node) return NULL;
    node->head = target->head;
    node->trailer = target->trailer;
    node->key_size = (uint32_t)target->key.size;
    node->value_size = (uint32_t)value.size & 0xfffffff;
    if (target->key.size) memcpy(node->bytes, target->key.data, target->key.size);
    if (value.size) memcpy(node->bytes + target->key.size, value.data, value.size);
    return node;
}

/* True if the target belongs right behind the latest insert: then finger[] is what a search would find. */
static bool finger_fits(const struct skiplist *list, const struct memtable_target *target) {
    const struct memtable_node *finger = list->finger[0];
    if (!finger || !node_is_before(finger, target)) return false;
    const struct memtable_node *next = edge_to(finger, 0);
    return !next || !node_is_before(next, target);
}

void skiplist_find_before(struct skiplist *list, const struct memtable_target *target,
                          struct memtable_node *before[SKIPLIST_HEIGHT]) {
    if (finger_fits(list, target)) {
        memcpy(before, list->finger, sizeof list->finger);
        return;
    }
    unsigned level = atomic_load_explicit(&list->height, memory_order_relaxed);
    for (unsigned i = level; i < SKIPLIST_HEIGHT; i++) before[i] = list->head;
    struct memtable_node *at = list->head;
    const struct memtable_node *beyond = NULL;
    while (level-- > 0) {
        struct memtable_node *to = edge_to(at, level);
        while (to != beyond && edge_head(at, level) <= target->head && node_is_before(to, target)) {
            at = to;
            to = edge_to(at, level);
        }
        beyond = to;
        before[level] = at;
    }
}

void skiplist_link(struct skiplist *list, struct memtable_node *node, struct memtable_node *before[SKIPLIST_HEIGHT]) {
    if (node->height > atomic_load_explicit(&list->height, memory_order_relaxed)) {
        atomic_store_explicit(&list->height, node->height,
                              memory_order_relaxed); /* too early or too late: both find the way */
    }
    struct memtable_node *next = edge_to(before[0], 0);
    atomic_store_explicit(&node->prev, before[0], memory_order_relaxed);
    for (unsigned i = 0; i < node->height; i++) {
        struct memtable_node *to = edge_to(before[i], i);
        edge_set(node, i, to, edge_head(before[i], i));
        edge_set(before[i], i, node, node->head);
    }
    if (next) atomic_store_explicit(&next->prev, node, memory_order_release);
    for (unsigned i = 0; i < SKIPLIST_HEIGHT; i++) list->finger[i] = i < node->height ? node : before[i];
}

void skiplist_unlink(struct skiplist *list, struct memtable_node *node, struct memtable_node *before[SKIPLIST_HEIGHT]) {
    for (unsigned i = 0; i < node->height; i++) {
        check(edge_to(before[i], i) == node);
        edge_set(before[i], i, edge_to(node, i), edge_head(node, i));
    }
    struct memtable_node *next = edge_to(node, 0);
    if (next) atomic_store_explicit(&next->prev, before[0], memory_order_release);
    list->finger[0] = NULL;
}

/* The last node before the target, the list's head if there is none; *next = the one behind it. */
static struct memtable_node *search(const struct skiplist *list, const struct memtable_target *target,
                                    struct memtable_node **next) {
    unsigned level = atomic_load_explicit(&list->height, memory_order_relaxed);
    struct memtable_node *at = list->head;
    struct memtable_node *beyond = NULL;
    while (level-- > 0) {
        struct memtable_node *to = edge_to(at, level);
        while (to != beyond && edge_head(at, level) <= target->head && node_is_before(to, target)) {
            at = to;
            to = edge_to(at, level);
        }
        beyond = to;
    }
    *next = beyond;
    return at;
}

/* One of several searches that go on side by side. */
struct stroll {
    const struct memtable_target *target;
    struct memtable_node *at;
    struct memtable_node *to; /* asked for, not looked at yet; NULL = nothing is to be looked at on this level */
    unsigned level;
};

static void stroll_ask(struct stroll *stroll) {
    const bool overshoots = edge_head(stroll->at, stroll->level) > stroll->target->head;
    stroll->to = overshoots ? NULL : edge_to(stroll->at, stroll->level);
    if (!stroll->to) return;
    __builtin_prefetch(stroll->to);
    __builtin_prefetch((const char *)stroll->to - 64); /* the edges of its lower levels */
}

/* False when it has arrived. */
static bool stroll_step(struct stroll *stroll) {
    if (stroll->to && node_is_before(stroll->to, stroll->target))
        stroll->at = stroll->to;
    else if (stroll->level-- == 0)
        return false;
    stroll_ask(stroll);
    return true;
}

void skiplist_touch(const struct skiplist *list, const struct memtable_target *targets, size_t count) {
    struct stroll strolls[SKIPLIST_TOUCH_MAX];
    check(count <= SKIPLIST_TOUCH_MAX);
    const unsigned top = atomic_load_explicit(&list->height, memory_order_relaxed) - 1;
    for (size_t i = 0; i < count; i++) {
        strolls[i] = (struct stroll){.target = &targets[i], .at = list->head, .level = top};
        stroll_ask(&strolls[i]);
    }
    while (count > 0) {
        for (size_t i = 0; i < count;) {
            if (stroll_step(&strolls[i]))
                i++;
            else
                strolls[i] = strolls[--count];
        }
    }
}

struct memtable_node *skiplist_seek(const struct skiplist *list, const struct memtable_target *target) {
    struct memtable_node *next;
    search(list, target, &next);
    return next;
}

struct memtable_node *skiplist_seek_before(const struct skiplist *list, const struct memtable_target *target) {
    struct memtable_node *next;
    struct memtable_node *at = search(list, target, &next);
    return at == list->head ? NULL : at;
}

struct memtable_node *skiplist_last(const struct skiplist *list) {
    struct memtable_node *at = list->head;
    for (unsigned level = atomic_load_explicit(&list->height, memory_order_relaxed); level-- > 0;) {
        for (struct memtable_node *to = edge_to(at, level); to; to = edge_to(at, level)) at = to;
    }
    return at == list->head ? NULL : at;
}
