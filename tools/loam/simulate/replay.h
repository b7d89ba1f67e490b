/*
 * replay: recorded writes given to a store under one configuration, and what that comes to. The same writes and options
 * give the same figures, to the bit, on every machine.
 */
#ifndef TOOLS_LOAM_SIMULATE_REPLAY_H
#define TOOLS_LOAM_SIMULATE_REPLAY_H

#include "tools/loam/simulate/configuration.h"
#include "tools/loam/simulate/read_probe.h"
#include "tools/loam/simulate/write_totals.h"

enum replay_pace {
    REPLAY_FULL,     /* each write comes as soon as the one before is done */
    REPLAY_RECORDED, /* at the times of the trace */
    REPLAY_RATE      /* so many a second */
};

struct replay_plan {
    struct write_source *source;
    const struct write_totals *totals;
    struct sim_device device;
    uint64_t capacity_bytes;
    enum replay_pace pace;
    uint64_t rate; /* REPLAY_RATE: a second */
};

enum { REPLAY_STALL_NS = 10000000 };

/* After a part of the writes (totals->at). */
struct replay_point {
    uint64_t at_ns;         /* of the store's time, from the first write on */
    uint64_t bytes;         /* that the user wrote so far */
    uint64_t written_bytes; /* by flushes and compactions so far */
    uint64_t disk_bytes, files;
    uint64_t waited_ns, stalls; /* so far */
    struct probe_figures reads;
};

struct replay_result {
    enum status status;
    struct error error; /* what ended it, in words */
    unsigned point_count;
    struct replay_point points[TOTALS_POINTS];
    struct replay_point rest; /* at rest after the last write */

    uint64_t bytes;
    uint64_t flushed_bytes, compacted_bytes, compacted_read_bytes, value_bytes; /* written in all */
    uint64_t flushes, compactions, moves;
    uint64_t disk_most, files_most;               /* at any time; of all files of the store, those of a merge too */
    uint64_t stalls, stall_longest_ns, waited_ns; /* writes that waited over REPLAY_STALL_NS; all waiting */
    uint64_t waits;                               /* writes that waited at all */
    uint64_t late_most_ns;                        /* not REPLAY_FULL: how far behind its time a write was */
    uint64_t took_ns, rest_ns;                    /* to the last write; from there to rest */
    struct probe_figures mean;                    /* of all points */
};

/* progress may be NULL. */
void replay_run(const struct replay_plan *plan, const struct configuration *configuration,
                const struct write_progress *progress, struct replay_result *result);

/* What tables and files of values were written, by what the user wrote; 0 when that is nothing. */
double replay_write_amplification(const struct replay_result *result);
double replay_point_amplification(const struct replay_point *point);
/* On disk at rest by what is alive then; the most on disk by the most alive. */
double replay_space_amplification(const struct replay_result *result, const struct write_totals *totals);
double replay_space_most(const struct replay_result *result, const struct write_totals *totals);

#endif
