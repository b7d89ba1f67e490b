/* bytes: see bytes.h. */
#include "tools/loam/explain/bytes.h"

static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What stands behind a backslash; *text goes behind it. */
static enum status take_escape(struct buf *to, const char **text) {
    const char *at = *text;
    if (*at == '\\' || *at == '"') {
        *text = at + 1;
        return buf_append_byte(to, (uint8_t)*at);
    }
    if (*at != 'x' || digit(at[1]) < 0 || digit(at[2]) < 0) return STATUS_SYNTAX;
    *text = at + 3;
    return buf_append_byte(to, (uint8_t)(digit(at[1]) << 4 | digit(at[2])));
}

enum status bytes_from_text(struct buf *to, const char *text) {
    enum status status = STATUS_OK;
    buf_clear(to);
    while (*text && status == STATUS_OK) {
        const char c = *text++;
        status = c == '\\' ? take_escape(to, &text) : buf_append_byte(to, (uint8_t)c);
    }
    return status;
}
