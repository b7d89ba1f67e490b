/*
 * log_time: see the header.
 */
#include "raft/core/log_time.h"

#include "raft/raft.h"

uint64_t log_time_age(struct log_time_clock clock, uint64_t steady_ms) {
    if (clock.wall_ms == 0) return 0;
    uint64_t elapsed = steady_ms > clock.steady_ms ? steady_ms - clock.steady_ms : 0;
    return clock.wall_ms > UINT64_MAX - elapsed ? UINT64_MAX : clock.wall_ms + elapsed;
}

uint64_t log_time_median(const struct log_time_clock *clocks, unsigned voter_count, uint64_t steady_ms) {
    uint64_t sorted[RAFT_MEMBERS_MAX]; /* ascending */
    unsigned known = 0;
    for (unsigned i = 0; i < voter_count && i < RAFT_MEMBERS_MAX; i++) {
        uint64_t now = log_time_age(clocks[i], steady_ms);
        if (now == 0) continue;
        unsigned at = known++;
        for (; at > 0 && sorted[at - 1] > now; at--) sorted[at] = sorted[at - 1];
        sorted[at] = now;
    }
    return known < voter_count / 2 + 1 || known == 0 ? 0 : sorted[(known - 1) / 2];
}
