/*
 * evaluate: the value of an expression on one row.
 *
 * Results lie in the evaluation's arena, in the row, in the syntax tree or in the parameters, and live as long as
 * these. What goes wrong is a fault with the place of the expression that met it; the first one stands. Time and chance
 * come from the caller. Not thread-safe, but `cancelled` may be set from any thread: a long evaluation then ends with
 * CANCELLED.
 */
#ifndef GRAPH_CYPHER_EVALUATE_H
#define GRAPH_CYPHER_EVALUATE_H

#include <stdatomic.h>

#include "engine/base/prng.h"
#include "graph/cypher/ast.h"
#include "graph/cypher/reader.h"
#include "graph/value.h"

struct evaluation {
    struct value *row;              /* written by loops of expressions only: the slots of their own variables */
    struct value_arena *arena;      /* for results */
    const struct value *parameters; /* by EXPR_PARAMETER's index */
    struct reader *reader;          /* NULL: the expressions meet no node and no edge */
    struct prng *prng;              /* rand() */
    int64_t clock_ms;               /* timestamp() */
    const atomic_bool *cancelled;   /* may be NULL */
    struct cypher_fault *fault;
    uint64_t work; /* counts up with every item of a list that a loop looks at */
};

/* The fault's status, NO_MEMORY, CANCELLED, or what reading the graph answered. */
MUST_CHECK enum status cypher_evaluate(struct evaluation *evaluation, const struct cypher_expr *expr,
                                       struct value *value);

/* For conditions: null is TRUTH_NULL; anything but a boolean is a fault. */
MUST_CHECK enum status cypher_evaluate_truth(struct evaluation *evaluation, const struct cypher_expr *expr,
                                             enum truth *truth);

#endif
