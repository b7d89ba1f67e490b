/* process: see process.h. */
#include "tools/loam/cluster/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Start ------------------------------------------------------------------------------------------------------- */

/* In the child: everything that the new program must not inherit ends here. On failure the parent reads errno from the
 * pipe. */
__attribute__((noreturn)) static void become(const char *program, const char *const *arguments, const char *log_path,
                                             int report) {
    sigset_t none;
    sigemptyset(&none);
    const int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (input >= 0 && log >= 0 && setsid() >= 0 && dup2(input, STDIN_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0 &&
        dup2(log, STDERR_FILENO) >= 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        execvp(program, (char *const *)(uintptr_t)arguments);
    const int number = errno;
    if (write(report, &number, sizeof number) < 0) _exit(126);
    _exit(127);
}

/* Zero if the program runs: its start closed the pipe. */
static int read_report(int pipe_end) {
    int number = 0;
    ssize_t size;
    do size = read(pipe_end, &number, sizeof number);
    while (size < 0 && errno == EINTR);
    return size == (ssize_t)sizeof number ? number : 0;
}

enum status process_start(const char *program, const char *const *arguments, const char *log_path, long *pid,
                          struct error *error) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return error_set(error, STATUS_BUSY, "pipe: %s", strerror(errno));
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) become(program, arguments, log_path, report[1]);
    const int fork_number = errno;
    close(report[1]);
    if (child < 0) {
        close(report[0]);
        return error_set(error, STATUS_BUSY, "fork: %s", strerror(fork_number));
    }
    const int number = read_report(report[0]);
    close(report[0]);
    *pid = child;
    if (number == 0) return STATUS_OK;
    (void)waitpid(child, NULL, 0);
    return error_set(error, number == ENOENT ? STATUS_NOT_FOUND : STATUS_DENIED, "cannot start %s (log %s): %s",
                     program, log_path, strerror(number));
}

enum status process_wait(long pid, int *code) {
    int state;
    pid_t ended;
    do ended = waitpid((pid_t)pid, &state, 0);
    while (ended < 0 && errno == EINTR);
    if (ended < 0) return STATUS_NOT_FOUND;
    *code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    return STATUS_OK;
}

/* ---- Watch ------------------------------------------------------------------------------------------------------- */

/* A process that becomes another program has no arguments for a moment. */
enum { BECOMING_LOOKS_MAX = 100, BECOMING_NS = 1000 * 1000 };

/* Reads /proc/PID/name; returns how many bytes, 0 if the process is gone. */
static size_t read_facts(struct io *io, long pid, const char *name, char *to, size_t size) {
    char path[64];
    struct io_file *file;
    size_t got = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
    if (io_file_open(io, path, IO_OPEN_READ, &file) != STATUS_OK) return 0;
    if (io_file_read(file, 0, to, size - 1, &got) != STATUS_OK) got = 0;
    io_file_close(file);
    to[got] = '\0';
    return got;
}

static bool has_argument(const char *arguments, size_t size, const char *wanted) {
    for (size_t at = 0; at < size; at += strlen(arguments + at) + 1)
        if (strcmp(arguments + at, wanted) == 0) return true;
    return false;
}

/* "123 (name) S ...": the state letter, and the number of threads, which is the 18th word from there. The name may hold
 * anything. */
static bool parse_stat(const char *facts, char *state, unsigned long *threads) {
    enum { WORDS_TO_THREADS = 17 };
    const char *at = strrchr(facts, ')');
    if (!at || strlen(at) < 3) return false;
    at += 2;
    *state = *at;
    for (int word = 0; word < WORDS_TO_THREADS && at; word++) {
        at = strchr(at, ' ');
        if (at) at++;
    }
    *threads = at ? strtoul(at, NULL, 10) : 0;
    return true;
}

struct look {
    enum process_state state; /* whatever program it is */
    bool is_becoming;
    bool is_dying;        /* it has no arguments any more */
    char arguments[8192]; /* each with a zero behind it */
    size_t size;
};

static void look(struct io *io, long pid, struct look *look) {
    char facts[1024], letter;
    unsigned long threads;
    *look = (struct look){.state = PROCESS_GONE};
    if (read_facts(io, pid, "stat", facts, sizeof facts) == 0 || !parse_stat(facts, &letter, &threads)) return;
    /* Dead; but while other threads of it are ending, its files are still open. */
    look->is_dying = letter == 'Z' || letter == 'X';
    if (look->is_dying && threads <= 1) return;
    look->state = letter == 'T' || letter == 't' ? PROCESS_PAUSED : PROCESS_RUNNING;
    if (look->is_dying) return;
    look->size = read_facts(io, pid, "cmdline", look->arguments, sizeof look->arguments);
    look->is_becoming = look->size == 0;
}

enum process_state process_state(struct io *io, long pid, const char *argument) {
    struct look seen = {.state = PROCESS_GONE};
    if (pid <= 0) return PROCESS_GONE;
    for (int looks = 0; looks < BECOMING_LOOKS_MAX; looks++) {
        look(io, pid, &seen);
        if (!seen.is_becoming) break;
        io_sleep(io, BECOMING_NS); /* for longer only a thread of the kernel has none */
    }
    return seen.is_dying || has_argument(seen.arguments, seen.size, argument) ? seen.state : PROCESS_GONE;
}

enum status process_signal(long pid, enum process_signal signal) {
    static const int numbers[] = {
        [PROCESS_TERMINATE] = SIGTERM, [PROCESS_KILL] = SIGKILL, [PROCESS_PAUSE] = SIGSTOP, [PROCESS_RESUME] = SIGCONT};
    if (pid <= 0) return STATUS_NOT_FOUND;
    if (kill((pid_t)pid, numbers[signal]) == 0) return STATUS_OK;
    return errno == ESRCH ? STATUS_NOT_FOUND : STATUS_DENIED;
}

enum status process_own_directory(char *path, size_t size) {
    const ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length <= 0 || (size_t)length >= size - 1) return STATUS_NOT_FOUND;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash) return STATUS_NOT_FOUND;
    *slash = '\0';
    return STATUS_OK;
}
