/*
 * resp_parse: bytes from a client become commands (RESP multibulk and inline, as Redis 7.0 reads them; PROTOCOL.md).
 *
 * The parser owns no input. The caller keeps the bytes that arrived in a buffer of its own and passes all of them, from
 * the first that was not consumed yet; the buffer may move or grow between calls. Between calls the parser remembers
 * offsets, so that a large command in many small pieces is looked at once. How the input was cut into pieces changes no
 * result.
 *
 *     for (;;) {
 *         enum status status = resp_parser_next(&parser, buf_slice(&in));
 *         if (status == STATUS_OK) run(parser.args, parser.arg_count);      // before the bytes are dropped
 *         buf_consume(&in, parser.consumed);                                // (or move a read position)
 *         if (status == STATUS_SYNTAX) reply with parser.error, then close; // the stream cannot be read on
 *         if (status != STATUS_OK) break;                                   // END: wait for more bytes
 *     }
 */
#ifndef TOOLS_RESP_RESP_PARSE_H
#define TOOLS_RESP_RESP_PARSE_H

#include "engine/base/buf.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

enum {
    RESP_MAX_ARGS = 1024 * 1024,     /* arguments of one command */
    RESP_MAX_LINE_BYTES = 64 * 1024, /* an inline command; a "*n" or "$n" line */
    RESP_UNAUTHENTICATED_ARGS = 10,  /* what a client may send before AUTH */
    RESP_UNAUTHENTICATED_BYTES = 16384,
    RESP_ERROR_BYTES = 64,
};

#define RESP_DEFAULT_MAX_BULK_BYTES ((size_t)512 * 1024 * 1024) /* Redis' proto-max-bulk-len */

struct resp_span {
    size_t offset; /* from the start of the input */
    size_t size;
};

struct resp_parser {
    /* Set by the caller; may change between two commands. */
    size_t max_bulk_bytes;
    bool unauthenticated; /* the small limits above hold */

    /* Result of the last call. */
    size_t consumed; /* drop so many bytes from the front of the input, whatever the status */
    struct slice
        *args; /* OK: arg_count >= 1 of them, borrowed from the input (inline: from the parser) until the next call */
    size_t arg_count;
    size_t wanted_bytes; /* END: a call with fewer bytes of input, counted after the drop, cannot give more */
    struct slice error; /* SYNTAX: the reply without '-' and line end: "ERR Protocol error: ..."; lives in the parser */

    /* Private. */
    size_t position;    /* the first byte that is not understood yet */
    size_t scanned;     /* the bytes from position up to here hold no line end */
    uint64_t args_left; /* of the multibulk command that is being read; 0: between commands */
    size_t bulk_bytes;  /* of the argument at position, whose "$n" line was read */
    bool in_bulk;
    bool broken;             /* SYNTAX was given: every further call gives it again */
    struct resp_span *spans; /* arguments found so far: span_count */
    size_t span_count;
    size_t capacity;        /* of spans and of args */
    struct buf inline_text; /* inline arguments without their quotes */
    char error_text[RESP_ERROR_BYTES];
};

void resp_parser_init(struct resp_parser *parser, size_t max_bulk_bytes);
void resp_parser_deinit(struct resp_parser *parser);

/*
 * Looks for the next command at the front of `input`. Empty commands ("*0", an empty line) are stepped over.
 * OK: a command is in args. END: not complete yet. SYNTAX: error. NO_MEMORY: nothing is lost, the same call may be
 * tried again.
 */
MUST_CHECK enum status resp_parser_next(struct resp_parser *parser, struct slice input);

/*
 * Gives back memory that one large command made the parser keep. Between commands only (no command under way, args not
 * in use).
 */
void resp_parser_trim(struct resp_parser *parser);

#endif
