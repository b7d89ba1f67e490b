/*
 * world_hand: a run between two of its events (world_step in world.h): looked at, and interfered with. What is done by
 * hand goes into the trace, so that the same run with the same interference, at the same places, has the same hash; a
 * record tells it among the faults. Looking changes nothing.
 *
 * Nodes are numbered from 1; WORLD_CLIENTS stands for the machine of the clients where links are meant. Actions return
 * NULL, or a static sentence: why nothing was done.
 */
#ifndef TOOLS_SIM_WORLD_HAND_H
#define TOOLS_SIM_WORLD_HAND_H

#include "tools/sim/record.h"
#include "tools/sim/world.h"

enum { WORLD_CLIENTS = 0 };

/* ---- Looking ----------------------------------------------------------------------------------------------------- */

struct world_sight {
    const char *condition; /* "up", "down", "paused", "halted" */
    struct world_view view;
    struct world_look look;
    char terms[RECORD_WORDS_BYTES]; /* record_state */
    const char *last_error;         /* why it did not boot; "": it did; borrowed until the next event */
    unsigned boots;
    uint64_t disk_bytes, unsynced_sectors;
    struct sim_disk *disk;
    struct io *io; /* NULL while it is down */
    bool is_held;  /* down by hand, until it is booted by hand */
};
void world_hand_look(const struct world *world, unsigned number, struct world_sight *sight);
uint64_t world_hand_term_at(const struct world *world, unsigned number, uint64_t index); /* 0: not there */

/* Its time, its network, its trace. To look at; frames go by the calls below. */
struct sim *world_hand_sim(const struct world *world);
const struct world_report *world_hand_report(const struct world *world); /* verdict, faults, leader changes so far */
uint64_t world_hand_leader_term(const struct world *world);              /* the highest that anybody led */

enum world_fault_phase { WORLD_FAULT_COMES, WORLD_FAULT_HOLDS, WORLD_FAULT_OVER };
size_t world_hand_fault_count(const struct world *world);
/* As it struck, if it did: with the leader of that moment. */
const struct fault *world_hand_fault(const struct world *world, size_t number, enum world_fault_phase *phase);
/* By hand or by a fault. */
bool world_hand_is_cut(const struct world *world, unsigned from, unsigned to);

size_t world_hand_history(const struct world *world, const struct world_operation **operations);

/* ---- Interfering ------------------------------------------------------------------------------------------------- */

const char *world_hand_kill(struct world *world, unsigned number);  /* until world_hand_boot, whatever faults say */
const char *world_hand_power(struct world *world, unsigned number); /* the same; what is not synced may be gone */
const char *world_hand_boot(struct world *world, unsigned number);
const char *world_hand_pause(struct world *world, unsigned number);
const char *world_hand_resume(struct world *world, unsigned number);
/* The next write, or the next sync, of the node's disk fails, once. */
const char *world_hand_fail_write(struct world *world, unsigned number);
const char *world_hand_fail_sync(struct world *world, unsigned number);
/* Nothing passes from one to the other. Healing undoes what was cut by hand alone. */
const char *world_hand_cut(struct world *world, unsigned from, unsigned to);
const char *world_hand_heal(struct world *world, unsigned from, unsigned to);
/* A frame that is on its way, by its number (sim_net_visit_frames). */
const char *world_hand_drop(struct world *world, uint64_t frame);
const char *world_hand_repeat(struct world *world, uint64_t frame, uint64_t *copy);

#endif
