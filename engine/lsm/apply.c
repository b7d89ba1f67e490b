#include "engine/lsm/apply.h"

static enum status create_tree(struct engine *engine, const struct batch_operation *operation, uint64_t sequence) {
    const struct engine_tree_kind *kind = store_kind(engine, operation->tree_kind);
    if (!kind) return STATUS_INVALID;
    struct tree *tree = tree_table_live(&engine->trees, operation->tree);
    if (tree) return tree->kind == kind ? STATUS_OK : STATUS_INVALID;
    struct mem_tree_change change = {.sequence = sequence};
    change.tree = (struct edit_tree){.instance = engine->next_instance, .tree = operation->tree, .kind = kind->id};
    enum status status = mem_note_tree(engine->active, &change);
    if (status == STATUS_OK)
        status = tree_table_create(&engine->trees, operation->tree, engine->next_instance, kind, sequence, &tree);
    if (status == STATUS_OK) engine->next_instance++;
    return status;
}

static enum status drop_tree(struct engine *engine, const struct batch_operation *operation, uint64_t sequence) {
    struct tree *tree = tree_table_live(&engine->trees, operation->tree);
    if (!tree) return STATUS_INVALID;
    struct mem_tree_change change = {.drop = true, .sequence = sequence};
    change.tree = (struct edit_tree){.instance = tree->instance, .tree = tree->id, .kind = tree->kind->id};
    const enum status status = mem_note_tree(engine->active, &change);
    if (status == STATUS_OK) tree_table_drop(&engine->trees, tree, sequence);
    return status;
}

enum status store_admit_operation(struct engine *engine, const struct batch_operation *operation, uint64_t sequence,
                                  const struct tree **tree) {
    *tree = NULL;
    if (operation->kind == BATCH_CREATE_TREE || operation->kind == BATCH_DROP_TREE) {
        mutex_lock(&engine->mutex); /* the table is also changed by installs */
        const enum status status = operation->kind == BATCH_CREATE_TREE ? create_tree(engine, operation, sequence)
                                                                        : drop_tree(engine, operation, sequence);
        mutex_unlock(&engine->mutex);
        return status;
    }
    *tree = tree_table_live(&engine->trees, operation->tree);
    if (!*tree || !batch_fits((*tree)->kind, operation)) return STATUS_INVALID;
    if (operation->kind == BATCH_DELETE)
        gap_search_note_delete(engine, *tree, operation->key);
    else if (!gaps_are_none(&engine->gaps) && operation->kind != BATCH_DELETE_RANGE)
        gaps_note_key(&engine->gaps, (*tree)->instance, operation->key);
    return STATUS_OK;
}

static enum status apply_operation(struct engine *engine, const struct batch_operation *operation, uint64_t sequence) {
    const struct tree *tree;
    const enum status status = store_admit_operation(engine, operation, sequence, &tree);
    if (status != STATUS_OK || !tree) return status;
    return memtable_add_unsettled(engine->active->table, tree->instance, batch_entry_kind(operation->kind), sequence,
                                  operation->key, operation->value);
}

/* Takes an operation back from whichever instances of its tree the batch can have met. */
static void undo_operation(struct engine *engine, const struct batch_operation *operation, uint64_t first,
                           uint64_t sequence) {
    if (operation->kind == BATCH_CREATE_TREE || operation->kind == BATCH_DROP_TREE) return;
    const struct tree *tree = tree_table_find(&engine->trees, operation->tree, sequence);
    if (tree)
        memtable_undo(engine->active->table, tree->instance, batch_entry_kind(operation->kind), operation->key,
                      operation->value, first);
}

static void undo_trees(struct engine *engine, struct slice operations, uint32_t applied, uint64_t first) {
    struct batch_reader reader;
    struct batch_operation operation;
    struct mem *mem = engine->active;
    mutex_lock(&engine->mutex);
    const struct view *view = view_present(&engine->views);
    batch_reader_init(&reader, operations, UINT32_MAX);
    for (uint32_t i = 0; i < applied && batch_reader_next(&reader, &operation) == STATUS_OK; i++)
        if (operation.kind == BATCH_CREATE_TREE || operation.kind == BATCH_DROP_TREE)
            tree_table_undo(&engine->trees, operation.tree, first, view ? view->number : 0);
    while (mem->change_count > 0 && mem->changes[mem->change_count - 1].sequence >= first) mem->change_count--;
    mutex_unlock(&engine->mutex);
}

void store_undo(struct engine *engine, struct slice operations, uint32_t applied, uint64_t first) {
    struct batch_reader reader;
    struct batch_operation operation;
    batch_reader_init(&reader, operations, UINT32_MAX);
    for (uint32_t i = 0; i < applied && batch_reader_next(&reader, &operation) == STATUS_OK; i++)
        undo_operation(engine, &operation, first, first + i);
    undo_trees(engine, operations, applied, first);
}

enum status store_apply(struct engine *engine, struct slice operations, uint32_t count, uint64_t first) {
    struct batch_reader reader;
    struct batch_operation operation;
    uint32_t applied = 0;
    batch_reader_init(&reader, operations, count);
    enum status status;
    while ((status = batch_reader_next(&reader, &operation)) == STATUS_OK) {
        status = apply_operation(engine, &operation, first + applied);
        if (status != STATUS_OK) break;
        applied++;
    }
    memtable_settle(engine->active->table);
    budget_note_write(engine);
    if (status == STATUS_END) return STATUS_OK;
    store_undo(engine, operations, applied, first);
    return status;
}
