/*
 * rest: what compaction leaves until nobody writes. The compaction job that finds nothing else due stays and looks now
 * and then whether the sequence still grows: a writer leaves no time behind that could be asked for. Invariant: it
 * never stays while a memtable waits for its flush, whose end starts the job anyway; whoever starts a job wakes it.
 */
#include "engine/lsm/store.h"

enum { REST_NS = 25000000, REST_LOOK_NS = 5000000 /* while writes come: it is noticed so much later at most */ };

/* REQUIRES: mutex. Returns for how long nobody has written. */
static uint64_t look(struct engine *engine) {
    struct rest *rest = &engine->rest;
    const uint64_t sequence = atomic_load_explicit(&engine->sequence, memory_order_relaxed);
    const uint64_t now = io_now_ns(engine->io);
    if (sequence != rest->sequence || rest->since_ns == 0) {
        rest->sequence = sequence;
        rest->since_ns = now;
    }
    return now - rest->since_ns;
}

void rest_note(struct engine *engine) {
    mutex_lock(&engine->mutex);
    (void)look(engine);
    mutex_unlock(&engine->mutex);
}

bool rest_has_come(struct engine *engine) {
    mutex_lock(&engine->mutex);
    const bool came = engine->rest.came = look(engine) >= REST_NS;
    mutex_unlock(&engine->mutex);
    return came;
}

/* REQUIRES: mutex. */
static bool may_wait(const struct engine *engine) {
    return !atomic_load(&engine->closing) && !engine->compact_job.again && engine->sealed_count == 0 &&
           !engine->seal_wanted;
}

bool rest_begin_wait(struct engine *engine) {
    if (atomic_load_explicit(&engine->rest_debt, memory_order_relaxed) == 0) return false;
    mutex_lock(&engine->mutex);
    engine->rest.waits = !engine->rest.came && may_wait(engine);
    if (engine->rest.waits) store_signal(engine);
    const bool waits = engine->rest.waits;
    mutex_unlock(&engine->mutex);
    return waits;
}

/* REQUIRES: mutex. One look; true: it goes on waiting. */
static bool look_again(struct engine *engine) {
    const bool may = may_wait(engine);
    engine->compact_job.again = false; /* it looks now */
    if (!may) return false;
    const uint64_t quiet_ns = look(engine);
    engine->rest.came = quiet_ns >= REST_NS;
    if (engine->rest.came) return false;
    const uint64_t left = REST_NS - quiet_ns;
    io_wait(engine->io, &engine->rest.wake, &engine->mutex, left < REST_LOOK_NS ? left : (uint64_t)REST_LOOK_NS);
    return true;
}

bool rest_goes_on(struct engine *engine) {
    if (!engine->rest.waits) return false; /* this job alone changes it */
    mutex_lock(&engine->mutex);
    const bool waits = engine->rest.waits = look_again(engine);
    mutex_unlock(&engine->mutex);
    return waits;
}
