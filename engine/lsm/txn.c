/*
 * txn: life of a transaction, its writes and savepoints. Invariant: `writes` and `own` hold the same operations; a call
 * that fails leaves both as they were.
 */
#include "engine/lsm/txn_parts.h"

#include <stdlib.h>

enum {
    LIMIT_BYTES = 16 << 20,
    ENTRY_COST = 96, /* of a row in memory beside key and value, about */
};

/* ---- Life -------------------------------------------------------------------------------------------------------- */

enum status engine_txn_begin(struct engine *engine, const struct engine_txn_options *options, struct engine_txn **txn) {
    *txn = NULL;
    if (engine->options.wal != ENGINE_WAL_OWN) return STATUS_UNSUPPORTED;
    struct engine_txn *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    made->engine = engine;
    made->limit_bytes = options && options->limit_bytes ? options->limit_bytes : LIMIT_BYTES;
    engine_batch_init(&made->writes);
    engine_batch_init(&made->locks);
    made->snapshot = store_snapshot_acquire(engine, true);
    if (!made->snapshot) {
        engine_txn_end(made);
        return STATUS_NO_MEMORY;
    }
    *txn = made;
    return STATUS_OK;
}

/* All but the snapshot and what can serve again. */
static void forget(struct engine_txn *txn) {
    engine_batch_clear(&txn->writes);
    engine_batch_clear(&txn->locks);
    memtable_release(txn->own);
    txn->own = NULL;
    txn->tree_count = txn->tree_latest = txn->save_count = 0;
    txn->conflict = (struct engine_txn_conflict){0};
    txn->time_ms = 0;
}

void engine_txn_end(struct engine_txn *txn) {
    if (!txn) return;
    forget(txn);
    engine_snapshot_release(txn->engine, txn->snapshot);
    engine_batch_deinit(&txn->writes);
    engine_batch_deinit(&txn->locks);
    buf_deinit(&txn->conflict_key);
    free(txn->trees);
    free(txn->saves);
    free(txn);
}

enum status engine_txn_restart(struct engine_txn *txn) {
    struct engine_snapshot *snapshot = store_snapshot_acquire(txn->engine, true);
    if (!snapshot) return STATUS_NO_MEMORY;
    engine_snapshot_release(txn->engine, txn->snapshot);
    txn->snapshot = snapshot;
    forget(txn);
    return STATUS_OK;
}

const struct engine_snapshot *engine_txn_snapshot(const struct engine_txn *txn) {
    return txn->snapshot;
}

size_t engine_txn_bytes(const struct engine_txn *txn) {
    return txn->writes.operations.size + txn->locks.operations.size + (txn->own ? memtable_bytes(txn->own) : 0);
}

/* ---- Trees ------------------------------------------------------------------------------------------------------- */

static enum status add_tree(struct engine_txn *txn, uint32_t id) {
    struct store_read read;
    if (txn->tree_count == txn->tree_capacity) {
        const size_t more = txn->tree_capacity ? txn->tree_capacity * 2 : 4;
        struct txn_tree *grown = realloc(txn->trees, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        txn->trees = grown;
        txn->tree_capacity = more;
    }
    store_begin_read(txn->engine, txn->snapshot, id, &read);
    if (read.tree) {
        txn->tree_latest = txn->tree_count++;
        txn->trees[txn->tree_latest] = (struct txn_tree){id, read.tree->instance, read.tree->kind};
    }
    store_end_read(txn->engine, &read);
    return read.tree ? STATUS_OK : STATUS_INVALID;
}

enum status txn_find_tree(struct engine_txn *txn, uint32_t id, const struct txn_tree **tree) {
    enum status status = STATUS_OK;
    if (!txn->snapshot) return STATUS_INVALID;
    if (txn->tree_count == 0 || txn->trees[txn->tree_latest].id != id) {
        size_t at = 0;
        while (at < txn->tree_count && txn->trees[at].id != id) at++;
        if (at < txn->tree_count)
            txn->tree_latest = at;
        else
            status = add_tree(txn, id);
    }
    if (status == STATUS_OK) *tree = &txn->trees[txn->tree_latest];
    return status;
}

/* ---- Writes ------------------------------------------------------------------------------------------------------ */

/* Adds operations to a memtable; `number` counts those before them. */
static enum status put_in_memtable(struct engine_txn *txn, struct memtable *own, struct slice operations,
                                   uint32_t number, uint32_t count) {
    struct batch_reader reader;
    struct batch_operation operation;
    const struct txn_tree *tree;
    batch_reader_init(&reader, operations, count);
    for (uint32_t i = 1; i <= count; i++) {
        enum status status = batch_reader_next(&reader, &operation);
        if (status == STATUS_OK) status = txn_find_tree(txn, operation.tree, &tree);
        if (status == STATUS_OK && !batch_fits(tree->kind, &operation)) status = STATUS_INVALID;
        if (status == STATUS_OK)
            status = memtable_add(own, tree->instance, batch_entry_kind(operation.kind),
                                  OWN_SEQUENCE_FIRST + number + i, operation.key, operation.value);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static bool is_over_limit(const struct engine_txn *txn, size_t bytes) {
    const size_t used = engine_txn_bytes(txn);
    return bytes > txn->limit_bytes || used > txn->limit_bytes - bytes;
}

/* `built` is what adding to txn->writes has answered, which had that many bytes before. */
static enum status absorb(struct engine_txn *txn, size_t before, enum status built) {
    struct engine_batch *writes = &txn->writes;
    if (built != STATUS_OK) return built;
    const size_t added = writes->operations.size - before;
    enum status status = is_over_limit(txn, added + ENTRY_COST) ? STATUS_TOO_LARGE : STATUS_OK;
    if (status == STATUS_OK && !txn->own && !(txn->own = memtable_create_small(1))) status = STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status =
            put_in_memtable(txn, txn->own, slice_make(writes->operations.data + before, added), writes->count - 1, 1);
    if (status == STATUS_OK) return STATUS_OK;
    writes->operations.size = before;
    writes->count--;
    return status;
}

enum status engine_txn_put(struct engine_txn *txn, uint32_t tree, struct slice key, struct slice value) {
    const size_t before = txn->writes.operations.size;
    return absorb(txn, before, engine_batch_put(&txn->writes, tree, key, value));
}

enum status engine_txn_put_until(struct engine_txn *txn, uint32_t tree, struct slice key, struct slice value,
                                 int64_t expires_ms) {
    const size_t before = txn->writes.operations.size;
    return absorb(txn, before, engine_batch_put_until(&txn->writes, tree, key, value, expires_ms));
}

enum status engine_txn_delete(struct engine_txn *txn, uint32_t tree, struct slice key) {
    const size_t before = txn->writes.operations.size;
    return absorb(txn, before, engine_batch_delete(&txn->writes, tree, key));
}

enum status engine_txn_delete_range(struct engine_txn *txn, uint32_t tree, struct slice begin, struct slice end) {
    const size_t before = txn->writes.operations.size;
    return absorb(txn, before, engine_batch_delete_range(&txn->writes, tree, begin, end));
}

enum status engine_txn_merge(struct engine_txn *txn, uint32_t tree, struct slice key, struct slice operand) {
    const size_t before = txn->writes.operations.size;
    return absorb(txn, before, engine_batch_merge(&txn->writes, tree, key, operand));
}

enum status engine_txn_append(struct engine_txn *txn, uint32_t tree, struct slice key, struct slice bytes) {
    const size_t before = txn->writes.operations.size;
    return absorb(txn, before, engine_batch_append(&txn->writes, tree, key, bytes));
}

/* ---- Locks ------------------------------------------------------------------------------------------------------- */

enum status engine_txn_lock(struct engine_txn *txn, uint32_t tree, struct slice key) {
    const struct txn_tree *used;
    const enum status status = txn_find_tree(txn, tree, &used);
    if (status != STATUS_OK) return status;
    return is_over_limit(txn, key.size + ENTRY_COST) ? STATUS_TOO_LARGE : engine_batch_delete(&txn->locks, tree, key);
}

enum status engine_txn_lock_range(struct engine_txn *txn, uint32_t tree, struct slice begin, struct slice end) {
    const struct txn_tree *used;
    const enum status status = txn_find_tree(txn, tree, &used);
    if (status != STATUS_OK) return status;
    return is_over_limit(txn, begin.size + end.size + ENTRY_COST)
               ? STATUS_TOO_LARGE
               : engine_batch_delete_range(&txn->locks, tree, begin, end);
}

/* ---- Savepoints -------------------------------------------------------------------------------------------------- */

enum status engine_txn_save(struct engine_txn *txn, uint32_t *savepoint) {
    if (!txn->snapshot) return STATUS_INVALID;
    if (txn->save_count == txn->save_capacity) {
        const size_t more = txn->save_capacity ? txn->save_capacity * 2 : 4;
        struct txn_save *grown = realloc(txn->saves, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        txn->saves = grown;
        txn->save_capacity = more;
    }
    *savepoint = txn->next_save++;
    txn->saves[txn->save_count++] = (struct txn_save){*savepoint, txn->writes.count, txn->writes.operations.size};
    return STATUS_OK;
}

/* What was read may still lie in the present memtable, pinned: what stays is written into another. */
enum status engine_txn_rollback(struct engine_txn *txn, uint32_t savepoint) {
    size_t at = txn->save_count;
    while (at > 0 && txn->saves[at - 1].number > savepoint) at--;
    if (!txn->snapshot || at == 0 || txn->saves[at - 1].number != savepoint) return STATUS_INVALID;
    const struct txn_save *save = &txn->saves[at - 1];
    struct memtable *own = NULL;
    enum status status = STATUS_OK;
    if (save->count > 0) {
        own = memtable_create_small(1);
        status = own ? put_in_memtable(txn, own, slice_make(txn->writes.operations.data, save->bytes), 0, save->count)
                     : STATUS_NO_MEMORY;
    }
    if (status != STATUS_OK) {
        memtable_release(own);
        return status;
    }
    memtable_release(txn->own);
    txn->own = own;
    txn->writes.operations.size = save->bytes;
    txn->writes.count = save->count;
    txn->save_count = at;
    return STATUS_OK;
}
