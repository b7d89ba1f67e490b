#include "tools/loam/web_page.h"

#include <string.h>

#include "engine/base/check.h"

EMBED(page_head, "tools/loam/web_page.html");

enum status web_page_fill(struct buf *to, struct slice frame,
                          enum status (*put)(void *context, struct buf *to, struct slice name), void *context) {
    const uint8_t *mark;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (mark = memchr(frame.data, '@', frame.size)) != NULL) {
        const size_t before = (size_t)(mark - frame.data);
        const uint8_t *end = memchr(mark + 1, '@', frame.size - before - 1);
        check(end != NULL);
        status = buf_append(to, frame.data, before);
        const struct slice name = slice_make(mark + 1, (size_t)(end - mark - 1));
        if (status == STATUS_OK && slice_equal(name, slice_from_text("head")))
            status = buf_append_slice(to, EMBEDDED(page_head));
        else if (status == STATUS_OK)
            status = put(context, to, name);
        frame = slice_from(frame, (size_t)(end + 1 - frame.data));
    }
    return status == STATUS_OK ? buf_append_slice(to, frame) : status;
}

enum status web_page_put_json(struct buf *to, struct slice object) {
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
