/* output: writes files. Invariant: every file in the list is whole, and synced or among the unsynced; a file that is
 * not in the list is removed again. */
#include "engine/lsm/output.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/expiry.h"
#include "engine/lsm/table_row.h"

static enum codec_id codec_of(const struct output_options *options) {
    const bool bottom = options->level == STORE_LEVEL_LAST;
    return (enum codec_id)(bottom ? options->kind->bottom : options->kind->upper);
}

void output_init(struct output *output, struct engine *engine, const struct output_options *options) {
    *output = (struct output){.engine = engine, .options = *options};
    if (options->kind) value_sink_init(&output->values, engine, options->kind, options->instance, codec_of(options));
}

enum status output_begin_at(struct output *output, struct slice low) {
    return buf_assign(&output->low, low);
}

static void remove_number(struct engine *engine, uint64_t number) {
    char path[IO_PATH_BYTES];
    if (store_has_failed(engine)) return; /* nothing is deleted any more */
    enum status status = store_file_path(engine, number, path);
    if (status == STATUS_OK) status = io_remove(engine->io, path);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        log_warn(engine->log, "engine %s: %s can't be removed: %s", engine->dir, path, status_text(status));
}

static void close_unsynced(struct output *output) {
    for (unsigned i = 0; i < output->unsynced_count; i++) sst_build_destroy(output->unsynced[i]);
    output->unsynced_count = 0;
}

void output_abandon(struct output *output) {
    close_unsynced(output);
    if (output->build) {
        sst_build_destroy(output->build);
        output->build = NULL;
        remove_number(output->engine, output->number);
    }
    for (size_t i = 0; i < output->count; i++) atomic_store(&output->files[i]->dead, true);
    output_release(output);
}

void output_release(struct output *output) {
    for (size_t i = 0; i < output->count; i++) file_release(output->files[i]);
    free(output->files);
    output->files = NULL;
    output->count = output->capacity = 0;
    buf_deinit(&output->low);
    buf_deinit(&output->uses);
    value_sink_deinit(&output->values);
}

/* ---- One file ---------------------------------------------------------------------------------------------------- */

static enum status begin_file(struct output *output) {
    const struct output_options *options = &output->options;
    struct engine *engine = output->engine;
    char path[IO_PATH_BYTES];
    enum status status = store_take_file_number(engine, &output->number);
    if (status == STATUS_OK) status = store_file_path(engine, output->number, path);
    if (status != STATUS_OK) return status;
    const struct sst_build_options build = {
        .identity = {.store = engine->store, .file = output->number},
        .origin = {.tree = options->instance,
                   .kind = options->kind->id,
                   .cause = options->cause,
                   .level = options->level,
                   .job = options->job,
                   .created_ms = options->mark_time_ms,
                   .oldest_time_ms = options->oldest_ms},
        .codec = codec_of(options),
        .filter_bits_per_key = options->kind->filter_bits_per_key,
        .filter_prefix_bytes = options->kind->filter_prefix_bytes,
        .block_bytes = engine->options.block_bytes,
        .dictionary_bytes = store_allows(engine, FORMAT_DICTIONARIES) ? options->kind->dictionary_bytes : 0,
    };
    droppable_init(&output->droppable, options->mark_time_ms);
    output->hidden = 0;
    output->overlap = 0;
    status = sst_build_create(&engine->environment, path, &build, &output->build);
    if (status != STATUS_OK) remove_number(engine, output->number);
    return status;
}

/* Where a range delete ends inside the open file, whose keys lie below *high. */
static struct slice cut_end(const struct range_tombstone *range, const struct slice *high) {
    if (!high) return range->end;
    return range->end.size == 0 || slice_compare(*high, range->end) < 0 ? *high : range->end;
}

/* Writes the open file's share of range deletes: [low, high). */
static enum status write_ranges(struct output *output, const struct slice *high) {
    const struct slice low = buf_slice(&output->low);
    for (size_t i = output->range_at; i < output->options.range_count; i++) {
        const struct range_tombstone *range = &output->options.ranges[i];
        if (high && slice_compare(range->begin, *high) >= 0) break;
        if (range->end.size && slice_compare(range->end, low) <= 0) {
            if (i == output->range_at) output->range_at++; /* lies behind every file to come */
            continue;
        }
        const struct slice begin = slice_compare(range->begin, low) < 0 ? low : range->begin;
        const enum status status = sst_build_range_delete(output->build, begin, cut_end(range, high), range->sequence);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static void describe_file(const struct output *output, struct edit_file *meta) {
    table_row_from(meta, sst_build_properties(output->build), output->number, output->engine->store);
    meta->hidden = store_allows(output->engine, FORMAT_HIDDEN_COUNTS) ? output->hidden : 0;
    meta->droppable_ms = droppable_due_ms(&output->droppable);
}

static enum status keep_file(struct output *output) {
    struct edit_file meta;
    if (output->count == output->capacity) {
        const size_t more = output->capacity ? output->capacity * 2 : 8;
        struct file **grown = realloc(output->files, more * sizeof(struct file *));
        if (!grown) return STATUS_NO_MEMORY;
        output->files = grown;
        output->capacity = more;
    }
    describe_file(output, &meta);
    enum status status = value_sink_end_table(&output->values, &output->uses);
    if (status != STATUS_OK) return status;
    meta.values = buf_slice(&output->uses);
    struct file *file = file_create(&output->engine->morgue, &meta);
    if (!file) return STATUS_NO_MEMORY;
    status = store_attach_values(output->engine, file, NULL);
    if (status != STATUS_OK) {
        atomic_store(&file->dead, true);
        file_release(file);
        return status;
    }
    value_sink_drop_table(&output->values);
    output->files[output->count++] = file;
    output->bytes += meta.bytes;
    output->unsynced[output->unsynced_count++] = output->build;
    output->build = NULL;
    return STATUS_OK;
}

static void count_dictionary(struct output *output) {
    struct store_counters *counters = &output->engine->counters;
    const uint64_t saved = sst_build_dictionary_saved(output->build);
    if (sst_build_properties(output->build)->dictionary.size == 0) return;
    atomic_fetch_add_explicit(&counters->dictionaries, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->dictionary_saved_bytes, saved, memory_order_relaxed);
}

/* A sync waits for the device: it is left until later files have been written, which gives the device time. */
static enum status sync_oldest(struct output *output) {
    struct sst_build *build = output->unsynced[0];
    const enum status status = sst_build_sync(build);
    sst_build_destroy(build);
    output->unsynced_count--;
    for (unsigned i = 0; i < output->unsynced_count; i++) output->unsynced[i] = output->unsynced[i + 1];
    return status;
}

/* high: the first key of the next file; NULL = there is none. */
static enum status end_file(struct output *output, const struct slice *high) {
    enum status status = write_ranges(output, high);
    if (status == STATUS_OK) status = sst_build_finish(output->build);
    if (status == STATUS_OK) count_dictionary(output);
    if (status == STATUS_OK && output->unsynced_count == OUTPUT_UNSYNCED_MAX) status = sync_oldest(output);
    if (status == STATUS_OK) status = keep_file(output);
    if (status == STATUS_OK && high) status = buf_assign(&output->low, *high);
    return status;
}

/* ---- The series -------------------------------------------------------------------------------------------------- */

/* Counts the grandparents that end before key. */
static void pass_grandparents(struct output *output, struct slice key) {
    const struct level *grandparents = output->options.grandparents;
    while (grandparents && output->grandparent < grandparents->count &&
           file_locate(grandparents->files[output->grandparent], key) > 0) {
        if (output->build) output->overlap += grandparents->files[output->grandparent]->meta.bytes;
        output->grandparent++;
    }
}

static bool is_full(const struct output *output) {
    if (output->options.file_bytes == 0) return false;
    return sst_build_size(output->build) >= output->options.file_bytes ||
           output->overlap > output->options.file_bytes * OUTPUT_GRANDPARENT_FILES;
}

static enum status count_droppable(struct output *output, struct slice key, uint64_t trailer, struct slice value) {
    const struct engine_filter *filter = expiry_kind_filter(output->options.kind);
    struct block *block = NULL;
    if (entry_kind(trailer) == ENTRY_REFERENCE && filter) {
        const enum status status = store_load_value(output->engine, value, key, SST_NO_FILL, &block, &value);
        if (status != STATUS_OK) return status;
        trailer = entry_trailer(entry_sequence(trailer), ENTRY_PUT);
    }
    if (entry_kind(trailer) == ENTRY_PUT || entry_kind(trailer) == ENTRY_REFERENCE)
        droppable_add(&output->droppable, filter, key, value);
    block_release(block);
    return STATUS_OK;
}

/* Operands hide nothing: what lies behind them is folded with them. */
static void count_hidden(struct output *output, uint64_t trailer, bool new_key) {
    const bool is_operand = entry_kind(trailer) == ENTRY_MERGE || entry_kind(trailer) == ENTRY_APPEND;
    if (!new_key && output->decided) output->hidden++;
    output->decided = !is_operand || (!new_key && output->decided);
}

enum status output_add(struct output *output, struct slice key, uint64_t trailer, struct slice value, bool new_key) {
    enum status status = STATUS_OK;
    if (new_key) pass_grandparents(output, key);
    if (new_key && output->build && is_full(output)) status = end_file(output, &key);
    if (status == STATUS_OK && !output->build) status = begin_file(output);
    count_hidden(output, trailer, new_key);
    if (status == STATUS_OK) status = count_droppable(output, key, trailer, value);
    if (status == STATUS_OK) status = value_sink_take(&output->values, key, &trailer, &value);
    return status == STATUS_OK ? sst_build_add(output->build, key, trailer, value) : status;
}

/* Range deletes that no file has taken yet. */
static bool ranges_are_left(const struct output *output) {
    const struct slice low = buf_slice(&output->low), *high = output->options.high;
    for (size_t i = output->range_at; i < output->options.range_count; i++) {
        const struct slice end = output->options.ranges[i].end;
        if (high && slice_compare(output->options.ranges[i].begin, *high) >= 0) break;
        if (end.size == 0 || slice_compare(end, low) > 0) return true;
    }
    return false;
}

enum status output_finish(struct output *output) {
    enum status status = STATUS_OK;
    if (!output->build && ranges_are_left(output)) status = begin_file(output);
    if (status == STATUS_OK && output->build) status = end_file(output, output->options.high);
    if (status == STATUS_OK) status = value_sink_finish(&output->values);
    while (status == STATUS_OK && output->unsynced_count > 0) status = sync_oldest(output);
    return status;
}
