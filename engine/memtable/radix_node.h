/*
 * radix_node: what the nodes of a radix tree are made of, and the symbols that it goes by; shared by radix.c, which
 * adds entries one by one, and radix_build.c, which makes a tree of many at once. See radix.h.
 */
#ifndef ENGINE_MEMTABLE_RADIX_NODE_H
#define ENGINE_MEMTABLE_RADIX_NODE_H

#include <string.h>

#include "engine/base/coding.h"
#include "engine/memtable/entry_list.h"

enum {
    RADIX_END = -1, /* the symbol behind the last byte of a key */
    RADIX_FEW = 4,
    RADIX_SOME = 16,
    RADIX_MANY = 48,
    RADIX_ALL = 256,
    RADIX_RUN_BYTES = 8,     /* of the symbols before an inner node's own that it keeps */
    RADIX_TRAILER_BYTES = 8, /* symbols behind the end of the key */
};

enum inner_kind { RADIX_INNER_FEW, RADIX_INNER_SOME, RADIX_INNER_MANY, RADIX_INNER_ALL };

/* Its children differ in the symbol number `depth`; they share those before. */
struct radix_inner {
    uint8_t kind;
    uint8_t run; /* how many of the symbols right before depth, bytes of keys, stand at the end of run_bytes */
    _Atomic uint16_t count; /* children by byte */
    uint32_t depth;
    uint8_t run_bytes[RADIX_RUN_BYTES];
    const struct memtable_node *any; /* an entry below it, or one that was: it has the symbols before depth */
    _Atomic radix_child end;
};

/* Children in the order in which they came. */
struct inner_few {
    struct radix_inner base;
    uint8_t symbols[8];
    _Atomic radix_child children[RADIX_FEW];
};
struct inner_some {
    struct radix_inner base;
    uint8_t symbols[RADIX_SOME];
    _Atomic radix_child children[RADIX_SOME];
};
/* By symbol. */
struct inner_many {
    struct radix_inner base;
    _Atomic uint64_t present[4]; /* a bit for each symbol with a child */
    _Atomic uint8_t index[RADIX_ALL];
    _Atomic radix_child children[RADIX_MANY];
};
struct inner_all {
    struct radix_inner base;
    _Atomic uint64_t present[4];
    _Atomic radix_child children[RADIX_ALL];
};

/* ---- Children as words ------------------------------------------------------------------------------------------- */

static const radix_child RADIX_TAKEN_BACK = 1; /* an entry that is none */

static inline bool radix_is_entry(radix_child child) {
    return child & 1;
}
static inline struct memtable_node *radix_to_entry(radix_child child) {
    return (struct memtable_node *)(child & ~(radix_child)1);
}
static inline struct radix_inner *radix_to_inner(radix_child child) {
    return (struct radix_inner *)child;
}
static inline radix_child radix_from_entry(const struct memtable_node *node) {
    return (radix_child)node | 1;
}
static inline radix_child radix_child_load(const _Atomic radix_child *slot) {
    return atomic_load_explicit(slot, memory_order_acquire);
}
static inline void radix_child_store(_Atomic radix_child *slot, radix_child child) {
    atomic_store_explicit(slot, child, memory_order_release);
}

/* ---- Symbols ----------------------------------------------------------------------------------------------------- */

static inline struct radix_key radix_key_of(const struct memtable_node *node) {
    return (struct radix_key){.key = memtable_node_key(node), .trailer = node->trailer};
}

static inline int radix_symbol(const struct radix_key *key, size_t number) {
    if (number < key->key.size) return key->key.data[number];
    if (number == key->key.size) return RADIX_END;
    const size_t byte = number - key->key.size - 1;
    return byte < RADIX_TRAILER_BYTES ? (int)(~key->trailer >> (56 - 8 * byte) & 0xff) : RADIX_END;
}

/* The first symbol from `from` on in which they differ, or `limit`. */
static inline size_t radix_first_difference(const struct radix_key *a, const struct radix_key *b, size_t from,
                                            size_t limit) {
    const size_t both = a->key.size < b->key.size ? a->key.size : b->key.size;
    const size_t bytes = both < limit ? both : limit;
    size_t at = from;
    for (; at < bytes && at + sizeof(uint64_t) <= both; at += sizeof(uint64_t)) {
        const uint64_t differ = coding_get_key_u64(a->key.data + at) ^ coding_get_key_u64(b->key.data + at);
        if (differ == 0) continue;
        at += (size_t)__builtin_clzll(differ) / 8;
        return at < limit ? at : limit;
    }
    if (at >= limit) return limit;
    while (at < bytes && a->key.data[at] == b->key.data[at]) at++;
    while (at >= bytes && at < limit && radix_symbol(a, at) == radix_symbol(b, at)) at++;
    return at;
}

/* ---- Inner nodes ------------------------------------------------------------------------------------------------- */

static const size_t radix_inner_bytes[] = {
    [RADIX_INNER_FEW] = sizeof(struct inner_few),
    [RADIX_INNER_SOME] = sizeof(struct inner_some),
    [RADIX_INNER_MANY] = sizeof(struct inner_many),
    [RADIX_INNER_ALL] = sizeof(struct inner_all),
};
static const uint16_t radix_inner_capacity[] = {[RADIX_INNER_FEW] = RADIX_FEW,
                                                [RADIX_INNER_SOME] = RADIX_SOME,
                                                [RADIX_INNER_MANY] = RADIX_MANY,
                                                [RADIX_INNER_ALL] = RADIX_ALL};

static inline struct radix_inner *radix_inner_create(struct arena *arena, enum inner_kind kind) {
    struct radix_inner *inner = arena_alloc(arena, radix_inner_bytes[kind], 8);
    if (!inner) return NULL;
    memset(inner, 0, radix_inner_bytes[kind]); /* atomic words of zeros */
    inner->kind = (uint8_t)kind;
    return inner;
}

static inline void radix_set_bit(_Atomic uint64_t present[4], unsigned byte) {
    const uint64_t bits = atomic_load_explicit(&present[byte / 64], memory_order_relaxed);
    atomic_store_explicit(&present[byte / 64], bits | (uint64_t)1 << byte % 64, memory_order_release);
}

/* REQUIRES: no child for the symbol, and room. */
static inline void radix_inner_put(struct radix_inner *inner, int at, radix_child child) {
    if (at == RADIX_END) {
        radix_child_store(&inner->end, child);
        return;
    }
    const unsigned count = atomic_load_explicit(&inner->count, memory_order_relaxed), byte = (unsigned)at;
    if (inner->kind == RADIX_INNER_FEW) {
        struct inner_few *few = (struct inner_few *)(void *)inner;
        few->symbols[count] = (uint8_t)byte;
        radix_child_store(&few->children[count], child);
    } else if (inner->kind == RADIX_INNER_SOME) {
        struct inner_some *some = (struct inner_some *)(void *)inner;
        some->symbols[count] = (uint8_t)byte;
        radix_child_store(&some->children[count], child);
    } else if (inner->kind == RADIX_INNER_MANY) {
        struct inner_many *many = (struct inner_many *)(void *)inner;
        radix_child_store(&many->children[count], child);
        atomic_store_explicit(&many->index[byte], (uint8_t)count, memory_order_relaxed);
        radix_set_bit(many->present, byte);
    } else {
        struct inner_all *all = (struct inner_all *)(void *)inner;
        radix_child_store(&all->children[byte], child);
        radix_set_bit(all->present, byte);
    }
    atomic_store_explicit(&inner->count, (uint16_t)(count + 1), memory_order_release);
}

/* The symbols before its own that are worth keeping in it: bytes of the key, from `from` on. */
static inline void radix_keep_run(struct radix_inner *inner, const struct memtable_node *like, size_t from) {
    if (inner->depth > like->key_size) return;
    const size_t symbols = inner->depth - from;
    inner->run = (uint8_t)(symbols < RADIX_RUN_BYTES ? symbols : RADIX_RUN_BYTES);
    for (size_t i = 0; i < inner->run; i++)
        inner->run_bytes[RADIX_RUN_BYTES - 1 - i] = like->bytes[inner->depth - 1 - i];
}

#endif
