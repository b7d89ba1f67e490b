/*
 * aggregate: one value of many: count, sum, avg, min, max, collect, stDev, stDevP, percentileDisc, percentileCont.
 *
 * Nulls are left out before add. What an aggregate keeps lies in an arena of its owner; its memory is the owner's to
 * reset. Sums of integers are exact and a fault when they pass 64 bits; with one float the sum is a float.
 */
#ifndef GRAPH_CYPHER_AGGREGATE_H
#define GRAPH_CYPHER_AGGREGATE_H

#include "graph/cypher/evaluate.h"
#include "graph/cypher/row_table.h"

struct aggregate_piece;

struct aggregate {
    enum cypher_function function;
    uint64_t count;
    int64_t integer_sum;
    double float_sum; /* of all values */
    bool has_float;
    double mean, squares; /* Welford's */
    double percentile;    /* of the last row */
    struct value extreme; /* min, max */
    uint8_t *room;        /* of a string in `extreme`, used again */
    size_t room_bytes;
    struct aggregate_piece *first, *last; /* collected values */
};

void aggregate_init(struct aggregate *aggregate, enum cypher_function function);
/* `arguments`: one, or two for the percentiles; the first is not null. */
MUST_CHECK enum status aggregate_add(struct aggregate *aggregate, struct evaluation *evaluation,
                                     struct value_arena *arena, struct cypher_place place,
                                     const struct value *arguments);
/* The value for the rows so far, in the evaluation's arena. */
MUST_CHECK enum status aggregate_finish(const struct aggregate *aggregate, struct evaluation *evaluation,
                                        struct value *value);

#endif
