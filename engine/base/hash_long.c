/*
 * hash_long: the library's XXH3, which looks once what vectors there are: 28 GB/s of a block by AVX2, where SSE2, which
 * is all that may be compiled in, does 12 to 15. And hashes of what arrives in pieces (hash.h).
 *
 * Invariant: whoever called finds the upper halves of the vector registers clear. libxxhash 0.8.1 leaves them as its
 * wide loops did, and from then on each change between old and new vector instructions of that thread, of which a put
 * has about six, waits: 134 ns measured on a Xeon of 2023.
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

#ifdef __x86_64__
__attribute__((target("avx"))) static void clear_halves(void) {
    __builtin_ia32_vzeroupper();
}
static uint64_t with_clear_halves(uint64_t value) {
    if (__builtin_cpu_supports("avx")) clear_halves();
    return value;
}
#else
static uint64_t with_clear_halves(uint64_t value) {
    return value;
}
#endif

uint64_t hash_long(struct slice data, uint64_t seed) {
    return with_clear_halves(XXH3_64bits_withSeed(data.data, data.size, seed));
}

uint64_t hash_long_parts(const struct slice *parts, unsigned count, uint64_t seed) {
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    (void)XXH3_64bits_reset_withSeed(&state, seed);
    for (unsigned i = 0; i < count; i++)
        if (parts[i].size) (void)XXH3_64bits_update(&state, parts[i].data, parts[i].size);
    return with_clear_halves(XXH3_64bits_digest(&state));
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
    (void)with_clear_halves(0);
}

uint64_t hash_stream_value(const struct hash_stream *stream) {
    return with_clear_halves(XXH3_64bits_digest((const XXH3_state_t *)(const void *)stream));
}

void hash_stream_destroy(struct hash_stream *stream) {
    free(stream);
}
