/* engine_loam_txn: one transaction for each thread, begun anew for each operation. */
#include "tools/loam/bench/engine_loam_txn.h"

#include <stdlib.h>

#include "engine/txn.h"

struct store_txn {
    struct engine_txn *txn;
    struct engine_value value;
    uint32_t tree;
    bool fresh; /* nothing was done in it */
};

static enum status fail(enum status status, const char *what) {
    if (status == STATUS_OK || status == STATUS_CONFLICT || status == STATUS_NOT_FOUND) return status;
    return engine_driver_fail(&engine_driver_loam, status, what, status_text(status));
}

enum status loam_txn_open(struct engine *engine, uint32_t tree, struct store_txn **opened) {
    struct store_txn *txn = calloc(1, sizeof *txn);
    if (!txn) return STATUS_NO_MEMORY;
    txn->tree = tree;
    txn->fresh = true;
    const enum status status = engine_txn_begin(engine, NULL, &txn->txn);
    if (status != STATUS_OK) {
        free(txn);
        return fail(status, "begin");
    }
    *opened = txn;
    return STATUS_OK;
}

void loam_txn_close(struct store_txn *txn) {
    engine_txn_end(txn->txn);
    free(txn);
}

enum status loam_txn_begin(struct store_txn *txn) {
    const bool fresh = txn->fresh;
    txn->fresh = false;
    return fresh ? STATUS_OK : fail(engine_txn_restart(txn->txn), "restart");
}

enum status loam_txn_get(struct store_txn *txn, struct slice key, struct slice *value) {
    const enum status status = engine_txn_get_for_update(txn->txn, txn->tree, key, &txn->value);
    if (status == STATUS_OK) *value = txn->value.data;
    return fail(status, "get for update");
}

void loam_txn_done(struct store_txn *txn) {
    engine_value_release(&txn->value);
}

enum status loam_txn_put(struct store_txn *txn, struct slice key, struct slice value) {
    return fail(engine_txn_put(txn->txn, txn->tree, key, value), "put");
}

enum status loam_txn_commit(struct store_txn *txn) {
    return fail(engine_txn_commit(txn->txn, NULL), "commit");
}
