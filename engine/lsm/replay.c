/*
 * replay: see the header. Batches come in the order of the log and are set aside entry by entry (memtable/load.h);
 * their entries are linked once the memtable is full, or the log is at its end.
 *
 * Invariant: what is published is linked. A batch counts (engine->applied, engine->last_sequence) with its last entry,
 * linked or not; a batch that can't be taken whole ends the opening, and its memtable with it.
 */
#include "engine/lsm/replay.h"

#include <inttypes.h>

#include "engine/base/check.h"
#include "engine/io/job_wait.h"
#include "engine/lsm/apply.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/team.h"
#include "engine/memtable/load.h"

enum {
    SPARE_SEGMENTS_MIN = 2,
    SPARE_SEGMENTS_MAX = 32,
    COUNT_STEP_BYTES = 256 << 10, /* of growth between two looks at the budget */
};

/* The manifest of this life, which is begun beside the reading: it waits for the device, the reading for processors. */
struct roll {
    struct manifest_roll parts;
    bool begun;         /* and not ended yet */
    enum status status; /* once it was ended */
    bool runs;          /* mutex: the job, whose last act is to say that it has ended */
    struct mutex mutex;
    struct condition ended;
    struct io_job job;
};

struct replay {
    struct engine *engine;
    const struct recovered *recovered;
    struct error *error;
    struct roll roll;
    bool orphans_are_gone;
    struct memtable_load load; /* of the active memtable */
    size_t counted;            /* its bytes when the budget was last told */
};

/* ---- The manifest ------------------------------------------------------------------------------------------------ */

static enum io_job_state roll_step(struct io_job *job) {
    struct replay *replay = job->context;
    struct roll *roll = &replay->roll;
    store_roll_write(replay->engine, &roll->parts);
    mutex_lock(&roll->mutex);
    roll->runs = false;
    condition_broadcast(&roll->ended);
    mutex_unlock(&roll->mutex);
    return IO_JOB_DONE;
}

static void begin_roll(struct replay *replay) {
    struct roll *roll = &replay->roll;
    store_roll_begin(replay->engine, &roll->parts);
    roll->begun = roll->runs = true;
    roll->job = (struct io_job){.pool = IO_POOL_COMPACTION, .step = roll_step, .context = replay};
    mutex_init(&roll->mutex);
    condition_init(&roll->ended);
    io_job_start(replay->engine->io, &roll->job);
}

static enum status remove_orphans(struct replay *replay) {
    if (replay->orphans_are_gone) return STATUS_OK;
    replay->orphans_are_gone = true;
    return store_remove_orphans(replay->engine, replay->recovered);
}

/* If it was written, it counts from here on. */
static void end_roll(struct replay *replay) {
    struct roll *roll = &replay->roll;
    if (!roll->begun) return;
    mutex_lock(&roll->mutex);
    io_job_wait_while(replay->engine->io, &roll->runs, &roll->mutex, &roll->ended);
    mutex_unlock(&roll->mutex);
    condition_deinit(&roll->ended);
    mutex_deinit(&roll->mutex);
    roll->begun = false;
    roll->status = store_roll_end(replay->engine, &roll->parts);
}

/* Before the first file is installed, and before the log is changed. Orphans may take the room that the manifest needs.
 */
static enum status need_manifest(void *context) {
    struct replay *replay = context;
    struct engine *engine = replay->engine;
    end_roll(replay);
    enum status status = replay->roll.status;
    if (status == STATUS_NO_SPACE) {
        status = remove_orphans(replay);
        if (status == STATUS_OK) status = store_roll_manifest(engine);
        replay->roll.status = status;
    }
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(replay->error, status, "%s: can't be prepared: %s", engine->dir, status_text(status));
}

/* ---- One memtable ------------------------------------------------------------------------------------------------ */

static void begin_load(struct replay *replay) {
    memtable_load_begin(&replay->load, replay->engine->active->table);
    replay->counted = 0;
}

static void note_growth(struct replay *replay) {
    const size_t bytes = memtable_bytes(replay->load.memtable);
    if (bytes < replay->counted + COUNT_STEP_BYTES) return;
    replay->counted = bytes;
    budget_note_write(replay->engine);
}

static void run_team(void *user, size_t count, enum status (*work)(void *context, size_t at), void *context) {
    struct engine *engine = user;
    const enum status status = team_run(engine->io, IO_POOL_READ, count, work, context);
    check(status == STATUS_OK);
}

/* What was replayed so far is linked, and shown. */
static enum status link_and_show(struct replay *replay) {
    struct engine *engine = replay->engine;
    const struct memtable_load_team team = {.run = run_team, .user = engine};
    const enum status status = memtable_load_link(&replay->load, &team);
    if (status != STATUS_OK) return status;
    budget_note_write(engine);
    lead_mark_store(&engine->shown, engine->last_sequence, &engine->applied);
    atomic_store_explicit(&engine->log_time_ms, engine->applied.time_ms, memory_order_relaxed); /* published below */
    atomic_store_explicit(&engine->sequence, engine->last_sequence, memory_order_release);
    return STATUS_OK;
}

static enum status flush_active(struct replay *replay) {
    struct engine *engine = replay->engine;
    enum status status = need_manifest(replay);
    if (status == STATUS_OK) status = remove_orphans(replay);
    if (status != STATUS_OK) return status;
    memtable_load_end(&replay->load);
    mutex_lock(&engine->mutex);
    status = store_seal(engine);
    while (status == STATUS_OK && engine->sealed_count > 0 && !store_has_failed(engine)) store_wait(engine);
    mutex_unlock(&engine->mutex);
    begin_load(replay);
    return status == STATUS_OK && store_has_failed(engine) ? STATUS_IO : status;
}

/* A full memtable is flushed at once, so that a long log needs no more memory than a short one. */
static enum status make_room(struct replay *replay) {
    const size_t most = replay->engine->options.memtable_bytes;
    if (memtable_load_bytes(&replay->load) < most) return STATUS_OK;
    const enum status status = link_and_show(replay);
    if (status != STATUS_OK || memtable_bytes(replay->load.memtable) < most) return status;
    return flush_active(replay);
}

/* ---- One batch --------------------------------------------------------------------------------------------------- */

static enum status load_operations(struct replay *replay, struct slice operations, const struct batch_header *header) {
    struct batch_reader reader;
    struct batch_operation operation;
    uint64_t sequence = header->first_sequence;
    batch_reader_init(&reader, operations, header->count);
    enum status status;
    while ((status = batch_reader_next(&reader, &operation)) == STATUS_OK) {
        const struct tree *tree;
        status = store_admit_operation(replay->engine, &operation, sequence, &tree);
        if (status == STATUS_OK && tree)
            status = memtable_load_add(&replay->load, tree->instance, batch_entry_kind(operation.kind), sequence,
                                       operation.key, operation.value);
        if (status != STATUS_OK) return status;
        sequence++;
    }
    note_growth(replay);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status replay_record(void *context, const struct wal_record *record) {
    struct replay *replay = context;
    struct engine *engine = replay->engine;
    struct batch_header header;
    struct slice operations;
    enum status status = batch_header_decode(record->payload, &header, &operations);
    if (status != STATUS_OK)
        return error_set(replay->error, status, "log record at %" PRIx64 ": malformed", record->lsn);
    if (header.mark.index <= engine->installed.index) return STATUS_OK; /* is in a file */
    if (header.mark.index != engine->applied.index + 1 || header.first_sequence != engine->last_sequence + 1)
        return error_set(replay->error, STATUS_CORRUPT,
                         "log record at %" PRIx64 ": batch %" PRIu64 " follows batch %" PRIu64, record->lsn,
                         header.mark.index, engine->applied.index);
    engine->log_end = record->lsn; /* what is sealed now ends before this record */
    engine->seen_lsn = record->lsn;
    if (!engine->options.read_only) status = make_room(replay);
    if (status == STATUS_OK) status = load_operations(replay, operations, &header);
    if (status != STATUS_OK)
        return error_set(replay->error, status, "log record at %" PRIx64 ": %s", record->lsn, status_text(status));
    engine->last_sequence += header.count;
    engine->active->batches++;
    engine->applied = header.mark;
    return STATUS_OK;
}

/* ---- The log ----------------------------------------------------------------------------------------------------- */

/* What a flush or two drop at a time. A segment that is used again at once costs the device nothing as long as its
 * pages wait in the system's cache. */
static unsigned spare_segments(const struct engine *engine) {
    const uint64_t count = 2 * (uint64_t)engine->options.memtable_bytes / engine->options.wal_segment_bytes;
    return count < SPARE_SEGMENTS_MIN ? SPARE_SEGMENTS_MIN
                                      : (unsigned)(count < SPARE_SEGMENTS_MAX ? count : SPARE_SEGMENTS_MAX);
}

enum status store_read_log(struct engine *engine, uint64_t from_lsn,
                           enum status (*visit)(void *context, const struct wal_record *record),
                           enum status (*before_change)(void *context), void *context, struct error *error) {
    char dir[IO_PATH_BYTES];
    struct wal_recovery recovery;
    const struct wal_options options = {.owner = engine->store,
                                        .segment_bytes = engine->options.wal_segment_bytes,
                                        .log = engine->options.read_only ? NULL : engine->log, /* beside a writer a
                                                                  log may look faulty for a moment: *error tells */
                                        .recycle_segments = spare_segments(engine),
                                        .compact = store_allows(engine, FORMAT_COMPACT_LOG),
                                        .loose = store_allows(engine, FORMAT_LOOSE_LOG),
                                        .read_only = engine->options.read_only,
                                        .from_lsn = from_lsn,
                                        .before_change = before_change};
    const size_t length = strlen(engine->dir);
    if (length + sizeof "/" FILE_NAME_LOG_DIR > sizeof dir) return STATUS_TOO_LARGE;
    memcpy(dir, engine->dir, length);
    memcpy(dir + length, "/" FILE_NAME_LOG_DIR, sizeof "/" FILE_NAME_LOG_DIR);
    return wal_open(engine->io, dir, &options, visit, context, &engine->wal, &recovery, error);
}

enum status store_replay_log(struct engine *engine, const struct recovered *recovered, struct error *error) {
    struct replay replay = {.engine = engine, .recovered = recovered, .error = error};
    const bool leads = lead_try_alone(&engine->lead); /* flushes of what is replayed leave the memtable alone */
    check(leads);
    if (!engine->options.read_only) begin_roll(&replay);
    begin_load(&replay);
    enum status status = store_read_log(engine, 0, replay_record, need_manifest, &replay, error);
    if (status == STATUS_OK) {
        status = link_and_show(&replay);
        if (status != STATUS_OK) error_set(error, status, "%s: %s", engine->dir, status_text(status));
    }
    memtable_load_end(&replay.load);
    end_roll(&replay);
    if (status == STATUS_OK && !engine->options.read_only) {
        status = remove_orphans(&replay);
        if (status != STATUS_OK) error_set(error, status, "%s: %s", engine->dir, status_text(status));
    }
    mutex_lock(&engine->mutex);
    if (engine->wal) engine->log_end = wal_end(engine->wal);
    if (status == STATUS_OK && !engine->options.read_only)
        store_end_lead(engine);
    else
        atomic_store(&engine->lead.state, LEAD_FREE);
    mutex_unlock(&engine->mutex);
    return status;
}
