/*
 * watch_source: what an iterator reads, with each entry that it stands at told to a struct engine_watch, and what
 * becomes of it. Forward moves; what is told of others may be wrong. Private to engine/lsm.
 */
#ifndef ENGINE_LSM_WATCH_SOURCE_H
#define ENGINE_LSM_WATCH_SOURCE_H

#include "engine/lsm/read_set.h"

struct watch_source {
    struct source source;
    struct source *below;   /* borrowed: the set's top */
    struct read_set *set;   /* borrowed */
    uint64_t snapshot;      /* of the read */
    int64_t time_ms;        /* of the read */
    bool expires;           /* the tree's values do */
    struct buf key;         /* stood at last */
    bool has_key, operands; /* all that was seen of the key are operands */
};

/* On a set that is open; its top is `below`. NULL when out of memory. Freed before the set is closed; NULL is allowed.
 */
struct watch_source *watch_source_create(struct read_set *set, uint64_t snapshot, int64_t time_ms, bool expires);
void watch_source_destroy(struct watch_source *watch);

#endif
