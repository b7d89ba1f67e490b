/*
 * company: how many writers ask for durability at once, and how long the one who leads waits for them. A commit of one
 * batch costs the device as much as one of sixteen; and those whose batches have just become durable mostly come back
 * at once with the next. So a leader waits until as many have come as were there when the last durable group ended, and
 * gives up as soon as nobody has come for a while: a share of what the commit itself takes. A writer that has no
 * company never waits.
 */
#ifndef ENGINE_LSM_COMPANY_H
#define ENGINE_LSM_COMPANY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/io.h"

struct company {
    _Atomic uint32_t queued;   /* writers in the queue; changes under the store's mutex */
    _Atomic uint32_t expected; /* as many were there when the last durable group ended; the leader's to change */
    uint64_t commit_ns;        /* leader: what that group's commit took */
};

/* Whether a durable batch had better queue than go alone. */
static inline bool company_is_expected(const struct company *company) {
    return atomic_load_explicit(&company->expected, memory_order_relaxed) > 1;
}

/* By the leader, without the mutex: waits for those that are expected. */
void company_wait(const struct company *company, struct io *io);
/* By the leader: a durable group has ended whose commit took so long; `present` were in it or queue behind it. */
void company_note(struct company *company, uint32_t present, uint64_t commit_ns);

#endif
