/*
 * compact_part: the merge of one part of a compaction, from its sources through fold to its files. Invariant: no entry
 * outside [*low, *high) goes in, and what is written of range deletes ends there, too.
 */
#include <stdlib.h>

#include "engine/lsm/compact.h"

/* ---- Sources ----------------------------------------------------------------------------------------------------- */

static void add_source(struct compaction_part *part, struct file *const *files, uint32_t count) {
    struct level_source *source = &part->sources[part->source_count];
    level_source_init(source, part->compaction->engine, files, count, SST_READ_AHEAD);
    source->is_hidden = compaction_hides;
    source->context = part->compaction;
    part->children[part->source_count++] = &source->source;
}

/* Level 0: a source for each file; other levels: one for each. */
static enum status open_sources(struct compaction_part *part) {
    const struct pick *pick = &part->compaction->pick;
    const struct level *levels = pick->tree->levels;
    const size_t most = (size_t)(pick->to - pick->from) + ENGINE_LEVELS;
    part->sources = malloc(most * sizeof *part->sources);
    part->children = malloc(2 * most * sizeof *part->children);
    if (!part->sources || !part->children) return STATUS_NO_MEMORY;
    if (pick->level > 0) {
        add_source(part, levels[pick->level].files + pick->from, pick->to - pick->from);
    } else {
        for (uint32_t i = pick->from; i < pick->to; i++) add_source(part, levels[0].files + i, 1);
    }
    for (uint32_t i = pick->level + 1; i < pick->output_level && pick->between; i++)
        if (levels[i].count > 0) add_source(part, levels[i].files, levels[i].count);
    if (pick->next_from < pick->next_to)
        add_source(part, levels[pick->output_level].files + pick->next_from, pick->next_to - pick->next_from);
    merge_source_init(&part->merge, part->children, part->children + most, part->source_count);
    part->open = true;
    return STATUS_OK;
}

/* ---- What fold asks ---------------------------------------------------------------------------------------------- */

/* No level under the output has a file over key. Keys ascend, so each level's place only moves on. */
static bool is_bottom(void *context, struct slice key) {
    struct compaction_part *part = context;
    const struct pick *pick = &part->compaction->pick;
    for (uint32_t i = pick->output_level + 1; i < ENGINE_LEVELS; i++) {
        const struct level *level = &pick->tree->levels[i];
        uint32_t *at = &part->below_at[i];
        while (*at < level->count && file_locate(level->files[*at], key) > 0) (*at)++;
        if (*at < level->count && file_locate(level->files[*at], key) == 0) return false;
    }
    return true;
}

static enum status take_entry(void *context, struct slice key, uint64_t trailer, struct slice value, bool new_key) {
    struct compaction_part *part = context;
    const uint64_t moved = part->output.values.moved_bytes;
    const enum status status = output_add(&part->output, key, trailer, value, new_key);
    part->fold.extra_bytes += (size_t)(part->output.values.moved_bytes - moved);
    return status;
}

static enum status load_value(void *context, struct slice key, struct slice reference, struct block **block,
                              struct slice *value) {
    const struct compaction_part *part = context;
    return store_load_value(part->compaction->engine, reference, key, SST_NO_FILL, block, value);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static enum status note_oldest(void *context, struct file *file, uint32_t level) {
    int64_t *oldest_ms = context;
    (void)level;
    if (file->meta.oldest_ms < *oldest_ms) *oldest_ms = file->meta.oldest_ms;
    return STATUS_OK;
}

static enum status begin_output(struct compaction_part *part) {
    struct compaction *compaction = part->compaction;
    const struct pick *choice = &compaction->pick;
    int64_t oldest_ms = INT64_MAX;
    const enum status visited = compaction_each_input(compaction, note_oldest, &oldest_ms);
    (void)visited; /* note_oldest does not fail */
    const struct output_options options = {
        .kind = choice->tree->kind,
        .instance = choice->tree->instance,
        .level = choice->output_level,
        .cause = SST_CAUSE_COMPACTION,
        .job = compaction->job,
        .mark_time_ms = compaction->mark_time_ms,
        .oldest_ms = oldest_ms,
        .file_bytes = compaction->engine->options.file_bytes,
        .grandparents =
            choice->output_level < STORE_LEVEL_LAST ? &choice->tree->levels[choice->output_level + 1] : NULL,
        .ranges = compaction->kept,
        .range_count = compaction->kept_count,
        .high = part->high,
    };
    output_init(&part->output, compaction->engine, &options);
    return part->low ? output_begin_at(&part->output, *part->low) : STATUS_OK;
}

static void begin_fold(struct compaction_part *part) {
    const struct compaction *compaction = part->compaction;
    const struct fold_options options = {
        .kind = compaction->pick.tree->kind,
        .instance = compaction->pick.tree->instance,
        .snapshots = compaction->snapshots,
        .snapshot_count = compaction->snapshot_count,
        .ranges = &compaction->ranges,
        .mark_time_ms = compaction->mark_time_ms,
        .filter = true,
        .zero_sequences = compaction->pick.output_level == STORE_LEVEL_LAST,
        .end = part->high,
        .is_bottom = is_bottom,
        .add = take_entry,
        .load = load_value,
        .context = part,
    };
    fold_init(&part->fold, &options, &part->merge.source);
}

enum status compaction_part_open(struct compaction_part *part) {
    enum status status = open_sources(part);
    if (status == STATUS_OK) status = begin_output(part);
    if (status == STATUS_OK) begin_fold(part);
    return status;
}

void compaction_part_close(struct compaction_part *part, bool installed) {
    if (part->open) source_close(&part->merge.source);
    fold_deinit(&part->fold);
    if (installed)
        output_release(&part->output);
    else
        output_abandon(&part->output);
    free(part->sources);
    free(part->children);
}

enum status compaction_part_step(struct compaction_part *part, size_t budget_bytes, bool *done) {
    if (!part->begun && part->low)
        source_seek(&part->merge.source, *part->low, ENTRY_TRAILER_FIRST);
    else if (!part->begun)
        source_seek_first(&part->merge.source);
    part->begun = true;
    const enum status status = fold_step(&part->fold, budget_bytes, done);
    return status == STATUS_OK && *done ? output_finish(&part->output) : status;
}
