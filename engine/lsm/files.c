/*
 * files: numbers, opening and removal of SSTs. Invariant: a file is removed from disk only when the edit that dropped
 * it is durable and nobody refers to it.
 */
#include <inttypes.h>

#include "engine/lsm/file_names.h"
#include "engine/lsm/store.h"

enum { SWEEP_FILES_PER_STEP = 2 }; /* a file system may take 10 ms over a large one, for which a flush may wait */
#define TRIED (UINT64_C(1) << 63)

enum status store_file_path(const struct engine *engine, uint64_t number, char path[IO_PATH_BYTES]) {
    return file_path(path, engine->dir, FILE_SST, number);
}

static enum status open_table(struct engine *engine, const struct file *file, uint64_t cache_file, struct sst **sst,
                              struct error *error) {
    char path[IO_PATH_BYTES];
    const enum status status = store_file_path(engine, file->meta.number, path);
    if (status != STATUS_OK) return status;
    const struct edit_file *meta = &file->meta;
    const struct sst_identity identity = {.store = meta->store, .file = edit_file_identity(meta)};
    return sst_open_adopted(&engine->environment, path, identity, cache_file, meta->instance, meta->sequence, sst,
                            error);
}

enum status store_try_open_file(struct engine *engine, const struct file *file, struct error *error) {
    struct sst *sst = NULL; /* under another key: its closing must not empty the cache of the file's blocks */
    const enum status status = open_table(engine, file, file->meta.number | TRIED, &sst, error);
    if (status == STATUS_OK) sst_close(sst);
    return status == STATUS_NOT_FOUND || status == STATUS_MISMATCH ? STATUS_CORRUPT : status;
}

/* REQUIRES: table_lock. */
static enum status open_sst(struct engine *engine, struct file *file, struct sst **sst) {
    struct error error = {.status = STATUS_OK};
    enum status status = open_table(engine, file, file->meta.number, sst, &error);
    if (status == STATUS_OK) {
        atomic_store_explicit(&file->used, true, memory_order_relaxed);
        atomic_store_explicit(&file->sst, *sst, memory_order_release);
        return STATUS_OK;
    }
    /* A file of ours that is gone or is another's is damage. */
    if (status == STATUS_NOT_FOUND || status == STATUS_MISMATCH) status = STATUS_CORRUPT;
    store_note_error(engine, status, "%s", error.text); /* which begins with the path */
    if (status_class(status) == STATUS_CLASS_DAMAGE) atomic_store(&file->damaged, true);
    return status;
}

/* REQUIRES: table_lock. */
static enum status explain_open(struct engine *engine, struct file *file, struct sst **sst) {
    struct engine_watch *watch = engine->environment.watch;
    const uint64_t start = io_now_ns(engine->io);
    const enum status status = open_sst(engine, file, sst);
    const struct engine_step step = {.kind = ENGINE_STEP_OPEN,
                                     .status = status,
                                     .file = file->meta.number,
                                     .file_bytes = file->meta.bytes,
                                     .ns = io_now_ns(engine->io) - start};
    watch->told(watch->context, &step);
    return status;
}

enum status store_open_file(struct engine *engine, struct file *file, unsigned flags, struct sst **sst) {
    *sst = atomic_load_explicit(&file->sst, memory_order_acquire);
    if (*sst) {
        if (!atomic_load_explicit(&file->used, memory_order_relaxed))
            atomic_store_explicit(&file->used, true, memory_order_relaxed);
        return STATUS_OK;
    }
    if (flags & SST_MEMORY_ONLY) return STATUS_WOULD_BLOCK;
    enum status status = STATUS_OK;
    mutex_lock(&engine->table_lock);
    *sst = atomic_load_explicit(&file->sst, memory_order_acquire);
    const bool opened = !*sst;
    if (opened) status = engine->environment.watch ? explain_open(engine, file, sst) : open_sst(engine, file, sst);
    mutex_unlock(&engine->table_lock);
    if (!opened || status != STATUS_OK) return status;
    tables_note_open(engine, *sst);
    budget_balance(engine);
    return STATUS_OK;
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

static bool take_reserved(struct engine *engine, uint64_t *number) {
    mutex_lock(&engine->mutex);
    const bool taken = engine->next_file < engine->reserved_file;
    if (taken) *number = engine->next_file++;
    mutex_unlock(&engine->mutex);
    return taken;
}

enum status store_take_file_number(struct engine *engine, uint64_t *number) {
    while (!take_reserved(engine, number)) {
        struct install install;
        install_init(&install, EDIT_RESERVE);
        const enum status status = store_install(engine, &install, NULL);
        install_deinit(&install);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

uint64_t store_take_job_number(struct engine *engine) {
    mutex_lock(&engine->mutex);
    const uint64_t number = engine->next_job++;
    mutex_unlock(&engine->mutex);
    return number;
}

/* ---- Sweeping ---------------------------------------------------------------------------------------------------- */

static void tell_removal(struct engine *engine, const struct file *file, enum status status) {
    struct event event;
    event_begin(&event, engine, "sweep");
    event_number(&event, "file", file->meta.number);
    event_number(&event, "bytes", file->meta.bytes);
    event_text(&event, "why", "no version names it any more, and nobody reads it");
    if (status != STATUS_OK) event_text(&event, "failed", status_text(status));
    event_end(&event);
}

static void bury_file(struct engine *engine, struct file *file) {
    char path[IO_PATH_BYTES];
    const bool goes = atomic_load(&file->dead) && !store_has_failed(engine) && !engine->options.read_only;
    tables_close_one(engine, atomic_load(&file->sst));
    if (goes) {
        enum status status = store_file_path(engine, file->meta.number, path);
        if (status == STATUS_OK) status = io_remove(engine->io, path);
        tell_removal(engine, file, status);
        /* What can't be removed now is an orphan that the next open removes. */
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            log_warn(engine->log, "engine %s: file %" PRIu64 " can't be removed: %s", engine->dir, file->meta.number,
                     status_text(status));
    }
    if (engine->options.read_only) store_count_values(file, false); /* a writer's installation has done so */
    store_detach_values(file);
    file_destroy(file);
}

/* True: files are left. */
static bool sweep_some(struct engine *engine, unsigned limit) {
    view_bury(&engine->views);
    tables_sweep(engine);
    bool more = true;
    for (unsigned i = 0; i < limit && more; i++) {
        mutex_lock(&engine->morgue.mutex);
        struct list *link = list_pop_front(&engine->morgue.files);
        mutex_unlock(&engine->morgue.mutex);
        more = link != NULL;
        if (link) bury_file(engine, list_entry(link, struct file, link));
    }
    store_bury_values(engine);
    return more;
}

void store_sweep(struct engine *engine) {
    while (sweep_some(engine, SWEEP_FILES_PER_STEP)) continue;
}

void store_sweep_closed(struct engine *engine) {
    struct list *link;
    while ((link = list_pop_front(&engine->morgue.files)) != NULL)
        bury_file(engine, list_entry(link, struct file, link));
    store_bury_values(engine);
    tables_close_all(engine);
}

enum io_job_state sweep_step(struct io_job *job) {
    struct engine *engine = job->context;
    if (!atomic_load(&engine->closing) && sweep_some(engine, SWEEP_FILES_PER_STEP)) return IO_JOB_MORE;
    pace_check_space(engine);
    budget_balance(engine);
    events_write(engine);
    mutex_lock(&engine->mutex);
    tree_table_collect(&engine->trees, view_oldest(&engine->views));
    mutex_unlock(&engine->mutex);
    return store_job_end(engine, &engine->sweep_job) ? IO_JOB_DONE : IO_JOB_MORE;
}

void store_release_view(struct engine *engine, struct view *view) {
    if (!view_release(&engine->views, view)) return;
    mutex_lock(&engine->mutex);
    store_job_start(engine, &engine->sweep_job);
    mutex_unlock(&engine->mutex);
}
