/*
 * radix: see the header. Invariant: every entry in the tree stands below its symbols; an inner node has at least one
 * child, which may be that of an entry taken back: it stays, and leads to nothing.
 */
#include "engine/memtable/radix.h"

#include "engine/base/check.h"
#include "engine/memtable/radix_node.h"

/* The first symbol from `from` on in which the key differs from what the node's children share, or its depth. */
static size_t leaves_at(const struct radix_inner *inner, const struct radix_key *key, size_t from) {
    if (from == inner->depth) return from;
    if (inner->depth - from <= inner->run && inner->depth <= key->key.size) {
        const size_t skew = RADIX_RUN_BYTES - (size_t)inner->depth; /* run_bytes[i + skew] is symbol i */
        size_t at = from;
        while (at < inner->depth && key->key.data[at] == inner->run_bytes[at + skew]) at++;
        return at;
    }
    const struct radix_key like = radix_key_of(inner->any);
    return radix_first_difference(key, &like, from, inner->depth);
}

static bool is_below(const struct radix_inner *inner, const struct radix_key *key, size_t at) {
    const struct radix_key like = radix_key_of(inner->any);
    return radix_symbol(key, at) < radix_symbol(&like, at);
}

/* ---- Children of an inner node ----------------------------------------------------------------------------------- */

/* Symbols and children of the two small kinds; false for the others. */
static bool is_small(const struct radix_inner *inner, const uint8_t **symbols, const _Atomic radix_child **children) {
    if (inner->kind == RADIX_INNER_FEW) {
        const struct inner_few *few = (const struct inner_few *)(const void *)inner;
        *symbols = few->symbols;
        *children = few->children;
    } else if (inner->kind == RADIX_INNER_SOME) {
        const struct inner_some *some = (const struct inner_some *)(const void *)inner;
        *symbols = some->symbols;
        *children = some->children;
    } else {
        return false;
    }
    return true;
}

static const _Atomic uint64_t *present_of(const struct radix_inner *inner) {
    return inner->kind == RADIX_INNER_MANY ? ((const struct inner_many *)(const void *)inner)->present
                                           : ((const struct inner_all *)(const void *)inner)->present;
}

/* The slot of a large node's child that is there. */
static const _Atomic radix_child *large_slot(const struct radix_inner *inner, unsigned byte) {
    if (inner->kind == RADIX_INNER_ALL) return &((const struct inner_all *)(const void *)inner)->children[byte];
    const struct inner_many *many = (const struct inner_many *)(const void *)inner;
    return &many->children[atomic_load_explicit(&many->index[byte], memory_order_relaxed)];
}

static bool has_bit(const struct radix_inner *inner, unsigned byte) {
    return atomic_load_explicit(&present_of(inner)[byte / 64], memory_order_acquire) >> byte % 64 & 1;
}

/* The slot of the child for a symbol; NULL = there is none. */
static const _Atomic radix_child *slot_of(const struct radix_inner *inner, int wanted) {
    const uint8_t *symbols;
    const _Atomic radix_child *children;
    if (wanted == RADIX_END) return radix_child_load(&inner->end) ? &inner->end : NULL;
    if (!is_small(inner, &symbols, &children))
        return has_bit(inner, (unsigned)wanted) ? large_slot(inner, (unsigned)wanted) : NULL;
    const unsigned count = atomic_load_explicit(&inner->count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++)
        if (symbols[i] == wanted) return &children[i];
    return NULL;
}

/* Of the bits below `below`, the highest; -1 = none. */
static int highest_bit(const _Atomic uint64_t present[4], int below) {
    for (int word = (below - 1) / 64; word >= 0 && below > 0; word--) {
        uint64_t bits = atomic_load_explicit(&present[word], memory_order_acquire);
        if (below < (word + 1) * 64) bits &= ((uint64_t)1 << below % 64) - 1;
        if (bits) return word * 64 + 63 - __builtin_clzll(bits);
    }
    return -1;
}
/* Of the bits above `above`, the lowest; -1 = none. */
static int lowest_bit(const _Atomic uint64_t present[4], int above) {
    for (int word = (above + 1) / 64; word < 4; word++) {
        uint64_t bits = atomic_load_explicit(&present[word], memory_order_acquire);
        if (above >= word * 64) bits &= above % 64 == 63 ? 0 : ~(uint64_t)0 << (above % 64 + 1);
        if (bits) return word * 64 + __builtin_ctzll(bits);
    }
    return -1;
}

/* The child with the highest symbol below `below` (RADIX_ALL = of all); 0 = none. */
static radix_child child_below(const struct radix_inner *inner, int below) {
    const uint8_t *symbols;
    const _Atomic radix_child *children, *best = NULL;
    if (below == RADIX_END) return 0;
    if (is_small(inner, &symbols, &children)) {
        const unsigned count = atomic_load_explicit(&inner->count, memory_order_acquire);
        int highest = -1;
        for (unsigned i = 0; i < count; i++) {
            if (symbols[i] >= below || symbols[i] <= highest) continue;
            highest = symbols[i];
            best = &children[i];
        }
    } else {
        const int byte = highest_bit(present_of(inner), below);
        if (byte >= 0) best = large_slot(inner, (unsigned)byte);
    }
    return best ? radix_child_load(best) : radix_child_load(&inner->end);
}

/* The child with the lowest symbol above `above`; 0 = none. */
static radix_child child_above(const struct radix_inner *inner, int above) {
    const uint8_t *symbols;
    const _Atomic radix_child *children, *best = NULL;
    if (is_small(inner, &symbols, &children)) {
        const unsigned count = atomic_load_explicit(&inner->count, memory_order_acquire);
        int lowest = RADIX_ALL;
        for (unsigned i = 0; i < count; i++) {
            if (symbols[i] <= above || symbols[i] >= lowest) continue;
            lowest = symbols[i];
            best = &children[i];
        }
    } else {
        const int byte = lowest_bit(present_of(inner), above);
        if (byte >= 0) best = large_slot(inner, (unsigned)byte);
    }
    return best ? radix_child_load(best) : 0;
}

/* ---- Searching --------------------------------------------------------------------------------------------------- */

static struct memtable_node *last_below(radix_child child) {
    while (!radix_is_entry(child)) child = child_below(radix_to_inner(child), RADIX_ALL);
    return radix_to_entry(child);
}

static struct memtable_node *first_below(radix_child child) {
    while (!radix_is_entry(child)) {
        const radix_child end = radix_child_load(&radix_to_inner(child)->end);
        child = end ? end : child_above(radix_to_inner(child), RADIX_END);
    }
    return radix_to_entry(child);
}

/* Where none of the node's children leads to the key: the nearest entry below the node, as far as a look at the
 * children on both sides finds one. */
static struct memtable_node *neighbour(const struct radix_inner *inner, int wanted) {
    const radix_child lower = child_below(inner, wanted);
    struct memtable_node *found = lower ? last_below(lower) : NULL;
    if (found) return found;
    const radix_child upper = child_above(inner, wanted);
    return upper ? first_below(upper) : NULL;
}

void radix_init(struct radix *radix) {
    *radix = (struct radix){.latest = {.slot = NULL}};
    atomic_init(&radix->root, 0);
}

/* Looks at no inner node of *limit or more shared symbols; what it looked at last of them goes there. */
static struct memtable_node *find(const struct radix *radix, const struct radix_key *key, size_t *limit,
                                  struct radix_place *place) {
    const _Atomic radix_child *slot = &radix->root;
    const struct radix_inner *inner = NULL;
    struct memtable_node *found = NULL;
    size_t from = 0;
    for (;;) {
        const radix_child at = radix_child_load(slot);
        if (at == 0) break;
        if (radix_is_entry(at) || radix_to_inner(at)->depth >= *limit) {
            if (radix_is_entry(at)) found = radix_to_entry(at);
            if (!found && inner) found = neighbour(inner, radix_symbol(key, inner->depth));
            break;
        }
        const struct radix_inner *next = radix_to_inner(at);
        const size_t leaves = leaves_at(next, key, from);
        if (leaves < next->depth) {
            found = is_below(next, key, leaves) ? first_below(at) : last_below(at);
            if (!found && inner) found = neighbour(inner, radix_symbol(key, inner->depth));
            break;
        }
        inner = next;
        const int wanted = radix_symbol(key, inner->depth);
        const _Atomic radix_child *child = slot_of(inner, wanted);
        if (!child) {
            found = neighbour(inner, wanted);
            break;
        }
        slot = child;
        from = inner->depth + 1;
    }
    *place = (struct radix_place){(_Atomic radix_child *)(uintptr_t)slot, from};
    *limit = inner ? inner->depth : 0;
    return found;
}

struct memtable_node *radix_find(const struct radix *radix, const struct radix_key *key, struct radix_place *place) {
    struct radix_place unasked, again;
    size_t limit = SIZE_MAX;
    struct memtable_node *found = find(radix, key, &limit, place ? place : &unasked);
    /* Only where entries were taken back: higher up. */
    while (!found && limit > 0) found = find(radix, key, &limit, &again);
    return found;
}

void radix_stroll_begin(const struct radix *radix, const struct radix_key *key, struct radix_stroll *stroll) {
    *stroll = (struct radix_stroll){.key = key, .at = radix_child_load(&radix->root)};
}

static void ask_for(radix_child child) {
    const char *memory = (const char *)(child & ~(radix_child)1);
    __builtin_prefetch(memory);
    __builtin_prefetch(memory + 64);
}

bool radix_stroll_step(struct radix_stroll *stroll) {
    if (stroll->at == 0 || radix_is_entry(stroll->at)) return false;
    const struct radix_inner *inner = radix_to_inner(stroll->at);
    if (leaves_at(inner, stroll->key, stroll->from) < inner->depth) return false;
    const int wanted = radix_symbol(stroll->key, inner->depth);
    const _Atomic radix_child *next = slot_of(inner, wanted);
    radix_child child = next ? radix_child_load(next) : child_below(inner, wanted);
    if (!child) child = child_above(inner, wanted);
    stroll->at = next ? child : RADIX_TAKEN_BACK; /* a neighbour is near enough */
    stroll->from = inner->depth + 1;
    if (radix_is_entry(child)) stroll->near = radix_to_entry(child);
    ask_for(child);
    return true;
}

/* ---- Adding ------------------------------------------------------------------------------------------------------ */

/* An inner node at `depth` with both: the child in the slot, whose symbol there is known, and the entry. */
static bool part(struct arena *arena, _Atomic radix_child *slot, size_t from, size_t depth, int present,
                 struct memtable_node *node) {
    struct radix_inner *inner = radix_inner_create(arena, RADIX_INNER_FEW);
    if (!inner) return false;
    const struct radix_key key = radix_key_of(node);
    inner->depth = (uint32_t)depth;
    inner->any = node;
    radix_keep_run(inner, node, from);
    radix_inner_put(inner, present, radix_child_load(slot));
    radix_inner_put(inner, radix_symbol(&key, depth), radix_from_entry(node));
    radix_child_store(slot, (radix_child)inner);
    return true;
}

/* A larger copy, published in the place of the old one; NULL when out of memory. */
static struct radix_inner *grow(struct arena *arena, _Atomic radix_child *slot, const struct radix_inner *old) {
    struct radix_inner *inner = radix_inner_create(arena, (enum inner_kind)(old->kind + 1));
    if (!inner) return NULL;
    inner->run = old->run;
    inner->depth = old->depth;
    inner->any = old->any;
    memcpy(inner->run_bytes, old->run_bytes, sizeof inner->run_bytes);
    atomic_init(&inner->end, radix_child_load(&old->end));
    const uint8_t *symbols;
    const _Atomic radix_child *children;
    if (is_small(old, &symbols, &children)) {
        const unsigned count = atomic_load_explicit(&old->count, memory_order_relaxed);
        for (unsigned i = 0; i < count; i++) radix_inner_put(inner, symbols[i], radix_child_load(&children[i]));
    } else {
        for (int byte = lowest_bit(present_of(old), -1); byte >= 0; byte = lowest_bit(present_of(old), byte))
            radix_inner_put(inner, byte, radix_child_load(large_slot(old, (unsigned)byte)));
    }
    radix_child_store(slot, (radix_child)inner);
    return inner;
}

static bool add_child(struct arena *arena, _Atomic radix_child *slot, struct radix_inner *inner, int at,
                      struct memtable_node *node) {
    const bool full = at != RADIX_END && inner->kind != RADIX_INNER_ALL &&
                      atomic_load_explicit(&inner->count, memory_order_relaxed) == radix_inner_capacity[inner->kind];
    if (full) inner = grow(arena, slot, inner);
    if (!inner) return false;
    radix_inner_put(inner, at, radix_from_entry(node));
    return true;
}

static bool part_entry(struct arena *arena, _Atomic radix_child *slot, size_t from, struct memtable_node *node) {
    const struct radix_key key = radix_key_of(node), there = radix_key_of(radix_to_entry(radix_child_load(slot)));
    const size_t symbols = key.key.size + 1 + RADIX_TRAILER_BYTES;
    const size_t depth = radix_first_difference(&key, &there, from, symbols);
    check(depth < symbols); /* no entry is added twice */
    return part(arena, slot, from, depth, radix_symbol(&there, depth), node);
}

/*
 * Keys that come in order mostly go where the one before went. The slot of that inner node holds it as long as no entry
 * was added elsewhere: only the inner node around the slot could be replaced, by adding to that one, and an entry in an
 * inner node keeps the node.
 */
static struct radix_place begin_of(struct radix *radix, const struct radix_key *key) {
    if (radix->latest.slot) {
        const struct radix_key like = radix_key_of(radix->latest_entry);
        const size_t depth = radix_to_inner(radix_child_load(radix->latest.slot))->depth;
        if (radix_first_difference(key, &like, 0, depth) == depth) return radix->latest;
    }
    return (struct radix_place){.slot = &radix->root};
}

/* From *place on, which becomes the slot of the inner node that the entry stands in; NULL: it stands alone in one. */
static bool add_from(struct arena *arena, struct radix_place *place, struct memtable_node *node) {
    const struct radix_key key = radix_key_of(node);
    for (;;) {
        const radix_child at = radix_child_load(place->slot);
        if (at == 0 || at == RADIX_TAKEN_BACK) {
            radix_child_store(place->slot, radix_from_entry(node));
            place->slot = NULL;
            return true;
        }
        if (radix_is_entry(at)) return part_entry(arena, place->slot, place->from, node);
        struct radix_inner *inner = radix_to_inner(at);
        const size_t leaves = leaves_at(inner, &key, place->from);
        if (leaves < inner->depth) {
            const struct radix_key like = radix_key_of(inner->any);
            return part(arena, place->slot, place->from, leaves, radix_symbol(&like, leaves), node);
        }
        const int wanted = radix_symbol(&key, inner->depth);
        const _Atomic radix_child *next = slot_of(inner, wanted);
        if (!next) return add_child(arena, place->slot, inner, wanted, node);
        *place = (struct radix_place){(_Atomic radix_child *)(uintptr_t)next, inner->depth + 1};
    }
}

bool radix_add(struct radix *radix, struct arena *arena, const struct radix_place *place, struct memtable_node *node) {
    const struct radix_key key = radix_key_of(node);
    struct radix_place at = place ? *place : begin_of(radix, &key);
    if (!add_from(arena, &at, node)) return false;
    radix->latest = at;
    radix->latest_entry = node;
    return true;
}

void radix_remove(struct radix *radix, const struct memtable_node *node) {
    const struct radix_key key = radix_key_of(node);
    struct radix_place place;
    radix_find(radix, &key, &place);
    check(radix_child_load(place.slot) == radix_from_entry(node));
    radix_child_store(place.slot, RADIX_TAKEN_BACK);
}
