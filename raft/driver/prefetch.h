/*
 * prefetch: rows that an entry will read are brought into memory while the entry is replicated, so that its apply does
 * not wait for the disk (DESIGN 4). Private to raft/driver; loop thread, but for the steps of its jobs.
 *
 * It is advice, and changes no result: an entry that was not looked at, or whose blocks were evicted again, waits at
 * its apply for a read of its own (apply.c). All bounds are fixed: operations of PREFETCH_OPERATION_BYTES and more are
 * left to apply, PREFETCH_JOBS jobs hold copies of a batch each, and of the entries that were fetched for no more than
 * a window may wait for their apply. The window halves when apply finds that a block has gone again (the cache is too
 * small for so much at once), and grows slowly while none does.
 */
#ifndef RAFT_DRIVER_PREFETCH_H
#define RAFT_DRIVER_PREFETCH_H

#include "engine/base/buf.h"
#include "engine/io.h"

struct raft_driver;

enum {
    PREFETCH_JOBS = 16,
    PREFETCH_BATCH = 8, /* operations of a job: apply may wait for all of them */
    PREFETCH_BATCH_BYTES = 64 << 10,
    PREFETCH_OPERATION_BYTES = 64 << 10,
    PREFETCH_WINDOW_FIRST = 128,
    PREFETCH_WINDOW_MAX = 1024,
    /* While apply finds everything in memory, nobody looks ahead: a look costs what apply's own costs. An entry that is
     * not in memory pays for so many looks. */
    PREFETCH_CREDIT = 4096,
};

struct prefetch_job {
    struct io_job job;
    struct raft_driver *driver; /* NULL = free */
    uint64_t place;             /* in the ring, of its first entry */
    unsigned count;
    struct prefetch_item {
        const struct state_machine *machine;
        size_t offset, size; /* in operations */
    } items[PREFETCH_BATCH];
    struct buf operations;
};

/* An entry that was fetched for and is not applied yet. */
struct prefetch_entry {
    uint64_t index;
    bool there; /* its job is done */
};

struct prefetch {
    uint64_t looked;      /* entries up to here were looked at, or passed over */
    uint64_t passed_from; /* entries from here on were passed over for want of credit; 0 = none */
    uint64_t stalled;     /* the entry that apply waited for last */
    unsigned credit;
    unsigned window, kept; /* kept: entries applied since the window last moved */
    uint64_t wide;         /* places below were given out before the window was halved: their loss is known */
    struct prefetch_entry ring[PREFETCH_WINDOW_MAX]; /* by place; ascending index */
    uint64_t head, tail;                             /* places */
    struct prefetch_job jobs[PREFETCH_JOBS];
    struct prefetch_counts {
        uint64_t stalls; /* entries that waited for a read at their apply */
        uint64_t looks;
        uint64_t entries; /* that were fetched for */
        uint64_t lost;    /* and stalled all the same: evicted again */
    } counts;
};

void prefetch_init(struct raft_driver *driver);
/* Waits for its jobs. */
void prefetch_deinit(struct raft_driver *driver);
/* Once a turn: looks at what was appended since. */
void prefetch_look(struct raft_driver *driver);
/* The log from `first` on was replaced. */
void prefetch_trim(struct raft_driver *driver, uint64_t first);
/* Apply says that this entry has to wait for a read. True: it has been started here, and the loop wakes when it is
 * done; false: apply reads for itself. */
bool prefetch_is_under_way(struct raft_driver *driver, uint64_t index);
unsigned prefetch_ahead(const struct raft_driver *driver); /* entries in the ring */

#endif
