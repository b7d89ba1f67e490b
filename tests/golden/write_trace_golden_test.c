/*
 * write_trace_golden_test: a trace of version 1 reads as it did on the day it was written, and the example in
 * tools/loam/simulate/FORMAT.md is the golden file.
 *
 *     write_trace_golden_test --make     writes it anew (only with a new version of the format)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "tests/harness/golden.h"
#include "tools/loam/simulate/write_trace.h"
#include "tools/sim/sim_io.h"

enum { FRAMES = 2 };
static const char golden[] = "tests/golden/writes/small-v1.writes", path[] = "/golden.writes";

static void writes_of(struct write_op writes[2]) {
    writes[0] = (struct write_op){
        .kind = WRITE_PUT, .tree = 1, .time_ms = 1767225600000, .key = slice_from_text("apple"), .value_bytes = 100};
    writes[1] =
        (struct write_op){.kind = WRITE_DELETE, .tree = 1, .time_ms = 1767225600005, .key = slice_from_text("apricot")};
}

static int make(void) {
    static uint8_t bytes[GOLDEN_MAX_BYTES];
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

static void a_trace_of_version_1_reads_as_it_was_written(void **state) {
    (void)state;
    static uint8_t room[GOLDEN_MAX_BYTES];
    const struct slice bytes = golden_read(golden, room);
    struct io *io = sim_io_create_alone(1);
    struct trace_reader *reader;
    struct trace_damage damage;
    struct io_file *file;
    struct error error;
    struct write_op writes[2], op;
    writes_of(writes);
    assert_int_equal(io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE, &file), STATUS_OK);
    assert_int_equal(io_file_write(file, 0, bytes.data, bytes.size), STATUS_OK);
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

static void the_example_in_the_document_is_the_golden_file(void **state) {
    (void)state;
    const size_t told = golden_expect_example("tools/loam/simulate/FORMAT.md", golden);
    assert_true(told >= FRAMES * TRACE_HEADER_BYTES);
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1 && strcmp(arguments[1], "--make") == 0) return make();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_of_version_1_reads_as_it_was_written),
        cmocka_unit_test(the_example_in_the_document_is_the_golden_file),
    };
    return cmocka_run_group_tests_name("write_trace_golden", tests, NULL, NULL);
}
