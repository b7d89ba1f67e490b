/* overlap: see overlap.h. A span's end is a key, a key that no entry is equal to, or the end of the tree. */
#include "tools/loam/inspect/shape/overlap.h"

#include <stdlib.h>

/* <0: the span ends before the key. */
static int compare_end(const struct edit_file *file, struct slice key) {
    if (!file->has_last) return 1;
    const int order = slice_compare(file->last, key);
    return order == 0 && file->last_exclusive ? -1 : order;
}

static int compare_ends(const struct edit_file *a, const struct edit_file *b) {
    if (!a->has_last || !b->has_last) return (int)b->has_last - (int)a->has_last;
    const int order = slice_compare(a->last, b->last);
    return order ? order : (int)b->last_exclusive - (int)a->last_exclusive;
}

static int compare_by_first(const void *a, const void *b) {
    return slice_compare((*(const struct edit_file *const *)a)->first, (*(const struct edit_file *const *)b)->first);
}

static int compare_by_last(const void *a, const void *b) {
    return compare_ends(*(const struct edit_file *const *)a, *(const struct edit_file *const *)b);
}

static void sum(const struct edit_file **files, uint64_t *bytes, size_t count) {
    bytes[0] = 0;
    for (size_t i = 0; i < count; i++) bytes[i + 1] = bytes[i] + files[i]->bytes;
}

enum status overlap_index_make(struct overlap_index *index, const struct state *state, size_t from, size_t to) {
    *index = (struct overlap_index){.count = to - from};
    index->by_first = malloc(index->count * sizeof *index->by_first);
    index->by_last = malloc(index->count * sizeof *index->by_last);
    index->first_bytes = malloc((index->count + 1) * sizeof *index->first_bytes);
    index->last_bytes = malloc((index->count + 1) * sizeof *index->last_bytes);
    if (!index->by_first || !index->by_last || !index->first_bytes || !index->last_bytes) return STATUS_NO_MEMORY;
    for (size_t i = from; i < to; i++)
        index->by_first[i - from] = index->by_last[i - from] = &state_file(state, i)->meta;
    qsort(index->by_first, index->count, sizeof *index->by_first, compare_by_first);
    qsort(index->by_last, index->count, sizeof *index->by_last, compare_by_last);
    sum(index->by_first, index->first_bytes, index->count);
    sum(index->by_last, index->last_bytes, index->count);
    return STATUS_OK;
}

void overlap_index_deinit(struct overlap_index *index) {
    free(index->by_first);
    free(index->by_last);
    free(index->first_bytes);
    free(index->last_bytes);
}

/* How many begin at or before the span's end. */
static size_t count_begun(const struct overlap_index *index, const struct edit_file *span) {
    size_t low = 0, high = index->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_end(span, index->by_first[middle]->first) >= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How many end before the span's beginning. */
static size_t count_ended(const struct overlap_index *index, const struct edit_file *span) {
    size_t low = 0, high = index->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_end(index->by_last[middle], span->first) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct state_overlap overlap_find(const struct overlap_index *index, const struct edit_file *span) {
    const size_t begun = count_begun(index, span), ended = count_ended(index, span);
    if (begun < ended) return (struct state_overlap){.files = 0}; /* a span whose end lies before its beginning */
    return (struct state_overlap){(uint32_t)(begun - ended), index->first_bytes[begun] - index->last_bytes[ended]};
}
