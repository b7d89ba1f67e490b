/*
 * install: one change of what the store consists of. Order: files durable (the job's care), their names durable, the
 * edit durable, and only then the new version is shown and old files may go. Invariant: the version in memory is the
 * one that the manifest describes, but for files of dropped trees that a snapshot still reads.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/lsm/store.h"

void install_init(struct install *install, enum edit_cause cause) {
    *install = (struct install){.changes = NULL};
    edit_init(&install->edit, cause);
}

void install_deinit(struct install *install) {
    edit_deinit(&install->edit);
    free(install->changes);
    install->changes = NULL;
    install->count = install->capacity = 0;
}

static enum status add_change(struct install *install, const struct version_change *change) {
    if (install->count == install->capacity) {
        const size_t more = install->capacity ? install->capacity * 2 : 16;
        struct version_change *grown = realloc(install->changes, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        install->changes = grown;
        install->capacity = more;
    }
    install->changes[install->count++] = *change;
    return STATUS_OK;
}

enum status install_add(struct install *install, struct file *file, uint32_t level,
                        const struct engine_tree_kind *kind) {
    const struct version_change change = {
        .instance = file->meta.instance, .level = level, .file = file, .add = true, .kind = kind};
    return add_change(install, &change);
}

enum status install_remove(struct install *install, struct file *file, uint32_t level) {
    const struct version_change change = {.instance = file->meta.instance, .level = level, .file = file};
    return add_change(install, &change);
}

/* ---- Dropped trees ----------------------------------------------------------------------------------------------- */

/* Trees that are gone for every reader, and what their going changes. */
struct departed {
    struct engine *engine;
    struct install *install;
    uint64_t flushed_sequence; /* drops up to it are, or are about to be, in the manifest */
    uint64_t oldest_snapshot;
    struct tree **trees;
    size_t count, capacity;
    enum status status;
};

static void visit_departed(void *context, struct tree *tree) {
    struct departed *departed = context;
    const uint64_t dropped = atomic_load_explicit(&tree->dropped, memory_order_relaxed);
    if (departed->status != STATUS_OK || dropped > departed->flushed_sequence || departed->oldest_snapshot < dropped)
        return;
    if (departed->count == departed->capacity) {
        const size_t more = departed->capacity ? departed->capacity * 2 : 8;
        struct tree **grown = realloc(departed->trees, more * sizeof(struct tree *));
        if (!grown) {
            departed->status = STATUS_NO_MEMORY;
            return;
        }
        departed->trees = grown;
        departed->capacity = more;
    }
    departed->trees[departed->count++] = tree;
}

static bool is_changed(const struct install *install, const struct file *file) {
    for (size_t i = 0; i < install->count; i++)
        if (install->changes[i].file == file) return true;
    return false;
}

static enum status remove_tree_files(struct departed *departed, const struct tree *tree) {
    const struct tree_files *files = version_find(departed->engine->version, tree->instance);
    for (uint32_t level = 0; files && level < ENGINE_LEVELS; level++) {
        for (uint32_t i = 0; i < files->levels[level].count; i++) {
            struct file *file = files->levels[level].files[i];
            if (is_changed(departed->install, file)) continue; /* the job removes or moves it: next time */
            const enum status status = install_remove(departed->install, file, level);
            if (status != STATUS_OK) return status;
        }
    }
    return STATUS_OK;
}

/* REQUIRES: install_lock. Finds the trees whose files can go now and adds that to the install. */
static enum status find_departed(struct departed *departed, const struct mem *flushed) {
    struct engine *engine = departed->engine;
    mutex_lock(&engine->mutex);
    departed->flushed_sequence = flushed ? flushed->last_sequence : engine->installed_sequence;
    departed->oldest_snapshot = list_is_empty(&engine->snapshots)
                                    ? UINT64_MAX
                                    : list_entry(engine->snapshots.next, struct engine_snapshot, link)->sequence;
    if (engine->trees.dropped > 0) tree_table_each(&engine->trees, visit_departed, departed);
    mutex_unlock(&engine->mutex);
    for (size_t i = 0; i < departed->count && departed->status == STATUS_OK; i++)
        departed->status = remove_tree_files(departed, departed->trees[i]);
    return departed->status;
}

/* REQUIRES: mutex. Trees without files left leave the table. */
static void forget_departed(struct departed *departed) {
    struct engine *engine = departed->engine;
    for (size_t i = 0; i < departed->count; i++)
        if (!version_find(engine->version, departed->trees[i]->instance))
            tree_table_remove(&engine->trees, departed->trees[i], view_present(&engine->views)->number);
}

/* ---- The edit ---------------------------------------------------------------------------------------------------- */

static bool drop_is_installed(struct engine *engine, uint32_t instance) {
    mutex_lock(&engine->mutex);
    const struct tree *tree = tree_table_by_instance(&engine->trees, instance);
    const bool installed = !tree || tree->drop_installed;
    mutex_unlock(&engine->mutex);
    return installed;
}

static bool is_listed(const struct edit *edit, uint64_t number) {
    for (size_t i = edit->value_file_count; i-- > 0;)
        if (edit->value_files[i].number == number) return true;
    return false;
}

/* The files of values that the manifest does not know yet. */
static enum status list_values(struct edit *edit, const struct file *file) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < file->use_count && status == STATUS_OK; i++) {
        const struct value_file *used = file->uses[i].file;
        if (!used->known && !is_listed(edit, used->meta.number)) status = edit_add_value_file(edit, &used->meta);
    }
    return status;
}

static void note_known(const struct install *install) {
    for (size_t i = 0; i < install->count; i++)
        for (size_t u = 0; install->changes[i].add && u < install->changes[i].file->use_count; u++)
            install->changes[i].file->uses[u].file->known = true;
}

/* Files of trees that the manifest knows as dropped are not in it any more. */
static enum status list_files(struct engine *engine, struct install *install) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < install->count && status == STATUS_OK; i++) {
        const struct version_change *change = &install->changes[i];
        if (drop_is_installed(engine, change->instance)) continue;
        if (change->add) {
            struct edit_file meta = change->file->meta;
            meta.level = change->level;
            status = list_values(&install->edit, change->file);
            if (status == STATUS_OK) status = edit_add_file(&install->edit, &meta);
        } else {
            const struct edit_removed removed = {change->file->meta.number, change->instance, change->level};
            status = edit_remove_file(&install->edit, &removed);
        }
    }
    return status;
}

static enum status list_trees(struct edit *edit, const struct mem *flushed) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < flushed->change_count && status == STATUS_OK; i++)
        if (!flushed->changes[i].drop) status = edit_create_tree(edit, &flushed->changes[i].tree);
    for (size_t i = 0; i < flushed->change_count && status == STATUS_OK; i++)
        if (flushed->changes[i].drop) status = edit_drop_tree(edit, flushed->changes[i].tree.instance);
    edit->has_mark = true;
    edit->mark = flushed->mark;
    edit->last_sequence = flushed->last_sequence;
    return status;
}

static uint32_t instance_after(uint32_t next, const struct mem *flushed) {
    for (size_t i = 0; flushed && i < flushed->change_count; i++)
        if (flushed->changes[i].tree.instance >= next) next = flushed->changes[i].tree.instance + 1;
    return next;
}

static enum status complete_edit(struct engine *engine, struct install *install, const struct mem *flushed) {
    struct edit *edit = &install->edit;
    edit->number = engine->last_edit + 1;
    edit->next_instance = instance_after(engine->installed_instance, flushed);
    mutex_lock(&engine->mutex);
    edit->next_file = engine->next_file + STORE_FILE_RESERVE;
    edit->time_ms = flushed ? flushed->mark.time_ms : engine->installed.time_ms;
    mutex_unlock(&engine->mutex);
    if (install->sequence) {
        edit->has_mark = true;
        edit->mark = engine->installed; /* the leader of the commit queue waits for us: nothing changes it */
        edit->last_sequence = install->sequence;
    }
    const enum status status = flushed ? list_trees(edit, flushed) : STATUS_OK;
    return status == STATUS_OK ? list_files(engine, install) : status;
}

static bool says_something(const struct install *install, const struct mem *flushed) {
    return flushed || install->edit.added_count || install->edit.removed_count || install->edit.format_level ||
           install->edit.cause == EDIT_RESERVE;
}

static enum status write_edit(struct engine *engine, struct install *install, const struct mem *flushed) {
    const enum status complete = complete_edit(engine, install, flushed);
    if (complete != STATUS_OK || !says_something(install, flushed)) return complete;
    const enum status status = manifest_append(engine->manifest, &install->edit);
    if (status == STATUS_NO_MEMORY || status == STATUS_TOO_LARGE || status == STATUS_NO_SPACE) return status;
    if (status != STATUS_OK) {
        store_fail(engine, status, "the manifest can't be written: %s", status_text(status));
        return status;
    }
    if (install->edit.format_level) atomic_store(&engine->format_level, install->edit.format_level);
    engine->last_edit = install->edit.number;
    engine->installed_instance = install->edit.next_instance;
    mutex_lock(&engine->mutex);
    engine->reserved_file = install->edit.next_file;
    mutex_unlock(&engine->mutex);
    return STATUS_OK;
}

/* ---- Showing it -------------------------------------------------------------------------------------------------- */

/* REQUIRES: mutex. */
static void note_flushed(struct engine *engine, struct mem *flushed) {
    check(engine->sealed_count > 0 && engine->sealed[0] == flushed);
    for (uint32_t i = 1; i < engine->sealed_count; i++) engine->sealed[i - 1] = engine->sealed[i];
    engine->sealed_count--;
    engine->installed = flushed->mark;
    engine->installed_sequence = flushed->last_sequence;
    for (size_t i = 0; i < flushed->change_count; i++) {
        struct tree *tree = tree_table_by_instance(&engine->trees, flushed->changes[i].tree.instance);
        if (!tree) continue;
        tree->installed = true;
        if (flushed->changes[i].drop) tree->drop_installed = true;
    }
}

/* REQUIRES: install_lock. Makes `next` the version that everyone sees. */
static void show(struct engine *engine, struct version *next, struct view *view, struct mem *flushed,
                 struct departed *departed) {
    struct mem *sealed[VIEW_SEALED_MAX];
    mutex_lock(&engine->mutex);
    struct version *before = engine->version;
    engine->version = next;
    if (flushed) note_flushed(engine, flushed);
    if (departed->install->sequence) engine->installed_sequence = departed->install->sequence;
    for (uint32_t i = 0; i < engine->sealed_count; i++) sealed[i] = engine->sealed[engine->sealed_count - 1 - i];
    view_fill(view, next, engine->active, sealed, engine->sealed_count);
    if (view_publish(&engine->views, view)) store_job_start(engine, &engine->sweep_job);
    forget_departed(departed);
    gap_search_note_install(engine);
    pace_recount(engine);
    store_signal(engine);
    mutex_unlock(&engine->mutex);
    version_release(before);
    mem_release(flushed);
}

/* What was removed and not added again goes from disk with its last reader. */
static void mark_dead(const struct install *install) {
    for (size_t i = 0; i < install->count; i++)
        if (!install->changes[i].add) atomic_store(&install->changes[i].file->dead, true);
    for (size_t i = 0; i < install->count; i++)
        if (install->changes[i].add) atomic_store(&install->changes[i].file->dead, false);
    /* First what comes: a file of values that moves from one table to another is never without a life. */
    for (size_t i = 0; i < install->count; i++)
        if (install->changes[i].add) store_count_values(install->changes[i].file, true);
    for (size_t i = 0; i < install->count; i++)
        if (!install->changes[i].add) store_count_values(install->changes[i].file, false);
}

static void roll_if_long(struct engine *engine) {
    if (manifest_bytes(engine->manifest) < engine->manifest_first_bytes + engine->options.manifest_bytes) return;
    const enum status status = store_roll_manifest(engine);
    if (status == STATUS_OK) return;
    engine->manifest_first_bytes = manifest_bytes(engine->manifest); /* the old one goes on; try again later */
    store_note_error(engine, status, "no new manifest could be begun: %s", status_text(status));
}

static enum status install_locked(struct engine *engine, struct install *install, struct mem *flushed) {
    struct departed departed = {.engine = engine, .install = install};
    struct version *next = NULL;
    if (store_has_failed(engine)) return STATUS_READ_ONLY;
    struct view *view = view_reserve(&engine->views);
    enum status status = view ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK && install->complete)
        status = install->complete(install, engine->version, install->context);
    if (status == STATUS_OK) status = find_departed(&departed, flushed);
    if (status == STATUS_OK) status = version_apply(engine->version, install->changes, install->count, &next);
    if (status == STATUS_CORRUPT)
        store_fail(engine, status, "files of one level would overlap: a fault of the engine; nothing was changed");
    if (status == STATUS_OK) status = write_edit(engine, install, flushed);
    if (status == STATUS_OK) {
        mark_dead(install);
        note_known(install);
        show(engine, next, view, flushed, &departed);
        roll_if_long(engine);
    } else {
        version_release(next);
        view_discard(&engine->views, view);
    }
    free(departed.trees);
    return status;
}

enum status store_install(struct engine *engine, struct install *install, struct mem *flushed) {
    mutex_lock(&engine->install_lock);
    const enum status status = install_locked(engine, install, flushed);
    mutex_unlock(&engine->install_lock);
    if (status == STATUS_OK) {
        mutex_lock(&engine->mutex);
        store_job_start(engine, &engine->sweep_job);
        mutex_unlock(&engine->mutex);
    }
    return status;
}

static void visit_dropped(void *context, struct tree *tree) {
    struct departed *departed = context;
    const uint64_t dropped = atomic_load_explicit(&tree->dropped, memory_order_relaxed);
    if (dropped <= departed->flushed_sequence && dropped <= departed->oldest_snapshot) departed->count++;
}

void store_drop_departed(struct engine *engine) {
    struct departed departed = {.engine = engine};
    struct install install;
    mutex_lock(&engine->mutex);
    departed.flushed_sequence = engine->installed_sequence;
    departed.oldest_snapshot = list_is_empty(&engine->snapshots)
                                   ? UINT64_MAX
                                   : list_entry(engine->snapshots.next, struct engine_snapshot, link)->sequence;
    if (engine->trees.dropped > 0) tree_table_each(&engine->trees, visit_dropped, &departed);
    mutex_unlock(&engine->mutex);
    if (departed.count == 0) return;
    install_init(&install, EDIT_DROP);
    const enum status status = store_install(engine, &install, NULL);
    if (status != STATUS_OK)
        log_info(engine->log, "engine %s: dropped trees keep their files for now: %s", engine->dir,
                 status_text(status));
    install_deinit(&install);
}
