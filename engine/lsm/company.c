/* company: the wait is a loop that yields, since those who are waited for need the processor more than the leader does.
 * Invariant: it ends within a commit's time, whatever the others do. */
#include "engine/lsm/company.h"

#include "engine/base/sync.h"

enum {
    QUIET_SHARE = 4,          /* nobody has come for this part of a commit: nobody will */
    COMMIT_NS_MOST = 1000000, /* a commit that took longer met something else */
};

void company_wait(const struct company *company, struct io *io) {
    const uint32_t expected = atomic_load_explicit(&company->expected, memory_order_relaxed);
    uint32_t came = atomic_load_explicit(&company->queued, memory_order_relaxed);
    if (came >= expected) return;
    const uint64_t start = io_now_ns(io), end = start + company->commit_ns;
    const uint64_t quiet_ns = company->commit_ns / QUIET_SHARE;
    uint64_t now = start, give_up = start + quiet_ns;
    while (came < expected && now < give_up && now < end) {
        thread_yield();
        const uint32_t before = came;
        came = atomic_load_explicit(&company->queued, memory_order_relaxed);
        now = io_now_ns(io);
        if (came > before) give_up = now + quiet_ns;
    }
}

void company_note(struct company *company, uint32_t present, uint64_t commit_ns) {
    atomic_store_explicit(&company->expected, present, memory_order_relaxed);
    company->commit_ns = commit_ns < COMMIT_NS_MOST ? commit_ns : COMMIT_NS_MOST;
}
