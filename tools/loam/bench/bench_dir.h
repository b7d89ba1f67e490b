/* bench_dir: work directories of benchmarks: made, and removed with all that is in them. */
#ifndef TOOLS_LOAM_BENCH_BENCH_DIR_H
#define TOOLS_LOAM_BENCH_BENCH_DIR_H

#include "engine/io.h"

/* Removes the directory and what is below, as far as it can be; links are removed, not followed. */
void bench_remove_dir(struct io *io, const char *path);
/* Makes it and the ones above it; one that is there already is fine. */
MUST_CHECK enum status bench_make_dir(struct io *io, const char *path);

#endif
