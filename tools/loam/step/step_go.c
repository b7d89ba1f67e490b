/* step_go: time passes, event by event, until what was asked for (step.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/step/step.h"
#include "tools/sim/server_node.h"
#include "tools/sim/sim_net.h"

static void print_line(void *context, const char *line) {
    struct stepper *stepper = context;
    stepper->told++;
    (void)puts(line);
}

/* What is printed while events pass; the trace's hash is the same either way. */
static void begin(struct stepper *stepper, bool all) {
    sim_set_trace(stepper->sim, all || stepper->prints_trace ? print_line : NULL, stepper);
}

static void stop(struct stepper *stepper) {
    sim_set_trace(stepper->sim, NULL, NULL);
    step_tell_place(stepper);
}

static bool is_over(struct stepper *stepper) {
    if (!world_is_over(stepper->world)) return false;
    step_complain(stepper, "the run is over");
    return true;
}

/* An event that leaves no line in the trace (a node's turn in which nothing came of it) is passed by. */
static void step(struct stepper *stepper, char *const *words, int count) {
    uint64_t wanted = 1;
    if ((count > 0 && !step_read_number(stepper, words[0], &wanted)) || is_over(stepper)) return;
    begin(stepper, true);
    for (uint64_t i = 0; i < wanted && !world_is_over(stepper->world); i++) {
        const uint64_t told = stepper->told;
        while (stepper->told == told && world_step(stepper->world)) continue;
    }
    stop(stepper);
}

/* ---- Until ------------------------------------------------------------------------------------------------------- */

/* The newest message of a kind that is on its way. */
struct wanted_message {
    const char *kind;
    unsigned from, to; /* 0: any */
    uint64_t newest;
};

static void look_for(void *context, const struct sim_frame_sight *frame) {
    struct wanted_message *wanted = context;
    struct record_words words;
    if (frame->number <= wanted->newest) return;
    if ((wanted->from != 0 && frame->from != (int)wanted->from - 1) ||
        (wanted->to != 0 && frame->to != (int)wanted->to - 1))
        return;
    server_node_describe(frame->bytes, &words);
    if (strcmp(words.kind, wanted->kind) == 0) wanted->newest = frame->number;
}

/* One that is on its way now does not count. */
static void to_message(struct stepper *stepper, char *const *words, int count) {
    struct wanted_message wanted = {.kind = words[0]};
    if (count > 1 && !step_read_node(stepper, words[1], &wanted.from)) return;
    if (count > 2 && !step_read_node(stepper, words[2], &wanted.to)) return;
    if (is_over(stepper)) return;
    sim_net_visit_frames(stepper->sim, look_for, &wanted);
    const uint64_t before = wanted.newest;
    begin(stepper, false);
    while (wanted.newest == before && world_step(stepper->world)) sim_net_visit_frames(stepper->sim, look_for, &wanted);
    if (wanted.newest != before)
        (void)printf("message %" PRIu64 " is on its way\n", wanted.newest);
    else
        step_complain(stepper, "no such message was sent to the end of the run");
    stop(stepper);
}

static void to_time(struct stepper *stepper, const char *word) {
    uint64_t at_ns;
    if (!step_read_time(stepper, word, &at_ns) || is_over(stepper)) return;
    if (at_ns < sim_now_ns(stepper->sim)) {
        step_complain(stepper, "%s has passed; time goes forward only", word);
        return;
    }
    begin(stepper, false);
    while (sim_next_ns(stepper->sim) <= at_ns && world_step(stepper->world)) continue;
    stop(stepper);
}

/* A number that grows when what is waited for happens; UINT64_MAX: nothing of that name is waited for. */
static uint64_t count_of(const struct stepper *stepper, const char *what) {
    if (strcmp(what, "fault") == 0) return world_hand_report(stepper->world)->faults;
    if (strcmp(what, "leader") == 0) return world_hand_leader_term(stepper->world);
    if (strcmp(what, "snapshot") == 0) return world_hand_report(stepper->world)->snapshots;
    return strcmp(what, "violation") == 0 || strcmp(what, "end") == 0 ? 0 : UINT64_MAX;
}

/* "violation" and "end" both go to the end: a broken promise ends the run. */
static void to(struct stepper *stepper, char *const *words, int count) {
    if (strcmp(words[0], "message") == 0 && count > 1) {
        to_message(stepper, words + 1, count - 1);
        return;
    }
    const uint64_t before = count_of(stepper, words[0]);
    if (count > 1 || (before == UINT64_MAX && (words[0][0] < '0' || words[0][0] > '9') && words[0][0] != '+')) {
        step_complain(stepper,
                      "to: a time (2.5s, +20ms), fault, leader, snapshot, message KIND [FROM [TO]], violation, end");
        return;
    }
    if (before == UINT64_MAX) {
        to_time(stepper, words[0]);
        return;
    }
    if (is_over(stepper)) return;
    begin(stepper, false);
    while (count_of(stepper, words[0]) == before && world_step(stepper->world)) continue;
    if (strcmp(words[0], "violation") == 0 && world_hand_report(stepper->world)->verdict == WORLD_KEPT)
        (void)puts("nothing was broken");
    stop(stepper);
}

const struct step_command step_go_commands[] = {
    {"step", "[N]", "the next event that leaves a line in the trace, or N of them", 0, 1, step},
    {"to", "TIME|WHAT", "up to a time, or: fault, leader, snapshot, message KIND [FROM [TO]], violation, end", 1, 4,
     to},
    {0},
};
