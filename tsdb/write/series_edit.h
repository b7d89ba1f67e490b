/*
 * series_edit: what one operation does to the samples of one series, before it reaches the batch.
 *
 * Invariant: the chunks of the edit cover ranges of time that do not overlap; what is outside of them is as stored. A
 * chunk is loaded when a sample falls inside it, or when it is sealed; samples behind the last one are only collected,
 * and leave as an append to the open chunk.
 */
#ifndef TSDB_WRITE_SERIES_EDIT_H
#define TSDB_WRITE_SERIES_EDIT_H

#include "tsdb/write/head.h"

/* What one operation may load, over all its series: bounds memory, the batch, and the time that apply takes. */
struct edit_budget {
    size_t samples, chunks; /* left */
};
enum { EDIT_CHUNKS_MAX = 16384 };
static inline struct edit_budget edit_budget_make(void) {
    return (struct edit_budget){.samples = TSDB_SAMPLES_MAX, .chunks = EDIT_CHUNKS_MAX};
}

struct chunk_edit {
    bool stored; /* there is a row under stored_first_ms */
    int64_t stored_first_ms;
    int64_t from_ms, to_ms;    /* both inclusive: samples of these times belong here */
    bool open;                 /* the last chunk, which takes appends */
    bool loaded;               /* samples are all; else only those that came behind the stored ones */
    bool rewrite;              /* the row is put anew; else it is as it was, or appended to */
    size_t stored_count;       /* if loaded: so many, from the first, are in the row */
    struct gorilla_state base; /* open: of the stored samples */
    size_t inserted;           /* samples that were put between others */
    struct samples samples;
};

struct series_edit {
    const struct names_view *view; /* borrowed, like the budget */
    struct edit_budget *budget;
    struct head head;          /* as the edit leaves it */
    bool head_is_stale;        /* head.state does not know what was changed inside the open chunk */
    struct chunk_edit *chunks; /* in order of time */
    size_t count, capacity;
    bool has_sealed;
    bool trims; /* prepare found chunks below trim_ms that retention takes */
    int64_t trim_ms;
};

void series_edit_begin(struct series_edit *edit, const struct names_view *view, struct edit_budget *budget,
                       const struct head *head);
void series_edit_deinit(struct series_edit *edit);

/*
 * Adds one sample. OK; EXISTS: the policy is BLOCK and there is one; INVALID: older than retention. After anything else
 * the edit must be given up: TOO_LARGE (over the budget), WOULD_BLOCK, CORRUPT, IO, NO_MEMORY.
 */
MUST_CHECK enum status series_edit_add(struct series_edit *edit, int64_t time_ms, double value,
                                       enum tsdb_policy policy);

/* Reads what emit needs besides: may fail as add. */
MUST_CHECK enum status series_edit_prepare(struct series_edit *edit);
/* Puts all into the batch; edit->head is then the head after it. NO_MEMORY. */
MUST_CHECK enum status series_edit_emit(struct series_edit *edit, struct engine_batch *batch, struct buf *scratch);

/*
 * Deletes the stored samples of [from_ms, to_ms]; *deleted counts those that retention did not hide. Not together with
 * series_edit_add; the series' cached head is void afterwards.
 */
MUST_CHECK enum status series_delete_range(const struct names_view *view, const struct head *head, int64_t from_ms,
                                           int64_t to_ms, struct engine_batch *batch, uint64_t *deleted);

/* Puts samples under their key, as one chunk. */
MUST_CHECK enum status chunk_put(struct engine_batch *batch, uint64_t series, enum chunk_encoding encoding,
                                 const int64_t *times_ms, const double *values, size_t count, struct buf *scratch);
MUST_CHECK enum status chunk_delete(struct engine_batch *batch, uint64_t series, int64_t first_ms);

#endif
