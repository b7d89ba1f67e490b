/* raft_page: the frame, with style, script and data where its marks are. */
#include "tools/loam/inspect/raftview/raft_page.h"

#include "tools/loam/web_page.h"

EMBED(raft_frame, "tools/loam/inspect/raftview/raft_page.html");
EMBED(raft_style, "tools/loam/inspect/raftview/raft_page.css");
EMBED(raft_script, "tools/loam/inspect/raftview/raft_page.js");

static enum status put_part(void *context, struct buf *to, struct slice name) {
    const struct slice *object = context;
    if (slice_equal(name, slice_from_text("style"))) return buf_append_slice(to, EMBEDDED(raft_style));
    if (slice_equal(name, slice_from_text("script"))) return buf_append_slice(to, EMBEDDED(raft_script));
    return web_page_put_json(to, *object);
}

enum status raft_page_make(struct buf *to, struct slice object) {
    return web_page_fill(to, EMBEDDED(raft_frame), put_part, &object);
}
