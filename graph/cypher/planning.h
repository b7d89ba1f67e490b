/*
 * planning: what the parts of the planner share; private to them. NULL or false: the fault stands.
 *
 * `input` is the operator below, or NULL: rows start from the argument (plan.h).
 */
#ifndef GRAPH_CYPHER_PLANNING_H
#define GRAPH_CYPHER_PLANNING_H

#include "graph/cypher/expr.h"
#include "graph/cypher/memory.h"
#include "graph/cypher/plan.h"

struct plan_wait;  /* plan_match.c */
struct match_node; /* plan_match.c */

struct plan_slot_state {
    bool bound;                /* filled by what is planned so far */
    struct plan_wait *waiting; /* conditions of the MATCH at hand that wait for it; NULL: it is none of its slots */
    struct match_node *node;   /* of the MATCH at hand */
    const struct plan_creation *maker; /* the Create that fills it */
};

struct planning {
    struct cypher_memory memory;
    struct cypher_fault *fault;
    const struct cypher_catalogue *catalogue;
    uint32_t slot_count;
    struct plan_slot_state *slots;
    uint32_t slot_capacity;
    uint64_t work;
};

/* --- operators --- */
struct plan_operator *plan_node(struct planning *planning, enum plan_kind kind, struct plan_operator *input);
struct plan_operator *plan_pair(struct planning *planning, enum plan_kind kind, struct plan_operator *left,
                                struct plan_operator *right);
/* The input, or an Argument. */
struct plan_operator *plan_input(struct planning *planning, struct plan_operator *input);
bool plan_slot(struct planning *planning, uint32_t *slot);
struct cypher_expr *plan_variable(struct planning *planning, struct cypher_place place, struct slice name,
                                  uint32_t slot);
struct cypher_expr *plan_path_expr(struct planning *planning, struct cypher_path *path);
bool plan_unsupported(struct planning *planning, struct cypher_place place, const char *what);

/* --- queries and clauses: the new top --- */
struct plan_operator *plan_query(struct planning *planning, struct cypher_query *query);
const struct cypher_projection *plan_returned(const struct cypher_single_query *part); /* NULL: nothing */
struct plan_operator *plan_projection(struct planning *planning, struct plan_operator *input,
                                      struct cypher_projection *projection);
struct plan_operator *plan_distinct(struct planning *planning, struct plan_operator *input,
                                    const struct cypher_projection *projection);
struct plan_operator *plan_match_clause(struct planning *planning, struct plan_operator *input,
                                        struct cypher_clause *clause);
struct plan_operator *plan_create(struct planning *planning, struct plan_operator *input, struct cypher_clause *clause);
struct plan_operator *plan_merge(struct planning *planning, struct plan_operator *input, struct cypher_clause *clause);

/* --- patterns --- */
struct plan_operator *plan_match(struct planning *planning, struct plan_operator *input, struct cypher_path *paths,
                                 uint32_t count, struct cypher_expr *where);

/* --- subqueries in expressions --- */
/* Puts an operator below for each subquery in the expression, which becomes a variable: the new top (`input` if there
 * is none). */
bool plan_subqueries(struct planning *planning, struct plan_operator **input, struct cypher_expr **expr);
/* Filters by the condition; a conjunct that is a pattern becomes a Semi Apply. */
struct plan_operator *plan_filter(struct planning *planning, struct plan_operator *input,
                                  struct cypher_expr *condition);

#endif
