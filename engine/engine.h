/*
 * engine: an LSM-tree over named trees (keyspaces) with atomic batches, snapshots, iterators and checkpoints.
 *
 * A write enters one memtable that all trees share. A flush seals it, writes SSTs (each of one tree) and installs them
 * by one manifest edit that carries a mark: the log index, term and log time up to which all is inside. Compaction then
 * moves data down the levels. Restart = manifest, then the log after the mark: its own WAL (ENGINE_WAL_OWN), or
 * whatever log the owner keeps (ENGINE_WAL_OFF; the owner replays from engine_installed on).
 *
 * Threads: open and close by one; everything else by any, unless said otherwise. Keys are byte strings in memcmp order,
 * 0..ENGINE_KEY_MAX_BYTES; values 0..ENGINE_VALUE_MAX_BYTES. Corruption is an error with file, offset and key range
 * (engine_last_error); it is never an answer.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/base/buf.h"
#include "engine/base/hist.h"
#include "engine/io.h"

#pragma GCC visibility push(default)

struct engine;
struct engine_snapshot;
struct engine_iterator;

enum {
    ENGINE_KEY_MAX_BYTES = 128 << 10,
    ENGINE_VALUE_MAX_BYTES = 64 << 20,
    ENGINE_TREES_MAX = 65536,
    ENGINE_LEVELS = 7,
    ENGINE_EXPIRY_BYTES = 8,
    ENGINE_FORMAT_LEVEL_LATEST = 2, /* "Format level" */
};

/* ---- Kinds of trees ---------------------------------------------------------------------------------------------- */

/*
 * A merge operator: folds operands that were written with engine_batch_merge into a value. Pure and associative: it is
 * called at reads, flushes and compactions, any grouping must give the same bytes. `base` is NULL when there is no
 * older value. Operands come oldest first. Any thread. CORRUPT or SYNTAX if an operand is malformed: becomes the read's
 * error.
 */
struct engine_merge {
    const char *name; /* kept in the manifest; another name at open is MISMATCH */
    /* Folds base and operands into *result (a full value). */
    enum status (*full)(void *context, struct slice key, const struct slice *base, const struct slice *operands,
                        size_t count, struct buf *result);
    /* Folds adjacent operands into one operand; NULL if it can't. */
    enum status (*partial)(void *context, struct slice key, const struct slice *operands, size_t count,
                           struct buf *result);
    void *context;
};

enum engine_filter_decision { ENGINE_KEEP, ENGINE_DROP };

/*
 * A compaction filter: asked for the newest version of a key that no snapshot needs in older form. DROP makes it a
 * tombstone, or nothing at the bottom. Must depend on key, value and `mark_time_ms` (log time of the last installed
 * flush) alone, and what it drops at one time it drops at every later one. A snapshot acquired after the mark has
 * passed a value may or may not see it. Any thread.
 */
struct engine_filter {
    const char *name;
    enum engine_filter_decision (*decide)(void *context, struct slice key, struct slice value, int64_t mark_time_ms);
    void *context;
};

/*
 * How a tree's files are merged. Another one may be given at any open: the tree is brought into its shape by the
 * compactions to come. What each costs, measured: engine/README.md, "Policies".
 *
 *  - LAZY: few rewrites and one large sorted run below a few small ones. Space: at most a quarter more than the data.
 *  - LEVELED: every level a tenth of the next. Fewest runs for a read to look at; each byte is rewritten more often.
 *  - TIERED: rewritten least; up to twice the space, and more runs for a read.
 *  - FIFO: never rewritten; the oldest files go, with all that is in them, by fifo_bytes or fifo_age_ms, as soon as no
 *    snapshot sees them. For caches and logs: data goes without a delete, and at another time on another replica. An
 *    operand or append whose base went starts from nothing. The tree's filter is not asked. Reads look at every file.
 */
enum engine_policy { ENGINE_POLICY_LAZY, ENGINE_POLICY_LEVELED, ENGINE_POLICY_TIERED, ENGINE_POLICY_FIFO };

enum engine_compression { ENGINE_COMPRESSION_NONE, ENGINE_COMPRESSION_LZ4, ENGINE_COMPRESSION_ZSTD };

/* How the trees of one kind keep their data. The table is given at open, the same one for the life of a directory (new
 * kinds may be added). */
struct engine_tree_kind {
    uint32_t id;                        /* 1.., kept in the manifest */
    const char *name;                   /* "kv.names" */
    enum engine_compression upper;      /* levels above the last */
    enum engine_compression bottom;     /* the last level */
    unsigned filter_bits_per_key;       /* 0 = no filter */
    const struct engine_merge *merge;   /* may be NULL: a merge operation is then INVALID */
    const struct engine_filter *filter; /* may be NULL */
    enum engine_policy policy;
    /* Filters also hold the first so many bytes of each key that has them, so that an iterator with a prefix passes
     * files by that have nothing of it. May be another at any open: a file answers by what it was built with. 0 = they
     * do not; at most 255; nothing without filter_bits_per_key. */
    unsigned filter_prefix_bytes;
    uint64_t fifo_bytes; /* FIFO: files of the tree; 0 = any */
    int64_t fifo_age_ms; /* FIFO: log time; looked at after a flush; 0 = any */
    bool expires; /* values end at a time of their own: only engine_batch_put_until writes them, merges and appends are
                     INVALID; no filter and no merge operator; for the life of the tree */

    /* Values of so many bytes or more are kept apart from their keys, in files of their own: compaction then moves a
     * reference of 28 bytes instead of the value. 0 = off; at least 256. May change from open to open: what is there
     * stays as it is until a compaction meets it. A filter has its values read. Not
     * together with `expires`. In a store below format level 2 it is not used, which an event says at open, until
     * engine_upgrade. */
    size_t value_threshold_bytes;
    /* Of a file of values: with more garbage than this its live values are written anew by the next compaction that
     * meets them, which is begun for it if need be; so the files take at most live * 100 / (100 - percent) [50]. */
    unsigned value_garbage_percent;

    /* Zstd: each SST gets a dictionary of at most so many bytes, made of what stands in it, where that makes it
     * smaller; 256 to 65536, about 16 KiB are a good choice for rows of some hundred bytes; 0 = off. A file's builder
     * holds sixteen times as much until it is made, an open file takes as much and 27 KiB. May change from open
     * to open; nothing where `upper` and `bottom` are not ZSTD. Files of values have none: each of their records is
     * read alone, and is large. In a store below format level 2 it is not used, which an event says at open. */
    size_t dictionary_bytes;
};

/* engine_options.event_log_bytes: no file of events. */
#define ENGINE_EVENT_LOG_OFF UINT64_MAX

/* ---- Open and close ---------------------------------------------------------------------------------------------- */

enum engine_wal_mode { ENGINE_WAL_OWN, ENGINE_WAL_OFF };

struct engine_options {
    struct log *log;                      /* borrowed; NULL = silence */
    const struct engine_tree_kind *kinds; /* borrowed for the life of the engine */
    size_t kind_count;
    enum engine_wal_mode wal;
    bool owner_seals; /* ENGINE_WAL_OFF: only engine_amend seals a memtable; the owner asks engine_wants_seal after each
                         write and now and then */
    bool must_exist;  /* NOT_FOUND instead of making a new one */
    bool read_only;   /* nothing is written, no lock is taken, no background work: for readers beside a running owner.
                         They hold every file open (open_files does not bind them), and go on by engine_refresh */
    bool explains;    /* with read_only, for tools that say where damage is: a table or a file of values that can't be
                         opened fails the reads that need it, not the opening; kinds of trees that are not among
                         `kinds`, or are other ones there, are taken as the manifest names them, without operators: a
                         read that must fold operands of such a tree is UNSUPPORTED */
    bool memory_writes; /* with read_only and owner_seals: writes are taken, into memory alone: BUSY when memtable_bytes
                           are full, and no flush ever comes. A tool replays an owner's log so */

    /*
     * One budget for all that the engine holds: memtables, cache, open tables, readers, jobs, the log's buffers, what
     * it knows of its files [0 = none: the limits below alone]. The cache gives way as memtables fill, and takes back
     * what they leave. memtable_bytes is then [a tenth of it, at most 64 MiB], cache_bytes [what the others leave], and
     * both are upper bounds. Reached by open iterators and by the memtables that these keep, it answers NO_MEMORY to
     * engine_iterator_open, and to a write that has waited a second for them. At least 8 MiB. engine_get_stats shows
     * who holds what.
     */
    uint64_t memory_bytes;

    /* 0 = the default in brackets. */
    size_t memtable_bytes; /* sealed at this size [64 MiB] */
    unsigned
        memtable_limit;  /* memtables in memory, the active one included; beyond it writes wait or answer BUSY [4] */
    size_t cache_bytes;  /* block cache, a hard ceiling, pinned blocks included [64 MiB] */
    bool map_tables;     /* tables that are not compressed are read where the system's cache has them, and cache_bytes
                            keeps what finds entries in them: a block out of the system's cache costs no copy. In turn
                            a page that the device can't give ends the process (SIGBUS) where otherwise the read
                            answers IO, and a page that the system has dropped and read anew since its block was
                            checked is believed. Where tables can't be mapped they are read as ever [false] */
    size_t block_bytes;  /* of an SST's data block before compression [4 KiB] */
    unsigned open_files; /* SSTs that stay open, each with a descriptor, its index and filter, and files of values, at
                            most a quarter of them: beyond it those go that were not asked for lately. No more than half
                            of the descriptors that the process may have: the event log tells [8192] */
    size_t file_bytes;   /* of an SST made by compaction [8 MiB] */
    size_t value_file_bytes;   /* of a file of values kept apart, about [32 MiB] */
    uint64_t level_base_bytes; /* target of level 1 [64 MiB] */
    unsigned level_ratio;      /* [10] */
    unsigned level0_trigger;   /* files in level 0 that start a compaction; LAZY and TIERED: twice as many [4] */
    unsigned gap_keys; /* a row of so many deletes in the order of their keys, or a walk that passes four times as many,
                          has the engine find out what is empty there, for later walks to hop over [256] */
    uint64_t debt_limit_bytes;   /* compaction debt at which pacing reaches its strongest [level_base * 16] */
    uint64_t wal_segment_bytes;  /* ENGINE_WAL_OWN [8 MiB] */
    uint64_t manifest_bytes;     /* a manifest this much longer than its first edit is begun anew [4 MiB] */
    uint64_t disk_reserve_bytes; /* kept free: below it ordinary writes answer NO_SPACE, deletes and compaction go on
                                    [64 MiB; the simulator sets less] */
    unsigned format_level;       /* of a store that is made; one that is there keeps its own ("Format level")
                                    [ENGINE_FORMAT_LEVEL_LATEST] */

    /*
     * What the engine does and why, a line of JSON each (engine/lsm/FORMAT.md, "events"): kept in the directory, in two
     * files of together this size [2 MiB], and told to on_event (may be NULL) from whichever thread it happens on,
     * which must not call the engine.
     */
    uint64_t event_log_bytes;
    void (*on_event)(void *context, const char *line);
    void *event_context;
};

/* The options with their defaults, one "name value" a line, and a line for each kind of trees: appended to *to. */
MUST_CHECK enum status engine_options_print(const struct engine_options *options, struct buf *to);

MUST_CHECK enum status engine_open(struct io *io, const char *dir, const struct engine_options *options,
                                   struct engine **engine, struct error *error);
/* Ends background work at its next step, commits nothing more. Snapshots, iterators and values must have been released.
 * NULL is allowed. */
void engine_close(struct engine *engine);
/*
 * With read_only, beside a process that writes: goes on to what the store is now, a later state of the same history.
 * Reads that begin afterwards see it; snapshots and iterators go on seeing theirs. Files that it has open already are
 * not opened anew; the manifest is read if it has grown, the log always. Nothing is written, no lock is taken, the
 * writer is not disturbed. It sees every write that has returned, and maybe one that is about to; with ENGINE_WAL_OFF,
 * and the log elsewhere, what is installed. One thread at a time; reads go on meanwhile in others. Blocking.
 * What a writer changes under its eyes is looked at again, for up to a second; CORRUPT, FAULTY, NOT_FOUND and others
 * after that, IO, NO_MEMORY: the state is as it was, or a later one; *error (may be NULL) says more. UNSUPPORTED
 * without read_only, and with memory_writes.
 */
MUST_CHECK enum status engine_refresh(struct engine *engine, struct error *error);
/* As they are in force, defaults filled in. The store keeps them (OPTIONS): what differs at the next open is told to
 * the log and as an event, and a `wal` that differs is MISMATCH. */
void engine_get_options(const struct engine *engine, struct engine_options *options);

/* ---- Format level ------------------------------------------------------------------------------------------------ */

/*
 * What may be written into a store, so that a binary of that age reads it. A new store has the latest level (or
 * engine_options.format_level), an existing one stays at its own until it is upgraded: until then the binary that made
 * it can have it back. A binary refuses a store of a level that it does not know (VERSION), by the level's name.
 * engine_get_options tells the level in force.
 */

/* Raises it: durable when OK, and told as an event. Old bytes stay as they are; what is written from now on may be new.
 * level 0 = the latest; the present one changes nothing. It never goes down: INVALID; so is a level that is not known.
 * READ_ONLY, NO_SPACE, NO_MEMORY. Any thread; blocking. */
MUST_CHECK enum status engine_upgrade(struct engine *engine, unsigned level, struct error *error);
/* Calls visit with each thing that the level allows and the one below it does not: a few words of static text. */
void engine_format_level_describe(unsigned level, void (*visit)(void *context, const char *text), void *context);

/* ---- Batches ----------------------------------------------------------------------------------------------------- */

/* The log position that a batch or a flush stands for. With ENGINE_WAL_OWN the engine numbers index itself, term is 0.
 */
struct engine_mark {
    uint64_t index;
    uint64_t term;
    int64_t time_ms; /* log time */
};

/* A set of operations that become visible together. Reusable after clear; not thread-safe. Keys and values are copied
 * in. */
struct engine_batch {
    struct buf operations; /* encoded: engine/lsm/FORMAT.md, "batch" */
    uint32_t count;
    struct engine_mark mark; /* set by the owner with ENGINE_WAL_OFF; index > every earlier one (equal is INVALID) */
};

void engine_batch_init(struct engine_batch *batch);
void engine_batch_deinit(struct engine_batch *batch);
void engine_batch_clear(struct engine_batch *batch);
MUST_CHECK enum status engine_batch_put(struct engine_batch *batch, uint32_t tree, struct slice key,
                                        struct slice value);
/*
 * In a tree whose kind expires: a value that reads show up to log time expires_ms (0 = for ever), and as absent from
 * then on, whatever older version there was. Log time is that of the last batch applied, of a snapshot's mark in a
 * snapshot. Compaction drops it once a flush at or after that time is installed. Other puts into such a tree bring the
 * time themselves, in front of the value: engine_expiry_encode.
 */
MUST_CHECK enum status engine_batch_put_until(struct engine_batch *batch, uint32_t tree, struct slice key,
                                              struct slice value, int64_t expires_ms);
/* For values that come in another way, by engine_sst_writer_put. */
void engine_expiry_encode(uint8_t to[ENGINE_EXPIRY_BYTES], int64_t expires_ms);
MUST_CHECK enum status engine_batch_delete(struct engine_batch *batch, uint32_t tree, struct slice key);
/* Every key in [begin, end); an empty end = to the end of the tree. O(1) to write. */
MUST_CHECK enum status engine_batch_delete_range(struct engine_batch *batch, uint32_t tree, struct slice begin,
                                                 struct slice end);
MUST_CHECK enum status engine_batch_merge(struct engine_batch *batch, uint32_t tree, struct slice key,
                                          struct slice operand);
/* Extends the value of key by bytes (an absent one is empty). A snapshot sees the length at its time. Amortised
 * O(size), whatever the value's length. */
MUST_CHECK enum status engine_batch_append(struct engine_batch *batch, uint32_t tree, struct slice key,
                                           struct slice bytes);
/* Trees come and go inside batches, so that replay reproduces them. Creating one that exists with the same kind is
 * no-op; with another, INVALID at write. O(1). */
MUST_CHECK enum status engine_batch_create_tree(struct engine_batch *batch, uint32_t tree, uint32_t kind);
MUST_CHECK enum status engine_batch_drop_tree(struct engine_batch *batch, uint32_t tree);

struct engine_write_options {
    bool sync;    /* ENGINE_WAL_OWN: durable when it returns; otherwise it outlives the process, not the power */
    bool no_wait; /* BUSY instead of waiting for memory or for pacing; for a loop */
};

/*
 * Applies all of it or nothing. Many writers may call at once: they queue, and one commits for all. BUSY, NO_SPACE,
 * READ_ONLY, NO_MEMORY, INVALID (unknown tree or kind), TOO_LARGE.
 */
MUST_CHECK enum status engine_write(struct engine *engine, struct engine_batch *batch,
                                    const struct engine_write_options *options);

/*
 * With owner_seals: rows that the owner keeps in memory between two flushes (and rebuilds from its log) are written
 * where a flush cuts. engine_amend adds a batch to the state at the last applied mark (the batch's own is not looked
 * at); with `seal` the memtable ends behind it, and its flush starts: what is installed is the state at that mark,
 * these rows included. Neither paced nor refused for space: a flush needs it. All or nothing. BUSY (seal: no room for
 * another memtable), NO_MEMORY, READ_ONLY, INVALID, TOO_LARGE.
 */
MUST_CHECK enum status engine_amend(struct engine *engine, struct engine_batch *batch, bool seal);
/* The memtable is full (engine_write answers BUSY until it is sealed), or a flush was asked for what it holds; and
 * there is room for another. Cheap. */
bool engine_wants_seal(const struct engine *engine);

/* How hard the engine asks its writers to slow down: 0 = not at all .. 1000 = memory or debt is at its limit. For
 * owners with no_wait: stop reading sockets as it rises. */
unsigned engine_pressure(const struct engine *engine);

/* ---- Reads ------------------------------------------------------------------------------------------------------- */

/* A value without a copy: the bytes stay where they are (memtable or cached block) until released. */
struct engine_value {
    struct slice data;
    void *pin[2]; /* the engine's */
};
void engine_value_release(struct engine_value *value);

/* snapshot NULL = the latest state. OK, NOT_FOUND, CORRUPT, IO, NO_MEMORY, INVALID (no such tree). Blocks on disk if it
 * must. */
MUST_CHECK enum status engine_get(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree,
                                  struct slice key, struct engine_value *value);
/* Answers from memory or says WOULD_BLOCK; never touches a file. Call engine_get from a job to bring the blocks in,
 * then try again. */
MUST_CHECK enum status engine_get_try(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree,
                                      struct slice key, struct engine_value *value);

/*
 * engine_get of many keys, all as of one state, in any order, twice the same too: values[i] and statuses[i] (as
 * engine_get would answer) are of keys[i]; every value with OK is released by the caller. Cheaper than one by one: keys
 * are looked up in their order, a block is read once for all keys in it, and blocks that are not in memory are read
 * together. INVALID (no such tree), NO_MEMORY: then so is every status, and there is nothing to release.
 */
MUST_CHECK enum status engine_get_many(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree,
                                       const struct slice *keys, size_t count, struct engine_value *values,
                                       enum status *statuses);

/* A hint: gets of these keys come next, by whichever thread. What they will read in the newest memtable is brought
 * close to the processor, several keys at a time, so that the waits for memory overlap. Reads no file; never fails. */
void engine_touch(struct engine *engine, uint32_t tree, const struct slice *keys, size_t count);

/* A state that stays readable while writes go on. NULL when out of memory. */
struct engine_snapshot *engine_snapshot_acquire(struct engine *engine);
void engine_snapshot_release(struct engine *engine, struct engine_snapshot *snapshot);
struct engine_mark engine_snapshot_mark(const struct engine_snapshot *snapshot);

struct engine_iterator_options {
    const struct engine_snapshot *snapshot; /* borrowed until close; NULL = the state at open */
    struct slice lower;                     /* borrowed until close; keys >= lower; empty = from the first */
    struct slice upper;                     /* borrowed until close; keys < upper; empty = to the last */
    struct slice prefix;                    /* copied; only keys that begin with it, beside the bounds; empty = any. One
                                               of at least the kind's filter_prefix_bytes asks the filters */
    bool memory_only;                       /* ends with WOULD_BLOCK instead of reading a file */
    bool no_fill;                           /* blocks that it reads do not enter the cache (long scans) */
};

/* One thread at a time. Starts nowhere: seek first. */
MUST_CHECK enum status engine_iterator_open(struct engine *engine, uint32_t tree,
                                            const struct engine_iterator_options *options,
                                            struct engine_iterator **iterator);
void engine_iterator_close(struct engine_iterator *iterator);
void engine_iterator_seek_first(struct engine_iterator *iterator);
void engine_iterator_seek_last(struct engine_iterator *iterator);
void engine_iterator_seek(struct engine_iterator *iterator, struct slice key);        /* the first key >= key */
void engine_iterator_seek_before(struct engine_iterator *iterator, struct slice key); /* the last key < key */
void engine_iterator_next(struct engine_iterator *iterator);
void engine_iterator_prev(struct engine_iterator *iterator);
bool engine_iterator_valid(const struct engine_iterator *iterator); /* false: past an end, or failed: see status */
enum status engine_iterator_status(const struct engine_iterator *iterator);
struct slice engine_iterator_key(const struct engine_iterator *iterator); /* borrowed until the next move */
/* Borrowed until the next move. A value that is kept apart is read when it is asked for: if that fails, the answer is
 * empty, the iterator is no longer valid, and its status tells why. */
struct slice engine_iterator_value(const struct engine_iterator *iterator);

/* ---- Trees ------------------------------------------------------------------------------------------------------- */

struct engine_tree_info {
    uint32_t tree;
    uint32_t kind;
    uint64_t files;
    uint64_t disk_bytes;
    uint64_t entries; /* estimate: files' entries, tombstones and overwritten versions included */
    /* Of these: deletes of one key, merge operands, range deletes; and files from which values will go by their time.
     */
    uint64_t deletes, operands, range_deletes, expiring_files;
    /* What it has cost since open. */
    uint64_t flushed_bytes, compacted_read_bytes, compacted_written_bytes;
    uint64_t compactions;
};
MUST_CHECK enum status engine_tree_info(struct engine *engine, uint32_t tree,
                                        struct engine_tree_info *info); /* NOT_FOUND */

/* ---- Flush, log, checkpoint -------------------------------------------------------------------------------------- */

/* Seals the memtable if it holds anything (with owner_seals: has engine_wants_seal say so) and starts a flush; the
 * answer is engine_installed passing the mark. Does not block. */
MUST_CHECK enum status engine_flush_start(struct engine *engine);
/* The same, and waits until it is installed (with ENGINE_WAL_OFF: until the owner's log is durable; with owner_seals:
 * until another thread seals; so never from the loop). */
MUST_CHECK enum status engine_flush(struct engine *engine);
/* Compacts every tree down to its last level; what its filter drops by then goes too. Blocking; for tools and tests. */
MUST_CHECK enum status engine_compact(struct engine *engine);

/* The mark of the last installed flush: everything up to it survives a restart without the log; the log may be cut
 * below it. */
struct engine_mark engine_installed(const struct engine *engine);
/* The mark of the last batch applied. */
struct engine_mark engine_applied(const struct engine *engine);
/* ENGINE_WAL_OFF: the owner's log is durable up to index; a flush is installed only up to here. */
void engine_log_durable(struct engine *engine, uint64_t index);

/*
 * Makes `dir` (absent before) a store of its own that holds the last installed state: hard links and a new manifest,
 * durable when it returns. *mark tells its place in the log. Blocking, any thread; writes go on.
 */
MUST_CHECK enum status engine_checkpoint(struct engine *engine, const char *dir, struct engine_mark *mark,
                                         struct error *error);

/* Verifies every checksum and the meaning above it (order, levels disjoint, references, sizes, marks); reads all, the
 * caller and a job of IO_POOL_LONG beside it. visit is called for each finding, by one thread at a time; NULL = only
 * the verdict. OK or CORRUPT. Blocking: never from the loop. */
struct engine_finding {
    enum status status;
    const char *file;
    uint64_t offset;
    const char *text; /* what is wrong, which key range, what to do */
};
MUST_CHECK enum status engine_verify(struct engine *engine,
                                     void (*visit)(void *context, const struct engine_finding *finding), void *context);

/*
 * The same in portions, beside other work: each step verifies one file of tables, with the values that it refers to;
 * the first one verifies the manifest. Files that came meanwhile are the next pass's. Findings are told by
 * engine_last_error. OK: go on. END: that was all. Blocking, one thread for a scrub at a time; the caller's memory, all
 * zero at first.
 */
struct engine_scrub {
    uint64_t number, until; /* of the last file, and of the last one there is to be */
    uint64_t files, bytes, findings;
};
MUST_CHECK enum status engine_scrub_step(struct engine *engine, struct engine_scrub *scrub);

/* ---- Files made outside ------------------------------------------------------------------------------------------ */

/*
 * Builds a file of sorted rows outside any store, to be ingested into a tree of the same kind: bulk loads that pass by
 * memtable, log and compaction. One thread at a time. Keys of put, delete and merge ascend strictly, each once (INVALID
 * otherwise); a range delete comes at any time, and acts before the file's other rows: it takes away what the tree
 * held. Codec, filter and dictionary are the kind's, as for its last level; a file with a dictionary is taken in from
 * format level 2 on.
 */
struct engine_sst_writer;
/* Makes `path`, which must not exist (EXISTS). kind is borrowed until close; INVALID: its dictionary_bytes. */
MUST_CHECK enum status engine_sst_writer_open(struct io *io, const char *path, const struct engine_tree_kind *kind,
                                              struct engine_sst_writer **writer);
MUST_CHECK enum status engine_sst_writer_put(struct engine_sst_writer *writer, struct slice key, struct slice value);
MUST_CHECK enum status engine_sst_writer_delete(struct engine_sst_writer *writer, struct slice key);
MUST_CHECK enum status engine_sst_writer_merge(struct engine_sst_writer *writer, struct slice key,
                                               struct slice operand);
MUST_CHECK enum status engine_sst_writer_delete_range(struct engine_sst_writer *writer, struct slice begin,
                                                      struct slice end);
/* What the file would have if it ended now. */
uint64_t engine_sst_writer_bytes(const struct engine_sst_writer *writer);
/* Content durable (its name is the caller's to sync, or engine_ingest's). INVALID for a file of nothing. */
MUST_CHECK enum status engine_sst_writer_finish(struct engine_sst_writer *writer);
/* Frees; an unfinished file is removed. NULL is allowed. */
void engine_sst_writer_close(struct engine_sst_writer *writer);

struct engine_ingest_options {
    bool move; /* the originals are removed once their content is in the store */
};

/*
 * Takes such files into a tree, all at one moment: later than every write before, earlier than every write after. A
 * crash leaves all of them or none. Each is read and verified first, then hard-linked (copied where the original lies
 * on another file system), so that its content must not be changed afterwards. The files' spans must be disjoint. Each
 * comes to the lowest level where nothing above it overlaps. What is in memory is flushed first, so that a checkpoint
 * or a restart knows one mark; writers wait for that and for one edit of the manifest. Durable when it returns.
 * Blocking.
 *
 * INVALID (no such tree, another kind, overlapping spans, not built by engine_sst_writer, ENGINE_WAL_OFF: what the tree
 * holds then comes from the owner's log alone), CORRUPT, VERSION, NOT_FOUND, IO, NO_SPACE, NO_MEMORY, READ_ONLY: *error
 * (may be NULL) says which file and why, and nothing has changed.
 */
MUST_CHECK enum status engine_ingest(struct engine *engine, uint32_t tree, const char *const *paths, size_t count,
                                     const struct engine_ingest_options *options, struct error *error);

/* The last thing that went wrong in the background or at a read, with its place. status OK and "" when nothing did. */
void engine_last_error(struct engine *engine, struct error *error);
/* The last damage that a job or a read met, with its place, whatever went wrong after it. OK and "": none. */
void engine_last_damage(struct engine *engine, struct error *error);
/* The failed write or sync that made the store read-only until it is opened anew; OK: none did. Any thread. */
enum status engine_failure(const struct engine *engine);

/* Who holds memory. */
enum engine_memory_user {
    ENGINE_MEMORY_MEMTABLES, /* with those that only readers keep */
    ENGINE_MEMORY_CACHE,     /* blocks, pinned ones too, and what is free beside them in the memory they lie in */
    ENGINE_MEMORY_TABLES,    /* of open SSTs: index, filter, range deletes */
    ENGINE_MEMORY_READERS,   /* iterators and what they read ahead */
    ENGINE_MEMORY_JOBS,      /* flush and compaction */
    ENGINE_MEMORY_LOG,       /* the own log's buffers, and the part of it that is mapped */
    ENGINE_MEMORY_STATE,     /* what is known of files, trees and views; manifest and events that wait */
    ENGINE_MEMORY_SLACK,     /* with memory_bytes: set aside for what the allocator loses between its pieces */
    ENGINE_MEMORY_USERS
};
const char *engine_memory_user_name(enum engine_memory_user user);

struct engine_stats {
    uint64_t sequence;
    uint64_t memtable_bytes, memtable_count;
    uint64_t flushes, compactions, trivial_moves;
    uint64_t user_bytes; /* keys and values written by users since open */
    uint64_t flushed_bytes, compacted_read_bytes, compacted_written_bytes;
    uint64_t debt_bytes; /* what compaction still has to move, some of it once nobody writes */
    uint64_t delayed_ns; /* time that writers were asked to wait */
    uint64_t cache_bytes, cache_hits, cache_misses;
    uint64_t filter_asked, filter_negative;
    uint64_t wal_commits, wal_syncs, wal_bytes;
    uint64_t ingested_files, ingested_bytes;             /* since open */
    uint64_t value_files, value_bytes, value_live_bytes; /* values kept apart: on disk, and what is referred to */
    uint64_t value_written_bytes, value_moved_bytes;     /* since open; moved: live values of stale files */
    uint64_t dictionaries, dictionary_saved_bytes;       /* SSTs made with one since open; about what they save */
    uint64_t disk_bytes;
    uint64_t events_lost;                      /* lines that found no room in memory or on disk */
    uint64_t memory_limit;                     /* memory_bytes of the options */
    uint64_t memory_used[ENGINE_MEMORY_USERS]; /* now */
    uint64_t memory_total, memory_most;        /* of all users: now, and the highest that a look at it met */
    uint64_t open_files;                       /* SSTs and files of values that are open */
    struct {
        uint64_t files, bytes;
        uint64_t compacted_read_bytes, compacted_written_bytes; /* by compactions into the level; 0: by flushes */
    } levels[ENGINE_LEVELS];
};
/* Costs microseconds, whatever the engine holds. */
void engine_get_stats(struct engine *engine, struct engine_stats *stats);
/* Bytes of cached blocks that somebody holds. Looks at each of them: milliseconds where the cache is large. */
uint64_t engine_cache_pinned_bytes(struct engine *engine);
/* The same as one object of JSON, with histograms' quantiles and the trees; appended to *to. */
MUST_CHECK enum status engine_print_stats(struct engine *engine, struct buf *to);

/* How long calls take, in nanoseconds: of every flush and compaction, and of a sample of gets, writes and seeks. */
enum engine_timing {
    ENGINE_TIMING_GET,
    ENGINE_TIMING_PUT, /* engine_write */
    ENGINE_TIMING_SEEK,
    ENGINE_TIMING_FLUSH,
    ENGINE_TIMING_COMPACTION,
    ENGINE_TIMING_COUNT
};
const char *engine_timing_name(enum engine_timing kind);
void engine_get_timing(struct engine *engine, enum engine_timing kind, struct hist *hist);

#pragma GCC visibility pop

#endif
