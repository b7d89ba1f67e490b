/*
 * care_upgrade: the format level of a store at rest goes up: a new manifest with the same state and the level, then
 * the superblock's switch, and only then the old manifest goes. A crash leaves one of the two in force, and the other
 * as an orphan.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/care_state.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/format_level.h"
#include "engine/lsm/manifest.h"
#include "engine/lsm/options.h"
#include "engine/lsm/options_format.h"

/* ---- The manifest ------------------------------------------------------------------------------------------------ */

static enum status add_file(void *context, const struct edit_file *meta) {
    return edit_add_file(context, meta);
}

static enum status describe(const struct recovered *recovered, struct edit *edit) {
    enum status status = STATUS_OK;
    edit->number = recovered->last_edit + 1;
    edit->time_ms = recovered->mark.time_ms;
    edit->has_mark = true;
    edit->mark = recovered->mark;
    edit->last_sequence = recovered->last_sequence;
    edit->next_instance = recovered->next_instance;
    for (size_t i = 0; i < recovered->kind_count && status == STATUS_OK; i++)
        status = edit_add_kind(edit, &recovered->kinds[i]);
    for (size_t i = 0; i < recovered->tree_count && status == STATUS_OK; i++)
        if (!recovered->trees[i].dropped) status = edit_create_tree(edit, &recovered->trees[i].tree);
    return status == STATUS_OK ? recovered_each_file(recovered, add_file, edit) : status;
}

static enum status note_number(void *context, const struct io_entry *entry) {
    uint64_t *highest = context, number = 0;
    const enum file_class class = file_classify(entry->name, &number);
    if ((class == FILE_SST || class == FILE_MANIFEST) && number > *highest) *highest = number;
    return STATUS_OK;
}

static enum status write_manifest(const struct care_state *state, struct superblock *superblock, struct edit *edit) {
    struct manifest *manifest = NULL;
    const struct manifest_id id = {superblock->store, superblock->manifest, superblock->generation};
    enum status status = manifest_create(state->io, state->dir, &id, edit, &manifest);
    if (status == STATUS_OK) superblock->manifest_bytes = manifest_bytes(manifest);
    manifest_close(manifest);
    if (status == STATUS_OK) status = io_dir_sync(state->io, state->dir);
    return status == STATUS_OK ? superblock_write(state->io, state->dir, superblock) : status;
}

static enum status switch_manifest(const struct care_state *state, unsigned level) {
    struct superblock next = state->superblock;
    struct edit edit;
    char path[IO_PATH_BYTES];
    uint64_t highest = state->recovered.next_file - 1;
    edit_init(&edit, EDIT_SNAPSHOT);
    enum status status = io_dir_list(state->io, state->dir, note_number, &highest);
    if (status == STATUS_OK) status = describe(&state->recovered, &edit);
    next.generation++;
    next.manifest = highest + 1;
    edit.next_file = highest + 2;
    edit.format_level = level;
    if (status == STATUS_OK) status = write_manifest(state, &next, &edit);
    if (status == STATUS_OK) status = file_path(path, state->dir, FILE_MANIFEST, state->superblock.manifest);
    if (status == STATUS_OK) status = io_remove(state->io, path);
    edit_deinit(&edit);
    return status;
}

/* ---- OPTIONS ----------------------------------------------------------------------------------------------------- */

struct rewriting {
    struct buf text;
    unsigned level;
    enum status status;
};

static void take_line(void *context, struct slice name, struct slice value) {
    struct rewriting *rewriting = context;
    if (rewriting->status != STATUS_OK || slice_equal(name, slice_from_text("check"))) return;
    if (slice_equal(name, slice_from_text("format_level"))) {
        rewriting->status = buf_append_format(&rewriting->text, "format_level %u\n", rewriting->level);
        return;
    }
    rewriting->status = buf_append_slice(&rewriting->text, name);
    if (rewriting->status == STATUS_OK) rewriting->status = buf_append_byte(&rewriting->text, ' ');
    if (rewriting->status == STATUS_OK) rewriting->status = buf_append_slice(&rewriting->text, value);
    if (rewriting->status == STATUS_OK) rewriting->status = buf_append_byte(&rewriting->text, '\n');
}

/* What the file records. One that is not there or damaged is left to the next open, which writes it. */
static enum status record_level(struct io *io, const char *dir, unsigned level) {
    struct rewriting rewriting = {.text = BUF_EMPTY, .level = level};
    struct buf bytes = BUF_EMPTY;
    struct error error;
    char path[IO_PATH_BYTES];
    enum status status = file_path(path, dir, FILE_OPTIONS, 0);
    if (status == STATUS_OK) status = file_read_all(io, path, OPTIONS_FILE_MAX_BYTES, &bytes);
    if (status == STATUS_OK) status = buf_append_format(&rewriting.text, OPTIONS_HEAD);
    if (status == STATUS_OK) status = options_file_parse(buf_slice(&bytes), take_line, &rewriting, &error);
    if (status == STATUS_OK) status = rewriting.status;
    if (status == STATUS_OK) status = options_file_seal(&rewriting.text);
    if (status == STATUS_OK) status = options_write(io, dir, buf_slice(&rewriting.text));
    buf_deinit(&bytes);
    buf_deinit(&rewriting.text);
    return status == STATUS_NOT_FOUND || status == STATUS_CORRUPT || status == STATUS_VERSION ? STATUS_OK : status;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static enum status upgrade(struct care_state *state, unsigned level, struct care_upgrade_report *report,
                           struct error *error) {
    enum status status = care_state_load(state, state->io, state->dir, error);
    if (status != STATUS_OK) return status;
    report->from = report->to = state->recovered.format_level;
    if (state->slot_damaged)
        return error_set(error, STATUS_CORRUPT,
                         "%s: one slot of the superblock does not verify: open the store once, or repair it, first",
                         state->dir);
    if (level < report->from)
        return error_set(error, STATUS_INVALID, "%s: the store has format level %u, and levels only go up", state->dir,
                         report->from);
    if (level == report->from) return STATUS_OK;
    status = switch_manifest(state, level);
    if (status == STATUS_OK) report->to = level;
    return status == STATUS_OK ? record_level(state->io, state->dir, level) : status;
}

enum status engine_care_upgrade(struct io *io, const char *dir, unsigned level, struct care_upgrade_report *report,
                                struct error *error) {
    struct error unused;
    struct io_lock *lock = NULL;
    struct care_state state = {.io = io, .dir = dir};
    if (!error) error = &unused;
    *error = (struct error){.status = STATUS_OK};
    *report = (struct care_upgrade_report){.from = 0};
    if (level == 0) level = FORMAT_LEVEL_LATEST;
    if (level > FORMAT_LEVEL_LATEST)
        return error_set(error, STATUS_INVALID, "%s: format level %u is not known; the latest is %d", dir, level,
                         FORMAT_LEVEL_LATEST);
    enum status status = care_find_store(io, dir, error);
    if (status == STATUS_OK) status = io_dir_lock(io, dir, &lock, error);
    if (status == STATUS_OK) {
        status = upgrade(&state, level, report, error);
        care_state_deinit(&state);
        io_unlock(lock);
    }
    if (status != STATUS_OK && error->status == STATUS_OK) error_set(error, status, "%s: %s", dir, status_text(status));
    return status;
}

enum status engine_care_format_level(struct io *io, const char *dir, unsigned *level, struct error *error) {
    struct care_state state;
    const enum status status = care_state_load(&state, io, dir, error);
    if (status == STATUS_OK) *level = state.recovered.format_level;
    care_state_deinit(&state);
    return status;
}
