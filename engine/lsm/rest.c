/*
 * rest: what compaction leaves until nobody writes. The compaction job that finds nothing else due stays and looks
 * every few milliseconds whether the sequence still grows. Invariant: it never stays while a memtable waits for its
 * flush, whose end starts the job anyway.
 */
#include "engine/lsm/store.h"

enum { REST_NS = 100000000, REST_LOOK_NS = 5000000 };

bool rest_has_come(struct engine *engine) {
    struct rest *rest = &engine->rest;
    const uint64_t sequence = atomic_load_explicit(&engine->sequence, memory_order_relaxed);
    const uint64_t now = io_now_ns(engine->io);
    if (sequence != rest->sequence || rest->since_ns == 0) {
        rest->sequence = sequence;
        rest->since_ns = now;
    }
    rest->came = now - rest->since_ns >= REST_NS;
    return rest->came;
}

/* REQUIRES: mutex. */
static bool may_wait(const struct engine *engine) {
    return !atomic_load(&engine->closing) && !engine->compact_job.again && engine->sealed_count == 0 &&
           !engine->seal_wanted;
}

bool rest_begin_wait(struct engine *engine) {
    if (atomic_load_explicit(&engine->rest_debt, memory_order_relaxed) == 0 || engine->rest.came) return false;
    mutex_lock(&engine->mutex);
    engine->rest.waits = may_wait(engine);
    if (engine->rest.waits) store_signal(engine);
    mutex_unlock(&engine->mutex);
    return engine->rest.waits;
}

bool rest_goes_on(struct engine *engine) {
    if (!engine->rest.waits) return false;
    mutex_lock(&engine->mutex);
    engine->rest.waits = may_wait(engine);
    engine->compact_job.again = false; /* it looks now */
    mutex_unlock(&engine->mutex);
    if (!engine->rest.waits || rest_has_come(engine)) {
        engine->rest.waits = false;
        return false;
    }
    io_sleep(engine->io, REST_LOOK_NS);
    return true;
}
