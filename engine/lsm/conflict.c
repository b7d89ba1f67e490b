/*
 * conflict: see conflict.h. Invariant: a write is found where it lies: the newest version of its key in a memtable or
 * file has at least its sequence, since versions are folded onto newer ones only, and range deletes are asked for
 * themselves.
 */
#include "engine/lsm/conflict.h"

static bool note(struct conflict_search *search, uint64_t sequence) {
    if (sequence <= search->after) return false;
    search->sequence = sequence;
    return true;
}

/* Memtables that hold nothing new are passed by. */
static bool is_old(const struct conflict_search *search, const struct mem *sealed) {
    return sealed->last_sequence <= search->after;
}

/* ---- A key ------------------------------------------------------------------------------------------------------- */

static bool key_in_memtable(struct conflict_search *search, const struct memtable *table, uint32_t tree,
                            struct slice key, uint64_t hash) {
    struct memtable_version version;
    if (note(search, memtable_cover(table, tree, key, search->upto))) return true;
    return memtable_may_have(table, tree, hash) && memtable_get(table, tree, key, search->upto, &version) &&
           note(search, entry_sequence(version.trailer));
}

static enum status key_in_sst(struct conflict_search *search, struct sst *sst, struct slice key, uint64_t hash,
                              bool *found) {
    struct sst_version version;
    if (!sst_may_have(sst, hash)) return STATUS_OK;
    const enum status status = sst_get(sst, key, ENTRY_SEQUENCE_MAX, 0, &version);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    *found = note(search, entry_sequence(version.trailer));
    block_release(version.block);
    return STATUS_OK;
}

static enum status key_in_file(struct conflict_search *search, struct file *file, struct slice key, uint64_t hash,
                               bool *found) {
    struct sst *sst;
    if (file->meta.last_sequence <= search->after || file_locate(file, key) != 0) return STATUS_OK;
    const enum status status = store_open_file(search->engine, file, 0, &sst);
    if (status != STATUS_OK) return status;
    if (file->meta.range_deletes > 0)
        *found = note(search, range_set_cover(sst_range_deletes(sst), file->meta.instance, key, ENTRY_SEQUENCE_MAX));
    return *found ? STATUS_OK : key_in_sst(search, sst, key, hash, found);
}

static enum status key_in_files(struct conflict_search *search, const struct tree_files *files, struct slice key,
                                uint64_t hash, bool *found) {
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < files->levels[0].count && status == STATUS_OK && !*found; i++)
        status = key_in_file(search, files->levels[0].files[i], key, hash, found);
    for (uint32_t i = 1; i < ENGINE_LEVELS && status == STATUS_OK && !*found; i++) {
        const struct level *level = &files->levels[i];
        const uint32_t at = level->count > 0 ? level_find(level, key) : 0;
        if (at < level->count) status = key_in_file(search, level->files[at], key, hash, found);
    }
    return status;
}

enum status conflict_find_key(struct conflict_search *search, uint32_t tree, struct slice key, bool *found) {
    const struct view *view = search->view;
    const uint64_t hash = entry_key_hash(key);
    *found = key_in_memtable(search, view->active->table, tree, key, hash);
    for (uint32_t i = 0; i < view->sealed_count && !*found && !is_old(search, view->sealed[i]); i++)
        *found = key_in_memtable(search, view->sealed[i]->table, tree, key, hash);
    const struct tree_files *files = search->files && !*found ? version_find(view->version, tree) : NULL;
    return files ? key_in_files(search, files, key, hash, found) : STATUS_OK;
}

/* ---- A range ----------------------------------------------------------------------------------------------------- */

struct range {
    uint32_t tree;
    struct slice begin, end; /* an empty end: none */
};

static bool is_behind(const struct range *range, struct slice key) {
    return range->end.size > 0 && slice_compare(key, range->end) >= 0;
}

/* The range deletes of a set, stretch by stretch. */
static enum status range_in_set(struct conflict_search *search, const struct range_set *set, const struct range *range,
                                uint64_t upto, bool *found) {
    struct slice at = range->begin;
    struct range_stretch stretch;
    if (range_set_is_empty(set)) return STATUS_OK;
    do {
        range_set_stretch(set, range->tree, at, upto, &stretch);
        if (note(search, stretch.sequence)) {
            *found = true;
            return buf_assign(&search->key, at);
        }
        at = stretch.end;
    } while (stretch.has_end && !is_behind(range, at));
    return STATUS_OK;
}

static enum status range_in_source(struct conflict_search *search, struct source *source, const struct range *range,
                                   bool *found) {
    for (source_seek(source, range->begin, ENTRY_TRAILER_FIRST); source->valid && !is_behind(range, source->key);
         source_next(source)) {
        if (entry_sequence(source->trailer) > search->upto || !note(search, entry_sequence(source->trailer))) continue;
        *found = true;
        return buf_assign(&search->key, source->key);
    }
    return source->valid ? STATUS_OK : source->status;
}

static enum status range_in_memtable(struct conflict_search *search, const struct memtable *table,
                                     const struct range *range, bool *found) {
    struct memtable_source source;
    enum status status = range_in_set(search, memtable_range_deletes(table), range, search->upto, found);
    if (status != STATUS_OK || *found) return status;
    memtable_source_init(&source, table, range->tree, search->upto);
    status = range_in_source(search, &source.source, range, found);
    source_close(&source.source);
    return status;
}

static enum status range_in_file(struct conflict_search *search, struct file *file, const struct range *range,
                                 bool *found) {
    struct sst *sst;
    struct sst_source source;
    if (file->meta.last_sequence <= search->after || !file_overlaps(file, range->begin, range->end)) return STATUS_OK;
    enum status status = store_open_file(search->engine, file, 0, &sst);
    if (status == STATUS_OK) status = range_in_set(search, sst_range_deletes(sst), range, ENTRY_SEQUENCE_MAX, found);
    if (status != STATUS_OK || *found) return status;
    sst_source_init(&source, sst, SST_NO_FILL);
    status = range_in_source(search, &source.source, range, found);
    source_close(&source.source);
    return status;
}

static enum status range_in_files(struct conflict_search *search, const struct tree_files *files,
                                  const struct range *range, bool *found) {
    enum status status = STATUS_OK;
    for (uint32_t level = 0; level < ENGINE_LEVELS; level++) {
        uint32_t from = 0, to = files->levels[level].count;
        if (level > 0) level_find_range(&files->levels[level], range->begin, range->end, &from, &to);
        for (; from < to && status == STATUS_OK && !*found; from++)
            status = range_in_file(search, files->levels[level].files[from], range, found);
    }
    return status;
}

enum status conflict_find_range(struct conflict_search *search, uint32_t tree, struct slice begin, struct slice end,
                                bool *found) {
    const struct view *view = search->view;
    const struct range range = {tree, begin, end};
    *found = false;
    if (end.size > 0 && slice_compare(begin, end) >= 0) return STATUS_OK;
    enum status status = range_in_memtable(search, view->active->table, &range, found);
    for (uint32_t i = 0; i < view->sealed_count && status == STATUS_OK && !*found; i++)
        if (!is_old(search, view->sealed[i])) status = range_in_memtable(search, view->sealed[i]->table, &range, found);
    const struct tree_files *files =
        search->files && status == STATUS_OK && !*found ? version_find(view->version, tree) : NULL;
    return files ? range_in_files(search, files, &range, found) : status;
}
