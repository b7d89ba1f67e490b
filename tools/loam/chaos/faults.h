/*
 * faults: what can be done to a cluster: a table of kinds, each of which changes wishes (hands.h) by numbers that it
 * draws. All that a kind did is undone by wishing for nothing.
 */
#ifndef TOOLS_LOAM_CHAOS_FAULTS_H
#define TOOLS_LOAM_CHAOS_FAULTS_H

#include "engine/base/prng.h"
#include "tools/loam/chaos/hands.h"

enum { FAULT_TEXT_BYTES = 96 };

enum fault_kind {
    FAULT_KILL,
    FAULT_KILL_LEADER,
    FAULT_KILL_ALL,
    FAULT_PAUSE,
    FAULT_PARTITION,
    FAULT_ONE_WAY,
    FAULT_PARTIAL,
    FAULT_UNPLUG,
    FAULT_RESTART,
    FAULT_TRANSFER,
    FAULT_MEMBERS,
    FAULT_DISK_FULL,
    FAULT_DISK_SLOW,
    FAULT_CLOCK,
    FAULT_KINDS,
};

struct fault {
    enum fault_kind kind;
    unsigned node; /* whom it strikes, 0 = many; of a rolling restart who is at it */
    char text[FAULT_TEXT_BYTES];
};

extern const struct fault_facts {
    const char *name;           /* as on the command line */
    const char *summary;        /* in words */
    uint32_t least_ms, most_ms; /* how long it lasts */
    /* False: not now (nobody leads, ...). */
    bool (*begin)(struct fault *fault, struct hands *hands, struct prng *prng);
    /* Of one that takes its own time: goes on with it; true: over. NULL: it lasts until its time is up. */
    bool (*go_on)(struct fault *fault, struct hands *hands);
} fault_table[FAULT_KINDS];

/* "kill,pause,...": a bit for each kind; "all": those of the table but kill-leader, which is part of kill; "none".
 * False for another word. */
bool faults_parse(const char *text, uint32_t *kinds);

#endif
