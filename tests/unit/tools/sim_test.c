/*
 * sim: virtual time, clocks, jobs, and the owner who drives a machine turn by turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/sim/sim_io.h"

enum { MS = 1000000 };

/* ---- Events ------------------------------------------------------------------------------------------------------ */

struct numbered {
    struct sim_event event;
    unsigned number;
    unsigned *order; /* next place to write to */
    unsigned *count;
};

static void note(struct sim_event *event) {
    struct numbered *numbered = event->context;
    numbered->order[(*numbered->count)++] = numbered->number;
}

static void events_fire_by_time_then_arrival(void **state) {
    (void)state;
    enum { COUNT = 500 };
    struct numbered events[COUNT] = {0};
    unsigned order[COUNT], count = 0;
    struct sim *sim = sim_create(1);
    for (unsigned i = 0; i < COUNT; i++) {
        events[i] = (struct numbered){.number = i, .order = order, .count = &count};
        events[i].event.fire = note;
        events[i].event.context = &events[i];
        sim_schedule(sim, &events[i].event, prng_below(sim_prng(sim), 20));
    }
    for (unsigned i = 0; i < COUNT; i += 7) sim_unschedule(sim, &events[i].event);
    for (unsigned i = 1; i < COUNT; i += 7) sim_schedule(sim, &events[i].event, 5); /* moves */
    while (sim_step(sim)) continue;
    assert_int_equal(count, COUNT - (COUNT + 6) / 7);
    for (unsigned i = 1; i < count; i++) {
        const struct sim_event *before = &events[order[i - 1]].event, *after = &events[order[i]].event;
        assert_true(before->at_ns <= after->at_ns);
        if (before->at_ns == after->at_ns) assert_true(before->sequence < after->sequence);
    }
    sim_destroy(sim);
}

/* ---- Clocks ------------------------------------------------------------------------------------------------------ */

static void note_done(struct io_op *op) {
    *(bool *)op->context = true;
}

static void clocks_drift_and_jump_apart(void **state) {
    (void)state;
    struct sim *sim = sim_create(1);
    struct sim_disk *disks[2] = {sim_disk_create(1), sim_disk_create(2)};
    struct io *ios[2];
    uint64_t start[2];
    for (int i = 0; i < 2; i++) {
        struct sim_io_options options = {.node = i, .wall_ms = 1700000000000};
        ios[i] = sim_io_create(sim, disks[i], &options);
        start[i] = io_now_ns(ios[i]);
    }
    sim_io_set_drift(ios[1], 100000); /* a tenth too fast */
    sim_io_jump_wall(ios[1], -3600000);
    sim_advance(sim, 10000ULL * MS);
    assert_int_equal(io_now_ns(ios[0]) - start[0], 10000ULL * MS);
    assert_int_equal(io_now_ns(ios[1]) - start[1], 11000ULL * MS);
    assert_int_equal(io_clock_ms(ios[0]), 1700000010000);
    assert_int_equal(io_clock_ms(ios[1]), 1700000011000 - 3600000);
    bool is_done = false;
    struct io_op timer = {.kind = IO_OP_TIMER, .deadline_ns = io_now_ns(ios[1]) + 1100ULL * MS, .done = note_done};
    timer.context = &is_done;
    io_submit(ios[1], &timer);
    io_flush(ios[1]);
    sim_io_set_drift(ios[1], -500000); /* the timer follows its clock */
    while (!is_done) io_run(ios[1], UINT64_MAX);
    assert_in_range(io_now_ns(ios[1]), timer.deadline_ns, timer.deadline_ns + MS);
    assert_in_range(io_now_ns(ios[0]) - start[0], 12190ULL * MS, 12210ULL * MS);
    for (int i = 0; i < 2; i++) {
        io_destroy(ios[i]);
        sim_disk_destroy(disks[i]);
    }
    sim_destroy(sim);
}

/* Blocking calls had carried the loop ahead when the drift changed; whoever looks next stands before that moment. */
static void a_drift_that_begins_ahead_of_the_sim_turns_no_clock_back(void **state) {
    (void)state;
    static const uint8_t bytes[4096];
    struct io_file *file = NULL;
    struct sim *sim = sim_create(3);
    struct sim_disk *disk = sim_disk_create(3);
    struct io *io = sim_io_create(sim, disk, NULL);
    sim_io_set_drift(io, 500000);
    assert_int_equal(io_file_open(io, "/ahead", IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE, &file), STATUS_OK);
    for (int i = 0; i < 20; i++) assert_int_equal(io_file_write(file, 0, bytes, sizeof bytes), STATUS_OK);
    assert_int_equal(io_file_sync(file), STATUS_OK);
    uint64_t before_ns = io_now_ns(io);
    sim_io_set_drift(io, -400000);
    assert_true(sim_io_take_lead_ns(io) > 0);
    uint64_t after_ns = io_now_ns(io);
    assert_true(after_ns >= before_ns && after_ns < before_ns + MS);
    io_file_close(file);
    io_destroy(io);
    sim_disk_destroy(disk);
    sim_destroy(sim);
}

/* ---- Jobs -------------------------------------------------------------------------------------------------------- */

struct stepper {
    struct io_job job;
    char letter;
    unsigned left;
    char **at;
};

static enum io_job_state step(struct io_job *job) {
    struct stepper *stepper = job->context;
    *(*stepper->at)++ = stepper->letter;
    return --stepper->left > 0 ? IO_JOB_MORE : IO_JOB_DONE;
}

/* The order in which the steps of three jobs ran. */
static void interleave(uint64_t seed, unsigned workers, char *order) {
    struct sim *sim = sim_create(seed);
    struct sim_disk *disk = sim_disk_create(seed);
    struct sim_io_options options = {.compaction_workers = workers};
    struct io *io = sim_io_create(sim, disk, &options);
    struct stepper steppers[3] = {0};
    for (int i = 0; i < 3; i++) {
        steppers[i] = (struct stepper){.letter = (char)('a' + i), .left = 5, .at = &order};
        steppers[i].job = (struct io_job){.pool = i == 2 ? IO_POOL_READ : IO_POOL_COMPACTION, .step = step};
        steppers[i].job.context = &steppers[i];
        io_job_start(io, &steppers[i].job);
    }
    io_run(io, io_now_ns(io) + 1000ULL * MS);
    *order = '\0';
    io_destroy(io);
    sim_disk_destroy(disk);
    sim_destroy(sim);
}

static void steps_interleave_as_the_seed_says(void **state) {
    (void)state;
    char first[32], again[32], other[32];
    unsigned different = 0, mixed = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        interleave(seed, 2, first);
        interleave(seed, 2, again);
        interleave(seed + 100, 2, other);
        assert_int_equal(strlen(first), 15);
        assert_string_equal(first, again);
        different += strcmp(first, other) != 0;
        mixed += strstr(first, "aaaaa") == NULL;
    }
    assert_true(different > 10 && mixed > 10);
}

static void one_worker_keeps_order_of_start(void **state) {
    (void)state;
    char order[32], without_c[32];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        interleave(seed, 1, order);
        size_t size = 0;
        for (const char *at = order; *at; at++) {
            if (*at != 'c') without_c[size++] = *at;
        }
        without_c[size] = '\0';
        assert_string_equal(without_c, "aaaaabbbbb");
    }
}

/* ---- The owner --------------------------------------------------------------------------------------------------- */

static void count_wanted(void *context) {
    ++*(unsigned *)context;
}

static void owner_is_told_when_a_turn_is_due(void **state) {
    (void)state;
    struct sim *sim = sim_create(1);
    struct sim_disk *disk = sim_disk_create(1);
    struct io *io = sim_io_create(sim, disk, NULL);
    unsigned wanted = 0;
    bool is_done = false;
    sim_io_set_owner(io, count_wanted, &wanted);
    struct io_op timer = {.kind = IO_OP_TIMER, .deadline_ns = io_now_ns(io) + 5 * MS, .done = note_done};
    timer.context = &is_done;
    io_submit(io, &timer);
    assert_int_equal(wanted, 1);                              /* something waits to be handed over */
    assert_int_equal(io_run(io, io_now_ns(io) + 50 * MS), 0); /* does not wait */
    assert_in_range(sim_io_deadline_ns(io), 50 * MS, 51 * MS);
    assert_false(sim_io_is_ready(io));
    while (!sim_io_is_ready(io)) assert_true(sim_step(sim));
    assert_int_equal(wanted, 2);
    assert_false(is_done);
    assert_int_equal(io_run(io, 0), 1);
    assert_true(is_done);
    io_sleep(io, 3 * MS);
    assert_in_range(sim_io_take_lead_ns(io), 3 * MS, 4 * MS);
    io_destroy(io);
    sim_disk_destroy(disk);
    sim_destroy(sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_fire_by_time_then_arrival),
        cmocka_unit_test(clocks_drift_and_jump_apart),
        cmocka_unit_test(a_drift_that_begins_ahead_of_the_sim_turns_no_clock_back),
        cmocka_unit_test(steps_interleave_as_the_seed_says),
        cmocka_unit_test(one_worker_keeps_order_of_start),
        cmocka_unit_test(owner_is_told_when_a_turn_is_due),
    };
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
