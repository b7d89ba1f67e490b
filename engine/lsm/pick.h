/*
 * pick: which files compaction takes next. Pure: from a version, the options and what is known about snapshots and time
 * to a choice; it touches nothing.
 */
#ifndef ENGINE_LSM_PICK_H
#define ENGINE_LSM_PICK_H

#include "engine/lsm/version.h"

/* Bytes that compaction still has to move until no level is over its target. *level0_most: files of the fullest level
 * 0. */
uint64_t pick_debt(const struct version *version, const struct engine_options *options, uint64_t *level0_most);

#endif
