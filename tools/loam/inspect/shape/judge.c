/* judge: see judge.h. A file is blamed only for what it alone can be to blame for: where its name, the manifest or the
 * superblock may be wrong, the finding says what was compared with what. */
#include "tools/loam/inspect/shape/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/look.h"
#include "engine/values/value_format.h"
#include "tools/loam/inspect/shape/judge_orphans.h"
#include "tools/loam/inspect/shape/key_words.h"

enum { FINDINGS_OF_FILE_MAX = 8 };

const char *judged_name(enum judged judged) {
    static const char *const names[] = {
        [JUDGED_NOT] = "not looked at",  [JUDGED_PRESENT] = "present", [JUDGED_SOUND] = "sound",
        [JUDGED_LEFT] = "removed since", [JUDGED_MISSING] = "missing", [JUDGED_SIZE] = "another size",
        [JUDGED_OTHER] = "another file", [JUDGED_DAMAGED] = "damaged", [JUDGED_UNREADABLE] = "unreadable",
    };
    return names[judged];
}

/* Which file it is: the store that built it, and its number there. */
struct identity {
    uint64_t store, file;
};

/* One file of the last edit. */
struct judging {
    struct judgement *judgement;
    struct shape_source *source;
    struct findings *findings;
    struct look *look;
    bool quick;
    const struct edit_file *meta;         /* of tables; NULL for a file of values */
    const struct edit_value_file *values; /* of those */
    const char *path, *name;
    unsigned told; /* findings of this file */
};

/* Values of file `number` that a table refers to. */
static uint64_t values_of(const struct edit_file *table, uint64_t number) {
    struct decoder values = decoder_make(table->values);
    struct value_count next;
    while (value_count_next(&values, &next) == STATUS_OK)
        if (next.number == number) return next.records;
    return 0;
}

static void lose_values(const struct judging *judging, struct finding *finding, const char *how) {
    const struct shape_history *history = &judging->source->history;
    const struct edit_file *first = NULL;
    uint64_t tables = 0, values = 0;
    char span[SPAN_WORDS_BYTES] = "", tree[TREE_WORDS_BYTES] = "";
    for (size_t i = 0; i < history->file_count; i++) {
        const struct edit_file *table = &history->files[i].meta;
        const uint64_t used = history->files[i].gone == HISTORY_STAYS ? values_of(table, judging->values->number) : 0;
        if (used > 0 && !first) first = table;
        tables += used > 0;
        values += used;
    }
    if (first) span_words(history, first, span);
    if (first) tree_words(history, first->instance, tree);
    finding_lose(finding,
                 "%s%" PRIu64 " values that %" PRIu64 " tables refer to, such as %010" PRIu64
                 ".sst of %s, keys %s: a read of such a key fails",
                 how, values, tables, first ? first->number : 0, tree, span);
}

static void lose_file(const struct judging *judging, struct finding *finding, const char *how) {
    char span[SPAN_WORDS_BYTES], tree[TREE_WORDS_BYTES];
    const struct edit_file *meta = judging->meta;
    if (!meta) {
        lose_values(judging, finding, how);
        return;
    }
    span_words(&judging->source->history, meta, span);
    tree_words(&judging->source->history, meta->instance, tree);
    finding_lose(finding, "%s%" PRIu64 " entries, %" PRIu64 " of them deletes, of %s, level %" PRIu32 ", keys %s", how,
                 meta->entries, meta->deletes, tree, meta->level, span);
}

static struct finding *find_in(struct judging *judging, const char *how) {
    struct finding *finding = findings_add(judging->findings, FINDING_CORRUPT, judging->name);
    if (!finding) return NULL;
    judging->told++;
    lose_file(judging, finding, how);
    finding_advise(finding, "%s", source_advice(judging->source));
    return finding;
}

/* From the readers: one line about a place of the file. */
static void take_finding(void *context, const char *path, uint64_t offset, const char *text) {
    struct judging *judging = context;
    const size_t size = strlen(path);
    if (judging->told >= FINDINGS_OF_FILE_MAX) {
        judging->findings->counts[FINDING_CORRUPT]++;
        return;
    }
    if (strncmp(text, path, size) == 0 && strncmp(text + size, ": ", 2) == 0) text += size + 2;
    struct finding *finding = find_in(judging, "at most what stands there, out of ");
    finding_tell(finding, "%s", text);
    if (offset > 0 && finding) finding_place(finding, offset);
}

/* ---- One file ---------------------------------------------------------------------------------------------------- */

static bool has_left(struct judging *judging, enum look_kind kind, uint64_t number) {
    const struct shape_source *source = judging->source;
    bool gone = false;
    if (source->rest && kind == LOOK_TABLE && look_rest_find(source->rest, number, &gone) && gone) return true;
    return source->history.damage.status == STATUS_OK && look_has_left(judging->look, kind, number);
}

/* Which table of this state it is that lies under the name. */
static const char *name_of_identity(const struct judging *judging, struct identity identity, char name[32]) {
    const struct shape_history *history = &judging->source->history;
    if (!judging->meta) { /* files of values keep their numbers */
        (void)snprintf(name, 32, "%010" PRIu64 ".val", identity.file);
        return identity.store == judging->values->store ? name : NULL;
    }
    for (size_t i = 0; i < history->file_count; i++) {
        const struct edit_file *meta = &history->files[i].meta;
        if (history->files[i].gone != HISTORY_STAYS || meta->store != identity.store ||
            edit_file_identity(meta) != identity.file)
            continue;
        (void)snprintf(name, 32, "%010" PRIu64 ".sst", meta->number);
        return name;
    }
    return NULL;
}

static enum judged judge_missing(struct judging *judging) {
    if (judging->source->history.damage.status != STATUS_OK || judging->source->is_older) {
        struct finding *finding = findings_add(judging->findings, FINDING_NOTE, judging->name);
        finding_tell(finding, "it is not there; an edit that is lost may have removed it");
        if (finding) lose_file(judging, finding, "if none has: ");
        return JUDGED_MISSING;
    }
    struct finding *finding = find_in(judging, "");
    finding_tell(finding, "it is missing, and the manifest names it");
    return JUDGED_MISSING;
}

static enum judged judge_size(struct judging *judging, uint64_t bytes, uint64_t wanted) {
    struct finding *finding = find_in(judging, "some or all of ");
    finding_tell(finding, "it has %" PRIu64 " bytes; the manifest says %" PRIu64 ": %s", bytes, wanted,
                 bytes < wanted ? "its end is gone" : "something stands behind its end");
    if (finding) finding_place(finding, bytes < wanted ? bytes : wanted);
    return JUDGED_SIZE;
}

static enum judged judge_other(struct judging *judging, struct identity found, struct identity wanted) {
    char name[32];
    const char *same = name_of_identity(judging, found, name);
    struct finding *finding = find_in(judging, "");
    finding_tell(finding,
                 "another file lies under this name: file %" PRIu64 " of store %016" PRIx64
                 "; the manifest means file %" PRIu64 " of store %016" PRIx64 "%s%s",
                 found.file, found.store, wanted.file, wanted.store, same ? ". These are the bytes of " : "",
                 same                          ? same
                 : found.store != wanted.store ? ". It was brought here from another store"
                                               : "");
    if (finding) finding_place(finding, 0);
    finding_advise(finding,
                   "if the right file lies somewhere, under another name or in another node's directory, put "
                   "it here; else %s",
                   source_advice(judging->source));
    return JUDGED_OTHER;
}

static enum judged of_status(struct judging *judging, enum status status) {
    if (status == STATUS_OK) return JUDGED_SOUND;
    if (status == STATUS_CORRUPT || status == STATUS_IO) return JUDGED_DAMAGED;
    struct finding *finding = findings_add(judging->findings, FINDING_NOTE, judging->name);
    finding_tell(finding, "it can't be judged: %s", status_text(status));
    judging->judgement->failed = true;
    return JUDGED_UNREADABLE;
}

/* Size and header; JUDGED_PRESENT: so far it is what it should be. */
static enum judged look_at_table(struct judging *judging) {
    struct io_entry entry;
    struct identity found;
    const struct edit_file *meta = judging->meta;
    const struct identity wanted = {.store = meta->store, .file = edit_file_identity(meta)};
    const enum status status = io_stat(judging->source->io, judging->path, &entry);
    if (status == STATUS_NOT_FOUND) return judge_missing(judging);
    if (status != STATUS_OK) return of_status(judging, status);
    const bool has_identity = look_identity(judging->source->io, judging->path, &found.store, &found.file) == STATUS_OK;
    if (has_identity && (found.store != wanted.store || found.file != wanted.file))
        return judge_other(judging, found, wanted);
    return entry.size == meta->bytes ? JUDGED_PRESENT : judge_size(judging, entry.size, meta->bytes);
}

static enum judged judge_table(struct judging *judging) {
    const enum judged judged = look_at_table(judging);
    if (judged != JUDGED_PRESENT || judging->quick) return judged;
    const enum status status = look_verify_table(judging->look, judging->path, judging->meta, take_finding, judging);
    judging->judgement->read_files++;
    judging->judgement->read_bytes += judging->meta->bytes;
    return of_status(judging, status);
}

static void take_cause(void *context, const struct look_table *table) {
    const char **cause = context;
    *cause = table->cause;
}

static void judge_file(struct judging *judging, uint32_t file) {
    struct judgement *judgement = judging->judgement;
    char path[IO_PATH_BYTES];
    const size_t before = judging->findings->count;
    judging->meta = &judging->source->history.files[file].meta;
    judging->told = 0;
    if (look_path(path, judging->source->dir, LOOK_TABLE, judging->meta->number) != STATUS_OK) return;
    judging->path = path;
    judging->name = path + strlen(judging->source->dir) + 1;
    judgement->files[file] = (uint8_t)judge_table(judging);
    if (judgement->files[file] == JUDGED_SOUND &&
        look_ask_table(judging->look, path, take_cause, &judgement->causes[file]) != STATUS_OK)
        judgement->causes[file] = NULL;
    if (judgement->files[file] <= JUDGED_SOUND || !has_left(judging, LOOK_TABLE, judging->meta->number)) return;
    findings_cut(judging->findings, before);
    judgement->files[file] = JUDGED_LEFT;
}

/* ---- Files of values --------------------------------------------------------------------------------------------- */

/* The identity that its header claims. */
static bool read_values_identity(struct judging *judging, struct identity *identity) {
    uint8_t header[VALUE_HEADER_BYTES];
    struct sst_identity found;
    struct io_file *file = NULL;
    size_t got = 0;
    enum status status = io_file_open(judging->source->io, judging->path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_file_read(file, 0, header, sizeof header, &got);
    io_file_close(file);
    if (status != STATUS_OK || got < sizeof header) return false;
    if (value_header_decode(slice_make(header, got), &found, NULL) != STATUS_OK) return false;
    *identity = (struct identity){found.store, found.file};
    return true;
}

static enum judged look_at_values(struct judging *judging) {
    struct io_entry entry;
    struct identity found;
    const struct edit_value_file *meta = judging->values;
    const struct identity wanted = {meta->store, meta->number};
    const enum status status = io_stat(judging->source->io, judging->path, &entry);
    if (status == STATUS_NOT_FOUND) return judge_missing(judging);
    if (status != STATUS_OK) return of_status(judging, status);
    if (read_values_identity(judging, &found) && (found.store != wanted.store || found.file != wanted.file))
        return judge_other(judging, found, wanted);
    if (entry.size != meta->bytes) return judge_size(judging, entry.size, meta->bytes);
    if (judging->quick) return JUDGED_PRESENT;
    return of_status(judging, look_verify_values(judging->look, judging->path, meta, take_finding, judging));
}

static void judge_values(struct judging *judging, const struct edit_value_file *meta) {
    char path[IO_PATH_BYTES];
    const size_t before = judging->findings->count;
    judging->meta = NULL;
    judging->values = meta;
    judging->told = 0;
    if (look_path(path, judging->source->dir, LOOK_VALUES, meta->number) != STATUS_OK) return;
    judging->path = path;
    judging->name = path + strlen(judging->source->dir) + 1;
    if (look_at_values(judging) > JUDGED_SOUND && has_left(judging, LOOK_VALUES, meta->number))
        findings_cut(judging->findings, before);
}

static int compare_numbers(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

bool judge_has_number(const struct judge_numbers *numbers, uint64_t number) {
    return numbers->count && bsearch(&number, numbers->items, numbers->count, sizeof number, compare_numbers);
}

/* Numbers of the files of values that the tables of the last edit refer to. */
static enum status list_values(const struct shape_history *history, struct judge_numbers *numbers) {
    struct value_count next;
    size_t capacity = 0;
    for (size_t i = 0; i < history->file_count; i++) {
        struct decoder values = decoder_make(history->files[i].meta.values);
        if (history->files[i].gone != HISTORY_STAYS) continue;
        while (value_count_next(&values, &next) == STATUS_OK) {
            if (numbers->count == capacity) {
                capacity = capacity ? capacity * 2 : 64;
                uint64_t *grown = realloc(numbers->items, capacity * sizeof *grown);
                if (!grown) return STATUS_NO_MEMORY;
                numbers->items = grown;
            }
            numbers->items[numbers->count++] = next.number;
        }
    }
    if (numbers->count > 1) qsort(numbers->items, numbers->count, sizeof *numbers->items, compare_numbers);
    return STATUS_OK;
}

/* ---- All --------------------------------------------------------------------------------------------------------- */

/* Tables that only edits behind the damage name: the store consists of them, too. */
static void judge_rest(struct judging *judging) {
    const struct shape_source *source = judging->source;
    char path[IO_PATH_BYTES];
    bool gone;
    for (size_t i = 0; source->rest && (judging->meta = look_rest_file(source->rest, i, &gone)) != NULL; i++) {
        if (gone || shape_history_find_file(&source->history, judging->meta->number)) continue;
        if (look_path(path, source->dir, LOOK_TABLE, judging->meta->number) != STATUS_OK) continue;
        judging->told = 0;
        judging->path = path;
        judging->name = path + strlen(source->dir) + 1;
        (void)judge_table(judging);
    }
}

static void judge_named(struct judging *judging, const struct judge_numbers *values) {
    const struct shape_history *history = &judging->source->history;
    for (size_t i = 0; i < history->file_count; i++)
        if (history->files[i].gone == HISTORY_STAYS) judge_file(judging, (uint32_t)i);
    for (size_t i = 0; i < history->value_file_count; i++)
        if (judge_has_number(values, history->value_files[i].meta.number))
            judge_values(judging, &history->value_files[i].meta);
    judge_rest(judging);
}

static enum status judge_all(struct judging *judging, struct error *error) {
    struct shape_source *source = judging->source;
    struct judge_numbers values = {.count = 0};
    bool is_compared = true;
    enum status status = list_values(&source->history, &values);
    if (status == STATUS_OK) status = judge_stores(source, &is_compared, judging->findings, error);
    if (status == STATUS_OK && is_compared) judge_named(judging, &values);
    if (status == STATUS_OK)
        status =
            judge_orphans(judging->judgement, source, is_compared, judging->look, &values, judging->findings, error);
    free(values.items);
    return status;
}

enum status judge_source(struct judgement *judgement, struct shape_source *source, bool quick,
                         struct findings *findings, struct error *error) {
    struct judging judging = {.judgement = judgement, .source = source, .findings = findings, .quick = quick};
    *judgement = (struct judgement){.files = calloc(source->history.file_count + 1, 1),
                                    .causes = calloc(source->history.file_count + 1, sizeof(const char *)),
                                    .is_quick = quick};
    if (!judgement->files || !judgement->causes) return STATUS_NO_MEMORY;
    if (!source->dir[0]) return STATUS_OK;
    enum status status = look_open(source->io, source->dir, &judging.look);
    if (status == STATUS_OK) status = judge_all(&judging, error);
    look_close(judging.look);
    return status;
}

void judgement_deinit(struct judgement *judgement) {
    free(judgement->files);
    free(judgement->causes);
    free(judgement->orphans);
    *judgement = (struct judgement){.files = NULL};
}
