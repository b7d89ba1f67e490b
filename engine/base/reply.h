/*
 * reply: what a command answers, apart from any wire. Stores write it, the log keeps it for retries, a server renders
 * it (tools/resp).
 *
 * A reply is one value: a tag byte and its content, values nested by count. Encoding: NULL, OK, TRUE, FALSE: nothing
 * more; INTEGER: zigzag varint; DOUBLE: 8 bytes IEEE 754 little-endian; BULK, STATUS, ERROR: varint length + bytes;
 * ARRAY, SET, MAP: varint count, then the values (a map: 2 * count, key first). Replies are kept in the log of a
 * cluster: this is a format, and these tags never change.
 */
#ifndef ENGINE_BASE_REPLY_H
#define ENGINE_BASE_REPLY_H

#include "engine/base/buf.h"
#include "engine/base/coding.h"

#pragma GCC visibility push(default)

enum reply_tag {
    REPLY_NULL = 1,
    REPLY_OK = 2, /* the status "OK" */
    REPLY_INTEGER = 3,
    REPLY_DOUBLE = 4,
    REPLY_BULK = 5,   /* binary-safe string */
    REPLY_STATUS = 6, /* simple string without CR or LF */
    REPLY_ERROR = 7,  /* "WRONGTYPE Operation against ...": first word is the code */
    REPLY_ARRAY = 8,
    REPLY_MAP = 9,
    REPLY_SET = 10,
    REPLY_TRUE = 11,
    REPLY_FALSE = 12,
    REPLY_NULL_ARRAY = 13, /* "*-1" to RESP2, null to RESP3 */
};

enum { REPLY_DEPTH_MAX = 32 };

/* Append one value, or the head of a nested one whose values are appended next. Only NO_MEMORY can fail. */
MUST_CHECK enum status reply_null(struct buf *reply);
MUST_CHECK enum status reply_null_array(struct buf *reply);
MUST_CHECK enum status reply_ok(struct buf *reply);
MUST_CHECK enum status reply_bool(struct buf *reply, bool value);
MUST_CHECK enum status reply_integer(struct buf *reply, int64_t value);
MUST_CHECK enum status reply_double(struct buf *reply, double value);
MUST_CHECK enum status reply_bulk(struct buf *reply, struct slice value);
MUST_CHECK enum status reply_status(struct buf *reply, const char *text);
MUST_CHECK enum status reply_error(struct buf *reply, const char *format, ...) __attribute__((format(printf, 2, 3)));
MUST_CHECK enum status reply_array(struct buf *reply, uint64_t count);
MUST_CHECK enum status reply_map(struct buf *reply, uint64_t pairs);
MUST_CHECK enum status reply_set(struct buf *reply, uint64_t count);

/* One head read back. For nested tags `count` values follow (a map: 2 * count) and are read by further calls. */
struct reply_value {
    enum reply_tag tag;
    int64_t integer;
    double number;
    struct slice text; /* BULK, STATUS, ERROR; borrowed from the input */
    uint64_t count;    /* ARRAY, MAP (pairs), SET */
};
/* SYNTAX when the bytes are no reply. */
MUST_CHECK enum status reply_decode(struct decoder *decoder, struct reply_value *value);

#pragma GCC visibility pop

#endif
