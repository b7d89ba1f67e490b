/*
 * io_operation_facts: operations on files, timers, the clock, and the loop itself.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/prng.h"
#include "tests/harness/io_facts.h"

enum { MS = 1000000 };

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static void write_sync_reads_back(void **state) {
    struct io *io = fixture_io(state);
    struct io_file *file = fixture_open(fixture_of(state), "file");
    char text[] = "durable", back[32];
    struct counted_op write = {.op = {.kind = IO_OP_WRITE_SYNC, .file = file, .data = text, .size = 7, .offset = 10}};
    assert_status(run_op(io, &write), STATUS_OK);
    struct counted_op read = {.op = {.kind = IO_OP_READ, .file = file, .data = back, .size = sizeof back, .offset = 8}};
    assert_status(run_op(io, &read), STATUS_OK);
    assert_int_equal(read.op.bytes, 9);
    assert_memory_equal(back, "\0\0durable", 9);
    read.op.offset = 1000;
    assert_status(run_op(io, &read), STATUS_OK);
    assert_int_equal(read.op.bytes, 0);
    struct counted_op sync = {.op = {.kind = IO_OP_SYNC, .file = file}};
    assert_status(run_op(io, &sync), STATUS_OK);
    io_file_close(file);
}

static void large_write_sync(void **state) {
    struct io *io = fixture_io(state);
    enum { SIZE = 3 * 1024 * 1024 + 5 };
    uint8_t *written = malloc(SIZE), *back = malloc(SIZE);
    assert_true(written && back);
    fill_pattern(written, SIZE, 2);
    struct io_file *file = fixture_open(fixture_of(state), "file");
    struct counted_op write = {.op = {.kind = IO_OP_WRITE_SYNC, .file = file, .data = written, .size = SIZE}};
    assert_status(run_op(io, &write), STATUS_OK);
    struct counted_op read = {.op = {.kind = IO_OP_READ, .file = file, .data = back, .size = SIZE}};
    assert_status(run_op(io, &read), STATUS_OK);
    assert_int_equal(read.op.bytes, SIZE);
    assert_memory_equal(back, written, SIZE);
    io_file_close(file);
    free(written);
    free(back);
}

/* Whole pages and odd pieces, durable and not, in turn: whichever way each takes, all see one content. */
static void direct_file_mixes(void **state) {
    struct io *io = fixture_io(state);
    struct io_fixture *fixture = fixture_of(state);
    enum { PAGES = 6, SIZE = PAGES * IO_PAGE_BYTES, ROUNDS = 60 };
    const unsigned flags = IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_DIRECT;
    static _Alignas(IO_PAGE_BYTES) uint8_t model[SIZE], piece[SIZE], back[SIZE];
    struct io_file *file, *other = fixture_open(fixture, "file");
    assert_status(io_file_open(io, fixture_path(fixture, "file"), flags, &file), STATUS_OK);
    memset(model, 0, SIZE);
    assert_status(io_file_write(other, 0, model, SIZE), STATUS_OK);
    assert_status(io_file_sync(other), STATUS_OK);
    struct prng prng;
    prng_init(&prng, 11);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const bool odd = prng_next(&prng) % 3 == 0;
        size_t offset = prng_next(&prng) % PAGES * IO_PAGE_BYTES;
        size_t size = (prng_next(&prng) % ((SIZE - offset) / IO_PAGE_BYTES) + 1) * IO_PAGE_BYTES;
        if (odd) {
            offset += 1 + prng_next(&prng) % 100;
            size -= 200;
        }
        fill_pattern(piece, size, round);
        struct counted_op write = {.op = {.kind = prng_next(&prng) % 4 == 0 ? IO_OP_WRITE : IO_OP_WRITE_SYNC,
                                          .file = file,
                                          .data = piece,
                                          .size = size,
                                          .offset = offset}};
        assert_status(run_op(io, &write), STATUS_OK);
        memcpy(model + offset, piece, size);
        size_t got;
        assert_status(io_file_read(round % 2 ? file : other, 0, back, SIZE, &got), STATUS_OK);
        assert_int_equal(got, SIZE);
        assert_memory_equal(back, model, SIZE);
    }
    io_file_close(file);
    io_file_close(other);
}

static void empty_transfers(void **state) {
    struct io *io = fixture_io(state);
    struct io_file *file = fixture_open(fixture_of(state), "file");
    char byte = 0;
    static const enum io_op_kind kinds[] = {IO_OP_READ, IO_OP_WRITE, IO_OP_WRITE_SYNC};
    for (size_t i = 0; i < 3; i++) {
        struct counted_op op = {.op = {.kind = kinds[i], .file = file, .data = &byte, .size = 0}};
        assert_status(run_op(io, &op), STATUS_OK);
        assert_int_equal(op.op.bytes, 0);
    }
    io_file_close(file);
}

static void many_writes(void **state) {
    struct io *io = fixture_io(state);
    enum { COUNT = 600, SIZE = 100 }; /* more than any submission queue holds */
    struct io_file *file = fixture_open(fixture_of(state), "file");
    struct counted_op *writes = calloc(COUNT, sizeof *writes);
    uint8_t *data = malloc(COUNT * SIZE), *back = malloc(COUNT * SIZE);
    assert_true(writes && data && back);
    fill_pattern(data, COUNT * SIZE, 3);
    for (size_t i = 0; i < COUNT; i++) {
        writes[i].op = (struct io_op){.kind = i % 7 == 0 ? IO_OP_WRITE_SYNC : IO_OP_WRITE,
                                      .file = file,
                                      .data = data + i * SIZE,
                                      .size = SIZE,
                                      .offset = i * SIZE,
                                      .done = counted_op_done};
        io_submit(io, &writes[i].op);
    }
    for (size_t i = 0; i < COUNT; i++) {
        run_until(io, &writes[i].completions, 1);
        assert_status(writes[i].op.status, STATUS_OK);
    }
    size_t got;
    assert_status(io_file_read(file, 0, back, COUNT * SIZE, &got), STATUS_OK);
    assert_int_equal(got, COUNT * SIZE);
    assert_memory_equal(back, data, COUNT * SIZE);
    for (size_t i = 0; i < COUNT; i++) assert_int_equal(writes[i].completions, 1);
    io_file_close(file);
    free(writes);
    free(data);
    free(back);
}

struct repeated {
    struct counted_op counted;
    struct io *io;
    unsigned left;
};

static void repeat_done(struct io_op *op) {
    struct repeated *repeated = (struct repeated *)op->context;
    repeated->counted.completions++;
    op->offset += op->size;
    if (op->status == STATUS_OK && --repeated->left > 0) io_submit(repeated->io, op);
}

static void resubmit_from_done(void **state) {
    struct io *io = fixture_io(state);
    struct io_file *file = fixture_open(fixture_of(state), "file");
    struct repeated repeated = {.io = io, .left = 20};
    repeated.counted.op = (struct io_op){.kind = IO_OP_WRITE_SYNC, .file = file, .data = (char[]){"abc"}, .size = 3};
    repeated.counted.op.done = repeat_done;
    repeated.counted.op.context = &repeated;
    io_submit(io, &repeated.counted.op);
    run_until(io, &repeated.counted.completions, 20);
    uint64_t size;
    assert_status(io_file_size(file, &size), STATUS_OK);
    assert_int_equal(size, 60);
    io_file_close(file);
}

static void done_only_in_run(void **state) {
    struct io *io = fixture_io(state);
    struct io_file *file = fixture_open(fixture_of(state), "file");
    char byte = 'x';
    struct counted_op write = {
        .op = {.kind = IO_OP_WRITE, .file = file, .data = &byte, .size = 1, .done = counted_op_done}};
    struct counted_op timer = {.op = {.kind = IO_OP_TIMER, .deadline_ns = 0, .done = counted_op_done}};
    io_submit(io, &write.op);
    io_submit(io, &timer.op);
    io_cancel(io, &timer.op);
    io_flush(io);
    io_flush(io);
    assert_int_equal(write.completions + timer.completions, 0);
    run_until(io, &write.completions, 1);
    run_until(io, &timer.completions, 1);
    assert_status(write.op.status, STATUS_OK);
    assert_status(timer.op.status, STATUS_CANCELLED);
    io_file_close(file);
}

static void cancelled_write(void **state) {
    struct io *io = fixture_io(state);
    struct io_file *file = fixture_open(fixture_of(state), "file");
    char text[] = "maybe";
    struct counted_op write = {
        .op = {.kind = IO_OP_WRITE_SYNC, .file = file, .data = text, .size = 5, .done = counted_op_done}};
    for (int flush = 0; flush < 2; flush++) {
        write.completions = 0;
        io_submit(io, &write.op);
        if (flush) io_flush(io);
        io_cancel(io, &write.op);
        run_until(io, &write.completions, 1);
        assert_int_equal(write.completions, 1);
        if (write.op.status != STATUS_OK) assert_status(write.op.status, STATUS_CANCELLED);
    }
    struct counted_op again = {.op = {.kind = IO_OP_WRITE_SYNC, .file = file, .data = text, .size = 5}};
    assert_status(run_op(io, &again), STATUS_OK); /* a cancelled sync is not a failed one */
    io_file_close(file);
}

/* ---- Timers ------------------------------------------------------------------------------------------------------ */

struct alarm {
    struct io_op op;
    struct io *io;
    struct alarms *all;
    unsigned submitted; /* place in the order of submission */
    bool rang;
    bool cancelled;
};

struct alarms {
    struct alarm *items;
    unsigned ended;
    uint64_t last_deadline_ns;
    unsigned last_submitted;
    bool out_of_order;
    bool early;
};

static void alarm_done(struct io_op *op) {
    struct alarm *alarm = op->context;
    struct alarms *all = alarm->all;
    all->ended++;
    if (op->status != STATUS_OK) return;
    alarm->rang = true;
    all->early |= io_now_ns(alarm->io) < op->deadline_ns;
    all->out_of_order |= op->deadline_ns < all->last_deadline_ns ||
                         (op->deadline_ns == all->last_deadline_ns && alarm->submitted < all->last_submitted);
    all->last_deadline_ns = op->deadline_ns;
    all->last_submitted = alarm->submitted;
}

static void set_alarms(struct io *io, struct alarms *all, unsigned count, struct prng *prng) {
    const uint64_t base = io_now_ns(io) + 5 * MS;
    for (unsigned i = 0; i < count; i++) {
        struct alarm *alarm = &all->items[i];
        *alarm = (struct alarm){.io = io, .all = all, .submitted = i};
        alarm->op = (struct io_op){.kind = IO_OP_TIMER, .done = alarm_done, .context = alarm};
        alarm->op.deadline_ns = base + prng_below(prng, 20) * MS; /* many equal ones */
        io_submit(io, &alarm->op);
    }
}

static void timers_in_order(void **state) {
    struct io *io = fixture_io(state);
    enum { COUNT = 500 };
    struct alarms all = {.items = calloc(COUNT, sizeof *all.items)};
    assert_non_null(all.items);
    struct prng prng;
    prng_init(&prng, 7);
    set_alarms(io, &all, COUNT, &prng);
    unsigned cancelled = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        if (!prng_chance(&prng, 1, 3)) continue;
        io_cancel(io, &all.items[i].op);
        all.items[i].cancelled = true;
        cancelled++;
    }
    run_until(io, &all.ended, COUNT);
    assert_in_range(cancelled, 1, COUNT - 1);
    assert_false(all.out_of_order);
    assert_false(all.early);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(all.items[i].rang, !all.items[i].cancelled);
        assert_status(all.items[i].op.status, all.items[i].cancelled ? STATUS_CANCELLED : STATUS_OK);
    }
    free(all.items);
}

static void past_timer(void **state) {
    struct io *io = fixture_io(state);
    struct counted_op timer = {.op = {.kind = IO_OP_TIMER, .deadline_ns = io_now_ns(io), .done = counted_op_done}};
    io_submit(io, &timer.op);
    assert_int_equal(io_run(io, io_now_ns(io) + 10000u * MS), 1);
    assert_int_equal(timer.completions, 1);
}

static void quiet_end_is_no_news(void **state) {
    struct io *io = fixture_io(state);
    struct counted_op quiet = {
        .op = {.kind = IO_OP_TIMER, .is_quiet = true, .deadline_ns = io_now_ns(io), .done = counted_op_done}};
    const uint64_t before = io_news(io);
    io_submit(io, &quiet.op);
    run_until(io, &quiet.completions, 1);
    assert_int_equal(io_news(io), before);
    quiet.op.deadline_ns += 10000u * MS;
    io_submit(io, &quiet.op);
    io_cancel(io, &quiet.op); /* what does not end well is */
    run_until(io, &quiet.completions, 2);
    assert_int_equal(io_news(io), before + 1);
}

/* ---- The loop ---------------------------------------------------------------------------------------------------- */

static void run_keeps_deadline(void **state) {
    struct io *io = fixture_io(state);
    const uint64_t deadline = io_now_ns(io) + 20 * MS;
    while (io_now_ns(io) < deadline) assert_int_equal(io_run(io, deadline), 0);
    assert_int_equal(io_run(io, 0), 0);
}

static void wake_before_run(void **state) {
    struct io *io = fixture_io(state);
    const uint64_t start = io_now_ns(io);
    io_wake(io);
    io_wake(io);
    io_run(io, start + 10000u * MS);
    assert_true(io_now_ns(io) < start + 5000u * MS);
}

static void *wake_soon(void *context) {
    struct io *io = context;
    io_sleep(io, 20 * MS);
    io_wake(io);
    return NULL;
}

static void wake_from_thread(void **state) {
    struct io *io = fixture_io(state);
    if (!fixture_of(state)->factory->threads) skip();
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wake_soon, io), 0);
        const uint64_t start = io_now_ns(io);
        io_run(io, start + 10000u * MS);
        assert_true(io_now_ns(io) < start + 5000u * MS);
        pthread_join(thread, NULL);
    }
}

static void clocks(void **state) {
    struct io *io = fixture_io(state);
    const uint64_t before = io_now_ns(io);
    assert_true(io_clock_ms(io) > 0);
    io_sleep(io, 3 * MS);
    assert_true(io_now_ns(io) >= before + 3 * MS);
    uint8_t a[32] = {0}, b[32] = {0};
    io_entropy(io, a, sizeof a);
    io_entropy(io, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

static const struct io_fact facts[] = {
    {"a synced write reads back", write_sync_reads_back},
    {"a large synced write is whole", large_write_sync},
    {"direct and other writes of one file show one content", direct_file_mixes},
    {"empty transfers succeed", empty_transfers},
    {"more writes than any queue holds all land", many_writes},
    {"an operation may be resubmitted from its own done", resubmit_from_done},
    {"done is called by run and by nothing else", done_only_in_run},
    {"a cancelled write ends once and poisons nothing", cancelled_write},
    {"timers ring in order, never early, unless cancelled", timers_in_order},
    {"a timer of the past rings at once", past_timer},
    {"a quiet operation that ends well is no news, any other end is", quiet_end_is_no_news},
    {"run keeps its deadline", run_keeps_deadline},
    {"a wake before run is not lost", wake_before_run},
    {"a wake from another thread ends the wait", wake_from_thread},
    {"clocks go on and entropy differs", clocks},
};

const struct io_fact_table io_operation_facts = {facts, sizeof facts / sizeof *facts};
