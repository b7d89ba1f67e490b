/* care_cut: see care_cut.h. The state is read once more behind the directory: what an owner changed meanwhile is no
 * cut. */
#include "engine/lsm/care_cut.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/explain.h"
#include "engine/lsm/care_newest.h"
#include "engine/lsm/file_names.h"

struct looking {
    struct io *io;
    const char *dir;
    const struct care_state *state;
    struct care_cut *cut;
    uint64_t highest; /* that is named */
};

static enum status look_for(void *context, const struct edit_file *meta) {
    struct looking *looking = context;
    char path[IO_PATH_BYTES];
    struct io_entry entry;
    if (meta->number > looking->highest) looking->highest = meta->number;
    const enum status status = file_path(path, looking->dir, FILE_SST, meta->number);
    if (status == STATUS_OK) looking->cut->missing += io_stat(looking->io, path, &entry) == STATUS_NOT_FOUND;
    return status;
}

static enum status look_at(void *context, const struct io_entry *entry) {
    struct looking *looking = context;
    char path[IO_PATH_BYTES];
    struct sst_identity identity;
    uint64_t number = 0;
    if (file_classify(entry->name, &number) != FILE_SST || number <= looking->highest) return STATUS_OK;
    const enum status status = file_path(path, looking->dir, FILE_SST, number);
    if (status == STATUS_OK && sst_read_identity(looking->io, path, &identity, NULL) == STATUS_OK)
        looking->cut->later += identity.store == looking->state->superblock.store;
    return status;
}

/* True: nobody is at work. */
static bool stands_still(const struct care_state *state) {
    struct care_state now;
    struct error error = {.status = STATUS_OK};
    const enum status status = care_state_load_settled(&now, state->io, state->dir, &error);
    const bool same = status == STATUS_OK && now.superblock.manifest == state->superblock.manifest &&
                      now.recovered.last_edit == state->recovered.last_edit;
    care_state_deinit(&now);
    return same;
}

enum status care_cut_find(struct io *io, const char *dir, struct care_cut *cut) {
    struct care_state state;
    struct error error = {.status = STATUS_OK};
    char path[IO_PATH_BYTES];
    struct io_entry entry;
    *cut = (struct care_cut){.seems_cut = false};
    struct looking looking = {.io = io, .dir = dir, .state = &state, .cut = cut};
    enum status status = care_state_load_settled(&state, io, dir, &error);
    const bool is_loaded = status == STATUS_OK;
    if (is_loaded) status = recovered_each_file(&state.recovered, look_for, &looking);
    if (is_loaded && status == STATUS_OK && cut->missing > 0) status = io_dir_list(io, dir, look_at, &looking);
    if (is_loaded && status == STATUS_OK && cut->later > 0) cut->seems_cut = stands_still(&state);
    cut->last_edit = state.recovered.last_edit;
    cut->manifest = state.superblock.manifest;
    if (cut->seems_cut && file_path(path, dir, FILE_MANIFEST, cut->manifest) == STATUS_OK &&
        io_stat(io, path, &entry) == STATUS_OK)
        cut->bytes = entry.size;
    care_state_deinit(&state);
    return is_loaded || status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

const char *care_cut_words(const struct care_cut *cut, char text[ERROR_TEXT_BYTES]) {
    snprintf(text, ERROR_TEXT_BYTES,
             "it seems to have lost its newest edits: it ends with edit %" PRIu64 ", %" PRIu64
             " of the tables that it names are gone, as merged ones are, and %" PRIu64
             " that were made later are not named",
             cut->last_edit, cut->missing, cut->later);
    return text;
}

enum status engine_explain_manifest(struct io *io, const char *dir, struct error *error) {
    struct care_cut cut;
    char path[IO_PATH_BYTES], text[ERROR_TEXT_BYTES];
    enum status status = care_cut_find(io, dir, &cut);
    if (status == STATUS_OK && cut.seems_cut) status = file_path(path, dir, FILE_MANIFEST, cut.manifest);
    if (status != STATUS_OK || !cut.seems_cut) return status;
    return error_set(error, STATUS_CORRUPT, "%s: offset %" PRIu64 ": %s", path, cut.bytes, care_cut_words(&cut, text));
}
