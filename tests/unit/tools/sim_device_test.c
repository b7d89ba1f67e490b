/* A simulated disk of stated speed: what its calls take is what is stated, and two transfers take as long as both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/sim/sim_io.h"

enum { BYTES = 1 << 20, US = 1000 };
static const struct sim_device device = {
    .read_ns = 80 * US, .write_ns = 20 * US, .sync_ns = 1000 * US, .bytes_per_second = 100 << 20};
static const uint64_t transfer_ns = 10000 * US; /* BYTES at that speed */

struct machine {
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct io_file *file;
};

static void boot(struct machine *machine) {
    const struct sim_io_options options = {.device = &device, .compaction_workers = 2};
    machine->sim = sim_create(1);
    machine->disk = sim_disk_create(1);
    machine->io = sim_io_create(machine->sim, machine->disk, &options);
    assert_int_equal(io_file_open(machine->io, "f", IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE, &machine->file),
                     STATUS_OK);
    (void)sim_io_take_lead_ns(machine->io);
}

static void end(struct machine *machine) {
    io_file_close(machine->file);
    io_destroy(machine->io);
    sim_disk_destroy(machine->disk);
    sim_destroy(machine->sim);
}

static void calls_take_what_is_stated(void **state) {
    (void)state;
    static uint8_t bytes[BYTES];
    struct machine machine;
    size_t got;
    boot(&machine);
    assert_int_equal(io_file_write(machine.file, 0, bytes, BYTES), STATUS_OK);
    const uint64_t write = sim_io_take_lead_ns(machine.io);
    assert_int_equal(write, transfer_ns + device.write_ns);
    sim_run_until(machine.sim, sim_now_ns(machine.sim) + write);
    assert_int_equal(io_file_sync(machine.file), STATUS_OK);
    assert_int_equal(sim_io_take_lead_ns(machine.io), device.sync_ns);
    assert_int_equal(io_file_read(machine.file, 0, bytes, BYTES, &got), STATUS_OK);
    assert_int_equal(sim_io_take_lead_ns(machine.io), transfer_ns + device.read_ns);
    const struct sim_device none = {.read_ns = 0};
    sim_io_set_device(machine.io, &none);
    assert_int_equal(io_file_read(machine.file, 0, bytes, BYTES, &got), STATUS_OK);
    assert_int_equal(sim_io_take_lead_ns(machine.io), 0);
    end(&machine);
}

struct writer {
    struct machine *machine;
    uint64_t offset;
    unsigned left;
    uint64_t ended_ns;
};

static enum io_job_state write_some(struct io_job *job) {
    static uint8_t bytes[BYTES];
    struct writer *writer = job->context;
    if (writer->left == 0) {
        writer->ended_ns = sim_now_ns(writer->machine->sim);
        return IO_JOB_DONE;
    }
    writer->left--;
    assert_int_equal(io_file_write(writer->machine->file, writer->offset, bytes, BYTES), STATUS_OK);
    writer->offset += BYTES;
    return IO_JOB_MORE;
}

static void two_jobs_share_the_disk(void **state) {
    (void)state;
    enum { STEPS = 10 };
    struct machine machine;
    boot(&machine);
    struct writer writers[2];
    struct io_job jobs[2];
    for (unsigned i = 0; i < 2; i++) {
        writers[i] = (struct writer){.machine = &machine, .offset = (uint64_t)i * STEPS * BYTES, .left = STEPS};
        jobs[i] = (struct io_job){.pool = IO_POOL_COMPACTION, .step = write_some, .context = &writers[i]};
        io_job_start(machine.io, &jobs[i]);
    }
    const uint64_t begin = sim_now_ns(machine.sim);
    while (sim_step(machine.sim)) continue;
    const uint64_t took =
        (writers[0].ended_ns > writers[1].ended_ns ? writers[0].ended_ns : writers[1].ended_ns) - begin;
    assert_true(took >= 2 * STEPS * transfer_ns);                       /* together they get no more than one alone */
    assert_true(took <= 2 * STEPS * transfer_ns + 10 * device.sync_ns); /* and waste nothing of it */
    /* Neither runs ahead: steps of one job follow one another. */
    assert_true(writers[0].ended_ns + 2 * transfer_ns >= writers[1].ended_ns);
    assert_true(writers[1].ended_ns + 2 * transfer_ns >= writers[0].ended_ns);
    end(&machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_take_what_is_stated),
        cmocka_unit_test(two_jobs_share_the_disk),
    };
    return cmocka_run_group_tests_name("sim_device", tests, NULL, NULL);
}
