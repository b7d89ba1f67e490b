/*
 * load_batch: commands of a dump that are on their way together, and the names that they are of. A copy: what the
 * reader lent is gone with its next command.
 */
#ifndef TOOLS_LOAM_DUMP_LOAD_BATCH_H
#define TOOLS_LOAM_DUMP_LOAD_BATCH_H

#include "engine/base/buf.h"
#include "tools/loam/dump/dump_read.h"

enum { LOAD_BATCH_BYTES = 1 << 20, LOAD_BATCH_COMMANDS = 512, LOAD_STAND_IN_BYTES = 48 };

struct load_item {
    struct resp_span name; /* in `bytes` */
    uint64_t offset;       /* of its first command, in the stream */
    bool begins, ends;     /* its first command is in this batch; its last */
    bool is_direct;        /* one SET: it is there, or it is not. All else is built under a name that stands in for its
                              own, which it gets when it is complete */
    bool expires;
    bool skipped;
    char stand_in[LOAD_STAND_IN_BYTES];
};

struct load_command {
    enum dump_kind kind;
    size_t first_arg, arg_count;
    size_t item;
    uint64_t offset;
};

struct load_batch {
    struct load_item items[LOAD_BATCH_COMMANDS + 1];
    struct load_command commands[LOAD_BATCH_COMMANDS];
    size_t item_count, command_count;
    struct buf bytes, spans; /* struct resp_span each */
    struct buf args;         /* struct slice each, of one command; see load_batch_args */
    bool has_pending;        /* the reader's last command is the first one of the next batch */
    struct dump_command pending;
};

/* Replaces the batch by the next commands. END: there are none. As dump_reader_next. */
MUST_CHECK enum status load_batch_fill(struct load_batch *batch, struct dump_reader *reader, struct error *error);
void load_batch_deinit(struct load_batch *batch);

struct slice load_batch_name(const struct load_batch *batch, size_t item);
/* The command's arguments, under the name that stands in where there is one; borrowed until the next call. NULL:
 * NO_MEMORY. */
const struct slice *load_batch_args(struct load_batch *batch, const struct load_command *command);

#endif
