/*
 * kv_fuzz: what the log and the disk may hold for the key-value store. The first byte chooses: an operation, a name's
 * row, a reply, a number, a pattern. Each is refused, or read within its input and written back the same.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "engine/base/reply.h"
#include "engine/names/names_format.h"
#include "kv/kv.h"

enum { ARGUMENTS_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_operation(struct slice bytes) {
    struct kv_op_reader reader, again;
    struct slice arguments[ARGUMENTS_MAX];
    if (kv_op_decode(bytes, &reader) || reader.op.argument_count > ARGUMENTS_MAX) return;
    for (size_t i = 0; i < reader.op.argument_count; i++) arguments[i] = kv_op_next(&reader);
    struct kv_op op = reader.op;
    op.arguments = arguments;
    struct buf written = BUF_EMPTY;
    if (kv_op_encode(&written, &op)) abort();
    check(kv_op_decode(buf_slice(&written), &again) == STATUS_OK);
    check(again.op.kind == op.kind && again.op.flags == op.flags && again.op.number == op.number);
    check(again.op.argument_count == op.argument_count);
    for (size_t i = 0; i < op.argument_count; i++) check(slice_equal(kv_op_next(&again), arguments[i]));
    buf_deinit(&written);
}

static void read_row(struct slice bytes) {
    struct name_row row, again;
    if (names_decode_row(bytes, &row)) return;
    check(row.value.size <= bytes.size);
    struct buf written = BUF_EMPTY;
    if (names_encode_row(&written, &row)) abort();
    check(names_decode_row(buf_slice(&written), &again) == STATUS_OK);
    check(again.type == row.type && again.expire_ms == row.expire_ms && again.object == row.object);
    check(slice_equal(again.value, row.value));
    buf_deinit(&written);
}

static void read_reply(struct slice bytes) {
    struct decoder decoder = decoder_make(bytes);
    struct reply_value value;
    for (size_t i = 0; i <= bytes.size && reply_decode(&decoder, &value) == STATUS_OK; i++)
        if (value.text.size) check(value.text.data + value.text.size <= bytes.data + bytes.size);
}

static void read_text(struct slice bytes) {
    int64_t number = 0;
    if (decimal_parse(bytes, &number)) check(bytes.size <= 20);
    size_t half = bytes.size / 2;
    (void)kv_glob_match(slice_make(bytes.data, half), slice_from(bytes, half));
    /* A star takes anything. */
    check(kv_glob_match(slice_from_text("*"), bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const readers[])(struct slice bytes) = {read_operation, read_row, read_reply, read_text};
    if (size < 2) return 0;
    readers[data[0] % 4](slice_make(data + 1, size - 1));
    return 0;
}
