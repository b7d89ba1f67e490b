/* compaction_page: the page for a browser: the object of --json, and a script that draws it. */
#include "tools/loam/simulate/compaction.h"
#include "tools/loam/web_page.h"

EMBED(compaction_frame, "tools/loam/simulate/compaction.html");
EMBED(compaction_style, "tools/loam/simulate/compaction.css");
EMBED(compaction_script, "tools/loam/simulate/compaction.js");

static enum status put_part(void *context, struct buf *to, struct slice name) {
    const struct out *object = context;
    if (slice_equal(name, slice_from_text("style"))) return buf_append_slice(to, EMBEDDED(compaction_style));
    if (slice_equal(name, slice_from_text("script"))) return buf_append_slice(to, EMBEDDED(compaction_script));
    return web_page_put_json(to, buf_slice(&object->text));
}

void compaction_page(struct out *out, const struct compaction_report *report) {
    struct out object = {.status = STATUS_OK};
    compaction_json(&object, report);
    if (object.status == STATUS_OK)
        object.status = web_page_fill(&out->text, EMBEDDED(compaction_frame), put_part, &object);
    if (out->status == STATUS_OK) out->status = object.status;
    buf_deinit(&object.text);
}
