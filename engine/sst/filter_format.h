/*
 * filter_format: a Bloom filter in cache lines: all probes of a key fall into one line of 64 bytes (Putze, Sanders,
 * Singler, "Cache-, hash- and space-efficient Bloom filters", 2007). Private to engine/sst.
 */
#ifndef ENGINE_SST_FILTER_FORMAT_H
#define ENGINE_SST_FILTER_FORMAT_H

#include "engine/base/buf.h"

enum { FILTER_HEADER_BYTES = 8, FILTER_LINE_BYTES = 64 };

/* Appends the filter's content for these key hashes. NO_MEMORY. */
MUST_CHECK enum status filter_build(struct buf *to, const uint64_t *hashes, size_t count, unsigned bits_per_key);

/* A decoded filter; lines borrowed from the content. line_count 0 = says "maybe" to everything. */
struct filter {
    const uint8_t *lines;
    uint32_t line_count;
    unsigned probes;
};
MUST_CHECK enum status filter_decode(struct slice raw, struct filter *filter);
bool filter_may_have(const struct filter *filter, uint64_t hash);
/* filter_may_have comes soon: its line is asked of memory, not waited for. */
void filter_touch(const struct filter *filter, uint64_t hash);
/* How many of the hashes it denies. The waits for memory overlap, so that this is much cheaper than one by one. */
uint32_t filter_count_denied(const struct filter *filter, const uint64_t *hashes, uint32_t count);

#endif
