/*
 * io_faults: what a lab does to a running program (io_set_faults): a full device, a slow one, a wrong clock; on every
 * backend of this machine.
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

enum { BACKENDS = 2, BYTES = 8192, DELAY_MS = 30, MS = 1000 * 1000 };

struct place {
    char dir[32], path[48];
    struct io *io[BACKENDS];
};

static int set_up(void **state) {
    static const enum io_backend_choice backends[] = {IO_BACKEND_POSIX, IO_BACKEND_URING};
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    snprintf(place->dir, sizeof place->dir, "/tmp/loam-faults-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->path, sizeof place->path, "%s/file", place->dir);
    for (int i = 0; i < BACKENDS; i++) {
        const enum status status = io_create(&(struct io_options){.backend = backends[i]}, &place->io[i], NULL);
        assert_true(status == STATUS_OK || (status == STATUS_UNSUPPORTED && backends[i] == IO_BACKEND_URING));
    }
    *state = place;
    return 0;
}

static int tear_down(void **state) {
    struct place *place = *state;
    for (int i = 0; i < BACKENDS; i++) io_destroy(place->io[i]);
    unlink(place->path);
    rmdir(place->dir);
    free(place);
    return 0;
}

static struct io_file *open_file(struct io *io, const struct place *place) {
    struct io_file *file = NULL;
    assert_int_equal(
        io_file_open(io, place->path, IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file),
        STATUS_OK);
    return file;
}

static void note_done(struct io_op *op) {
    *(bool *)op->context = true;
}

/* How the operation ended; *ns is how long it took. */
static enum status run_op(struct io *io, struct io_op op, uint64_t *ns) {
    bool done = false;
    op.done = note_done;
    op.context = &done;
    const uint64_t start_ns = io_now_ns(io);
    io_submit(io, &op);
    while (!done && io_now_ns(io) < start_ns + (uint64_t)10000 * MS) io_run(io, start_ns + (uint64_t)10000 * MS);
    assert_true(done);
    if (ns) *ns = io_now_ns(io) - start_ns;
    return op.status;
}

static void check_full(struct io *io, const struct place *place) {
    char bytes[BYTES] = "x";
    uint64_t room = 1;
    struct io_file *file = open_file(io, place);
    assert_int_equal(io_file_write(file, 0, bytes, BYTES), STATUS_OK);
    io_set_faults(io, &(struct io_faults){.is_full = true});
    for (int kind = IO_OP_WRITE; kind <= IO_OP_WRITE_SYNC; kind++) {
        struct io_op op = {.kind = (enum io_op_kind)kind, .file = file, .data = bytes, .size = BYTES};
        assert_int_equal(run_op(io, op, NULL), STATUS_OK); /* over what is there */
        op.offset = 1;
        assert_int_equal(run_op(io, op, NULL), STATUS_NO_SPACE);
    }
    assert_int_equal(io_file_write(file, BYTES - 1, bytes, 1), STATUS_OK);
    assert_int_equal(io_file_write(file, BYTES, bytes, 1), STATUS_NO_SPACE);
    assert_int_equal(io_file_write_sync(file, BYTES, bytes, 1), STATUS_NO_SPACE);
    assert_int_equal(io_file_truncate(file, 2 * BYTES), STATUS_NO_SPACE);
    assert_int_equal(io_file_allocate(file, BYTES), STATUS_NO_SPACE);
    assert_int_equal(io_file_sync(file), STATUS_OK);
    assert_int_equal(io_free_space(io, place->dir, &room), STATUS_OK);
    assert_int_equal(room, 0);
    io_set_faults(io, &(struct io_faults){0});
    assert_int_equal(io_file_write(file, BYTES, bytes, 1), STATUS_OK);
    assert_int_equal(io_free_space(io, place->dir, &room), STATUS_OK);
    assert_true(room > 0);
    io_file_close(file);
}

static void a_full_device_takes_only_what_lies_over_bytes_that_are_there(void **state) {
    const struct place *place = *state;
    for (int i = 0; i < BACKENDS; i++)
        if (place->io[i]) check_full(place->io[i], place);
}

static void check_slow(struct io *io, const struct place *place) {
    char bytes[BYTES] = "x";
    uint64_t ns = 0;
    struct io_file *file = open_file(io, place);
    io_set_faults(io, &(struct io_faults){.sync_delay_ns = (uint64_t)DELAY_MS * MS});
    struct io_op op = {.kind = IO_OP_WRITE_SYNC, .file = file, .data = bytes, .size = BYTES};
    assert_int_equal(run_op(io, op, &ns), STATUS_OK);
    assert_true(ns >= (uint64_t)DELAY_MS * MS);
    op.kind = IO_OP_SYNC;
    assert_int_equal(run_op(io, op, &ns), STATUS_OK);
    assert_true(ns >= (uint64_t)DELAY_MS * MS);
    const uint64_t start_ns = io_now_ns(io);
    assert_int_equal(io_file_sync(file), STATUS_OK);
    assert_int_equal(io_file_write_sync(file, 0, bytes, BYTES), STATUS_OK);
    assert_int_equal(io_dir_sync(io, place->dir), STATUS_OK);
    assert_true(io_now_ns(io) - start_ns >= (uint64_t)3 * DELAY_MS * MS);
    io_set_faults(io, &(struct io_faults){0});
    io_file_close(file);
}

static void a_slow_device_keeps_barriers_waiting(void **state) {
    const struct place *place = *state;
    for (int i = 0; i < BACKENDS; i++)
        if (place->io[i]) check_slow(place->io[i], place);
}

struct three {
    struct io_op ops[3];
    int order[3];
    int count;
};

static void note_order(struct io_op *op) {
    struct three *three = op->context;
    three->order[three->count++] = (int)(op - three->ops);
}

static void check_held(struct io *io, const struct place *place) {
    struct three three = {.count = 0};
    struct io_file *file = open_file(io, place);
    io_set_faults(io, &(struct io_faults){.sync_delay_ns = (uint64_t)DELAY_MS * MS});
    const uint64_t start_ns = io_now_ns(io);
    for (int i = 0; i < 3; i++) {
        three.ops[i] = (struct io_op){.kind = IO_OP_SYNC, .file = file, .done = note_order, .context = &three};
        io_submit(io, &three.ops[i]);
    }
    io_cancel(io, &three.ops[1]);
    while (three.count < 3) io_run(io, UINT64_MAX);
    assert_true(io_now_ns(io) - start_ns >= (uint64_t)DELAY_MS * MS);
    assert_int_equal(three.order[0], 1); /* the one that was taken back */
    assert_int_equal(three.ops[1].status, STATUS_CANCELLED);
    assert_int_equal(three.ops[0].status, STATUS_OK);
    assert_int_equal(three.ops[2].status, STATUS_OK);
    io_set_faults(io, &(struct io_faults){0});
    io_file_close(file);
}

static void a_barrier_that_waits_can_be_taken_back(void **state) {
    const struct place *place = *state;
    for (int i = 0; i < BACKENDS; i++)
        if (place->io[i]) check_held(place->io[i], place);
}

static void a_wrong_clock_is_wrong_by_the_offset(void **state) {
    const struct place *place = *state;
    struct io *io = place->io[0];
    const int64_t day_ms = 86400 * 1000;
    const uint64_t now_ns = io_now_ns(io);
    io_set_faults(io, &(struct io_faults){.clock_offset_ms = day_ms});
    const int64_t tomorrow_ms = io_clock_ms(io);
    io_set_faults(io, &(struct io_faults){.clock_offset_ms = -day_ms});
    const int64_t yesterday_ms = io_clock_ms(io);
    io_set_faults(io, &(struct io_faults){0});
    assert_in_range(tomorrow_ms - yesterday_ms, 2 * day_ms - 10000, 2 * day_ms + 10000);
    assert_in_range(io_now_ns(io) - now_ns, 0, (uint64_t)10000 * MS); /* the steady one is left alone */
}

int main(void) {
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(a_full_device_takes_only_what_lies_over_bytes_that_are_there),
        FACT(a_slow_device_keeps_barriers_waiting),
        FACT(a_barrier_that_waits_can_be_taken_back),
        FACT(a_wrong_clock_is_wrong_by_the_offset),
    };
    return cmocka_run_group_tests_name("io_faults", tests, NULL, NULL);
}
