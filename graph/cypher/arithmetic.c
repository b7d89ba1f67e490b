/*
 * arithmetic: + - * / % ^ and the signs.
 *
 * Integers never wrap: what does not fit 64 bits is a fault, as is an integer division by zero. With one float the
 * other side becomes one, and IEEE 754 has the word: 1.0 / 0 is infinite.
 */
#include <math.h>

#include "graph/cypher/evaluate_parts.h"
#include "graph/cypher/number_text.h"

static enum status overflow(struct evaluation *evaluation, const struct cypher_expr *expr) {
    return cypher_fault_set(evaluation->fault, CYPHER_FAULT_ARITHMETIC, expr->place,
                            "The result is no 64 bit integer: overflow");
}

static enum status integers_divide(struct evaluation *evaluation, const struct cypher_expr *expr, int64_t left,
                                   int64_t right, struct value *value) {
    if (right == 0)
        return cypher_fault_set(evaluation->fault, CYPHER_FAULT_ARITHMETIC, expr->place, "Division by zero");
    if (expr->kind == EXPR_MODULO) {
        *value = value_integer(right == -1 ? 0 : left % right);
        return STATUS_OK;
    }
    if (left == INT64_MIN && right == -1) return overflow(evaluation, expr);
    *value = value_integer(left / right);
    return STATUS_OK;
}

static enum status integers_compute(struct evaluation *evaluation, const struct cypher_expr *expr, int64_t left,
                                    int64_t right, struct value *value) {
    int64_t result;
    bool overflows;
    switch (expr->kind) {
    case EXPR_ADD: overflows = __builtin_add_overflow(left, right, &result); break;
    case EXPR_SUBTRACT: overflows = __builtin_sub_overflow(left, right, &result); break;
    case EXPR_MULTIPLY: overflows = __builtin_mul_overflow(left, right, &result); break;
    case EXPR_POWER: *value = value_float(pow((double)left, (double)right)); return STATUS_OK;
    default: return integers_divide(evaluation, expr, left, right, value);
    }
    if (overflows) return overflow(evaluation, expr);
    *value = value_integer(result);
    return STATUS_OK;
}

static double floats_compute(enum cypher_expr_kind kind, double left, double right) {
    switch (kind) {
    case EXPR_ADD: return left + right;
    case EXPR_SUBTRACT: return left - right;
    case EXPR_MULTIPLY: return left * right;
    case EXPR_DIVIDE: return left / right;
    case EXPR_MODULO: return fmod(left, right);
    default: return pow(left, right);
    }
}

static double as_float(struct value value) {
    return value.type == VALUE_INTEGER ? (double)value.integer : value.number;
}

/* --- + on lists and strings --- */

static enum status lists_join(struct evaluation *evaluation, struct value left, struct value right,
                              struct value *value) {
    const struct value *left_items = left.type == VALUE_LIST ? left.list.items : &left;
    const struct value *right_items = right.type == VALUE_LIST ? right.list.items : &right;
    size_t left_count = left.type == VALUE_LIST ? left.list.count : 1;
    size_t right_count = right.type == VALUE_LIST ? right.list.count : 1;
    enum status status;
    struct value *items = evaluation_alloc(evaluation, left_count + right_count, sizeof *items, &status);
    if (!items) return status;
    if (left_count) memcpy(items, left_items, left_count * sizeof *items);
    if (right_count) memcpy(items + left_count, right_items, right_count * sizeof *items);
    return evaluation_list(evaluation, items, left_count + right_count, value);
}

static bool has_text(struct value value) {
    return value.type == VALUE_STRING || value.type == VALUE_BOOLEAN || value_is_number(value);
}

static enum status texts_join(struct evaluation *evaluation, struct value left, struct value right,
                              struct value *value) {
    char left_room[NUMBER_TEXT_BYTES], right_room[NUMBER_TEXT_BYTES];
    struct slice first = scalar_text(left, left_room), second = scalar_text(right, right_room);
    enum status status;
    uint8_t *bytes = evaluation_alloc(evaluation, first.size + second.size, 1, &status);
    if (!bytes) return status;
    if (first.size) memcpy(bytes, first.data, first.size);
    if (second.size) memcpy(bytes + first.size, second.data, second.size);
    *value = value_string(slice_make(bytes, first.size + second.size));
    return STATUS_OK;
}

/* --- dispatch --- */

enum status evaluate_arithmetic(struct evaluation *evaluation, const struct cypher_expr *expr, struct value left,
                                struct value right, struct value *value) {
    if (left.type == VALUE_NULL || right.type == VALUE_NULL) {
        *value = value_null();
        return STATUS_OK;
    }
    if (left.type == VALUE_INTEGER && right.type == VALUE_INTEGER)
        return integers_compute(evaluation, expr, left.integer, right.integer, value);
    if (value_is_number(left) && value_is_number(right)) {
        *value = value_float(floats_compute(expr->kind, as_float(left), as_float(right)));
        return STATUS_OK;
    }
    if (expr->kind == EXPR_ADD && (left.type == VALUE_LIST || right.type == VALUE_LIST))
        return lists_join(evaluation, left, right, value);
    bool is_text = left.type == VALUE_STRING || right.type == VALUE_STRING;
    if (expr->kind == EXPR_ADD && is_text && has_text(left) && has_text(right))
        return texts_join(evaluation, left, right, value);
    const char *expected = expr->kind == EXPR_ADD ? "Integer, Float, String or List" : "Integer or Float";
    bool left_fits = value_is_number(left) || (expr->kind == EXPR_ADD && left.type == VALUE_STRING);
    struct value culprit = left_fits ? right : left;
    return evaluation_mismatch(evaluation, expr->place, expected, culprit);
}

enum status evaluate_sign(struct evaluation *evaluation, const struct cypher_expr *expr, struct value operand,
                          struct value *value) {
    if (operand.type != VALUE_NULL && !value_is_number(operand))
        return evaluation_mismatch(evaluation, expr->place, "Integer or Float", operand);
    *value = operand;
    if (expr->kind == EXPR_PLUS || operand.type == VALUE_NULL) return STATUS_OK;
    if (operand.type == VALUE_FLOAT) {
        value->number = 0 - operand.number; /* -0.0 in a text is 0.0 */
        return STATUS_OK;
    }
    if (operand.integer == INT64_MIN) return overflow(evaluation, expr);
    value->integer = -operand.integer;
    return STATUS_OK;
}
