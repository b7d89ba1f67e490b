/* connection: see connection.h. */
#include "tools/loamd/connection.h"

#include <stdlib.h>

#include "tools/loamd/dispatch.h"
#include "tools/resp/resp_write.h"

enum { RECEIVE_BYTES = 16 << 10, KEEP_BUFFER_BYTES = 256 << 10 };

static void free_connection(struct connection *connection) {
    struct server *server = connection->server;
    io_socket_close(connection->socket);
    list_remove(&connection->link);
    list_remove(&connection->work_link);
    server->connection_count--;
    resp_parser_deinit(&connection->parser);
    buf_deinit(&connection->in);
    buf_deinit(&connection->ahead);
    buf_deinit(&connection->out);
    buf_deinit(&connection->leaving);
    buf_deinit(&connection->name);
    buf_deinit(&connection->library_name);
    buf_deinit(&connection->library_version);
    free(connection);
}

static void abandon_calls(struct connection *connection) {
    struct list *link = NULL;
    while ((link = list_pop_front(&connection->calls)) != NULL) dispatch_abandon(list_entry(link, struct call, link));
    connection->call_count = 0;
}

void connection_destroy(struct connection *connection) {
    abandon_calls(connection);
    free_connection(connection);
}

void connection_mark(struct connection *connection) {
    if (list_is_empty(&connection->work_link)) list_push_back(&connection->server->dirty, &connection->work_link);
}

void connection_drop(struct connection *connection) {
    if (connection->doomed) return;
    connection->doomed = true;
    abandon_calls(connection);
    if (connection->receiving) io_cancel(connection->server->io, &connection->receive);
    if (connection->sending) io_cancel(connection->server->io, &connection->send);
    connection_mark(connection);
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

static void send_done(struct io_op *op) {
    struct connection *connection = op->context;
    connection->sending = false;
    connection->server->stats.output_bytes += connection->leaving.size;
    buf_clear(&connection->leaving);
    if (connection->leaving.capacity > KEEP_BUFFER_BYTES) buf_deinit(&connection->leaving);
    if (op->status) connection_drop(connection);
    connection_mark(connection);
}

static void start_send(struct connection *connection) {
    struct buf swap = connection->leaving;
    connection->leaving = connection->out;
    connection->out = swap;
    connection->send = (struct io_op){.kind = IO_OP_SEND,
                                      .socket = connection->socket,
                                      .data = connection->leaving.data,
                                      .size = connection->leaving.size,
                                      .done = send_done,
                                      .context = connection};
    connection->sending = true;
    io_submit(connection->server->io, &connection->send);
}

static void write_reply(struct connection *connection, struct slice reply, int protocol) {
    size_t before = connection->out.size;
    struct resp_writer writer = resp_writer_make(&connection->out, protocol);
    enum status status = resp_write_reply(&writer, reply);
    if (status == STATUS_OK && connection->out.size - before <= connection->server->limits.output_buffer_bytes) return;
    connection->out.size = before;
    struct server *server = connection->server;
    server->stats.output_buffer_limit_closes++;
    log_warn(server->log, "client id=%llu addr=%s closed: reply could not be held (%s; output-buffer-limit %zu bytes)",
             (unsigned long long)connection->id, connection->address, status ? status_text(status) : "over the limit",
             server->limits.output_buffer_bytes);
    connection_drop(connection);
}

/* Moves the replies that are ready, in order. */
static void collect_replies(struct connection *connection) {
    while (!connection->doomed && !list_is_empty(&connection->calls)) {
        struct call *call = list_entry(connection->calls.next, struct call, link);
        if (!call->finished) return;
        bool ends = call->command && call->command->flags & COMMAND_ENDS;
        list_remove(&call->link);
        connection->call_count--;
        write_reply(connection, buf_slice(&call->reply), call->protocol);
        dispatch_abandon(call);
        if (ends) connection->closes = true;
    }
    if (connection->call_count == 0) connection->phase = PHASE_IDLE;
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

static size_t backlog(const struct connection *connection) {
    return connection->out.size + connection->leaving.size;
}

static bool may_start_command(const struct connection *connection) {
    const struct server_limits *limits = &connection->server->limits;
    return !connection->closes && !connection->doomed && !connection->server->stopping &&
           connection->call_count < limits->pipeline && backlog(connection) <= limits->output_buffer_bytes / 2;
}

/* Behind the replies of the commands before it, the error; then the end: the stream cannot be read on. */
static void protocol_error(struct connection *connection) {
    connection->closes = true;
    dispatch_error(connection, connection->parser.error);
}

/*
 * Starts as many commands as may start now. A held command borrows from the input, so what stands before it is dropped
 * only once it has started, and nothing is received into it meanwhile.
 */
static void run_commands(struct connection *connection) {
    while (may_start_command(connection)) {
        if (!connection->held) {
            connection->parser.unauthenticated = !connection->authenticated;
            struct slice input = slice_from(buf_slice(&connection->in), connection->parsed);
            enum status status = resp_parser_next(&connection->parser, input);
            if (status != STATUS_OK) {
                connection->parsed += connection->parser.consumed;
                if (status == STATUS_SYNTAX) protocol_error(connection);
                if (status == STATUS_NO_MEMORY) connection_drop(connection);
                if (status == STATUS_END && connection->input_ended && connection->ahead.size == 0)
                    connection->closes = true;
                break;
            }
        }
        connection->held = !dispatch_command(connection);
        if (connection->held) return;
        if (connection->last_command && connection->last_command->flags & COMMAND_ENDS) connection->closes = true;
        connection->parsed += connection->parser.consumed;
    }
    buf_consume(&connection->in, connection->parsed);
    connection->parsed = 0;
}

static void receive_done(struct io_op *op) {
    struct connection *connection = op->context;
    connection->receiving = false;
    connection_mark(connection);
    if (op->status == STATUS_CLOSED) {
        connection->input_ended = true;
        dispatch_input_ended(connection);
    }
    if (op->status) {
        if (!connection->input_ended) connection_drop(connection);
        return;
    }
    if (connection->discards > 0)
        connection->discards -= op->bytes < connection->discards ? op->bytes : connection->discards;
    else if (connection->receives_ahead)
        connection->ahead.size += op->bytes;
    else
        connection->in.size += op->bytes;
    connection->active_ns = io_now_ns(connection->server->io);
    connection->server->stats.input_bytes += op->bytes;
}

/* What comes of the argument that is too long is dropped, so that the client can send it all and reads the error. */
static void refuse_input(struct connection *connection) {
    static const char text[] = "ERR query buffer limit reached (client-query-buffer-limit); closing";
    const size_t wanted = connection->parser.wanted_bytes, have = connection->in.size;
    connection->server->stats.query_buffer_limit_closes++;
    connection->closes = true;
    connection->discards = wanted > have ? wanted - have : 0;
    buf_clear(&connection->in);
    dispatch_error(connection, slice_make(text, sizeof text - 1));
}

static void submit_receive(struct connection *connection, struct buf *to) {
    connection->receive = (struct io_op){.kind = IO_OP_RECEIVE,
                                         .socket = connection->socket,
                                         .data = to->data + to->size,
                                         .size = to->capacity - to->size,
                                         .done = receive_done,
                                         .context = connection};
    connection->receiving = true;
    io_submit(connection->server->io, &connection->receive);
}

static void start_receive(struct connection *connection) {
    struct server *server = connection->server;
    const size_t limit = server->limits.query_buffer_bytes;
    const bool refuses = connection->in.size > limit || connection->parser.wanted_bytes > limit;
    if (refuses && !connection->closes) refuse_input(connection);
    if (connection->closes && connection->discards == 0) return;
    size_t wanted = connection->parser.wanted_bytes > connection->in.size
                        ? connection->parser.wanted_bytes - connection->in.size
                        : 0;
    size_t room = wanted > RECEIVE_BYTES ? wanted : RECEIVE_BYTES;
    if (room > KEEP_BUFFER_BYTES) room = KEEP_BUFFER_BYTES;
    if (connection->in.size == 0 && connection->in.capacity > KEEP_BUFFER_BYTES) buf_deinit(&connection->in);
    if (buf_reserve(&connection->in, room)) {
        connection_drop(connection);
        return;
    }
    connection->receives_ahead = false;
    submit_receive(connection, &connection->in);
}

/* A long call ends with its client, whose end is only seen by receiving: also when a command is held behind it. */
static bool may_receive_ahead(const struct connection *connection) {
    return connection->held && connection->phase == PHASE_ALONE && connection->ahead.size == 0 && !connection->closes;
}

static void start_receive_ahead(struct connection *connection) {
    if (buf_reserve(&connection->ahead, RECEIVE_BYTES) != STATUS_OK) return; /* it is seen later */
    connection->receives_ahead = true;
    submit_receive(connection, &connection->ahead);
}

/* Behind the held command, once it has started. */
static void take_ahead(struct connection *connection) {
    if (buf_append_slice(&connection->in, buf_slice(&connection->ahead)) != STATUS_OK) {
        connection_drop(connection);
        return;
    }
    buf_deinit(&connection->ahead);
    run_commands(connection);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct connection *connection_create(struct server *server, struct io_socket *socket) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        io_socket_close(socket);
        return NULL;
    }
    connection->server = server;
    connection->socket = socket;
    connection->id = ++server->next_client_id;
    connection->protocol = 2;
    connection->authenticated = server->password.size == 0;
    connection->created_ns = connection->active_ns = io_now_ns(server->io);
    io_socket_remote(socket, connection->address);
    io_socket_local(socket, connection->local_address);
    resp_parser_init(&connection->parser, RESP_DEFAULT_MAX_BULK_BYTES);
    list_init(&connection->calls);
    list_init(&connection->work_link);
    list_push_back(&server->connections, &connection->link);
    server->connection_count++;
    connection_mark(connection);
    return connection;
}

void connection_turn(struct connection *connection) {
    if (!connection->doomed) {
        collect_replies(connection);
        if (!connection->receiving || connection->receives_ahead) run_commands(connection);
        if (!connection->receiving && !connection->held && connection->ahead.size > 0) take_ahead(connection);
        collect_replies(connection);
    }
    bool answered = list_is_empty(&connection->calls);
    if (!connection->doomed && !connection->sending && connection->out.size) start_send(connection);
    const bool discards = connection->discards > 0 && !connection->input_ended;
    if (!connection->doomed && connection->closes && answered && !connection->sending && !discards)
        connection_drop(connection);
    if (connection->doomed) {
        list_remove(&connection->work_link);
        if (!connection->receiving && !connection->sending) free_connection(connection);
        return;
    }
    const bool reads_on = discards || (!connection->held && may_start_command(connection));
    if (connection->receiving || connection->input_ended || connection->server->throttled) return;
    if (reads_on)
        start_receive(connection);
    else if (may_receive_ahead(connection))
        start_receive_ahead(connection);
}
