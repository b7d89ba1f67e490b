/*
 * care_backup: backups of a running store and of one at rest. Order: tables and files of values, each synced and
 * verified; manifest; log; directory; superblock; and only then the name by which the backup counts.
 */
#include "engine/lsm/care_backup.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/lsm/care_values.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/manifest.h"
#include "engine/lsm/store.h"

struct backup {
    struct io *io;
    const char *from, *folder;
    const struct backup_options *options;
    struct backup_report *report;
    struct error *error;
    struct io_lock *lock; /* of the folder */
    struct sst_environment environment;
    uint64_t before;                               /* number of the backup that tables may be linked from; 0 = none */
    struct care_state last;                        /* what it holds */
    char dir[IO_PATH_BYTES], named[IO_PATH_BYTES]; /* being made; its name in the end */
};

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static enum status same_as(void *context, const struct edit_file *meta) {
    const struct edit_file *wanted = context;
    const bool same = meta->number == wanted->number && meta->store == wanted->store && meta->bytes == wanted->bytes &&
                      edit_file_identity(meta) == edit_file_identity(wanted);
    return same ? STATUS_END : STATUS_OK;
}

/* The backup before has the very table: same builder, same number there. */
static bool is_in_last(struct backup *backup, const struct edit_file *meta) {
    if (backup->before == 0 || !recovered_has_file(&backup->last.recovered, meta->number)) return false;
    struct edit_file wanted = *meta;
    return recovered_each_file(&backup->last.recovered, same_as, &wanted) == STATUS_END;
}

static void find(void *context, const char *path, uint64_t offset, const char *text) {
    struct backup *backup = context;
    if (backup->error->status == STATUS_OK)
        error_set(backup->error, STATUS_CORRUPT, "%s: offset %llu: %s", path, (unsigned long long)offset, text);
}

static enum status verify(struct backup *backup, const char *path, const struct edit_file *meta) {
    const struct care_sink sink = {find, backup};
    const struct care_table table = {.environment = &backup->environment, .sink = &sink, .path = path, .meta = meta};
    return care_table_verify(&table, NULL);
}

static enum status take_table(struct backup *backup, const struct edit_file *meta) {
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES], before[IO_PATH_BYTES], earlier[IO_PATH_BYTES];
    enum status status = file_path(from, backup->from, FILE_SST, meta->number);
    if (status == STATUS_OK) status = file_path(to, backup->dir, FILE_SST, meta->number);
    if (status != STATUS_OK) return status;
    backup->report->tables++;
    if (is_in_last(backup, meta)) {
        status = backup_path(before, backup->folder, backup->before, "");
        if (status == STATUS_OK) status = file_path(earlier, before, FILE_SST, meta->number);
        if (status == STATUS_OK) status = io_link(backup->io, earlier, to);
        if (status == STATUS_OK) {
            backup->report->linked_tables++;
            backup->report->linked_bytes += meta->bytes;
            return backup->options->verify_all ? verify(backup, to, meta) : STATUS_OK;
        }
    }
    status = backup_copy_file(backup->io, from, to, &backup->report->copied_bytes);
    return status == STATUS_OK ? verify(backup, to, meta) : status;
}

static enum status take_listed(void *context, const struct edit_file *meta) {
    return take_table(context, meta);
}

/* ---- Values kept apart ------------------------------------------------------------------------------------------- */

static bool last_has_values(struct backup *backup, const struct edit_value_file *meta) {
    const struct edit_value_file *file =
        backup->before ? recovered_value_file(&backup->last.recovered, meta->number) : NULL;
    return file && file->store == meta->store && file->bytes == meta->bytes && file->records == meta->records;
}

static enum status verify_values(struct backup *backup, const char *path, const struct edit_value_file *meta) {
    const struct care_sink sink = {find, backup};
    return care_values_verify(&backup->environment, path, meta, &sink);
}

/* As take_table: a link to the copy in the backup before, or a copy. */
static enum status take_values(struct backup *backup, const struct edit_value_file *meta) {
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES], before[IO_PATH_BYTES], earlier[IO_PATH_BYTES];
    enum status status = file_path(from, backup->from, FILE_VALUES, meta->number);
    if (status == STATUS_OK) status = file_path(to, backup->dir, FILE_VALUES, meta->number);
    if (status != STATUS_OK) return status;
    backup->report->value_files++;
    if (last_has_values(backup, meta)) {
        status = backup_path(before, backup->folder, backup->before, "");
        if (status == STATUS_OK) status = file_path(earlier, before, FILE_VALUES, meta->number);
        if (status == STATUS_OK) status = io_link(backup->io, earlier, to);
        if (status == STATUS_OK) {
            backup->report->linked_value_files++;
            backup->report->linked_bytes += meta->bytes;
            return backup->options->verify_all ? verify_values(backup, to, meta) : STATUS_OK;
        }
    }
    status = backup_copy_file(backup->io, from, to, &backup->report->copied_bytes);
    return status == STATUS_OK ? verify_values(backup, to, meta) : status;
}

static enum status take_listed_values(struct backup *backup, struct recovered *recovered) {
    struct edit_value_file *files = NULL;
    size_t count = 0;
    enum status status = care_state_values(recovered, &files, &count, backup->error);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) status = take_values(backup, &files[i]);
    free(files);
    return status;
}

/* ---- Before and after -------------------------------------------------------------------------------------------- */

static enum status begin(struct backup *backup) {
    struct error unheard;
    enum status status = io_dir_make(backup->io, backup->folder);
    if (status == STATUS_OK) status = backup_sync_parent(backup->io, backup->folder);
    if (status == STATUS_EXISTS) status = STATUS_OK;
    if (status == STATUS_OK) status = io_dir_lock(backup->io, backup->folder, &backup->lock, backup->error);
    if (status == STATUS_OK) status = backup_newest(backup->io, backup->folder, &backup->before);
    if (status != STATUS_OK) return status;
    backup->report->number = backup->before + 1;
    char last[IO_PATH_BYTES];
    status = backup_path(last, backup->folder, backup->before, "");
    if (status == STATUS_OK) status = backup_path(backup->named, backup->folder, backup->report->number, "");
    if (status == STATUS_OK) status = backup_path(backup->dir, backup->folder, backup->report->number, ".new");
    if (status != STATUS_OK) return status;
    /* One that can't be read is linked from no more; what it has is copied anew. */
    if (backup->before && care_state_load(&backup->last, backup->io, last, &unheard) != STATUS_OK) backup->before = 0;
    status = backup_remove(backup->io, backup->dir); /* of a backup that did not come to its end */
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) status = io_dir_make(backup->io, backup->dir);
    backup->environment = (struct sst_environment){.io = backup->io, .codec = codec_create()};
    return status == STATUS_OK && !backup->environment.codec ? STATUS_NO_MEMORY : status;
}

struct pruning {
    const struct backup *backup;
    uint64_t count, left;
};

static enum status count_one(void *context, uint64_t number) {
    struct pruning *pruning = context;
    (void)number;
    pruning->count++;
    return STATUS_OK;
}

static enum status prune_one(void *context, uint64_t number) {
    struct pruning *pruning = context;
    char path[IO_PATH_BYTES];
    if (pruning->count <= pruning->left) return STATUS_END;
    enum status status = backup_path(path, pruning->backup->folder, number, "");
    if (status == STATUS_OK) status = backup_remove(pruning->backup->io, path);
    pruning->count--;
    if (status == STATUS_OK) pruning->backup->report->pruned++;
    return status;
}

static enum status prune(const struct backup *backup) {
    struct pruning pruning = {.backup = backup, .left = backup->options->keep};
    if (pruning.left == 0) return STATUS_OK;
    enum status status = engine_care_list_backups(backup->io, backup->folder, count_one, &pruning);
    if (status == STATUS_OK) status = engine_care_list_backups(backup->io, backup->folder, prune_one, &pruning);
    if (status == STATUS_END) status = STATUS_OK;
    return status == STATUS_OK ? io_dir_sync(backup->io, backup->folder) : status;
}

/* All but the superblock is in the directory. */
static enum status finish(struct backup *backup, const struct superblock *superblock) {
    enum status status = io_dir_sync(backup->io, backup->dir);
    if (status == STATUS_OK) status = superblock_create(backup->io, backup->dir, superblock);
    if (status == STATUS_OK) status = io_rename(backup->io, backup->dir, backup->named);
    if (status == STATUS_OK) status = io_dir_sync(backup->io, backup->folder);
    return status == STATUS_OK ? prune(backup) : status;
}

static enum status end(struct backup *backup, enum status status) {
    codec_destroy(backup->environment.codec);
    if (backup->before) care_state_deinit(&backup->last);
    if (backup->lock) io_unlock(backup->lock);
    if (status != STATUS_OK && backup->error->status == STATUS_OK)
        error_set(backup->error, status, "backup of %s into %s: %s", backup->from, backup->folder, status_text(status));
    return status;
}

/* ---- A running store --------------------------------------------------------------------------------------------- */

static enum status write_manifest(struct backup *backup, struct edit *edit, struct superblock *superblock) {
    struct manifest *manifest = NULL;
    *superblock = (struct superblock){.generation = 1, .manifest = edit->next_file};
    io_entropy(backup->io, &superblock->store, sizeof superblock->store);
    const struct manifest_id id = {superblock->store, superblock->manifest, superblock->generation};
    edit->number = 1;
    edit->cause = EDIT_CHECKPOINT;
    edit->next_file = superblock->manifest + 1;
    const enum status status = manifest_create(backup->io, backup->dir, &id, edit, &manifest);
    if (status == STATUS_OK) superblock->manifest_bytes = manifest_bytes(manifest);
    manifest_close(manifest);
    return status;
}

static enum status take_running(struct backup *backup, struct engine *engine) {
    struct superblock superblock;
    struct edit edit;
    edit_init(&edit, EDIT_CHECKPOINT);
    mutex_lock(&engine->install_lock);
    struct view *view = view_acquire(&engine->views); /* keeps the tables */
    enum status status = store_describe(engine, engine->version, &edit);
    mutex_unlock(&engine->install_lock);
    for (size_t i = 0; i < edit.added_count && status == STATUS_OK; i++) status = take_table(backup, &edit.added[i]);
    for (size_t i = 0; i < edit.value_file_count && status == STATUS_OK; i++)
        status = take_values(backup, &edit.value_files[i]);
    backup->report->mark = edit.mark;
    if (status == STATUS_OK) status = write_manifest(backup, &edit, &superblock);
    if (status == STATUS_OK) status = finish(backup, &superblock);
    store_release_view(engine, view);
    edit_deinit(&edit);
    return status;
}

static void tell(struct engine *engine, const struct backup *backup, enum status status) {
    struct event event;
    event_begin(&event, engine, "backup");
    event_text(&event, "folder", backup->folder);
    event_number(&event, "number", backup->report->number);
    event_number(&event, "tables", backup->report->tables);
    event_number(&event, "value_files", backup->report->value_files);
    event_number(&event, "copied_bytes", backup->report->copied_bytes);
    event_number(&event, "linked_bytes", backup->report->linked_bytes);
    event_text(&event, "result", status_text(status));
    event_end(&event);
}

enum status engine_backup(struct engine *engine, const char *folder, const struct backup_options *options,
                          struct backup_report *report, struct error *error) {
    static const struct backup_options defaults = {.keep = 0};
    struct error unused;
    struct backup backup = {.io = engine->io, .from = engine->dir, .folder = folder, .report = report};
    backup.options = options ? options : &defaults;
    backup.error = error ? error : &unused;
    *backup.error = (struct error){.status = STATUS_OK};
    *report = (struct backup_report){.number = 0};
    enum status status = STATUS_OK;
    if (engine->options.wal == ENGINE_WAL_OWN && !engine->options.read_only) status = engine_flush(engine);
    if (status == STATUS_OK) status = begin(&backup);
    if (status == STATUS_OK) status = take_running(&backup, engine);
    tell(engine, &backup, status);
    return end(&backup, status);
}

/* ---- A store at rest --------------------------------------------------------------------------------------------- */

static enum status copy_rest(struct backup *backup, const struct care_state *state) {
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    struct io_entry entry;
    enum status status = file_path(from, backup->from, FILE_MANIFEST, state->superblock.manifest);
    if (status == STATUS_OK) status = file_path(to, backup->dir, FILE_MANIFEST, state->superblock.manifest);
    if (status == STATUS_OK) status = backup_copy_file(backup->io, from, to, &backup->report->copied_bytes);
    if (status == STATUS_OK) status = care_log_dir(backup->from, from);
    if (status == STATUS_OK) status = care_log_dir(backup->dir, to);
    if (status != STATUS_OK) return status;
    status = io_stat(backup->io, from, &entry);
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* the log is an owner's */
    return status == STATUS_OK ? backup_copy_dir(backup->io, from, to, &backup->report->copied_bytes) : status;
}

enum status engine_care_backup(struct io *io, const char *dir, const char *folder, const struct backup_options *options,
                               struct backup_report *report, struct error *error) {
    static const struct backup_options defaults = {.keep = 0};
    struct error unused;
    struct care_state state;
    struct io_lock *lock = NULL;
    struct backup backup = {.io = io, .from = dir, .folder = folder, .report = report};
    backup.options = options ? options : &defaults;
    backup.error = error ? error : &unused;
    *backup.error = (struct error){.status = STATUS_OK};
    *report = (struct backup_report){.number = 0};
    enum status status = care_find_store(io, dir, backup.error);
    if (status == STATUS_OK) status = io_dir_lock(io, dir, &lock, backup.error);
    if (status != STATUS_OK) return end(&backup, status);
    status = care_state_load(&state, io, dir, backup.error);
    if (status == STATUS_OK) status = begin(&backup);
    if (status == STATUS_OK) status = recovered_each_file(&state.recovered, take_listed, &backup);
    if (status == STATUS_OK) status = take_listed_values(&backup, &state.recovered);
    if (status == STATUS_OK) status = copy_rest(&backup, &state);
    report->mark = state.recovered.mark;
    if (status == STATUS_OK) status = finish(&backup, &state.superblock);
    care_state_deinit(&state);
    io_unlock(lock);
    return end(&backup, status);
}
