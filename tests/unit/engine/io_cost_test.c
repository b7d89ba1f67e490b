/*
 * io_cost: how many system calls an operation costs, counted by tracing a process of its own (ptrace). The set-up is
 * taken out by counting two runs of different length. Prints the figures that engine/io/README.md quotes.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/ptrace.h>

#include "engine/base/check.h"
#include "engine/io.h"

enum { SHORT_RUN = 50, LONG_RUN = 250, SYSCALLS_MAX = 512 };

struct counts {
    unsigned by_number[SYSCALLS_MAX];
    unsigned all;
};

/* ---- What is traced: an echo server for one client, and a writer ------------------------------------------------- */

static void note_done(struct io_op *op) {
    *(bool *)op->context = true;
}

static void run_op(struct io *io, struct io_op *op) {
    bool done = false;
    op->done = note_done;
    op->context = &done;
    io_submit(io, op);
    while (!done) io_run(io, UINT64_MAX);
}

struct echo {
    struct io *io;
    struct io_op op;
    char message[64];
    unsigned left;
};

static void echo_done(struct io_op *op) {
    struct echo *echo = op->context;
    check(op->status == STATUS_OK);
    if (op->kind == IO_OP_RECEIVE) {
        op->kind = IO_OP_SEND;
        op->size = op->bytes;
    } else {
        op->kind = IO_OP_RECEIVE;
        op->size = sizeof echo->message;
        echo->left--;
    }
    if (echo->left > 0) io_submit(echo->io, op);
}

/* Sends a message, waits for it to come back, and again; never traced. */
static void be_client(const char *address, unsigned rounds) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct io *io;
    check(io_create(&options, &io, NULL) == STATUS_OK);
    struct io_op op = {.kind = IO_OP_CONNECT, .address = address};
    run_op(io, &op);
    check(op.status == STATUS_OK);
    struct io_socket *socket = op.accepted;
    char message[32] = "thirty-two bytes for the echo..";
    for (unsigned i = 0; i < rounds; i++) {
        op = (struct io_op){.kind = IO_OP_SEND, .socket = socket, .data = message, .size = sizeof message};
        run_op(io, &op);
        op = (struct io_op){.kind = IO_OP_RECEIVE, .socket = socket, .data = message, .size = sizeof message};
        run_op(io, &op);
        check(op.status == STATUS_OK && op.bytes == sizeof message);
    }
    _exit(0);
}

/* The client waits for the address at the other end of the pipe; forked before there are threads. */
static int start_client(unsigned rounds) {
    int ends[2];
    check(pipe(ends) == 0);
    const pid_t client = fork();
    check(client >= 0);
    if (client == 0) {
        char address[IO_ADDRESS_BYTES];
        check(read(ends[0], address, sizeof address) == (ssize_t)sizeof address);
        be_client(address, rounds);
    }
    close(ends[0]);
    return ends[1];
}

static void serve_echo(struct io *io, unsigned rounds, int pipe_to_client) {
    struct io_socket *listener;
    check(io_listen(io, "127.0.0.1:0", &listener, NULL) == STATUS_OK);
    char address[IO_ADDRESS_BYTES] = "";
    io_socket_local(listener, address);
    check(write(pipe_to_client, address, sizeof address) == (ssize_t)sizeof address);
    struct io_op accept = {.kind = IO_OP_ACCEPT, .socket = listener};
    run_op(io, &accept);
    struct echo echo = {.io = io, .left = rounds};
    echo.op = (struct io_op){.kind = IO_OP_RECEIVE, .socket = accept.accepted, .data = echo.message};
    echo.op.size = sizeof echo.message;
    echo.op.done = echo_done;
    echo.op.context = &echo;
    io_submit(io, &echo.op);
    while (echo.left > 0) io_run(io, UINT64_MAX);
}

static void write_durably(struct io *io, unsigned rounds, int pipe_to_client) {
    (void)pipe_to_client;
    char path[] = "/tmp/loam-io-cost-XXXXXX";
    const int fd = mkstemp(path);
    check(fd >= 0 && close(fd) == 0);
    struct io_file *file;
    check(io_file_open(io, path, IO_OPEN_WRITE, &file) == STATUS_OK);
    static char page[IO_PAGE_BYTES];
    for (unsigned i = 0; i < rounds; i++) {
        struct io_op op = {.kind = IO_OP_WRITE_SYNC, .file = file, .data = page, .size = sizeof page};
        op.offset = (uint64_t)i * sizeof page;
        run_op(io, &op);
        check(op.status == STATUS_OK);
    }
    io_file_close(file);
    check(io_remove(io, path) == STATUS_OK);
}

/* ---- Tracing ----------------------------------------------------------------------------------------------------- */

struct workload {
    enum io_backend_choice backend;
    bool client;
    void (*run)(struct io *io, unsigned rounds, int pipe_to_client);
};

static void be_traced(const struct workload *workload, unsigned rounds) {
    const struct io_options options = {.backend = workload->backend};
    struct io *io;
    const int pipe_to_client = workload->client ? start_client(rounds) : -1;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(2);
    raise(SIGSTOP);
    if (io_create(&options, &io, NULL) != STATUS_OK) _exit(2);
    workload->run(io, rounds, pipe_to_client);
    _exit(0);
}

static void note_syscall(pid_t thread, struct counts *counts) {
    struct ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof info, &info) <= 0) return;
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return;
    counts->all++;
    if (info.entry.nr < SYSCALLS_MAX) counts->by_number[info.entry.nr]++;
}

/* False if this machine does not let us trace, or refuses the backend. */
static bool count_syscalls(const struct workload *workload, unsigned rounds, struct counts *counts) {
    *counts = (struct counts){.all = 0};
    const pid_t traced = fork();
    assert_true(traced >= 0);
    if (traced == 0) be_traced(workload, rounds);
    int state;
    if (waitpid(traced, &state, 0) != traced || !WIFSTOPPED(state)) return false;
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, traced, NULL, (void *)options) != 0) {
        kill(traced, SIGKILL);
        waitpid(traced, &state, 0);
        return false;
    }
    pid_t thread = traced;
    int signal_number = 0;
    for (;;) {
        ptrace(PTRACE_SYSCALL, thread, NULL, (void *)(intptr_t)signal_number);
        thread = waitpid(-1, &state, __WALL);
        if (thread < 0) return false;
        if (WIFSTOPPED(state)) {
            const int stop = WSTOPSIG(state);
            if (stop == (SIGTRAP | 0x80)) note_syscall(thread, counts);
            signal_number = stop == (SIGTRAP | 0x80) || stop == SIGTRAP || stop == SIGSTOP ? 0 : stop;
        } else if (thread == traced) {
            assert_false(WIFSIGNALED(state));
            return WIFEXITED(state) && WEXITSTATUS(state) == 0;
        }
    }
}

static double per_round(const struct counts *shorter, const struct counts *longer, long number) {
    const unsigned a = number < 0 ? shorter->all : shorter->by_number[number];
    const unsigned b = number < 0 ? longer->all : longer->by_number[number];
    return ((double)b - (double)a) / (LONG_RUN - SHORT_RUN);
}

/* Returns system calls per operation, all kinds and threads together. */
static double measure(const char *what, const struct workload *workload) {
    static const struct {
        long number;
        const char *name;
    } known[] = {{SYS_io_uring_enter, "io_uring_enter"},
                 {SYS_epoll_wait, "epoll_wait"},
                 {SYS_recvfrom, "recv"},
                 {SYS_sendto, "send"},
                 {SYS_pwrite64, "pwrite"},
                 {SYS_fdatasync, "fdatasync"},
                 {SYS_write, "write"},
                 {SYS_futex, "futex"}};
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    print_message("SKIP: %s: a sanitizer makes system calls of its own\n", what);
    skip();
#endif
    struct counts shorter, longer;
    if (!count_syscalls(workload, SHORT_RUN, &shorter) || !count_syscalls(workload, LONG_RUN, &longer)) {
        print_message("SKIP: %s: no tracing here, or the backend is refused\n", what);
        skip();
    }
    print_message("%s: %.2f system calls (", what, per_round(&shorter, &longer, -1));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const double each = per_round(&shorter, &longer, known[i].number);
        if (each > 0.004) print_message(" %s %.2f", known[i].name, each);
    }
    print_message(" )\n");
    return per_round(&shorter, &longer, -1);
}

static void assert_at_most(double calls, double limit) {
    if (calls > limit) fail_msg("%.2f system calls, expected at most %.2f", calls, limit);
}

/* A turn that receives and a turn that sends: the receive's turn hands over the send, the send's turn waits for the
 * next message. */
static void echo_over_uring_costs_two_calls(void **state) {
    (void)state;
    const struct workload workload = {IO_BACKEND_URING, true, serve_echo};
    assert_at_most(measure("io_uring, echo", &workload), 2.5);
}

static void echo_over_posix_costs_three_calls(void **state) {
    (void)state;
    const struct workload workload = {IO_BACKEND_POSIX, true, serve_echo};
    assert_at_most(measure("posix, echo", &workload), 3.5);
}

static void write_sync_over_uring_costs_one_call(void **state) {
    (void)state;
    const struct workload workload = {IO_BACKEND_URING, false, write_durably};
    assert_at_most(measure("io_uring, write_sync", &workload), 1.5);
}

static void write_sync_over_posix_costs_a_thread_round_trip(void **state) {
    (void)state;
    const struct workload workload = {IO_BACKEND_POSIX, false, write_durably};
    assert_at_most(measure("posix, write_sync", &workload), 10.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echo_over_uring_costs_two_calls),
        cmocka_unit_test(echo_over_posix_costs_three_calls),
        cmocka_unit_test(write_sync_over_uring_costs_one_call),
        cmocka_unit_test(write_sync_over_posix_costs_a_thread_round_trip),
    };
    return cmocka_run_group_tests_name("io cost", tests, NULL, NULL);
}
