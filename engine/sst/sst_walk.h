/*
 * sst_walk: what is left of an SST that does not verify: its units one by one, each by its own check, whatever lies
 * between them. Neither index nor footer is needed: units carry their sizes, and every check is seeded with identity
 * and place (FORMAT.md, "Damage"). For repair.
 *
 * One thread. Memory: the whole file.
 */
#ifndef ENGINE_SST_SST_WALK_H
#define ENGINE_SST_SST_WALK_H

#include "engine/sst/block_format.h"
#include "engine/sst/sst_format.h"

enum { SST_WALK_MAX_BYTES = 1 << 30 };

/* A data block that verifies; in order of their places, and of their entries. */
struct sst_walk_block {
    uint64_t offset;
    uint32_t size;  /* of the unit */
    bool after_gap; /* what stood between the block before, or the file's beginning, and this one is lost */
};

struct sst_walk {
    const struct sst_environment *environment; /* borrowed */
    struct sst_identity identity;
    struct buf bytes; /* of the file; what the device does not give is zeros */
    struct sst_walk_block *blocks;
    size_t count, capacity;
    bool ends_in_gap;                     /* behind the last block other data is lost */
    struct buf raw;                       /* of the block that was asked for last */
    struct dictionary_unpacker *unpacker; /* NULL: the file has no dictionary, or it is lost, */
    size_t without_dictionary;            /* and so many blocks with it */
    /* The other sections, unpacked; empty = lost or never there. */
    struct buf properties_raw, ranges_raw;
    bool has_properties, has_ranges;
    struct sst_properties properties; /* keys lie in properties_raw */
    struct sst_block_view ranges;
};

/* Reads and walks the file. TOO_LARGE, NO_MEMORY, NOT_FOUND. close in any case. */
MUST_CHECK enum status sst_walk_open(const struct sst_environment *environment, const char *path,
                                     struct sst_identity identity, struct sst_walk *walk);
void sst_walk_close(struct sst_walk *walk);
/* Block `at`, until the next call. NO_MEMORY. */
MUST_CHECK enum status sst_walk_block(struct sst_walk *walk, size_t at, struct sst_block_view *view);

#endif
