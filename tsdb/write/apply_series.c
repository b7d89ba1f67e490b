/* apply_series: TS.CREATE, TS.ALTER, TS.DEL, and the rows of a series that its name's fate changes. */
#include "tsdb/reply_text.h"
#include "tsdb/write/apply.h"

/* ---- postings ---------------------------------------------------------------------------------------------------- */

enum status postings_put(struct engine_batch *batch, uint64_t series, const struct tsdb_label *labels, size_t count,
                         struct buf *scratch) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = label_key_encode(scratch, &labels[i], series);
        if (status == STATUS_OK) status = engine_batch_put(batch, TREE_LABELS, buf_slice(scratch), slice_make(NULL, 0));
    }
    return status;
}

enum status postings_delete(struct engine_batch *batch, uint64_t series, struct series_row row, struct buf *scratch) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < row.settings.label_count; i++) {
        struct tsdb_label label = series_row_next_label(&row);
        status = label_key_encode(scratch, &label, series);
        if (status == STATUS_OK) status = engine_batch_delete(batch, TREE_LABELS, buf_slice(scratch));
    }
    return status;
}

static enum status put_row(struct engine_batch *batch, uint64_t series, struct slice name,
                           const struct tsdb_settings *settings, struct buf *scratch) {
    struct series_key key = series_key_make(series);
    buf_clear(scratch);
    enum status status = series_row_encode(scratch, name, settings);
    if (status) return status;
    return engine_batch_put(batch, TREE_SERIES, slice_make(key.bytes, sizeof key.bytes), buf_slice(scratch));
}

static enum status get_row(const struct names_view *view, uint64_t series, struct series_row *row,
                           struct engine_value *value) {
    struct series_key key = series_key_make(series);
    enum status status = view_get(view, TREE_SERIES, slice_make(key.bytes, sizeof key.bytes), value);
    if (status) return status;
    status = series_row_decode(value->data, row);
    if (status) engine_value_release(value);
    return status;
}

/* ---- TS.CREATE, and a TS.ADD to a name that is not there --------------------------------------------------------- */

static void read_labels(struct tsdb_op_reader *reader, struct tsdb_label labels[TSDB_LABELS_MAX]) {
    for (size_t i = 0; i < reader->op.settings.label_count; i++) labels[i] = tsdb_op_next_label(reader);
    reader->op.settings.labels = labels;
}

enum status apply_make_series(struct apply *apply, struct slice name, struct series_edit **edit) {
    struct tsdb_label labels[TSDB_LABELS_MAX];
    struct tsdb_settings *settings = &apply->reader.op.settings;
    const struct name_row row = {.type = NAME_SERIES, .object = apply->object_id};
    struct head head = {.series = apply->object_id};
    read_labels(&apply->reader, labels);
    head_take_settings(&head, settings);
    /* First what may be refused: afterwards the batch is not empty. */
    enum status status = names_edit_put(apply->names, name, &row);
    if (status == STATUS_OK) status = edit_table_add(&apply->table, apply->view, &apply->budget, &head, edit);
    if (status == STATUS_OK) status = put_row(apply->batch, apply->object_id, name, settings, &apply->scratch);
    if (status == STATUS_OK)
        status = postings_put(apply->batch, apply->object_id, labels, settings->label_count, &apply->scratch);
    settings->labels = NULL;
    return status;
}

enum status apply_create(struct apply *apply) {
    struct series_edit *edit = NULL;
    uint64_t series = 0;
    struct slice name = apply->reader.op.name;
    enum status status = apply_find_series(apply, name, &series);
    if (status == STATUS_OK || status == STATUS_WRONG_TYPE) return reply_error(apply->reply, TSDB_TEXT_KEY_EXISTS);
    if (status != STATUS_NOT_FOUND) return status;
    status = apply_make_series(apply, name, &edit);
    return status ? status : reply_ok(apply->reply);
}

/* ---- TS.ALTER ---------------------------------------------------------------------------------------------------- */

/* What the operation does not give stays as the row says; labels are borrowed from one of the two. */
static void merge_settings(struct tsdb_op_reader *reader, struct series_row *row,
                           struct tsdb_label labels[TSDB_LABELS_MAX], struct tsdb_settings *merged) {
    const struct tsdb_settings *new = &reader->op.settings;
    *merged = row->settings;
    merged->given |= new->given;
    if (new->given & TSDB_RETENTION) merged->retention_ms = new->retention_ms;
    if (new->given & TSDB_CHUNK_SIZE) merged->chunk_bytes = new->chunk_bytes;
    if (new->given & TSDB_DUPLICATE_POLICY) merged->policy = new->policy;
    merged->labels = labels;
    if (new->given & TSDB_LABELS) {
        merged->label_count = new->label_count;
        for (size_t i = 0; i < new->label_count; i++) labels[i] = tsdb_op_next_label(reader);
        return;
    }
    struct series_row copy = *row;
    for (size_t i = 0; i < merged->label_count; i++) labels[i] = series_row_next_label(&copy);
}

static enum status alter_series(struct apply *apply, uint64_t series) {
    struct tsdb_label labels[TSDB_LABELS_MAX];
    struct tsdb_settings merged;
    struct series_row row;
    struct engine_value value;
    enum status status = get_row(apply->view, series, &row, &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    bool relabels = apply->reader.op.settings.given & TSDB_LABELS;
    merge_settings(&apply->reader, &row, labels, &merged);
    if (relabels) status = postings_delete(apply->batch, series, row, &apply->scratch);
    if (status == STATUS_OK && relabels)
        status = postings_put(apply->batch, series, labels, merged.label_count, &apply->scratch);
    if (status == STATUS_OK) status = put_row(apply->batch, series, row.name, &merged, &apply->scratch);
    engine_value_release(&value);
    if (apply->cache) head_cache_drop(apply->cache, series);
    return status;
}

enum status apply_alter(struct apply *apply) {
    uint64_t series = 0;
    enum status status = apply_find_series(apply, apply->reader.op.name, &series);
    if (status == STATUS_NOT_FOUND) return reply_error(apply->reply, TSDB_TEXT_NO_KEY);
    if (status == STATUS_WRONG_TYPE) return reply_error(apply->reply, TSDB_TEXT_WRONG_TYPE);
    if (status == STATUS_OK) status = alter_series(apply, series);
    return status ? status : reply_ok(apply->reply);
}

/* ---- TS.DEL ------------------------------------------------------------------------------------------------------ */

enum status apply_delete_range(struct apply *apply) {
    const struct tsdb_op *op = &apply->reader.op;
    struct series_edit *edit = NULL;
    uint64_t series = 0, deleted = 0;
    enum status status = apply_find_series(apply, op->name, &series);
    if (status == STATUS_NOT_FOUND) return reply_error(apply->reply, TSDB_TEXT_NO_KEY);
    if (status == STATUS_WRONG_TYPE) return reply_error(apply->reply, TSDB_TEXT_WRONG_TYPE);
    if (status == STATUS_OK) status = apply_edit_series(apply, series, &edit);
    if (status == STATUS_OK)
        status = series_delete_range(apply->view, &edit->head, op->from_ms, op->to_ms, apply->batch, &deleted);
    /* The head is another one now: it is read again when it is needed. */
    edit_table_clear(&apply->table);
    if (apply->cache) head_cache_drop(apply->cache, series);
    return status ? status : reply_integer(apply->reply, (int64_t)deleted);
}

/* ---- a name that goes or changes --------------------------------------------------------------------------------- */

static enum status delete_series(void *context, const struct names_view *view, struct engine_batch *batch,
                                 uint64_t series) {
    struct tsdb *tsdb = context;
    struct series_key key = series_key_make(series);
    struct chunk_range chunks = chunk_range_make(series);
    struct series_row row;
    struct engine_value value;
    head_cache_drop(tsdb->cache, series);
    enum status status = get_row(view, series, &row, &value);
    if (status == STATUS_NOT_FOUND) return STATUS_CORRUPT;
    if (status) return status;
    struct buf scratch = BUF_EMPTY;
    status = postings_delete(batch, series, row, &scratch);
    buf_deinit(&scratch);
    engine_value_release(&value);
    if (status == STATUS_OK) status = engine_batch_delete(batch, TREE_SERIES, slice_make(key.bytes, sizeof key.bytes));
    if (status) return status;
    return engine_batch_delete_range(batch, TREE_CHUNKS, slice_make(chunks.begin, sizeof chunks.begin),
                                     slice_make(chunks.end, chunks.end_size));
}

static enum status delete_all(void *context, struct engine_batch *batch) {
    static const uint32_t trees[] = {TREE_SERIES, TREE_CHUNKS, TREE_LABELS};
    struct tsdb *tsdb = context;
    struct slice everything = {0};
    head_cache_clear(tsdb->cache);
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof trees / sizeof trees[0]; i++)
        status = engine_batch_delete_range(batch, trees[i], everything, everything);
    return status;
}

static enum status rename_series(void *context, const struct names_view *view, struct engine_batch *batch,
                                 uint64_t series, struct slice new_name) {
    struct tsdb_label labels[TSDB_LABELS_MAX];
    struct series_row row;
    struct engine_value value;
    (void)context;
    enum status status = get_row(view, series, &row, &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    struct buf scratch = BUF_EMPTY;
    for (size_t i = 0; i < row.settings.label_count; i++) labels[i] = series_row_next_label(&row);
    row.settings.labels = labels;
    status = put_row(batch, series, new_name, &row.settings, &scratch);
    engine_value_release(&value);
    buf_deinit(&scratch);
    return status;
}

static enum status prefetch_series(void *context, const struct names_view *view, uint64_t series) {
    struct series_row row;
    struct engine_value value;
    (void)context;
    enum status status = get_row(view, series, &row, &value);
    if (status == STATUS_OK) engine_value_release(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

struct name_owner tsdb_owner(struct tsdb *tsdb) {
    return (struct name_owner){.type = NAME_SERIES,
                               .name = "TSDB-TYPE",
                               .delete_object = delete_series,
                               .delete_all = delete_all,
                               .rename_object = rename_series,
                               .prefetch_object = prefetch_series,
                               .context = tsdb};
}
