/* value_sink: see value_sink.h. Invariant: a number that a table's counts name is held by a reference, the sink's or
 * the table's. */
#include "engine/lsm/value_sink.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/file_names.h"

void value_sink_init(struct value_sink *sink, struct engine *engine, const struct engine_tree_kind *kind,
                     uint32_t instance, enum codec_id codec) {
    *sink = (struct value_sink){.engine = engine, .kind = kind, .instance = instance, .codec = codec};
}

void value_sink_deinit(struct value_sink *sink) {
    value_build_destroy(sink->build);
    block_release(sink->inline_value);
    sink->inline_value = NULL;
    value_file_release(sink->file); /* with nobody else on it: dead, and removed */
    value_sink_drop_table(sink);
    free(sink->counts);
    free(sink->kept);
    sink->build = NULL;
    sink->file = NULL;
    sink->counts = NULL;
    sink->kept = NULL;
    sink->count = sink->capacity = 0;
}

/* ---- What the table uses ----------------------------------------------------------------------------------------- */

static enum status grow(struct value_sink *sink) {
    if (sink->count < sink->capacity) return STATUS_OK;
    const size_t more = sink->capacity ? sink->capacity * 2 : 8;
    struct value_count *counts = realloc(sink->counts, more * sizeof *counts);
    if (!counts) return STATUS_NO_MEMORY;
    sink->counts = counts;
    struct value_file **kept = realloc(sink->kept, more * sizeof(struct value_file *));
    if (!kept) return STATUS_NO_MEMORY;
    sink->kept = kept;
    sink->capacity = more;
    return STATUS_OK;
}

static enum status count_use(struct value_sink *sink, const struct value_reference *reference) {
    size_t low = 0, high = sink->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sink->counts[middle].number < reference->file)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == sink->count || sink->counts[low].number != reference->file) {
        const enum status status = grow(sink);
        if (status != STATUS_OK) return status;
        struct value_file *file = value_table_acquire(&sink->engine->values, reference->file);
        if (!file) return STATUS_CORRUPT; /* an input refers to what is not there */
        memmove(sink->counts + low + 1, sink->counts + low, (sink->count - low) * sizeof sink->counts[0]);
        memmove(sink->kept + low + 1, sink->kept + low, (sink->count - low) * sizeof sink->kept[0]);
        sink->counts[low] = (struct value_count){.number = reference->file};
        sink->kept[low] = file;
        sink->count++;
    }
    sink->counts[low].records++;
    sink->counts[low].bytes += reference->bytes;
    return STATUS_OK;
}

enum status value_sink_end_table(struct value_sink *sink, struct buf *values) {
    enum status status = STATUS_OK;
    buf_clear(values);
    for (size_t i = 0; i < sink->count && status == STATUS_OK; i++)
        status = value_count_encode(values, &sink->counts[i]);
    return status;
}

void value_sink_drop_table(struct value_sink *sink) {
    for (size_t i = 0; i < sink->count; i++) value_file_release(sink->kept[i]);
    sink->count = 0;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static enum status begin_file(struct value_sink *sink) {
    struct engine *engine = sink->engine;
    char path[IO_PATH_BYTES];
    struct edit_value_file meta = {.store = engine->store, .instance = sink->instance};
    enum status status = store_take_file_number(engine, &meta.number);
    if (status == STATUS_OK) status = file_path(path, engine->dir, FILE_VALUES, meta.number);
    if (status != STATUS_OK) return status;
    sink->file = value_table_add(&engine->values, &meta, store_garbage_percent(sink->kind));
    if (!sink->file) return STATUS_NO_MEMORY;
    atomic_store(&sink->file->dead, true); /* until an edit names it */
    const struct sst_identity identity = {.store = meta.store, .file = meta.number};
    return value_build_create(&engine->environment, path, identity, sink->codec, &sink->build);
}

enum status value_sink_finish(struct value_sink *sink) {
    struct value_footer footer;
    if (!sink->build) return STATUS_OK;
    const enum status status = value_build_finish(sink->build, &footer);
    if (status != STATUS_OK) return status;
    sink->file->meta.bytes = footer.file_bytes;
    sink->file->meta.records = footer.records;
    sink->written_bytes += footer.file_bytes;
    atomic_fetch_add_explicit(&sink->engine->counters.value_written_bytes, footer.file_bytes, memory_order_relaxed);
    value_build_destroy(sink->build);
    value_file_release(sink->file);
    sink->build = NULL;
    sink->file = NULL;
    return STATUS_OK;
}

static enum status put_apart(struct value_sink *sink, struct slice key, uint64_t *trailer, struct slice *value) {
    struct value_reference reference;
    enum status status = STATUS_OK;
    if (sink->build && value_build_size(sink->build) >= sink->engine->options.value_file_bytes)
        status = value_sink_finish(sink);
    if (status == STATUS_OK && !sink->build) status = begin_file(sink);
    if (status == STATUS_OK) status = value_build_add(sink->build, key, *value, &reference);
    if (status == STATUS_OK) status = count_use(sink, &reference);
    if (status != STATUS_OK) return status;
    value_reference_encode(sink->reference, &reference);
    *trailer = entry_trailer(entry_sequence(*trailer), ENTRY_REFERENCE);
    *value = slice_make(sink->reference, sizeof sink->reference);
    return STATUS_OK;
}

static bool goes_apart(const struct value_sink *sink, struct slice value) {
    return sink->kind->value_threshold_bytes && value.size >= sink->kind->value_threshold_bytes &&
           store_allows(sink->engine, FORMAT_VALUES_APART);
}

/* ---- References -------------------------------------------------------------------------------------------------- */

static bool is_stale(const struct value_sink *sink, const struct value_reference *reference) {
    const struct value_file *file = value_table_find(&sink->engine->values, reference->file);
    return file && atomic_load_explicit(&file->stale, memory_order_relaxed);
}

static enum status move_value(struct value_sink *sink, struct slice key, uint64_t *trailer, struct slice *value,
                              struct block **block) {
    const enum status status = store_load_value(sink->engine, *value, key, SST_NO_FILL, block, value);
    if (status != STATUS_OK) return status;
    sink->moved_bytes += value->size;
    atomic_fetch_add_explicit(&sink->engine->counters.value_moved_bytes, value->size, memory_order_relaxed);
    *trailer = entry_trailer(entry_sequence(*trailer), ENTRY_PUT);
    return STATUS_OK;
}

static enum status take_reference(struct value_sink *sink, struct slice key, uint64_t *trailer, struct slice *value) {
    struct value_reference reference;
    struct block *block = NULL;
    enum status status = value_reference_decode(*value, &reference);
    if (status != STATUS_OK) return status;
    if (!is_stale(sink, &reference)) return count_use(sink, &reference);
    status = move_value(sink, key, trailer, value, &block);
    if (status != STATUS_OK) return status;
    if (goes_apart(sink, *value)) {
        status = put_apart(sink, key, trailer, value);
        block_release(block);
    } else { /* the threshold has changed: the value comes back to its key */
        block_release(sink->inline_value);
        sink->inline_value = block;
    }
    return status;
}

enum status value_sink_take(struct value_sink *sink, struct slice key, uint64_t *trailer, struct slice *value) {
    if (entry_kind(*trailer) == ENTRY_REFERENCE) return take_reference(sink, key, trailer, value);
    if (entry_kind(*trailer) == ENTRY_PUT && goes_apart(sink, *value)) return put_apart(sink, key, trailer, value);
    return STATUS_OK;
}
