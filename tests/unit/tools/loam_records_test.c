/*
 * loam_records: what `loam import` makes of files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/temp_dir.h"
#include "tools/loam/import/records.h"

struct fixture {
    struct io *io;
    char directory[TEMP_DIR_BYTES];
    struct records records;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    *state = fixture;
    if (!fixture || io_create(&options, &fixture->io, NULL) != STATUS_OK) return -1;
    temp_dir_make(fixture->directory, "records");
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    records_deinit(&fixture->records);
    temp_dir_remove(fixture->io, fixture->directory);
    io_destroy(fixture->io);
    free(fixture);
    return 0;
}

static const char *write_file(struct fixture *fixture, const char *name, const char *text) {
    static char path[512];
    struct io_file *file;
    snprintf(path, sizeof path, "%s/%s", fixture->directory, name);
    assert_int_equal(io_file_open(fixture->io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file),
                     STATUS_OK);
    assert_int_equal(io_file_write(file, 0, text, strlen(text)), STATUS_OK);
    io_file_close(file);
    return path;
}

static void assert_record(const struct fixture *fixture, size_t at, const char *key, const char *value) {
    assert_in_range(at, 0, fixture->records.count - 1);
    const struct slice key_found = records_key(&fixture->records, at),
                       value_found = records_value(&fixture->records, at);
    assert_int_equal(key_found.size, strlen(key));
    assert_memory_equal(key_found.data, key, key_found.size);
    assert_int_equal(value_found.size, strlen(value));
    assert_memory_equal(value_found.data, value, value_found.size);
}

static void load(struct fixture *fixture, const char *path) {
    struct error error = {0};
    const enum status status = records_load(&fixture->records, fixture->io, path, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, STATUS_OK);
}

static const char packages[] = "Package: bash\nEssential: yes\nArchitecture: amd64\n\n"
                               "Package: libc6\nArchitecture: amd64\nMulti-Arch: same\n\n\n"
                               "Package: zlib\nDescription: last\n without an end";

static void a_package_database_gives_a_record_per_package(void **state) {
    struct fixture *fixture = *state;
    load(fixture, write_file(fixture, "status", packages));
    assert_int_equal(fixture->records.count, 3);
    assert_record(fixture, 0, "package:bash", "Package: bash\nEssential: yes\nArchitecture: amd64\n");
    assert_record(fixture, 1, "package:libc6:amd64", "Package: libc6\nArchitecture: amd64\nMulti-Arch: same\n");
    assert_record(fixture, 2, "package:zlib", "Package: zlib\nDescription: last\n without an end");
}

static void a_file_list_gives_owners_of_files_and_leaves_out_directories(void **state) {
    struct fixture *fixture = *state;
    load(fixture, write_file(fixture, "coreutils.list", "/.\n/tmp\n/no/such/bin/ls\n/dev/null\n"));
    assert_int_equal(fixture->records.count, 2);
    assert_record(fixture, 0, "file:/no/such/bin/ls", "coreutils");
    assert_record(fixture, 1, "file:/dev/null", "coreutils");
}

static void dpkgs_directory_gives_both(void **state) {
    struct fixture *fixture = *state;
    char path[256];
    write_file(fixture, "status", packages);
    snprintf(path, sizeof path, "%s/info", fixture->directory);
    assert_int_equal(io_dir_make(fixture->io, path), STATUS_OK);
    write_file(fixture, "info/bash.list", "/.\n/no/such/bash\n");
    write_file(fixture, "info/bash.md5sums", "0 no/such/bash\n");
    load(fixture, fixture->directory);
    assert_int_equal(fixture->records.count, 4);
    assert_record(fixture, 3, "file:/no/such/bash", "bash");
}

static void other_files_give_their_lines(void **state) {
    struct fixture *fixture = *state;
    load(fixture, write_file(fixture, "services", "# names\n\nhttp 80/tcp\n  \t\n  # more\nssh\t22/tcp # secure\nend"));
    assert_int_equal(fixture->records.count, 3);
    assert_record(fixture, 0, "services:3", "http 80/tcp");
    assert_record(fixture, 1, "services:6", "ssh\t22/tcp # secure");
    assert_record(fixture, 2, "services:7", "end");
}

static void a_repeated_key_stays_as_it_came_first_and_the_limit_holds(void **state) {
    struct fixture *fixture = *state;
    load(fixture, write_file(fixture, "a.list", "/no/such/x\n/no/such/x\n/no/such/y\n"));
    load(fixture, write_file(fixture, "b.list", "/no/such/y\n/no/such/z\n"));
    assert_int_equal(fixture->records.count, 3);
    assert_record(fixture, 1, "file:/no/such/y", "a");
    assert_record(fixture, 2, "file:/no/such/z", "b");
    records_deinit(&fixture->records);
    fixture->records.limit = 2;
    load(fixture, write_file(fixture, "a.list", "/no/such/1\n/no/such/2\n/no/such/3\n"));
    assert_int_equal(fixture->records.count, 2);
}

static void many_records_are_all_there(void **state) {
    struct fixture *fixture = *state;
    enum { COUNT = 20000 };
    struct buf text = BUF_EMPTY;
    for (unsigned i = 0; i < COUNT; i++) assert_int_equal(buf_append_format(&text, "line %u\n", i), STATUS_OK);
    assert_int_equal(buf_append_byte(&text, '\0'), STATUS_OK);
    load(fixture, write_file(fixture, "many", (const char *)text.data));
    buf_deinit(&text);
    assert_int_equal(fixture->records.count, COUNT);
    assert_record(fixture, 0, "many:1", "line 0");
    assert_record(fixture, COUNT - 1, "many:20000", "line 19999");
}

static void the_hash_depends_on_keys_values_and_order(void **state) {
    (void)state;
    const struct slice a = slice_from_text("a"), b = slice_from_text("b");
    const uint64_t ab = records_hash_next(records_hash_next(0, a, b), b, a);
    assert_true(ab == records_hash_next(records_hash_next(0, a, b), b, a));
    assert_true(ab != records_hash_next(records_hash_next(0, b, a), a, b));
    assert_true(ab != records_hash_next(records_hash_next(0, a, a), b, b));
    assert_true(ab != records_hash_next(0, a, b));
}

static void a_missing_file_is_named(void **state) {
    struct fixture *fixture = *state;
    struct error error = {0};
    assert_int_equal(records_load(&fixture->records, fixture->io, "/no/such/file", &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "/no/such/file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_package_database_gives_a_record_per_package),
        TEST(a_file_list_gives_owners_of_files_and_leaves_out_directories),
        TEST(dpkgs_directory_gives_both),
        TEST(other_files_give_their_lines),
        TEST(a_repeated_key_stays_as_it_came_first_and_the_limit_holds),
        TEST(many_records_are_all_there),
        TEST(the_hash_depends_on_keys_values_and_order),
        TEST(a_missing_file_is_named),
    };
    return cmocka_run_group_tests_name("loam records", tests, NULL, NULL);
}
