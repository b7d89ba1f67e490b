/*
 * write: the commit queue. A lone writer takes the lead (lead.h) without a lock; else writers queue up, and the first
 * leads for a group: it applies the batches to the memtable, writes the own log, and publishes the last sequence, so
 * that readers see each batch as a whole or not at all.
 *
 * Invariant: what is in the memtable above the published sequence belongs to the present group; a batch that fails is
 * taken back before the next one is applied, and its sequences are given out again. A failed log commit ends all
 * writing: the group stays unpublished for good.
 */
#include <inttypes.h>

#include "engine/base/check.h"
#include "engine/lsm/apply.h"
#include "engine/lsm/store.h"

enum {
    GROUP_MAX_BYTES = 1 << 20, /* of operations in one commit */
    GROUP_MAX_BATCHES = 256,
    LOG_RECORD_BATCH = 1,       /* type of a record in the own log */
    PACE_STEP_BYTES = 64 << 10, /* of growth between two looks at the pressure */
    WAKES = 2,                  /* writers that each one wakes when their group is done */
};

struct writer {
    struct list link;
    struct engine_batch *batch;
    bool sync;
    bool amends;                       /* stands at the mark of the one before it */
    bool seals;                        /* the memtable ends with it: alone in its group */
    enum status (*act)(void *context); /* instead of a batch: store_lead_alone */
    void *context;
    const struct store_check *check; /* asked before the batch is applied; NULL = none */
    bool done;                       /* else who is woken has the lead */
    enum status status;
    struct semaphore wake;       /* what its owner waits on */
    struct writer *wakes[WAKES]; /* once it is done: those that it wakes in turn; NULL = nobody */

    /* Leader: where the batch stands, so that it can be taken back. */
    uint64_t lsn;
    uint64_t first; /* sequence */
    struct engine_mark before;
};

/* ---- The leader's work ------------------------------------------------------------------------------------------- */

struct group {
    struct writer *writers[GROUP_MAX_BATCHES];
    uint32_t count;
    bool sync;
    struct engine_mark mark;
    uint64_t user_bytes;
    uint64_t commit_ns; /* sync: what the log's commit took */
    enum status failed; /* not OK: of the log, for good; nothing of the group will be shown */
};

static bool stands_alone(const struct writer *writer) {
    return writer->seals || writer->act;
}

/* REQUIRES: mutex. The writers that go together: the first, and those behind it that fit and do not ask for a sync that
 * it didn't. */
static void gather_group(struct engine *engine, struct group *group) {
    size_t bytes = 0;
    group->count = 0;
    group->user_bytes = 0;
    group->commit_ns = 0;
    group->failed = STATUS_OK;
    group->sync = list_entry(engine->writers.next, struct writer, link)->sync;
    for (struct list *at = engine->writers.next; at != &engine->writers && group->count < GROUP_MAX_BATCHES;
         at = at->next) {
        struct writer *writer = list_entry(at, struct writer, link);
        bytes += writer->batch->operations.size;
        if (group->count > 0 && (bytes > GROUP_MAX_BYTES || (writer->sync && !group->sync) || stands_alone(writer)))
            break;
        group->writers[group->count++] = writer;
        if (stands_alone(writer)) break;
    }
}

/* The mark of a batch: the owner's, or with the own log the next index. INVALID when it does not grow. */
static enum status next_mark(struct engine *engine, const struct engine_batch *batch, const struct engine_mark *before,
                             struct engine_mark *mark) {
    *mark = batch->mark;
    if (!engine->wal) return mark->index > before->index ? STATUS_OK : STATUS_INVALID;
    mark->index = before->index + 1;
    mark->term = 0;
    if (mark->time_ms == 0) mark->time_ms = io_clock_ms(engine->io);
    if (mark->time_ms < before->time_ms) mark->time_ms = before->time_ms;
    return STATUS_OK;
}

static void fail_log(struct engine *engine, struct group *group, enum status status) {
    group->failed = status;
    store_fail(engine, status, "commit of the log failed (%s); batches of this group may or may not come back",
               status_text(status));
}

/* With sync, what commit_log makes durable for the whole group; without, it is written here and now. */
static enum status append_to_log(struct engine *engine, const struct engine_batch *batch, struct group *group,
                                 const struct engine_mark *mark, uint64_t *lsn) {
    uint8_t bytes[BATCH_HEADER_MAX_BYTES];
    const struct batch_header header = {
        .first_sequence = engine->last_sequence + 1, .count = batch->count, .mark = *mark};
    const size_t size = batch_header_encode(&header, store_allows(engine, FORMAT_COMPACT_LOG), bytes);
    const struct slice parts[2] = {slice_make(bytes, size), buf_slice(&batch->operations)};
    if (group->sync) return wal_append(engine->wal, LOG_RECORD_BATCH, parts, 2, lsn);
    const enum status status = wal_put(engine->wal, LOG_RECORD_BATCH, parts, 2, lsn);
    if (status == STATUS_OK || status == STATUS_TOO_LARGE || status == STATUS_BUSY) return status;
    if (status == STATUS_NO_SPACE || status == STATUS_NO_MEMORY) {
        wal_discard(engine->wal);
        if (status == STATUS_NO_SPACE) pace_note_full(engine, engine->options.wal_segment_bytes);
        store_note_error(engine, status, "the log can't grow: %s", status_text(status));
    } else {
        fail_log(engine, group, status);
    }
    return status;
}

static enum status commit_one(struct engine *engine, struct group *group, struct writer *writer,
                              const struct view *view) {
    struct engine_mark mark = group->mark;
    const struct engine_batch *batch = writer->batch;
    const struct slice operations = buf_slice(&batch->operations);
    enum status status = writer->amends ? STATUS_OK : next_mark(engine, batch, &group->mark, &mark);
    if (status == STATUS_OK && writer->check) status = writer->check->ask(writer->check->context, view);
    if (status == STATUS_OK) status = store_apply(engine, operations, batch->count, engine->last_sequence + 1);
    if (status != STATUS_OK) return status == STATUS_CORRUPT ? STATUS_INVALID : status;
    writer->first = engine->last_sequence + 1;
    writer->before = group->mark;
    if (engine->wal) status = append_to_log(engine, batch, group, &mark, &writer->lsn);
    if (group->failed != STATUS_OK) return status; /* it may come back, and stays where nobody looks */
    if (status != STATUS_OK) {
        store_undo(engine, operations, batch->count, engine->last_sequence + 1);
        return status;
    }
    engine->last_sequence += batch->count;
    engine->active->batches++;
    group->mark = mark;
    group->user_bytes += batch->operations.size;
    return STATUS_OK;
}

/*
 * The log had no room for a further segment (or no memory): what did not reach it is taken back, the last batch first,
 * and its writers are told; nothing of it was seen. True if every other batch is as safe as it was asked to be.
 */
static bool take_back(struct engine *engine, struct group *group, enum status status) {
    bool sound = true;
    wal_discard(engine->wal);
    const uint64_t end = wal_end(engine->wal);
    for (uint32_t i = group->count; i-- > 0;) {
        struct writer *writer = group->writers[i];
        if (writer->status != STATUS_OK) continue;
        if (writer->lsn < end) {
            sound = sound && (!group->sync || writer->lsn < wal_durable(engine->wal));
            continue;
        }
        const struct engine_batch *batch = writer->batch;
        store_undo(engine, buf_slice(&batch->operations), batch->count, writer->first);
        engine->last_sequence = writer->first - 1;
        engine->active->batches--;
        group->mark = writer->before;
        group->user_bytes -= batch->operations.size;
        writer->status = status;
    }
    return sound;
}

static void note_log_totals(struct engine *engine) {
    struct wal_totals totals;
    wal_get_totals(engine->wal, &totals);
    atomic_store_explicit(&engine->counters.wal_commits, totals.commits, memory_order_relaxed);
    atomic_store_explicit(&engine->counters.wal_syncs, totals.syncs, memory_order_relaxed);
    atomic_store_explicit(&engine->counters.wal_bytes, totals.written_bytes, memory_order_relaxed);
}

static void commit_log(struct engine *engine, struct group *group) {
    const uint64_t start = io_now_ns(engine->io);
    const enum status status = wal_commit(engine->wal, true);
    group->commit_ns = io_now_ns(engine->io) - start;
    if (status == STATUS_OK) return;
    if (status == STATUS_NO_SPACE) pace_note_full(engine, engine->options.wal_segment_bytes);
    if ((status == STATUS_NO_SPACE || status == STATUS_NO_MEMORY) && take_back(engine, group, status)) {
        store_note_error(engine, status, "the log can't grow: %s", status_text(status));
        return;
    }
    fail_log(engine, group, status);
}

static void commit_group(struct engine *engine, struct group *group) {
    struct view *view = view_acquire(&engine->views); /* keeps dropped trees in memory while the table is asked */
    group->mark = engine->applied;
    bool any = false;
    for (uint32_t i = 0; i < group->count; i++) {
        struct writer *writer = group->writers[i];
        writer->status = store_has_failed(engine) ? STATUS_READ_ONLY : commit_one(engine, group, writer, view);
        any = any || writer->status == STATUS_OK;
    }
    if (engine->wal) {
        if (any && group->sync) commit_log(engine, group);
        note_log_totals(engine);
        engine->log_end = wal_end(engine->wal);
    }
    for (uint32_t i = 0; group->failed != STATUS_OK && i < group->count; i++)
        if (group->writers[i]->status == STATUS_OK) group->writers[i]->status = group->failed;
    store_release_view(engine, view);
}

/* The leader's, with or without the mutex. */
static void publish(struct engine *engine, const struct group *group) {
    if (store_has_failed(engine)) return;
    engine->applied = group->mark;
    lead_mark_store(&engine->shown, engine->last_sequence, &group->mark);
    atomic_store_explicit(&engine->log_time_ms, group->mark.time_ms, memory_order_relaxed); /* published below */
    atomic_store_explicit(&engine->sequence, engine->last_sequence, memory_order_release);
    const uint64_t user_bytes = atomic_load_explicit(&engine->counters.user_bytes, memory_order_relaxed);
    atomic_store_explicit(&engine->counters.user_bytes, user_bytes + group->user_bytes, memory_order_relaxed);
}

/* REQUIRES: mutex, and the lead. */
static void note_pace(struct engine *engine) {
    engine->paced_bytes = memtable_bytes(engine->active->table);
    pace_update(engine);
}

/*
 * REQUIRES: mutex. The group's writers leave the queue. They form a tree whose root is the leader: each wakes two,
 * since to wake a thread costs as much as a put, and more where it sleeps on another processor. Returns how many there
 * were with those that queue behind.
 */
static uint32_t dismiss(struct engine *engine, const struct group *group) {
    const uint32_t queued = atomic_load_explicit(&engine->company.queued, memory_order_relaxed);
    atomic_store_explicit(&engine->company.queued, queued - group->count, memory_order_relaxed);
    for (uint32_t i = 0; i < group->count; i++) {
        struct writer *writer = group->writers[i];
        list_remove(&writer->link);
        writer->done = true;
        for (uint32_t k = 0; k < WAKES; k++) {
            const uint32_t at = i * WAKES + k + 1;
            writer->wakes[k] = at < group->count ? group->writers[at] : NULL;
        }
    }
    return queued;
}

/* By a writer that is done. The others may be gone as soon as they are woken. */
static void wake_others(const struct writer *writer) {
    for (uint32_t k = 0; k < WAKES; k++)
        if (writer->wakes[k]) semaphore_post(&writer->wakes[k]->wake);
}

/* REQUIRES: mutex, and the lead, which ends. Returns who has it next, and is to be woken; NULL = nobody. */
static struct writer *end_lead(struct engine *engine) {
    if (engine->wal && engine->cut_below > 0) wal_drop_before(engine->wal, engine->cut_below);
    engine->cut_below = 0;
    store_seal_if_full(engine);
    store_note_seal_due(engine);
    gap_search_end_group(engine);
    if (!list_is_empty(&engine->writers)) return list_entry(engine->writers.next, struct writer, link);
    atomic_store_explicit(&engine->lead.state, LEAD_FREE, memory_order_release);
    return NULL;
}

void store_end_lead(struct engine *engine) {
    struct writer *next = end_lead(engine);
    if (next) semaphore_post(&next->wake);
}

/* REQUIRES: mutex, which is given up, and the lead, which ends. */
static void lead(struct engine *engine, struct writer *leader) {
    struct group group; /* large: gather_group sets what is read */
    struct store_sealing sealing;
    if (leader->sync && company_is_expected(&engine->company)) {
        mutex_unlock(&engine->mutex);
        company_wait(&engine->company, engine->io);
        mutex_lock(&engine->mutex);
    }
    store_seal_if_full(engine);
    gather_group(engine, &group);
    leader->status = leader->seals ? store_prepare_seal(engine, &sealing) : STATUS_OK;
    const bool prepared = leader->seals && leader->status == STATUS_OK;
    if (leader->act) {
        leader->status = leader->act(leader->context);
    } else if (leader->status == STATUS_OK) {
        mutex_unlock(&engine->mutex);
        commit_group(engine, &group);
        mutex_lock(&engine->mutex);
        publish(engine, &group);
        note_pace(engine);
    }
    if (prepared) store_end_seal(engine, &sealing, leader->status);
    const uint32_t present = dismiss(engine, &group);
    if (group.sync) company_note(&engine->company, present, group.commit_ns);
    struct writer *next = end_lead(engine);
    mutex_unlock(&engine->mutex);
    if (next) semaphore_post(&next->wake); /* it waits for that alone, and asks for the mutex first of all */
}

/* By the leader, without the mutex. */
static void commit_group_of_one(struct engine *engine, struct writer *writer) {
    struct group group; /* large: what is read is set */
    group.count = 1;
    group.user_bytes = 0;
    group.commit_ns = 0;
    group.failed = STATUS_OK;
    group.sync = writer->sync;
    group.writers[0] = writer;
    commit_group(engine, &group);
    publish(engine, &group);
    const uint32_t behind = atomic_load_explicit(&engine->company.queued, memory_order_relaxed);
    if (group.sync) company_note(&engine->company, 1 + behind, group.commit_ns);
}

/* A batch by the one writer there is, without a lock; false: it has to queue. */
static bool commit_alone(struct engine *engine, struct writer *writer) {
    if (engine->options.owner_seals || atomic_load_explicit(&engine->seal_wanted, memory_order_relaxed)) return false;
    if (writer->sync && company_is_expected(&engine->company)) return false;
    if (!lead_try_alone(&engine->lead)) return false;
    const bool fits = !store_is_full(engine) && budget_has_room(engine);
    if (fits) commit_group_of_one(engine, writer);
    const size_t bytes = memtable_bytes(engine->active->table);
    const bool paced = bytes >= engine->paced_bytes && bytes - engine->paced_bytes < PACE_STEP_BYTES;
    const bool quiet = paced && !store_is_full(engine) && !gap_search_wants_look(engine);
    if (quiet && lead_end_alone(&engine->lead)) return fits;
    mutex_lock(&engine->mutex);
    note_pace(engine);
    store_end_lead(engine);
    mutex_unlock(&engine->mutex);
    return fits;
}

/* Room for another group: the active memtable is not full, or another may take its place (which is up to the owner,
 * where it seals). */
static bool may_write(const struct engine *engine) {
    if (store_has_failed(engine)) return true;
    if (store_is_full(engine) && (!store_has_room(engine) || engine->options.owner_seals)) return false;
    return budget_allows_write(engine);
}

/* REQUIRES: mutex. Not OK: the flush that makes room met a full disk or full memory, and nobody is at it. It is tried
 * again, for writes to come. */
static enum status flush_put_off(struct engine *engine) {
    if (engine->sealed_count == 0 || engine->flush_job.running) return STATUS_OK;
    const enum status status = engine->flush_status;
    if (status == STATUS_NO_MEMORY) store_job_start(engine, &engine->flush_job);
    if (status == STATUS_NO_SPACE) store_job_start(engine, &engine->sweep_job); /* looks how much is free */
    return status == STATUS_NO_MEMORY || status == STATUS_NO_SPACE ? status : STATUS_OK;
}

/* REQUIRES: mutex, which is given up meanwhile. */
static enum status wait_for_room(struct engine *engine, bool no_wait) {
    if (may_write(engine)) return STATUS_OK;
    if (no_wait) {
        const enum status put_off = flush_put_off(engine); /* has it tried again */
        (void)put_off;
        return STATUS_BUSY;
    }
    const uint64_t start = io_now_ns(engine->io);
    enum status status = STATUS_OK;
    while (!may_write(engine) && (status = flush_put_off(engine)) == STATUS_OK) {
        if (engine->sealed_count > 0 || budget_allows_write(engine))
            store_wait(engine);
        else if ((status = budget_wait_for_readers(engine, start)) != STATUS_OK)
            break;
    }
    atomic_fetch_add_explicit(&engine->counters.delayed_ns, io_now_ns(engine->io) - start, memory_order_relaxed);
    return status;
}

/* REQUIRES: mutex, which is given up. */
static void queue_and_commit(struct engine *engine, struct writer *writer) {
    const bool first = list_is_empty(&engine->writers);
    list_push_back(&engine->writers, &writer->link);
    atomic_fetch_add_explicit(&engine->company.queued, 1, memory_order_relaxed);
    semaphore_init(&writer->wake);
    if (!first || !lead_try(&engine->lead)) {
        mutex_unlock(&engine->mutex);
        semaphore_wait(&writer->wake);
        if (!writer->done) mutex_lock(&engine->mutex);
    }
    if (!writer->done) lead(engine, writer);
    semaphore_deinit(&writer->wake);
    wake_others(writer);
}

/* ---- Admission --------------------------------------------------------------------------------------------------- */

/* Only takes away: allowed while the disk reserve is touched. */
static bool only_deletes(const struct engine_batch *batch) {
    struct batch_reader reader;
    struct batch_operation operation;
    batch_reader_init(&reader, buf_slice(&batch->operations), batch->count);
    while (batch_reader_next(&reader, &operation) == STATUS_OK)
        if (operation.kind == BATCH_PUT || operation.kind == BATCH_MERGE || operation.kind == BATCH_APPEND)
            return false;
    return true;
}

static enum status check_space(struct engine *engine, const struct engine_batch *batch) {
    if (!atomic_load_explicit(&engine->space_low, memory_order_relaxed) || only_deletes(batch)) return STATUS_OK;
    mutex_lock(&engine->mutex);
    store_job_start(engine, &engine->sweep_job); /* looks again */
    mutex_unlock(&engine->mutex);
    return STATUS_NO_SPACE;
}

static bool refuses_writes(const struct engine *engine) {
    return (engine->options.read_only && !engine->options.memory_writes) || store_has_failed(engine);
}

static enum status admit(struct engine *engine, const struct engine_batch *batch, bool no_wait) {
    if (refuses_writes(engine)) return STATUS_READ_ONLY;
    if (engine->wal && batch->operations.size > WAL_RECORD_MAX_BYTES - BATCH_HEADER_MAX_BYTES) return STATUS_TOO_LARGE;
    enum status status = check_space(engine, batch);
    return status == STATUS_OK ? pace_admit(engine, batch->operations.size, no_wait) : status;
}

enum status store_write_checked(struct engine *engine, struct engine_batch *batch,
                                const struct engine_write_options *options, const struct store_check *check) {
    static const struct engine_write_options defaults = {.sync = false, .no_wait = false};
    if (!options) options = &defaults;
    if (batch->count == 0 && engine->options.wal == ENGINE_WAL_OWN) return STATUS_OK;
    const uint64_t start = timing_start(&engine->timing, engine->io, ENGINE_TIMING_PUT);
    const enum status status = admit(engine, batch, options->no_wait);
    if (status != STATUS_OK) return status;
    struct writer writer = {.batch = batch, .sync = options->sync, .check = check, .status = STATUS_OK};
    if (!commit_alone(engine, &writer)) {
        mutex_lock(&engine->mutex);
        writer.status = wait_for_room(engine, options->no_wait);
        if (writer.status == STATUS_OK)
            queue_and_commit(engine, &writer);
        else
            mutex_unlock(&engine->mutex);
    }
    timing_end(&engine->timing, engine->io, ENGINE_TIMING_PUT, start);
    return writer.status;
}

enum status engine_write(struct engine *engine, struct engine_batch *batch,
                         const struct engine_write_options *options) {
    return store_write_checked(engine, batch, options, NULL);
}

enum status engine_amend(struct engine *engine, struct engine_batch *batch, bool seal) {
    check(engine->options.owner_seals);
    if (refuses_writes(engine) || (seal && engine->options.read_only)) return STATUS_READ_ONLY;
    struct writer writer = {.batch = batch, .amends = true, .seals = seal, .status = STATUS_OK};
    mutex_lock(&engine->mutex);
    queue_and_commit(engine, &writer);
    return writer.status;
}

enum status store_lead_alone(struct engine *engine, enum status (*act)(void *context), void *context) {
    struct engine_batch none;
    engine_batch_init(&none);
    struct writer writer = {.batch = &none, .act = act, .context = context, .status = STATUS_OK};
    mutex_lock(&engine->mutex);
    queue_and_commit(engine, &writer);
    engine_batch_deinit(&none);
    return writer.status;
}

bool engine_wants_seal(const struct engine *engine) {
    return atomic_load_explicit(&engine->seal_due, memory_order_relaxed);
}

struct engine_mark engine_applied(const struct engine *engine) {
    struct engine_mark mark;
    (void)lead_mark_load(&engine->shown, &mark);
    return mark;
}

enum status engine_flush_start(struct engine *engine) {
    if (engine->options.read_only || store_has_failed(engine)) return STATUS_READ_ONLY;
    enum status status = STATUS_OK;
    mutex_lock(&engine->mutex);
    const bool leads = lead_try(&engine->lead);
    if (engine->sealed_count > 0) store_job_start(engine, &engine->flush_job); /* one may have been put off */
    if (!leads || engine->options.owner_seals)
        engine->seal_wanted = true; /* the leader seals when its group ends, or the owner with its next amendment */
    else
        status = store_seal(engine);
    /* No room: the memtables before it flush first; the next group or install seals. */
    if (status == STATUS_BUSY) {
        engine->seal_wanted = true;
        status = STATUS_OK;
    }
    if (leads) store_end_lead(engine);
    mutex_unlock(&engine->mutex);
    return status;
}
