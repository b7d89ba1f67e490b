/* json_text: see json_text.h. */
#include "tools/loam/json_text.h"

enum status json_text_append(struct buf *to, const char *text) {
    enum status status = buf_append_byte(to, '"');
    for (; *text && status == STATUS_OK; text++) {
        if (*text == '"' || *text == '\\')
            status = buf_append_format(to, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            status = buf_append_format(to, "\\u%04x", (unsigned)*text);
        else
            status = buf_append_byte(to, (uint8_t)*text);
    }
    return status == STATUS_OK ? buf_append_byte(to, '"') : status;
}
