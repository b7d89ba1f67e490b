/* timing: the histograms. */
#include "engine/lsm/timing.h"

#include "engine/lsm/store.h"

void timing_init(struct timing *timing) {
    for (unsigned i = 0; i < ENGINE_TIMING_COUNT; i++) {
        atomic_store(&timing->kinds[i].calls, 0);
        mutex_init(&timing->kinds[i].mutex);
        hist_init(&timing->kinds[i].hist);
    }
}

void timing_deinit(struct timing *timing) {
    for (unsigned i = 0; i < ENGINE_TIMING_COUNT; i++) mutex_deinit(&timing->kinds[i].mutex);
}

void timing_add(struct timing *timing, enum engine_timing kind, uint64_t ns) {
    mutex_lock(&timing->kinds[kind].mutex);
    hist_add(&timing->kinds[kind].hist, ns);
    mutex_unlock(&timing->kinds[kind].mutex);
}

void engine_get_timing(struct engine *engine, enum engine_timing kind, struct hist *hist) {
    struct timing_kind *timed = &engine->timing.kinds[kind];
    mutex_lock(&timed->mutex);
    *hist = timed->hist;
    mutex_unlock(&timed->mutex);
}

const char *engine_timing_name(enum engine_timing kind) {
    static const char *const names[] = {"get", "put", "seek", "flush", "compaction"};
    _Static_assert(sizeof names / sizeof *names == ENGINE_TIMING_COUNT, "a name for each");
    return (unsigned)kind < ENGINE_TIMING_COUNT ? names[kind] : "unknown";
}
