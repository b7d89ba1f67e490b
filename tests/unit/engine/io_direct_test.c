/*
 * io_direct: durable writes past the system's cache, as io_uring makes them. Each fact first sees to it that the
 * temporary directory's file system grants them.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/io.h"

enum { DESCRIPTORS = 256, PAGES = 4, FLAGS = IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_DIRECT };

static _Alignas(IO_PAGE_BYTES) uint8_t data[PAGES * IO_PAGE_BYTES];

struct fixture {
    struct io *io;
    struct io_file *file;
    struct log log;
    char said[512]; /* the last line with "no direct writes" */
    char directory[40], path[64];
};

static void keep_refusal(void *context, enum log_level level, const char *text) {
    struct fixture *fixture = context;
    (void)level;
    if (strstr(text, "no direct writes")) snprintf(fixture->said, sizeof fixture->said, "%s", text);
}

static unsigned direct_descriptors(void) {
    unsigned count = 0;
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        const int flags = fcntl(fd, F_GETFL);
        if (flags >= 0 && (flags & O_DIRECT)) count++;
    }
    return count;
}

static struct fixture *fixture_create(void) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->log = (struct log){.level = LOG_INFO, .line = keep_refusal, .context = fixture};
    const struct io_options options = {.backend = IO_BACKEND_URING, .log = &fixture->log};
    if (io_create(&options, &fixture->io, NULL) != STATUS_OK) {
        free(fixture);
        print_message("SKIP: no io_uring here\n");
        skip();
    }
    snprintf(fixture->directory, sizeof fixture->directory, "/tmp/loam-direct-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof fixture->path, "%s/file", fixture->directory);
    assert_int_equal(io_file_open(fixture->io, fixture->path, FLAGS, &fixture->file), STATUS_OK);
    memset(data, 'x', sizeof data);
    return fixture;
}

static void fixture_destroy(struct fixture *fixture) {
    io_file_close(fixture->file);
    assert_int_equal(io_remove(fixture->io, fixture->path), STATUS_OK);
    assert_int_equal(io_remove(fixture->io, fixture->directory), STATUS_OK);
    io_destroy(fixture->io);
    free(fixture);
}

static struct fixture *direct_fixture(void) {
    struct fixture *fixture = fixture_create();
    if (!fixture->said[0]) return fixture;
    print_message("SKIP: %s\n", fixture->said);
    fixture_destroy(fixture);
    skip();
    return NULL;
}

static void note_done(struct io_op *op) {
    *(bool *)op->context = true;
}

static enum status write_sync(struct fixture *fixture, uint64_t offset, size_t size) {
    bool done = false;
    struct io_op op = {.kind = IO_OP_WRITE_SYNC,
                       .file = fixture->file,
                       .data = data,
                       .size = size,
                       .offset = offset,
                       .done = note_done,
                       .context = &done};
    io_submit(fixture->io, &op);
    const uint64_t give_up = io_now_ns(fixture->io) + 10000000000u;
    while (!done && io_now_ns(fixture->io) < give_up) io_run(fixture->io, io_now_ns(fixture->io) + 100000000u);
    assert_true(done);
    return op.status;
}

static rlim_t limit_file_size(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return before;
}

static void a_direct_file_has_a_descriptor_past_the_cache_until_it_is_closed(void **state) {
    (void)state;
    const unsigned before = direct_descriptors();
    struct fixture *fixture = direct_fixture();
    assert_int_equal(direct_descriptors(), before + 1);
    assert_int_equal(write_sync(fixture, 0, sizeof data), STATUS_OK);
    assert_int_equal(direct_descriptors(), before + 1);
    fixture_destroy(fixture);
    assert_int_equal(direct_descriptors(), before);
}

static void where_it_is_refused_writes_go_through_the_cache_and_the_log_says_so(void **state) {
    (void)state;
    struct fixture *fixture = direct_fixture();
    struct io_file *null;
    assert_int_equal(io_file_open(fixture->io, "/dev/null", IO_OPEN_WRITE | IO_OPEN_DIRECT, &null), STATUS_OK);
    assert_non_null(strstr(fixture->said, "/dev/null: no direct writes: Invalid argument"));
    struct io_op op = {.kind = IO_OP_WRITE, .file = null, .data = data, .size = IO_PAGE_BYTES};
    bool done = false;
    op.done = note_done;
    op.context = &done;
    io_submit(fixture->io, &op);
    while (!done) io_run(fixture->io, UINT64_MAX);
    assert_int_equal(op.status, STATUS_OK);
    io_file_close(null);
    fixture_destroy(fixture);
}

static void a_direct_write_cut_short_goes_on_through_the_cache_and_poisons_nothing(void **state) {
    (void)state;
    struct fixture *fixture = direct_fixture();
    signal(SIGXFSZ, SIG_IGN);
    const rlim_t usual = limit_file_size(IO_PAGE_BYTES + 1000);
    const enum status status = write_sync(fixture, 0, sizeof data);
    limit_file_size(usual);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, STATUS_TOO_LARGE);
    uint64_t size;
    assert_int_equal(io_file_size(fixture->file, &size), STATUS_OK);
    assert_int_equal(size, IO_PAGE_BYTES + 1000);
    assert_int_equal(write_sync(fixture, 0, sizeof data), STATUS_OK);
    assert_int_equal(io_file_size(fixture->file, &size), STATUS_OK);
    assert_int_equal(size, sizeof data);
    fixture_destroy(fixture);
}

/* Write or barrier: the kernel does not tell which of them failed. */
static void a_direct_write_that_fails_poisons_the_file(void **state) {
    (void)state;
    struct fixture *fixture = direct_fixture();
    signal(SIGXFSZ, SIG_IGN);
    const rlim_t usual = limit_file_size(IO_PAGE_BYTES);
    const enum status status = write_sync(fixture, IO_PAGE_BYTES, IO_PAGE_BYTES);
    limit_file_size(usual);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, STATUS_IO);
    assert_int_equal(write_sync(fixture, 0, IO_PAGE_BYTES), STATUS_READ_ONLY);
    assert_int_equal(io_file_sync(fixture->file), STATUS_READ_ONLY);
    fixture_destroy(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_direct_file_has_a_descriptor_past_the_cache_until_it_is_closed),
        cmocka_unit_test(where_it_is_refused_writes_go_through_the_cache_and_the_log_says_so),
        cmocka_unit_test(a_direct_write_cut_short_goes_on_through_the_cache_and_poisons_nothing),
        cmocka_unit_test(a_direct_write_that_fails_poisons_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
