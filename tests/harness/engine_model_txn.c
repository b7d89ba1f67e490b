/* engine_model_txn: operations of the model as a transaction; see model_commit. */
#include "engine/txn.h"
#include "tests/harness/engine_model.h"

static enum status carry_out(const struct model_operation *operation, struct engine_txn *txn) {
    struct model_row row;
    model_row(operation, &row);
    switch (operation->action) {
    case MODEL_PUT:
        if (operation->kind == MODEL_UNTIL)
            return engine_txn_put_until(txn, operation->tree, row.key, row.value, operation->expires_ms);
        return engine_txn_put(txn, operation->tree, row.key, row.value);
    case MODEL_APPEND: return engine_txn_append(txn, operation->tree, row.key, row.value);
    case MODEL_DELETE: return engine_txn_delete(txn, operation->tree, row.key);
    case MODEL_DELETE_RANGE: return engine_txn_delete_range(txn, operation->tree, row.key, row.end);
    case MODEL_MERGE: return engine_txn_merge(txn, operation->tree, row.key, row.value);
    default: return STATUS_INVALID;
    }
}

/* What must not stay: every key of the tree goes, and one comes. */
static enum status write_in_vain(struct engine_txn *txn, uint32_t tree, struct slice key) {
    uint32_t savepoint;
    enum status status = engine_txn_save(txn, &savepoint);
    if (status == STATUS_OK) status = engine_txn_delete_range(txn, tree, slice_make(NULL, 0), slice_make(NULL, 0));
    if (status == STATUS_OK) status = engine_txn_put(txn, tree, key, slice_from_text("taken back"));
    return status == STATUS_OK ? engine_txn_rollback(txn, savepoint) : status;
}

static enum status commit(struct engine_txn *txn, struct engine_txn *rival, const struct model_operation *operations,
                          size_t count, const struct engine_write_options *options) {
    const struct model_operation *last = &operations[count - 1];
    const struct slice key = model_key(last->key);
    enum status status = engine_txn_put(rival, last->tree, key, slice_from_text("the rival's"));
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (i == count / 2) status = write_in_vain(txn, last->tree, key);
        if (status == STATUS_OK) status = carry_out(&operations[i], txn);
    }
    if (status == STATUS_OK) status = engine_txn_commit(txn, options);
    return status == STATUS_OK && engine_txn_commit(rival, options) == STATUS_OK ? STATUS_MISMATCH : status;
}

enum status model_commit(struct engine *engine, const struct model_operation *operations, size_t count, int64_t time_ms,
                         const struct engine_write_options *options) {
    struct engine_txn *txn = NULL, *rival = NULL;
    enum status status = engine_txn_begin(engine, NULL, &txn);
    if (status == STATUS_OK) status = engine_txn_begin(engine, NULL, &rival);
    if (status == STATUS_OK) engine_txn_set_time(txn, time_ms);
    if (status == STATUS_OK) status = commit(txn, rival, operations, count, options);
    engine_txn_end(rival);
    engine_txn_end(txn);
    return status;
}
