/*
 * records: what `loam import` makes of files that any machine has: keys and values in memory.
 *
 *   dpkg's status file (paragraphs that begin with "Package:")  "package:NAME" -> the paragraph; NAME is "libc6:amd64"
 * for Multi-Arch: same dpkg's info/NAME.list                                       "file:/usr/bin/ls" -> "coreutils",
 * for each path that is not a directory any other file                                              "NAME:LINE" -> the
 * line, for each line that is not blank or a comment a directory                                                 dpkg's
 * if it holds a status file (info/ as well), else the files in it
 *
 * A key that comes again is left out: the first one stays.
 */
#ifndef TOOLS_LOAM_IMPORT_RECORDS_H
#define TOOLS_LOAM_IMPORT_RECORDS_H

#include "engine/base/buf.h"
#include "engine/io.h"

struct record {
    size_t key; /* offsets into records.bytes */
    size_t key_size;
    size_t value;
    size_t value_size;
};

struct records {
    struct buf bytes;
    struct record *items; /* `count`, in the order of the files */
    size_t count;
    size_t capacity;
    size_t limit;   /* 0 = none; what is over it is left out */
    uint64_t *seen; /* hashes of keys, open addressing; 0 = free */
    size_t seen_capacity;
};

void records_deinit(struct records *records); /* of a zeroed or used struct */
MUST_CHECK enum status records_load(struct records *records, struct io *io, const char *path, struct error *error);

static inline struct slice records_key(const struct records *records, size_t at) {
    return slice_make(records->bytes.data + records->items[at].key, records->items[at].key_size);
}
static inline struct slice records_value(const struct records *records, size_t at) {
    return slice_make(records->bytes.data + records->items[at].value, records->items[at].value_size);
}

/* One number for all keys and values, in order; `value` of what was read back gives the same if nothing is missing or
 * changed. */
uint64_t records_hash_next(uint64_t hash, struct slice key, struct slice value);

#endif
