/*
 * apply: from an operation in the log to changes of one graph and of the name space.
 *
 * Invariant: what comes out depends on the view's rows, the entry's index and log time and the operation alone. Changes
 * reach the batch through handle_finish and names_edit_finish, at the end, so that an operation that answers an error,
 * or WOULD_BLOCK, has changed nothing.
 */
#include <stdlib.h>

#include "graph/store/apply.h"

enum { NAME_MAX_BYTES = ENGINE_KEY_MAX_BYTES - 8 }; /* names keep a hash before it */

struct graph_store {
    const struct name_owner *owners;
    size_t owner_count;
    struct names_edit *names;
    struct graph *graph;
};

enum status graph_store_create(const struct name_owner *owners, size_t owner_count, struct graph_store **store) {
    struct graph_store *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    made->owners = owners;
    made->owner_count = owner_count;
    enum status status = names_edit_create(owners, owner_count, &made->names);
    if (status == STATUS_OK) status = graph_create(&made->graph);
    if (status) {
        graph_store_destroy(made);
        return status;
    }
    *store = made;
    return STATUS_OK;
}

void graph_store_destroy(struct graph_store *store) {
    if (!store) return;
    names_edit_destroy(store->names);
    graph_destroy(store->graph);
    free(store);
}

/* ---- Replies ----------------------------------------------------------------------------------------------------- */

bool graph_reply_is_conflict(struct slice reply) {
    struct decoder decoder = decoder_make(reply);
    struct reply_value value;
    if (reply_decode(&decoder, &value) || value.tag != REPLY_ERROR) return false;
    return slice_equal(value.text, slice_from_text(GRAPH_TEXT_CONFLICT));
}

/* What is a user's error, or nobody's, becomes a reply; the rest stops the owner. */
static enum status answer_failure(enum status status, struct buf *reply) {
    switch (status) {
    case STATUS_TOO_LARGE: return reply_error(reply, "%s", GRAPH_TEXT_TOO_LARGE);
    case STATUS_NOT_FOUND:
    case STATUS_INVALID:
    case STATUS_EXISTS: return reply_error(reply, "%s", GRAPH_TEXT_MISFIT);
    default: return status;
    }
}

/* ---- Effects and imports ----------------------------------------------------------------------------------------- */

/* Opens the operation's graph for replaying, object 0 = none of that name. */
static enum status open_for(struct graph_apply *apply, const struct names_view *view, uint64_t object) {
    enum status status = handle_open(apply->graph, view, apply->op.name, object);
    apply->graph->replays = true;
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

static bool is_stale(const struct graph_apply *apply) {
    return apply->op.kind == GRAPH_OP_EFFECTS && apply->op.number != apply->graph->stored.change;
}

static enum status replay(struct graph_apply *apply) {
    return apply->op.kind == GRAPH_OP_IMPORT ? apply_import(apply) : apply_effects(apply);
}

static enum status finish(struct graph_store *store, struct graph_apply *apply, uint64_t index,
                          struct engine_batch *batch) {
    const bool is_new = apply->graph->object == 0;
    enum status status = STATUS_OK;
    if (!graph_edit_is_empty(apply->graph)) status = handle_finish(apply->graph, index, batch);
    if (status == STATUS_OK && is_new) {
        const struct name_row row = {.type = NAME_GRAPH, .object = index};
        status = names_edit_put(store->names, apply->op.name, &row);
    }
    if (status == STATUS_OK) status = names_edit_finish(store->names);
    if (status || apply->op.kind == GRAPH_OP_IMPORT) return status;
    return reply_integer(apply->reply, (int64_t)apply->graph->meta.change);
}

static enum status change_graph(struct graph_store *store, struct graph_apply *apply, const struct names_view *view,
                                uint64_t index, uint64_t object, struct engine_batch *batch) {
    const size_t reply_start = apply->reply->size;
    enum status status = open_for(apply, view, object);
    if (status) return status;
    if (is_stale(apply)) return reply_error(apply->reply, "%s", GRAPH_TEXT_CONFLICT);
    status = replay(apply);
    if (status == STATUS_OK) return finish(store, apply, index, batch);
    apply->reply->size = reply_start;
    return answer_failure(status, apply->reply);
}

/* ---- One operation ----------------------------------------------------------------------------------------------- */

static enum status delete_graph(struct graph_store *store, struct slice name, struct buf *reply) {
    enum status status = names_edit_delete(store->names, name);
    if (status == STATUS_OK) status = names_edit_finish(store->names);
    return status ? status : reply_ok(reply);
}

enum status graph_apply(struct graph_store *store, const struct names_view *view, uint64_t index,
                        struct slice operation, struct engine_batch *batch, struct buf *reply) {
    struct graph_apply apply = {.graph = store->graph, .reply = reply};
    struct name_row row = {0};
    enum status status = graph_op_decode(operation, &apply.op);
    if (status) return status;
    if (apply.op.name.size > NAME_MAX_BYTES)
        return reply_error(reply, "ERR the key is longer than %d bytes", NAME_MAX_BYTES);
    names_edit_begin(store->names, view, batch);
    status = names_edit_get(store->names, apply.op.name, &row);
    const bool absent = status == STATUS_NOT_FOUND;
    if (status && !absent) return status;
    if (!absent && row.type != NAME_GRAPH) return reply_error(reply, "%s", GRAPH_TEXT_WRONG_TYPE);
    if (apply.op.kind != GRAPH_OP_DELETE)
        return change_graph(store, &apply, view, index, absent ? 0 : row.object, batch);
    return absent ? reply_error(reply, "%s", GRAPH_TEXT_EMPTY_KEY) : delete_graph(store, apply.op.name, reply);
}

/* ---- Reading ahead ----------------------------------------------------------------------------------------------- */

/* Applies it to a handle that is thrown away; what does not fit will be answered by apply. */
static enum status read_ahead(struct graph_apply *apply, const struct names_view *view) {
    struct name_row row = {0};
    struct engine_value value;
    enum status status = names_get(view, apply->op.name, &row, &value);
    if (status && status != STATUS_NOT_FOUND) return status;
    if (status == STATUS_OK) engine_value_release(&value);
    if (status == STATUS_OK && row.type != NAME_GRAPH) return STATUS_OK;
    status = open_for(apply, view, row.object);
    if (status || is_stale(apply)) return status;
    status = replay(apply);
    return status == STATUS_IO || status == STATUS_CORRUPT || status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

enum status graph_prefetch(const struct graph_store *store, const struct names_view *view, struct slice operation) {
    struct buf reply = BUF_EMPTY;
    struct graph_apply apply = {.reply = &reply};
    struct names_view blocking = *view;
    blocking.memory_only = false;
    blocking.log_time_ms = blocking.clock_ms = 0; /* what is due is read all the same */
    uint64_t names = 0;
    enum status status = graph_op_decode(operation, &apply.op);
    if (status == STATUS_OK) status = names_prefetch(&blocking, store->owners, store->owner_count, apply.op.name);
    if (status == STATUS_OK) status = names_count(&blocking, &names);
    if (status || apply.op.kind == GRAPH_OP_DELETE) return status;
    status = graph_create(&apply.graph);
    if (status == STATUS_OK) status = read_ahead(&apply, &blocking);
    graph_destroy(apply.graph);
    buf_deinit(&reply);
    return status;
}
