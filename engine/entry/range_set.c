/*
 * range_set: an interval skip list over the boundaries of range tombstones (Hanson, "The interval skip list", 1991).
 *
 * A node stands for a boundary (tree, key). Edge l of a node leads to the next node of height > l and carries the stack
 * of sequences that cover everything from the node up to there. Invariant: for every key, the union of the stacks on
 * the edges above it (one per level, from the last node <= key on that level) is the set of tombstones that cover it.
 *
 * A new boundary splits one edge per level; both halves inherit its stack, which is shared, as stacks are persistent. A
 * reader that meets a half-made insert sees either the old edge or its halves, with equal answers for every snapshot
 * below the sequence being added.
 */
#include "engine/entry/range_set.h"

#include "engine/base/check.h"

/* One sequence on an edge and what lies below it. jump skips ahead so that any depth is reached in O(log n) (Myers, "An
 * applicative random-access stack", 1983). */
struct range_stack {
    uint64_t sequence;
    const struct range_stack *below;
    const struct range_stack *jump;
    uint32_t depth; /* 1 at the bottom */
};

struct range_edge {
    struct range_node *_Atomic to; /* NULL = the end of everything */
    const struct range_stack *_Atomic stack;
};

/* A tombstone that begins at a node; newest first. */
struct range_begin {
    uint64_t sequence;
    const struct range_node *end;
    struct range_begin *older;
};

struct range_node {
    struct slice key;
    uint32_t tree;
    uint32_t height;
    struct range_begin *_Atomic begins;
    struct range_edge edges[];
};

void range_set_init(struct range_set *set, struct arena *arena, uint64_t seed) {
    *set = (struct range_set){.arena = arena};
    atomic_init(&set->count, 0);
    prng_init(&set->prng, seed);
}

static int boundary_compare(const struct range_node *node, uint32_t tree, struct slice key) {
    if (node->tree != tree) return node->tree < tree ? -1 : 1;
    return slice_compare(node->key, key);
}

static struct range_node *edge_to(const struct range_node *node, unsigned level) {
    return atomic_load_explicit(&node->edges[level].to, memory_order_acquire);
}

static const struct range_stack *edge_stack(const struct range_node *node, unsigned level) {
    return atomic_load_explicit(&node->edges[level].stack, memory_order_acquire);
}

/* ---- Stacks ------------------------------------------------------------------------------------------------------ */

/* What lies on the stack at or below snapshot; 0 = nothing. */
static uint64_t stack_find(const struct range_stack *stack, uint64_t snapshot) {
    while (stack && stack->sequence > snapshot) {
        stack = stack->jump && stack->jump->sequence > snapshot ? stack->jump : stack->below;
    }
    return stack ? stack->sequence : 0;
}

static void stack_place(struct range_stack *top, const struct range_stack *below, uint64_t sequence) {
    *top = (struct range_stack){
        .sequence = sequence, .below = below, .jump = below, .depth = below ? below->depth + 1 : 1};
    if (!below || !below->jump) return;
    const struct range_stack *jump = below->jump;
    uint32_t jump_depth = jump->jump ? jump->jump->depth : 0;
    if (below->depth - jump->depth == jump->depth - jump_depth) top->jump = jump->jump;
}

/* ---- Boundaries -------------------------------------------------------------------------------------------------- */

static struct range_node *node_create(struct range_set *set, uint32_t tree, struct slice key, unsigned height) {
    struct range_node *node = arena_alloc(set->arena, sizeof *node + height * sizeof(struct range_edge), 8);
    uint8_t *copy = node ? arena_copy(set->arena, key.data, key.size) : NULL;
    if (!copy) return NULL;
    *node = (struct range_node){.key = slice_make(copy, key.size), .tree = tree, .height = height};
    atomic_init(&node->begins, NULL);
    for (unsigned i = 0; i < height; i++) {
        atomic_init(&node->edges[i].to, NULL);
        atomic_init(&node->edges[i].stack, NULL);
    }
    return node;
}

/* The last node before (tree, key) on every level; returns the node that is equal to it, or NULL. */
static struct range_node *boundary_find(struct range_set *set, uint32_t tree, struct slice key,
                                        struct range_node *before[RANGE_SET_HEIGHT]) {
    struct range_node *at = set->head;
    struct range_node *next = NULL;
    for (unsigned level = RANGE_SET_HEIGHT; level-- > 0;) {
        for (next = edge_to(at, level); next && boundary_compare(next, tree, key) < 0; next = edge_to(at, level))
            at = next;
        before[level] = at;
    }
    return next && boundary_compare(next, tree, key) == 0 ? next : NULL;
}

/* The node of this boundary, made if absent. A new one changes no answer. NULL when out of memory. */
static struct range_node *boundary_make(struct range_set *set, uint32_t tree, struct slice key) {
    struct range_node *before[RANGE_SET_HEIGHT];
    struct range_node *node = boundary_find(set, tree, key, before);
    if (node) return node;
    unsigned height = 1;
    while (height < RANGE_SET_HEIGHT && prng_chance(&set->prng, 1, 4)) height++;
    node = node_create(set, tree, key, height);
    if (!node) return NULL;
    for (unsigned i = 0; i < height; i++) {
        atomic_store_explicit(&node->edges[i].to, edge_to(before[i], i), memory_order_relaxed);
        atomic_store_explicit(&node->edges[i].stack, edge_stack(before[i], i), memory_order_relaxed);
        atomic_store_explicit(&before[i]->edges[i].to, node, memory_order_release);
    }
    return node;
}

/* ---- Tombstones -------------------------------------------------------------------------------------------------- */

/*
 * The edges that together span [begin, end), as high as they can be: up while the next higher edge does not pass the
 * end, then along, then down. end NULL = the end of everything. Calls visit for each.
 */
static void for_each_edge(struct range_node *begin, const struct range_node *end,
                          void (*visit)(void *context, struct range_edge *edge), void *context) {
    struct range_node *at = begin;
    while (at != end) {
        unsigned level = at->height - 1;
        for (;; level--) {
            const struct range_node *to = edge_to(at, level);
            if (to == end || !end || (to && boundary_compare(to, end->tree, end->key) < 0)) break;
        }
        visit(context, &at->edges[level]);
        at = edge_to(at, level);
    }
}

static void count_edge(void *context, struct range_edge *edge) {
    (void)edge;
    ++*(size_t *)context;
}

struct push {
    struct range_stack *tops; /* one for each edge, allocated before the first is touched */
    uint64_t sequence;
};

static void push_edge(void *context, struct range_edge *edge) {
    struct push *push = context;
    const struct range_stack *below = atomic_load_explicit(&edge->stack, memory_order_relaxed);
    stack_place(push->tops, below, push->sequence);
    atomic_store_explicit(&edge->stack, push->tops++, memory_order_release);
}

/*
 * Takes every sequence >= first off all edges that begin at node. An edge that was split after the push may have left
 * the sequence on another level than the one that a new walk would choose, so all levels are looked at.
 */
static void node_pop(struct range_node *node, uint64_t first) {
    for (unsigned level = 0; level < node->height; level++) {
        const struct range_stack *stack = edge_stack(node, level);
        while (stack && stack->sequence >= first) stack = stack->below;
        atomic_store_explicit(&node->edges[level].stack, stack, memory_order_release);
    }
}

/* The tree of the boundary at which a range ends: for an empty end the start of the next tree; false = beyond the last
 * tree. */
static bool end_boundary(uint32_t *tree, struct slice end) {
    if (end.size > 0) return true;
    if (*tree == UINT32_MAX) return false;
    ++*tree;
    return true;
}

enum status range_set_add(struct range_set *set, uint32_t tree, struct slice begin, struct slice end,
                          uint64_t sequence) {
    if (end.size > 0 && slice_compare(begin, end) >= 0) return STATUS_OK;
    if (!set->head) {
        struct range_node *head = node_create(set, 0, (struct slice){0}, RANGE_SET_HEIGHT);
        if (!head) return STATUS_NO_MEMORY;
        set->head = head; /* readers look at it only after they saw count > 0 */
    }
    struct range_node *first = boundary_make(set, tree, begin);
    uint32_t end_tree = tree;
    bool bounded = end_boundary(&end_tree, end);
    struct range_node *last = first && bounded ? boundary_make(set, end_tree, end) : NULL;
    if (!first || (bounded && !last)) return STATUS_NO_MEMORY;
    size_t edges = 0;
    for_each_edge(first, last, count_edge, &edges);
    struct range_begin *mark = arena_alloc(set->arena, sizeof *mark, 8);
    struct range_stack *tops = arena_alloc(set->arena, edges * sizeof *tops, 8);
    if (!mark || !tops) return STATUS_NO_MEMORY;
    for_each_edge(first, last, push_edge, &(struct push){.tops = tops, .sequence = sequence});
    *mark = (struct range_begin){
        .sequence = sequence, .end = last, .older = atomic_load_explicit(&first->begins, memory_order_relaxed)};
    atomic_store_explicit(&first->begins, mark, memory_order_release);
    atomic_fetch_add_explicit(&set->count, 1, memory_order_release);
    return STATUS_OK;
}

void range_set_undo(struct range_set *set, uint32_t tree, struct slice begin, struct slice end, uint64_t first) {
    struct range_node *before[RANGE_SET_HEIGHT];
    if (!set->head) return;
    struct range_node *from = boundary_find(set, tree, begin, before);
    uint32_t end_tree = tree;
    bool bounded = end_boundary(&end_tree, end);
    struct range_node *to = bounded ? boundary_find(set, end_tree, end, before) : NULL;
    if (!from || (bounded && !to)) return;
    for (struct range_node *node = from; node != to; node = edge_to(node, 0)) node_pop(node, first);
    struct range_begin *mark = atomic_load_explicit(&from->begins, memory_order_relaxed);
    for (; mark && mark->sequence >= first; mark = mark->older)
        atomic_fetch_sub_explicit(&set->count, 1, memory_order_release);
    atomic_store_explicit(&from->begins, mark, memory_order_release);
}

/* ---- Questions --------------------------------------------------------------------------------------------------- */

uint64_t range_set_cover(const struct range_set *set, uint32_t tree, struct slice key, uint64_t snapshot) {
    if (range_set_is_empty(set)) return 0;
    const struct range_node *at = set->head;
    uint64_t highest = 0;
    for (unsigned level = RANGE_SET_HEIGHT; level-- > 0;) {
        for (const struct range_node *next = edge_to(at, level); next && boundary_compare(next, tree, key) <= 0;
             next = edge_to(at, level)) {
            at = next;
        }
        uint64_t sequence = stack_find(edge_stack(at, level), snapshot);
        if (sequence > highest) highest = sequence;
    }
    return highest;
}

void range_set_stretch(const struct range_set *set, uint32_t tree, struct slice key, uint64_t snapshot,
                       struct range_stretch *stretch) {
    *stretch = (struct range_stretch){0};
    if (range_set_is_empty(set)) return;
    const struct range_node *at = set->head;
    const struct range_node *next = NULL;
    for (unsigned level = RANGE_SET_HEIGHT; level-- > 0;) {
        for (next = edge_to(at, level); next && boundary_compare(next, tree, key) <= 0; next = edge_to(at, level))
            at = next;
        uint64_t sequence = stack_find(edge_stack(at, level), snapshot);
        if (sequence > stretch->sequence) stretch->sequence = sequence;
    }
    if (at->tree == tree) stretch->begin = at->key;
    stretch->has_end = next && next->tree == tree;
    if (stretch->has_end) stretch->end = next->key;
}

void range_cursor_init(struct range_cursor *cursor, const struct range_set *set, uint32_t tree) {
    *cursor = (struct range_cursor){0};
    if (range_set_is_empty(set)) return;
    const struct range_node *at = set->head;
    for (unsigned level = RANGE_SET_HEIGHT; level-- > 0;) {
        for (const struct range_node *next = edge_to(at, level); next && next->tree < tree; next = edge_to(at, level))
            at = next;
    }
    cursor->node = edge_to(at, 0);
    if (cursor->node) cursor->mark = atomic_load_explicit(&cursor->node->begins, memory_order_acquire);
}

bool range_cursor_next(struct range_cursor *cursor, struct range_tombstone *tombstone) {
    while (cursor->node && !cursor->mark) {
        cursor->node = edge_to(cursor->node, 0);
        if (cursor->node) cursor->mark = atomic_load_explicit(&cursor->node->begins, memory_order_acquire);
    }
    if (!cursor->node) return false;
    const struct range_begin *mark = cursor->mark;
    tombstone->tree = cursor->node->tree;
    tombstone->begin = cursor->node->key;
    tombstone->end = mark->end && mark->end->tree == cursor->node->tree ? mark->end->key : (struct slice){0};
    tombstone->sequence = mark->sequence;
    cursor->mark = mark->older;
    return true;
}
