/*
 * options_fuzz: any bytes as the file OPTIONS: as they are, and with a head and a last line that are right, so that the
 * lines are reached. What is taken is lines of name and value that make up the file again, to the byte.
 */
#include "engine/base/check.h"
#include "engine/lsm/options_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_line(void *context, struct slice name, struct slice value) {
    struct buf *told = context;
    check(name.size == 0 || !memchr(name.data, ' ', name.size));
    check(buf_append_slice(told, name) == STATUS_OK && buf_append_byte(told, ' ') == STATUS_OK);
    check(buf_append_slice(told, value) == STATUS_OK && buf_append_byte(told, '\n') == STATUS_OK);
}

static enum status read_as_options(struct slice bytes) {
    struct buf told = BUF_EMPTY;
    struct error error = {.status = STATUS_OK};
    check(buf_append_format(&told, OPTIONS_HEAD) == STATUS_OK);
    const enum status status = options_file_parse(bytes, take_line, &told, &error);
    check(status == STATUS_OK || status == STATUS_CORRUPT || status == STATUS_VERSION);
    check(status == STATUS_OK || error.text[0]);
    if (status == STATUS_OK) {
        check(options_file_seal(&told) == STATUS_OK);
        check(slice_equal(buf_slice(&told), bytes));
    }
    buf_deinit(&told);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf sealed = BUF_EMPTY;
    (void)read_as_options(slice_make(data, size));
    check(buf_append_format(&sealed, OPTIONS_HEAD) == STATUS_OK);
    check(buf_append(&sealed, data, size) == STATUS_OK);
    check(options_file_seal(&sealed) == STATUS_OK);
    if (read_as_options(buf_slice(&sealed)) == STATUS_OK && size > 0) {
        /* No single flip of a bit is let pass. */
        const size_t at = data[0] * (sealed.size - 1) / 255;
        sealed.data[at] ^= (uint8_t)(1u << (data[size - 1] & 7));
        check(read_as_options(buf_slice(&sealed)) != STATUS_OK);
    }
    buf_deinit(&sealed);
    return 0;
}
