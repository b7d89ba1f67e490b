/*
 * value_table: the files of values that are there, and how much of each is still referred to.
 *
 * An SST says in the manifest how many records and bytes of which file of values it refers to (struct edit_file,
 * values). What a file of values is worth is the sum of that over the SSTs of the present version; the rest of it is
 * garbage. Nothing else is kept, so that the account cannot drift from what the manifest says.
 *
 * Life: every struct file refers to the files of values that it uses; the last reference puts one on the dead list,
 * from where it is removed from disk unless the present version still lives on it (at close). A reader that holds a
 * view holds its SSTs, and with them the values.
 *
 * Threads: any; a mutex of its own, a leaf. Counts change under the install lock.
 */
#ifndef ENGINE_LSM_VALUE_TABLE_H
#define ENGINE_LSM_VALUE_TABLE_H

#include <stdatomic.h>

#include "engine/base/list.h"
#include "engine/base/sync.h"
#include "engine/lsm/edit.h"
#include "engine/values/value_read.h"

struct value_file {
    struct edit_value_file meta; /* bytes and counts: set when it is whole */
    struct value_reader *reader; /* table's mutex: open since it was read first; NULL = not */
    bool used;                   /* table's mutex: asked for since the hand passed */
    _Atomic uint64_t live_bytes; /* of records that SSTs of the present version refer to */
    _Atomic uint32_t live_files; /* SSTs of the present version that refer to it */
    _Atomic bool dead;           /* nothing in the manifest lives on it: it goes from disk with the last reference */
    _Atomic bool stale;          /* so little of it is left that a compaction rewrites what it meets */
    unsigned garbage_percent;    /* its kind's */
    bool known;                  /* install lock: the manifest knows it */
    uint32_t references;         /* table's mutex */
    struct value_table *table;
    struct value_file *next; /* same bucket; dead */
};

enum { VALUE_TABLE_BUCKETS = 1024 };

struct value_table {
    struct mutex mutex;
    struct value_file *buckets[VALUE_TABLE_BUCKETS];
    struct value_file *dead;
    _Atomic uint32_t open_count; /* files that have a reader */
    size_t hand;                 /* mutex: a bucket */
};

void value_table_init(struct value_table *table);
void value_table_deinit(struct value_table *table); /* must be empty */

/* One reference, the caller's. NULL when out of memory. */
struct value_file *value_table_add(struct value_table *table, const struct edit_value_file *meta,
                                   unsigned garbage_percent);
/* The file of that number, with a reference for the caller; NULL = there is none. */
struct value_file *value_table_acquire(struct value_table *table, uint64_t number);
/* The same without a reference: while something that uses it is held. */
struct value_file *value_table_find(struct value_table *table, uint64_t number);
/* The same, and *reader with a reference for the caller (value_reader_close), or NULL where it is not open. */
struct value_file *value_table_use(struct value_table *table, uint64_t number, struct value_reader **reader);
/* The file was opened. Where another thread came first, *reader becomes that one's (references move over). The caller
 * still holds its one reference to it. */
void value_table_keep_reader(struct value_table *table, struct value_file *file, struct value_reader **reader);
/* Takes the reader of a file that was not asked for lately, for the caller to close, if more than `most` are open;
 * NULL = they are few enough. Whoever reads from it holds a reference. */
struct value_reader *value_table_take_reader(struct value_table *table, uint32_t most);
/* For one of the dead. */
void value_file_close(struct value_file *file);
void value_file_release(struct value_file *file); /* NULL is allowed */
/* One of the dead, which is the caller's to close, remove and free; NULL = none. */
struct value_file *value_table_take_dead(struct value_table *table);
void value_table_each(struct value_table *table, void (*visit)(void *context, struct value_file *file), void *context);

/* ---- What one SST uses ------------------------------------------------------------------------------------------- */

struct value_use {
    struct value_file *file; /* a reference */
    uint64_t records, bytes;
};

#endif
