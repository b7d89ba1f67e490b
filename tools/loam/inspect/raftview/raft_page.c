/*
 * raft_page: the frame, with style, script and data where its marks are. No '<' of a text may end the element that the
 * object stands in.
 */
#include "tools/loam/inspect/raftview/raft_page.h"

#include <string.h>

#include "tools/loam/web_page.h"

EMBED(raft_frame, "tools/loam/inspect/raftview/raft_page.html");
EMBED(raft_style, "tools/loam/inspect/raftview/raft_page.css");
EMBED(raft_script, "tools/loam/inspect/raftview/raft_page.js");

static enum status put_object(struct buf *to, struct slice object) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK && object.size > 0) {
        const uint8_t *mark = memchr(object.data, '<', object.size);
        const size_t plain = mark ? (size_t)(mark - object.data) : object.size;
        status = buf_append(to, object.data, plain);
        if (status == STATUS_OK && mark) status = buf_append(to, "\\u003c", 6);
        object = slice_from(object, mark ? plain + 1 : plain);
    }
    return status;
}

static enum status put_part(void *context, struct buf *to, struct slice name) {
    const struct slice *object = context;
    if (slice_equal(name, slice_from_text("style"))) return buf_append_slice(to, EMBEDDED(raft_style));
    if (slice_equal(name, slice_from_text("script"))) return buf_append_slice(to, EMBEDDED(raft_script));
    return put_object(to, *object);
}

enum status raft_page_make(struct buf *to, struct slice object) {
    return web_page_fill(to, EMBEDDED(raft_frame), put_part, &object);
}
