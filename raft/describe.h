/*
 * describe: raft's own bytes, field by field (raft/log/FORMAT.md): records of the log with what is in them, and rows of
 * the system tree. For tools.
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

/* A record of the wal, of this type. */
void raft_record_describe(struct fields *fields, uint8_t type, const struct operation_describers *stores);

#pragma GCC visibility pop

#endif
