/*
 * compact_input: what goes into a compaction. Range deletes of all inputs are gathered first: they decide which files
 * need no reading, which entries go, and which of them the output still needs.
 */
#include <stdlib.h>

#include "engine/lsm/compact.h"

enum { COVER_RANGES_MAX = 256 /* of one file, looked at by the estimate */ };

static const struct level *level_of(const struct compaction *compaction, uint32_t level) {
    return &compaction->pick.tree->levels[level];
}

enum status compaction_each_input(struct compaction *compaction,
                                  enum status (*visit)(void *context, struct file *file, uint32_t level),
                                  void *context) {
    const struct pick *pick = &compaction->pick;
    enum status status = STATUS_OK;
    for (uint32_t i = pick->from; i < pick->to && status == STATUS_OK; i++)
        status = visit(context, level_of(compaction, pick->level)->files[i], pick->level);
    for (uint32_t level = pick->level + 1; level < pick->output_level && pick->between; level++)
        for (uint32_t i = 0; i < level_of(compaction, level)->count && status == STATUS_OK; i++)
            status = visit(context, level_of(compaction, level)->files[i], level);
    for (uint32_t i = pick->next_from; i < pick->next_to && status == STATUS_OK; i++)
        status = visit(context, level_of(compaction, pick->output_level)->files[i], pick->output_level);
    return status;
}

/* ---- Range deletes
 * ---------------------------------------------------------------------------------------------------------------------------
 */

static enum status push(struct range_tombstone **items, size_t *count, size_t *capacity,
                        const struct range_tombstone *item) {
    if (*count == *capacity) {
        const size_t more = *capacity ? *capacity * 2 : 16;
        struct range_tombstone *grown = realloc(*items, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        *items = grown;
        *capacity = more;
    }
    (*items)[(*count)++] = *item;
    return STATUS_OK;
}

static enum status gather_file(void *context, struct file *file, uint32_t level) {
    struct compaction *compaction = context;
    struct range_cursor cursor;
    struct range_tombstone tombstone;
    struct sst *sst;
    (void)level;
    if (file->meta.range_deletes == 0) return STATUS_OK;
    enum status status = store_open_file(compaction->engine, file, 0, &sst);
    if (status != STATUS_OK) return status;
    range_cursor_init(&cursor, sst_range_deletes(sst), file->meta.instance);
    while (status == STATUS_OK && range_cursor_next(&cursor, &tombstone))
        status = push(&compaction->gathered, &compaction->gathered_count, &compaction->gathered_capacity, &tombstone);
    return status;
}

static int compare_sequence(const void *a, const void *b) {
    const struct range_tombstone *x = a, *y = b;
    if (x->sequence != y->sequence) return x->sequence < y->sequence ? -1 : 1;
    return slice_compare(x->begin, y->begin);
}

static enum status gather_ranges(struct compaction *compaction) {
    enum status status = compaction_each_input(compaction, gather_file, compaction);
    if (compaction->gathered_count > 1)
        qsort(compaction->gathered, compaction->gathered_count, sizeof *compaction->gathered, compare_sequence);
    for (size_t i = 0; i < compaction->gathered_count && status == STATUS_OK; i++) {
        const struct range_tombstone *range = &compaction->gathered[i];
        status = range_set_add(&compaction->ranges, compaction->pick.tree->instance, range->begin, range->end,
                               range->sequence);
    }
    return status;
}

/* ---- Files that are hidden whole
 * ---------------------------------------------------------------------------------------------------------------- */

static bool ends_within(const struct file *file, const struct range_stretch *stretch) {
    if (!stretch->has_end) return true;
    if (!file->meta.has_last) return false;
    const int order = slice_compare(file->meta.last, stretch->end);
    return order < 0 || (order == 0 && file->meta.last_exclusive);
}

/* Every key of its span is covered, within the one stripe that all of it lies in, by something newer than all of it. */
bool compaction_hides(void *context, struct file *file) {
    const struct compaction *compaction = context;
    const struct edit_file *meta = &file->meta;
    const size_t stripe = fold_stripe(compaction->snapshots, compaction->snapshot_count, meta->last_sequence);
    if (compaction->gathered_count == 0 ||
        fold_stripe(compaction->snapshots, compaction->snapshot_count, meta->first_sequence) != stripe)
        return false;
    const uint64_t end = fold_stripe_end(compaction->snapshots, compaction->snapshot_count, stripe);
    struct range_stretch stretch;
    struct slice key = meta->first;
    for (;;) {
        range_set_stretch(&compaction->ranges, meta->instance, key, end, &stretch);
        if (stretch.sequence <= meta->last_sequence) return false;
        if (ends_within(file, &stretch)) return true;
        key = stretch.end;
    }
}

/* ---- Range deletes that stay
 * ------------------------------------------------------------------------------------------------------------------------
 */

/* Something below the output may still be hidden by it. */
static bool has_below(const struct compaction *compaction, struct slice begin, struct slice end) {
    for (uint32_t i = compaction->pick.output_level + 1; i < ENGINE_LEVELS; i++) {
        uint32_t from, to;
        level_find_range(level_of(compaction, i), begin, end, &from, &to);
        if (from < to) return true;
    }
    return false;
}

static enum status keep_range(struct compaction *compaction, size_t stripe, const struct range_tombstone *range) {
    if (stripe == 0 && !has_below(compaction, range->begin, range->end)) return STATUS_OK;
    return push(&compaction->kept, &compaction->kept_count, &compaction->kept_capacity, range);
}

/* The range deletes of one stripe, flattened: disjoint, each with the newest sequence over it. */
static enum status keep_stripe(struct compaction *compaction, size_t stripe) {
    const uint64_t end = fold_stripe_end(compaction->snapshots, compaction->snapshot_count, stripe);
    const uint64_t older = stripe > 0 ? compaction->snapshots[stripe - 1] : 0;
    struct range_tombstone open = {.sequence = 0};
    struct range_stretch stretch;
    struct slice key = slice_make(NULL, 0);
    enum status status = STATUS_OK;
    for (bool more = true; more && status == STATUS_OK; more = stretch.has_end, key = stretch.end) {
        range_set_stretch(&compaction->ranges, compaction->pick.tree->instance, key, end, &stretch);
        const uint64_t sequence = stretch.sequence > older ? stretch.sequence : 0;
        if (sequence != open.sequence) {
            if (open.sequence) status = keep_range(compaction, stripe, &open);
            open =
                (struct range_tombstone){.tree = compaction->pick.tree->instance, .begin = key, .sequence = sequence};
        }
        open.end = stretch.has_end ? stretch.end : slice_make(NULL, 0);
    }
    if (status == STATUS_OK && open.sequence) status = keep_range(compaction, stripe, &open);
    return status;
}

static int compare_begin(const void *a, const void *b) {
    const struct range_tombstone *x = a, *y = b;
    const int order = slice_compare(x->begin, y->begin);
    return order ? order : (x->sequence < y->sequence) - (x->sequence > y->sequence);
}

static enum status keep_ranges(struct compaction *compaction) {
    enum status status = STATUS_OK;
    if (compaction->gathered_count == 0) return STATUS_OK;
    for (size_t i = 0; i <= compaction->snapshot_count && status == STATUS_OK; i++) status = keep_stripe(compaction, i);
    if (compaction->kept_count > 1)
        qsort(compaction->kept, compaction->kept_count, sizeof *compaction->kept, compare_begin);
    return status;
}

static enum status count_input(void *context, struct file *file, uint32_t level) {
    struct compaction *compaction = context;
    (void)level;
    if (compaction_hides(compaction, file))
        compaction->hidden_files++;
    else
        compaction->read_bytes += file->meta.bytes;
    return STATUS_OK;
}

enum status compaction_prepare(struct compaction *compaction) {
    enum status status = gather_ranges(compaction);
    if (status == STATUS_OK) status = keep_ranges(compaction);
    if (status == STATUS_OK) status = compaction_each_input(compaction, count_input, compaction);
    return status;
}

/* ---- The estimate for the pick
 * --------------------------------------------------------------------------------------------------------------------------
 */

static uint64_t covered_below(const struct tree_files *tree, uint32_t level, const struct range_tombstone *range) {
    uint64_t bytes = 0;
    const struct range_stretch stretch = {.begin = range->begin, .end = range->end, .has_end = range->end.size > 0};
    for (uint32_t i = level + 1; i < ENGINE_LEVELS; i++) {
        uint32_t from, to;
        level_find_range(&tree->levels[i], range->begin, range->end, &from, &to);
        for (uint32_t f = from; f < to; f++) {
            const struct file *file = tree->levels[i].files[f];
            if (slice_compare(file->meta.first, range->begin) >= 0 && ends_within(file, &stretch))
                bytes += file->meta.bytes;
        }
    }
    return bytes;
}

static void estimate_file(struct engine *engine, const struct tree_files *tree, uint32_t level, struct file *file) {
    struct range_cursor cursor;
    struct range_tombstone tombstone;
    struct sst *sst;
    uint64_t bytes = 0;
    if (store_open_file(engine, file, 0, &sst) != STATUS_OK)
        return; /* noted there; without an estimate it is only less urgent */
    range_cursor_init(&cursor, sst_range_deletes(sst), file->meta.instance);
    for (int i = 0; i < COVER_RANGES_MAX && range_cursor_next(&cursor, &tombstone); i++)
        bytes += covered_below(tree, level, &tombstone);
    file->covered_bytes = bytes;
}

void compaction_estimate_cover(struct engine *engine, const struct version *version) {
    for (size_t t = 0; t < version->count; t++) {
        const struct tree_files *tree = version->trees[t];
        for (uint32_t i = 0; i + 1 < ENGINE_LEVELS; i++)
            for (uint32_t f = 0; f < tree->levels[i].count; f++)
                if (tree->levels[i].files[f]->meta.range_deletes > 0)
                    estimate_file(engine, tree, i, tree->levels[i].files[f]);
    }
}
