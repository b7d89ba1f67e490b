/* files: whole files in memory. */
#ifndef TOOLS_LOAM_EXPLAIN_FILES_H
#define TOOLS_LOAM_EXPLAIN_FILES_H

#include "engine/base/buf.h"
#include "engine/io.h"

/* Replaces *to by the first bytes of the file, at most `most`. NOT_FOUND, IO, NO_MEMORY. Blocking. */
MUST_CHECK enum status files_read(struct io *io, const char *path, uint64_t most, struct buf *to);

#endif
