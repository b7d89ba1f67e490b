/*
 * sst_build: writes one SST front to back. One thread at a time.
 *
 * Each call does bounded work: entries gather in a block, blocks gather in a write of about SST_WRITE_BYTES. Memory:
 * that, the index and 8 bytes a key for the filter. With a dictionary: sst_dictionary.h.
 */
#ifndef ENGINE_SST_SST_BUILD_H
#define ENGINE_SST_SST_BUILD_H

#include "engine/sst/sst.h"

enum { SST_WRITE_BYTES = 256 << 10 };

struct sst_build;

struct sst_build_options {
    struct sst_identity identity;
    struct sst_origin origin;
    enum codec_id codec;
    int codec_level;              /* zstd's; 0 = 3 */
    unsigned filter_bits_per_key; /* 0 = no filter */
    unsigned filter_prefix_bytes; /* the filter also holds the keys' beginnings of this length; 0 = it does not */
    size_t block_bytes;           /* of a data block before compression; 0 = 4 KiB */
    size_t dictionary_bytes;      /* zstd: of the file's dictionary at most; 0 = none. REQUIRES: format level 2 */
};

/* Makes the file (an old one of that name is emptied: it belongs to nobody). Keeps nothing of options. */
MUST_CHECK enum status sst_build_create(const struct sst_environment *environment, const char *path,
                                        const struct sst_build_options *options, struct sst_build **build);

/* Adds an entry; copies. Entries come in the order of entry_compare, no two equal, kind not RANGE_DELETE (programmer's
 * error otherwise). */
MUST_CHECK enum status sst_build_add(struct sst_build *build, struct slice key, uint64_t trailer, struct slice value);

/* Adds a range tombstone, in any order, between or after entries; an empty end = to the end of the tree. begin < end.
 */
MUST_CHECK enum status sst_build_range_delete(struct sst_build *build, struct slice begin, struct slice end,
                                              uint64_t sequence);

/* What the file would have if it ended here, within a block or so; blocks that wait for a dictionary count raw. */
uint64_t sst_build_size(const struct sst_build *build);
uint64_t sst_build_entries(const struct sst_build *build); /* range deletes included */

/* Writes what is left and the end of the file; not durable yet. */
MUST_CHECK enum status sst_build_finish(struct sst_build *build);
/* Makes content and size durable (the name: io_dir_sync is the caller's). After finish. */
MUST_CHECK enum status sst_build_sync(struct sst_build *build);
/* After finish; borrowed until destroy. */
const struct sst_properties *sst_build_properties(const struct sst_build *build);
/* About how much smaller its dictionary makes the file; 0: it has none. After finish. */
uint64_t sst_build_dictionary_saved(const struct sst_build *build);

/* Closes and frees; the file stays where it is (an unfinished one is the caller's to remove). NULL is allowed. */
void sst_build_destroy(struct sst_build *build);

#endif
