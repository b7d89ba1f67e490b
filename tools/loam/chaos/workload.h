/*
 * workload: clients of a real cluster, all on one loop, whose questions and answers become a history for the judge.
 *
 * A client talks to one node, one command at a time. Where the outcome of a command is unknown the operation stays
 * open, and a new client, on the next node, takes the place. Keys are registers (r:), counters (n:) and texts that grow
 * (a:); a key is given up for a fresh one after so many operations, so that texts stay short and verdicts quick. The
 * history's model is model_redis_string; its time is nanoseconds since the start, each moment once.
 */
#ifndef TOOLS_LOAM_CHAOS_WORKLOAD_H
#define TOOLS_LOAM_CHAOS_WORKLOAD_H

#include "engine/base/hist.h"
#include "engine/io.h"
#include "tools/judge/history.h"

enum { WORKLOAD_BUCKET_MS = 200, WORKLOAD_MARKS_MAX = 64 };

struct workload_options {
    struct io *io;        /* borrowed; whoever runs its loop runs the clients */
    const char *password; /* "": none */
    const char (*addresses)[IO_ADDRESS_BYTES];
    unsigned address_count;
    unsigned clients;
    unsigned keys; /* at a time, of all kinds together */
    uint64_t seed;
    uint64_t rate; /* operations a second at most, of all clients; 0: as fast as they are answered */
    uint32_t timeout_ms;
    bool keeps_history;
};

/* What happened in WORKLOAD_BUCKET_MS. */
struct workload_bucket {
    uint32_t ok, failed, unknown, writes;
    uint32_t p50_us, p99_us, max_us; /* of those that are ok */
};

struct workload_counts {
    uint64_t ok, failed, unknown; /* failed: the answer says that nothing was done */
    uint64_t writes;              /* of ok */
    uint64_t errors;              /* of ok: answers that no healthy server gives; the judge won't like them */
};

struct workload;

/* NO_MEMORY. The clients begin with the next run of the loop. */
MUST_CHECK enum status workload_create(const struct workload_options *options, struct workload **workload);
/* REQUIRES: idle. */
void workload_destroy(struct workload *workload);

/* Asks nothing new. */
void workload_stop(struct workload *workload);
bool workload_is_idle(const struct workload *workload);
/* Once it is idle: reads every key that was ever used through every node, with all clients at a time; idle again when
 * that has ended. */
void workload_read_all(struct workload *workload);
/* Reads that did not come about, after some tries each. */
uint64_t workload_unread(const struct workload *workload);

/* From now on: when is the first write acknowledged that was asked later? A number for the mark; at most
 * WORKLOAD_MARKS_MAX until they are forgotten. */
unsigned workload_mark(struct workload *workload);
void workload_forget_marks(struct workload *workload);
/* 0: not yet. By io_now_ns. */
uint64_t workload_mark_answered_ns(const struct workload *workload, unsigned mark);

/* NO_MEMORY if something could not be noted: the history is of no use then. */
enum status workload_failure(const struct workload *workload);
const struct history *workload_history(const struct workload *workload);
uint64_t workload_start_ns(const struct workload *workload);
void workload_get_counts(const struct workload *workload, struct workload_counts *counts);
const struct hist *workload_latency(const struct workload *workload); /* in ns, of all that are ok */
const struct workload_bucket *workload_buckets(const struct workload *workload, size_t *count);
uint64_t workload_last_write_ns(const struct workload *workload); /* when one was acknowledged last */

#endif
