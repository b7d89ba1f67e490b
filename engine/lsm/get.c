/*
 * get: one key, newest source first: memtables, level 0, the levels below. Stops at the first version that decides;
 * operands are gathered on the way. Invariant: a range delete is met no later than the first version that it hides,
 * because sources are asked in order of age.
 *
 * The steps stand once, and are made twice: watched, for explanations (watch.h), and with a watch that the compiler
 * knows to be NULL, of which nothing is left then.
 */
#include "engine/lsm/lookup.h"

#include "engine/base/check.h"
#include "engine/lsm/expiry.h"
#include "engine/lsm/watch.h"

#define IN_BOTH static inline __attribute__((always_inline))

/* Looks at one version; true: go on to the next older one. The pins stay the caller's unless the base was taken. */
IN_BOTH bool take_version(struct lookup *lookup, uint64_t trailer, struct slice value, enum status *status,
                          struct engine_watch *watch) {
    if (watch) watch_version(watch, trailer, value, lookup->cover);
    *status = STATUS_OK;
    lookup->decided = true;
    if (entry_sequence(trailer) < lookup->cover) return false;
    switch (entry_kind(trailer)) {
    case ENTRY_REFERENCE: lookup->is_apart = true; /* fall through */
    case ENTRY_PUT:
        lookup->has_base = true;
        lookup->base = value;
        return false;
    case ENTRY_MERGE:
    case ENTRY_APPEND:
        lookup->decided = false;
        *status = operands_add(&lookup->operands, trailer, value);
        return *status == STATUS_OK;
    default: return false;
    }
}

static void add_cover(struct lookup *lookup, uint64_t cover) {
    if (cover > lookup->cover) lookup->cover = cover;
}

IN_BOTH enum status search_memtable(struct lookup *lookup, struct memtable *memtable, uint64_t snapshot,
                                    struct engine_watch *watch, uint32_t at) {
    struct memtable_version version;
    enum status status = STATUS_OK;
    const uint64_t cover = memtable_cover(memtable, lookup->tree->instance, lookup->key, snapshot);
    add_cover(lookup, cover);
    if (watch) watch_memtable(watch, memtable, at, lookup->tree->instance, lookup->hash, cover);
    bool more = memtable_may_have(memtable, lookup->tree->instance, lookup->hash) &&
                memtable_get(memtable, lookup->tree->instance, lookup->key, snapshot, &version);
    while (more) {
        more = take_version(lookup, version.trailer, version.value, &status, watch);
        if (lookup->has_base) {
            memtable_acquire(memtable);
            lookup->memtable = memtable;
        }
        if (more) more = memtable_get_older(&version);
    }
    if (lookup->cover) lookup->decided = true; /* all that is older is deleted */
    return status;
}

static enum status look_in_memtable(struct lookup *lookup, struct memtable *memtable, uint64_t snapshot) {
    return search_memtable(lookup, memtable, snapshot, NULL, 0);
}

static enum status explain_memtable(struct lookup *lookup, struct memtable *memtable, uint64_t snapshot,
                                    struct engine_watch *watch, uint32_t at) {
    return search_memtable(lookup, memtable, snapshot, watch, at);
}

IN_BOTH enum status ask_memtable(struct lookup *lookup, struct memtable *memtable, uint64_t snapshot,
                                 struct engine_watch *watch, uint32_t at) {
    return watch ? explain_memtable(lookup, memtable, snapshot, watch, at)
                 : look_in_memtable(lookup, memtable, snapshot);
}

/* The block that sst_get is going to look into, told with what came of it. */
static enum status explain_sst_get(const struct lookup *lookup, struct sst *sst, uint64_t snapshot,
                                   struct sst_version *version, struct engine_watch *watch) {
    const uint32_t at = sst_find_block(sst, lookup->key, snapshot), count = sst_block_count(sst);
    watch_index(watch, at, count);
    const uint64_t start = sst_watch_start(sst);
    const enum status status = sst_get(sst, lookup->key, snapshot, lookup->flags, version);
    if (at < count) sst_watch_block(sst, at, status == STATUS_NOT_FOUND ? STATUS_OK : status, start);
    return status;
}

IN_BOTH enum status get_from_sst(const struct lookup *lookup, struct sst *sst, uint64_t snapshot,
                                 struct sst_version *version, struct engine_watch *watch) {
    return watch ? explain_sst_get(lookup, sst, snapshot, version, watch)
                 : sst_get(sst, lookup->key, snapshot, lookup->flags, version);
}

IN_BOTH enum status look_in_sst(struct lookup *lookup, struct sst *sst, struct engine_watch *watch) {
    struct sst_version version;
    uint64_t snapshot = lookup->snapshot;
    enum status status;
    bool more = true;
    while (more && (status = get_from_sst(lookup, sst, snapshot, &version, watch)) != STATUS_NOT_FOUND) {
        if (status == STATUS_WOULD_BLOCK) {
            lookup->missing.sst = sst;
            lookup->missing.at = sst_find_block(sst, lookup->key, snapshot);
        }
        if (status != STATUS_OK) return status;
        more = take_version(lookup, version.trailer, version.value, &status, watch);
        if (lookup->has_base)
            lookup->block = version.block;
        else
            block_release(version.block);
        if (status != STATUS_OK) return status;
        if (entry_sequence(version.trailer) == 0) break; /* nothing is older */
        snapshot = entry_sequence(version.trailer) - 1;
    }
    return STATUS_OK;
}

IN_BOTH enum status look_in_file(struct lookup *lookup, struct file *file, struct engine_watch *watch) {
    struct sst *sst;
    if (watch) watch_file(watch, file, file->meta.level, ENGINE_FILE_ASKED);
    const enum status opened = store_open_file(lookup->engine, file, lookup->flags, &sst);
    if (opened != STATUS_OK) return opened;
    uint64_t cover = 0;
    if (file->meta.range_deletes > 0) {
        cover = range_set_cover(sst_range_deletes(sst), lookup->tree->instance, lookup->key, lookup->snapshot);
        add_cover(lookup, cover);
    }
    struct store_counters *counters = &lookup->engine->counters;
    atomic_fetch_add_explicit(&counters->filter_asked, 1, memory_order_relaxed);
    enum status status = STATUS_OK;
    if (watch) watch_filter(watch, sst, lookup->hash, cover);
    if (sst_may_have(sst, lookup->hash))
        status = look_in_sst(lookup, sst, watch);
    else
        atomic_fetch_add_explicit(&counters->filter_negative, 1, memory_order_relaxed);
    if (lookup->cover) lookup->decided = true;
    return status;
}

enum { CANDIDATES_AT_ONCE = 16 };

/* Files that may hold the key, newest first, some at a time: their filters are fetched from memory side by side. */
struct candidates {
    struct file *files[CANDIDATES_AT_ONCE];
    uint32_t count;
    uint32_t level, at; /* of the file to look at next */
};

IN_BOTH void consider(struct candidates *candidates, const struct lookup *lookup, struct file *file,
                      struct engine_watch *watch) {
    if (watch) watch_candidate(watch, file, candidates->level, lookup->key, lookup->snapshot);
    if (file->meta.first_sequence > lookup->snapshot || file_locate(file, lookup->key) != 0) return;
    const struct sst *sst = atomic_load_explicit(&file->sst, memory_order_acquire);
    if (sst) sst_touch_filter(sst, lookup->hash);
    candidates->files[candidates->count++] = file;
}

/* False: there are no more. */
IN_BOTH bool search_candidates(struct candidates *candidates, const struct lookup *lookup,
                               const struct tree_files *files, struct engine_watch *watch) {
    candidates->count = 0;
    while (candidates->count < CANDIDATES_AT_ONCE && candidates->level < ENGINE_LEVELS) {
        const struct level *level = &files->levels[candidates->level];
        if (candidates->level > 0 && level->count > 0) candidates->at = level_find(level, lookup->key);
        if (watch) watch_level(watch, level, candidates->level, candidates->at);
        if (candidates->at < level->count) consider(candidates, lookup, level->files[candidates->at++], watch);
        if (candidates->level > 0 || candidates->at >= level->count) {
            candidates->level++;
            candidates->at = 0;
        }
    }
    return candidates->count > 0;
}

static bool find_candidates(struct candidates *candidates, const struct lookup *lookup,
                            const struct tree_files *files) {
    return search_candidates(candidates, lookup, files, NULL);
}

static bool explain_candidates(struct candidates *candidates, const struct lookup *lookup,
                               const struct tree_files *files, struct engine_watch *watch) {
    return search_candidates(candidates, lookup, files, watch);
}

IN_BOTH bool ask_for_candidates(struct candidates *candidates, const struct lookup *lookup,
                                const struct tree_files *files, struct engine_watch *watch) {
    return watch ? explain_candidates(candidates, lookup, files, watch) : find_candidates(candidates, lookup, files);
}

/* With the first candidates found already. */
IN_BOTH enum status look_in_files(struct lookup *lookup, const struct tree_files *files, struct candidates *candidates,
                                  struct engine_watch *watch) {
    enum status status = STATUS_OK;
    bool more = candidates->count > 0;
    while (more && status == STATUS_OK && !lookup->decided) {
        for (uint32_t i = 0; i < candidates->count && status == STATUS_OK && !lookup->decided; i++)
            status = look_in_file(lookup, candidates->files[i], watch);
        more = status == STATUS_OK && !lookup->decided && ask_for_candidates(candidates, lookup, files, watch);
    }
    return status;
}

/* A search waits for memory at its filters, one behind the other where nobody asks for all of them first. */
IN_BOTH void touch_memtables(const struct lookup *lookup, const struct view *view) {
    memtable_touch_filter(view->active->table, lookup->tree->instance, lookup->hash);
    for (uint32_t i = 0; i < view->sealed_count; i++)
        memtable_touch_filter(view->sealed[i]->table, lookup->tree->instance, lookup->hash);
}

IN_BOTH enum status run(struct lookup *lookup, const struct view *view, struct engine_watch *watch) {
    enum status status = STATUS_OK;
    struct candidates candidates;
    candidates.count = candidates.level = candidates.at = 0; /* the files mean nothing yet: no need to clear them */
    touch_memtables(lookup, view);
    const struct tree_files *files = version_find(view->version, lookup->tree->instance);
    if (files) (void)ask_for_candidates(&candidates, lookup, files, watch);
    if (lookup->own.table) status = ask_memtable(lookup, lookup->own.table, lookup->own.sequence, NULL, 0);
    if (status == STATUS_OK && !lookup->decided)
        status = ask_memtable(lookup, view->active->table, lookup->snapshot, watch, 0);
    for (uint32_t i = 0; i < view->sealed_count && status == STATUS_OK && !lookup->decided; i++)
        status = ask_memtable(lookup, view->sealed[i]->table, lookup->snapshot, watch, i + 1);
    if (status != STATUS_OK || lookup->decided) return status;
    return files ? look_in_files(lookup, files, &candidates, watch) : STATUS_OK;
}

enum status lookup_run(struct lookup *lookup, const struct view *view) {
    return run(lookup, view, NULL);
}

static enum status explain_run(struct lookup *lookup, const struct view *view, struct engine_watch *watch) {
    return run(lookup, view, watch);
}

static void unpin(struct lookup *lookup) {
    block_release(lookup->block);
    memtable_release(lookup->memtable);
    lookup->block = NULL;
    lookup->memtable = NULL;
}

/* Folds the operands into a block of its own, which pins the value. */
static enum status resolve(struct lookup *lookup) {
    struct buf result = BUF_EMPTY;
    operands_settle(&lookup->operands);
    enum status status = resolve_full(lookup->tree->kind, lookup->key, lookup->has_base ? &lookup->base : NULL,
                                      &lookup->operands, &result);
    if (lookup->engine->environment.watch)
        watch_fold(lookup->engine->environment.watch, lookup->operands.count, status);
    struct block *block = status == STATUS_OK ? block_create(NULL, 0, 0, result.size) : NULL;
    if (status == STATUS_OK && !block) status = STATUS_NO_MEMORY;
    unpin(lookup);
    if (status == STATUS_OK) {
        if (result.size) memcpy(block->data, result.data, result.size);
        lookup->block = block;
        lookup->has_base = true;
        lookup->base = block_slice(block);
    } else if (status != STATUS_NO_MEMORY) {
        store_note_error(lookup->engine, status, "tree %u: the operands of a key can't be folded: %s", lookup->tree->id,
                         status_text(status));
    }
    buf_deinit(&result);
    return status;
}

static enum status show_unexpired(struct lookup *lookup) {
    const enum status status = expiry_show(&lookup->base, lookup->time_ms);
    if (status == STATUS_CORRUPT)
        store_note_error(lookup->engine, status, "tree %u: a value has no time of expiry", lookup->tree->id);
    return status;
}

/* The value that was read for this lookup is the one that the reference names. */
static bool is_held(const struct lookup *lookup, const struct value_reference *reference) {
    return lookup->held && lookup->held->file == reference->file && lookup->held->place == reference->offset;
}

/* From the reference to the value; its block takes the place of the reference's. */
static enum status load_apart(struct lookup *lookup) {
    struct value_reference reference = {.bytes = 0};
    struct block *block = NULL;
    enum status status = STATUS_OK;
    const bool decoded = value_reference_decode(lookup->base, &reference) == STATUS_OK;
    if (decoded && is_held(lookup, &reference)) {
        block = lookup->held;
        block_acquire(block);
        lookup->base = value_block_value(block);
    } else {
        status = store_load_value(lookup->engine, lookup->base, lookup->key, lookup->flags, &block, &lookup->base);
    }
    if (status == STATUS_WOULD_BLOCK)
        lookup->missing = (struct lookup_missing){.reference = reference, .is_all = lookup->operands.count == 0};
    if (status != STATUS_OK) return status;
    block_release(lookup->block);
    lookup->block = block;
    lookup->is_apart = false;
    return STATUS_OK;
}

static enum status answer(struct lookup *lookup, struct engine_value *value) {
    enum status status = lookup->is_apart ? load_apart(lookup) : STATUS_OK;
    if (status == STATUS_OK && lookup->operands.count > 0) status = resolve(lookup);
    if (status == STATUS_OK && !lookup->has_base) status = STATUS_NOT_FOUND;
    if (status == STATUS_OK && lookup->tree->kind->expires) status = show_unexpired(lookup);
    if (status != STATUS_OK) return status;
    value->data = lookup->base;
    value->pin[0] = lookup->block;
    value->pin[1] = lookup->memtable;
    return STATUS_OK;
}

enum status lookup_answer(struct lookup *lookup, enum status status, struct engine_value *value) {
    if (status == STATUS_OK) status = answer(lookup, value);
    if (status != STATUS_OK) unpin(lookup);
    operands_deinit(&lookup->operands);
    return status;
}

IN_BOTH enum status get_one(struct engine *engine, const struct engine_snapshot *snapshot, const struct own_writes *own,
                            uint32_t tree, struct slice key, unsigned flags, struct engine_value *value,
                            struct engine_watch *watch) {
    *value = (struct engine_value){.data = {NULL, 0}};
    struct lookup lookup = {.engine = engine, .key = key, .hash = entry_key_hash(key), .flags = flags, .own = *own};
    struct store_read read;
    store_begin_read(engine, snapshot, tree, &read);
    lookup.snapshot = read.sequence;
    lookup.time_ms = read.time_ms;
    lookup.tree = read.tree;
    enum status status = STATUS_INVALID;
    if (lookup.tree) status = watch ? explain_run(&lookup, read.view, watch) : lookup_run(&lookup, read.view);
    status = lookup_answer(&lookup, status, value);
    store_end_read(engine, &read);
    return status;
}

enum status lookup_get(struct engine *engine, const struct engine_snapshot *snapshot, const struct own_writes *own,
                       uint32_t tree, struct slice key, unsigned flags, struct engine_value *value) {
    return get_one(engine, snapshot, own, tree, key, flags, value, NULL);
}

enum status engine_explain_get(struct engine *engine, uint32_t tree, struct slice key, struct engine_value *value) {
    struct engine_watch *watch = engine->environment.watch;
    check(watch);
    return get_one(engine, NULL, &own_writes_none, tree, key, 0, value, watch);
}

enum status engine_get(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree, struct slice key,
                       struct engine_value *value) {
    const uint64_t start = timing_start(&engine->timing, engine->io, ENGINE_TIMING_GET);
    const enum status status = lookup_get(engine, snapshot, &own_writes_none, tree, key, 0, value);
    timing_end(&engine->timing, engine->io, ENGINE_TIMING_GET, start);
    return status;
}

enum status engine_get_try(struct engine *engine, const struct engine_snapshot *snapshot, uint32_t tree,
                           struct slice key, struct engine_value *value) {
    return lookup_get(engine, snapshot, &own_writes_none, tree, key, SST_MEMORY_ONLY, value);
}

void engine_touch(struct engine *engine, uint32_t tree, const struct slice *keys, size_t count) {
    struct store_read read;
    store_begin_read(engine, NULL, tree, &read);
    if (read.tree) memtable_touch(read.view->active->table, read.tree->instance, keys, count);
    store_end_read(engine, &read);
}

void engine_value_release(struct engine_value *value) {
    block_release(value->pin[0]);
    memtable_release(value->pin[1]);
    *value = (struct engine_value){.data = {NULL, 0}};
}
