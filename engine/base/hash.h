/*
 * hash: XXH3 (libxxhash) for checksums and tables. The place of a thing on disk goes in as the seed, so that a valid
 * block in the wrong place does not verify.
 */
#ifndef ENGINE_BASE_HASH_H
#define ENGINE_BASE_HASH_H

#include "engine/base/slice.h"

#pragma GCC visibility push(default)

uint64_t hash64(struct slice data, uint64_t seed);

/* The same over `parts`, one behind the other. */
uint64_t hash64_parts(const struct slice *parts, unsigned count, uint64_t seed);

/* The other part of both, for more than 240 bytes. */
uint64_t hash_long(struct slice data, uint64_t seed);
uint64_t hash_long_parts(const struct slice *parts, unsigned count, uint64_t seed);

/* The low half of hash64; for checksums where 32 bits are enough. */
static inline uint32_t hash32(struct slice data, uint64_t seed) {
    return (uint32_t)hash64(data, seed);
}

/* Mixes two 64-bit words into one (for chains and seeds); not commutative. */
uint64_t hash_mix(uint64_t a, uint64_t b);

/* Hash of a text that arrives in pieces: same value as hash64 over the whole with that seed. Opaque, one allocation. */
struct hash_stream;
struct hash_stream *hash_stream_create(uint64_t seed); /* NULL when out of memory */
void hash_stream_update(struct hash_stream *stream, struct slice data);
uint64_t hash_stream_value(const struct hash_stream *stream);
void hash_stream_destroy(struct hash_stream *stream);

#pragma GCC visibility pop

#endif
