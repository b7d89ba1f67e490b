/* describe: the whole state as one edit, and new manifests that begin with it. Invariant: the edit describes what the
 * present manifest adds up to, nothing that was not installed. */
#include <stdlib.h>

#include "engine/lsm/expiry.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/store.h"

static struct slice name_of(const char *name) {
    return name ? slice_from_text(name) : slice_make(NULL, 0);
}

static enum status describe_kinds(const struct engine *engine, struct edit *edit) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < engine->options.kind_count && status == STATUS_OK; i++) {
        const struct engine_tree_kind *kind = &engine->options.kinds[i];
        const struct engine_filter *filter = expiry_kind_filter(kind);
        const struct edit_kind described = {.id = kind->id,
                                            .name = name_of(kind->name),
                                            .merge = name_of(kind->merge ? kind->merge->name : NULL),
                                            .filter = name_of(filter ? filter->name : NULL)};
        status = edit_add_kind(edit, &described);
    }
    return status;
}

struct describing {
    struct edit *edit;
    enum status status;
};

static void describe_tree(void *context, struct tree *tree) {
    struct describing *describing = context;
    if (!tree->installed || tree->drop_installed || describing->status != STATUS_OK) return;
    const struct edit_tree described = {.instance = tree->instance, .tree = tree->id, .kind = tree->kind->id};
    describing->status = edit_create_tree(describing->edit, &described);
}

static enum status describe_files(struct engine *engine, const struct tree_files *files, struct edit *edit) {
    mutex_lock(&engine->mutex);
    const struct tree *tree = tree_table_by_instance(&engine->trees, files->instance);
    const bool known = tree && tree->installed && !tree->drop_installed;
    mutex_unlock(&engine->mutex);
    for (uint32_t level = 0; known && level < ENGINE_LEVELS; level++) {
        for (uint32_t i = 0; i < files->levels[level].count; i++) {
            struct edit_file meta = files->levels[level].files[i]->meta;
            meta.level = level;
            const enum status status = edit_add_file(edit, &meta);
            if (status != STATUS_OK) return status;
        }
    }
    return STATUS_OK;
}

static void describe_values(void *context, struct value_file *file) {
    struct describing *describing = context;
    if (!file->known || atomic_load(&file->live_files) == 0 || describing->status != STATUS_OK) return;
    describing->status = edit_add_value_file(describing->edit, &file->meta);
}

static int compare_instances(const void *a, const void *b) {
    const struct edit_tree *x = a, *y = b;
    return (x->instance > y->instance) - (x->instance < y->instance);
}

enum status store_describe(struct engine *engine, const struct version *version, struct edit *edit) {
    struct describing describing = {.edit = edit, .status = describe_kinds(engine, edit)};
    edit->format_level = atomic_load(&engine->format_level);
    mutex_lock(&engine->mutex);
    edit->has_mark = true;
    edit->mark = engine->installed;
    edit->last_sequence = engine->installed_sequence;
    edit->time_ms = engine->installed.time_ms;
    edit->next_file = engine->next_file + STORE_FILE_RESERVE;
    edit->next_instance = engine->installed_instance;
    tree_table_each(&engine->trees, describe_tree, &describing);
    mutex_unlock(&engine->mutex);
    if (edit->created_count > 1) qsort(edit->created, edit->created_count, sizeof *edit->created, compare_instances);
    for (size_t i = 0; i < version->count && describing.status == STATUS_OK; i++)
        describing.status = describe_files(engine, version->trees[i], edit);
    value_table_each(&engine->values, describe_values, &describing);
    return describing.status;
}

/* The number for a manifest comes from the same counter; the edit that begins it sets the next ones aside. */
static uint64_t take_number(struct engine *engine) {
    mutex_lock(&engine->mutex);
    const uint64_t number = engine->next_file++;
    mutex_unlock(&engine->mutex);
    return number;
}

static enum status begin_manifest(struct engine *engine, struct superblock *superblock, const struct edit *edit,
                                  struct manifest **manifest) {
    const struct manifest_id id = {superblock->store, superblock->manifest, superblock->generation};
    enum status status = manifest_create(engine->io, engine->dir, &id, edit, manifest);
    if (status == STATUS_OK) status = io_dir_sync(engine->io, engine->dir);
    if (status == STATUS_OK) superblock->manifest_bytes = manifest_bytes(*manifest);
    return status;
}

static void adopt_manifest(struct engine *engine, const struct superblock *superblock, const struct edit *edit,
                           struct manifest *manifest) {
    manifest_close(engine->manifest);
    engine->manifest = manifest;
    engine->manifest_first_bytes = manifest_bytes(manifest);
    engine->superblock = *superblock;
    engine->last_edit = edit->number;
    mutex_lock(&engine->mutex);
    engine->reserved_file = edit->next_file;
    mutex_unlock(&engine->mutex);
}

/* The first manifest makes the superblock; a later one switches it, and its predecessor goes. */
static enum status switch_to(struct engine *engine, const struct superblock *superblock) {
    char path[IO_PATH_BYTES];
    const uint64_t old = engine->superblock.manifest;
    if (engine->superblock.generation == 0) return superblock_create(engine->io, engine->dir, superblock);
    const enum status status = superblock_write(engine->io, engine->dir, superblock);
    if (status != STATUS_OK) return status;
    if (file_path(path, engine->dir, FILE_MANIFEST, old) == STATUS_OK && io_remove(engine->io, path) != STATUS_OK)
        log_warn(engine->log, "engine %s: %s can't be removed", engine->dir,
                 path); /* an orphan: the next open removes it */
    return STATUS_OK;
}

/* A manifest that no superblock names: it takes room that may be what was missing. */
static void remove_unnamed(struct engine *engine, uint64_t number) {
    char path[IO_PATH_BYTES];
    if (store_has_failed(engine) || file_path(path, engine->dir, FILE_MANIFEST, number) != STATUS_OK) return;
    const enum status status = io_remove(engine->io, path);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        log_warn(engine->log, "engine %s: %s can't be removed: %s", engine->dir, path, status_text(status));
}

void store_roll_begin(struct engine *engine, struct manifest_roll *roll) {
    *roll = (struct manifest_roll){.next = engine->superblock};
    edit_init(&roll->edit, roll->next.generation == 0 ? EDIT_CREATE : EDIT_SNAPSHOT);
    roll->next.store = engine->store;
    roll->next.generation++;
    roll->next.manifest = take_number(engine);
    roll->status = store_describe(engine, engine->version, &roll->edit);
    roll->edit.number = engine->last_edit + 1;
}

void store_roll_write(struct engine *engine, struct manifest_roll *roll) {
    if (roll->status == STATUS_OK) roll->status = begin_manifest(engine, &roll->next, &roll->edit, &roll->manifest);
    if (roll->status != STATUS_OK) return;
    roll->status = switch_to(engine, &roll->next);
    if (roll->status != STATUS_OK)
        store_fail(engine, roll->status, "the superblock can't be written: %s", status_text(roll->status));
}

enum status store_roll_end(struct engine *engine, struct manifest_roll *roll) {
    if (roll->status == STATUS_OK)
        adopt_manifest(engine, &roll->next, &roll->edit, roll->manifest);
    else
        manifest_close(roll->manifest);
    if (roll->status != STATUS_OK) remove_unnamed(engine, roll->next.manifest);
    edit_deinit(&roll->edit);
    return roll->status;
}

enum status store_roll_manifest(struct engine *engine) {
    struct manifest_roll roll;
    store_roll_begin(engine, &roll);
    store_roll_write(engine, &roll);
    return store_roll_end(engine, &roll);
}
