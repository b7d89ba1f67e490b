/*
 * format_level: the ratchet. A store has a format level; whoever writes bytes that the first releases can't read asks
 * it first (store_allows). A new store gets the latest level, unless engine_options.format_level pins an older one; an
 * existing one stays at its own until engine_upgrade, so that the binary that made it can take it back. It never goes
 * down.
 *
 * The level stands in the manifest as a feature that a reader must know ("format level 2"): an older binary refuses the
 * store by that name before it has read anything else. Level 1 stands nowhere: it is what the first releases wrote.
 * Bytes: FORMAT.md, "levels".
 */
#ifndef ENGINE_LSM_FORMAT_LEVEL_H
#define ENGINE_LSM_FORMAT_LEVEL_H

#include "engine/engine.h"

enum { FORMAT_LEVEL_FIRST = 1, FORMAT_LEVEL_LATEST = ENGINE_FORMAT_LEVEL_LATEST };

/* What may be written from which level on. A level is never changed after a release; a new feature gets a new level. */
#define FORMAT_FEATURE_LIST(X)                                                                                         \
    X(COMPACT_LOG, 2, "compact records in the own log")                                                                \
    X(LOOSE_LOG, 2, "segments of the own log behind unsynced ones")                                                    \
    X(VALUES_APART, 2, "large values in files of their own")                                                           \
    X(HIDDEN_COUNTS, 2, "the manifest counts old versions in tables")                                                  \
    X(DICTIONARIES, 2, "zstd dictionaries in tables")

enum format_feature {
#define X(name, level, text) FORMAT_##name,
    FORMAT_FEATURE_LIST(X)
#undef X
        FORMAT_FEATURES
};

/* From which level on it may be written. */
uint32_t format_feature_level(enum format_feature feature);
/* What of a table, as the manifest tells it, a store of the level may not have: for verify. NULL = nothing. Static. */
struct edit_file;
const char *format_level_forbids(uint32_t level, const struct edit_file *meta);
/* The same as the table itself tells it. */
struct sst_properties;
const char *format_level_forbids_inside(uint32_t level, const struct sst_properties *properties);

enum { FORMAT_NAME_BYTES = 32 };
/* The name by which the manifest requires a level, with a zero behind it; its length. */
size_t format_level_name(uint32_t level, char name[FORMAT_NAME_BYTES]);
/* The level that a feature's name stands for, above the latest one, too; 0: it is no level. */
uint32_t format_level_parse(struct slice name);

#endif
