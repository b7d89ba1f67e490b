/*
 * txn_commit: first committer wins. The keys are looked for twice: before the commit queue in all that is published,
 * which may read files and holds up nobody; and by the queue's leader in what came after that, which is in memory but
 * for a flush in between. Invariant: between the second look and the transaction's writes nothing is written.
 */
#include "engine/lsm/conflict.h"
#include "engine/lsm/txn_parts.h"

static enum status lost(struct engine_txn *txn, uint32_t tree, struct slice key, uint64_t sequence) {
    txn->conflict = (struct engine_txn_conflict){.tree = tree, .key = key, .sequence = sequence};
    return STATUS_CONFLICT;
}

/* Each tree is the one that it was. */
static enum status check_trees(struct engine_txn *txn, uint64_t sequence) {
    const struct tree_table *table = &txn->engine->trees;
    for (size_t i = 0; i < txn->tree_count; i++) {
        const struct txn_tree *used = &txn->trees[i];
        const struct tree *tree = tree_table_find(table, used->id, sequence);
        if (tree && tree->instance == used->instance) continue;
        const struct tree *then = tree_table_find(table, used->id, txn->snapshot->sequence); /* our snapshot holds it */
        const enum status status = lost(txn, used->id, slice_make(NULL, 0), then ? atomic_load(&then->dropped) : 0);
        txn->conflict.tree_is_gone = true;
        return status;
    }
    return STATUS_OK;
}

static enum status check_operation(struct engine_txn *txn, struct conflict_search *search,
                                   const struct batch_operation *operation) {
    const struct txn_tree *tree;
    bool found = false;
    enum status status = txn_find_tree(txn, operation->tree, &tree);
    if (status != STATUS_OK) return status;
    if (operation->kind != BATCH_DELETE_RANGE) {
        status = conflict_find_key(search, tree->instance, operation->key, &found);
        return found ? lost(txn, operation->tree, operation->key, search->sequence) : status;
    }
    status = conflict_find_range(search, tree->instance, operation->key, operation->value, &found);
    if (!found) return status;
    if (status == STATUS_OK) status = buf_assign(&txn->conflict_key, buf_slice(&search->key));
    /* Without memory for the key's place, the range's beginning. */
    return lost(txn, operation->tree, status == STATUS_OK ? buf_slice(&txn->conflict_key) : operation->key,
                search->sequence);
}

static enum status check_operations(struct engine_txn *txn, struct conflict_search *search,
                                    const struct engine_batch *batch) {
    struct batch_reader reader;
    struct batch_operation operation;
    batch_reader_init(&reader, buf_slice(&batch->operations), batch->count);
    enum status status;
    while ((status = batch_reader_next(&reader, &operation)) == STATUS_OK) {
        status = check_operation(txn, search, &operation);
        if (status != STATUS_OK) return status;
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status check_all(struct engine_txn *txn, struct conflict_search *search) {
    enum status status = check_trees(txn, search->upto);
    if (status == STATUS_OK) status = check_operations(txn, search, &txn->writes);
    if (status == STATUS_OK) status = check_operations(txn, search, &txn->locks);
    buf_deinit(&search->key);
    return status;
}

/* Everything up to `sequence` is in memtables, none of it in files alone: then files need not be asked. After the view
 * was acquired: what is installed later is in its memtables still. */
static bool has_files_after(struct engine *engine, uint64_t sequence) {
    mutex_lock(&engine->mutex);
    const bool has = engine->installed_sequence > sequence;
    mutex_unlock(&engine->mutex);
    return has;
}

static enum status check_published(struct engine_txn *txn) {
    struct engine *engine = txn->engine;
    struct store_read read;
    store_begin_read(engine, NULL, 0, &read);
    struct conflict_search search = {
        .engine = engine, .view = read.view, .after = txn->snapshot->sequence, .upto = read.sequence};
    enum status status = STATUS_OK;
    if (search.upto > search.after) {
        search.files = has_files_after(engine, search.after);
        /* What folded those files knew nothing of a reader's snapshot. */
        const bool unknown = search.files && engine->options.read_only && txn->locks.count > 0;
        status = unknown ? STATUS_READ_ONLY : check_all(txn, &search);
    }
    txn->checked = search.upto;
    store_end_read(engine, &read);
    return status;
}

/* By the leader, which may be another thread; the transaction's own waits. */
static enum status check_latest(void *context, const struct view *view) {
    struct engine_txn *txn = context;
    struct engine *engine = txn->engine;
    struct conflict_search search = {
        .engine = engine, .view = view, .after = txn->checked, .upto = engine->last_sequence};
    if (search.upto == search.after) return STATUS_OK;
    search.files = has_files_after(engine, search.after);
    return check_all(txn, &search);
}

static void finish(struct engine_txn *txn) {
    engine_snapshot_release(txn->engine, txn->snapshot);
    txn->snapshot = NULL;
}

void engine_txn_set_time(struct engine_txn *txn, int64_t time_ms) {
    txn->time_ms = time_ms;
}

enum status engine_txn_commit(struct engine_txn *txn, const struct engine_write_options *options) {
    const struct store_check check = {.ask = check_latest, .context = txn};
    if (!txn->snapshot) return STATUS_INVALID;
    txn->conflict = (struct engine_txn_conflict){0};
    enum status status = check_published(txn);
    txn->writes.mark.time_ms = txn->time_ms;
    if (status == STATUS_OK && txn->writes.count > 0)
        status = store_write_checked(txn->engine, &txn->writes, options, &check);
    if (status == STATUS_OK) finish(txn);
    return status;
}

void engine_txn_get_conflict(const struct engine_txn *txn, struct engine_txn_conflict *conflict) {
    *conflict = txn->conflict;
}
