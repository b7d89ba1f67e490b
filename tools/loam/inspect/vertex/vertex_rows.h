/*
 * vertex_rows: which rows a node has anywhere in the store, found by two walks over every memtable and table that may
 * hold one: the first finds the rows, and which version of each decides; the second tells each version's fate. Memory
 * grows with the rows, not with their versions.
 */
#ifndef TOOLS_LOAM_INSPECT_VERTEX_VERTEX_ROWS_H
#define TOOLS_LOAM_INSPECT_VERTEX_VERTEX_ROWS_H

#include "engine/explain.h"
#include "graph/explain_node.h"

enum vertex_part {
    VERTEX_NODE,
    VERTEX_OUT_HEAD,
    VERTEX_OUT_BLOCK,
    VERTEX_IN_HEAD,
    VERTEX_IN_BLOCK,
    VERTEX_LABEL,
    VERTEX_EXTERNAL,
    VERTEX_STRANGE, /* under a key that no row of a list has */
};
/* "node", "out head", "out block 3", "label 5" */
enum { VERTEX_ROW_NAME_BYTES = 40 };
const char *vertex_row_name(enum vertex_part part, uint32_t number, char text[VERTEX_ROW_NAME_BYTES]);

struct vertex_row {
    enum vertex_part part;
    uint32_t number;  /* of the block, of the label */
    uint64_t decider; /* sequence of the newest put or delete that nothing covers; 0 = none */
    bool deleted;     /* it is a delete */
};

/* What became of a version. */
enum vertex_fate {
    VERTEX_SHOWN,     /* the row, or what operands are folded onto */
    VERTEX_FOLDED,    /* an operand that counts */
    VERTEX_TOMBSTONE, /* the newest: hides what is older */
    VERTEX_OLDER,     /* a newer version hides it */
    VERTEX_COVERED,   /* a range delete does, as of a graph that is gone */
    VERTEX_FATES,
};
const char *vertex_fate_name(enum vertex_fate fate); /* "shown" */
static inline bool vertex_fate_lives(enum vertex_fate fate) {
    return fate == VERTEX_SHOWN || fate == VERTEX_FOLDED;
}

/* Where versions lie: a memtable or a table. */
struct vertex_source {
    bool is_table;
    uint32_t memtable, level;
    uint64_t file, file_bytes;
    bool is_damaged; /* it, or a block of it where rows may be, can't be read */
    uint64_t versions[VERTEX_FATES], bytes[VERTEX_FATES];
};

/* One range of keys to be walked. */
struct vertex_span {
    enum vertex_part part; /* HEAD: the whole list */
    uint32_t number;       /* of a label */
    uint32_t tree;
    struct buf lower, upper;
};

struct vertex_version {
    const struct vertex_row *row;
    const struct engine_step *step; /* its ENTRY */
    const struct vertex_source *source;
    enum vertex_fate fate;
};

struct vertex_rows {
    struct engine *engine;
    struct vertex_span *spans;
    size_t span_count;
    struct vertex_row *rows; /* by part and number, after vertex_rows_find */
    size_t row_count, row_capacity;
    struct vertex_source *sources; /* in the order of their first use, after vertex_rows_judge */
    size_t source_count, source_capacity;
    /* Told by vertex_rows_find: what can't be read. The words are the engine's. */
    enum status (*damaged)(void *context, const struct vertex_span *span, const struct engine_step *step,
                           const char *words);
    void *context;
};

void vertex_rows_deinit(struct vertex_rows *rows);
/* A row, or with part HEAD a list, whose key is, or begins with, `key`. NO_MEMORY. */
MUST_CHECK enum status vertex_rows_add_span(struct vertex_rows *rows, enum vertex_part part, uint32_t number,
                                            uint32_t tree, struct slice key);
/* The first walk. NO_MEMORY, or what `damaged` answered. */
MUST_CHECK enum status vertex_rows_find(struct vertex_rows *rows);
/* The second one: sums up what lies where, and, unless visit is NULL, tells each version: span by span, source by
 * source. To be called once for the sums (visit NULL), then again for the versions. */
MUST_CHECK enum status vertex_rows_judge(struct vertex_rows *rows,
                                         enum status (*visit)(void *context, const struct vertex_version *version),
                                         void *context);
/* NULL: it has no version anywhere. */
const struct vertex_row *vertex_rows_get(const struct vertex_rows *rows, enum vertex_part part, uint32_t number);

#endif
