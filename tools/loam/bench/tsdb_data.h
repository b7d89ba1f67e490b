/*
 * tsdb_data: the series that `loam bench tsdb` gives to every system: the files *.csv of a directory, each sorted by
 * time and with one sample a time (the first), so that all of them can take all of it.
 */
#ifndef TOOLS_LOAM_BENCH_TSDB_DATA_H
#define TOOLS_LOAM_BENCH_TSDB_DATA_H

#include "tools/loam/import/series_files.h"
#include "tools/loam/import/series_line.h"

struct tsdb_series {
    const char *name; /* borrowed from files */
    int64_t *times_ms;
    double *values;
    char (*texts)[32]; /* of the values, as the file writes them */
    size_t count;
};

struct tsdb_data {
    struct series_files files;
    struct tsdb_series *series; /* files.count of them */
    size_t sample_count;
};

/* NOT_FOUND with words when the directory is absent. */
MUST_CHECK enum status tsdb_data_load(struct tsdb_data *data, struct io *io, const char *dir, struct error *error);
void tsdb_data_deinit(struct tsdb_data *data); /* of a zeroed or loaded one */

#endif
