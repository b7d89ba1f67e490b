/*
 * recover: from a directory to a running state: superblock, manifest, files, the own log. Invariant: what cannot be
 * explained is an error with its place; nothing is removed before the manifest was read to its end.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/expiry.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/options.h"
#include "engine/lsm/recovered.h"
#include "engine/lsm/replay.h"
#include "engine/lsm/store.h"
#include "engine/lsm/strange_kinds.h"

/* ---- Which manifest ---------------------------------------------------------------------------------------------- */

/* What lies in the directory. */
struct listing {
    uint64_t highest; /* number of a file */
    uint64_t ssts;
    uint64_t *manifests; /* owned */
    size_t manifest_count;
};

static enum status list_entry_seen(void *context, const struct io_entry *entry) {
    struct listing *listing = context;
    uint64_t number = 0;
    const enum file_class class = file_classify(entry->name, &number);
    if (class != FILE_SST && class != FILE_VALUES && class != FILE_MANIFEST) return STATUS_OK;
    if (number > listing->highest) listing->highest = number;
    if (class != FILE_MANIFEST) {
        listing->ssts += class == FILE_SST;
        return STATUS_OK;
    }
    uint64_t *grown = realloc(listing->manifests, (listing->manifest_count + 1) * sizeof *grown);
    if (!grown) return STATUS_NO_MEMORY;
    listing->manifests = grown;
    listing->manifests[listing->manifest_count++] = number;
    return STATUS_OK;
}

static enum status read_manifest(struct engine *engine, const struct superblock *superblock,
                                 struct recovered *recovered, struct manifest_recovery *recovery, struct error *error) {
    const struct manifest_id id = {superblock->store, superblock->manifest, superblock->generation};
    return manifest_read(engine->io, engine->dir, &id, superblock->manifest_bytes, recovered_apply, recovered, recovery,
                         error);
}

/*
 * One slot of the superblock is damaged, so that a newer one may have been lost. The manifest that it named can be
 * told: it has the next generation, and its first edit has a number above all edits of the manifest that we know
 * (FORMAT.md, "superblock").
 */
static enum status look_for_newer(struct engine *engine, const struct listing *listing, struct superblock *superblock,
                                  struct recovered *recovered, struct error *error) {
    for (size_t i = 0; i < listing->manifest_count; i++) {
        struct recovered candidate;
        struct manifest_recovery recovery;
        struct superblock named = {superblock->store, superblock->generation + 1, listing->manifests[i], 0};
        if (listing->manifests[i] == superblock->manifest) continue;
        recovered_init(&candidate);
        enum status status = read_manifest(engine, &named, &candidate, &recovery, error);
        if (status == STATUS_OK && candidate.first_edit > recovered->last_edit) {
            recovered_deinit(recovered);
            *recovered = candidate;
            named.manifest_bytes = recovery.end;
            *superblock = named;
            return STATUS_OK;
        }
        recovered_deinit(&candidate);
        /* Another generation, or a beginning that was never finished: neither was ever named. */
        if (status == STATUS_OK || status == STATUS_MISMATCH || recovery.edits == 0) continue;
        return error_prefix(error, status,
                            "a slot of the superblock is damaged, and the manifest that it may have named is too");
    }
    return STATUS_OK;
}

static enum status load_manifest(struct engine *engine, const struct listing *listing, struct recovered *recovered,
                                 struct error *error) {
    struct manifest_recovery recovery;
    bool damaged = false;
    enum status status = superblock_read(engine->io, engine->dir, &engine->superblock, &damaged, error);
    if (status != STATUS_OK) return status;
    const uint64_t named = engine->superblock.manifest;
    status = read_manifest(engine, &engine->superblock, recovered, &recovery, error);
    const bool missing = status == STATUS_NOT_FOUND;
    if (damaged && (status == STATUS_OK || missing)) {
        log_warn(engine->log, "engine %s: one slot of the superblock does not verify; the other is used", engine->dir);
        status = look_for_newer(engine, listing, &engine->superblock, recovered, error);
    }
    if (missing && (status == STATUS_NOT_FOUND || status == STATUS_OK) && engine->superblock.manifest == named)
        return error_set(error, STATUS_CORRUPT, "%s: manifest %" PRIu64 ", which the superblock names, is missing",
                         engine->dir, named);
    if (status == STATUS_OK && recovery.torn)
        log_info(engine->log, "engine %s: the manifest's last edit is torn: never acknowledged, left out", engine->dir);
    return status;
}

/* ---- From edits to a version ------------------------------------------------------------------------------------- */

static bool same_name(struct slice recorded, const char *name) {
    return slice_equal(recorded, slice_from_text(name ? name : ""));
}

static enum status check_kinds(const struct engine *engine, const struct recovered *recovered, struct error *error) {
    if (engine->options.explains) return STATUS_OK; /* as the manifest names them */
    for (size_t i = 0; i < recovered->kind_count; i++) {
        const struct edit_kind *recorded = &recovered->kinds[i];
        const struct engine_tree_kind *kind = store_kind(engine, recorded->id);
        if (!kind)
            return error_set(error, STATUS_MISMATCH,
                             "the store has trees of kind %" PRIu32 " (%.*s), which was not given at open",
                             recorded->id, (int)recorded->name.size, (const char *)recorded->name.data);
        const struct engine_filter *filter = expiry_kind_filter(kind);
        if (!same_name(recorded->merge, kind->merge ? kind->merge->name : NULL) ||
            !same_name(recorded->filter, filter ? filter->name : NULL))
            return error_set(
                error, STATUS_MISMATCH,
                "kind %" PRIu32
                " (%s) was made with merge operator \"%.*s\" and filter \"%.*s\", and is opened with others",
                kind->id, kind->name, (int)recorded->merge.size, (const char *)recorded->merge.data,
                (int)recorded->filter.size, (const char *)recorded->filter.data);
    }
    return STATUS_OK;
}

static enum status load_trees(struct engine *engine, const struct recovered *recovered, struct error *error) {
    for (size_t i = 0; i < recovered->tree_count; i++) {
        const struct recovered_tree *found = &recovered->trees[i];
        if (found->dropped) continue;
        const struct engine_tree_kind *kind = store_kind(engine, found->tree.kind);
        if (!kind)
            return error_set(error, STATUS_CORRUPT, "tree %" PRIu32 " is of kind %" PRIu32 ", which is unknown",
                             found->tree.tree, found->tree.kind);
        struct tree *tree;
        const enum status status =
            tree_table_create(&engine->trees, found->tree.tree, found->tree.instance, kind, 0, &tree);
        if (status != STATUS_OK) return status;
        tree->installed = true;
    }
    return STATUS_OK;
}

struct loading {
    struct engine *engine;
    struct file **known; /* of engine->version, by number; owned */
    size_t known_count;
    struct recovered *recovered;
    struct install install; /* gathers the changes */
    struct error *error;
};

/* Damage of a file does not keep a store that is to be explained from being opened: the reads that need it fail. */
static enum status tolerate(struct loading *loading, enum status status) {
    if (!loading->engine->tolerates || status == STATUS_NO_MEMORY) return status;
    *loading->error = (struct error){.status = STATUS_OK};
    return STATUS_OK;
}

/* A file has the size that the manifest says. */
static enum status check_size(struct loading *loading, const char *path, uint64_t bytes) {
    struct io_entry entry;
    const enum status status = io_stat(loading->engine->io, path, &entry);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return error_set(loading->error, status, "%s: %s", path, status_text(status));
    if (status == STATUS_OK && entry.size == bytes) return STATUS_OK;
    return tolerate(loading, error_set(loading->error, STATUS_CORRUPT,
                                       "%s: the manifest has it with %" PRIu64 " bytes, the directory %s", path, bytes,
                                       status == STATUS_NOT_FOUND ? "not at all" : "with another size"));
}

/* The file of values of that number, with a reference; made when the first SST asks for it. */
static enum status load_value_file(struct loading *loading, uint64_t number, const struct engine_tree_kind *kind,
                                   struct value_file **file) {
    struct engine *engine = loading->engine;
    struct value_reader *reader = NULL;
    char path[IO_PATH_BYTES];
    *file = value_table_acquire(&engine->values, number);
    if (*file) return STATUS_OK;
    const struct edit_value_file *meta = recovered_value_file(loading->recovered, number);
    if (!meta)
        return error_set(loading->error, STATUS_CORRUPT,
                         "an SST refers to file of values %" PRIu64 ", which no edit names", number);
    enum status status = file_path(path, engine->dir, FILE_VALUES, number);
    if (status == STATUS_OK) status = check_size(loading, path, meta->bytes);
    if (status != STATUS_OK) return status;
    *file = value_table_add(&engine->values, meta, store_garbage_percent(kind));
    if (!*file) return STATUS_NO_MEMORY;
    (*file)->known = true;
    if (!engine->options.read_only) return STATUS_OK;
    status = store_open_values(engine, *file, 0, &reader);
    if (status == STATUS_OK) value_reader_close(reader); /* the table keeps it open */
    return status == STATUS_OK ? status
                               : tolerate(loading, error_set(loading->error, status, "%s: can't be opened", path));
}

/* What an SST refers to, and its part of the account. */
static enum status load_values(struct loading *loading, struct file *file, const struct engine_tree_kind *kind) {
    struct decoder decoder = decoder_make(file->meta.values);
    struct value_count count;
    struct value_file **held = calloc(file->meta.values.size / 3 + 1, sizeof(struct value_file *));
    size_t held_count = 0;
    enum status status = held ? STATUS_OK : STATUS_NO_MEMORY;
    while (status == STATUS_OK && (status = value_count_next(&decoder, &count)) == STATUS_OK) {
        status = load_value_file(loading, count.number, kind, &held[held_count]);
        if (held[held_count]) held_count++;
    }
    if (status == STATUS_CORRUPT && loading->error->status == STATUS_OK)
        error_set(loading->error, status, "file %" PRIu64 ": what it refers to is malformed", file->meta.number);
    if (status == STATUS_END) status = store_attach_values(loading->engine, file, loading->error);
    if (status == STATUS_OK) store_count_values(file, true);
    for (size_t i = 0; i < held_count; i++) value_file_release(held[i]);
    free(held);
    return status;
}

static int compare_numbers(const void *a, const void *b) {
    const struct file *const *x = a, *const *y = b;
    return ((*x)->meta.number > (*y)->meta.number) - ((*x)->meta.number < (*y)->meta.number);
}

static size_t count_files(const struct version *version) {
    size_t count = 0;
    for (size_t i = 0; i < version->count; i++)
        for (uint32_t level = 0; level < ENGINE_LEVELS; level++) count += version->trees[i]->levels[level].count;
    return count;
}

/* What the present version has already, by number. */
static enum status gather_known(struct loading *loading) {
    const struct version *version = loading->engine->version;
    const size_t count = count_files(version);
    if (count == 0) return STATUS_OK;
    loading->known = malloc(count * sizeof(struct file *));
    if (!loading->known) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < version->count; i++) {
        for (uint32_t at = 0; at < ENGINE_LEVELS; at++) {
            const struct level *level = &version->trees[i]->levels[at];
            for (uint32_t f = 0; f < level->count; f++) loading->known[loading->known_count++] = level->files[f];
        }
    }
    qsort(loading->known, loading->known_count, sizeof(struct file *), compare_numbers);
    return STATUS_OK;
}

static struct file *find_known(const struct loading *loading, uint64_t number) {
    size_t low = 0, high = loading->known_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (loading->known[middle]->meta.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < loading->known_count && loading->known[low]->meta.number == number ? loading->known[low] : NULL;
}

static enum status load_file(void *context, const struct edit_file *meta) {
    struct loading *loading = context;
    struct engine *engine = loading->engine;
    char path[IO_PATH_BYTES];
    struct file *known = find_known(loading, meta->number);
    if (known) {
        const struct tree *of = tree_table_by_instance(&engine->trees, meta->instance);
        const enum status added = install_add(&loading->install, known, meta->level, of->kind);
        if (added == STATUS_OK) file_acquire(known);
        return added;
    }
    enum status status = store_file_path(engine, meta->number, path);
    if (status == STATUS_OK) status = check_size(loading, path, meta->bytes);
    if (status != STATUS_OK) return status;
    struct file *file = file_create(&engine->morgue, meta);
    if (!file) return STATUS_NO_MEMORY;
    struct sst *sst;
    const struct tree *tree = tree_table_by_instance(&engine->trees, meta->instance);
    /* Beside a running owner, a file that is open stays readable when the owner removes it. */
    if (meta->values.size) status = load_values(loading, file, tree->kind);
    if (status == STATUS_OK && engine->options.read_only) {
        status = store_open_file(engine, file, 0, &sst);
        if (status != STATUS_OK)
            status = tolerate(loading, error_set(loading->error, status, "%s: can't be opened", path));
    }
    if (status == STATUS_OK) status = install_add(&loading->install, file, meta->level, tree->kind);
    if (status != STATUS_OK) file_release(file);
    return status;
}

enum status store_load_files(struct engine *engine, struct recovered *recovered, struct version **version,
                             struct error *error) {
    struct loading loading = {.engine = engine, .recovered = recovered, .error = error};
    struct version *none = version_create_empty();
    install_init(&loading.install, EDIT_SNAPSHOT);
    enum status status = none ? gather_known(&loading) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) status = recovered_each_file(recovered, load_file, &loading);
    if (status == STATUS_OK) {
        status = version_apply(none, loading.install.changes, loading.install.count, version);
        if (status == STATUS_CORRUPT) error_set(error, status, "files of one level overlap");
    }
    for (size_t i = 0; i < loading.install.count; i++) file_release(loading.install.changes[i].file);
    install_deinit(&loading.install);
    version_release(none);
    free(loading.known);
    return status;
}

static enum status load_files(struct engine *engine, struct recovered *recovered, struct error *error) {
    struct version *loaded = NULL;
    const enum status status = store_load_files(engine, recovered, &loaded, error);
    if (status != STATUS_OK) return status;
    version_release(engine->version);
    engine->version = loaded;
    return STATUS_OK;
}

static enum status load_state(struct engine *engine, struct recovered *recovered, struct error *error) {
    enum status status = engine->options.explains ? strange_kinds_take(engine, recovered) : STATUS_OK;
    if (status == STATUS_OK) status = check_kinds(engine, recovered, error);
    if (status == STATUS_OK) status = load_trees(engine, recovered, error);
    if (status == STATUS_OK) status = load_files(engine, recovered, error);
    engine->store = engine->superblock.store;
    atomic_store(&engine->format_level, recovered->format_level);
    engine->last_edit = recovered->last_edit;
    engine->next_file = recovered->next_file;
    engine->next_instance = engine->installed_instance = recovered->next_instance;
    engine->installed = engine->applied = recovered->mark;
    atomic_store(&engine->log_time_ms, recovered->mark.time_ms);
    engine->installed_sequence = engine->last_sequence = recovered->last_sequence;
    return status;
}

/* ---- Orphans ----------------------------------------------------------------------------------------------------- */

/* What no edit names goes once the log was found to go on where the manifest ends: else it may be what edits named that
 * are lost, and a repair takes it in. A replay that needs room asks for it before its first flush. None of the files of
 * this life is there by then. */

struct orphans {
    struct engine *engine;
    const struct recovered *recovered;
};

static enum status remove_orphan(void *context, const struct io_entry *entry) {
    const struct orphans *orphans = context;
    struct engine *engine = orphans->engine;
    char path[IO_PATH_BYTES];
    uint64_t number = 0;
    const enum file_class class = file_classify(entry->name, &number);
    const bool orphan = (class == FILE_SST && !recovered_has_file(orphans->recovered, number)) ||
                        (class == FILE_VALUES && !value_table_find(&engine->values, number)) ||
                        (class == FILE_MANIFEST && number != engine->superblock.manifest) || class == FILE_TEMPORARY ||
                        class == FILE_OPTIONS_NEW;
    if (!orphan) return STATUS_OK;
    const enum status status = file_path(path, engine->dir, class, number);
    if (status != STATUS_OK) return status;
    log_info(engine->log, "engine %s: removes %s, which no edit names", engine->dir, entry->name);
    return io_remove(engine->io, path);
}

enum status store_remove_orphans(struct engine *engine, const struct recovered *recovered) {
    struct orphans orphans = {engine, recovered};
    return io_dir_list(engine->io, engine->dir, remove_orphan, &orphans);
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static enum status make_new(struct engine *engine, const struct listing *listing, struct error *error) {
    if (engine->options.must_exist || engine->options.read_only)
        return error_set(error, STATUS_NOT_FOUND, "%s: no store here", engine->dir);
    if (listing->ssts > 0)
        return error_set(error, STATUS_CORRUPT, "%s: there are %" PRIu64 " SSTs and no superblock; nothing is touched",
                         engine->dir, listing->ssts);
    io_entropy(engine->io, &engine->store, sizeof engine->store);
    engine->next_file = listing->highest + 1;
    engine->next_instance = engine->installed_instance = 1;
    atomic_store(&engine->format_level, engine->options.format_level);
    return STATUS_OK;
}

/* The first view, so that installs and reads have one to go by. */
static enum status show_first(struct engine *engine) {
    struct view *view = view_reserve(&engine->views);
    if (!view) return STATUS_NO_MEMORY;
    view_fill(view, engine->version, engine->active, NULL, 0);
    view_publish(&engine->views, view);
    atomic_store(&engine->sequence, engine->last_sequence);
    lead_mark_store(&engine->shown, engine->last_sequence, &engine->applied);
    return STATUS_OK;
}

static enum status load(struct engine *engine, const struct listing *listing, struct recovered *recovered,
                        struct error *error) {
    struct io_entry entry;
    char path[IO_PATH_BYTES];
    enum status status = file_path(path, engine->dir, FILE_SUPERBLOCK, 0);
    if (status == STATUS_OK) status = io_stat(engine->io, path, &entry);
    if (status == STATUS_NOT_FOUND) return make_new(engine, listing, error);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    status = load_manifest(engine, listing, recovered, error);
    if (status == STATUS_OK) status = load_state(engine, recovered, error);
    if (engine->next_file <= listing->highest) engine->next_file = listing->highest + 1;
    return status;
}

/* With an own log it has a manifest of its own once the log is read (replay.c). */
static enum status prepare_directory(struct engine *engine, const struct recovered *recovered, struct error *error) {
    if (engine->options.wal == ENGINE_WAL_OWN) return STATUS_OK;
    enum status status = store_remove_orphans(engine, recovered);
    if (status == STATUS_OK) status = store_roll_manifest(engine);
    if (status != STATUS_OK)
        return error_set(error, status, "%s: can't be prepared: %s", engine->dir, status_text(status));
    return STATUS_OK;
}

enum status store_load_manifest(struct engine *engine, struct recovered *recovered, struct error *error) {
    struct listing listing = {0};
    enum status status = io_dir_list(engine->io, engine->dir, list_entry_seen, &listing);
    if (status != STATUS_OK)
        error_set(error, status, "%s: can't be listed: %s", engine->dir, status_text(status));
    else
        status = load_manifest(engine, &listing, recovered, error);
    if (status == STATUS_OK) status = check_kinds(engine, recovered, error);
    free(listing.manifests);
    return status;
}

enum status store_recover(struct engine *engine, bool *options_differ, struct error *error) {
    struct listing listing = {0};
    struct recovered recovered;
    recovered_init(&recovered);
    enum status status = io_dir_list(engine->io, engine->dir, list_entry_seen, &listing);
    if (status != STATUS_OK)
        error_set(error, status, "%s: can't be listed: %s", engine->dir, status_text(status));
    else
        status = load(engine, &listing, &recovered, error);
    if (status == STATUS_OK) status = options_compare(engine, options_differ, error);
    if (status == STATUS_OK) status = show_first(engine);
    if (status == STATUS_OK && !engine->options.read_only) status = prepare_directory(engine, &recovered, error);
    if (status == STATUS_OK && engine->options.wal == ENGINE_WAL_OWN)
        status = store_replay_log(engine, &recovered, error);
    free(listing.manifests);
    recovered_deinit(&recovered);
    return status;
}
