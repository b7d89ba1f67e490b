/*
 * evaluate_parts: what the files of the evaluation share. Each function here computes one kind of expression from
 * values that are there already, or, where operands may be left out, from the expression.
 */
#ifndef GRAPH_CYPHER_EVALUATE_PARTS_H
#define GRAPH_CYPHER_EVALUATE_PARTS_H

#include "graph/cypher/evaluate.h"

/* --- evaluate.c --- */

/* Memory for results; on NULL the fault is set (no memory, or the query's limit) and *status is what to return. */
void *evaluation_alloc(struct evaluation *evaluation, size_t count, size_t size, enum status *status);
/* The fault for an arena that gave nothing. */
enum status evaluation_no_memory(struct evaluation *evaluation);
/* "Type mismatch: expected Integer but was String". */
enum status evaluation_mismatch(struct evaluation *evaluation, struct cypher_place place, const char *expected,
                                struct value value);
/* One item of a loop: counts, and now and then looks whether the query was cancelled. */
MUST_CHECK enum status evaluation_tick(struct evaluation *evaluation);
/* value_list and value_map, with a fault when nested too deep. */
MUST_CHECK enum status evaluation_list(struct evaluation *evaluation, const struct value *items, size_t count,
                                       struct value *list);
MUST_CHECK enum status evaluation_map(struct evaluation *evaluation, struct value_entry *entries, size_t count,
                                      struct value *map);
/* Copies the bytes into the evaluation's arena. */
MUST_CHECK enum status evaluation_string(struct evaluation *evaluation, struct slice text, struct value *string);

/* --- arithmetic.c --- */

MUST_CHECK enum status evaluate_arithmetic(struct evaluation *evaluation, const struct cypher_expr *expr,
                                           struct value left, struct value right, struct value *value);
MUST_CHECK enum status evaluate_sign(struct evaluation *evaluation, const struct cypher_expr *expr,
                                     struct value operand, struct value *value);

/* --- evaluate_list.c --- */

MUST_CHECK enum status evaluate_in(struct evaluation *evaluation, const struct cypher_expr *expr, struct value item,
                                   struct value list, struct value *value);
MUST_CHECK enum status evaluate_subscript(struct evaluation *evaluation, const struct cypher_expr *expr,
                                          struct value object, struct value index, struct value *value);
MUST_CHECK enum status evaluate_slice(struct evaluation *evaluation, const struct cypher_expr *expr,
                                      struct value *value);
MUST_CHECK enum status evaluate_comprehension(struct evaluation *evaluation, const struct cypher_expr *expr,
                                              struct value *value);
MUST_CHECK enum status evaluate_quantifier(struct evaluation *evaluation, const struct cypher_expr *expr,
                                           struct value *value);
MUST_CHECK enum status evaluate_reduce(struct evaluation *evaluation, const struct cypher_expr *expr,
                                       struct value *value);

/* --- evaluate_graph.c --- */

/* NOT_FOUND becomes the fault of reading what was deleted; any other status stays. */
enum status evaluation_deleted(struct evaluation *evaluation, struct cypher_place place, const char *what,
                               enum status status);
/* The encoded properties of a node or an edge; borrowed until the next read. */
MUST_CHECK enum status evaluation_read_properties(struct evaluation *evaluation, struct cypher_place place,
                                                  struct value entity, struct slice *properties);
/* reader_decode into the evaluation's arena. */
MUST_CHECK enum status evaluation_decode(struct evaluation *evaluation, struct slice bytes, struct value *value);
/* All properties as a map (function_graph.c). */
MUST_CHECK enum status evaluation_property_map(struct evaluation *evaluation, struct cypher_place place,
                                               struct value entity, struct value *map);

/* A property of a node or an edge; of a map its entry; of null null. */
MUST_CHECK enum status evaluate_property(struct evaluation *evaluation, struct cypher_place place, struct value object,
                                         struct slice key, bool key_is_lasting, struct value *value);
MUST_CHECK enum status evaluate_labels(struct evaluation *evaluation, const struct cypher_expr *expr,
                                       struct value subject, struct value *value);
MUST_CHECK enum status evaluate_path(struct evaluation *evaluation, const struct cypher_expr *expr,
                                     struct value *value);

/* --- function.c --- */

MUST_CHECK enum status evaluate_call(struct evaluation *evaluation, const struct cypher_expr *expr,
                                     struct value *value);

#endif
