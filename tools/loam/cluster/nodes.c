/*
 * nodes: starting and ending the processes of nodes. A node-I.pid file stands as long as its node is meant to run: a
 * process that is gone while its file stands has crashed.
 */
#include <stdio.h>

#include "tools/loam/cluster/cluster.h"

enum {
    STOP_TIMEOUT_MS = 10000,
    PORT_WAIT_MS = 2000,
    POLL_NS = 10 * 1000 * 1000,
    ARGUMENTS_MAX = 24 + CLUSTER_EXTRA_MAX
};

enum process_state cluster_node_process(const struct cluster *cluster, unsigned node, long *pid) {
    char address[IO_ADDRESS_BYTES];
    plan_address(&cluster->plan, node, PLAN_CLIENTS, address);
    *pid = plan_read_pid(&cluster->plan, cluster->io, node);
    enum process_state state = process_state(cluster->io, *pid, address);
    if (state == PROCESS_GONE) *pid = 0;
    return state;
}

/* ---- Start ------------------------------------------------------------------------------------------------------- */

struct command_line {
    char program[IO_PATH_BYTES];
    char dir[IO_PATH_BYTES];
    char log[IO_PATH_BYTES];
    char addresses[PLAN_PORT_KINDS][IO_ADDRESS_BYTES];
    char id[16], space[PLAN_SPACE_BYTES];
    struct buf members;
    const char *arguments[ARGUMENTS_MAX];
    size_t count;
};

static void add_argument(struct command_line *line, const char *argument) {
    if (line->count < ARGUMENTS_MAX - 1) line->arguments[line->count++] = argument;
}

static enum status find_server(const struct cluster *cluster, char program[IO_PATH_BYTES], struct error *error) {
    char own[IO_PATH_BYTES - 16];
    if (cluster->server) {
        (void)snprintf(program, IO_PATH_BYTES, "%s", cluster->server);
        return STATUS_OK;
    }
    enum status status = process_own_directory(own, sizeof own);
    if (status != STATUS_OK) return error_set(error, status, "cannot find the folder of this program");
    (void)snprintf(program, IO_PATH_BYTES, "%s/loamd", own);
    return STATUS_OK;
}

static enum status prepare(const struct cluster *cluster, unsigned node, bool init, struct command_line *line,
                           struct error *error) {
    *line = (struct command_line){.members = BUF_EMPTY};
    enum status status = find_server(cluster, line->program, error);
    if (status != STATUS_OK) return status;
    plan_path(&cluster->plan, node, "", line->dir);
    plan_path(&cluster->plan, node, ".log", line->log);
    for (int kind = 0; kind < PLAN_PORT_KINDS; kind++)
        plan_address(&cluster->plan, node, (enum plan_port)kind, line->addresses[kind]);
    (void)snprintf(line->id, sizeof line->id, "%u", node);
    plan_space(&cluster->plan, node, line->space);
    status = plan_members(&cluster->plan, node, &line->members);
    if (status == STATUS_OK) status = buf_append_byte(&line->members, '\0');
    if (status != STATUS_OK) return error_set(error, status, "out of memory");
    const char *const within[] = {"ip", "netns", "exec", line->space};
    const char *const fixed[] = {cluster->plan.net == 0 ? "loamd" : line->program,
                                 "--dir",
                                 line->dir,
                                 "--listen",
                                 line->addresses[PLAN_CLIENTS],
                                 "--http-listen",
                                 line->addresses[PLAN_HTTP],
                                 "--cluster",
                                 (const char *)line->members.data,
                                 "--node-id",
                                 line->id,
                                 "--lab"};
    for (size_t i = 0; i < sizeof within / sizeof *within && cluster->plan.net != 0; i++) add_argument(line, within[i]);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) add_argument(line, fixed[i]);
    const char *const secrets[] = {"--requirepass", cluster->secret, "--peer-secret", cluster->secret};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets && cluster->secret[0]; i++) add_argument(line, secrets[i]);
    for (int i = 0; i < cluster->extra_count; i++) add_argument(line, cluster->extra[i]);
    if (init) add_argument(line, "--init");
    if (init && cluster->witness && node >= plan_founders(&cluster->plan)) add_argument(line, "--witness");
    if (init && (node > plan_founders(&cluster->plan) || node == cluster->joining)) {
        if (!cluster->cluster_id[0])
            return error_set(error, STATUS_NOT_FOUND,
                             "node %u: %s is gone; `loam cluster replace %u` puts a new node in its place", node,
                             line->dir, node);
        add_argument(line, "--join");
        add_argument(line, cluster->cluster_id);
    }
    return STATUS_OK;
}

static enum status run(const struct cluster *cluster, const struct command_line *line, long *pid, struct error *error) {
    const char *program = cluster->plan.net == 0 ? line->program : "ip";
    return process_start(program, line->arguments, line->log, pid, error);
}

static enum status make_directory(const struct cluster *cluster, unsigned node, struct error *error) {
    struct command_line line;
    long pid = 0;
    int code = 0;
    enum status status = prepare(cluster, node, true, &line, error);
    if (status == STATUS_OK) status = run(cluster, &line, &pid, error);
    if (status == STATUS_OK) status = process_wait(pid, &code);
    if (status == STATUS_OK && code != 0)
        status = error_set(error, STATUS_INVALID, "loamd --init ended with code %d; %s says why", code, line.log);
    buf_deinit(&line.members);
    return status;
}

enum status cluster_node_start(const struct cluster *cluster, unsigned node, struct error *error) {
    long pid;
    if (cluster_node_process(cluster, node, &pid) != PROCESS_GONE) return STATUS_OK;
    struct command_line line = {.members = BUF_EMPTY};
    struct io_entry entry;
    enum status status = cluster_node_check_ports(cluster, node, error);
    if (status == STATUS_OK) {
        char dir[IO_PATH_BYTES];
        plan_path(&cluster->plan, node, "", dir);
        const enum status present = io_stat(cluster->io, dir, &entry);
        if (present == STATUS_NOT_FOUND) status = make_directory(cluster, node, error);
    }
    if (status == STATUS_OK) status = prepare(cluster, node, false, &line, error);
    if (status == STATUS_OK) status = run(cluster, &line, &pid, error);
    if (status == STATUS_OK) status = plan_write_pid(&cluster->plan, cluster->io, node, pid, error);
    buf_deinit(&line.members);
    return status;
}

/* A process that was killed a moment ago gives up its ports once it is gone: that is waited for. */
static enum status listen_for_a_moment(const struct cluster *cluster, const char *address, struct error *error) {
    const uint64_t give_up_ns = io_now_ns(cluster->io) + (uint64_t)PORT_WAIT_MS * 1000000u;
    struct io_socket *socket;
    enum status status;
    while ((status = io_listen(cluster->io, address, &socket, error)) == STATUS_BUSY) {
        if (io_now_ns(cluster->io) > give_up_ns) return status;
        io_sleep(cluster->io, POLL_NS);
    }
    if (status == STATUS_OK) io_socket_close(socket);
    return status;
}

enum status cluster_node_check_ports(const struct cluster *cluster, unsigned node, struct error *error) {
    if (cluster->plan.net != 0) return STATUS_OK; /* nobody else is there */
    static const char *const uses[PLAN_PORT_KINDS] = {"clients", "peers", "/metrics"};
    for (int kind = 0; kind < PLAN_PORT_KINDS; kind++) {
        char address[IO_ADDRESS_BYTES];
        plan_address(&cluster->plan, node, (enum plan_port)kind, address);
        enum status status = listen_for_a_moment(cluster, address, error);
        if (status == STATUS_BUSY)
            return error_set(error, status,
                             "%s, for %s of node %u, is in use by another program; --base-port P takes other ports",
                             address, uses[kind], node);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* ---- End --------------------------------------------------------------------------------------------------------- */

static bool wait_until_gone(const struct cluster *cluster, unsigned node) {
    const uint64_t give_up_ns = io_now_ns(cluster->io) + (uint64_t)STOP_TIMEOUT_MS * 1000000u;
    long pid;
    while (cluster_node_process(cluster, node, &pid) != PROCESS_GONE) {
        if (io_now_ns(cluster->io) > give_up_ns) return false;
        io_sleep(cluster->io, POLL_NS);
    }
    return true;
}

/* It is not meant to run any more. */
static enum status remove_pid(const struct cluster *cluster, unsigned node, struct error *error) {
    char path[IO_PATH_BYTES];
    plan_path(&cluster->plan, node, ".pid", path);
    enum status status = io_remove(cluster->io, path);
    return status == STATUS_OK || status == STATUS_NOT_FOUND
               ? STATUS_OK
               : error_set(error, status, "%s: %s", path, status_text(status));
}

enum status cluster_node_kill(const struct cluster *cluster, unsigned node, struct error *error) {
    long pid;
    if (cluster_node_process(cluster, node, &pid) != PROCESS_GONE) {
        enum status status = process_signal(pid, PROCESS_KILL);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return error_set(error, status, "node %u, process %ld: cannot be killed", node, pid);
        if (!wait_until_gone(cluster, node))
            return error_set(error, STATUS_TIMED_OUT, "node %u, process %ld: does not end", node, pid);
    }
    return remove_pid(cluster, node, error);
}

void cluster_node_ask_to_end(const struct cluster *cluster, unsigned node) {
    long pid;
    const enum process_state state = cluster_node_process(cluster, node, &pid);
    if (state == PROCESS_GONE) return;
    enum status status = process_signal(pid, PROCESS_TERMINATE);
    if (status == STATUS_OK && state == PROCESS_PAUSED) status = process_signal(pid, PROCESS_RESUME);
    if (status != STATUS_OK) (void)fprintf(stderr, "node %u, process %ld: %s\n", node, pid, status_text(status));
}

enum status cluster_node_stop(const struct cluster *cluster, unsigned node, struct error *error) {
    cluster_node_ask_to_end(cluster, node);
    if (wait_until_gone(cluster, node)) return remove_pid(cluster, node, error);
    (void)fprintf(stderr, "node %u did not end within %d s and is killed\n", node, STOP_TIMEOUT_MS / 1000);
    return cluster_node_kill(cluster, node, error);
}
