/*
 * cluster_load: clients of a real cluster, all on one loop, whose questions and answers become a history for the
 * checker.
 *
 * A client talks to one node, one command at a time. When its connection ends or an answer does not come in time, the
 * outcome is unknown: the operation stays pending, and a new client, on the next node, takes the place. Keys "s:N" hold
 * texts (each written once), "n:N" numbers; the history's model is model_redis_string.
 */
#ifndef TESTS_HARNESS_CLUSTER_LOAD_H
#define TESTS_HARNESS_CLUSTER_LOAD_H

#include "engine/io.h"
#include "tools/judge/history.h"

struct cluster_load_options {
    struct io *io;                /* borrowed; whoever runs its loop runs the clients */
    const char *const *addresses; /* borrowed */
    size_t address_count;
    unsigned clients;
    unsigned keys; /* of each kind */
    uint64_t seed;
    uint32_t pause_ms; /* a client rests so long after an answer */
    uint32_t timeout_ms;
};

struct cluster_load;

/* Asserts that there is memory. */
struct cluster_load *cluster_load_start(const struct cluster_load_options *options);
/* Lets the clients work until `deadline_ns` (io_now_ns). */
void cluster_load_run(struct cluster_load *load, uint64_t deadline_ns);
/* Asks nothing new, waits for what is in flight. */
void cluster_load_stop(struct cluster_load *load);
/* Reads every key through one node; asserts that all are answered. */
void cluster_load_read_all(struct cluster_load *load, size_t address);

const struct history *cluster_load_history(const struct cluster_load *load);
/* When the last write was acknowledged (io_now_ns), and how many operations were. */
uint64_t cluster_load_last_write_ns(const struct cluster_load *load);
uint64_t cluster_load_answered(const struct cluster_load *load);

void cluster_load_destroy(struct cluster_load *load);

#endif
