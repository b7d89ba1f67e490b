/*
 * function: from a call in a query to the body that computes it: arguments are evaluated, checked against the row in
 * functions.def, and a null among them is the result unless the function takes nulls.
 */
#include "graph/cypher/function.h"

#include <stdio.h>

#include "engine/base/check.h"

enum { ARGUMENTS_INLINE = 4 };

static enum status function_timestamp(struct evaluation *evaluation, const struct function_call *call,
                                      struct value *value) {
    (void)call;
    *value = value_integer(evaluation->clock_ms);
    return STATUS_OK;
}

static enum status function_rand(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)call;
    *value = value_float(prng_unit(evaluation->prng));
    return STATUS_OK;
}

/* clang-format off */
static const struct {
    function_body *body;
    bool takes_null;
} functions[CYPHER_FUNCTION_COUNT_OF_ALL] = {
    [CYPHER_FUNCTION_ID] = {function_id, false},
    [CYPHER_FUNCTION_LABELS] = {function_labels, false},
    [CYPHER_FUNCTION_TYPE] = {function_type, false},
    [CYPHER_FUNCTION_PROPERTIES] = {function_properties, false},
    [CYPHER_FUNCTION_KEYS] = {function_keys, false},
    [CYPHER_FUNCTION_START_NODE] = {function_start_node, false},
    [CYPHER_FUNCTION_END_NODE] = {function_end_node, false},
    [CYPHER_FUNCTION_NODES] = {function_nodes, false},
    [CYPHER_FUNCTION_RELATIONSHIPS] = {function_relationships, false},
    [CYPHER_FUNCTION_LENGTH] = {function_length, false},
    [CYPHER_FUNCTION_HAS_LABELS] = {function_has_labels, false},
    [CYPHER_FUNCTION_IN_DEGREE] = {function_in_degree, false},
    [CYPHER_FUNCTION_OUT_DEGREE] = {function_out_degree, false},
    [CYPHER_FUNCTION_EXISTS] = {function_exists, true},
    [CYPHER_FUNCTION_TYPE_OF] = {function_type_of, true},
    [CYPHER_FUNCTION_TO_INTEGER] = {function_to_integer, false},
    [CYPHER_FUNCTION_TO_FLOAT] = {function_to_float, false},
    [CYPHER_FUNCTION_TO_STRING] = {function_to_string, false},
    [CYPHER_FUNCTION_TO_BOOLEAN] = {function_to_boolean, false},
    [CYPHER_FUNCTION_TIMESTAMP] = {function_timestamp, false},
    [CYPHER_FUNCTION_RAND] = {function_rand, false},
    [CYPHER_FUNCTION_SIZE] = {function_size, false},
    [CYPHER_FUNCTION_HEAD] = {function_head, false},
    [CYPHER_FUNCTION_LAST] = {function_last, false},
    [CYPHER_FUNCTION_TAIL] = {function_tail, false},
    [CYPHER_FUNCTION_REVERSE] = {function_reverse, false},
    [CYPHER_FUNCTION_RANGE] = {function_range, false},
    [CYPHER_FUNCTION_LEFT] = {function_left, false},
    [CYPHER_FUNCTION_RIGHT] = {function_right, false},
    [CYPHER_FUNCTION_SUBSTRING] = {function_substring, false},
    [CYPHER_FUNCTION_REPLACE] = {function_replace, false},
    [CYPHER_FUNCTION_SPLIT] = {function_split, false},
    [CYPHER_FUNCTION_TRIM] = {function_trim, false},
    [CYPHER_FUNCTION_LTRIM] = {function_ltrim, false},
    [CYPHER_FUNCTION_RTRIM] = {function_rtrim, false},
    [CYPHER_FUNCTION_TO_LOWER] = {function_to_lower, false},
    [CYPHER_FUNCTION_TO_UPPER] = {function_to_upper, false},
    [CYPHER_FUNCTION_ABS] = {function_abs, false},
    [CYPHER_FUNCTION_SIGN] = {function_sign, false},
    [CYPHER_FUNCTION_CEIL] = {function_math, false},
    [CYPHER_FUNCTION_FLOOR] = {function_math, false},
    [CYPHER_FUNCTION_ROUND] = {function_math, false},
    [CYPHER_FUNCTION_SQRT] = {function_math, false},
    [CYPHER_FUNCTION_EXP] = {function_math, false},
    [CYPHER_FUNCTION_LOG] = {function_math, false},
    [CYPHER_FUNCTION_LOG10] = {function_math, false},
    [CYPHER_FUNCTION_SIN] = {function_math, false},
    [CYPHER_FUNCTION_COS] = {function_math, false},
    [CYPHER_FUNCTION_TAN] = {function_math, false},
    [CYPHER_FUNCTION_COT] = {function_math, false},
    [CYPHER_FUNCTION_ASIN] = {function_math, false},
    [CYPHER_FUNCTION_ACOS] = {function_math, false},
    [CYPHER_FUNCTION_ATAN] = {function_math, false},
    [CYPHER_FUNCTION_DEGREES] = {function_math, false},
    [CYPHER_FUNCTION_RADIANS] = {function_math, false},
    [CYPHER_FUNCTION_POW] = {function_pow, false},
    [CYPHER_FUNCTION_ATAN2] = {function_atan2, false},
    [CYPHER_FUNCTION_PI] = {function_pi, false},
    [CYPHER_FUNCTION_E] = {function_e, false},
};
/* clang-format on */

enum status function_refuse(struct evaluation *evaluation, const struct function_call *call, uint32_t argument,
                            const char *expected) {
    return cypher_fault_set(
        evaluation->fault, CYPHER_FAULT_INVALID_ARGUMENT_VALUE, call->expr->call.arguments.items[argument]->place,
        "Type mismatch: %s() expected %s but was %s", cypher_functions[call->expr->call.function].name, expected,
        value_type_name((enum value_type)call->arguments[argument].type));
}

/* --- types of arguments --- */

/* enum cypher_type has a bit for each enum value_type, in the same order. */
static uint32_t type_bit(struct value value) {
    _Static_assert(CYPHER_TYPE_NULL == 1 << VALUE_NULL && CYPHER_TYPE_STRING == 1 << VALUE_STRING &&
                       CYPHER_TYPE_PATH == 1 << VALUE_PATH,
                   "the sets of types follow the types");
    return 1U << value.type;
}

static void types_print(uint32_t types, char *text, size_t capacity) {
    size_t size = 0;
    text[0] = 0;
    for (int type = 0; type < VALUE_TYPE_COUNT; type++) {
        if (!(types & 1U << type) || size >= capacity) continue;
        size += (size_t)snprintf(text + size, capacity - size, "%s%s", size ? " or " : "",
                                 value_type_name((enum value_type)type));
    }
}

static enum status arguments_check(struct evaluation *evaluation, const struct function_call *call) {
    const struct cypher_function_row *row = &cypher_functions[call->expr->call.function];
    for (uint32_t i = 0; i < call->count; i++) {
        uint32_t types = (i == 0 ? row->first_type : row->other_types) | CYPHER_TYPE_NULL;
        if (types & type_bit(call->arguments[i])) continue;
        char expected[128];
        types_print(types, expected, sizeof expected);
        return function_refuse(evaluation, call, i, expected);
    }
    return STATUS_OK;
}

static bool has_null(const struct function_call *call) {
    for (uint32_t i = 0; i < call->count; i++)
        if (value_is_null(call->arguments[i])) return true;
    return false;
}

/* --- the call --- */

/* Evaluates no more than it needs. */
static enum status evaluate_coalesce(struct evaluation *evaluation, const struct cypher_expr *expr,
                                     struct value *value) {
    *value = value_null();
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < expr->call.arguments.count && status == STATUS_OK && value_is_null(*value); i++)
        status = cypher_evaluate(evaluation, expr->call.arguments.items[i], value);
    return status;
}

static enum status body_run(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    enum status status = arguments_check(evaluation, call);
    if (status != STATUS_OK) return status;
    enum cypher_function function = call->expr->call.function;
    check(functions[function].body != NULL);
    if (!functions[function].takes_null && has_null(call)) {
        *value = value_null();
        return STATUS_OK;
    }
    return functions[function].body(evaluation, call, value);
}

enum status evaluate_call(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    if (expr->call.function == CYPHER_FUNCTION_COALESCE) return evaluate_coalesce(evaluation, expr, value);
    const struct cypher_list *list = &expr->call.arguments;
    struct value inline_arguments[ARGUMENTS_INLINE];
    check(list->count <= ARGUMENTS_INLINE);
    for (uint32_t i = 0; i < list->count; i++) {
        enum status status = cypher_evaluate(evaluation, list->items[i], &inline_arguments[i]);
        if (status != STATUS_OK) return status;
    }
    struct function_call call = {.expr = expr, .arguments = inline_arguments, .count = list->count};
    return body_run(evaluation, &call, value);
}
