/* care_files: the folder of backups, and copying. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/lsm/care_backup.h"
#include "engine/lsm/file_names.h"

enum { COPY_BYTES = 1 << 20, BACKUP_DIGITS = 10 };

enum status backup_path(char path[IO_PATH_BYTES], const char *folder, uint64_t number, const char *suffix) {
    const int length = snprintf(path, IO_PATH_BYTES, "%s/%0*" PRIu64 "%s", folder, BACKUP_DIGITS, number, suffix);
    return length > 0 && length < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}

static enum status join(char path[IO_PATH_BYTES], const char *dir, const char *name) {
    const int length = snprintf(path, IO_PATH_BYTES, "%s/%s", dir, name);
    return length > 0 && length < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}

enum status backup_sync_parent(struct io *io, const char *path) {
    char parent[IO_PATH_BYTES];
    const int length = snprintf(parent, sizeof parent, "%s", path);
    if (length < 0 || (size_t)length >= sizeof parent) return STATUS_TOO_LARGE;
    char *slash = strrchr(parent, '/');
    if (!slash) return io_dir_sync(io, ".");
    slash[slash == parent ? 1 : 0] = 0;
    return io_dir_sync(io, parent);
}

/* ---- The folder -------------------------------------------------------------------------------------------------- */

struct listing {
    enum status (*visit)(void *context, uint64_t number);
    void *context;
};

static enum status note_backup(void *context, const struct io_entry *entry) {
    const struct listing *listing = context;
    uint64_t number = 0;
    size_t digits = 0;
    for (; entry->name[digits] >= '0' && entry->name[digits] <= '9' && number < UINT64_MAX / 100; digits++)
        number = number * 10 + (uint64_t)(entry->name[digits] - '0');
    if (entry->kind != IO_ENTRY_DIR || digits < BACKUP_DIGITS || entry->name[digits] != 0) return STATUS_OK;
    return listing->visit(listing->context, number);
}

enum status engine_care_list_backups(struct io *io, const char *folder,
                                     enum status (*visit)(void *context, uint64_t number), void *context) {
    struct listing listing = {visit, context};
    return io_dir_list(io, folder, note_backup, &listing);
}

static enum status note_newest(void *context, uint64_t number) {
    uint64_t *newest = context;
    if (number > *newest) *newest = number;
    return STATUS_OK;
}

enum status backup_newest(struct io *io, const char *folder, uint64_t *number) {
    *number = 0;
    return engine_care_list_backups(io, folder, note_newest, number);
}

/* ---- Removing ---------------------------------------------------------------------------------------------------- */

struct walk {
    struct io *io;
    const char *from, *to; /* to: of a copy */
    uint64_t *bytes;
};

static enum status remove_entry(void *context, const struct io_entry *entry) {
    const struct walk *walk = context;
    char path[IO_PATH_BYTES];
    const enum status status = join(path, walk->from, entry->name);
    if (status != STATUS_OK) return status;
    return entry->kind == IO_ENTRY_DIR ? backup_remove(walk->io, path) : io_remove(walk->io, path);
}

enum status backup_remove(struct io *io, const char *dir) {
    struct walk walk = {.io = io, .from = dir};
    char path[IO_PATH_BYTES];
    enum status status = file_path(path, dir, FILE_SUPERBLOCK, 0);
    if (status == STATUS_OK) status = io_remove(io, path);
    if (status == STATUS_OK) status = io_dir_sync(io, dir); /* from here on it is no store */
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) status = io_dir_list(io, dir, remove_entry, &walk);
    return status == STATUS_OK ? io_remove(io, dir) : status;
}

/* ---- Copying ----------------------------------------------------------------------------------------------------- */

static enum status copy_content(struct io_file *from, struct io_file *to, uint64_t *bytes) {
    uint8_t *room = malloc(COPY_BYTES);
    enum status status = room ? STATUS_OK : STATUS_NO_MEMORY;
    size_t got = COPY_BYTES;
    for (uint64_t at = 0; status == STATUS_OK && got == COPY_BYTES; at += got) {
        status = io_file_read(from, at, room, COPY_BYTES, &got);
        if (status == STATUS_OK && got > 0) status = io_file_write(to, at, room, got);
        if (status == STATUS_OK) *bytes += got;
    }
    free(room);
    return status == STATUS_OK ? io_file_sync(to) : status;
}

enum status backup_copy_file(struct io *io, const char *from, const char *to, uint64_t *bytes) {
    struct io_file *source = NULL, *copy = NULL;
    enum status status = io_file_open(io, from, IO_OPEN_READ, &source);
    if (status == STATUS_OK) status = io_file_open(io, to, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &copy);
    if (status == STATUS_OK) status = copy_content(source, copy, bytes);
    io_file_close(source);
    io_file_close(copy);
    return status;
}

static enum status copy_entry(void *context, const struct io_entry *entry) {
    const struct walk *walk = context;
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    if (entry->kind != IO_ENTRY_FILE) return STATUS_OK;
    enum status status = join(from, walk->from, entry->name);
    if (status == STATUS_OK) status = join(to, walk->to, entry->name);
    return status == STATUS_OK ? backup_copy_file(walk->io, from, to, walk->bytes) : status;
}

enum status backup_copy_dir(struct io *io, const char *from, const char *to, uint64_t *bytes) {
    struct walk walk = {io, from, to, bytes};
    enum status status = io_dir_make(io, to);
    if (status == STATUS_OK) status = io_dir_list(io, from, copy_entry, &walk);
    return status == STATUS_OK ? io_dir_sync(io, to) : status;
}
