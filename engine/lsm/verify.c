/*
 * verify: whether what is on disk is what was written, and means what it should. Reads all: superblock, manifest, every
 * byte of every file; compares the manifest with the version, properties with the manifest, and the files of a level
 * with one another.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/file_names.h"
#include "engine/lsm/recovered.h"
#include "engine/lsm/store.h"
#include "engine/lsm/team.h"

struct verify {
    struct engine *engine;
    void (*visit)(void *context, const struct engine_finding *finding);
    void *context;
    struct mutex mutex; /* the rest: files are read by two at once */
    uint64_t findings;
    struct error *first; /* not NULL: of a scrub, which tells of findings when the file is known to be readable */
    struct file **files; /* borrowed from the version, and the files of values that they use */
    size_t count, capacity;
    struct value_file **values;
    size_t value_count, value_capacity;
};

/* One file being read. */
struct reading {
    struct verify *verify;
    const char *path;
};

static void find(struct verify *verify, const char *path, uint64_t offset, const char *text) {
    const struct engine_finding finding = {.status = STATUS_CORRUPT, .file = path, .offset = offset, .text = text};
    mutex_lock(&verify->mutex);
    verify->findings++;
    if (verify->first) {
        if (verify->findings == 1)
            error_set(verify->first, STATUS_CORRUPT, "%s: offset %" PRIu64 ": %s", path, offset, text);
        mutex_unlock(&verify->mutex);
        return;
    }
    store_note_error(verify->engine, STATUS_CORRUPT, "%s: offset %" PRIu64 ": %s", path, offset, text);
    if (verify->visit) verify->visit(verify->context, &finding);
    mutex_unlock(&verify->mutex);
}

static void find_in_sst(void *context, uint64_t offset, const char *text) {
    const struct reading *reading = context;
    find(reading->verify, reading->path, offset, text);
}

/* ---- One file
 * --------------------------------------------------------------------------------------------------------------------------------
 */

static bool same_span(const struct edit_file *meta, const struct sst_properties *properties) {
    if (!slice_equal(meta->first, properties->first) || meta->has_last != properties->has_last) return false;
    if (!meta->has_last) return true;
    return slice_equal(meta->last, properties->last) && meta->last_exclusive == properties->last_exclusive;
}

static void compare_properties(const struct reading *reading, const struct edit_file *meta,
                               const struct sst_properties *properties) {
    struct verify *verify = reading->verify;
    if (properties->origin.tree != meta->instance)
        find(verify, reading->path, 0, "belongs to another tree than the manifest says");
    if (properties->file_bytes != meta->bytes)
        find(verify, reading->path, 0, "has another size than the manifest says");
    if (!same_span(meta, properties)) find(verify, reading->path, 0, "spans other keys than the manifest says");
    if (properties->entries != meta->entries || properties->deletes != meta->deletes ||
        properties->range_deletes != meta->range_deletes || properties->merges + properties->appends != meta->operands)
        find(verify, reading->path, 0, "holds another number of entries than the manifest says");
    if (properties->first_sequence != meta->first_sequence || properties->last_sequence != meta->last_sequence)
        find(verify, reading->path, 0, "holds other sequences than the manifest says");
}

/* ---- Values kept apart ------------------------------------------------------------------------------------------- */

static size_t find_use(const struct file *file, uint64_t number) {
    size_t at = 0;
    while (at < file->use_count && file->uses[at].file->meta.number != number) at++;
    return at;
}

static enum status verify_reference(const struct reading *reading, struct file *file, struct value_count *counts,
                                    const struct source *source) {
    struct verify *verify = reading->verify;
    struct value_reference reference;
    struct slice value;
    struct block *block = NULL;
    enum status status = value_reference_decode(source->value, &reference);
    const size_t at = status == STATUS_OK ? find_use(file, reference.file) : file->use_count;
    if (at == file->use_count) {
        find(verify, reading->path, 0, "an entry refers to a file of values that the manifest does not name for it");
        return STATUS_OK;
    }
    counts[at].records++;
    counts[at].bytes += reference.bytes;
    status = store_load_value(verify->engine, source->value, source->key, SST_NO_FILL, &block, &value);
    block_release(block);
    if (status_class(status) != STATUS_CLASS_DAMAGE) return status;
    find(verify, reading->path, 0, "an entry refers to a value that does not verify; see the last error for the place");
    return STATUS_OK;
}

static enum status verify_references(const struct reading *reading, struct file *file, struct sst *sst) {
    struct sst_source source;
    struct value_count *counts = calloc(file->use_count + 1, sizeof *counts);
    if (!counts) return STATUS_NO_MEMORY;
    enum status status = STATUS_OK;
    sst_source_init(&source, sst, SST_READ_AHEAD);
    for (source_seek_first(&source.source); source.source.valid && status == STATUS_OK; source_next(&source.source))
        if (entry_kind(source.source.trailer) == ENTRY_REFERENCE)
            status = verify_reference(reading, file, counts, &source.source);
    if (status == STATUS_OK) status = source.source.status;
    source_close(&source.source);
    for (size_t i = 0; i < file->use_count && status == STATUS_OK; i++)
        if (counts[i].records != file->uses[i].records || counts[i].bytes != file->uses[i].bytes)
            find(reading->verify, reading->path, 0, "refers to other values than the manifest says");
    free(counts);
    return status_class(status) == STATUS_CLASS_DAMAGE ? STATUS_OK : status; /* the blocks were told of before */
}

static enum status verify_values(struct verify *verify, struct value_file *file) {
    char path[IO_PATH_BYTES];
    struct value_reader *reader;
    struct reading reading = {verify, path};
    enum status status = file_path(path, verify->engine->dir, FILE_VALUES, file->meta.number);
    if (status != STATUS_OK) return status;
    status = store_open_values(verify->engine, file, 0, &reader);
    if (status_class(status) == STATUS_CLASS_DAMAGE) {
        find(verify, path, 0, "can't be opened; see the last error for the place");
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    const struct value_footer *footer = value_reader_footer(reader);
    if (footer->file_bytes != file->meta.bytes || footer->records != file->meta.records)
        find(verify, path, 0, "holds other values than the manifest says");
    status = value_reader_verify(reader, find_in_sst, &reading);
    value_reader_close(reader);
    return status_class(status) == STATUS_CLASS_DAMAGE ? STATUS_OK : status;
}

static enum status note_value_file(struct verify *verify, struct value_file *file) {
    for (size_t i = 0; i < verify->value_count; i++)
        if (verify->values[i] == file) return STATUS_OK;
    if (verify->value_count == verify->value_capacity) {
        const size_t more = verify->value_capacity ? verify->value_capacity * 2 : 16;
        struct value_file **grown = realloc(verify->values, more * sizeof(struct value_file *));
        if (!grown) return STATUS_NO_MEMORY;
        verify->values = grown;
        verify->value_capacity = more;
    }
    verify->values[verify->value_count++] = file;
    return STATUS_OK;
}

/* The files of values that the gathered SSTs use, each once. */
static enum status gather_values(struct verify *verify) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < verify->count; i++)
        for (size_t u = 0; u < verify->files[i]->use_count && status == STATUS_OK; u++)
            status = note_value_file(verify, verify->files[i]->uses[u].file);
    return status;
}

/* ---- One SST ----------------------------------------------------------------------------------------------------- */

static enum status verify_file(struct verify *verify, struct file *file) {
    char path[IO_PATH_BYTES];
    struct sst *sst;
    struct reading reading = {verify, path};
    enum status status = store_file_path(verify->engine, file->meta.number, path);
    if (status != STATUS_OK) return status;
    struct error error = {.status = STATUS_OK};
    /* What a table that is open holds in memory may have changed on disk since. */
    status = store_try_open_file(verify->engine, file, &error);
    if (status_class(status) == STATUS_CLASS_DAMAGE) {
        find(verify, path, 0, error.text);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    status = store_open_file(verify->engine, file, 0, &sst);
    if (status_class(status) == STATUS_CLASS_DAMAGE) {
        find(verify, path, 0, "can't be opened; see the last error for the place");
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    compare_properties(&reading, &file->meta, sst_properties(sst));
    const char *text = format_level_forbids_inside(atomic_load(&verify->engine->format_level), sst_properties(sst));
    if (text) find(verify, path, 0, text);
    status = sst_verify(sst, find_in_sst, &reading);
    if (status == STATUS_OK && (sst_properties(sst)->references > 0 || file->use_count > 0))
        return verify_references(&reading, file, sst);
    if (status == STATUS_IO) return verify->first ? status : STATUS_OK; /* it was told as a finding */
    if (status_class(status) != STATUS_CLASS_DAMAGE) return status;
    atomic_store(&file->damaged, true);
    return STATUS_OK;
}

static enum status verify_piece(void *context, size_t at) {
    struct verify *verify = context;
    return at < verify->count ? verify_file(verify, verify->files[at])
                              : verify_values(verify, verify->values[at - verify->count]);
}

/* ---- Levels
 * ------------------------------------------------------------------------------------------------------------------------------------
 */

static void find_at_file(struct verify *verify, const struct file *file, const char *text) {
    char path[IO_PATH_BYTES];
    if (store_file_path(verify->engine, file->meta.number, path) == STATUS_OK) find(verify, path, 0, text);
}

static void verify_level(struct verify *verify, const struct file *file) {
    const char *text = format_level_forbids(atomic_load(&verify->engine->format_level), &file->meta);
    if (text) find_at_file(verify, file, text);
}

static void verify_order(struct verify *verify, const struct level *level, uint32_t number) {
    for (uint32_t i = 1; i < level->count; i++) {
        const struct file *before = level->files[i - 1], *file = level->files[i];
        if (number == 0 && before->meta.last_sequence < file->meta.last_sequence)
            find_at_file(verify, file, "is newer than the file that is asked before it");
        if (number > 0 && file_locate(before, file->meta.first) <= 0)
            find_at_file(verify, file, "overlaps the file before it on its level");
    }
}

static enum status add_file(struct verify *verify, struct file *file) {
    verify_level(verify, file);
    if (verify->count == verify->capacity) {
        const size_t more = verify->capacity ? verify->capacity * 2 : 64;
        struct file **grown = realloc(verify->files, more * sizeof(struct file *));
        if (!grown) return STATUS_NO_MEMORY;
        verify->files = grown;
        verify->capacity = more;
    }
    verify->files[verify->count++] = file;
    return STATUS_OK;
}

/* Judges the order of a tree's files, and gathers them. */
static enum status verify_tree(struct verify *verify, const struct tree_files *tree) {
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < ENGINE_LEVELS && status == STATUS_OK; i++) {
        verify_order(verify, &tree->levels[i], i);
        for (uint32_t f = 0; f < tree->levels[i].count && status == STATUS_OK; f++)
            status = add_file(verify, tree->levels[i].files[f]);
    }
    return status;
}

/* ---- The manifest
 * -------------------------------------------------------------------------------------------------------------------------------
 */

struct counting {
    const struct version *version;
    uint64_t missing;
};

static enum status count_missing(void *context, const struct edit_file *meta) {
    struct counting *counting = context;
    const struct tree_files *tree = version_find(counting->version, meta->instance);
    bool found = false;
    for (uint32_t i = 0; tree && i < tree->levels[meta->level].count && !found; i++)
        found = tree->levels[meta->level].files[i]->meta.number == meta->number;
    if (!found) counting->missing++;
    return STATUS_OK;
}

/* Reads superblock and manifest back; the version is what they add up to. */
static enum status verify_manifest(struct verify *verify, const struct version *version) {
    struct engine *engine = verify->engine;
    struct superblock superblock;
    struct recovered recovered;
    struct manifest_recovery recovery;
    struct error error = {.status = STATUS_OK};
    bool damaged = false;
    if (store_has_failed(engine)) return STATUS_OK; /* what a failed append left there, the next opening judges */
    recovered_init(&recovered);
    enum status status = superblock_read(engine->io, engine->dir, &superblock, &damaged, &error);
    if (status == STATUS_OK) {
        const struct manifest_id id = {superblock.store, superblock.manifest, superblock.generation};
        status = manifest_read(engine->io, engine->dir, &id, superblock.manifest_bytes, recovered_apply, &recovered,
                               &recovery, &error);
    }
    /* A write that was torn leaves a slot like this behind, and the store is as good as before: no finding of a scrub,
     * which has a store replaced. */
    if (status == STATUS_OK && damaged && verify->first == NULL)
        find(verify, FILE_NAME_SUPERBLOCK, 0, "one of the two slots does not verify");
    struct counting counting = {version, 0};
    if (status == STATUS_OK) status = recovered_each_file(&recovered, count_missing, &counting);
    if (status == STATUS_OK && counting.missing > 0)
        find(verify, engine->dir, 0, "the manifest names files that the version does not have");
    if (status == STATUS_OK && recovered.format_level != atomic_load(&engine->format_level))
        find(verify, engine->dir, 0, "the manifest requires another format level than what is written by");
    recovered_deinit(&recovered);
    const enum status_class class = status_class(status);
    if (class != STATUS_CLASS_DAMAGE && status != STATUS_NOT_FOUND && class != STATUS_CLASS_INPUT) return status;
    find(verify, engine->dir, 0, error.text);
    return STATUS_OK;
}

enum status engine_verify(struct engine *engine, void (*visit)(void *context, const struct engine_finding *finding),
                          void *context) {
    struct verify verify = {.engine = engine, .visit = visit, .context = context};
    mutex_init(&verify.mutex);
    mutex_lock(&engine->install_lock);
    struct view *view = view_acquire(&engine->views);
    enum status status = verify_manifest(&verify, view->version);
    mutex_unlock(&engine->install_lock);
    for (size_t i = 0; i < view->version->count && status == STATUS_OK; i++)
        status = verify_tree(&verify, view->version->trees[i]);
    if (status == STATUS_OK) status = gather_values(&verify);
    if (status == STATUS_OK)
        status = team_run(engine->io, IO_POOL_LONG, verify.count + verify.value_count, verify_piece, &verify);
    store_release_view(engine, view);
    free(verify.files);
    free(verify.values);
    mutex_deinit(&verify.mutex);
    if (status != STATUS_OK) return status;
    return verify.findings > 0 ? STATUS_CORRUPT : STATUS_OK;
}

/* ---- In portions ------------------------------------------------------------------------------------------------- */

/* Of the file with the least number above `after`; NULL = none is above. *most: the greatest of all. */
static struct file *next_file(const struct version *version, uint64_t after, uint64_t *most) {
    struct file *next = NULL;
    for (size_t i = 0; i < version->count; i++) {
        for (uint32_t l = 0; l < ENGINE_LEVELS; l++) {
            const struct level *level = &version->trees[i]->levels[l];
            for (uint32_t f = 0; f < level->count; f++) {
                const uint64_t number = level->files[f]->meta.number;
                if (number > *most) *most = number;
                if (number > after && (!next || number < next->meta.number)) next = level->files[f];
            }
        }
    }
    return next;
}

enum status engine_scrub_step(struct engine *engine, struct engine_scrub *scrub) {
    struct error first = {.status = STATUS_OK};
    struct verify verify = {.engine = engine, .first = &first};
    mutex_init(&verify.mutex);
    mutex_lock(&engine->install_lock);
    struct view *view = view_acquire(&engine->views);
    enum status status = STATUS_OK;
    if (scrub->until == 0) status = verify_manifest(&verify, view->version);
    mutex_unlock(&engine->install_lock);
    uint64_t most = 1; /* never 0: that is how a scrub begins */
    struct file *file = next_file(view->version, scrub->number, &most);
    if (scrub->until == 0) {
        scrub->until = most;
    } else if (!file || file->meta.number > scrub->until) {
        status = STATUS_END;
    } else {
        status = verify_file(&verify, file);
        scrub->number = file->meta.number;
        scrub->files++;
        scrub->bytes += file->meta.bytes;
    }
    /* A device that does not let itself be read now proves nothing. */
    if (status != STATUS_IO && first.status != STATUS_OK) {
        scrub->findings += verify.findings;
        store_note_error(engine, STATUS_CORRUPT, "%s", first.text);
    }
    store_release_view(engine, view);
    mutex_deinit(&verify.mutex);
    return status;
}
