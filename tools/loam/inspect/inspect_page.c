/* inspect_page: the frame, with style, script and data where its marks are. */
#include "tools/loam/inspect/inspect_page.h"

#include "tools/loam/web_page.h"

EMBED(inspect_frame, "tools/loam/inspect/inspect_page.html");
EMBED(inspect_style, "tools/loam/inspect/inspect_page.css");
EMBED(inspect_script, "tools/loam/inspect/inspect_page.js");

/* Base64 (RFC 4648, 4). */
static enum status put_bytes(struct buf *to, struct slice bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum status status = buf_reserve(to, bytes.size / 3 * 4 + 4);
    for (size_t at = 0; status == STATUS_OK && at < bytes.size; at += 3) {
        const size_t left = bytes.size - at;
        const uint32_t three = (uint32_t)bytes.data[at] << 16 | (left > 1 ? (uint32_t)bytes.data[at + 1] << 8 : 0) |
                               (left > 2 ? bytes.data[at + 2] : 0);
        const char four[4] = {digits[three >> 18], digits[three >> 12 & 63], left > 1 ? digits[three >> 6 & 63] : '=',
                              left > 2 ? digits[three & 63] : '='};
        status = buf_append(to, four, sizeof four);
    }
    return status;
}

struct content {
    struct slice object, bytes;
};

static enum status put_part(void *context, struct buf *to, struct slice name) {
    const struct content *content = context;
    if (slice_equal(name, slice_from_text("style"))) return buf_append_slice(to, EMBEDDED(inspect_style));
    if (slice_equal(name, slice_from_text("script"))) return buf_append_slice(to, EMBEDDED(inspect_script));
    return slice_equal(name, slice_from_text("object")) ? web_page_put_json(to, content->object)
                                                        : put_bytes(to, content->bytes);
}

enum status inspect_page_make(struct buf *to, struct slice object, struct slice bytes) {
    struct content content = {object, bytes};
    return web_page_fill(to, EMBEDDED(inspect_frame), put_part, &content);
}
