/*
 * io_socket_facts: connections, both ends on one loop.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/io_facts.h"

/* ---- A connected pair -------------------------------------------------------------------------------------------- */

struct pair {
    struct io_socket *listener;
    struct io_socket *client;
    struct io_socket *server;
    char address[IO_ADDRESS_BYTES]; /* of the listener */
};

static struct io_socket *listen_anywhere(struct io *io, char address[IO_ADDRESS_BYTES]) {
    struct io_socket *listener;
    struct error error = {0};
    enum status status = io_listen(io, "127.0.0.1:0", &listener, &error);
    assert_string_equal(error.text, "");
    assert_status(status, STATUS_OK);
    io_socket_local(listener, address);
    return listener;
}

static struct pair connect_pair(struct io *io) {
    struct pair pair;
    pair.listener = listen_anywhere(io, pair.address);
    struct counted_op accept = {.op = {.kind = IO_OP_ACCEPT, .socket = pair.listener, .done = counted_op_done}};
    io_submit(io, &accept.op);
    struct counted_op connect = {.op = {.kind = IO_OP_CONNECT, .address = pair.address}};
    assert_status(run_op(io, &connect), STATUS_OK);
    run_until(io, &accept.completions, 1);
    assert_status(accept.op.status, STATUS_OK);
    pair.client = connect.op.accepted;
    pair.server = accept.op.accepted;
    assert_true(pair.client && pair.server);
    return pair;
}

static void close_pair(struct pair *pair) {
    io_socket_close(pair->client);
    io_socket_close(pair->server);
    io_socket_close(pair->listener);
}

static enum status send_text(struct io *io, struct io_socket *socket, const char *text) {
    struct counted_op send = {
        .op = {.kind = IO_OP_SEND, .socket = socket, .data = (void *)(uintptr_t)text, .size = strlen(text)}};
    return run_op(io, &send);
}

static void assert_receives(struct io *io, struct io_socket *socket, const char *text) {
    char content[64];
    const size_t size = strlen(text);
    for (size_t got = 0; got < size;) {
        struct counted_op receive = {
            .op = {.kind = IO_OP_RECEIVE, .socket = socket, .data = content + got, .size = size - got}};
        assert_status(run_op(io, &receive), STATUS_OK);
        assert_in_range(receive.op.bytes, 1, size - got);
        got += receive.op.bytes;
    }
    assert_memory_equal(content, text, size);
}

static enum status receive_status(struct io *io, struct io_socket *socket) {
    char byte;
    struct counted_op receive = {.op = {.kind = IO_OP_RECEIVE, .socket = socket, .data = &byte, .size = 1}};
    return run_op(io, &receive);
}

/* ---- Connections ------------------------------------------------------------------------------------------------- */

static void round_trip(void **state) {
    struct io *io = fixture_io(state);
    struct pair pair = connect_pair(io);
    for (int i = 0; i < 10; i++) {
        assert_status(send_text(io, pair.client, "ping"), STATUS_OK);
        assert_receives(io, pair.server, "ping");
        assert_status(send_text(io, pair.server, "pong!"), STATUS_OK);
        assert_receives(io, pair.client, "pong!");
    }
    close_pair(&pair);
}

static void addresses(void **state) {
    struct io *io = fixture_io(state);
    struct pair pair = connect_pair(io);
    char local[IO_ADDRESS_BYTES], remote[IO_ADDRESS_BYTES];
    io_socket_local(pair.client, local);
    io_socket_remote(pair.server, remote);
    assert_string_equal(local, remote);
    io_socket_remote(pair.client, remote);
    assert_string_equal(pair.address, remote);
    io_socket_local(pair.server, local);
    assert_string_equal(pair.address, local);
    assert_int_equal(strncmp(local, "127.0.0.1:", 10), 0);
    assert_string_not_equal(local, "127.0.0.1:0");
    close_pair(&pair);
}

static void refused(void **state) {
    struct io *io = fixture_io(state);
    char address[IO_ADDRESS_BYTES];
    io_socket_close(listen_anywhere(io, address));
    struct counted_op connect = {.op = {.kind = IO_OP_CONNECT, .address = address}};
    assert_status(run_op(io, &connect), STATUS_CLOSED);
    assert_null(connect.op.accepted);
}

static void bad_addresses(void **state) {
    struct io *io = fixture_io(state);
    static const char *const bad[] = {
        "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:7x", "no-such-host:7000", "[::1:80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct io_socket *listener;
        struct error error = {0};
        assert_status(io_listen(io, bad[i], &listener, &error), STATUS_INVALID);
        assert_null(listener);
        assert_string_not_equal(error.text, "");
        struct counted_op connect = {.op = {.kind = IO_OP_CONNECT, .address = bad[i]}};
        assert_status(run_op(io, &connect), STATUS_INVALID);
    }
}

static void taken_port(void **state) {
    struct io *io = fixture_io(state);
    char address[IO_ADDRESS_BYTES];
    struct io_socket *listener = listen_anywhere(io, address), *second;
    struct error error = {0};
    assert_status(io_listen(io, address, &second, &error), STATUS_BUSY);
    assert_non_null(strstr(error.text, address));
    io_socket_close(listener);
    assert_status(io_listen(io, address, &second, &error), STATUS_OK);
    io_socket_close(second);
}

/* ---- Streams ----------------------------------------------------------------------------------------------------- */

enum { TRANSFER_BYTES = 1024 * 1024 };

struct sink {
    struct io_op op;
    struct io *io;
    uint8_t *content;
    size_t size;
    unsigned ended;
};

static void sink_done(struct io_op *op) {
    struct sink *sink = op->context;
    sink->size += op->bytes;
    if (op->status != STATUS_OK || sink->size == TRANSFER_BYTES) {
        sink->ended = 1;
        return;
    }
    op->data = sink->content + sink->size;
    op->size = TRANSFER_BYTES - sink->size;
    io_submit(sink->io, op);
}

static void start_sink(struct sink *sink, struct io *io, struct io_socket *socket) {
    *sink = (struct sink){.io = io, .content = malloc(TRANSFER_BYTES)};
    assert_non_null(sink->content);
    sink->op = (struct io_op){.kind = IO_OP_RECEIVE, .socket = socket, .data = sink->content, .size = TRANSFER_BYTES};
    sink->op.done = sink_done;
    sink->op.context = sink;
    io_submit(io, &sink->op);
}

static void large_both_ways(void **state) {
    struct io *io = fixture_io(state);
    struct pair pair = connect_pair(io);
    struct io_socket *ends[2] = {pair.client, pair.server};
    struct sink sinks[2];
    struct counted_op sends[2];
    uint8_t *data[2];
    for (int i = 0; i < 2; i++) {
        data[i] = malloc(TRANSFER_BYTES);
        assert_non_null(data[i]);
        fill_pattern(data[i], TRANSFER_BYTES, (uint64_t)i + 10);
        sends[i] =
            (struct counted_op){.op = {.kind = IO_OP_SEND, .socket = ends[i], .data = data[i], .size = TRANSFER_BYTES}};
        sends[i].op.done = counted_op_done;
        io_submit(io, &sends[i].op);
    }
    io_flush(io);
    for (int i = 0; i < 2; i++) start_sink(&sinks[i], io, ends[1 - i]);
    for (int i = 0; i < 2; i++) {
        run_until(io, &sends[i].completions, 1);
        run_until(io, &sinks[i].ended, 1);
        assert_status(sends[i].op.status, STATUS_OK);
        assert_status(sinks[i].op.status, STATUS_OK);
        assert_memory_equal(sinks[i].content, data[i], TRANSFER_BYTES);
    }
    for (int i = 0; i < 2; i++) {
        free(sinks[i].content);
        free(data[i]);
    }
    close_pair(&pair);
}

static void sends_keep_order(void **state) {
    struct io *io = fixture_io(state);
    struct pair pair = connect_pair(io);
    enum { COUNT = 16 };
    struct counted_op sends[COUNT];
    uint8_t *data = malloc(TRANSFER_BYTES);
    assert_non_null(data);
    fill_pattern(data, TRANSFER_BYTES, 5);
    const size_t part = TRANSFER_BYTES / COUNT;
    for (size_t i = 0; i < COUNT; i++) {
        sends[i] = (struct counted_op){
            .op = {.kind = IO_OP_SEND, .socket = pair.client, .data = data + i * part, .size = part}};
        sends[i].op.done = counted_op_done;
        io_submit(io, &sends[i].op);
    }
    struct sink sink;
    start_sink(&sink, io, pair.server);
    run_until(io, &sink.ended, 1);
    assert_memory_equal(sink.content, data, TRANSFER_BYTES);
    for (size_t i = 0; i < COUNT; i++) {
        run_until(io, &sends[i].completions, 1);
        assert_status(sends[i].op.status, STATUS_OK);
    }
    free(sink.content);
    free(data);
    close_pair(&pair);
}

static void peer_closes(void **state) {
    struct io *io = fixture_io(state);
    struct pair pair = connect_pair(io);
    assert_status(send_text(io, pair.client, "last words"), STATUS_OK);
    io_socket_close(pair.client);
    pair.client = NULL;
    assert_receives(io, pair.server, "last words");
    assert_status(receive_status(io, pair.server), STATUS_CLOSED);
    assert_status(receive_status(io, pair.server), STATUS_CLOSED);

    enum status status =
        STATUS_OK; /* the first send after a close may still succeed: the peer has to answer with a reset */
    for (int i = 0; i < 100 && status == STATUS_OK; i++) {
        status = send_text(io, pair.server, "anyone there?");
        io_sleep(io, 1000000u);
    }
    assert_status(status, STATUS_CLOSED);
    close_pair(&pair);
}

static void close_while_receiving(void **state) {
    struct io *io = fixture_io(state);
    struct pair pair = connect_pair(io);
    char byte;
    struct counted_op receive = {
        .op = {.kind = IO_OP_RECEIVE, .socket = pair.server, .data = &byte, .size = 1, .done = counted_op_done}};
    io_submit(io, &receive.op);
    io_run(io, 0);
    io_socket_close(pair.client);
    pair.client = NULL;
    run_until(io, &receive.completions, 1);
    assert_status(receive.op.status, STATUS_CLOSED);
    close_pair(&pair);
}

/* ---- Cancel ------------------------------------------------------------------------------------------------------ */

static void cancels(void **state) {
    struct io *io = fixture_io(state);
    struct pair pair = connect_pair(io);
    char byte;
    for (int flush = 0; flush < 2; flush++) {
        struct counted_op receive = {.op = {.kind = IO_OP_RECEIVE, .socket = pair.server, .data = &byte, .size = 1}};
        struct counted_op accept = {.op = {.kind = IO_OP_ACCEPT, .socket = pair.listener}};
        receive.op.done = accept.op.done = counted_op_done;
        io_submit(io, &receive.op);
        io_submit(io, &accept.op);
        if (flush) io_run(io, 0);
        io_cancel(io, &receive.op);
        io_cancel(io, &accept.op);
        io_cancel(io, &accept.op); /* once more does no harm */
        assert_int_equal(receive.completions + accept.completions, 0);
        run_until(io, &receive.completions, 1);
        run_until(io, &accept.completions, 1);
        assert_status(receive.op.status, STATUS_CANCELLED);
        assert_status(accept.op.status, STATUS_CANCELLED);
    }
    assert_status(send_text(io, pair.client, "still works"), STATUS_OK);
    assert_receives(io, pair.server, "still works");
    close_pair(&pair);
}

static void cancel_and_close(void **state) {
    struct io *io = fixture_io(state);
    struct pair pair = connect_pair(io);
    char buffer[2];
    struct counted_op receives[2];
    for (int i = 0; i < 2; i++) {
        receives[i] =
            (struct counted_op){.op = {.kind = IO_OP_RECEIVE, .socket = pair.server, .data = buffer + i, .size = 1}};
        receives[i].op.done = counted_op_done;
        io_submit(io, &receives[i].op);
    }
    io_run(io, 0);
    for (int i = 0; i < 2; i++) io_cancel(io, &receives[i].op);
    io_socket_close(pair.server); /* before done was called */
    pair.server = NULL;
    for (int i = 0; i < 2; i++) {
        run_until(io, &receives[i].completions, 1);
        assert_status(receives[i].op.status, STATUS_CANCELLED);
    }
    assert_status(receive_status(io, pair.client), STATUS_CLOSED);
    close_pair(&pair);
}

static void cancel_connect(void **state) {
    struct io *io = fixture_io(state);
    char address[IO_ADDRESS_BYTES];
    struct io_socket *listener = listen_anywhere(io, address);
    for (int flush = 0; flush < 2; flush++) {
        struct counted_op connect = {.op = {.kind = IO_OP_CONNECT, .address = address, .done = counted_op_done}};
        io_submit(io, &connect.op);
        if (flush) io_flush(io);
        io_cancel(io, &connect.op);
        run_until(io, &connect.completions, 1);
        if (connect.op.status == STATUS_OK) {
            io_socket_close(connect.op.accepted);
        } else {
            assert_status(connect.op.status, STATUS_CANCELLED);
            assert_null(connect.op.accepted);
        }
    }
    io_socket_close(listener);
}

/* ---- Many -------------------------------------------------------------------------------------------------------- */

enum { MANY = 200 };

struct echo {
    struct io_op op;
    struct io *io;
    char byte;
    unsigned rounds;
    bool stopping;
    unsigned ended;
};

static void echo_done(struct io_op *op) {
    struct echo *echo = op->context;
    if (op->status != STATUS_OK || echo->stopping) {
        echo->ended = 1;
        return;
    }
    op->kind = op->kind == IO_OP_RECEIVE ? IO_OP_SEND : IO_OP_RECEIVE;
    if (op->kind == IO_OP_RECEIVE)
        echo->rounds++;
    else
        echo->byte++;
    io_submit(echo->io, op);
}

static void start_echo(struct echo *echo, struct io *io, struct io_socket *socket, enum io_op_kind first) {
    *echo = (struct echo){.io = io};
    echo->op = (struct io_op){
        .kind = first, .socket = socket, .data = &echo->byte, .size = 1, .done = echo_done, .context = echo};
    io_submit(io, &echo->op);
}

static void many_sockets(void **state) {
    struct io *io = fixture_io(state);
    char address[IO_ADDRESS_BYTES];
    struct io_socket *listener = listen_anywhere(io, address);
    struct counted_op *accepts = calloc(MANY, sizeof *accepts), *connects = calloc(MANY, sizeof *connects);
    struct echo *echoes = calloc(2 * MANY, sizeof *echoes);
    assert_true(accepts && connects && echoes);
    for (int i = 0; i < MANY; i++) {
        accepts[i].op = (struct io_op){.kind = IO_OP_ACCEPT, .socket = listener, .done = counted_op_done};
        connects[i].op = (struct io_op){.kind = IO_OP_CONNECT, .address = address, .done = counted_op_done};
        io_submit(io, &accepts[i].op);
        io_submit(io, &connects[i].op);
    }
    for (int i = 0; i < MANY; i++) {
        run_until(io, &accepts[i].completions, 1);
        run_until(io, &connects[i].completions, 1);
        assert_status(accepts[i].op.status, STATUS_OK);
        assert_status(connects[i].op.status, STATUS_OK);
        start_echo(&echoes[2 * i], io, accepts[i].op.accepted, IO_OP_RECEIVE);
        start_echo(&echoes[2 * i + 1], io, connects[i].op.accepted, IO_OP_SEND);
    }
    for (int i = 0; i < 2 * MANY; i++) run_until(io, &echoes[i].rounds, 20);
    for (int i = 0; i < 2 * MANY; i++) {
        echoes[i].stopping = true;
        if (!echoes[i].ended) io_cancel(io, &echoes[i].op);
    }
    for (int i = 0; i < MANY; i++) {
        io_socket_close(accepts[i].op.accepted);
        io_socket_close(connects[i].op.accepted);
    }
    for (int i = 0; i < 2 * MANY; i++) run_until(io, &echoes[i].ended, 1);
    io_socket_close(listener);
    free(accepts);
    free(connects);
    free(echoes);
}

static void destroy_in_flight(void **state) {
    struct io_fixture *fixture = fixture_of(state);
    const char *reason;
    struct io *io = fixture->factory->create(&reason);
    assert_non_null(io);
    char address[IO_ADDRESS_BYTES];
    struct io_socket *listener = listen_anywhere(io, address);
    struct counted_op accept = {.op = {.kind = IO_OP_ACCEPT, .socket = listener, .done = counted_op_done}};
    struct counted_op timer = {
        .op = {.kind = IO_OP_TIMER, .deadline_ns = io_now_ns(io) + 1000000000u, .done = counted_op_done}};
    struct counted_op connect = {.op = {.kind = IO_OP_CONNECT, .address = "127.0.0.1:1", .done = counted_op_done}};
    io_submit(io, &accept.op);
    io_submit(io, &timer.op);
    io_run(io, 0);
    io_submit(io, &connect.op);
    io_flush(io);
    io_cancel(io, &accept.op);
    io_socket_close(listener);
    io_destroy(io);
    assert_int_equal(accept.completions + timer.completions + connect.completions, 0);
}

static const struct io_fact facts[] = {
    {"a message goes there and back", round_trip},
    {"both ends know both addresses", addresses},
    {"a connect that nobody listens to is closed", refused},
    {"an address that is not numeric host:port is invalid", bad_addresses},
    {"a taken port is busy, and free again after close", taken_port},
    {"large transfers go both ways at once", large_both_ways},
    {"sends on one socket keep their order", sends_keep_order},
    {"a closed peer ends the stream after its last bytes", peer_closes},
    {"a waiting receive sees the peer close", close_while_receiving},
    {"cancelled operations end as cancelled", cancels},
    {"a socket may be closed once its operations are cancelled", cancel_and_close},
    {"a cancelled connect ends once", cancel_connect},
    {"two hundred connections talk at once", many_sockets},
    {"destroy drops what is in flight without a done", destroy_in_flight},
};

const struct io_fact_table io_socket_facts = {facts, sizeof facts / sizeof *facts};
