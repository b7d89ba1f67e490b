/*
 * block_build: gathers entries in order and lays them out as one block of columns (FORMAT.md, "Block"): for data, index
 * and range deletes alike. Private to engine/sst.
 */
#ifndef ENGINE_SST_BLOCK_BUILD_H
#define ENGINE_SST_BLOCK_BUILD_H

#include "engine/base/buf.h"

struct block_entry; /* one entry's ends and trailer */

struct block_build {
    struct buf keys; /* whole keys, one after another */
    struct buf values;
    struct buf entries; /* array of struct block_entry */
    uint32_t count;
};

void block_build_init(struct block_build *build);
void block_build_deinit(struct block_build *build);
void block_build_clear(struct block_build *build);

/* Adds an entry behind the last one, in order; copies. NO_MEMORY changes nothing. */
MUST_CHECK enum status block_build_add(struct block_build *build, struct slice key, uint64_t trailer,
                                       struct slice value);

/* Bytes that the block would have, about. */
size_t block_build_size(const struct block_build *build);

/* The key and trailer of the last entry; count > 0. Borrowed until the next add. */
struct slice block_build_last_key(const struct block_build *build);
uint64_t block_build_last_trailer(const struct block_build *build);

/* Puts another value in the place of that of entry `at`, of the same size. */
void block_build_replace(struct block_build *build, uint32_t at, struct slice value);

/* Appends the block's bytes. NO_MEMORY leaves *to as it was. */
MUST_CHECK enum status block_build_finish(const struct block_build *build, struct buf *to);

#endif
