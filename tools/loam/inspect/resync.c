#include "tools/loam/inspect/resync.h"

enum { BACK_BYTES = 256 << 10, BACK_FACTOR = 8 };

static bool is_sound(const struct resync *resync, uint64_t offset, uint64_t *size) {
    bool sound = false;
    return offset < resync->end && resync->look(resync->context, offset, size, &sound) && sound;
}

uint64_t resync_next(const struct resync *resync, uint64_t from) {
    uint64_t size, next = 0;
    bool sound = false;
    if (from < resync->end && resync->look(resync->context, from, &size, &sound) &&
        (sound || from + size == resync->end || is_sound(resync, from + size, &next)))
        return from;
    for (uint64_t at = from + 1; at < resync->end; at++)
        if (is_sound(resync, at, &size)) return at;
    return resync->end;
}

/* From one piece to the next, up to the one around the target, or to the damage that it is in. */
static uint64_t walk_to(const struct resync *resync, uint64_t at, uint64_t target) {
    uint64_t size = 0;
    bool sound = false;
    while (at <= target && resync->look(resync->context, at, &size, &sound) && at + size <= target) {
        const uint64_t behind = at + size, next = resync_next(resync, behind);
        if (next > target) return behind;
        at = next;
    }
    return at;
}

uint64_t resync_back(const struct resync *resync, uint64_t target) {
    for (uint64_t back = BACK_BYTES; target - resync->begin > back; back *= BACK_FACTOR) {
        uint64_t size, at = target - back;
        while (at <= target && !is_sound(resync, at, &size)) at++;
        if (at <= target) return walk_to(resync, at, target);
    }
    const uint64_t first = resync_next(resync, resync->begin);
    return first > target ? resync->begin : walk_to(resync, first, target);
}
