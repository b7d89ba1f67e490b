/* hash_long: XXH3 by the vectors that the processor has. Of this folder alone; others ask hash.h. */
#ifndef ENGINE_BASE_HASH_LONG_H
#define ENGINE_BASE_HASH_LONG_H

#include "engine/base/slice.h"

/* As hash64 and hash64_parts: the same values. */
uint64_t hash_long(struct slice data, uint64_t seed);
uint64_t hash_long_parts(const struct slice *parts, unsigned count, uint64_t seed);

#endif
