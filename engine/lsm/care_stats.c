/* care_stats: what a store at rest consists of, out of its manifest alone: no table is opened. */
#include <stdlib.h>

#include "engine/lsm/care_state.h"

static void add(struct care_sums *sums, const struct edit_file *file) {
    sums->files++;
    sums->bytes += file->bytes;
    sums->entries += file->entries;
    sums->deletes += file->deletes;
    sums->operands += file->operands;
    sums->range_deletes += file->range_deletes;
    sums->expiring_files += file->droppable_ms != INT64_MAX;
}

static void sum_levels(const struct edit_file *files, size_t count, struct care_stats *stats) {
    for (size_t i = 0; i < count; i++) {
        add(&stats->all, &files[i]);
        add(&stats->levels[files[i].level], &files[i]);
    }
}

static void visit_trees(const struct recovered *recovered, const struct edit_file *files, size_t count,
                        void (*visit)(void *context, const struct care_tree_stats *tree), void *context) {
    for (size_t t = 0; t < recovered->tree_count; t++) {
        const struct edit_tree *tree = &recovered->trees[t].tree;
        struct care_tree_stats told = {.tree = tree->tree, .kind = tree->kind};
        if (recovered->trees[t].dropped) continue;
        for (size_t i = 0; i < count; i++)
            if (files[i].instance == tree->instance) add(&told.sums, &files[i]);
        visit(context, &told);
    }
}

static enum status add_size(void *context, const struct io_entry *entry) {
    if (entry->kind == IO_ENTRY_FILE) *(uint64_t *)context += entry->size;
    return STATUS_OK;
}

static enum status size_of_log(struct io *io, const char *dir, uint64_t *bytes) {
    char path[IO_PATH_BYTES];
    enum status status = care_log_dir(dir, path);
    if (status == STATUS_OK) status = io_dir_list(io, path, add_size, bytes);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* the log is an owner's */
}

enum status engine_care_stats(struct io *io, const char *dir, struct care_stats *stats,
                              void (*visit)(void *context, const struct care_tree_stats *tree), void *context,
                              struct error *error) {
    struct error unused;
    struct care_state state;
    struct edit_file *files = NULL;
    size_t count = 0;
    if (!error) error = &unused;
    *error = (struct error){.status = STATUS_OK};
    *stats = (struct care_stats){.sequence = 0};
    enum status status = care_find_store(io, dir, error);
    if (status != STATUS_OK) return status;
    status = care_state_load(&state, io, dir, error);
    if (status == STATUS_OK) status = care_state_files(&state.recovered, &files, &count);
    if (status == STATUS_OK) status = size_of_log(io, dir, &stats->log_bytes);
    if (status == STATUS_OK) {
        stats->sequence = state.recovered.last_sequence;
        stats->mark = state.recovered.mark;
        stats->format_level = state.recovered.format_level;
        sum_levels(files, count, stats);
        if (visit) visit_trees(&state.recovered, files, count, visit, context);
    } else if (error->status == STATUS_OK) {
        error_set(error, status, "%s: %s", dir, status_text(status));
    }
    free(files);
    care_state_deinit(&state);
    return status;
}
