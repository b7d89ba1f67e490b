/*
 * care_verify: a store judged without an engine. It goes on after what it finds, so that one run names all: also when
 * the manifest is lost, each table is read for itself.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/sync.h"
#include "engine/lsm/care_cut.h"
#include "engine/lsm/care_newest.h"
#include "engine/lsm/care_values.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/format_level.h"
#include "engine/lsm/manifest.h"
#include "engine/lsm/options.h"
#include "engine/lsm/options_format.h"
#include "engine/lsm/team.h"

struct verify {
    struct io *io;
    const char *dir;
    const struct care_verify_options *options;
    struct care_verify_report *report;
    struct sst_environment environment;
    struct care_sink sink;
    struct care_state state;
    bool has_state;
    struct care_values values; /* values_lock, once tables are read */
    struct mutex values_lock;
    uint64_t total;
    struct edit_file *files; /* that the manifest names */
    size_t file_count;
    struct care_newest newest;
    struct mutex mutex; /* report, newest and the caller's functions: tables are read by two at once */
    struct error *error;
};

/* An owner at work has merged it meanwhile, and may have removed it, or the values that it refers to. */
static bool has_left(struct verify *verify, const char *path) {
    const char *name = strrchr(path, '/');
    uint64_t number = 0;
    const enum file_class class = file_classify(name ? name + 1 : path, &number);
    return verify->has_state && care_newest_has_left(&verify->newest, class, number);
}

static void find(void *context, const char *path, uint64_t offset, const char *text) {
    struct verify *verify = context;
    const struct engine_finding finding = {.status = STATUS_CORRUPT, .file = path, .offset = offset, .text = text};
    mutex_lock(&verify->mutex);
    const bool counts = !has_left(verify, path);
    verify->report->findings += counts;
    if (counts && verify->options->visit) verify->options->visit(verify->options->context, &finding);
    mutex_unlock(&verify->mutex);
}

static void note_progress(void *context, uint64_t bytes) {
    struct verify *verify = context;
    mutex_lock(&verify->mutex);
    verify->report->bytes += bytes;
    if (verify->options->progress)
        verify->options->progress(verify->options->context, verify->report->bytes, verify->total);
    mutex_unlock(&verify->mutex);
}

/* Told already: the next one. */
static enum status go_on(enum status status) {
    return status == STATUS_CORRUPT || status == STATUS_IO ? STATUS_OK : status;
}

/* ---- Values kept apart ------------------------------------------------------------------------------------------- */

static const struct edit_value_file *known_values(void *context, uint64_t number) {
    struct verify *verify = context;
    return verify->has_state ? recovered_value_file(&verify->state.recovered, number) : NULL;
}

static enum status look_at_values(struct verify *verify, uint64_t number) {
    struct care_value_file *file;
    char path[IO_PATH_BYTES];
    enum status status = file_path(path, verify->dir, FILE_VALUES, number);
    if (status == STATUS_OK) status = care_values_look(&verify->values, number, &file);
    if (status != STATUS_OK) return status;
    const bool left = !file->is_sound && has_left(verify, path);
    verify->report->left += left;
    verify->report->value_files += !left;
    note_progress(verify, file->size);
    return STATUS_OK;
}

static enum status look_at_listed_values(struct verify *verify) {
    struct error error = {.status = STATUS_OK};
    struct edit_value_file *files = NULL;
    size_t count = 0;
    enum status status = care_state_values(&verify->state.recovered, &files, &count, &error);
    if (status == STATUS_CORRUPT) find(verify, verify->dir, 0, error.text);
    status = go_on(status);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) verify->total += files[i].bytes;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) status = look_at_values(verify, files[i].number);
    free(files);
    return status;
}

/* Without a manifest: every one that is there. */
static enum status visit_values(void *context, const struct io_entry *entry) {
    struct verify *verify = context;
    uint64_t number = 0;
    if (verify->has_state || file_classify(entry->name, &number) != FILE_VALUES) return STATUS_OK;
    verify->total += entry->size;
    return look_at_values(verify, number);
}

struct judging {
    struct verify *verify;
    const char *path;
};

static void find_lost(void *context, struct slice key, uint64_t trailer, struct slice reference, const char *why) {
    const struct judging *judging = context;
    char text[ERROR_TEXT_BYTES], name[CARE_KEY_TEXT_BYTES];
    struct value_reference place = {.file = 0};
    if (value_reference_decode(reference, &place) != STATUS_OK) place.file = 0;
    snprintf(text, sizeof text,
             "the value of key \"%s\" (sequence %" PRIu64 ") in file of values %" PRIu64 " at offset %" PRIu64
             " is lost: %s",
             care_key_text(key, name), entry_sequence(trailer), place.file, place.offset, why);
    find(judging->verify, judging->path, 0, text);
}

/* Of a table that was read and is sound: what it refers to. */
static enum status verify_references(struct verify *verify, const char *path, uint64_t number,
                                     const struct edit_file *meta) {
    struct judging judging = {verify, path};
    struct care_references references = {.lost = find_lost, .context = &judging};
    struct sst_identity identity;
    struct buf counts = BUF_EMPTY;
    struct sst *sst = NULL;
    enum status status = STATUS_OK;
    if (meta)
        identity = (struct sst_identity){.store = meta->store, .file = edit_file_identity(meta)};
    else
        status = sst_read_identity(verify->io, path, &identity, NULL);
    if (status == STATUS_OK) status = sst_open(&verify->environment, path, identity, number, &sst, NULL);
    const bool refers = status == STATUS_OK && (sst_properties(sst)->references > 0 || (meta && meta->values.size > 0));
    if (status != STATUS_OK || !refers) {
        sst_close(sst);
        return status;
    }
    mutex_lock(&verify->values_lock);
    status = care_references_walk(&references, &verify->values, sst);
    mutex_unlock(&verify->values_lock);
    if (status == STATUS_OK) status = care_references_encode(&references, &counts);
    if (status == STATUS_OK && meta && !slice_equal(buf_slice(&counts), meta->values))
        find(verify, path, 0, "refers to other values than the manifest says");
    sst_close(sst);
    buf_deinit(&counts);
    care_references_deinit(&references);
    return status;
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static enum status verify_table(struct verify *verify, uint64_t number, const struct edit_file *meta) {
    char path[IO_PATH_BYTES];
    uint64_t entries = 0;
    enum status status = file_path(path, verify->dir, FILE_SST, number);
    if (status != STATUS_OK) return status;
    const struct care_table table = {.environment = &verify->environment,
                                     .sink = &verify->sink,
                                     .path = path,
                                     .meta = meta,
                                     .format_level = verify->has_state ? verify->state.recovered.format_level : 0,
                                     .progress = note_progress,
                                     .progress_context = verify};
    status = care_table_verify(&table, &entries);
    mutex_lock(&verify->mutex);
    const bool left = status == STATUS_CORRUPT && has_left(verify, path);
    verify->report->left += left;
    verify->report->files += !left;
    verify->report->entries += left ? 0 : entries;
    mutex_unlock(&verify->mutex);
    if (status == STATUS_OK && (!meta || meta->sequence == 0)) {
        status = verify_references(verify, path, number, meta);
        if (status == STATUS_NOT_FOUND) { /* since it was read: as above */
            find(verify, path, 0, "it is gone");
            status = STATUS_OK;
        }
    }
    return go_on(status);
}

/* Whether `next`, of the same tree and level, stands where it may. */
static void verify_neighbours(struct verify *verify, const struct edit_file *before, const struct edit_file *next) {
    char path[IO_PATH_BYTES];
    if (before->instance != next->instance || before->level != next->level || next->level == 0) return;
    if (file_path(path, verify->dir, FILE_SST, next->number) != STATUS_OK) return;
    const int order = before->has_last ? slice_compare(before->last, next->first) : 1;
    if (order > 0 || (order == 0 && !before->last_exclusive))
        find(verify, path, 0, "overlaps the table before it on its level: reads may answer from the wrong one");
}

static void verify_level(struct verify *verify, const struct edit_file *meta) {
    char path[IO_PATH_BYTES];
    const char *text = format_level_forbids(verify->state.recovered.format_level, meta);
    if (text && file_path(path, verify->dir, FILE_SST, meta->number) == STATUS_OK) find(verify, path, 0, text);
}

static enum status list_tables(struct verify *verify) {
    const enum status status = care_state_files(&verify->state.recovered, &verify->files, &verify->file_count);
    for (size_t i = 0; i < verify->file_count; i++) {
        verify->total += verify->files[i].bytes;
        verify_level(verify, &verify->files[i]);
        if (i > 0) verify_neighbours(verify, &verify->files[i - 1], &verify->files[i]);
    }
    return status;
}

static enum status visit_unlisted(void *context, const struct io_entry *entry) {
    struct verify *verify = context;
    uint64_t number = 0;
    const enum file_class class = file_classify(entry->name, &number);
    if (verify->has_state) {
        const bool named = class == FILE_VALUES ? care_values_find(&verify->values, number) != NULL
                                                : recovered_has_file(&verify->state.recovered, number);
        verify->report->orphans += !named && care_newest_has_left(&verify->newest, class, number);
        return STATUS_OK;
    }
    if (class != FILE_SST) return STATUS_OK;
    verify->total += entry->size;
    return verify_table(verify, number, NULL);
}

/* ---- The rest ---------------------------------------------------------------------------------------------------- */

static enum status verify_state(struct verify *verify) {
    struct error error = {.status = STATUS_OK};
    const enum status status = care_state_load_settled(&verify->state, verify->io, verify->dir, &error);
    verify->has_state = status == STATUS_OK;
    verify->values.store = verify->state.superblock.store;
    if (status == STATUS_OK) {
        verify->report->format_level = verify->state.recovered.format_level;
        if (verify->state.slot_damaged)
            find(verify, FILE_NAME_SUPERBLOCK, 0,
                 "one of its two slots does not verify; the next flush or opening writes it anew");
        return STATUS_OK;
    }
    const bool told = status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_NOT_FOUND ||
                      status == STATUS_MISMATCH || status == STATUS_IO;
    if (!told) return error_set(verify->error, status, "%s", error.text);
    find(verify, verify->dir, 0, error.text);
    return STATUS_OK;
}

/* One that reads to its end may have lost what came behind: said first, before the tables are missed. */
static enum status verify_end_of_manifest(struct verify *verify) {
    struct care_cut cut = {.seems_cut = false};
    char path[IO_PATH_BYTES], text[ERROR_TEXT_BYTES];
    enum status status = care_cut_find(verify->io, verify->dir, &cut);
    if (status == STATUS_OK && cut.seems_cut) status = file_path(path, verify->dir, FILE_MANIFEST, cut.manifest);
    if (status == STATUS_OK && cut.seems_cut) find(verify, path, cut.bytes, care_cut_words(&cut, text));
    return status;
}

static void ignore_option(void *context, struct slice name, struct slice value) {
    (void)context, (void)name, (void)value;
}

static enum status verify_options(struct verify *verify) {
    char path[IO_PATH_BYTES];
    struct buf bytes = BUF_EMPTY;
    struct error error = {.status = STATUS_OK};
    enum status status = file_path(path, verify->dir, FILE_OPTIONS, 0);
    if (status == STATUS_OK) status = file_read_all(verify->io, path, OPTIONS_FILE_MAX_BYTES, &bytes);
    if (status == STATUS_OK) status = options_file_parse(buf_slice(&bytes), ignore_option, NULL, &error);
    if (status == STATUS_CORRUPT || status == STATUS_IO)
        find(verify, path, 0, error.text[0] ? error.text : status_text(status));
    buf_deinit(&bytes);
    return status == STATUS_NOT_FOUND || status == STATUS_VERSION ? STATUS_OK : go_on(status);
}

static enum status verify_log(struct verify *verify) {
    struct care_log_counts counts;
    struct error error = {.status = STATUS_OK};
    if (!verify->has_state) return STATUS_OK;
    const enum status status = care_log_verify(&verify->state, &verify->sink, &counts, &error);
    mutex_lock(&verify->mutex);
    if (status != STATUS_OK && error.text[0]) *verify->error = error;
    verify->report->log_records = counts.records;
    verify->report->log_bytes = counts.bytes;
    mutex_unlock(&verify->mutex);
    return status;
}

/* The log is one piece of the work, each table another. */
static enum status verify_piece(void *context, size_t at) {
    struct verify *verify = context;
    if (at == 0) return verify_log(verify);
    return verify_table(verify, verify->files[at - 1].number, &verify->files[at - 1]);
}

static enum status verify_all(struct verify *verify) {
    enum status status = verify_state(verify);
    if (status == STATUS_OK && verify->has_state) status = verify_end_of_manifest(verify);
    if (status == STATUS_OK && verify->has_state) status = list_tables(verify);
    if (status == STATUS_OK && verify->has_state) status = look_at_listed_values(verify);
    if (status == STATUS_OK) status = io_dir_list(verify->io, verify->dir, visit_values, verify);
    if (status == STATUS_OK)
        status = team_run(verify->io, IO_POOL_COMPACTION, 1 + verify->file_count, verify_piece, verify);
    if (status == STATUS_OK) status = io_dir_list(verify->io, verify->dir, visit_unlisted, verify);
    return status == STATUS_OK ? verify_options(verify) : status;
}

enum status engine_care_verify(struct io *io, const char *dir, const struct care_verify_options *options,
                               struct care_verify_report *report, struct error *error) {
    struct error unused;
    struct verify verify = {.io = io, .dir = dir, .options = options, .report = report};
    verify.error = error ? error : &unused;
    *verify.error = (struct error){.status = STATUS_OK};
    *report = (struct care_verify_report){.files = 0};
    enum status status = care_find_store(io, dir, verify.error);
    if (status != STATUS_OK) return status;
    verify.environment = (struct sst_environment){.io = io, .codec = codec_create()};
    verify.newest = (struct care_newest){.io = io, .dir = dir};
    verify.sink = (struct care_sink){find, &verify};
    verify.values = (struct care_values){.environment = &verify.environment,
                                         .dir = dir,
                                         .sink = &verify.sink,
                                         .known = known_values,
                                         .context = &verify};
    mutex_init(&verify.mutex);
    mutex_init(&verify.values_lock);
    status = verify.environment.codec ? verify_all(&verify) : STATUS_NO_MEMORY;
    mutex_deinit(&verify.values_lock);
    mutex_deinit(&verify.mutex);
    care_values_deinit(&verify.values);
    codec_destroy(verify.environment.codec);
    free(verify.files);
    care_state_deinit(&verify.state);
    care_newest_deinit(&verify.newest);
    if (status != STATUS_OK && verify.error->status == STATUS_OK)
        return error_set(verify.error, status, "%s: %s", dir, status_text(status));
    return status != STATUS_OK ? status : report->findings > 0 ? STATUS_CORRUPT : STATUS_OK;
}
