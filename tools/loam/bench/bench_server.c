/* bench_server: see bench_server.h. */
#include "tools/loam/bench/bench_server.h"

#include <stdio.h>

#include "tools/loam/bench/bench_dir.h"
#include "tools/loam/cluster/process.h"

enum { READY_MS = 20000, POLL_NS = 20 * 1000 * 1000, TIMEOUT_MS = 300000 };

static enum status wait_listening(struct bench_server *server, const char *log, struct error *error) {
    const uint64_t deadline_ns = io_now_ns(server->io) + (uint64_t)READY_MS * 1000000u;
    while (client_open(server->io, server->address, TIMEOUT_MS, &server->client, NULL) != STATUS_OK) {
        if (io_now_ns(server->io) > deadline_ns)
            return error_set(error, STATUS_TIMED_OUT, "loamd does not listen on %s; see %s", server->address, log);
        io_sleep(server->io, POLL_NS);
    }
    return STATUS_OK;
}

enum status bench_server_start(struct io *io, const char *dir, unsigned port, struct bench_server *server,
                               struct error *error) {
    char program[IO_PATH_BYTES], log[IO_PATH_BYTES];
    *server = (struct bench_server){.io = io};
    (void)snprintf(server->dir, sizeof server->dir, "%.900s", dir);
    (void)snprintf(server->address, sizeof server->address, "127.0.0.1:%u", port);
    enum status status = process_own_directory(program, sizeof program - sizeof "/loamd");
    if (status != STATUS_OK) return error_set(error, status, "where loamd stands is not known");
    (void)strncat(program, "/loamd", sizeof program - strlen(program) - 1);
    (void)snprintf(log, sizeof log, "%.900s.log", dir);
    bench_remove_dir(io, dir);
    status = bench_make_dir(io, dir);
    if (status != STATUS_OK) return error_set(error, status, "cannot make %s: %s", dir, status_text(status));
    struct client *taken = NULL;
    if (client_open(io, server->address, 200, &taken, NULL) == STATUS_OK) {
        client_close(taken);
        return error_set(error, STATUS_EXISTS, "%s is in use (--port)", server->address);
    }
    const char *const arguments[] = {"loamd", "--dir", dir, "--listen", server->address, NULL};
    status = process_start(program, arguments, log, &server->pid, error);
    return status == STATUS_OK ? wait_listening(server, log, error) : status;
}

enum status bench_server_stop(struct bench_server *server, bool remove, struct error *error) {
    int code = 0;
    client_close(server->client);
    server->client = NULL;
    if (!server->pid) return STATUS_OK;
    enum status status = process_signal(server->pid, PROCESS_TERMINATE);
    if (status == STATUS_OK) status = process_wait(server->pid, &code);
    server->pid = 0;
    if (status != STATUS_OK) return error_set(error, status, "loamd could not be ended");
    if (remove) bench_remove_dir(server->io, server->dir);
    return STATUS_OK;
}
