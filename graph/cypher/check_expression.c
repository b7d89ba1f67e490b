/* check_expression: variables become slots, each node gets the types that it may have. */
#include "graph/cypher/checking.h"

enum { NULLABLE_BOOLEAN = CYPHER_TYPE_BOOLEAN | CYPHER_TYPE_NULL };

static bool type_fault(struct checking *checking, const struct cypher_expr *expr, const char *what) {
    return check_fault(checking, CYPHER_FAULT_INVALID_ARGUMENT_TYPE, expr->place, what);
}

/* False, with a fault, if the expression can be none of `types` nor null. */
static bool expect_type(struct checking *checking, const struct cypher_expr *expr, unsigned types, const char *what) {
    return (expr->type & (types | CYPHER_TYPE_NULL)) != 0 || type_fault(checking, expr, what);
}

bool check_variable_use(struct checking *checking, struct slice name, struct cypher_place place,
                        struct variable **found) {
    *found = scope_find(checking, name);
    return *found || check_fault_name(checking, CYPHER_FAULT_UNDEFINED_VARIABLE, place, name, "not defined");
}

static bool check_variable(struct checking *checking, struct cypher_expr *expr) {
    struct variable *variable;
    if (!check_variable_use(checking, expr->variable.name, expr->place, &variable)) return false;
    expr->variable.slot = variable->slot;
    expr->type = variable->type;
    expr->element = variable->element;
    return true;
}

struct child_check {
    struct checking *checking;
    unsigned allowed;
};

static bool check_child(void *context, struct cypher_expr **child) {
    const struct child_check *check = context;
    return check_expression(check->checking, *child, check->allowed);
}

static bool check_children(struct checking *checking, struct cypher_expr *expr, unsigned allowed) {
    struct child_check check = {checking, allowed};
    return cypher_expr_visit(expr, check_child, &check);
}

/* --- operators --- */

static bool check_boolean_operands(struct checking *checking, struct cypher_expr *expr) {
    static const char what[] = "AND, OR, XOR and NOT take booleans";
    expr->type = NULLABLE_BOOLEAN;
    if (expr->kind == EXPR_NOT) return expect_type(checking, expr->operand, CYPHER_TYPE_BOOLEAN, what);
    return expect_type(checking, expr->binary.left, CYPHER_TYPE_BOOLEAN, what) &&
           expect_type(checking, expr->binary.right, CYPHER_TYPE_BOOLEAN, what);
}

static bool check_arithmetic(struct checking *checking, struct cypher_expr *expr) {
    static const char what[] = "the operands of an arithmetic operator are numbers";
    const unsigned types = expr->binary.left->type | expr->binary.right->type;
    const bool integers = (types & ~(unsigned)(CYPHER_TYPE_INTEGER | CYPHER_TYPE_NULL)) == 0;
    const unsigned result = integers && expr->kind != EXPR_POWER ? CYPHER_TYPE_INTEGER : CYPHER_TYPE_NUMBER;
    expr->type = (uint16_t)(result | CYPHER_TYPE_NULL);
    return expect_type(checking, expr->binary.left, CYPHER_TYPE_NUMBER, what) &&
           expect_type(checking, expr->binary.right, CYPHER_TYPE_NUMBER, what);
}

/* Numbers add, strings and lists join. */
static void type_addition(struct cypher_expr *expr) {
    const unsigned types = expr->binary.left->type | expr->binary.right->type;
    const unsigned numbers = CYPHER_TYPE_NUMBER | CYPHER_TYPE_NULL;
    expr->type = (uint16_t)((types & ~numbers) == 0 ? numbers : CYPHER_TYPE_ANY);
    if ((types & ~(unsigned)(CYPHER_TYPE_LIST | CYPHER_TYPE_NULL)) == 0) {
        expr->type = CYPHER_TYPE_LIST | CYPHER_TYPE_NULL;
        expr->element = (uint16_t)(expr->binary.left->element | expr->binary.right->element);
    }
}

static bool check_sign(struct checking *checking, struct cypher_expr *expr) {
    const unsigned type = expr->operand->type & CYPHER_TYPE_NUMBER;
    expr->type = (uint16_t)((type ? type : CYPHER_TYPE_NUMBER) | CYPHER_TYPE_NULL);
    return expect_type(checking, expr->operand, CYPHER_TYPE_NUMBER, "a sign takes a number");
}

static bool check_property(struct checking *checking, struct cypher_expr *expr) {
    const struct cypher_expr *object = expr->property.object;
    expr->type = CYPHER_TYPE_ANY;
    if (object->type & (CYPHER_TYPE_KEYED | CYPHER_TYPE_NULL)) return true;
    if (object->type == CYPHER_TYPE_PATH) return type_fault(checking, object, "a path has no properties");
    return check_fault(checking, CYPHER_FAULT_TYPE_MISMATCH, object->place,
                       "only nodes, relationships and maps have properties");
}

static bool check_subscript(struct checking *checking, struct cypher_expr *expr) {
    const struct cypher_expr *object = expr->binary.left;
    expr->type = object->type == CYPHER_TYPE_LIST ? (uint16_t)(object->element | CYPHER_TYPE_NULL) : CYPHER_TYPE_ANY;
    expr->element = CYPHER_TYPE_ANY;
    if (object->type & (CYPHER_TYPE_KEYED | CYPHER_TYPE_LIST | CYPHER_TYPE_NULL)) return true;
    return check_fault(checking, CYPHER_FAULT_TYPE_MISMATCH, object->place, "only lists and maps take an index");
}

/* --- functions --- */

static void type_call(struct cypher_expr *call) {
    const struct cypher_list *arguments = &call->call.arguments;
    const struct cypher_expr *first = arguments->count ? arguments->items[0] : NULL;
    call->type = (uint16_t)(cypher_functions[call->call.function].result_type | CYPHER_TYPE_NULL);
    call->element = CYPHER_TYPE_ANY;
    switch (call->call.function) {
    case CYPHER_FUNCTION_COALESCE:
        call->type = 0;
        for (uint32_t i = 0; i < arguments->count; i++) call->type |= arguments->items[i]->type;
        break;
    case CYPHER_FUNCTION_MIN:
    case CYPHER_FUNCTION_MAX: call->type = (uint16_t)(first->type | CYPHER_TYPE_NULL); break;
    case CYPHER_FUNCTION_HEAD:
    case CYPHER_FUNCTION_LAST: call->type = (uint16_t)(first->element | CYPHER_TYPE_NULL); break;
    case CYPHER_FUNCTION_TAIL: call->element = first->element; break;
    case CYPHER_FUNCTION_REVERSE:
        call->type = (uint16_t)((first->type & CYPHER_TYPE_SIZED) | CYPHER_TYPE_NULL);
        call->element = first->element;
        break;
    case CYPHER_FUNCTION_COLLECT: call->element = first->type; break;
    case CYPHER_FUNCTION_RANGE: call->element = CYPHER_TYPE_INTEGER; break;
    case CYPHER_FUNCTION_KEYS:
    case CYPHER_FUNCTION_SPLIT:
    case CYPHER_FUNCTION_LABELS: call->element = CYPHER_TYPE_STRING; break;
    case CYPHER_FUNCTION_NODES: call->element = CYPHER_TYPE_NODE; break;
    case CYPHER_FUNCTION_RELATIONSHIPS: call->element = CYPHER_TYPE_EDGE; break;
    default: break;
    }
}

static bool check_aggregation_place(struct checking *checking, const struct cypher_expr *expr, unsigned allowed) {
    if (allowed & CHECK_IN_AGGREGATION)
        return check_fault(checking, CYPHER_FAULT_NESTED_AGGREGATION, expr->place,
                           "an aggregation within an aggregation");
    if (allowed & CHECK_AGGREGATIONS) return true;
    return check_fault(checking, CYPHER_FAULT_INVALID_AGGREGATION, expr->place,
                       "an aggregation can only stand in WITH and RETURN, outside of loops over lists");
}

static bool check_call_types(struct checking *checking, const struct cypher_expr *call) {
    const struct cypher_function_row *row = &cypher_functions[call->call.function];
    for (uint32_t i = 0; i < call->call.arguments.count; i++) {
        const struct cypher_expr *argument = call->call.arguments.items[i];
        const unsigned types = i == 0 ? row->first_type : row->other_types;
        if (argument->type & (types | CYPHER_TYPE_NULL)) continue;
        cypher_fault_set(checking->fault, CYPHER_FAULT_INVALID_ARGUMENT_TYPE, argument->place,
                         "%s() does not take such a value as argument %u", row->name, i + 1);
        return false;
    }
    return true;
}

static bool check_function(struct checking *checking, struct cypher_expr *expr, unsigned allowed) {
    const bool aggregates = cypher_expr_is_aggregation(expr);
    unsigned inner = allowed & ~(unsigned)CHECK_PATTERNS;
    if (aggregates) {
        if (!check_aggregation_place(checking, expr, allowed)) return false;
        inner |= CHECK_IN_AGGREGATION;
    }
    if (expr->kind == EXPR_COUNT_STAR) {
        expr->type = CYPHER_TYPE_INTEGER;
    } else {
        if (expr->call.function == CYPHER_FUNCTION_RAND && (allowed & CHECK_IN_AGGREGATION))
            return check_fault(checking, CYPHER_FAULT_NON_CONSTANT_EXPRESSION, expr->place,
                               "rand() within an aggregation");
        if (expr->call.function == CYPHER_FUNCTION_EXISTS) inner |= CHECK_PATTERNS;
        if (!check_children(checking, expr, inner) || !check_call_types(checking, expr)) return false;
        type_call(expr);
    }
    if (!aggregates || !(allowed & CHECK_LOST_AGGREGATION)) return true;
    return check_unsupported(checking, expr->place, "an aggregation in ORDER BY or WHERE that is no column");
}

/* --- loops --- */

/* What is inside may use the variable and nothing that looks at many rows. */
static bool check_inside(struct checking *checking, struct cypher_expr *expr, unsigned allowed) {
    return !expr || check_expression(checking, expr, allowed & ~(unsigned)(CHECK_AGGREGATIONS | CHECK_PATTERNS));
}

static bool check_list(struct checking *checking, struct cypher_expr *list, unsigned allowed, uint16_t *element) {
    if (!check_expression(checking, list, allowed & ~(unsigned)CHECK_PATTERNS)) return false;
    *element = list->type & CYPHER_TYPE_LIST ? list->element : CYPHER_TYPE_ANY;
    return expect_type(checking, list, CYPHER_TYPE_LIST, "the values to loop over are a list");
}

static bool check_loop(struct checking *checking, struct cypher_expr *expr, unsigned allowed) {
    const uint32_t mark = checking->visible_count;
    uint16_t element;
    if (!check_list(checking, expr->loop.list, allowed, &element)) return false;
    struct variable *variable = scope_declare(checking, expr->loop.variable.text, element);
    if (!variable) return false;
    expr->loop.slot = variable->slot;
    if (expr->loop.condition &&
        !check_condition(checking, expr->loop.condition, (allowed & ~(unsigned)CHECK_AGGREGATIONS) | CHECK_PATTERNS))
        return false;
    if (!check_inside(checking, expr->loop.result, allowed)) return false;
    scope_leave(checking, mark);
    expr->type = NULLABLE_BOOLEAN;
    if (expr->kind != EXPR_LIST_COMPREHENSION) return true;
    expr->type = (uint16_t)(CYPHER_TYPE_LIST | (expr->loop.list->type & CYPHER_TYPE_NULL));
    expr->element = expr->loop.result ? expr->loop.result->type : element;
    return true;
}

static bool check_reduce(struct checking *checking, struct cypher_expr *expr, unsigned allowed) {
    const uint32_t mark = checking->visible_count;
    uint16_t element;
    if (!check_expression(checking, expr->reduce.initial, allowed & ~(unsigned)CHECK_PATTERNS)) return false;
    if (!check_list(checking, expr->reduce.list, allowed, &element)) return false;
    struct variable *accumulator = scope_declare(checking, expr->reduce.accumulator.text, CYPHER_TYPE_ANY);
    struct variable *variable = accumulator ? scope_declare(checking, expr->reduce.variable.text, element) : NULL;
    if (!variable) return false;
    expr->reduce.accumulator_slot = accumulator->slot;
    expr->reduce.slot = variable->slot;
    if (!check_inside(checking, expr->reduce.result, allowed)) return false;
    scope_leave(checking, mark);
    expr->type = expr->element = CYPHER_TYPE_ANY;
    return true;
}

/* --- subqueries --- */

static bool check_predicate(struct checking *checking, struct cypher_expr *expr, unsigned allowed) {
    expr->type = CYPHER_TYPE_BOOLEAN;
    if (!(allowed & CHECK_PATTERNS))
        return check_fault(checking, CYPHER_FAULT_UNEXPECTED_SYNTAX, expr->place,
                           "a pattern is a condition: it can stand in WHERE and exists() only");
    return check_pattern(checking, expr->subquery.path, 1, PATTERN_PREDICATE);
}

static bool check_pattern_comprehension(struct checking *checking, struct cypher_expr *expr, unsigned allowed) {
    const uint32_t mark = checking->visible_count, clause = checking->clause;
    const unsigned inner = allowed & ~(unsigned)CHECK_AGGREGATIONS;
    checking->clause = UINT32_MAX; /* its variables are of no clause that could bind them again */
    if (!check_pattern(checking, expr->subquery.path, 1, PATTERN_MATCH)) return false;
    if (expr->subquery.condition && !check_condition(checking, expr->subquery.condition, inner | CHECK_PATTERNS))
        return false;
    if (!check_inside(checking, expr->subquery.result, allowed)) return false;
    checking->clause = clause;
    scope_leave(checking, mark);
    expr->type = CYPHER_TYPE_LIST;
    expr->element = expr->subquery.result->type;
    return true;
}

static bool check_exists(struct checking *checking, struct cypher_expr *expr) {
    const uint32_t mark = checking->visible_count, base = checking->base, clause = checking->clause;
    checking->base = mark;
    checking->depth++;
    if (!check_query(checking, expr->subquery.query)) return false;
    checking->depth--;
    checking->base = base;
    checking->clause = clause;
    scope_leave(checking, mark);
    expr->type = CYPHER_TYPE_BOOLEAN;
    return true;
}

/* --- all --- */

static void type_list(struct cypher_expr *expr) {
    expr->type = CYPHER_TYPE_LIST;
    expr->element = expr->list.count ? 0 : CYPHER_TYPE_ANY;
    for (uint32_t i = 0; i < expr->list.count; i++) expr->element |= expr->list.items[i]->type;
}

static void type_case(struct cypher_expr *expr) {
    expr->type = expr->choice.otherwise ? expr->choice.otherwise->type : CYPHER_TYPE_NULL;
    for (uint32_t i = 0; i < expr->choice.count; i++) expr->type |= expr->choice.alternatives[i].then->type;
    expr->element = CYPHER_TYPE_ANY;
}

/* The children are checked; this one's own rules. */
static bool check_operator(struct checking *checking, struct cypher_expr *expr) {
    expr->element = CYPHER_TYPE_ANY;
    switch (expr->kind) {
    case EXPR_LIST: type_list(expr); return true;
    case EXPR_MAP: expr->type = CYPHER_TYPE_MAP; return true;
    case EXPR_CASE: type_case(expr); return true;
    case EXPR_OR:
    case EXPR_XOR:
    case EXPR_AND:
    case EXPR_NOT: return check_boolean_operands(checking, expr);
    case EXPR_ADD: type_addition(expr); return true;
    case EXPR_SUBTRACT:
    case EXPR_MULTIPLY:
    case EXPR_DIVIDE:
    case EXPR_MODULO:
    case EXPR_POWER: return check_arithmetic(checking, expr);
    case EXPR_NEGATE:
    case EXPR_PLUS: return check_sign(checking, expr);
    case EXPR_IN:
        expr->type = NULLABLE_BOOLEAN;
        return expect_type(checking, expr->binary.right, CYPHER_TYPE_LIST, "IN takes a list");
    case EXPR_PROPERTY: return check_property(checking, expr);
    case EXPR_SUBSCRIPT: return check_subscript(checking, expr);
    case EXPR_SLICE:
        expr->type = CYPHER_TYPE_LIST | CYPHER_TYPE_NULL;
        expr->element = expr->range.object->element;
        return expect_type(checking, expr->range.object, CYPHER_TYPE_LIST, "a range is taken of a list");
    case EXPR_HAS_LABELS:
        expr->type = NULLABLE_BOOLEAN;
        return expect_type(checking, expr->labels.subject, CYPHER_TYPE_ENTITY, "only nodes have labels");
    default: expr->type = NULLABLE_BOOLEAN; return true; /* comparisons and predicates */
    }
}

bool check_expression(struct checking *checking, struct cypher_expr *expr, unsigned allowed) {
    expr->element = CYPHER_TYPE_ANY;
    switch (expr->kind) {
    case EXPR_NULL: expr->type = CYPHER_TYPE_NULL; return true;
    case EXPR_BOOLEAN: expr->type = CYPHER_TYPE_BOOLEAN; return true;
    case EXPR_INTEGER: expr->type = CYPHER_TYPE_INTEGER; return true;
    case EXPR_FLOAT: expr->type = CYPHER_TYPE_FLOAT; return true;
    case EXPR_STRING: expr->type = CYPHER_TYPE_STRING; return true;
    case EXPR_PARAMETER: expr->type = CYPHER_TYPE_ANY; return true;
    case EXPR_VARIABLE: return check_variable(checking, expr);
    case EXPR_CALL:
    case EXPR_COUNT_STAR: return check_function(checking, expr, allowed);
    case EXPR_LIST_COMPREHENSION:
    case EXPR_ALL:
    case EXPR_ANY:
    case EXPR_NONE:
    case EXPR_SINGLE: return check_loop(checking, expr, allowed);
    case EXPR_REDUCE: return check_reduce(checking, expr, allowed);
    case EXPR_PATTERN: return check_predicate(checking, expr, allowed);
    case EXPR_PATTERN_COMPREHENSION: return check_pattern_comprehension(checking, expr, allowed);
    case EXPR_EXISTS: return check_exists(checking, expr);
    case EXPR_OR:
    case EXPR_XOR:
    case EXPR_AND:
    case EXPR_NOT: break;
    default: allowed &= ~(unsigned)CHECK_PATTERNS;
    }
    return check_children(checking, expr, allowed) && check_operator(checking, expr);
}

bool check_condition(struct checking *checking, struct cypher_expr *expr, unsigned allowed) {
    return check_expression(checking, expr, allowed) &&
           expect_type(checking, expr, CYPHER_TYPE_BOOLEAN, "a condition is a boolean");
}
