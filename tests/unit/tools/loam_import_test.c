/*
 * loam_import: what `loam import` reads out of lines: fields, times, samples; and how it counts the bad ones.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/temp_dir.h"
#include "tools/loam/import/bad_lines.h"
#include "tools/loam/import/line_reader.h"
#include "tools/loam/import/series_files.h"
#include "tools/loam/import/series_line.h"

enum { MANY = 4 };

/* ---- csv --------------------------------------------------------------------------------------------------------- */

/* The fields of a line, each in brackets; or the status' name. */
static const char *fields_of(const char *line) {
    static char shown[256];
    struct slice fields[MANY];
    struct csv_line csv = {.fields = fields, .capacity = MANY};
    const enum status status = csv_split(&csv, slice_from_text(line));
    int used = snprintf(shown, sizeof shown, "%s", status == STATUS_OK ? "" : status_name(status));
    for (size_t i = 0; status == STATUS_OK && i < csv.count; i++)
        used += snprintf(shown + used, sizeof shown - (size_t)used, "[%.*s]", (int)fields[i].size,
                         fields[i].size ? (const char *)fields[i].data : "");
    buf_deinit(&csv.text);
    return shown;
}

static void commas_separate_fields(void **state) {
    (void)state;
    assert_string_equal(fields_of("a,b,c"), "[a][b][c]");
    assert_string_equal(fields_of(" a\t, b c ,"), "[a][b c][]");
    assert_string_equal(fields_of(""), "[]");
    assert_string_equal(fields_of(","), "[][]");
}

static void quotes_keep_commas_and_blanks(void **state) {
    (void)state;
    assert_string_equal(fields_of("\"a,b\",c"), "[a,b][c]");
    assert_string_equal(fields_of("\" a \" ,\"\""), "[ a ][]");
    assert_string_equal(fields_of("\"say \"\"ho\"\"\",\"x\"\"\""), "[say \"ho\"][x\"]");
}

static void a_line_with_a_stray_quote_is_refused(void **state) {
    (void)state;
    assert_string_equal(fields_of("\"a"), "SYNTAX");
    assert_string_equal(fields_of("\"a\"b,c"), "SYNTAX");
    assert_string_equal(fields_of("a,\"b\"\""), "SYNTAX");
}

static void more_fields_than_there_is_room_for_are_too_many(void **state) {
    (void)state;
    assert_string_equal(fields_of("a,b,c,d"), "[a][b][c][d]");
    assert_string_equal(fields_of("a,b,c,d,e"), "TOO_LARGE");
}

/* ---- times ------------------------------------------------------------------------------------------------------- */

static void check_time(const char *text, enum time_unit unit, int64_t expected) {
    int64_t time_ms = -12345;
    if (!time_text_parse(slice_from_text(text), &unit, &time_ms)) fail_msg("'%s' is not understood", text);
    if (time_ms != expected) fail_msg("'%s' is %lld, not %lld", text, (long long)time_ms, (long long)expected);
}

static void check_no_time(const char *text) {
    enum time_unit unit = TIME_UNIT_UNKNOWN;
    int64_t time_ms = 0;
    if (time_text_parse(slice_from_text(text), &unit, &time_ms)) fail_msg("'%s' is taken for a time", text);
}

static void iso_times_are_utc_unless_they_say_otherwise(void **state) {
    (void)state;
    check_time("1970-01-01", TIME_UNIT_UNKNOWN, 0);
    check_time("2014-04-01 00:05:00", TIME_UNIT_UNKNOWN, 1396310700000);
    check_time("2014-04-01T00:05", TIME_UNIT_UNKNOWN, 1396310700000);
    check_time("2014-04-01T00:05:00Z", TIME_UNIT_UNKNOWN, 1396310700000);
    check_time("2014-04-01T02:05:00.2509+02:00", TIME_UNIT_UNKNOWN, 1396310700250);
    check_time("2014-03-31 19:05:00-0500", TIME_UNIT_UNKNOWN, 1396310700000);
    check_time("2014-04-01 00:05:00.5 +00", TIME_UNIT_UNKNOWN, 1396310700500);
    check_time("2000-02-29 23:59:59", TIME_UNIT_UNKNOWN, 951868799000);
    check_time("1969-12-31 23:59:59.999", TIME_UNIT_UNKNOWN, -1);
}

static void epoch_times_follow_their_unit(void **state) {
    (void)state;
    check_time("1396310700", TIME_UNIT_S, 1396310700000);
    check_time("1396310700.25", TIME_UNIT_S, 1396310700250);
    check_time("-0.5", TIME_UNIT_S, -500);
    check_time("5", TIME_UNIT_MS, 5);
    check_time("1999", TIME_UNIT_US, 1);
    check_time("-1", TIME_UNIT_NS, -1);
    check_time("1396310700000000", TIME_UNIT_US, 1396310700000);
}

static void the_first_epoch_time_tells_the_unit(void **state) {
    (void)state;
    check_time("1396310700", TIME_UNIT_UNKNOWN, 1396310700000);
    check_time("1396310700000", TIME_UNIT_UNKNOWN, 1396310700000);
    check_time("1396310700000000", TIME_UNIT_UNKNOWN, 1396310700000);
    check_time("1396310700000000000", TIME_UNIT_UNKNOWN, 1396310700000);
    enum time_unit unit = TIME_UNIT_UNKNOWN;
    int64_t time_ms = 0;
    assert_true(time_text_parse(slice_from_text("1396310700000"), &unit, &time_ms));
    assert_int_equal(unit, TIME_UNIT_MS);
}

static void what_is_no_time_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        "now",
                                        "2014-02-29",
                                        "2014-13-01",
                                        "2014-00-10",
                                        "2014-04-01 24:00:00",
                                        "2014-04-01 00:60:00",
                                        "2014-04-01 00:00:60",
                                        "2014-04-01 00:00:00x",
                                        "2014-04-01 00:00:00+24:00",
                                        "2014-4-1",
                                        "12 34",
                                        "1.",
                                        "-",
                                        "0x10",
                                        "1e9",
                                        "99999999999999999999",
                                        "9223372036854775807.5 "};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) check_no_time(wrong[i]);
    enum time_unit unit = TIME_UNIT_S;
    int64_t time_ms = 0;
    assert_false(time_text_parse(slice_from_text("9223372036854775807"), &unit, &time_ms));
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

static const char *why;

static enum status parse(struct series_line_parser *parser, const char *line, struct series_sample *sample) {
    return series_line_parse(parser, slice_from_text(line), sample, &why);
}

static void a_header_a_comment_and_an_empty_line_hold_no_sample(void **state) {
    (void)state;
    struct series_line_parser parser = {0};
    struct series_sample sample;
    series_line_begin(&parser, TIME_UNIT_UNKNOWN);
    assert_int_equal(parse(&parser, "# made by hand", &sample), STATUS_NOT_FOUND);
    assert_int_equal(parse(&parser, " ", &sample), STATUS_NOT_FOUND);
    assert_int_equal(parse(&parser, "timestamp,value", &sample), STATUS_NOT_FOUND);
    assert_int_equal(parse(&parser, "2014-04-01 00:00:00,19.761251903999998", &sample), STATUS_OK);
    assert_true(sample.time_ms == 1396310400000);
    assert_true(sample.value == 19.761251903999998);
    assert_int_equal(sample.text.size, strlen("19.761251903999998"));
    assert_int_equal(parse(&parser, "timestamp,value", &sample), STATUS_SYNTAX); /* a header comes first or never */
    series_line_deinit(&parser);
}

static void a_first_line_with_a_sample_is_no_header(void **state) {
    (void)state;
    struct series_line_parser parser = {0};
    struct series_sample sample;
    series_line_begin(&parser, TIME_UNIT_MS);
    assert_int_equal(parse(&parser, "7, -0.0", &sample), STATUS_OK);
    assert_true(sample.time_ms == 7 && signbit(sample.value));
    series_line_begin(&parser, TIME_UNIT_MS); /* half a sample is a bad line, not a header */
    assert_int_equal(parse(&parser, "time,1", &sample), STATUS_SYNTAX);
    series_line_deinit(&parser);
}

static void a_bad_line_says_what_is_wrong(void **state) {
    (void)state;
    struct series_line_parser parser = {0};
    struct series_sample sample;
    series_line_begin(&parser, TIME_UNIT_MS);
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"1,2,3", "not two fields: time,value"},
        {"1", "not two fields: time,value"},
        {"1,2,3,4", "not two fields: time,value"},
        {"1,", "the value is no number"},
        {"1,0x10", "the value is no number"},
        {"1,1e999", "the value is no number"},
        {"1,2 3", "the value is no number"},
        {"soon,2", "the time is neither ISO 8601 nor a number"},
        {"-5,2", "the time lies before 1970, where no series begins"},
        {"1969-12-31 23:59:59,2", "the time lies before 1970, where no series begins"},
        {"\"1,2", "a quote is not closed, or closed before the end of its field"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(parse(&parser, rows[i].line, &sample), STATUS_SYNTAX);
        assert_string_equal(why, rows[i].why);
    }
    assert_int_equal(parse(&parser, "1,nan", &sample), STATUS_OK);
    assert_int_equal(parse(&parser, "1,-inf", &sample), STATUS_OK);
    assert_int_equal(parse(&parser, "1,4.9e-324", &sample), STATUS_OK);
    series_line_deinit(&parser);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

struct fixture {
    struct io *io;
    char directory[TEMP_DIR_BYTES];
    char path[128];
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    *state = fixture;
    if (!fixture || io_create(&options, &fixture->io, NULL) != STATUS_OK) return -1;
    temp_dir_make(fixture->directory, "import");
    snprintf(fixture->path, sizeof fixture->path, "%s/a.csv", fixture->directory);
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    temp_dir_remove(fixture->io, fixture->directory);
    io_destroy(fixture->io);
    free(fixture);
    return 0;
}

static void write_file(struct io *io, const char *path, const void *bytes, size_t size) {
    struct io_file *file;
    assert_int_equal(io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file), STATUS_OK);
    assert_int_equal(io_file_write(file, 0, bytes, size), STATUS_OK);
    io_file_close(file);
}

static void lines_end_with_either_kind_of_end(void **state) {
    struct fixture *fixture = *state;
    static const char text[] = "\xEF\xBB\xBF"
                               "one\r\ntwo\n\nlast";
    write_file(fixture->io, fixture->path, text, sizeof text - 1);
    struct line_reader reader;
    struct slice line;
    assert_int_equal(line_reader_open(&reader, fixture->io, fixture->path, NULL), STATUS_OK);
    static const char *const expected[] = {"one", "two", "", "last"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(line_reader_next(&reader, &line, NULL), STATUS_OK);
        assert_true(slice_equal(line, slice_from_text(expected[i])));
        assert_int_equal(reader.line, i + 1);
    }
    assert_int_equal(line_reader_next(&reader, &line, NULL), STATUS_END);
    assert_int_equal(line_reader_next(&reader, &line, NULL), STATUS_END);
    line_reader_close(&reader);
}

static void a_file_of_many_buffers_gives_every_line(void **state) {
    struct fixture *fixture = *state;
    enum { LINES = 100000 };
    struct buf text = BUF_EMPTY;
    for (unsigned i = 0; i < LINES; i++) assert_int_equal(buf_append_format(&text, "%u,%u\n", i, i * 7), STATUS_OK);
    write_file(fixture->io, fixture->path, text.data, text.size);
    struct line_reader reader;
    struct slice line;
    char wanted[32];
    assert_int_equal(line_reader_open(&reader, fixture->io, fixture->path, NULL), STATUS_OK);
    for (unsigned i = 0; i < LINES; i++) {
        assert_int_equal(line_reader_next(&reader, &line, NULL), STATUS_OK);
        snprintf(wanted, sizeof wanted, "%u,%u", i, i * 7);
        if (!slice_equal(line, slice_from_text(wanted))) fail_msg("line %u is wrong", i + 1);
    }
    assert_int_equal(line_reader_position(&reader), text.size);
    assert_int_equal(line_reader_next(&reader, &line, NULL), STATUS_END);
    assert_true(reader.buffer.capacity < text.size); /* it was not held in memory */
    line_reader_close(&reader);
    buf_deinit(&text);
}

static void a_line_over_the_limit_is_refused_with_its_number(void **state) {
    struct fixture *fixture = *state;
    struct buf text = BUF_EMPTY;
    assert_int_equal(buf_append_format(&text, "short\n"), STATUS_OK);
    assert_int_equal(buf_append_zeros(&text, 2 * LINE_READER_MAX_BYTES), STATUS_OK);
    write_file(fixture->io, fixture->path, text.data, text.size);
    struct line_reader reader;
    struct slice line;
    struct error error = {0};
    assert_int_equal(line_reader_open(&reader, fixture->io, fixture->path, NULL), STATUS_OK);
    assert_int_equal(line_reader_next(&reader, &line, &error), STATUS_OK);
    assert_int_equal(line_reader_next(&reader, &line, &error), STATUS_TOO_LARGE);
    assert_non_null(strstr(error.text, "a.csv:2: the line is longer than"));
    line_reader_close(&reader);
    buf_deinit(&text);
}

static void files_of_a_directory_name_their_series(void **state) {
    struct fixture *fixture = *state;
    char second[160];
    snprintf(second, sizeof second, "%s/b.csv", fixture->directory);
    write_file(fixture->io, fixture->path, "1,2\n", 4);
    write_file(fixture->io, second, "1,2\n3,4\n", 8);
    struct series_files files = {0};
    assert_int_equal(series_files_add(&files, fixture->io, fixture->directory, NULL, NULL), STATUS_OK);
    assert_int_equal(series_files_add(&files, fixture->io, second, "x:%:y", NULL), STATUS_OK);
    assert_int_equal(series_files_add(&files, fixture->io, second, "b", NULL), STATUS_OK);
    assert_int_equal(files.count, 4);
    static const char *const names[] = {"a", "b", "x:b:y", "b"};
    for (size_t i = 0; i < 4; i++) assert_string_equal(files.files[i].series, names[i]);
    assert_true(files.files[1].first_of_series);
    assert_false(files.files[3].first_of_series);
    assert_int_equal(files.size_bytes, 4 + 8 + 8 + 8);
    series_files_deinit(&files);
    assert_int_equal(series_files_add(&files, fixture->io, "/does/not/exist", NULL, NULL), STATUS_NOT_FOUND);
    series_files_deinit(&files);
}

/* ---- bad lines --------------------------------------------------------------------------------------------------- */

static void bad_lines_are_refused_above_the_limit_and_the_first_ones_kept(void **state) {
    (void)state;
    struct bad_lines bad = {.limit = 30};
    struct error error = {0};
    for (uint64_t i = 1; i <= 30; i++)
        assert_int_equal(bad_lines_add(&bad, &error, "f.csv", i, "reason %d", (int)i), STATUS_OK);
    assert_string_equal(bad.kept[0], "f.csv:1: reason 1");
    assert_string_equal(bad.kept[BAD_LINES_KEPT - 1], "f.csv:20: reason 20");
    assert_int_equal(bad_lines_add(&bad, &error, "f.csv", 31, "reason"), STATUS_INVALID);
    assert_non_null(strstr(error.text, "more than 30 bad lines"));
    assert_int_equal(bad.count, 31);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_separate_fields),
        cmocka_unit_test(quotes_keep_commas_and_blanks),
        cmocka_unit_test(a_line_with_a_stray_quote_is_refused),
        cmocka_unit_test(more_fields_than_there_is_room_for_are_too_many),
        cmocka_unit_test(iso_times_are_utc_unless_they_say_otherwise),
        cmocka_unit_test(epoch_times_follow_their_unit),
        cmocka_unit_test(the_first_epoch_time_tells_the_unit),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_header_a_comment_and_an_empty_line_hold_no_sample),
        cmocka_unit_test(a_first_line_with_a_sample_is_no_header),
        cmocka_unit_test(a_bad_line_says_what_is_wrong),
        cmocka_unit_test_setup_teardown(lines_end_with_either_kind_of_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_of_many_buffers_gives_every_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_over_the_limit_is_refused_with_its_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_of_a_directory_name_their_series, set_up, tear_down),
        cmocka_unit_test(bad_lines_are_refused_above_the_limit_and_the_first_ones_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
