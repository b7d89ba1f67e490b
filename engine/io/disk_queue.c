/*
 * disk_queue: the helper threads make the same blocking calls as everyone else, so that there is one rule for short
 * writes, errors and poisoned files.
 */
#include "engine/io/disk_queue.h"

static enum status carry_out(struct io_op *op) {
    enum status status;
    switch (op->kind) {
    case IO_OP_READ: return io_file_read(op->file, op->offset, op->data, op->size, &op->bytes);
    case IO_OP_WRITE: return io_file_write(op->file, op->offset, op->data, op->size);
    case IO_OP_SYNC: return io_file_sync(op->file);
    default:
        status = io_file_write(op->file, op->offset, op->data, op->size);
        return status == STATUS_OK ? io_file_sync(op->file) : status;
    }
}

static void push_ended(struct disk_queue *disk, struct io_op *op) {
    struct io_op *head = atomic_load(&disk->ended);
    do op_state(op)->next = head;
    while (!atomic_compare_exchange_weak(&disk->ended, &head, op));
    machine_wake(&disk->machine->base);
}

static void drive_disk(void *context) {
    struct disk_queue *disk = context;
    mutex_lock(&disk->mutex);
    for (;;) {
        while (!disk->stopping && list_is_empty(&disk->queue)) condition_wait(&disk->work, &disk->mutex);
        if (disk->stopping) break;
        struct io_op *op = list_entry(list_pop_front(&disk->queue), struct io_op, link);
        mutex_unlock(&disk->mutex);
        op->status = carry_out(op);
        push_ended(disk, op);
        mutex_lock(&disk->mutex);
    }
    mutex_unlock(&disk->mutex);
}

enum status disk_queue_start(struct disk_queue *disk, struct machine *machine) {
    disk->machine = machine;
    list_init(&disk->queue);
    mutex_init(&disk->mutex);
    condition_init(&disk->work);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && disk->thread_count < DISK_QUEUE_THREADS) {
        status = thread_start(&disk->threads[disk->thread_count], "disk", drive_disk, disk);
        if (status == STATUS_OK) disk->thread_count++;
    }
    if (status != STATUS_OK) disk_queue_stop(disk);
    return status;
}

void disk_queue_stop(struct disk_queue *disk) {
    mutex_lock(&disk->mutex);
    disk->stopping = true;
    condition_broadcast(&disk->work);
    mutex_unlock(&disk->mutex);
    for (unsigned i = 0; i < disk->thread_count; i++) thread_join(&disk->threads[i]);
    condition_deinit(&disk->work);
    mutex_deinit(&disk->mutex);
}

void disk_queue_add(struct disk_queue *disk, struct list *batch) {
    if (list_is_empty(batch)) return;
    unsigned count = 0;
    mutex_lock(&disk->mutex);
    for (struct list *link; (link = list_pop_front(batch)); count++) {
        op_state(list_entry(link, struct io_op, link))->place = OP_PLACE_KERNEL;
        list_push_back(&disk->queue, link);
    }
    mutex_unlock(&disk->mutex);
    /* After the lock: a thread that wakes up finds it free. */
    if (count == 1)
        condition_signal(&disk->work);
    else
        condition_broadcast(&disk->work);
}

void disk_queue_collect(struct disk_queue *disk) {
    if (!atomic_load_explicit(&disk->ended, memory_order_relaxed)) return;
    struct io_op *newest = atomic_exchange(&disk->ended, NULL), *oldest = NULL;
    while (newest) {
        struct io_op *next = op_state(newest)->next;
        op_state(newest)->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct io_op *op = oldest;
        oldest = op_state(op)->next;
        machine_complete_file(disk->machine, op, op->status);
    }
}
