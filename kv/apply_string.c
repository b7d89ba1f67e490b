/* apply_string: operations on a string's bytes. */
#include <math.h>

#include "engine/base/decimal.h"
#include "kv/apply.h"
#include "kv/number.h"
#include "kv/reply_text.h"

static bool is_too_long(uint64_t size) {
    return size > KV_VALUE_MAX_BYTES;
}

/* SET's answer when it did (or, with done false, did not) write. */
static enum status reply_to_set(struct apply *apply, bool done) {
    uint32_t flags = apply->reader.op.flags;
    if (flags & KV_GET) return STATUS_OK; /* the old value has been the answer */
    if (flags & KV_REPLY_INTEGER) return reply_integer(apply->reply, done);
    return done ? reply_ok(apply->reply) : reply_null(apply->reply);
}

enum status apply_set(struct apply *apply) {
    uint32_t flags = apply->reader.op.flags;
    struct slice key = kv_op_next(&apply->reader);
    struct name_row row = {.type = NAME_STRING, .value = kv_op_next(&apply->reader)};
    if (flags & (KV_EXPIRE_IN | KV_EXPIRE_AT)) {
        if (apply_expiry(apply, apply->reader.op.number, &row.expire_ms))
            return reply_error(apply->reply, KV_TEXT_INVALID_EXPIRE, kv_origin_name(apply->reader.op.origin));
    }
    if (is_too_long(row.value.size)) return reply_error(apply->reply, KV_TEXT_TOO_LONG);
    struct name_row old;
    enum status status = names_edit_get(apply->edit, key, &old);
    if (status && status != STATUS_NOT_FOUND) return status;
    bool found = status == STATUS_OK;
    if (flags & KV_GET) {
        if (found && old.type != NAME_STRING) return reply_error(apply->reply, KV_TEXT_WRONG_TYPE);
        status = found ? reply_bulk(apply->reply, old.value) : reply_null(apply->reply);
        if (status) return status;
    }
    if ((flags & KV_NX && found) || (flags & KV_XX && !found)) return reply_to_set(apply, false);
    if (flags & KV_KEEP_TTL && found) row.expire_ms = old.expire_ms;
    status = apply_put(apply, key, &row);
    return status ? status : reply_to_set(apply, true);
}

/* True in *any if one of the keys exists. The reader is a copy: the caller's stays where it is. */
static enum status any_exists(struct apply *apply, struct kv_op_reader reader, bool *any) {
    *any = false;
    for (size_t i = 0; i + 1 < reader.op.argument_count && !*any; i += 2) {
        struct name_row row;
        enum status status = names_edit_get(apply->edit, kv_op_next(&reader), &row);
        (void)kv_op_next(&reader);
        if (status && status != STATUS_NOT_FOUND) return status;
        *any = status == STATUS_OK;
    }
    return STATUS_OK;
}

enum status apply_mset(struct apply *apply) {
    if (apply->reader.op.flags & KV_NX) {
        bool any = false;
        enum status status = any_exists(apply, apply->reader, &any);
        if (status) return status;
        if (any) return reply_integer(apply->reply, 0);
    }
    for (size_t i = 0; i + 1 < apply->reader.op.argument_count; i += 2) {
        struct slice key = kv_op_next(&apply->reader);
        struct name_row row = {.type = NAME_STRING, .value = kv_op_next(&apply->reader)};
        enum status status = names_edit_put(apply->edit, key, &row);
        if (status) return status;
    }
    return apply->reader.op.flags & KV_NX ? reply_integer(apply->reply, 1) : reply_ok(apply->reply);
}

/* The string under key, or an empty new one; *row keeps its expiry. WRONG_TYPE is answered by the caller. */
static enum status get_or_empty(struct apply *apply, struct slice key, struct name_row *row) {
    enum status status = apply_get_string(apply, key, row);
    if (status != STATUS_NOT_FOUND) return status;
    *row = (struct name_row){.type = NAME_STRING};
    return STATUS_OK;
}

enum status apply_append(struct apply *apply) {
    struct slice key = kv_op_next(&apply->reader);
    struct slice more = kv_op_next(&apply->reader);
    struct name_row row;
    enum status status = get_or_empty(apply, key, &row);
    if (status == STATUS_WRONG_TYPE) return reply_error(apply->reply, KV_TEXT_WRONG_TYPE);
    if (status) return status;
    if (is_too_long((uint64_t)row.value.size + more.size)) return reply_error(apply->reply, KV_TEXT_TOO_LONG);
    status = buf_assign(apply->scratch, row.value);
    if (status == STATUS_OK) status = buf_append_slice(apply->scratch, more);
    if (status) return status;
    row.value = buf_slice(apply->scratch);
    status = names_edit_put(apply->edit, key, &row);
    return status ? status : reply_integer(apply->reply, (int64_t)row.value.size);
}

enum status apply_setrange(struct apply *apply) {
    struct slice key = kv_op_next(&apply->reader);
    struct slice bytes = kv_op_next(&apply->reader);
    int64_t offset = apply->reader.op.number;
    struct name_row row;
    enum status status = get_or_empty(apply, key, &row);
    if (status == STATUS_WRONG_TYPE) return reply_error(apply->reply, KV_TEXT_WRONG_TYPE);
    if (status) return status;
    if (bytes.size == 0) return reply_integer(apply->reply, (int64_t)row.value.size);
    if (offset < 0 || is_too_long((uint64_t)offset) || is_too_long((uint64_t)offset + bytes.size))
        return reply_error(apply->reply, KV_TEXT_TOO_LONG);
    size_t end = (size_t)offset + bytes.size;
    status = buf_assign(apply->scratch, row.value);
    if (status == STATUS_OK && end > row.value.size) status = buf_append_zeros(apply->scratch, end - row.value.size);
    if (status) return status;
    memcpy(apply->scratch->data + offset, bytes.data, bytes.size);
    row.value = buf_slice(apply->scratch);
    status = names_edit_put(apply->edit, key, &row);
    return status ? status : reply_integer(apply->reply, (int64_t)row.value.size);
}

enum status apply_increment(struct apply *apply) {
    struct slice key = kv_op_next(&apply->reader);
    struct name_row row;
    enum status status = apply_get_string(apply, key, &row);
    bool absent = status == STATUS_NOT_FOUND; /* counts as 0; an empty value is no number */
    if (status == STATUS_WRONG_TYPE) return reply_error(apply->reply, KV_TEXT_WRONG_TYPE);
    if (status && !absent) return status;
    if (absent) row = (struct name_row){.type = NAME_STRING};
    int64_t value = 0;
    if (!absent && !decimal_parse(row.value, &value)) return reply_error(apply->reply, KV_TEXT_NOT_INTEGER);
    if (__builtin_add_overflow(value, apply->reader.op.number, &value))
        return reply_error(apply->reply, KV_TEXT_OVERFLOW);
    buf_clear(apply->scratch);
    status = kv_format_integer(value, apply->scratch);
    if (status) return status;
    row.value = buf_slice(apply->scratch);
    status = names_edit_put(apply->edit, key, &row);
    return status ? status : reply_integer(apply->reply, value);
}

enum status apply_increment_float(struct apply *apply) {
    struct slice key = kv_op_next(&apply->reader);
    struct slice text = kv_op_next(&apply->reader);
    struct name_row row;
    enum status status = apply_get_string(apply, key, &row);
    bool absent = status == STATUS_NOT_FOUND;
    if (status == STATUS_WRONG_TYPE) return reply_error(apply->reply, KV_TEXT_WRONG_TYPE);
    if (status && !absent) return status;
    if (absent) row = (struct name_row){.type = NAME_STRING};
    long double value = 0, increment = 0;
    if ((!absent && !kv_parse_float(row.value, &value)) || !kv_parse_float(text, &increment))
        return reply_error(apply->reply, KV_TEXT_NOT_FLOAT);
    value += increment;
    if (isnan(value) || isinf(value)) return reply_error(apply->reply, KV_TEXT_NOT_FINITE);
    buf_clear(apply->scratch);
    status = kv_format_float(value, apply->scratch);
    if (status) return status;
    row.value = buf_slice(apply->scratch);
    status = names_edit_put(apply->edit, key, &row);
    return status ? status : reply_bulk(apply->reply, row.value);
}

enum status apply_getdel(struct apply *apply) {
    struct slice key = kv_op_next(&apply->reader);
    struct name_row row;
    enum status status = apply_get_string(apply, key, &row);
    if (status == STATUS_NOT_FOUND) return reply_null(apply->reply);
    if (status == STATUS_WRONG_TYPE) return reply_error(apply->reply, KV_TEXT_WRONG_TYPE);
    if (status) return status;
    status = reply_bulk(apply->reply, row.value);
    return status ? status : names_edit_delete(apply->edit, key);
}

/* The new expiry that GETEX asks for; an error is answered (and *answered set). */
static enum status getex_expiry(struct apply *apply, int64_t *expire_ms, bool *answered) {
    int64_t number = 0;
    struct slice text = kv_op_next(&apply->reader);
    enum status status = kv_parse_expiry(text, apply->reader.op.flags & KV_SECONDS, &number);
    *answered = true;
    if (status == STATUS_SYNTAX) return reply_error(apply->reply, KV_TEXT_NOT_INTEGER);
    if (status == STATUS_OK) status = apply_expiry(apply, number, expire_ms);
    if (status) return reply_error(apply->reply, KV_TEXT_INVALID_EXPIRE, kv_origin_name(KV_ORIGIN_GETEX));
    *answered = false;
    return STATUS_OK;
}

enum status apply_getex(struct apply *apply) {
    uint32_t flags = apply->reader.op.flags;
    struct slice key = kv_op_next(&apply->reader);
    struct name_row row;
    enum status status = apply_get_string(apply, key, &row);
    if (status == STATUS_NOT_FOUND) return reply_null(apply->reply);
    if (status == STATUS_WRONG_TYPE) return reply_error(apply->reply, KV_TEXT_WRONG_TYPE);
    if (status) return status;
    bool answered = false;
    int64_t expire_ms = flags & KV_PERSIST ? 0 : row.expire_ms;
    if (flags & (KV_EXPIRE_IN | KV_EXPIRE_AT)) status = getex_expiry(apply, &expire_ms, &answered);
    if (status || answered) return status;
    status = reply_bulk(apply->reply, row.value);
    if (status || expire_ms == row.expire_ms) return status;
    row.expire_ms = expire_ms;
    return apply_put(apply, key, &row);
}
