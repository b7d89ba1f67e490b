/*
 * hash: XXH3 64 bits, compiled in from the header of libxxhash, which is what its makers advise for short inputs; long
 * ones go to the library (hash_long.c).
 */
#include "engine/base/hash.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { LONG_BYTES = 241 /* from here on XXH3 works on stripes */ };

uint64_t hash64(struct slice data, uint64_t seed) {
    if (data.size >= LONG_BYTES) return hash_long(data, seed);
    return XXH3_64bits_withSeed(data.data, data.size, seed);
}

enum { JOINED_BYTES = 512 /* so few are copied faster than a stream is begun */ };

static uint64_t hash_joined(const struct slice *parts, unsigned count, uint64_t seed) {
    uint8_t joined[JOINED_BYTES];
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].size) memcpy(joined + size, parts[i].data, parts[i].size);
        size += parts[i].size;
    }
    return hash64(slice_make(joined, size), seed);
}

uint64_t hash64_parts(const struct slice *parts, unsigned count, uint64_t seed) {
    size_t size = 0;
    if (count == 1) return hash64(parts[0], seed);
    for (unsigned i = 0; i < count; i++) size += parts[i].size;
    if (size <= JOINED_BYTES) return hash_joined(parts, count, seed);
    return hash_long_parts(parts, count, seed);
}

/* The finalizer of splitmix64: a bijection of 64-bit words. */
static uint64_t hash_scramble(uint64_t word) {
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
}

uint64_t hash_mix(uint64_t a, uint64_t b) {
    return hash_scramble(hash_scramble(a + 0x9e3779b97f4a7c15u) ^ b);
}
