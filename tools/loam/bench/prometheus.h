/*
 * prometheus: what Prometheus makes of the same series: promtool writes blocks from OpenMetrics text. It reads the
 * whole text once for each two hours by default; here blocks may span everything, which is also the smallest that it
 * can do.
 */
#ifndef TOOLS_LOAM_BENCH_PROMETHEUS_H
#define TOOLS_LOAM_BENCH_PROMETHEUS_H

#include "tools/loam/bench/tsdb_data.h"

struct prometheus_result {
    char version[64]; /* "2.42.0+ds" */
    double seconds;   /* of promtool's import, reading the text twice included */
    uint64_t blocks;
    uint64_t chunk_bytes, index_bytes; /* files chunks/ and index of all blocks */
    uint64_t other_bytes;              /* meta.json, tombstones: not counted as storage */
};

/* In `dir`, which is made anew and removed. NOT_FOUND with words when promtool is not installed. */
MUST_CHECK enum status prometheus_measure(struct io *io, const char *dir, const struct tsdb_data *data,
                                          struct prometheus_result *result, struct error *error);

#endif
