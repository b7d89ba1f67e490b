/* droppable: see droppable.h. */
#include "engine/lsm/droppable.h"

void droppable_init(struct droppable *droppable, int64_t now_ms) {
    *droppable = (struct droppable){.now_ms = now_ms, .first_ms = INT64_MAX};
}

static bool drops(const struct engine_filter *filter, struct slice key, struct slice value, int64_t time_ms) {
    return filter->decide(filter->context, key, value, time_ms) == ENGINE_DROP;
}

/* The first instant after `low` at which it drops; it does at INT64_MAX. */
static int64_t find_instant(const struct engine_filter *filter, struct slice key, struct slice value, int64_t low) {
    if (drops(filter, key, value, low)) return low;
    uint64_t step = 1;
    int64_t high = low;
    while (high < INT64_MAX) { /* first by doubling: most expire soon */
        high = step > (uint64_t)(INT64_MAX - low) ? INT64_MAX : low + (int64_t)step;
        if (drops(filter, key, value, high)) break;
        step *= 2;
    }
    int64_t before = step == 1 ? low : low + (int64_t)(step / 2);
    while (high - before > 1) {
        const int64_t middle = before + (high - before) / 2;
        if (drops(filter, key, value, middle))
            high = middle;
        else
            before = middle;
    }
    return high;
}

void droppable_add(struct droppable *droppable, const struct engine_filter *filter, struct slice key,
                   struct slice value) {
    droppable->entries++;
    if (!filter || !drops(filter, key, value, INT64_MAX)) return;
    const int64_t instant = find_instant(filter, key, value, droppable->now_ms);
    if (instant < droppable->first_ms) droppable->first_ms = instant;
    uint64_t after = (uint64_t)(instant - droppable->now_ms);
    unsigned bucket = 0;
    while (after > 0 && bucket < DROPPABLE_BUCKETS - 1) {
        after >>= 1;
        bucket++;
    }
    droppable->buckets[bucket]++;
}

int64_t droppable_due_ms(const struct droppable *droppable) {
    if (droppable->first_ms == INT64_MAX) return INT64_MAX;
    int64_t due =
        droppable->first_ms > INT64_MAX - DROPPABLE_LATE_MS ? INT64_MAX : droppable->first_ms + DROPPABLE_LATE_MS;
    uint64_t sum = 0;
    for (unsigned i = 0; i < DROPPABLE_BUCKETS - 1; i++) {
        sum += droppable->buckets[i];
        if (sum == 0 || sum * DROPPABLE_SHARE < droppable->entries) continue;
        const uint64_t after = i == 0 ? 0 : UINT64_C(1) << i; /* bucket 0: only a snapshot kept them */
        const int64_t share =
            after > (uint64_t)(INT64_MAX - droppable->now_ms) ? INT64_MAX : droppable->now_ms + (int64_t)after;
        return share < due ? share : due;
    }
    return due;
}
