/*
 * latency: how long commands took, from when one was read to when its reply stood (so with its read barrier, its
 * consensus and its pool thread, without the network), in windows of five seconds. Of many in a window one in sixteen
 * is timed. Loop thread.
 */
#ifndef TOOLS_LOAMD_LATENCY_H
#define TOOLS_LOAMD_LATENCY_H

#include <stdbool.h>

#include "engine/base/hist.h"

enum { LATENCY_WINDOW_MS = 5000 };

struct latency {
    struct hist present, last; /* ns; of this window, and of the one before */
    uint64_t window_end_ns;    /* 0: nothing was timed yet */
    uint64_t seen;             /* in this window, timed or not */
};

void latency_init(struct latency *latency);
/* Another command begins: whether it is to be timed. */
bool latency_wants(struct latency *latency);
void latency_add(struct latency *latency, uint64_t began_ns, uint64_t now_ns);
/* Of the last window that is over; empty when nothing was timed in it. Borrowed until the next call. */
const struct hist *latency_window(struct latency *latency, uint64_t now_ns);

#endif
