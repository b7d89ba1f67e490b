/* open: birth and end of an engine. Invariant: what engine_open made, engine_close unmakes; a failed open leaves
 * nothing behind in memory, and on disk only what the next open understands. */
#include <stdlib.h>

#include "engine/lsm/store.h"

enum {
    DEFAULT_MEMTABLE_BYTES = 64 << 20,
    DEFAULT_MEMTABLE_LIMIT = 4,
    DEFAULT_CACHE_BYTES = 64 << 20,
    DEFAULT_BLOCK_BYTES = 4 << 10,
    DEFAULT_FILE_BYTES = 8 << 20,
    DEFAULT_LEVEL_BASE_BYTES = 64 << 20,
    DEFAULT_LEVEL_RATIO = 10,
    DEFAULT_LEVEL0_TRIGGER = 4,
    DEFAULT_WAL_SEGMENT_BYTES = 64 << 20,
    DEFAULT_DISK_RESERVE_BYTES = 64 << 20,
    DEFAULT_MANIFEST_BYTES = 4 << 20,
    FLUSH_PRIORITY = 0,
    COMPACTION_PRIORITY = 2,
    SWEEP_PRIORITY = 1,
};

static void fill_options(struct engine_options *options) {
    if (options->memtable_bytes == 0) options->memtable_bytes = DEFAULT_MEMTABLE_BYTES;
    if (options->memtable_limit == 0) options->memtable_limit = DEFAULT_MEMTABLE_LIMIT;
    if (options->cache_bytes == 0) options->cache_bytes = DEFAULT_CACHE_BYTES;
    if (options->block_bytes == 0) options->block_bytes = DEFAULT_BLOCK_BYTES;
    if (options->file_bytes == 0) options->file_bytes = DEFAULT_FILE_BYTES;
    if (options->level_base_bytes == 0) options->level_base_bytes = DEFAULT_LEVEL_BASE_BYTES;
    if (options->level_ratio == 0) options->level_ratio = DEFAULT_LEVEL_RATIO;
    if (options->level0_trigger == 0) options->level0_trigger = DEFAULT_LEVEL0_TRIGGER;
    if (options->debt_limit_bytes == 0) options->debt_limit_bytes = options->level_base_bytes * 4;
    if (options->wal_segment_bytes == 0) options->wal_segment_bytes = DEFAULT_WAL_SEGMENT_BYTES;
    if (options->disk_reserve_bytes == 0) options->disk_reserve_bytes = DEFAULT_DISK_RESERVE_BYTES;
    if (options->manifest_bytes == 0) options->manifest_bytes = DEFAULT_MANIFEST_BYTES;
}

static enum status check_options(const struct engine_options *options, struct error *error) {
    if (options->memtable_limit < 2 || options->memtable_limit > VIEW_SEALED_MAX)
        return error_set(error, STATUS_INVALID, "memtable_limit is %u; it must be 2..%d", options->memtable_limit,
                         VIEW_SEALED_MAX);
    if (options->level_ratio < 2)
        return error_set(error, STATUS_INVALID, "level_ratio is %u; it must be at least 2", options->level_ratio);
    if (options->owner_seals && options->wal != ENGINE_WAL_OFF)
        return error_set(error, STATUS_INVALID, "owner_seals goes with ENGINE_WAL_OFF only");
    if (options->memory_writes && !(options->read_only && options->owner_seals))
        return error_set(error, STATUS_INVALID, "memory_writes goes with read_only and owner_seals only");
    for (size_t i = 0; i < options->kind_count; i++) {
        const struct engine_tree_kind *kind = &options->kinds[i];
        if (kind->id == 0 || !kind->name)
            return error_set(error, STATUS_INVALID, "a kind of trees needs an id above 0 and a name");
        for (size_t j = 0; j < i; j++)
            if (options->kinds[j].id == kind->id)
                return error_set(error, STATUS_INVALID, "kind %u is given twice: %s, %s", kind->id,
                                 options->kinds[j].name, kind->name);
    }
    return STATUS_OK;
}

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
    fill_options(&engine->options);
    engine->log = options->log;
    mutex_init(&engine->mutex);
    mutex_init(&engine->log_lock);
    mutex_init(&engine->install_lock);
    mutex_init(&engine->table_lock);
    mutex_init(&engine->error_lock);
    condition_init(&engine->changed);
    list_init(&engine->writers);
    list_init(&engine->snapshots);
    view_table_init(&engine->views);
    tree_table_init(&engine->trees);
    morgue_init(&engine->morgue);
    atomic_store(&engine->flush_waits, UINT64_MAX);
    engine->next_job = 1;
    engine->mem_seed = 1;
    init_job(engine, &engine->flush_job, FLUSH_PRIORITY, flush_step);
    init_job(engine, &engine->sweep_job, SWEEP_PRIORITY, sweep_step);
    init_job(engine, &engine->compact_job, COMPACTION_PRIORITY, compaction_step);
}

static enum status allocate(struct engine *engine) {
    engine->environment = (struct sst_environment){.io = engine->io, .on_error = on_read_error, .context = engine};
    engine->environment.codec = codec_create();
    engine->environment.cache = block_cache_create(engine->options.cache_bytes);
    engine->version = version_create_empty();
    engine->active = mem_create(engine->mem_seed);
    if (!engine->environment.codec || !engine->environment.cache || !engine->version || !engine->active)
        return STATUS_NO_MEMORY;
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

static enum status open_engine(struct engine *engine, const char *dir, struct error *error) {
    enum status status = check_options(&engine->options, error);
    if (status == STATUS_OK) status = allocate(engine);
    if (status == STATUS_OK) status = take_directory(engine, dir, error);
    if (status == STATUS_OK) status = store_recover(engine, error);
    if (status == STATUS_OK && !engine->options.read_only) status = sync_parent(engine);
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

enum status engine_open(struct io *io, const char *dir, const struct engine_options *options, struct engine **engine,
                        struct error *error) {
    struct error unused;
    if (!error) error = &unused;
    *error = (struct error){.status = STATUS_OK};
    *engine = NULL;
    struct engine *made = calloc(1, sizeof *made);
    if (!made) return error_set(error, STATUS_NO_MEMORY, "%s: out of memory", dir);
    init(made, io, options);
    const enum status status = open_engine(made, dir, error);
    if (status == STATUS_OK)
        *engine = made;
    else
        engine_close(made);
    return status;
}

/* Background work ends at its next step. */
static void stop_jobs(struct engine *engine) {
    mutex_lock(&engine->mutex);
    atomic_store(&engine->closing, true);
    while (engine->flush_job.running || engine->compact_job.running || engine->sweep_job.running) store_wait(engine);
    mutex_unlock(&engine->mutex);
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
    release_state(engine);
    if (engine->lock) io_unlock(engine->lock);
    morgue_deinit(&engine->morgue);
    condition_deinit(&engine->changed);
    mutex_deinit(&engine->mutex);
    mutex_deinit(&engine->log_lock);
    mutex_deinit(&engine->install_lock);
    mutex_deinit(&engine->table_lock);
    mutex_deinit(&engine->error_lock);
    free(engine);
}
