/*
 * sst: what the builder and the reader of sorted string tables share: identity, properties, environment. Bytes:
 * engine/sst/FORMAT.md.
 */
#ifndef ENGINE_SST_SST_H
#define ENGINE_SST_SST_H

#include "engine/cache/block_cache.h"
#include "engine/cache/memory.h"
#include "engine/codec/codec.h"
#include "engine/entry/internal_key.h"
#include "engine/explain.h"
#include "engine/io.h"

/*
 * Which file this is. It seeds every checksum, so that a block of another file, or of another place in this one, does
 * not verify. It stays with the file through hard links: the manifest keeps it.
 */
struct sst_identity {
    uint64_t store; /* the store that built it */
    uint64_t file;  /* its number there; never given twice */
};

/* Why the file was made. Stored on disk: never renumber. */
enum sst_cause {
    SST_CAUSE_UNKNOWN = 0,
    SST_CAUSE_FLUSH = 1,
    SST_CAUSE_COMPACTION = 2,
    SST_CAUSE_REPAIR = 3,
    SST_CAUSE_OUTSIDE = 4, /* by engine_sst_writer, to be ingested */
    SST_CAUSE_COUNT
};

/* What the builder is told and the file repeats. */
struct sst_origin {
    uint32_t tree;
    uint32_t kind; /* id of the tree's kind */
    enum sst_cause cause;
    uint32_t level;         /* that it was built for */
    uint64_t job;           /* number of the flush or compaction */
    int64_t created_ms;     /* log time at which the job began */
    int64_t oldest_time_ms; /* log time of the oldest data in it; compaction takes the least of its inputs' */
};

/* Where a unit stands and what its check is: kept by the parent, so that a stale or strange unit is found out. size 0 =
 * no such unit. */
struct sst_handle {
    uint64_t offset;
    uint32_t size; /* with the unit's header */
    uint64_t check;
};

/* What the file says about its content. The keys are borrowed from whoever gave the struct (the reader: until
 * sst_close; the builder: until its end). */
struct sst_properties {
    struct sst_origin origin;
    uint64_t entries; /* of all kinds, range deletes not included */
    uint64_t deletes, merges, appends;
    uint64_t references; /* puts whose value is kept apart */
    uint64_t range_deletes;
    uint64_t key_bytes, value_bytes; /* raw */
    uint64_t data_blocks;
    uint64_t data_bytes; /* stored, with unit headers */
    uint64_t raw_bytes;  /* of data blocks before compression */
    uint64_t file_bytes;
    uint64_t first_sequence; /* least and greatest, range deletes included */
    uint64_t last_sequence;
    enum codec_id codec; /* asked for; single blocks may be raw */
    uint32_t filter_bits_per_key;
    uint32_t filter_prefix_bytes; /* 0: the filter knows whole keys only */
    struct sst_handle dictionary; /* size 0: it has none */

    /* The span of user keys, range deletes included: first <= every key <= last. An unbounded range delete: last is
     * empty and has_last false. */
    struct slice first;
    struct slice last;
    bool has_last;
    bool last_exclusive; /* last is the end of a range delete: no key of the file is equal to it */
};

/* What all files of an engine share. Borrowed by each, outlives them. */
struct sst_environment {
    struct io *io;
    struct codec *codec;
    struct block_cache *cache; /* may be NULL: nothing is cached */
    /* Called with every corruption or I/O error met at a read: file, offset, key range. Any thread; may be NULL. */
    void (*on_error)(void *context, const struct error *error);
    void *context;
    struct memory *memory;      /* where tables' buffers are counted; may be NULL */
    struct engine_watch *watch; /* told of blocks and values that are read; NULL but for explanations */
    bool map_tables; /* tables that are not compressed are read where the system's cache has them: sst_map.h */
};

#endif
