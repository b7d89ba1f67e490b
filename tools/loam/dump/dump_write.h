/*
 * dump_write: the stream of a dump (FORMAT.md), command by command. Memory: one command, and what is not written yet.
 */
#ifndef TOOLS_LOAM_DUMP_DUMP_WRITE_H
#define TOOLS_LOAM_DUMP_DUMP_WRITE_H

#include "engine/base/buf.h"
#include "engine/base/hash.h"
#include "tools/loam/dump/dump_marks.h"
#include "tools/loam/output.h"

/* Arguments of a command, as the stream has them. */
struct dump_args {
    struct buf bytes;
    size_t count;
    enum status status; /* of the first failure: NO_MEMORY */
};
void dump_args_clear(struct dump_args *args);
void dump_args_put(struct dump_args *args, struct slice argument);
void dump_args_word(struct dump_args *args, const char *word);
void dump_args_number(struct dump_args *args, uint64_t number);

struct dump_writer {
    struct output output;
    struct dump_counts counts; /* of things: who writes them counts them; commands, bytes and hash are counted here */
    struct error *error;       /* of the first failure; borrowed */
    enum status status;        /* it stays */
    struct dump_args arguments;
    struct buf text;
    struct hash_stream *hash;
};

/* output.io, .path and .command and error are set, all else is zero. Writes the head. */
MUST_CHECK enum status dump_writer_open(struct dump_writer *writer, const struct dump_head *head);
/* Ends what was written: with OK by the end mark, and the file has its name. Always to be called. */
MUST_CHECK enum status dump_writer_close(struct dump_writer *writer, enum status status);

/* A command: begin, its arguments, end; failures are asked for once, of end. */
void dump_begin(struct dump_writer *writer, const char *command, struct slice key);
static inline struct dump_args *dump_arguments(struct dump_writer *writer) {
    return &writer->arguments;
}
void dump_append(struct dump_writer *writer, const struct dump_args *args);
MUST_CHECK enum status dump_end(struct dump_writer *writer);

#endif
