/*
 * disk_queue: file operations carried out by helper threads, for a backend whose kernel cannot wait for disks; the loop
 * hands over a batch under one lock and takes back what has ended.
 */
#ifndef ENGINE_IO_DISK_QUEUE_H
#define ENGINE_IO_DISK_QUEUE_H

#include "engine/io/machine.h"

/* Two, so that a read does not wait behind a sync. */
enum { DISK_QUEUE_THREADS = 2 };

struct disk_queue {
    struct machine *machine;
    struct mutex mutex;
    struct condition work;
    struct list queue;             /* io_op.link */
    _Atomic(struct io_op *) ended; /* stack, newest first, by op_state.next; needs no lock */
    bool stopping;
    unsigned thread_count;
    struct thread threads[DISK_QUEUE_THREADS];
};

MUST_CHECK enum status disk_queue_start(struct disk_queue *disk, struct machine *machine);
/* Waits for the operations in progress; the rest is forgotten. */
void disk_queue_stop(struct disk_queue *disk);

/* Takes all operations out of `batch`. */
void disk_queue_add(struct disk_queue *disk, struct list *batch);
/* Completes what has ended. */
void disk_queue_collect(struct disk_queue *disk);

#endif
