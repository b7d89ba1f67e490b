/*
 * values_fuzz: any bytes as a file of values. An input is taken twice: as it is, and with all checks made right again,
 * so that what stands behind them is reached too. It is opened, walked, and asked for every record that a walk of its
 * sizes finds, and for what no record is.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/sst/sst_format.h"
#include "engine/values/value_read.h"
#include "tests/harness/mend.h"
#include "tools/sim/sim_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20 };

static const char path[] = "/fuzz.val";

static void ask(struct value_reader *reader, const struct value_reference *reference, struct slice key) {
    struct block *block;
    struct slice value;
    const enum status status = value_reader_get(reader, reference, key, 0, &block, &value);
    check(status == STATUS_OK || status == STATUS_CORRUPT);
    if (status != STATUS_OK) return;
    check(value.data >= block->data && value.data + value.size <= block->data + block->size);
    block_release(block);
}

static void ask_all(struct value_reader *reader, struct slice bytes, uint64_t number) {
    const struct value_reference strange = {.file = number, .offset = bytes.size / 2, .bytes = UINT32_MAX};
    const uint64_t end = bytes.size - VALUE_FOOTER_BYTES;
    ask(reader, &strange, slice_from_text("k"));
    for (uint64_t at = VALUE_HEADER_BYTES; at < end;) {
        struct value_record record;
        size_t size;
        const struct slice left = slice_make(bytes.data + at, (size_t)(end - at));
        if (value_record_peek(left, &record, &size) != STATUS_OK || size > left.size) return;
        const struct value_reference reference = {number, at, (uint32_t)size, record.check};
        ask(reader, &reference, record.key);
        at += size;
    }
}

static void use_file(struct slice bytes) {
    struct sst_identity identity;
    struct value_reference reference;
    (void)!value_reference_decode(slice_make(bytes.data, bytes.size < 28 ? bytes.size : 28), &reference);
    if (value_header_decode(bytes, &identity, NULL) != STATUS_OK) return;
    struct io *io = sim_io_create_alone(1);
    struct sst_environment environment = {
        .io = io, .codec = codec_create(), .cache = block_cache_create(1 << 20, NULL)};
    struct value_reader *reader = NULL;
    struct io_file *file;
    struct error error;
    check(environment.codec && environment.cache);
    check(io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE, &file) == STATUS_OK);
    check(io_file_write(file, 0, bytes.data, bytes.size) == STATUS_OK);
    io_file_close(file);
    enum status status = value_reader_open(&environment, path, identity, 1, &reader, &error);
    check(status == STATUS_OK || error.text[0] != 0);
    if (status == STATUS_OK) {
        ask_all(reader, bytes, identity.file);
        status = value_reader_verify(reader, NULL, NULL);
        check(status == STATUS_OK || status == STATUS_CORRUPT);
    }
    value_reader_close(reader);
    block_cache_destroy(environment.cache);
    codec_destroy(environment.codec);
    io_destroy(io);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > INPUT_MAX) return 0;
    use_file(slice_make(data, size));
    if (size < VALUE_HEADER_BYTES + VALUE_FOOTER_BYTES) return 0;
    uint8_t *bytes = malloc(size);
    check(bytes != NULL);
    memcpy(bytes, data, size);
    mend_values(bytes, size);
    use_file(slice_make(bytes, size));
    free(bytes);
    return 0;
}
