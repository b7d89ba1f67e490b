/* care_restore: a backup becomes a store again. The superblock comes last: until then the directory is no store. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/lsm/care_backup.h"
#include "engine/lsm/care_values.h"
#include "engine/lsm/file_names.h"

struct restore {
    struct io *io;
    const char *from, *dir;
    struct error *error;
    uint64_t bytes;
};

static enum status take_file(struct restore *restore, enum file_class class, uint64_t number) {
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    enum status status = file_path(from, restore->from, class, number);
    if (status == STATUS_OK) status = file_path(to, restore->dir, class, number);
    if (status != STATUS_OK || io_link(restore->io, from, to) == STATUS_OK) return status;
    return backup_copy_file(restore->io, from, to, &restore->bytes);
}

static enum status take_table(void *context, const struct edit_file *meta) {
    return take_file(context, FILE_SST, meta->number);
}

static enum status take_values(struct restore *restore, struct recovered *recovered) {
    struct edit_value_file *files = NULL;
    size_t count = 0;
    enum status status = care_state_values(recovered, &files, &count, restore->error);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) status = take_file(restore, FILE_VALUES, files[i].number);
    free(files);
    return status;
}

static enum status any_entry(void *context, const struct io_entry *entry) {
    (void)context, (void)entry;
    return STATUS_EXISTS;
}

static enum status make_empty(const struct restore *restore) {
    enum status status = io_dir_make(restore->io, restore->dir);
    if (status == STATUS_OK) return backup_sync_parent(restore->io, restore->dir);
    if (status == STATUS_EXISTS) status = io_dir_list(restore->io, restore->dir, any_entry, NULL);
    if (status == STATUS_EXISTS)
        return error_set(restore->error, status,
                         "%s: it is not empty; a backup is restored into a directory of its own", restore->dir);
    return status;
}

static enum status copy_rest(struct restore *restore, const struct care_state *state) {
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    struct io_entry entry;
    enum status status = file_path(from, restore->from, FILE_MANIFEST, state->superblock.manifest);
    if (status == STATUS_OK) status = file_path(to, restore->dir, FILE_MANIFEST, state->superblock.manifest);
    if (status == STATUS_OK) status = backup_copy_file(restore->io, from, to, &restore->bytes);
    if (status == STATUS_OK) status = care_log_dir(restore->from, from);
    if (status == STATUS_OK) status = care_log_dir(restore->dir, to);
    if (status == STATUS_OK && io_stat(restore->io, from, &entry) == STATUS_OK)
        status = backup_copy_dir(restore->io, from, to, &restore->bytes);
    return status == STATUS_OK ? io_dir_sync(restore->io, restore->dir) : status;
}

struct first_finding {
    struct error *error;
};

static void take_finding(void *context, const struct engine_finding *finding) {
    const struct first_finding *first = context;
    if (first->error->status == STATUS_OK)
        error_set(first->error, STATUS_CORRUPT, "%s: offset %llu: %s", finding->file,
                  (unsigned long long)finding->offset, finding->text);
}

static enum status run(struct restore *restore, struct care_state *state) {
    enum status status = make_empty(restore);
    if (status == STATUS_OK) status = recovered_each_file(&state->recovered, take_table, restore);
    if (status == STATUS_OK) status = take_values(restore, &state->recovered);
    if (status == STATUS_OK) status = copy_rest(restore, state);
    if (status == STATUS_OK) status = superblock_create(restore->io, restore->dir, &state->superblock);
    if (status != STATUS_OK) return status;
    struct first_finding first = {restore->error};
    const struct care_verify_options options = {.visit = take_finding, .context = &first};
    struct care_verify_report report;
    return engine_care_verify(restore->io, restore->dir, &options, &report, restore->error);
}

enum status engine_care_restore(struct io *io, const char *folder, uint64_t number, const char *dir,
                                struct error *error) {
    struct error unused;
    struct care_state state;
    char from[IO_PATH_BYTES];
    struct restore restore = {.io = io, .from = from, .dir = dir, .error = error ? error : &unused};
    *restore.error = (struct error){.status = STATUS_OK};
    enum status status = STATUS_OK;
    if (number == 0) status = backup_newest(io, folder, &number);
    if (status == STATUS_OK && number == 0) status = STATUS_NOT_FOUND;
    if (status != STATUS_OK) return error_set(error, status, "%s: no backup here", folder);
    status = backup_path(from, folder, number, "");
    if (status != STATUS_OK) return error_set(error, status, "%s: the path is too long", folder);
    status = care_state_load(&state, io, from, restore.error);
    if (status == STATUS_OK) status = run(&restore, &state);
    care_state_deinit(&state);
    if (status != STATUS_OK && restore.error->status == STATUS_OK)
        error_set(restore.error, status, "restore of %s to %s: %s", from, dir, status_text(status));
    return status;
}
