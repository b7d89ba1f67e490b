/*
 * explain_versions: every version of a range of keys, source by source. Invariant: nothing is folded and nothing is
 * left out but what can't be read, which is told with its place; a table's other blocks are read all the same.
 */
#include <stdlib.h>

#include "engine/lsm/watch.h"

struct versions {
    struct engine *engine;
    struct store_read read;
    const struct tree_files *files; /* NULL: none */
    struct slice lower, upper;
    enum status (*visit)(void *context, const struct engine_step *step);
    void *context;
    const struct range_set **covers; /* those that may cover something of the range */
    size_t cover_count;
    struct buf first, last; /* of a block */
    enum status status;     /* of visit, or NO_MEMORY */
};

static void tell(struct versions *versions, const struct engine_step *step) {
    if (versions->status == STATUS_OK) versions->status = versions->visit(versions->context, step);
}

/* ---- Range deletes ----------------------------------------------------------------------------------------------- */

static void add_cover(struct versions *versions, const struct range_set *ranges) {
    if (range_set_is_empty(ranges) || versions->status != STATUS_OK) return;
    const struct range_set **grown = realloc(versions->covers, (versions->cover_count + 1) * sizeof *grown);
    if (!grown) {
        versions->status = STATUS_NO_MEMORY;
        return;
    }
    versions->covers = grown;
    grown[versions->cover_count++] = ranges;
}

/* Of a table that can't be opened nothing is known; it is told when its turn comes. */
static void add_file_cover(struct versions *versions, struct file *file) {
    struct sst *sst;
    if (file->meta.range_deletes == 0 || !file_overlaps(file, versions->lower, versions->upper)) return;
    if (store_open_file(versions->engine, file, 0, &sst) == STATUS_OK) add_cover(versions, sst_range_deletes(sst));
}

static void gather_covers(struct versions *versions) {
    const struct view *view = versions->read.view;
    add_cover(versions, memtable_range_deletes(view->active->table));
    for (uint32_t i = 0; i < view->sealed_count; i++)
        add_cover(versions, memtable_range_deletes(view->sealed[i]->table));
    for (uint32_t l = 0; versions->files && l < ENGINE_LEVELS; l++)
        for (uint32_t i = 0; i < versions->files->levels[l].count; i++)
            add_file_cover(versions, versions->files->levels[l].files[i]);
}

/* The newest over the key in all that can be read. */
static uint64_t find_cover(const struct versions *versions, struct slice key) {
    const struct store_read *read = &versions->read;
    uint64_t highest = 0;
    for (size_t i = 0; i < versions->cover_count; i++) {
        const uint64_t cover = range_set_cover(versions->covers[i], read->tree->instance, key, read->sequence);
        if (cover > highest) highest = cover;
    }
    return highest;
}

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

static enum engine_step_effect effect_of(enum engine_step_entry entry, bool covered) {
    if (covered) return ENGINE_EFFECT_COVERED;
    if (entry == ENGINE_ENTRY_PUT) return ENGINE_EFFECT_SHOWN;
    return entry == ENGINE_ENTRY_DELETE ? ENGINE_EFFECT_DELETED : ENGINE_EFFECT_OPERAND;
}

/* *place says where the source is. */
static void tell_entry(struct versions *versions, const struct source *source, const struct engine_step *place) {
    struct engine_step step = *place;
    const enum entry_kind kind = entry_kind(source->trailer);
    if (entry_sequence(source->trailer) > versions->read.sequence) return;
    step.kind = ENGINE_STEP_ENTRY;
    step.key = source->key;
    step.value = source->value;
    step.sequence = entry_sequence(source->trailer);
    step.entry = watch_entry_of(kind);
    step.apart = kind == ENTRY_REFERENCE;
    step.effect = effect_of(step.entry, step.sequence < find_cover(versions, source->key));
    tell(versions, &step);
}

static bool is_behind(const struct versions *versions, struct slice key) {
    return slice_compare(key, versions->upper) >= 0;
}

static void walk_memtable(struct versions *versions, const struct memtable *memtable, uint32_t at) {
    struct memtable_source memory;
    struct source *source = &memory.source;
    struct memtable_stats stats;
    memtable_get_stats(memtable, &stats);
    memtable_source_init(&memory, memtable, versions->read.tree->instance, versions->read.sequence);
    const struct engine_step place = {.kind = ENGINE_STEP_MEMTABLE,
                                      .memtable = at,
                                      .hit = memory.tree != NULL,
                                      .entries = stats.entries,
                                      .file_bytes = stats.bytes};
    tell(versions, &place);
    if (!memory.tree) return;
    for (source_seek(source, versions->lower, ENTRY_TRAILER_FIRST); source->valid; source_next(source)) {
        if (versions->status != STATUS_OK || is_behind(versions, source->key)) break;
        tell_entry(versions, source, &place);
    }
    source_close(source);
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static void walk_entries(struct versions *versions, struct sst_source *table, const struct engine_step *place) {
    struct source *source = &table->source;
    for (;;) {
        if (is_behind(versions, source->key)) return;
        if (slice_compare(source->key, versions->lower) >= 0) tell_entry(versions, source, place);
        if (versions->status != STATUS_OK || table->entry_at + 1 == table->view->count) return;
        source_next(source);
    }
}

static void walk_block(struct versions *versions, struct sst_source *table, struct engine_step place) {
    sst_block_place(table->sst, place.at, &place.offset, &place.bytes);
    sst_source_seek_block(table, place.at);
    place.kind = ENGINE_STEP_BLOCK;
    place.status = table->source.status;
    place.first = buf_slice(&versions->first);
    place.last = buf_slice(&versions->last);
    place.has_last = true;
    tell(versions, &place);
    if (table->source.valid && versions->status == STATUS_OK) walk_entries(versions, table, &place);
}

static void walk_blocks(struct versions *versions, struct sst *sst, const struct engine_step *place) {
    struct sst_source table;
    struct engine_step step = *place;
    step.count = sst_block_count(sst);
    sst_source_init(&table, sst, 0);
    for (step.at = sst_find_block(sst, versions->lower, ENTRY_SEQUENCE_MAX); step.at < step.count; step.at++) {
        const enum status status = sst_block_keys(sst, step.at, &versions->first, &versions->last);
        if (status != STATUS_OK) versions->status = status;
        if (versions->status != STATUS_OK || is_behind(versions, buf_slice(&versions->first))) break;
        walk_block(versions, &table, step);
    }
    source_close(&table.source);
}

static void walk_file(struct versions *versions, struct file *file, uint32_t level) {
    struct sst *sst;
    const struct edit_file *meta = &file->meta;
    if (versions->status != STATUS_OK || !file_overlaps(file, versions->lower, versions->upper)) return;
    struct engine_step place = {.kind = ENGINE_STEP_FILE,
                                .answer = ENGINE_FILE_ASKED,
                                .memtable = ENGINE_MEMTABLE_NONE,
                                .level = level,
                                .file = meta->number,
                                .entries = meta->entries,
                                .file_bytes = meta->bytes,
                                .first_sequence = meta->first_sequence,
                                .last_sequence = meta->last_sequence,
                                .first = meta->first,
                                .last = meta->last,
                                .has_last = meta->has_last};
    tell(versions, &place);
    const enum status status = store_open_file(versions->engine, file, 0, &sst);
    if (status == STATUS_OK) {
        walk_blocks(versions, sst, &place);
    } else if (status == STATUS_NO_MEMORY) {
        versions->status = status;
    } else {
        place.kind = ENGINE_STEP_OPEN;
        place.status = status;
        tell(versions, &place);
    }
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static void walk(struct versions *versions) {
    const struct view *view = versions->read.view;
    gather_covers(versions);
    walk_memtable(versions, view->active->table, 0);
    for (uint32_t i = 0; i < view->sealed_count && versions->status == STATUS_OK; i++)
        walk_memtable(versions, view->sealed[i]->table, i + 1);
    for (uint32_t l = 0; versions->files && l < ENGINE_LEVELS; l++)
        for (uint32_t i = 0; i < versions->files->levels[l].count; i++)
            walk_file(versions, versions->files->levels[l].files[i], l);
}

enum status engine_explain_versions(struct engine *engine, uint32_t tree, struct slice lower, struct slice upper,
                                    enum status (*visit)(void *context, const struct engine_step *step),
                                    void *context) {
    struct versions versions = {.engine = engine, .lower = lower, .upper = upper, .visit = visit, .context = context};
    store_begin_read(engine, NULL, tree, &versions.read);
    if (versions.read.tree) {
        versions.files = version_find(versions.read.view->version, versions.read.tree->instance);
        walk(&versions);
    } else {
        versions.status = STATUS_INVALID;
    }
    store_end_read(engine, &versions.read);
    free(versions.covers);
    buf_deinit(&versions.first);
    buf_deinit(&versions.last);
    return versions.status;
}
