/*
 * hash: XXH3 64 bits, compiled in from the header of libxxhash, which is what its makers advise for short inputs.
 */
#include "engine/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64(struct slice data, uint64_t seed) {
    return XXH3_64bits_withSeed(data.data, data.size, seed);
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

/* struct hash_stream is the state of the library under a name of ours. */
struct hash_stream *hash_stream_create(uint64_t seed) {
    XXH3_state_t *state = XXH3_createState();
    if (state) XXH3_64bits_reset_withSeed(state, seed);
    return (struct hash_stream *)(void *)state;
}

void hash_stream_update(struct hash_stream *stream, struct slice data) {
    if (data.size) XXH3_64bits_update((XXH3_state_t *)(void *)stream, data.data, data.size);
}

uint64_t hash_stream_value(const struct hash_stream *stream) {
    return XXH3_64bits_digest((const XXH3_state_t *)(const void *)stream);
}

void hash_stream_destroy(struct hash_stream *stream) {
    XXH3_freeState((XXH3_state_t *)(void *)stream);
}
