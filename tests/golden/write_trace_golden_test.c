/*
 * write_trace_golden_test: a trace of version 1 reads as it did on the day it was written, and the example in
 * tools/loam/simulate/FORMAT.md is the golden file.
 *
 *     write_trace_golden_test --make     writes it anew (only with a new version of the format)
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "tools/loam/simulate/write_trace.h"
#include "tools/sim/sim_io.h"

enum { BYTES_MAX = 64 << 10, FRAMES = 2 };
static const char golden[] = "tests/golden/writes/small-v1.writes", path[] = "/golden.writes";

static void writes_of(struct write_op writes[2]) {
    writes[0] = (struct write_op){
        .kind = WRITE_PUT, .tree = 1, .time_ms = 1767225600000, .key = slice_from_text("apple"), .value_bytes = 100};
    writes[1] =
        (struct write_op){.kind = WRITE_DELETE, .tree = 1, .time_ms = 1767225600005, .key = slice_from_text("apricot")};
}

static int make(void) {
    static uint8_t bytes[BYTES_MAX];
    struct io *io = sim_io_create_alone(1);
    struct trace_writer *writer;
    struct io_file *file;
    struct error error;
    struct write_op writes[2];
    size_t size;
    writes_of(writes);
    check(trace_writer_open(io, path, &writer, &error) == STATUS_OK);
    for (unsigned i = 0; i < 2; i++) check(trace_writer_add(writer, &writes[i]) == STATUS_OK);
    check(trace_writer_finish(writer) == STATUS_OK);
    trace_writer_close(writer);
    check(io_file_open(io, path, IO_OPEN_READ, &file) == STATUS_OK);
    check(io_file_read(file, 0, bytes, sizeof bytes, &size) == STATUS_OK);
    io_file_close(file);
    FILE *out = fopen(golden, "wb");
    check(out != NULL && fwrite(bytes, 1, size, out) == size && fclose(out) == 0);
    io_destroy(io);
    return 0;
}

static size_t load(uint8_t bytes[BYTES_MAX]) {
    FILE *in = fopen(golden, "rb");
    assert_non_null(in);
    const size_t size = fread(bytes, 1, BYTES_MAX, in);
    fclose(in);
    return size;
}

static void a_trace_of_version_1_reads_as_it_was_written(void **state) {
    (void)state;
    static uint8_t bytes[BYTES_MAX];
    const size_t size = load(bytes);
    struct io *io = sim_io_create_alone(1);
    struct trace_reader *reader;
    struct trace_damage damage;
    struct io_file *file;
    struct error error;
    struct write_op writes[2], op;
    writes_of(writes);
    assert_int_equal(io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE, &file), STATUS_OK);
    assert_int_equal(io_file_write(file, 0, bytes, size), STATUS_OK);
    io_file_close(file);
    if (trace_reader_open(io, path, NULL, NULL, &reader, &error) != STATUS_OK) fail_msg("%s", error.text);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(trace_reader_next(reader, &op), STATUS_OK);
        assert_true(op.kind == writes[i].kind && op.tree == 1 && op.time_ms == writes[i].time_ms);
        assert_true(slice_equal(op.key, writes[i].key) && op.end.size == 0);
        assert_int_equal(op.value_bytes, writes[i].value_bytes);
    }
    assert_int_equal(trace_reader_next(reader, &op), STATUS_END);
    trace_reader_get_damage(reader, &damage);
    assert_false(damage.torn || damage.places > 0);
    trace_reader_close(reader);
    io_destroy(io);
}

/* Lines "00000000  6c 6f ..  comment" of the document become bytes again; what it leaves out are zeros. */
static void the_example_in_the_document_is_the_golden_file(void **state) {
    (void)state;
    static uint8_t bytes[BYTES_MAX], told[BYTES_MAX];
    const size_t size = load(bytes);
    size_t count = 0;
    char line[512];
    FILE *in = fopen("tools/loam/simulate/FORMAT.md", "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        char *cursor;
        unsigned long offset = strtoul(line, &cursor, 16);
        if (cursor != line + 8 || strncmp(cursor, "  ", 2) != 0) continue;
        for (cursor += 2; isxdigit((unsigned char)cursor[0]) && isxdigit((unsigned char)cursor[1]); cursor += 3) {
            assert_true(offset < size);
            told[offset++] = (uint8_t)strtoul(cursor, NULL, 16);
            count++;
        }
    }
    fclose(in);
    assert_true(count >= FRAMES * TRACE_HEADER_BYTES);
    assert_memory_equal(told, bytes, size);
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1 && strcmp(arguments[1], "--make") == 0) return make();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_of_version_1_reads_as_it_was_written),
        cmocka_unit_test(the_example_in_the_document_is_the_golden_file),
    };
    return cmocka_run_group_tests_name("write_trace_golden", tests, NULL, NULL);
}
