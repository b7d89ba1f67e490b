/*
 * batch: how the operations of an engine_batch are bytes (FORMAT.md, "batch"), and how to walk them.
 *
 * The bytes come from a user's batch or back from the log, so the reader treats them as untrusted.
 */
#ifndef ENGINE_LSM_BATCH_H
#define ENGINE_LSM_BATCH_H

#include "engine/base/coding.h"
#include "engine/engine.h"
#include "engine/entry/internal_key.h"

/* Stored on disk: never renumber. */
enum batch_kind {
    BATCH_PUT = 1,
    BATCH_DELETE = 2,
    BATCH_DELETE_RANGE = 3,
    BATCH_MERGE = 4,
    BATCH_APPEND = 5,
    BATCH_CREATE_TREE = 6,
    BATCH_DROP_TREE = 7,
};

struct batch_operation {
    enum batch_kind kind;
    uint32_t tree;
    uint32_t tree_kind; /* CREATE_TREE */
    struct slice key;   /* DELETE_RANGE: begin */
    struct slice value; /* PUT, MERGE, APPEND: the bytes; DELETE_RANGE: end */
};

/* Walks operations in order. Slices are borrowed from the bytes. */
struct batch_reader {
    struct decoder decoder;
    uint32_t left;
};

void batch_reader_init(struct batch_reader *reader, struct slice operations, uint32_t count);
/* OK, END after the last, CORRUPT on bytes that no encoder writes. */
MUST_CHECK enum status batch_reader_next(struct batch_reader *reader, struct batch_operation *operation);

/* What an operation on rows becomes in a memtable. */
static inline enum entry_kind batch_entry_kind(enum batch_kind kind) {
    switch (kind) {
    case BATCH_PUT: return ENTRY_PUT;
    case BATCH_MERGE: return ENTRY_MERGE;
    case BATCH_APPEND: return ENTRY_APPEND;
    case BATCH_DELETE_RANGE: return ENTRY_RANGE_DELETE;
    default: return ENTRY_DELETE;
    }
}
/* A tree of that kind takes it: a merge needs an operator, a tree whose values expire takes puts with a time alone. */
bool batch_fits(const struct engine_tree_kind *kind, const struct batch_operation *operation);

/* What stands before the operations in a record of the engine's own log (FORMAT.md, "log record"). */
struct batch_header {
    uint64_t first_sequence;
    uint32_t count;
    struct engine_mark mark;
};

enum { BATCH_RECORD_PLAIN = 1, BATCH_RECORD_COMPACT = 2 /* one operation, term 0 */ };
enum { BATCH_HEADER_MAX_BYTES = 1 + 5 * VARINT64_MAX_BYTES };

/* Returns the bytes written to `to`, at most BATCH_HEADER_MAX_BYTES. compact: format 2 where it can be. */
size_t batch_header_encode(const struct batch_header *header, bool compact, uint8_t *to);
/* Splits a record into header and operations (borrowed). CORRUPT, VERSION. */
MUST_CHECK enum status batch_header_decode(struct slice record, struct batch_header *header, struct slice *operations);

#endif
