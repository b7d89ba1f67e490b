/* query_load: see query_load.h. */
#include "tools/loam/bench/query_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/resp/resp_reply.h"
#include "tools/resp/resp_write.h"

enum { RECEIVE_BYTES = 64 << 10, ARENA_BLOCK_BYTES = 4096 };

struct asker {
    struct query_load *load;
    struct io_socket *socket;
    struct io_op connect, send, receive;
    bool connecting, sending, receiving;
    bool waiting; /* for an answer */
    struct buf out, in;
    uint8_t *piece;
    struct resp_reply_parser parser;
    struct arena arena;
    uint64_t started_ns;
};

struct query_load {
    struct io *io;
    struct query_load_options options;
    struct query_load_result result;
    struct asker *askers;
    bool finishes, stops;
    enum status status; /* the first fault */
};

static void note_fault(struct query_load *load, enum status status) {
    if (load->status == STATUS_OK && status != STATUS_CANCELLED) load->status = status;
}

static void ask(struct asker *asker);

static void send_done(struct io_op *op) {
    struct asker *asker = op->context;
    asker->sending = false;
    if (op->status != STATUS_OK) note_fault(asker->load, op->status);
}

/* True if a reply was there. */
static bool take_reply(struct asker *asker) {
    struct query_load_result *result = &asker->load->result;
    struct resp_reply *reply = NULL;
    arena_reset(&asker->arena);
    enum status status = resp_reply_next(&asker->parser, buf_slice(&asker->in), &asker->arena, &reply, NULL);
    if (status == STATUS_OK) {
        hist_add(&result->latency_ns, io_now_ns(asker->load->io) - asker->started_ns);
        result->queries++;
        asker->waiting = false;
        if (reply->type == RESP_ERROR && result->errors++ == 0)
            (void)snprintf(result->first_error, sizeof result->first_error, "%.*s", (int)reply->text.size,
                           (const char *)reply->text.data);
        buf_consume(&asker->in, asker->parser.consumed);
        return true;
    }
    if (status != STATUS_END) note_fault(asker->load, status);
    return false;
}

static void start_receive(struct asker *asker);

static void receive_done(struct io_op *op) {
    struct asker *asker = op->context;
    asker->receiving = false;
    enum status status = op->status;
    if (status == STATUS_OK) status = buf_append(&asker->in, asker->piece, op->bytes);
    if (status != STATUS_OK) note_fault(asker->load, status);
    if (status != STATUS_OK || asker->load->stops) return;
    if (take_reply(asker)) ask(asker);
    if (asker->load->status == STATUS_OK) start_receive(asker);
}

static void start_receive(struct asker *asker) {
    asker->receive = (struct io_op){.kind = IO_OP_RECEIVE,
                                    .socket = asker->socket,
                                    .data = asker->piece,
                                    .size = RECEIVE_BYTES,
                                    .done = receive_done,
                                    .context = asker};
    asker->receiving = true;
    io_submit(asker->load->io, &asker->receive);
}

static void ask(struct asker *asker) {
    const struct query_load_options *options = &asker->load->options;
    if (asker->load->finishes) return;
    if (asker->sending) return; /* a reply before all was sent: an error that ended the connection's talk */
    const struct slice args[] = {slice_from_text("GRAPH.RO_QUERY"), slice_from_text(options->graph),
                                 slice_from_text(options->next(options->context))};
    struct resp_writer writer = resp_writer_make(&asker->out, 2);
    buf_clear(&asker->out);
    resp_write_command(&writer, args, 3);
    if (writer.status != STATUS_OK) {
        note_fault(asker->load, writer.status);
        return;
    }
    asker->started_ns = io_now_ns(asker->load->io);
    asker->waiting = true;
    asker->send = (struct io_op){.kind = IO_OP_SEND,
                                 .socket = asker->socket,
                                 .data = asker->out.data,
                                 .size = asker->out.size,
                                 .done = send_done,
                                 .context = asker};
    asker->sending = true;
    io_submit(asker->load->io, &asker->send);
}

static void connect_done(struct io_op *op) {
    struct asker *asker = op->context;
    asker->connecting = false;
    if (op->status != STATUS_OK) {
        note_fault(asker->load, op->status);
        return;
    }
    asker->socket = op->accepted;
    if (asker->load->stops) return;
    ask(asker);
    start_receive(asker);
}

static enum status start_asker(struct query_load *load, struct asker *asker) {
    asker->load = load;
    asker->piece = malloc(RECEIVE_BYTES);
    arena_init(&asker->arena, ARENA_BLOCK_BYTES);
    resp_reply_parser_init(&asker->parser);
    if (!asker->piece) return STATUS_NO_MEMORY;
    asker->connect =
        (struct io_op){.kind = IO_OP_CONNECT, .address = load->options.address, .done = connect_done, .context = asker};
    asker->connecting = true;
    io_submit(load->io, &asker->connect);
    return STATUS_OK;
}

enum status query_load_start(struct io *io, const struct query_load_options *options, struct query_load **load) {
    struct query_load *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    *made = (struct query_load){.io = io, .options = *options};
    hist_init(&made->result.latency_ns);
    made->askers = calloc(options->clients, sizeof *made->askers);
    enum status status = made->askers ? STATUS_OK : STATUS_NO_MEMORY;
    for (unsigned i = 0; i < options->clients && made->askers; i++) {
        const enum status started = start_asker(made, &made->askers[i]);
        if (status == STATUS_OK) status = started;
    }
    *load = made;
    if (status == STATUS_OK) return STATUS_OK;
    struct query_load_result result;
    const enum status stopped = query_load_stop(made, &result, NULL);
    *load = NULL;
    return stopped == STATUS_OK ? status : stopped;
}

static bool is_busy(const struct query_load *load) {
    for (unsigned i = 0; i < load->options.clients; i++) {
        const struct asker *asker = &load->askers[i];
        if (asker->connecting || asker->sending || asker->receiving) return true;
    }
    return false;
}

static bool is_waiting(const struct query_load *load) {
    for (unsigned i = 0; i < load->options.clients; i++)
        if (load->askers[i].connecting || load->askers[i].waiting) return true;
    return false;
}

enum status query_load_finish(struct query_load *load, uint64_t limit_ns, struct error *error) {
    const uint64_t end_ns = io_now_ns(load->io) + limit_ns;
    load->finishes = true;
    while (load->status == STATUS_OK && is_waiting(load)) {
        if (io_now_ns(load->io) >= end_ns)
            return error_set(error, STATUS_TIMED_OUT, "queries at %s: not answered within %" PRIu64 " s",
                             load->options.address, limit_ns / 1000000000u);
        (void)io_run(load->io, end_ns);
    }
    return STATUS_OK; /* a fault is told when it is stopped */
}

static void end_asker(struct asker *asker) {
    io_socket_close(asker->socket);
    buf_deinit(&asker->out);
    buf_deinit(&asker->in);
    arena_deinit(&asker->arena);
    free(asker->piece);
}

enum status query_load_stop(struct query_load *load, struct query_load_result *result, struct error *error) {
    load->stops = true;
    for (unsigned i = 0; load->askers && i < load->options.clients; i++) {
        struct asker *asker = &load->askers[i];
        if (asker->connecting) io_cancel(load->io, &asker->connect);
        if (asker->sending) io_cancel(load->io, &asker->send);
        if (asker->receiving) io_cancel(load->io, &asker->receive);
    }
    while (load->askers && is_busy(load)) (void)io_run(load->io, io_now_ns(load->io) + 10 * 1000 * 1000);
    for (unsigned i = 0; load->askers && i < load->options.clients; i++) end_asker(&load->askers[i]);
    *result = load->result;
    enum status status = load->status;
    if (status != STATUS_OK)
        status = error_set(error, status, "queries at %s: %s", load->options.address, status_text(status));
    else if (result->errors > 0)
        status = error_set(error, STATUS_INVALID, "queries at %s: loamd says: %s", load->options.address,
                           result->first_error);
    free(load->askers);
    free(load);
    return status;
}
