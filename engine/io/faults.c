/* faults: see faults.h. */
#include "engine/io/faults.h"

void io_set_faults(struct io *io, const struct io_faults *faults) {
    __atomic_store_n(&io->faults.is_full, faults->is_full, __ATOMIC_RELAXED);
    __atomic_store_n(&io->faults.sync_delay_ns, faults->sync_delay_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&io->faults.clock_offset_ms, faults->clock_offset_ms, __ATOMIC_RELAXED);
}

bool faults_are_full(const struct io *io) {
    return __atomic_load_n(&io->faults.is_full, __ATOMIC_RELAXED);
}

bool faults_leave_no_room(struct io_file *file, uint64_t end) {
    uint64_t size = 0;
    if (!faults_are_full(file->io)) return false;
    return file->io->vtable->file_size(file, &size) != STATUS_OK || end > size;
}

uint64_t faults_sync_delay_ns(const struct io *io) {
    return __atomic_load_n(&io->faults.sync_delay_ns, __ATOMIC_RELAXED);
}

int64_t faults_clock_offset_ms(const struct io *io) {
    return __atomic_load_n(&io->faults.clock_offset_ms, __ATOMIC_RELAXED);
}

void faults_wait(struct io *io) {
    const uint64_t delay_ns = faults_sync_delay_ns(io);
    if (delay_ns > 0) io->vtable->sleep(io, delay_ns);
}

void faults_hold(struct io *io, struct io_op *op, uint64_t delay_ns) {
    op->backend[0] = io_now_ns(io) + delay_ns;
    op->link.next = NULL;
    if (io->held_last)
        io->held_last->next = &op->link;
    else
        io->held_first = &op->link;
    io->held_last = &op->link;
}

uint64_t faults_held_until_ns(const struct io *io) {
    return io->held_first ? list_entry(io->held_first, struct io_op, link)->backend[0] : UINT64_MAX;
}

struct io_op *faults_take_due(struct io *io) {
    if (!io->held_first || faults_held_until_ns(io) > io_now_ns(io)) return NULL;
    struct io_op *op = list_entry(io->held_first, struct io_op, link);
    (void)faults_take_held(io, op);
    return op;
}

bool faults_take_held(struct io *io, const struct io_op *op) {
    struct list *before = NULL;
    for (struct list *link = io->held_first; link; before = link, link = link->next) {
        if (link != &op->link) continue;
        if (before)
            before->next = link->next;
        else
            io->held_first = link->next;
        if (io->held_last == link) io->held_last = before;
        return true;
    }
    return false;
}
