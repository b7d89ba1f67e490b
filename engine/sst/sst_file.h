/*
 * sst_file: an open SST as its own files (reader, source, verify) see it. Private to engine/sst.
 */
#ifndef ENGINE_SST_SST_FILE_H
#define ENGINE_SST_SST_FILE_H

#include "engine/sst/block_format.h"
#include "engine/sst/filter_format.h"
#include "engine/sst/sst_format.h"
#include "engine/sst/sst_map.h"
#include "engine/sst/sst_read.h"

struct sst {
    const struct sst_environment *environment;
    struct io_file *file;
    struct sst_identity identity;
    uint64_t cache_file;
    uint32_t adopted_tree;
    uint64_t sequence; /* adopted: of all that is in it; 0 = as the file says */
    struct sst_footer footer;
    struct sst_properties properties;
    struct dictionary_unpacker *unpacker; /* NULL = no dictionary */
    struct block *filter_block;           /* NULL = no filter */
    struct block *index_block;
    struct block *properties_block;
    struct filter filter;
    struct sst_block_view index;
    struct sst_map *map;                             /* NULL: blocks are read into memory of ours */
    struct block_slot *slots;                        /* of each data block in the cache; NULL without a cache */
    void (*progress)(void *context, uint64_t bytes); /* of sst_verify; may be NULL */
    void *progress_context;
    struct arena arena; /* of ranges */
    struct range_set ranges;
};

/* A block in memory begins with its parsed form; the bytes come behind. */
static inline struct sst_block_view *sst_block_view_of(struct block *block) {
    return (struct sst_block_view *)(void *)block->data;
}

static inline struct sst_handle sst_index_handle(const struct sst *sst, uint32_t at) {
    return sst_handle_decode(block_view_value(&sst->index, at).data);
}

/* The first data block that may hold an entry at or after (key, trailer); index.count = none. */
static inline uint32_t sst_index_seek(const struct sst *sst, struct slice key, uint64_t trailer) {
    return block_view_seek(&sst->index, key, trailer);
}

/*
 * The data block that index entry `at` names, with a reference for the caller. From the cache, from *ahead (see
 * sst_source), or from the file. WOULD_BLOCK, CORRUPT, IO, NO_MEMORY: told to environment->on_error but for WOULD_BLOCK
 * and NO_MEMORY.
 */
MUST_CHECK enum status sst_block_load(struct sst *sst, uint32_t at, unsigned flags, struct block **block);

/* The same out of bytes that were read already: exactly the unit. */
MUST_CHECK enum status sst_block_decode(struct sst *sst, uint32_t at, struct slice unit, struct block **block);

/* The same to be read once, without a copy where it is not compressed: *view goes by `bytes`, behind which
 * BLOCK_SLACK_BYTES are readable, or by *room. */
MUST_CHECK enum status sst_block_look(struct sst *sst, uint32_t at, struct slice bytes, struct buf *room,
                                      struct sst_block_view *view);

/* The raw content of one of the footer's sections out of `bytes`, exactly its unit, as a block that lasts; `front`
 * bytes of the block lie before it. CORRUPT, NO_MEMORY, UNSUPPORTED. */
MUST_CHECK enum status sst_section_load(struct sst *sst, struct slice bytes, const struct sst_handle *handle,
                                        unsigned section, size_t front, struct block **block);

/* The block if it is in the cache, with a reference for the caller; NULL otherwise. */
struct block *sst_block_cached(struct sst *sst, uint32_t at);

/* Offers a loaded block to the cache: see block_cache_add. */
void sst_block_cache(struct sst *sst, struct block **block);

/* Reads the dictionary that header (its features) and properties tell of, if they do. CORRUPT, IO, NO_MEMORY. */
MUST_CHECK enum status sst_open_dictionary(struct sst *sst, uint32_t features, struct error *error);

/* Reads exactly [offset, offset + size) of the file. CORRUPT if it is shorter. */
MUST_CHECK enum status sst_file_read(const struct sst *sst, uint64_t offset, uint8_t *to, size_t size);

/* Tells environment->watch, which is not NULL, of bytes that were read ahead. */
void sst_watch_stretch(const struct sst *sst, uint64_t offset, uint64_t bytes, enum status status, uint64_t start_ns);

/* Tells environment->on_error about data block `at`: file, offset, key range, what. Returns status. */
enum status sst_block_failed(struct sst *sst, uint32_t at, enum status status, const char *what);

#endif
