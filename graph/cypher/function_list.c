/* function_list: functions of lists, and those that lists and strings share. */
#include "graph/cypher/function.h"

enum status function_size(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    struct value argument = call->arguments[0];
    size_t size = argument.type == VALUE_LIST ? argument.list.count : function_text_length(argument.text);
    *value = value_integer((int64_t)size);
    return STATUS_OK;
}

enum status function_head(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    struct value list = call->arguments[0];
    *value = list.list.count > 0 ? list.list.items[0] : value_null();
    return STATUS_OK;
}

enum status function_last(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    struct value list = call->arguments[0];
    *value = list.list.count > 0 ? list.list.items[list.list.count - 1] : value_null();
    return STATUS_OK;
}

enum status function_tail(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    struct value list = call->arguments[0];
    if (list.list.count <= 1) return evaluation_list(evaluation, NULL, 0, value);
    return evaluation_list(evaluation, list.list.items + 1, list.list.count - 1, value);
}

enum status function_reverse(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    struct value argument = call->arguments[0];
    if (argument.type == VALUE_STRING) return function_reverse_text(evaluation, argument.text, value);
    size_t count = argument.list.count;
    enum status status;
    struct value *items = evaluation_alloc(evaluation, count, sizeof *items, &status);
    if (!items) return status;
    for (size_t i = 0; i < count; i++) items[i] = argument.list.items[count - 1 - i];
    return evaluation_list(evaluation, items, count, value);
}

/* --- range --- */

/* How many numbers lie in start, start + step, ... up to end, both included; the distance may need 64 unsigned bits. */
static uint64_t range_count(int64_t start, int64_t end, int64_t step) {
    if (step == 0) return 0;
    bool down = step < 0;
    uint64_t from = (uint64_t)(down ? end : start), to = (uint64_t)(down ? start : end);
    if ((int64_t)from > (int64_t)to) return 0;
    uint64_t steps = (to - from) / (down ? 0 - (uint64_t)step : (uint64_t)step);
    return steps == UINT64_MAX ? steps : steps + 1;
}

enum status function_range(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    for (uint32_t i = 0; i < call->count; i++)
        if (call->arguments[i].type != VALUE_INTEGER) return function_refuse(evaluation, call, i, "Integer");
    int64_t start = call->arguments[0].integer, end = call->arguments[1].integer;
    int64_t step = call->count > 2 ? call->arguments[2].integer : 1;
    if (step == 0)
        return cypher_fault_set(evaluation->fault, CYPHER_FAULT_ARGUMENT_RANGE, call->expr->place,
                                "ArgumentError: step argument to range() can't be 0");
    uint64_t count = range_count(start, end, step);
    enum status status;
    struct value *items = evaluation_alloc(evaluation, count, sizeof *items, &status);
    for (uint64_t i = 0; i < count && status == STATUS_OK; i++) {
        items[i] = value_integer((int64_t)((uint64_t)start + i * (uint64_t)step));
        status = evaluation_tick(evaluation);
    }
    return status == STATUS_OK ? evaluation_list(evaluation, items, count, value) : status;
}
