/*
 * evaluate: dispatch over the kinds of expressions; literals, logic, comparison, choice.
 *
 * The parser bounds the height of a tree, so that recursion is bounded too.
 */
#include "graph/cypher/evaluate.h"

#include "engine/base/check.h"
#include "graph/cypher/evaluate_parts.h"

enum { TICKS_BETWEEN_LOOKS = 1024 };

/* --- shared --- */

enum status evaluation_no_memory(struct evaluation *evaluation) {
    const struct value_budget *budget = evaluation->arena->budget;
    if (budget && budget->refused == VALUE_REFUSED_BY_POOL)
        return cypher_fault_set(evaluation->fault, CYPHER_FAULT_TOO_LARGE, (struct cypher_place){0},
                                "Queries hold together what they may, %zu bytes; try again when others have ended",
                                atomic_load(&budget->pool->limit_bytes));
    if (budget && budget->refused == VALUE_REFUSED_BY_BUDGET)
        return cypher_fault_set(evaluation->fault, CYPHER_FAULT_TOO_LARGE, (struct cypher_place){0},
                                "Query's mem consumption exceeded capacity of %zu bytes", budget->limit_bytes);
    return cypher_fault_set(evaluation->fault, CYPHER_FAULT_NO_MEMORY, (struct cypher_place){0}, "Out of memory");
}

void *evaluation_alloc(struct evaluation *evaluation, size_t count, size_t size, enum status *status) {
    void *memory = value_alloc_array(evaluation->arena, count, size);
    *status = memory ? STATUS_OK : evaluation_no_memory(evaluation);
    return memory;
}

enum status evaluation_mismatch(struct evaluation *evaluation, struct cypher_place place, const char *expected,
                                struct value value) {
    return cypher_fault_set(evaluation->fault, CYPHER_FAULT_TYPE_MISMATCH, place,
                            "Type mismatch: expected %s but was %s", expected,
                            value_type_name((enum value_type)value.type));
}

enum status evaluation_tick(struct evaluation *evaluation) {
    if (++evaluation->work % TICKS_BETWEEN_LOOKS != 0 || !evaluation->cancelled) return STATUS_OK;
    return atomic_load_explicit(evaluation->cancelled, memory_order_relaxed) ? STATUS_CANCELLED : STATUS_OK;
}

static enum status too_deep(struct evaluation *evaluation, enum status status) {
    if (status == STATUS_NO_MEMORY) return evaluation_no_memory(evaluation);
    if (status != STATUS_TOO_LARGE) return status;
    return cypher_fault_set(evaluation->fault, CYPHER_FAULT_TOO_LARGE, (struct cypher_place){0},
                            "Lists and maps may be nested at most %d deep", VALUE_DEPTH_MAX);
}

enum status evaluation_list(struct evaluation *evaluation, const struct value *items, size_t count,
                            struct value *list) {
    return too_deep(evaluation, value_list(items, count, list));
}

enum status evaluation_map(struct evaluation *evaluation, struct value_entry *entries, size_t count,
                           struct value *map) {
    return too_deep(evaluation, value_map(entries, count, map));
}

enum status evaluation_string(struct evaluation *evaluation, struct slice text, struct value *string) {
    return value_copy_string(evaluation->arena, text, string) == STATUS_OK ? STATUS_OK
                                                                           : evaluation_no_memory(evaluation);
}

/* --- literals --- */

static enum status evaluate_list_literal(struct evaluation *evaluation, const struct cypher_expr *expr,
                                         struct value *value) {
    enum status status;
    struct value *items = evaluation_alloc(evaluation, expr->list.count, sizeof *items, &status);
    for (uint32_t i = 0; i < expr->list.count && status == STATUS_OK; i++)
        status = cypher_evaluate(evaluation, expr->list.items[i], &items[i]);
    if (status != STATUS_OK) return status;
    return evaluation_list(evaluation, items, expr->list.count, value);
}

static enum status evaluate_map_literal(struct evaluation *evaluation, const struct cypher_expr *expr,
                                        struct value *value) {
    enum status status;
    struct value_entry *entries = evaluation_alloc(evaluation, expr->map.count, sizeof *entries, &status);
    for (uint32_t i = 0; i < expr->map.count && status == STATUS_OK; i++) {
        entries[i].key = expr->map.keys[i];
        status = cypher_evaluate(evaluation, expr->map.values[i], &entries[i].value);
    }
    if (status != STATUS_OK) return status;
    return evaluation_map(evaluation, entries, expr->map.count, value);
}

/* --- logic --- */

static enum status truth_of(struct evaluation *evaluation, struct cypher_place place, struct value value,
                            enum truth *truth) {
    if (value.type == VALUE_BOOLEAN)
        *truth = value.boolean ? TRUTH_TRUE : TRUTH_FALSE;
    else if (value.type == VALUE_NULL)
        *truth = TRUTH_NULL;
    else
        return evaluation_mismatch(evaluation, place, "Boolean or Null", value);
    return STATUS_OK;
}

enum status cypher_evaluate_truth(struct evaluation *evaluation, const struct cypher_expr *expr, enum truth *truth) {
    struct value value;
    enum status status = cypher_evaluate(evaluation, expr, &value);
    return status == STATUS_OK ? truth_of(evaluation, expr->place, value, truth) : status;
}

/* The right side is left out where the left one decides. */
static enum status evaluate_logic(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    enum truth left, right;
    enum status status = cypher_evaluate_truth(evaluation, expr->binary.left, &left);
    if (status != STATUS_OK) return status;
    bool decided = (expr->kind == EXPR_AND && left == TRUTH_FALSE) || (expr->kind == EXPR_OR && left == TRUTH_TRUE);
    if (decided) {
        *value = value_from_truth(left);
        return STATUS_OK;
    }
    status = cypher_evaluate_truth(evaluation, expr->binary.right, &right);
    if (status != STATUS_OK) return status;
    enum truth truth = expr->kind == EXPR_AND  ? truth_and(left, right)
                       : expr->kind == EXPR_OR ? truth_or(left, right)
                                               : truth_xor(left, right);
    *value = value_from_truth(truth);
    return STATUS_OK;
}

/* --- comparison --- */

static struct value comparison_value(enum cypher_expr_kind kind, enum value_comparison comparison) {
    if (comparison == VALUE_INCOMPARABLE) return value_null();
    if (comparison == VALUE_UNORDERED) return value_boolean(false);
    switch (kind) {
    case EXPR_LESS: return value_boolean(comparison == VALUE_LESS);
    case EXPR_LESS_EQUAL: return value_boolean(comparison != VALUE_GREATER);
    case EXPR_GREATER: return value_boolean(comparison == VALUE_GREATER);
    default: return value_boolean(comparison != VALUE_LESS);
    }
}

/* Of two values; not for EXPR_IN and arithmetic. */
static struct value compare(enum cypher_expr_kind kind, struct value left, struct value right) {
    if (kind == EXPR_EQUAL) return value_from_truth(value_equal(left, right));
    if (kind == EXPR_NOT_EQUAL) return value_from_truth(truth_not(value_equal(left, right)));
    return comparison_value(kind, value_compare(left, right));
}

/* a < b <= c: the links joined by AND; operands behind a false link are left out. */
static enum status evaluate_chain(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    struct value left, right;
    enum truth all = TRUTH_TRUE;
    enum status status = cypher_evaluate(evaluation, expr->chain.operands[0], &left);
    for (uint32_t i = 0; i < expr->chain.count && status == STATUS_OK && all != TRUTH_FALSE; i++) {
        status = cypher_evaluate(evaluation, expr->chain.operands[i + 1], &right);
        if (status != STATUS_OK) break;
        struct value link = compare(expr->chain.links[i], left, right);
        all = truth_and(all, value_is_null(link) ? TRUTH_NULL : link.boolean ? TRUTH_TRUE : TRUTH_FALSE);
        left = right;
    }
    *value = value_from_truth(all);
    return status;
}

static bool text_contains(struct slice text, struct slice part) {
    return part.size == 0 || (text.size > 0 && memmem(text.data, text.size, part.data, part.size) != NULL);
}

static bool text_ends_with(struct slice text, struct slice part) {
    return text.size >= part.size && slice_equal(slice_from(text, text.size - part.size), part);
}

/* Of anything but two strings it is null. */
static struct value text_value(enum cypher_expr_kind kind, struct value left, struct value right) {
    if (left.type != VALUE_STRING || right.type != VALUE_STRING) return value_null();
    if (kind == EXPR_STARTS_WITH) return value_boolean(slice_has_prefix(left.text, right.text));
    if (kind == EXPR_ENDS_WITH) return value_boolean(text_ends_with(left.text, right.text));
    return value_boolean(text_contains(left.text, right.text));
}

static enum status evaluate_binary(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    struct value left, right;
    enum status status = cypher_evaluate(evaluation, expr->binary.left, &left);
    if (status == STATUS_OK) status = cypher_evaluate(evaluation, expr->binary.right, &right);
    if (status != STATUS_OK) return status;
    switch (expr->kind) {
    case EXPR_EQUAL ... EXPR_GREATER_EQUAL: *value = compare(expr->kind, left, right); return STATUS_OK;
    case EXPR_STARTS_WITH:
    case EXPR_ENDS_WITH:
    case EXPR_CONTAINS: *value = text_value(expr->kind, left, right); return STATUS_OK;
    case EXPR_IN: return evaluate_in(evaluation, expr, left, right, value);
    case EXPR_SUBSCRIPT: return evaluate_subscript(evaluation, expr, left, right, value);
    case EXPR_MATCHES: return cypher_fault_unsupported(evaluation->fault, expr->place, "A regular expression (=~)");
    default: return evaluate_arithmetic(evaluation, expr, left, right, value);
    }
}

/* --- one operand --- */

static enum status evaluate_unary(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    struct value operand;
    enum truth truth = TRUTH_NULL;
    enum status status = cypher_evaluate(evaluation, expr->operand, &operand);
    if (status != STATUS_OK) return status;
    switch (expr->kind) {
    case EXPR_IS_NULL: *value = value_boolean(value_is_null(operand)); return STATUS_OK;
    case EXPR_IS_NOT_NULL: *value = value_boolean(!value_is_null(operand)); return STATUS_OK;
    case EXPR_NOT:
        status = truth_of(evaluation, expr->operand->place, operand, &truth);
        if (status == STATUS_OK) *value = value_from_truth(truth_not(truth));
        return status;
    default: return evaluate_sign(evaluation, expr, operand, value);
    }
}

/* --- choice --- */

static enum status evaluate_choice(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    struct value subject = value_null();
    enum status status = STATUS_OK;
    if (expr->choice.subject) status = cypher_evaluate(evaluation, expr->choice.subject, &subject);
    for (uint32_t i = 0; i < expr->choice.count && status == STATUS_OK; i++) {
        const struct cypher_alternative *alternative = &expr->choice.alternatives[i];
        enum truth truth;
        struct value when;
        if (expr->choice.subject) {
            status = cypher_evaluate(evaluation, alternative->when, &when);
            if (status == STATUS_OK) truth = value_equal(subject, when);
        } else {
            status = cypher_evaluate_truth(evaluation, alternative->when, &truth);
        }
        if (status == STATUS_OK && truth == TRUTH_TRUE) return cypher_evaluate(evaluation, alternative->then, value);
    }
    if (status != STATUS_OK) return status;
    if (expr->choice.otherwise) return cypher_evaluate(evaluation, expr->choice.otherwise, value);
    *value = value_null();
    return STATUS_OK;
}

/* --- access --- */

static enum status evaluate_access(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    struct value object;
    if (expr->kind == EXPR_PROPERTY) {
        enum status status = cypher_evaluate(evaluation, expr->property.object, &object);
        if (status != STATUS_OK) return status;
        return evaluate_property(evaluation, expr->place, object, expr->property.key, true, value);
    }
    enum status status = cypher_evaluate(evaluation, expr->labels.subject, &object);
    return status == STATUS_OK ? evaluate_labels(evaluation, expr, object, value) : status;
}

/* --- dispatch --- */

static enum status evaluate_leaf(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    switch (expr->kind) {
    case EXPR_NULL: *value = value_null(); return STATUS_OK;
    case EXPR_BOOLEAN: *value = value_boolean(expr->boolean); return STATUS_OK;
    case EXPR_INTEGER: *value = value_integer(expr->integer); return STATUS_OK;
    case EXPR_FLOAT: *value = value_float(expr->real); return STATUS_OK;
    case EXPR_STRING: *value = value_string(expr->text); return STATUS_OK;
    case EXPR_PARAMETER: *value = evaluation->parameters[expr->parameter]; return STATUS_OK;
    default:
        check(expr->kind == EXPR_VARIABLE && expr->variable.slot != CYPHER_NO_SLOT);
        *value = evaluation->row[expr->variable.slot];
        return STATUS_OK;
    }
}

enum status cypher_evaluate(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    switch (expr->kind) {
    case EXPR_LIST: return evaluate_list_literal(evaluation, expr, value);
    case EXPR_MAP: return evaluate_map_literal(evaluation, expr, value);
    case EXPR_OR:
    case EXPR_XOR:
    case EXPR_AND: return evaluate_logic(evaluation, expr, value);
    case EXPR_EQUAL ... EXPR_MATCHES:
    case EXPR_SUBSCRIPT: return evaluate_binary(evaluation, expr, value);
    case EXPR_CHAIN: return evaluate_chain(evaluation, expr, value);
    case EXPR_NOT ... EXPR_IS_NOT_NULL: return evaluate_unary(evaluation, expr, value);
    case EXPR_PROPERTY:
    case EXPR_HAS_LABELS: return evaluate_access(evaluation, expr, value);
    case EXPR_SLICE: return evaluate_slice(evaluation, expr, value);
    case EXPR_CALL: return evaluate_call(evaluation, expr, value);
    case EXPR_CASE: return evaluate_choice(evaluation, expr, value);
    case EXPR_LIST_COMPREHENSION: return evaluate_comprehension(evaluation, expr, value);
    case EXPR_ALL:
    case EXPR_ANY:
    case EXPR_NONE:
    case EXPR_SINGLE: return evaluate_quantifier(evaluation, expr, value);
    case EXPR_REDUCE: return evaluate_reduce(evaluation, expr, value);
    case EXPR_PATH: return evaluate_path(evaluation, expr, value);
    default: return evaluate_leaf(evaluation, expr, value);
    }
}
