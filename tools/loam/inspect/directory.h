/*
 * directory: what a directory is, by what stands in it: a cluster's, a node's, an engine's store, a log, backups.
 */
#ifndef TOOLS_LOAM_INSPECT_DIRECTORY_H
#define TOOLS_LOAM_INSPECT_DIRECTORY_H

#include "engine/io.h"

enum { DIRECTORY_WORDS_BYTES = 400 };

/* "data directory of a node: superblock, 1 log, 1 store; ..": what it is, what it lacks, which tool judges it as a
 * whole. "" where nothing of loam's can be told. Blocking. */
void directory_describe(struct io *io, const char *path, char words[DIRECTORY_WORDS_BYTES]);

#endif
