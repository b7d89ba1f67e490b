/*
 * plan_subquery: patterns, comprehensions and EXISTS within expressions become operators below the one that evaluates
 * the expression: a Semi Apply where they filter, a Roll Up into a slot of its own elsewhere. They are evaluated once
 * per row, whether or not the expression comes to ask for them.
 */
#include "graph/cypher/planning.h"

/* The right side that gives a row for each match; *result is what a comprehension collects, else NULL. */
static struct plan_operator *plan_inner(struct planning *planning, struct cypher_expr *expr,
                                        struct cypher_expr **result) {
    *result = expr->kind == EXPR_PATTERN_COMPREHENSION ? expr->subquery.result : NULL;
    if (expr->kind == EXPR_EXISTS) return plan_query(planning, expr->subquery.query);
    return plan_match(planning, NULL, expr->subquery.path, 1, expr->subquery.condition);
}

static struct plan_operator *plan_collected(struct planning *planning, struct plan_operator *right,
                                            struct cypher_expr *result, uint32_t *slot) {
    if (!plan_subqueries(planning, &right, &result) || !plan_slot(planning, slot)) return NULL;
    struct plan_operator *project = plan_node(planning, PLAN_PROJECT, right);
    struct plan_column *column = cypher_alloc(&planning->memory, sizeof *column);
    if (!project || !column) return NULL;
    *column = (struct plan_column){.expr = result, .slot = *slot};
    project->project = (struct plan_columns){column, 1};
    return project;
}

static bool plan_roll_up(struct planning *planning, struct plan_operator **input, struct cypher_expr *expr) {
    const struct slice unnamed = {0};
    struct cypher_expr *result;
    uint32_t slot, item_slot = CYPHER_NO_SLOT;
    struct plan_operator *right = plan_inner(planning, expr, &result);
    if (right && result) right = plan_collected(planning, right, result, &item_slot);
    if (!right || !plan_slot(planning, &slot)) return false;
    struct plan_operator *left = plan_input(planning, *input);
    struct plan_operator *node = left ? plan_pair(planning, PLAN_ROLL_UP, left, right) : NULL;
    if (!node) return false;
    node->roll_up.slot = slot;
    node->roll_up.item_slot = item_slot;
    planning->slots[slot].bound = true;
    cypher_expr_become_variable(expr, unnamed, slot);
    *input = node;
    return true;
}

/* --- finding them --- */

struct subquery_walk {
    struct planning *planning;
    struct plan_operator **input;
};

static bool is_subquery(const struct cypher_expr *expr) {
    return expr->kind == EXPR_PATTERN || expr->kind == EXPR_PATTERN_COMPREHENSION || expr->kind == EXPR_EXISTS;
}

/* exists(pattern) is the pattern. */
static struct cypher_expr *unwrap(struct cypher_expr *expr) {
    const bool wrapped = expr->kind == EXPR_CALL && expr->call.function == CYPHER_FUNCTION_EXISTS &&
                         expr->call.arguments.items[0]->kind == EXPR_PATTERN;
    return wrapped ? expr->call.arguments.items[0] : expr;
}

static bool refuse(void *context, struct cypher_expr **child) {
    struct planning *planning = context;
    if (is_subquery(unwrap(*child)))
        return plan_unsupported(planning, (*child)->place, "a pattern or subquery within a loop over a list");
    return cypher_expr_visit(*child, refuse, context);
}

/* What a loop evaluates per item can't be evaluated once per row. */
static bool check_loop(struct planning *planning, struct cypher_expr *expr) {
    struct cypher_expr **inside[] = {&expr->loop.condition, &expr->loop.result};
    if (expr->kind == EXPR_REDUCE) {
        inside[0] = &expr->reduce.result;
        inside[1] = NULL;
    }
    for (size_t i = 0; i < 2; i++)
        if (inside[i] && *inside[i] && !refuse(planning, inside[i])) return false;
    return true;
}

static bool is_loop(enum cypher_expr_kind kind) {
    return kind == EXPR_LIST_COMPREHENSION || (kind >= EXPR_ALL && kind <= EXPR_REDUCE);
}

static bool replace(void *context, struct cypher_expr **child) {
    const struct subquery_walk *walk = context;
    *child = unwrap(*child);
    if (is_subquery(*child)) return plan_roll_up(walk->planning, walk->input, *child);
    if (is_loop((*child)->kind) && !check_loop(walk->planning, *child)) return false;
    return cypher_expr_visit(*child, replace, context);
}

bool plan_subqueries(struct planning *planning, struct plan_operator **input, struct cypher_expr **expr) {
    struct subquery_walk walk = {planning, input};
    return !cypher_expr_has_subquery(*expr) || replace(&walk, expr);
}

/* --- filters --- */

static struct plan_operator *plan_semi_apply(struct planning *planning, struct plan_operator *input,
                                             struct cypher_expr *expr, enum plan_kind kind) {
    struct cypher_expr *result;
    struct plan_operator *right = plan_inner(planning, expr, &result);
    struct plan_operator *left = right ? plan_input(planning, input) : NULL;
    return left ? plan_pair(planning, kind, left, right) : NULL;
}

static bool filters_alone(const struct cypher_expr *expr) {
    return expr->kind == EXPR_PATTERN || expr->kind == EXPR_EXISTS;
}

struct plan_operator *plan_filter(struct planning *planning, struct plan_operator *input,
                                  struct cypher_expr *condition) {
    condition = unwrap(condition);
    if (condition->kind == EXPR_AND && cypher_expr_has_subquery(condition)) {
        struct plan_operator *left = plan_filter(planning, input, condition->binary.left);
        return left ? plan_filter(planning, left, condition->binary.right) : NULL;
    }
    if (filters_alone(condition)) return plan_semi_apply(planning, input, condition, PLAN_SEMI_APPLY);
    if (condition->kind == EXPR_NOT && filters_alone(unwrap(condition->operand)))
        return plan_semi_apply(planning, input, unwrap(condition->operand), PLAN_ANTI_SEMI_APPLY);
    if (!plan_subqueries(planning, &input, &condition)) return NULL;
    struct plan_operator *node = plan_node(planning, PLAN_FILTER, input);
    if (node) node->condition = condition;
    return node;
}
