/*
 * prng: xoshiro256** 1.0 and splitmix64, after the public-domain reference code of Blackman and Vigna.
 */
#include "engine/base/prng.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/coding.h"

static uint64_t splitmix_next(uint64_t *state) {
    uint64_t word = *state += 0x9e3779b97f4a7c15u;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
}

void prng_init(struct prng *prng, uint64_t seed) {
    for (int i = 0; i < 4; i++) prng->state[i] = splitmix_next(&seed);
}

static uint64_t rotate_left(uint64_t word, int bits) {
    return word << bits | word >> (64 - bits);
}

uint64_t prng_next(struct prng *prng) {
    uint64_t *state = prng->state;
    uint64_t result = rotate_left(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return result;
}

/* Lemire, "Fast random integer generation in an interval" (2019): the high half of a product, without modulo bias. */
uint64_t prng_below(struct prng *prng, uint64_t bound) {
    check(bound > 0);
    unsigned __int128 product = (unsigned __int128)prng_next(prng) * bound;
    if ((uint64_t)product < bound) {
        uint64_t threshold = -bound % bound;
        while ((uint64_t)product < threshold) product = (unsigned __int128)prng_next(prng) * bound;
    }
    return (uint64_t)(product >> 64);
}

uint64_t prng_between(struct prng *prng, uint64_t low, uint64_t high) {
    check(low <= high);
    if (high - low == UINT64_MAX) return prng_next(prng);
    return low + prng_below(prng, high - low + 1);
}

bool prng_chance(struct prng *prng, uint32_t numerator, uint32_t denominator) {
    return prng_below(prng, denominator) < numerator;
}

double prng_unit(struct prng *prng) {
    return (double)(prng_next(prng) >> 11) * 0x1.0p-53;
}

void prng_fill(struct prng *prng, void *to, size_t size) {
    uint8_t *at = to;
    uint8_t word[8];
    while (size > 0) {
        size_t part = size < sizeof word ? size : sizeof word;
        coding_put_u64(word, prng_next(prng));
        memcpy(at, word, part);
        at += part;
        size -= part;
    }
}
