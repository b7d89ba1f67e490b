/*
 * replay: an opening takes what its own log holds behind the manifest's mark into memtables. Private to engine/lsm.
 */
#ifndef ENGINE_LSM_REPLAY_H
#define ENGINE_LSM_REPLAY_H

#include "engine/lsm/recovered.h"
#include "engine/lsm/store.h"

/* With engine->wal open afterwards, but for a reader. What no edit names is removed once the log was found to go on
 * where the manifest ends. What wal_open answers, CORRUPT, NO_MEMORY: *error says more. Opening, alone. */
MUST_CHECK enum status store_replay_log(struct engine *engine, const struct recovered *recovered, struct error *error);

/* recover.c: removes what no edit names. */
MUST_CHECK enum status store_remove_orphans(struct engine *engine, const struct recovered *recovered);

#endif
