/*
 * care_repair: from what lies in a directory to a store that opens. Order: look at everything; decide; say the plan;
 * only then write: new tables, the log's copy, the manifest, the superblock, each durable before the next, and last of
 * all move aside what is not needed. A repair that is interrupted can be run again.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/lsm/care_cut.h"
#include "engine/lsm/care_plan.h"
#include "engine/lsm/care_state.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/format_level.h"
#include "engine/lsm/manifest.h"

#define ASIDE_NAME "set-aside"

void care_say(const struct care_plan *plan, const char *format, ...) {
    char line[1024];
    va_list arguments;
    if (!plan->options->say) return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    plan->options->say(plan->options->context, line);
}

enum status care_plan_add(struct care_plan *plan, const struct care_table_plan *table) {
    if (plan->count == plan->capacity) {
        const size_t more = plan->capacity ? plan->capacity * 2 : 64;
        struct care_table_plan *grown = realloc(plan->tables, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        plan->tables = grown;
        plan->capacity = more;
    }
    plan->tables[plan->count++] = *table;
    return STATUS_OK;
}

/* ---- Looking: manifests ------------------------------------------------------------------------------------------ */

struct listing {
    struct care_plan *plan;
    uint64_t manifests[64];
    size_t manifest_count;
    bool has_copy; /* of the log, by a repair that was cut */
};

static enum status note_entry(void *context, const struct io_entry *entry) {
    struct listing *listing = context;
    uint64_t number = 0;
    const enum file_class class = file_classify(entry->name, &number);
    if (strcmp(entry->name, FILE_NAME_LOG_DIR) == 0) listing->plan->has_log = true;
    if (strcmp(entry->name, FILE_NAME_LOG_COPY) == 0) listing->has_copy = true;
    if (class != FILE_SST && class != FILE_VALUES && class != FILE_MANIFEST) return STATUS_OK;
    if (number > listing->plan->highest) listing->plan->highest = number;
    if (class == FILE_MANIFEST && listing->manifest_count < 64) listing->manifests[listing->manifest_count++] = number;
    return STATUS_OK;
}

/* The number of the store out of whatever still says it. */
static void learn_store(struct care_plan *plan, const struct listing *listing) {
    struct superblock superblock;
    bool damaged;
    const enum status status = superblock_read(plan->io, plan->dir, &superblock, &damaged, NULL);
    if (status == STATUS_OK) {
        plan->store = superblock.store;
        plan->generation = superblock.generation;
    }
    for (size_t i = 0; i < listing->manifest_count; i++) {
        struct buf bytes = BUF_EMPTY;
        struct manifest_id id;
        const enum status read = care_read_manifest(plan, listing->manifests[i], &bytes);
        if (read == STATUS_OK && manifest_header_parse(buf_slice(&bytes), &id, NULL) == STATUS_OK) {
            if (plan->store == 0) plan->store = id.store;
            if (id.generation > plan->generation) plan->generation = id.generation;
        }
        buf_deinit(&bytes);
    }
}

/* Which level the manifest will require. One that is not all there may have lost an upgrade: then the latest, which
 * allows whatever may have been written. */
static void decide_level(struct care_plan *plan) {
    if (!plan->manifest_is_sound) plan->salvage.format_level = FORMAT_LEVEL_LATEST;
}

/* One that has lost its newest edits whole reads to an end as any other does: then the log leaps, or tables that it
 * names were merged into others. */
static enum status believe_manifest(struct care_plan *plan, struct error *told) {
    bool follows;
    struct care_cut cut = {.seems_cut = false};
    char text[ERROR_TEXT_BYTES];
    enum status status = care_log_follows(plan, &follows);
    if (status == STATUS_OK && !follows) {
        care_say(plan, "manifest: it ends at batch %" PRIu64 ", and the log does not go on from there: edits are lost",
                 plan->salvage.mark.index);
        plan->manifest_is_sound = false;
        return STATUS_OK;
    }
    if (status == STATUS_OK) status = care_cut_find(plan->io, plan->dir, &cut);
    if (status != STATUS_OK || !cut.seems_cut) return status;
    (void)care_cut_words(&cut, text);
    if (!plan->has_log)
        return error_set(told, STATUS_UNSUPPORTED,
                         "%s: manifest %" PRIu64
                         ": %s. Nothing says up to where the owner's log is in tables: make the "
                         "node anew from its peers, a cluster of one from a backup",
                         plan->dir, cut.manifest, text);
    care_say(plan, "manifest %" PRIu64 ": %s", cut.manifest, text);
    plan->manifest_is_sound = false;
    return STATUS_OK;
}

static enum status read_manifests(struct care_plan *plan, const struct listing *listing, struct error *told) {
    struct care_state state;
    struct error error = {.status = STATUS_OK};
    const enum status loaded = care_state_load(&state, plan->io, plan->dir, &error);
    plan->manifest_is_sound = loaded == STATUS_OK && !state.slot_damaged;
    care_state_deinit(&state);
    if (loaded == STATUS_VERSION)
        return error_set(told, loaded, "%s; nothing is wrong with it that is known", error.text);
    if (!plan->manifest_is_sound)
        care_say(plan, "superblock and manifest: %s",
                 error.text[0] ? error.text : "one slot of the superblock is damaged");
    learn_store(plan, listing);
    plan->values.store = plan->store;
    enum status status = STATUS_OK;
    /* The latest one says all that the ones before it said: they are numbered in order. */
    for (size_t i = listing->manifest_count; i-- > 0 && plan->salvage.edits == 0 && status == STATUS_OK;) {
        struct buf bytes = BUF_EMPTY;
        const uint64_t number = plan->manifest_is_sound ? state.superblock.manifest : listing->manifests[i];
        status = care_read_manifest(plan, number, &bytes);
        if (status == STATUS_OK) status = salvage_manifest(&plan->salvage, buf_slice(&bytes), plan->store, number);
        if (status == STATUS_OK && !plan->manifest_is_sound)
            care_say(plan, "manifest %" PRIu64 ": %" PRIu64 " edits verify%s", number, plan->salvage.edits,
                     plan->salvage.edits && !plan->salvage.whole ? ", others are lost" : "");
        if (status == STATUS_IO || status == STATUS_NOT_FOUND) status = STATUS_OK; /* says nothing */
        buf_deinit(&bytes);
    }
    if (status == STATUS_OK && plan->manifest_is_sound) status = believe_manifest(plan, told);
    if (plan->salvage.is_newer)
        return error_set(told, STATUS_VERSION, "%s: a newer version has written it: repair it with that one",
                         plan->dir);
    decide_level(plan);
    return status;
}

/* ---- Looking: tables --------------------------------------------------------------------------------------------- */

static void tell_damage(void *context, const char *path, uint64_t offset, const char *text) {
    const struct care_plan *plan = context;
    if (strncmp(text, path, strlen(path)) == 0)
        care_say(plan, "not sound: %s", text);
    else
        care_say(plan, "not sound: %s: offset %" PRIu64 ": %s", path, offset, text);
}

enum status care_keep_keys(struct care_plan *plan, struct edit_file *meta) {
    struct slice *const keys[] = {&meta->first, &meta->last};
    for (size_t i = 0; i < 2; i++) {
        if (keys[i]->size == 0) continue;
        keys[i]->data = arena_copy(&plan->salvage.arena, keys[i]->data, keys[i]->size);
        if (!keys[i]->data) return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

/* What a table that no edit names says of itself. */
static enum status ask_table(struct care_plan *plan, const char *path, uint64_t number, struct care_table_plan *table) {
    struct sst_identity identity;
    struct sst *sst = NULL;
    enum status status = sst_read_identity(plan->io, path, &identity, NULL);
    if (status == STATUS_OK) status = sst_open(&plan->environment, path, identity, number, &sst, NULL);
    if (status != STATUS_OK) return status;
    const struct sst_properties *properties = sst_properties(sst);
    table_row_from(&table->meta, properties, number, identity.store);
    if (identity.file != number) table->meta.built_as = identity.file;
    care_keep_building(properties, table);
    if (properties->origin.cause == SST_CAUSE_OUTSIDE) {
        table->fate = TABLE_OBSOLETE;
        table->why = "it was ingested, and the edit that gave it its sequence is lost: ingest it again";
    }
    status = care_keep_keys(plan, &table->meta);
    if (plan->store == 0) plan->store = identity.store;
    sst_close(sst);
    return status;
}

static bool is_dropped(const struct care_plan *plan, uint32_t instance) {
    const struct salvaged_tree *tree = salvage_tree(&plan->salvage, instance);
    return tree && tree->dropped;
}

/* Whose checks its units are seeded with: its header says it, else its name. */
static void guess_identity(const struct care_plan *plan, const char *path, struct edit_file *meta) {
    struct sst_identity identity;
    meta->store = plan->store;
    if (sst_read_identity(plan->io, path, &identity, NULL) != STATUS_OK) return;
    meta->store = identity.store;
    if (identity.file != meta->number) meta->built_as = identity.file;
}

static enum status judge_table(struct care_plan *plan, const struct salvaged_file *salvaged, uint64_t number,
                               const char *path) {
    struct care_table_plan table = {.fate = TABLE_KEPT, .meta = {.number = number}};
    const struct care_table look = {.environment = &plan->environment,
                                    .sink = &plan->sink,
                                    .path = path,
                                    .meta = salvaged ? &salvaged->meta : NULL};
    const bool gone = salvaged && (salvaged->gone || is_dropped(plan, salvaged->meta.instance));
    if (gone || (!salvaged && plan->manifest_is_sound)) {
        table.fate = TABLE_OBSOLETE;
        table.why = gone ? "an edit removed it" : "no edit names it";
        return care_plan_add(plan, &table);
    }
    enum status status = care_table_verify(&look, NULL);
    if (status == STATUS_IO && !plan->options->unreadable_as_lost) return care_refused(plan, path);
    if (status == STATUS_CORRUPT || status == STATUS_IO) {
        plan->any_damaged = true;
        table.fate = TABLE_DAMAGED;
        table.why = "it is damaged";
        if (salvaged)
            table.meta = salvaged->meta;
        else
            guess_identity(plan, path, &table.meta);
        status = care_blocks_judge(plan, salvaged != NULL, &table);
        if (table.fate == TABLE_KEPT && is_dropped(plan, table.meta.instance)) table.fate = TABLE_DAMAGED;
        return status == STATUS_OK ? care_plan_add(plan, &table) : status;
    }
    if (status == STATUS_OK) status = ask_table(plan, path, number, &table);
    if (status == STATUS_OK && salvaged) {
        table.meta = salvaged->meta;
        table.known = true;
        table.fate = TABLE_KEPT;
        table.why = NULL;
    } else if (status == STATUS_OK && is_dropped(plan, table.meta.instance)) {
        table.fate = TABLE_OBSOLETE;
        table.why = "its tree was dropped";
    }
    if (status == STATUS_OK && table.fate == TABLE_KEPT) status = care_judge_values(plan, path, &table);
    return status == STATUS_OK ? care_plan_add(plan, &table) : status;
}

static enum status look_at_table(void *context, const struct io_entry *entry) {
    struct care_plan *plan = context;
    char path[IO_PATH_BYTES];
    uint64_t number = 0;
    if (file_classify(entry->name, &number) != FILE_SST) return STATUS_OK;
    const enum status status = file_path(path, plan->dir, FILE_SST, number);
    return status == STATUS_OK ? judge_table(plan, salvage_file(&plan->salvage, number), number, path) : status;
}

/* Tables that an edit names and the directory has not. */
static uint64_t count_missing(const struct care_plan *plan) {
    uint64_t missing = 0;
    for (size_t i = 0; i < plan->salvage.file_count; i++) {
        const struct salvaged_file *file = &plan->salvage.files[i];
        const struct salvaged_tree *tree = salvage_tree(&plan->salvage, file->meta.instance);
        bool there = file->gone || (tree && tree->dropped);
        for (size_t t = 0; t < plan->count && !there; t++) there = plan->tables[t].meta.number == file->meta.number;
        if (there) continue;
        missing++;
        care_say(plan, "missing: table %" PRIu64 ", which an edit names: what it held is lost%s", file->meta.number,
                 plan->manifest_is_sound ? "" : ", unless an edit that is lost took it out");
    }
    return missing;
}

/* ---- Trees ------------------------------------------------------------------------------------------------------- */

/* A tree that no edit names: tables know its kind and instance, its number is the kind's unless that is taken. */
static enum status add_guessed_trees(struct care_plan *plan) {
    for (size_t i = 0; i < plan->count; i++) {
        const struct care_table_plan *table = &plan->tables[i];
        if (table->fate != TABLE_KEPT || salvage_tree(&plan->salvage, table->meta.instance)) continue;
        struct salvaged_tree tree = {.guessed = true, .tree = {.instance = table->meta.instance, .kind = table->kind}};
        tree.tree.tree = tree.tree.kind;
        for (size_t t = 0; t < plan->salvage.tree_count; t++)
            if (!plan->salvage.trees[t].dropped && plan->salvage.trees[t].tree.tree == tree.tree.tree)
                tree.tree.tree = UINT32_MAX - tree.tree.instance;
        care_say(plan, "tree %" PRIu32 ": a guess: no edit says which number the tree of kind %" PRIu32 " had",
                 tree.tree.tree, tree.tree.kind);
        const enum status status = salvage_add_tree(&plan->salvage, &tree);
        if (status != STATUS_OK) return status;
        if (tree.tree.instance >= plan->salvage.next_instance) plan->salvage.next_instance = tree.tree.instance + 1;
    }
    return STATUS_OK;
}

/* ---- The manifest that is written -------------------------------------------------------------------------------- */

static int compare_tables(const void *left, const void *right) {
    const struct edit_file *a = &((const struct care_table_plan *)left)->meta;
    const struct edit_file *b = &((const struct care_table_plan *)right)->meta;
    if (a->instance != b->instance) return a->instance < b->instance ? -1 : 1;
    if (a->level != b->level) return a->level < b->level ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static void say_plan(const struct care_plan *plan) {
    char first[CARE_KEY_TEXT_BYTES], last[CARE_KEY_TEXT_BYTES];
    const struct salvage *salvage = &plan->salvage;
    care_say(plan,
             "the manifest: store %016" PRIx64 ", everything up to batch %" PRIu64 " (sequence %" PRIu64 ") in tables",
             plan->store, salvage->mark.index, salvage->last_sequence);
    care_say(plan, "  format level %" PRIu32, salvage->format_level);
    for (size_t t = 0; t < salvage->tree_count; t++)
        if (!salvage->trees[t].dropped)
            care_say(plan, "  tree %" PRIu32 ", kind %" PRIu32 ", instance %" PRIu32, salvage->trees[t].tree.tree,
                     salvage->trees[t].tree.kind, salvage->trees[t].tree.instance);
    for (size_t i = 0; i < plan->count; i++) {
        const struct care_table_plan *table = &plan->tables[i];
        const struct edit_file *meta = &table->meta;
        if (table->fate != TABLE_KEPT) continue;
        care_say(plan,
                 "  table %" PRIu64 "%s: instance %" PRIu32 ", %s %" PRIu32 ", %" PRIu64 " bytes, %" PRIu64
                 " entries, keys from \"%s\" up to %s%s%s",
                 meta->number, table->from_blocks ? "'s sound blocks" : "", meta->instance,
                 meta->level == CARE_LEVEL_MERGE ? "to be merged into level" : "level",
                 meta->level == CARE_LEVEL_MERGE ? ENGINE_LEVELS - 1 : meta->level, meta->bytes, meta->entries,
                 care_key_text(meta->first, first), meta->has_last ? "\"" : "",
                 meta->has_last ? care_key_text(meta->last, last) : "the end", meta->has_last ? "\"" : "");
        if (table->rewrite)
            care_say(plan,
                     "    made anew: %" PRIu64 " of its values are lost and become deletes; others of damaged files "
                     "come back to their keys",
                     table->lost_values);
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct care_table_plan *table = &plan->tables[i];
        if (table->fate == TABLE_KEPT && table->from_blocks)
            care_say(plan, "set aside: table %" PRIu64 ": it is damaged; a new one takes its place",
                     table->meta.number);
        if (table->fate == TABLE_KEPT) continue;
        care_say(plan, "set aside: table %" PRIu64 ": %s", table->meta.number, table->why);
        if (table->fate == TABLE_DAMAGED && table->meta.first.size)
            care_say(plan,
                     "  lost with it: keys from \"%s\" up to %s%s%s of instance %" PRIu32
                     "; older versions of them may be seen",
                     care_key_text(table->meta.first, first), table->meta.has_last ? "\"" : "",
                     table->meta.has_last ? care_key_text(table->meta.last, last) : "the end",
                     table->meta.has_last ? "\"" : "", table->meta.instance);
    }
    if (plan->has_log)
        care_say(plan, "the log: %" PRIu64 " records%s", plan->log_records,
                 plan->log_is_damaged ? " are kept; the old log is set aside" : "");
}

static enum status fill_edit(struct care_plan *plan, struct edit *edit) {
    const struct salvage *salvage = &plan->salvage;
    enum status status = STATUS_OK;
    edit->number = salvage->last_edit + 1;
    edit->format_level = salvage->format_level;
    edit->has_mark = true;
    edit->mark = salvage->mark;
    edit->last_sequence = salvage->last_sequence;
    edit->time_ms = salvage->mark.time_ms;
    edit->next_instance = salvage->next_instance;
    for (size_t i = 0; i < salvage->kind_count && status == STATUS_OK; i++)
        status = edit_add_kind(edit, &salvage->kinds[i]);
    for (size_t i = 0; i < salvage->tree_count && status == STATUS_OK; i++)
        if (!salvage->trees[i].dropped) status = edit_create_tree(edit, &salvage->trees[i].tree);
    if (status == STATUS_OK) status = care_list_values(plan, edit);
    for (size_t i = 0; i < plan->count && status == STATUS_OK; i++)
        if (plan->tables[i].fate == TABLE_KEPT) status = edit_add_file(edit, &plan->tables[i].meta);
    return status;
}

static enum status write_manifest(struct care_plan *plan) {
    struct superblock superblock = {.store = plan->store, .generation = plan->generation + 1};
    struct manifest *manifest = NULL;
    struct edit edit;
    edit_init(&edit, EDIT_SNAPSHOT);
    superblock.manifest = plan->salvage.next_file++;
    const struct manifest_id id = {superblock.store, superblock.manifest, superblock.generation};
    enum status status = fill_edit(plan, &edit);
    edit.next_file = plan->salvage.next_file;
    if (status == STATUS_OK) status = manifest_create(plan->io, plan->dir, &id, &edit, &manifest);
    if (status == STATUS_OK) superblock.manifest_bytes = manifest_bytes(manifest);
    manifest_close(manifest);
    if (status == STATUS_OK) status = io_dir_sync(plan->io, plan->dir);
    if (status == STATUS_OK) status = superblock_create(plan->io, plan->dir, &superblock);
    edit_deinit(&edit);
    return status;
}

/* ---- Setting aside ----------------------------------------------------------------------------------------------- */

static enum status set_aside(const struct care_plan *plan, const char *aside, enum file_class class, uint64_t number) {
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    struct io_entry entry;
    enum status status = file_path(from, plan->dir, class, number);
    if (status == STATUS_OK) status = file_path(to, aside, class, number);
    if (status == STATUS_OK && io_stat(plan->io, to, &entry) == STATUS_OK) return io_remove(plan->io, from);
    if (status == STATUS_OK) status = io_rename(plan->io, from, to);
    return status;
}

/* Before the new manifest counts, what it does not name has its second name: else an open, after a cut, would remove
 * it. Where there are no links it is moved later. */
static enum status link_aside(const struct care_plan *plan, const char *aside) {
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    for (size_t i = 0; i < plan->count; i++) {
        const uint64_t number = plan->tables[i].meta.number;
        if (plan->tables[i].fate == TABLE_KEPT) continue;
        if (file_path(from, plan->dir, FILE_SST, number) != STATUS_OK ||
            file_path(to, aside, FILE_SST, number) != STATUS_OK || io_link(plan->io, from, to) != STATUS_OK)
            break;
    }
    return io_dir_sync(plan->io, aside);
}

static enum status set_all_aside(struct care_plan *plan, const char *aside, const struct listing *listing,
                                 struct care_repair_report *report) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < plan->count && status == STATUS_OK; i++) {
        if (plan->tables[i].fate == TABLE_KEPT) {
            report->kept++;
            continue;
        }
        status = set_aside(plan, aside, FILE_SST, plan->tables[i].meta.number);
        report->set_aside++;
    }
    if (status == STATUS_OK) status = care_set_values_aside(plan, aside, &report->set_aside);
    for (size_t i = 0; i < listing->manifest_count && status == STATUS_OK; i++)
        status = set_aside(plan, aside, FILE_MANIFEST, listing->manifests[i]);
    if (status == STATUS_OK) status = io_dir_sync(plan->io, aside);
    return status == STATUS_OK ? io_dir_sync(plan->io, plan->dir) : status;
}

static enum status make_aside(const struct care_plan *plan, char path[IO_PATH_BYTES]) {
    if (snprintf(path, IO_PATH_BYTES, "%s/" ASIDE_NAME, plan->dir) >= IO_PATH_BYTES) return STATUS_TOO_LARGE;
    struct io_entry entry;
    for (unsigned i = 1; io_stat(plan->io, path, &entry) == STATUS_OK; i++) /* of an earlier repair */
        if (snprintf(path, IO_PATH_BYTES, "%s/" ASIDE_NAME ".%u", plan->dir, i) >= IO_PATH_BYTES)
            return STATUS_TOO_LARGE;
    return io_dir_make(plan->io, path);
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static enum status look_at_files(struct care_plan *plan, struct listing *listing, struct error *error) {
    char path[IO_PATH_BYTES];
    enum status status = care_log_path(plan, path);
    if (status == STATUS_OK) status = care_probe_device(plan, plan->has_log ? path : NULL);
    if (status == STATUS_OK) status = read_manifests(plan, listing, error);
    if (status == STATUS_OK) status = io_dir_list(plan->io, plan->dir, look_at_table, plan);
    if (status == STATUS_OK && plan->values.refused > 0) {
        status = file_path(path, plan->dir, FILE_VALUES, plan->values.refused);
        if (status == STATUS_OK) status = care_refused(plan, path);
    }
    return care_judge_device(plan, status, error);
}

static enum status look(struct care_plan *plan, struct listing *listing, struct error *error) {
    enum status status = io_dir_list(plan->io, plan->dir, note_entry, listing);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", plan->dir, status_text(status));
    plan->log_is_copy = listing->has_copy && !plan->has_log;
    plan->has_log = plan->has_log || plan->log_is_copy;
    status = look_at_files(plan, listing, error);
    if (status == STATUS_OK) status = add_guessed_trees(plan);
    if (plan->salvage.next_file <= plan->highest) plan->salvage.next_file = plan->highest + 1;
    if (status == STATUS_OK && plan->has_log) status = care_read_log(plan, error);
    if (status == STATUS_OK && !plan->salvage.has_mark)
        return error_set(
            error, STATUS_UNSUPPORTED,
            "%s: no manifest says up to where the owner's log is in tables: make the node anew from its peers",
            plan->dir);
    if (status == STATUS_OK && !plan->has_log && !plan->manifest_is_sound && plan->salvage.mark_may_be_old)
        return error_set(
            error, STATUS_UNSUPPORTED,
            "%s: an edit is lost that may have said up to where the owner's log is in tables: make the node "
            "anew from its peers, a cluster of one from a backup",
            plan->dir);
    return status;
}

static enum status carry_out(struct care_plan *plan, const struct listing *listing, struct care_repair_report *report,
                             struct error *error) {
    char aside[IO_PATH_BYTES];
    enum status status = make_aside(plan, aside);
    if (status == STATUS_OK) status = care_blocks_make(plan);
    if (status == STATUS_OK) status = care_merge(plan, error);
    if (status == STATUS_OK) status = io_dir_sync(plan->io, plan->dir);
    if (status == STATUS_OK && (plan->log_is_damaged || plan->log_is_copy))
        status = care_rewrite_log(plan, aside, error);
    if (status == STATUS_OK && plan->count > 0) qsort(plan->tables, plan->count, sizeof *plan->tables, compare_tables);
    if (plan->lost_found)
        care_say(plan, "%" PRIu64 " of the values named as lost stood in another table, too, and are there",
                 plan->lost_found);
    if (status == STATUS_OK) status = care_link_values_aside(plan, aside);
    if (status == STATUS_OK) status = link_aside(plan, aside);
    if (status == STATUS_OK) status = write_manifest(plan);
    if (status == STATUS_OK) status = set_all_aside(plan, aside, listing, report);
    return status;
}

static enum status repair(struct care_plan *plan, struct care_repair_report *report, struct error *error) {
    struct listing listing = {.plan = plan};
    bool merges = false;
    enum status status = look(plan, &listing, error);
    if (status != STATUS_OK) return status;
    const uint64_t missing = count_missing(plan);
    report->needed = !plan->manifest_is_sound || plan->log_is_damaged || missing > 0 || plan->any_damaged ||
                     plan->log_is_copy || plan->values_differ;
    report->log_records = plan->log_records;
    report->log_was_cut = plan->log_is_damaged;
    if (!report->needed) return STATUS_OK;
    status = care_place(plan, &merges);
    if (status != STATUS_OK) return status;
    if (plan->count > 1) qsort(plan->tables, plan->count, sizeof *plan->tables, compare_tables);
    say_plan(plan);
    if (plan->options->dry_run) return STATUS_OK;
    return carry_out(plan, &listing, report, error);
}

static const struct edit_value_file *known_values(void *context, uint64_t number) {
    const struct care_plan *plan = context;
    return salvage_value_file(&plan->salvage, number);
}

enum status engine_care_repair(struct io *io, const char *dir, const struct care_repair_options *options,
                               struct care_repair_report *report, struct error *error) {
    struct error unused;
    struct io_lock *lock = NULL;
    if (!error) error = &unused;
    *error = (struct error){.status = STATUS_OK};
    *report = (struct care_repair_report){.kept = 0};
    struct care_plan plan = {.io = io, .dir = dir, .options = options};
    enum status status = care_find_store(io, dir, error);
    if (status == STATUS_OK)
        status = options->dry_run ? io_dir_lock_look(io, dir, error) : io_dir_lock(io, dir, &lock, error);
    if (status != STATUS_OK)
        return error->status == STATUS_OK ? error_set(error, status, "%s: %s", dir, status_text(status)) : status;
    plan.environment = (struct sst_environment){.io = io, .codec = codec_create()};
    plan.sink = (struct care_sink){tell_damage, &plan};
    plan.values = (struct care_values){
        .environment = &plan.environment, .dir = dir, .sink = &plan.sink, .known = known_values, .context = &plan};
    salvage_init(&plan.salvage);
    status = plan.environment.codec ? repair(&plan, report, error) : STATUS_NO_MEMORY;
    if (status != STATUS_OK && error->status == STATUS_OK) error_set(error, status, "%s: %s", dir, status_text(status));
    care_values_deinit(&plan.values);
    salvage_deinit(&plan.salvage);
    codec_destroy(plan.environment.codec);
    free(plan.tables);
    io_unlock(lock);
    return status;
}
