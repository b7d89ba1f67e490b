/*
 * fault_plan: what will go wrong in a simulated world, as an explicit list: made from a seed, printed, read back,
 * shortened by hand or by a shrinker. A run is a function of its plan alone.
 *
 * Text, one item a line, '#' begins a comment:
 *
 *     loam-plan 1
 *     seed 42
 *     nodes 3
 *     founders 3
 *     witness 2           (if there is one)
 *     format-level 1      (of the stores that are made; the latest if it is not said)
 *     clients 5
 *     operations 200
 *     fault at=1200 for=500 kind=power-cut nodes=2 others=- amount=2
 */
#ifndef TOOLS_SIM_FAULT_PLAN_H
#define TOOLS_SIM_FAULT_PLAN_H

#include <stdbool.h>

#include "engine/base/buf.h"
#include "engine/base/error.h"
#include "engine/base/slice.h"

enum {
    FAULT_PLAN_FAULTS_MAX = 64,
    FAULT_PLAN_NODES_MAX = 9,
    FAULT_DRIFT_MOST = 200000, /* parts of a million that a clock runs fast or slow: leases count on a bound */
    FAULT_PLAN_CLIENTS_MAX = 32,
    FAULT_PLAN_WHOLE_VOTERS = 3, /* where one may be damaged the others are a majority */
    FAULT_PLAN_OPERATIONS = 200, /* unless a plan says another number */
    FAULT_CLIENTS_BIT = 31,      /* in a set of nodes: the machine of the clients ("c") */
    FAULT_LEADER_BIT = 30,       /* whoever leads when the fault strikes ("l"); on the other side then: all others */
};

/*  name           text              amount */
#define FAULT_KINDS(X)                                                                                                 \
    X(POWER_CUT, "power-cut")       /* which of enum sim_cut; back after `for` */                                      \
    X(KILL, "kill")                 /* the process; back after `for` */                                                \
    X(PAUSE, "pause")               /* the process gets no CPU */                                                      \
    X(PARTITION, "partition")       /* nodes | others, both ways */                                                    \
    X(ONE_WAY, "one-way")           /* nothing passes from nodes to others */                                          \
    X(RESET, "reset")               /* of every connection between nodes and others */                                 \
    X(SLOW_LINK, "slow-link")       /* microseconds, from nodes to others */                                           \
    X(STALLS, "stalls")             /* of a million segments, that many are sent again 200 ms later */                 \
    X(FRAME_DROP, "frame-drop")     /* of a million peer frames from nodes to others */                                \
    X(FRAME_REPEAT, "frame-repeat") /* the same */                                                                     \
    X(FRAME_DELAY, "frame-delay")   /* the same; later frames overtake */                                              \
    X(SLOW_DISK, "slow-disk")       /* tenths of the ordinary latency */                                               \
    X(DISK_FULL, "disk-full")       /* bytes that are left */                                                          \
    X(READ_ERRORS, "read-errors")   /* of a million reads */                                                           \
    X(SYNC_FAILURE, "sync-failure") /* the next sync; the process starts anew after `for` */                           \
    X(CLOCK_JUMP, "clock-jump")     /* milliseconds, of the wall clock */                                              \
    X(CLOCK_DRIFT, "clock-drift")   /* parts of a million */                                                           \
    X(TRANSFER, "transfer")         /* no fault: whoever leads is to give its place to the first of nodes */           \
    X(ROT_LOG, "rot-log")           /* a bit of its log changes; before, the process dies, back after `for`, if any */ \
    X(ROT_STORE, "rot-store")       /* the same, of its store */                                                       \
    X(ROT_PROMISE, "rot-promise")   /* the same, of a slot of its superblock */                                        \
    X(MEMBERS, "members")           /* no fault: these are to be the voters; how: enum world_change_how */             \
    X(WIPE, "wipe")                 /* the disk is empty, and the node is to come back by a change of members */       \
    X(WRITE_ERRORS, "write-errors") /* of a million writes */                                                          \
    X(MISDIRECT, "misdirect")       /* the power goes soon; a write under way stands over something else then */       \
    X(SNAPSHOT, "snapshot")         /* no fault: what it has applied is flushed, the log before may go */              \
    X(UPGRADE, "upgrade")           /* no fault: it ends, its store gets the latest format level; back after `for` */

enum fault_kind {
#define X(name, text) FAULT_##name,
    FAULT_KINDS(X)
#undef X
        FAULT_KIND_COUNT
};

const char *fault_kind_name(enum fault_kind kind);
bool fault_is_damage(enum fault_kind kind); /* what was durable changes on the disk */

struct fault {
    uint64_t at_ms;
    uint64_t for_ms; /* then it is lifted; 0: it is over at once */
    enum fault_kind kind;
    uint32_t nodes;  /* bit i: node i + 1 */
    uint32_t others; /* the other side, for what concerns links */
    int64_t amount;
};

struct fault_plan {
    uint64_t seed;
    unsigned nodes;
    unsigned witness;      /* a founder that votes and keeps no data; 0 = none */
    unsigned format_level; /* of the stores that are made; 0 = the latest */
    unsigned founders;     /* 1..founders are members from the start, others come by changes; 0 is read as all */
    unsigned clients;
    unsigned operations; /* completed by clients, at least */
    size_t count;
    struct fault faults[FAULT_PLAN_FAULTS_MAX]; /* by at_ms */
};

/* Each seed takes a few kinds (at least four) and strikes at least ten times; every second one has leadership given
 * away besides, every second of three nodes or more one whose log, store or superblock is damaged, every second members
 * that change, and up to two nodes more for it; every third begins with stores of format level 1. */
void fault_plan_draw(struct fault_plan *plan, uint64_t seed, unsigned nodes);
void fault_plan_sort(struct fault_plan *plan); /* by time */
unsigned fault_plan_founders(const struct fault_plan *plan);
bool fault_plan_damages(const struct fault_plan *plan);
/* All that strikes is promised to be survived (raft/README.md, "What is promised"): one node is damaged at most, and of
 * it one slot of its superblock, while the others are a majority that is whole. Beyond it a node may refuse to serve.
 */
bool fault_plan_is_within_budget(const struct fault_plan *plan);
/* After the last fault was lifted. */
uint64_t fault_plan_end_ms(const struct fault_plan *plan);
unsigned fault_plan_kinds(const struct fault_plan *plan);

MUST_CHECK enum status fault_print(struct buf *to, const struct fault *fault); /* without "fault " and newline */
MUST_CHECK enum status fault_plan_print(struct buf *to, const struct fault_plan *plan);
/* SYNTAX, VERSION, TOO_LARGE, INVALID with the line in words. */
MUST_CHECK enum status fault_plan_parse(struct slice text, struct fault_plan *plan, struct error *error);

#endif
