/*
 * check_projection: WITH and RETURN: columns, what aggregation allows beside it, ORDER BY, WHERE, SKIP and LIMIT.
 *
 * Without aggregation and DISTINCT, ORDER BY and WHERE see the old variables and, before them, the new columns. With
 * either, a row no longer has the old variables: what repeats a column's expression is replaced by the column, and the
 * rest sees columns only.
 */
#include <stdlib.h>

#include "graph/cypher/checking.h"

/* --- columns --- */

static int by_name(const void *a, const void *b) {
    struct variable *const *left = a, *const *right = b;
    return slice_compare((*left)->name, (*right)->name);
}

/* The variables in scope that a star stands for, by name: a name that is shadowed counts once. */
static uint32_t star_variables(const struct checking *checking, struct variable **out) {
    uint32_t count = 0;
    for (uint32_t i = checking->base; i < checking->visible_count; i++) {
        struct variable *variable = checking->visible[i];
        if (checking->bound[variable->symbol] == variable) out[count++] = variable;
    }
    qsort(out, count, sizeof(struct variable *), by_name);
    return count;
}

static bool expand_star(struct checking *checking, const struct cypher_clause *clause,
                        struct cypher_projection *projection) {
    const uint32_t most = checking->visible_count - checking->base;
    struct variable **variables = cypher_alloc(&checking->memory, most * sizeof(struct variable *));
    struct cypher_column *columns =
        cypher_alloc(&checking->memory, (most + projection->column_count) * sizeof *columns);
    struct cypher_expr *exprs = cypher_alloc(&checking->memory, most * sizeof *exprs);
    if (!variables || !columns || !exprs) return false;
    const uint32_t count = star_variables(checking, variables);
    if (count == 0 && clause->kind == CLAUSE_RETURN)
        return check_fault(checking, CYPHER_FAULT_NO_VARIABLES_IN_SCOPE, clause->place, "there is no variable for *");
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = (struct cypher_expr){.kind = EXPR_VARIABLE, .place = clause->place, .height = 1};
        exprs[i].variable.name = variables[i]->name;
        columns[i] = (struct cypher_column){.expr = &exprs[i], .name = variables[i]->name, .place = clause->place};
    }
    if (projection->column_count)
        memcpy(columns + count, projection->columns, projection->column_count * sizeof *columns);
    projection->columns = columns;
    projection->column_count += count;
    return true;
}

static bool check_column(struct checking *checking, struct cypher_column *column, struct symbols *names) {
    if (!check_expression(checking, column->expr, CHECK_AGGREGATIONS)) return false;
    if (symbols_find(names, column->name) != SYMBOL_NONE)
        return check_fault_name(checking, CYPHER_FAULT_COLUMN_NAME_CONFLICT, column->place, column->name,
                                "is the name of two columns");
    uint32_t number;
    if (symbols_add(names, column->name, &number))
        return check_fault(checking, CYPHER_FAULT_NO_MEMORY, column->place, "out of memory");
    return true;
}

/* A variable that keeps its name keeps its slot. */
static bool assign_slot(struct checking *checking, struct cypher_column *column) {
    const struct cypher_expr *expr = column->expr;
    if (expr->kind != EXPR_VARIABLE || !slice_equal(expr->variable.name, column->name))
        return scope_slot(checking, column->place, &column->slot);
    column->slot = expr->variable.slot;
    return true;
}

static bool check_columns(struct checking *checking, struct cypher_projection *projection) {
    struct symbols names;
    symbols_init(&names, checking->memory.arena, checking->symbols.seed);
    for (uint32_t i = 0; i < projection->column_count; i++) {
        struct cypher_column *column = &projection->columns[i];
        if (!check_column(checking, column, &names) || !assign_slot(checking, column)) return false;
        projection->aggregates |= cypher_expr_aggregates(column->expr);
    }
    return true;
}

static bool check_aliases(struct checking *checking, const struct cypher_clause *clause) {
    for (uint32_t i = 0; i < clause->projection.column_count && clause->kind == CLAUSE_WITH; i++) {
        const struct cypher_column *column = &clause->projection.columns[i];
        if (!column->has_alias && column->expr->kind != EXPR_VARIABLE)
            return check_fault(checking, CYPHER_FAULT_NO_EXPRESSION_ALIAS, column->place,
                               "an expression in WITH needs a name: AS");
    }
    return true;
}

static bool declare_columns(struct checking *checking, const struct cypher_projection *projection) {
    for (uint32_t i = 0; i < projection->column_count; i++) {
        const struct cypher_column *column = &projection->columns[i];
        struct variable *variable = scope_declare_slot(checking, column->name, column->expr->type, column->slot);
        if (!variable) return false;
        variable->element = column->expr->element;
    }
    return true;
}

/* --- beside an aggregation: constants, grouping keys that are variables, properties of such, and what loops bind ---
 */

struct grouping {
    struct checking *checking;
    const struct cypher_projection *projection;
    bool fits;
};

static bool is_key(struct grouping *grouping, const struct cypher_expr *expr) {
    for (uint32_t i = 0; i < grouping->projection->column_count; i++) {
        const struct cypher_expr *key = grouping->projection->columns[i].expr;
        if (key->kind != expr->kind) {
            grouping->checking->work++;
            continue;
        }
        if (cypher_expr_alike(key, expr, &grouping->checking->work)) return true;
    }
    return false;
}

/* A variable that is in scope outside of the expression; those of loops inside are not. */
static bool is_outer(const struct checking *checking, const struct cypher_expr *variable) {
    const struct variable *found = scope_find(checking, variable->variable.name);
    return found && found->slot == variable->variable.slot;
}

static bool grouped(void *context, struct cypher_expr **child) {
    struct grouping *grouping = context;
    const struct cypher_expr *expr = *child;
    if (cypher_expr_is_aggregation(expr)) return true;
    if (expr->kind == EXPR_VARIABLE) return !is_outer(grouping->checking, expr) || is_key(grouping, expr);
    if (expr->kind == EXPR_PROPERTY && is_key(grouping, expr)) return true;
    return check_work(grouping->checking) && cypher_expr_visit(*child, grouped, context);
}

static bool check_grouping(struct checking *checking, const struct cypher_projection *projection) {
    struct grouping grouping = {.checking = checking, .projection = projection};
    for (uint32_t i = 0; i < projection->column_count && projection->aggregates; i++) {
        struct cypher_column *column = &projection->columns[i];
        if (!cypher_expr_aggregates(column->expr) || grouped(&grouping, &column->expr)) continue;
        return check_fault(checking, CYPHER_FAULT_AMBIGUOUS_AGGREGATION, column->expr->place,
                           "what stands beside an aggregation in one expression has to be a column of its own");
    }
    return check_work(checking);
}

/* --- ORDER BY and WHERE behind an aggregation or DISTINCT --- */

struct replacement {
    struct checking *checking;
    const struct cypher_projection *projection;
    bool aggregated; /* a replaced column aggregates */
    bool compound;   /* a replaced column is neither variable, property nor aggregation, and only a part */
};

static bool is_simple(const struct cypher_expr *expr) {
    return expr->kind == EXPR_VARIABLE || expr->kind == EXPR_PROPERTY;
}

static bool replace(void *context, struct cypher_expr **child) {
    struct replacement *replacement = context;
    for (uint32_t i = 0; i < replacement->projection->column_count; i++) {
        const struct cypher_column *column = &replacement->projection->columns[i];
        if (!cypher_expr_alike(column->expr, *child, &replacement->checking->work)) continue;
        const bool aggregates = cypher_expr_aggregates(*child);
        replacement->aggregated |= aggregates;
        replacement->compound |= !aggregates && !is_simple(*child);
        cypher_expr_become_variable(*child, column->name, column->slot);
        return true;
    }
    return check_work(replacement->checking) && cypher_expr_visit(*child, replace, context);
}

static bool replace_columns(struct checking *checking, const struct cypher_projection *projection,
                            struct cypher_expr **expr) {
    struct replacement replacement = {.checking = checking, .projection = projection};
    if (!replace(&replacement, expr)) return false;
    const bool is_part = (*expr)->kind != EXPR_VARIABLE;
    if (!is_part || !replacement.compound || !(replacement.aggregated || cypher_expr_aggregates(*expr))) return true;
    return check_fault(checking, CYPHER_FAULT_AMBIGUOUS_AGGREGATION, (*expr)->place,
                       "what stands beside an aggregation in one expression has to be a variable or a property");
}

/* --- SKIP, LIMIT --- */

static bool check_amount(struct checking *checking, struct cypher_expr *expr) {
    if (!expr) return true;
    if (cypher_expr_has_variable(expr))
        return check_fault(checking, CYPHER_FAULT_NON_CONSTANT_EXPRESSION, expr->place,
                           "SKIP and LIMIT take an expression without variables");
    if (!check_expression(checking, expr, 0)) return false;
    if (expr->kind == EXPR_INTEGER && expr->integer < 0)
        return check_fault(checking, CYPHER_FAULT_NEGATIVE_INTEGER, expr->place,
                           "SKIP and LIMIT take no negative number");
    if (expr->type & CYPHER_TYPE_INTEGER) return true;
    return check_fault(checking, CYPHER_FAULT_INVALID_ARGUMENT_TYPE, expr->place, "SKIP and LIMIT take an integer");
}

/* --- all --- */

static bool check_tail(struct checking *checking, struct cypher_projection *projection) {
    const bool narrowed = projection->aggregates || projection->distinct;
    const unsigned allowed = projection->aggregates ? CHECK_AGGREGATIONS | CHECK_LOST_AGGREGATION : 0;
    for (uint32_t i = 0; i < projection->sort_count; i++) {
        struct cypher_expr **expr = &projection->sort[i].expr;
        if (narrowed && !replace_columns(checking, projection, expr)) return false;
        if (!check_expression(checking, *expr, allowed)) return false;
    }
    if (!projection->where) return true;
    if (narrowed && !replace_columns(checking, projection, &projection->where)) return false;
    return check_condition(checking, projection->where, CHECK_PATTERNS | (projection->aggregates ? allowed : 0));
}

bool check_projection(struct checking *checking, struct cypher_clause *clause) {
    struct cypher_projection *projection = &clause->projection;
    if (projection->star && !expand_star(checking, clause, projection)) return false;
    if (!check_columns(checking, projection) || !check_grouping(checking, projection)) return false;
    if (!check_amount(checking, projection->skip) || !check_amount(checking, projection->limit)) return false;
    if (projection->aggregates || projection->distinct) scope_leave(checking, checking->base);
    if (!declare_columns(checking, projection) || !check_tail(checking, projection)) return false;
    if (!check_aliases(checking, clause)) return false;
    scope_leave(checking, checking->base);
    checking->clause++; /* what comes next finds the columns bound */
    return declare_columns(checking, projection);
}
