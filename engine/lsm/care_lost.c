/*
 * care_lost: values kept apart, in a repair. A table stays as it is while all that it refers to lies in sound files of
 * values; else it is made anew (care_merge.c): what can be read of a damaged file comes back to its keys, what can't is
 * named here, key by key, and becomes a delete, so that no older version shows. Files of values that no table needs any
 * more are set aside.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/care_plan.h"
#include "engine/lsm/file_names.h"

struct naming {
    const struct care_plan *plan;
    const struct edit_file *meta;
};

static void say_lost(void *context, struct slice key, uint64_t trailer, struct slice reference, const char *why) {
    const struct naming *naming = context;
    char text[CARE_KEY_TEXT_BYTES];
    struct value_reference place = {.file = 0};
    if (value_reference_decode(reference, &place) != STATUS_OK) place.file = 0;
    care_say(naming->plan,
             "lost: the value of key \"%s\" (instance %" PRIu32 ", sequence %" PRIu64 ", table %" PRIu64
             ", file of values %" PRIu64 ", offset %" PRIu64 "): %s",
             care_key_text(key, text), naming->meta->instance, entry_sequence(trailer), naming->meta->number,
             place.file, place.offset, why);
}

static enum status keep_counts(struct care_plan *plan, const struct care_references *references, struct slice *counts) {
    struct buf bytes = BUF_EMPTY;
    enum status status = care_references_encode(references, &bytes);
    *counts = slice_make(NULL, 0);
    if (status == STATUS_OK && bytes.size > 0) {
        counts->data = arena_copy(&plan->salvage.arena, bytes.data, bytes.size);
        counts->size = bytes.size;
        if (!counts->data) status = STATUS_NO_MEMORY;
    }
    buf_deinit(&bytes);
    return status;
}

static enum status judge(struct care_plan *plan, struct care_table_plan *table, struct sst *sst) {
    struct naming naming = {plan, &table->meta};
    struct care_references references = {.lost = say_lost, .context = &naming};
    struct slice counts;
    enum status status = care_references_walk(&references, &plan->values, sst);
    if (status == STATUS_OK) status = keep_counts(plan, &references, &counts);
    if (status == STATUS_OK) {
        table->rewrite = references.needs_damaged || references.lost_count > 0;
        table->lost_values = references.lost_count;
        plan->values_differ = plan->values_differ || table->rewrite || !slice_equal(counts, table->meta.values);
        table->meta.values = counts;
    }
    care_references_deinit(&references);
    return status;
}

enum status care_judge_values(struct care_plan *plan, const char *path, struct care_table_plan *table) {
    const struct sst_identity identity = {table->meta.store, edit_file_identity(&table->meta)};
    struct sst *sst = NULL;
    if (table->meta.sequence) return STATUS_OK; /* it came from outside: it refers to nothing */
    enum status status = sst_open(&plan->environment, path, identity, table->meta.number, &sst, NULL);
    if (status == STATUS_OK) status = judge(plan, table, sst);
    sst_close(sst);
    return status;
}

/* ---- Which files stay -------------------------------------------------------------------------------------------- */

static enum status note_used(struct care_plan *plan, const struct edit_file *meta) {
    struct decoder decoder = decoder_make(meta->values);
    struct value_count count;
    enum status status;
    while ((status = value_count_next(&decoder, &count)) == STATUS_OK) {
        struct care_value_file *file = care_values_find(&plan->values, count.number);
        if (!file || !file->is_sound) return STATUS_CORRUPT; /* nothing that stays refers to such a one */
        file->is_used = true;
        file->meta.instance = meta->instance;
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status note_all_used(struct care_plan *plan) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < plan->count && status == STATUS_OK; i++)
        if (plan->tables[i].fate == TABLE_KEPT) status = note_used(plan, &plan->tables[i].meta);
    return status;
}

enum status care_list_values(struct care_plan *plan, struct edit *edit) {
    enum status status = note_all_used(plan);
    for (size_t i = 0; i < plan->values.count && status == STATUS_OK; i++)
        if (plan->values.files[i].is_used) status = edit_add_value_file(edit, &plan->values.files[i].meta);
    return status;
}

/* ---- Setting aside ----------------------------------------------------------------------------------------------- */

struct unused {
    const struct care_plan *plan;
    uint64_t *numbers;
    size_t count, capacity;
};

static enum status note_unused(void *context, const struct io_entry *entry) {
    struct unused *unused = context;
    uint64_t number = 0;
    if (file_classify(entry->name, &number) != FILE_VALUES) return STATUS_OK;
    const struct care_value_file *file = care_values_find(&unused->plan->values, number);
    if (file && file->is_used) return STATUS_OK;
    if (unused->count == unused->capacity) {
        const size_t more = unused->capacity ? unused->capacity * 2 : 16;
        uint64_t *grown = realloc(unused->numbers, more * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        unused->numbers = grown;
        unused->capacity = more;
    }
    unused->numbers[unused->count++] = number;
    return STATUS_OK;
}

static enum status list_unused(struct care_plan *plan, struct unused *unused) {
    *unused = (struct unused){.plan = plan};
    return io_dir_list(plan->io, plan->dir, note_unused, unused);
}

/* Where a file stands and where it goes. */
static enum status aside_paths(const struct care_plan *plan, const char *aside, uint64_t number,
                               char from[IO_PATH_BYTES], char to[IO_PATH_BYTES]) {
    const enum status status = file_path(from, plan->dir, FILE_VALUES, number);
    return status == STATUS_OK ? file_path(to, aside, FILE_VALUES, number) : status;
}

enum status care_link_values_aside(struct care_plan *plan, const char *aside) {
    struct unused unused = {.plan = plan};
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    enum status status = note_all_used(plan);
    if (status == STATUS_OK) status = list_unused(plan, &unused);
    for (size_t i = 0; i < unused.count && status == STATUS_OK; i++) {
        status = aside_paths(plan, aside, unused.numbers[i], from, to);
        if (status == STATUS_OK && io_link(plan->io, from, to) != STATUS_OK) break; /* no links here: it moves later */
    }
    free(unused.numbers);
    return status;
}

enum status care_set_values_aside(struct care_plan *plan, const char *aside, uint64_t *count) {
    struct unused unused;
    struct io_entry entry;
    char from[IO_PATH_BYTES], to[IO_PATH_BYTES];
    enum status status = list_unused(plan, &unused);
    for (size_t i = 0; i < unused.count && status == STATUS_OK; i++) {
        status = aside_paths(plan, aside, unused.numbers[i], from, to);
        if (status != STATUS_OK) break;
        const bool is_there = io_stat(plan->io, to, &entry) == STATUS_OK;
        status = is_there ? io_remove(plan->io, from) : io_rename(plan->io, from, to);
    }
    *count += unused.count;
    free(unused.numbers);
    return status;
}
