/*
 * explain_history: a key through manifest and tables, without an engine. Invariant: what is damaged is told with its
 * own file's words, and nothing is concluded from it: a table is believed only as the file that the manifest, or else
 * its own header, says it is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/lsm/batch.h"
#include "engine/lsm/care_state.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/manifest.h"
#include "engine/lsm/version.h"
#include "engine/lsm/watch.h"

enum { VERSIONS_MAX = 1 << 16 /* of one key in one table */ };

struct history {
    struct io *io;
    const char *dir;
    uint32_t tree;
    struct slice key;
    enum status (*visit)(void *context, const struct engine_history_event *event);
    void *context;
    struct error *error;
    enum status stopped; /* by visit, or NO_MEMORY */
    struct care_state state;
    uint64_t *relevant; /* numbers of files that came with the key in their span */
    size_t relevant_count, relevant_capacity;
    struct sst_environment environment;
    struct error failure; /* of the table that is read */
    bool manifest_is_whole;
    bool doubted; /* what an owner at work may have caused was told */
};

static bool tell(struct history *history, const struct engine_history_event *event) {
    if (history->stopped == STATUS_OK) history->stopped = history->visit(history->context, event);
    return history->stopped == STATUS_OK;
}

static void tell_damage(struct history *history, enum status status, const char *why) {
    (void)tell(history,
               &(struct engine_history_event){
                   .kind = ENGINE_HISTORY_DAMAGE, .status = status, .why = why, .certain = history->manifest_is_whole});
}

/* ---- Edits ------------------------------------------------------------------------------------------------------- */

/* Also of one that was dropped since. */
static bool is_of_tree(const struct history *history, uint32_t instance) {
    const struct recovered *recovered = &history->state.recovered;
    for (size_t i = 0; i < recovered->tree_count; i++)
        if (recovered->trees[i].tree.instance == instance) return recovered->trees[i].tree.tree == history->tree;
    return false;
}

static bool may_hold(const struct history *history, const struct edit_file *meta) {
    if (!is_of_tree(history, meta->instance) || slice_compare(history->key, meta->first) < 0) return false;
    if (!meta->has_last) return true;
    const int order = slice_compare(history->key, meta->last);
    return order < 0 || (order == 0 && !meta->last_exclusive);
}

static bool is_relevant(const struct history *history, uint64_t number) {
    for (size_t i = 0; i < history->relevant_count; i++)
        if (history->relevant[i] == number) return true;
    return false;
}

static void note_relevant(struct history *history, uint64_t number) {
    if (is_relevant(history, number)) return;
    if (history->relevant_count == history->relevant_capacity) {
        const size_t more = history->relevant_capacity ? history->relevant_capacity * 2 : 64;
        uint64_t *grown = realloc(history->relevant, more * sizeof *grown);
        if (!grown) {
            history->stopped = STATUS_NO_MEMORY;
            return;
        }
        history->relevant = grown;
        history->relevant_capacity = more;
    }
    history->relevant[history->relevant_count++] = number;
}

static bool touches(const struct history *history, const struct edit *edit) {
    for (size_t i = 0; i < edit->removed_count; i++)
        if (is_relevant(history, edit->removed[i].number)) return true;
    for (size_t i = 0; i < edit->added_count; i++)
        if (may_hold(history, &edit->added[i])) return true;
    for (size_t i = 0; i < edit->created_count; i++)
        if (edit->created[i].tree == history->tree) return true;
    for (size_t i = 0; i < edit->dropped_count; i++)
        if (is_of_tree(history, edit->dropped[i])) return true;
    return false;
}

static struct engine_history_event file_event(const struct edit_file *meta) {
    return (struct engine_history_event){.kind = ENGINE_HISTORY_FILE,
                                         .added = true,
                                         .file = meta->number,
                                         .file_bytes = meta->bytes,
                                         .entries = meta->entries,
                                         .level = meta->level,
                                         .first = meta->first,
                                         .last = meta->last,
                                         .has_last = meta->has_last,
                                         .first_sequence = meta->first_sequence,
                                         .last_sequence = meta->last_sequence};
}

static void tell_files(struct history *history, const struct edit *edit) {
    for (size_t i = 0; i < edit->removed_count; i++) {
        const struct edit_removed *removed = &edit->removed[i];
        if (is_relevant(history, removed->number))
            (void)tell(history, &(struct engine_history_event){
                                    .kind = ENGINE_HISTORY_FILE, .file = removed->number, .level = removed->level});
    }
    for (size_t i = 0; i < edit->added_count; i++) {
        if (!may_hold(history, &edit->added[i])) continue;
        const struct engine_history_event event = file_event(&edit->added[i]);
        note_relevant(history, event.file);
        (void)tell(history, &event);
    }
}

static void tell_edit(struct history *history, const struct edit *edit, bool touches) {
    (void)tell(history, &(struct engine_history_event){.kind = ENGINE_HISTORY_EDIT,
                                                       .edit = edit->number,
                                                       .cause = edit_cause_name(edit->cause),
                                                       .job = edit->job,
                                                       .time_ms = edit->time_ms,
                                                       .has_mark = edit->has_mark,
                                                       .touches = touches,
                                                       .mark = edit->mark,
                                                       .last_sequence = edit->last_sequence});
    for (size_t i = 0; i < edit->created_count; i++)
        if (edit->created[i].tree == history->tree)
            (void)tell(history, &(struct engine_history_event){.kind = ENGINE_HISTORY_TREE, .added = true});
    tell_files(history, edit);
    for (size_t i = 0; i < edit->dropped_count; i++)
        if (is_of_tree(history, edit->dropped[i]))
            (void)tell(history, &(struct engine_history_event){.kind = ENGINE_HISTORY_TREE});
}

static enum status take_edit(void *context, const struct edit *edit, struct error *error) {
    struct history *history = context;
    const enum status status = recovered_apply(&history->state.recovered, edit, error);
    if (status != STATUS_OK) return status;
    if (history->state.recovered.first_edit == edit->number)
        (void)tell(history, &(struct engine_history_event){.kind = ENGINE_HISTORY_MANIFEST,
                                                           .edit = edit->number,
                                                           .store = history->state.superblock.store});
    const bool touching = touches(history, edit);
    if (touching || edit->has_mark) tell_edit(history, edit, touching);
    return history->stopped;
}

/* The edits, up to the first that can't be read. */
static void read_edits(struct history *history) {
    struct care_state *state = &history->state;
    struct manifest_recovery recovery;
    struct error error = {.status = STATUS_OK};
    *state = (struct care_state){.io = history->io, .dir = history->dir};
    recovered_init(&state->recovered);
    history->manifest_is_whole = true;
    enum status status = superblock_read(history->io, history->dir, &state->superblock, &state->slot_damaged, &error);
    if (status == STATUS_NOT_FOUND) error_set(&error, status, "%s/" FILE_NAME_SUPERBLOCK ": not there", history->dir);
    if (status == STATUS_OK && state->slot_damaged)
        tell_damage(history, STATUS_CORRUPT,
                    "one of the two slots of " FILE_NAME_SUPERBLOCK " does not verify; the other is used");
    if (status == STATUS_OK) {
        const struct manifest_id id = {state->superblock.store, state->superblock.manifest,
                                       state->superblock.generation};
        status = manifest_read(history->io, history->dir, &id, state->superblock.manifest_bytes, take_edit, history,
                               &recovery, &error);
        if (status == STATUS_NOT_FOUND)
            error_set(&error, status, "%s/%010" PRIu64 ".manifest, which the superblock names: not there", history->dir,
                      id.number);
    }
    struct error strange;
    history->manifest_is_whole = status == STATUS_OK;
    if (status != STATUS_OK && engine_explain_superblock(history->io, history->dir, &strange) == STATUS_MISMATCH)
        error = strange;
    if (status != STATUS_OK && history->stopped == STATUS_OK)
        tell_damage(history, status, error.text[0] ? error.text : status_text(status));
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static void on_error(void *context, const struct error *error) {
    struct history *history = context;
    history->failure = *error;
}

static struct engine_history_event version_event(const struct sst_version *version) {
    const enum entry_kind kind = entry_kind(version->trailer);
    return (struct engine_history_event){.kind = ENGINE_HISTORY_VERSION,
                                         .sequence = entry_sequence(version->trailer),
                                         .entry = watch_entry_of(kind),
                                         .apart = kind == ENTRY_REFERENCE,
                                         .value = version->value};
}

static void tell_versions(struct history *history, struct sst *sst, uint64_t file) {
    uint64_t snapshot = ENTRY_SEQUENCE_MAX;
    for (unsigned i = 0; i < VERSIONS_MAX && history->stopped == STATUS_OK; i++) {
        struct sst_version version;
        const uint32_t at = sst_find_block(sst, history->key, snapshot);
        const enum status status = sst_get(sst, history->key, snapshot, 0, &version);
        if (status == STATUS_NOT_FOUND) return;
        if (status != STATUS_OK) {
            tell_damage(history, status, history->failure.text[0] ? history->failure.text : status_text(status));
            return;
        }
        struct engine_history_event event = version_event(&version);
        event.file = file;
        event.at = at;
        sst_block_place(sst, at, &event.offset, &event.bytes);
        (void)tell(history, &event);
        block_release(version.block);
        if (event.sequence == 0) return;
        snapshot = event.sequence - 1;
    }
}

static void ask_table(struct history *history, struct sst *sst, const struct engine_history_event *table,
                      uint32_t instance) {
    if (!tell(history, table)) return;
    const uint64_t cover = range_set_cover(sst_range_deletes(sst), instance, history->key, ENTRY_SEQUENCE_MAX);
    if (cover)
        (void)tell(history, &(struct engine_history_event){
                                .kind = ENGINE_HISTORY_COVER, .file = table->file, .sequence = cover});
    history->failure.text[0] = 0;
    tell_versions(history, sst, table->file);
}

/* One that the manifest names. */
static void ask_named(struct history *history, const struct edit_file *meta) {
    char path[IO_PATH_BYTES];
    struct sst *sst = NULL;
    struct error error = {.status = STATUS_OK};
    const struct sst_identity identity = {.store = meta->store, .file = edit_file_identity(meta)};
    enum status status = file_path(path, history->dir, FILE_SST, meta->number);
    if (status == STATUS_OK)
        status = sst_open_adopted(&history->environment, path, identity, meta->number, meta->instance, meta->sequence,
                                  &sst, &error);
    struct engine_history_event table = file_event(meta);
    table.kind = ENGINE_HISTORY_TABLE;
    table.named = true;
    table.certain = history->manifest_is_whole;
    table.path = path;
    table.status = status;
    table.why = status == STATUS_OK ? "" : error.text[0] ? error.text : status_text(status);
    history->doubted |= status != STATUS_OK;
    if (status == STATUS_OK)
        ask_table(history, sst, &table, meta->instance);
    else if (status == STATUS_NO_MEMORY)
        history->stopped = status;
    else
        (void)tell(history, &table);
    sst_close(sst);
}

static void ask_all_named(struct history *history) {
    struct edit_file *files = NULL;
    size_t count = 0;
    const enum status status = care_state_files(&history->state.recovered, &files, &count);
    if (status != STATUS_OK) history->stopped = status;
    for (size_t i = 0; i < count && history->stopped == STATUS_OK; i++)
        if (may_hold(history, &files[i])) ask_named(history, &files[i]);
    free(files);
}

/* Whether what the table says of itself lets it hold the key. Without a whole manifest nobody knows its tree. */
static bool claims_key(const struct history *history, const struct sst_properties *properties) {
    const struct edit_file meta = {.instance = properties->origin.tree,
                                   .first = properties->first,
                                   .last = properties->last,
                                   .has_last = properties->has_last,
                                   .last_exclusive = properties->last_exclusive};
    if (history->state.recovered.tree_count > 0) return may_hold(history, &meta);
    if (properties->origin.kind != history->tree || slice_compare(history->key, meta.first) < 0) return false;
    return !meta.has_last || slice_compare(history->key, meta.last) <= 0;
}

/* One that lies there under a number that the manifest does not name: by what its header says. */
static enum status ask_unnamed(void *context, const struct io_entry *entry) {
    struct history *history = context;
    char path[IO_PATH_BYTES];
    struct sst *sst = NULL;
    struct sst_identity identity;
    struct error error;
    uint64_t number = 0;
    if (file_classify(entry->name, &number) != FILE_SST || recovered_has_file(&history->state.recovered, number))
        return STATUS_OK;
    history->doubted = true;
    enum status status = file_path(path, history->dir, FILE_SST, number);
    if (status == STATUS_OK) status = sst_read_identity(history->io, path, &identity, &error);
    if (status == STATUS_OK) status = sst_open(&history->environment, path, identity, number, &sst, &error);
    if (status == STATUS_NO_MEMORY) return status;
    struct engine_history_event table = {.kind = ENGINE_HISTORY_TABLE,
                                         .file = number,
                                         .path = path,
                                         .status = status,
                                         .why = "",
                                         .certain = history->manifest_is_whole};
    if (status == STATUS_OK && identity.store != history->state.superblock.store && history->manifest_is_whole) {
        table.status = STATUS_MISMATCH;
        table.why = "it was built by another store";
        (void)tell(history, &table);
    } else if (status == STATUS_OK && claims_key(history, sst_properties(sst))) {
        const struct sst_properties *properties = sst_properties(sst);
        table.level = properties->origin.level;
        table.entries = properties->entries;
        table.file_bytes = properties->file_bytes;
        table.first = properties->first;
        table.last = properties->last;
        table.has_last = properties->has_last;
        table.first_sequence = properties->first_sequence;
        table.last_sequence = properties->last_sequence;
        ask_table(history, sst, &table, properties->origin.tree);
    } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        table.why = error.text[0] ? error.text : status_text(status);
        (void)tell(history, &table);
    }
    sst_close(sst);
    return history->stopped;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

/* An owner has gone on since the manifest was read: what was not there any more may be somewhere else now. */
static bool has_changed(const struct history *history) {
    struct care_state now;
    struct error error;
    const enum status status = care_state_load(&now, history->io, history->dir, &error);
    const bool changed = status == STATUS_OK && (now.superblock.generation != history->state.superblock.generation ||
                                                 now.recovered.last_edit != history->state.recovered.last_edit);
    care_state_deinit(&now);
    return changed;
}

enum status engine_explain_history(struct io *io, const char *dir, uint32_t tree, struct slice key,
                                   enum status (*visit)(void *context, const struct engine_history_event *event),
                                   void *context, struct error *error) {
    struct history history = {
        .io = io, .dir = dir, .tree = tree, .key = key, .visit = visit, .context = context, .error = error};
    enum status status = care_find_store(io, dir, error);
    if (status != STATUS_OK) return status;
    history.environment =
        (struct sst_environment){.io = io, .codec = codec_create(), .on_error = on_error, .context = &history};
    if (!history.environment.codec) return error_set(error, STATUS_NO_MEMORY, "%s: out of memory", dir);
    read_edits(&history);
    if (history.stopped == STATUS_OK) ask_all_named(&history);
    if (history.stopped == STATUS_OK) {
        status = io_dir_list(io, dir, ask_unnamed, &history);
        if (status != STATUS_OK && history.stopped == STATUS_OK) history.stopped = status;
    }
    if (history.stopped == STATUS_OK && history.doubted && has_changed(&history)) history.stopped = STATUS_BUSY;
    if (history.stopped != STATUS_OK) error_set(error, history.stopped, "%s: %s", dir, status_text(history.stopped));
    codec_destroy(history.environment.codec);
    care_state_deinit(&history.state);
    free(history.relevant);
    return history.stopped;
}

/* ---- Whose superblock it is -------------------------------------------------------------------------------------- */

struct company_of_files {
    struct io *io;
    const char *dir;
    uint64_t store;               /* of the superblock */
    uint64_t same, others, other; /* files of it, of others, and one of these others */
};

static void count_file(struct company_of_files *company, uint64_t store) {
    company->same += store == company->store;
    if (store == company->store) return;
    company->others++;
    company->other = store;
}

static enum status ask_whose(void *context, const struct io_entry *entry) {
    struct company_of_files *company = context;
    struct sst_identity identity;
    struct manifest_id id;
    char path[IO_PATH_BYTES];
    uint8_t sector[IO_SECTOR_BYTES];
    struct io_file *file = NULL;
    uint64_t number = 0;
    size_t got = 0;
    const enum file_class class = file_classify(entry->name, &number);
    if ((class != FILE_SST && class != FILE_MANIFEST) || file_path(path, company->dir, class, number) != STATUS_OK)
        return STATUS_OK;
    if (class == FILE_SST) {
        if (sst_read_identity(company->io, path, &identity, NULL) == STATUS_OK) count_file(company, identity.store);
        return STATUS_OK;
    }
    if (io_file_open(company->io, path, IO_OPEN_READ, &file) != STATUS_OK) return STATUS_OK;
    if (io_file_read(file, 0, sector, sizeof sector, &got) == STATUS_OK && got == sizeof sector &&
        manifest_header_parse(slice_make(sector, sizeof sector), &id, NULL) == STATUS_OK)
        count_file(company, id.store);
    io_file_close(file);
    return STATUS_OK;
}

enum status engine_explain_superblock(struct io *io, const char *dir, struct error *error) {
    struct company_of_files company = {.io = io, .dir = dir};
    struct superblock superblock;
    bool damaged = false;
    if (superblock_read(io, dir, &superblock, &damaged, error) != STATUS_OK) return STATUS_OK;
    company.store = superblock.store;
    const enum status status = io_dir_list(io, dir, ask_whose, &company);
    if (status != STATUS_OK || company.same > 0 || company.others == 0) return status;
    return error_set(error, STATUS_MISMATCH,
                     "%s/" FILE_NAME_SUPERBLOCK ": it is of store %016" PRIx64 ", and all %" PRIu64
                     " manifests and tables beside it are of others, such as %016" PRIx64
                     ": it is another store's, or they are",
                     dir, superblock.store, company.others, company.other);
}

/* ---- The own log ------------------------------------------------------------------------------------------------- */

static bool is_in(struct slice key, const struct batch_operation *operation) {
    return slice_compare(key, operation->key) >= 0 &&
           (operation->value.size == 0 || slice_compare(key, operation->value) < 0);
}

/* Words where the operation touches the key; NULL: it does not. */
static const char *touch(const struct batch_operation *operation, uint32_t tree, struct slice key) {
    if (operation->tree != tree) return NULL;
    if (operation->kind == BATCH_CREATE_TREE) return "the tree is made";
    if (operation->kind == BATCH_DROP_TREE) return "the tree is dropped";
    if (operation->kind == BATCH_DELETE_RANGE) return is_in(key, operation) ? "range delete" : NULL;
    if (!slice_equal(operation->key, key)) return NULL;
    switch (operation->kind) {
    case BATCH_PUT: return "put";
    case BATCH_MERGE: return "merge operand";
    case BATCH_APPEND: return "append";
    default: return "delete";
    }
}

enum status engine_batch_mark(struct slice record, struct engine_mark *mark) {
    struct batch_header header;
    struct slice operations;
    const enum status status = batch_header_decode(record, &header, &operations);
    if (status == STATUS_OK) *mark = header.mark;
    return status;
}

enum status engine_explain_batch(struct slice record, uint32_t tree, struct slice key,
                                 void (*visit)(void *context, const struct engine_batch_event *event), void *context) {
    struct batch_header header;
    struct batch_reader reader;
    struct batch_operation operation;
    struct slice operations;
    enum status status = batch_header_decode(record, &header, &operations);
    if (status != STATUS_OK) return status;
    batch_reader_init(&reader, operations, header.count);
    for (uint64_t i = 0; (status = batch_reader_next(&reader, &operation)) == STATUS_OK; i++) {
        const char *words = touch(&operation, tree, key);
        const bool range = operation.kind == BATCH_DELETE_RANGE || operation.kind == BATCH_CREATE_TREE ||
                           operation.kind == BATCH_DROP_TREE;
        if (words)
            visit(context, &(struct engine_batch_event){.mark = header.mark,
                                                        .sequence = header.first_sequence + i,
                                                        .range = range,
                                                        .words = words,
                                                        .value = range ? slice_make(NULL, 0) : operation.value});
    }
    return status == STATUS_END ? STATUS_OK : status;
}
