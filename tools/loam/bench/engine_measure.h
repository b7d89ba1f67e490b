/*
 * engine_measure: what the kernel tells of this process and of a directory. All of it is 0 or false where it does not
 * tell.
 */
#ifndef TOOLS_LOAM_BENCH_ENGINE_MEASURE_H
#define TOOLS_LOAM_BENCH_ENGINE_MEASURE_H

#include "engine/io.h"

/* User and system time of all threads, to the microsecond. */
uint64_t measure_cpu_ns(void);
/* Bytes for which pages of files became dirty or that went past the cache: what the process caused to be written. A
 * page that is changed again before it is written counts once. */
bool measure_written(struct io *io, uint64_t *bytes);
/* The peak of resident memory since measure_reset_peak. */
uint64_t measure_peak_bytes(struct io *io);
void measure_reset_peak(struct io *io);
/* Sizes of the files in a directory and below: those that is_log names, and the others. */
void measure_directory(struct io *io, const char *path, bool (*is_log)(const char *file_name), uint64_t *log_bytes,
                       uint64_t *other_bytes);

#endif
