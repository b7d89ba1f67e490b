/*
 * engine_child: see engine_child.h. What crosses the pipes are structs of one program; a short read means that the
 * other side has ended.
 */
#include "tools/loam/bench/engine_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/io.h"
#include "tools/loam/bench/engine_driver.h"
#include "tools/loam/bench/engine_workloads.h"
#include "tools/loam/commands.h"

enum { RESULTS = 3 }; /* the descriptor on which a child answers */

/* ---- Pipes ------------------------------------------------------------------------------------------------------- */

static bool send_all(int pipe_end, const void *from, size_t size) {
    for (const char *at = from; size;) {
        ssize_t sent = write(pipe_end, at, size);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool receive_all(int pipe_end, void *to, size_t size) {
    for (char *at = to; size;) {
        ssize_t got = read(pipe_end, at, size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

/* ---- The parent's side ------------------------------------------------------------------------------------------- */

/* In the child. Its standard output goes to the parent's errors: what an engine may print does not mix with results. */
__attribute__((noreturn)) static void become(int requests, int results) {
    sigset_t none;
    sigemptyset(&none);
    if (dup2(requests, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 &&
        (results == RESULTS ? fcntl(results, F_SETFD, 0) >= 0 : dup2(results, RESULTS) >= 0) &&
        sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        execl("/proc/self/exe", "loam", "bench", "engine", "--child", (char *)NULL);
    _exit(127);
}

enum status child_start(const struct bench_settings *settings, struct child *child, struct error *error) {
    int requests[2], results[2];
    if (pipe2(requests, O_CLOEXEC) != 0) return error_set(error, STATUS_BUSY, "pipe: %s", strerror(errno));
    if (pipe2(results, O_CLOEXEC) != 0) {
        const int number = errno;
        close(requests[0]);
        close(requests[1]);
        return error_set(error, STATUS_BUSY, "pipe: %s", strerror(number));
    }
    (void)signal(SIGPIPE, SIG_IGN); /* a child that died is told by the write */
    (void)fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) become(requests[0], results[1]);
    const int number = errno;
    close(requests[0]);
    close(results[1]);
    *child = (struct child){.pid = pid, .requests = requests[1], .results = results[0]};
    if (pid > 0 && send_all(child->requests, settings, sizeof *settings)) return STATUS_OK;
    close(child->requests);
    close(child->results);
    if (pid < 0) return error_set(error, STATUS_BUSY, "fork: %s", strerror(number));
    (void)waitpid(pid, NULL, 0);
    return error_set(error, STATUS_CLOSED, "the process of an engine ended at once");
}

enum status child_ask(const struct child *child, const struct bench_step *step, struct bench_result *result) {
    if (!send_all(child->requests, step, sizeof *step)) return STATUS_CLOSED;
    return receive_all(child->results, result, sizeof *result) ? STATUS_OK : STATUS_CLOSED;
}

enum status child_end(struct child *child) {
    int state = 0;
    pid_t ended;
    close(child->requests);
    do ended = waitpid((pid_t)child->pid, &state, 0);
    while (ended < 0 && errno == EINTR);
    close(child->results);
    return ended == child->pid && WIFEXITED(state) && WEXITSTATUS(state) == 0 ? STATUS_OK : STATUS_CLOSED;
}

/* ---- The child's side -------------------------------------------------------------------------------------------- */

static enum status bind_driver(const struct driver *driver, const char *path, struct error *error) {
    if (!driver->bind) return STATUS_OK;
    struct peer_library *library;
    enum status status = peer_load(path, driver->names, &library, error);
    return status == STATUS_OK ? driver->bind(library, error) : status;
}

static bool serve_steps(struct bench_run *run, int results) {
    static struct bench_result result; /* large */
    struct bench_step step;
    while (receive_all(STDIN_FILENO, &step, sizeof step)) {
        bench_run_step(run, &step, &result);
        if (!send_all(results, &result, sizeof result)) return false;
    }
    return true;
}

int child_serve(void) {
    static struct bench_settings settings;
    struct error error = {0};
    struct io *io = NULL;
    struct bench_run *run = NULL;
    bool served = false;
    if (!receive_all(STDIN_FILENO, &settings, sizeof settings) || settings.engine >= BENCH_ENGINES_MAX)
        return EXIT_FAILED;
    const struct driver *driver = engine_drivers[settings.engine];
    enum status status = bind_driver(driver, settings.library, &error);
    if (status == STATUS_OK) status = io_create(&(struct io_options){0}, &io, &error);
    if (status == STATUS_OK) status = bench_run_create(io, &settings, driver, &run);
    if (status == STATUS_OK) {
        served = serve_steps(run, RESULTS);
    } else {
        (void)engine_driver_fail(driver, status, "start", error.text[0] ? error.text : status_text(status));
    }
    bench_run_destroy(run);
    if (io) io_destroy(io);
    return served ? EXIT_CLEAN : EXIT_FAILED;
}
