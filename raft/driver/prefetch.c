/*
 * prefetch: see the header. Invariant: the entries of a job have consecutive places, and a place is given out once; so
 * a job that ends late marks its own entries or none.
 */
#include "engine/base/check.h"
#include "raft/driver/driver_internal.h"

enum { LOOKS_PER_TURN = 512 };

void prefetch_init(struct raft_driver *driver) {
    struct prefetch *prefetch = &driver->ahead;
    prefetch->window = PREFETCH_WINDOW_FIRST;
    prefetch->credit = PREFETCH_CREDIT; /* after a start nothing is in memory */
}

static struct prefetch_entry *entry_at(struct prefetch *prefetch, uint64_t place) {
    return &prefetch->ring[place % PREFETCH_WINDOW_MAX];
}

/* ---- Jobs ---- */

/* A failure is not told here: apply meets it again, at its place in the log's order. */
static enum io_job_state step(struct io_job *io_job) {
    struct prefetch_job *job = io_job->context;
    for (unsigned i = 0; i < job->count; i++) {
        const struct prefetch_item *item = &job->items[i];
        struct slice operation = slice_make(job->operations.data + item->offset, item->size);
        if (item->machine->prefetch(item->machine->context, NULL, operation) != STATUS_OK) break;
    }
    return IO_JOB_DONE;
}

static void done(struct io_job *io_job) {
    struct prefetch_job *job = io_job->context;
    struct raft_driver *driver = job->driver;
    struct prefetch *prefetch = &driver->ahead;
    for (uint64_t place = job->place; place < job->place + job->count; place++)
        if (place >= prefetch->head && place < prefetch->tail) entry_at(prefetch, place)->there = true;
    job->driver = NULL;
    raft_driver_unpin_engine(driver);
}

static struct prefetch_job *free_job(struct prefetch *prefetch) {
    for (unsigned i = 0; i < PREFETCH_JOBS; i++)
        if (prefetch->jobs[i].driver == NULL) return &prefetch->jobs[i];
    return NULL;
}

static void start(struct raft_driver *driver, struct prefetch_job *job) {
    job->driver = driver;
    job->job = (struct io_job){.pool = IO_POOL_READ, .step = step, .done = done, .context = job};
    check(raft_driver_pin_engine(driver)); /* an install waits for it; under one nobody looks ahead */
    io_job_start(driver->io, &job->job);
}

/* ---- Looking ahead ---- */

/* What was applied leaves the ring. A window's worth without a loss lets the window grow. */
static void settle(struct raft_driver *driver) {
    struct prefetch *prefetch = &driver->ahead;
    while (prefetch->head < prefetch->tail && entry_at(prefetch, prefetch->head)->index <= driver->applied) {
        prefetch->head++;
        if (++prefetch->kept < prefetch->window) continue;
        prefetch->kept = 0;
        if (prefetch->window < PREFETCH_WINDOW_MAX) prefetch->window++;
    }
    uint64_t last = raft_log_last(driver->raft_log); /* a snapshot may have taken the log's place */
    if (prefetch->looked > last) prefetch->looked = last;
    if (prefetch->looked < driver->applied) prefetch->looked = driver->applied;
    if (prefetch->passed_from <= driver->applied) prefetch->passed_from = 0;
}

/* Whether apply of the entry would wait, as far as can be told before those in front of it are applied. */
static bool must_be_read(struct raft_driver *driver, const struct raft_entry *entry, struct prefetch_item *item,
                         struct slice *operation) {
    struct envelope envelope;
    uint8_t store;
    if (entry->kind != RAFT_ENTRY_COMMAND || driver->superblock.is_witness ||
        entry->bytes.size >= PREFETCH_OPERATION_BYTES)
        return false;
    if (envelope_decode(entry->bytes, &envelope, &store, operation) != STATUS_OK) return false;
    item->machine = driver_find_machine(driver, store);
    if (item->machine == NULL || item->machine->probe == NULL) return false;
    driver->ahead.counts.looks++;
    return item->machine->probe(item->machine->context, *operation) == STATUS_WOULD_BLOCK;
}

static void add(struct raft_driver *driver, struct prefetch_job *job, uint64_t index, const struct prefetch_item *item,
                struct slice operation) {
    struct prefetch *prefetch = &driver->ahead;
    size_t offset = job->operations.size;
    if (buf_append_slice(&job->operations, operation) != STATUS_OK) return; /* apply reads for itself */
    if (job->count == 0) job->place = prefetch->tail;
    job->items[job->count++] =
        (struct prefetch_item){.machine = item->machine, .offset = offset, .size = operation.size};
    *entry_at(prefetch, prefetch->tail++) = (struct prefetch_entry){.index = index};
    prefetch->counts.entries++;
    prefetch->credit = PREFETCH_CREDIT;
}

/* One batch. False: nothing is left to look at, or no place for what would be found. */
static bool fill(struct raft_driver *driver, unsigned *looks) {
    struct prefetch *prefetch = &driver->ahead;
    struct prefetch_job *job = free_job(prefetch);
    if (job == NULL) return false; /* its end wakes the loop */
    job->count = 0;
    buf_clear(&job->operations);
    bool more = true;
    while (job->count < PREFETCH_BATCH && job->operations.size < PREFETCH_BATCH_BYTES) {
        struct raft_entry entry;
        struct prefetch_item item;
        struct slice operation;
        uint64_t next = prefetch->looked + 1;
        more = *looks > 0 && prefetch->credit > 0 && next <= raft_log_last(driver->raft_log) &&
               prefetch->tail - prefetch->head < prefetch->window && raft_log_peek(driver->raft_log, next, &entry);
        if (!more) break;
        if (must_be_read(driver, &entry, &item, &operation)) add(driver, job, next, &item, operation);
        prefetch->looked = next;
        prefetch->credit--;
        --*looks;
    }
    if (job->count > 0) start(driver, job);
    return more;
}

void prefetch_look(struct raft_driver *driver) {
    struct prefetch *prefetch = &driver->ahead;
    unsigned looks = LOOKS_PER_TURN;
    if (driver->installing || driver->failed != STATUS_OK) return;
    settle(driver);
    while (fill(driver, &looks)) {}
    uint64_t last = raft_log_last(driver->raft_log);
    if (looks == 0) driver->wants_turn = true;
    if (prefetch->credit > 0 || prefetch->looked >= last) return;
    if (prefetch->passed_from == 0) prefetch->passed_from = prefetch->looked + 1;
    prefetch->looked = last;
}

void prefetch_trim(struct raft_driver *driver, uint64_t first) {
    struct prefetch *prefetch = &driver->ahead;
    for (uint64_t place = prefetch->head; place < prefetch->tail; place++)
        if (entry_at(prefetch, place)->index >= first) entry_at(prefetch, place)->index = 0; /* its job may still run */
    if (prefetch->looked >= first) prefetch->looked = first - 1;
    if (prefetch->passed_from >= first) prefetch->passed_from = 0;
}

/* ---- What apply tells ---- */

/* Its place; the tail if it has none. */
static uint64_t find_place(struct prefetch *prefetch, uint64_t index) {
    uint64_t place = prefetch->head;
    while (place < prefetch->tail && entry_at(prefetch, place)->index != index) place++;
    return place;
}

/* The cache is too small for the window: half of it, once for all that was fetched under the same one. */
static void note_loss(struct prefetch *prefetch, uint64_t place) {
    prefetch->counts.lost++;
    prefetch->kept = 0;
    if (place < prefetch->wide) return;
    prefetch->wide = prefetch->tail;
    if (prefetch->window > 1) prefetch->window /= 2;
}

static void note_stall(struct prefetch *prefetch, uint64_t index) {
    prefetch->stalled = index;
    prefetch->counts.stalls++;
    prefetch->credit = PREFETCH_CREDIT;
    if (prefetch->passed_from != 0 && prefetch->looked >= prefetch->passed_from)
        prefetch->looked = prefetch->passed_from - 1;
    prefetch->passed_from = 0;
    if (prefetch->looked < index) prefetch->looked = index; /* apply reads this one itself */
}

bool prefetch_is_under_way(struct raft_driver *driver, uint64_t index) {
    struct prefetch *prefetch = &driver->ahead;
    uint64_t place = find_place(prefetch, index);
    if (index != prefetch->stalled) note_stall(prefetch, index);
    if (place == prefetch->tail) return false;
    if (entry_at(prefetch, place)->there) note_loss(prefetch, place);
    return !entry_at(prefetch, place)->there;
}

unsigned prefetch_ahead(const struct raft_driver *driver) {
    return (unsigned)(driver->ahead.tail - driver->ahead.head);
}

void prefetch_deinit(struct raft_driver *driver) {
    for (unsigned i = 0; i < PREFETCH_JOBS; i++) {
        struct prefetch_job *job = &driver->ahead.jobs[i];
        while (job->driver != NULL) {
            if (!io_job_assist(driver->io)) io_sleep(driver->io, MS_NS);
            io_run(driver->io, 0);
        }
        buf_deinit(&job->operations);
    }
}
