/*
 * hands: the processes of a local cluster as somebody wishes them to be, and what the nodes say of themselves. Whoever
 * breaks things changes wishes; each turn looks at what is, and does the next step towards what is wished: signals,
 * starts, DEBUG commands. To heal is to wish for nothing.
 *
 * Loop thread; nothing waits, but that a start of a process takes some milliseconds.
 */
#ifndef TOOLS_LOAM_CHAOS_HANDS_H
#define TOOLS_LOAM_CHAOS_HANDS_H

#include "tools/loam/chaos/namespaces.h"
#include "tools/loam/chaos/roster.h"

/* All zero: a node that runs, and nothing is wrong. */
struct wish {
    bool is_down, is_gentle; /* ended by SIGKILL; gently: by SIGTERM */
    bool is_paused;
    uint32_t drop_in, drop_out; /* a bit for each peer whose messages don't arrive, to whom none go */
    bool disk_is_full;
    uint32_t disk_slow_ms;
    int64_t clock_ms;
    enum wish_place place;
    bool is_joint; /* its place changes by way of a joint configuration */
};

struct hand {
    struct hands *hands;
    unsigned node;
    struct wish wish, done; /* of `done` only what DEBUG sets */
    enum process_state state;
    long pid; /* 0: none that was started here and not buried */
    bool is_ended_by_us;
    uint64_t asked_to_end_ns;
    unsigned starts;
    char address[IO_ADDRESS_BYTES];

    struct asker control; /* sets what DEBUG sets, one at a time */
    struct wish asked;    /* done, once the command at hand is */
    bool may_refuse;      /* the command at hand: a leader that has not applied a change yet knows other voters */
    bool is_unsure;       /* a command got no answer, and may be carried out yet, as by a node that was paused */
    uint64_t unsure_ns;

    struct asker watch;
    uint64_t next_look_ns, heard_ns; /* heard: when facts are from; 0: it does not answer */
    struct node_facts facts;
    char incarnation[24];                      /* of its directory */
    enum cluster_place places[PLAN_START_MAX]; /* of each node, as this one has it */
    struct roster_place place;
    bool is_wiped; /* it was no member any more, and its directory is gone */
    bool disk_has_failed,
        disk_is_behind; /* behind: slow, or owes a write since a time that is long for a healthy one */
};

struct leader_change {
    uint64_t at_ns;
    unsigned node; /* 0: nobody leads */
    uint64_t term;
};

struct hands {
    struct cluster *cluster; /* borrowed */
    struct hand nodes[PLAN_NODES_MAX];
    unsigned leader; /* who leads the highest term that anybody tells of; 0: nobody */
    uint64_t term;
    struct roster roster;
    struct cables cables, cables_wish; /* of namespaces: plugged, and to be */
    uint64_t terms_seen;               /* how often a higher one came up */
    struct leader_change *changes;     /* owned */
    size_t change_count, change_capacity;
    struct error failure; /* a node that ended by itself or did not start, a wish that was refused */
    enum status status;   /* not OK: failure says what */
    bool is_broken;       /* the failure is the cluster's, not the machine's */
};

/* Starts all nodes of the plan. REQUIRES: plan saved, none runs. */
MUST_CHECK enum status hands_init(struct hands *hands, struct cluster *cluster, struct error *error);
/* One step for each node. False: something failed; it is in hands->failure. */
bool hands_turn(struct hands *hands);
/* Asks nothing more; hands_are_idle turns true within a second or so of loop. */
void hands_rest(struct hands *hands);
bool hands_are_idle(const struct hands *hands);
/* REQUIRES: idle. The processes live on. */
void hands_deinit(struct hands *hands);

void hands_wish_nothing(struct hands *hands);
/* All run, all wishes are fulfilled, all answer and follow one leader. `why` (128 bytes) says what is missing. */
bool hands_all_well(const struct hands *hands, char *why);
/* A word to the node beside what wishes need; what becomes of it is not told. False: it is busy or does not run. */
bool hands_tell(struct hands *hands, unsigned node, const char *const *words, size_t count);

#endif
