/*
 * dump_read: reads the stream of a dump (FORMAT.md), command by command, and checks that it is one: its marks, its
 * bytes, the order of its names, the commands that may stand in it and no others. Memory: one command, of which the
 * limit is named. Any bytes are safe.
 */
#ifndef TOOLS_LOAM_DUMP_DUMP_READ_H
#define TOOLS_LOAM_DUMP_DUMP_READ_H

#include "engine/base/error.h"
#include "engine/base/hash.h"
#include "tools/loam/dump/dump_marks.h"
#include "tools/resp/resp_parse.h"

enum { DUMP_COMMAND_MAX_BYTES = 64 << 20 };

enum dump_kind {
    DUMP_SET,     /* SET name value [PXAT ms]: a string */
    DUMP_PART,    /* SETRANGE name offset bytes: more of it */
    DUMP_CREATE,  /* TS.CREATE name ..: a series */
    DUMP_SAMPLES, /* TS.MADD name time value ..: all of one series */
    DUMP_SAMPLE,  /* TS.RESTORE name time value */
    DUMP_GRAPH,   /* GRAPH.RESTORE name GRAPH: a graph */
    DUMP_ROWS,    /* GRAPH.RESTORE name, another form */
    DUMP_EXPIRY,  /* PEXPIREAT name ms: the last one of a name */
    DUMP_NO_KIND,
};

struct dump_command {
    enum dump_kind kind;
    const struct slice *args; /* borrowed until the next call */
    size_t arg_count;
    uint64_t offset; /* in the stream */
    bool begins;     /* the first one of its name, which is args[1] */
};

struct dump_reader {
    /* Set by the caller. Reads at most `room` bytes; *got = 0 at the end. */
    enum status (*read)(void *context, void *to, size_t room, size_t *got);
    void *context;
    const char *path; /* for the words of errors; borrowed */

    struct dump_head head;
    struct dump_counts counts; /* so far */
    uint64_t offset;           /* of what is read next */

    /* Private. */
    struct resp_parser parser;
    struct buf in;
    size_t taken; /* of `in`: the last command */
    struct hash_stream *hash;
    bool has_head, has_end;
    struct buf name; /* of the last command; valid if has_name */
    bool has_name, is_closed;
    enum dump_kind item;   /* SET, CREATE, GRAPH: what the name is */
    uint64_t string_bytes; /* of a string so far */
};

/* The rest is zeroed. NO_MEMORY. */
MUST_CHECK enum status dump_reader_open(struct dump_reader *reader, struct error *error);
void dump_reader_close(struct dump_reader *reader);

/*
 * OK: the next command. END: that was all, and the end mark agrees with what was read. Otherwise *error says what is
 * wrong, with file and offset: TORN: the stream ends before its end mark; CORRUPT: its bytes are not those that were
 * written; INVALID: it is no dump; VERSION: of a later one; IO, NO_MEMORY. Nothing is read after that.
 */
MUST_CHECK enum status dump_reader_next(struct dump_reader *reader, struct dump_command *command, struct error *error);

#endif
