/*
 * property: properties as bytes: a list in a row, and one value of it (graph/FORMAT.md, "properties").
 *
 * A value's bytes are self-delimiting and canonical: equal values have equal bytes, but for the floats (NaN payloads
 * and the sign of zero are kept). What may be stored: boolean, integer, float, string, and lists of these.
 */
#ifndef GRAPH_PROPERTY_H
#define GRAPH_PROPERTY_H

#include "graph/edit.h"

struct value;
struct value_arena;

/* ---- Lists (graph_node.properties, graph_edge.properties) -------------------------------------------------------- */

/* Takes the next property off *rest; false at the end. The value is borrowed from the list. */
bool graph_property_next(struct slice *rest, struct graph_property *property);
/* The value of one key; false if there is none. */
bool graph_property_find(struct slice properties, uint32_t key, struct slice *value);

/* ---- Values ------------------------------------------------------------------------------------------------------ */

/* Appends the value's bytes. INVALID: it is null, a map, a node, an edge, a path, or a list that holds one of these or
 * a list. TOO_LARGE: over GRAPH_ROW_MAX_BYTES. */
MUST_CHECK enum status graph_property_encode(struct buf *to, const struct value *value);
/* Reads bytes that a row or graph_property_next gave; strings are borrowed from `bytes`, lists are made in the arena.
 * CORRUPT if they are no value; NO_MEMORY if the arena gave none. */
MUST_CHECK enum status graph_property_decode(struct slice bytes, struct value_arena *arena, struct value *value);

/* One value's head without an arena: for tools and apply. */
enum graph_property_tag {
    GRAPH_PROPERTY_FALSE = 1,
    GRAPH_PROPERTY_TRUE = 2,
    GRAPH_PROPERTY_INTEGER = 3,
    GRAPH_PROPERTY_FLOAT = 4,
    GRAPH_PROPERTY_STRING = 5,
    GRAPH_PROPERTY_LIST = 6, /* its elements follow, one after another */
};
MUST_CHECK enum status graph_property_encode_boolean(struct buf *to, bool value);
MUST_CHECK enum status graph_property_encode_integer(struct buf *to, int64_t value);
MUST_CHECK enum status graph_property_encode_float(struct buf *to, double value);
MUST_CHECK enum status graph_property_encode_string(struct buf *to, struct slice value);
/* The list's elements are encoded next. */
MUST_CHECK enum status graph_property_encode_list_head(struct buf *to, uint64_t count);

struct graph_property_head {
    enum graph_property_tag tag;
    int64_t integer;
    double number;
    struct slice text; /* borrowed */
    uint64_t count;    /* LIST: elements that follow */
};
/* Reads one head; false (and decoder->failed) if the bytes are none. */
bool graph_property_read(struct decoder *decoder, struct graph_property_head *head);
/* True if the bytes are exactly one value. */
bool graph_property_is_valid(struct slice bytes);

#endif
