/*
 * sim: virtual time. One queue of events for everything that happens in a simulated world, ordered by time and, at the
 * same time, by order of arrival; so a world is a function of its seed. Beside it the trace: a running hash of all that
 * happened, by which a replay is proven equal, and the same as text for people, on request.
 *
 * One thread. Built upon by sim_io.h (a machine: disk, clock, sockets, jobs behind struct io), sim_net.h (what lies
 * between machines).
 */
#ifndef TOOLS_SIM_SIM_H
#define TOOLS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/prng.h"

struct sim;

struct sim *sim_create(uint64_t seed);
void sim_destroy(struct sim *sim); /* after all its ios */

uint64_t sim_seed(const struct sim *sim);
uint64_t sim_now_ns(const struct sim *sim);
struct prng *sim_prng(struct sim *sim);

/* Memory is the caller's, zeroed before the first use, not movable while queued. */
struct sim_event {
    uint64_t at_ns;
    uint64_t sequence;
    size_t place; /* in the queue, from 1; 0 = not queued */
    void (*fire)(struct sim_event *event);
    void *context;
};

/* Fires at at_ns, or as soon as may be when that has passed. An event that is queued already is moved. */
void sim_schedule(struct sim *sim, struct sim_event *event, uint64_t at_ns);
void sim_unschedule(struct sim *sim, struct sim_event *event);
static inline bool sim_is_scheduled(const struct sim_event *event) {
    return event->place != 0;
}

/* Fires the next event; false when there is none. */
bool sim_step(struct sim *sim);
/* When that will be; UINT64_MAX when there is none. */
uint64_t sim_next_ns(const struct sim *sim);
/* Fires all that is due until then. */
void sim_run_until(struct sim *sim, uint64_t at_ns);
/* Time passes without events; never back. Events left behind fire late. */
void sim_advance(struct sim *sim, uint64_t at_ns);

/* ---- Trace ------------------------------------------------------------------------------------------------------- */

enum { SIM_NOBODY = -1 };

/* Lines go to `line` ("12.000345678 n2 what"); NULL switches the text off. */
void sim_set_trace(struct sim *sim, void (*line)(void *context, const char *text), void *context);
/*
 * Something happened at node (or SIM_NOBODY): what (static text) and two numbers go into the hash, and into the text
 * when it is on.
 */
void sim_note(struct sim *sim, int node, const char *what, uint64_t a, uint64_t b);
/* As sim_note, with words of its own in the text: formatted only when it is on. The numbers count for the hash. */
void sim_note_text(struct sim *sim, int node, uint64_t number, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool sim_is_traced(const struct sim *sim);
uint64_t sim_hash(const struct sim *sim);
uint64_t sim_event_count(const struct sim *sim);

/* ---- Record ------------------------------------------------------------------------------------------------------ */

/* Listens from now on (record.h); NULL: nobody does. Borrowed. */
struct record;
void sim_set_record(struct sim *sim, struct record *record);
struct record *sim_record(const struct sim *sim);

#endif
