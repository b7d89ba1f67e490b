/*
 * loam_dump: the stream of a dump: marks, what is written, what is read, and how each damage of it is told.
 *
 *     loam_dump_test --make     writes the golden file anew (only with a new version of the format)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/golden.h"
#include "tests/harness/temp_dir.h"
#include "tools/loam/dump/dump_damage.h"
#include "tools/loam/dump/dump_read.h"
#include "tools/loam/dump/dump_write.h"

struct fixture {
    struct io *io;
    char directory[TEMP_DIR_BYTES];
    char path[512];
    struct buf stream;
    size_t at, piece;
    struct error error;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    *state = fixture;
    if (!fixture || io_create(&options, &fixture->io, NULL) != STATUS_OK) return -1;
    temp_dir_make(fixture->directory, "dump");
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/stream", fixture->directory);
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    temp_dir_remove(fixture->io, fixture->directory);
    io_destroy(fixture->io);
    buf_deinit(&fixture->stream);
    free(fixture);
    return 0;
}

static void put(struct dump_writer *writer, const char *const *texts) {
    dump_begin(writer, texts[0], slice_from_text(texts[1]));
    for (size_t i = 2; texts[i]; i++) dump_args_word(dump_arguments(writer), texts[i]);
    assert_int_equal(dump_end(writer), STATUS_OK);
}
#define PUT(writer, ...) put(writer, (const char *const[]){__VA_ARGS__, NULL})

static void keep_file(struct fixture *fixture) {
    struct io_file *file;
    uint64_t size = 0;
    size_t got = 0;
    assert_int_equal(io_file_open(fixture->io, fixture->path, IO_OPEN_READ, &file), STATUS_OK);
    assert_int_equal(io_file_size(file, &size), STATUS_OK);
    buf_clear(&fixture->stream);
    assert_int_equal(buf_reserve(&fixture->stream, (size_t)size), STATUS_OK);
    assert_int_equal(io_file_read(file, 0, fixture->stream.data, (size_t)size, &got), STATUS_OK);
    fixture->stream.size = got;
    io_file_close(file);
}

static void begin_stream(struct fixture *fixture, struct dump_writer *writer) {
    const struct dump_head head = {.cluster_id = 0x1234, .entry = 77, .time_ms = 1795000000000};
    *writer = (struct dump_writer){.output = {.io = fixture->io, .path = fixture->path, .command = "dump"},
                                   .error = &fixture->error};
    assert_int_equal(dump_writer_open(writer, &head), STATUS_OK);
}

/* A stream with something of everything. */
static void write_stream(struct fixture *fixture) {
    struct dump_writer writer;
    begin_stream(fixture, &writer);
    PUT(&writer, "SET", "a", "1");
    PUT(&writer, "SET", "b", "2", "PXAT", "1796000000000");
    PUT(&writer, "TS.CREATE", "c", "RETENTION", "5");
    PUT(&writer, "TS.MADD", "c", "1", "1.5", "c", "2", "-0");
    PUT(&writer, "TS.RESTORE", "c", "3", "nan");
    PUT(&writer, "PEXPIREAT", "c", "1796000000000");
    PUT(&writer, "GRAPH.RESTORE", "d", "GRAPH");
    PUT(&writer, "GRAPH.RESTORE", "d", "LABELS", "0", "A");
    PUT(&writer, "GRAPH.RESTORE", "d", "NODES", "0", "3", "", "1", "A", "0", "", "-", "", "0", "0");
    PUT(&writer, "GRAPH.RESTORE", "d", "EDGES", "0", "2", "-", "2", "0", "2", "R", "0");
    writer.counts.strings = 2;
    writer.counts.series = writer.counts.graphs = writer.counts.edges = 1;
    writer.counts.samples = 3;
    writer.counts.nodes = 2;
    assert_int_equal(dump_writer_close(&writer, STATUS_OK), STATUS_OK);
    keep_file(fixture);
}

static enum status read_piece(void *context, void *to, size_t room, size_t *got) {
    struct fixture *fixture = context;
    const size_t left = fixture->stream.size - fixture->at;
    *got = left < room ? left : room;
    if (fixture->piece && *got > fixture->piece) *got = fixture->piece;
    if (*got) memcpy(to, fixture->stream.data + fixture->at, *got);
    fixture->at += *got;
    return STATUS_OK;
}

/* Reads fixture->stream to its end or its fault. */
static enum status read_all(struct fixture *fixture, uint64_t *commands) {
    struct dump_reader reader = {.read = read_piece, .context = fixture, .path = "stream"};
    struct dump_command command;
    enum status status = dump_reader_open(&reader, &fixture->error);
    fixture->at = 0;
    *commands = 0;
    fixture->error.text[0] = '\0';
    while (status == STATUS_OK) {
        status = dump_reader_next(&reader, &command, &fixture->error);
        *commands += status == STATUS_OK;
    }
    dump_reader_close(&reader);
    assert_true(status == STATUS_END || fixture->error.text[0] != '\0');
    return status;
}

static void what_is_written_is_read_in_any_pieces(void **state) {
    struct fixture *fixture = *state;
    uint64_t commands = 0;
    write_stream(fixture);
    for (fixture->piece = 0; fixture->piece < 40; fixture->piece++) {
        assert_int_equal(read_all(fixture, &commands), STATUS_END);
        assert_int_equal(commands, 10);
    }
}

static void a_stream_that_was_cut_anywhere_is_torn(void **state) {
    struct fixture *fixture = *state;
    uint64_t commands = 0;
    write_stream(fixture);
    for (size_t size = fixture->stream.size; size-- > 0;) {
        fixture->stream.size = size;
        assert_int_equal(read_all(fixture, &commands), STATUS_TORN);
    }
}

static void every_flipped_bit_is_noticed(void **state) {
    struct fixture *fixture = *state;
    uint64_t commands = 0;
    write_stream(fixture);
    for (size_t bit = 0; bit < 8 * fixture->stream.size; bit++) {
        fixture->stream.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const enum status status = read_all(fixture, &commands);
        assert_true(status == STATUS_CORRUPT || status == STATUS_TORN || status == STATUS_INVALID ||
                    status == STATUS_VERSION || status == STATUS_TOO_LARGE);
        fixture->stream.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void bytes_behind_the_end_are_noticed(void **state) {
    struct fixture *fixture = *state;
    uint64_t commands = 0;
    write_stream(fixture);
    assert_int_equal(buf_append(&fixture->stream, "*1\r\n$4\r\nPING\r\n", 14), STATUS_OK);
    assert_int_equal(read_all(fixture, &commands), STATUS_CORRUPT);
}

/* ---- Golden ------------------------------------------------------------------------------------------------------ */

static const char golden_path[] = "tests/golden/dump/stream-v1";

static void append_golden(struct buf *file) {
    void *state = NULL;
    assert_int_equal(set_up(&state), 0);
    struct fixture *fixture = state;
    write_stream(fixture);
    assert_int_equal(buf_append_slice(file, buf_slice(&fixture->stream)), STATUS_OK);
    assert_int_equal(tear_down(&state), 0);
}

static const struct golden_file golden_files[] = {{golden_path, append_golden}};

static void a_stream_of_version_1_is_written_as_ever(void **state) {
    (void)state;
    golden_expect(golden_files, 1);
}

static void a_stream_of_version_1_is_read_as_ever(void **state) {
    struct fixture *fixture = *state;
    static uint8_t room[GOLDEN_MAX_BYTES];
    uint64_t commands = 0;
    assert_int_equal(buf_assign(&fixture->stream, golden_read(golden_path, room)), STATUS_OK);
    assert_int_equal(read_all(fixture, &commands), STATUS_END);
    assert_int_equal(commands, 10);
}

/* Each with marks that are right. */
static void commands_that_are_out_of_place_are_refused(void **state) {
    struct fixture *fixture = *state;
    static const char *const streams[][3][9] = {
        {{"SET", "b", "1"}, {"SET", "a", "1"}},
        {{"SET", "a", "1"}, {"SET", "a", "1"}},
        {{"FLUSHALL", "a"}},
        {{"DEL", "a"}},
        {{"set", "a", "1"}},
        {{"TS.MADD", "a", "1", "1"}},
        {{"TS.CREATE", "a"}, {"TS.MADD", "a", "1", "1", "b", "1", "1"}},
        {{"TS.CREATE", "a"}, {"TS.MADD", "a", "1"}},
        {{"TS.CREATE", "a"}, {"SETRANGE", "a", "0", "x"}},
        {{"SET", "a", "1"}, {"SETRANGE", "a", "2", "x"}},
        {{"SET", "a", "1"}, {"PEXPIREAT", "a", "5"}, {"SETRANGE", "a", "1", "x"}},
        {{"SET", "a", "1", "PXAT", "0"}},
        {{"SET", "a", "1", "NX"}},
        {{"GRAPH.RESTORE", "a", "LABELS", "0", "x"}},
        {{"GRAPH.RESTORE", "a", "GRAPH"}, {"GRAPH.RESTORE", "a", "NODES", "0", "2", "", "-"}},
        {{"GRAPH.RESTORE", "a", "GRAPH"}, {"GRAPH.RESTORE", "a", "NODES", "0", "1", "", "-", "x"}},
        {{"GRAPH.RESTORE", "a", "GRAPH"}, {"TS.RESTORE", "a", "1", "1"}},
    };
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct dump_writer writer;
        uint64_t commands = 0;
        begin_stream(fixture, &writer);
        for (size_t c = 0; c < 3 && streams[i][c][0]; c++) put(&writer, streams[i][c]);
        assert_int_equal(dump_writer_close(&writer, STATUS_OK), STATUS_OK);
        keep_file(fixture);
        if (read_all(fixture, &commands) != STATUS_CORRUPT) fail_msg("stream %zu was read", i);
        if (strstr(fixture->error.text, "end mark")) fail_msg("stream %zu: %s", i, fixture->error.text);
    }
}

static void an_end_that_counts_otherwise_is_noticed(void **state) {
    struct fixture *fixture = *state;
    struct dump_writer writer;
    uint64_t commands = 0;
    begin_stream(fixture, &writer);
    PUT(&writer, "SET", "a", "1");
    writer.counts.strings = 2;
    assert_int_equal(dump_writer_close(&writer, STATUS_OK), STATUS_OK);
    keep_file(fixture);
    assert_int_equal(read_all(fixture, &commands), STATUS_CORRUPT);
    assert_non_null(strstr(fixture->error.text, "counts"));
}

static void a_later_version_is_told(void **state) {
    struct fixture *fixture = *state;
    static const char text[] = "*2\r\n$4\r\nECHO\r\n$11\r\nloam-dump 2\r\n";
    uint64_t commands = 0;
    assert_int_equal(buf_append(&fixture->stream, text, sizeof text - 1), STATUS_OK);
    assert_int_equal(read_all(fixture, &commands), STATUS_VERSION);
}

static void a_stream_that_is_no_dump_is_told(void **state) {
    struct fixture *fixture = *state;
    static const char text[] = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
    uint64_t commands = 0;
    assert_int_equal(buf_append(&fixture->stream, text, sizeof text - 1), STATUS_OK);
    assert_int_equal(read_all(fixture, &commands), STATUS_INVALID);
}

static void a_dump_that_failed_leaves_no_file(void **state) {
    struct fixture *fixture = *state;
    struct dump_writer writer;
    struct io_entry entry;
    begin_stream(fixture, &writer);
    PUT(&writer, "SET", "a", "1");
    assert_int_equal(dump_writer_close(&writer, STATUS_CORRUPT), STATUS_CORRUPT);
    assert_int_equal(io_stat(fixture->io, fixture->path, &entry), STATUS_NOT_FOUND);
    assert_int_equal(io_stat(fixture->io, writer.output.part, &entry), STATUS_NOT_FOUND);
}

/* ---- Where damage ends ------------------------------------------------------------------------------------------- */

struct damage {
    uint64_t first, last;
};

static enum status probe(void *context, uint64_t position) {
    const struct damage *damage = context;
    return position >= damage->first && position <= damage->last ? STATUS_CORRUPT : STATUS_OK;
}

static void the_end_of_damage_is_found(void **state) {
    (void)state;
    for (uint64_t last = 10; last < 400; last++) {
        struct damage damage = {10, last};
        uint64_t position = 0;
        assert_true(dump_damage_find_end(probe, &damage, 10, UINT64_MAX, &position));
        assert_int_equal(position, last + 1);
    }
    struct damage damage = {0, UINT64_MAX};
    uint64_t position = 0;
    assert_false(dump_damage_find_end(probe, &damage, 5, UINT64_MAX, &position));
    damage.last = UINT64_MAX - 1;
    assert_true(dump_damage_find_end(probe, &damage, 5, UINT64_MAX, &position));
    assert_true(position == UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv) {
    if (golden_made(argc, argv, golden_files, 1)) return 0;
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read_in_any_pieces),
        TEST(a_stream_that_was_cut_anywhere_is_torn),
        TEST(every_flipped_bit_is_noticed),
        TEST(bytes_behind_the_end_are_noticed),
        TEST(commands_that_are_out_of_place_are_refused),
        TEST(an_end_that_counts_otherwise_is_noticed),
        TEST(a_later_version_is_told),
        TEST(a_stream_that_is_no_dump_is_told),
        TEST(a_dump_that_failed_leaves_no_file),
        TEST(a_stream_of_version_1_is_written_as_ever),
        TEST(a_stream_of_version_1_is_read_as_ever),
        TEST(the_end_of_damage_is_found),
    };
    return cmocka_run_group_tests_name("loam_dump", tests, NULL, NULL);
}
