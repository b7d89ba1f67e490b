/*
 * sst_walk: what is left of an SST that does not verify: its units one by one, each by its own check, whatever lies
 * between them. Neither index nor footer is needed: units carry their sizes, and every check is seeded with identity
 * and place (FORMAT.md, "Damage"). For repair.
 *
 * One thread. Memory: a window of a MiB or the largest unit, not the file; beside it the sections.
 */
#ifndef ENGINE_SST_SST_WALK_H
#define ENGINE_SST_SST_WALK_H

#include "engine/sst/block_format.h"
#include "engine/sst/sst_format.h"

/* A data block that verifies; they come in order of their places, and of their entries. */
struct sst_walk_block {
    struct sst_block_view view; /* until the next call */
    bool after_gap;             /* what stood between the block before, or the file's beginning, and this one is lost */
};

struct sst_walk {
    const struct sst_environment *environment; /* borrowed */
    struct sst_identity identity;
    uint64_t file_bytes;
    uint64_t unread_bytes; /* that the device refused, of what was walked; they count as lost */
    size_t count;          /* blocks so far */
    struct buf last;       /* key of the last entry so far; with its trailer */
    uint64_t last_trailer;
    bool ends_in_gap;                     /* at the end: behind the last block other data is lost */
    struct dictionary_unpacker *unpacker; /* NULL: the file has no dictionary, or it is lost, */
    size_t without_dictionary;            /* and so many blocks with it */
    /* The other sections, unpacked, once the end is reached; empty = lost or never there. */
    struct buf properties_raw, ranges_raw;
    bool has_properties, has_ranges;
    struct sst_properties properties; /* keys lie in properties_raw */
    struct sst_block_view ranges;

    /* The walk's own. */
    struct io_file *file;
    struct buf window; /* the file's bytes from window_at on; what the device does not give is zeros */
    uint64_t window_at, at;
    struct buf raw; /* of the present block */
    bool gap;       /* since the last block */
    bool past_data;
};

/* Before the first block. NO_MEMORY, NOT_FOUND, IO; close in any case. */
MUST_CHECK enum status sst_walk_open(const struct sst_environment *environment, const char *path,
                                     struct sst_identity identity, struct sst_walk *walk);
/* The next block. END: there is none, and the sections are known. NO_MEMORY. */
MUST_CHECK enum status sst_walk_next(struct sst_walk *walk, struct sst_walk_block *block);
void sst_walk_close(struct sst_walk *walk);

#endif
