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

/* What a string of a record is, and with that what is checked of it. */
enum part { PART_NONE, PART_TEXT, PART_PROPERTIES, PART_VALUE, PART_EXTERNAL };

struct shape {
    const char *name;
    uint8_t ops; /* bit of each kind of operation that takes it */
    uint8_t numbers;
    bool labels;
    uint8_t strings[GRAPH_RECORD_STRINGS_MAX];
};

enum { IN_EFFECTS = 1 << GRAPH_OP_EFFECTS, IN_IMPORT = 1 << GRAPH_OP_IMPORT };

static const struct shape shapes[] = {
    [GRAPH_RECORD_WORD] = {"word", IN_EFFECTS | IN_IMPORT, 1, false, {PART_TEXT}},
    [GRAPH_RECORD_CREATE_NODE] = {"create_node", IN_EFFECTS, 0, true, {PART_PROPERTIES}},
    [GRAPH_RECORD_CREATE_EDGE] = {"create_edge", IN_EFFECTS, 3, false, {PART_PROPERTIES}},
    [GRAPH_RECORD_DELETE_NODE] = {"delete_node", IN_EFFECTS, 1, false, {0}},
    [GRAPH_RECORD_DELETE_EDGE] = {"delete_edge", IN_EFFECTS, 1, false, {0}},
    [GRAPH_RECORD_SET_NODE_PROPERTY] = {"set_node_property", IN_EFFECTS, 2, false, {PART_VALUE}},
    [GRAPH_RECORD_SET_EDGE_PROPERTY] = {"set_edge_property", IN_EFFECTS, 2, false, {PART_VALUE}},
    [GRAPH_RECORD_ADD_LABEL] = {"add_label", IN_EFFECTS, 2, false, {0}},
    [GRAPH_RECORD_REMOVE_LABEL] = {"remove_label", IN_EFFECTS, 2, false, {0}},
    [GRAPH_RECORD_IMPORT_NODE] = {"import_node", IN_IMPORT, 0, true, {PART_EXTERNAL, PART_PROPERTIES}},
    [GRAPH_RECORD_IMPORT_EDGE] = {"import_edge", IN_IMPORT, 1, false, {PART_EXTERNAL, PART_EXTERNAL, PART_PROPERTIES}},
};
enum { RECORD_KINDS = sizeof shapes / sizeof shapes[0] };

const char *graph_record_kind_name(enum graph_record_kind kind) {
    return (unsigned)kind < RECORD_KINDS && shapes[kind].name ? shapes[kind].name : "unknown";
}

enum status graph_record_encode(struct buf *to, const struct graph_record *record) {
    const struct shape *shape = &shapes[record->kind];
    enum status status = encode_u8(to, (uint8_t)record->kind);
    for (int i = 0; status == STATUS_OK && i < shape->numbers; i++) status = encode_varint(to, record->numbers[i]);
    if (status == STATUS_OK && shape->labels) status = label_list_encode(to, record->labels, record->label_count);
    for (int i = 0; status == STATUS_OK && i < GRAPH_RECORD_STRINGS_MAX && shape->strings[i]; i++)
        status = encode_string(to, record->strings[i]);
    return status;
}

static bool part_is_valid(enum part part, struct slice bytes) {
    switch (part) {
    case PART_TEXT: return bytes.size > 0 && bytes.size <= GRAPH_NAME_MAX_BYTES;
    case PART_PROPERTIES: return bytes.size <= GRAPH_ROW_MAX_BYTES && property_list_is_valid(bytes, NULL);
    case PART_VALUE: return bytes.size <= GRAPH_ROW_MAX_BYTES && (bytes.size == 0 || graph_property_is_valid(bytes));
    case PART_EXTERNAL: return bytes.size > 0 && bytes.size <= GRAPH_EXTERNAL_MAX_BYTES;
    default: return false;
    }
}

enum status graph_record_next(struct graph_op *op, struct graph_record *record) {
    struct decoder decoder = decoder_make(op->rest);
    if (op->rest.size == 0) return STATUS_END;
    const uint8_t kind = decode_u8(&decoder);
    if (kind >= RECORD_KINDS || !(shapes[kind].ops & 1u << op->kind)) return STATUS_SYNTAX;
    const struct shape *shape = &shapes[kind];
    record->kind = (enum graph_record_kind)kind;
    record->label_count = 0;
    for (int i = 0; i < shape->numbers; i++) record->numbers[i] = decode_varint(&decoder);
    if (shape->labels && !label_list_decode(&decoder, record->labels, &record->label_count)) return STATUS_SYNTAX;
    for (int i = 0; i < GRAPH_RECORD_STRINGS_MAX && shape->strings[i]; i++) {
        record->strings[i] = decode_string(&decoder);
        if (decoder.failed || !part_is_valid((enum part)shape->strings[i], record->strings[i])) return STATUS_SYNTAX;
    }
    if (decoder.failed || (kind == GRAPH_RECORD_WORD && record->numbers[0] >= GRAPH_VOCABULARIES)) return STATUS_SYNTAX;
    op->rest = slice_make(decoder.cursor, (size_t)(decoder.end - decoder.cursor));
    return STATUS_OK;
}
