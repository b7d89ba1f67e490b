/* write_op: one write, as it is recorded and replayed, and where writes come from. */
#ifndef TOOLS_LOAM_SIMULATE_WRITE_OP_H
#define TOOLS_LOAM_SIMULATE_WRITE_OP_H

#include "engine/base/slice.h"
#include "engine/base/status.h"

/* Stored in traces: never renumber. */
enum write_kind {
    WRITE_PUT = 1,
    WRITE_DELETE = 2,
    WRITE_DELETE_RANGE = 3,
    WRITE_MERGE = 4,
    WRITE_APPEND = 5,
    WRITE_DROP_TREE = 6,
};

struct write_op {
    enum write_kind kind;
    uint32_t tree;
    int64_t time_ms;      /* never below that of the one before; 0 = not known */
    struct slice key;     /* DELETE_RANGE: where it begins */
    struct slice end;     /* DELETE_RANGE: empty = to the end of the tree */
    uint32_t value_bytes; /* PUT, MERGE, APPEND */
};

/* What a user wrote by it: key and value. */
static inline uint64_t write_op_bytes(const struct write_op *op) {
    return op->key.size + op->end.size + op->value_bytes;
}

/* Writes, one behind the other, again and again: a trace, a part of one, or a workload that is made up. */
struct write_source {
    /* Borrowed until the next call. END. */
    enum status (*next)(struct write_source *source, struct write_op *op);
    void (*rewind)(struct write_source *source);
};

#endif
