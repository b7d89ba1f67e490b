/*
 * models: see models.h. Each step first works out what the object would answer, then compares. A state of the register
 * and of the Redis string is empty when there is no value, else PRESENT and the value's bytes.
 */
#include "tools/judge/models.h"

#include <stdio.h>

enum { PRESENT = '=', NUMBER_BYTES = 24 };

static bool answered(const struct history_op *op, enum history_result type, struct slice result) {
    if (op->outcome != HISTORY_RETURNED) return true;
    return op->result_type == type && (type == HISTORY_ERROR || slice_equal(op->result, result));
}

static bool result_is(const struct history_op *op, const char *text) {
    return op->outcome == HISTORY_RETURNED && op->result_type == HISTORY_TEXT &&
           slice_equal(op->result, slice_from_text(text));
}

static enum status text_step(const struct history_op *op, struct slice state, bool *possible, struct buf *next) {
    *possible = op->kind != MODEL_TEXT_GET || answered(op, HISTORY_TEXT, state);
    enum status status = STATUS_OK;
    if (op->kind != MODEL_TEXT_PUT) status = buf_append_slice(next, state);
    if (op->kind != MODEL_TEXT_GET && status == STATUS_OK) status = buf_append_slice(next, op->arguments[0]);
    return status;
}

static bool text_is_pure(const struct history_op *op) {
    return op->kind == MODEL_TEXT_GET;
}

static bool begins_with(struct slice text, struct slice first, struct slice second) {
    return slice_has_prefix(text, first) && slice_has_prefix(slice_from(text, first.size), second);
}

/* To be read, a text is there already, or begins with something put, or with what is there and something appended. */
static bool text_is_reachable(const struct history_op *op, struct slice state, const struct history_op *const *others,
                              size_t count) {
    if (op->kind != MODEL_TEXT_GET || slice_equal(op->result, state)) return true;
    for (size_t i = 0; i < count; i++) {
        struct slice value = others[i]->arguments[0];
        if (others[i]->kind == MODEL_TEXT_PUT && slice_has_prefix(op->result, value)) return true;
        if (others[i]->kind == MODEL_TEXT_APPEND && begins_with(op->result, state, value)) return true;
    }
    return false;
}

static const char *const text_kinds[] = {
    [MODEL_TEXT_GET] = "get", [MODEL_TEXT_PUT] = "put", [MODEL_TEXT_APPEND] = "append"};

const struct linearize_model model_text = {
    .name = "text",
    .kind_names = text_kinds,
    .kind_count = sizeof text_kinds / sizeof *text_kinds,
    .step = text_step,
    .is_pure = text_is_pure,
    .is_reachable = text_is_reachable,
};

static bool is_present(struct slice state) {
    return state.size > 0;
}

static struct slice value_of(struct slice state) {
    return is_present(state) ? slice_from(state, 1) : slice_make(NULL, 0);
}

static bool answered_value(const struct history_op *op, struct slice state) {
    return answered(op, is_present(state) ? HISTORY_TEXT : HISTORY_NIL, value_of(state));
}

static bool answered_text(const struct history_op *op, const char *text) {
    return answered(op, HISTORY_TEXT, slice_from_text(text));
}

static bool answered_number(const struct history_op *op, int64_t number) {
    char text[NUMBER_BYTES];
    (void)snprintf(text, sizeof text, "%lld", (long long)number);
    return answered_text(op, text);
}

static enum status become(struct buf *next, struct slice value) {
    enum status status = buf_append_byte(next, PRESENT);
    return status == STATUS_OK ? buf_append_slice(next, value) : status;
}

static enum status register_step(const struct history_op *op, struct slice state, bool *possible, struct buf *next) {
    *possible = true;
    if (op->kind == MODEL_REGISTER_WRITE) return become(next, op->arguments[0]);
    if (op->kind == MODEL_REGISTER_READ) {
        *possible = answered_value(op, state);
        return buf_append_slice(next, state);
    }
    bool swaps = is_present(state) && slice_equal(value_of(state), op->arguments[0]);
    *possible = answered_text(op, swaps ? "ok" : "fail");
    return swaps ? become(next, op->arguments[1]) : buf_append_slice(next, state);
}

static bool register_is_pure(const struct history_op *op) {
    return op->kind == MODEL_REGISTER_READ || (op->kind == MODEL_REGISTER_CAS && result_is(op, "fail"));
}

/* A read or a swap needs one value; nothing makes a register nil again. */
static bool register_is_reachable(const struct history_op *op, struct slice state,
                                  const struct history_op *const *others, size_t count) {
    bool swapped = op->kind == MODEL_REGISTER_CAS && result_is(op, "ok");
    if (op->kind != MODEL_REGISTER_READ && !swapped) return true;
    struct slice needed = swapped ? op->arguments[0] : op->result;
    if (!swapped && op->result_type == HISTORY_NIL) return !is_present(state);
    if (is_present(state) && slice_equal(value_of(state), needed)) return true;
    for (size_t i = 0; i < count; i++) {
        if (others[i]->kind == MODEL_REGISTER_WRITE && slice_equal(others[i]->arguments[0], needed)) return true;
        bool may_swap = others[i]->kind == MODEL_REGISTER_CAS && !result_is(others[i], "fail");
        if (may_swap && slice_equal(others[i]->arguments[1], needed)) return true;
    }
    return false;
}

static const char *const register_kinds[] = {
    [MODEL_REGISTER_READ] = "read", [MODEL_REGISTER_WRITE] = "write", [MODEL_REGISTER_CAS] = "cas"};

const struct linearize_model model_register = {
    .name = "register",
    .kind_names = register_kinds,
    .kind_count = sizeof register_kinds / sizeof *register_kinds,
    .step = register_step,
    .is_pure = register_is_pure,
    .is_reachable = register_is_reachable,
};

/* A number as Redis reads one: no blanks, no '+', no leading zeros, 64 bits. */
static bool parse_number(struct slice text, int64_t *number) {
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t at = negative ? 1 : 0;
    if (text.size == at || text.size > at + 19 || (text.data[at] == '0' && text.size > 1)) return false;
    uint64_t magnitude = 0;
    for (; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') return false;
        magnitude = magnitude * 10 + (uint64_t)(text.data[at] - '0');
    }
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return false;
    *number = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static enum status redis_incrby(const struct history_op *op, struct slice state, bool *possible, struct buf *next) {
    int64_t value = 0;
    int64_t by;
    bool valid = parse_number(op->arguments[0], &by) && (!is_present(state) || parse_number(value_of(state), &value));
    if (!valid || __builtin_add_overflow(value, by, &value)) {
        *possible = answered(op, HISTORY_ERROR, op->result);
        return buf_append_slice(next, state);
    }
    *possible = answered_number(op, value);
    return buf_append_format(next, "%c%lld", PRESENT, (long long)value);
}

static enum status redis_append(const struct history_op *op, struct slice state, bool *possible, struct buf *next) {
    struct slice value = value_of(state);
    *possible = answered_number(op, (int64_t)(value.size + op->arguments[0].size));
    enum status status = become(next, value);
    return status == STATUS_OK ? buf_append_slice(next, op->arguments[0]) : status;
}

static enum status redis_step(const struct history_op *op, struct slice state, bool *possible, struct buf *next) {
    bool present = is_present(state);
    switch (op->kind) {
    case MODEL_REDIS_GET: *possible = answered_value(op, state); return buf_append_slice(next, state);
    case MODEL_REDIS_EXISTS: *possible = answered_number(op, present); return buf_append_slice(next, state);
    case MODEL_REDIS_STRLEN:
        *possible = answered_number(op, (int64_t)value_of(state).size);
        return buf_append_slice(next, state);
    case MODEL_REDIS_SET: *possible = answered_text(op, "OK"); return become(next, op->arguments[0]);
    case MODEL_REDIS_GETSET: *possible = answered_value(op, state); return become(next, op->arguments[0]);
    case MODEL_REDIS_GETDEL: *possible = answered_value(op, state); return STATUS_OK;
    case MODEL_REDIS_DEL: *possible = answered_number(op, present); return STATUS_OK;
    case MODEL_REDIS_SETNX:
        *possible = answered_number(op, !present);
        return present ? buf_append_slice(next, state) : become(next, op->arguments[0]);
    case MODEL_REDIS_APPEND: return redis_append(op, state, possible, next);
    default: return redis_incrby(op, state, possible, next);
    }
}

static bool redis_is_pure(const struct history_op *op) {
    switch (op->kind) {
    case MODEL_REDIS_GET:
    case MODEL_REDIS_EXISTS:
    case MODEL_REDIS_STRLEN: return true;
    case MODEL_REDIS_SETNX:
    case MODEL_REDIS_DEL: return result_is(op, "0");
    case MODEL_REDIS_GETDEL: return op->outcome == HISTORY_RETURNED && op->result_type == HISTORY_NIL;
    case MODEL_REDIS_INCRBY: return op->outcome == HISTORY_RETURNED && op->result_type == HISTORY_ERROR;
    default: return false;
    }
}

/* What must stand there before an operation, so that it answers what its client was told. */
enum need { NEED_ANYTHING, NEED_NOTHING, NEED_SOMETHING, NEED_VALUE };

static enum need need_by_number(const struct history_op *op, enum need if_one, enum need if_zero) {
    return result_is(op, "1") ? if_one : result_is(op, "0") ? if_zero : NEED_ANYTHING;
}

static enum need redis_need(const struct history_op *op) {
    switch (op->kind) {
    case MODEL_REDIS_GET:
    case MODEL_REDIS_GETSET:
    case MODEL_REDIS_GETDEL: return op->result_type == HISTORY_NIL ? NEED_NOTHING : NEED_VALUE;
    case MODEL_REDIS_EXISTS:
    case MODEL_REDIS_DEL: return need_by_number(op, NEED_SOMETHING, NEED_NOTHING);
    case MODEL_REDIS_SETNX: return need_by_number(op, NEED_NOTHING, NEED_SOMETHING);
    default: return NEED_ANYTHING;
    }
}

static bool ends_with(struct slice text, struct slice end) {
    return text.size >= end.size && slice_equal(slice_from(text, text.size - end.size), end);
}

static bool redis_may_leave_value(const struct history_op *op, struct slice value) {
    int64_t number;
    bool returned = op->outcome == HISTORY_RETURNED;
    switch (op->kind) {
    case MODEL_REDIS_SET:
    case MODEL_REDIS_GETSET: return slice_equal(op->arguments[0], value);
    case MODEL_REDIS_SETNX: return slice_equal(op->arguments[0], value) && !result_is(op, "0");
    case MODEL_REDIS_APPEND: return ends_with(value, op->arguments[0]) && answered_number(op, (int64_t)value.size);
    case MODEL_REDIS_INCRBY: return returned ? slice_equal(op->result, value) : parse_number(value, &number);
    default: return false;
    }
}

static bool redis_may_leave(const struct history_op *op, enum need need, struct slice value) {
    bool deletes = op->kind == MODEL_REDIS_DEL || op->kind == MODEL_REDIS_GETDEL;
    if (need == NEED_NOTHING) return deletes;
    return need == NEED_SOMETHING ? !deletes && !redis_is_pure(op) : redis_may_leave_value(op, value);
}

static bool only_append(const struct history_op *const *others, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (others[i]->kind != MODEL_REDIS_APPEND && !redis_is_pure(others[i])) return false;
    return true;
}

/* Where nothing but appends may come before, what is there stays at the front, and the next one continues it. */
static bool may_grow_to(struct slice value, struct slice wanted, const struct history_op *const *others, size_t count) {
    if (slice_equal(value, wanted)) return true;
    for (size_t i = 0; i < count; i++)
        if (others[i]->kind == MODEL_REDIS_APPEND && begins_with(wanted, value, others[i]->arguments[0])) return true;
    return false;
}

static bool may_grow_for(const struct history_op *op, struct slice value, const struct history_op *const *others,
                         size_t count) {
    int64_t length;
    if (op->outcome != HISTORY_RETURNED) return true;
    if (op->kind == MODEL_REDIS_GET && op->result_type == HISTORY_TEXT)
        return may_grow_to(value, op->result, others, count);
    const bool tells_length = op->kind == MODEL_REDIS_STRLEN || op->kind == MODEL_REDIS_APPEND;
    if (!tells_length || !parse_number(op->result, &length)) return true;
    const size_t adds = op->kind == MODEL_REDIS_APPEND ? op->arguments[0].size : 0;
    return length >= 0 && value.size + adds <= (uint64_t)length;
}

static bool redis_is_reachable(const struct history_op *op, struct slice state, const struct history_op *const *others,
                               size_t count) {
    if (only_append(others, count) && !may_grow_for(op, value_of(state), others, count)) return false;
    enum need need = redis_need(op);
    if (need == NEED_ANYTHING || (need == NEED_NOTHING && !is_present(state))) return true;
    if (need == NEED_SOMETHING && is_present(state)) return true;
    if (need == NEED_VALUE && is_present(state) && slice_equal(value_of(state), op->result)) return true;
    for (size_t i = 0; i < count; i++)
        if (redis_may_leave(others[i], need, op->result)) return true;
    return false;
}

static const char *const redis_kinds[] = {
    [MODEL_REDIS_GET] = "GET",       [MODEL_REDIS_SET] = "SET",       [MODEL_REDIS_SETNX] = "SETNX",
    [MODEL_REDIS_GETSET] = "GETSET", [MODEL_REDIS_GETDEL] = "GETDEL", [MODEL_REDIS_DEL] = "DEL",
    [MODEL_REDIS_EXISTS] = "EXISTS", [MODEL_REDIS_STRLEN] = "STRLEN", [MODEL_REDIS_APPEND] = "APPEND",
    [MODEL_REDIS_INCRBY] = "INCRBY",
};

const struct linearize_model model_redis_string = {
    .name = "redis string",
    .kind_names = redis_kinds,
    .kind_count = sizeof redis_kinds / sizeof *redis_kinds,
    .step = redis_step,
    .is_pure = redis_is_pure,
    .is_reachable = redis_is_reachable,
};
