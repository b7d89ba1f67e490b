/*
 * block_count: what the entries of a block add up to, read off its columns without building a key. Private to
 * engine/sst.
 */
#ifndef ENGINE_SST_BLOCK_COUNT_H
#define ENGINE_SST_BLOCK_COUNT_H

#include "engine/sst/block_format.h"

struct block_counts {
    uint64_t kinds[ENTRY_KIND_COUNT]; /* entries of each */
    uint64_t key_bytes, value_bytes;
    uint64_t first_sequence, last_sequence; /* lowest and highest */
};

/* view has been parsed, and has an entry at least. */
void block_count(const struct sst_block_view *view, struct block_counts *counts);

#endif
