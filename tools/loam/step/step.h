/*
 * step: `loam sim --step`: a run of the simulator that is led by commands, a line each, from a person or a script. The
 * same plan and the same lines give the same run, to the bit: looking changes nothing, and what is done by hand counts
 * for the trace's hash.
 *
 *   step.c       lines and their words     step_go.c    commands that let time pass
 *   step_show.c  commands that look        step_hand.c  commands that interfere
 */
#ifndef TOOLS_LOAM_STEP_STEP_H
#define TOOLS_LOAM_STEP_STEP_H

#include "tools/sim/world_hand.h"

struct stepper {
    const struct fault_plan *plan;
    struct world *world;
    struct sim *sim;
    bool prints_trace;   /* always, not only while single events pass */
    bool has_ended;      /* quit, or the input's end */
    bool has_complained; /* a line was not understood, or could not be done */
    uint64_t told;       /* lines of the trace so far, while it is on */
};

struct step_command {
    const char *name;
    const char *words; /* behind the name */
    const char *help;
    int least, most; /* words behind the name */
    void (*run)(struct stepper *stepper, char *const *words, int count);
};

/* Rows of the three files, each ended by a row without a name. */
extern const struct step_command step_go_commands[], step_show_commands[], step_hand_commands[];

/*
 * Runs the plan by commands from standard input; their answers go to standard output. page: where a page of the run is
 * written at the end (sim_trace.h), or NULL; prints_trace: as after "trace on". Returns the exit code: SIM_EXIT_BROKEN
 * if a promise was seen broken, EXIT_FAILED if the page could not be written, or a line of a script could not be
 * carried out, else EXIT_CLEAN.
 */
int step_run(const struct fault_plan *plan, const char *page, bool prints_trace);

/* ---- For the commands -------------------------------------------------------------------------------------------- */

/* A line that says why nothing was done. */
void step_complain(struct stepper *stepper, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Words read; false: they are not what is meant, which was told. */
bool step_read_number(struct stepper *stepper, const char *word, uint64_t *number);
bool step_read_node(struct stepper *stepper, const char *word, unsigned *node);
/* A node, or "c": the clients' machine. */
bool step_read_machine(struct stepper *stepper, const char *word, unsigned *machine);
/* Virtual time: "2.5s", "300ms", "40us"; with '+' before it from now on. */
bool step_read_time(struct stepper *stepper, const char *word, uint64_t *at_ns);
/* Where the run is: time, events, hash; and how it ended. */
void step_tell_place(const struct stepper *stepper);

#endif
