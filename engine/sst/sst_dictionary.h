/*
 * sst_dictionary: an SST's dictionary while the file is built. Data blocks are held, raw, until there is enough to make
 * a dictionary of, or the file ends; the dictionary is made and tried on what is held, and kept only if it pays: in
 * these blocks alone where the file ends with them, else in a file of four times as many. Private to engine/sst.
 *
 * Memory: DICTIONARY_SHARE times the limit of blocks and one more, the dictionary, and what zstd digests of it.
 */
#ifndef ENGINE_SST_SST_DICTIONARY_H
#define ENGINE_SST_SST_DICTIONARY_H

#include "engine/sst/sst_format.h"

struct sst_dictionary {
    size_t limit;                       /* of the dictionary's bytes; 0 = none is wanted */
    bool gathers;                       /* blocks are held */
    struct buf held;                    /* raw blocks, one behind the other */
    struct buf sizes;                   /* array of size_t */
    struct buf bytes;                   /* of the dictionary that was made, until it is written */
    struct dictionary_packer *packer;   /* NULL = blocks are compressed without */
    size_t stored_bytes;                /* of `bytes`, also when they are gone */
    uint64_t tried_with, tried_without; /* bytes of half of the held blocks, compressed; 0 = none was tried */
};

void sst_dictionary_init(struct sst_dictionary *dictionary, size_t limit);
/* The numbers stay. */
void sst_dictionary_deinit(struct sst_dictionary *dictionary);

/* Takes a copy of a block. NO_MEMORY. REQUIRES: gathers. */
MUST_CHECK enum status sst_dictionary_hold(struct sst_dictionary *dictionary, struct slice raw);
static inline bool sst_dictionary_is_full(const struct sst_dictionary *dictionary) {
    return dictionary->held.size >= dictionary->limit * DICTIONARY_SHARE;
}
/* Ends the gathering: `bytes` and `packer` are there if a dictionary pays. The held blocks stay until
 * sst_dictionary_release. goes_on: other blocks follow. NO_MEMORY. */
MUST_CHECK enum status sst_dictionary_settle(struct sst_dictionary *dictionary, struct codec *codec, int level,
                                             bool goes_on);
static inline size_t sst_dictionary_count(const struct sst_dictionary *dictionary) {
    return dictionary->sizes.size / sizeof(size_t);
}
size_t sst_dictionary_block_size(const struct sst_dictionary *dictionary, size_t at);
/* The blocks, and the dictionary's bytes, are written. */
void sst_dictionary_release(struct sst_dictionary *dictionary);
/* What a file with so many bytes of data units saves by its dictionary, as the held blocks show; 0 without one. */
uint64_t sst_dictionary_saved(const struct sst_dictionary *dictionary, uint64_t data_bytes);
/* What it holds. */
size_t sst_dictionary_memory_bytes(const struct sst_dictionary *dictionary);

#endif
