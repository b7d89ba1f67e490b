/*
 * io_mapped: writes that are copies to mapped memory: when they are, and when not. What is written is told apart by the
 * system's own table of mappings. That both ways write the same bytes: tests/harness/io_file_facts.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "engine/io.h"
#include "tests/harness/test_env.h"

enum { FILE_BYTES = 1 << 20, FLAGS = IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_MAPPED };

struct fixture {
    struct io *io;
    struct log log;
    char said[512]; /* the last line about mapped memory */
    char directory[256], path[300];
};

static void keep_refusal(void *context, enum log_level level, const char *text) {
    struct fixture *fixture = context;
    (void)level;
    if (strstr(text, "mapped memory")) snprintf(fixture->said, sizeof fixture->said, "%s", text);
}

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture) return -1;
    fixture->log = (struct log){.level = LOG_INFO, .line = keep_refusal, .context = fixture};
    const struct io_options options = {.backend = IO_BACKEND_POSIX, .log = &fixture->log};
    assert_int_equal(io_create(&options, &fixture->io, NULL), STATUS_OK);
    snprintf(fixture->directory, sizeof fixture->directory, "%s/mapped-XXXXXX", test_build_dir());
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof fixture->path, "%s/file", fixture->directory);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(io_remove(fixture->io, fixture->path), STATUS_OK);
    assert_int_equal(io_remove(fixture->io, fixture->directory), STATUS_OK);
    io_destroy(fixture->io);
    free(fixture);
    return 0;
}

static void make_file(struct fixture *fixture, bool filled) {
    static const uint8_t zeros[FILE_BYTES];
    struct io_file *file;
    const unsigned flags = IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE;
    assert_int_equal(io_file_open(fixture->io, fixture->path, flags, &file), STATUS_OK);
    if (filled) assert_int_equal(io_file_write(file, 0, zeros, sizeof zeros), STATUS_OK);
    if (!filled) assert_int_equal(io_file_truncate(file, FILE_BYTES), STATUS_OK);
    assert_int_equal(io_file_sync(file), STATUS_OK);
    io_file_close(file);
}

static struct io_file *open_file(struct fixture *fixture) {
    struct io_file *file;
    assert_int_equal(io_file_open(fixture->io, fixture->path, FLAGS, &file), STATUS_OK);
    if (!fixture->said[0]) return file;
    print_message("SKIP: %s\n", fixture->said);
    io_file_close(file);
    skip();
    return NULL;
}

/* How many mappings of the file this process has. */
static unsigned mappings(const struct fixture *fixture) {
    char line[1024];
    unsigned count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    const char *name = strstr(fixture->path, "mapped-");
    while (fgets(line, sizeof line, maps)) count += strstr(line, name) != NULL;
    assert_int_equal(fclose(maps), 0);
    return count;
}

static void write_sector(struct io_file *file, uint64_t offset, size_t size) {
    static uint8_t data[64 << 10];
    memset(data, 'x', sizeof data);
    assert_int_equal(io_file_write(file, offset, data, size), STATUS_OK);
}

static void a_filled_file_is_written_through_one_window_until_it_is_closed(void **state) {
    struct fixture *fixture = *state;
    make_file(fixture, true);
    struct io_file *file = open_file(fixture);
    assert_int_equal(mappings(fixture), 0);
    for (uint64_t offset = 0; offset < FILE_BYTES; offset += 64 << 10) {
        write_sector(file, offset, IO_SECTOR_BYTES);
        assert_int_equal(mappings(fixture), 1);
    }
    io_file_close(file);
    assert_int_equal(mappings(fixture), 0);
}

static void parts_of_sectors_and_long_writes_go_the_ordinary_way(void **state) {
    struct fixture *fixture = *state;
    make_file(fixture, true);
    struct io_file *file = open_file(fixture);
    write_sector(file, 0, 100);
    write_sector(file, 10, IO_SECTOR_BYTES);
    write_sector(file, 0, 64 << 10);
    write_sector(file, FILE_BYTES, IO_SECTOR_BYTES);
    assert_int_equal(mappings(fixture), 0);
    io_file_close(file);
}

static void a_file_with_holes_is_refused_and_the_log_says_so(void **state) {
    struct fixture *fixture = *state;
    struct io_file *file;
    make_file(fixture, false);
    assert_int_equal(io_file_open(fixture->io, fixture->path, FLAGS, &file), STATUS_OK);
    assert_non_null(strstr(fixture->said, "file: writes are not copied to mapped memory: "));
    write_sector(file, 0, IO_SECTOR_BYTES);
    assert_int_equal(mappings(fixture), 0);
    io_file_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_filled_file_is_written_through_one_window_until_it_is_closed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(parts_of_sectors_and_long_writes_go_the_ordinary_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_with_holes_is_refused_and_the_log_says_so, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("io_mapped", tests, NULL, NULL);
}
