/* care_state: a store's directory read without an engine. */
#include "engine/lsm/care_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/lsm/file_names.h"
#include "engine/lsm/format_level.h"
#include "engine/lsm/manifest.h"

static enum status end_at_part(void *context, const struct io_entry *entry) {
    uint64_t number = 0;
    (void)context;
    const enum file_class class = file_classify(entry->name, &number);
    return class == FILE_SST || class == FILE_MANIFEST || class == FILE_SUPERBLOCK ? STATUS_END : STATUS_OK;
}

enum status care_find_store(struct io *io, const char *dir, struct error *error) {
    const enum status status = io_dir_list(io, dir, end_at_part, NULL);
    if (status == STATUS_END) return STATUS_OK;
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", dir, status_text(status));
    return error_set(error, STATUS_NOT_FOUND, "%s: no store here", dir);
}

enum status care_state_load(struct care_state *state, struct io *io, const char *dir, struct error *error) {
    struct manifest_recovery recovery;
    *state = (struct care_state){.io = io, .dir = dir};
    recovered_init(&state->recovered);
    const enum status status = superblock_read(io, dir, &state->superblock, &state->slot_damaged, error);
    if (status != STATUS_OK) return status;
    const struct manifest_id id = {state->superblock.store, state->superblock.manifest, state->superblock.generation};
    const enum status read = manifest_read(io, dir, &id, state->superblock.manifest_bytes, recovered_apply,
                                           &state->recovered, &recovery, error);
    return read == STATUS_NOT_FOUND
               ? error_set(error, STATUS_CORRUPT, "%s: manifest %llu, which the superblock names, is missing", dir,
                           (unsigned long long)id.number)
               : read;
}

void care_state_deinit(struct care_state *state) {
    recovered_deinit(&state->recovered);
}

struct gathering {
    struct edit_file *files;
    size_t count;
};

static enum status gather(void *context, const struct edit_file *meta) {
    struct gathering *gathering = context;
    gathering->files[gathering->count++] = *meta;
    return STATUS_OK;
}

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_places(const void *left, const void *right) {
    const struct edit_file *a = left, *b = right;
    if (a->instance != b->instance) return compare_numbers(a->instance, b->instance);
    if (a->level != b->level) return compare_numbers(a->level, b->level);
    const int order =
        a->level == 0 ? compare_numbers(b->last_sequence, a->last_sequence) : slice_compare(a->first, b->first);
    return order ? order : compare_numbers(b->number, a->number);
}

enum status care_state_files(const struct recovered *recovered, struct edit_file **files, size_t *count) {
    struct gathering gathering = {.files = calloc(recovered->file_count + 1, sizeof(struct edit_file))};
    if (!gathering.files) return STATUS_NO_MEMORY;
    const enum status status = recovered_each_file(recovered, gather, &gathering);
    if (gathering.count > 1) qsort(gathering.files, gathering.count, sizeof *gathering.files, compare_places);
    *files = gathering.files;
    *count = gathering.count;
    return status;
}

enum status care_log_dir(const char *dir, char path[IO_PATH_BYTES]) {
    const int length = snprintf(path, IO_PATH_BYTES, "%s/" FILE_NAME_LOG_DIR, dir);
    return length > 0 && length < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}

const char *care_key_text(struct slice key, char text[CARE_KEY_TEXT_BYTES]) {
    size_t at = 0, i = 0;
    for (; i < key.size && at + 8 < CARE_KEY_TEXT_BYTES; i++) {
        const uint8_t byte = key.data[i];
        const bool plain = byte >= 0x20 && byte < 0x7f && byte != '\\';
        at += (size_t)snprintf(text + at, CARE_KEY_TEXT_BYTES - at, plain ? "%c" : "\\x%02x", byte);
    }
    snprintf(text + at, CARE_KEY_TEXT_BYTES - at, "%s", i < key.size ? ".." : "");
    return text;
}

/* ---- One table --------------------------------------------------------------------------------------------------- */

static bool same_span(const struct edit_file *meta, const struct sst_properties *properties) {
    if (!slice_equal(meta->first, properties->first) || meta->has_last != properties->has_last) return false;
    if (!meta->has_last) return true;
    return slice_equal(meta->last, properties->last) && meta->last_exclusive == properties->last_exclusive;
}

static bool same_counts(const struct edit_file *meta, const struct sst_properties *properties) {
    return properties->entries == meta->entries && properties->deletes == meta->deletes &&
           properties->range_deletes == meta->range_deletes &&
           properties->merges + properties->appends == meta->operands;
}

static void compare(const struct care_table *table, const struct sst_properties *properties, bool *differs) {
    const struct edit_file *meta = table->meta;
    const char *what = NULL;
    if (properties->origin.tree != meta->instance) what = "belongs to another tree than the manifest says";
    if (properties->file_bytes != meta->bytes) what = "has another size than the manifest says";
    if (!same_span(meta, properties)) what = "spans other keys than the manifest says";
    if (!same_counts(meta, properties)) what = "holds another number of entries than the manifest says";
    if (properties->first_sequence != meta->first_sequence || properties->last_sequence != meta->last_sequence)
        what = "holds other sequences than the manifest says";
    *differs = what != NULL;
    if (what) table->sink->find(table->sink->context, table->path, 0, what);
}

static void judge_level(const struct care_table *table, const struct sst_properties *properties, bool *differs) {
    const char *what = format_level_forbids_inside(table->format_level, properties);
    if (!what) return;
    *differs = true;
    table->sink->find(table->sink->context, table->path, 0, what);
}

/* A finding of the reader, with keys, comes before the verifier's, which has none: it is the one that is told. */
struct reading {
    const struct care_table *table;
    struct error detail;
};

static void take_detail(void *context, const struct error *error) {
    struct reading *reading = context;
    reading->detail = *error;
}

static void take_finding(void *context, uint64_t offset, const char *text) {
    struct reading *reading = context;
    const struct care_sink *sink = reading->table->sink;
    sink->find(sink->context, reading->table->path, offset, reading->detail.text[0] ? reading->detail.text : text);
    reading->detail.text[0] = 0;
}

enum status care_table_verify(const struct care_table *table, uint64_t *entries) {
    struct reading reading = {.table = table};
    struct error error = {.status = STATUS_OK};
    struct sst *sst = NULL;
    struct sst_identity identity;
    struct sst_environment environment = *table->environment;
    bool differs = false;
    environment.on_error = take_detail;
    environment.context = &reading;
    enum status status = STATUS_OK;
    if (table->meta) {
        const struct edit_file *meta = table->meta;
        identity = (struct sst_identity){.store = meta->store, .file = edit_file_identity(meta)};
        status = sst_open_adopted(&environment, table->path, identity, meta->number, meta->instance, meta->sequence,
                                  &sst, &error);
    } else {
        status = sst_read_identity(environment.io, table->path, &identity, &error);
        if (status == STATUS_OK) status = sst_open(&environment, table->path, identity, identity.file, &sst, &error);
    }
    if (status == STATUS_NOT_FOUND || status == STATUS_MISMATCH) status = STATUS_CORRUPT;
    if (status == STATUS_CORRUPT || status == STATUS_IO)
        table->sink->find(table->sink->context, table->path, 0, error.text[0] ? error.text : status_text(status));
    if (status != STATUS_OK) return status;
    if (table->meta) compare(table, sst_properties(sst), &differs);
    if (table->format_level) judge_level(table, sst_properties(sst), &differs);
    if (entries) *entries = sst_properties(sst)->entries;
    sst_set_progress(sst, table->progress, table->progress_context);
    status = sst_verify(sst, take_finding, &reading);
    sst_close(sst);
    return status == STATUS_OK && differs ? STATUS_CORRUPT : status;
}
