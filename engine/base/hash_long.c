/*
 * hash_long: the library's XXH3, which looks once what vectors there are: 28 GB/s of a block by AVX2, where SSE2, which
 * is all that may be compiled in, does 12 to 15. And hashes of what arrives in pieces (hash.h).
 */
#include "engine/base/hash.h"

#include <stdlib.h>

#define XXH_STATIC_LINKING_ONLY
#ifdef __x86_64__
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

enum { STATE_ALIGN = 64 }; /* as the library's own */

uint64_t hash_long(struct slice data, uint64_t seed) {
    return XXH3_64bits_withSeed(data.data, data.size, seed);
}

uint64_t hash_long_parts(const struct slice *parts, unsigned count, uint64_t seed) {
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    (void)XXH3_64bits_reset_withSeed(&state, seed);
    for (unsigned i = 0; i < count; i++)
        if (parts[i].size) (void)XXH3_64bits_update(&state, parts[i].data, parts[i].size);
    return XXH3_64bits_digest(&state);
}

/* struct hash_stream is the state of the library under a name of ours. */
struct hash_stream *hash_stream_create(uint64_t seed) {
    XXH3_state_t *state = aligned_alloc(STATE_ALIGN, sizeof *state); /* ours to refuse, in tests */
    if (!state) return NULL;
    XXH3_INITSTATE(state);
    (void)XXH3_64bits_reset_withSeed(state, seed);
    return (struct hash_stream *)(void *)state;
}

void hash_stream_update(struct hash_stream *stream, struct slice data) {
    if (data.size) XXH3_64bits_update((XXH3_state_t *)(void *)stream, data.data, data.size);
}

uint64_t hash_stream_value(const struct hash_stream *stream) {
    return XXH3_64bits_digest((const XXH3_state_t *)(const void *)stream);
}

void hash_stream_destroy(struct hash_stream *stream) {
    free(stream);
}
