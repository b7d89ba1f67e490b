/*
 * ingest: what the writer of outside files and the taking in agree on. Private to engine/lsm.
 */
#ifndef ENGINE_LSM_INGEST_H
#define ENGINE_LSM_INGEST_H

#include "engine/lsm/version.h"

enum { INGEST_FILE_NUMBER = 1 /* in the identity of a file that was built outside */ };

/* The lowest level that a file may come to: nothing above it shares a key with it, nor anything on it, and no
 * compaction puts files there. claimed: asked for each level below 0. */
uint32_t ingest_level(const struct tree_files *tree, const struct file *file,
                      bool (*claimed)(void *context, uint32_t level), void *context);

#endif
