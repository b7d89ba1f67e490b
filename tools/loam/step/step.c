#include "tools/loam/step/step.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "tools/loam/commands.h"
#include "tools/loam/number_option.h"
#include "tools/loam/sim_shrink.h"
#include "tools/loam/sim_trace.h"
#include "tools/loam/terminal.h"
#include "tools/sim/server_node.h"
#include "tools/sim/world_batch.h"

enum { WORDS_MAX = 8 };
#define SECOND_NS UINT64_C(1000000000)

/* ---- Words ------------------------------------------------------------------------------------------------------- */

void step_complain(struct stepper *stepper, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("? ", stdout);
    (void)vprintf(format, arguments);
    (void)puts("");
    va_end(arguments);
    stepper->has_complained = true;
}

bool step_read_number(struct stepper *stepper, const char *word, uint64_t *number) {
    if (number_option(word, UINT64_MAX, number)) return true;
    step_complain(stepper, "'%s' is not a number from 1 on", word);
    return false;
}

bool step_read_node(struct stepper *stepper, const char *word, unsigned *node) {
    uint64_t number;
    if (number_option(word, stepper->plan->nodes, &number)) {
        *node = (unsigned)number;
        return true;
    }
    step_complain(stepper, "'%s' is no node: they are 1 to %u", word, stepper->plan->nodes);
    return false;
}

bool step_read_machine(struct stepper *stepper, const char *word, unsigned *machine) {
    if (strcmp(word, "c") != 0) return step_read_node(stepper, word, machine);
    *machine = WORLD_CLIENTS;
    return true;
}

static uint64_t unit_of(const char *word) {
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"s", SECOND_NS}, {"ms", SECOND_NS / 1000}, {"us", SECOND_NS / 1000000}, {"ns", 1}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(word, units[i].name) == 0) return units[i].ns;
    return 0;
}

/* Digits, perhaps a point and digits, a unit; at most a day. */
bool step_read_time(struct stepper *stepper, const char *word, uint64_t *at_ns) {
    const char *at = word + (word[0] == '+');
    double value = 0, share = 1;
    const char *digits = at;
    while (isdigit((unsigned char)*at) && at - digits < 12) value = value * 10 + (*at++ - '0');
    const bool has_digits = at > digits;
    if (*at == '.')
        for (at++; isdigit((unsigned char)*at); at++) value += (share /= 10) * (*at - '0');
    const uint64_t unit = unit_of(at);
    if (!has_digits || unit == 0 || value * (double)unit > 86400 * (double)SECOND_NS) {
        step_complain(stepper, "'%s' is no time: 2.5s, 300ms, 40us, or +20ms from now on", word);
        return false;
    }
    const uint64_t ns = (uint64_t)(value * (double)unit + 0.5);
    *at_ns = word[0] == '+' ? sim_now_ns(stepper->sim) + ns : ns;
    return true;
}

void step_tell_place(const struct stepper *stepper) {
    const struct world_report *report = world_hand_report(stepper->world);
    const uint64_t now = sim_now_ns(stepper->sim);
    (void)printf("at %" PRIu64 ".%09" PRIu64 " s, %" PRIu64 " events, hash %016" PRIx64 "\n", now / SECOND_NS,
                 now % SECOND_NS, sim_event_count(stepper->sim), sim_hash(stepper->sim));
    if (report->verdict != WORLD_KEPT)
        (void)printf("%s: %s\n", world_verdict_name(report->verdict), report->text);
    else if (world_is_over(stepper->world))
        (void)puts("the run is over; every promise was kept");
}

/* ---- Commands of this file --------------------------------------------------------------------------------------- */

static void tell_place(struct stepper *stepper, char *const *words, int count) {
    (void)words;
    (void)count;
    step_tell_place(stepper);
}

static void switch_trace(struct stepper *stepper, char *const *words, int count) {
    (void)count;
    if (strcmp(words[0], "on") != 0 && strcmp(words[0], "off") != 0) {
        step_complain(stepper, "trace on, or trace off, not '%s'", words[0]);
        return;
    }
    stepper->prints_trace = strcmp(words[0], "on") == 0;
}

static void quit(struct stepper *stepper, char *const *words, int count) {
    (void)words;
    (void)count;
    stepper->has_ended = true;
}

static void help(struct stepper *stepper, char *const *words, int count);

static const struct step_command own_commands[] = {
    {"trace", "on|off", "every event that passes, a line each; off: only those of step", 1, 1, switch_trace},
    {"where", "", "time, events and the hash of all that has happened", 0, 0, tell_place},
    {"help", "[COMMAND]", "this", 0, 1, help},
    {"quit", "", "ends the run here; so does the end of the input", 0, 0, quit},
    {0},
};
static const struct step_command *const all_commands[] = {step_go_commands, step_show_commands, step_hand_commands,
                                                          own_commands};
enum { COMMAND_LISTS = sizeof all_commands / sizeof all_commands[0] };

static const struct step_command *find_command(const char *name) {
    for (size_t i = 0; i < COMMAND_LISTS; i++)
        for (const struct step_command *command = all_commands[i]; command->name; command++)
            if (strcmp(command->name, name) == 0) return command;
    return NULL;
}

static void help_on(const struct step_command *command) {
    char form[64];
    (void)snprintf(form, sizeof form, "%s %s", command->name, command->words);
    (void)printf("  %-26s %s\n", form, command->help);
}

static void help(struct stepper *stepper, char *const *words, int count) {
    const struct step_command *wanted = count > 0 ? find_command(words[0]) : NULL;
    if (count > 0 && !wanted) {
        step_complain(stepper, "no command '%s'; help lists them", words[0]);
        return;
    }
    if (wanted) {
        help_on(wanted);
        return;
    }
    for (size_t i = 0; i < COMMAND_LISTS; i++)
        for (const struct step_command *command = all_commands[i]; command->name; command++) help_on(command);
    (void)puts("  Nodes are numbers from 1 (in lines of the trace n0 is node 1), c is the machine of the clients.\n"
               "  Times are 2.5s, 300ms, +40us. '#' begins a comment.");
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

static void run_words(struct stepper *stepper, char **words, int count) {
    const struct step_command *command = find_command(words[0]);
    if (!command) {
        step_complain(stepper, "no command '%s'; help lists them", words[0]);
    } else if (count - 1 < command->least || count - 1 > command->most) {
        step_complain(stepper, "%s takes: %s %s", command->name, command->name, command->words);
    } else {
        command->run(stepper, words + 1, count - 1);
    }
}

/* Takes the line apart, in place. */
static void run_line(struct stepper *stepper, char *line) {
    char *words[WORDS_MAX], *rest = NULL;
    int count = 0;
    line[strcspn(line, "#")] = '\0';
    for (char *word = strtok_r(line, " \t\r\n", &rest); word; word = strtok_r(NULL, " \t\r\n", &rest)) {
        if (count == WORDS_MAX) {
            step_complain(stepper, "too many words");
            return;
        }
        words[count++] = word;
    }
    if (count > 0) run_words(stepper, words, count);
}

static enum status read_lines(struct stepper *stepper) {
    struct buf line = BUF_EMPTY;
    enum status status = STATUS_OK;
    while (!stepper->has_ended) {
        if (terminal_has_input()) (void)printf("%.6f s> ", (double)sim_now_ns(stepper->sim) / (double)SECOND_NS);
        (void)fflush(stdout);
        status = terminal_read_line(&line);
        if (status == STATUS_OK) status = buf_append_byte(&line, 0);
        if (status != STATUS_OK) break;
        if (memchr(line.data, 0, line.size - 1) != NULL)
            step_complain(stepper, "a line has a zero byte in it");
        else
            run_line(stepper, (char *)line.data);
    }
    buf_deinit(&line);
    return status == STATUS_END ? STATUS_OK : status;
}

/* ---- The run ----------------------------------------------------------------------------------------------------- */

static int conclude(const struct stepper *stepper, const struct world_report *report, bool is_written) {
    if (!is_written) return EXIT_FAILED;
    if (report->verdict != WORLD_KEPT) return SIM_EXIT_BROKEN;
    return stepper->has_complained && !terminal_has_input() ? EXIT_FAILED : EXIT_CLEAN;
}

int step_run(const struct fault_plan *plan, const char *page, bool prints_trace) {
    struct server_node_options servers = {.founders = fault_plan_founders(plan), .seed = plan->seed};
    const struct world_node_kind kind = server_node_kind(&servers);
    struct world_options options = {.plan = plan, .nodes = &kind};
    struct world_report report;
    struct sim_trace trace = {0};
    if (page) sim_trace_open(&trace, &options);
    struct stepper stepper = {.plan = plan, .world = world_open(&options, &report), .prints_trace = prints_trace};
    stepper.sim = world_hand_sim(stepper.world);
    (void)printf("seed %" PRIu64 ": %u nodes, %u clients, %zu faults; help lists the commands\n", plan->seed,
                 plan->nodes, plan->clients, plan->count);
    const enum status status = read_lines(&stepper);
    if (status != STATUS_OK) step_complain(&stepper, "%s", status_text(status));
    step_tell_place(&stepper);
    world_close(stepper.world);
    const bool is_written = !page || sim_trace_write(&trace, &options, &report, page);
    sim_trace_close(&trace);
    return conclude(&stepper, &report, is_written);
}
