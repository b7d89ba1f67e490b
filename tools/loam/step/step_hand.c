/* step_hand: what a person does to the run (step.h); a command says by itself whether it was done. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/step/step.h"

static void tell(struct stepper *stepper, const char *why, const char *done) {
    if (why)
        step_complain(stepper, "%s", why);
    else
        (void)puts(done);
}

/* Commands of one node. */
static void act(struct stepper *stepper, const char *word, const char *(*action)(struct world *world, unsigned node),
                const char *done) {
    unsigned node;
    if (step_read_node(stepper, word, &node)) tell(stepper, action(stepper->world, node), done);
}

static void kill_node(struct stepper *stepper, char *const *words, int count) {
    (void)count;
    act(stepper, words[0], world_hand_kill, "it is down until it is booted");
}

static void cut_power(struct stepper *stepper, char *const *words, int count) {
    (void)count;
    act(stepper, words[0], world_hand_power, "it is down until it is booted; of what was not synced a part is gone");
}

static void boot(struct stepper *stepper, char *const *words, int count) {
    (void)count;
    act(stepper, words[0], world_hand_boot, "it boots with the next event");
}

static void pause_node(struct stepper *stepper, char *const *words, int count) {
    (void)count;
    act(stepper, words[0], world_hand_pause, "it stands still until it is resumed");
}

static void resume(struct stepper *stepper, char *const *words, int count) {
    (void)count;
    act(stepper, words[0], world_hand_resume, "it goes on, unless a fault has it paused");
}

static void fail(struct stepper *stepper, char *const *words, int count) {
    (void)count;
    if (strcmp(words[1], "write") == 0)
        act(stepper, words[0], world_hand_fail_write, "its next write fails");
    else if (strcmp(words[1], "sync") == 0)
        act(stepper, words[0], world_hand_fail_sync, "its next sync fails");
    else
        step_complain(stepper, "fail NODE write, or fail NODE sync, not '%s'", words[1]);
}

/* "A B" is both ways, "A > B" one. Where one way is done already the other still is. */
static void change_links(struct stepper *stepper, char *const *words, int count,
                         const char *(*change)(struct world *world, unsigned from, unsigned to), const char *done) {
    const bool is_one_way = count == 3;
    unsigned from, to;
    if (count < 2 || (is_one_way && strcmp(words[1], ">") != 0)) {
        step_complain(stepper, "two machines: 1 2, or one way: 1 > 2");
        return;
    }
    if (!step_read_machine(stepper, words[0], &from) || !step_read_machine(stepper, words[count - 1], &to)) return;
    const char *why = change(stepper->world, from, to);
    if (!is_one_way && change(stepper->world, to, from) == NULL) why = NULL;
    tell(stepper, why, done);
}

static void cut(struct stepper *stepper, char *const *words, int count) {
    change_links(stepper, words, count, world_hand_cut, "cut");
}

/* Without machines: all that was cut by hand. */
static void heal(struct stepper *stepper, char *const *words, int count) {
    unsigned healed = 0;
    if (count > 0) {
        change_links(stepper, words, count, world_hand_heal, "healed");
        return;
    }
    for (unsigned from = 0; from <= stepper->plan->nodes; from++)
        for (unsigned to = 0; to <= stepper->plan->nodes; to++)
            if (from != to) healed += world_hand_heal(stepper->world, from, to) == NULL;
    (void)printf("%u links healed\n", healed);
}

static void drop(struct stepper *stepper, char *const *words, int count) {
    uint64_t number;
    (void)count;
    if (step_read_number(stepper, words[0], &number)) tell(stepper, world_hand_drop(stepper->world, number), "dropped");
}

static void repeat(struct stepper *stepper, char *const *words, int count) {
    uint64_t number, copy = 0;
    (void)count;
    if (!step_read_number(stepper, words[0], &number)) return;
    const char *why = world_hand_repeat(stepper->world, number, &copy);
    if (why)
        step_complain(stepper, "%s", why);
    else
        (void)printf("sent again as message %" PRIu64 "\n", copy);
}

const struct step_command step_hand_commands[] = {
    {"drop", "MESSAGE", "a message that is on its way, by its number", 1, 1, drop},
    {"repeat", "MESSAGE", "the same arrives twice", 1, 1, repeat},
    {"cut", "A B | A > B", "nothing passes between two machines, or from one to the other", 2, 3, cut},
    {"heal", "[A B | A > B]", "what was cut by hand, or all of it", 0, 3, heal},
    {"fail", "NODE write|sync", "the node's next write, or sync, fails once", 2, 2, fail},
    {"kill", "NODE", "its process, until it is booted", 1, 1, kill_node},
    {"power", "NODE", "the same for its machine: what is not synced may be lost", 1, 1, cut_power},
    {"boot", "NODE", "a node that is down", 1, 1, boot},
    {"pause", "NODE", "its process gets no CPU", 1, 1, pause_node},
    {"resume", "NODE", "it gets some again", 1, 1, resume},
    {0},
};
