/*
 * op: operations of the graph store as bytes: a head, then records to the end. A format (graph/FORMAT.md,
 * "operations"); encoder and decoder stand together in op.c. For apply, the writers of operations, and tools that show
 * them.
 */
#ifndef GRAPH_OP_H
#define GRAPH_OP_H

#include "graph/edit.h"

struct graph_op {
    enum graph_op_kind kind;
    struct slice name; /* of the graph; borrowed */
    uint64_t number;   /* EFFECTS: the change that they were computed on; IMPORT: flags; DELETE: 0 */
    struct slice rest; /* records that were not read yet */
};

/* Numbers never change. */
enum graph_record_kind {
    GRAPH_RECORD_WORD = 1,              /* vocabulary; text. Takes the next id (effects) or number (import) */
    GRAPH_RECORD_CREATE_NODE = 2,       /* labels; properties. Takes the next node id */
    GRAPH_RECORD_CREATE_EDGE = 3,       /* type, source, destination; properties. Takes the next edge id */
    GRAPH_RECORD_DELETE_NODE = 4,       /* node */
    GRAPH_RECORD_DELETE_EDGE = 5,       /* edge */
    GRAPH_RECORD_SET_NODE_PROPERTY = 6, /* node, key; value, empty = remove */
    GRAPH_RECORD_SET_EDGE_PROPERTY = 7, /* edge, key; value, empty = remove */
    GRAPH_RECORD_ADD_LABEL = 8,         /* node, label */
    GRAPH_RECORD_REMOVE_LABEL = 9,      /* node, label */
    GRAPH_RECORD_IMPORT_NODE = 10,      /* labels; external id, properties */
    GRAPH_RECORD_IMPORT_EDGE = 11,      /* type; external ids of source and destination, properties */
};
const char *graph_record_kind_name(enum graph_record_kind kind); /* "create_node"; "unknown" */

enum { GRAPH_RECORD_NUMBERS_MAX = 3, GRAPH_RECORD_STRINGS_MAX = 3 };

/* What a record holds, in the order of the list above; unused parts are 0. */
struct graph_record {
    enum graph_record_kind kind;
    uint64_t numbers[GRAPH_RECORD_NUMBERS_MAX];
    uint32_t labels[GRAPH_LABELS_MAX];
    uint32_t label_count;
    struct slice strings[GRAPH_RECORD_STRINGS_MAX]; /* borrowed */
};

/* What a string of a record is, and with that what is checked of it. */
enum graph_string_kind { GRAPH_STRING_TEXT = 1, GRAPH_STRING_PROPERTIES, GRAPH_STRING_VALUE, GRAPH_STRING_EXTERNAL };

/* How the records of a kind are laid out, one part behind the other; NULL ends numbers and strings. */
struct graph_record_shape {
    const char *name;
    uint8_t ops; /* 1 << each kind of operation that takes it */
    const char *numbers[GRAPH_RECORD_NUMBERS_MAX];
    bool labels;
    struct {
        const char *name;
        enum graph_string_kind kind;
    } strings[GRAPH_RECORD_STRINGS_MAX];
};
const struct graph_record_shape *graph_record_shape(uint8_t kind); /* NULL: not known */

/* Append; NO_MEMORY only. A head without its records: `rest` is not looked at. */
MUST_CHECK enum status graph_op_encode(struct buf *to, const struct graph_op *op);
MUST_CHECK enum status graph_record_encode(struct buf *to, const struct graph_record *record);

/* Reads the head. SYNTAX: no operation; UNSUPPORTED: of a later version. */
MUST_CHECK enum status graph_op_decode(struct slice operation, struct graph_op *op);
/* Takes the next record off op->rest: OK, END, or SYNTAX. What one record can say by itself has been checked: sizes,
 * values, order of labels and keys, that its kind belongs into such an operation. */
MUST_CHECK enum status graph_record_next(struct graph_op *op, struct graph_record *record);

#endif
