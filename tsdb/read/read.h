/* read: what the files that answer reads share. */
#ifndef TSDB_READ_READ_H
#define TSDB_READ_READ_H

#include "tsdb/read/chunk_cursor.h"

/* A series that is there, as a reader needs it. */
struct series_view {
    const struct names_view *view; /* borrowed */
    uint64_t series;
    uint64_t retention_ms;
    bool has_border; /* retention hides what is before border_ms */
    int64_t border_ms;
};

/* From the name. OK; NOT_FOUND; WRONG_TYPE; WOULD_BLOCK, CORRUPT, IO. The row is borrowed from *value, which the caller
 * releases after OK. */
MUST_CHECK enum status series_view_find(const struct names_view *view, struct slice name, struct series_view *series,
                                        struct series_row *row, struct engine_value *value);
/* From id and settings; reads the last chunk if there is a retention. */
MUST_CHECK enum status series_view_make(const struct names_view *view, uint64_t id,
                                        const struct tsdb_settings *settings, struct series_view *series);

/* Visits the samples of [from_ms, to_ms] by chunk; forward or, by chunk and within it, backward (arrays still rise). As
 * tsdb_scan; END from visit ends it with OK. */
typedef enum status (*samples_visit)(void *context, const int64_t *times_ms, const double *values, size_t count);
MUST_CHECK enum status series_visit(const struct series_view *series, int64_t from_ms, int64_t to_ms, bool backward,
                                    samples_visit visit, void *context);
/* The last sample; NOT_FOUND without any. */
MUST_CHECK enum status series_last_sample(const struct series_view *series, int64_t *time_ms, double *value);

/* Appends the array of samples or buckets that the range asks for. TOO_LARGE if body would grow over
 * TSDB_REPLY_MAX_BYTES. */
MUST_CHECK enum status range_reply(const struct series_view *series, const struct tsdb_range *range, unsigned protocol,
                                   struct buf *body);

/* [time, value], and a value alone, as the protocol shows it. */
MUST_CHECK enum status reply_sample(struct buf *reply, int64_t time_ms, double value, unsigned protocol);
/* Labels as pairs or a map; of a copy of the row. */
MUST_CHECK enum status reply_labels(struct buf *reply, struct series_row row, unsigned protocol);

/* The reply of a read that ended with this status: user errors become replies, for the rest the reply is cut back. */
MUST_CHECK enum status finish_read(struct buf *reply, size_t start, enum status status);

#endif
