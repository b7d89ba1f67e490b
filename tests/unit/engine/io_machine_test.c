/*
 * io_machine: what only a real machine shows: descriptors, limits, signals, other processes and a kernel that refuses.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/io.h"
#include "tests/harness/alloc_fault.h"

static const enum io_backend_choice backends[] = {IO_BACKEND_POSIX, IO_BACKEND_URING};
enum { BACKENDS = 2 };

/* NULL if this machine refuses the backend; the conformance suite says so aloud. */
static struct io *try_create(enum io_backend_choice backend) {
    const struct io_options options = {.backend = backend};
    struct io *io = NULL;
    enum status status = io_create(&options, &io, NULL);
    assert_true(status == STATUS_OK || (status == STATUS_UNSUPPORTED && backend == IO_BACKEND_URING));
    return io;
}

static void note_done(struct io_op *op) {
    *(bool *)op->context = true;
}

static enum status run_op(struct io *io, struct io_op *op) {
    bool done = false;
    op->done = note_done;
    op->context = &done;
    io_submit(io, op);
    const uint64_t give_up = io_now_ns(io) + 10000000000u;
    while (!done && io_now_ns(io) < give_up) io_run(io, io_now_ns(io) + 100000000u);
    assert_true(done);
    return op->status;
}

static void make_directory(char path[static 32]) {
    snprintf(path, 32, "/tmp/loam-machine-XXXXXX");
    assert_non_null(mkdtemp(path));
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------- */

struct ends {
    struct io_socket *listener, *client, *server;
};

static struct ends connect_ends(struct io *io) {
    struct ends ends;
    char address[IO_ADDRESS_BYTES];
    assert_int_equal(io_listen(io, "127.0.0.1:0", &ends.listener, NULL), STATUS_OK);
    io_socket_local(ends.listener, address);
    struct io_op op = {.kind = IO_OP_CONNECT, .address = address};
    assert_int_equal(run_op(io, &op), STATUS_OK);
    ends.client = op.accepted;
    op = (struct io_op){.kind = IO_OP_ACCEPT, .socket = ends.listener};
    assert_int_equal(run_op(io, &op), STATUS_OK);
    ends.server = op.accepted;
    return ends;
}

static void close_ends(struct ends *ends) {
    io_socket_close(ends->client);
    io_socket_close(ends->server);
    io_socket_close(ends->listener);
}

static void every_descriptor_closes_on_exec_and_sockets_do_not_delay(void **state) {
    (void)state;
    bool before[256];
    for (int fd = 0; fd < 256; fd++) before[fd] = fcntl(fd, F_GETFD) >= 0;
    for (int i = 0; i < BACKENDS; i++) {
        struct io *io = try_create(backends[i]);
        if (!io) continue;
        struct ends ends = connect_ends(io);
        struct io_file *file;
        assert_int_equal(io_file_open(io, "/dev/null", IO_OPEN_READ, &file), STATUS_OK);
        int opened = 0, sockets = 0;
        for (int fd = 0; fd < 256; fd++) {
            const int flags = fcntl(fd, F_GETFD);
            if (before[fd] || flags < 0) continue;
            opened++;
            assert_true(flags & FD_CLOEXEC);
            int delay_off = 0;
            socklen_t size = sizeof delay_off;
            if (getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &delay_off, &size) != 0) continue;
            sockets++;
            assert_int_equal(delay_off, 1);
        }
        assert_int_equal(sockets, 3);
        assert_true(opened >= 6);
        io_file_close(file);
        close_ends(&ends);
        io_destroy(io);
    }
    for (int fd = 0; fd < 256; fd++) assert_int_equal(before[fd], fcntl(fd, F_GETFD) >= 0); /* nothing leaked */
}

static void no_descriptor_left_is_busy(void **state) {
    (void)state;
    for (int i = 0; i < BACKENDS; i++) {
        struct io *io = try_create(backends[i]);
        if (!io) continue;
        struct io_socket *listener;
        char address[IO_ADDRESS_BYTES];
        assert_int_equal(io_listen(io, "127.0.0.1:0", &listener, NULL), STATUS_OK);
        io_socket_local(listener, address);
        struct io_op connect = {.kind = IO_OP_CONNECT, .address = address};
        assert_int_equal(run_op(io, &connect), STATUS_OK);

        struct rlimit limit;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        const rlim_t usual = limit.rlim_cur;
        const int next = dup(0); /* the lowest free one: from here on there is none */
        close(next);
        limit.rlim_cur = (rlim_t)next;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        struct io_op accept = {.kind = IO_OP_ACCEPT, .socket = listener};
        enum status accepted = run_op(io, &accept);
        struct io_op second = {.kind = IO_OP_CONNECT, .address = address};
        enum status connected = run_op(io, &second);
        struct io_file *file;
        enum status opened = io_file_open(io, "/dev/null", IO_OPEN_READ, &file);
        limit.rlim_cur = usual;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(accepted, STATUS_BUSY);
        assert_int_equal(connected, STATUS_BUSY);
        assert_int_equal(opened, STATUS_BUSY);

        assert_int_equal(run_op(io, &accept), STATUS_OK); /* the connection was still waiting */
        io_socket_close(accept.accepted);
        io_socket_close(connect.accepted);
        io_socket_close(listener);
        io_destroy(io);
    }
}

/* ---- Short writes ------------------------------------------------------------------------------------------------ */

static void a_write_cut_short_breaks_the_link_and_poisons_nothing(void **state) {
    (void)state;
    enum { LIMIT = 6000, SIZE = 10000 };
    signal(SIGXFSZ, SIG_IGN);
    for (int i = 0; i < BACKENDS; i++) {
        struct io *io = try_create(backends[i]);
        if (!io) continue;
        char directory[32], path[64];
        make_directory(directory);
        snprintf(path, sizeof path, "%s/file", directory);
        struct io_file *file;
        assert_int_equal(io_file_open(io, path, IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE, &file), STATUS_OK);
        static uint8_t data[SIZE];
        memset(data, 'x', sizeof data);

        struct rlimit limit;
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        const rlim_t usual = limit.rlim_cur;
        limit.rlim_cur = LIMIT;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        struct io_op write = {.kind = IO_OP_WRITE_SYNC, .file = file, .data = data, .size = SIZE};
        enum status status = run_op(io, &write);
        limit.rlim_cur = usual;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

        assert_int_equal(status, STATUS_TOO_LARGE);
        uint64_t size;
        assert_int_equal(io_file_size(file, &size), STATUS_OK);
        assert_int_equal(size, LIMIT); /* the first part was written before the rest failed */
        assert_int_equal(run_op(io, &write), STATUS_OK);
        io_file_close(file);
        assert_int_equal(io_remove(io, path), STATUS_OK);
        assert_int_equal(io_remove(io, directory), STATUS_OK);
        io_destroy(io);
    }
    signal(SIGXFSZ, SIG_DFL);
}

/* ---- Signals and threads ----------------------------------------------------------------------------------------- */

static struct io *volatile handler_io;
static volatile sig_atomic_t handler_ran;

static void wake_handler(int number) {
    (void)number;
    handler_ran = 1;
    io_wake(handler_io);
}

static void a_signal_handler_wakes_the_loop(void **state) {
    (void)state;
    for (int i = 0; i < BACKENDS; i++) {
        struct io *io = try_create(backends[i]);
        if (!io) continue;
        handler_io = io;
        handler_ran = 0;
        struct sigaction action = {.sa_handler = wake_handler, .sa_flags = SA_RESTART}, before;
        assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
        const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
        assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
        const uint64_t start = io_now_ns(io);
        while (!handler_ran) io_run(io, start + 10000000000u); /* it may come back early with nothing */
        assert_true(io_now_ns(io) - start < 5000000000u);
        assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
        io_destroy(io);
    }
}

static void *run_loop(void *context) {
    struct io *io = context;
    struct ends ends = connect_ends(io);
    close_ends(&ends);
    return NULL;
}

static void the_loop_may_run_on_another_thread_than_create_and_destroy(void **state) {
    (void)state;
    for (int i = 0; i < BACKENDS; i++) {
        struct io *io = try_create(backends[i]);
        if (!io) continue;
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, run_loop, io), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        io_destroy(io);
    }
}

/* ---- Other processes --------------------------------------------------------------------------------------------- */

/* Runs check in a child before any thread exists there; returns its exit code. */
static int in_child(int (*run)(void *context), void *context) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(run(context));
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFEXITED(code));
    return WEXITSTATUS(code);
}

struct holder {
    const char *directory;
    int ready, go; /* ends of two pipes */
};

/* Holds the lock until told; then dies without unlocking. */
static int hold_lock(void *context) {
    struct holder *holder = context;
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct io *io;
    struct io_lock *lock;
    if (io_create(&options, &io, NULL) != STATUS_OK) return 1;
    if (io_dir_lock(io, holder->directory, &lock, NULL) != STATUS_OK) return 2;
    char byte = 'r';
    if (write(holder->ready, &byte, 1) != 1 || read(holder->go, &byte, 1) != 1) return 3;
    return 0;
}

static void a_lock_names_the_other_process_and_ends_with_it(void **state) {
    (void)state;
    char directory[32], file[64], byte = 0;
    make_directory(directory);
    int ready[2], go[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    struct holder holder = {.directory = directory, .ready = ready[1], .go = go[0]};
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(hold_lock(&holder));
    assert_int_equal(read(ready[0], &byte, 1), 1);

    struct io *io = try_create(IO_BACKEND_POSIX);
    struct io_lock *lock;
    struct error error = {0};
    char expected[64];
    snprintf(expected, sizeof expected, "process %ld, program io_machine_test", (long)child);
    assert_int_equal(io_dir_lock(io, directory, &lock, &error), STATUS_LOCKED);
    assert_non_null(strstr(error.text, expected));
    assert_int_equal(write(go[1], &byte, 1), 1);
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_int_equal(io_dir_lock(io, directory, &lock, &error), STATUS_OK);
    io_unlock(lock);

    snprintf(file, sizeof file, "%s/LOCK", directory);
    assert_int_equal(io_remove(io, file), STATUS_OK);
    assert_int_equal(io_remove(io, directory), STATUS_OK);
    io_destroy(io);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(go[i]);
    }
}

/* ---- A sandbox that refuses -------------------------------------------------------------------------------------- */

struct lines {
    char text[1024];
};

static void keep_line(void *context, enum log_level level, const char *text) {
    struct lines *lines = context;
    (void)level;
    const size_t used = strlen(lines->text);
    snprintf(lines->text + used, sizeof lines->text - used, "%s\n", text);
}

static bool forbid_io_uring(void) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static int create_where_refused(void *context) {
    (void)context;
    if (!forbid_io_uring()) return 77;
    struct lines lines = {.text = ""};
    struct log log = {.level = LOG_INFO, .line = keep_line, .context = &lines};
    struct io_options options = {.backend = IO_BACKEND_PROBE, .log = &log};
    struct io *io;
    if (io_create(&options, &io, NULL) != STATUS_OK) return 1;
    if (strcmp(io_backend_name(io), "posix") != 0) return 2;
    if (!strstr(lines.text, "io_uring is refused: Operation not permitted")) return 3;
    if (!strstr(lines.text, "backend posix")) return 4;
    io_destroy(io);
    options.backend = IO_BACKEND_URING;
    struct error error = {0};
    if (io_create(&options, &io, &error) != STATUS_UNSUPPORTED || io != NULL) return 5;
    return error.text[0] ? 0 : 6;
}

static void a_sandbox_that_refuses_io_uring_gets_posix_and_a_log_line(void **state) {
    (void)state;
    const int code = in_child(create_where_refused, NULL);
    if (code == 77) {
        print_message("SKIP: no seccomp filters here\n");
        skip();
    }
    assert_int_equal(code, 0);
}

/* ---- Memory --------------------------------------------------------------------------------------------------------
 */

static enum status visit_nothing(void *context, const struct io_entry *entry) {
    (void)context;
    (void)entry;
    return STATUS_OK;
}

/* Everything that allocates; the first failure ends it. */
static enum status use_io(enum io_backend_choice backend, const char *directory) {
    const struct io_options options = {.backend = backend, .compaction_threads = 2};
    struct io *io = NULL;
    struct io_file *file = NULL;
    struct io_lock *lock = NULL;
    struct io_socket *listener = NULL;
    struct error error = {0};
    enum status status = io_create(&options, &io, &error);
    if (status == STATUS_OK) status = io_dir_lock(io, directory, &lock, &error);
    if (status == STATUS_OK) status = io_file_open(io, "/dev/null", IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_dir_list(io, directory, visit_nothing, NULL);
    if (status == STATUS_OK) status = io_listen(io, "127.0.0.1:0", &listener, &error);
    if (status == STATUS_OK) {
        char address[IO_ADDRESS_BYTES];
        io_socket_local(listener, address);
        struct io_op connect = {.kind = IO_OP_CONNECT, .address = address};
        status = run_op(io, &connect);
        io_socket_close(connect.accepted);
    }
    if (status == STATUS_OK) {
        struct io_op accept = {.kind = IO_OP_ACCEPT, .socket = listener};
        status = run_op(io, &accept);
        io_socket_close(accept.accepted);
    }
    io_socket_close(listener);
    io_file_close(file);
    io_unlock(lock);
    io_destroy(io);
    return status;
}

static void a_failed_allocation_is_no_memory_and_leaves_nothing_open(void **state) {
    (void)state;
    char directory[32], lock[64];
    make_directory(directory);
    for (int i = 0; i < BACKENDS; i++) {
        struct io *io = try_create(backends[i]);
        if (!io) continue;
        uint64_t failures = 0;
        for (;; failures++) {
            const int before = dup(0);
            close(before);
            alloc_fault_at(failures + 1);
            const enum status status = use_io(backends[i], directory);
            const bool failed = alloc_fault_clear();
            const int after = dup(0);
            close(after);
            assert_int_equal(before, after); /* the lowest free descriptor: nothing stayed open */
            assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
            if (!failed) break;
        }
        assert_in_range(failures, 8, 1000);
        snprintf(lock, sizeof lock, "%s/LOCK", directory);
        assert_int_equal(io_remove(io, lock), STATUS_OK);
        io_destroy(io);
    }
    assert_int_equal(rmdir(directory), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_descriptor_closes_on_exec_and_sockets_do_not_delay),
        cmocka_unit_test(no_descriptor_left_is_busy),
        cmocka_unit_test(a_write_cut_short_breaks_the_link_and_poisons_nothing),
        cmocka_unit_test(a_signal_handler_wakes_the_loop),
        cmocka_unit_test(the_loop_may_run_on_another_thread_than_create_and_destroy),
        cmocka_unit_test(a_lock_names_the_other_process_and_ends_with_it),
        cmocka_unit_test(a_failed_allocation_is_no_memory_and_leaves_nothing_open),
        cmocka_unit_test(a_sandbox_that_refuses_io_uring_gets_posix_and_a_log_line),
    };
    return cmocka_run_group_tests_name("io machine", tests, NULL, NULL);
}
