/*
 * refresh: see refresh.h and engine_refresh. A state is the manifest's and the records of the log behind its mark, one
 * after another; the manifest is read first, so that the log, which is only cut below it, has them. A gap means that it
 * was cut meanwhile: the manifest has moved on, too.
 *
 * Invariant: a view of a reader has the sequence that it shows; what is added to its memtable later is newer. When the
 * writer has flushed, the memtable is made anew from the log: rows that came into files must not be met twice, since
 * operands would count twice.
 */
#include "engine/lsm/refresh.h"

#include <inttypes.h>
#include <string.h>

#include "engine/lsm/apply.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/recovered.h"
#include "engine/lsm/store.h"

enum {
    TRIES_MAX = 60,
    TRIES_SAME = 5, /* with the same words: then it is no writer at work */
    PAUSE_NS = 1000000,
    PAUSES_DOUBLED = 4,
};

bool refresh_try_again(struct refresh_patience *patience, struct io *io, enum status status,
                       const struct error *error) {
    const bool may_pass = status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_NOT_FOUND ||
                          status == STATUS_MISMATCH || status == STATUS_BUSY;
    if (!may_pass) return false;
    patience->same = strcmp(patience->last.text, error->text) == 0 ? patience->same + 1 : 1;
    patience->last = *error;
    if (++patience->tries == TRIES_MAX || patience->same == TRIES_SAME) return false;
    const unsigned doubled = patience->tries < PAUSES_DOUBLED ? patience->tries - 1 : PAUSES_DOUBLED;
    io_sleep(io, (uint64_t)PAUSE_NS << doubled);
    return true;
}

struct refresh {
    struct engine *engine;
    struct error *error;
    struct recovered recovered;
    struct version *version; /* what becomes the present one; a reference */
    struct mem *mem;         /* the same of the memtable */
    struct view *view;       /* reserved: once rows were added, showing them can't fail */
    struct engine_mark mark; /* what is reached so far */
    uint64_t sequence;
    uint64_t lsn; /* of the last record taken in; 0 = none */
    uint64_t generation, manifest_bytes;
};

/* ---- Trees ------------------------------------------------------------------------------------------------------- */

struct departing {
    struct refresh *refresh;
    struct engine *engine;
    uint64_t oldest; /* sequence that anybody reads at */
};

static void drop_missing(void *context, struct tree *tree) {
    const struct departing *departing = context;
    const struct recovered *recovered = &departing->refresh->recovered;
    if (atomic_load(&tree->dropped) != TREE_LIVE || tree->created > recovered->last_sequence) return;
    if (!recovered_tree(recovered, tree->instance))
        tree_table_drop(&departing->engine->trees, tree, recovered->last_sequence);
}

static enum status make_missing(struct refresh *refresh) {
    struct engine *engine = refresh->engine;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < refresh->recovered.tree_count && status == STATUS_OK; i++) {
        const struct recovered_tree *found = &refresh->recovered.trees[i];
        struct tree *made;
        if (found->dropped || tree_table_by_instance(&engine->trees, found->tree.instance)) continue;
        status = tree_table_create(&engine->trees, found->tree.tree, found->tree.instance,
                                   store_kind(engine, found->tree.kind), refresh->recovered.last_sequence, &made);
    }
    return status;
}

/* The writer has flushed more than we have seen of its log: which trees came and went meanwhile the manifest tells, as
 * if all had been at its mark. */
static enum status catch_up_trees(struct refresh *refresh) {
    struct engine *engine = refresh->engine;
    struct departing departing = {.refresh = refresh, .engine = engine};
    if (refresh->recovered.last_sequence <= engine->known_sequence) return STATUS_OK;
    mutex_lock(&engine->mutex);
    tree_table_each(&engine->trees, drop_missing, &departing);
    const enum status status = make_missing(refresh);
    if (engine->next_instance < refresh->recovered.next_instance)
        engine->next_instance = refresh->recovered.next_instance;
    if (status == STATUS_OK) engine->known_sequence = refresh->recovered.last_sequence;
    mutex_unlock(&engine->mutex);
    return status;
}

static void forget_dropped(void *context, struct tree *tree) {
    const struct departing *departing = context;
    struct engine *engine = departing->engine;
    if (atomic_load(&tree->dropped) > departing->oldest || version_find(engine->version, tree->instance)) return;
    tree_table_remove(&engine->trees, tree, view_present(&engine->views)->number);
}

/* Trees that nobody can ask for leave the table: those dropped below the mark, whose drop no log will tell again. */
static void collect_trees(struct engine *engine) {
    struct departing departing = {.engine = engine};
    mutex_lock(&engine->mutex);
    departing.oldest = engine->installed_sequence;
    if (!list_is_empty(&engine->snapshots)) {
        const uint64_t oldest = list_entry(engine->snapshots.next, struct engine_snapshot, link)->sequence;
        if (oldest < departing.oldest) departing.oldest = oldest;
    }
    if (engine->trees.dropped > 0) tree_table_each(&engine->trees, forget_dropped, &departing);
    tree_table_collect(&engine->trees, view_oldest(&engine->views));
    mutex_unlock(&engine->mutex);
}

/* ---- The manifest ------------------------------------------------------------------------------------------------ */

/* Which manifest there is and how long it is: has it changed since it was last read? */
static enum status look_at_manifest(struct refresh *refresh, bool *changed) {
    struct engine *engine = refresh->engine;
    struct superblock superblock;
    struct io_entry entry;
    char path[IO_PATH_BYTES];
    bool damaged = false;
    enum status status = superblock_read(engine->io, engine->dir, &superblock, &damaged, refresh->error);
    if (status == STATUS_OK) status = file_path(path, engine->dir, FILE_MANIFEST, superblock.manifest);
    if (status == STATUS_OK) status = io_stat(engine->io, path, &entry);
    if (status != STATUS_OK) return error_set(refresh->error, status, "%s: no manifest", engine->dir);
    refresh->generation = superblock.generation;
    refresh->manifest_bytes = entry.size;
    *changed = superblock.generation != engine->seen_generation || entry.size != engine->seen_manifest_bytes;
    return STATUS_OK;
}

static enum status read_files(struct refresh *refresh) {
    struct engine *engine = refresh->engine;
    enum status status = store_load_manifest(engine, &refresh->recovered, refresh->error);
    if (status == STATUS_OK && engine->superblock.store != engine->store)
        status = error_set(refresh->error, STATUS_INVALID, "%s: another store is there now", engine->dir);
    if (status == STATUS_OK && refresh->recovered.mark.index < engine->installed.index)
        status = error_set(refresh->error, STATUS_CORRUPT, "%s: the manifest went back from %" PRIu64 " to %" PRIu64,
                           engine->dir, engine->installed.index, refresh->recovered.mark.index);
    if (status == STATUS_OK) status = catch_up_trees(refresh);
    if (status == STATUS_OK) status = store_load_files(engine, &refresh->recovered, &refresh->version, refresh->error);
    return status;
}

/* ---- The log ----------------------------------------------------------------------------------------------------- */

/* Rows of a batch whose trees are in the table as they were then. */
static enum status add_rows(struct engine *engine, struct slice operations, uint32_t count, uint64_t first) {
    struct batch_reader reader;
    struct batch_operation operation;
    batch_reader_init(&reader, operations, count);
    for (uint32_t i = 0; i < count; i++) {
        enum status status = batch_reader_next(&reader, &operation);
        if (status != STATUS_OK) return STATUS_CORRUPT;
        if (operation.kind == BATCH_CREATE_TREE || operation.kind == BATCH_DROP_TREE) continue;
        const struct tree *tree = tree_table_find(&engine->trees, operation.tree, first + i);
        if (!tree) continue; /* gone for everybody */
        status = memtable_add(engine->active->table, tree->instance, batch_entry_kind(operation.kind), first + i,
                              operation.key, operation.value);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status take_record(void *context, const struct wal_record *record) {
    struct refresh *refresh = context;
    struct engine *engine = refresh->engine;
    struct batch_header header;
    struct slice operations;
    enum status status = batch_header_decode(record->payload, &header, &operations);
    if (status != STATUS_OK)
        return error_set(refresh->error, status, "log record at %" PRIx64 ": malformed", record->lsn);
    if (header.mark.index <= refresh->mark.index) return STATUS_OK;
    if (header.mark.index != refresh->mark.index + 1 || header.first_sequence != refresh->sequence + 1)
        return error_set(refresh->error, STATUS_BUSY, "the log goes on at batch %" PRIu64 " behind batch %" PRIu64,
                         header.mark.index, refresh->mark.index);
    if (header.first_sequence <= engine->known_sequence)
        status = add_rows(engine, operations, header.count, header.first_sequence);
    else
        status = store_apply(engine, operations, header.count, header.first_sequence);
    if (status != STATUS_OK)
        return error_set(refresh->error, status, "log record at %" PRIx64 ": %s", record->lsn, status_text(status));
    refresh->sequence += header.count;
    refresh->mark = header.mark;
    refresh->lsn = record->lsn;
    engine->active->batches++;
    if (engine->known_sequence < refresh->sequence) engine->known_sequence = refresh->sequence;
    return STATUS_OK;
}

static void set_active(struct engine *engine, struct mem *mem) {
    mutex_lock(&engine->mutex);
    engine->active = mem;
    mutex_unlock(&engine->mutex);
}

/* What is behind the state so far; the memtable that rows go to is refresh->mem meanwhile. */
static enum status read_log(struct refresh *refresh) {
    struct engine *engine = refresh->engine;
    struct mem *before = engine->active;
    if (engine->options.wal != ENGINE_WAL_OWN) return STATUS_OK;
    set_active(engine, refresh->mem);
    const enum status status = store_read_log(engine, refresh->lsn, take_record, NULL, refresh, refresh->error);
    set_active(engine, before);
    return status;
}

/* ---- The new state ----------------------------------------------------------------------------------------------- */

/* From the manifest's mark on in a memtable of its own if files or mark are others, else from where we are. */
static enum status begin(struct refresh *refresh) {
    struct engine *engine = refresh->engine;
    bool changed = false;
    enum status status = look_at_manifest(refresh, &changed);
    if (status == STATUS_OK && changed) status = read_files(refresh);
    if (status != STATUS_OK) return status;
    if (!changed) {
        refresh->version = engine->version;
        version_acquire(refresh->version);
    }
    refresh->mark = engine->applied;
    refresh->sequence = engine->last_sequence;
    refresh->lsn = engine->seen_lsn;
    refresh->mem = engine->active;
    if (!changed || refresh->recovered.mark.index == engine->installed.index) {
        mem_acquire(refresh->mem);
        return STATUS_OK;
    }
    refresh->mark = refresh->recovered.mark;
    refresh->sequence = refresh->recovered.last_sequence;
    refresh->lsn = 0;
    refresh->mem = mem_create(&engine->memory, &engine->spare_runs, engine->mem_seed);
    return refresh->mem ? STATUS_OK : STATUS_NO_MEMORY;
}

/* REQUIRES: mutex. */
static void publish(struct refresh *refresh) {
    struct engine *engine = refresh->engine;
    struct view *view = refresh->view;
    engine->version = refresh->version;
    engine->active = refresh->mem;
    engine->applied = refresh->mark;
    engine->last_sequence = refresh->sequence;
    engine->seen_lsn = refresh->lsn;
    if (refresh->recovered.last_edit) {
        engine->installed = refresh->recovered.mark;
        engine->installed_sequence = refresh->recovered.last_sequence;
        engine->last_edit = refresh->recovered.last_edit;
        engine->seen_generation = refresh->generation;
        engine->seen_manifest_bytes = refresh->manifest_bytes;
    }
    view_fill(view, engine->version, engine->active, NULL, 0);
    view->sequence = refresh->sequence;
    view->time_ms = refresh->mark.time_ms;
    (void)view_publish(&engine->views, view);
    lead_mark_store(&engine->shown, refresh->sequence, &refresh->mark);
    atomic_store(&engine->log_time_ms, refresh->mark.time_ms);
    atomic_store(&engine->sequence, refresh->sequence);
}

static enum status show(struct refresh *refresh) {
    struct engine *engine = refresh->engine;
    struct version *version = engine->version;
    struct mem *mem = engine->active;
    if (refresh->sequence < engine->last_sequence || refresh->mark.index < engine->applied.index)
        return error_set(refresh->error, STATUS_BUSY, "%s: the log ends at batch %" PRIu64 ", before %" PRIu64,
                         engine->dir, refresh->mark.index, engine->applied.index);
    mutex_lock(&engine->mutex);
    publish(refresh);
    mutex_unlock(&engine->mutex);
    refresh->view = NULL;
    refresh->version = version; /* what was, to be released */
    refresh->mem = mem;
    return STATUS_OK;
}

static enum status refresh_once(struct engine *engine, struct error *error) {
    struct refresh refresh = {.engine = engine, .error = error};
    *error = (struct error){.status = STATUS_OK};
    recovered_init(&refresh.recovered);
    refresh.view = view_reserve(&engine->views);
    enum status status = refresh.view ? begin(&refresh) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) status = read_log(&refresh);
    /* What was added to the present memtable is whole batches, one after another: a state, wherever it ends. */
    const bool grown = refresh.mem == engine->active && refresh.sequence > engine->last_sequence;
    if (status == STATUS_OK || grown) {
        const enum status shown = show(&refresh);
        if (status == STATUS_OK) status = shown;
    }
    view_discard(&engine->views, refresh.view);
    mem_release(refresh.mem);
    version_release(refresh.version);
    recovered_deinit(&refresh.recovered);
    if (status != STATUS_OK && error->status == STATUS_OK) error_set(error, status, "%s", status_text(status));
    return status;
}

enum status engine_refresh(struct engine *engine, struct error *error) {
    struct error unused;
    struct refresh_patience patience = {.tries = 0};
    if (!error) error = &unused;
    *error = (struct error){.status = STATUS_OK};
    if (!engine->options.read_only || engine->options.memory_writes) return STATUS_UNSUPPORTED;
    mutex_lock(&engine->install_lock);
    if (engine->known_sequence < engine->last_sequence) engine->known_sequence = engine->last_sequence;
    enum status status;
    do status = refresh_once(engine, error);
    while (refresh_try_again(&patience, engine->io, status, error));
    collect_trees(engine);
    mutex_unlock(&engine->install_lock);
    store_sweep(engine);
    return status;
}
