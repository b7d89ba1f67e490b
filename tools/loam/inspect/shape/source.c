/* source: see source.h. */
#include "tools/loam/inspect/shape/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/loam/inspect/shape/source_dir.h"

/* Manifests of a directory, as their headers have it. */
struct listed {
    uint64_t number; /* by its name */
    bool is_sound;   /* the header */
    struct manifest_id id;
};

struct listing {
    const struct shape_source *source;
    struct listed *items;
    size_t count, capacity;
};

static enum status read_header(struct io *io, const char *path, struct listed *listed) {
    uint8_t page[IO_PAGE_BYTES];
    struct io_file *file = NULL;
    size_t got = 0;
    enum status status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_file_read(file, 0, page, sizeof page, &got);
    io_file_close(file);
    listed->is_sound =
        status == STATUS_OK && manifest_header_parse(slice_make(page, got), &listed->id, NULL) == STATUS_OK;
    return STATUS_OK;
}

static enum status list_manifest(void *context, const struct io_entry *entry) {
    struct listing *listing = context;
    struct listed listed = {.number = 0};
    char path[IO_PATH_BYTES];
    if (look_kind_of(entry->name, &listed.number) != LOOK_MANIFEST || entry->kind != IO_ENTRY_FILE) return STATUS_OK;
    enum status status = look_path(path, listing->source->dir, LOOK_MANIFEST, listed.number);
    if (status == STATUS_OK) status = read_header(listing->source->io, path, &listed);
    if (status != STATUS_OK) return status;
    if (listing->count == listing->capacity) {
        const size_t more = listing->capacity ? listing->capacity * 2 : 8;
        struct listed *grown = realloc(listing->items, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        listing->items = grown;
        listing->capacity = more;
    }
    listing->items[listing->count++] = listed;
    return STATUS_OK;
}

static const struct listed *find_listed(const struct listing *listing, uint64_t number) {
    for (size_t i = 0; i < listing->count; i++)
        if (listing->items[i].number == number) return &listing->items[i];
    return NULL;
}

/* Of the sound ones the newest, of the superblock's store before any other; NULL = none is sound. */
static const struct listed *newest_of(const struct shape_source *source, const struct listing *listing) {
    const struct listed *best = NULL;
    for (size_t i = 0; i < listing->count; i++) {
        const struct listed *next = &listing->items[i];
        if (!next->is_sound) continue;
        const bool is_own = source->has_superblock && next->id.store == source->superblock.store;
        const bool best_is_own = best && source->has_superblock && best->id.store == source->superblock.store;
        if (!best || is_own > best_is_own || (is_own == best_is_own && next->id.generation > best->id.generation))
            best = next;
    }
    return best;
}

/* The manifest that a damaged slot may have named, and the sound one does not. */
static const struct listed *next_of(const struct shape_source *source, const struct listing *listing) {
    for (size_t i = 0; i < listing->count; i++) {
        const struct manifest_id *id = &listing->items[i].id;
        if (listing->items[i].is_sound && id->store == source->superblock.store &&
            id->generation == source->superblock.generation + 1)
            return &listing->items[i];
    }
    return NULL;
}

/* ---- The superblock ---------------------------------------------------------------------------------------------- */

static void judge_superblock(struct shape_source *source, struct findings *findings, bool *slot_damaged) {
    struct error error = {.status = STATUS_OK};
    struct finding *finding;
    *slot_damaged = false;
    const enum status status = look_superblock(source->io, source->dir, &source->superblock, slot_damaged, &error);
    source->has_superblock = status == STATUS_OK;
    if (status == STATUS_OK && !*slot_damaged) return;
    finding = findings_add(findings, FINDING_CORRUPT, SUPERBLOCK_NAME);
    if (status == STATUS_OK) {
        finding_tell(finding,
                     "one of its two slots does not verify; the other names manifest %" PRIu64
                     " of generation %" PRIu64,
                     source->superblock.manifest, source->superblock.generation);
        finding_lose(finding, "nothing, unless the damaged slot was the newer one; then a manifest of the next "
                              "generation lies here, too");
        finding_advise(finding, "the next opening or flush of the store writes the slot anew");
        return;
    }
    finding_tell(finding, status == STATUS_NOT_FOUND ? "it is missing" : "%s", error.text);
    finding_lose(finding, "which manifest is the store's: the newest one here is shown instead");
    finding_advise(finding, "%s", source_advice(source));
}

/* ---- The manifest ------------------------------------------------------------------------------------------------ */

/* The header holds nothing that the superblock does not say, too: where it alone is damaged, edits can be read. */
static bool mend_header(const struct superblock *superblock, struct buf *bytes) {
    const struct manifest_id id = {
        .store = superblock->store, .number = superblock->manifest, .generation = superblock->generation};
    if (bytes->size < IO_PAGE_BYTES) return false;
    manifest_header_encode(&id, bytes->data);
    return true;
}

/* Where the header is damaged: told, and mended in memory if it can be. */
static void judge_header(struct shape_source *source, bool is_named, struct buf *bytes, struct findings *findings) {
    struct manifest_id id;
    struct error error = {.status = STATUS_OK};
    const enum status status = manifest_header_parse(buf_slice(bytes), &id, &error);
    if (status != STATUS_CORRUPT) return;
    struct finding *finding = findings_add(findings, FINDING_CORRUPT, source->manifest_name);
    finding_tell(finding, "%s", error.text);
    finding_place(finding, 0);
    finding_advise(finding, "%s", source_advice(source));
    if (is_named && mend_header(&source->superblock, bytes))
        finding_lose(finding, "nothing but the header: the superblock says the same, and the edits were read by it");
    else
        finding_lose(finding, "all that it says: whose manifest it is stands in the header, and every check of an "
                              "edit depends on it");
}

/* Neither is blamed: whose the tables are tells more (judge_orphans.c). */
static void tell_foreign(struct shape_source *source, const struct error *error, struct findings *findings) {
    struct finding *finding = findings_add(findings, FINDING_CORRUPT, "");
    source->is_foreign = true;
    finding_tell(finding, SUPERBLOCK_NAME " and %s do not belong together: the manifest %s", source->manifest_name,
                 error->text);
    finding_lose(finding, "they are of different stores, or of different times; what is shown is what the manifest "
                          "says");
    finding_advise(finding, "find out which of the two was put here, and put its own back; %s", source_advice(source));
}

static void tell_damage(struct shape_source *source, struct findings *findings) {
    const struct shape_history *history = &source->history;
    const uint64_t edits = look_rest_edits(source->rest);
    const uint64_t last = history->edit_count ? history->edits[history->edit_count - 1].number : 0;
    const uint64_t behind = edits > history->edit_count ? edits - history->edit_count : 0;
    struct finding *finding = findings_add(findings, FINDING_CORRUPT, source->manifest_name);
    finding_tell(finding, "%s", history->damage.text);
    finding_place(finding, history->stopped_at);
    if (history->edit_count == 0)
        finding_lose(finding,
                     "the first edit, which is the whole state; %" PRIu64 " edits behind it verify by "
                     "themselves",
                     behind);
    else if (behind > 0)
        finding_lose(finding,
                     "edit %" PRIu64 ", or more; %" PRIu64 " edits behind it, up to edit %" PRIu64
                     ", verify by themselves. What is shown ends with edit %" PRIu64,
                     last + 1, behind, look_rest_last_edit(source->rest), last);
    else
        finding_lose(finding, "what came after edit %" PRIu64 ", with which ends what is shown", last);
    finding_advise(finding, "%s", source_advice(source));
}

static void tell_torn(struct shape_source *source, struct findings *findings) {
    const struct shape_history *history = &source->history;
    struct finding *finding = findings_add(findings, FINDING_TORN, source->manifest_name);
    finding_place(finding, history->recovery.end);
    finding_tell(finding, "an edit was begun here and never acknowledged; it is left out");
    finding_lose(finding, "nothing that anybody was promised");
    finding_advise(finding, "none is needed; an owner at work looks like that for a moment, too");
}

static enum status parse(struct shape_source *source, struct slice bytes, bool is_named, struct findings *findings) {
    const struct superblock *superblock = &source->superblock;
    const struct manifest_id id = {superblock->store, superblock->manifest, superblock->generation};
    enum status status =
        shape_history_read(&source->history, bytes, is_named ? &id : NULL, is_named ? superblock->manifest_bytes : 0);
    if (status == STATUS_OK && is_named && source->history.damage.status == STATUS_MISMATCH) {
        tell_foreign(source, &source->history.damage, findings);
        shape_history_deinit(&source->history);
        status = shape_history_read(&source->history, bytes, NULL, 0);
    }
    if (status != STATUS_OK) return status;
    if (source->history.damage.status != STATUS_OK) {
        status = look_rest_read(bytes, source->history.id.store, source->history.id.number, &source->rest);
        const bool told = source->history.id.number == 0; /* by judge_header */
        if (status == STATUS_OK && !told) tell_damage(source, findings);
    } else if (source->history.recovery.torn) {
        tell_torn(source, findings);
    }
    return status;
}

static enum status read_manifest(struct shape_source *source, const char *path, bool is_named,
                                 struct findings *findings, struct error *error) {
    struct buf bytes = BUF_EMPTY;
    const char *name = strrchr(path, '/');
    (void)snprintf(source->manifest_name, sizeof source->manifest_name, "%s", name ? name + 1 : path);
    enum status status = file_read_all(source->io, path, MANIFEST_MAX_BYTES, &bytes);
    if (status == STATUS_OK) {
        judge_header(source, is_named, &bytes, findings);
        status = parse(source, buf_slice(&bytes), is_named, findings);
    }
    buf_deinit(&bytes);
    return status == STATUS_OK ? status : error_set(error, status, "%s: can't be read: %s", path, status_text(status));
}

/* ---- A directory ------------------------------------------------------------------------------------------------- */

static void tell_missing(const struct shape_source *source, const struct listed *instead, struct findings *findings) {
    char name[FINDING_NAME_BYTES];
    (void)snprintf(name, sizeof name, "%010" PRIu64 ".manifest", source->superblock.manifest);
    struct finding *finding = findings_add(findings, FINDING_CORRUPT, name);
    finding_tell(finding, "it is missing, and the superblock names it");
    if (instead)
        finding_lose(finding,
                     "what the store consists of now; shown is %010" PRIu64 ".manifest, of generation %" PRIu64,
                     instead->number, instead->id.generation);
    else
        finding_lose(finding, "what the store consists of: the tables here can only be told by their own words");
    finding_advise(finding, "%s", source_advice(source));
}

static const struct listed *choose(struct shape_source *source, const struct listing *listing, bool slot_damaged,
                                   struct findings *findings) {
    const struct listed *named = NULL, *next = NULL;
    if (source->has_superblock) named = find_listed(listing, source->superblock.manifest);
    if (source->has_superblock && slot_damaged) next = next_of(source, listing);
    if (next) return next;
    if (named) return named;
    const struct listed *newest = newest_of(source, listing);
    source->is_older = source->has_superblock;
    if (source->has_superblock) tell_missing(source, newest, findings);
    return newest;
}

/* An other than the superblock's is shown: is it of the superblock's store? */
static void judge_stranger(struct shape_source *source, const struct listed *chosen, struct findings *findings) {
    struct error error = {.status = STATUS_OK};
    if (!source->has_superblock || chosen->id.store == source->superblock.store) return;
    (void)snprintf(source->manifest_name, sizeof source->manifest_name, "%010" PRIu64 ".manifest", chosen->number);
    error_set(&error, STATUS_MISMATCH, "is of store %016" PRIx64 ", the superblock of store %016" PRIx64,
              chosen->id.store, source->superblock.store);
    tell_foreign(source, &error, findings);
}

static enum status read_dir(struct shape_source *source, struct findings *findings, struct error *error) {
    struct listing listing = {.source = source};
    char path[IO_PATH_BYTES];
    bool slot_damaged;
    judge_superblock(source, findings, &slot_damaged);
    enum status status = io_dir_list(source->io, source->dir, list_manifest, &listing);
    if (status != STATUS_OK) {
        free(listing.items);
        return error_set(error, status, "%s: can't be listed: %s", source->dir, status_text(status));
    }
    const struct listed *chosen = choose(source, &listing, slot_damaged, findings);
    if (chosen) {
        const bool is_named = source->has_superblock && chosen->number == source->superblock.manifest;
        if (!is_named) judge_stranger(source, chosen, findings);
        status = look_path(path, source->dir, LOOK_MANIFEST, chosen->number);
        if (status == STATUS_OK) status = read_manifest(source, path, is_named, findings, error);
    }
    free(listing.items);
    return status;
}

static void forget(struct shape_source *source) {
    shape_history_deinit(&source->history);
    look_rest_destroy(source->rest);
    source->rest = NULL;
    source->is_foreign = source->is_older = false;
    source->manifest_name[0] = 0;
}

/* Until it is sound, or looks the same for a while. */
static enum status read_settled(struct shape_source *source, struct findings *findings, struct error *error) {
    struct look_patience patience = {.tries = 0};
    const size_t before = findings->count;
    for (;;) {
        const enum status status = read_dir(source, findings, error);
        const bool is_fine = status == STATUS_OK && findings->count == before;
        struct error found = *error;
        if (status == STATUS_OK && !is_fine)
            error_set(&found, STATUS_CORRUPT, "%s %s", findings->items[before].file, findings->items[before].what);
        if (is_fine || !look_again(&patience, source->io, found.status, &found)) return status;
        findings_cut(findings, before);
        forget(source);
    }
}

static enum status read_lone(struct shape_source *source, const char *path, struct findings *findings,
                             struct error *error) {
    const enum status status = read_manifest(source, path, false, findings, error);
    if (status != STATUS_OK) return status;
    uint64_t number = 0;
    const bool is_named_so = look_kind_of(source->manifest_name, &number) == LOOK_MANIFEST;
    if (source->history.id.number == 0 && !is_named_so)
        return error_set(error, STATUS_INVALID, "%s: not a manifest, and not a directory", path);
    return STATUS_OK;
}

enum status source_open(struct shape_source *source, struct io *io, const char *given, struct findings *findings,
                        struct error *error) {
    struct io_entry entry;
    *source = (struct shape_source){.io = io};
    *error = (struct error){.status = STATUS_OK};
    enum status status = io_stat(io, given, &entry);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", given, status_text(status));
    if (entry.kind != IO_ENTRY_DIR) return read_lone(source, given, findings, error);
    status = source_dir_find(source, given, findings, error);
    return status == STATUS_OK ? read_settled(source, findings, error) : status;
}

void source_deinit(struct shape_source *source) {
    forget(source);
}

const char *source_advice(const struct shape_source *source) {
    if (source->is_node)
        return "start the node: it sets aside what is damaged and has it again from its peers, if there are any; a "
               "cluster "
               "of one is made anew from a backup (loam restore)";
    return source->dir[0] ? "restore a backup (loam restore), or see what 'loam repair DIR --dry-run' would keep"
                          : "the directory that it comes from tells more: loam inspect DIR --lsm";
}
