/* query: see query.h. */
#include "tsdb/read/query.h"

#include <stdlib.h>

#include "tsdb/read/chunk_cursor.h"

enum { ARENA_BLOCK_BYTES = 64 << 10, IDS_MAX = TSDB_QUERY_MAX_BYTES / 8 };

/* Ascending series ids. */
struct id_list {
    uint64_t *ids;
    size_t count, capacity;
};

static enum status add_id(struct id_list *list, uint64_t id) {
    if (list->count == IDS_MAX) return STATUS_TOO_LARGE;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        uint64_t *ids = realloc(list->ids, capacity * sizeof *ids);
        if (!ids) return STATUS_NO_MEMORY;
        list->ids = ids;
        list->capacity = capacity;
    }
    list->ids[list->count++] = id;
    return STATUS_OK;
}

static int compare_ids(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void sort_and_unite(struct id_list *list) {
    if (list->count == 0) return;
    qsort(list->ids, list->count, sizeof *list->ids, compare_ids);
    size_t kept = 1;
    for (size_t i = 1; i < list->count; i++)
        if (list->ids[i] != list->ids[kept - 1]) list->ids[kept++] = list->ids[i];
    list->count = kept;
}

static void intersect(struct id_list *list, const struct id_list *other) {
    size_t kept = 0;
    for (size_t i = 0, j = 0; i < list->count && j < other->count;) {
        if (list->ids[i] == other->ids[j]) {
            list->ids[kept++] = list->ids[i++];
            j++;
        } else if (list->ids[i] < other->ids[j]) {
            i++;
        } else {
            j++;
        }
    }
    list->count = kept;
}

/* ---- postings ---------------------------------------------------------------------------------------------------- */

static enum status read_postings(const struct names_view *view, struct slice prefix, struct id_list *list) {
    struct engine_iterator_options options = {
        .snapshot = view->snapshot, .lower = prefix, .memory_only = view->memory_only};
    struct engine_iterator *iterator = NULL;
    enum status status = engine_iterator_open(view->engine, TREE_LABELS, &options, &iterator);
    if (status) return status;
    for (engine_iterator_seek_first(iterator); status == STATUS_OK && engine_iterator_valid(iterator);
         engine_iterator_next(iterator)) {
        struct slice key = engine_iterator_key(iterator);
        uint64_t id = 0;
        if (!slice_has_prefix(key, prefix)) break;
        status = series_key_decode(slice_from(key, prefix.size), &id);
        if (status == STATUS_OK) status = add_id(list, id);
    }
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

static enum status read_filter(const struct names_view *view, const struct tsdb_filter *filter, struct id_list *list) {
    struct buf prefix = BUF_EMPTY;
    enum status status = STATUS_OK;
    list->count = 0;
    for (size_t i = 0; status == STATUS_OK && i < filter->value_count; i++) {
        status = label_prefix_encode(&prefix, filter->label, filter->values[i]);
        if (status == STATUS_OK) status = read_postings(view, buf_slice(&prefix), list);
    }
    buf_deinit(&prefix);
    sort_and_unite(list);
    return status;
}

static enum status find_candidates(const struct names_view *view, const struct tsdb_query *query,
                                   struct id_list *candidates) {
    struct id_list other = {0};
    bool found = false;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < query->filter_count; i++) {
        if (!filter_is_positive(&query->filters[i])) continue;
        status = read_filter(view, &query->filters[i], found ? &other : candidates);
        if (found) intersect(candidates, &other);
        found = true;
        if (candidates->count == 0) break;
    }
    free(other.ids);
    return status == STATUS_OK && !found ? STATUS_INVALID : status;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

void matches_init(struct matches *matches) {
    *matches = (struct matches){0};
    arena_init(&matches->arena, ARENA_BLOCK_BYTES);
}

void matches_deinit(struct matches *matches) {
    arena_deinit(&matches->arena);
    free(matches->list);
    *matches = (struct matches){0};
}

static enum status add_match(struct matches *matches, uint64_t series, struct slice data,
                             const struct series_row *row) {
    if (matches->arena.used_bytes + matches->count * sizeof *matches->list > TSDB_QUERY_MAX_BYTES)
        return STATUS_TOO_LARGE;
    if (matches->count == matches->capacity) {
        size_t capacity = matches->capacity ? 2 * matches->capacity : 64;
        struct matched *list = realloc(matches->list, capacity * sizeof *list);
        if (!list) return STATUS_NO_MEMORY;
        matches->list = list;
        matches->capacity = capacity;
    }
    uint8_t *copy = arena_copy(&matches->arena, data.data, data.size);
    if (!copy) return STATUS_NO_MEMORY;
    size_t name_at = row->name.size ? (size_t)(row->name.data - data.data) : 0;
    matches->list[matches->count++] = (struct matched){
        .series = series, .row = slice_make(copy, data.size), .name = slice_make(copy + name_at, row->name.size)};
    return STATUS_OK;
}

/* Its name may have expired while its rows wait to be reaped. */
static enum status name_stands(const struct names_view *view, uint64_t series, struct slice name, bool *stands) {
    struct name_row row;
    struct engine_value value;
    *stands = false;
    enum status status = names_get(view, name, &row, &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    *stands = row.type == NAME_SERIES && row.object == series;
    engine_value_release(&value);
    return STATUS_OK;
}

static enum status judge(const struct names_view *view, const struct tsdb_query *query, uint64_t series,
                         struct matches *matches) {
    struct series_key key = series_key_make(series);
    struct engine_value value;
    enum status status = view_get(view, TREE_SERIES, slice_make(key.bytes, sizeof key.bytes), &value);
    if (status) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status; /* a posting without its series */
    struct series_row row;
    bool stands = false;
    status = series_row_decode(value.data, &row);
    bool passes = status == STATUS_OK;
    for (size_t i = 0; passes && i < query->filter_count; i++) passes = filter_matches(&query->filters[i], row);
    if (passes) status = name_stands(view, series, row.name, &stands);
    if (status == STATUS_OK && stands) status = add_match(matches, series, value.data, &row);
    engine_value_release(&value);
    return status;
}

static int compare_names(const void *a, const void *b) {
    const struct matched *left = a, *right = b;
    return slice_compare(left->name, right->name);
}

enum status query_run(const struct names_view *view, const struct tsdb_query *query, struct matches *matches) {
    struct id_list candidates = {0};
    enum status status = find_candidates(view, query, &candidates);
    for (size_t i = 0; status == STATUS_OK && i < candidates.count; i++)
        status = judge(view, query, candidates.ids[i], matches);
    free(candidates.ids);
    if (status == STATUS_OK && matches->count > 1)
        qsort(matches->list, matches->count, sizeof *matches->list, compare_names);
    return status;
}
