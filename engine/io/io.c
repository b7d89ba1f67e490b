/*
 * io: the front of engine/io.h. Checks arguments, keeps operations and calls away from a poisoned file, and passes the
 * rest to the backend; the same for a machine and for the simulator.
 */
#include "engine/io.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/io/faults.h"
#include "engine/io_backend.h"

static bool path_fits(const char *path) {
    return path[0] != '\0' && strnlen(path, IO_PATH_BYTES) < IO_PATH_BYTES;
}

void io_destroy(struct io *io) {
    if (io) io->vtable->destroy(io);
}

const char *io_backend_name(const struct io *io) {
    return io->name;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

enum status io_file_open(struct io *io, const char *path, unsigned flags, struct io_file **file) {
    *file = NULL;
    check(flags & (IO_OPEN_READ | IO_OPEN_WRITE));
    check(!(flags & IO_OPEN_EXCLUSIVE) || (flags & IO_OPEN_CREATE));
    check(!(flags & (IO_OPEN_CREATE | IO_OPEN_TRUNCATE)) || (flags & IO_OPEN_WRITE));
    check(!(flags & IO_OPEN_MAPPED) || ((flags & IO_OPEN_READ) && (flags & IO_OPEN_WRITE)));
    if (!path_fits(path)) return STATUS_INVALID;
    return io->vtable->file_open(io, path, flags, file);
}

void io_file_close(struct io_file *file) {
    if (file) file->io->vtable->file_close(file);
}

enum status io_file_read(struct io_file *file, uint64_t offset, void *to, size_t size, size_t *got) {
    *got = 0;
    if (offset > INT64_MAX || size > INT64_MAX - offset) return STATUS_INVALID;
    return file->io->vtable->file_read(file, offset, to, size, got);
}

enum status io_file_map(struct io_file *file, uint64_t size, const uint8_t **bytes) {
    check(size > 0 && size <= SIZE_MAX);
    return file->io->vtable->file_map ? file->io->vtable->file_map(file, size, bytes) : STATUS_UNSUPPORTED;
}

void io_unmap(struct io *io, const uint8_t *bytes, uint64_t size) {
    io->vtable->unmap(bytes, size);
}

void io_map_ask(struct io *io, const uint8_t *bytes, uint64_t size) {
    io->vtable->map_ask(bytes, size);
}

void io_file_read_many(struct io *io, struct io_read *reads, size_t count) {
    if (io->vtable->file_read_many && count > 1) {
        for (size_t i = 0; i < count; i++) {
            reads[i].got = 0;
            reads[i].status = STATUS_OK;
        }
        io->vtable->file_read_many(io, reads, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct io_read *read = &reads[i];
        read->status = io_file_read(read->file, read->offset, read->to, read->size, &read->got);
    }
}

enum status io_file_write(struct io_file *file, uint64_t offset, const void *from, size_t size) {
    if (io_file_is_poisoned(file)) return STATUS_READ_ONLY;
    if (offset > INT64_MAX || size > INT64_MAX - offset) return STATUS_INVALID;
    if (faults_leave_no_room(file, offset + size)) return STATUS_NO_SPACE;
    return file->io->vtable->file_write(file, offset, from, size);
}

enum status io_file_write_sync(struct io_file *file, uint64_t offset, const void *from, size_t size) {
    if (io_file_is_poisoned(file)) return STATUS_READ_ONLY;
    if (offset > INT64_MAX || size > INT64_MAX - offset) return STATUS_INVALID;
    if (faults_leave_no_room(file, offset + size)) return STATUS_NO_SPACE;
    faults_wait(file->io);
    return file->io->vtable->file_write_sync(file, offset, from, size);
}

void io_file_push(struct io_file *file, uint64_t offset, uint64_t size) {
    if (file->io->vtable->file_push && !io_file_is_poisoned(file)) file->io->vtable->file_push(file, offset, size);
}

enum status io_file_sync(struct io_file *file) {
    if (io_file_is_poisoned(file)) return STATUS_READ_ONLY;
    faults_wait(file->io);
    enum status status = file->io->vtable->file_sync(file);
    if (status != STATUS_OK) io_file_poison(file);
    return status;
}

enum status io_file_size(struct io_file *file, uint64_t *size) {
    *size = 0;
    return file->io->vtable->file_size(file, size);
}

void io_file_write_back(struct io_file *file, uint64_t offset, uint64_t size) {
    if (file->io->vtable->file_write_back) file->io->vtable->file_write_back(file, offset, size);
}

enum status io_file_truncate(struct io_file *file, uint64_t size) {
    if (io_file_is_poisoned(file)) return STATUS_READ_ONLY;
    if (size > INT64_MAX) return STATUS_INVALID;
    if (faults_leave_no_room(file, size)) return STATUS_NO_SPACE;
    return file->io->vtable->file_truncate(file, size);
}

static enum status fill_with_zeros(struct io_file *file, uint64_t size) {
    static const uint8_t zeros[64 << 10];
    enum status status = STATUS_OK;
    for (uint64_t at = 0; status == STATUS_OK && at < size; at += sizeof zeros)
        status = io_file_write(file, at, zeros, size - at < sizeof zeros ? (size_t)(size - at) : sizeof zeros);
    return status;
}

enum status io_file_allocate(struct io_file *file, uint64_t size) {
    if (io_file_is_poisoned(file)) return STATUS_READ_ONLY;
    if (size > INT64_MAX) return STATUS_INVALID;
    if (faults_are_full(file->io)) return STATUS_NO_SPACE;
    const enum status status =
        file->io->vtable->file_allocate ? file->io->vtable->file_allocate(file, size) : STATUS_UNSUPPORTED;
    return status == STATUS_UNSUPPORTED ? fill_with_zeros(file, size) : status;
}

const char *io_file_path(const struct io_file *file) {
    return file->path;
}

/* ---- Directories ------------------------------------------------------------------------------------------------- */

enum status io_remove(struct io *io, const char *path) {
    return path_fits(path) ? io->vtable->remove(io, path) : STATUS_INVALID;
}

enum status io_rename(struct io *io, const char *from, const char *to) {
    return path_fits(from) && path_fits(to) ? io->vtable->rename(io, from, to) : STATUS_INVALID;
}

enum status io_link(struct io *io, const char *from, const char *to) {
    return path_fits(from) && path_fits(to) ? io->vtable->link(io, from, to) : STATUS_INVALID;
}

enum status io_dir_make(struct io *io, const char *path) {
    return path_fits(path) ? io->vtable->dir_make(io, path) : STATUS_INVALID;
}

enum status io_dir_sync(struct io *io, const char *path) {
    faults_wait(io);
    return path_fits(path) ? io->vtable->dir_sync(io, path) : STATUS_INVALID;
}

enum status io_dir_list(struct io *io, const char *path,
                        enum status (*visit)(void *context, const struct io_entry *entry), void *context) {
    return path_fits(path) ? io->vtable->dir_list(io, path, visit, context) : STATUS_INVALID;
}

enum status io_stat(struct io *io, const char *path, struct io_entry *entry) {
    *entry = (struct io_entry){0};
    return path_fits(path) ? io->vtable->stat(io, path, entry) : STATUS_INVALID;
}

uint64_t io_files_most(struct io *io) {
    return io->vtable->files_most ? io->vtable->files_most(io) : UINT64_MAX;
}

enum status io_free_space(struct io *io, const char *path, uint64_t *bytes) {
    *bytes = 0;
    if (!path_fits(path)) return STATUS_INVALID;
    const enum status status = io->vtable->free_space(io, path, bytes);
    if (faults_are_full(io)) *bytes = 0;
    return status;
}

enum status io_dir_lock(struct io *io, const char *path, struct io_lock **lock, struct error *error) {
    *lock = NULL;
    if (!path_fits(path)) return error_set(error, STATUS_INVALID, "the path of the directory to lock is too long");
    return io->vtable->dir_lock(io, path, lock, error);
}

enum status io_dir_lock_look(struct io *io, const char *path, struct error *error) {
    if (!path_fits(path)) return error_set(error, STATUS_INVALID, "the path of the directory is too long");
    return io->vtable->dir_lock_look(io, path, error);
}

void io_unlock(struct io_lock *lock) {
    if (lock) lock->io->vtable->unlock(lock);
}

/* ---- Clocks and entropy ------------------------------------------------------------------------------------------ */

uint64_t io_now_ns(struct io *io) {
    return io->vtable->now_ns(io);
}

int64_t io_clock_ms(struct io *io) {
    return io->vtable->clock_ms(io) + faults_clock_offset_ms(io);
}

void io_entropy(struct io *io, void *to, size_t size) {
    io->vtable->entropy(io, to, size);
}

void io_sleep(struct io *io, uint64_t ns) {
    io->vtable->sleep(io, ns);
}

void io_wait(struct io *io, struct condition *condition, struct mutex *mutex, uint64_t ns) {
    io->vtable->wait(io, condition, mutex, ns);
}

/* ---- Operations -------------------------------------------------------------------------------------------------- */

static void check_op(const struct io_op *op) {
    check(op->done != NULL);
    switch (op->kind) {
    case IO_OP_READ:
    case IO_OP_WRITE:
    case IO_OP_WRITE_SYNC:
        check(op->file != NULL && op->offset <= INT64_MAX && op->size <= INT64_MAX - op->offset);
        break;
    case IO_OP_SYNC: check(op->file != NULL); break;
    case IO_OP_ACCEPT: check(op->socket != NULL); break;
    case IO_OP_CONNECT: check(op->address != NULL); break;
    case IO_OP_RECEIVE:
    case IO_OP_SEND: check(op->socket != NULL && op->data != NULL && op->size > 0); break;
    case IO_OP_TIMER: break;
    default: check(false); /* no kind of operation */
    }
}

static bool op_changes_file(const struct io_op *op) {
    return op->kind == IO_OP_WRITE || op->kind == IO_OP_WRITE_SYNC || op->kind == IO_OP_SYNC;
}

/* Operations that reach no backend end here, as those on a poisoned file; their done still comes from io_run. The
 * list's links are op->link.next. */
static void refuse_op(struct io *io, struct io_op *op, enum status status) {
    op->status = status;
    op->link.next = NULL;
    if (io->refused_last)
        io->refused_last->next = &op->link;
    else
        io->refused_first = &op->link;
    io->refused_last = &op->link;
}

static bool op_is_refused(const struct io *io, const struct io_op *op) {
    for (struct list *link = io->refused_first; link; link = link->next)
        if (link == &op->link) return true;
    return false;
}

/* Those refused from inside a done wait for the next turn. */
static size_t deliver_refused(struct io *io) {
    struct list *const last = io->refused_last;
    size_t count = 0;
    for (struct list *link = NULL; last && link != last; count++) {
        link = io->refused_first;
        io->refused_first = link->next;
        if (!io->refused_first) io->refused_last = NULL;
        struct io_op *op = list_entry(link, struct io_op, link);
        io_count_news(io, op);
        op->done(op);
    }
    return count;
}

static void pass_op(struct io *io, struct io_op *op) {
    if (op_changes_file(op) && io_file_is_poisoned(op->file))
        refuse_op(io, op, STATUS_READ_ONLY);
    else
        io->vtable->submit(io, op);
}

void io_submit(struct io *io, struct io_op *op) {
    check_op(op);
    op->status = STATUS_OK;
    op->bytes = 0;
    op->accepted = NULL;
    const bool writes = op->kind == IO_OP_WRITE || op->kind == IO_OP_WRITE_SYNC;
    const bool is_barrier = op->kind == IO_OP_SYNC || op->kind == IO_OP_WRITE_SYNC;
    const uint64_t delay_ns = is_barrier ? faults_sync_delay_ns(io) : 0;
    if (writes && faults_leave_no_room(op->file, op->offset + op->size))
        refuse_op(io, op, STATUS_NO_SPACE);
    else if (delay_ns > 0)
        faults_hold(io, op, delay_ns);
    else
        pass_op(io, op);
}

void io_flush(struct io *io) {
    io->vtable->flush(io);
}

void io_cancel(struct io *io, struct io_op *op) {
    if (faults_take_held(io, op))
        refuse_op(io, op, STATUS_CANCELLED);
    else if (!op_is_refused(io, op))
        io->vtable->cancel(io, op);
}

size_t io_run(struct io *io, uint64_t deadline_ns) {
    for (struct io_op *op; (op = faults_take_due(io));) pass_op(io, op);
    size_t refused = deliver_refused(io);
    const uint64_t held_ns = faults_held_until_ns(io);
    if (held_ns < deadline_ns) deadline_ns = held_ns;
    return refused + io->vtable->run(io, refused || io->refused_first ? 0 : deadline_ns);
}

uint64_t io_news(const struct io *io) {
    return io->news;
}

void io_wake(struct io *io) {
    io->vtable->wake(io);
}

/* ---- Sockets ----------------------------------------------------------------------------------------------------- */

enum status io_listen(struct io *io, const char *address, struct io_socket **socket, struct error *error) {
    *socket = NULL;
    return io->vtable->listen(io, address, socket, error);
}

void io_socket_close(struct io_socket *socket) {
    if (socket) socket->io->vtable->socket_close(socket);
}

void io_socket_local(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]) {
    socket->io->vtable->socket_local(socket, address);
}

void io_socket_remote(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]) {
    socket->io->vtable->socket_remote(socket, address);
}

/* ---- Jobs -------------------------------------------------------------------------------------------------------- */

void io_job_start(struct io *io, struct io_job *job) {
    check(job->step != NULL && job->pool < IO_POOL_COUNT);
    io->vtable->job_start(io, job);
}

bool io_job_assist(struct io *io) {
    return io->vtable->job_assist(io);
}
