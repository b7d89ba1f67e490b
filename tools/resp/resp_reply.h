/*
 * resp_reply: bytes from a server become a reply tree, RESP2 and RESP3; for clients (loam cli, bench, chaos) and tests.
 *
 * As with resp_parse, the caller keeps the bytes and passes them from the first unconsumed one on; offsets are
 * remembered, so that a large reply in small pieces is looked at once and then built once. The tree lives in the
 * caller's arena; texts are borrowed from the input. Streamed types ("$?", "*?") are refused: no Redis sends them.
 */
#ifndef TOOLS_RESP_RESP_REPLY_H
#define TOOLS_RESP_RESP_REPLY_H

#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

enum {
    RESP_REPLY_MAX_DEPTH = 32,      /* arrays within arrays */
    RESP_REPLY_MAX_COUNT = 1 << 30, /* elements that one header may announce */
};

enum resp_type {
    RESP_SIMPLE,     /* text */
    RESP_ERROR,      /* text, '-' line or '!' blob */
    RESP_INTEGER,    /* integer */
    RESP_BULK,       /* text */
    RESP_ARRAY,      /* elements */
    RESP_NULL,       /* "_", "$-1", "*-1" */
    RESP_BOOL,       /* integer: 0 or 1 */
    RESP_DOUBLE,     /* number */
    RESP_BIG_NUMBER, /* text: digits */
    RESP_VERBATIM,   /* text, format */
    RESP_MAP,        /* elements: key, value, key, value */
    RESP_SET,        /* elements */
    RESP_PUSH,       /* elements: out of band, belongs to no command */
};

struct resp_reply {
    enum resp_type type;
    char format[4]; /* of a verbatim text: "txt" or "mkd" */
    int64_t integer;
    double number;
    struct slice text;
    struct resp_reply *elements;         /* `count` of them, one after the other */
    size_t count;                        /* of a map: twice its pairs */
    const struct resp_reply *attributes; /* a RESP_MAP that stood before this reply, or NULL */
};

struct resp_reply_parser {
    size_t consumed;     /* OK: how many bytes of the input the reply took; 0 otherwise */
    size_t wanted_bytes; /* END: fewer bytes of input cannot complete the reply */

    /* Private. */
    size_t position;
    size_t scanned;
    size_t depth;
    bool after_attribute;                    /* what comes next is the reply that an attribute described */
    uint64_t is_attribute;                   /* bit d: the aggregate at depth d is an attribute */
    uint64_t left[RESP_REPLY_MAX_DEPTH + 1]; /* elements still to come, by depth */
};

void resp_reply_parser_init(struct resp_reply_parser *parser);

/*
 * OK: *reply is complete, lives in `arena` and borrows from `input`; the parser is ready for the next one, once the
 * caller has dropped `consumed` bytes. END: not complete yet. SYNTAX: not RESP; `error` (may be NULL) says what, the
 * stream cannot be read on. TOO_LARGE: depth or count over the limit. NO_MEMORY: may be tried again.
 */
MUST_CHECK enum status resp_reply_next(struct resp_reply_parser *parser, struct slice input, struct arena *arena,
                                       struct resp_reply **reply, struct error *error);

/* Same type, same content, all the way down; doubles by their bits, attributes included. */
bool resp_reply_equal(const struct resp_reply *a, const struct resp_reply *b);

#endif
