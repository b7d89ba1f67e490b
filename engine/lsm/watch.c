/* watch: see watch.h. Only what is asked here is asked twice, and it changes nothing: spans, filters, counts. */
#include "engine/lsm/watch.h"

static void tell(struct engine_watch *watch, const struct engine_step *step) {
    watch->told(watch->context, step);
}

static void tell_cover(struct engine_watch *watch, uint64_t cover) {
    if (cover) tell(watch, &(struct engine_step){.kind = ENGINE_STEP_COVER, .sequence = cover});
}

void watch_memtable(struct engine_watch *watch, const struct memtable *memtable, uint32_t at, uint32_t instance,
                    uint64_t hash, uint64_t cover) {
    struct memtable_stats stats;
    memtable_get_stats(memtable, &stats);
    tell(watch, &(struct engine_step){.kind = ENGINE_STEP_MEMTABLE,
                                      .memtable = at,
                                      .hit = memtable_may_have(memtable, instance, hash),
                                      .entries = stats.entries,
                                      .bytes = stats.bytes,
                                      .first_sequence = stats.first_sequence,
                                      .last_sequence = stats.last_sequence});
    tell_cover(watch, cover);
}

void watch_memtable_source(struct engine_watch *watch, const struct memtable *memtable, uint32_t at, bool has_tree) {
    struct memtable_stats stats;
    memtable_get_stats(memtable, &stats);
    tell(watch, &(struct engine_step){.kind = ENGINE_STEP_MEMTABLE,
                                      .memtable = at,
                                      .hit = has_tree,
                                      .entries = stats.entries,
                                      .bytes = stats.bytes,
                                      .first_sequence = stats.first_sequence,
                                      .last_sequence = stats.last_sequence});
}

/* Once for each: level 0 comes again with each of its files. */
void watch_level(struct engine_watch *watch, const struct level *level, uint32_t number, uint32_t at) {
    if (level->count == 0 || (number == 0 && at > 0)) return;
    tell(watch, &(struct engine_step){
                    .kind = ENGINE_STEP_LEVEL, .level = number, .count = level->count, .hit = at < level->count});
}

void watch_file(struct engine_watch *watch, const struct file *file, uint32_t level, enum engine_step_answer answer) {
    const struct edit_file *meta = &file->meta;
    tell(watch, &(struct engine_step){.kind = ENGINE_STEP_FILE,
                                      .level = level,
                                      .file = meta->number,
                                      .answer = answer,
                                      .entries = meta->entries,
                                      .file_bytes = meta->bytes,
                                      .first_sequence = meta->first_sequence,
                                      .last_sequence = meta->last_sequence,
                                      .first = meta->first,
                                      .last = meta->last,
                                      .has_last = meta->has_last});
}

void watch_level_range(struct engine_watch *watch, const struct level *level, uint32_t number, uint32_t from,
                       uint32_t to) {
    if (level->count == 0) return;
    tell(watch,
         &(struct engine_step){.kind = ENGINE_STEP_LEVEL, .level = number, .count = level->count, .hit = from < to});
    for (uint32_t i = from; i < to; i++) watch_file(watch, level->files[i], number, ENGINE_FILE_CANDIDATE);
}

void watch_candidate(struct engine_watch *watch, const struct file *file, uint32_t level, struct slice key,
                     uint64_t snapshot) {
    enum engine_step_answer answer = ENGINE_FILE_CANDIDATE;
    if (file_locate(file, key) != 0)
        answer = ENGINE_FILE_OUTSIDE;
    else if (file->meta.first_sequence > snapshot)
        answer = ENGINE_FILE_NEWER;
    watch_file(watch, file, level, answer);
}

void watch_filter(struct engine_watch *watch, const struct sst *sst, uint64_t hash, uint64_t cover) {
    tell_cover(watch, cover);
    tell(watch, &(struct engine_step){.kind = ENGINE_STEP_FILTER,
                                      .hit = sst_may_have(sst, hash),
                                      .count = sst_properties(sst)->filter_bits_per_key});
}

void watch_index(struct engine_watch *watch, uint32_t at, uint32_t count) {
    tell(watch, &(struct engine_step){.kind = ENGINE_STEP_INDEX, .at = at, .count = count});
}

enum engine_step_entry watch_entry_of(enum entry_kind kind) {
    switch (kind) {
    case ENTRY_PUT:
    case ENTRY_REFERENCE: return ENGINE_ENTRY_PUT;
    case ENTRY_MERGE: return ENGINE_ENTRY_MERGE;
    case ENTRY_APPEND: return ENGINE_ENTRY_APPEND;
    default: return ENGINE_ENTRY_DELETE;
    }
}

static enum engine_step_effect effect_of(uint64_t trailer, uint64_t cover) {
    if (entry_sequence(trailer) < cover) return ENGINE_EFFECT_COVERED;
    switch (watch_entry_of(entry_kind(trailer))) {
    case ENGINE_ENTRY_PUT: return ENGINE_EFFECT_SHOWN;
    case ENGINE_ENTRY_DELETE: return ENGINE_EFFECT_DELETED;
    default: return ENGINE_EFFECT_OPERAND;
    }
}

void watch_version(struct engine_watch *watch, uint64_t trailer, struct slice value, uint64_t cover) {
    tell(watch, &(struct engine_step){.kind = ENGINE_STEP_VERSION,
                                      .sequence = entry_sequence(trailer),
                                      .entry = watch_entry_of(entry_kind(trailer)),
                                      .effect = effect_of(trailer, cover),
                                      .apart = entry_kind(trailer) == ENTRY_REFERENCE,
                                      .value = value});
}

void watch_entry(struct engine_watch *watch, struct engine_step *step, uint64_t trailer, struct slice value) {
    step->sequence = entry_sequence(trailer);
    step->entry = watch_entry_of(entry_kind(trailer));
    step->apart = entry_kind(trailer) == ENTRY_REFERENCE;
    step->value = value;
    tell(watch, step);
}

void watch_fold(struct engine_watch *watch, size_t operands, enum status status) {
    tell(watch, &(struct engine_step){.kind = ENGINE_STEP_FOLD, .count = (uint32_t)operands, .status = status});
}

void watch_values(struct engine_watch *watch, uint64_t number, enum status status) {
    tell(watch, &(struct engine_step){.kind = ENGINE_STEP_OPEN, .file = number, .apart = true, .status = status});
}

static void visit_damaged(struct engine *engine, const struct file *file,
                          void (*visit)(void *context, const struct engine_damaged_file *file), void *context) {
    const struct edit_file *meta = &file->meta;
    const struct tree *tree = tree_table_by_instance(&engine->trees, meta->instance);
    struct error error = {.status = STATUS_OK};
    if (!atomic_load(&file->damaged) || store_try_open_file(engine, file, &error) == STATUS_OK) return;
    visit(context, &(struct engine_damaged_file){.tree = tree ? tree->id : 0,
                                                 .level = meta->level,
                                                 .file = meta->number,
                                                 .bytes = meta->bytes,
                                                 .entries = meta->entries,
                                                 .first_sequence = meta->first_sequence,
                                                 .last_sequence = meta->last_sequence,
                                                 .first = meta->first,
                                                 .last = meta->last,
                                                 .has_last = meta->has_last,
                                                 .why = error.text[0] ? error.text : status_text(error.status)});
}

void engine_explain_damaged(struct engine *engine, void (*visit)(void *context, const struct engine_damaged_file *file),
                            void *context) {
    struct view *view = view_acquire(&engine->views);
    const struct version *version = view->version;
    for (size_t i = 0; i < version->count; i++)
        for (uint32_t at = 0; at < ENGINE_LEVELS; at++)
            for (uint32_t f = 0; f < version->trees[i]->levels[at].count; f++)
                visit_damaged(engine, version->trees[i]->levels[at].files[f], visit, context);
    store_release_view(engine, view);
}

void engine_explain(struct engine *engine, struct engine_watch *watch) {
    engine->environment.watch = watch;
}
