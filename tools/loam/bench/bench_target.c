/* bench_target: see bench_target.h. */
#include "tools/loam/bench/bench_target.h"

#include <stdio.h>

#include "tools/loam/bench/bench_dir.h"
#include "tools/loam/client.h"
#include "tools/loam/info_text.h"

enum { READY_MS = 20000, POLL_NS = 50 * 1000 * 1000, STOP_POLLS = 200, MEMBERS_BYTES = 512 };

/* ---- directories ------------------------------------------------------------------------------------------------- */

static enum status make_empty(struct io *io, const char *path, struct error *error) {
    bench_remove_dir(io, path);
    enum status status = io_dir_make(io, path);
    return status ? error_set(error, status, "cannot make %s: %s", path, status_text(status)) : STATUS_OK;
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

enum status bench_program_find(struct io *io, const char *name, char path[IO_PATH_BYTES], struct error *error) {
    static const char *const folders[] = {"/usr/bin", "/usr/local/bin", "/usr/sbin"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        struct io_entry entry;
        (void)snprintf(path, IO_PATH_BYTES, "%s/%s", folders[i], name);
        if (io_stat(io, path, &entry) == STATUS_OK) return STATUS_OK;
    }
    return error_set(error, STATUS_NOT_FOUND, "%s is not installed", name);
}

static void set_address(struct bench_target *target, unsigned node, unsigned port) {
    (void)snprintf(target->addresses[node], IO_ADDRESS_BYTES, "127.0.0.1:%u", port);
}

/* Something listens there. */
static bool accepts(struct io *io, const char *address) {
    struct client *client = NULL;
    if (client_open(io, address, 200, &client, NULL)) return false;
    client_close(client);
    return true;
}

static enum status wait_listening(struct io *io, const struct bench_target *target, struct error *error) {
    uint64_t deadline_ns = io_now_ns(io) + (uint64_t)READY_MS * 1000 * 1000;
    for (unsigned i = 0; i < target->nodes;) {
        if (accepts(io, target->addresses[i])) {
            i++;
            continue;
        }
        if (io_now_ns(io) > deadline_ns)
            return error_set(error, STATUS_TIMED_OUT, "%s does not listen on %s; see %s", target->name,
                             target->addresses[i], target->dir);
        io_sleep(io, POLL_NS);
    }
    return STATUS_OK;
}

/* ---- loam -------------------------------------------------------------------------------------------------------- */

enum status bench_target_start_loam(struct io *io, const char *dir, unsigned base_port, struct bench_target *target,
                                    struct error *error) {
    *target = (struct bench_target){.name = "loam",
                                    .settings = "3 nodes, every write durable on a majority before its reply",
                                    .protocol = &load_resp,
                                    .nodes = BENCH_NODES,
                                    .cluster = {.io = io}};
    (void)snprintf(target->dir, sizeof target->dir, "%s", dir);
    struct cluster *cluster = &target->cluster;
    enum status status = make_empty(io, dir, error);
    if (status == STATUS_OK) status = plan_init(&cluster->plan, dir, error);
    if (status) return status;
    cluster->plan.nodes = BENCH_NODES;
    cluster->plan.base_port = base_port;
    status = plan_save(&cluster->plan, io, error);
    for (unsigned i = 0; status == STATUS_OK && i < BENCH_NODES; i++) {
        set_address(target, i, base_port + i + 1);
        status = cluster_node_start(cluster, i + 1, error);
        if (status == STATUS_OK) (void)cluster_node_process(cluster, i + 1, &target->pids[i]);
    }
    if (status == STATUS_OK) status = cluster_wait_ready(cluster, READY_MS, error);
    if (status) return status;
    struct node_facts facts[PLAN_NODES_MAX];
    cluster_ask_all(cluster, facts);
    for (unsigned i = 0; i < BENCH_NODES; i++)
        if (facts[i].leader) target->leader = (unsigned)facts[i].leader - 1;
    return STATUS_OK;
}

/* ---- etcd -------------------------------------------------------------------------------------------------------- */

static enum status start_etcd_node(const char *program, struct bench_target *target, unsigned node, unsigned base_port,
                                   const char *members, struct error *error) {
    char name[16], data[IO_PATH_BYTES + 32], log[IO_PATH_BYTES + 32], client[IO_ADDRESS_BYTES + 16], peer[64];
    (void)snprintf(name, sizeof name, "n%u", node + 1);
    (void)snprintf(data, sizeof data, "%s/%s", target->dir, name);
    (void)snprintf(log, sizeof log, "%s/%s.log", target->dir, name);
    (void)snprintf(client, sizeof client, "http://%s", target->addresses[node]);
    (void)snprintf(peer, sizeof peer, "http://127.0.0.1:%u", base_port + 101 + node);
    const char *const arguments[] = {"etcd",  "--name",
                                     name,    "--data-dir",
                                     data,    "--listen-client-urls",
                                     client,  "--advertise-client-urls",
                                     client,  "--listen-peer-urls",
                                     peer,    "--initial-advertise-peer-urls",
                                     peer,    "--initial-cluster",
                                     members, "--initial-cluster-state",
                                     "new",   "--log-level",
                                     "error", NULL};
    return process_start(program, arguments, log, &target->pids[node], error);
}

static enum status read_small(struct io *io, const char *path, char *text, size_t size) {
    struct io_file *file = NULL;
    size_t got = 0;
    enum status status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status) return status;
    status = io_file_read(file, 0, text, size - 1, &got);
    io_file_close(file);
    text[status ? 0 : got] = 0;
    return status;
}

/* Asks etcdctl, whose lines are "address, id, version, size, is leader, ...". Without it node 0 is taken for the
 * leader. */
static void find_etcd_leader(struct io *io, struct bench_target *target) {
    char program[IO_PATH_BYTES], path[IO_PATH_BYTES + 32], text[2048], endpoint[80];
    if (bench_program_find(io, "etcdctl", program, NULL)) return;
    for (unsigned node = 0; node < BENCH_NODES; node++) {
        (void)snprintf(path, sizeof path, "%s/status-%u", target->dir, node);
        (void)snprintf(endpoint, sizeof endpoint, "--endpoints=%s", target->addresses[node]);
        const char *const arguments[] = {"etcdctl", endpoint, "endpoint", "status", NULL};
        long pid = 0;
        int code = 0;
        if (process_start(program, arguments, path, &pid, NULL) || process_wait(pid, &code)) continue;
        if (read_small(io, path, text, sizeof text) == STATUS_OK && strstr(text, ", true, ")) target->leader = node;
    }
}

enum status bench_target_start_etcd(struct io *io, const char *dir, unsigned base_port, struct bench_target *target,
                                    struct error *error) {
    char program[IO_PATH_BYTES], members[MEMBERS_BYTES];
    *target =
        (struct bench_target){.name = "etcd",
                              .settings = "3 nodes, defaults: every write durable on a majority before its reply; gRPC",
                              .protocol = &load_etcd,
                              .nodes = BENCH_NODES};
    (void)snprintf(target->dir, sizeof target->dir, "%s", dir);
    enum status status = bench_program_find(io, "etcd", program, error);
    if (status == STATUS_OK) status = make_empty(io, dir, error);
    size_t used = 0;
    for (unsigned i = 0; i < BENCH_NODES; i++) {
        set_address(target, i, base_port + i + 1);
        used += (size_t)snprintf(members + used, sizeof members - used, "%sn%u=http://127.0.0.1:%u", i ? "," : "",
                                 i + 1, base_port + 101 + i);
    }
    for (unsigned i = 0; status == STATUS_OK && i < BENCH_NODES; i++)
        status = start_etcd_node(program, target, i, base_port, members, error);
    if (status == STATUS_OK) status = wait_listening(io, target, error);
    if (status == STATUS_OK) find_etcd_leader(io, target);
    return status;
}

/* ---- redis ------------------------------------------------------------------------------------------------------- */

enum status bench_target_start_redis(struct io *io, const char *dir, unsigned base_port, struct bench_target *target,
                                     struct error *error) {
    char program[IO_PATH_BYTES], log[IO_PATH_BYTES + 32], port[16];
    *target = (struct bench_target){.name = "redis",
                                    .settings = "1 node, appendonly yes, appendfsync always: no replication",
                                    .protocol = &load_resp,
                                    .nodes = 1};
    (void)snprintf(target->dir, sizeof target->dir, "%s", dir);
    (void)snprintf(log, sizeof log, "%s.log", dir);
    (void)snprintf(port, sizeof port, "%u", base_port + 1);
    set_address(target, 0, base_port + 1);
    enum status status = bench_program_find(io, "redis-server", program, error);
    if (status == STATUS_OK) status = make_empty(io, dir, error);
    if (status) return status;
    const char *const arguments[] = {
        "redis-server", "--port",        port,     "--bind", "127.0.0.1", "--dir",      dir,       "--appendonly",
        "yes",          "--appendfsync", "always", "--save", "",          "--loglevel", "warning", NULL};
    status = process_start(program, arguments, log, &target->pids[0], error);
    return status ? status : wait_listening(io, target, error);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

void bench_target_stop(struct io *io, struct bench_target *target) {
    bool ours = target->cluster.io == NULL; /* children that nobody else waits for */
    for (unsigned i = 0; i < target->nodes; i++) {
        if (!target->pids[i]) continue;
        if (!ours) {
            struct error error = {0};
            if (cluster_node_stop(&target->cluster, i + 1, &error))
                (void)fprintf(stderr, "loam bench: %s\n", error.text);
            continue;
        }
        int code = 0;
        if (process_signal(target->pids[i], PROCESS_TERMINATE) == STATUS_OK && process_wait(target->pids[i], &code))
            (void)fprintf(stderr, "loam bench: %s (pid %ld) could not be waited for\n", target->name, target->pids[i]);
    }
    bench_remove_dir(io, target->dir);
    *target = (struct bench_target){0};
}

uint64_t bench_target_cpu_ns(struct io *io, const struct bench_target *target) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < target->nodes; i++) sum += load_cpu_ns(io, (int)target->pids[i]);
    return sum;
}

/* loam's INFO and redis' know their barriers; of redis only its count of fsyncs behind is known, so it gives none. */
uint64_t bench_target_syncs(struct io *io, const struct bench_target *target) {
    uint64_t sum = 0;
    if (!target->cluster.io) return 0;
    for (unsigned i = 0; i < target->nodes; i++) {
        struct client *client = NULL;
        const struct resp_reply *reply = NULL;
        static const char *const words[] = {"INFO", "persistence"};
        if (client_open(io, target->addresses[i], 1000, &client, NULL)) continue;
        if (client_call(client, words, 2, &reply, NULL) == STATUS_OK) {
            sum += info_number(info_field(reply->text, "log_syncs"));
        }
        client_close(client);
    }
    return sum;
}
