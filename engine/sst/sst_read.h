/*
 * sst_read: one open SST. Index, filter and range deletes stay in memory while it is open; data blocks come through the
 * cache.
 *
 * Threads: everything but open and close from any thread. Every byte is checked before it is believed: a bad one ends
 * in CORRUPT, told to environment->on_error with file, offset and key range, never in an answer.
 */
#ifndef ENGINE_SST_SST_READ_H
#define ENGINE_SST_SST_READ_H

#include "engine/entry/range_set.h"
#include "engine/entry/source.h"
#include "engine/sst/block_format.h"
#include "engine/sst/sst.h"

struct sst;

/* cache_file: the key of its blocks in the cache, unique per open store. CORRUPT, MISMATCH (another identity), VERSION,
 * NOT_FOUND, IO, NO_MEMORY. */
MUST_CHECK enum status sst_open(const struct sst_environment *environment, const char *path,
                                struct sst_identity identity, uint64_t cache_file, struct sst **sst,
                                struct error *error);
/*
 * Opens a file that was built outside (every sequence in it is 0) as if it had been built for `tree` with `sequence`
 * for all: the file stays as it is, what is read of it carries the sequence. CORRUPT where it has other sequences.
 */
MUST_CHECK enum status sst_open_adopted(const struct sst_environment *environment, const char *path,
                                        struct sst_identity identity, uint64_t cache_file, uint32_t tree,
                                        uint64_t sequence, struct sst **sst, struct error *error);
/* Sources on it must have been closed; the cache forgets its blocks, and pinned ones may outlive it. O(its blocks).
 * NULL is allowed. */
void sst_close(struct sst *sst);

const struct sst_properties *sst_properties(const struct sst *sst);
const char *sst_path(const struct sst *sst);
size_t sst_memory_bytes(const struct sst *sst); /* index, filter, range deletes, dictionary, slots */

enum sst_read_flag {
    SST_MEMORY_ONLY = 1, /* WOULD_BLOCK instead of reading the file */
    SST_NO_FILL = 2,     /* blocks read do not enter the cache */
    SST_READ_AHEAD =
        4, /* sources: read the file in stretches of 256 KiB, for compaction and long scans; implies NO_FILL */
};

/* A version found by a get. value is borrowed from *block, which carries a reference for the caller (block_release). */
struct sst_version {
    uint64_t trailer;
    struct slice value;
    struct block *block;
};

/* False: key is certainly not among the entries. hash = entry_key_hash(key). */
bool sst_may_have(const struct sst *sst, uint64_t hash);
/* sst_may_have comes soon: what it reads is asked of memory, not waited for. */
void sst_touch_filter(const struct sst *sst, uint64_t hash);

/* False: no entry's key begins with `prefix`. hash = entry_prefix_hash(prefix). True also where the filter does not
 * know beginnings of that length. */
bool sst_may_have_prefix(const struct sst *sst, struct slice prefix, uint64_t hash);

/* The newest version of key with a sequence <= snapshot: OK or NOT_FOUND (or WOULD_BLOCK, CORRUPT, IO, NO_MEMORY). Asks
 * neither filter nor range deletes. */
MUST_CHECK enum status sst_get(struct sst *sst, struct slice key, uint64_t snapshot, unsigned flags,
                               struct sst_version *version);

/* The number of the data block that sst_get reads for this key; the number of blocks: none. */
uint32_t sst_find_block(const struct sst *sst, struct slice key, uint64_t snapshot);

uint32_t sst_block_count(const struct sst *sst);
/* Where data block `at` stands, and its stored bytes. */
void sst_block_place(const struct sst *sst, uint32_t at, uint64_t *offset, uint64_t *bytes);
/* Its entries lie behind *first (empty: from the beginning on) and up to *last; both are replaced. From the index
 * alone. NO_MEMORY. */
MUST_CHECK enum status sst_block_keys(const struct sst *sst, uint32_t at, struct buf *first, struct buf *last);
/* As it was given at open: cache_file. */
uint64_t sst_number(const struct sst *sst);

/* For who tells the steps of a read to environment->watch, which is not NULL: around what looks into data block `at`.
 * Which of cache and file it came from is noted in between. */
uint64_t sst_watch_start(const struct sst *sst);
void sst_watch_block(const struct sst *sst, uint32_t at, enum status status, uint64_t start_ns);

/* A data block that somebody is going to read. */
struct sst_wanted {
    struct sst *sst;
    uint32_t at;         /* sst_find_block */
    struct block *block; /* out: a reference for the caller (block_release); NULL = it can't be had */
};
/* Brings several blocks, each named once, from the files to the cache, read as one batch. Blocking. What fails is left
 * out: whoever then gets from that block alone meets the failure and reports it. */
void sst_load_many(struct io *io, struct sst_wanted *wanted, size_t count);

/* The range deletes (tree id: of the file). */
const struct range_set *sst_range_deletes(const struct sst *sst);

/* Entries in order, both ways. source.value and source.key are borrowed until the next move. */
struct sst_source {
    struct source source;
    struct source *shown;        /* where the entry stands: `source`, or that of whoever shows it as its own, who sets
                                    this before the first move */
    struct sst *sst;             /* borrowed until close */
    struct block *block;         /* NULL: the view goes by `ahead` or `unpacked` */
    struct sst_block_view look;  /* of those */
    struct sst_block_view *view; /* of the block it stands in, NULL = in none: engine/sst/block_format.h */
    struct buf key;
    uint64_t prefix_head; /* entry_head of the block's prefix alone */
    struct buf ahead;     /* bytes of the file from ahead_offset on */
    struct buf unpacked;  /* a block of those that was compressed */
    uint64_t ahead_offset;
    uint64_t charged; /* for `ahead` */
    unsigned flags;
    uint32_t index_at;            /* which block */
    uint32_t entry_at;            /* which entry in it */
    uint32_t tail_end, value_end; /* of it, where the next one's begin */
    uint32_t touch_at;            /* the entry behind that of a seek; 0 = the walk has come to it */
    uint32_t run;                 /* blocks entered one behind the other */
    uint32_t prepared;            /* the block that the seek announced by prepare goes to */
    struct block *prepared_block; /* it, where the cache had it; NULL = not, or entered since */
};
void sst_source_init(struct sst_source *source, struct sst *sst, unsigned flags);
/* The first entry of data block `at`, below their count: for who goes on behind one that can't be read. */
void sst_source_seek_block(struct sst_source *source, uint32_t at);

/* Estimate of the stored bytes of entries in [begin, end); an empty end = to the end. From the index alone. */
uint64_t sst_approximate_bytes(const struct sst *sst, struct slice begin, struct slice end);

/* Appends to *key one with about part/parts of the stored blocks before it, part < parts; from the index alone. Nothing
 * where there are no entries. NO_MEMORY. */
MUST_CHECK enum status sst_part_key(const struct sst *sst, uint64_t part, uint64_t parts, struct buf *key);

/* Reads every byte and checks structure, order and properties; visit is called for each finding. OK or CORRUPT (IO,
 * NO_MEMORY if it could not be read). */
MUST_CHECK enum status sst_verify(struct sst *sst, void (*visit)(void *context, uint64_t offset, const char *text),
                                  void *context);

/* Has the next sst_verify tell how many bytes it has read, now and then. */
void sst_set_progress(struct sst *sst, void (*progress)(void *context, uint64_t bytes), void *context);

/* The identity that a file's header claims, for whoever has lost the manifest. CORRUPT, VERSION, NOT_FOUND, IO. */
MUST_CHECK enum status sst_read_identity(struct io *io, const char *path, struct sst_identity *identity,
                                         struct error *error);

#endif
