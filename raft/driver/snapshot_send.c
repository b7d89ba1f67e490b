/*
 * snapshot_send: the store as one stream to a node that the log can't reach any more (dissertation 5.3). A job makes a
 * checkpoint of the last installed flush (hard links), further jobs read it piece by piece; at most WINDOW_BYTES are
 * under way, and no more than the rate allows. Frames may be lost, and connections: the receiver says how far it has
 * it, and after a silence the stream goes on from there; a receiver that does not know it any more refuses it. Bytes of
 * the stream: raft/message/FORMAT.md.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "raft/driver/snapshot_stream.h"

enum { WINDOW_BYTES = 1 << 20, RESEND_MS = 400, GIVE_UP_MS = 30000, FLUSH_AGAIN_MS = 100 };

enum sender_state { SENDER_FLUSH, SENDER_CHECKPOINT, SENDER_STREAM, SENDER_ENDED };

struct snapshot_sender {
    struct raft_driver *driver;
    uint64_t peer, stream;
    enum sender_state state;
    char dir[IO_PATH_BYTES];
    struct snapshot_head head;
    struct buf head_bytes;
    uint64_t total;
    uint64_t sent, acked;
    uint64_t progress_ns, sent_ns, allowed_ns; /* allowed: the rate lets the next piece go */
    bool cancelled;

    /* the job's */
    struct io_job job;
    bool runs;
    enum status status;
    struct error error;
    uint64_t offset;
    uint8_t *piece; /* owned, SNAPSHOT_PIECE_BYTES */
    size_t piece_size;
    struct io_file *file; /* of number file_number */
    uint32_t file_number;
};

static struct snapshot_sender **place_of(struct raft_driver *driver, uint64_t peer) {
    for (size_t i = 0; i < RAFT_NODES_MAX; i++)
        if (driver->senders[i] != NULL && driver->senders[i]->peer == peer) return &driver->senders[i];
    return NULL;
}

static struct snapshot_sender **free_place(struct raft_driver *driver) {
    for (size_t i = 0; i < RAFT_NODES_MAX; i++)
        if (driver->senders[i] == NULL) return &driver->senders[i];
    return NULL;
}

/* ---- Jobs ---- */

static enum status note_file(void *context, const struct io_entry *entry) {
    struct snapshot_sender *sender = context;
    if (entry->kind != IO_ENTRY_FILE) return STATUS_UNSUPPORTED;
    return snapshot_head_add(&sender->head, entry->name, entry->size);
}

static enum io_job_state checkpoint_step(struct io_job *job) {
    struct snapshot_sender *sender = job->context;
    struct raft_driver *driver = sender->driver;
    struct engine_mark mark = {0};
    sender->status = engine_checkpoint(driver->engine, sender->dir, &mark, &sender->error);
    sender->head.index = mark.index;
    sender->head.term = mark.term;
    if (sender->status == STATUS_OK) sender->status = io_dir_list(driver->io, sender->dir, note_file, sender);
    if (sender->status == STATUS_OK) sender->status = snapshot_head_encode(&sender->head_bytes, &sender->head);
    sender->total = sender->head_bytes.size;
    for (uint32_t i = 0; i < sender->head.file_count; i++) sender->total += sender->head.files[i].size;
    return IO_JOB_DONE;
}

static enum status open_numbered(struct snapshot_sender *sender, uint32_t number) {
    if (sender->file != NULL && sender->file_number == number) return STATUS_OK;
    char path[IO_PATH_BYTES];
    io_file_close(sender->file);
    sender->file = NULL;
    enum status status = snapshot_file_path(sender->dir, sender->head.files[number].name, path);
    if (status == STATUS_OK) status = io_file_open(sender->driver->io, path, IO_OPEN_READ, &sender->file);
    sender->file_number = number;
    return status;
}

/* The piece of the stream at sender->offset: it ends with its file at the latest. */
static enum status read_piece(struct snapshot_sender *sender) {
    uint64_t offset = sender->offset;
    if (offset < sender->head_bytes.size) {
        uint64_t left = sender->head_bytes.size - offset;
        sender->piece_size = left < SNAPSHOT_PIECE_BYTES ? (size_t)left : SNAPSHOT_PIECE_BYTES;
        memcpy(sender->piece, sender->head_bytes.data + offset, sender->piece_size);
        return STATUS_OK;
    }
    offset -= sender->head_bytes.size;
    uint32_t number = 0;
    while (offset >= sender->head.files[number].size) offset -= sender->head.files[number++].size;
    uint64_t left = sender->head.files[number].size - offset;
    size_t size = left < SNAPSHOT_PIECE_BYTES ? (size_t)left : SNAPSHOT_PIECE_BYTES;
    enum status status = open_numbered(sender, number);
    if (status == STATUS_OK) status = io_file_read(sender->file, offset, sender->piece, size, &sender->piece_size);
    return status == STATUS_OK && sender->piece_size < size ? STATUS_CORRUPT : status;
}

static enum io_job_state piece_step(struct io_job *job) {
    struct snapshot_sender *sender = job->context;
    sender->status = read_piece(sender);
    return IO_JOB_DONE;
}

static enum io_job_state remove_step(struct io_job *job) {
    struct snapshot_sender *sender = job->context;
    io_file_close(sender->file);
    sender->file = NULL;
    driver_remove_dir(sender->driver->io, sender->driver->log, sender->dir);
    return IO_JOB_DONE;
}

static void start_job(struct snapshot_sender *sender, enum io_job_state (*step)(struct io_job *),
                      void (*done)(struct io_job *)) {
    sender->runs = true;
    sender->job = (struct io_job){.pool = IO_POOL_READ, .priority = 1, .step = step, .done = done, .context = sender};
    io_job_start(sender->driver->io, &sender->job);
}

static void sender_free(struct snapshot_sender *sender) {
    io_file_close(sender->file);
    snapshot_head_deinit(&sender->head);
    buf_deinit(&sender->head_bytes);
    free(sender->piece);
    free(sender);
}

/* ---- The end ---- */

static void removed(struct io_job *job) {
    struct snapshot_sender *sender = job->context;
    struct snapshot_sender **place = place_of(sender->driver, sender->peer);
    *place = NULL;
    sender->driver->sender_count--;
    sender_free(sender);
}

static void end(struct snapshot_sender *sender, bool ok, const char *why) {
    struct raft_driver *driver = sender->driver;
    if (sender->state == SENDER_ENDED) return;
    sender->state = SENDER_ENDED;
    if (ok) driver->counts.snapshots_sent++;
    log_info(driver->log, "snapshot %" PRIu64 " to node %" PRIu64 ": %s at %" PRIu64 " of %" PRIu64 " bytes%s%s",
             sender->head.index, sender->peer, ok ? "taken" : "given up", sender->acked, sender->total, ok ? "" : ": ",
             ok ? "" : why);
    struct raft_event event = {.kind = RAFT_EVENT_SNAPSHOT_REPORT,
                               .report = {.peer = sender->peer, .index = sender->head.index, .ok = ok}};
    if (driver_step(driver, &event, 0, NULL) != STATUS_OK)
        log_warn(driver->log, "the core does not take the report of a snapshot");
    if (!sender->runs) start_job(sender, remove_step, removed);
}

/* After each job: false when the sender has ended meanwhile, and goes. */
static bool goes_on(struct snapshot_sender *sender) {
    sender->runs = false;
    sender->driver->wants_turn = true;
    if (sender->driver->closing) return false;
    if (sender->state == SENDER_ENDED) {
        start_job(sender, remove_step, removed);
        return false;
    }
    if (sender->status == STATUS_OK) return true;
    end(sender, false, sender->error.text[0] != 0 ? sender->error.text : status_text(sender->status));
    return false;
}

static void checkpoint_done(struct io_job *job) {
    struct snapshot_sender *sender = job->context;
    if (!goes_on(sender)) return;
    if (sender->head.index < raft_log_start(sender->driver->raft_log)) {
        end(sender, false, "the log has moved on");
        return;
    }
    sender->state = SENDER_STREAM;
    sender->progress_ns = driver_now(sender->driver);
}

/* ---- The stream ---- */

static void send_piece(struct snapshot_sender *sender, struct slice bytes) {
    struct raft_driver *driver = sender->driver;
    struct driver_chunk chunk = {.stream = sender->stream, .offset = sender->sent, .total = sender->total};
    buf_clear(&driver->scratch);
    if (driver_chunk_encode(&driver->scratch, &chunk) != STATUS_OK) return;
    struct slice parts[2] = {buf_slice(&driver->scratch), bytes};
    if (transport_send(driver->transport, sender->peer, TRANSPORT_BULK, parts, 2) != STATUS_OK) return;
    sender->sent += bytes.size;
    sender->sent_ns = driver_now(driver);
    sender->allowed_ns = sender->sent_ns + (uint64_t)bytes.size * 1000000000u / driver->options.snapshot_rate_bytes;
}

static void piece_done(struct io_job *job) {
    struct snapshot_sender *sender = job->context;
    if (!goes_on(sender)) return;
    if (sender->offset == sender->sent) send_piece(sender, slice_make(sender->piece, sender->piece_size));
}

static void stream(struct snapshot_sender *sender) {
    struct raft_driver *driver = sender->driver;
    uint64_t now = driver_now(driver);
    if (now - sender->progress_ns > (uint64_t)GIVE_UP_MS * MS_NS) {
        end(sender, false, "no answer for too long");
        return;
    }
    if (driver->role != RAFT_LEADER) {
        end(sender, false, "this node does not lead any more");
        return;
    }
    if (sender->runs || now < sender->allowed_ns) return;
    bool silent = now - sender->sent_ns > (uint64_t)RESEND_MS * MS_NS;
    if (silent && sender->sent > sender->acked) sender->sent = sender->acked;
    if (sender->sent == sender->total) {
        if (silent) send_piece(sender, slice_make(NULL, 0)); /* asks how it stands */
        return;
    }
    if (sender->sent - sender->acked >= WINDOW_BYTES) return;
    sender->offset = sender->sent;
    start_job(sender, piece_step, piece_done);
}

/*
 * A checkpoint is of the last installed flush. One from before the members' last change would leave the receiver with a
 * configuration that does not name it, and without the others' addresses: so what told of them is flushed first.
 */
static void flush_first(struct snapshot_sender *sender) {
    struct raft_driver *driver = sender->driver;
    const uint64_t now = driver_now(driver);
    if (engine_installed(driver->engine).index >= driver->members.told_index) {
        sender->state = SENDER_CHECKPOINT;
        start_job(sender, checkpoint_step, checkpoint_done);
        return;
    }
    if (driver->role != RAFT_LEADER || now - sender->progress_ns > (uint64_t)GIVE_UP_MS * MS_NS) {
        end(sender, false, driver->role != RAFT_LEADER ? "this node does not lead any more" : "no flush in time");
        return;
    }
    if (now - sender->sent_ns < (uint64_t)FLUSH_AGAIN_MS * MS_NS) return;
    sender->sent_ns = now;
    enum status status = raft_driver_flush_start(driver);
    if (status != STATUS_OK && status != STATUS_BUSY) end(sender, false, status_text(status));
}

void snapshot_send_turn(struct raft_driver *driver) {
    for (size_t i = 0; i < RAFT_NODES_MAX && driver->sender_count > 0; i++) {
        struct snapshot_sender *sender = driver->senders[i];
        if (sender != NULL && sender->state == SENDER_FLUSH) flush_first(sender);
        if (sender != NULL && sender->state == SENDER_STREAM) stream(sender);
    }
}

void snapshot_send_take_ack(struct raft_driver *driver, uint64_t from, struct slice payload) {
    struct snapshot_sender **place = place_of(driver, from);
    struct driver_ack ack;
    if (place == NULL || *place == NULL || driver_ack_decode(payload, &ack) != STATUS_OK) return;
    struct snapshot_sender *sender = *place;
    if (sender->state != SENDER_STREAM || ack.stream != sender->stream || ack.offset > sender->total) return;
    if (ack.answer == SNAPSHOT_TAKEN || ack.answer == SNAPSHOT_REFUSED) {
        end(sender, ack.answer == SNAPSHOT_TAKEN, "refused");
        return;
    }
    sender->progress_ns = driver_now(driver); /* also while it verifies what it has */
    if (ack.offset > sender->acked) sender->acked = ack.offset;
    if (sender->sent < sender->acked) sender->sent = sender->acked;
}

void snapshot_send_start(struct raft_driver *driver, uint64_t peer) {
    struct snapshot_sender **place = place_of(driver, peer) == NULL ? free_place(driver) : NULL;
    struct snapshot_sender *sender = NULL;
    uint8_t *piece = NULL;
    if (place != NULL) {
        sender = calloc(1, sizeof *sender);
        piece = malloc(SNAPSHOT_PIECE_BYTES);
    }
    if (sender == NULL || piece == NULL) {
        free(sender);
        free(piece);
        struct raft_event event = {.kind = RAFT_EVENT_SNAPSHOT_REPORT, .report = {.peer = peer, .ok = false}};
        if (driver_step(driver, &event, 0, NULL) != STATUS_OK)
            log_warn(driver->log, "the core does not take the report of a snapshot");
        return;
    }
    sender->driver = driver;
    sender->peer = peer;
    sender->piece = piece;
    sender->stream = prng_next(&driver->prng);
    sender->progress_ns = driver_now(driver);
    *place = sender;
    driver->sender_count++;
    check(driver_path(driver, "outgoing", ++driver->snapshot_counter, sender->dir) == STATUS_OK);
    flush_first(sender);
}

void snapshot_send_link_down(struct raft_driver *driver, uint64_t peer) {
    struct snapshot_sender **place = place_of(driver, peer);
    if (place == NULL || (*place)->state != SENDER_STREAM) return;
    (*place)->sent = (*place)->acked; /* what was under way is lost; the rest goes on over the next connection */
}

uint64_t snapshot_send_needs(const struct raft_driver *driver) {
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < RAFT_NODES_MAX; i++) {
        const struct snapshot_sender *sender = driver->senders[i];
        if (sender != NULL && sender->state == SENDER_STREAM && sender->head.index < least) least = sender->head.index;
    }
    return least;
}

void snapshot_send_deinit(struct raft_driver *driver) {
    for (size_t i = 0; i < RAFT_NODES_MAX; i++) {
        while (driver->senders[i] != NULL && driver->senders[i]->runs) {
            if (!io_job_assist(driver->io)) io_sleep(driver->io, MS_NS);
            io_run(driver->io, 0);
        }
        if (driver->senders[i] == NULL) continue;
        sender_free(driver->senders[i]); /* the directory goes at the next start */
        driver->senders[i] = NULL;
        driver->sender_count--;
    }
}
