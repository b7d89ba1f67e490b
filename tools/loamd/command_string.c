/* command_string: commands on strings; arguments are checked as Redis 7 does, in its order, and become a kv operation
 * or a read. */
#include "tools/loamd/commands.h"

static enum status encode(struct call *call, enum kv_op_kind kind, uint32_t flags, int64_t number,
                          size_t argument_count) {
    struct kv_op op = {
        .kind = kind, .flags = flags, .number = number, .arguments = call->args + 1, .argument_count = argument_count};
    return kv_op_encode(&call->operation, &op);
}

/* ---- SET and its relatives --------------------------------------------------------------------------------------- */

struct set_options {
    uint32_t flags;
    bool seconds;
    size_t expiry; /* argument with the number; 0 = none */
};

/* The options of SET (from `first` on) and GETEX; false = syntax error. `allowed` are the flags that this command
 * knows. */
static bool parse_set_options(const struct call *call, size_t first, uint32_t allowed, struct set_options *options) {
    static const struct {
        const char *word;
        uint32_t flag, excludes;
        bool takes_number, seconds;
    } words[] = {
        {"nx", KV_NX, KV_XX, false, false},
        {"xx", KV_XX, KV_NX, false, false},
        {"get", KV_GET, 0, false, false},
        {"keepttl", KV_KEEP_TTL, KV_EXPIRE_IN | KV_EXPIRE_AT | KV_PERSIST, false, false},
        {"persist", KV_PERSIST, KV_EXPIRE_IN | KV_EXPIRE_AT | KV_KEEP_TTL, false, false},
        {"ex", KV_EXPIRE_IN, KV_EXPIRE_IN | KV_EXPIRE_AT | KV_KEEP_TTL | KV_PERSIST, true, true},
        {"px", KV_EXPIRE_IN, KV_EXPIRE_IN | KV_EXPIRE_AT | KV_KEEP_TTL | KV_PERSIST, true, false},
        {"exat", KV_EXPIRE_AT, KV_EXPIRE_IN | KV_EXPIRE_AT | KV_KEEP_TTL | KV_PERSIST, true, true},
        {"pxat", KV_EXPIRE_AT, KV_EXPIRE_IN | KV_EXPIRE_AT | KV_KEEP_TTL | KV_PERSIST, true, false},
    };
    for (size_t i = first; i < call->arg_count; i++) {
        size_t w = 0;
        while (w < sizeof words / sizeof words[0] && !call_arg_is(call, i, words[w].word)) w++;
        if (w == sizeof words / sizeof words[0] || !(words[w].flag & allowed)) return false;
        /* The same unit twice is an error too: each excludes itself. */
        if (options->flags & words[w].excludes) return false;
        if (words[w].takes_number && i + 1 == call->arg_count) return false;
        options->flags |= words[w].flag;
        if (words[w].takes_number) {
            options->seconds = words[w].seconds;
            options->expiry = ++i;
        }
    }
    return true;
}

static enum status expiry_error(struct call *call, enum status status, enum kv_origin origin) {
    if (status == STATUS_SYNTAX) return call_integer_error(call);
    return reply_error(&call->reply, "ERR invalid expire time in '%s' command", kv_origin_name(origin));
}

static enum status encode_set(struct call *call, struct slice value, uint32_t flags, int64_t number,
                              enum kv_origin origin) {
    struct slice arguments[] = {call->args[1], value};
    struct kv_op op = {.kind = KV_OP_SET,
                       .flags = flags,
                       .origin = (uint8_t)origin,
                       .number = number,
                       .arguments = arguments,
                       .argument_count = 2};
    return kv_op_encode(&call->operation, &op);
}

enum status cmd_set(struct call *call) {
    struct set_options options = {0};
    const uint32_t allowed = KV_NX | KV_XX | KV_GET | KV_KEEP_TTL | KV_EXPIRE_IN | KV_EXPIRE_AT;
    if (!parse_set_options(call, 3, allowed, &options)) return call_syntax_error(call);
    int64_t number = 0;
    if (options.expiry) {
        enum status status = kv_parse_expiry(call->args[options.expiry], options.seconds, &number);
        if (status) return expiry_error(call, status, KV_ORIGIN_SET);
    }
    return encode_set(call, call->args[2], options.flags, number, KV_ORIGIN_SET);
}

enum status cmd_setnx(struct call *call) {
    return encode_set(call, call->args[2], KV_NX | KV_REPLY_INTEGER, 0, KV_ORIGIN_SET);
}

enum status cmd_getset(struct call *call) {
    return encode_set(call, call->args[2], KV_GET, 0, KV_ORIGIN_SET);
}

static enum status set_with_expiry(struct call *call, bool seconds, enum kv_origin origin) {
    int64_t number = 0;
    enum status status = kv_parse_expiry(call->args[2], seconds, &number);
    if (status) return expiry_error(call, status, origin);
    return encode_set(call, call->args[3], KV_EXPIRE_IN, number, origin);
}

enum status cmd_setex(struct call *call) {
    return set_with_expiry(call, true, KV_ORIGIN_SETEX);
}

enum status cmd_psetex(struct call *call) {
    return set_with_expiry(call, false, KV_ORIGIN_PSETEX);
}

enum status cmd_getex(struct call *call) {
    struct set_options options = {0};
    if (!parse_set_options(call, 2, KV_PERSIST | KV_EXPIRE_IN | KV_EXPIRE_AT, &options)) return call_syntax_error(call);
    struct slice arguments[] = {call->args[1], options.expiry ? call->args[options.expiry] : slice_make(NULL, 0)};
    struct kv_op op = {.kind = KV_OP_GETEX,
                       .flags = options.flags | (options.seconds ? KV_SECONDS : 0),
                       .origin = KV_ORIGIN_GETEX,
                       .arguments = arguments,
                       .argument_count = 2};
    return kv_op_encode(&call->operation, &op);
}

enum status cmd_getdel(struct call *call) {
    return encode(call, KV_OP_GETDEL, 0, 0, 1);
}

static enum status set_many(struct call *call, uint32_t flags) {
    if (call->arg_count % 2 == 0)
        return reply_error(&call->reply, "ERR wrong number of arguments for '%s' command", call->command->name);
    return encode(call, KV_OP_MSET, flags, 0, call->arg_count - 1);
}

enum status cmd_mset(struct call *call) {
    return set_many(call, 0);
}

enum status cmd_msetnx(struct call *call) {
    return set_many(call, KV_NX);
}

/* ---- parts and numbers ------------------------------------------------------------------------------------------- */

enum status cmd_append(struct call *call) {
    return encode(call, KV_OP_APPEND, 0, 0, 2);
}

enum status cmd_setrange(struct call *call) {
    int64_t offset = 0;
    if (call_integer(call, 2, &offset)) return call_integer_error(call);
    if (offset < 0) return reply_error(&call->reply, "ERR offset is out of range");
    struct slice arguments[] = {call->args[1], call->args[3]};
    struct kv_op op = {.kind = KV_OP_SETRANGE, .number = offset, .arguments = arguments, .argument_count = 2};
    return kv_op_encode(&call->operation, &op);
}

enum status cmd_incr(struct call *call) {
    return encode(call, KV_OP_INCREMENT, 0, 1, 1);
}

enum status cmd_decr(struct call *call) {
    return encode(call, KV_OP_INCREMENT, 0, -1, 1);
}

enum status cmd_incrby(struct call *call) {
    int64_t increment = 0;
    if (call_integer(call, 2, &increment)) return call_integer_error(call);
    return encode(call, KV_OP_INCREMENT, 0, increment, 1);
}

enum status cmd_decrby(struct call *call) {
    int64_t decrement = 0;
    if (call_integer(call, 2, &decrement)) return call_integer_error(call);
    if (decrement == INT64_MIN) return reply_error(&call->reply, "ERR decrement would overflow");
    return encode(call, KV_OP_INCREMENT, 0, -decrement, 1);
}

enum status cmd_incrbyfloat(struct call *call) {
    return encode(call, KV_OP_INCREMENT_FLOAT, 0, 0, 2);
}

/* ---- reads ------------------------------------------------------------------------------------------------------- */

enum status cmd_get(struct call *call) {
    return kv_get(&call->view, call->args[1], &call->reply);
}

enum status cmd_mget(struct call *call) {
    return kv_mget(&call->view, call->args + 1, call->arg_count - 1, &call->reply);
}

enum status cmd_strlen(struct call *call) {
    return kv_strlen(&call->view, call->args[1], &call->reply);
}

enum status cmd_getrange(struct call *call) {
    int64_t start = 0, end = 0;
    if (call_integer(call, 2, &start) || call_integer(call, 3, &end)) return call_integer_error(call);
    return kv_getrange(&call->view, call->args[1], start, end, &call->reply);
}
