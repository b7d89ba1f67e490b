/*
 * values_golden_test: files of values written by version 1 of the format read as they did on the day they were written,
 * and the example in engine/values/FORMAT.md is the golden file.
 *
 *     values_golden_test --make     writes the golden files anew (only with a new version of the format)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/lsm/manifest.h"
#include "engine/values/value_build.h"
#include "engine/values/value_read.h"
#include "tests/harness/golden.h"
#include "tools/sim/sim_io.h"

enum { VALUES = 2 };

static const struct sst_identity identity = {.store = 0x1122334455667788, .file = 9};
static const char path[] = "/golden.val";

struct golden {
    const char *file;
    enum codec_id codec;
};
static const struct golden goldens[] = {
    {"tests/golden/values/plain-v1.val", CODEC_NONE},
    {"tests/golden/values/lz4-v1.val", CODEC_LZ4},
    {"tests/golden/values/zstd-v1.val", CODEC_ZSTD},
};
enum { GOLDENS = sizeof goldens / sizeof goldens[0] };

static const char *const keys[VALUES] = {"apple", "pear"};
static const char *const values[VALUES] = {"red, red, red, red, red, red, red, red, red, red, red, red, red and sweet",
                                           "green"};

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static void make_one(struct sst_environment *environment, const struct golden *golden) {
    struct value_build *build;
    struct value_reference reference;
    struct value_footer footer;
    struct buf bytes = BUF_EMPTY;
    check(value_build_create(environment, path, identity, golden->codec, &build) == STATUS_OK);
    for (unsigned i = 0; i < VALUES; i++)
        check(value_build_add(build, slice_from_text(keys[i]), slice_from_text(values[i]), &reference) == STATUS_OK);
    check(value_build_finish(build, &footer) == STATUS_OK);
    value_build_destroy(build);
    check(file_read_all(environment->io, path, GOLDEN_MAX_BYTES, &bytes) == STATUS_OK);
    FILE *out = fopen(golden->file, "wb");
    check(out != NULL && fwrite(bytes.data, 1, bytes.size, out) == bytes.size);
    check(fclose(out) == 0);
    buf_deinit(&bytes);
}

static struct sst_environment environment_make(void) {
    struct sst_environment environment = {.io = sim_io_create_alone(1), .codec = codec_create()};
    check(environment.codec != NULL);
    return environment;
}

static void environment_end(struct sst_environment *environment) {
    codec_destroy(environment->codec);
    io_destroy(environment->io);
}

static int make(void) {
    struct sst_environment environment = environment_make();
    for (unsigned i = 0; i < GOLDENS; i++) make_one(&environment, &goldens[i]);
    environment_end(&environment);
    return 0;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* The references that an SST would have, as the records stand. */
static void find_references(struct slice bytes, struct value_reference references[VALUES]) {
    uint64_t at = VALUE_HEADER_BYTES;
    for (unsigned i = 0; i < VALUES; i++) {
        struct value_record record;
        size_t size;
        assert_int_equal(value_record_peek(slice_from(bytes, at), &record, &size), STATUS_OK);
        references[i] = (struct value_reference){identity.file, at, (uint32_t)size, record.check};
        at += size;
    }
    assert_int_equal(at, bytes.size - VALUE_FOOTER_BYTES);
}

static void read_one(struct sst_environment *environment, const char *file) {
    static uint8_t room[GOLDEN_MAX_BYTES];
    const struct slice golden = golden_read(file, room);
    struct value_reference references[VALUES];
    struct value_reader *reader;
    struct io_file *copy;
    struct error error;
    find_references(golden, references);
    assert_int_equal(io_file_open(environment->io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &copy),
                     STATUS_OK);
    assert_int_equal(io_file_write(copy, 0, golden.data, golden.size), STATUS_OK);
    io_file_close(copy);
    const enum status status = value_reader_open(environment, path, identity, 1, &reader, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", file, error.text);
    for (unsigned i = 0; i < VALUES; i++) {
        struct block *block;
        struct slice value;
        assert_int_equal(value_reader_get(reader, &references[i], slice_from_text(keys[i]), 0, &block, &value),
                         STATUS_OK);
        assert_true(slice_equal(value, slice_from_text(values[i])));
        block_release(block);
        assert_int_equal(value_reader_get(reader, &references[i], slice_from_text("another"), 0, &block, &value),
                         STATUS_CORRUPT);
    }
    assert_int_equal(value_reader_verify(reader, NULL, NULL), STATUS_OK);
    value_reader_close(reader);
}

static void files_of_version_1_read_as_they_were_written(void **state) {
    (void)state;
    struct sst_environment environment = environment_make();
    for (unsigned i = 0; i < GOLDENS; i++) read_one(&environment, goldens[i].file);
    environment_end(&environment);
}

static void a_reference_is_encoded_as_the_document_says(void **state) {
    (void)state;
    static const uint8_t expected[VALUE_REFERENCE_BYTES] = {
        9, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    const struct value_reference reference = {.file = 9, .offset = 64, .bytes = 261, .check = 0x1122334455667788};
    struct value_reference decoded;
    uint8_t bytes[VALUE_REFERENCE_BYTES];
    value_reference_encode(bytes, &reference);
    assert_memory_equal(bytes, expected, sizeof expected);
    assert_int_equal(value_reference_decode(slice_make(bytes, sizeof bytes), &decoded), STATUS_OK);
    assert_true(decoded.file == 9 && decoded.offset == 64 && decoded.bytes == 261);
    assert_true(decoded.check == reference.check);
    assert_int_equal(value_reference_decode(slice_make(bytes, 27), &decoded), STATUS_CORRUPT);
}

static void the_example_in_the_document_is_the_golden_file(void **state) {
    (void)state;
    static uint8_t bytes[GOLDEN_MAX_BYTES];
    const size_t told = golden_expect_example("engine/values/FORMAT.md", goldens[0].file);
    assert_int_equal(told, golden_read(goldens[0].file, bytes).size);
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1 && strcmp(arguments[1], "--make") == 0) return make();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_version_1_read_as_they_were_written),
        cmocka_unit_test(a_reference_is_encoded_as_the_document_says),
        cmocka_unit_test(the_example_in_the_document_is_the_golden_file),
    };
    return cmocka_run_group_tests_name("values_golden", tests, NULL, NULL);
}
