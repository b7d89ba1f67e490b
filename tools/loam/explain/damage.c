/* damage: see damage.h. The words for the place are the engine's own: file, offset, keys. */
#include "tools/loam/explain/damage.h"

#include <inttypes.h>
#include <string.h>

#include "tools/loam/inspect/row_text.h"

struct listing {
    struct buf *to;
    enum status status;
};

static void append_span(struct listing *listing, const struct engine_damaged_file *file) {
    const struct row_describer *rows = describers_find(file->tree);
    if (listing->status == STATUS_OK) listing->status = key_text_append(listing->to, rows, file->first, NULL);
    if (listing->status == STATUS_OK)
        listing->status = buf_append_format(listing->to, " to %s", file->has_last ? "" : "the end");
    if (listing->status == STATUS_OK && file->has_last)
        listing->status = key_text_append(listing->to, rows, file->last, NULL);
}

static void list_file(void *context, const struct engine_damaged_file *file) {
    struct listing *listing = context;
    if (listing->status != STATUS_OK) return;
    listing->status =
        buf_append_format(listing->to,
                          "damage: %s\n    Lost with it: %" PRIu64 " entries of tree %" PRIu32 ", level %" PRIu32
                          ", sequences %" PRIu64 " to %" PRIu64 ", keys ",
                          file->why, file->entries, file->tree, file->level, file->first_sequence, file->last_sequence);
    append_span(listing, file);
    if (listing->status == STATUS_OK) listing->status = buf_append_byte(listing->to, '\n');
}

/* Tables may be missed that were merged, by edits which the manifest has lost: then it is the manifest. */
static enum status add_cut(struct buf *to, const struct subject *subject) {
    struct error error;
    engine_last_damage(subject->store.engine, &error);
    if (error.status == STATUS_OK && subject->store.whole.status == STATUS_OK) return STATUS_OK;
    const enum status status = engine_explain_manifest(subject->store.io, subject->where, &error);
    if (status == STATUS_CORRUPT) return buf_append_format(to, "damage: %s\n", error.text);
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

enum status damage_add_of_opening(struct buf *to, const struct subject *subject) {
    struct error error;
    struct listing listing = {.to = to, .status = add_cut(to, subject)};
    if (listing.status == STATUS_OK && subject->store.whole.status != STATUS_OK)
        listing.status = buf_append_format(to,
                                           "damage: the node can't be read as a whole: %s\n"
                                           "    Its store alone is explained, as of its last flush; what only its log "
                                           "holds is not shown\n",
                                           subject->store.whole.text);
    if (listing.status == STATUS_OK && subject->store.whole.status == STATUS_MISMATCH)
        listing.status =
            buf_append_format(to, "    Either that is another node's, or the superblock of this directory is\n");
    const size_t before = to->size;
    engine_explain_damaged(subject->store.engine, list_file, &listing);
    engine_last_damage(subject->store.engine, &error);
    if (listing.status == STATUS_OK && error.status != STATUS_OK && to->size == before) /* not of a table */
        listing.status = buf_append_format(to, "damage, met at opening: %s\n", error.text);
    return listing.status;
}

static const struct engine_step *find_file(const struct steps *steps, uint64_t file) {
    for (size_t i = 0; i < steps->count; i++)
        if (steps->items[i].step.kind == ENGINE_STEP_FILE && steps->items[i].step.file == file)
            return &steps->items[i].step;
    return NULL;
}

static bool was_asked(const struct steps *steps, uint64_t file) {
    for (size_t i = 0; i < steps->count; i++) {
        const struct engine_step *step = &steps->items[i].step;
        if (step->kind == ENGINE_STEP_FILE && step->answer == ENGINE_FILE_ASKED && step->file == file) return true;
    }
    return false;
}

/* Files that may hold an older version: what a store shows that has lost the damaged place. */
static enum status add_older(struct buf *to, const struct steps *steps) {
    enum status status = STATUS_OK;
    uint64_t count = 0;
    for (size_t i = 0; i < steps->count && status == STATUS_OK; i++) {
        const struct engine_step *step = &steps->items[i].step;
        if (step->kind != ENGINE_STEP_FILE || step->answer != ENGINE_FILE_CANDIDATE || was_asked(steps, step->file))
            continue;
        status = buf_append_format(to, "%s %" PRIu64 " (level %" PRIu32 ")",
                                   count++ ? "," : "    Older versions may stand in file", step->file, step->level);
    }
    if (status != STATUS_OK) return status;
    return count ? buf_append_format(to, "; history tells\n")
                 : buf_append_format(to, "    No file that was found yet may hold an older version\n");
}

static enum status add_lost(struct buf *to, const struct steps *steps, const struct told_step *told) {
    const struct engine_step *step = &told->step;
    const struct engine_step *file = find_file(steps, step->file);
    if (step->kind == ENGINE_STEP_VALUE || step->apart)
        return buf_append_format(to,
                                 "    Lost: the value; that there is one, and its sequence, is known. File of "
                                 "values %" PRIu64 "\n",
                                 step->file);
    if (step->kind == ENGINE_STEP_OPEN)
        return buf_append_format(to,
                                 "    Lost: what file %" PRIu64 " of level %" PRIu32 " said of it: one of its %" PRIu64
                                 " entries, sequences %" PRIu64 " to %" PRIu64 ", or nothing\n",
                                 step->file, file ? file->level : 0, file ? file->entries : 0,
                                 file ? file->first_sequence : 0, file ? file->last_sequence : 0);
    return buf_append_format(to,
                             "    Lost: what block %" PRIu32 " of %" PRIu32 " in file %" PRIu64 " of level %" PRIu32
                             " held, %" PRIu64 " bytes at offset %" PRIu64 "; the file's other blocks are read\n",
                             step->at, step->count, step->file, file ? file->level : 0, step->bytes, step->offset);
}

enum status damage_add_of_read(struct buf *to, const struct subject *subject, const struct steps *steps,
                               enum status failed) {
    struct error error;
    const struct told_step *told = steps_failed(steps);
    engine_last_error(subject->store.engine, &error);
    const char *words = error.status != STATUS_OK ? error.text : status_text(failed);
    const bool is_told = to->size && memmem(to->data, to->size, words, strlen(words)); /* by the opening */
    enum status status =
        is_told ? buf_append_format(to, "of this read:\n") : buf_append_format(to, "damage: %s\n", words);
    const bool is_file = told && told->step.kind != ENGINE_STEP_FOLD;
    const bool is_value = told && (told->step.kind == ENGINE_STEP_VALUE || told->step.apart);
    if (status == STATUS_OK && is_file) status = add_lost(to, steps, told);
    if (status == STATUS_OK && is_file && !is_value) status = add_older(to, steps);
    return status == STATUS_OK ? buf_append_format(to, "    %s\n", subject_advice(subject)) : status;
}

enum status damage_add_closed(struct buf *to, const struct subject *subject) {
    struct error strange;
    enum status status = buf_append_format(to, "the store does not open: %s\n", subject->error.text);
    if (!subject_is_damage(subject->error.status) || status != STATUS_OK) return status;
    if (engine_explain_superblock(subject->store.io, subject->where, &strange) == STATUS_MISMATCH)
        status = buf_append_format(to, "    %s\n", strange.text);
    if (status != STATUS_OK) return status;
    return buf_append_format(to,
                             "    No get or scan can be answered. 'loam explain history' reads every table by itself\n"
                             "    %s\n",
                             subject_advice(subject));
}
