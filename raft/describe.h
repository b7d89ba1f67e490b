/*
 * describe: raft's own bytes, field by field (raft/log/FORMAT.md): records of the log with what is in them, rows of the
 * system tree, and in a few words what a frame between nodes says. For tools.
 */
#ifndef RAFT_DESCRIBE_H
#define RAFT_DESCRIBE_H

#include "engine/describe.h"

#pragma GCC visibility push(default)

/* Kinds of trees that are raft's. */
extern const struct row_describer raft_describers[];
extern const size_t raft_describer_count;

/* The stores whose operations a log may hold; raft's own are known here. Borrowed. */
struct operation_describers {
    const struct operation_describer *rows;
    size_t count;
};

/* What a frame between nodes says (raft/message/FORMAT.md): untrusted bytes, never more than words. */
enum { RAFT_FRAME_WORDS_BYTES = 160 };
struct raft_frame_words {
    const char *kind; /* static: "append", "forward", "hello"; "piece": of a message that began before; "damaged" */
    uint64_t term;    /* 0: it names none */
    char words[RAFT_FRAME_WORDS_BYTES];
};
void raft_frame_describe(struct slice frame, struct raft_frame_words *words);

/* A record of the wal, of this type. */
void raft_record_describe(struct fields *fields, uint8_t type, const struct operation_describers *stores);

#pragma GCC visibility pop

#endif
