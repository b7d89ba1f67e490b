/*
 * radix_build: makes a radix tree of entries that are in order. From left to right: an inner node is open while entries
 * come that share its symbols, and is made once all its children are known, so that it has the size that it needs.
 *
 * Invariant: of the open nodes each is deeper than the one before it; the last entry stands below all of them.
 */
#include "engine/memtable/radix_build.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/memtable/radix_node.h"

static bool grow(void **items, size_t *room, size_t size) {
    const size_t more = *room ? *room * 2 : 64;
    void *grown = realloc(*items, more * size);
    if (!grown) return false;
    *items = grown;
    *room = more;
    return true;
}

static bool grow_open(struct radix_build *build) {
    void *items = build->open;
    const bool grown = grow(&items, &build->open_room, sizeof *build->open);
    build->open = items;
    return grown;
}

static bool grow_children(struct radix_build *build) {
    void *items = build->children;
    const bool grown = grow(&items, &build->child_room, sizeof *build->children);
    build->children = items;
    return grown;
}

static bool open_node(struct radix_build *build, size_t depth) {
    if (build->open_count == build->open_room && !grow_open(build)) return false;
    build->open[build->open_count++] = (struct radix_open){.depth = depth, .first = build->child_count};
    return true;
}

static int symbol_of(const struct memtable_node *node, size_t number) {
    if (number < node->key_size) return node->bytes[number];
    const struct radix_key key = radix_key_of(node);
    return radix_symbol(&key, number);
}

/* A further child of the deepest open node, with the entry that is its last. */
static bool add_child(struct radix_build *build, radix_child child, const struct memtable_node *last) {
    if (build->child_count == build->child_room && !grow_children(build)) return false;
    const int symbol = symbol_of(last, build->open[build->open_count - 1].depth);
    build->children[build->child_count++] = (struct radix_known){.child = child, .symbol = symbol};
    return true;
}

static enum inner_kind kind_for(size_t children) {
    enum inner_kind kind = RADIX_INNER_FEW;
    while (children > radix_inner_capacity[kind]) kind++;
    return kind;
}

/* The deepest open node has all its children. `from`: so many symbols lead to it. 0: out of memory. */
static radix_child close_node(struct radix_build *build, const struct memtable_node *last, size_t from) {
    const struct radix_open *node = &build->open[--build->open_count];
    const size_t count = build->child_count - node->first;
    const struct radix_known *children = &build->children[node->first];
    struct radix_inner *inner = radix_inner_create(build->arena, kind_for(count - (children->symbol == RADIX_END)));
    if (!inner) return 0;
    inner->depth = (uint32_t)node->depth;
    inner->any = last;
    radix_keep_run(inner, last, from);
    for (size_t i = 0; i < count; i++) radix_inner_put(inner, children[i].symbol, children[i].child);
    build->child_count = node->first;
    return (radix_child)inner;
}

/* Makes the open nodes of `least` or more symbols. *child: the last entry, then what it stands in. What stands above
 * has at least so many symbols less one. */
static bool close_deeper(struct radix_build *build, const struct memtable_node *last, size_t least,
                         radix_child *child) {
    while (build->open_count > 0 && build->open[build->open_count - 1].depth >= least) {
        if (!add_child(build, *child, last)) return false;
        const size_t above = build->open_count > 1 ? build->open[build->open_count - 2].depth + 1 : 0;
        *child = close_node(build, last, above > least ? above : least);
        if (!*child) return false;
    }
    return true;
}

void radix_build_begin(struct radix_build *build, struct arena *arena) {
    *build = (struct radix_build){.arena = arena};
}

/* In how many symbols they agree. Heads that differ tell, unless one of the keys ends within them. */
static size_t shared_symbols(const struct memtable_node *a, const struct memtable_node *b) {
    const uint64_t differ = memtable_node_head(a) ^ memtable_node_head(b);
    if (differ != 0 && a->key_size >= MEMTABLE_HEAD_BYTES && b->key_size >= MEMTABLE_HEAD_BYTES)
        return (size_t)__builtin_clzll(differ) / 8;
    const struct radix_key x = radix_key_of(a), y = radix_key_of(b);
    const size_t symbols = x.key.size + 1 + RADIX_TRAILER_BYTES;
    const size_t shared = radix_first_difference(&x, &y, 0, symbols);
    check(shared < symbols); /* no entry comes twice */
    return shared;
}

/* What stands before the node is known whole, and goes into the node of so many symbols. */
static bool add_last(struct radix_build *build, const struct memtable_node *last, size_t shared) {
    radix_child child = radix_from_entry(last);
    if (!close_deeper(build, last, shared + 1, &child)) return false;
    const bool is_open = build->open_count > 0 && build->open[build->open_count - 1].depth == shared;
    return (is_open || open_node(build, shared)) && add_child(build, child, last);
}

void radix_build_add(struct radix_build *build, const struct memtable_node *node) {
    if (!build->last)
        build->first = node;
    else if (!build->failed)
        build->failed = !add_last(build, build->last, shared_symbols(node, build->last));
    build->last = node;
}

static void forget(struct radix_build *build) {
    free(build->open);
    free(build->children);
    *build = (struct radix_build){.arena = build->arena};
}

/* The right part's children of the node of `shared` symbols come behind those that stand there already; a part that
 * hangs below one symbol is a child itself. */
static bool join(struct radix_build *build, struct radix_build *right) {
    const size_t shared = shared_symbols(right->first, build->last);
    radix_child child = radix_from_entry(right->last);
    if (build->failed || right->failed) return false;
    if (!add_last(build, build->last, shared) || !close_deeper(right, right->last, shared + 1, &child)) return false;
    check(right->open_count == 0 || right->open[0].depth == shared);
    for (size_t i = 0; i < right->child_count; i++) {
        if (build->child_count == build->child_room && !grow_children(build)) return false;
        build->children[build->child_count++] = right->children[i];
    }
    build->pending = child;
    return true;
}

void radix_build_join(struct radix_build *build, struct radix_build *right) {
    build->failed = !join(build, right);
    build->last = right->last;
    forget(right);
}

bool radix_build_end(struct radix_build *build, struct radix *radix) {
    radix_child child = build->last ? radix_from_entry(build->last) : 0;
    if (build->pending) child = build->pending;
    const bool is_made = !build->failed && close_deeper(build, build->last, 0, &child);
    if (is_made) {
        radix_init(radix);
        radix_child_store(&radix->root, child);
    }
    forget(build);
    return is_made;
}
