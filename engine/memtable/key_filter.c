/* key_filter: layers of words. Invariant: bits are only ever set; a layer is linked after it was cleared; there is one
 * when a hash waits. */
#include "engine/memtable/key_filter.h"

#include <string.h>

#include "engine/base/pages.h"

enum {
    BYTES_FIRST = 4 << 10, /* of the first layer */
    GROWTH = 8,            /* from one layer to the next: the fourth is a run of pages */
    BYTES_MAX = 128 << 20, /* of any: beyond it layers are of this size */
    KEYS_PER_WORD = 4,     /* 16 bits a key */
};

struct key_filter_layer {
    struct key_filter_layer *older;
    uint64_t count; /* words */
    uint64_t keys;  /* the writer's */
    _Atomic uint64_t words[];
};

/* Four bits of a word out of the low half of the hash; the high half chooses the word. */
static uint64_t mask_of(uint64_t hash) {
    return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) | UINT64_C(1) << (hash >> 12 & 63) |
           UINT64_C(1) << (hash >> 18 & 63);
}

static size_t word_of(const struct key_filter_layer *layer, uint64_t hash) {
    return (size_t)((hash >> 32) * layer->count >> 32);
}

static size_t layer_bytes(const struct key_filter_layer *layer) {
    return sizeof *layer + layer->count * sizeof layer->words[0];
}

static enum status add_layer(struct key_filter *filter, struct key_filter_layer *older) {
    size_t bytes = older ? layer_bytes(older) * GROWTH : BYTES_FIRST;
    if (bytes > BYTES_MAX) bytes = BYTES_MAX;
    struct key_filter_layer *layer = pages_room_alloc(bytes);
    if (!layer) return STATUS_NO_MEMORY;
    memset(layer, 0, bytes); /* and all of it is there: keys come in no order, and would wait at each page */
    layer->older = older;
    layer->count = (bytes - sizeof *layer) / sizeof layer->words[0];
    atomic_store_explicit(&filter->newest, layer, memory_order_release);
    return STATUS_OK;
}

static void set_bits(struct key_filter *filter, uint64_t hash) {
    struct key_filter_layer *layer = atomic_load_explicit(&filter->newest, memory_order_relaxed);
    _Atomic uint64_t *word = &layer->words[word_of(layer, hash)];
    const uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
    const uint64_t with = old | mask_of(hash);
    if (with == old) return; /* an overwrite mostly: costs no room */
    atomic_store_explicit(word, with, memory_order_relaxed);
    layer->keys++;
}

static void settle_one(struct key_filter *filter) {
    set_bits(filter, filter->waiting[filter->settled++ % KEY_FILTER_WAITING]);
}

enum status key_filter_add(struct key_filter *filter, uint64_t hash) {
    struct key_filter_layer *layer = atomic_load_explicit(&filter->newest, memory_order_relaxed);
    if (!layer || layer->keys >= layer->count * KEYS_PER_WORD) {
        const enum status status = add_layer(filter, layer);
        if (status != STATUS_OK) return status;
        layer = atomic_load_explicit(&filter->newest, memory_order_relaxed);
    }
    __builtin_prefetch(&layer->words[word_of(layer, hash)], 1);
    if (filter->added - filter->settled == KEY_FILTER_WAITING) settle_one(filter);
    filter->waiting[filter->added++ % KEY_FILTER_WAITING] = hash;
    return STATUS_OK;
}

void key_filter_settle(struct key_filter *filter) {
    while (filter->settled != filter->added) settle_one(filter);
}

bool key_filter_may_have(const struct key_filter *filter, uint64_t hash) {
    const uint64_t mask = mask_of(hash);
    const struct key_filter_layer *layer = atomic_load_explicit(&filter->newest, memory_order_acquire);
    for (; layer; layer = layer->older) {
        const uint64_t word = atomic_load_explicit(&layer->words[word_of(layer, hash)], memory_order_relaxed);
        if ((word & mask) == mask) return true;
    }
    return false;
}

void key_filter_touch(const struct key_filter *filter, uint64_t hash) {
    const struct key_filter_layer *layer = atomic_load_explicit(&filter->newest, memory_order_acquire);
    for (; layer; layer = layer->older) __builtin_prefetch(&layer->words[word_of(layer, hash)]);
}

uint64_t key_filter_bytes(const struct key_filter *filter) {
    uint64_t bytes = 0;
    const struct key_filter_layer *layer = atomic_load_explicit(&filter->newest, memory_order_acquire);
    for (; layer; layer = layer->older) bytes += layer_bytes(layer);
    return bytes;
}

void key_filter_deinit(struct key_filter *filter) {
    struct key_filter_layer *layer = atomic_load_explicit(&filter->newest, memory_order_relaxed);
    while (layer) {
        struct key_filter_layer *older = layer->older;
        pages_room_free(layer, layer_bytes(layer));
        layer = older;
    }
    atomic_store_explicit(&filter->newest, NULL, memory_order_relaxed);
}
