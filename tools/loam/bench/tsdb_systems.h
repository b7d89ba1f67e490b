/*
 * tsdb_systems: the two ways to loam's time series that `loam bench tsdb` measures: the library in this process, and a
 * loamd of its own on a port.
 */
#ifndef TOOLS_LOAM_BENCH_TSDB_SYSTEMS_H
#define TOOLS_LOAM_BENCH_TSDB_SYSTEMS_H

#include "tools/loam/bench/tsdb_data.h"

enum { TSDB_BATCH_MAX = 4096 };

/* How samples come: each series in batches of `batch` samples, in the order of time, the series taking turns; the whole
 * set `copies` times under names of their own. */
struct tsdb_feed {
    const struct tsdb_data *data;
    uint64_t copies;
    uint64_t batch;
    uint64_t limit; /* samples at most; 0 = all */
};

struct tsdb_rate {
    uint64_t samples;
    double seconds;
    double cpu_us_per_sample; /* of who stores; 0 = not told */
};

/* ---- Embedded ---------------------------------------------------------------------------------------------------- */

struct tsdb_embedded;

/* An engine with a log of its own in `dir`, made anew. */
MUST_CHECK enum status tsdb_embedded_open(struct io *io, const char *dir, struct tsdb_embedded **embedded,
                                          struct error *error);
void tsdb_embedded_close(struct tsdb_embedded *embedded); /* NULL is allowed */
/* `sync`: every batch is durable before the next. */
MUST_CHECK enum status tsdb_embedded_append(struct tsdb_embedded *embedded, const struct tsdb_feed *feed, bool sync,
                                            struct tsdb_rate *rate, struct error *error);
/* Reads all samples of the first copy, over and over until `seconds` have passed; each pass must give each of them. */
MUST_CHECK enum status tsdb_embedded_decode(struct tsdb_embedded *embedded, const struct tsdb_feed *feed,
                                            double seconds, struct tsdb_rate *rate, struct error *error);

struct tsdb_at_rest {
    uint64_t chunk_bytes; /* SSTs of the tree of chunks */
    uint64_t index_bytes; /* of all other trees: names, series, labels */
};
/* After everything has been flushed and compacted. */
MUST_CHECK enum status tsdb_embedded_rest(struct tsdb_embedded *embedded, struct tsdb_at_rest *rest,
                                          struct error *error);

/* ---- Served ------------------------------------------------------------------------------------------------------ */

/* Starts loamd in `dir`, made anew, sends MADDs, `pipeline` of them in flight, and ends it. Every batch is durable
 * before its reply. */
MUST_CHECK enum status tsdb_served_append(struct io *io, const char *dir, unsigned port, const struct tsdb_feed *feed,
                                          unsigned pipeline, struct tsdb_rate *rate, struct error *error);

/* "NAME#copy" of a series. */
enum { TSDB_NAME_BYTES = 256 };
void tsdb_feed_name(const struct tsdb_feed *feed, uint64_t copy, size_t series, char name[TSDB_NAME_BYTES]);

/* One turn after the other: calls `put` for each batch; stops at a status that is not OK. */
struct tsdb_feed_batch {
    uint64_t copy;
    size_t series;
    size_t first, count; /* samples of the series */
};
MUST_CHECK enum status tsdb_feed_run(const struct tsdb_feed *feed,
                                     enum status (*put)(void *context, const struct tsdb_feed_batch *batch),
                                     void *context);

#endif
