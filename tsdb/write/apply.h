/* apply: what the files that apply operations share. */
#ifndef TSDB_WRITE_APPLY_H
#define TSDB_WRITE_APPLY_H

#include "tsdb/write/edit_table.h"

/* One operation under way; view, batch, reply and cache are borrowed for the call, the rest is reused. */
struct apply {
    const struct names_view *view;
    uint64_t object_id;
    struct tsdb_op_reader reader;
    struct engine_batch *batch;
    struct buf *reply;
    struct head_cache *cache; /* NULL: prefetch, which is not apply's thread */
    struct names_edit *names;
    struct edit_table table;
    struct edit_budget budget;
    struct samples samples;
    struct buf scratch, scratch_key;
};

struct tsdb {
    struct head_cache *cache;
    struct apply apply;
    const struct name_owner *owners;
    size_t owner_count;
};

/* Each turns one kind of operation into edits, rows in the batch, and a reply; table in apply.c. Statuses as
 * tsdb_apply; TOO_LARGE: over the budget, or a name that no tree can hold: nothing happens. */
enum status apply_create(struct apply *apply);
enum status apply_alter(struct apply *apply);
enum status apply_add(struct apply *apply);
enum status apply_madd(struct apply *apply);
enum status apply_delete_range(struct apply *apply);

/* OK with the series behind the name; NOT_FOUND, WRONG_TYPE. */
MUST_CHECK enum status apply_find_series(struct apply *apply, struct slice name, uint64_t *series);
/* A series of object_id under a name that is not there: its row, its postings, its name. */
MUST_CHECK enum status apply_make_series(struct apply *apply, struct slice name, struct series_edit **edit);
/* The edit of a series that is there. Borrowed until the next. */
MUST_CHECK enum status apply_edit_series(struct apply *apply, uint64_t series, struct series_edit **edit);

/* Puts or deletes the postings of the labels. */
MUST_CHECK enum status postings_put(struct engine_batch *batch, uint64_t series, const struct tsdb_label *labels,
                                    size_t count, struct buf *scratch);
MUST_CHECK enum status postings_delete(struct engine_batch *batch, uint64_t series, struct series_row row,
                                       struct buf *scratch);

#endif
