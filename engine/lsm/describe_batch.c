/* describe_batch: a record of the own log, field by field. batch_reader_next says where an operation ends and whether
 * it is sound. */
#include <inttypes.h>

#include "engine/describe.h"
#include "engine/lsm/batch.h"

static const char *const kind_names[] = {
    [BATCH_PUT] = "put",
    [BATCH_DELETE] = "delete",
    [BATCH_DELETE_RANGE] = "delete range",
    [BATCH_MERGE] = "merge",
    [BATCH_APPEND] = "append",
    [BATCH_CREATE_TREE] = "create tree",
    [BATCH_DROP_TREE] = "drop tree",
};

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

/* A string of the operation; `describe` NULL: as text. */
static void describe_string(struct fields *fields, const char *name, void (*describe)(struct fields *, void *),
                            struct part *part) {
    const uint64_t size = decode_varint(&fields->decoder);
    fields_tell(fields, "length", "%" PRIu64 " bytes of %s", size, name);
    if (part->rows && describe)
        fields_describe(fields, decode_bytes(&fields->decoder, size), describe, part);
    else
        (void)fields_text(fields, size, name);
}

/* The bytes of an operation that is sound. */
static void describe_operation(struct fields *fields, const struct batch_operation *operation,
                               const struct tree_describers *trees) {
    struct part part = {.rows = trees->find(trees->context, operation->tree), .operation = operation};
    (void)decode_u8(&fields->decoder);
    fields_tell(fields, "operation", "%s", kind_names[operation->kind]);
    const uint64_t tree = decode_varint(&fields->decoder);
    fields_tell(fields, "tree", "%" PRIu64 "%s%s", tree, part.rows ? ": " : "", part.rows ? part.rows->name : "");
    switch (operation->kind) {
    case BATCH_CREATE_TREE:
        (void)fields_varint(fields, "length");
        (void)fields_varint(fields, "kind of tree");
        return;
    case BATCH_DROP_TREE: return;
    case BATCH_DELETE: describe_string(fields, "key", describe_key, &part); return;
    case BATCH_DELETE_RANGE: /* a bound need not be a whole key */
        describe_string(fields, "from", NULL, &part);
        describe_string(fields, "to", NULL, &part);
        return;
    default:
        describe_string(fields, "key", describe_key, &part);
        describe_string(fields, "value", describe_value, &part);
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
    const bool compact = fields_u8(fields, "version") == BATCH_RECORD_COMPACT;
    if (status) return;
    (void)fields_varint(fields, "first sequence");
    if (compact) {
        (void)decode_varint(&fields->decoder);
        fields_tell(fields, "index", "%" PRIu64, header.mark.index);
    } else {
        (void)fields_varint(fields, "operations");
        (void)fields_varint(fields, "index");
        (void)fields_varint(fields, "term");
    }
    const int64_t time_ms = coding_unzigzag(decode_varint(&fields->decoder));
    fields_tell(fields, "log time", "%" PRId64 " ms", time_ms);
    describe_operations(fields, header.count, trees);
}
