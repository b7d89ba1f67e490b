/*
 * names_format: keys and rows of the name space as bytes (FORMAT.md). Private to engine/names and to tools that show
 * bytes.
 */
#ifndef ENGINE_NAMES_NAMES_FORMAT_H
#define ENGINE_NAMES_NAMES_FORMAT_H

#include "engine/names.h"

enum { NAMES_HASH_BYTES = 8, NAMES_EXPIRY_BYTES = 8 };

/* The second byte of a row: what follows. */
enum {
    NAME_ROW_HAS_EXPIRY = 1,
    NAME_ROW_HAS_OBJECT = 2,
    NAME_ROW_KNOWN_FLAGS = NAME_ROW_HAS_EXPIRY | NAME_ROW_HAS_OBJECT
};

/* 63 bits, so that a cursor is positive to every client. */
uint64_t names_hash_of(uint64_t seed, struct slice name);

/* Replaces *key by the row's key: hash, name. */
MUST_CHECK enum status names_encode_key(struct buf *key, uint64_t hash, struct slice name);
/* CORRUPT if too short. */
MUST_CHECK enum status names_decode_key(struct slice key, uint64_t *hash, struct slice *name);

/* Replaces *key by the index entry's key: expire_ms, name. expire_ms > 0. */
MUST_CHECK enum status names_encode_expiry(struct buf *key, int64_t expire_ms, struct slice name);
MUST_CHECK enum status names_decode_expiry(struct slice key, int64_t *expire_ms, struct slice *name);

/* Appends the row. */
MUST_CHECK enum status names_encode_row(struct buf *to, const struct name_row *row);
/* row->value borrows from data. CORRUPT if malformed, VERSION if from a later one. */
MUST_CHECK enum status names_decode_row(struct slice data, struct name_row *row);

/* The one key of TREE_NAMES_META. */
struct slice names_count_key(void);

static inline bool names_row_is_due(const struct name_row *row, int64_t log_time_ms) {
    return row->expire_ms != 0 && row->expire_ms <= log_time_ms;
}

#endif
