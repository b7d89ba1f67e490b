/* walk_batch: the operations of a batch, or of a record of the own log, for tools (engine/explain.h). */
#include "engine/explain.h"
#include "engine/lsm/batch.h"

static bool describe(const struct batch_operation *operation, struct engine_operation *told) {
    told->tree = operation->tree;
    told->key = operation->key;
    told->value = operation->value;
    switch (operation->kind) {
    case BATCH_PUT: told->kind = ENGINE_OPERATION_PUT; return true;
    case BATCH_DELETE: told->kind = ENGINE_OPERATION_DELETE; return true;
    case BATCH_DELETE_RANGE: told->kind = ENGINE_OPERATION_DELETE_RANGE; return true;
    case BATCH_MERGE: told->kind = ENGINE_OPERATION_MERGE; return true;
    case BATCH_APPEND: told->kind = ENGINE_OPERATION_APPEND; return true;
    case BATCH_CREATE_TREE: told->kind = ENGINE_OPERATION_CREATE_TREE; return true;
    case BATCH_DROP_TREE: told->kind = ENGINE_OPERATION_DROP_TREE; return true;
    }
    return false;
}

static enum status walk(struct slice operations, uint32_t count,
                        enum status (*visit)(void *context, const struct engine_operation *operation), void *context) {
    struct batch_reader reader;
    struct batch_operation operation;
    enum status status;
    batch_reader_init(&reader, operations, count);
    while ((status = batch_reader_next(&reader, &operation)) == STATUS_OK) {
        struct engine_operation told = {.kind = ENGINE_OPERATION_PUT};
        if (!describe(&operation, &told)) return STATUS_CORRUPT;
        status = visit(context, &told);
        if (status != STATUS_OK) return status;
    }
    return status == STATUS_END ? STATUS_OK : status;
}

enum status engine_walk_batch(const struct engine_batch *batch,
                              enum status (*visit)(void *context, const struct engine_operation *operation),
                              void *context) {
    const enum status status = walk(buf_slice(&batch->operations), batch->count, visit, context);
    return status == STATUS_CORRUPT ? STATUS_INVALID : status;
}

enum status engine_walk_record(struct slice record, struct engine_mark *mark,
                               enum status (*visit)(void *context, const struct engine_operation *operation),
                               void *context) {
    struct batch_header header;
    struct slice operations;
    const enum status status = batch_header_decode(record, &header, &operations);
    if (status != STATUS_OK) return status;
    *mark = header.mark;
    return walk(operations, header.count, visit, context);
}
