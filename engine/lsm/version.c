/*
 * version: immutable sets of files. Invariant: below level 0 the spans of a level are disjoint and ascending;
 * version_apply refuses to make another.
 */
#include "engine/lsm/version.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/entry/internal_key.h"

/* ---- Files ------------------------------------------------------------------------------------------------------- */

void morgue_init(struct morgue *morgue) {
    mutex_init(&morgue->mutex);
    list_init(&morgue->files);
    morgue->file_bytes = 0;
}

void morgue_deinit(struct morgue *morgue) {
    check(list_is_empty(&morgue->files));
    mutex_deinit(&morgue->mutex);
}

/* With its places in versions, about. */
static uint64_t file_memory(const struct file *file) {
    return sizeof *file + file->meta.first.size + file->meta.last.size + file->meta.values.size + 4 * sizeof file;
}

static void count_file(struct file *file, uint64_t bytes) {
    if (!file->morgue) return;
    mutex_lock(&file->morgue->mutex);
    file->morgue->file_bytes += bytes;
    mutex_unlock(&file->morgue->mutex);
}

struct file *file_create(struct morgue *morgue, const struct edit_file *meta) {
    struct file *file = malloc(sizeof *file + meta->first.size + meta->last.size + meta->values.size);
    if (!file) return NULL;
    *file = (struct file){
        .first_head = entry_head(meta->first),
        .last_head = meta->has_last ? entry_head(meta->last) : UINT64_MAX,
        .meta = *meta,
        .references = 1,
        .morgue = morgue,
    };
    list_init(&file->link);
    if (meta->first.size) memcpy(file->keys, meta->first.data, meta->first.size);
    if (meta->last.size) memcpy(file->keys + meta->first.size, meta->last.data, meta->last.size);
    file->meta.first.data = file->keys;
    file->meta.last.data = file->keys + meta->first.size;
    file->meta.values.data = file->meta.last.data + meta->last.size;
    if (meta->values.size)
        memcpy(file->keys + meta->first.size + meta->last.size, meta->values.data, meta->values.size);
    count_file(file, file_memory(file));
    return file;
}

void file_acquire(struct file *file) {
    atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
}

void file_release(struct file *file) {
    if (atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel) != 1) return;
    struct morgue *morgue = file->morgue;
    mutex_lock(&morgue->mutex);
    list_push_back(&morgue->files, &file->link);
    mutex_unlock(&morgue->mutex);
}

void file_destroy(struct file *file) {
    count_file(file, 0 - file_memory(file));
    free(file);
}

/* Mostly the heads tell: the keys themselves are not touched then. */
static int locate(const struct file *file, uint64_t head, struct slice key) {
    if (head < file->first_head || (head == file->first_head && slice_compare(key, file->meta.first) < 0)) return -1;
    if (head < file->last_head || !file->meta.has_last) return 0;
    if (head > file->last_head) return 1;
    const int order = slice_compare(key, file->meta.last);
    return order > 0 || (order == 0 && file->meta.last_exclusive);
}

int file_locate(const struct file *file, struct slice key) {
    return locate(file, entry_head(key), key);
}

bool file_overlaps(const struct file *file, struct slice begin, struct slice end) {
    if (file_locate(file, begin) > 0) return false;
    return end.size == 0 || slice_compare(file->meta.first, end) < 0;
}

int file_compare_last(const struct file *a, const struct file *b) {
    if (!a->meta.has_last || !b->meta.has_last) return (int)b->meta.has_last - (int)a->meta.has_last;
    const int order = slice_compare(a->meta.last, b->meta.last);
    return order ? order : (int)b->meta.last_exclusive - (int)a->meta.last_exclusive;
}

bool file_overlaps_file(const struct file *a, const struct file *b) {
    return file_locate(a, b->meta.first) <= 0 && file_locate(b, a->meta.first) <= 0;
}

/* ---- Levels and trees -------------------------------------------------------------------------------------------- */

uint32_t level_find(const struct level *level, struct slice key) {
    const uint64_t head = entry_head(key);
    uint32_t low = 0, high = level->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (locate(level->files[middle], head, key) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void level_find_range(const struct level *level, struct slice begin, struct slice end, uint32_t *from, uint32_t *to) {
    *from = level_find(level, begin);
    *to = *from;
    while (*to < level->count && (end.size == 0 || slice_compare(level->files[*to]->meta.first, end) < 0)) (*to)++;
}

static void tree_files_release(struct tree_files *tree) {
    if (!tree || atomic_fetch_sub_explicit(&tree->references, 1, memory_order_acq_rel) != 1) return;
    for (int i = 0; i < ENGINE_LEVELS; i++) {
        for (uint32_t f = 0; f < tree->levels[i].count; f++) file_release(tree->levels[i].files[f]);
        free(tree->levels[i].files);
    }
    free(tree);
}

struct version *version_create_empty(void) {
    struct version *version = calloc(1, sizeof *version);
    if (version) version->references = 1;
    return version;
}

void version_acquire(struct version *version) {
    atomic_fetch_add_explicit(&version->references, 1, memory_order_relaxed);
}

void version_release(struct version *version) {
    if (!version || atomic_fetch_sub_explicit(&version->references, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < version->count; i++) tree_files_release(version->trees[i]);
    free(version->trees);
    free(version);
}

static size_t find_slot(struct tree_files *const *trees, size_t count, uint32_t instance) {
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (trees[middle]->instance < instance)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct tree_files *version_find(const struct version *version, uint32_t instance) {
    const size_t slot = find_slot(version->trees, version->count, instance);
    return slot < version->count && version->trees[slot]->instance == instance ? version->trees[slot] : NULL;
}

/* ---- Applying changes -------------------------------------------------------------------------------------------- */

static int compare_changes(const void *a, const void *b) {
    const struct version_change *x = *(const struct version_change *const *)a;
    const struct version_change *y = *(const struct version_change *const *)b;
    if (x->instance != y->instance) return x->instance < y->instance ? -1 : 1;
    if (x->level != y->level) return x->level < y->level ? -1 : 1;
    return (x->file->meta.number > y->file->meta.number) - (x->file->meta.number < y->file->meta.number);
}

/* Newest data first. Spans of sequences of two flushes never overlap. */
static int compare_level0(const void *a, const void *b) {
    const struct edit_file *x = &(*(struct file *const *)a)->meta;
    const struct edit_file *y = &(*(struct file *const *)b)->meta;
    if (x->last_sequence != y->last_sequence) return x->last_sequence > y->last_sequence ? -1 : 1;
    return (x->number < y->number) - (x->number > y->number);
}

static int compare_first(const void *a, const void *b) {
    return slice_compare((*(struct file *const *)a)->meta.first, (*(struct file *const *)b)->meta.first);
}

static bool is_removed(const struct file *file, const struct version_change *const *changes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!changes[i]->add && changes[i]->file == file) return true;
    return false;
}

static enum status check_disjoint(const struct level *level) {
    for (uint32_t i = 1; i < level->count; i++)
        if (file_locate(level->files[i - 1], level->files[i]->meta.first) <= 0) return STATUS_CORRUPT;
    return STATUS_OK;
}

/* Level `number` of a tree: old files but the removed ones, and the added ones. The changes are those of this level. */
static enum status build_level(struct level *level, const struct level *old, uint32_t number,
                               const struct version_change *const *changes, size_t count) {
    const size_t room = (old ? old->count : 0) + count;
    if (room == 0) return STATUS_OK;
    level->files = malloc(room * sizeof(struct file *));
    if (!level->files) return STATUS_NO_MEMORY;
    for (uint32_t i = 0; old && i < old->count; i++)
        if (!is_removed(old->files[i], changes, count)) level->files[level->count++] = old->files[i];
    for (size_t i = 0; i < count; i++)
        if (changes[i]->add) level->files[level->count++] = changes[i]->file;
    for (uint32_t i = 0; i < level->count; i++) {
        file_acquire(level->files[i]);
        level->bytes += level->files[i]->meta.bytes;
    }
    if (count > 0 && level->count > 1)
        qsort(level->files, level->count, sizeof(struct file *), number == 0 ? compare_level0 : compare_first);
    return number == 0 ? STATUS_OK : check_disjoint(level);
}

static bool has_files(const struct tree_files *tree) {
    for (int i = 0; i < ENGINE_LEVELS; i++)
        if (tree->levels[i].count) return true;
    return false;
}

/* *made is NULL when no file is left. */
static enum status build_tree(const struct tree_files *old, const struct version_change *const *changes, size_t count,
                              struct tree_files **made) {
    *made = NULL;
    struct tree_files *tree = calloc(1, sizeof *tree);
    if (!tree) return STATUS_NO_MEMORY;
    tree->references = 1;
    tree->instance = changes[0]->instance;
    tree->kind = old ? old->kind : NULL;
    for (size_t i = 0; i < count && !tree->kind; i++) tree->kind = changes[i]->kind;
    enum status status = STATUS_OK;
    for (uint32_t level = 0, at = 0; level < ENGINE_LEVELS && status == STATUS_OK; level++) {
        uint32_t to = at;
        while (to < count && changes[to]->level == level) to++;
        status = build_level(&tree->levels[level], old ? &old->levels[level] : NULL, level, changes + at, to - at);
        at = to;
    }
    if (status == STATUS_OK && has_files(tree))
        *made = tree;
    else
        tree_files_release(tree);
    return status;
}

/* Copies base's trees, with those that changed made anew. changes is sorted. */
static enum status build_trees(struct version *version, const struct version *base,
                               const struct version_change *const *changes, size_t count) {
    size_t old_at = 0, at = 0;
    while (old_at < base->count || at < count) {
        struct tree_files *old = old_at < base->count ? base->trees[old_at] : NULL;
        if (at == count || (old && old->instance < changes[at]->instance)) {
            atomic_fetch_add_explicit(&old->references, 1, memory_order_relaxed);
            version->trees[version->count++] = old;
            old_at++;
            continue;
        }
        size_t to = at;
        while (to < count && changes[to]->instance == changes[at]->instance) to++;
        const bool existed = old && old->instance == changes[at]->instance;
        struct tree_files *made;
        const enum status status = build_tree(existed ? old : NULL, changes + at, to - at, &made);
        if (status != STATUS_OK) return status;
        if (made) version->trees[version->count++] = made;
        if (existed) old_at++;
        at = to;
    }
    return STATUS_OK;
}

enum status version_apply(const struct version *base, const struct version_change *changes, size_t count,
                          struct version **version) {
    enum status status = STATUS_NO_MEMORY;
    const struct version_change **sorted = malloc((count ? count : 1) * sizeof *sorted);
    struct version *made = version_create_empty();
    if (made) made->trees = malloc((base->count + count + 1) * sizeof *made->trees);
    if (sorted && made && made->trees) {
        for (size_t i = 0; i < count; i++) sorted[i] = &changes[i];
        if (count > 1) qsort(sorted, count, sizeof *sorted, compare_changes);
        status = build_trees(made, base, sorted, count);
    }
    free(sorted);
    if (status == STATUS_OK)
        *version = made;
    else
        version_release(made);
    return status;
}
