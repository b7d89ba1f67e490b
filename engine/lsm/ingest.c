/*
 * ingest: files that were built outside come into a tree. Order: read and verify each; bring it under a name of ours
 * (its content durable, then the names); then, as leader of the commit queue, flush what is in memory and write one
 * edit that names the files and takes one sequence for all of them; publish that.
 *
 * Invariant: until the edit is durable nothing but names that no edit knows has changed, and the next open removes
 * those. Everything before the ingest is installed by then, so that the edit's mark is the applied one: neither a
 * restart nor a checkpoint can see the files without what was written before them.
 */
#include "engine/lsm/ingest.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/droppable.h"
#include "engine/lsm/expiry.h"
#include "engine/lsm/store.h"
#include "engine/lsm/table_row.h"
#include "engine/sst/sst_format.h"

enum { COPY_BYTES = 256 << 10 };

struct ingest {
    struct engine *engine;
    uint32_t tree;
    uint32_t instance; /* that the files were checked for */
    const struct engine_tree_kind *kind;
    int64_t mark_time_ms;
    struct file **files; /* a reference to each */
    size_t count;
    struct install install;
    struct error *error;
};

/* ---- Where it fits ----------------------------------------------------------------------------------------------- */

static bool level_overlaps(const struct level *level, const struct file *file) {
    for (uint32_t i = 0; i < level->count; i++)
        if (file_overlaps_file(level->files[i], file)) return true;
    return false;
}

uint32_t ingest_level(const struct tree_files *tree, const struct file *file,
                      bool (*claimed)(void *context, uint32_t level), void *context) {
    uint32_t lowest = 0;
    for (uint32_t i = 0; i < ENGINE_LEVELS; i++) {
        if (tree && level_overlaps(&tree->levels[i], file)) return lowest;
        if (i > 0 && !claimed(context, i)) lowest = i;
    }
    return lowest;
}

/* ---- One file: what it is ---------------------------------------------------------------------------------------- */

struct looking {
    const char *path;
    struct error *error;
};

static void find_in_file(void *context, uint64_t offset, const char *text) {
    const struct looking *looking = context;
    if (looking->error->text[0] == 0)
        error_set(looking->error, STATUS_CORRUPT, "%s: offset %" PRIu64 ": %s", looking->path, offset, text);
}

/* When the tree's filter will drop from it: as a compaction that wrote it would have found. */
static enum status find_droppable(const struct ingest *ingest, struct sst *sst, int64_t *due_ms) {
    struct droppable droppable;
    struct sst_source source;
    droppable_init(&droppable, ingest->mark_time_ms);
    const struct engine_filter *filter = expiry_kind_filter(ingest->kind);
    if (filter) {
        sst_source_init(&source, sst, SST_READ_AHEAD);
        for (source_seek_first(&source.source); source.source.valid; source_next(&source.source))
            if (entry_kind(source.source.trailer) == ENTRY_PUT)
                droppable_add(&droppable, filter, source.source.key, source.source.value);
        const enum status status = source.source.status;
        source_close(&source.source);
        if (status != STATUS_OK) return status;
    }
    *due_ms = droppable_due_ms(&droppable);
    return STATUS_OK;
}

static enum status check_properties(const struct ingest *ingest, const char *path,
                                    const struct sst_properties *properties) {
    if (properties->origin.cause != SST_CAUSE_OUTSIDE)
        return error_set(ingest->error, STATUS_INVALID, "%s: it was not built to be ingested, but by a store", path);
    if (properties->origin.kind != ingest->kind->id)
        return error_set(ingest->error, STATUS_INVALID,
                         "%s: it was built for trees of kind %" PRIu32 "; tree %" PRIu32 " is of kind %" PRIu32 " (%s)",
                         path, properties->origin.kind, ingest->tree, ingest->kind->id, ingest->kind->name);
    if (properties->references > 0)
        return error_set(ingest->error, STATUS_INVALID, "%s: it refers to values that lie in another store", path);
    if (properties->merges > 0 && !ingest->kind->merge)
        return error_set(ingest->error, STATUS_INVALID,
                         "%s: it holds merge operands, and kind %" PRIu32 " has no operator", path, ingest->kind->id);
    const char *text = format_level_forbids_inside(atomic_load(&ingest->engine->format_level), properties);
    if (text) return error_set(ingest->error, STATUS_INVALID, "%s: it %s: upgrade the store", path, text);
    return STATUS_OK;
}

/* Reads all of it, and says what the manifest will. */
static enum status examine(const struct ingest *ingest, const char *path, struct sst *sst, struct file **file) {
    struct looking looking = {path, ingest->error};
    const struct sst_properties *properties = sst_properties(sst);
    struct edit_file meta;
    table_row_from(&meta, properties, 0, 0); /* number, store, level and sequence come later */
    meta.instance = ingest->instance;
    meta.level = 0;
    meta.first_sequence = meta.last_sequence = 0;
    meta.created_ms = meta.oldest_ms = ingest->mark_time_ms;
    enum status status = check_properties(ingest, path, properties);
    if (status == STATUS_OK) status = sst_verify(sst, find_in_file, &looking);
    if (status == STATUS_OK) status = find_droppable(ingest, sst, &meta.droppable_ms);
    if (status != STATUS_OK) return status;
    *file = file_create(&ingest->engine->morgue, &meta);
    return *file ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status read_identity(struct io *io, const char *path, struct sst_identity *identity, struct error *error) {
    uint8_t header[SST_HEADER_BYTES];
    struct io_file *file;
    size_t got = 0;
    enum status status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    status = io_file_read(file, 0, header, sizeof header, &got);
    io_file_close(file);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    status = got < sizeof header ? STATUS_CORRUPT : sst_header_decode(slice_make(header, got), identity, error);
    if (status == STATUS_OK) return STATUS_OK;
    if (got < sizeof header) return error_set(error, status, "%s: too short to be an SST", path);
    return error_prefix(error, status, "%s", path);
}

/* ---- One file: under a name of ours ------------------------------------------------------------------------------ */

static enum status copy_content(struct io_file *from, struct io_file *to) {
    uint8_t *bytes = malloc(COPY_BYTES);
    enum status status = bytes ? STATUS_OK : STATUS_NO_MEMORY;
    size_t got = COPY_BYTES;
    for (uint64_t at = 0; status == STATUS_OK && got == COPY_BYTES; at += got) {
        status = io_file_read(from, at, bytes, COPY_BYTES, &got);
        if (status == STATUS_OK && got > 0) status = io_file_write(to, at, bytes, got);
    }
    free(bytes);
    return status;
}

static enum status copy_file(struct io *io, const char *from, const char *to) {
    struct io_file *source = NULL, *target = NULL;
    enum status status = io_file_open(io, from, IO_OPEN_READ, &source);
    if (status == STATUS_OK) status = io_file_open(io, to, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_EXCLUSIVE, &target);
    if (status == STATUS_OK) status = copy_content(source, target);
    io_file_close(source);
    io_file_close(target);
    return status;
}

/* Whoever made the file may not have synced it. */
static enum status sync_file(struct io *io, const char *path) {
    struct io_file *file;
    enum status status = io_file_open(io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file);
    if (status != STATUS_OK) return status;
    status = io_file_sync(file);
    io_file_close(file);
    return status;
}

static void remove_name(struct engine *engine, const char *path) {
    const enum status status = io_remove(engine->io, path);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        log_warn(engine->log, "engine %s: %s can't be removed: %s", engine->dir, path, status_text(status));
}

/* Verifies what now has our name: what was verified is what comes in. */
static enum status take_named(struct ingest *ingest, const char *from, const char *path, uint64_t number) {
    struct engine *engine = ingest->engine;
    struct sst_identity identity;
    struct sst *sst = NULL;
    struct file *file = NULL;
    enum status status = read_identity(engine->io, from, &identity, ingest->error);
    if (status != STATUS_OK) return status;
    status = sst_open_adopted(&engine->environment, path, identity, number, ingest->instance, 1, &sst, ingest->error);
    if (status != STATUS_OK) return error_prefix(ingest->error, status, "%s", from);
    status = examine(ingest, from, sst, &file);
    sst_close(sst);
    if (status != STATUS_OK) return status;
    file->meta.number = number;
    file->meta.store = identity.store;
    file->meta.built_as = identity.file;
    atomic_store(&file->dead, true); /* until an edit names it */
    ingest->files[ingest->count++] = file;
    return STATUS_OK;
}

static enum status take_file(struct ingest *ingest, const char *from) {
    struct engine *engine = ingest->engine;
    char path[IO_PATH_BYTES];
    uint64_t number;
    enum status status = store_take_file_number(engine, &number);
    if (status == STATUS_OK) status = store_file_path(engine, number, path);
    if (status != STATUS_OK) return status;
    status = io_link(engine->io, from, path);
    if (status == STATUS_UNSUPPORTED || status == STATUS_DENIED || status == STATUS_BUSY)
        status = copy_file(engine->io, from, path); /* another file system, or one without links */
    if (status == STATUS_OK) status = sync_file(engine->io, path);
    if (status != STATUS_OK && ingest->error->text[0] == 0)
        error_set(ingest->error, status, "%s: can't be brought into %s: %s", from, engine->dir, status_text(status));
    if (status == STATUS_OK) status = take_named(ingest, from, path, number);
    if (status != STATUS_OK) remove_name(engine, path);
    return status;
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

static int compare_first(const void *a, const void *b) {
    return slice_compare((*(struct file *const *)a)->meta.first, (*(struct file *const *)b)->meta.first);
}

static enum status check_disjoint(const struct ingest *ingest) {
    if (ingest->count > 1) qsort(ingest->files, ingest->count, sizeof(struct file *), compare_first);
    for (size_t i = 1; i < ingest->count; i++)
        if (file_overlaps_file(ingest->files[i - 1], ingest->files[i]))
            return error_set(ingest->error, STATUS_INVALID,
                             "two of the files share keys: files of one ingest must be disjoint");
    return STATUS_OK;
}

static enum status take_files(struct ingest *ingest, const char *const *paths, size_t count) {
    enum status status = STATUS_OK;
    ingest->files = calloc(count, sizeof(struct file *));
    if (!ingest->files) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) status = take_file(ingest, paths[i]);
    if (status == STATUS_OK) status = check_disjoint(ingest);
    return status == STATUS_OK ? io_dir_sync(ingest->engine->io, ingest->engine->dir) : status;
}

/* ---- As leader --------------------------------------------------------------------------------------------------- */

/* REQUIRES: mutex, which is given up meanwhile, and the lead: nothing new comes into memory. */
static enum status flush_memory(struct engine *engine) {
    while (!mem_is_empty(engine->active) || engine->sealed_count > 0) {
        if (store_has_failed(engine)) return STATUS_READ_ONLY;
        const enum status sealed = store_seal(engine);
        if (sealed != STATUS_OK && sealed != STATUS_BUSY) return sealed;
        engine->flush_status = STATUS_OK;
        store_job_start(engine, &engine->flush_job);
        while (engine->flush_job.running && !store_has_failed(engine)) store_wait(engine);
        if (engine->flush_status != STATUS_OK) return engine->flush_status;
    }
    return store_has_failed(engine) ? STATUS_READ_ONLY : STATUS_OK;
}

static bool is_claimed(void *context, uint32_t level) {
    const struct ingest *ingest = context;
    mutex_lock(&ingest->engine->mutex);
    const struct store_claim claim = ingest->engine->claim;
    mutex_unlock(&ingest->engine->mutex);
    return claim.instance == STORE_CLAIM_ALL || (claim.instance == ingest->instance && claim.level == level);
}

/* Under the install lock: where each file goes, in the version that it joins. */
static enum status place_files(struct install *install, const struct version *version, void *context) {
    struct ingest *ingest = context;
    const struct tree_files *tree = version_find(version, ingest->instance);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ingest->count && status == STATUS_OK; i++) {
        struct file *file = ingest->files[i];
        file->meta.sequence = file->meta.first_sequence = file->meta.last_sequence = install->sequence;
        const bool fifo = ingest->kind->policy == ENGINE_POLICY_FIFO; /* its files lie in level 0, by age */
        const uint32_t level = fifo ? 0 : ingest_level(tree, file, is_claimed, ingest);
        status = install_add(install, file, level, ingest->kind);
    }
    return status;
}

/* REQUIRES: mutex, which is given up meanwhile, and the lead. */
static enum status install_files(struct ingest *ingest) {
    struct engine *engine = ingest->engine;
    const uint64_t sequence = engine->last_sequence + 1;
    ingest->install.sequence = sequence;
    ingest->install.complete = place_files;
    ingest->install.context = ingest;
    mutex_unlock(&engine->mutex);
    const enum status status = store_install(engine, &ingest->install, NULL);
    mutex_lock(&engine->mutex);
    if (status != STATUS_OK) return status;
    gaps_forget(&engine->gaps, ingest->instance);
    engine->last_sequence = sequence;
    engine->active->last_sequence = sequence;
    lead_mark_store(&engine->shown, sequence, &engine->applied);
    atomic_store_explicit(&engine->sequence, sequence, memory_order_release);
    store_job_start(engine, &engine->compact_job);
    return STATUS_OK;
}

static enum status act(void *context) {
    struct ingest *ingest = context;
    struct engine *engine = ingest->engine;
    const struct tree *tree = tree_table_live(&engine->trees, ingest->tree);
    if (!tree || tree->instance != ingest->instance)
        return error_set(ingest->error, STATUS_INVALID, "tree %" PRIu32 " was dropped meanwhile", ingest->tree);
    const enum status status = flush_memory(engine);
    return status == STATUS_OK ? install_files(ingest) : status;
}

/* ---- The call ---------------------------------------------------------------------------------------------------- */

static enum status find_tree(struct ingest *ingest) {
    struct store_read read;
    store_begin_read(ingest->engine, NULL, ingest->tree, &read);
    if (read.tree) {
        ingest->instance = read.tree->instance;
        ingest->kind = read.tree->kind;
    }
    store_end_read(ingest->engine, &read);
    if (!ingest->kind) return error_set(ingest->error, STATUS_INVALID, "there is no tree %" PRIu32, ingest->tree);
    ingest->mark_time_ms = engine_applied(ingest->engine).time_ms;
    return STATUS_OK;
}

static enum status ingest_files(struct ingest *ingest, const char *const *paths, size_t count) {
    struct engine *engine = ingest->engine;
    if (engine->options.read_only || store_has_failed(engine)) return STATUS_READ_ONLY;
    if (engine->options.wal == ENGINE_WAL_OFF)
        return error_set(ingest->error, STATUS_INVALID,
                         "without a log of its own a store holds what its owner's log says, nothing else");
    if (count == 0) return error_set(ingest->error, STATUS_INVALID, "no file was given");
    enum status status = find_tree(ingest);
    if (status == STATUS_OK) status = take_files(ingest, paths, count);
    /* Most of what is in memory goes before writers have to wait. */
    if (status == STATUS_OK) status = engine_flush(engine);
    return status == STATUS_OK ? store_lead_alone(engine, act, ingest) : status;
}

static void remove_originals(struct engine *engine, const char *const *paths, size_t count) {
    for (size_t i = 0; i < count; i++) remove_name(engine, paths[i]);
}

/* Of names that no edit knows. */
static void start_sweep(struct engine *engine) {
    mutex_lock(&engine->mutex);
    store_job_start(engine, &engine->sweep_job);
    mutex_unlock(&engine->mutex);
}

static void tell_ingest(const struct ingest *ingest) {
    struct event event;
    event_begin(&event, ingest->engine, "ingest");
    event_number(&event, "tree", ingest->tree);
    event_text(&event, "why", "it was asked for");
    event_changes(&event, "output", ingest->install.changes, ingest->install.count, true);
    event_end(&event);
}

enum status engine_ingest(struct engine *engine, uint32_t tree, const char *const *paths, size_t count,
                          const struct engine_ingest_options *options, struct error *error) {
    struct error unused;
    if (!error) error = &unused;
    *error = (struct error){.status = STATUS_OK};
    struct ingest ingest = {.engine = engine, .tree = tree, .error = error};
    install_init(&ingest.install, EDIT_INGEST);
    const enum status status = ingest_files(&ingest, paths, count);
    if (status == STATUS_OK) {
        for (size_t i = 0; i < ingest.count; i++)
            atomic_fetch_add_explicit(&engine->counters.ingested_bytes, ingest.files[i]->meta.bytes,
                                      memory_order_relaxed);
        atomic_fetch_add_explicit(&engine->counters.ingested_files, count, memory_order_relaxed);
        tell_ingest(&ingest);
        if (options && options->move) remove_originals(engine, paths, count);
    } else if (error->status == STATUS_OK) {
        error_set(error, status, "%s: ingest into tree %" PRIu32 ": %s", engine->dir, tree, status_text(status));
    }
    for (size_t i = 0; i < ingest.count; i++) file_release(ingest.files[i]);
    if (status != STATUS_OK && ingest.count > 0) start_sweep(engine);
    free(ingest.files);
    install_deinit(&ingest.install);
    return status;
}
