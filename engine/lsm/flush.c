/*
 * flush: the oldest sealed memtable becomes files of level 0, one per tree, and one edit that says so. Bounded steps.
 * Invariant: nothing is installed before the files and their names are durable and, where the owner keeps the log,
 * before the log is durable up to the mark.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/fold.h"
#include "engine/lsm/output.h"

enum { FLUSH_STEP_BYTES = 256 << 10 };

enum flush_phase { FLUSH_BEGIN, FLUSH_NEXT_TREE, FLUSH_TREE, FLUSH_SYNC_NAMES, FLUSH_WAIT_LOG, FLUSH_INSTALL };

struct flush {
    enum flush_phase phase;
    struct mem *mem; /* a reference */
    uint32_t instance;
    uint64_t job;
    uint64_t *snapshots;
    size_t snapshot_count;
    struct memtable_source source;
    struct fold fold;
    struct range_tombstone *ranges; /* of the present tree */
    size_t range_count;
    struct output output;
    struct install install;
    struct file **files; /* of all trees; a reference to each */
    size_t file_count;
    bool source_open;
    uint64_t start_ns;
};

static void end_tree(struct flush *flush) {
    if (!flush->source_open) return;
    source_close(&flush->source.source);
    fold_deinit(&flush->fold);
    free(flush->ranges);
    flush->ranges = NULL;
    flush->source_open = false;
}

static void destroy(struct engine *engine, struct flush *flush, bool installed) {
    end_tree(flush);
    output_abandon(&flush->output);
    for (size_t i = 0; i < flush->file_count; i++) {
        if (!installed) atomic_store(&flush->files[i]->dead, true);
        file_release(flush->files[i]);
    }
    free(flush->files);
    free(flush->snapshots);
    install_deinit(&flush->install);
    atomic_store_explicit(&engine->flush_passed, 0, memory_order_relaxed);
    mem_release(flush->mem);
    free(flush);
    engine->flush = NULL;
    budget_end_job(engine);
}

void flush_abandon(struct engine *engine) {
    if (engine->flush) destroy(engine, engine->flush, false);
}

/* ---- Phases ------------------------------------------------------------------------------------------------------ */

static void tell_start(struct engine *engine, struct flush *flush) {
    struct event event;
    const uint64_t bytes = memtable_bytes(flush->mem->table);
    flush->start_ns = io_now_ns(engine->io);
    event_begin(&event, engine, "flush start");
    event_number(&event, "job", flush->job);
    event_text(&event, "why", bytes >= engine->options.memtable_bytes ? "the memtable is full" : "it was asked for");
    event_number(&event, "memtable_bytes", bytes);
    event_number(&event, "batches", flush->mem->batches);
    event_end(&event);
}

static void tell_end(struct engine *engine, const struct flush *flush) {
    struct event event;
    const uint64_t ns = io_now_ns(engine->io) - flush->start_ns;
    timing_add(&engine->timing, ENGINE_TIMING_FLUSH, ns);
    event_begin(&event, engine, "flush end");
    event_number(&event, "job", flush->job);
    event_number(&event, "duration_us", ns / 1000);
    event_number(&event, "index", flush->mem->mark.index);
    event_changes(&event, "output", flush->install.changes, flush->install.count, true);
    event_end(&event);
}

static void tell_put_off(struct engine *engine, const struct flush *flush, enum status status) {
    struct event event;
    event_begin(&event, engine, "flush put off");
    if (flush) event_number(&event, "job", flush->job);
    event_text(&event, "why", status_text(status));
    event_end(&event);
}

static enum status begin(struct engine *engine) {
    mutex_lock(&engine->mutex);
    struct mem *mem = engine->sealed_count > 0 ? engine->sealed[0] : NULL;
    if (mem) mem_acquire(mem);
    engine->flush_status = STATUS_OK;
    mutex_unlock(&engine->mutex);
    if (!mem) return STATUS_END;
    struct flush *flush = calloc(1, sizeof *flush);
    if (!flush) {
        mem_release(mem);
        return STATUS_NO_MEMORY;
    }
    const struct output_options none = {.kind = NULL};
    output_init(&flush->output, engine, &none);
    install_init(&flush->install, EDIT_FLUSH);
    flush->mem = mem;
    flush->job = flush->install.edit.job = store_take_job_number(engine);
    engine->flush = flush;
    flush->phase = FLUSH_NEXT_TREE;
    tell_start(engine, flush);
    return store_snapshots(engine, &flush->snapshots, &flush->snapshot_count);
}

/* The tree of an instance, while it is in the table; false: dropped, and no reader left that could ask. */
static bool is_wanted(struct engine *engine, const struct flush *flush, uint32_t instance,
                      const struct engine_tree_kind **kind) {
    mutex_lock(&engine->mutex);
    const struct tree *tree = tree_table_by_instance(&engine->trees, instance);
    const uint64_t dropped = tree ? atomic_load_explicit(&tree->dropped, memory_order_relaxed) : 0;
    *kind = tree ? tree->kind : NULL;
    mutex_unlock(&engine->mutex);
    if (!tree) return false;
    if (dropped > flush->mem->last_sequence) return true;
    return flush->snapshot_count > 0 && flush->snapshots[0] < dropped;
}

static enum status gather_ranges(struct flush *flush) {
    const struct range_set *set = memtable_range_deletes(flush->mem->table);
    struct range_cursor cursor;
    struct range_tombstone tombstone;
    size_t capacity = 0;
    flush->range_count = 0;
    range_cursor_init(&cursor, set, flush->instance);
    while (range_cursor_next(&cursor, &tombstone) && tombstone.tree == flush->instance) {
        if (flush->range_count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            struct range_tombstone *grown = realloc(flush->ranges, capacity * sizeof *grown);
            if (!grown) return STATUS_NO_MEMORY;
            flush->ranges = grown;
        }
        flush->ranges[flush->range_count++] = tombstone;
    }
    return STATUS_OK;
}

static enum status take_entry(void *context, struct slice key, uint64_t trailer, struct slice value, bool new_key) {
    struct flush *flush = context;
    return output_add(&flush->output, key, trailer, value, new_key);
}

static enum status begin_tree(struct engine *engine, struct flush *flush, const struct engine_tree_kind *kind) {
    const struct fold_options fold = {
        .kind = kind,
        .instance = flush->instance,
        .snapshots = flush->snapshots,
        .snapshot_count = flush->snapshot_count,
        .ranges = memtable_range_deletes(flush->mem->table),
        .mark_time_ms = flush->mem->mark.time_ms,
        .add = take_entry,
        .context = flush,
    };
    const uint64_t history = flush->snapshot_count > 0 ? MEMTABLE_EVERY_VERSION : ENTRY_SEQUENCE_MAX;
    memtable_source_init(&flush->source, flush->mem->table, flush->instance, history);
    fold_init(&flush->fold, &fold, &flush->source.source);
    flush->source_open = true;
    const enum status status = gather_ranges(flush);
    if (status != STATUS_OK) return status;
    const struct output_options output = {
        .kind = kind,
        .instance = flush->instance,
        .level = 0,
        .cause = SST_CAUSE_FLUSH,
        .job = flush->job,
        .mark_time_ms = flush->mem->mark.time_ms,
        .oldest_ms = flush->mem->mark.time_ms,
        .ranges = flush->ranges,
        .range_count = flush->range_count,
    };
    output_init(&flush->output, engine, &output);
    source_seek_first(&flush->source.source);
    flush->phase = FLUSH_TREE;
    return STATUS_OK;
}

static enum status next_tree(struct engine *engine, struct flush *flush) {
    const struct engine_tree_kind *kind;
    if (!memtable_next_tree(flush->mem->table, &flush->instance)) {
        flush->phase = FLUSH_SYNC_NAMES;
        return STATUS_OK;
    }
    if (is_wanted(engine, flush, flush->instance, &kind)) return begin_tree(engine, flush, kind);
    flush->instance++;
    return STATUS_OK;
}

/* Takes over what the tree's output made. */
static enum status collect_files(struct flush *flush, const struct engine_tree_kind *kind) {
    struct output *output = &flush->output;
    if (output->count > 0) {
        struct file **grown = realloc(flush->files, (flush->file_count + output->count) * sizeof(struct file *));
        if (!grown) return STATUS_NO_MEMORY;
        flush->files = grown;
    }
    for (size_t i = 0; i < output->count; i++) {
        const enum status status = install_add(&flush->install, output->files[i], 0, kind);
        if (status != STATUS_OK) return status;
    }
    for (size_t i = 0; i < output->count; i++) {
        flush->files[flush->file_count++] = output->files[i];
        file_acquire(output->files[i]);
    }
    output_release(output);
    return STATUS_OK;
}

/* A step that did not end the tree: it passed so much of keys and values, which take more in memory. The last quarter
 * stays: nothing is free before the install. */
static void note_passed(struct engine *engine, const struct flush *flush) {
    const uint64_t passed = atomic_load_explicit(&engine->flush_passed, memory_order_relaxed) + FLUSH_STEP_BYTES;
    const uint64_t most = memtable_bytes(flush->mem->table) / 4 * 3;
    atomic_store_explicit(&engine->flush_passed, passed < most ? passed : most, memory_order_relaxed);
}

static enum status write_tree(struct engine *engine, struct flush *flush) {
    bool done = false;
    const struct engine_tree_kind *kind = flush->fold.options.kind;
    enum status status = fold_step(&flush->fold, FLUSH_STEP_BYTES, &done);
    if (status == STATUS_OK && !done) note_passed(engine, flush);
    if (status != STATUS_OK || !done) return status;
    status = output_finish(&flush->output);
    if (status != STATUS_OK) return status;
    atomic_fetch_add_explicit(&engine->counters.flushed_bytes, flush->output.bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&engine->counters.level_written[0], flush->output.bytes, memory_order_relaxed);
    store_charge_tree(engine, flush->instance, flush->output.bytes, 0, 0);
    end_tree(flush);
    status = collect_files(flush, kind);
    flush->instance++;
    flush->phase = FLUSH_NEXT_TREE;
    return status;
}

/* True: the owner's log is not durable up to the mark yet; engine_log_durable starts the job again. */
static bool must_wait(struct engine *engine, const struct flush *flush) {
    if (engine->options.wal == ENGINE_WAL_OWN) return false;
    const uint64_t index = flush->mem->mark.index;
    if (atomic_load(&engine->log_durable) >= index) return false;
    atomic_store(&engine->flush_waits, index);
    atomic_store_explicit(&engine->flush_passed, 0,
                          memory_order_relaxed);      /* the memory stays, for who knows how long */
    return atomic_load(&engine->log_durable) < index; /* it may have come meanwhile */
}

static void cut_log(struct engine *engine, uint64_t lsn) {
    if (!engine->wal) return;
    mutex_lock(&engine->mutex);
    engine->cut_below = lsn;
    if (lead_try(&engine->lead)) store_end_lead(engine);
    mutex_unlock(&engine->mutex);
}

static enum status install(struct engine *engine, struct flush *flush) {
    const uint64_t log_end = flush->mem->log_end;
    const enum status status = store_install(engine, &flush->install, flush->mem);
    if (status != STATUS_OK) return status;
    atomic_fetch_add_explicit(&engine->counters.flushes, 1, memory_order_relaxed);
    atomic_store(&engine->space_wanted, 0);
    cut_log(engine, log_end);
    tell_end(engine, flush);
    destroy(engine, flush, true);
    events_write(engine);
    mutex_lock(&engine->mutex);
    if (lead_try(&engine->lead)) store_end_lead(engine); /* else it is the leader's to look */
    store_job_start(engine, &engine->compact_job);
    mutex_unlock(&engine->mutex);
    return STATUS_OK;
}

static enum status step(struct engine *engine) {
    struct flush *flush = engine->flush;
    if (!flush) return begin(engine);
    switch (flush->phase) {
    case FLUSH_BEGIN:
    case FLUSH_NEXT_TREE: return next_tree(engine, flush);
    case FLUSH_TREE: return write_tree(engine, flush);
    case FLUSH_SYNC_NAMES: {
        const enum status status = flush->file_count > 0 ? io_dir_sync(engine->io, engine->dir) : STATUS_OK;
        flush->phase = FLUSH_WAIT_LOG;
        return status;
    }
    case FLUSH_WAIT_LOG:
        if (must_wait(engine, flush)) return STATUS_WOULD_BLOCK;
        atomic_store(&engine->flush_waits, UINT64_MAX);
        flush->phase = FLUSH_INSTALL;
        return STATUS_OK;
    case FLUSH_INSTALL: return install(engine, flush);
    }
    return STATUS_INVALID;
}

/*
 * Full disk and full memory pass: the flush starts over later, when sweep or a write looks again. Everything else does
 * not: data that is acknowledged can't be brought to disk any more.
 */
static void give_up(struct engine *engine, enum status status) {
    const uint64_t wanted = engine->flush ? memtable_bytes(engine->flush->mem->table) : 0;
    tell_put_off(engine, engine->flush, status);
    flush_abandon(engine);
    if (status == STATUS_NO_SPACE) pace_note_full(engine, wanted);
    mutex_lock(&engine->mutex);
    engine->flush_status = status;
    mutex_unlock(&engine->mutex);
    if (status == STATUS_NO_SPACE || status == STATUS_NO_MEMORY)
        store_note_error(engine, status, "flush put off: %s", status_text(status));
    else if (!store_has_failed(engine))
        store_fail(engine, status, "flush failed: %s", status_text(status));
}

enum io_job_state flush_step(struct io_job *job) {
    struct engine *engine = job->context;
    if (atomic_load(&engine->closing) || store_has_failed(engine)) {
        flush_abandon(engine);
        return store_job_end(engine, &engine->flush_job) ? IO_JOB_DONE : IO_JOB_MORE;
    }
    rest_note(engine); /* the merge at rest need not wait as long again, when this is the last flush */
    const enum status status = step(engine);
    if (status == STATUS_OK) return IO_JOB_MORE;
    if (status != STATUS_END && status != STATUS_WOULD_BLOCK) give_up(engine, status);
    return store_job_end(engine, &engine->flush_job) ? IO_JOB_DONE : IO_JOB_MORE;
}

/* ---- What owners ask --------------------------------------------------------------------------------------------- */

struct engine_mark engine_installed(const struct engine *engine) {
    struct engine *own = (struct engine *)(uintptr_t)engine; /* the lock is no part of what is asked */
    mutex_lock(&own->mutex);
    const struct engine_mark mark = own->installed;
    mutex_unlock(&own->mutex);
    return mark;
}

void engine_log_durable(struct engine *engine, uint64_t index) {
    uint64_t before = atomic_load_explicit(&engine->log_durable, memory_order_relaxed);
    while (before < index && !atomic_compare_exchange_weak(&engine->log_durable, &before, index)) continue;
    if (atomic_load(&engine->flush_waits) > index) return;
    mutex_lock(&engine->mutex);
    store_job_start(engine, &engine->flush_job);
    mutex_unlock(&engine->mutex);
}

/* REQUIRES: mutex. Somebody is at it, or will be without our help. What is to be sealed waits for room in memory, and
 * while flushes are put off there comes none. */
static bool is_flushing(const struct engine *engine) {
    return engine->flush_job.running || (engine->seal_wanted && engine->flush_status == STATUS_OK) ||
           !list_is_empty(&engine->writers) || atomic_load(&engine->flush_waits) != UINT64_MAX;
}

enum status engine_flush(struct engine *engine) {
    enum status status = engine_flush_start(engine);
    if (status != STATUS_OK) return status;
    mutex_lock(&engine->mutex);
    struct engine_mark applied;
    lead_mark_load(&engine->shown, &applied);
    const uint64_t index = applied.index;
    while (engine->installed.index < index && !store_has_failed(engine) && is_flushing(engine)) store_wait(engine);
    /* A flush that was put off (no space, no memory) says why. */
    if (engine->installed.index < index) status = store_has_failed(engine) ? STATUS_READ_ONLY : engine->flush_status;
    mutex_unlock(&engine->mutex);
    return status;
}
