/*
 * care_backup: the folder of backups: numbers, names, copying. Used by care_backup.c, which makes backups of either
 * kind, and care_restore.c.
 */
#ifndef ENGINE_LSM_CARE_BACKUP_H
#define ENGINE_LSM_CARE_BACKUP_H

#include "engine/lsm/care_state.h"

/* "folder/0000000012" and the suffix. */
MUST_CHECK enum status backup_path(char path[IO_PATH_BYTES], const char *folder, uint64_t number, const char *suffix);
/* The highest number of a whole backup; 0 = there is none. */
MUST_CHECK enum status backup_newest(struct io *io, const char *folder, uint64_t *number);
/* Removes a directory of files and of directories of files, its superblock first. */
MUST_CHECK enum status backup_remove(struct io *io, const char *dir);
/* Copies content, durable when OK; *bytes is added to. */
MUST_CHECK enum status backup_copy_file(struct io *io, const char *from, const char *to, uint64_t *bytes);
/* Every file of a flat directory; `to` is made. */
MUST_CHECK enum status backup_copy_dir(struct io *io, const char *from, const char *to, uint64_t *bytes);
/* The directory that holds `path` ("." for a plain name). */
MUST_CHECK enum status backup_sync_parent(struct io *io, const char *path);

#endif
