/*
 * droppable: when rewriting a file begins to pay, because its tree's filter drops from it. So expired data leaves the
 * disk without anyone writing to its keys.
 *
 * A filter depends on key, value and time; a value once droppable is taken to stay so. The instant of each is found by
 * bisection, only for values that will ever be droppable. The file is due when DROPPABLE_SHARE of its entries are, or
 * DROPPABLE_LATE_MS after the first, whichever comes first.
 */
#ifndef ENGINE_LSM_DROPPABLE_H
#define ENGINE_LSM_DROPPABLE_H

#include "engine/engine.h"

enum {
    DROPPABLE_SHARE = 4, /* a quarter */
    DROPPABLE_LATE_MS = 3600000,
    DROPPABLE_BUCKETS = 64,
};

struct droppable {
    int64_t now_ms;
    uint64_t entries;
    uint64_t buckets[DROPPABLE_BUCKETS]; /* droppable in [now + 2^(i-1), now + 2^i) ms */
    int64_t first_ms;                    /* INT64_MAX = none */
};

void droppable_init(struct droppable *droppable, int64_t now_ms);
/* filter may be NULL: the entry counts as one that stays. */
void droppable_add(struct droppable *droppable, const struct engine_filter *filter, struct slice key,
                   struct slice value);
/* The log time at which the file is due; INT64_MAX = never. */
int64_t droppable_due_ms(const struct droppable *droppable);

#endif
