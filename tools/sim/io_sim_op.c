/*
 * io_sim_op: operations. A submitted operation waits in `queued` until io_run or io_flush, becomes a flight with an
 * event of its own (or waits at a socket), ends in `ready`, and is handed back by io_run. File operations take effect
 * when they end; those that are under way when the power goes have happened in part.
 */
#include "engine/base/check.h"
#include "tools/sim/disk_private.h"
#include "tools/sim/record.h"
#include "tools/sim/sim_alloc.h"
#include "tools/sim/sim_private.h"

enum { TURN_COST_NS = 1000 };

/* ---- Flights -----------------------------------------------------------------------------------------------------
 */

struct flight *flight_make(struct io_sim *io, struct io_op *op, struct io_job *job) {
    struct list *link = list_pop_front(&io->spare);
    struct flight *flight = link != NULL ? list_entry(link, struct flight, link) : sim_alloc_dirty(sizeof *flight);
    *flight = (struct flight){.io = io, .op = op, .job = job};
    list_init(&flight->wait);
    return flight;
}

/* ---- Ends -------------------------------------------------------------------------------------------------------- */

void flight_finish(struct flight *flight, enum status status) {
    struct io_sim *io = flight->io;
    sim_unschedule(io->sim, &flight->event);
    if (flight->op != NULL) flight->op->status = status;
    list_remove(&flight->link);
    list_push_back(&io->ready, &flight->link);
    io_sim_want(io);
}

static bool is_file_op(enum io_op_kind kind) {
    return kind <= IO_OP_SYNC;
}

static enum status file_result(struct io_sim *io, struct io_op *op) {
    struct inode *inode = io_sim_inode(op->file);
    switch (op->kind) {
    case IO_OP_READ: return disk_read(io->disk, inode, op->file->path, op->offset, op->data, op->size, &op->bytes);
    case IO_OP_WRITE: return disk_write(io->disk, inode, op->file->path, op->offset, op->data, op->size, false);
    case IO_OP_WRITE_SYNC: return disk_write(io->disk, inode, op->file->path, op->offset, op->data, op->size, true);
    default: return disk_sync(io->disk, inode, op->file->path);
    }
}

static const char *op_name(enum io_op_kind kind) {
    static const char *const names[] = {"op read",    "op write",   "op write_sync", "op sync", "op accept",
                                        "op connect", "op receive", "op send",       "op timer"};
    return names[kind];
}

static void record_op(const struct flight *flight, enum status status) {
    const struct io_op *op = flight->op;
    const struct io_sim *io = flight->io;
    if (io->sim->record == NULL || (op->kind == IO_OP_READ && status == STATUS_OK)) return;
    record_disk(io->sim->record, io->node, op_name(op->kind) + 3, op->file->path, op->offset, op->size,
                flight->begun_ns, io->sim->now_ns, status);
}

static void file_op_ends(struct sim_event *event) {
    struct flight *flight = event->context;
    struct io_op *op = flight->op;
    struct io_sim *io = flight->io;
    enum status status = STATUS_READ_ONLY;
    if (!io_sim_alive(io)) {
        status = STATUS_IO;
    } else if (!io_file_is_poisoned(op->file) || op->kind == IO_OP_READ) {
        status = file_result(io, op);
    }
    if (status == STATUS_IO && (op->kind == IO_OP_WRITE_SYNC || op->kind == IO_OP_SYNC)) io_file_poison(op->file);
    sim_note(io->sim, io->node, op_name(op->kind), op->offset, (uint64_t)op->size << 8 | (uint64_t)status);
    record_op(flight, status);
    flight_finish(flight, status);
}

static void timer_rings(struct sim_event *event) {
    struct flight *flight = event->context;
    struct io_sim *io = flight->io;
    if (io_sim_clock(io, io->sim->now_ns) < flight->op->deadline_ns) {
        sim_schedule(io->sim, event,
                     io_sim_clock_to_sim(io, flight->op->deadline_ns)); /* the clock has slowed down since */
        return;
    }
    flight_finish(flight, STATUS_OK);
}

/* How an operation ends on a machine that is off. */
static enum status dead_status(enum io_op_kind kind) {
    if (is_file_op(kind)) return STATUS_IO;
    return kind == IO_OP_TIMER ? STATUS_CANCELLED : STATUS_CLOSED;
}

/* ---- Starts ------------------------------------------------------------------------------------------------------ */

static void flight_start(struct io_sim *io, struct io_op *op) {
    struct flight *flight = flight_make(io, op, NULL);
    op->backend[1] = 0;
    flight->event.context = flight;
    op->backend[0] = (uint64_t)(uintptr_t)flight;
    list_push_back(&io->flying, &flight->link);
    if (!io_sim_alive(io)) {
        flight_finish(flight, dead_status(op->kind));
    } else if (is_file_op(op->kind)) {
        flight->event.fire = file_op_ends;
        flight->begun_ns = io_sim_time(io);
        sim_schedule(io->sim, &flight->event, io_sim_time(io) + io_sim_disk_cost(io, op->kind, op->size));
    } else if (op->kind == IO_OP_TIMER) {
        flight->event.fire = timer_rings;
        sim_schedule(io->sim, &flight->event, io_sim_clock_to_sim(io, op->deadline_ns));
    } else {
        net_start(flight);
    }
}

void op_submit(struct io *base, struct io_op *op) {
    struct io_sim *io = io_sim_of(base);
    op->backend[0] = 0;
    op->backend[1] = 1; /* queued */
    op->bytes = 0;
    op->accepted = NULL;
    list_push_back(&io->queued, &op->link);
    if (io->queued.next == &op->link) io_sim_want(io);
}

void op_flush(struct io *base) {
    struct io_sim *io = io_sim_of(base);
    struct list *link;
    while ((link = list_pop_front(&io->queued)) != NULL) flight_start(io, list_entry(link, struct io_op, link));
}

void op_cancel(struct io *base, struct io_op *op) {
    struct io_sim *io = io_sim_of(base);
    if (op->backend[0] == 0) {
        if (op->backend[1] == 0) return; /* not in flight */
        list_remove(&op->link);
        flight_start(io, op);
    }
    struct flight *flight = (struct flight *)(uintptr_t)op->backend[0];
    bool has_ended = !sim_is_scheduled(&flight->event) && (is_file_op(op->kind) || op->kind == IO_OP_TIMER);
    if (has_ended || is_file_op(op->kind)) return; /* its result comes */
    if (op->kind != IO_OP_TIMER) {
        if (!net_holds(flight)) return;
        net_forget(flight);
    }
    flight_finish(flight, STATUS_CANCELLED);
}

/* ---- io_run ------------------------------------------------------------------------------------------------------ */

static void deliver(struct io_sim *io, struct flight *flight) {
    struct io_op *op = flight->op;
    struct io_job *job = flight->job;
    list_remove(&flight->link);
    list_push_front(&io->spare, &flight->link);
    if (op != NULL) {
        op->backend[0] = 0;
        io_count_news(&io->base, op);
        op->done(op);
    } else {
        io->base.news++;
        job->done(job);
    }
}

/* What is ready now; what becomes ready meanwhile waits for the next turn. */
static size_t deliver_all(struct io_sim *io) {
    struct list batch;
    struct list *link;
    size_t count = 0;
    list_init(&batch);
    while ((link = list_pop_front(&io->ready)) != NULL) list_push_back(&batch, link);
    while (!list_is_empty(&batch)) {
        deliver(io, list_entry(batch.next, struct flight, link));
        count++;
    }
    io->is_woken = false;
    return count;
}

static bool has_cause_to_return(const struct io_sim *io) {
    return io->is_woken || !list_is_empty(&io->ready);
}

/* The sim runs on until this machine has something to do, or its deadline. */
static void wait_here(struct io_sim *io) {
    sim_advance(io->sim, io_sim_time(io));
    io->lead_ns = 0;
    while (sim_next_ns(io->sim) <= io->sim->now_ns) sim_step(io->sim);
    while (!has_cause_to_return(io)) {
        uint64_t next_ns = sim_next_ns(io->sim);
        if (next_ns > io->deadline_ns) {
            sim_advance(io->sim, io->deadline_ns);
            return;
        }
        check(next_ns != UINT64_MAX); /* else io_run would wait for ever */
        sim_step(io->sim);
    }
}

size_t op_run(struct io *base, uint64_t deadline_ns) {
    struct io_sim *io = io_sim_of(base);
    io_sim_charge(io, TURN_COST_NS);
    op_flush(base);
    uint64_t now = io_sim_time(io);
    uint64_t deadline = deadline_ns == UINT64_MAX ? UINT64_MAX : io_sim_clock_to_sim(io, deadline_ns);
    io->deadline_ns = deadline_ns == 0 || deadline < now ? now : deadline;
    if (io->wanted == NULL) wait_here(io);
    size_t count = deliver_all(io);
    op_flush(base);
    return count;
}

void op_wake(struct io *base) {
    struct io_sim *io = io_sim_of(base);
    if (io->is_woken) return;
    io->is_woken = true;
    io_sim_want(io);
}

void sim_io_visit_operations(struct io *base, void (*visit)(void *context, const struct sim_operation_sight *operation),
                             void *context) {
    const struct io_sim *io = io_sim_of(base);
    for (const struct list *link = io->flying.next; link != &io->flying; link = link->next) {
        const struct flight *flight = list_entry(link, struct flight, link);
        if (flight->op == NULL || !is_file_op(flight->op->kind)) continue;
        const struct sim_operation_sight sight = {.what = op_name(flight->op->kind) + 3,
                                                  .path = flight->op->file->path,
                                                  .offset = flight->op->offset,
                                                  .size = flight->op->size,
                                                  .begun_ns = flight->begun_ns,
                                                  .ends_ns = flight->event.at_ns};
        visit(context, &sight);
    }
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

void ops_init(struct io_sim *io) {
    list_init(&io->queued);
    list_init(&io->flying);
    list_init(&io->ready);
    list_init(&io->spare);
}

void ops_spill(struct io_sim *io, bool all) {
    for (struct list *link = io->flying.next; link != &io->flying; link = link->next) {
        const struct io_op *op = list_entry(link, struct flight, link)->op;
        if (op == NULL || (op->kind != IO_OP_WRITE && op->kind != IO_OP_WRITE_SYNC) || io_file_is_poisoned(op->file))
            continue;
        if (!all && prng_below(&io->prng, 2) == 0) continue;
        if (content_write(io->disk, io_sim_inode(op->file), op->offset, op->data, op->size) != STATUS_OK)
            io->disk->stats.faults++;
    }
}

void ops_abort(struct io_sim *io) {
    while (!list_is_empty(&io->flying)) {
        struct flight *flight = list_entry(io->flying.next, struct flight, link);
        if (!is_file_op(flight->op->kind) && flight->op->kind != IO_OP_TIMER) net_forget(flight);
        if (is_file_op(flight->op->kind)) record_op(flight, STATUS_IO);
        flight_finish(flight, dead_status(flight->op->kind));
    }
}

static void drop(struct list *flights) {
    while (!list_is_empty(flights)) {
        struct flight *flight = list_entry(flights->next, struct flight, link);
        if (flight->op != NULL && flight->op->kind >= IO_OP_ACCEPT && flight->op->kind <= IO_OP_SEND)
            net_forget(flight);
        sim_unschedule(flight->io->sim, &flight->event);
        list_remove(&flight->link);
        sim_free(flight);
    }
}

void ops_deinit(struct io_sim *io) {
    while (list_pop_front(&io->queued) != NULL) continue;
    drop(&io->flying);
    drop(&io->ready);
    struct list *link;
    while ((link = list_pop_front(&io->spare)) != NULL) sim_free(list_entry(link, struct flight, link));
}
