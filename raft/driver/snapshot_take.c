/*
 * snapshot_take: a snapshot that a leader streams is written beside the store that is in use, synced, and verified as a
 * whole; only then the core hears of it. The install then opens it, and one write of the superblock makes it the
 * node's: engine, log start, sessions and configuration change together, and a crash at any point leaves the old or the
 * new (DESIGN §5).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "raft/driver/snapshot_stream.h"

enum { BUFFERED_MAX_BYTES = 4 << 20, ABANDON_MS = 20000 };

enum taker_state {
    TAKER_RECEIVES,
    TAKER_VERIFIES,
    TAKER_VERIFIED, /* the core has not heard of it yet */
    TAKER_WAITS,    /* taken by the core: the install comes as a work */
    TAKER_OPENS,
    TAKER_OPENED,
    TAKER_SWITCHES, /* the superblock is being written */
    TAKER_REFUSED,
    TAKER_ENDED,
};

struct snapshot_taker {
    struct raft_driver *driver;
    uint64_t from, stream, total;
    enum taker_state state;
    uint64_t number; /* of its engine directory */
    char dir[IO_PATH_BYTES];
    uint64_t written; /* of the stream, on disk */
    uint64_t heard_ns;
    struct buf arrived; /* behind written + being written */
    uint64_t index, term;
    struct raft_configuration configuration;
    struct engine *engine; /* opened, not in use yet */

    /* the job's */
    struct io_job job;
    bool runs;
    enum status status;
    struct error error;
    struct buf writing;
    struct buf head_bytes;
    struct snapshot_head head;
    bool has_head, has_dir;
    struct io_file *file;
    uint32_t file_number;
    uint64_t file_offset;
};

/* ---- Writing ---- */

static enum status make_dir(struct snapshot_taker *taker) {
    if (taker->has_dir) return STATUS_OK;
    driver_remove_dir(taker->driver->io, taker->driver->log, taker->dir); /* of an attempt before */
    enum status status = io_dir_make(taker->driver->io, taker->dir);
    taker->has_dir = status == STATUS_OK;
    return status;
}

static enum status open_next_file(struct snapshot_taker *taker) {
    char path[IO_PATH_BYTES];
    enum status status = snapshot_file_path(taker->dir, taker->head.files[taker->file_number].name, path);
    unsigned flags = IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_EXCLUSIVE;
    if (status == STATUS_OK) status = io_file_open(taker->driver->io, path, flags, &taker->file);
    taker->file_offset = 0;
    return status;
}

/* Ends every file that has all its bytes; opens those that have none. */
static enum status settle_files(struct snapshot_taker *taker) {
    while (taker->file_number < taker->head.file_count) {
        enum status status = STATUS_OK;
        if (taker->file == NULL) status = open_next_file(taker);
        if (status != STATUS_OK) return status;
        if (taker->file_offset < taker->head.files[taker->file_number].size) return STATUS_OK;
        status = io_file_sync(taker->file);
        io_file_close(taker->file);
        taker->file = NULL;
        taker->file_number++;
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status write_files(struct snapshot_taker *taker, struct slice bytes) {
    enum status status = settle_files(taker);
    while (status == STATUS_OK && bytes.size > 0) {
        if (taker->file_number == taker->head.file_count) return STATUS_CORRUPT;
        uint64_t left = taker->head.files[taker->file_number].size - taker->file_offset;
        size_t size = left < bytes.size ? (size_t)left : bytes.size;
        status = io_file_write(taker->file, taker->file_offset, bytes.data, size);
        taker->file_offset += size;
        bytes = slice_from(bytes, size);
        if (status == STATUS_OK) status = settle_files(taker);
    }
    return status;
}

static enum status write_stream(struct snapshot_taker *taker, struct slice bytes) {
    enum status status = make_dir(taker);
    if (status != STATUS_OK || taker->has_head) return status == STATUS_OK ? write_files(taker, bytes) : status;
    status = buf_append_slice(&taker->head_bytes, bytes);
    size_t used = 0;
    if (status == STATUS_OK) status = snapshot_head_decode(buf_slice(&taker->head_bytes), &taker->head, &used);
    if (status == STATUS_END) return STATUS_OK;
    if (status != STATUS_OK) return status;
    taker->has_head = true;
    uint64_t total = used;
    for (uint32_t i = 0; i < taker->head.file_count; i++) total += taker->head.files[i].size;
    if (total != taker->total) return STATUS_CORRUPT;
    return write_files(taker, slice_from(buf_slice(&taker->head_bytes), used));
}

static enum io_job_state write_step(struct io_job *job) {
    struct snapshot_taker *taker = job->context;
    taker->status = write_stream(taker, buf_slice(&taker->writing));
    return IO_JOB_DONE;
}

/* ---- Verifying ---- */

static void log_finding(void *context, const struct engine_finding *finding) {
    struct snapshot_taker *taker = context;
    log_error(taker->driver->log, "received snapshot: %s offset %" PRIu64 ": %s", finding->file, finding->offset,
              finding->text);
}

static enum io_job_state verify_step(struct io_job *job) {
    struct snapshot_taker *taker = job->context;
    struct raft_driver *driver = taker->driver;
    struct engine *engine = NULL;
    taker->status = taker->file_number == taker->head.file_count && taker->has_head ? STATUS_OK : STATUS_CORRUPT;
    if (taker->status == STATUS_OK) taker->status = io_dir_sync(driver->io, taker->dir);
    if (taker->status == STATUS_OK) taker->status = io_dir_sync(driver->io, driver->dir);
    if (taker->status == STATUS_OK)
        taker->status = driver_open_engine(driver, taker->number, true, true, &engine, &taker->error);
    if (taker->status == STATUS_OK) taker->status = engine_verify(engine, log_finding, taker);
    if (taker->status == STATUS_OK) {
        struct engine_mark mark = engine_installed(engine);
        taker->index = mark.index;
        taker->term = mark.term;
        if (mark.index != taker->head.index || mark.term != taker->head.term) taker->status = STATUS_CORRUPT;
    }
    if (taker->status == STATUS_OK) taker->status = apply_read_configuration(driver, engine, &taker->configuration);
    engine_close(engine);
    return IO_JOB_DONE;
}

/* ---- Life ---- */

static void start_job(struct snapshot_taker *taker, enum io_job_state (*step)(struct io_job *),
                      void (*done)(struct io_job *)) {
    taker->runs = true;
    taker->status = STATUS_OK;
    taker->job = (struct io_job){.pool = IO_POOL_READ, .priority = 1, .step = step, .done = done, .context = taker};
    io_job_start(taker->driver->io, &taker->job);
}

static void taker_free(struct snapshot_taker *taker) {
    io_file_close(taker->file);
    engine_close(taker->engine);
    snapshot_head_deinit(&taker->head);
    buf_deinit(&taker->arrived);
    buf_deinit(&taker->writing);
    buf_deinit(&taker->head_bytes);
    free(taker);
}

static void send_ack(struct raft_driver *driver, uint64_t to, const struct driver_ack *ack) {
    buf_clear(&driver->scratch);
    if (driver_ack_encode(&driver->scratch, ack) != STATUS_OK) return;
    struct slice part = buf_slice(&driver->scratch);
    enum status status = transport_send(driver->transport, to, TRANSPORT_CONTROL, &part, 1);
    if (status != STATUS_OK)
        log_debug(driver->log, "an answer to a snapshot is lost: %s", status_text(status)); /* it is asked for again */
}

static void acknowledge(struct snapshot_taker *taker, enum snapshot_answer answer) {
    struct driver_ack ack = {.stream = taker->stream, .offset = taker->written, .answer = answer};
    send_ack(taker->driver, taker->from, &ack);
}

/* The last word on a stream. It is kept, as it may be lost on its way, and said whenever a piece of the stream comes
 * again. */
static void answer_for_good(struct snapshot_taker *taker, enum snapshot_answer answer) {
    struct driver_ack ack = {.stream = taker->stream, .offset = taker->written, .answer = answer};
    taker->driver->answered_from = taker->from;
    taker->driver->answered = ack;
    send_ack(taker->driver, taker->from, &ack);
}

static bool was_answered(const struct raft_driver *driver, uint64_t from, const struct driver_chunk *chunk) {
    return driver->answered_from == from && driver->answered.stream == chunk->stream;
}

static enum io_job_state remove_step(struct io_job *job) {
    struct snapshot_taker *taker = job->context;
    io_file_close(taker->file);
    taker->file = NULL;
    driver_remove_dir(taker->driver->io, taker->driver->log, taker->dir);
    return IO_JOB_DONE;
}

static void removed(struct io_job *job) {
    struct snapshot_taker *taker = job->context;
    taker->driver->taker = NULL;
    taker_free(taker);
}

static void refuse(struct snapshot_taker *taker, const char *why) {
    log_warn(taker->driver->log, "a snapshot from node %" PRIu64 " is given up: %s", taker->from, why);
    taker->state = TAKER_REFUSED;
    answer_for_good(taker, SNAPSHOT_REFUSED);
    if (!taker->runs) start_job(taker, remove_step, removed);
}

/* After each job: false when it was given up or failed. */
static bool goes_on(struct snapshot_taker *taker) {
    taker->runs = false;
    taker->driver->wants_turn = true;
    if (taker->driver->closing) return false;
    if (taker->state == TAKER_REFUSED) {
        start_job(taker, remove_step, removed);
        return false;
    }
    if (taker->status == STATUS_OK) return true;
    refuse(taker, taker->error.text[0] != 0 ? taker->error.text : status_text(taker->status));
    return false;
}

static void verified(struct io_job *job) {
    struct snapshot_taker *taker = job->context;
    if (goes_on(taker)) taker->state = TAKER_VERIFIED;
}

static void pump(struct snapshot_taker *taker);

static void written(struct io_job *job) {
    struct snapshot_taker *taker = job->context;
    if (!goes_on(taker)) return;
    taker->written += taker->writing.size;
    buf_clear(&taker->writing);
    acknowledge(taker, SNAPSHOT_GOES_ON);
    pump(taker);
}

static void pump(struct snapshot_taker *taker) {
    if (taker->state != TAKER_RECEIVES || taker->runs) return;
    if (taker->arrived.size > 0) {
        struct buf arrived = taker->arrived;
        taker->arrived = taker->writing;
        taker->writing = arrived;
        buf_clear(&taker->arrived);
        start_job(taker, write_step, written);
    } else if (taker->written == taker->total) {
        taker->state = TAKER_VERIFIES;
        start_job(taker, verify_step, verified);
    }
}

/* ---- Chunks ---- */

static struct snapshot_taker *begin(struct raft_driver *driver, uint64_t from, const struct driver_chunk *chunk) {
    struct snapshot_taker *taker = calloc(1, sizeof *taker);
    if (taker == NULL) return NULL;
    taker->driver = driver;
    taker->from = from;
    taker->stream = chunk->stream;
    taker->total = chunk->total;
    taker->number = driver->superblock.engine_number + 1;
    check(driver_path(driver, "engine", taker->number, taker->dir) == STATUS_OK);
    driver->taker = taker;
    log_info(driver->log, "a snapshot of %" PRIu64 " bytes comes from node %" PRIu64, chunk->total, from);
    return taker;
}

/* The rest of a stream whose beginning went with a former life of this node: it is to be begun anew. */
static void refuse_unknown(struct raft_driver *driver, uint64_t from, const struct driver_chunk *chunk) {
    const struct driver_ack ack = {.stream = chunk->stream, .offset = 0, .answer = SNAPSHOT_REFUSED};
    driver->answered_from = from;
    driver->answered = ack;
    send_ack(driver, from, &ack);
}

void snapshot_take_chunk(struct raft_driver *driver, uint64_t from, struct slice payload) {
    struct driver_chunk chunk;
    if (driver_chunk_decode(payload, &chunk) != STATUS_OK) return;
    struct snapshot_taker *taker = driver->taker;
    if (was_answered(driver, from, &chunk)) {
        send_ack(driver, from, &driver->answered);
        return;
    }
    if (taker == NULL) {
        if (from != driver->leader) return;
        if (chunk.offset != 0) {
            refuse_unknown(driver, from, &chunk);
            return;
        }
        if (chunk.bytes.size == 0) return;
        taker = begin(driver, from, &chunk);
        if (taker == NULL) return;
    }
    if (taker->stream != chunk.stream || taker->from != from || taker->total != chunk.total) {
        bool may_go = taker->state == TAKER_RECEIVES && from == driver->leader;
        if (may_go) refuse(taker, "another one begins"); /* which will be sent again */
        return;
    }
    taker->heard_ns = driver_now(driver);
    if (taker->state == TAKER_REFUSED) return;
    uint64_t expected = taker->written + (taker->runs && taker->state == TAKER_RECEIVES ? taker->writing.size : 0) +
                        taker->arrived.size;
    bool fits = chunk.offset == expected && taker->arrived.size + chunk.bytes.size <= BUFFERED_MAX_BYTES;
    if (taker->state == TAKER_RECEIVES && fits && chunk.bytes.size > 0) {
        if (buf_append_slice(&taker->arrived, chunk.bytes) != STATUS_OK) return; /* it comes again */
        pump(taker);
    } else {
        acknowledge(taker, SNAPSHOT_GOES_ON);
    }
}

/* ---- To the core, and into its place ---- */

static void tell_core(struct snapshot_taker *taker) {
    struct raft_driver *driver = taker->driver;
    struct raft_message message = {
        .kind = RAFT_SNAPSHOT,
        .from = taker->from,
        .to = driver->identity.node_id,
        .term = driver->term,
        .index = taker->index,
        .log_term = taker->term,
        .configuration = &taker->configuration,
    };
    if (driver->leader != taker->from) {
        refuse(taker, "its sender does not lead any more");
        return;
    }
    struct raft_event event = {.kind = RAFT_EVENT_MESSAGE, .message = &message};
    enum status status = driver_step(driver, &event, 0, NULL);
    if (status != STATUS_OK || !driver->install_taken) {
        refuse(taker, "the log has caught up without it");
        return;
    }
    taker->state = TAKER_WAITS;
    driver->installing = true; /* what was committed below is in the snapshot */
    raft_log_restart(driver->raft_log, taker->index, taker->term);
    answer_for_good(taker, SNAPSHOT_TAKEN);
}

static enum io_job_state open_step(struct io_job *job) {
    struct snapshot_taker *taker = job->context;
    taker->status = driver_open_engine(taker->driver, taker->number, true, false, &taker->engine, &taker->error);
    return IO_JOB_DONE;
}

static void opened(struct io_job *job) {
    struct snapshot_taker *taker = job->context;
    struct raft_driver *driver = taker->driver;
    taker->runs = false;
    driver->wants_turn = true;
    if (driver->closing) return;
    if (taker->status == STATUS_OK)
        taker->state = TAKER_OPENED;
    else
        driver_fail(driver, taker->status,
                    taker->error.text[0] != 0 ? taker->error.text : "opening a received snapshot failed");
}

void snapshot_take_install(struct raft_driver *driver) {
    struct snapshot_taker *taker = driver->taker;
    check(taker != NULL && taker->state >= TAKER_WAITS);
    bool quiet = raft_log_is_idle(driver->raft_log) && driver->engine_pins == 0 && !driver->prefetching &&
                 !driver->superblock_writing;
    if (taker->runs || !quiet) return;
    if (taker->state == TAKER_WAITS) {
        taker->state = TAKER_OPENS;
        start_job(taker, open_step, opened);
    } else if (taker->state == TAKER_OPENED) {
        taker->state = TAKER_SWITCHES;
        driver->superblock.engine_number = taker->number;
        driver->superblock.log_from = raft_log_place(driver->raft_log);
        driver->superblock.log_start = taker->index;
        driver->superblock.log_start_term = taker->term;
        persist_write_superblock(driver);
    }
}

bool snapshot_take_is_switching(const struct raft_driver *driver) {
    return driver->taker != NULL && driver->taker->state == TAKER_SWITCHES;
}

static enum io_job_state bury_step(struct io_job *job) {
    struct snapshot_taker *taker = job->context;
    engine_close(taker->engine); /* the old one */
    taker->engine = NULL;
    driver_remove_dir(taker->driver->io, taker->driver->log, taker->dir);
    return IO_JOB_DONE;
}

void snapshot_take_switched(struct raft_driver *driver) {
    struct snapshot_taker *taker = driver->taker;
    struct engine *old = driver->engine;
    uint64_t commit = driver->commit;
    check(driver->engine_pins == 0); /* none came since snapshot_take_install looked */
    driver->engine = taker->engine;
    taker->engine = old;
    check(driver_path(driver, "engine", taker->number - 1, taker->dir) == STATUS_OK);
    raft_log_forget(driver->raft_log, driver->superblock.log_from);
    struct error error;
    enum status status = apply_load_state(driver, driver->engine, &error);
    if (status == STATUS_OK) status = witness_forget_data(driver);
    if (status == STATUS_OK) status = apply_restore_machines(driver, &error);
    if (status != STATUS_OK) {
        driver_fail(driver, status, error.text);
        return;
    }
    if (commit > driver->commit) driver->commit = commit;
    driver->installing = false;
    driver->counts.snapshots_installed++;
    log_info(driver->log, "snapshot %" PRIu64 " from node %" PRIu64 " is installed", taker->index, taker->from);
    requests_check_session(driver);
    persist_installed(driver);
    taker->state = TAKER_ENDED;
    start_job(taker, bury_step, removed);
}

void snapshot_take_turn(struct raft_driver *driver) {
    struct snapshot_taker *taker = driver->taker;
    if (taker == NULL) return;
    if (taker->state == TAKER_VERIFIED) tell_core(taker);
    bool abandoned =
        taker->state == TAKER_RECEIVES && driver_now(driver) - taker->heard_ns > (uint64_t)ABANDON_MS * MS_NS;
    if (abandoned) refuse(taker, "nothing comes any more");
}

void snapshot_take_deinit(struct raft_driver *driver) {
    while (driver->taker != NULL && driver->taker->runs) {
        if (!io_job_assist(driver->io)) io_sleep(driver->io, MS_NS);
        io_run(driver->io, 0);
    }
    if (driver->taker != NULL) taker_free(driver->taker);
    driver->taker = NULL;
}
