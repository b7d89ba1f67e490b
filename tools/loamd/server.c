/* server: listener, turn, stop. See server.h. */
#include "tools/loamd/server.h"

#include <stdlib.h>

#include "tools/loamd/connection.h"
#include "tools/loamd/dispatch.h"
#include "tools/loamd/long_call.h"

enum {
    DEFAULT_CLIENTS = 10000,
    DEFAULT_OUTPUT_BYTES = 64 << 20,
    DEFAULT_PIPELINE = 1024,
    DEFAULT_QUERY_BYTES = 256 << 20,
    DEFAULT_QUERIES_BYTES = 1 << 30,
    DEFAULT_QUERY_MS = 300 * 1000,
    TURN_ROUNDS = 4,
    CLOSE_ROUNDS = 500,
    CLOSE_ROUND_NS = 10 * 1000 * 1000,
    RETRY_ACCEPT_NS = 100 * 1000 * 1000,
    REOPEN_GRACE_MS = 3000, /* for reads that go elsewhere, and for replies on their way */
};

/* ---- accepting --------------------------------------------------------------------------------------------------- */

static void start_accept(struct server *server);

/* One line to a client that can't be served; sent best effort, then the socket is closed by the connection's ordinary
 * end. */
static void refuse(struct server *server, struct io_socket *socket) {
    static const char text[] = "ERR max number of clients reached";
    server->stats.connections_rejected++;
    struct connection *connection = connection_create(server, socket);
    if (!connection) return;
    connection->closes = true;
    dispatch_error(connection, slice_make(text, sizeof text - 1));
}

static void accept_done(struct io_op *op) {
    struct server *server = op->context;
    server->accepting = false;
    if (op->status == STATUS_OK) {
        server->stats.connections_received++;
        if (server->connection_count >= server->limits.clients)
            refuse(server, op->accepted);
        else if (!connection_create(server, op->accepted))
            log_warn(server->log, "client refused: out of memory");
    } else if (op->status != STATUS_CANCELLED) {
        log_warn(server->log, "accept failed: %s; trying again", status_text(op->status));
        server->accept_retry_ns = io_now_ns(server->io) + RETRY_ACCEPT_NS;
        return;
    }
    if (!server->stopping) start_accept(server);
}

static void start_accept(struct server *server) {
    server->accept =
        (struct io_op){.kind = IO_OP_ACCEPT, .socket = server->listener, .done = accept_done, .context = server};
    server->accepting = true;
    server->accept_retry_ns = 0;
    io_submit(server->io, &server->accept);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void fill_limits(struct server *server, const struct server_options *options) {
    struct server_limits limits = options->limits;
    size_t entry = options->raft.entry_limit_bytes ? options->raft.entry_limit_bytes : RAFT_ENTRY_LIMIT_BYTES;
    if (!limits.clients) limits.clients = DEFAULT_CLIENTS;
    if (!limits.query_buffer_bytes) limits.query_buffer_bytes = 2 * entry;
    if (!limits.output_buffer_bytes) limits.output_buffer_bytes = DEFAULT_OUTPUT_BYTES;
    if (!limits.pipeline) limits.pipeline = DEFAULT_PIPELINE;
    if (!limits.query_memory_bytes) limits.query_memory_bytes = DEFAULT_QUERY_BYTES;
    if (!limits.query_timeout_ms) limits.query_timeout_ms = DEFAULT_QUERY_MS;
    if (!limits.queries_memory_bytes) limits.queries_memory_bytes = DEFAULT_QUERIES_BYTES;
    server->limits = limits;
    atomic_init(&server->query_memory.used_bytes, 0);
    atomic_init(&server->query_memory.limit_bytes, limits.queries_memory_bytes);
}

static enum status copy_text(struct buf *to, const char *text) {
    return text ? buf_append(to, text, strlen(text)) : STATUS_OK;
}

static void free_server(struct server *server) {
    raft_driver_close(server->driver);
    stores_deinit(&server->stores);
    elsewhere_deinit(&server->elsewhere);
    dispatch_deinit(server);
    buf_deinit(&server->dir);
    buf_deinit(&server->password);
    buf_deinit(&server->scratch);
    free(server);
}

enum status server_open(struct io *io, const struct server_options *options, struct server **server,
                        struct error *error) {
    struct server *made = calloc(1, sizeof *made);
    if (!made) return error_set(error, STATUS_NO_MEMORY, "out of memory");
    made->io = io;
    made->log = options->log;
    made->lab = options->lab;
    made->stats.started_ns = io_now_ns(io);
    latency_init(&made->reads);
    latency_init(&made->writes);
    list_init(&made->connections);
    list_init(&made->dirty);
    list_init(&made->free_calls);
    list_init(&made->long_calls);
    fill_limits(made, options);
    uint64_t seed = 0;
    io_entropy(io, &seed, sizeof seed);
    prng_init(&made->prng, seed);
    enum status status = copy_text(&made->dir, options->dir);
    if (status == STATUS_OK) status = copy_text(&made->password, options->password);
    elsewhere_init(&made->elsewhere, made);
    if (status == STATUS_OK) status = stores_init(&made->stores);
    if (status == STATUS_OK) {
        struct raft_driver_options raft = options->raft;
        raft.log = options->log;
        raft.machines = made->stores.machines;
        raft.machine_count = made->stores.machine_count;
        status = raft_driver_open(io, options->dir, &raft, &made->driver, error);
    }
    if (status == STATUS_OK) status = io_listen(io, options->listen, &made->listener, error);
    if (status) {
        free_server(made);
        return status;
    }
    start_accept(made);
    *server = made;
    return STATUS_OK;
}

static void drop_connections(struct server *server) {
    for (struct list *link = server->connections.next; link != &server->connections; link = link->next)
        connection_drop(list_entry(link, struct connection, link));
}

static void turn_connections(struct server *server) {
    /* A turn may mark others; those wait for the next round, so that a turn ends. */
    struct list now;
    list_init(&now);
    while (!list_is_empty(&server->dirty)) list_push_back(&now, list_pop_front(&server->dirty));
    struct list *link = NULL;
    while ((link = list_pop_front(&now)) != NULL) connection_turn(list_entry(link, struct connection, work_link));
}

void server_close(struct server *server) {
    if (!server) return;
    server->stopping = true;
    drop_connections(server);
    elsewhere_close(&server->elsewhere);
    if (server->accepting) io_cancel(server->io, &server->accept);
    /* What is in flight ends soon after its cancel; an io that is dead (a simulated power cut) delivers nothing, and
     * nothing can arrive any more. */
    for (int i = 0; i < CLOSE_ROUNDS; i++) {
        turn_connections(server);
        if (!server->accepting && server->job_count == 0 && list_is_empty(&server->connections) &&
            elsewhere_is_idle(&server->elsewhere))
            break;
        if (!io_job_assist(server->io))
            (void)io_run(server->io, io_now_ns(server->io) + CLOSE_ROUND_NS);
        else
            (void)io_run(server->io, 0);
    }
    while (!list_is_empty(&server->connections))
        connection_destroy(list_entry(server->connections.next, struct connection, link));
    long_calls_close(server);
    io_socket_close(server->listener);
    free_server(server);
}

void server_stop(struct server *server, uint32_t grace_ms) {
    if (server->stopping) return;
    server->stopping = true;
    server->stop_deadline_ns = io_now_ns(server->io) + (uint64_t)grace_ms * 1000 * 1000;
    if (server->accepting) io_cancel(server->io, &server->accept);
    for (struct list *link = server->connections.next; link != &server->connections; link = link->next) {
        struct connection *connection = list_entry(link, struct connection, link);
        connection->closes = true;
        connection_mark(connection);
    }
}

bool server_is_stopped(const struct server *server) {
    return server->stopped;
}

bool server_wants_reopen(const struct server *server) {
    return raft_driver_wants_reopen(server->driver);
}

uint64_t server_reads_elsewhere(const struct server *server) {
    return server->elsewhere.answered;
}

struct raft_driver *server_driver(struct server *server) {
    return server->driver;
}

const struct state_machine *server_machines(const struct server *server, size_t *count) {
    *count = server->stores.machine_count;
    return server->stores.machines;
}

/* ---- turn -------------------------------------------------------------------------------------------------------- */

static void update_throttle(struct server *server) {
    bool throttled = raft_driver_pressure(server->driver) >= 1000;
    bool falls = server->throttled && !throttled;
    server->throttled = throttled;
    if (!falls) return;
    for (struct list *link = server->connections.next; link != &server->connections; link = link->next)
        connection_mark(list_entry(link, struct connection, link));
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return b != 0 && b < a ? b : a;
}

uint64_t server_turn(struct server *server) {
    uint64_t next_ns = 0;
    /* What arrived becomes proposals, what was answered leaves and lets the next commands start: until both have come
     * to rest. */
    for (int round = 0; round < TURN_ROUNDS; round++) {
        turn_connections(server);
        next_ns = raft_driver_turn(server->driver);
        update_throttle(server);
        if (list_is_empty(&server->dirty)) break;
    }
    next_ns = earlier(next_ns, long_calls_turn(server));
    uint64_t now_ns = io_now_ns(server->io);
    if (server->accept_retry_ns && server->accept_retry_ns <= now_ns && !server->stopping) start_accept(server);
    if (server_wants_reopen(server)) server_stop(server, REOPEN_GRACE_MS);
    if (server->stopping) {
        server->stopped = list_is_empty(&server->connections) || now_ns >= server->stop_deadline_ns;
        next_ns = earlier(next_ns, server->stop_deadline_ns);
    }
    if (!list_is_empty(&server->dirty)) return now_ns;
    return earlier(next_ns, server->accept_retry_ns);
}
