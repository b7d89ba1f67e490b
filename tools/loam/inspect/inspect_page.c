/*
 * inspect_page: the frame, with style, script and data where its marks are. The object is JSON, whose texts may hold
 * anything: no '<' of theirs may end the element that it stands in.
 */
#include "tools/loam/inspect/inspect_page.h"

#include <string.h>

#include "engine/base/status.h"

/* A build runs in the root, so that is where the names begin. */
#define EMBED(name, file)                                                                                              \
    __asm__(".pushsection .rodata\n" #name "_begin:\n.incbin \"tools/loam/inspect/" file "\"\n" #name                  \
            "_end:\n.byte 0\n.popsection\n");                                                                          \
    extern const uint8_t name##_begin[] __attribute__((visibility("hidden")));                                         \
    extern const uint8_t name##_end[] __attribute__((visibility("hidden")))

EMBED(inspect_frame, "inspect_page.html");
EMBED(inspect_style, "inspect_page.css");
EMBED(inspect_script, "inspect_page.js");

static struct slice asset(const uint8_t *begin, const uint8_t *end) {
    return slice_make(begin, (size_t)(end - begin));
}

/* JSON for a script element. */
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

/* What stands in the frame instead of @name@. */
static enum status put_part(struct buf *to, struct slice name, struct slice object, struct slice bytes) {
    if (slice_equal(name, slice_from_text("style")))
        return buf_append_slice(to, asset(inspect_style_begin, inspect_style_end));
    if (slice_equal(name, slice_from_text("script")))
        return buf_append_slice(to, asset(inspect_script_begin, inspect_script_end));
    if (slice_equal(name, slice_from_text("object"))) return put_object(to, object);
    return put_bytes(to, bytes);
}

enum status inspect_page_make(struct buf *to, struct slice object, struct slice bytes) {
    struct slice rest = asset(inspect_frame_begin, inspect_frame_end);
    const uint8_t *mark;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (mark = memchr(rest.data, '@', rest.size)) != NULL) {
        const size_t before = (size_t)(mark - rest.data);
        const uint8_t *end = memchr(mark + 1, '@', rest.size - before - 1);
        status = buf_append(to, rest.data, before);
        if (end == NULL) break; /* the frame is ours: its marks come in pairs */
        if (status == STATUS_OK) status = put_part(to, slice_make(mark + 1, (size_t)(end - mark - 1)), object, bytes);
        rest = slice_from(rest, (size_t)(end + 1 - rest.data));
    }
    return status == STATUS_OK ? buf_append_slice(to, rest) : status;
}
