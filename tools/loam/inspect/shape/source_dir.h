/* source_dir: which directory is the store, of the one that was given: private to source.c. */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_SOURCE_DIR_H
#define TOOLS_LOAM_INSPECT_SHAPE_SOURCE_DIR_H

#include "tools/loam/inspect/shape/source.h"

/* Sets source->dir and is_node. A node's directory whose superblock is damaged is a finding, and its newest store is
 * taken. NOT_FOUND: no store there. */
MUST_CHECK enum status source_dir_find(struct shape_source *source, const char *given, struct findings *findings,
                                       struct error *error);

#endif
