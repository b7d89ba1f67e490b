/* describe_op: operations in the log, field by field, by the table of their records (graph_record_shape);
 * graph_record_next says where a record ends and whether it is sound. */
#include <inttypes.h>

#include "graph/describe.h"
#include "graph/describe_parts.h"
#include "graph/graph_layout.h"
#include "graph/op.h"

static void describe_part(struct fields *inner, void *context) {
    const enum graph_string_kind *kind = context;
    if (*kind == GRAPH_STRING_PROPERTIES) describe_properties(inner);
    if (*kind == GRAPH_STRING_VALUE && decoder_left(&inner->decoder)) (void)describe_property_value(inner);
}

static void describe_string(struct fields *fields, const char *name, enum graph_string_kind kind) {
    if (kind == GRAPH_STRING_TEXT || kind == GRAPH_STRING_EXTERNAL) {
        (void)fields_string(fields, name);
        return;
    }
    const uint64_t size = decode_varint(&fields->decoder);
    fields_tell(fields, "length", "%" PRIu64 " bytes of %s%s", size, name,
                kind == GRAPH_STRING_VALUE && size == 0 ? ": it is removed" : "");
    fields_describe(fields, decode_bytes(&fields->decoder, size), describe_part, &kind);
}

/* The record that stands next, and is sound. */
static void describe_record(struct fields *fields, const struct graph_record_shape *shape) {
    const uint64_t kind = layout_tell(graph_record_layout.rows, fields);
    const struct layout_case *body = layout_find_case(&graph_record_body_layout, kind);
    size_t string = 0;
    for (const struct layout_row *row = body->rows; row->name; row++) {
        if (row->form == LAYOUT_CODE)
            describe_labels(fields);
        else if (row->form == LAYOUT_STRING)
            describe_string(fields, row->name, shape->strings[string++].kind);
        else
            (void)layout_tell(row, fields);
    }
}

static void describe_records(struct fields *fields, struct graph_op *op) {
    struct graph_record record;
    uint64_t counts[GRAPH_RECORD_IMPORT_EDGE + 1] = {0};
    enum status status;
    while ((status = graph_record_next(op, &record)) == STATUS_OK) {
        describe_record(fields, graph_record_shape((uint8_t)record.kind));
        counts[record.kind]++;
        if (decoder_left(&fields->decoder) != op->rest.size) return; /* fields_end says so */
    }
    fields_judge(fields, status == STATUS_END ? STATUS_OK : status);
    for (int kind = 0; kind <= GRAPH_RECORD_IMPORT_EDGE; kind++)
        if (counts[kind] > 1)
            fields_note(fields, "records", "%" PRIu64 " times %s", counts[kind],
                        graph_record_kind_name((enum graph_record_kind)kind));
}

void graph_operation_describe(struct fields *fields) {
    static const char *const numbers[] = {
        [GRAPH_OP_EFFECTS] = "computed on change", [GRAPH_OP_IMPORT] = "flags", [GRAPH_OP_DELETE] = "number"};
    struct graph_op op;
    const enum status status = graph_op_decode(fields_left(fields), &op);
    fields_judge(fields, status);
    (void)layout_tell(layout_row(&graph_operation_layout, "version"), fields);
    (void)layout_tell(layout_row(&graph_operation_layout, "operation"), fields);
    if (status == STATUS_UNSUPPORTED) return;
    (void)layout_tell(layout_row(&graph_operation_layout, "graph name"), fields);
    (void)fields_varint(fields, status == STATUS_OK ? numbers[op.kind] : "number");
    if (status == STATUS_OK) describe_records(fields, &op);
}
