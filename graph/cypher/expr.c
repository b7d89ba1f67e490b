#include "graph/cypher/expr.h"

#include <math.h>

static bool visit_one(struct cypher_expr **child, cypher_visit visit, void *context) {
    return !*child || visit(context, child);
}

static bool visit_all(struct cypher_expr **children, uint32_t count, cypher_visit visit, void *context) {
    for (uint32_t i = 0; i < count; i++)
        if (!visit_one(&children[i], visit, context)) return false;
    return true;
}

static bool visit_choice(struct cypher_expr *expr, cypher_visit visit, void *context) {
    if (!visit_one(&expr->choice.subject, visit, context)) return false;
    for (uint32_t i = 0; i < expr->choice.count; i++)
        if (!visit_one(&expr->choice.alternatives[i].when, visit, context) ||
            !visit_one(&expr->choice.alternatives[i].then, visit, context))
            return false;
    return visit_one(&expr->choice.otherwise, visit, context);
}

bool cypher_expr_visit(struct cypher_expr *expr, cypher_visit visit, void *context) {
    switch (expr->kind) {
    case EXPR_NULL:
    case EXPR_BOOLEAN:
    case EXPR_INTEGER:
    case EXPR_FLOAT:
    case EXPR_STRING:
    case EXPR_PARAMETER:
    case EXPR_VARIABLE:
    case EXPR_COUNT_STAR:
    case EXPR_PATTERN:
    case EXPR_EXISTS:
    case EXPR_PATH: return true;
    case EXPR_LIST: return visit_all(expr->list.items, expr->list.count, visit, context);
    case EXPR_MAP: return visit_all(expr->map.values, expr->map.count, visit, context);
    case EXPR_CHAIN: return visit_all(expr->chain.operands, expr->chain.count + 1, visit, context);
    case EXPR_NOT:
    case EXPR_NEGATE:
    case EXPR_PLUS:
    case EXPR_IS_NULL:
    case EXPR_IS_NOT_NULL: return visit_one(&expr->operand, visit, context);
    case EXPR_PROPERTY: return visit_one(&expr->property.object, visit, context);
    case EXPR_HAS_LABELS: return visit_one(&expr->labels.subject, visit, context);
    case EXPR_SLICE:
        return visit_one(&expr->range.object, visit, context) && visit_one(&expr->range.from, visit, context) &&
               visit_one(&expr->range.to, visit, context);
    case EXPR_CALL: return visit_all(expr->call.arguments.items, expr->call.arguments.count, visit, context);
    case EXPR_CASE: return visit_choice(expr, visit, context);
    case EXPR_LIST_COMPREHENSION:
    case EXPR_ALL:
    case EXPR_ANY:
    case EXPR_NONE:
    case EXPR_SINGLE:
        return visit_one(&expr->loop.list, visit, context) && visit_one(&expr->loop.condition, visit, context) &&
               visit_one(&expr->loop.result, visit, context);
    case EXPR_REDUCE:
        return visit_one(&expr->reduce.initial, visit, context) && visit_one(&expr->reduce.list, visit, context) &&
               visit_one(&expr->reduce.result, visit, context);
    case EXPR_PATTERN_COMPREHENSION:
        return visit_one(&expr->subquery.condition, visit, context) &&
               visit_one(&expr->subquery.result, visit, context);
    default: /* .binary */
        return visit_one(&expr->binary.left, visit, context) && visit_one(&expr->binary.right, visit, context);
    }
}

/* --- what is in a tree --- */

typedef bool (*expr_test)(const struct cypher_expr *expr);

static bool lacks(void *context, struct cypher_expr **child) {
    expr_test test;
    memcpy(&test, context, sizeof test);
    return !test(*child) && cypher_expr_visit(*child, lacks, context);
}

static bool tree_has(const struct cypher_expr *expr, expr_test test) {
    struct cypher_expr *root = (struct cypher_expr *)(uintptr_t)expr; /* lacks() changes nothing */
    return !lacks(&test, &root);
}

bool cypher_expr_is_aggregation(const struct cypher_expr *expr) {
    return expr->kind == EXPR_COUNT_STAR ||
           (expr->kind == EXPR_CALL && cypher_functions[expr->call.function].is_aggregate);
}

static bool is_variable(const struct cypher_expr *expr) {
    return expr->kind == EXPR_VARIABLE;
}

static bool is_subquery(const struct cypher_expr *expr) {
    return expr->kind == EXPR_PATTERN || expr->kind == EXPR_PATTERN_COMPREHENSION || expr->kind == EXPR_EXISTS;
}

bool cypher_expr_aggregates(const struct cypher_expr *expr) {
    return tree_has(expr, cypher_expr_is_aggregation);
}

bool cypher_expr_has_variable(const struct cypher_expr *expr) {
    return tree_has(expr, is_variable) || cypher_expr_has_subquery(expr);
}

bool cypher_expr_has_subquery(const struct cypher_expr *expr) {
    return tree_has(expr, is_subquery);
}

/* --- alike --- */

static bool names_alike(const struct cypher_names *a, const struct cypher_names *b) {
    if (a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!slice_equal(a->items[i].text, b->items[i].text)) return false;
    return true;
}

static bool keys_alike(const struct cypher_expr *a, const struct cypher_expr *b) {
    for (uint32_t i = 0; i < a->map.count; i++)
        if (!slice_equal(a->map.keys[i], b->map.keys[i])) return false;
    return true;
}

/* What a node says besides its children; their numbers are the same if this is true. */
static bool heads_alike(const struct cypher_expr *a, const struct cypher_expr *b) {
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case EXPR_BOOLEAN: return a->boolean == b->boolean;
    case EXPR_INTEGER: return a->integer == b->integer;
    case EXPR_FLOAT: return a->real == b->real && signbit(a->real) == signbit(b->real);
    case EXPR_STRING:
    case EXPR_PARAMETER: return slice_equal(a->text, b->text);
    case EXPR_VARIABLE: return slice_equal(a->variable.name, b->variable.name);
    case EXPR_LIST: return a->list.count == b->list.count;
    case EXPR_MAP: return a->map.count == b->map.count && keys_alike(a, b);
    case EXPR_CHAIN:
        return a->chain.count == b->chain.count &&
               memcmp(a->chain.links, b->chain.links, a->chain.count * sizeof *a->chain.links) == 0;
    case EXPR_PROPERTY: return slice_equal(a->property.key, b->property.key);
    case EXPR_HAS_LABELS: return names_alike(&a->labels.names, &b->labels.names);
    case EXPR_SLICE: return !a->range.from == !b->range.from && !a->range.to == !b->range.to;
    case EXPR_CALL:
        return a->call.function == b->call.function && a->call.distinct == b->call.distinct &&
               a->call.arguments.count == b->call.arguments.count;
    case EXPR_CASE:
        return a->choice.count == b->choice.count && !a->choice.subject == !b->choice.subject &&
               !a->choice.otherwise == !b->choice.otherwise;
    case EXPR_LIST_COMPREHENSION:
    case EXPR_ALL:
    case EXPR_ANY:
    case EXPR_NONE:
    case EXPR_SINGLE:
        return slice_equal(a->loop.variable.text, b->loop.variable.text) && !a->loop.condition == !b->loop.condition &&
               !a->loop.result == !b->loop.result;
    case EXPR_REDUCE:
        return slice_equal(a->reduce.accumulator.text, b->reduce.accumulator.text) &&
               slice_equal(a->reduce.variable.text, b->reduce.variable.text);
    case EXPR_PATTERN:
    case EXPR_PATTERN_COMPREHENSION:
    case EXPR_EXISTS:
    case EXPR_PATH: return false;
    default: return true;
    }
}

/* Finds the n-th child: trees are walked side by side. */
struct child_search {
    uint32_t left;
    struct cypher_expr *found;
};

static bool count_down(void *context, struct cypher_expr **child) {
    struct child_search *search = context;
    search->found = *child;
    return search->left-- > 0;
}

static struct cypher_expr *child_at(const struct cypher_expr *expr, uint32_t index) {
    struct child_search search = {.left = index};
    struct cypher_expr *parent = (struct cypher_expr *)(uintptr_t)expr; /* count_down() changes nothing */
    return cypher_expr_visit(parent, count_down, &search) ? NULL : search.found;
}

struct comparison_walk {
    const struct cypher_expr *other;
    uint32_t index;
    uint64_t *work;
};

static bool child_alike(void *context, struct cypher_expr **child) {
    struct comparison_walk *walk = context;
    const struct cypher_expr *twin = child_at(walk->other, walk->index++);
    *walk->work += walk->index;
    return twin && cypher_expr_alike(*child, twin, walk->work);
}

bool cypher_expr_alike(const struct cypher_expr *a, const struct cypher_expr *b, uint64_t *work) {
    ++*work;
    if (a->height != b->height || !heads_alike(a, b)) return false;
    struct comparison_walk walk = {.other = b, .work = work};
    struct cypher_expr *root = (struct cypher_expr *)(uintptr_t)a; /* child_alike() changes nothing */
    return cypher_expr_visit(root, child_alike, &walk);
}

void cypher_expr_become_variable(struct cypher_expr *expr, struct slice name, uint32_t slot) {
    expr->kind = EXPR_VARIABLE;
    expr->variable.name = name;
    expr->variable.slot = slot;
}
