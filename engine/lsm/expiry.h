/*
 * expiry: values that end at a log time of their own, in trees whose kind says `expires`. The time stands in front of
 * the value: 8 bytes, little-endian, milliseconds of log time, 0 = never. A value is gone from the instant on; reads
 * judge by the log time of the state they read, compaction by that of the last installed flush, which is never later:
 * so what compaction has dropped was hidden from every read that could have met it.
 */
#ifndef ENGINE_LSM_EXPIRY_H
#define ENGINE_LSM_EXPIRY_H

#include "engine/base/coding.h"
#include "engine/engine.h"

/* Under which name the manifest keeps that a kind expires: in the place of its filter's. */
#define EXPIRY_NAME "engine.expires"

extern const struct engine_filter expiry_filter;

/* What compaction asks: the kind's own filter, or the expiry of its values. NULL = nothing. */
static inline const struct engine_filter *expiry_kind_filter(const struct engine_tree_kind *kind) {
    return kind->expires ? &expiry_filter : kind->filter;
}

/* `stored` is a value with its time in front. */
static inline bool expiry_is_due(struct slice stored, int64_t time_ms) {
    if (stored.size < ENGINE_EXPIRY_BYTES) return false;
    const int64_t expires_ms = (int64_t)coding_get_u64(stored.data);
    return expires_ms != 0 && expires_ms <= time_ms;
}

/* Cuts the time off, as a reader of the state at time_ms sees the value. NOT_FOUND: it is gone; CORRUPT: it has no
 * time. */
MUST_CHECK enum status expiry_show(struct slice *stored, int64_t time_ms);

#endif
