/*
 * wal_ahead_test: a log that is long enough to be verified by a thread ahead of the one that takes its records: all of
 * them come, once and in order, up to what ends the reading, whoever of the two is faster.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/coding.h"
#include "engine/base/prng.h"
#include "engine/wal.h"
#include "tests/harness/test_env.h"

enum { SEGMENT = 1 << 20, LOG_BYTES = 10 << 20, LARGE_BYTES = 700 << 10, TYPE = 7 };

struct fixture {
    struct io *io;
    char dir[256], log_dir[300];
    struct wal_options options;
    uint64_t written; /* records */
    uint64_t seen;
    uint64_t stop_at; /* visiting this one fails; UINT64_MAX = none */
    bool slow;        /* the taker, so that the other waits for it; else now and then the other way round */
};

static uint8_t payload_bytes[LARGE_BYTES];

/* The record of that number: mostly small, now and then one that is larger than a stretch. */
static struct slice payload_of(uint64_t number) {
    struct prng prng;
    prng_init(&prng, number);
    size_t size = 8 + prng_below(&prng, 400);
    if (number % 300 == 299) size = 5000 + prng_below(&prng, 60000);
    if (number % 4001 == 4000) size = LARGE_BYTES;
    prng_fill(&prng, payload_bytes, size < 64 ? size : 64);
    memset(payload_bytes + 64, (int)number, size < 64 ? 0 : size - 64);
    coding_put_u64(payload_bytes, number);
    return slice_make(payload_bytes, size);
}

static enum status visit(void *context, const struct wal_record *record) {
    struct fixture *f = context;
    const struct slice expected = payload_of(f->seen);
    assert_int_equal(record->type, TYPE);
    assert_true(slice_equal(record->payload, expected));
    if (f->seen == f->stop_at) return STATUS_BUSY;
    if (f->slow && f->seen % 5000 == 0) io_sleep(f->io, 20000000);
    f->seen++;
    return STATUS_OK;
}

static enum status open_log(struct fixture *f, struct wal **wal, struct wal_recovery *recovery, struct error *error) {
    f->seen = 0;
    return wal_open(f->io, f->log_dir, &f->options, visit, f, wal, recovery, error);
}

/* Groups of all sorts: compact ones, of several records, and now and then durable. */
static void write_log(struct fixture *f) {
    struct wal *wal;
    struct wal_stats stats = {0};
    uint64_t lsn;
    assert_int_equal(open_log(f, &wal, NULL, NULL), STATUS_OK);
    while (stats.written_bytes < LOG_BYTES) {
        for (unsigned i = 0; i < 40; i++) {
            const struct slice part = payload_of(f->written++);
            assert_int_equal(wal_put(wal, TYPE, &part, 1, &lsn), STATUS_OK);
        }
        for (unsigned i = 0; i < 40; i++) {
            const struct slice part = payload_of(f->written++);
            assert_int_equal(wal_append(wal, TYPE, &part, 1, &lsn), STATUS_OK);
        }
        assert_int_equal(wal_commit(wal, false), STATUS_OK);
        wal_get_stats(wal, &stats);
    }
    wal_close(wal);
    assert_true(stats.segments_live >= 8);
}

static void fixture_init(struct fixture *f, enum io_backend_choice backend) {
    *f = (struct fixture){.options = {.owner = 9, .segment_bytes = SEGMENT, .compact = true, .loose = true},
                          .stop_at = UINT64_MAX};
    struct io_options options = {.backend = backend};
    struct error error;
    if (io_create(&options, &f->io, &error) != STATUS_OK) {
        print_message("SKIP: %s\n", error.text);
        skip();
    }
    snprintf(f->dir, sizeof f->dir, "%s/ahead-XXXXXX", test_build_dir());
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->log_dir, sizeof f->log_dir, "%s/log", f->dir);
    write_log(f);
}

static enum status remove_entry(void *context, const struct io_entry *entry) {
    struct fixture *f = context;
    char path[IO_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", f->log_dir, entry->name);
    return io_remove(f->io, path);
}

static void fixture_deinit(struct fixture *f) {
    assert_int_equal(io_dir_list(f->io, f->log_dir, remove_entry, f), STATUS_OK);
    assert_int_equal(io_remove(f->io, f->log_dir), STATUS_OK);
    assert_int_equal(io_remove(f->io, f->dir), STATUS_OK);
    io_destroy(f->io);
}

static void segment_path(const struct fixture *f, unsigned number, char path[IO_PATH_BYTES]) {
    snprintf(path, IO_PATH_BYTES, "%s/%08x.wal", f->log_dir, number);
}

static void assert_all_come(struct fixture *f) {
    struct wal *wal;
    struct wal_recovery recovery;
    struct error error;
    const enum status status = open_log(f, &wal, &recovery, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", status_name(status), error.text);
    assert_int_equal(f->seen, f->written);
    assert_int_equal(recovery.records, f->written);
    wal_close(wal);
}

static void all_records_come(enum io_backend_choice backend) {
    struct fixture f;
    fixture_init(&f, backend);
    assert_all_come(&f);
    f.slow = true;
    f.options.read_only = true;
    assert_all_come(&f);
    f.options.read_only = false;
    assert_all_come(&f);
    fixture_deinit(&f);
}

static void all_records_come_in_order_by_posix(void **state) {
    (void)state;
    all_records_come(IO_BACKEND_POSIX);
}

static void all_records_come_in_order_by_io_uring(void **state) {
    (void)state;
    all_records_come(IO_BACKEND_URING);
}

static void a_visit_that_fails_ends_the_reading(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, IO_BACKEND_POSIX);
    for (f.stop_at = 0; f.stop_at < f.written; f.stop_at += 1 + f.written / 7) {
        struct wal *wal;
        struct error error;
        assert_int_equal(open_log(&f, &wal, NULL, &error), STATUS_BUSY);
        assert_int_equal(f.seen, f.stop_at);
        assert_null(wal);
    }
    f.stop_at = UINT64_MAX;
    assert_all_come(&f);
    fixture_deinit(&f);
}

static void what_stands_before_a_damaged_place_comes(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, IO_BACKEND_POSIX);
    char path[IO_PATH_BYTES];
    struct io_file *file;
    struct wal *wal;
    struct wal_recovery recovery;
    struct error error;
    uint8_t byte;
    size_t got;
    segment_path(&f, 6, path);
    assert_int_equal(io_file_open(f.io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, SEGMENT / 2 + 100, &byte, 1, &got), STATUS_OK);
    byte ^= 1;
    assert_int_equal(io_file_write(file, SEGMENT / 2 + 100, &byte, 1), STATUS_OK);
    io_file_close(file);
    assert_int_equal(open_log(&f, &wal, &recovery, &error), STATUS_FAULTY);
    assert_non_null(strstr(error.text, "00000006.wal"));
    assert_int_equal(recovery.records, f.seen);
    assert_in_range(f.seen, f.written / 3, f.written - 1);
    fixture_deinit(&f);
}

static void a_file_that_is_cut_off_is_named(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, IO_BACKEND_POSIX);
    char path[IO_PATH_BYTES];
    struct wal *wal;
    struct error error;
    segment_path(&f, 5, path);
    assert_int_equal(truncate(path, SEGMENT - 4096), 0);
    assert_int_equal(open_log(&f, &wal, NULL, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.text, "00000005.wal"));
    assert_true(f.seen > 0);
    fixture_deinit(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_records_come_in_order_by_posix),
        cmocka_unit_test(all_records_come_in_order_by_io_uring),
        cmocka_unit_test(a_visit_that_fails_ends_the_reading),
        cmocka_unit_test(what_stands_before_a_damaged_place_comes),
        cmocka_unit_test(a_file_that_is_cut_off_is_named),
    };
    return cmocka_run_group_tests_name("wal_ahead", tests, NULL, NULL);
}
