/*
 * history_make: histories of an object that is linearizable by construction (each operation takes effect at one moment
 * between call and return), with clients that overlap, crash and leave operations open; and, on request, with a lie in
 * the middle that no order explains.
 */
#ifndef TOOLS_JUDGE_HISTORY_MAKE_H
#define TOOLS_JUDGE_HISTORY_MAKE_H

#include "engine/base/prng.h"
#include "tools/judge/history.h"
#include "tools/judge/linearize.h"

enum history_lie {
    HISTORY_HONEST,
    HISTORY_STALE_READ,    /* a, then b is written; a is read */
    HISTORY_FUTURE_READ,   /* a value is read before anybody writes it */
    HISTORY_APPLIED_TWICE, /* one write or swap shows twice */
    HISTORY_REFUSED_SEEN,  /* what was refused is read */
    HISTORY_LIES,
};

struct history_plan {
    const struct linearize_model *model; /* one of models.h */
    enum history_lie lie;
    uint32_t clients; /* at a time; one that crashes is replaced by a new one */
    uint32_t keys;
    uint32_t operations;
    uint32_t values;        /* written values are one of so many; 0: each is written once (a lie needs that) */
    uint32_t crash_percent; /* of operations that get no answer */
};

/* Appends to an empty history. Only NO_MEMORY can fail. */
MUST_CHECK enum status history_make(struct history *history, const struct history_plan *plan, struct prng *prng);

#endif
