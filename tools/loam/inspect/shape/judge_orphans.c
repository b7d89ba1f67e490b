/* judge_orphans: see judge_orphans.h. */
#include "tools/loam/inspect/shape/judge_orphans.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/loam/inspect/shape/key_words.h"

enum { ASKED_MAX = 256 }; /* tables that are opened for their own word */

struct orphans {
    struct judgement *judgement;
    struct shape_source *source;
    struct look *look;
    const struct judge_numbers *values;
    bool asks;        /* tables for their own word */
    bool is_compared; /* the manifest is the tables' own */
};

struct asking {
    const struct orphans *orphans;
    uint64_t number;
    char *what; /* FINDING_TEXT_BYTES */
};

static void take_word(void *context, const struct look_table *table) {
    const struct asking *asking = context;
    const struct shape_source *source = asking->orphans->source;
    const struct edit_file meta = {.instance = table->instance,
                                   .first = table->first,
                                   .last = table->last,
                                   .has_last = table->has_last,
                                   .last_exclusive = table->last_exclusive};
    char span[SPAN_WORDS_BYTES], tree[TREE_WORDS_BYTES];
    bool gone = false;
    span_words(&source->history, &meta, span);
    tree_words(&source->history, meta.instance, tree);
    const bool is_named = source->rest && look_rest_find(source->rest, asking->number, &gone) && !gone;
    (void)snprintf(asking->what, FINDING_TEXT_BYTES,
                   "%sbuilt as file %" PRIu64 " of store %016" PRIx64 " for %s, level %" PRIu32 ": %" PRIu64
                   " entries, keys %s, sequences %" PRIu64 " to %" PRIu64,
                   is_named ? "named by an edit behind the damage; " : "", table->file, table->store, tree,
                   table->level, table->entries, span, table->first_sequence, table->last_sequence);
}

/* What a table says of itself. */
static void ask(const struct orphans *orphans, const char *path, uint64_t number, char what[FINDING_TEXT_BYTES]) {
    struct asking asking = {orphans, number, what};
    const enum status status = look_ask_table(orphans->look, path, take_word, &asking);
    if (status != STATUS_OK) (void)snprintf(what, FINDING_TEXT_BYTES, "it can't be opened: %s", status_text(status));
}

static bool is_named(const struct orphans *orphans, enum look_kind kind, uint64_t number) {
    if (!orphans->is_compared) return false;
    if (kind == LOOK_VALUES) return judge_has_number(orphans->values, number);
    return shape_history_find_file(&orphans->source->history, number) != NULL;
}

static enum status take_entry(void *context, const struct io_entry *entry) {
    struct orphans *orphans = context;
    struct judgement *judgement = orphans->judgement;
    struct judged_orphan orphan = {.bytes = entry->size};
    char path[IO_PATH_BYTES];
    const enum look_kind kind = look_kind_of(entry->name, &orphan.number);
    if ((kind != LOOK_TABLE && kind != LOOK_VALUES) || entry->kind != IO_ENTRY_FILE) return STATUS_OK;
    enum status status = look_path(path, orphans->source->dir, kind, orphan.number);
    if (status != STATUS_OK) return status;
    if (is_named(orphans, kind, orphan.number)) return STATUS_OK;
    orphan.is_values = kind == LOOK_VALUES;
    if (orphans->asks && kind == LOOK_TABLE && judgement->orphan_count < ASKED_MAX)
        ask(orphans, path, orphan.number, orphan.what);
    if (judgement->orphan_count == judgement->orphan_capacity) {
        const size_t more = judgement->orphan_capacity ? judgement->orphan_capacity * 2 : 16;
        struct judged_orphan *grown = realloc(judgement->orphans, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        judgement->orphans = grown;
        judgement->orphan_capacity = more;
    }
    judgement->orphans[judgement->orphan_count++] = orphan;
    judgement->orphan_bytes += orphan.bytes;
    return STATUS_OK;
}

static void tell_orphans(const struct orphans *orphans, struct findings *findings) {
    const struct judgement *judgement = orphans->judgement;
    if (judgement->orphan_count == 0) return;
    struct finding *finding = findings_add(findings, FINDING_NOTE, "");
    finding_tell(finding, "%zu files of %" PRIu64 " bytes lie here that no edit which can be read names",
                 judgement->orphan_count, judgement->orphan_bytes);
    if (orphans->asks)
        finding_lose(finding, "they may be named by edits that are lost, and hold what is missing");
    else
        finding_lose(finding,
                     "nothing: they are left over by a job that was cut, or one at work is about to name them");
    finding_advise(finding, "%s",
                   orphans->asks ? "keep them until the store is repaired"
                                 : "none is needed: an opening of the store removes what is left over");
}

enum status judge_orphans(struct judgement *judgement, struct shape_source *source, bool is_compared, struct look *look,
                          const struct judge_numbers *values, struct findings *findings, struct error *error) {
    struct orphans orphans = {
        .judgement = judgement, .source = source, .look = look, .values = values, .is_compared = is_compared};
    const bool is_whole =
        is_compared && source->has_superblock && !source->is_foreign && source->history.edit_count > 0;
    orphans.asks = !is_whole || source->history.damage.status != STATUS_OK;
    const enum status status = io_dir_list(source->io, source->dir, take_entry, &orphans);
    if (status != STATUS_OK)
        return error_set(error, status, "%s: can't be listed: %s", source->dir, status_text(status));
    tell_orphans(&orphans, findings);
    return STATUS_OK;
}

/* ---- Whose are the tables? --------------------------------------------------------------------------------------- */

enum { BUILDERS_MAX = 64 };

struct counting {
    const struct shape_source *source;
    struct judge_stores stores;
    uint64_t builders[BUILDERS_MAX]; /* stores that built what the last edit names; the manifest's own among them */
    size_t builder_count;
};

static bool is_builder(const struct counting *counting, uint64_t store) {
    for (size_t i = 0; i < counting->builder_count; i++)
        if (counting->builders[i] == store) return true;
    return counting->builder_count == BUILDERS_MAX; /* too many to know */
}

/* A store made from another names tables that the other built. */
static void list_builders(struct counting *counting) {
    const struct shape_history *history = &counting->source->history;
    counting->builders[counting->builder_count++] = history->id.store;
    for (size_t i = 0; i < history->file_count; i++) {
        const uint64_t store = history->files[i].meta.store;
        if (history->files[i].gone == HISTORY_STAYS && !is_builder(counting, store))
            counting->builders[counting->builder_count++] = store;
    }
}

static enum status count_store(void *context, const struct io_entry *entry) {
    struct counting *counting = context;
    const struct shape_source *source = counting->source;
    uint64_t number = 0, store, file;
    char path[IO_PATH_BYTES];
    if (look_kind_of(entry->name, &number) != LOOK_TABLE) return STATUS_OK;
    if (look_path(path, source->dir, LOOK_TABLE, number) != STATUS_OK) return STATUS_OK;
    if (look_identity(source->io, path, &store, &file) != STATUS_OK) return STATUS_OK;
    counting->stores.tables++;
    counting->stores.of_superblock += store == source->superblock.store;
    counting->stores.of_manifest += store == source->history.id.store;
    counting->stores.named += is_builder(counting, store);
    return STATUS_OK;
}

/* Superblock and manifest are of different stores. */
static void tell_stranger(const struct shape_source *source, const struct judge_stores *stores,
                          struct findings *findings) {
    const bool is_manifest = stores->of_superblock > stores->of_manifest;
    if (stores->of_superblock == stores->of_manifest) return;
    struct finding *finding =
        findings_add(findings, FINDING_CORRUPT, is_manifest ? source->manifest_name : SUPERBLOCK_NAME);
    finding_tell(finding,
                 "it is the stranger: of %" PRIu64 " tables here %" PRIu64
                 " were built by the store of the superblock, %" PRIu64 " by that of the manifest",
                 stores->tables, stores->of_superblock, stores->of_manifest);
    if (is_manifest)
        finding_lose(finding, "what the store consists of; the tables were not compared with this manifest");
    finding_advise(finding, "%s", source_advice(source));
}

static void tell_strangers(const struct shape_source *source, const struct judge_stores *stores,
                           struct findings *findings) {
    struct finding *finding = findings_add(findings, FINDING_CORRUPT, "");
    finding_tell(finding,
                 "not one of the %" PRIu64 " tables here was built by store %016" PRIx64
                 ", of which are " SUPERBLOCK_NAME " and %s: either these two or the tables were put here",
                 stores->tables, source->history.id.store, source->manifest_name);
    finding_lose(finding, "what the store consists of; the tables were not compared with this manifest");
    finding_advise(finding, "find out which of them were put here, and put their own back; %s", source_advice(source));
}

enum status judge_stores(struct shape_source *source, bool *is_compared, struct findings *findings,
                         struct error *error) {
    struct counting counting = {.source = source};
    const struct judge_stores *stores = &counting.stores;
    *is_compared = true;
    if (source->history.edit_count == 0) return STATUS_OK;
    list_builders(&counting);
    const enum status status = io_dir_list(source->io, source->dir, count_store, &counting);
    if (status != STATUS_OK)
        return error_set(error, status, "%s: can't be listed: %s", source->dir, status_text(status));
    if (source->is_foreign) {
        *is_compared = stores->of_manifest > stores->of_superblock;
        tell_stranger(source, stores, findings);
    } else if (stores->tables > 1 && stores->named == 0) { /* a single one may well be the stranger itself */
        *is_compared = false;
        tell_strangers(source, stores, findings);
    }
    return STATUS_OK;
}
