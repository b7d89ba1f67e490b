/*
 * asker: see asker.h. Invariant: answered() is called once for each question, when neither the operation nor the timer
 * flies any more.
 */
#include "tools/resp/asker.h"

#include <stdio.h>

#include "engine/base/check.h"
#include "tools/resp/resp_write.h"

enum { RECEIVE_BYTES = 16384, ARENA_BYTES = 4096, MS = 1000000 };

static void settle(struct asker *asker);

void asker_init(struct asker *asker, struct io *io, uint32_t timeout_ms) {
    *asker = (struct asker){.io = io, .timeout_ms = timeout_ms};
    resp_reply_parser_init(&asker->parser);
    arena_init(&asker->arena, ARENA_BYTES);
}

static void disconnect(struct asker *asker) {
    io_socket_close(asker->socket);
    asker->socket = NULL;
    buf_clear(&asker->in);
    resp_reply_parser_init(&asker->parser);
}

void asker_abandon(struct asker *asker) {
    disconnect(asker);
    buf_deinit(&asker->out);
    buf_deinit(&asker->in);
    arena_deinit(&asker->arena);
}

void asker_deinit(struct asker *asker) {
    check(asker_is_idle(asker));
    asker_abandon(asker);
}

bool asker_is_idle(const struct asker *asker) {
    return asker->state == ASKER_IDLE && !asker->op_flies && !asker->timer_flies;
}

static void finish(struct asker *asker, enum asker_end end) {
    if (asker->is_over) return;
    asker->is_over = true;
    asker->end = end;
    if (asker->op_flies) io_cancel(asker->io, &asker->op);
    if (asker->timer_flies) io_cancel(asker->io, &asker->timer);
}

static void fail(struct asker *asker) {
    finish(asker, asker->state == ASKER_CONNECTING ? ASKER_NOT_SENT : ASKER_UNKNOWN);
}

static void op_done(struct io_op *op);

static void fly(struct asker *asker, enum asker_state state) {
    asker->state = state;
    asker->op.done = op_done;
    asker->op.context = asker;
    asker->op_flies = true;
    io_submit(asker->io, &asker->op);
}

static void start_send(struct asker *asker) {
    asker->op =
        (struct io_op){.kind = IO_OP_SEND, .socket = asker->socket, .data = asker->out.data, .size = asker->out.size};
    fly(asker, ASKER_SENDING);
}

static void start_receive(struct asker *asker) {
    asker->state = ASKER_RECEIVING;
    if (buf_reserve(&asker->in, RECEIVE_BYTES) != STATUS_OK) {
        fail(asker);
        return;
    }
    asker->op = (struct io_op){.kind = IO_OP_RECEIVE,
                               .socket = asker->socket,
                               .data = asker->in.data + asker->in.size,
                               .size = asker->in.capacity - asker->in.size};
    fly(asker, ASKER_RECEIVING);
}

static void take_reply(struct asker *asker) {
    arena_reset(&asker->arena);
    const enum status status =
        resp_reply_next(&asker->parser, buf_slice(&asker->in), &asker->arena, &asker->reply, NULL);
    if (status == STATUS_END) {
        start_receive(asker);
    } else if (status != STATUS_OK) {
        fail(asker);
    } else if (!asker->awaits_welcome) {
        finish(asker, ASKER_ANSWERED);
    } else {
        asker->awaits_welcome = false;
        buf_consume(&asker->in, asker->parser.consumed);
        take_reply(asker); /* nothing else is skipped */
    }
}

static void take_bytes(struct asker *asker) {
    asker->in.size += asker->op.bytes;
    take_reply(asker);
}

static void op_done(struct io_op *op) {
    struct asker *asker = op->context;
    asker->op_flies = false;
    if (asker->state == ASKER_CONNECTING && op->status == STATUS_OK) asker->socket = op->accepted;
    if (!asker->is_over) {
        if (op->status != STATUS_OK)
            fail(asker);
        else if (asker->state == ASKER_CONNECTING)
            start_send(asker);
        else if (asker->state == ASKER_SENDING)
            start_receive(asker);
        else
            take_bytes(asker);
    }
    settle(asker);
}

static void timer_done(struct io_op *op) {
    struct asker *asker = op->context;
    asker->timer_flies = false;
    if (op->status == STATUS_OK) fail(asker);
    settle(asker);
}

static void start(struct asker *asker) {
    asker->is_over = asker->wants_more = false;
    asker->reply = NULL;
    asker->timer = (struct io_op){.kind = IO_OP_TIMER,
                                  .deadline_ns = io_now_ns(asker->io) + (uint64_t)asker->timeout_ms * MS,
                                  .done = timer_done,
                                  .context = asker};
    asker->timer_flies = true;
    io_submit(asker->io, &asker->timer);
    if (asker->socket) {
        start_send(asker);
        return;
    }
    asker->op = (struct io_op){.kind = IO_OP_CONNECT, .address = asker->address};
    fly(asker, ASKER_CONNECTING);
}

/* Tells, once nothing flies. */
static void settle(struct asker *asker) {
    if (!asker->is_over || asker->op_flies || asker->timer_flies || asker->is_telling) return;
    const size_t consumed = asker->end == ASKER_ANSWERED ? asker->parser.consumed : 0;
    if (asker->end != ASKER_ANSWERED) disconnect(asker);
    asker->state = ASKER_IDLE;
    asker->is_telling = true;
    asker->answered(asker, asker->end, asker->end == ASKER_ANSWERED ? asker->reply : NULL);
    asker->is_telling = false;
    if (asker->in.size >= consumed) buf_consume(&asker->in, consumed); /* else it has left that connection */
    if (asker->wants_more) start(asker);
}

enum status asker_ask(struct asker *asker, const char *address, const struct slice *words, size_t count) {
    check(asker->is_telling || asker_is_idle(asker));
    struct resp_writer writer = resp_writer_make(&asker->out, 2);
    if (asker->socket && strcmp(asker->address, address) != 0) disconnect(asker);
    asker->awaits_welcome = !asker->socket && asker->password.size > 0;
    buf_clear(&asker->out);
    if (asker->awaits_welcome) {
        const struct slice greeting[] = {slice_from_text("AUTH"), asker->password};
        resp_write_command(&writer, greeting, 2);
    }
    resp_write_command(&writer, words, count);
    if (writer.status != STATUS_OK) return writer.status;
    (void)snprintf(asker->address, sizeof asker->address, "%s", address);
    asker->wants_more = true;
    if (!asker->is_telling) start(asker);
    return STATUS_OK;
}

void asker_give_up(struct asker *asker) {
    if (asker->state != ASKER_IDLE) fail(asker);
}
