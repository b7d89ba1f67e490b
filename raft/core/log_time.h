/*
 * log_time: the time that entries are stamped with (DESIGN §3). A leader takes the median of the voters' wall clocks,
 * as heard in their replies and aged by its own steady clock, so that one bad clock expires nothing; it gives out no
 * time while it knows less than a majority of the clocks, and never one below what was given out before. Nothing about
 * safety hangs on it.
 */
#ifndef RAFT_CORE_LOG_TIME_H
#define RAFT_CORE_LOG_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* A node's wall clock as heard at a moment of the hearer's steady clock; wall_ms 0 = never heard. */
struct log_time_clock {
    uint64_t wall_ms, steady_ms;
};

/* What the clock shows at steady_ms. */
uint64_t log_time_age(struct log_time_clock clock, uint64_t steady_ms);

/*
 * The lower median of the known among voter_count clocks; 0 when less than a majority is known. Of two known clocks
 * among three that is the lesser: time may stand still, it does not run ahead with one clock.
 */
uint64_t log_time_median(const struct log_time_clock *clocks, unsigned voter_count, uint64_t steady_ms);

#endif
