/*
 * compact: one compaction at a time, in bounded steps: pick, prepare, fold, sync, install. Invariant: nothing in the
 * store changes before the install; a compaction that fails leaves only files that it removes again.
 */
#include "engine/lsm/compact.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SCAN_MEMTABLE_SHARE = 64, /* deletes in a memtable of less than this part of its size (1/64) are left there */
};

/* From before the version is taken until after the install: what an ingest adds must not lie where outputs will. */
static void set_claim(struct engine *engine, uint32_t instance, uint32_t level) {
    mutex_lock(&engine->mutex);
    engine->claim = (struct store_claim){.instance = instance, .level = level};
    mutex_unlock(&engine->mutex);
}

static enum status pin_input(void *context, struct file *file, uint32_t level) {
    struct compaction *compaction = context;
    (void)level;
    tables_pin(compaction->engine, file);
    return STATUS_OK;
}

static enum status unpin_input(void *context, struct file *file, uint32_t level) {
    struct compaction *compaction = context;
    (void)level;
    tables_unpin(compaction->engine, file);
    return STATUS_OK;
}

static void pin_inputs(struct compaction *compaction, bool pin) {
    const enum status visited = compaction_each_input(compaction, pin ? pin_input : unpin_input, compaction);
    (void)visited; /* neither fails */
    compaction->pinned = pin;
}

static void destroy(struct compaction *compaction, bool installed) {
    struct engine *engine = compaction->engine;
    const bool merged = compaction->part_count > 0;
    compaction_hide_parts(compaction);
    for (unsigned i = 0; i < compaction->part_count; i++) compaction_part_close(&compaction->parts[i], installed);
    if (compaction->pinned) pin_inputs(compaction, false);
    arena_deinit(&compaction->arena);
    free(compaction->gathered);
    free(compaction->kept);
    free(compaction->snapshots);
    version_release(compaction->version);
    free(compaction);
    engine->compaction = NULL;
    if (merged) budget_end_job(engine);
    set_claim(engine, 0, 0);
}

void compaction_abandon(struct engine *engine) {
    if (engine->compaction) destroy(engine->compaction, false);
}

/* ---- Beginning
 * --------------------------------------------------------------------------------------------------------------------------------
 */

/* Its outputs need as much room as its inputs until those can go. */
static enum status check_room(const struct compaction *compaction) {
    uint64_t bytes = 0;
    if (io_free_space(compaction->engine->io, compaction->engine->dir, &bytes) != STATUS_OK)
        return STATUS_OK; /* unknown: a write will tell */
    return bytes < compaction->read_bytes ? STATUS_NO_SPACE : STATUS_OK;
}

static enum status begin_merge(struct compaction *compaction) {
    pin_inputs(compaction, true);
    enum status status = compaction_prepare(compaction);
    if (status == STATUS_OK) status = check_room(compaction);
    return status == STATUS_OK ? compaction_begin_parts(compaction) : status;
}

static const char *kind_name(const struct compaction *compaction) {
    switch (compaction->pick.kind) {
    case PICK_MOVE: return "move";
    case PICK_DROP: return "drop";
    default: return "compaction";
    }
}

static void tell_where(struct event *event, const struct compaction *compaction) {
    const struct pick *choice = &compaction->pick;
    event_number(event, "job", compaction->job);
    event_number(event, "instance", choice->tree->instance);
    event_text(event, "kind", choice->tree->kind->name);
    event_number(event, "level", choice->level);
    event_number(event, "output_level", choice->output_level);
}

static void tell_start(struct compaction *compaction) {
    struct event event;
    char name[32];
    compaction->start_ns = io_now_ns(compaction->engine->io);
    snprintf(name, sizeof name, "%s start", kind_name(compaction));
    event_begin(&event, compaction->engine, name);
    tell_where(&event, compaction);
    event_text(&event, "why", pick_reason_text(compaction->pick.reason));
    event_number(&event, "score_thousandths", compaction->pick.score);
    event_number(&event, "input_files", compaction->pick.to - compaction->pick.from);
    event_number(&event, "next_files", compaction->pick.next_to - compaction->pick.next_from);
    event_end(&event);
}

static void tell_end(struct compaction *compaction, const struct install *change) {
    struct engine *engine = compaction->engine;
    struct event event;
    char name[32];
    const uint64_t ns = io_now_ns(engine->io) - compaction->start_ns;
    const bool merged = compaction->pick.kind == PICK_MERGE;
    if (merged) timing_add(&engine->timing, ENGINE_TIMING_COMPACTION, ns);
    snprintf(name, sizeof name, "%s end", kind_name(compaction));
    event_begin(&event, engine, name);
    tell_where(&event, compaction);
    event_number(&event, "duration_us", ns / 1000);
    event_changes(&event, "input", change->changes, change->count, false);
    event_changes(&event, "output", change->changes, change->count, true);
    if (merged) event_number(&event, "read_bytes", compaction->read_bytes);
    if (merged) event_number(&event, "files_not_read", compaction->hidden_files);
    if (merged) event_number(&event, "parts", compaction->part_count);
    event_end(&event);
}

static void tell_put_off(const struct compaction *compaction, enum status status) {
    struct event event;
    event_begin(&event, compaction->engine, "compaction put off");
    if (compaction->job) event_number(&event, "job", compaction->job);
    event_text(&event, "why", status_text(status));
    event_end(&event);
}

/* What to do next. */
static enum status begin(struct engine *engine) {
    struct compaction *compaction = calloc(1, sizeof *compaction);
    if (!compaction) return STATUS_NO_MEMORY;
    struct pick_context context = {.options = &engine->options};
    compaction->engine = engine;
    arena_init(&compaction->arena, 16 << 10);
    range_set_init(&compaction->ranges, &compaction->arena, 1);
    engine->compaction = compaction;
    mutex_lock(&engine->mutex);
    engine->claim = (struct store_claim){.instance = STORE_CLAIM_ALL};
    compaction->version = engine->version;
    version_acquire(compaction->version);
    compaction->mark_time_ms = context.mark_time_ms = engine->installed.time_ms;
    context.all = engine->compact_all > 0;
    context.scans_hurt = atomic_load(&engine->scans_hurt);
    mutex_unlock(&engine->mutex);
    /* After the version: a snapshot that is not on the list then sees all that is in the version. */
    const enum status status = store_snapshots(engine, &compaction->snapshots, &compaction->snapshot_count);
    if (status != STATUS_OK) return status;
    const size_t snapshots = compaction->snapshot_count;
    context.oldest_snapshot = snapshots > 0 ? compaction->snapshots[0] : UINT64_MAX;
    context.newest_snapshot = snapshots > 0 ? compaction->snapshots[snapshots - 1] : 0;
    context.at_rest = rest_has_come(engine);
    context.oldest_transaction = store_oldest_transaction(engine);
    struct view *view = view_acquire(&engine->views); /* keeps open what the estimate looks at */
    compaction_estimate_cover(engine, compaction->version);
    store_release_view(engine, view);
    pick(compaction->version, &context, &compaction->pick);
    if (compaction->pick.kind == PICK_NONE) return STATUS_END;
    set_claim(engine, compaction->pick.tree->instance, compaction->pick.output_level);
    compaction->job = store_take_job_number(engine);
    tell_start(compaction);
    return compaction->pick.kind == PICK_MERGE ? begin_merge(compaction) : STATUS_OK;
}

/* ---- Ending
 * ------------------------------------------------------------------------------------------------------------------------------------
 */

struct removing {
    struct install *install;
};

static enum status remove_input(void *context, struct file *file, uint32_t level) {
    const struct removing *removing = context;
    return install_remove(removing->install, file, level);
}

static enum status list_changes(struct compaction *compaction, struct install *install) {
    struct removing removing = {install};
    const struct pick *choice = &compaction->pick;
    enum status status = compaction_each_input(compaction, remove_input, &removing);
    if (choice->kind == PICK_MOVE) {
        for (uint32_t i = choice->from; i < choice->to && status == STATUS_OK; i++)
            status = install_add(install, choice->tree->levels[choice->level].files[i], choice->output_level,
                                 choice->tree->kind);
    }
    for (unsigned p = 0; p < compaction->part_count; p++) {
        const struct output *output = &compaction->parts[p].output;
        for (size_t i = 0; i < output->count && status == STATUS_OK; i++)
            status = install_add(install, output->files[i], choice->output_level, choice->tree->kind);
    }
    install->edit.job = compaction->job;
    return status;
}

static size_t output_count(const struct compaction *compaction) {
    size_t count = 0;
    for (unsigned i = 0; i < compaction->part_count; i++) count += compaction->parts[i].output.count;
    return count;
}

static void count_work(struct compaction *compaction) {
    struct store_counters *counters = &compaction->engine->counters;
    if (compaction->pick.kind == PICK_DROP) return;
    if (compaction->pick.kind == PICK_MOVE) {
        atomic_fetch_add_explicit(&counters->trivial_moves, compaction->pick.to - compaction->pick.from,
                                  memory_order_relaxed);
        return;
    }
    atomic_fetch_add_explicit(&counters->compactions, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->compacted_read_bytes, compaction->read_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->compacted_written_bytes, compaction_written_bytes(compaction),
                              memory_order_relaxed);
    const uint32_t level = compaction->pick.output_level;
    atomic_fetch_add_explicit(&counters->level_read[level], compaction->read_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->level_written[level], compaction_written_bytes(compaction),
                              memory_order_relaxed);
    store_charge_tree(compaction->engine, compaction->pick.tree->instance, 0, compaction->read_bytes,
                      compaction_written_bytes(compaction));
}

static enum edit_cause cause_of(const struct compaction *compaction) {
    if (compaction->pick.kind == PICK_MOVE) return EDIT_MOVE;
    if (compaction->pick.kind == PICK_DROP) return EDIT_DROP;
    return output_count(compaction) == 0 && compaction->read_bytes == 0 ? EDIT_DROP : EDIT_COMPACTION;
}

static enum status find_input(void *context, struct file *file, uint32_t level) {
    const struct tree_files *tree = context;
    for (uint32_t i = 0; i < tree->levels[level].count; i++)
        if (tree->levels[level].files[i] == file) return STATUS_OK;
    return STATUS_CANCELLED;
}

/* Meanwhile the tree may have been dropped, and its files have gone with a flush: what was made of them would come back
 * and belong to nobody. */
static enum status find_inputs(struct install *install, const struct version *version, void *context) {
    struct compaction *compaction = context;
    const struct tree_files *tree = version_find(version, compaction->pick.tree->instance);
    (void)install;
    return tree ? compaction_each_input(compaction, find_input, (void *)(uintptr_t)tree) : STATUS_CANCELLED;
}

static enum status install(struct compaction *compaction) {
    struct install change;
    install_init(&change, cause_of(compaction));
    change.complete = find_inputs;
    change.context = compaction;
    enum status status = list_changes(compaction, &change);
    if (status == STATUS_OK) status = store_install(compaction->engine, &change, NULL);
    if (status == STATUS_OK) tell_end(compaction, &change);
    install_deinit(&change);
    if (status == STATUS_CANCELLED) {
        tell_put_off(compaction, status);
        destroy(compaction, false);
        return STATUS_OK; /* there may be other work */
    }
    if (status != STATUS_OK) return status;
    count_work(compaction);
    log_debug(compaction->engine->log,
              "engine %s: compaction %" PRIu64 " of tree instance %" PRIu32 ": level %" PRIu32 " to %" PRIu32
              ", %" PRIu64 " bytes read, %" PRIu64 " written, %" PRIu64 " files not read",
              compaction->engine->dir, compaction->job, compaction->pick.tree->instance, compaction->pick.level,
              compaction->pick.output_level, compaction->read_bytes, compaction_written_bytes(compaction),
              compaction->hidden_files);
    destroy(compaction, true);
    return STATUS_OK;
}

/* ---- Steps
 * ----------------------------------------------------------------------------------------------------------------------------------------
 */

static enum status step(struct engine *engine) {
    struct compaction *compaction = engine->compaction;
    if (!compaction) return begin(engine);
    if (compaction->pick.kind != PICK_MERGE) return install(compaction);
    if (!compaction->done) return compaction_step_parts(compaction);
    if (!compaction->names_synced) {
        compaction->names_synced = true;
        return output_count(compaction) > 0 ? io_dir_sync(engine->io, engine->dir) : STATUS_OK;
    }
    return install(compaction);
}

/* A file that can't be read is left alone from now on; what else is there goes on. */
static void blame_inputs(struct compaction *compaction) {
    compaction_hide_parts(compaction);
    for (unsigned p = 0; p < compaction->part_count; p++) {
        const struct compaction_part *part = &compaction->parts[p];
        for (size_t i = 0; i < part->source_count; i++) {
            struct file *file = level_source_file(&part->sources[i]);
            if (file && status_class(part->sources[i].source.status) == STATUS_CLASS_DAMAGE)
                atomic_store(&file->damaged, true);
        }
    }
}

/* True: look for other work at once. Otherwise the next flush, or a look at free space, starts it again. */
static bool give_up(struct engine *engine, enum status status) {
    const bool damaged = status_class(status) == STATUS_CLASS_DAMAGE;
    if (damaged && engine->compaction) blame_inputs(engine->compaction);
    if (engine->compaction && status != STATUS_END && status != STATUS_CANCELLED)
        tell_put_off(engine->compaction, status);
    compaction_abandon(engine);
    if (status == STATUS_END || store_has_failed(engine)) return false;
    store_note_error(engine, status, "compaction put off: %s", status_text(status));
    return damaged;
}

/* Nothing to compact: trees that were dropped, and that a snapshot still read, may go now. */
static void end_round(struct engine *engine, enum status status) {
    if (status == STATUS_END) store_drop_departed(engine);
    mutex_lock(&engine->mutex);
    engine->compact_rounds++;
    if (engine->sealed_count == 0 && !engine->seal_wanted) atomic_store(&engine->scans_hurt, false);
    engine->compact_status = status == STATUS_END ? STATUS_OK : status;
    mutex_unlock(&engine->mutex);
}

enum io_job_state compaction_step(struct io_job *job) {
    struct engine *engine = job->context;
    enum status status = STATUS_CANCELLED;
    if (rest_goes_on(engine)) return IO_JOB_MORE;
    if (!atomic_load(&engine->closing) && !store_has_failed(engine)) {
        budget_balance(engine);
        status = step(engine);
        if (status == STATUS_OK) return IO_JOB_MORE;
    }
    if (give_up(engine, status)) return IO_JOB_MORE;
    end_round(engine, status);
    events_write(engine);
    if (status == STATUS_END && rest_begin_wait(engine)) return IO_JOB_MORE;
    return store_job_end(engine, &engine->compact_job) ? IO_JOB_DONE : IO_JOB_MORE;
}

/* What lies in memory comes into files first, unless it is too little to matter. While a snapshot keeps what was
 * deleted there is nothing to gain. */
void compaction_note_deletes(struct engine *engine) {
    if (engine->options.read_only || store_has_failed(engine) || atomic_load(&engine->scans_hurt)) return;
    mutex_lock(&engine->mutex);
    const bool kept = !list_is_empty(&engine->snapshots);
    const bool much = memtable_bytes(engine->active->table) * SCAN_MEMTABLE_SHARE >= engine->options.memtable_bytes;
    if (!kept) {
        atomic_store(&engine->scans_hurt, true);
        if (!much) store_job_start(engine, &engine->compact_job);
    }
    mutex_unlock(&engine->mutex);
    if (kept || !much) return;
    const enum status status = engine_flush_start(engine); /* whose end starts the compaction */
    if (status != STATUS_OK) atomic_store(&engine->scans_hurt, false);
}

enum status engine_compact(struct engine *engine) {
    if (engine->options.read_only || store_has_failed(engine)) return STATUS_READ_ONLY;
    mutex_lock(&engine->mutex);
    /* A round that is under way may have picked before this call: the one after it counts. */
    const uint64_t enough = engine->compact_rounds + (engine->compact_job.running ? 2 : 1);
    engine->compact_all++;
    while (engine->compact_rounds < enough && !store_has_failed(engine)) {
        store_job_start(engine, &engine->compact_job);
        store_wait(engine);
    }
    engine->compact_all--;
    const enum status status = store_has_failed(engine) ? STATUS_READ_ONLY : engine->compact_status;
    mutex_unlock(&engine->mutex);
    return status;
}
