/* op: see op.h. */
#include "graph/op.h"

#include "graph/property.h"
#include "graph/store/rows.h"

enum { OP_VERSION = 1 };

static const char *const op_names[] = {
    [GRAPH_OP_EFFECTS] = "effects", [GRAPH_OP_IMPORT] = "import", [GRAPH_OP_DELETE] = "delete"};
enum { OP_KINDS = sizeof op_names / sizeof op_names[0] };

const char *graph_op_kind_name(enum graph_op_kind kind) {
    return (unsigned)kind < OP_KINDS && op_names[kind] ? op_names[kind] : "unknown";
}

enum status graph_op_encode(struct buf *to, const struct graph_op *op) {
    enum status status = encode_u8(to, OP_VERSION);
    if (status == STATUS_OK) status = encode_u8(to, (uint8_t)op->kind);
    if (status == STATUS_OK) status = encode_string(to, op->name);
    return status ? status : encode_varint(to, op->number);
}

enum status graph_op_encode_delete(struct buf *to, struct slice name) {
    const struct graph_op op = {.kind = GRAPH_OP_DELETE, .name = name};
    return graph_op_encode(to, &op);
}

enum status graph_op_decode(struct slice operation, struct graph_op *op) {
    struct decoder decoder = decoder_make(operation);
    *op = (struct graph_op){0};
    uint8_t version = decode_u8(&decoder);
    uint8_t kind = decode_u8(&decoder);
    if (decoder.failed) return STATUS_SYNTAX;
    if (version != OP_VERSION || kind >= OP_KINDS || !op_names[kind]) return STATUS_UNSUPPORTED;
    op->kind = (enum graph_op_kind)kind;
    op->name = decode_string(&decoder);
    op->number = decode_varint(&decoder);
    op->rest = slice_make(decoder.cursor, decoder_left(&decoder));
    if (op->kind == GRAPH_OP_DELETE && op->rest.size) return STATUS_SYNTAX;
    return decoder.failed ? STATUS_SYNTAX : STATUS_OK;
}

/* ---- Records ----------------------------------------------------------------------------------------------------- */

enum { IN_EFFECTS = 1 << GRAPH_OP_EFFECTS, IN_IMPORT = 1 << GRAPH_OP_IMPORT };

static const struct graph_record_shape shapes[] = {
    [GRAPH_RECORD_WORD] = {"word", IN_EFFECTS | IN_IMPORT, {"vocabulary"}, false, {{"text", GRAPH_STRING_TEXT}}},
    [GRAPH_RECORD_CREATE_NODE] = {"create_node", IN_EFFECTS, {0}, true, {{"properties", GRAPH_STRING_PROPERTIES}}},
    [GRAPH_RECORD_CREATE_EDGE] = {"create_edge",
                                  IN_EFFECTS,
                                  {"type", "source", "destination"},
                                  false,
                                  {{"properties", GRAPH_STRING_PROPERTIES}}},
    [GRAPH_RECORD_DELETE_NODE] = {"delete_node", IN_EFFECTS, {"node"}, false, {{0}}},
    [GRAPH_RECORD_DELETE_EDGE] = {"delete_edge", IN_EFFECTS, {"edge"}, false, {{0}}},
    [GRAPH_RECORD_SET_NODE_PROPERTY] =
        {"set_node_property", IN_EFFECTS, {"node", "key"}, false, {{"value", GRAPH_STRING_VALUE}}},
    [GRAPH_RECORD_SET_EDGE_PROPERTY] =
        {"set_edge_property", IN_EFFECTS, {"edge", "key"}, false, {{"value", GRAPH_STRING_VALUE}}},
    [GRAPH_RECORD_ADD_LABEL] = {"add_label", IN_EFFECTS, {"node", "label"}, false, {{0}}},
    [GRAPH_RECORD_REMOVE_LABEL] = {"remove_label", IN_EFFECTS, {"node", "label"}, false, {{0}}},
    [GRAPH_RECORD_IMPORT_NODE] = {"import_node",
                                  IN_IMPORT,
                                  {0},
                                  true,
                                  {{"external id", GRAPH_STRING_EXTERNAL}, {"properties", GRAPH_STRING_PROPERTIES}}},
    [GRAPH_RECORD_IMPORT_EDGE] = {"import_edge",
                                  IN_IMPORT,
                                  {"type"},
                                  false,
                                  {{"source", GRAPH_STRING_EXTERNAL},
                                   {"destination", GRAPH_STRING_EXTERNAL},
                                   {"properties", GRAPH_STRING_PROPERTIES}}},
};
enum { RECORD_KINDS = sizeof shapes / sizeof shapes[0] };

const struct graph_record_shape *graph_record_shape(uint8_t kind) {
    return kind < RECORD_KINDS && shapes[kind].name ? &shapes[kind] : NULL;
}

const char *graph_record_kind_name(enum graph_record_kind kind) {
    const struct graph_record_shape *shape = graph_record_shape((uint8_t)kind);
    return shape ? shape->name : "unknown";
}

static bool has_number(const struct graph_record_shape *shape, int at) {
    return at < GRAPH_RECORD_NUMBERS_MAX && shape->numbers[at];
}

static bool has_string(const struct graph_record_shape *shape, int at) {
    return at < GRAPH_RECORD_STRINGS_MAX && shape->strings[at].name;
}

enum status graph_record_encode(struct buf *to, const struct graph_record *record) {
    const struct graph_record_shape *shape = &shapes[record->kind];
    enum status status = encode_u8(to, (uint8_t)record->kind);
    for (int i = 0; status == STATUS_OK && has_number(shape, i); i++) status = encode_varint(to, record->numbers[i]);
    if (status == STATUS_OK && shape->labels) status = label_list_encode(to, record->labels, record->label_count);
    for (int i = 0; status == STATUS_OK && has_string(shape, i); i++) status = encode_string(to, record->strings[i]);
    return status;
}

static bool string_is_valid(enum graph_string_kind kind, struct slice bytes) {
    switch (kind) {
    case GRAPH_STRING_TEXT: return bytes.size > 0 && bytes.size <= GRAPH_NAME_MAX_BYTES;
    case GRAPH_STRING_PROPERTIES: return bytes.size <= GRAPH_ROW_MAX_BYTES && property_list_is_valid(bytes, NULL);
    case GRAPH_STRING_VALUE:
        return bytes.size <= GRAPH_ROW_MAX_BYTES && (bytes.size == 0 || graph_property_is_valid(bytes));
    case GRAPH_STRING_EXTERNAL: return bytes.size > 0 && bytes.size <= GRAPH_EXTERNAL_MAX_BYTES;
    default: return false;
    }
}

enum status graph_record_next(struct graph_op *op, struct graph_record *record) {
    struct decoder decoder = decoder_make(op->rest);
    if (op->rest.size == 0) return STATUS_END;
    const uint8_t kind = decode_u8(&decoder);
    const struct graph_record_shape *shape = graph_record_shape(kind);
    if (!shape || !(shape->ops & 1u << op->kind)) return STATUS_SYNTAX;
    record->kind = (enum graph_record_kind)kind;
    record->label_count = 0;
    for (int i = 0; has_number(shape, i); i++) record->numbers[i] = decode_varint(&decoder);
    if (shape->labels && !label_list_decode(&decoder, record->labels, &record->label_count)) return STATUS_SYNTAX;
    for (int i = 0; has_string(shape, i); i++) {
        record->strings[i] = decode_string(&decoder);
        if (decoder.failed || !string_is_valid(shape->strings[i].kind, record->strings[i])) return STATUS_SYNTAX;
    }
    if (decoder.failed || (kind == GRAPH_RECORD_WORD && record->numbers[0] >= GRAPH_VOCABULARIES)) return STATUS_SYNTAX;
    op->rest = slice_make(decoder.cursor, (size_t)(decoder.end - decoder.cursor));
    return STATUS_OK;
}
