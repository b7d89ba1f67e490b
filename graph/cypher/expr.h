/*
 * expr: tools over expression trees. Depth is bounded by the parser, so they recurse.
 */
#ifndef GRAPH_CYPHER_EXPR_H
#define GRAPH_CYPHER_EXPR_H

#include "graph/cypher/ast.h"

/* Called with the place of each direct child that is there (never NULL), which it may replace; false ends the walk.
 * Patterns and queries within EXPR_PATTERN, EXPR_PATTERN_COMPREHENSION and EXPR_EXISTS are not children; a
 * comprehension's condition and result are. */
typedef bool (*cypher_visit)(void *context, struct cypher_expr **child);
bool cypher_expr_visit(struct cypher_expr *expr, cypher_visit visit, void *context);

bool cypher_expr_is_aggregation(const struct cypher_expr *expr); /* the node itself */
bool cypher_expr_aggregates(const struct cypher_expr *expr);     /* it or something below it */
bool cypher_expr_has_variable(const struct cypher_expr *expr);
bool cypher_expr_has_subquery(const struct cypher_expr *expr);

/* Written alike, names compared as text; anything with a subquery is like nothing. *work counts nodes compared. */
bool cypher_expr_alike(const struct cypher_expr *a, const struct cypher_expr *b, uint64_t *work);

/* Makes the node a variable in place. */
void cypher_expr_become_variable(struct cypher_expr *expr, struct slice name, uint32_t slot);

#endif
