/*
 * restore_args: what TS.RESTORE and GRAPH.RESTORE take, as arguments of a command: numbers that come back bit for bit,
 * values of properties, rows of nodes and edges. Written by `loam dump`, read by loamd and `loam load`; README.md says
 * what the arguments are, tools/loam/dump/FORMAT.md what a stream of them is. Any bytes are safe.
 */
#ifndef TOOLS_LOAMD_RESTORE_ARGS_H
#define TOOLS_LOAMD_RESTORE_ARGS_H

#include "graph/property.h"

/* ---- Floats ------------------------------------------------------------------------------------------------------ */

enum { EXACT_DOUBLE_BYTES = 40 };
/* The shortest decimal digits that read back as the same double; "-0", "inf", "-inf"; "nan", and "nan:7ff8000000000001"
 * (its bits) for every other NaN than the ordinary one. Terminated; returns the length. */
size_t exact_double_format(double value, char text[EXACT_DOUBLE_BYTES]);
bool exact_double_parse(struct slice text, double *value);

/* ---- Arguments, read one after another --------------------------------------------------------------------------- */

struct restore_args {
    const struct slice *args; /* borrowed */
    size_t count;
    size_t at;       /* the next one */
    const char *why; /* what is wrong with the one that could not be read; static */
};

/* False: `why` says what was expected, and `at` stands where. */
bool restore_take_number(struct restore_args *from, uint64_t *number); /* 0 .. 2^63 - 1 */
bool restore_take_text(struct restore_args *from, struct slice *text);
/* A value: one argument (":5", ",1.5", "#t", "#f", "$text"), or "*N" and N of them. Appends its bytes to *to, which may
 * be NULL: then it is passed over. *status: NO_MEMORY, else OK. */
bool restore_take_value(struct restore_args *from, struct buf *to, enum status *status);

/* external id ("": none), number of labels, labels, number of properties, key, value, ...; or "", "-": an id that was
 * given out and is no more. */
struct restore_node {
    bool is_hole;
    struct slice external;
    const struct slice *labels;
    size_t label_count;
    size_t property_count;
    struct restore_args properties; /* from the first key on */
};
bool restore_take_node(struct restore_args *from, struct restore_node *node);

/* source, destination, type, number of properties, key, value, ...; or "-", node: a hole, and where it is made. */
struct restore_edge {
    bool is_hole;
    uint64_t source, destination; /* a hole: both the node */
    struct slice type;
    size_t property_count;
    struct restore_args properties;
};
bool restore_take_edge(struct restore_args *from, struct restore_edge *edge);

/* ---- The forms of GRAPH.RESTORE ---------------------------------------------------------------------------------- */

enum restore_form {
    RESTORE_GRAPH,      /* makes the graph */
    RESTORE_LABELS,     /* first, text ... */
    RESTORE_TYPES,      /* first, text ... */
    RESTORE_KEYS,       /* first, text ... */
    RESTORE_NODES,      /* first, count, rows */
    RESTORE_EDGES,      /* first, count, rows */
    RESTORE_NODE_HOLES, /* first, count */
    RESTORE_EDGE_HOLES, /* first, count, node */
    RESTORE_DROP,       /* node */
    RESTORE_FORMS,
};
const char *restore_form_name(enum restore_form form); /* "NODES" */

struct restore_command {
    enum restore_form form;
    uint64_t first; /* id of the first word, node or edge; DROP: the node */
    uint64_t count; /* of words, rows, holes */
    uint64_t node;  /* EDGE_HOLES: where they were */
    struct restore_args rows;
};
/* args: all of the command, its name and key first. The rows are only counted by what the arguments say; who needs them
 * takes them. False: *why is static. */
bool restore_command_read(const struct slice *args, size_t count, struct restore_command *command, const char **why);

#endif
