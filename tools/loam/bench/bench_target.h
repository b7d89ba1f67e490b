/*
 * bench_target: a system under load: started on ports and in a directory of its own, asked who leads, ended.
 */
#ifndef TOOLS_LOAM_BENCH_BENCH_TARGET_H
#define TOOLS_LOAM_BENCH_BENCH_TARGET_H

#include "tools/loam/bench/load.h"
#include "tools/loam/cluster/cluster.h"

enum { BENCH_NODES = 3 };

struct bench_target {
    const char *name;     /* "loam", "etcd", "redis" */
    const char *settings; /* what a reader must know of how it runs */
    const struct load_protocol *protocol;
    char dir[IO_PATH_BYTES];
    char addresses[BENCH_NODES][IO_ADDRESS_BYTES];
    unsigned nodes;
    unsigned leader; /* 0.. */
    long pids[BENCH_NODES];
    struct cluster cluster; /* loam */
};

/* Where a program of the system stands; NOT_FOUND with words when it is not installed. */
MUST_CHECK enum status bench_program_find(struct io *io, const char *name, char path[IO_PATH_BYTES],
                                          struct error *error);

/* NOT_FOUND (with words) when the program is not installed. `dir` is made anew; ports base+1.. are used. */
MUST_CHECK enum status bench_target_start_loam(struct io *io, const char *dir, unsigned base_port,
                                               struct bench_target *target, struct error *error);
MUST_CHECK enum status bench_target_start_etcd(struct io *io, const char *dir, unsigned base_port,
                                               struct bench_target *target, struct error *error);
MUST_CHECK enum status bench_target_start_redis(struct io *io, const char *dir, unsigned base_port,
                                                struct bench_target *target, struct error *error);
/* Ends its processes and removes its directory. */
void bench_target_stop(struct io *io, struct bench_target *target);

/* CPU time of all its processes, and barriers it asked of its log (0 where it doesn't tell). */
uint64_t bench_target_cpu_ns(struct io *io, const struct bench_target *target);
uint64_t bench_target_syncs(struct io *io, const struct bench_target *target);

#endif
