/* command_name: commands on names, whatever type is behind them. */
#include "tools/loamd/commands.h"
#include "tools/loamd/server_state.h"

static enum status encode(struct call *call, enum kv_op_kind kind, uint32_t flags, size_t argument_count) {
    struct kv_op op = {.kind = kind, .flags = flags, .arguments = call->args + 1, .argument_count = argument_count};
    return kv_op_encode(&call->operation, &op);
}

enum status cmd_del(struct call *call) {
    return encode(call, KV_OP_DELETE, 0, call->arg_count - 1);
}

enum status cmd_exists(struct call *call) {
    return kv_exists(&call->view, call->args + 1, call->arg_count - 1, &call->reply);
}

enum status cmd_type(struct call *call) {
    const struct stores *stores = &call->server->stores;
    return kv_type(&call->view, call->args[1], stores->owners, stores->owner_count, &call->reply);
}

enum status cmd_rename(struct call *call) {
    return encode(call, KV_OP_RENAME, 0, 2);
}

enum status cmd_renamenx(struct call *call) {
    return encode(call, KV_OP_RENAME, KV_NX, 2);
}

enum status cmd_copy(struct call *call) {
    uint32_t flags = 0;
    for (size_t i = 3; i < call->arg_count; i++) {
        enum status status = STATUS_OK;
        if (call_arg_is(call, i, "replace")) {
            flags |= KV_REPLACE;
        } else if (call_arg_is(call, i, "db") && i + 1 < call->arg_count) {
            if (!call_database(call, ++i, &status)) return status;
        } else {
            return call_syntax_error(call);
        }
    }
    if (slice_equal(call->args[1], call->args[2]))
        return reply_error(&call->reply, "ERR source and destination objects are the same");
    return encode(call, KV_OP_COPY, flags, 2);
}

enum status cmd_flush(struct call *call) {
    bool known = call->arg_count == 1 ||
                 (call->arg_count == 2 && (call_arg_is(call, 1, "sync") || call_arg_is(call, 1, "async")));
    return known ? encode(call, KV_OP_CLEAR, 0, 0) : call_syntax_error(call);
}

/* ---- expiry ------------------------------------------------------------------------------------------------------ */

/* NX, XX, GT, LT as EXPIRE takes them; *answered when an error has been answered. */
static enum status parse_expire_flags(struct call *call, uint32_t *flags, bool *answered) {
    *answered = true;
    for (size_t i = 3; i < call->arg_count; i++) {
        if (call_arg_is(call, i, "nx"))
            *flags |= KV_NX;
        else if (call_arg_is(call, i, "xx"))
            *flags |= KV_XX;
        else if (call_arg_is(call, i, "gt"))
            *flags |= KV_GT;
        else if (call_arg_is(call, i, "lt"))
            *flags |= KV_LT;
        else
            return reply_error(&call->reply, "ERR Unsupported option %.*s", (int)call->args[i].size,
                               (const char *)call->args[i].data);
    }
    if (*flags & KV_NX && *flags & (KV_XX | KV_GT | KV_LT))
        return reply_error(&call->reply, "ERR NX and XX, GT or LT options at the same time are not compatible");
    if (*flags & KV_GT && *flags & KV_LT)
        return reply_error(&call->reply, "ERR GT and LT options at the same time are not compatible");
    *answered = false;
    return STATUS_OK;
}

static enum status expire(struct call *call, bool seconds, uint32_t base, enum kv_origin origin) {
    uint32_t flags = base;
    bool answered = false;
    enum status status = parse_expire_flags(call, &flags, &answered);
    if (status || answered) return status;
    int64_t number = 0;
    if (call_integer(call, 2, &number)) return call_integer_error(call);
    if (seconds && __builtin_mul_overflow(number, 1000, &number))
        return reply_error(&call->reply, "ERR invalid expire time in '%s' command", kv_origin_name(origin));
    struct kv_op op = {.kind = KV_OP_EXPIRE,
                       .flags = flags,
                       .origin = (uint8_t)origin,
                       .number = number,
                       .arguments = call->args + 1,
                       .argument_count = 1};
    return kv_op_encode(&call->operation, &op);
}

enum status cmd_expire(struct call *call) {
    return expire(call, true, KV_EXPIRE_IN, KV_ORIGIN_EXPIRE);
}

enum status cmd_pexpire(struct call *call) {
    return expire(call, false, KV_EXPIRE_IN, KV_ORIGIN_PEXPIRE);
}

enum status cmd_expireat(struct call *call) {
    return expire(call, true, KV_EXPIRE_AT, KV_ORIGIN_EXPIREAT);
}

enum status cmd_pexpireat(struct call *call) {
    return expire(call, false, KV_EXPIRE_AT, KV_ORIGIN_PEXPIREAT);
}

enum status cmd_persist(struct call *call) {
    return encode(call, KV_OP_PERSIST, 0, 1);
}

enum status cmd_ttl(struct call *call) {
    return kv_ttl(&call->view, call->args[1], KV_TTL_SECONDS, &call->reply);
}

enum status cmd_pttl(struct call *call) {
    return kv_ttl(&call->view, call->args[1], KV_TTL_MILLISECONDS, &call->reply);
}

enum status cmd_expiretime(struct call *call) {
    return kv_ttl(&call->view, call->args[1], KV_EXPIRETIME_SECONDS, &call->reply);
}

enum status cmd_pexpiretime(struct call *call) {
    return kv_ttl(&call->view, call->args[1], KV_EXPIRETIME_MILLISECONDS, &call->reply);
}

/* ---- the whole name space ---------------------------------------------------------------------------------------- */

enum status cmd_dbsize(struct call *call) {
    return kv_dbsize(&call->view, &call->reply);
}

enum status cmd_keys(struct call *call) {
    return kv_keys(&call->view, call->args[1], &call->reply);
}

enum status cmd_randomkey(struct call *call) {
    return kv_randomkey(&call->view, call->random, &call->reply);
}

/* The type that a word of SCAN's TYPE names; a word that names none matches nothing. */
static uint8_t type_of_word(const struct call *call, size_t i) {
    const struct stores *stores = &call->server->stores;
    for (size_t t = 0; t < stores->owner_count; t++)
        if (call_arg_is(call, i, stores->owners[t].name)) return stores->owners[t].type;
    return UINT8_MAX;
}

/* A cursor is unsigned decimal, as strtoul reads it whole. */
static bool parse_cursor(struct slice text, uint64_t *cursor) {
    *cursor = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || *cursor > (UINT64_MAX - digit) / 10) return false;
        *cursor = *cursor * 10 + digit;
    }
    return text.size > 0;
}

enum status cmd_scan(struct call *call) {
    struct kv_scan_options options = {0};
    if (!parse_cursor(call->args[1], &options.cursor)) return reply_error(&call->reply, "ERR invalid cursor");
    for (size_t i = 2; i < call->arg_count; i += 2) {
        int64_t count = 0;
        if (i + 1 == call->arg_count) return call_syntax_error(call);
        if (call_arg_is(call, i, "count")) {
            if (call_integer(call, i + 1, &count)) return call_integer_error(call);
            if (count < 1) return call_syntax_error(call);
            options.count = (uint64_t)count;
        } else if (call_arg_is(call, i, "match")) {
            options.has_pattern = true;
            options.pattern = call->args[i + 1];
        } else if (call_arg_is(call, i, "type")) {
            options.type = type_of_word(call, i + 1);
        } else {
            return call_syntax_error(call);
        }
    }
    return kv_scan(&call->view, &options, &call->reply);
}
