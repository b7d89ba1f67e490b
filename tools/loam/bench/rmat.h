/*
 * rmat: a file of edges as R-MAT draws them (Chakrabarti, Zhan, Faloutsos 2004; a = 0.57, b = c = 0.19, as Graph500):
 * few nodes with many edges, many with few. The same seed gives the same file.
 */
#ifndef TOOLS_LOAM_BENCH_RMAT_H
#define TOOLS_LOAM_BENCH_RMAT_H

#include "engine/io.h"

/* Nodes are numbers below 2^scale; those without edges do not occur. */
MUST_CHECK enum status rmat_write(struct io *io, const char *path, uint32_t scale, uint64_t edges, uint64_t seed,
                                  struct error *error);

#endif
