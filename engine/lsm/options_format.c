/* options_format: lines and their checksum. */
#include "engine/lsm/options_format.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/hash.h"

#define OPTIONS_SEED UINT64_C(0x4f7074696f6e7321)

enum status options_file_seal(struct buf *bytes) {
    return buf_append_format(bytes, "check %016" PRIx64 "\n", hash64(buf_slice(bytes), OPTIONS_SEED));
}

/* The bytes before the checksum's line, whose checksum is right. */
static enum status take_check(struct slice bytes, struct slice *text, struct error *error) {
    char line[OPTIONS_CHECK_BYTES + 1];
    if (bytes.size < sizeof OPTIONS_HEAD - 1 + OPTIONS_CHECK_BYTES)
        return error_set(error, STATUS_CORRUPT, "%zu bytes are too few", bytes.size);
    *text = slice_make(bytes.data, bytes.size - OPTIONS_CHECK_BYTES);
    snprintf(line, sizeof line, "check %016" PRIx64 "\n", hash64(*text, OPTIONS_SEED));
    if (memcmp(line, bytes.data + text->size, OPTIONS_CHECK_BYTES) != 0)
        return error_set(error, STATUS_CORRUPT, "offset %zu: the checksum does not match", text->size);
    return STATUS_OK;
}

enum status options_file_parse(struct slice bytes, void (*visit)(void *context, struct slice name, struct slice value),
                               void *context, struct error *error) {
    struct slice text;
    const enum status status = take_check(bytes, &text, error);
    if (status != STATUS_OK) return status;
    const size_t head = sizeof OPTIONS_HEAD - 1;
    if (memcmp(text.data, OPTIONS_HEAD, head) != 0)
        return error_set(error, STATUS_VERSION, "it does not begin with \"loam options 1\"");
    for (size_t at = head; at < text.size;) {
        const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
        const size_t size = end ? (size_t)(end - (text.data + at)) : text.size - at;
        const uint8_t *space = memchr(text.data + at, ' ', size);
        if (!end || !space) return error_set(error, STATUS_CORRUPT, "offset %zu: not a line of name and value", at);
        const size_t name = (size_t)(space - (text.data + at));
        visit(context, slice_make(text.data + at, name), slice_make(space + 1, size - name - 1));
        at += size + 1;
    }
    return STATUS_OK;
}
