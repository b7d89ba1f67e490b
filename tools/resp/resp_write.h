/*
 * resp_write: replies become bytes, in RESP2 or RESP3 by the client's choice; and commands, for clients (PROTOCOL.md).
 *
 * A writer appends to a buf. The first failure (only NO_MEMORY is possible) sticks: later writes do nothing, and who
 * wrote asks once. A caller that goes on after a failure cuts the buf back to where the reply began.
 *
 * Types that RESP2 lacks are written as Redis does: map, set and push as arrays, double, big number and verbatim text
 * as bulk strings, a boolean as 1 or 0, null as the null bulk string or the null array.
 */
#ifndef TOOLS_RESP_RESP_WRITE_H
#define TOOLS_RESP_RESP_WRITE_H

#include "engine/base/buf.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

struct resp_writer {
    struct buf *out; /* borrowed */
    int protocol;    /* 2 or 3 */
    enum status status;
};

static inline struct resp_writer resp_writer_make(struct buf *out, int protocol) {
    return (struct resp_writer){.out = out, .protocol = protocol, .status = STATUS_OK};
}

/* Line ends within simple strings and errors become spaces, those at the end of an error are cut. */
void resp_write_simple(struct resp_writer *writer, const char *text);
void resp_write_error(struct resp_writer *writer,
                      struct slice text); /* with its code: "WRONGTYPE Operation against ..." */
void resp_write_error_format(struct resp_writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void resp_write_integer(struct resp_writer *writer, int64_t value);
void resp_write_bulk(struct resp_writer *writer, struct slice value);
void resp_write_bulk_text(struct resp_writer *writer, const char *text);
void resp_write_bulk_integer(struct resp_writer *writer, int64_t value); /* decimal, as a bulk string */
void resp_write_null(struct resp_writer *writer);
void resp_write_null_array(struct resp_writer *writer);
void resp_write_bool(struct resp_writer *writer, bool value);
void resp_write_double(struct resp_writer *writer, double value); /* %.17g, inf, -inf, nan */
void resp_write_big_number(struct resp_writer *writer,
                           struct slice digits); /* optional '-', digits: the caller's duty */
void resp_write_verbatim(struct resp_writer *writer, const char format[3], struct slice value);

/* Headers: the elements follow, each by a write of its own; a map's `count` is its pairs. */
void resp_write_array(struct resp_writer *writer, size_t count);
void resp_write_map(struct resp_writer *writer, size_t count);
void resp_write_set(struct resp_writer *writer, size_t count);
void resp_write_push(struct resp_writer *writer, size_t count);
void resp_write_attribute(struct resp_writer *writer,
                          size_t count); /* protocol 3 only; stands before the reply that it describes */

/* Bytes that are a reply already (kept, or forwarded from another node for the same protocol). */
void resp_write_raw(struct resp_writer *writer, struct slice reply);

/*
 * A reply in the encoding of engine/base/reply.h, whole. SYNTAX when it is none: what was written of it is cut off
 * again; else the writer's status.
 */
MUST_CHECK enum status resp_write_reply(struct resp_writer *writer, struct slice reply);

/* A command as clients send it: an array of bulk strings. */
void resp_write_command(struct resp_writer *writer, const struct slice *args, size_t count);

#endif
