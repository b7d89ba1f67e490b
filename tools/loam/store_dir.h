/*
 * store_dir: which directory a command means by DIR: the engine's store itself, or a node's data directory, whose
 * superblock names the store in it.
 */
#ifndef TOOLS_LOAM_STORE_DIR_H
#define TOOLS_LOAM_STORE_DIR_H

#include "engine/io.h"

/* NOT_FOUND, with words: there is no such directory. */
MUST_CHECK enum status store_dir_check(struct io *io, const char *given, struct error *error);
/*
 * dir: `given`, or the store of the node whose directory it is; that one is told on stderr. NOT_FOUND: there is no such
 * directory. Whether a store stands in it is not judged: one may be meant that has lost its superblock. Blocking.
 */
MUST_CHECK enum status store_dir_find(struct io *io, const char *given, char dir[IO_PATH_BYTES], struct error *error);

#endif
