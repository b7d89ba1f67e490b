/*
 * checkpoint: a store of its own that holds the last installed state. Files are hard-linked; a manifest and a
 * superblock are made anew, the superblock last, so that a directory without one is nothing yet and may be removed.
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/lsm/file_names.h"
#include "engine/lsm/store.h"

static enum status link_files(struct engine *engine, const char *dir, const struct edit *edit) {
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    enum status status = STATUS_OK;
    for (size_t i = 0; i < edit->added_count && status == STATUS_OK; i++) {
        status = store_file_path(engine, edit->added[i].number, from);
        if (status == STATUS_OK) status = file_path(to, dir, FILE_SST, edit->added[i].number);
        if (status == STATUS_OK) status = io_link(engine->io, from, to);
    }
    for (size_t i = 0; i < edit->value_file_count && status == STATUS_OK; i++) {
        status = file_path(from, engine->dir, FILE_VALUES, edit->value_files[i].number);
        if (status == STATUS_OK) status = file_path(to, dir, FILE_VALUES, edit->value_files[i].number);
        if (status == STATUS_OK) status = io_link(engine->io, from, to);
    }
    return status;
}

/* Numbers go on from where the original's are: its files keep theirs. */
static enum status write_manifest(struct engine *engine, const char *dir, struct edit *edit) {
    struct superblock superblock = {.generation = 1, .manifest = edit->next_file};
    struct manifest *manifest = NULL;
    io_entropy(engine->io, &superblock.store, sizeof superblock.store);
    const struct manifest_id id = {superblock.store, superblock.manifest, superblock.generation};
    edit->number = 1;
    edit->cause = EDIT_CHECKPOINT;
    edit->next_file = superblock.manifest + 1;
    enum status status = manifest_create(engine->io, dir, &id, edit, &manifest);
    if (status != STATUS_OK) return status;
    superblock.manifest_bytes = manifest_bytes(manifest);
    manifest_close(manifest);
    status = io_dir_sync(engine->io, dir);
    return status == STATUS_OK ? superblock_create(engine->io, dir, &superblock) : status;
}

/* The installed state, described while nothing changes it; its files are held by *view. */
static enum status describe(struct engine *engine, struct edit *edit, struct view **view) {
    mutex_lock(&engine->install_lock);
    *view = view_acquire(&engine->views);
    const enum status status = store_describe(engine, engine->version, edit);
    mutex_unlock(&engine->install_lock);
    return status;
}

static enum status sync_parent_of(struct engine *engine, const char *dir) {
    char parent[IO_PATH_BYTES];
    const int length = snprintf(parent, sizeof parent, "%s", dir);
    if (length < 0 || (size_t)length >= sizeof parent) return STATUS_TOO_LARGE;
    char *slash = strrchr(parent, '/');
    if (!slash) return io_dir_sync(engine->io, ".");
    slash[slash == parent ? 1 : 0] = 0;
    return io_dir_sync(engine->io, parent);
}

enum status engine_checkpoint(struct engine *engine, const char *dir, struct engine_mark *mark, struct error *error) {
    struct edit edit;
    struct view *view = NULL;
    edit_init(&edit, EDIT_CHECKPOINT);
    enum status status = io_dir_make(engine->io, dir);
    if (status == STATUS_OK) status = describe(engine, &edit, &view);
    if (status == STATUS_OK) status = link_files(engine, dir, &edit);
    if (status == STATUS_OK) status = write_manifest(engine, dir, &edit);
    if (status == STATUS_OK) status = sync_parent_of(engine, dir);
    if (status == STATUS_OK && mark) *mark = edit.mark;
    if (view) store_release_view(engine, view);
    edit_deinit(&edit);
    if (status != STATUS_OK) error_set(error, status, "checkpoint %s: %s", dir, status_text(status));
    return status;
}
