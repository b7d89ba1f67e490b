/* series_files: which files `loam import` reads as time series, and the series that each goes to. */
#ifndef TOOLS_LOAM_IMPORT_SERIES_FILES_H
#define TOOLS_LOAM_IMPORT_SERIES_FILES_H

#include "engine/io.h"

struct series_file {
    char *path;   /* owned */
    char *series; /* owned */
    uint64_t size_bytes;
    bool first_of_series; /* no earlier file goes to the same one */
};

struct series_files {
    struct series_file *files;
    size_t count, capacity;
    uint64_t size_bytes; /* of all */
};

void series_files_deinit(struct series_files *files);

/*
 * Adds a file, or the files *.csv of a directory, sorted by name. `pattern` names the series: each "%" in it stands for
 * the file's name without folder and ".csv"; NULL = "%".
 */
MUST_CHECK enum status series_files_add(struct series_files *files, struct io *io, const char *path,
                                        const char *pattern, struct error *error);

#endif
