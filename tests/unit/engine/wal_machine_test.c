/*
 * wal_machine_test: the log on the machine's own files and threads: rotation, recycling and drops by a job that runs
 * beside, reads from another thread. For both backends, and for the thread sanitizer.
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

#include "tests/harness/test_env.h"
#include "tests/harness/wal_model.h"

enum { SEGMENT = 64 << 10, COMMITS = 400 };

struct fixture {
    struct io *io;
    char dir[256], log_dir[300];
    struct wal_model model;
    struct wal_options options;
    struct wal *wal;
    unsigned answers;
    enum status answer;
};

static enum status remove_entry(void *context, const struct io_entry *entry) {
    struct fixture *f = context;
    char path[IO_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", f->log_dir, entry->name);
    return io_remove(f->io, path);
}

static void fixture_init(struct fixture *f, enum io_backend_choice backend) {
    *f = (struct fixture){.options = {.owner = 9, .segment_bytes = SEGMENT}};
    struct io_options options = {.backend = backend};
    struct error error;
    if (io_create(&options, &f->io, &error) != STATUS_OK) {
        print_message("SKIP: %s\n", error.text);
        skip();
    }
    snprintf(f->dir, sizeof f->dir, "%s/wal-XXXXXX", test_build_dir());
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->log_dir, sizeof f->log_dir, "%s/log", f->dir);
    wal_model_init(&f->model, 5, 2000);
}

static void fixture_deinit(struct fixture *f) {
    wal_close(f->wal);
    assert_int_equal(io_dir_list(f->io, f->log_dir, remove_entry, f), STATUS_OK);
    assert_int_equal(io_remove(f->io, f->log_dir), STATUS_OK);
    assert_int_equal(io_remove(f->io, f->dir), STATUS_OK);
    wal_model_deinit(&f->model);
    io_destroy(f->io);
}

static void open_log(struct fixture *f) {
    struct error error;
    enum status status = wal_model_open(&f->model, f->io, f->log_dir, &f->options, &f->wal, NULL, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", status_name(status), error.text);
    assert_null(wal_model_judge(&f->model));
}

static void on_commit(void *context, enum status status, uint64_t durable_lsn) {
    struct fixture *f = context;
    (void)durable_lsn;
    f->answers++;
    f->answer = status;
}

static void commit(struct fixture *f) {
    if (f->options.on_commit == NULL) {
        assert_int_equal(wal_commit(f->wal, true), STATUS_OK);
        return;
    }
    while (wal_pending(f->wal) > 0) {
        unsigned before = f->answers;
        wal_commit_start(f->wal);
        while (f->answers == before) io_run(f->io, io_now_ns(f->io) + 1000000000);
        assert_int_equal(f->answer, STATUS_OK);
    }
}

/* Reads a durable, pinned stretch from a pool thread while the owner goes on. */
struct reader {
    struct io_job job;
    struct wal *wal;
    uint64_t lsn;
    unsigned left;
    enum status status;
    bool ended;
    struct buf scratch;
};

static enum io_job_state read_step(struct io_job *job) {
    struct reader *reader = job->context;
    struct wal_record record;
    for (unsigned i = 0; i < 16 && reader->left > 0 && reader->status == STATUS_OK; i++, reader->left--)
        reader->status = wal_read(reader->wal, reader->lsn, &reader->scratch, &record, &reader->lsn, NULL);
    return reader->left > 0 && reader->status == STATUS_OK ? IO_JOB_MORE : IO_JOB_DONE;
}

static void read_done(struct io_job *job) {
    struct reader *reader = job->context;
    reader->ended = true;
}

static void live(struct fixture *f) {
    uint64_t count = test_scaled(COMMITS), lsn = 0;
    struct reader reader = {.ended = true};
    uint64_t pinned = 0;
    open_log(f);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t first = 0;
        for (unsigned k = 0; k < 3; k++) {
            assert_int_equal(wal_model_append(&f->model, f->wal, &lsn), STATUS_OK);
            if (k == 0) first = lsn;
        }
        commit(f);
        f->model.durable = f->model.next;
        if (reader.ended && pinned != 0) {
            assert_int_equal(reader.status, STATUS_OK);
            wal_unpin(f->wal, pinned);
            pinned = 0;
        }
        if (reader.ended && i % 5 == 0) {
            pinned = first;
            wal_pin(f->wal, pinned);
            reader.wal = f->wal;
            reader.lsn = first;
            reader.left = 3;
            reader.ended = false;
            reader.job =
                (struct io_job){.pool = IO_POOL_READ, .step = read_step, .done = read_done, .context = &reader};
            io_job_start(f->io, &reader.job);
        }
        if (i % 20 == 19) {
            f->model.dropped = f->model.next - 1;
            wal_drop_before(f->wal, lsn);
        }
        io_run(f->io, 0);
    }
    while (!reader.ended) io_run(f->io, io_now_ns(f->io) + 1000000000);
    if (pinned != 0) wal_unpin(f->wal, pinned);
    buf_deinit(&reader.scratch);
    wal_close(f->wal);
    open_log(f);
    assert_int_equal(f->model.seen_next, f->model.durable);
}

static void blocking_commits_on_this_machine(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, IO_BACKEND_POSIX);
    live(&f);
    fixture_deinit(&f);
}

static void commits_on_the_loop_by_posix(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, IO_BACKEND_POSIX);
    f.options.on_commit = on_commit;
    f.options.context = &f;
    live(&f);
    fixture_deinit(&f);
}

static void commits_on_the_loop_by_io_uring(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, IO_BACKEND_URING);
    f.options.on_commit = on_commit;
    f.options.context = &f;
    live(&f);
    fixture_deinit(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocking_commits_on_this_machine),
        cmocka_unit_test(commits_on_the_loop_by_posix),
        cmocka_unit_test(commits_on_the_loop_by_io_uring),
    };
    return cmocka_run_group_tests_name("wal_machine", tests, NULL, NULL);
}
