/*
 * apply: from an operation in the log to changes of the three trees and of the name space.
 *
 * Invariant: what comes out depends on the view's rows, the entry's log time and the operation alone; heads in memory
 * are derived from rows. An operation that answers an error has put nothing into the batch.
 */
#include "tsdb/write/apply.h"

#include <stdlib.h>

#include "tsdb/reply_text.h"

static enum status apply_init(struct apply *apply, const struct name_owner *owners, size_t owner_count) {
    *apply = (struct apply){0};
    return names_edit_create(owners, owner_count, &apply->names);
}

static void apply_deinit(struct apply *apply) {
    names_edit_destroy(apply->names);
    edit_table_deinit(&apply->table);
    samples_deinit(&apply->samples);
    buf_deinit(&apply->scratch);
    buf_deinit(&apply->scratch_key);
}

enum status tsdb_create(const struct name_owner *owners, size_t owner_count, struct tsdb **tsdb) {
    struct tsdb *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    enum status status = apply_init(&made->apply, owners, owner_count);
    if (status == STATUS_OK) status = head_cache_create(&made->cache);
    if (status) {
        tsdb_destroy(made);
        return status;
    }
    made->owners = owners;
    made->owner_count = owner_count;
    *tsdb = made;
    return STATUS_OK;
}

void tsdb_destroy(struct tsdb *tsdb) {
    if (!tsdb) return;
    apply_deinit(&tsdb->apply);
    head_cache_destroy(tsdb->cache);
    free(tsdb);
}

void tsdb_forget(struct tsdb *tsdb) {
    head_cache_clear(tsdb->cache);
}

/* ---- one operation ----------------------------------------------------------------------------------------------- */

static enum status (*const apply_table[])(struct apply *apply) = {
    [TSDB_OP_CREATE] = apply_create,
    [TSDB_OP_ALTER] = apply_alter,
    [TSDB_OP_ADD] = apply_add,
    [TSDB_OP_MADD] = apply_madd,
    [TSDB_OP_DELETE_RANGE] = apply_delete_range,
};

/* Edits, and all that emitting them will read. */
static enum status run(struct apply *apply, const struct names_view *view, struct slice operation,
                       struct engine_batch *batch, struct buf *reply) {
    enum status status = tsdb_op_decode(operation, &apply->reader);
    if (status) return status;
    apply->view = view;
    apply->batch = batch;
    apply->reply = reply;
    apply->budget = edit_budget_make();
    edit_table_clear(&apply->table);
    names_edit_begin(apply->names, view, batch);
    status = apply_table[apply->reader.op.kind](apply);
    for (size_t i = 0; status == STATUS_OK && i < apply->table.count; i++)
        status = series_edit_prepare(&apply->table.edits[i]);
    return status;
}

static enum status emit(struct apply *apply) {
    enum status status = names_edit_finish(apply->names);
    for (size_t i = 0; status == STATUS_OK && i < apply->table.count; i++)
        status = series_edit_emit(&apply->table.edits[i], apply->batch, &apply->scratch);
    if (status) return status;
    for (size_t i = 0; i < apply->table.count; i++) head_cache_put(apply->cache, &apply->table.edits[i].head);
    return STATUS_OK;
}

static enum status refuse(struct apply *apply, size_t reply_start) {
    apply->reply->size = reply_start;
    edit_table_clear(&apply->table);
    const struct edit_budget whole = edit_budget_make();
    if (apply->budget.samples < whole.samples || apply->budget.chunks < whole.chunks)
        return reply_error(apply->reply, TSDB_TEXT_TOO_MUCH);
    return reply_error(apply->reply, TSDB_TEXT_KEY_TOO_LONG, (int)(ENGINE_KEY_MAX_BYTES - 8));
}

enum status tsdb_apply(struct tsdb *tsdb, const struct names_view *view, uint64_t object_id, struct slice operation,
                       struct engine_batch *batch, struct buf *reply) {
    struct apply *apply = &tsdb->apply;
    size_t reply_start = reply->size;
    apply->object_id = object_id;
    apply->cache = tsdb->cache;
    enum status status = run(apply, view, operation, batch, reply);
    if (status == STATUS_OK) return emit(apply);
    return status == STATUS_TOO_LARGE ? refuse(apply, reply_start) : status;
}

/* Names that the operation may make: what stands under them is looked at when they are put. */
static enum status prefetch_names(const struct tsdb *tsdb, const struct names_view *view, struct slice operation) {
    struct tsdb_op_reader reader;
    uint64_t count = 0;
    enum status status = tsdb_op_decode(operation, &reader);
    if (status) return status;
    struct slice name = reader.op.name;
    if (reader.op.kind == TSDB_OP_ADD) name = tsdb_op_next_sample(&reader).name;
    if (reader.op.kind == TSDB_OP_ADD || reader.op.kind == TSDB_OP_CREATE)
        status = names_prefetch(view, tsdb->owners, tsdb->owner_count, name);
    return status ? status : names_count(view, &count);
}

/* Runs the operation beside the real one, and drops what comes out. */
enum status tsdb_prefetch(const struct tsdb *tsdb, const struct names_view *view, struct slice operation) {
    struct names_view blocking = *view;
    blocking.memory_only = false;
    struct apply apply;
    struct engine_batch batch;
    struct buf reply = BUF_EMPTY;
    enum status status = apply_init(&apply, NULL, 0);
    if (status) return status;
    engine_batch_init(&batch);
    apply.object_id = UINT64_MAX;
    status = run(&apply, &blocking, operation, &batch, &reply);
    if (status == STATUS_TOO_LARGE) status = STATUS_OK; /* apply says so to the user */
    if (status == STATUS_OK) status = prefetch_names(tsdb, &blocking, operation);
    apply_deinit(&apply);
    engine_batch_deinit(&batch);
    buf_deinit(&reply);
    return status;
}

/* ---- shared ------------------------------------------------------------------------------------------------------ */

enum status apply_find_series(struct apply *apply, struct slice name, uint64_t *series) {
    struct name_row row;
    enum status status = names_edit_get(apply->names, name, &row);
    if (status) return status;
    *series = row.object;
    return row.type == NAME_SERIES ? STATUS_OK : STATUS_WRONG_TYPE;
}

enum status apply_edit_series(struct apply *apply, uint64_t series, struct series_edit **edit) {
    *edit = edit_table_find(&apply->table, series);
    if (*edit) return STATUS_OK;
    struct head head;
    const struct head *cached = apply->cache ? head_cache_find(apply->cache, series) : NULL;
    enum status status = STATUS_OK;
    if (cached)
        head = *cached;
    else
        status = head_load(apply->view, series, &apply->samples, &head);
    return status ? status : edit_table_add(&apply->table, apply->view, &apply->budget, &head, edit);
}
