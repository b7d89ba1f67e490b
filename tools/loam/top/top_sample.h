/*
 * top_sample: what one node said at one moment (INFO), as numbers. Pure.
 */
#ifndef TOOLS_LOAM_TOP_TOP_SAMPLE_H
#define TOOLS_LOAM_TOP_TOP_SAMPLE_H

#include <stdbool.h>

#include "engine/base/slice.h"
#include "engine/io.h"

enum { TOP_LEVELS = 7, TOP_PEERS_MAX = 16 };

struct top_latency {
    double p50_us, p99_us, max_us;
    uint64_t timed; /* 0: nothing in the last window */
};

struct top_sample {
    bool answers;   /* else only why is of meaning */
    char why[64];   /* it does not, in words */
    uint64_t at_ns; /* of our clock */
    uint64_t uptime_s, node, leader, term, commit, applied, elections;
    char role[16], disk[16]; /* "leader" .., "well" .. */
    uint64_t commands, input_bytes, output_bytes, clients, keys;
    struct top_latency reads, writes;
    uint64_t log_written_bytes, log_syncs, log_bytes, log_limit_bytes;
    uint64_t heap_bytes, memtable_bytes, cache_bytes, cache_hits, cache_misses;
    uint64_t disk_bytes, debt_bytes, flushes, compactions;
    uint64_t pressure, engine_pressure; /* 0..1000 */
    struct {
        uint64_t files, bytes;
    } levels[TOP_LEVELS];
    size_t peer_count;
    char peers[TOP_PEERS_MAX][IO_ADDRESS_BYTES]; /* where members serve clients, as this one knows */
};

/* False: it is no INFO of a loamd. */
bool top_sample_parse(struct top_sample *sample, struct slice info);

/* What a counter gained a second between two samples of one process; 0 where the process is another one, or either does
 * not answer. */
double top_rate(const struct top_sample *before, const struct top_sample *now, uint64_t counter_before,
                uint64_t counter_now);

#endif
