/* read_set: gathers sources. Invariant: the children together hold every entry of the tree within the bounds that the
 * snapshot can see, but for those in files that a newer range delete hides whole. */
#include "engine/lsm/read_set.h"

#include <stdlib.h>

#include "engine/lsm/watch.h"

/* ---- Range deletes
 * ---------------------------------------------------------------------------------------------------------------------
 */

static bool is_in(const struct range_stretch *stretch, struct slice key) {
    if (stretch->begin.size && slice_compare(key, stretch->begin) < 0) return false;
    return !stretch->has_end || slice_compare(key, stretch->end) < 0;
}

uint64_t read_set_cover(struct read_set *set, struct slice key) {
    uint64_t highest = 0;
    for (size_t i = 0; i < set->cover_count; i++) {
        struct read_cover *cover = &set->covers[i];
        if (!cover->has_stretch || !is_in(&cover->stretch, key)) {
            range_set_stretch(cover->set, set->instance, key, cover->snapshot, &cover->stretch);
            cover->has_stretch = true;
        }
        if (cover->stretch.sequence > highest) highest = cover->stretch.sequence;
    }
    return highest;
}

/* One stretch of one set hides the file: all it holds is older. */
static bool hides(const struct read_set *set, const struct read_cover *cover, const struct file *file) {
    struct range_stretch stretch;
    range_set_stretch(cover->set, set->instance, file->meta.first, cover->snapshot, &stretch);
    if (stretch.sequence <= file->meta.last_sequence) return false;
    if (!stretch.has_end) return true;
    if (!file->meta.has_last) return false;
    const int order = slice_compare(file->meta.last, stretch.end);
    return order < 0 || (order == 0 && file->meta.last_exclusive);
}

/* The file's filter says that no key of it begins as all that are asked for do. */
static bool lacks_prefix(const struct read_set *set, struct file *file) {
    struct sst *sst;
    if (set->prefix.size == 0) return false;
    /* What can't be opened now is told by whoever reads it. */
    if (store_open_file(set->engine, file, set->flags, &sst) != STATUS_OK) return false;
    struct store_counters *counters = &set->engine->counters;
    atomic_fetch_add_explicit(&counters->filter_asked, 1, memory_order_relaxed);
    if (sst_may_have_prefix(sst, set->prefix, set->prefix_hash)) return false;
    atomic_fetch_add_explicit(&counters->filter_negative, 1, memory_order_relaxed);
    return true;
}

/* `answer` where it is so, and watched. */
static bool tell_hidden(const struct read_set *set, const struct file *file, bool hidden,
                        enum engine_step_answer answer) {
    struct engine_watch *watch = set->engine->environment.watch;
    if (watch && hidden) watch_file(watch, file, file->meta.level, answer);
    return hidden;
}

static bool is_hidden(void *context, struct file *file) {
    const struct read_set *set = context;
    if (tell_hidden(set, file, lacks_prefix(set, file), ENGINE_FILE_PREFIX)) return true;
    for (size_t i = 0; i < set->cover_count; i++)
        if (tell_hidden(set, file, hides(set, &set->covers[i], file), ENGINE_FILE_HIDDEN)) return true;
    return false;
}

static enum status add_cover(struct read_set *set, const struct range_set *ranges, uint64_t snapshot) {
    if (range_set_is_empty(ranges)) return STATUS_OK;
    if (set->cover_count == set->cover_capacity) {
        const size_t more = set->cover_capacity ? set->cover_capacity * 2 : 8;
        struct read_cover *grown = realloc(set->covers, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        set->covers = grown;
        set->cover_capacity = more;
    }
    set->covers[set->cover_count++] = (struct read_cover){.set = ranges, .snapshot = snapshot};
    return STATUS_OK;
}

static enum status add_file_cover(struct read_set *set, struct engine *engine, struct file *file, unsigned flags) {
    struct sst *sst;
    if (file->meta.range_deletes == 0) return STATUS_OK;
    const enum status status = store_open_file(engine, file, flags, &sst);
    return status == STATUS_OK ? add_cover(set, sst_range_deletes(sst), set->snapshot) : status;
}

static enum status gather_covers(struct read_set *set, struct engine *engine, const struct view *view,
                                 const struct tree_files *files, const struct read_options *options) {
    enum status status = STATUS_OK;
    if (options->own.table) status = add_cover(set, memtable_range_deletes(options->own.table), options->own.sequence);
    if (status == STATUS_OK) status = add_cover(set, memtable_range_deletes(view->active->table), set->snapshot);
    for (uint32_t i = 0; i < view->sealed_count && status == STATUS_OK; i++)
        status = add_cover(set, memtable_range_deletes(view->sealed[i]->table), set->snapshot);
    for (uint32_t level = 0; files && level < ENGINE_LEVELS; level++) {
        for (uint32_t i = 0; i < files->levels[level].count && status == STATUS_OK; i++) {
            struct file *file = files->levels[level].files[i];
            if (file_overlaps(file, options->lower, options->upper))
                status = add_file_cover(set, engine, file, options->flags);
        }
    }
    return status;
}

/* ---- Sources
 * ------------------------------------------------------------------------------------------------------------------------------
 */

static enum status allocate(struct read_set *set, const struct view *view, const struct tree_files *files) {
    const size_t memtables = 2 + view->sealed_count; /* with a transaction's own */
    const size_t level0 = files ? files->levels[0].count : 0;
    const size_t children = memtables + level0 + ENGINE_LEVELS;
    set->memtables = malloc(memtables * sizeof *set->memtables);
    set->files = level0 ? malloc(level0 * sizeof *set->files) : NULL;
    set->children = malloc(2 * children * sizeof *set->children);
    return set->memtables && (level0 == 0 || set->files) && set->children ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Where nothing of the tree stands yet, nothing will that the snapshot sees. */
static void add_memtable(struct read_set *set, const struct memtable *memtable, uint64_t snapshot, uint32_t at) {
    struct memtable_source *source = &set->memtables[set->memtable_count];
    memtable_source_init(source, memtable, set->instance, snapshot);
    struct engine_watch *watch = set->engine->environment.watch;
    if (watch) watch_memtable_source(watch, memtable, at, source->tree != NULL);
    if (!source->tree) return;
    set->memtable_count++;
    set->children[set->child_count++] = &source->source;
}

static enum status add_level0(struct read_set *set, struct engine *engine, const struct level *level,
                              const struct read_options *options) {
    struct engine_watch *watch = engine->environment.watch;
    if (watch) watch_level(watch, level, 0, 0);
    for (uint32_t i = 0; i < level->count; i++) {
        struct file *file = level->files[i];
        struct sst *sst;
        const bool outside = !file_overlaps(file, options->lower, options->upper);
        if (tell_hidden(set, file, outside, ENGINE_FILE_OUTSIDE) || is_hidden(set, file)) continue;
        if (watch) watch_file(watch, file, 0, ENGINE_FILE_ASKED);
        const enum status status = store_open_file(engine, file, options->flags, &sst);
        if (status != STATUS_OK) return status;
        struct sst_source *source = &set->files[set->file_count++];
        sst_source_init(source, sst, options->flags);
        set->children[set->child_count++] = &source->source;
    }
    return STATUS_OK;
}

static void add_level(struct read_set *set, struct engine *engine, const struct level *level, uint32_t number,
                      const struct read_options *options) {
    uint32_t from, to;
    level_find_range(level, options->lower, options->upper, &from, &to);
    if (engine->environment.watch) watch_level_range(engine->environment.watch, level, number, from, to);
    if (from == to) return;
    struct level_source *source = &set->levels[set->level_count++];
    level_source_init(source, engine, level->files + from, to - from, options->flags);
    if (set->cover_count > 0 || set->prefix.size > 0) source->is_hidden = is_hidden;
    source->context = set;
    set->children[set->child_count++] = &source->source;
}

static enum status gather_sources(struct read_set *set, struct engine *engine, const struct view *view,
                                  const struct tree_files *files, const struct read_options *options) {
    if (options->own.table) add_memtable(set, options->own.table, options->own.sequence, 0);
    add_memtable(set, view->active->table, set->snapshot, 0);
    for (uint32_t i = 0; i < view->sealed_count; i++) add_memtable(set, view->sealed[i]->table, set->snapshot, i + 1);
    const enum status status = files ? add_level0(set, engine, &files->levels[0], options) : STATUS_OK;
    for (uint32_t i = 1; files && i < ENGINE_LEVELS && status == STATUS_OK; i++)
        add_level(set, engine, &files->levels[i], i, options);
    return status;
}

enum status read_set_open(struct read_set *set, struct engine *engine, const struct view *view,
                          const struct read_options *options) {
    *set = (struct read_set){
        .instance = options->instance,
        .snapshot = options->snapshot,
        .engine = engine,
        .flags = options->flags,
        .prefix = options->prefix,
        .prefix_hash = options->prefix.size ? entry_prefix_hash(options->prefix) : 0,
    };
    const struct tree_files *files = version_find(view->version, options->instance);
    enum status status = allocate(set, view, files);
    if (status == STATUS_OK) status = gather_covers(set, engine, view, files, options);
    if (status == STATUS_OK) status = gather_sources(set, engine, view, files, options);
    merge_source_init(&set->merge, set->children, set->children + set->child_count, set->child_count);
    set->top = set->child_count == 1 ? set->children[0] : &set->merge.source;
    if (status != STATUS_OK) read_set_close(set);
    return status;
}

uint64_t read_set_memory(const struct read_set *set) {
    enum { KEY_BYTES_GUESS = 128 }; /* of a source: the key that it shows */
    return set->memtable_count * sizeof *set->memtables + set->file_count * sizeof *set->files +
           set->child_count * (2 * sizeof(struct source *) + KEY_BYTES_GUESS) +
           set->cover_capacity * sizeof *set->covers;
}

void read_set_close(struct read_set *set) {
    source_close(&set->merge.source);
    free(set->memtables);
    free(set->files);
    free(set->children);
    free(set->covers);
    *set = (struct read_set){.instance = 0};
}
