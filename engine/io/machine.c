/*
 * machine: the shared part's life, the wake-up from other threads, and the delivery of completions.
 *
 * The wake-up costs a system call only when the loop sleeps. Both sides first set their own flag and then look at the
 * other's (all sequentially consistent), so that at least one of them sees the other: the waker writes to the eventfd,
 * or the loop does not sleep.
 */
#include "engine/io/machine.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum status machine_init(struct machine *machine, const struct io_vtable *vtable, const char *name,
                         const struct io_options *options, struct error *error) {
    machine->base.vtable = vtable;
    machine->base.name = name;
    machine->log = options->log;
    list_init(&machine->completed);
    machine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (machine->wake_fd < 0) return error_set(error, status_from_errno(errno), "eventfd: %s", strerror(errno));

    const struct {
        const char *name;
        unsigned threads;
        bool yields;
    } pools[IO_POOL_COUNT] = {
        [IO_POOL_COMPACTION] = {"compaction", options->compaction_threads, false},
        [IO_POOL_READ] = {"read", options->read_threads, false},
        [IO_POOL_LONG] = {"long", options->long_threads, true},
    };
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < IO_POOL_COUNT; i++) {
        machine->pools[i].yields = pools[i].yields;
        status = job_pool_start(&machine->pools[i], machine, pools[i].name, pools[i].threads ? pools[i].threads : 1);
    }
    if (status != STATUS_OK) {
        machine_deinit(machine);
        return error_set(error, status, "no thread for background work: %s", status_text(status));
    }
    return STATUS_OK;
}

void machine_deinit(struct machine *machine) {
    for (int i = 0; i < IO_POOL_COUNT; i++) job_pool_stop(&machine->pools[i]);
    close(machine->wake_fd);
}

/* ---- Wake-up ----------------------------------------------------------------------------------------------------- */

void machine_wake(struct io *io) {
    struct machine *machine = machine_of(io);
    atomic_store(&machine->woken, true);
    if (!atomic_exchange(&machine->asleep, false)) return;
    const uint64_t one = 1;
    const int caught = errno; /* a signal handler must leave it alone */
    ssize_t written = write(machine->wake_fd, &one, sizeof one);
    check(written == (ssize_t)sizeof one || errno == EAGAIN || errno == EINTR);
    errno = caught;
}

bool machine_sleep_begin(struct machine *machine) {
    atomic_store(&machine->asleep, true);
    if (!atomic_load(&machine->woken)) return true;
    atomic_store(&machine->asleep, false);
    return false;
}

void machine_sleep_end(struct machine *machine) {
    atomic_store(&machine->asleep, false);
    atomic_store(&machine->woken, false);
}

/* ---- Delivery ---------------------------------------------------------------------------------------------------- */

void machine_complete_file(struct machine *machine, struct io_op *op, enum status status) {
    const bool poisoned = op->kind != IO_OP_READ && io_file_is_poisoned(op->file);
    machine_complete(machine, op, status == STATUS_OK && poisoned ? STATUS_READ_ONLY : status);
}

uint64_t machine_wait_until(struct machine *machine, uint64_t deadline_ns) {
    if (!list_is_empty(&machine->completed)) return 0;
    if (!machine->timers.root) return deadline_ns;
    const uint64_t first = machine->timers.root->deadline_ns;
    return first < deadline_ns ? first : deadline_ns;
}

static void collect_due_timers(struct machine *machine) {
    if (!machine->timers.root) return;
    const uint64_t now = machine_now_ns(&machine->base);
    struct io_op *op;
    while ((op = timers_pop_due(&machine->timers, now))) machine_complete(machine, op, STATUS_OK);
}

size_t machine_deliver(struct machine *machine) {
    const uint64_t turns = atomic_load_explicit(&machine->turns, memory_order_relaxed); /* this thread's alone */
    atomic_store_explicit(&machine->turns, turns + 1, memory_order_relaxed);
    collect_due_timers(machine);
    size_t count = jobs_deliver(machine);
    machine->base.news += count;
    struct list *const last = machine->completed.prev;
    for (struct list *link = NULL; last != &machine->completed && link != last; count++) {
        link = list_pop_front(&machine->completed);
        struct io_op *op = list_entry(link, struct io_op, link);
        io_count_news(&machine->base, op);
        op->done(op);
    }
    return count;
}
