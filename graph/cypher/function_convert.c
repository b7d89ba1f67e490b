/*
 * function_convert: from one type to another. A text that does not say what is asked for gives null; a type that has no
 * such conversion is a fault.
 */
#include <math.h>

#include "graph/cypher/function.h"
#include "graph/cypher/number_text.h"

enum status function_exists(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    *value = value_boolean(!value_is_null(call->arguments[0]));
    return STATUS_OK;
}

enum status function_type_of(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    *value = value_string(slice_from_text(value_type_name((enum value_type)call->arguments[0].type)));
    return STATUS_OK;
}

/* The whole part; null for what no integer holds. */
static struct value integer_of(double number) {
    double whole = trunc(number);
    bool fits = whole >= -9223372036854775808.0 && whole < 9223372036854775808.0;
    return fits ? value_integer((int64_t)whole) : value_null();
}

enum status function_to_integer(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    struct value argument = call->arguments[0];
    int64_t integer;
    double number;
    switch ((enum value_type)argument.type) {
    case VALUE_INTEGER: *value = argument; return STATUS_OK;
    case VALUE_BOOLEAN: *value = value_integer(argument.boolean); return STATUS_OK;
    case VALUE_FLOAT: *value = integer_of(argument.number); return STATUS_OK;
    case VALUE_STRING:
        if (number_text_parse_integer(argument.text, &integer))
            *value = value_integer(integer);
        else
            *value = number_text_parse_float(argument.text, &number) ? integer_of(number) : value_null();
        return STATUS_OK;
    default: return function_refuse(evaluation, call, 0, "Boolean, Integer, Float, String or Null");
    }
}

enum status function_to_float(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    struct value argument = call->arguments[0];
    double number;
    switch ((enum value_type)argument.type) {
    case VALUE_INTEGER: *value = value_float((double)argument.integer); return STATUS_OK;
    case VALUE_FLOAT: *value = argument; return STATUS_OK;
    case VALUE_STRING:
        *value = number_text_parse_float(argument.text, &number) ? value_float(number) : value_null();
        return STATUS_OK;
    default: return function_refuse(evaluation, call, 0, "Integer, Float, String or Null");
    }
}

enum status function_to_string(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    struct value argument = call->arguments[0];
    char room[NUMBER_TEXT_BYTES];
    switch ((enum value_type)argument.type) {
    case VALUE_STRING: *value = argument; return STATUS_OK;
    case VALUE_BOOLEAN:
    case VALUE_INTEGER:
    case VALUE_FLOAT: return evaluation_string(evaluation, scalar_text(argument, room), value);
    default: return function_refuse(evaluation, call, 0, "Boolean, Integer, Float, String or Null");
    }
}

static bool text_is(struct slice text, const char *word) {
    return text.size == strlen(word) && strncasecmp((const char *)text.data, word, text.size) == 0;
}

enum status function_to_boolean(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    struct value argument = call->arguments[0];
    switch ((enum value_type)argument.type) {
    case VALUE_BOOLEAN: *value = argument; return STATUS_OK;
    case VALUE_INTEGER: *value = value_boolean(argument.integer != 0); return STATUS_OK;
    case VALUE_STRING:
        if (text_is(argument.text, "true"))
            *value = value_boolean(true);
        else
            *value = text_is(argument.text, "false") ? value_boolean(false) : value_null();
        return STATUS_OK;
    default: return function_refuse(evaluation, call, 0, "Boolean, Integer, String or Null");
    }
}
