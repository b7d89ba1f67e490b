/* describe_batch: a record of the own log, field by field. batch_reader_next says where an operation ends and whether
 * it is sound. */
#include <inttypes.h>

#include "engine/describe.h"
#include "engine/lsm/batch.h"
#include "engine/lsm/lsm_layout_format.h"

struct part {
    const struct row_describer *rows;
    const struct batch_operation *operation;
};

static void describe_key(struct fields *inner, void *context) {
    const struct part *part = context;
    part->rows->key(inner);
}

static void describe_value(struct fields *inner, void *context) {
    const struct part *part = context;
    const enum batch_kind kind = part->operation->kind;
    const enum row_form form = kind == BATCH_MERGE ? ROW_OPERAND : kind == BATCH_APPEND ? ROW_APPENDED : ROW_VALUE;
    part->rows->value(inner, part->operation->key, form);
}

/* A string of the operation: as the tree's rows have it, or as text. */
static void describe_string(struct fields *fields, const struct layout_row *row,
                            void (*describe)(struct fields *, void *), struct part *part) {
    if (!part->rows) {
        (void)layout_tell(row, fields);
        return;
    }
    const uint64_t size = decode_varint(&fields->decoder);
    fields_tell(fields, "length", "%" PRIu64 " bytes of %s", size, row->name);
    fields_describe(fields, decode_bytes(&fields->decoder, size), describe, part);
}

/* The bytes of an operation that is sound. A bound of a range need not be a whole key. */
static void describe_operation(struct fields *fields, const struct batch_operation *operation,
                               const struct tree_describers *trees) {
    struct part part = {.rows = trees->find(trees->context, operation->tree), .operation = operation};
    const struct layout_row *tree_row = layout_row(&batch_operation_layout, "tree");
    (void)layout_tell(layout_row(&batch_operation_layout, "operation"), fields);
    const uint64_t tree = layout_read(tree_row, fields);
    fields_tell(fields, tree_row->name, "%" PRIu64 "%s%s", tree, part.rows ? ": " : "",
                part.rows ? part.rows->name : "");
    const struct layout_case *body = layout_find_case(&batch_body_layout, operation->kind);
    for (const struct layout_row *row = body->rows; row && row->name; row++) {
        if (strcmp(row->name, "key") == 0)
            describe_string(fields, row, describe_key, &part);
        else if (strcmp(row->name, "value") == 0)
            describe_string(fields, row, describe_value, &part);
        else
            (void)layout_tell(row, fields);
    }
}

static void describe_operations(struct fields *fields, uint32_t count, const struct tree_describers *trees) {
    struct batch_reader reader;
    struct batch_operation operation;
    batch_reader_init(&reader, fields_left(fields), count);
    enum status status;
    while ((status = batch_reader_next(&reader, &operation)) == STATUS_OK) {
        describe_operation(fields, &operation, trees);
        if (fields->decoder.cursor != reader.decoder.cursor) return; /* fields_end says so */
    }
    fields_judge(fields, status == STATUS_END ? STATUS_OK : status);
}

void batch_record_describe(struct fields *fields, const struct tree_describers *trees) {
    struct batch_header header;
    struct slice operations;
    const enum status status = batch_header_decode(fields_left(fields), &header, &operations);
    fields_judge(fields, status);
    if (status) {
        (void)layout_tell(&batch_record_layout.rows[0], fields);
        return;
    }
    const bool compact = fields_left(fields).data[0] == BATCH_RECORD_COMPACT;
    const struct layout_row *rows = compact ? batch_compact_record_layout.rows : batch_record_layout.rows;
    for (const struct layout_row *row = rows; row->form != LAYOUT_CODE; row++) {
        if (compact && row->form == LAYOUT_ZIGZAG) { /* what it is the distance of */
            (void)layout_read(row, fields);
            fields_tell(fields, row->name, "%" PRIu64, header.mark.index);
        } else {
            (void)layout_tell(row, fields);
        }
    }
    describe_operations(fields, header.count, trees);
}
