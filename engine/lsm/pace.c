/*
 * pace: how hard writers are asked to slow down, in proportion to what waits in memory and on disk. No cliff: the price
 * of a byte grows with the cube of the pressure, from nothing to PACE_STRONGEST_NS, and only a full memory stops a
 * writer altogether.
 */
#include "engine/lsm/pick.h"
#include "engine/lsm/store.h"

enum {
    PACE_FULL = 1000,
    PACE_PRICED_BYTES = 1 << 20, /* of one batch: it waits a second at most */
    PACE_STRONGEST_NS = 1000,    /* for a byte, at full pressure: a megabyte a second */
    PACE_SLACK_NS = 1000000, /* writers run ahead of the pace by this much, so that they wait seldom and long enough to
                                be worth it */
    PACE_LEVEL0_FACTOR = 8,  /* level 0 at so many times its trigger is full pressure */
};

/* 0 up to `free`, then in proportion, 1000 at the limit. */
static uint32_t share_above(uint64_t used, uint64_t free, uint64_t limit) {
    if (used <= free) return 0;
    if (used >= limit) return PACE_FULL;
    return (uint32_t)((used - free) * PACE_FULL / (limit - free));
}

static uint32_t share(uint64_t used, uint64_t limit) {
    return share_above(used, limit / 2, limit);
}

/* Of a memtable that is being flushed what is left counts, so that the price follows the work and not its end. What is
 * there to be filled is filled at full speed, but for the last quarter: the price of that brings a writer down to the
 * pace of any device long before the limit. */
static uint32_t memory_share(const struct engine *engine) {
    const uint64_t memtable = engine->options.memtable_bytes, limit = memtable * engine->options.memtable_limit;
    const uint64_t active = memtable_bytes(engine->active->table);
    const uint64_t sealed = engine->sealed_count * memtable;
    const uint64_t flushed = atomic_load_explicit(&engine->flush_passed, memory_order_relaxed);
    const uint64_t waiting = sealed - (flushed < sealed ? flushed : sealed);
    return share_above(waiting + (active < memtable ? active : memtable), limit / 4 * 3, limit);
}

void pace_update(struct engine *engine) {
    uint32_t pressure = memory_share(engine);
    const uint32_t debt =
        share(atomic_load_explicit(&engine->debt, memory_order_relaxed), engine->options.debt_limit_bytes);
    const uint32_t level0 = share(engine->level0_most, (uint64_t)engine->options.level0_trigger * PACE_LEVEL0_FACTOR);
    if (debt > pressure) pressure = debt;
    if (level0 > pressure) pressure = level0;
    atomic_store_explicit(&engine->pressure, pressure, memory_order_relaxed);
}

void pace_recount(struct engine *engine) {
    atomic_store_explicit(&engine->debt, pick_debt(engine->version, &engine->options, &engine->level0_most),
                          memory_order_relaxed);
    atomic_store_explicit(&engine->rest_debt, pick_rest_debt(engine->version), memory_order_relaxed);
    pace_update(engine);
}

unsigned engine_pressure(const struct engine *engine) {
    return atomic_load_explicit(&engine->pressure, memory_order_relaxed);
}

/* What `bytes` cost at this pressure. */
static uint64_t price_ns(uint64_t bytes, uint64_t pressure) {
    if (bytes > PACE_PRICED_BYTES) bytes = PACE_PRICED_BYTES;
    return bytes * (pressure * pressure * pressure / PACE_FULL) * PACE_STRONGEST_NS / ((uint64_t)PACE_FULL * PACE_FULL);
}

/* Reserves a stretch of time; returns how long the caller is ahead of it. */
static uint64_t reserve(struct engine *engine, uint64_t now, uint64_t price) {
    uint64_t until = atomic_load_explicit(&engine->pace_until_ns, memory_order_relaxed);
    uint64_t start;
    do start = until > now ? until : now;
    while (!atomic_compare_exchange_weak_explicit(&engine->pace_until_ns, &until, start + price, memory_order_relaxed,
                                                  memory_order_relaxed));
    return start - now;
}

enum status pace_admit(struct engine *engine, uint64_t bytes, bool no_wait) {
    const uint64_t pressure = atomic_load_explicit(&engine->pressure, memory_order_relaxed);
    if (pressure == 0) return STATUS_OK;
    const uint64_t start = io_now_ns(engine->io);
    const uint64_t until = atomic_load_explicit(&engine->pace_until_ns, memory_order_relaxed);
    if (no_wait && until > start + PACE_SLACK_NS) return STATUS_BUSY;
    const uint64_t ahead = reserve(engine, start, price_ns(bytes, pressure));
    if (no_wait || ahead <= PACE_SLACK_NS) return STATUS_OK;
    /* Where there are no threads, the work that pressure waits for is done right here. */
    if (!io_job_assist(engine->io)) io_sleep(engine->io, ahead);
    atomic_fetch_add_explicit(&engine->counters.delayed_ns, io_now_ns(engine->io) - start, memory_order_relaxed);
    return STATUS_OK;
}

void pace_note_full(struct engine *engine, uint64_t wanted) {
    atomic_store(&engine->space_wanted, wanted);
    atomic_store(&engine->space_low, true);
}

void pace_check_space(struct engine *engine) {
    uint64_t bytes = 0;
    if (io_free_space(engine->io, engine->dir, &bytes) != STATUS_OK) return; /* unknown: a write that fails will tell */
    const uint64_t wanted = atomic_load(&engine->space_wanted);
    const uint64_t least = wanted > engine->options.disk_reserve_bytes ? wanted : engine->options.disk_reserve_bytes;
    const bool low = bytes < least;
    if (!low) atomic_store(&engine->space_wanted, 0);
    const bool was_low = atomic_exchange(&engine->space_low, low);
    if (low && !was_low)
        store_note_error(engine, STATUS_NO_SPACE,
                         "%llu bytes are free on the device, %llu are needed: writes are refused until there are",
                         (unsigned long long)bytes, (unsigned long long)least);
    if (low || !was_low) return;
    log_info(engine->log, "engine %s: there is space again: writes go on", engine->dir);
    mutex_lock(&engine->mutex);
    store_job_start(engine, &engine->flush_job);
    store_job_start(engine, &engine->compact_job);
    mutex_unlock(&engine->mutex);
}
