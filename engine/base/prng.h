/*
 * prng: xoshiro256** seeded by splitmix64 (Blackman and Vigna, 2018). Deterministic on every machine; not for secrets.
 */
#ifndef ENGINE_BASE_PRNG_H
#define ENGINE_BASE_PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct prng {
    uint64_t state[4];
};

void prng_init(struct prng *prng, uint64_t seed);
uint64_t prng_next(struct prng *prng);
uint64_t prng_below(struct prng *prng, uint64_t bound);                /* uniform in [0, bound); bound > 0 */
uint64_t prng_between(struct prng *prng, uint64_t low, uint64_t high); /* uniform in [low, high] */
bool prng_chance(struct prng *prng, uint32_t numerator, uint32_t denominator);
double prng_unit(struct prng *prng); /* [0, 1) */
void prng_fill(struct prng *prng, void *to, size_t size);

#pragma GCC visibility pop

#endif
