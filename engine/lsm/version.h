/*
 * version: which files each tree consists of, level by level, at one moment. Immutable and reference counted: a reader
 * holds one and sees nothing move. Trees that an edit did not touch are shared between versions.
 *
 * Level 0 overlaps, newest first. In the levels below files are ordered by key and their spans are disjoint.
 *
 * Threads: what a reference is held to is read by any thread without a lock. Versions are made by the holder of the
 * install lock. Releasing the last reference to a file puts it on its morgue's list: what then happens to it (close,
 * removal from disk) is the owner's, where it may block.
 */
#ifndef ENGINE_LSM_VERSION_H
#define ENGINE_LSM_VERSION_H

#include <stdatomic.h>

#include "engine/base/list.h"
#include "engine/base/sync.h"
#include "engine/lsm/edit.h"

struct sst;
struct value_use;

/* Files that nobody refers to any more. */
struct morgue {
    struct mutex mutex;
    struct list files;
    uint64_t file_bytes; /* memory of all files that it is the morgue of */
};

void morgue_init(struct morgue *morgue);
void morgue_deinit(struct morgue *morgue); /* must be empty */

struct file {
    uint64_t first_head, last_head; /* entry_head of the span's ends; UINT64_MAX for no end */
    struct edit_file meta;          /* keys lie in `keys`; level as in the present version: see tree_files */
    _Atomic(struct sst *) sst;      /* NULL until first read, and after it was closed for others; owned */
    atomic_bool used;               /* asked for since the hand passed: tables.c */
    uint32_t pins;                  /* table_lock: jobs that read it without a view */
    _Atomic uint32_t references;
    atomic_bool dead;    /* removed by an edit that is durable: to be removed from disk with the last reference */
    atomic_bool damaged; /* a read of it failed: compaction leaves it alone */
    uint64_t
        covered_bytes; /* install lock: bytes of deeper files that its range deletes cover whole; a hint for the pick */
    struct value_use *uses; /* the files of values that its entries refer to: engine/lsm/value_table.h; owned */
    size_t use_count;
    struct morgue *morgue;
    struct list link;
    uint8_t keys[];
};

/* One reference, the caller's; copies the keys. NULL when out of memory. */
struct file *file_create(struct morgue *morgue, const struct edit_file *meta);
void file_acquire(struct file *file);
void file_release(struct file *file);
/* Frees a file taken from the morgue, closed already. */
void file_destroy(struct file *file);

/* Its own bytes, and those of values kept apart that it refers to. */
uint64_t file_whole_bytes(const struct file *file);
/* Bytes of stale files of values that its entries refer to: what rewriting it moves. */
uint64_t file_stale_bytes(const struct file *file);

/* -1: key lies before the file's span, 0: inside, 1: behind. */
int file_locate(const struct file *file, struct slice key);
/* Any key of [begin, end) in the span; an empty end = no bound. */
bool file_overlaps(const struct file *file, struct slice begin, struct slice end);
/* Order of the spans' ends: <0, 0, >0. */
int file_compare_last(const struct file *a, const struct file *b);
/* The spans share a key. */
bool file_overlaps_file(const struct file *a, const struct file *b);

struct level {
    struct file **files; /* owned array; a reference to each */
    uint32_t count;
    uint64_t bytes;
};

struct tree_files {
    _Atomic uint32_t references;
    uint32_t instance;
    const struct engine_tree_kind *kind; /* borrowed from the options */
    struct level levels[ENGINE_LEVELS];
};

struct version {
    _Atomic uint32_t references;
    size_t count;
    struct tree_files **trees; /* by instance; trees without files are absent */
};

struct version *version_create_empty(void); /* NULL when out of memory */
void version_acquire(struct version *version);
void version_release(struct version *version); /* NULL is allowed */

/* NULL: no files. */
const struct tree_files *version_find(const struct version *version, uint32_t instance);

/* The first file of a level below 0 whose span ends at or behind key; level->count if none. */
uint32_t level_find(const struct level *level, struct slice key);
/* The files of a level below 0 that overlap [begin, end): [*from, *to). */
void level_find_range(const struct level *level, struct slice begin, struct slice end, uint32_t *from, uint32_t *to);

/* One change of a version. Files that move are removed and added, the same struct file with another level. */
struct version_change {
    uint32_t instance;
    uint32_t level;
    struct file *file;
    bool add;
    const struct engine_tree_kind *kind; /* of the instance; with add */
};

/*
 * A new version: base with the changes. Order of changes does not matter; a removed file must be there. NO_MEMORY
 * leaves nothing behind. CORRUPT when files of a level below 0 would overlap.
 */
MUST_CHECK enum status version_apply(const struct version *base, const struct version_change *changes, size_t count,
                                     struct version **version);

#endif
