/*
 * care_merge: the tables of one tree become new ones, by key and sequence of each entry. Nothing is folded and nothing
 * left out: every version, operand, delete and range delete stays. So no kind, operator or filter is needed.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/entry/range_set.h"
#include "engine/lsm/care_plan.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/merge_source.h"
#include "engine/sst/sst_build.h"

enum { MERGED_FILE_BYTES = 64 << 20 };

struct merging {
    struct care_plan *plan;
    uint32_t instance;
    struct sst **ssts;
    struct sst_source *sources;
    struct source **children; /* and the heap behind them */
    size_t count;
    struct range_tombstone *ranges;
    size_t range_count, range_capacity;
    const struct care_table_plan *like; /* one of the inputs */
    int64_t oldest_ms, created_ms;
    struct sst_build *build;
    uint64_t number;
    struct buf low, key; /* where the open file begins; the key before */
    uint64_t trailer;
    bool any;
};

static enum status open_inputs(struct merging *merging, struct error *error) {
    struct care_plan *plan = merging->plan;
    char path[IO_PATH_BYTES];
    for (size_t i = 0; i < plan->count; i++) {
        const struct care_table_plan *table = &plan->tables[i];
        const struct edit_file *meta = &table->meta;
        if (table->fate != TABLE_KEPT || meta->level != CARE_LEVEL_MERGE || meta->instance != merging->instance)
            continue;
        enum status status = file_path(path, plan->dir, FILE_SST, meta->number);
        if (status != STATUS_OK) return status;
        const struct sst_identity identity = {.store = meta->store, .file = edit_file_identity(meta)};
        struct sst **sst = &merging->ssts[merging->count];
        status = sst_open_adopted(&plan->environment, path, identity, meta->number, meta->instance, meta->sequence, sst,
                                  error);
        if (status != STATUS_OK) return status;
        sst_source_init(&merging->sources[merging->count], *sst, SST_READ_AHEAD);
        merging->children[merging->count] = &merging->sources[merging->count].source;
        merging->count++;
        if (!merging->like) merging->like = table;
        if (meta->oldest_ms < merging->oldest_ms) merging->oldest_ms = meta->oldest_ms;
        if (meta->created_ms > merging->created_ms) merging->created_ms = meta->created_ms;
    }
    return STATUS_OK;
}

static int compare_ranges(const void *left, const void *right) {
    const struct range_tombstone *a = left, *b = right;
    const int order = slice_compare(a->begin, b->begin);
    return order ? order : (a->sequence < b->sequence) - (a->sequence > b->sequence);
}

static enum status gather_ranges(struct merging *merging) {
    for (size_t i = 0; i < merging->count; i++) {
        struct range_cursor cursor;
        struct range_tombstone tombstone;
        range_cursor_init(&cursor, sst_range_deletes(merging->ssts[i]), 0);
        while (range_cursor_next(&cursor, &tombstone)) {
            if (merging->range_count == merging->range_capacity) {
                const size_t more = merging->range_capacity ? merging->range_capacity * 2 : 64;
                struct range_tombstone *grown = realloc(merging->ranges, more * sizeof *grown);
                if (!grown) return STATUS_NO_MEMORY;
                merging->ranges = grown;
                merging->range_capacity = more;
            }
            merging->ranges[merging->range_count++] = tombstone;
        }
    }
    if (merging->range_count > 1) qsort(merging->ranges, merging->range_count, sizeof *merging->ranges, compare_ranges);
    return STATUS_OK;
}

/* ---- Output ------------------------------------------------------------------------------------------------------ */

static enum status begin_file(struct merging *merging) {
    struct care_plan *plan = merging->plan;
    char path[IO_PATH_BYTES];
    merging->number = plan->salvage.next_file++;
    const enum status status = file_path(path, plan->dir, FILE_SST, merging->number);
    if (status != STATUS_OK) return status;
    const struct salvaged_tree *tree = salvage_tree(&plan->salvage, merging->instance);
    const struct sst_build_options options = {
        .identity = {.store = plan->store, .file = merging->number},
        .origin = {.tree = merging->instance,
                   .kind = tree->tree.kind,
                   .cause = SST_CAUSE_REPAIR,
                   .level = ENGINE_LEVELS - 1,
                   .created_ms = merging->created_ms,
                   .oldest_time_ms = merging->oldest_ms},
        .codec = (enum codec_id)merging->like->meta.codec,
        .filter_bits_per_key = merging->like->filter_bits,
    };
    return sst_build_create(&plan->environment, path, &options, &merging->build);
}

/* The open file's share of the range deletes: [low, high), high NULL = no end. */
static enum status write_ranges(struct merging *merging, const struct slice *high) {
    const struct slice low = buf_slice(&merging->low);
    for (size_t i = 0; i < merging->range_count; i++) {
        const struct range_tombstone *range = &merging->ranges[i];
        if (high && slice_compare(range->begin, *high) >= 0) break;
        if (range->end.size && slice_compare(range->end, low) <= 0) continue;
        if (i > 0 && range->sequence == range[-1].sequence && slice_equal(range->begin, range[-1].begin) &&
            slice_equal(range->end, range[-1].end))
            continue; /* two tables had it */
        const struct slice begin = slice_compare(range->begin, low) < 0 ? low : range->begin;
        struct slice end = range->end;
        if (high && (end.size == 0 || slice_compare(*high, end) < 0)) end = *high;
        const enum status status = sst_build_range_delete(merging->build, begin, end, range->sequence);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status keep_slice(struct care_plan *plan, struct slice *slice) {
    if (slice->size == 0) return STATUS_OK;
    slice->data = arena_copy(&plan->salvage.arena, slice->data, slice->size);
    return slice->data ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status note_file(struct merging *merging) {
    struct care_plan *plan = merging->plan;
    const struct sst_properties *properties = sst_build_properties(merging->build);
    struct care_table_plan table = {.fate = TABLE_KEPT, .known = true};
    care_meta_from(&table.meta, properties, merging->number, plan->store);
    table.meta.level = ENGINE_LEVELS - 1;
    enum status status = keep_slice(plan, &table.meta.first);
    if (status == STATUS_OK) status = keep_slice(plan, &table.meta.last);
    return status == STATUS_OK ? care_plan_add(plan, &table) : status;
}

static enum status end_file(struct merging *merging, const struct slice *high) {
    enum status status = write_ranges(merging, high);
    if (status == STATUS_OK) status = sst_build_finish(merging->build);
    if (status == STATUS_OK) status = sst_build_sync(merging->build);
    if (status == STATUS_OK) status = note_file(merging);
    sst_build_destroy(merging->build);
    merging->build = NULL;
    return status == STATUS_OK && high ? buf_assign(&merging->low, *high) : status;
}

static enum status add_entry(struct merging *merging, const struct source *source) {
    const bool same_key = merging->any && slice_equal(source->key, buf_slice(&merging->key));
    if (same_key && entry_sequence(source->trailer) == entry_sequence(merging->trailer)) {
        merging->plan->ambiguous += source->trailer != merging->trailer;
        return STATUS_OK; /* two tables had it */
    }
    enum status status = STATUS_OK;
    if (!same_key && merging->build && sst_build_size(merging->build) >= MERGED_FILE_BYTES)
        status = end_file(merging, &source->key);
    if (status == STATUS_OK && !merging->build) status = begin_file(merging);
    if (status == STATUS_OK) status = sst_build_add(merging->build, source->key, source->trailer, source->value);
    if (status == STATUS_OK && !same_key) status = buf_assign(&merging->key, source->key);
    merging->trailer = source->trailer;
    merging->any = true;
    return status;
}

static enum status run(struct merging *merging, struct error *error) {
    struct merge_source merge;
    enum status status = open_inputs(merging, error);
    if (status == STATUS_OK) status = gather_ranges(merging);
    if (status != STATUS_OK) return status;
    merge_source_init(&merge, merging->children, merging->children + merging->count, merging->count);
    source_seek_first(&merge.source);
    while (status == STATUS_OK && merge.source.valid) {
        status = add_entry(merging, &merge.source);
        if (status == STATUS_OK) source_next(&merge.source);
    }
    if (status == STATUS_OK) status = merge.source.status;
    if (status == STATUS_OK && !merging->build && merging->range_count > 0 && !merging->any)
        status = begin_file(merging);
    if (status == STATUS_OK && merging->build) status = end_file(merging, NULL);
    return status;
}

static enum status merge_tree(struct care_plan *plan, uint32_t instance, struct error *error) {
    struct merging merging = {.plan = plan, .instance = instance, .oldest_ms = INT64_MAX};
    const size_t inputs = plan->count; /* more are added */
    merging.ssts = calloc(inputs, sizeof *merging.ssts);
    merging.sources = calloc(inputs, sizeof *merging.sources);
    merging.children = calloc(inputs * 2, sizeof *merging.children);
    const bool made = merging.ssts && merging.sources && merging.children;
    const enum status status = made ? run(&merging, error) : STATUS_NO_MEMORY;
    for (size_t i = 0; i < merging.count; i++) {
        source_close(&merging.sources[i].source);
        sst_close(merging.ssts[i]);
    }
    sst_build_destroy(merging.build);
    for (size_t i = 0; i < inputs && status == STATUS_OK; i++) {
        struct care_table_plan *table = &plan->tables[i];
        if (table->fate != TABLE_KEPT || table->meta.level != CARE_LEVEL_MERGE || table->meta.instance != instance)
            continue;
        table->fate = TABLE_MERGED;
        table->why = "its content is in a new table";
    }
    buf_deinit(&merging.low);
    buf_deinit(&merging.key);
    free(merging.ranges);
    free(merging.ssts);
    free(merging.sources);
    free(merging.children);
    return status;
}

enum status care_merge(struct care_plan *plan, struct error *error) {
    enum status status = STATUS_OK;
    for (size_t t = 0; t < plan->salvage.tree_count && status == STATUS_OK; t++) {
        const uint32_t instance = plan->salvage.trees[t].tree.instance;
        bool wanted = false;
        for (size_t i = 0; i < plan->count && !wanted; i++) {
            const struct care_table_plan *table = &plan->tables[i];
            wanted =
                table->fate == TABLE_KEPT && table->meta.instance == instance && table->meta.level == CARE_LEVEL_MERGE;
        }
        if (wanted) status = merge_tree(plan, instance, error);
    }
    return status;
}
