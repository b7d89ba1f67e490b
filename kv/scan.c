/* scan: commands that walk the name space. */
#include "kv/kv.h"

/* Collects matching names; they are counted while they come, so the array's head is written last. */
struct collector {
    const struct slice *pattern; /* NULL = all */
    uint8_t type;                /* 0 = every */
    struct buf names;            /* encoded replies */
    uint64_t count;
    uint64_t limit;
};

/* What to match names with: NULL for "*", which is every name, the empty one too. */
static const struct slice *pattern_or_all(const struct slice *pattern) {
    return slice_equal(*pattern, slice_from_text("*")) ? NULL : pattern;
}

static enum status collect(void *context, struct slice name, const struct name_row *row) {
    struct collector *collector = context;
    if (collector->type && row->type != collector->type) return STATUS_OK;
    if (collector->pattern && !kv_glob_match(*collector->pattern, name)) return STATUS_OK;
    if (collector->count >= collector->limit) return STATUS_OK;
    collector->count++;
    return reply_bulk(&collector->names, name);
}

static enum status reply_collected(struct buf *reply, const struct collector *collector) {
    enum status status = reply_array(reply, collector->count);
    return status ? status : buf_append_slice(reply, buf_slice(&collector->names));
}

enum status kv_keys(const struct names_view *view, struct slice pattern, struct buf *reply) {
    struct collector collector = {.pattern = pattern_or_all(&pattern), .limit = UINT64_MAX};
    uint64_t cursor = 0;
    enum status status = names_scan(view, &cursor, UINT64_MAX, collect, &collector);
    if (status == STATUS_OK) status = reply_collected(reply, &collector);
    buf_deinit(&collector.names);
    return status;
}

enum status kv_scan(const struct names_view *view, const struct kv_scan_options *options, struct buf *reply) {
    struct collector collector = {.pattern = options->has_pattern ? pattern_or_all(&options->pattern) : NULL,
                                  .type = options->type,
                                  .limit = UINT64_MAX};
    uint64_t cursor = options->cursor;
    enum status status = names_scan(view, &cursor, options->count ? options->count : 10, collect, &collector);
    struct buf text = BUF_EMPTY;
    if (status == STATUS_OK) status = buf_append_format(&text, "%llu", (unsigned long long)cursor);
    if (status == STATUS_OK) status = reply_array(reply, 2);
    if (status == STATUS_OK) status = reply_bulk(reply, buf_slice(&text));
    if (status == STATUS_OK) status = reply_collected(reply, &collector);
    buf_deinit(&text);
    buf_deinit(&collector.names);
    return status;
}

/* From a random place to the first name that is there; once around. Rows that are due are passed over in steps, so that
 * a field of them costs no more than its size. */
enum status kv_randomkey(const struct names_view *view, uint64_t random, struct buf *reply) {
    enum { STEP_ROWS = 8 };
    struct collector collector = {.limit = 1};
    uint64_t cursor = random >> 1;
    bool wrapped = cursor == 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && collector.count == 0) {
        status = names_scan(view, &cursor, STEP_ROWS, collect, &collector);
        if (cursor == 0 && wrapped) break;
        wrapped |= cursor == 0;
    }
    if (status == STATUS_OK)
        status = collector.count ? buf_append_slice(reply, buf_slice(&collector.names)) : reply_null(reply);
    buf_deinit(&collector.names);
    return status;
}
