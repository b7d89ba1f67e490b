/*
 * io_posix: the backend that every Linux grants: non-blocking sockets under one edge-triggered epoll, file operations
 * on helper threads.
 *
 * Invariant: a socket's `readable` (`writable`) is false only if its last receive (send) met the end of what the kernel
 * had, so that the next change will come as an edge. So a receive is tried only where it can succeed, and a quiet round
 * trip costs three system calls: epoll_wait, recv, send.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine/io/disk_queue.h"
#include "engine/io/machine.h"

enum { EVENTS_PER_TURN = 256 };

struct posix {
    struct machine machine;
    int epoll_fd;
    bool skipped_poll;      /* the last turn had enough to do without asking epoll */
    struct list submitted;  /* not looked at yet */
    struct list connecting; /* CONNECT in progress; its socket is op->accepted */
    struct list disk_batch; /* for the helper threads */
    struct disk_queue disk;
};

static struct posix *posix_of(struct io *io) {
    return (struct posix *)(void *)io;
}

static bool would_block(int number) {
    return number == EAGAIN || number == EWOULDBLOCK;
}

static enum status watch(struct posix *posix, struct machine_socket *socket) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = socket};
    return epoll_ctl(posix->epoll_fd, EPOLL_CTL_ADD, socket->fd, &event) == 0 ? STATUS_OK : status_from_errno(errno);
}

/* ---- The four socket operations; each returns false if it has to wait -------------------------------------------- */

static bool try_receive(struct posix *posix, struct machine_socket *socket, struct io_op *op) {
    const size_t ask = op->size < MACHINE_TRANSFER_BYTES ? op->size : MACHINE_TRANSFER_BYTES;
    ssize_t count;
    do count = recv(socket->fd, op->data, ask, 0);
    while (count < 0 && errno == EINTR);
    if (count < 0 && would_block(errno)) {
        socket->readable = false;
        return false;
    }
    list_remove(&op->link);
    if (count > 0) {
        op->bytes = (size_t)count;
        if (op->bytes < op->size && !socket->hangup) socket->readable = false;
    }
    machine_complete(&posix->machine, op,
                     count > 0    ? STATUS_OK
                     : count == 0 ? STATUS_CLOSED
                                  : status_from_errno(errno));
    return true;
}

static bool try_send(struct posix *posix, struct machine_socket *socket, struct io_op *op) {
    struct op_state *state = op_state(op);
    enum status status = STATUS_OK;
    while (state->progress < op->size && status == STATUS_OK) {
        const size_t left = op->size - state->progress;
        const size_t ask = left < MACHINE_TRANSFER_BYTES ? left : MACHINE_TRANSFER_BYTES;
        ssize_t count = send(socket->fd, (const uint8_t *)op->data + state->progress, ask, MSG_NOSIGNAL);
        if (count >= 0) {
            state->progress += (size_t)count;
        } else if (would_block(errno)) {
            socket->writable = false;
            return false;
        } else if (errno != EINTR) {
            status = status_from_errno(errno);
        }
    }
    list_remove(&op->link);
    machine_complete(&posix->machine, op, status);
    return true;
}

static enum status adopt(struct posix *posix, int fd, struct io_op *op) {
    struct machine_socket *made;
    enum status status = socket_create(&posix->machine, fd, &made);
    if (status != STATUS_OK) {
        close(fd);
        return status;
    }
    status = watch(posix, made);
    if (status == STATUS_OK)
        op->accepted = &made->base;
    else
        socket_destroy(made);
    return status;
}

static bool try_accept(struct posix *posix, struct machine_socket *socket, struct io_op *op) {
    int fd;
    do fd = accept4(socket->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    while (fd < 0 && socket_accept_again(errno));
    if (fd < 0 && would_block(errno)) {
        socket->readable = false;
        return false;
    }
    list_remove(&op->link);
    machine_complete(&posix->machine, op, fd < 0 ? status_from_errno(errno) : adopt(posix, fd, op));
    return true;
}

static void end_connect(struct posix *posix, struct io_op *op, enum status status) {
    list_remove(&op->link);
    machine_socket_of(op->accepted)->connect = NULL;
    if (status != STATUS_OK) {
        socket_destroy(machine_socket_of(op->accepted));
        op->accepted = NULL;
    }
    machine_complete(&posix->machine, op, status);
}

static void start_connect(struct posix *posix, struct io_op *op) {
    struct machine_socket *socket;
    enum status status = socket_open_for(&posix->machine, op->address, SOCK_NONBLOCK, &socket);
    if (status != STATUS_OK) {
        machine_complete(&posix->machine, op, status);
        return;
    }
    op->accepted = &socket->base;
    socket->connect = op;
    list_push_back(&posix->connecting, &op->link);
    const int result = connect(socket->fd, (const struct sockaddr *)&socket->peer, socket->peer_bytes);
    const int number = result == 0 ? 0 : errno;
    status = watch(posix, socket);
    if (status != STATUS_OK)
        end_connect(posix, op, status);
    else if (number == 0)
        end_connect(posix, op, STATUS_OK);
    else if (number != EINPROGRESS && number != EINTR)
        end_connect(posix, op, status_from_errno(number));
}

static void continue_connect(struct posix *posix, struct machine_socket *socket) {
    int number = 0;
    socklen_t bytes = sizeof number;
    if (getsockopt(socket->fd, SOL_SOCKET, SO_ERROR, &number, &bytes) != 0) number = errno;
    end_connect(posix, socket->connect, status_from_errno(number));
}

/* ---- From readiness to operations -------------------------------------------------------------------------------- */

static void serve_queue(struct posix *posix, struct machine_socket *socket, struct list *queue, const bool *ready,
                        bool (*try)(struct posix *, struct machine_socket *, struct io_op *)) {
    while (*ready && !list_is_empty(queue))
        if (!try(posix, socket, list_entry(queue->next, struct io_op, link))) break;
}

static void serve_socket(struct posix *posix, struct machine_socket *socket) {
    serve_queue(posix, socket, &socket->receives, &socket->readable, try_receive);
    serve_queue(posix, socket, &socket->accepts, &socket->readable, try_accept);
    serve_queue(posix, socket, &socket->sends, &socket->writable, try_send);
}

static void handle_event(struct posix *posix, const struct epoll_event *event) {
    struct machine_socket *socket = event->data.ptr;
    if (!socket) return; /* the wake-up */
    const uint32_t ends = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    if (socket->connect) {
        if (event->events & (EPOLLOUT | ends)) continue_connect(posix, socket);
        return;
    }
    if (event->events & ends) socket->hangup = true;
    if (event->events & (EPOLLIN | ends)) socket->readable = true;
    if (event->events & (EPOLLOUT | ends)) socket->writable = true;
    serve_socket(posix, socket);
}

static void start_op(struct posix *posix, struct io_op *op) {
    struct machine_socket *socket;
    switch (op->kind) {
    case IO_OP_CONNECT: start_connect(posix, op); break;
    case IO_OP_RECEIVE:
        socket = machine_socket_of(op->socket);
        list_push_back(&socket->receives, &op->link);
        serve_queue(posix, socket, &socket->receives, &socket->readable, try_receive);
        break;
    case IO_OP_ACCEPT:
        socket = machine_socket_of(op->socket);
        list_push_back(&socket->accepts, &op->link);
        serve_queue(posix, socket, &socket->accepts, &socket->readable, try_accept);
        break;
    case IO_OP_SEND:
        socket = machine_socket_of(op->socket);
        list_push_back(&socket->sends, &op->link);
        serve_queue(posix, socket, &socket->sends, &socket->writable, try_send);
        break;
    default: list_push_back(&posix->disk_batch, &op->link); break;
    }
}

/* ---- The functions of the vtable --------------------------------------------------------------------------------- */

static void posix_submit(struct io *io, struct io_op *op) {
    struct posix *posix = posix_of(io);
    *op_state(op) = (struct op_state){.place = OP_PLACE_QUEUED};
    if (op->kind == IO_OP_TIMER)
        timers_add(&posix->machine.timers, op);
    else
        list_push_back(&posix->submitted, &op->link);
}

static void posix_flush(struct io *io) {
    struct posix *posix = posix_of(io);
    struct list *link;
    while ((link = list_pop_front(&posix->submitted))) start_op(posix, list_entry(link, struct io_op, link));
    disk_queue_add(&posix->disk, &posix->disk_batch);
}

static void posix_cancel(struct io *io, struct io_op *op) {
    struct posix *posix = posix_of(io);
    switch (op_state(op)->place) {
    case OP_PLACE_TIMER: timers_remove(&posix->machine.timers, op); break;
    case OP_PLACE_QUEUED:
        if (op->kind == IO_OP_CONNECT && op->accepted) {
            end_connect(posix, op, STATUS_CANCELLED);
            return;
        }
        list_remove(&op->link);
        break;
    default: return; /* with a helper thread, or completed: its result comes */
    }
    machine_complete(&posix->machine, op, STATUS_CANCELLED);
}

/* In milliseconds, rounded up: a timer may be late, never early. */
static int wait_ms(struct posix *posix, uint64_t until_ns) {
    if (until_ns == 0) return 0;
    if (until_ns == UINT64_MAX) return -1;
    const uint64_t now = machine_now_ns(&posix->machine.base);
    if (until_ns <= now) return 0;
    const uint64_t ms = (until_ns - now - 1) / 1000000u + 1;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void wait_for_events(struct posix *posix, int timeout_ms) {
    struct epoll_event events[EVENTS_PER_TURN];
    const int count = epoll_wait(posix->epoll_fd, events, EVENTS_PER_TURN, timeout_ms);
    check(count >= 0 || errno == EINTR);
    machine_sleep_end(&posix->machine);
    for (int i = 0; i < count; i++) handle_event(posix, &events[i]);
}

/* Where an operation ended as it was submitted (a send mostly does), every second turn delivers that and asks epoll
 * afterwards. */
static size_t posix_run(struct io *io, uint64_t deadline_ns) {
    struct posix *posix = posix_of(io);
    struct machine *machine = &posix->machine;
    posix_flush(io);
    posix->skipped_poll = !posix->skipped_poll && !list_is_empty(&machine->completed);
    if (!posix->skipped_poll) {
        int timeout_ms = wait_ms(posix, machine_wait_until(machine, deadline_ns));
        if (timeout_ms != 0 && !machine_sleep_begin(machine)) timeout_ms = 0;
        wait_for_events(posix, timeout_ms);
    }
    disk_queue_collect(&posix->disk);
    return machine_deliver(machine);
}

static enum status posix_listen(struct io *io, const char *address, struct io_socket **socket, struct error *error) {
    struct posix *posix = posix_of(io);
    struct machine_socket *made;
    enum status status = socket_listen(&posix->machine, address, SOCK_NONBLOCK, &made, error);
    if (status != STATUS_OK) return status;
    status = watch(posix, made);
    if (status != STATUS_OK) {
        socket_destroy(made);
        return error_set(error, status, "cannot watch the socket on %s", address);
    }
    *socket = &made->base;
    return STATUS_OK;
}

static void posix_socket_close(struct io_socket *socket) {
    struct machine_socket *mine = machine_socket_of(socket);
    check(list_is_empty(&mine->receives) && list_is_empty(&mine->sends) && list_is_empty(&mine->accepts));
    socket_destroy(mine);
}

static void posix_destroy(struct io *io) {
    struct posix *posix = posix_of(io);
    disk_queue_stop(&posix->disk);
    struct list *link;
    while ((link = list_pop_front(&posix->connecting)))
        socket_destroy(machine_socket_of(list_entry(link, struct io_op, link)->accepted));
    machine_deinit(&posix->machine);
    close(posix->epoll_fd);
    free(posix);
}

static const struct io_vtable posix_vtable = {
    MACHINE_VTABLE_MEMBERS, .destroy = posix_destroy, .submit = posix_submit, .flush = posix_flush,
    .cancel = posix_cancel, .run = posix_run,         .listen = posix_listen, .socket_close = posix_socket_close,
};

static enum status create_epoll(struct posix *posix, struct error *error) {
    posix->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (posix->epoll_fd < 0) return error_set(error, status_from_errno(errno), "epoll_create1: %s", strerror(errno));
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    if (epoll_ctl(posix->epoll_fd, EPOLL_CTL_ADD, posix->machine.wake_fd, &wake) == 0) return STATUS_OK;
    enum status status = error_set(error, status_from_errno(errno), "epoll_ctl: %s", strerror(errno));
    close(posix->epoll_fd);
    return status;
}

enum status io_posix_create(const struct io_options *options, struct io **io, struct error *error) {
    struct posix *posix = calloc(1, sizeof *posix);
    if (!posix) return error_set(error, STATUS_NO_MEMORY, "out of memory");
    list_init(&posix->submitted);
    list_init(&posix->connecting);
    list_init(&posix->disk_batch);
    enum status status = machine_init(&posix->machine, &posix_vtable, "posix", options, error);
    if (status != STATUS_OK) goto out_free;
    status = create_epoll(posix, error);
    if (status != STATUS_OK) goto out_machine;
    status = disk_queue_start(&posix->disk, &posix->machine);
    if (status != STATUS_OK) {
        error_set(error, status, "no thread for disk operations: %s", status_text(status));
        goto out_epoll;
    }
    *io = &posix->machine.base;
    return STATUS_OK;

out_epoll:
    close(posix->epoll_fd);
out_machine:
    machine_deinit(&posix->machine);
out_free:
    free(posix);
    return status;
}
