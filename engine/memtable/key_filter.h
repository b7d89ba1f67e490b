/*
 * key_filter: tells most keys that a memtable does not hold from those that it may hold, at the price of a cache line
 * instead of a search. Private to engine/memtable.
 *
 * Bloom filters of growing size (Almeida et al., "Scalable Bloom Filters", 2007), a word a key: a layer that is full
 * stays, and an eight times larger one takes the keys that come. So the filter needs no guess of how many there will
 * be. One writer; readers without locks. The bits of the last keys wait until their memory has come; a reader sees a
 * key's bits if it learned by acquire of a sequence that was published after key_filter_settle.
 */
#ifndef ENGINE_MEMTABLE_KEY_FILTER_H
#define ENGINE_MEMTABLE_KEY_FILTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"

struct key_filter_layer;

enum { KEY_FILTER_WAITING = 16 };

struct key_filter {
    _Atomic(struct key_filter_layer *) newest; /* the largest; NULL = no key yet */
    /* The writer's: hashes whose memory was asked for; the first of them is number `settled`. */
    uint64_t waiting[KEY_FILTER_WAITING];
    uint64_t added, settled; /* settled <= added <= settled + KEY_FILTER_WAITING */
};

void key_filter_deinit(struct key_filter *filter); /* a zeroed one is empty */
/* The hash waits, and others may have to make room for it. NO_MEMORY: as before. */
MUST_CHECK enum status key_filter_add(struct key_filter *filter, uint64_t hash);
/* None waits any more. */
void key_filter_settle(struct key_filter *filter);
/* False: certainly never added, or waiting. */
bool key_filter_may_have(const struct key_filter *filter, uint64_t hash);
/* key_filter_may_have comes soon: what it reads is asked of memory, not waited for. */
void key_filter_touch(const struct key_filter *filter, uint64_t hash);
/* Bytes of all layers. */
uint64_t key_filter_bytes(const struct key_filter *filter);

#endif
