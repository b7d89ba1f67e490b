/* apply_name: operations on names, whatever is behind them. */
#include "kv/apply.h"
#include "kv/reply_text.h"

enum status apply_delete(struct apply *apply) {
    int64_t deleted = 0;
    for (size_t i = 0; i < apply->reader.op.argument_count; i++) {
        enum status status = names_edit_delete(apply->edit, kv_op_next(&apply->reader));
        if (status && status != STATUS_NOT_FOUND) return status;
        deleted += status == STATUS_OK;
    }
    return reply_integer(apply->reply, deleted);
}

/* Whether NX, XX, GT, LT let the new expiry in; no expiry counts as infinitely late. */
static bool may_expire(uint32_t flags, int64_t old_ms, int64_t new_ms) {
    if (flags & KV_NX && old_ms) return false;
    if (flags & KV_XX && !old_ms) return false;
    if (flags & KV_GT && (!old_ms || new_ms <= old_ms)) return false;
    if (flags & KV_LT && old_ms && new_ms >= old_ms) return false;
    return true;
}

enum status apply_expire(struct apply *apply) {
    struct slice key = kv_op_next(&apply->reader);
    int64_t expire_ms = 0;
    if (apply_expiry(apply, apply->reader.op.number, &expire_ms))
        return reply_error(apply->reply, KV_TEXT_INVALID_EXPIRE, kv_origin_name(apply->reader.op.origin));
    struct name_row row;
    enum status status = names_edit_get(apply->edit, key, &row);
    if (status == STATUS_NOT_FOUND) return reply_integer(apply->reply, 0);
    if (status) return status;
    if (!may_expire(apply->reader.op.flags, row.expire_ms, expire_ms)) return reply_integer(apply->reply, 0);
    if (expire_ms <= apply->view->log_time_ms) {
        status = names_edit_delete(apply->edit, key);
    } else {
        row.expire_ms = expire_ms;
        status = names_edit_put(apply->edit, key, &row);
    }
    return status ? status : reply_integer(apply->reply, 1);
}

enum status apply_persist(struct apply *apply) {
    struct slice key = kv_op_next(&apply->reader);
    struct name_row row;
    enum status status = names_edit_get(apply->edit, key, &row);
    if (status == STATUS_NOT_FOUND) return reply_integer(apply->reply, 0);
    if (status) return status;
    if (row.expire_ms == 0) return reply_integer(apply->reply, 0);
    row.expire_ms = 0;
    status = names_edit_put(apply->edit, key, &row);
    return status ? status : reply_integer(apply->reply, 1);
}

static enum status reply_renamed(struct apply *apply, bool done) {
    if (apply->reader.op.flags & KV_NX) return reply_integer(apply->reply, done);
    return reply_ok(apply->reply);
}

enum status apply_rename(struct apply *apply) {
    struct slice from = kv_op_next(&apply->reader);
    struct slice to = kv_op_next(&apply->reader);
    struct name_row row;
    enum status status = names_edit_get(apply->edit, from, &row);
    if (status == STATUS_NOT_FOUND) return reply_error(apply->reply, KV_TEXT_NO_KEY);
    if (status) return status;
    if (slice_equal(from, to)) return reply_renamed(apply, false);
    if (apply->reader.op.flags & KV_NX) {
        status = names_edit_get(apply->edit, to, &row);
        if (status == STATUS_OK) return reply_renamed(apply, false);
        if (status != STATUS_NOT_FOUND) return status;
    }
    status = names_edit_rename(apply->edit, from, to);
    return status ? status : reply_renamed(apply, true);
}

enum status apply_copy(struct apply *apply) {
    struct slice from = kv_op_next(&apply->reader);
    struct slice to = kv_op_next(&apply->reader);
    struct name_row row, old;
    enum status status = names_edit_get(apply->edit, from, &row);
    if (status == STATUS_NOT_FOUND) return reply_integer(apply->reply, 0);
    if (status) return status;
    status = names_edit_get(apply->edit, to, &old);
    if (status && status != STATUS_NOT_FOUND) return status;
    if (status == STATUS_OK && !(apply->reader.op.flags & KV_REPLACE)) return reply_integer(apply->reply, 0);
    if (row.object) return reply_error(apply->reply, "ERR not supported for this module key");
    status = names_edit_put(apply->edit, to, &row);
    return status ? status : reply_integer(apply->reply, 1);
}

enum status apply_clear(struct apply *apply) {
    enum status status = names_edit_clear(apply->edit);
    return status ? status : reply_ok(apply->reply);
}

enum status apply_reap(struct apply *apply) {
    uint32_t reaped = 0;
    int64_t limit = apply->reader.op.number;
    if (limit < 0 || limit > UINT32_MAX) return STATUS_SYNTAX;
    enum status status = names_edit_reap(apply->edit, (uint32_t)limit, &reaped);
    return status ? status : reply_integer(apply->reply, reaped);
}
