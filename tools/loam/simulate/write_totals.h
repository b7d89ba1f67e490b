/*
 * write_totals: what writes come to, whatever store they go to: how many, and after each part of them how much is
 * alive: keys and values that a reader would find.
 */
#ifndef TOOLS_LOAM_SIMULATE_WRITE_TOTALS_H
#define TOOLS_LOAM_SIMULATE_WRITE_TOTALS_H

#include "engine/base/buf.h"
#include "engine/base/error.h"
#include "tools/loam/simulate/write_op.h"

enum { TOTALS_POINTS = 100, WRITE_KINDS = 7 };

struct write_totals {
    uint64_t writes;
    uint64_t of_kind[WRITE_KINDS]; /* by enum write_kind */
    uint64_t bytes;                /* keys and values */
    int64_t first_ms, last_ms;     /* last > first: it has times */
    uint32_t value_most;
    /* After points[i] writes, bytes[i] are alive; the last point is the last write. */
    unsigned points;
    uint64_t at[TOTALS_POINTS], alive[TOTALS_POINTS];
    uint64_t alive_keys, alive_most; /* at the end; at any point */
};

/* Called now and then, with writes done of all; may be NULL. */
struct write_progress {
    void (*tell)(void *context, uint64_t done, uint64_t all);
    void *context;
};

/* From the source's beginning. All but `alive` and `alive_keys`. NO_MEMORY, IO. */
MUST_CHECK enum status write_totals_count(struct write_totals *totals, struct write_source *source);
/* And these: in a store of its own on a disk of that capacity. Not OK: *error has words; NO_SPACE. */
MUST_CHECK enum status write_totals_measure(struct write_totals *totals, struct write_source *source,
                                            uint64_t capacity_bytes, const struct write_progress *progress,
                                            struct error *error);
static inline bool write_totals_have_times(const struct write_totals *totals) {
    return totals->last_ms > totals->first_ms && totals->first_ms > 0;
}

#endif
