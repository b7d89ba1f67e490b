/* read: commands that look at one or a few names. Each is a function of the view; user errors are replies. */
#include "kv/kv.h"
#include "kv/reply_text.h"

/* Gets a string: OK with row and pinned value, NOT_FOUND, or WRONG_TYPE (nothing to release). */
static enum status get_string(const struct names_view *view, struct slice key, struct name_row *row,
                              struct engine_value *value) {
    enum status status = names_get(view, key, row, value);
    if (status || row->type == NAME_STRING) return status;
    engine_value_release(value);
    return STATUS_WRONG_TYPE;
}

enum status kv_get(const struct names_view *view, struct slice key, struct buf *reply) {
    struct name_row row;
    struct engine_value value;
    enum status status = get_string(view, key, &row, &value);
    if (status == STATUS_NOT_FOUND) return reply_null(reply);
    if (status == STATUS_WRONG_TYPE) return reply_error(reply, KV_TEXT_WRONG_TYPE);
    if (status) return status;
    status = reply_bulk(reply, row.value);
    engine_value_release(&value);
    return status;
}

enum status kv_mget(const struct names_view *view, const struct slice *keys, size_t count, struct buf *reply) {
    enum status status = reply_array(reply, count);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct name_row row;
        struct engine_value value;
        status = get_string(view, keys[i], &row, &value);
        if (status == STATUS_NOT_FOUND || status == STATUS_WRONG_TYPE) {
            status = reply_null(reply);
        } else if (status == STATUS_OK) {
            status = reply_bulk(reply, row.value);
            engine_value_release(&value);
        }
    }
    return status;
}

enum status kv_strlen(const struct names_view *view, struct slice key, struct buf *reply) {
    struct name_row row;
    struct engine_value value;
    enum status status = get_string(view, key, &row, &value);
    if (status == STATUS_NOT_FOUND) return reply_integer(reply, 0);
    if (status == STATUS_WRONG_TYPE) return reply_error(reply, KV_TEXT_WRONG_TYPE);
    if (status) return status;
    status = reply_integer(reply, (int64_t)row.value.size);
    engine_value_release(&value);
    return status;
}

/* Redis' reading of [start, end], both inclusive, negative from the end; empty if nothing is left. */
static struct slice cut_range(struct slice value, int64_t start, int64_t end) {
    struct slice nothing = {0};
    int64_t size = (int64_t)value.size;
    if (start < 0 && end < 0 && start > end) return nothing;
    if (start < 0) start = start < -size ? 0 : start + size;
    if (end < 0) end = end < -size ? 0 : end + size;
    if (end >= size) end = size - 1;
    if (size == 0 || start > end) return nothing;
    return slice_make(value.data + start, (size_t)(end - start + 1));
}

enum status kv_getrange(const struct names_view *view, struct slice key, int64_t start, int64_t end,
                        struct buf *reply) {
    struct name_row row;
    struct engine_value value;
    enum status status = get_string(view, key, &row, &value);
    if (status == STATUS_NOT_FOUND) return reply_bulk(reply, slice_make(NULL, 0));
    if (status == STATUS_WRONG_TYPE) return reply_error(reply, KV_TEXT_WRONG_TYPE);
    if (status) return status;
    status = reply_bulk(reply, cut_range(row.value, start, end));
    engine_value_release(&value);
    return status;
}

enum status kv_exists(const struct names_view *view, const struct slice *keys, size_t count, struct buf *reply) {
    int64_t found = 0;
    for (size_t i = 0; i < count; i++) {
        struct name_row row;
        struct engine_value value;
        enum status status = names_get(view, keys[i], &row, &value);
        if (status == STATUS_NOT_FOUND) continue;
        if (status) return status;
        engine_value_release(&value);
        found++;
    }
    return reply_integer(reply, found);
}

const struct name_owner kv_string_owner = {.type = NAME_STRING, .name = "string"};

enum status kv_type(const struct names_view *view, struct slice key, const struct name_owner *owners,
                    size_t owner_count, struct buf *reply) {
    struct name_row row;
    struct engine_value value;
    enum status status = names_get(view, key, &row, &value);
    if (status == STATUS_NOT_FOUND) return reply_status(reply, "none");
    if (status) return status;
    uint8_t type = row.type;
    engine_value_release(&value);
    for (size_t i = 0; i < owner_count; i++)
        if (owners[i].type == type) return reply_status(reply, owners[i].name);
    return STATUS_VERSION;
}

enum status kv_ttl(const struct names_view *view, struct slice key, enum kv_ttl what, struct buf *reply) {
    struct name_row row;
    struct engine_value value;
    enum status status = names_get(view, key, &row, &value);
    if (status == STATUS_NOT_FOUND) return reply_integer(reply, -2);
    if (status) return status;
    int64_t expire_ms = row.expire_ms;
    engine_value_release(&value);
    if (expire_ms == 0) return reply_integer(reply, -1);
    bool absolute = what == KV_EXPIRETIME_SECONDS || what == KV_EXPIRETIME_MILLISECONDS;
    int64_t now_ms = view->clock_ms > view->log_time_ms ? view->clock_ms : view->log_time_ms;
    int64_t answer_ms = absolute ? expire_ms : expire_ms - now_ms;
    if (answer_ms < 0) answer_ms = 0;
    bool seconds = what == KV_TTL_SECONDS || what == KV_EXPIRETIME_SECONDS;
    return reply_integer(reply, seconds ? answer_ms / 1000 + (answer_ms % 1000 >= 500) : answer_ms);
}

enum status kv_dbsize(const struct names_view *view, struct buf *reply) {
    uint64_t count = 0;
    enum status status = names_count(view, &count);
    return status ? status : reply_integer(reply, (int64_t)count);
}
