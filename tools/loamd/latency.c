#include "tools/loamd/latency.h"

enum { ALL_UP_TO = 1024, ONE_IN = 16 };
#define WINDOW_NS ((uint64_t)LATENCY_WINDOW_MS * 1000000)

void latency_init(struct latency *latency) {
    hist_init(&latency->present);
    hist_init(&latency->last);
    latency->window_end_ns = latency->seen = 0;
}

bool latency_wants(struct latency *latency) {
    latency->seen++;
    return latency->seen <= ALL_UP_TO || latency->seen % ONE_IN == 0;
}

static void turn_window(struct latency *latency, uint64_t now_ns) {
    if (now_ns < latency->window_end_ns) return;
    const bool is_next = latency->window_end_ns != 0 && now_ns - latency->window_end_ns < WINDOW_NS;
    if (is_next)
        latency->last = latency->present;
    else
        hist_init(&latency->last);
    hist_init(&latency->present);
    latency->seen = 0;
    latency->window_end_ns = (is_next ? latency->window_end_ns : now_ns) + WINDOW_NS;
}

void latency_add(struct latency *latency, uint64_t began_ns, uint64_t now_ns) {
    turn_window(latency, now_ns);
    hist_add(&latency->present, now_ns - began_ns);
}

const struct hist *latency_window(struct latency *latency, uint64_t now_ns) {
    turn_window(latency, now_ns);
    return &latency->last;
}
