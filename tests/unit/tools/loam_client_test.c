/*
 * loam_client: the blocking client against a server that answers from a script, in a process of its own.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "tools/loam/client.h"

static void note_done(struct io_op *op) {
    *(bool *)op->context = true;
}

static enum status run_op(struct io *io, struct io_op *op) {
    bool done = false;
    op->done = note_done;
    op->context = &done;
    io_submit(io, op);
    while (!done) io_run(io, UINT64_MAX);
    return op->status;
}

static struct io *create_io(void) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct io *io;
    check(io_create(&options, &io, NULL) == STATUS_OK);
    return io;
}

/* Accepts one client, waits for its first bytes, sends the script in pieces of `piece` bytes, and then says nothing or
 * closes. */
static void be_server(int pipe_end, const char *script, size_t piece, bool stay) {
    struct io *io = create_io();
    struct io_socket *listener;
    char address[IO_ADDRESS_BYTES] = "", byte[4096];
    check(io_listen(io, "127.0.0.1:0", &listener, NULL) == STATUS_OK);
    io_socket_local(listener, address);
    check(write(pipe_end, address, sizeof address) == (ssize_t)sizeof address);
    struct io_op op = {.kind = IO_OP_ACCEPT, .socket = listener};
    check(run_op(io, &op) == STATUS_OK);
    struct io_socket *client = op.accepted;
    op = (struct io_op){.kind = IO_OP_RECEIVE, .socket = client, .data = byte, .size = sizeof byte};
    check(run_op(io, &op) == STATUS_OK);
    const size_t size = strlen(script);
    for (size_t at = 0; at < size; at += piece) {
        const size_t part = size - at < piece ? size - at : piece;
        op = (struct io_op){
            .kind = IO_OP_SEND, .socket = client, .data = (void *)(uintptr_t)(script + at), .size = part};
        if (run_op(io, &op) != STATUS_OK) _exit(0);
    }
    if (stay) {
        op = (struct io_op){.kind = IO_OP_RECEIVE, .socket = client, .data = byte, .size = sizeof byte};
        while (run_op(io, &op) == STATUS_OK) {}
    }
    io_socket_close(client);
    _exit(0);
}

struct server {
    pid_t pid;
    char address[IO_ADDRESS_BYTES];
};

static struct server start_server(const char *script, size_t piece, bool stay) {
    struct server server;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0) be_server(ends[1], script, piece, stay);
    close(ends[1]);
    assert_int_equal(read(ends[0], server.address, sizeof server.address), sizeof server.address);
    close(ends[0]);
    return server;
}

static void end_server(const struct server *server) {
    int code;
    assert_int_equal(waitpid(server->pid, &code, 0), server->pid);
    assert_int_equal(code, 0);
}

static void replies_come_one_by_one_however_they_are_cut(void **state) {
    (void)state;
    static const size_t pieces[] = {1, 3, 7, 1000};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const struct server server = start_server(
            "+PONG\r\n>2\r\n+message\r\n+x\r\n$5\r\nhello\r\n*2\r\n:1\r\n$-1\r\n-ERR no\r\n", pieces[i], true);
        struct io *io = create_io();
        struct client *client;
        const struct resp_reply *reply;
        const char *words[] = {"PING"};
        assert_int_equal(client_open(io, server.address, 5000, &client, NULL), STATUS_OK);
        assert_int_equal(client_call(client, words, 1, &reply, NULL), STATUS_OK);
        assert_int_equal(reply->type, RESP_SIMPLE);
        assert_int_equal(client_receive(client, &reply, NULL), STATUS_OK); /* the push was stepped over */
        assert_int_equal(reply->type, RESP_BULK);
        assert_memory_equal(reply->text.data, "hello", 5);
        assert_int_equal(client_receive(client, &reply, NULL), STATUS_OK);
        assert_int_equal(reply->type, RESP_ARRAY);
        assert_int_equal(reply->count, 2);
        assert_int_equal(client_receive(client, &reply, NULL), STATUS_OK);
        assert_int_equal(reply->type, RESP_ERROR);
        client_close(client);
        io_destroy(io);
        end_server(&server);
    }
}

static void a_long_pipeline_is_read_whole(void **state) {
    (void)state;
    enum { COUNT = 50000 };
    static char script[COUNT * 8 + 1];
    for (int i = 0; i < COUNT; i++) memcpy(script + i * 8, "$2\r\nok\r\n", 8);
    const struct server server = start_server(script, sizeof script, true);
    struct io *io = create_io();
    struct client *client;
    const struct resp_reply *reply;
    const char *words[] = {"GET", "k"};
    assert_int_equal(client_open(io, server.address, 5000, &client, NULL), STATUS_OK);
    assert_int_equal(client_queue_words(client, words, 2), STATUS_OK);
    assert_int_equal(client_flush(client, NULL), STATUS_OK);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(client_receive(client, &reply, NULL), STATUS_OK);
        assert_int_equal(reply->type, RESP_BULK);
    }
    client_close(client);
    io_destroy(io);
    end_server(&server);
}

static void silence_ends_at_the_timeout(void **state) {
    (void)state;
    const struct server server = start_server("+PO", 100, true);
    struct io *io = create_io();
    struct client *client;
    const struct resp_reply *reply;
    struct error error = {0};
    const char *words[] = {"PING"};
    assert_int_equal(client_open(io, server.address, 100, &client, NULL), STATUS_OK);
    const uint64_t start_ns = io_now_ns(io);
    assert_int_equal(client_call(client, words, 1, &reply, &error), STATUS_TIMED_OUT);
    assert_in_range(io_now_ns(io) - start_ns, 99 * 1000000u, 5000 * 1000000u);
    assert_non_null(strstr(error.text, server.address));
    client_close(client);
    io_destroy(io);
    end_server(&server);
}

static void a_closed_server_and_bad_bytes_are_errors_with_the_address(void **state) {
    (void)state;
    static const struct {
        const char *script;
        enum status status;
    } rows[] = {{"+PO", STATUS_CLOSED}, {"what is this\r\n", STATUS_SYNTAX}};
    for (size_t i = 0; i < 2; i++) {
        const struct server server = start_server(rows[i].script, 100, false);
        struct io *io = create_io();
        struct client *client;
        const struct resp_reply *reply;
        struct error error = {0};
        const char *words[] = {"PING"};
        assert_int_equal(client_open(io, server.address, 5000, &client, NULL), STATUS_OK);
        assert_int_equal(client_call(client, words, 1, &reply, &error), rows[i].status);
        assert_non_null(strstr(error.text, server.address));
        client_close(client);
        end_server(&server);
        assert_int_equal(client_open(io, server.address, 5000, &client, &error), STATUS_CLOSED);
        assert_null(client);
        assert_non_null(strstr(error.text, "nobody listens"));
        io_destroy(io);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_come_one_by_one_however_they_are_cut),
        cmocka_unit_test(a_long_pipeline_is_read_whole),
        cmocka_unit_test(silence_ends_at_the_timeout),
        cmocka_unit_test(a_closed_server_and_bad_bytes_are_errors_with_the_address),
    };
    return cmocka_run_group_tests_name("loam client", tests, NULL, NULL);
}
