/* client: see client.h. */
#include "tools/loam/client.h"

#include <stdlib.h>

#include "engine/base/buf.h"
#include "tools/resp/resp_write.h"

enum { RECEIVE_BYTES = 64 << 10, ARENA_BYTES = 64 << 10 };

struct client {
    struct io *io;
    struct io_socket *socket;
    uint32_t timeout_ms;
    char address[IO_ADDRESS_BYTES];
    struct buf out;
    struct buf in;
    size_t consumed; /* of `in`: the last reply, dropped at the next read */
    struct resp_reply_parser parser;
    struct arena arena;
};

struct waited_op {
    struct io_op op;
    bool done;
};

static void note_done(struct io_op *op) {
    list_entry(op, struct waited_op, op)->done = true;
}

/* Runs the operation to its end, or cancels it at the time-out. Fills in the results in *op. */
static enum status run_op(struct io *io, struct io_op *op, uint32_t timeout_ms) {
    const uint64_t deadline_ns = io_now_ns(io) + (uint64_t)timeout_ms * 1000000u;
    struct waited_op waited = {.op = *op};
    bool late = false;
    waited.op.done = note_done;
    io_submit(io, &waited.op);
    while (!waited.done) {
        (void)io_run(io, late ? UINT64_MAX : deadline_ns);
        if (waited.done || late || io_now_ns(io) < deadline_ns) continue;
        io_cancel(io, &waited.op);
        late = true;
    }
    *op = waited.op;
    return op->status == STATUS_CANCELLED ? STATUS_TIMED_OUT : op->status;
}

static enum status fail(const struct client *client, enum status status, const char *what, struct error *error) {
    return error_set(error, status, "%s: %s: %s", client->address, what, status_text(status));
}

enum status client_open(struct io *io, const char *address, uint32_t timeout_ms, struct client **client,
                        struct error *error) {
    *client = NULL;
    struct client *made = calloc(1, sizeof *made);
    if (!made) return error_set(error, STATUS_NO_MEMORY, "out of memory");
    made->io = io;
    made->timeout_ms = timeout_ms;
    arena_init(&made->arena, ARENA_BYTES);
    resp_reply_parser_init(&made->parser);
    struct io_op op = {.kind = IO_OP_CONNECT, .address = address};
    enum status status = run_op(io, &op, timeout_ms);
    if (status != STATUS_OK) {
        client_close(made);
        return error_set(error, status, "%s: %s", address,
                         status == STATUS_CLOSED ? "nobody listens there" : status_text(status));
    }
    made->socket = op.accepted;
    io_socket_remote(made->socket, made->address);
    *client = made;
    return STATUS_OK;
}

void client_close(struct client *client) {
    if (!client) return;
    io_socket_close(client->socket);
    buf_deinit(&client->out);
    buf_deinit(&client->in);
    arena_deinit(&client->arena);
    free(client);
}

enum status client_queue(struct client *client, const struct slice *args, size_t count) {
    struct resp_writer writer = resp_writer_make(&client->out, 2);
    const size_t before = client->out.size;
    resp_write_command(&writer, args, count);
    if (writer.status != STATUS_OK) client->out.size = before;
    return writer.status;
}

enum status client_queue_words(struct client *client, const char *const *words, size_t count) {
    struct slice args[16];
    if (count > sizeof args / sizeof *args) return STATUS_INVALID;
    for (size_t i = 0; i < count; i++) args[i] = slice_from_text(words[i]);
    return client_queue(client, args, count);
}

enum status client_flush(struct client *client, struct error *error) {
    if (client->out.size == 0) return STATUS_OK;
    struct io_op op = {
        .kind = IO_OP_SEND, .socket = client->socket, .data = client->out.data, .size = client->out.size};
    enum status status = run_op(client->io, &op, client->timeout_ms);
    buf_clear(&client->out);
    return status == STATUS_OK ? STATUS_OK : fail(client, status, "send", error);
}

static enum status receive_more(struct client *client, struct error *error) {
    enum status status = buf_reserve(&client->in, RECEIVE_BYTES);
    if (status != STATUS_OK) return fail(client, status, "receive", error);
    struct io_op op = {.kind = IO_OP_RECEIVE,
                       .socket = client->socket,
                       .data = client->in.data + client->in.size,
                       .size = client->in.capacity - client->in.size};
    status = run_op(client->io, &op, client->timeout_ms);
    if (status != STATUS_OK) return fail(client, status, "receive", error);
    client->in.size += op.bytes;
    return STATUS_OK;
}

/* The input behind what was consumed. Moved to the front only when the rest is small, so that a long pipeline is not
 * copied over and over. */
static struct slice pending_input(struct client *client) {
    if (client->consumed == client->in.size || client->consumed > RECEIVE_BYTES) {
        buf_consume(&client->in, client->consumed);
        client->consumed = 0;
    }
    return client->in.size ? slice_from(buf_slice(&client->in), client->consumed) : slice_make(NULL, 0);
}

enum status client_receive(struct client *client, const struct resp_reply **reply, struct error *error) {
    struct resp_reply *built = NULL;
    for (;;) {
        arena_reset(&client->arena);
        enum status status = resp_reply_next(&client->parser, pending_input(client), &client->arena, &built, error);
        if (status == STATUS_OK) {
            client->consumed += client->parser.consumed;
            if (built->type == RESP_PUSH) continue;
            *reply = built;
            return STATUS_OK;
        }
        if (status == STATUS_END)
            status = receive_more(client, error);
        else
            status = error_prefix(error, status, "%s", client->address);
        if (status != STATUS_OK) return status;
    }
}

enum status client_call(struct client *client, const char *const *words, size_t count, const struct resp_reply **reply,
                        struct error *error) {
    enum status status = client_queue_words(client, words, count);
    if (status != STATUS_OK) return fail(client, status, "command", error);
    status = client_flush(client, error);
    return status == STATUS_OK ? client_receive(client, reply, error) : status;
}

enum status client_authenticate(struct client *client, const char *password, struct error *error) {
    const struct resp_reply *reply;
    const char *words[] = {"AUTH", password};
    if (!password) return STATUS_OK;
    const enum status status = client_call(client, words, 2, &reply, error);
    if (status != STATUS_OK || reply->type != RESP_ERROR) return status;
    return error_set(error, STATUS_DENIED, "%s: %.*s", client->address, (int)reply->text.size,
                     (const char *)reply->text.data);
}
