/* function_math: functions of numbers. What IEEE 754 has no number for is NaN or an infinity, not a fault. */
#include <math.h>

#include "graph/cypher/function.h"

static const double PI = 3.14159265358979323846, E = 2.71828182845904523536;

static double as_float(struct value value) {
    return value.type == VALUE_INTEGER ? (double)value.integer : value.number;
}

static double cotangent(double x) {
    return 1.0 / tan(x);
}
static double to_degrees(double x) {
    return x * 180.0 / PI;
}
static double to_radians(double x) {
    return x * PI / 180.0;
}

static double (*function_of_float(enum cypher_function function))(double) {
    switch (function) {
    case CYPHER_FUNCTION_CEIL: return ceil;
    case CYPHER_FUNCTION_FLOOR: return floor;
    case CYPHER_FUNCTION_ROUND: return round;
    case CYPHER_FUNCTION_SQRT: return sqrt;
    case CYPHER_FUNCTION_EXP: return exp;
    case CYPHER_FUNCTION_LOG: return log;
    case CYPHER_FUNCTION_LOG10: return log10;
    case CYPHER_FUNCTION_SIN: return sin;
    case CYPHER_FUNCTION_COS: return cos;
    case CYPHER_FUNCTION_TAN: return tan;
    case CYPHER_FUNCTION_COT: return cotangent;
    case CYPHER_FUNCTION_ASIN: return asin;
    case CYPHER_FUNCTION_ACOS: return acos;
    case CYPHER_FUNCTION_ATAN: return atan;
    case CYPHER_FUNCTION_DEGREES: return to_degrees;
    default: return to_radians;
    }
}

/* Every function of one float. */
enum status function_math(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    *value = value_float(function_of_float(call->expr->call.function)(as_float(call->arguments[0])));
    return STATUS_OK;
}

enum status function_pow(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    *value = value_float(pow(as_float(call->arguments[0]), as_float(call->arguments[1])));
    return STATUS_OK;
}

enum status function_atan2(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    *value = value_float(atan2(as_float(call->arguments[0]), as_float(call->arguments[1])));
    return STATUS_OK;
}

enum status function_abs(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    struct value argument = call->arguments[0];
    if (argument.type == VALUE_FLOAT) {
        *value = value_float(fabs(argument.number));
        return STATUS_OK;
    }
    if (argument.integer == INT64_MIN)
        return cypher_fault_set(evaluation->fault, CYPHER_FAULT_ARITHMETIC, call->expr->place,
                                "The result is no 64 bit integer: overflow");
    *value = value_integer(argument.integer < 0 ? -argument.integer : argument.integer);
    return STATUS_OK;
}

enum status function_sign(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    struct value argument = call->arguments[0], zero = value_integer(0);
    enum value_comparison comparison = value_compare(argument, zero);
    *value = value_integer(comparison == VALUE_LESS ? -1 : comparison == VALUE_GREATER);
    return STATUS_OK;
}

enum status function_pi(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    (void)call;
    *value = value_float(PI);
    return STATUS_OK;
}

enum status function_e(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    (void)call;
    *value = value_float(E);
    return STATUS_OK;
}
