/*
 * io_uring: one ring on the loop thread. A turn of the loop is one system call: it submits what has gathered and waits
 * for what completes.
 *
 * Operations gather in `submitted`; only place_submitted turns them into requests, so that a continued transfer, the
 * next send of a socket and a fresh operation take the same way. A completion never calls done by itself (machine.h).
 *
 * A WRITE_SYNC is a write with a linked fdatasync. The write's own completion is suppressed while it succeeds
 * (IOSQE_CQE_SKIP_SUCCESS), so that a commit wakes the loop once: either the fdatasync reports, or the write that broke
 * the link does (short or failed), and then nothing else. io_uring_create proves this on the running kernel before it
 * relies on it. On a file with IO_OPEN_DIRECT it is one request, write and barrier together (RWF_DSYNC), if its memory
 * and place are whole pages and nothing else of the file waits for a sync: the kernel starts it from the loop and
 * reports when the device has; no worker thread of the kernel, no page of the cache has a part in it.
 *
 * The ring is made disabled and enabled by the first turn, so that the thread that runs the loop becomes its one
 * submitter, whoever called io_create. Needs Linux 6.0 (IORING_SETUP_SINGLE_ISSUER); deferred task work where the
 * kernel has it (6.1).
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/io/machine.h"

enum { RING_ENTRIES = 256, RING_COMPLETIONS = 4096, READS_ENTRIES = 64 };

/* What a completion belongs to: an operation, with the low bit telling the fdatasync of a WRITE_SYNC, or one of these
 * two. */
enum { TAG_IGNORE = 0, TAG_WAKE = 2, TAG_SYNC = 1 };

struct uring {
    struct machine machine;
    struct io_uring ring;
    bool enabled;
    bool wake_armed;
    bool ending;               /* io_destroy: nothing is tried again */
    struct thread loop_thread; /* once enabled */
    uint32_t in_kernel;        /* operations whose completion will come */
    struct list submitted;     /* to be placed, in order */
    struct io_op *cancels;     /* in the kernel, to be cancelled; linked by op_state.next */
    struct mutex reads_mutex;  /* of what follows: a ring for reads that a thread outside the loop waits for */
    struct io_uring reads;
    bool reads_ready; /* made by the first such read */
};

static struct uring *uring_of(struct io *io) {
    return (struct uring *)(void *)io;
}

static struct machine_socket *op_socket(const struct io_op *op) {
    return op->kind == IO_OP_ACCEPT || op->kind == IO_OP_RECEIVE || op->kind == IO_OP_SEND
               ? machine_socket_of(op->socket)
               : NULL;
}

static bool op_is_on_file(const struct io_op *op) {
    return op->kind == IO_OP_READ || op->kind == IO_OP_WRITE || op->kind == IO_OP_WRITE_SYNC || op->kind == IO_OP_SYNC;
}

static bool op_syncs(const struct io_op *op) {
    return op->kind == IO_OP_WRITE_SYNC || op->kind == IO_OP_SYNC;
}

/* ---- The end of an operation ------------------------------------------------------------------------------------- */

/* Puts the first of those that waited for an ended one where it will be placed next. */
static void promote(struct uring *uring, struct list *waiting) {
    struct list *link = list_pop_front(waiting);
    if (link) list_push_front(&uring->submitted, link);
}

/* The op is in no list and the kernel does not hold it. */
static void finish(struct uring *uring, struct io_op *op, enum status status) {
    struct machine_socket *socket = op_socket(op);
    if (socket && socket->sending == op) {
        socket->sending = NULL;
        promote(uring, &socket->sends);
    } else if (socket && socket->receiving == op) {
        socket->receiving = NULL;
        promote(uring, &socket->receives);
    } else if (op_syncs(op)) {
        struct machine_file *file = machine_file_of(op->file);
        if (file->syncing == op) {
            file->syncing = NULL;
            promote(uring, &file->sync_queue);
        }
    }
    if (op->file)
        machine_complete_file(&uring->machine, op, status);
    else
        machine_complete(&uring->machine, op, status);
}

static void try_again(struct uring *uring, struct io_op *op) {
    if (op_state(op)->cancelled) {
        finish(uring, op, STATUS_CANCELLED);
        return;
    }
    op_state(op)->place = OP_PLACE_QUEUED;
    list_push_front(&uring->submitted, &op->link);
}

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

static unsigned transfer_bytes(const struct io_op *op, uint64_t progress) {
    const uint64_t left = op->size - progress;
    return (unsigned)(left < MACHINE_TRANSFER_BYTES ? left : MACHINE_TRANSFER_BYTES);
}

static bool may_go_direct(struct machine_file *file, struct io_op *op) {
    const uint64_t all = (uintptr_t)op->data | op->offset | op->size;
    return file->direct_fd >= 0 && op_state(op)->direct == DIRECT_UNTRIED && all % IO_PAGE_BYTES == 0 && op->size > 0 &&
           op->size <= MACHINE_TRANSFER_BYTES && machine_file_is_clean(file);
}

static void place_direct(struct uring *uring, struct io_op *op, int fd) {
    struct io_uring_sqe *write = io_uring_get_sqe(&uring->ring);
    io_uring_prep_write(write, fd, op->data, (unsigned)op->size, op->offset);
    write->rw_flags = RWF_DSYNC;
    io_uring_sqe_set_data64(write, (uintptr_t)op);
    op_state(op)->direct = DIRECT_IN_KERNEL;
}

static void place_write_sync(struct uring *uring, struct io_op *op, int fd) {
    const uint64_t progress = op_state(op)->progress;
    const unsigned bytes = transfer_bytes(op, progress);
    const bool last = progress + bytes == op->size;
    if (bytes > 0) {
        struct io_uring_sqe *write = io_uring_get_sqe(&uring->ring);
        io_uring_prep_write(write, fd, (const uint8_t *)op->data + progress, bytes, op->offset + progress);
        if (last) write->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
        io_uring_sqe_set_data64(write, (uintptr_t)op);
    }
    if (!last) return;
    struct io_uring_sqe *sync = io_uring_get_sqe(&uring->ring);
    io_uring_prep_fsync(sync, fd, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data64(sync, (uintptr_t)op | TAG_SYNC);
}

static void place_file_op(struct uring *uring, struct io_op *op) {
    struct machine_file *file = machine_file_of(op->file);
    const int fd = file->fd;
    const uint64_t progress = op_state(op)->progress;
    if (op_syncs(op)) file->sync_covers = atomic_load(&file->writes);
    if (op->kind == IO_OP_WRITE_SYNC) {
        if (may_go_direct(file, op))
            place_direct(uring, op, file->direct_fd);
        else
            place_write_sync(uring, op, fd);
        return;
    }
    struct io_uring_sqe *request = io_uring_get_sqe(&uring->ring);
    uint8_t *at = (uint8_t *)op->data + progress;
    if (op->kind == IO_OP_SYNC)
        io_uring_prep_fsync(request, fd, IORING_FSYNC_DATASYNC);
    else if (op->kind == IO_OP_WRITE)
        io_uring_prep_write(request, fd, at, transfer_bytes(op, progress), op->offset + progress);
    else
        io_uring_prep_read(request, fd, at, transfer_bytes(op, progress), op->offset + progress);
    io_uring_sqe_set_data64(request, (uintptr_t)op | (op->kind == IO_OP_SYNC ? TAG_SYNC : 0));
}

static void place_socket_op(struct uring *uring, struct io_op *op, struct machine_socket *socket) {
    struct io_uring_sqe *request = io_uring_get_sqe(&uring->ring);
    const uint64_t progress = op_state(op)->progress;
    switch (op->kind) {
    case IO_OP_ACCEPT: io_uring_prep_accept(request, socket->fd, NULL, NULL, SOCK_CLOEXEC); break;
    case IO_OP_CONNECT:
        io_uring_prep_connect(request, socket->fd, (const struct sockaddr *)&socket->peer, socket->peer_bytes);
        break;
    case IO_OP_RECEIVE:
        io_uring_prep_recv(request, socket->fd, op->data, transfer_bytes(op, 0), 0);
        if (socket->drained) request->ioprio |= IORING_RECVSEND_POLL_FIRST;
        break;
    default:
        io_uring_prep_send(request, socket->fd, (const uint8_t *)op->data + progress, transfer_bytes(op, progress),
                           MSG_NOSIGNAL | MSG_WAITALL);
        break;
    }
    io_uring_sqe_set_data64(request, (uintptr_t)op);
    socket->in_kernel++;
}

static void hold(struct uring *uring, struct io_op *op) {
    op_state(op)->place = OP_PLACE_KERNEL;
    uring->in_kernel++;
}

/* At most one at a time: true if the op may go to the kernel, else it waits in the queue. */
static bool become_active(struct io_op **active, struct list *queue, struct io_op *op) {
    if (*active && *active != op) {
        list_push_back(queue, &op->link);
        return false;
    }
    *active = op;
    return true;
}

static void start_file_op(struct uring *uring, struct io_op *op) {
    struct machine_file *file = machine_file_of(op->file);
    if (op_syncs(op) && !become_active(&file->syncing, &file->sync_queue, op)) return;
    if (op->kind != IO_OP_READ && io_file_is_poisoned(op->file)) {
        finish(uring, op, STATUS_READ_ONLY);
    } else if (op->size == 0 && (op->kind == IO_OP_READ || op->kind == IO_OP_WRITE)) {
        finish(uring, op, STATUS_OK);
    } else {
        place_file_op(uring, op);
        hold(uring, op);
    }
}

static void start_socket_op(struct uring *uring, struct io_op *op) {
    struct machine_socket *socket = machine_socket_of(op->socket);
    if (op->kind == IO_OP_SEND && !become_active(&socket->sending, &socket->sends, op)) return;
    if (op->kind == IO_OP_RECEIVE && !become_active(&socket->receiving, &socket->receives, op)) return;
    place_socket_op(uring, op, socket);
    hold(uring, op);
}

static void start_connect(struct uring *uring, struct io_op *op) {
    struct machine_socket *socket;
    enum status status = socket_open_for(&uring->machine, op->address, 0, &socket);
    if (status != STATUS_OK) {
        finish(uring, op, status);
        return;
    }
    op->accepted = &socket->base;
    place_socket_op(uring, op, socket);
    hold(uring, op);
}

static void start_op(struct uring *uring, struct io_op *op) {
    if (op_is_on_file(op))
        start_file_op(uring, op);
    else if (op->kind == IO_OP_CONNECT)
        start_connect(uring, op);
    else
        start_socket_op(uring, op);
}

/* ---- Filling the ring -------------------------------------------------------------------------------------------- */

/* Room for the two linked requests of one operation; hands over what stands in the ring if need be. */
static bool make_room(struct uring *uring) {
    if (io_uring_sq_space_left(&uring->ring) >= 2) return true;
    const int result = io_uring_submit(&uring->ring);
    check(result >= 0 || result == -EBUSY || result == -EAGAIN || result == -EINTR);
    return io_uring_sq_space_left(&uring->ring) >= 2;
}

static void arm_wake(struct uring *uring) {
    struct io_uring_sqe *request = io_uring_get_sqe(&uring->ring);
    io_uring_prep_poll_multishot(request, uring->machine.wake_fd, POLLIN);
    io_uring_sqe_set_data64(request, TAG_WAKE);
    uring->wake_armed = true;
}

static void place_cancel(struct uring *uring, struct io_op *op) {
    struct io_uring_sqe *request = io_uring_get_sqe(&uring->ring);
    io_uring_prep_cancel64(request, (uintptr_t)op, 0);
    request->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(request, TAG_IGNORE);
}

/* Cancels first: an address that is in use again must not be hit by a cancel that was meant for its predecessor. */
static void place_submitted(struct uring *uring) {
    if (!uring->wake_armed && make_room(uring)) arm_wake(uring);
    while (uring->cancels && make_room(uring)) {
        struct io_op *op = uring->cancels;
        uring->cancels = op_state(op)->next;
        place_cancel(uring, op);
    }
    if (uring->cancels) return;
    while (!list_is_empty(&uring->submitted) && make_room(uring))
        start_op(uring, list_entry(list_pop_front(&uring->submitted), struct io_op, link));
}

/* ---- Completions ------------------------------------------------------------------------------------------------- */

static void forget_cancel(struct uring *uring, const struct io_op *op) {
    for (struct io_op **at = &uring->cancels; *at; at = &op_state(*at)->next) {
        if (*at != op) continue;
        *at = op_state(*at)->next;
        return;
    }
}

static bool is_transient(int result) {
    return result == -EINTR || result == -EAGAIN;
}

static void file_failed(struct uring *uring, struct io_op *op, const char *verb, int result) {
    if (result == -ECANCELED)
        finish(uring, op, STATUS_CANCELLED);
    else
        finish(uring, op,
               machine_fail(&uring->machine, verb, op->file->path, op->offset + op_state(op)->progress, -result));
}

static void sync_ended(struct uring *uring, struct io_op *op, int result) {
    struct machine_file *file = machine_file_of(op->file);
    if (result >= 0)
        machine_note_sync(file, file->sync_covers);
    else
        machine_note_write(file); /* that of a WRITE_SYNC stands there, and no sync covers it */
    if (result >= 0)
        finish(uring, op, STATUS_OK);
    else if (result == -ECANCELED)
        finish(uring, op, STATUS_CANCELLED); /* it never ran */
    else
        finish(uring, op, machine_fail_sync(op->file, -result));
}

/* WRITE, or the write of a WRITE_SYNC that was short or failed and so broke the link. */
static void write_ended(struct uring *uring, struct io_op *op, int result) {
    struct op_state *state = op_state(op);
    machine_note_write(machine_file_of(op->file));
    if (result > 0) state->progress += (uint64_t)result;
    if (is_transient(result))
        try_again(uring, op);
    else if (result <= 0)
        file_failed(uring, op, "write", result == 0 ? -EIO : result);
    else if (op->kind == IO_OP_WRITE && state->progress == op->size)
        finish(uring, op, STATUS_OK);
    else
        try_again(uring, op);
}

/*
 * Write and barrier in one request: which of them failed is not told, so every failure counts as that of the sync. A
 * short one is durable as far as it got; its rest, and whatever the kernel would not take this way, goes the ordinary
 * way, whose barrier covers all.
 */
static void direct_ended(struct uring *uring, struct io_op *op, int result) {
    struct op_state *state = op_state(op);
    state->direct = DIRECT_TRIED;
    if (result > 0) state->progress = (uint64_t)result;
    if (state->progress == op->size) {
        finish(uring, op, STATUS_OK);
    } else if (result == -EINVAL || result == -EOPNOTSUPP) {
        direct_file_give_up(machine_file_of(op->file), -result);
        try_again(uring, op);
    } else if (result >= 0 || is_transient(result)) {
        try_again(uring, op);
    } else if (result == -ECANCELED) {
        finish(uring, op, STATUS_CANCELLED);
    } else {
        finish(uring, op, machine_fail_sync(op->file, -result));
    }
}

static void read_ended(struct uring *uring, struct io_op *op, int result) {
    struct op_state *state = op_state(op);
    if (result > 0) {
        state->progress += (uint64_t)result;
        op->bytes = state->progress;
    }
    if (is_transient(result))
        try_again(uring, op);
    else if (result < 0)
        file_failed(uring, op, "read", result);
    else if (result == 0 || state->progress == op->size)
        finish(uring, op, STATUS_OK);
    else
        try_again(uring, op);
}

static void accept_ended(struct uring *uring, struct io_op *op, int result) {
    struct machine_socket *made;
    if (result < 0) {
        if (is_transient(result) || socket_accept_again(-result))
            try_again(uring, op);
        else
            finish(uring, op, status_from_errno(-result));
        return;
    }
    enum status status = socket_create(&uring->machine, result, &made);
    if (status == STATUS_OK)
        op->accepted = &made->base;
    else
        close(result);
    finish(uring, op, status);
}

static void connect_ended(struct uring *uring, struct io_op *op, int result) {
    if (result < 0) {
        socket_destroy(machine_socket_of(op->accepted));
        op->accepted = NULL;
    }
    finish(uring, op, status_from_errno(result < 0 ? -result : 0));
}

static void receive_ended(struct uring *uring, struct io_op *op, int result, unsigned flags) {
    struct machine_socket *socket = machine_socket_of(op->socket);
    socket->drained = result > 0 && !(flags & IORING_CQE_F_SOCK_NONEMPTY);
    if (is_transient(result)) {
        try_again(uring, op);
        return;
    }
    if (result > 0) op->bytes = (size_t)result;
    finish(uring, op, result > 0 ? STATUS_OK : result == 0 ? STATUS_CLOSED : status_from_errno(-result));
}

static void send_ended(struct uring *uring, struct io_op *op, int result) {
    struct op_state *state = op_state(op);
    if (result > 0) state->progress += (uint64_t)result;
    if (result < 0 && !is_transient(result))
        finish(uring, op, status_from_errno(-result));
    else if (state->progress == op->size)
        finish(uring, op, STATUS_OK);
    else
        try_again(uring, op);
}

static void op_ended(struct uring *uring, struct io_op *op, bool sync, int result, unsigned flags) {
    if (sync) {
        sync_ended(uring, op, result);
        return;
    }
    if (op_state(op)->direct == DIRECT_IN_KERNEL) {
        direct_ended(uring, op, result);
        return;
    }
    switch (op->kind) {
    case IO_OP_READ: read_ended(uring, op, result); break;
    case IO_OP_ACCEPT: accept_ended(uring, op, result); break;
    case IO_OP_CONNECT: connect_ended(uring, op, result); break;
    case IO_OP_RECEIVE: receive_ended(uring, op, result, flags); break;
    case IO_OP_SEND: send_ended(uring, op, result); break;
    default: write_ended(uring, op, result); break;
    }
}

/* The loop goes away: frees what the kernel made or held for the op, and leaves the op alone. */
static void op_abandoned(struct io_op *op, int result) {
    if (op->kind == IO_OP_CONNECT)
        socket_destroy(machine_socket_of(op->accepted));
    else if (op->kind == IO_OP_ACCEPT && result >= 0)
        close(result);
}

static void handle_completion(struct uring *uring, const struct io_uring_cqe *cqe) {
    if (cqe->user_data == TAG_WAKE) {
        if (!(cqe->flags & IORING_CQE_F_MORE)) uring->wake_armed = false;
        return;
    }
    if (cqe->user_data == TAG_IGNORE) return;
    struct io_op *op = (struct io_op *)(uintptr_t)(cqe->user_data & ~(uint64_t)TAG_SYNC);
    struct machine_socket *socket = op->kind == IO_OP_CONNECT ? machine_socket_of(op->accepted) : op_socket(op);
    uring->in_kernel--;
    if (socket) socket->in_kernel--;
    if (op_state(op)->cancelled) forget_cancel(uring, op);
    if (uring->ending)
        op_abandoned(op, cqe->res);
    else
        op_ended(uring, op, cqe->user_data & TAG_SYNC, cqe->res, cqe->flags);
    if (socket && op->kind != IO_OP_CONNECT && socket->closed && socket->in_kernel == 0) socket_destroy(socket);
}

static void reap(struct uring *uring) {
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;
    io_uring_for_each_cqe(&uring->ring, head, cqe) {
        handle_completion(uring, cqe);
        count++;
    }
    io_uring_cq_advance(&uring->ring, count);
}

/* ---- A turn ------------------------------------------------------------------------------------------------------ */

static void enable(struct uring *uring) {
    if (uring->enabled) return;
    /* Not io_uring_enable_rings: liburing 2.3 forgot to export it. */
    check(io_uring_register((unsigned)uring->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == 0);
    (void)io_uring_register_ring_fd(&uring->ring); /* spares a look-up per call; older kernels go without */
    uring->loop_thread = thread_current();
    uring->enabled = true;
}

/* No system call if nothing is to be handed over and the kernel says that nothing waits to be reported. */
static int submit_only(struct uring *uring) {
    const unsigned waits = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
    const bool reports = __atomic_load_n(uring->ring.sq.kflags, __ATOMIC_RELAXED) & waits;
    if (io_uring_sq_ready(&uring->ring) == 0 && !reports) return 0;
    return io_uring_submit_and_get_events(&uring->ring);
}

static int submit_and_wait(struct uring *uring, uint64_t until_ns) {
    struct io_uring_cqe *first;
    if (until_ns == UINT64_MAX) return io_uring_submit_and_wait_timeout(&uring->ring, &first, 1, NULL, NULL);
    const uint64_t now = machine_now_ns(&uring->machine.base);
    if (until_ns <= now) return submit_only(uring);
    const uint64_t ns = until_ns - now;
    struct __kernel_timespec timeout = {.tv_sec = (int64_t)(ns / 1000000000u),
                                        .tv_nsec = (long long)(ns % 1000000000u)};
    return io_uring_submit_and_wait_timeout(&uring->ring, &first, 1, &timeout, NULL);
}

static size_t uring_run(struct io *io, uint64_t deadline_ns) {
    struct uring *uring = uring_of(io);
    struct machine *machine = &uring->machine;
    enable(uring);
    place_submitted(uring);

    uint64_t until_ns = machine_wait_until(machine, deadline_ns);
    if (until_ns != 0 && !machine_sleep_begin(machine)) until_ns = 0;
    const int result = until_ns == 0 ? submit_only(uring) : submit_and_wait(uring, until_ns);
    check(result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN || result == -EBUSY);
    machine_sleep_end(machine);

    reap(uring);
    return machine_deliver(machine);
}

static void uring_submit(struct io *io, struct io_op *op) {
    struct uring *uring = uring_of(io);
    *op_state(op) = (struct op_state){.place = OP_PLACE_QUEUED};
    if (op->kind == IO_OP_TIMER)
        timers_add(&uring->machine.timers, op);
    else
        list_push_back(&uring->submitted, &op->link);
}

static void uring_flush(struct io *io) {
    struct uring *uring = uring_of(io);
    enable(uring);
    place_submitted(uring);
    if (io_uring_sq_ready(&uring->ring) == 0) return;
    const int result = io_uring_submit(&uring->ring);
    check(result >= 0 || result == -EBUSY || result == -EAGAIN || result == -EINTR);
}

static void uring_cancel(struct io *io, struct io_op *op) {
    struct uring *uring = uring_of(io);
    struct op_state *state = op_state(op);
    switch (state->place) {
    case OP_PLACE_TIMER:
        timers_remove(&uring->machine.timers, op);
        finish(uring, op, STATUS_CANCELLED);
        break;
    case OP_PLACE_QUEUED:
        list_remove(&op->link);
        finish(uring, op, STATUS_CANCELLED);
        break;
    case OP_PLACE_KERNEL:
        if (state->cancelled) break;
        state->cancelled = true;
        state->next = uring->cancels;
        uring->cancels = op;
        break;
    default: break; /* completed: its result comes */
    }
}

/* ---- Sockets ----------------------------------------------------------------------------------------------------- */

static enum status uring_listen(struct io *io, const char *address, struct io_socket **socket, struct error *error) {
    struct machine_socket *made;
    enum status status = socket_listen(machine_of(io), address, 0, &made, error);
    if (status == STATUS_OK) *socket = &made->base;
    return status;
}

static void uring_socket_close(struct io_socket *socket) {
    struct machine_socket *mine = machine_socket_of(socket);
    check(list_is_empty(&mine->receives) && list_is_empty(&mine->sends));
    mine->closed = true;
    if (mine->in_kernel == 0) socket_destroy(mine);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

/* Waits until the kernel has let go of every buffer. If the loop thread has ended, the kernel has done so at its end.
 */
static void abandon_all(struct uring *uring) {
    uring->ending = true;
    if (!uring->enabled || !thread_is_current(uring->loop_thread)) return;
    if (uring->in_kernel > 0 && make_room(uring)) {
        struct io_uring_sqe *request = io_uring_get_sqe(&uring->ring);
        io_uring_prep_cancel64(request, 0, IORING_ASYNC_CANCEL_ANY);
        io_uring_sqe_set_data64(request, TAG_IGNORE);
    }
    while (uring->in_kernel > 0) {
        const int result = io_uring_submit_and_wait(&uring->ring, 1);
        check(result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY);
        reap(uring);
    }
}

/* ---- Reads side by side ------------------------------------------------------------------------------------------ */

/* What the ring did not do, or not whole, is done by a call, which also finds the words for a failure. */
static void read_by_call(struct io_read *read) {
    read->status = io_file_read(read->file, read->offset, read->to, read->size, &read->got);
}

static void read_done(struct io_read *read, int result) {
    if (result > 0 && (size_t)result == read->size) {
        read->got = read->size;
        read->status = STATUS_OK;
    } else {
        read_by_call(read);
    }
}

/* False: the ring takes no more. What it has taken has come back in any case: the kernel writes to the caller's
 * memory. Reads that were not done have WOULD_BLOCK. */
static bool read_group(struct io_uring *ring, struct io_read *reads, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct io_uring_sqe *entry = io_uring_get_sqe(ring);
        const struct io_read *read = &reads[i];
        const unsigned size = read->size < MACHINE_TRANSFER_BYTES ? (unsigned)read->size : MACHINE_TRANSFER_BYTES;
        io_uring_prep_read(entry, machine_file_of(read->file)->fd, read->to, size, read->offset);
        io_uring_sqe_set_data64(entry, i);
        reads[i].status = STATUS_WOULD_BLOCK;
    }
    for (size_t done = 0; done < count;) {
        const int result = io_uring_submit_and_wait(ring, 1);
        struct io_uring_cqe *cqe;
        while (io_uring_peek_cqe(ring, &cqe) == 0) {
            read_done(&reads[cqe->user_data], cqe->res);
            io_uring_cqe_seen(ring, cqe);
            done++;
        }
        const size_t in_kernel = count - io_uring_sq_ready(ring) - done;
        if (result < 0 && !is_transient(result) && in_kernel == 0 && done < count) return false;
    }
    return true;
}

static void uring_read_many(struct io *io, struct io_read *reads, size_t count) {
    struct uring *uring = uring_of(io);
    size_t asked = 0;
    mutex_lock(&uring->reads_mutex);
    if (!uring->reads_ready) uring->reads_ready = io_uring_queue_init(READS_ENTRIES, &uring->reads, 0) == 0;
    while (uring->reads_ready && asked < count) {
        const size_t some = count - asked < READS_ENTRIES ? count - asked : READS_ENTRIES;
        if (!read_group(&uring->reads, reads + asked, some)) { /* its requests go with it */
            io_uring_queue_exit(&uring->reads);
            uring->reads_ready = false;
        }
        asked += some;
    }
    mutex_unlock(&uring->reads_mutex);
    for (size_t i = 0; i < count; i++)
        if (i >= asked || reads[i].status == STATUS_WOULD_BLOCK) read_by_call(&reads[i]);
}

static void uring_destroy(struct io *io) {
    struct uring *uring = uring_of(io);
    abandon_all(uring);
    if (uring->reads_ready) io_uring_queue_exit(&uring->reads);
    mutex_deinit(&uring->reads_mutex);
    machine_deinit(&uring->machine);
    io_uring_queue_exit(&uring->ring);
    free(uring);
}

static const struct io_vtable uring_vtable = {
    MACHINE_VTABLE_MEMBERS,
    .destroy = uring_destroy,
    .submit = uring_submit,
    .flush = uring_flush,
    .cancel = uring_cancel,
    .run = uring_run,
    .listen = uring_listen,
    .socket_close = uring_socket_close,
    .file_read_many = uring_read_many,
};

/* ---- What the running kernel grants ------------------------------------------------------------------------------ */

static int set_up_ring(struct io_uring *ring, unsigned entries, unsigned completions, unsigned extra_flags) {
    const unsigned common = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                            IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL;
    struct io_uring_params params = {.flags = common | IORING_SETUP_DEFER_TASKRUN | extra_flags,
                                     .cq_entries = completions};
    int result = io_uring_queue_init_params(entries, ring, &params);
    if (result != -EINVAL) return result;
    params = (struct io_uring_params){.flags = common | extra_flags, .cq_entries = completions};
    return io_uring_queue_init_params(entries, ring, &params);
}

static const char *missing_feature(struct io_uring *ring) {
    const unsigned wanted = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP | IORING_FEAT_SUBMIT_STABLE;
    static const int opcodes[] = {IORING_OP_READ,   IORING_OP_WRITE,        IORING_OP_FSYNC,
                                  IORING_OP_ACCEPT, IORING_OP_CONNECT,      IORING_OP_RECV,
                                  IORING_OP_SEND,   IORING_OP_ASYNC_CANCEL, IORING_OP_POLL_ADD};
    if ((ring->features & wanted) != wanted) return "a feature of the ring";
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    if (!probe) return "the list of operations";
    bool all = true;
    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++) all &= io_uring_opcode_supported(probe, opcodes[i]);
    io_uring_free_probe(probe);
    return all ? NULL : "an operation";
}

/* Lets a write fail on purpose: exactly one completion may come, the write's. */
static const char *broken_link(struct io_uring *ring) {
    struct io_uring_sqe *write = io_uring_get_sqe(ring), *sync = io_uring_get_sqe(ring);
    io_uring_prep_write(write, -1, "x", 1, 0);
    write->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(write, 1);
    io_uring_prep_fsync(sync, -1, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data64(sync, 2);
    if (io_uring_submit_and_wait(ring, 1) < 0 || io_uring_submit_and_get_events(ring) < 0)
        return "a linked pair of requests";
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;
    bool right = true;
    io_uring_for_each_cqe(ring, head, cqe) {
        right &= cqe->user_data == 1 && cqe->res == -EBADF;
        count++;
    }
    return right && count == 1 ? NULL : "one completion for a broken link";
}

static enum status probe_kernel(struct error *error) {
    struct io_uring ring;
    const int result = set_up_ring(&ring, 8, 16, 0);
    if (result < 0) return error_set(error, STATUS_UNSUPPORTED, "io_uring is refused: %s", strerror(-result));
    const char *missing = missing_feature(&ring);
    if (!missing) missing = broken_link(&ring);
    io_uring_queue_exit(&ring);
    return missing ? error_set(error, STATUS_UNSUPPORTED, "io_uring lacks %s", missing) : STATUS_OK;
}

enum status io_uring_create(const struct io_options *options, struct io **io, struct error *error) {
    enum status status = probe_kernel(error);
    if (status != STATUS_OK) return status;
    struct uring *uring = calloc(1, sizeof *uring);
    if (!uring) return error_set(error, STATUS_NO_MEMORY, "out of memory");
    list_init(&uring->submitted);
    const int result = set_up_ring(&uring->ring, RING_ENTRIES, RING_COMPLETIONS, IORING_SETUP_R_DISABLED);
    if (result < 0) {
        free(uring);
        return error_set(error, STATUS_UNSUPPORTED, "io_uring is refused: %s", strerror(-result));
    }
    status = machine_init(&uring->machine, &uring_vtable, "io_uring", options, error);
    if (status != STATUS_OK) {
        io_uring_queue_exit(&uring->ring);
        free(uring);
        return status;
    }
    uring->machine.direct_writes = true;
    mutex_init(&uring->reads_mutex);
    *io = &uring->machine.base;
    return STATUS_OK;
}
