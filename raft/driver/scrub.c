/*
 * scrub: what nobody reads goes bad unseen, until the copy that is needed is bad, too. So all that a node holds is read
 * in a loop, slowly: the store file by file, the log record by record, the superblock. A finding is met like any other
 * damage (repair.c); a slot of the superblock is written anew from memory.
 *
 * One portion at a time, by a job; the next one when the rate lets it.
 */
#include <inttypes.h>

#include "raft/driver/driver_internal.h"

enum { SECOND_NS = 1000 * MS_NS, FIRST_S = 600 };

static void wait_for_next_pass(struct raft_driver *driver, uint64_t seconds) {
    struct scrub *scrub = &driver->scrub;
    scrub->phase = SCRUB_RESTS;
    scrub->next_ns = driver_now(driver) + seconds * SECOND_NS;
}

void scrub_init(struct raft_driver *driver) {
    const uint64_t interval = driver->options.scrub_interval_s;
    wait_for_next_pass(driver, interval < FIRST_S ? interval : FIRST_S);
}

/* ---- Portions ---- */

static enum status look_at_superblock(struct raft_driver *driver) {
    struct scrub *scrub = &driver->scrub;
    uint8_t bytes[NODE_STATE_BYTES];
    size_t got = 0;
    enum status status = io_file_read(driver->superblock_file, 0, bytes, sizeof bytes, &got);
    if (status != STATUS_OK) return status;
    for (unsigned slot = 0; slot < 2; slot++) {
        struct node_state found;
        const struct slice part = slice_make(bytes + slot * NODE_STATE_STRIDE, NODE_STATE_SLOT_BYTES);
        const enum status slot_status = got < sizeof bytes ? STATUS_CORRUPT : node_state_decode(part, &found);
        scrub->slot_damaged = scrub->slot_damaged || slot_status == STATUS_CORRUPT;
    }
    scrub->bytes += sizeof bytes;
    return STATUS_END;
}

static enum io_job_state scrub_step(struct io_job *job) {
    struct raft_driver *driver = job->context;
    struct scrub *scrub = &driver->scrub;
    switch (scrub->phase) {
    case SCRUB_STORE: scrub->status = engine_scrub_step(driver->engine, &scrub->store); break;
    case SCRUB_LOG: scrub->status = raft_log_scrub_step(driver->raft_log, &scrub->log); break;
    case SCRUB_SUPERBLOCK: scrub->status = look_at_superblock(driver); break;
    case SCRUB_RESTS: break;
    }
    return IO_JOB_DONE;
}

static void note_finding(struct raft_driver *driver, const char *what) {
    driver->counts.scrub_findings++;
    log_error(driver->log, "node %" PRIu64 ": scrub: %s", driver->identity.node_id, what);
}

static void end_pass(struct raft_driver *driver) {
    driver->counts.scrub_passes++;
    driver->scrub.ended_ns = driver_now(driver);
    wait_for_next_pass(driver, driver->options.scrub_interval_s);
}

static void next_phase(struct raft_driver *driver) {
    struct scrub *scrub = &driver->scrub;
    if (scrub->phase == SCRUB_SUPERBLOCK) {
        end_pass(driver);
        return;
    }
    scrub->phase++;
    if (scrub->phase == SCRUB_LOG) raft_log_scrub_begin(driver->raft_log, &scrub->log);
    if (scrub->phase == SCRUB_SUPERBLOCK) raft_log_scrub_deinit(&scrub->log);
}

static void take_findings(struct raft_driver *driver, uint64_t findings_before) {
    struct scrub *scrub = &driver->scrub;
    if (scrub->phase == SCRUB_STORE && scrub->store.findings > findings_before)
        note_finding(driver, "the store is damaged: see the line before");
    if (scrub->phase == SCRUB_LOG && repair_is_damage(scrub->status)) {
        note_finding(driver, scrub->log.error.text);
        repair_log_is_damaged(driver);
    }
    /* What was read while it was being written says nothing. */
    const bool was_still = !driver->superblock_writing && scrub->generation == driver->superblock.generation;
    if (scrub->phase == SCRUB_SUPERBLOCK && scrub->slot_damaged && was_still) {
        note_finding(driver, "a slot of the superblock is damaged; both are written anew");
        driver->superblock_dirty = true;
    }
}

static void stepped(struct io_job *job) {
    struct raft_driver *driver = job->context;
    struct scrub *scrub = &driver->scrub;
    scrub->runs = false;
    driver->wants_turn = true;
    raft_driver_unpin_engine(driver);
    if (scrub->phase == SCRUB_LOG) raft_log_scrub_unpin(driver->raft_log, &scrub->log);
    if (driver->closing || driver->failed != STATUS_OK) return;
    take_findings(driver, scrub->findings);
    scrub->findings = scrub->store.findings;
    const uint64_t bytes = scrub->bytes + scrub->store.bytes + scrub->log.bytes;
    scrub->next_ns = driver_now(driver) + (bytes - scrub->done_bytes) * SECOND_NS / driver->options.scrub_rate_bytes;
    scrub->done_bytes = bytes;
    if (scrub->status != STATUS_OK) next_phase(driver); /* END; what could not be read is the next pass's */
}

/* ---- Life ---- */

static void begin_pass(struct raft_driver *driver) {
    struct scrub *scrub = &driver->scrub;
    scrub->phase = SCRUB_STORE;
    scrub->store = (struct engine_scrub){0};
    scrub->log = (struct raft_log_scrub){0};
    scrub->bytes = scrub->done_bytes = scrub->findings = 0;
    scrub->slot_damaged = false;
}

void scrub_turn(struct raft_driver *driver) {
    struct scrub *scrub = &driver->scrub;
    if (scrub->runs || driver->failed != STATUS_OK || driver_now(driver) < scrub->next_ns) return;
    if (scrub->phase == SCRUB_SUPERBLOCK && driver->superblock_writing) return;
    if (!raft_driver_pin_engine(driver)) return; /* another store comes */
    if (scrub->phase == SCRUB_RESTS) begin_pass(driver);
    if (scrub->phase == SCRUB_LOG) raft_log_scrub_pin(driver->raft_log, &scrub->log);
    scrub->generation = driver->superblock.generation;
    scrub->runs = true;
    scrub->job =
        (struct io_job){.pool = IO_POOL_LONG, .priority = 1, .step = scrub_step, .done = stepped, .context = driver};
    io_job_start(driver->io, &scrub->job);
}

void scrub_deinit(struct raft_driver *driver) {
    while (driver->scrub.runs) {
        if (!io_job_assist(driver->io)) io_sleep(driver->io, MS_NS);
        io_run(driver->io, 0);
    }
    raft_log_scrub_deinit(&driver->scrub.log);
}
