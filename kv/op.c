/* op: an operation as bytes; encoder and decoder stand together. kv/FORMAT.md is the specification. */
#include "engine/base/coding.h"
#include "kv/kv.h"

enum { OP_VERSION = 1 };

static const char *const kind_names[] = {
    [KV_OP_SET] = "set",           [KV_OP_MSET] = "mset",           [KV_OP_APPEND] = "append",
    [KV_OP_SETRANGE] = "setrange", [KV_OP_INCREMENT] = "increment", [KV_OP_INCREMENT_FLOAT] = "increment_float",
    [KV_OP_GETDEL] = "getdel",     [KV_OP_GETEX] = "getex",         [KV_OP_DELETE] = "delete",
    [KV_OP_EXPIRE] = "expire",     [KV_OP_PERSIST] = "persist",     [KV_OP_RENAME] = "rename",
    [KV_OP_COPY] = "copy",         [KV_OP_CLEAR] = "clear",         [KV_OP_REAP] = "reap",
};
enum { KIND_COUNT = sizeof kind_names / sizeof kind_names[0] };

const char *kv_op_kind_name(enum kv_op_kind kind) {
    return (unsigned)kind < KIND_COUNT && kind_names[kind] ? kind_names[kind] : "unknown";
}

const char *kv_origin_name(enum kv_origin origin) {
    static const char *const names[] = {
        [KV_ORIGIN_SET] = "set",           [KV_ORIGIN_SETEX] = "setex",         [KV_ORIGIN_PSETEX] = "psetex",
        [KV_ORIGIN_GETEX] = "getex",       [KV_ORIGIN_EXPIRE] = "expire",       [KV_ORIGIN_PEXPIRE] = "pexpire",
        [KV_ORIGIN_EXPIREAT] = "expireat", [KV_ORIGIN_PEXPIREAT] = "pexpireat",
    };
    return (unsigned)origin < sizeof names / sizeof names[0] && names[origin] ? names[origin] : "unknown";
}

enum status kv_op_encode(struct buf *to, const struct kv_op *op) {
    enum status status = encode_u8(to, OP_VERSION);
    if (status == STATUS_OK) status = encode_u8(to, (uint8_t)op->kind);
    if (status == STATUS_OK) status = encode_varint(to, op->flags);
    if (status == STATUS_OK) status = encode_u8(to, op->origin);
    if (status == STATUS_OK) status = encode_varint(to, coding_zigzag(op->number));
    if (status == STATUS_OK) status = encode_varint(to, op->argument_count);
    for (size_t i = 0; status == STATUS_OK && i < op->argument_count; i++) status = encode_string(to, op->arguments[i]);
    return status;
}

enum status kv_op_decode(struct slice operation, struct kv_op_reader *reader) {
    struct decoder decoder = decoder_make(operation);
    *reader = (struct kv_op_reader){0};
    uint8_t version = decode_u8(&decoder);
    uint8_t kind = decode_u8(&decoder);
    if (decoder.failed) return STATUS_SYNTAX;
    if (version != OP_VERSION || kind >= KIND_COUNT || !kind_names[kind]) return STATUS_UNSUPPORTED;
    reader->op.kind = (enum kv_op_kind)kind;
    uint64_t flags = decode_varint(&decoder);
    reader->op.origin = decode_u8(&decoder);
    reader->op.number = coding_unzigzag(decode_varint(&decoder));
    uint64_t count = decode_varint(&decoder);
    if (flags > UINT32_MAX || count > KV_ARGUMENTS_MAX) return STATUS_SYNTAX;
    reader->op.flags = (uint32_t)flags;
    reader->op.argument_count = (size_t)count;
    reader->rest = decoder;
    for (uint64_t i = 0; i < count && !decoder.failed; i++) (void)decode_string(&decoder);
    return decoder_finished(&decoder) ? STATUS_OK : STATUS_SYNTAX;
}

struct slice kv_op_next(struct kv_op_reader *reader) {
    return decode_string(&reader->rest);
}
