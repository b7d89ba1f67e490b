/*
 * disk_work: what the core wants durable, in its order: works by number; in each the install, then the hard state, then
 * the entries. Entries of many works go into one group of the log: one write, one barrier.
 */
#include "engine/base/check.h"
#include "raft/driver/driver_internal.h"

enum { RETRY_MS = 100 };

static struct driver_work *work_at(struct raft_driver *driver, unsigned position) {
    return &driver->works[(driver->work_head + position) % DRIVER_WORKS_MAX];
}

void persist_queue(struct raft_driver *driver, const struct raft_ready *ready) {
    if (ready->number == 0) return;
    check(driver->work_count < DRIVER_WORKS_MAX); /* raft_options.works_max is the same */
    *work_at(driver, driver->work_count++) = (struct driver_work){
        .number = ready->number,
        .install = ready->install.index != 0,
        .has_hard_state = ready->has_hard_state,
        .hard_state = ready->hard_state,
        .last = ready->append_first != 0 ? ready->append_last : 0,
        .commit_note = ready->commit_note,
        .queued_ns = driver_now(driver),
    };
}

/* An install takes its time without the disk being slow. */
uint64_t persist_oldest_ns(const struct raft_driver *driver) {
    const struct driver_work *oldest = &driver->works[driver->work_head];
    if (driver->work_count == 0 || oldest->install) return 0;
    return driver_now(driver) - oldest->queued_ns;
}

void persist_trim(struct raft_driver *driver, uint64_t first) {
    for (unsigned i = 0; i < driver->work_count; i++) {
        struct driver_work *work = work_at(driver, i);
        if (work->stage != WORK_WRITTEN && work->last >= first) work->last = first - 1;
    }
}

/* ---- The superblock ---- */

static void write_slot(struct raft_driver *driver);

static void superblock_written(struct io_op *op) {
    struct raft_driver *driver = op->context;
    driver->superblock_writing = false;
    driver->wants_turn = true;
    if (driver->closing) return;
    if (op->status != STATUS_OK) {
        driver_fail(driver, op->status, "writing the superblock failed");
        repair_written(driver, op->status);
        return;
    }
    /* What is promised stands in both slots before it counts: one that goes bad later must not bring back the state
     * before. */
    if (!driver->superblock_second) {
        driver->superblock_second = true;
        write_slot(driver);
        return;
    }
    repair_written(driver, STATUS_OK);
    if (driver->failed != STATUS_OK) return;
    if (driver->work_count == 0) return;
    struct driver_work *work = NULL; /* the one that waits for it is the first that is not written */
    for (unsigned i = 0; i < driver->work_count && work == NULL; i++)
        if (work_at(driver, i)->stage != WORK_WRITTEN) work = work_at(driver, i);
    if (work == NULL) return;
    if (work->install && work->stage == WORK_NEW) {
        if (snapshot_take_is_switching(driver))
            snapshot_take_switched(driver); /* answers by persist_installed, when the new engine is the one in use */
    } else if (work->has_hard_state && driver->superblock.term == work->hard_state.term &&
               driver->superblock.vote == work->hard_state.vote) {
        work->stage = WORK_PROMISED;
    }
}

void persist_write_superblock(struct raft_driver *driver) {
    check(!driver->superblock_writing);
    driver->superblock_second = false;
    driver->superblock_dirty = false;
    write_slot(driver);
}

static void write_slot(struct raft_driver *driver) {
    driver->superblock_writing = true;
    driver->superblock.generation++;
    node_state_encode(&driver->superblock, driver->superblock_bytes);
    driver->superblock_op = (struct io_op){
        .kind = IO_OP_WRITE_SYNC,
        .file = driver->superblock_file,
        .data = driver->superblock_bytes,
        .size = sizeof driver->superblock_bytes,
        .offset = node_state_offset(&driver->superblock),
        .done = superblock_written,
        .context = driver,
    };
    io_submit(driver->io, &driver->superblock_op);
}

void persist_installed(struct raft_driver *driver) {
    for (unsigned i = 0; i < driver->work_count; i++) {
        struct driver_work *work = work_at(driver, i);
        if (work->stage == WORK_WRITTEN) continue;
        check(work->install && work->stage == WORK_NEW);
        work->stage = WORK_INSTALLED;
        driver->last_end_lsn = 0;
        driver->wants_turn = true;
        return;
    }
    check(false); /* an install that nobody asked for */
}

/* ---- Works ---- */

/* False: the work waits. */
static bool promise(struct raft_driver *driver, struct driver_work *work) {
    if (!work->has_hard_state || work->stage == WORK_PROMISED) return true;
    if (driver->superblock_writing) return false;
    driver->superblock.term = work->hard_state.term;
    driver->superblock.vote = work->hard_state.vote;
    persist_write_superblock(driver);
    return false;
}

static bool write_entries(struct raft_driver *driver, struct driver_work *work) {
    if (work->last != 0 || work->commit_note != 0) {
        enum status status = raft_log_write(driver->raft_log, work->last, work->commit_note, &driver->last_end_lsn);
        if (status == STATUS_BUSY || status == STATUS_NO_MEMORY) return false;
        if (status != STATUS_OK) {
            driver_fail(driver, status, "writing the log failed");
            return false;
        }
    }
    work->end_lsn = driver->last_end_lsn;
    work->stage = WORK_WRITTEN;
    return true;
}

static void carry_out(struct raft_driver *driver) {
    for (unsigned i = 0; i < driver->work_count && driver->failed == STATUS_OK; i++) {
        struct driver_work *work = work_at(driver, i);
        if (work->stage == WORK_WRITTEN) continue;
        if (work->install && work->stage == WORK_NEW) {
            snapshot_take_install(driver);
            return;
        }
        if (!promise(driver, work) || !write_entries(driver, work)) return;
    }
}

static void confirm(struct raft_driver *driver) {
    uint64_t durable = raft_log_durable_lsn(driver->raft_log);
    uint64_t number = 0;
    while (driver->work_count > 0 && work_at(driver, 0)->stage == WORK_WRITTEN &&
           work_at(driver, 0)->end_lsn <= durable) {
        number = work_at(driver, 0)->number;
        driver->work_head = (driver->work_head + 1) % DRIVER_WORKS_MAX;
        driver->work_count--;
    }
    if (number == 0) return;
    struct raft_event event = {.kind = RAFT_EVENT_PERSISTED, .persisted = {.number = number}};
    enum status status = driver_step(driver, &event, 0, NULL);
    if (status != STATUS_OK) driver_fail(driver, status, "the core does not know what was persisted");
}

void persist_pump(struct raft_driver *driver) {
    if (driver->failed != STATUS_OK) return;
    carry_out(driver);
    if (driver->superblock_dirty && !driver->superblock_writing && driver->failed == STATUS_OK)
        persist_write_superblock(driver);
    if (driver_now(driver) >= driver->commit_retry_ns) raft_log_commit_start(driver->raft_log);
    confirm(driver);
    if (driver->engine != NULL && !driver->installing)
        engine_log_durable(driver->engine, raft_log_durable(driver->raft_log));
}

void persist_on_commit(void *context, enum status status) {
    struct raft_driver *driver = context;
    driver->wants_turn = true;
    if (driver->closing || status == STATUS_OK) return;
    if (status == STATUS_NO_SPACE || status == STATUS_NO_MEMORY) {
        driver->commit_retry_ns = driver_now(driver) + (uint64_t)RETRY_MS * MS_NS;
        return;
    }
    driver_fail(driver, status, "writing the log failed");
}

void persist_on_read(void *context) {
    struct raft_driver *driver = context;
    driver->wants_turn = true;
    enum status status = raft_log_read_status(driver->raft_log);
    if (driver->closing || status == STATUS_OK) return;
    if (repair_is_damage(status)) repair_log_is_damaged(driver);
    driver_fail(driver, status, "reading the log failed"); /* if that has not been done */
}
