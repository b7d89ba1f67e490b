/*
 * nemesis: breaks a cluster by the numbers of a seed. Episode after episode: a calm, a fault or two, all healed, and a
 * wait until the cluster is well again; so what is broken at a time stays within what it promises to survive, and each
 * fault's cost is seen. What is noted of each: when, how long nobody led, how long no write was acknowledged.
 */
#ifndef TOOLS_LOAM_CHAOS_NEMESIS_H
#define TOOLS_LOAM_CHAOS_NEMESIS_H

#include "tools/loam/chaos/faults.h"
#include "tools/loam/chaos/workload.h"

struct nemesis_note {
    struct fault fault;
    uint64_t begun_ns, healed_ns; /* all well again: well_ns; by io_now_ns; 0: not yet */
    uint64_t well_ns;
    unsigned mark;
    uint64_t written_ns;    /* the first acknowledged write that was asked after it began; 0: none */
    uint64_t leaderless_ns; /* within it, up to well_ns */
    uint64_t stalled_ns;    /* the longest time in it without an acknowledged write */
};

enum nemesis_state { NEMESIS_CALM, NEMESIS_ACTIVE, NEMESIS_HEALING, NEMESIS_AT_REST };

struct nemesis {
    struct hands *hands;       /* borrowed */
    struct workload *workload; /* borrowed */
    struct prng prng;
    uint32_t kinds;      /* a bit each; 0: never does anything */
    uint64_t fail_overs; /* > 0: so many kills of the leader, each healed once a write was acknowledged */
    enum nemesis_state state;
    uint64_t next_ns; /* the calm's end, the faults' end, or when healing has taken too long */
    bool stopping;
    uint64_t turned_ns;                           /* the turn before */
    struct nemesis_note *notes;                   /* owned */
    size_t note_count, note_capacity, first_open; /* from first_open on they are of the episode at work */
    char why[128];                                /* what was missing when healing took too long; "" else */
};

void nemesis_init(struct nemesis *nemesis, struct hands *hands, struct workload *workload, uint64_t seed,
                  uint32_t kinds);
void nemesis_deinit(struct nemesis *nemesis);
/* After hands_turn. NO_MEMORY; TIMED_OUT: the cluster did not get well, nemesis->why says what was missing. */
MUST_CHECK enum status nemesis_turn(struct nemesis *nemesis);
/* Begins nothing more, heals what is open. */
void nemesis_stop(struct nemesis *nemesis);
/* All is well and nothing will begin. */
bool nemesis_is_at_rest(const struct nemesis *nemesis);

#endif
