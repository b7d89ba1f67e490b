/*
 * sim_apart: fork, and two pipes: one for the report, one for what is written to stderr. The latter does not block: a
 * pipe holds more than the one line that is wanted of it.
 */
#include "tools/loam/sim_apart.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const sim_apart_ended = "a run does not end the program";

/* ---- A child ----------------------------------------------------------------------------------------------------- */

struct pipes {
    int report[2], words[2]; /* read, write; -1 = closed */
};

static void close_end(int *end) {
    if (*end >= 0) (void)close(*end);
    *end = -1;
}

static void pipes_close(struct pipes *pipes) {
    for (int end = 0; end < 2; end++) {
        close_end(&pipes->report[end]);
        close_end(&pipes->words[end]);
    }
}

static bool pipes_open(struct pipes *pipes) {
    *pipes = (struct pipes){.report = {-1, -1}, .words = {-1, -1}};
    return pipe2(pipes->report, O_CLOEXEC) == 0 && pipe2(pipes->words, O_CLOEXEC | O_NONBLOCK) == 0;
}

/* All of it, or as much as comes before the other end is closed. */
static size_t read_all(int from, void *to, size_t size) {
    size_t done = 0;
    while (done < size) {
        const ssize_t got = read(from, (char *)to + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += (size_t)got;
    }
    return done;
}

static bool write_all(int to, const void *from, size_t size) {
    size_t done = 0;
    while (done < size) {
        const ssize_t put = write(to, (const char *)from + done, size - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        done += (size_t)put;
    }
    return true;
}

__attribute__((noreturn)) static void be_child(struct pipes *pipes,
                                               void (*run)(const struct fault_plan *, struct world_report *),
                                               const struct fault_plan *plan) {
    static struct world_report report;
    if (dup2(pipes->words[1], STDERR_FILENO) < 0) _exit(1);
    run(plan, &report);
    _exit(write_all(pipes->report[1], &report, sizeof report) ? 0 : 1); /* promise points to the same text in both */
}

static void tell_how_it_ended(const struct fault_plan *plan, int from, int how, struct world_report *report) {
    char line[sizeof report->text];
    const size_t size = read_all(from, line, sizeof line - 1);
    line[size] = '\0';
    line[strcspn(line, "\n")] = '\0';
    *report = (struct world_report){
        .verdict = WORLD_BROKEN, .promise = sim_apart_ended, .broken_ms = fault_plan_end_ms(plan) + 1};
    if (line[0] != '\0')
        (void)snprintf(report->text, sizeof report->text, "the program ended: %.900s", line);
    else if (WIFSIGNALED(how))
        (void)snprintf(report->text, sizeof report->text, "the program ended: %s", strsignal(WTERMSIG(how)));
    else
        (void)snprintf(report->text, sizeof report->text, "the program ended with code %d", WEXITSTATUS(how));
}

enum status sim_apart_run(void (*run)(const struct fault_plan *plan, struct world_report *report),
                          const struct fault_plan *plan, struct world_report *report, struct error *error) {
    struct pipes pipes;
    const bool is_open = pipes_open(&pipes);
    (void)fflush(NULL); /* what stands in buffers is the parent's to write */
    const pid_t child = is_open ? fork() : -1;
    if (child < 0) {
        const int why = errno;
        pipes_close(&pipes);
        return error_set(error, STATUS_IO, "a process for the run: %s", strerror(why));
    }
    if (child == 0) be_child(&pipes, run, plan);
    int how = 0;
    close_end(&pipes.report[1]);
    close_end(&pipes.words[1]);
    const bool is_whole = read_all(pipes.report[0], report, sizeof *report) == sizeof *report;
    while (waitpid(child, &how, 0) < 0 && errno == EINTR) {}
    if (!is_whole) tell_how_it_ended(plan, pipes.words[0], how, report);
    pipes_close(&pipes);
    return STATUS_OK;
}

/* ---- Marks ------------------------------------------------------------------------------------------------------- */

enum { ENDS = 5 };

static const int ends[ENDS] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
static struct sigaction before[ENDS]; /* a sanitizer's, which says more */
static _Thread_local volatile uint64_t marked_seed;

static void say_seed(uint64_t seed) {
    static const char head[] = "loam sim: that was the run of seed ";
    static const char tail[] = "; --seed replays it, --shrink shortens it\n";
    char digits[20];
    size_t at = sizeof digits;
    for (; seed > 0; seed /= 10) digits[--at] = (char)('0' + seed % 10);
    (void)(write_all(STDERR_FILENO, head, sizeof head - 1) &&
           write_all(STDERR_FILENO, digits + at, sizeof digits - at) &&
           write_all(STDERR_FILENO, tail, sizeof tail - 1));
}

/* Does only what a signal's handler may. A fault happens again behind it, and is then treated as it always was. */
static void on_end(int number) {
    if (marked_seed != 0) say_seed(marked_seed);
    for (size_t i = 0; i < ENDS; i++)
        if (ends[i] == number) (void)sigaction(number, &before[i], NULL);
    if (number == SIGABRT) (void)raise(number);
}

void sim_apart_catch_ends(void) {
    const struct sigaction action = {.sa_handler = on_end};
    for (size_t i = 0; i < ENDS; i++) (void)sigaction(ends[i], &action, &before[i]);
}

void sim_apart_mark(uint64_t seed) {
    marked_seed = seed;
}
