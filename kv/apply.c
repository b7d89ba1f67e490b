/*
 * apply: from an operation in the log to changes of the name space.
 *
 * Invariant: what comes out depends on the view's rows, the entry's log time and the operation alone. Changes reach the
 * batch only through names_edit_finish, so that an operation that answers an error, or WOULD_BLOCK, has changed
 * nothing.
 */
#include "kv/apply.h"

#include <stdlib.h>

#include "kv/reply_text.h"

struct kv {
    struct names_edit *edit;
    const struct name_owner *owners;
    size_t owner_count;
    struct buf scratch;
};

enum status kv_create(const struct name_owner *owners, size_t owner_count, struct kv **kv) {
    struct kv *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    enum status status = names_edit_create(owners, owner_count, &made->edit);
    if (status) {
        free(made);
        return status;
    }
    made->owners = owners;
    made->owner_count = owner_count;
    *kv = made;
    return STATUS_OK;
}

void kv_destroy(struct kv *kv) {
    if (!kv) return;
    names_edit_destroy(kv->edit);
    buf_deinit(&kv->scratch);
    free(kv);
}

static enum status (*const apply_table[])(struct apply *apply) = {
    [KV_OP_SET] = apply_set,
    [KV_OP_MSET] = apply_mset,
    [KV_OP_APPEND] = apply_append,
    [KV_OP_SETRANGE] = apply_setrange,
    [KV_OP_INCREMENT] = apply_increment,
    [KV_OP_INCREMENT_FLOAT] = apply_increment_float,
    [KV_OP_GETDEL] = apply_getdel,
    [KV_OP_GETEX] = apply_getex,
    [KV_OP_DELETE] = apply_delete,
    [KV_OP_EXPIRE] = apply_expire,
    [KV_OP_PERSIST] = apply_persist,
    [KV_OP_RENAME] = apply_rename,
    [KV_OP_COPY] = apply_copy,
    [KV_OP_CLEAR] = apply_clear,
    [KV_OP_REAP] = apply_reap,
};

/* Fewest arguments that the kind needs; a shorter operation was not made by kv_op_encode's callers. */
static const uint8_t least_arguments[] = {
    [KV_OP_SET] = 2,      [KV_OP_MSET] = 2,      [KV_OP_APPEND] = 2,
    [KV_OP_SETRANGE] = 2, [KV_OP_INCREMENT] = 1, [KV_OP_INCREMENT_FLOAT] = 2,
    [KV_OP_GETDEL] = 1,   [KV_OP_GETEX] = 1,     [KV_OP_DELETE] = 1,
    [KV_OP_EXPIRE] = 1,   [KV_OP_PERSIST] = 1,   [KV_OP_RENAME] = 2,
    [KV_OP_COPY] = 2,     [KV_OP_CLEAR] = 0,     [KV_OP_REAP] = 0,
};

enum status kv_apply(struct kv *kv, const struct names_view *view, struct slice operation, struct engine_batch *batch,
                     struct buf *reply) {
    struct apply apply = {.edit = kv->edit, .view = view, .reply = reply, .scratch = &kv->scratch};
    enum status status = kv_op_decode(operation, &apply.reader);
    if (status) return status;
    if (apply.reader.op.argument_count < least_arguments[apply.reader.op.kind]) return STATUS_SYNTAX;
    names_edit_begin(kv->edit, view, batch);
    size_t reply_start = reply->size;
    status = apply_table[apply.reader.op.kind](&apply);
    if (status == STATUS_OK) return names_edit_finish(kv->edit);
    if (status != STATUS_TOO_LARGE) return status;
    /* A name that no tree can hold: nothing of the operation happens. */
    reply->size = reply_start;
    return reply_error(reply, KV_TEXT_KEY_TOO_LONG, (int)(ENGINE_KEY_MAX_BYTES - 8));
}

/* How many arguments of an operation are names that it reads, and how far apart they stand. */
static size_t count_names(const struct kv_op *op, size_t *step) {
    *step = op->kind == KV_OP_MSET ? 2 : 1;
    bool all = op->kind == KV_OP_MSET || op->kind == KV_OP_DELETE || op->kind == KV_OP_RENAME || op->kind == KV_OP_COPY;
    return all || op->argument_count == 0 ? op->argument_count : 1;
}

enum status kv_prefetch(const struct kv *kv, const struct names_view *view, struct slice operation) {
    struct kv_op_reader reader;
    enum status status = kv_op_decode(operation, &reader);
    if (status) return status;
    size_t step, count = count_names(&reader.op, &step);
    struct names_view blocking = *view;
    blocking.memory_only = false;
    for (size_t i = 0; i < count; i++) {
        struct slice key = kv_op_next(&reader);
        if (i % step) continue;
        status = names_prefetch(&blocking, kv->owners, kv->owner_count, key);
        if (status) return status;
    }
    if (reader.op.kind == KV_OP_REAP) {
        status = names_prefetch_reap(&blocking, kv->owners, kv->owner_count, (uint32_t)reader.op.number);
        if (status) return status;
    }
    uint64_t names = 0;
    return names_count(&blocking, &names);
}

void kv_touch(const struct names_view *view, const struct slice *operations, size_t count) {
    struct slice names[NAMES_TOUCH_MAX];
    size_t known = 0;
    for (size_t i = 0; i < count && known < NAMES_TOUCH_MAX; i++) {
        struct kv_op_reader reader;
        if (kv_op_decode(operations[i], &reader) != STATUS_OK || reader.op.argument_count == 0) continue;
        names[known++] = kv_op_next(&reader); /* of many names the first: a hint need not be whole */
    }
    names_touch(view, names, known);
}

enum status kv_probe(const struct names_view *view, struct slice operation) {
    struct kv_op_reader reader;
    enum status status = kv_op_decode(operation, &reader);
    if (status) return status;
    size_t step, count = count_names(&reader.op, &step);
    struct names_view in_memory = *view;
    in_memory.memory_only = true;
    for (size_t i = 0; i < count; i++) {
        struct slice key = kv_op_next(&reader);
        if (i % step) continue;
        struct name_row row;
        struct engine_value value;
        status = names_get(&in_memory, key, &row, &value);
        if (status == STATUS_OK) engine_value_release(&value);
        if (status && status != STATUS_NOT_FOUND) return status;
    }
    uint64_t names = 0;
    return names_count(&in_memory, &names);
}

/* ---- shared by the families -------------------------------------------------------------------------------------- */

enum status apply_get_string(struct apply *apply, struct slice key, struct name_row *row) {
    enum status status = names_edit_get(apply->edit, key, row);
    if (status) return status;
    return row->type == NAME_STRING ? STATUS_OK : STATUS_WRONG_TYPE;
}

enum status apply_expiry(const struct apply *apply, int64_t number, int64_t *expire_ms) {
    *expire_ms = number;
    if (!(apply->reader.op.flags & KV_EXPIRE_IN)) return STATUS_OK;
    return __builtin_add_overflow(number, apply->view->log_time_ms, expire_ms) ? STATUS_INVALID : STATUS_OK;
}

enum status apply_put(struct apply *apply, struct slice key, const struct name_row *row) {
    if (row->expire_ms == 0 || row->expire_ms > apply->view->log_time_ms) return names_edit_put(apply->edit, key, row);
    enum status status = names_edit_delete(apply->edit, key);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
