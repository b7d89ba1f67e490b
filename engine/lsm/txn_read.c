/* txn_read: what a transaction sees: its snapshot, and over it its own writes. */
#include "engine/lsm/lookup.h"
#include "engine/lsm/txn_parts.h"

enum status engine_txn_get(struct engine_txn *txn, uint32_t tree, struct slice key, struct engine_value *value) {
    const struct own_writes own = txn_own(txn);
    *value = (struct engine_value){.data = {NULL, 0}};
    return txn->snapshot ? lookup_get(txn->engine, txn->snapshot, &own, tree, key, 0, value) : STATUS_INVALID;
}

enum status engine_txn_get_for_update(struct engine_txn *txn, uint32_t tree, struct slice key,
                                      struct engine_value *value) {
    *value = (struct engine_value){.data = {NULL, 0}};
    const enum status status = engine_txn_lock(txn, tree, key);
    return status == STATUS_OK ? engine_txn_get(txn, tree, key, value) : status;
}

enum status engine_txn_get_many(struct engine_txn *txn, uint32_t tree, const struct slice *keys, size_t count,
                                struct engine_value *values, enum status *statuses) {
    const struct own_writes own = txn_own(txn);
    if (txn->snapshot) return lookup_get_many(txn->engine, txn->snapshot, &own, tree, keys, count, values, statuses);
    for (size_t i = 0; i < count; i++) {
        values[i] = (struct engine_value){.data = {NULL, 0}};
        statuses[i] = STATUS_INVALID;
    }
    return STATUS_INVALID;
}

enum status engine_txn_iterator_open(struct engine_txn *txn, uint32_t tree,
                                     const struct engine_iterator_options *options, struct engine_iterator **iterator) {
    const struct own_writes own = txn_own(txn);
    struct engine_iterator_options at = options ? *options : (struct engine_iterator_options){0};
    *iterator = NULL;
    if (!txn->snapshot || at.snapshot) return STATUS_INVALID;
    at.snapshot = txn->snapshot;
    return iterator_open_over(txn->engine, tree, &at, &own, iterator);
}
