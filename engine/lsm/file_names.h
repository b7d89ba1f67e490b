/*
 * file_names: what the files of a store are called. Numbers come from one counter, so that no two files of a store, of
 * whatever kind, ever share one.
 */
#ifndef ENGINE_LSM_FILE_NAMES_H
#define ENGINE_LSM_FILE_NAMES_H

#include "engine/io.h"

enum file_class {
    FILE_SST,
    FILE_VALUES, /* kept apart from their keys */
    FILE_MANIFEST,
    FILE_SUPERBLOCK,
    FILE_TEMPORARY, /* a superblock in the making */
    FILE_OPTIONS,
    FILE_OPTIONS_NEW, /* options in the making */
    FILE_EVENTS,
    FILE_EVENTS_OLD,
    FILE_FOREIGN,
};

#define FILE_NAME_SUPERBLOCK "SUPERBLOCK"
#define FILE_NAME_SUPERBLOCK_NEW "SUPERBLOCK.new"
#define FILE_NAME_OPTIONS "OPTIONS"
#define FILE_NAME_OPTIONS_NEW "OPTIONS.new"
#define FILE_NAME_EVENTS "EVENTS"
#define FILE_NAME_EVENTS_OLD "EVENTS.1"
#define FILE_NAME_LOG_DIR "wal"

/* "dir/0000000012.sst"; TOO_LARGE if it does not fit in IO_PATH_BYTES. FILE_SST, FILE_VALUES and FILE_MANIFEST take the
 * number. */
MUST_CHECK enum status file_path(char path[IO_PATH_BYTES], const char *dir, enum file_class class, uint64_t number);

/* What `name` (without a folder) is; *number is set for SST, VALUES and MANIFEST. */
enum file_class file_classify(const char *name, uint64_t *number);

#endif
