/*
 * sim_io: a simulated machine behind struct io: a disk (sim_disk.h), a clock, entropy, sockets (sim_net.h) and jobs, in
 * the virtual time of a sim.
 *
 * Shortest use, for a test of something that only needs files:
 *
 *     struct sim *sim = sim_create(seed);
 *     struct sim_disk *disk = sim_disk_create(seed);
 *     struct io *io = sim_io_create(sim, disk, NULL);
 *     ... the code under test ...
 *     sim_disk_cut(disk, SIM_CUT_RANDOM);         every call on io answers IO from here on
 *     ... close what is open, io_destroy(io) ...
 *     io = sim_io_create(sim, disk, NULL);        the machine boots again, on what the disk kept
 *
 * Blocking calls are done at once and make the machine's clock run ahead. Who drives: without an owner io_run itself
 * fires the events of the whole sim until something completes (a test, an embedded engine); with sim_io_set_owner the
 * owner is told when a turn is due, and io_run only delivers what has completed and notes how long the node would sleep
 * (a world of many nodes).
 */
#ifndef TOOLS_SIM_SIM_IO_H
#define TOOLS_SIM_SIM_IO_H

#include "engine/io.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_disk.h"

/*
 * A disk whose calls take what is stated here and nothing drawn: for figures that two runs are to have alike. It takes
 * one transfer at a time, in the order in which they are begun; latencies lie side by side.
 */
struct sim_device {
    uint64_t read_ns, write_ns, sync_ns; /* of each call, beside the transfer */
    uint64_t bytes_per_second;           /* 0 = transfers take no time */
};

struct sim_io_options {
    int node;                    /* who: shows in the trace, names the ends of links; unique among live ios; 0.. */
    unsigned compaction_workers; /* jobs of that pool whose steps interleave; 0 = 1 */
    unsigned read_workers;
    unsigned long_workers;
    uint64_t entropy_seed; /* 0 = from the sim's seed, the node and the boot */
    int64_t wall_ms;       /* wall clock at the start of the sim; 0 = 2024-01-01 */
    /* Copied; NULL = times are drawn. With one the steps of jobs follow one another without a pause that is drawn. */
    const struct sim_device *device;
};

/*
 * Boots a machine on the disk (switching it on). disk and sim outlive it; options may be NULL. The io is ended by
 * io_destroy.
 */
struct io *sim_io_create(struct sim *sim, struct sim_disk *disk, const struct sim_io_options *options);

/* With a sim and a disk of its own, which end with it. */
struct io *sim_io_create_alone(uint64_t seed);

/*
 * The process dies, the machine does not: every call answers IO from now on, what was written stays seen, connections
 * are reset.
 */
void sim_io_kill(struct io *io);
/* False after a power cut or a kill. */
bool sim_io_is_alive(struct io *io);

/*
 * wanted: io_run would return now; called once per change. deadline: what the last io_run would have slept until, in
 * the sim's time.
 */
void sim_io_set_owner(struct io *io, void (*wanted)(void *context), void *context);
bool sim_io_is_ready(struct io *io);
uint64_t sim_io_deadline_ns(struct io *io);
/* How far blocking calls have carried the loop thread beyond the sim's time; set to 0 by the call. */
uint64_t sim_io_take_lead_ns(struct io *io);

/* The time of the sim at which this machine's monotonic clock shows clock_ns, as it runs now. */
uint64_t sim_io_to_sim_ns(struct io *io, uint64_t clock_ns);

/* ---- What may happen to the machine ------------------------------------------------------------------------------ */

/* Latency of the disk, in tenths of the ordinary: 10 = ordinary, 1000 = a hundred times slower. */
void sim_io_set_disk_slowness(struct io *io, uint32_t tenths);
/* Another device from now on, of a machine that was booted with one. */
void sim_io_set_device(struct io *io, const struct sim_device *device);
/* The process gets no CPU: its jobs stand still. That its loop does, too, is for its owner to see to. */
void sim_io_set_paused(struct io *io, bool is_paused);
/* The wall clock jumps. */
void sim_io_jump_wall(struct io *io, int64_t ms);
/* Both clocks run fast or slow from now on, in parts of a million (-500000..1000000). */
void sim_io_set_drift(struct io *io, int32_t ppm);
/* A log whose lines go into the sim's trace, as this node's. Borrowed until the io is destroyed. */
struct log *sim_io_log(struct io *io);

struct sim_disk *sim_io_disk(struct io *io);
/* Operations on files that are under way. */
struct sim_operation_sight {
    const char *what; /* "read", "write", "write_sync", "sync" */
    const char *path; /* borrowed for the call */
    uint64_t offset, size, begun_ns, ends_ns;
};
void sim_io_visit_operations(struct io *io, void (*visit)(void *context, const struct sim_operation_sight *operation),
                             void *context);
size_t sim_io_open_files(struct io *io);

#endif
