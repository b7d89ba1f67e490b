/* open: birth and end of an engine. Invariant: what engine_open made, engine_close unmakes; a failed open leaves
 * nothing behind in memory, and on disk only what the next open understands. */
#include <stdlib.h>

#include "engine/lsm/options.h"
#include "engine/lsm/refresh.h"
#include "engine/lsm/store.h"
#include "engine/lsm/strange_kinds.h"

enum {
    FLUSH_PRIORITY = 0,
    COMPACTION_PRIORITY = 2,
    SWEEP_PRIORITY = 1,
    GAP_PRIORITY = 1,
    FILES_LEAST = 8, /* as of options.c */
    FILES_SHARE = 2, /* of the process's descriptors: the others are for logs, sockets, and whatever it does beside */
};

static void on_read_error(void *context, const struct error *error) {
    store_note_error(context, error->status, "%s", error->text);
}

static void init_job(struct engine *engine, struct store_job *job, int priority,
                     enum io_job_state (*step)(struct io_job *job)) {
    job->job = (struct io_job){.pool = IO_POOL_COMPACTION, .priority = priority, .step = step, .context = engine};
}

/* What can't fail. */
static void init(struct engine *engine, struct io *io, const struct engine_options *options) {
    engine->io = io;
    engine->options = *options;
    options_fill(&engine->options);
    engine->open_files_most = engine->options.open_files;
    engine->log = options->log;
    mutex_init(&engine->mutex);
    mutex_init(&engine->install_lock);
    mutex_init(&engine->table_lock);
    mutex_init(&engine->error_lock);
    list_init(&engine->detached);
    budget_init(engine);
    page_pool_init(&engine->spare_runs, engine->options.memory_bytes ? 0 : engine->options.memtable_bytes);
    warmer_init(&engine->warmer, io, &engine->spare_runs);
    condition_init(&engine->changed);
    condition_init(&engine->rest.wake);
    list_init(&engine->writers);
    list_init(&engine->snapshots);
    view_table_init(&engine->views);
    tree_table_init(&engine->trees);
    morgue_init(&engine->morgue);
    timing_init(&engine->timing);
    events_init(&engine->events);
    value_table_init(&engine->values);
    gaps_init(&engine->gaps);
    atomic_store(&engine->flush_waits, UINT64_MAX);
    engine->next_job = 1;
    engine->mem_seed = 1;
    init_job(engine, &engine->flush_job, FLUSH_PRIORITY, flush_step);
    init_job(engine, &engine->sweep_job, SWEEP_PRIORITY, sweep_step);
    init_job(engine, &engine->gap_job, GAP_PRIORITY, gap_search_step);
    init_job(engine, &engine->compact_job, COMPACTION_PRIORITY, compaction_step);
    init_job(engine, &engine->help_job, COMPACTION_PRIORITY, compaction_help_step);
    engine->help_job.job.pool = IO_POOL_LONG; /* where a core is left over */
}

static enum status allocate(struct engine *engine) {
    engine->environment = (struct sst_environment){
        .io = engine->io, .on_error = on_read_error, .context = engine, .map_tables = engine->options.map_tables};
    engine->environment.memory = &engine->memory;
    engine->environment.codec = codec_create();
    engine->environment.cache = block_cache_create(engine->options.cache_bytes, &engine->spare_runs);
    engine->version = version_create_empty();
    engine->active = mem_create(&engine->memory, &engine->spare_runs, engine->mem_seed);
    if (!engine->environment.codec || !engine->environment.cache || !engine->version || !engine->active)
        return STATUS_NO_MEMORY;
    budget_balance(engine);
    return STATUS_OK;
}

/* The directory, made if need be, and owned. */
static enum status take_directory(struct engine *engine, const char *dir, struct error *error) {
    struct io_entry entry;
    const size_t length = strlen(dir);
    if (length + 64 > sizeof engine->dir) return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", dir);
    memcpy(engine->dir, dir, length + 1);
    enum status status = io_stat(engine->io, dir, &entry);
    if (status == STATUS_NOT_FOUND && !engine->options.must_exist && !engine->options.read_only) {
        status = io_dir_make(engine->io, dir);
        if (status == STATUS_EXISTS) status = STATUS_OK;
    }
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", dir, status_text(status));
    return engine->options.read_only ? STATUS_OK : io_dir_lock(engine->io, dir, &engine->lock, error);
}

/* The directory's own name, once there is something in it to find. */
static enum status sync_parent(struct engine *engine) {
    char parent[IO_PATH_BYTES];
    size_t length = strlen(engine->dir);
    memcpy(parent, engine->dir, length + 1);
    while (length > 1 && parent[length - 1] == '/') parent[--length] = 0;
    char *slash = strrchr(parent, '/');
    if (!slash) return io_dir_sync(engine->io, ".");
    slash[slash == parent ? 1 : 0] = 0;
    return io_dir_sync(engine->io, parent);
}

/* What was replayed may have begun a flush: its edits come meanwhile. */
static void tell_opening(struct engine *engine, uint64_t ns) {
    struct event event;
    mutex_lock(&engine->install_lock);
    const uint64_t edit = engine->last_edit;
    mutex_lock(&engine->mutex);
    const uint64_t installed = engine->installed.index;
    mutex_unlock(&engine->mutex);
    mutex_unlock(&engine->install_lock);
    event_begin(&event, engine, "open");
    event_number(&event, "duration_us", ns / 1000);
    event_number(&event, "edit", edit);
    event_number(&event, "installed_index", installed);
    event_number(&event, "replayed", engine->applied.index - installed);
    event_end(&event);
    events_write(engine);
}

/* An option of a kind of trees that the store's format level does not allow yet: said, not silently passed over. */
static void tell_unused(struct engine *engine, const struct engine_tree_kind *kind, enum format_feature feature,
                        const char *what, const char *option, uint64_t value) {
    struct event event;
    if (value == 0 || store_allows(engine, feature)) return;
    log_warn(engine->log, "engine %s: kind %s: %s is not used: the store has format level %u; see upgrade", engine->dir,
             kind->name, option, atomic_load(&engine->format_level));
    event_begin(&event, engine, what);
    event_text(&event, "kind", kind->name);
    event_number(&event, option, value);
    event_number(&event, "format_level", atomic_load(&engine->format_level));
    event_number(&event, "needs", format_feature_level(feature));
    event_end(&event);
}

static void tell_unused_options(struct engine *engine) {
    for (size_t i = 0; i < engine->options.kind_count; i++) {
        const struct engine_tree_kind *kind = &engine->options.kinds[i];
        tell_unused(engine, kind, FORMAT_VALUES_APART, "threshold unused", "value_threshold_bytes",
                    kind->value_threshold_bytes);
        tell_unused(engine, kind, FORMAT_DICTIONARIES, "dictionary unused", "dictionary_bytes", kind->dictionary_bytes);
    }
}

/* A table that can't be opened for want of a descriptor fails a read; one that is closed costs another opening. */
static void limit_open_files(struct engine *engine) {
    const uint64_t process = io_files_most(engine->io);
    struct event event;
    if (engine->options.read_only || engine->open_files_most <= process / FILES_SHARE) return;
    engine->open_files_most = process / FILES_SHARE < FILES_LEAST ? FILES_LEAST : process / FILES_SHARE;
    event_begin(&event, engine, "open files lowered");
    event_number(&event, "open_files", engine->options.open_files);
    event_number(&event, "process_may_have", process);
    event_number(&event, "lowered_to", engine->open_files_most);
    event_end(&event);
}

static enum status open_engine(struct engine *engine, const char *dir, struct error *error) {
    bool differs = false;
    const uint64_t start = io_now_ns(engine->io);
    enum status status = options_check(&engine->options, error);
    if (status == STATUS_OK) status = allocate(engine);
    if (status == STATUS_OK) status = take_directory(engine, dir, error);
    if (status == STATUS_OK) status = store_recover(engine, &differs, error);
    if (status == STATUS_OK && differs && !engine->options.read_only) status = options_keep(engine);
    if (status == STATUS_OK && !engine->options.read_only) status = sync_parent(engine);
    if (status == STATUS_OK) tell_unused_options(engine);
    if (status == STATUS_OK) limit_open_files(engine);
    if (status == STATUS_OK) tell_opening(engine, io_now_ns(engine->io) - start);
    if (status != STATUS_OK && error && error->status == STATUS_OK)
        error_set(error, status, "%s: %s", dir, status_text(status));
    if (status != STATUS_OK || engine->options.read_only) return status;
    pace_check_space(engine);
    mutex_lock(&engine->mutex);
    pace_recount(engine);
    store_job_start(engine, &engine->compact_job);
    mutex_unlock(&engine->mutex);
    return STATUS_OK;
}

static enum status open_once(struct io *io, const char *dir, const struct engine_options *options, bool tolerates,
                             struct engine **engine, struct error *error) {
    *error = (struct error){.status = STATUS_OK};
    *engine = NULL;
    struct engine *made = calloc(1, sizeof *made);
    if (!made) return error_set(error, STATUS_NO_MEMORY, "%s: out of memory", dir);
    init(made, io, options);
    made->tolerates = tolerates;
    const enum status status = open_engine(made, dir, error);
    if (status == STATUS_OK)
        *engine = made;
    else
        engine_close(made);
    return status;
}

enum status engine_open(struct io *io, const char *dir, const struct engine_options *options, struct engine **engine,
                        struct error *error) {
    struct error unused;
    if (!error) error = &unused;
    struct refresh_patience patience = {.tries = 0};
    enum status status;
    do status = open_once(io, dir, options, false, engine, error);
    while (options->read_only && refresh_try_again(&patience, io, status, error));
    /* What is still so after a while is no writer at work. */
    if (options->explains && status_class(status) == STATUS_CLASS_DAMAGE)
        status = open_once(io, dir, options, true, engine, error);
    return status;
}

/* Background work ends at its next step. */
static void stop_jobs(struct engine *engine) {
    mutex_lock(&engine->mutex);
    atomic_store(&engine->closing, true);
    condition_signal(&engine->rest.wake);
    while (engine->flush_job.running || engine->compact_job.running || engine->sweep_job.running ||
           engine->gap_job.running || engine->help_job.running)
        store_wait(engine);
    mutex_unlock(&engine->mutex);
    gap_search_deinit(engine);
    flush_abandon(engine);
    compaction_abandon(engine);
}

static void release_state(struct engine *engine) {
    view_table_deinit(&engine->views);
    for (uint32_t i = 0; i < engine->sealed_count; i++) mem_release(engine->sealed[i]);
    mem_release(engine->active);
    version_release(engine->version);
    store_sweep_closed(engine);
    manifest_close(engine->manifest);
    wal_close(engine->wal);
    tree_table_deinit(&engine->trees);
    block_cache_destroy(engine->environment.cache);
    codec_destroy(engine->environment.codec);
}

void engine_close(struct engine *engine) {
    if (!engine) return;
    stop_jobs(engine);
    warmer_deinit(&engine->warmer);
    release_state(engine);
    events_deinit(engine);
    timing_deinit(&engine->timing);
    if (engine->lock) io_unlock(engine->lock);
    morgue_deinit(&engine->morgue);
    value_table_deinit(&engine->values);
    condition_deinit(&engine->changed);
    condition_deinit(&engine->rest.wake);
    mutex_deinit(&engine->mutex);
    mutex_deinit(&engine->install_lock);
    mutex_deinit(&engine->table_lock);
    mutex_deinit(&engine->error_lock);
    mutex_deinit(&engine->budget_lock);
    page_pool_deinit(&engine->spare_runs);
    strange_kinds_free(engine);
    free(engine);
}
