/*
 * care_merge: the tables of one tree become new ones, by key and sequence of each entry, or one table is made anew
 * where it stands. Nothing is folded and nothing left out: every version, operand, delete and range delete stays; only
 * a value kept apart that can't be read becomes a delete, unless another table has the same version with its value. So
 * no kind, operator or filter is needed.
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
    size_t only;                 /* the one input that is made anew; SIZE_MAX = all that are to be merged */
    struct care_table_plan like; /* one of the inputs */
    uint32_t level;
    int64_t oldest_ms, created_ms;
    struct sst_build *build;
    uint64_t number;
    struct care_references references; /* of the open file */
    struct buf low, key, written;      /* where the open file begins; the key seen and the key written before */
    struct buf value;                  /* that comes back to its key */
    uint64_t trailer;
    bool seen, any; /* there is a key seen, written */
    bool lost;      /* the version seen before is a value that is lost: not written yet, another table may have it */
};

static bool is_input(const struct merging *merging, size_t i) {
    const struct care_table_plan *table = &merging->plan->tables[i];
    if (merging->only != SIZE_MAX) return i == merging->only;
    return table->fate == TABLE_KEPT && table->meta.level == CARE_LEVEL_MERGE &&
           table->meta.instance == merging->instance;
}

static enum status open_inputs(struct merging *merging, struct error *error) {
    struct care_plan *plan = merging->plan;
    char path[IO_PATH_BYTES];
    for (size_t i = 0; i < plan->count; i++) {
        const struct care_table_plan *table = &plan->tables[i];
        const struct edit_file *meta = &table->meta;
        if (!is_input(merging, i)) continue;
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
        if (merging->count == 1) merging->like = *table;
        if (table->dictionary_bytes > merging->like.dictionary_bytes)
            merging->like.dictionary_bytes = table->dictionary_bytes;
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
    struct sst_build_options options = care_build_options(plan, &merging->like);
    options.identity = (struct sst_identity){.store = plan->store, .file = merging->number};
    options.origin = (struct sst_origin){.tree = merging->instance,
                                         .kind = tree->tree.kind,
                                         .cause = SST_CAUSE_REPAIR,
                                         .level = merging->level,
                                         .created_ms = merging->created_ms,
                                         .oldest_time_ms = merging->oldest_ms};
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
    table_row_from(&table.meta, properties, merging->number, plan->store);
    table.meta.level = merging->level;
    if (merging->only != SIZE_MAX) table.meta.droppable_ms = merging->like.meta.droppable_ms;
    struct buf counts = BUF_EMPTY;
    enum status status = care_references_encode(&merging->references, &counts);
    table.meta.values = buf_slice(&counts);
    if (status == STATUS_OK) status = keep_slice(plan, &table.meta.values);
    buf_deinit(&counts);
    care_references_deinit(&merging->references);
    if (status == STATUS_OK) status = keep_slice(plan, &table.meta.first);
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

static enum status write_entry(struct merging *merging, struct slice key, uint64_t trailer, struct slice value) {
    const bool same_key = merging->any && slice_equal(key, buf_slice(&merging->written));
    enum status status = STATUS_OK;
    if (!same_key && merging->build && sst_build_size(merging->build) >= MERGED_FILE_BYTES)
        status = end_file(merging, &key);
    if (status == STATUS_OK && !merging->build) status = begin_file(merging);
    if (status == STATUS_OK) status = sst_build_add(merging->build, key, trailer, value);
    if (status == STATUS_OK && entry_kind(trailer) == ENTRY_REFERENCE)
        status = care_references_add(&merging->references, value);
    if (status == STATUS_OK && !same_key) status = buf_assign(&merging->written, key);
    merging->any = true;
    return status;
}

/* What a reference becomes: itself where all of its file is sound, a put of what can be read of another one; *lost:
 * nothing can. */
static enum status follow(struct merging *merging, struct slice key, uint64_t *trailer, struct slice *value,
                          bool *lost) {
    struct care_plan *plan = merging->plan;
    struct value_reference reference;
    const char *why;
    enum status status = care_values_judge(&plan->values, *value, key, &why);
    *lost = status == STATUS_CORRUPT;
    if (status != STATUS_OK) return *lost ? STATUS_OK : status;
    status = value_reference_decode(*value, &reference);
    if (status != STATUS_OK || care_values_find(&plan->values, reference.file)->is_sound) return status;
    status = care_values_read(&plan->values, *value, key, &merging->value);
    *trailer = entry_trailer(entry_sequence(*trailer), ENTRY_PUT);
    *value = buf_slice(&merging->value);
    return status;
}

/* No table had the value that was seen before. */
static enum status settle_lost(struct merging *merging) {
    if (!merging->lost) return STATUS_OK;
    merging->lost = false;
    return write_entry(merging, buf_slice(&merging->key), entry_trailer(entry_sequence(merging->trailer), ENTRY_DELETE),
                       slice_make(NULL, 0));
}

static bool is_put(uint64_t trailer) {
    return entry_kind(trailer) == ENTRY_PUT || entry_kind(trailer) == ENTRY_REFERENCE;
}

/* A version that was written already. */
static enum status pass_over(struct merging *merging, const struct source *source) {
    const char *why;
    merging->plan->ambiguous +=
        source->trailer != merging->trailer && !(is_put(source->trailer) && is_put(merging->trailer));
    if (entry_kind(source->trailer) != ENTRY_REFERENCE) return STATUS_OK;
    const enum status status = care_values_judge(&merging->plan->values, source->value, source->key, &why);
    merging->plan->lost_found += status == STATUS_CORRUPT;
    return status == STATUS_CORRUPT ? STATUS_OK : status;
}

static enum status add_entry(struct merging *merging, const struct source *source) {
    struct slice value = source->value;
    uint64_t trailer = source->trailer;
    bool lost = false;
    const bool same = merging->seen && slice_equal(source->key, buf_slice(&merging->key)) &&
                      entry_sequence(trailer) == entry_sequence(merging->trailer);
    enum status status = STATUS_OK;
    if (same && !merging->lost) return pass_over(merging, source); /* two tables had it */
    if (!same) status = settle_lost(merging);
    if (status == STATUS_OK && entry_kind(trailer) == ENTRY_REFERENCE)
        status = follow(merging, source->key, &trailer, &value, &lost);
    if (status == STATUS_OK && !lost) status = write_entry(merging, source->key, trailer, value);
    if (status == STATUS_OK && !same) status = buf_assign(&merging->key, source->key);
    merging->plan->lost_found += same && !lost;
    merging->trailer = source->trailer;
    merging->lost = lost;
    merging->seen = true;
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
    if (status == STATUS_OK) status = settle_lost(merging);
    if (status == STATUS_OK && !merging->build && merging->range_count > 0 && !merging->any)
        status = begin_file(merging);
    if (status == STATUS_OK && merging->build) status = end_file(merging, NULL);
    return status;
}

/* `only`: of one table, on its own level; SIZE_MAX: of all that are to be merged, into the last. */
static enum status merge_tables(struct care_plan *plan, uint32_t instance, size_t only, struct error *error) {
    struct merging merging = {.plan = plan, .instance = instance, .only = only, .oldest_ms = INT64_MAX};
    const size_t inputs = plan->count; /* more are added */
    merging.level = only == SIZE_MAX ? ENGINE_LEVELS - 1 : plan->tables[only].meta.level;
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
        if (!is_input(&merging, i)) continue;
        plan->tables[i].fate = TABLE_MERGED;
        plan->tables[i].why = "its content is in a new table";
    }
    care_references_deinit(&merging.references);
    buf_deinit(&merging.low);
    buf_deinit(&merging.key);
    buf_deinit(&merging.written);
    buf_deinit(&merging.value);
    free(merging.ranges);
    free(merging.ssts);
    free(merging.sources);
    free(merging.children);
    return status;
}

static bool is_merged(const struct care_plan *plan, uint32_t instance) {
    for (size_t i = 0; i < plan->count; i++) {
        const struct care_table_plan *table = &plan->tables[i];
        if (table->fate == TABLE_KEPT && table->meta.instance == instance && table->meta.level == CARE_LEVEL_MERGE)
            return true;
    }
    return false;
}

enum status care_merge(struct care_plan *plan, struct error *error) {
    enum status status = STATUS_OK;
    for (size_t t = 0; t < plan->salvage.tree_count && status == STATUS_OK; t++) {
        const uint32_t instance = plan->salvage.trees[t].tree.instance;
        if (is_merged(plan, instance)) status = merge_tables(plan, instance, SIZE_MAX, error);
    }
    const size_t count = plan->count; /* new ones need nothing */
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        if (plan->tables[i].fate == TABLE_KEPT && plan->tables[i].rewrite)
            status = merge_tables(plan, plan->tables[i].meta.instance, i, error);
    return status;
}
