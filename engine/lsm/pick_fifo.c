/*
 * pick_fifo: see pick.h. The oldest files go, whole, when the tree has more bytes than its kind allows or when all they
 * hold is older than it allows. What a snapshot sees stays as long as that.
 */
#include "engine/lsm/pick_parts.h"

static uint64_t tree_bytes(const struct tree_files *tree) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < ENGINE_LEVELS; i++)
        for (uint32_t f = 0; f < tree->levels[i].count; f++) bytes += file_whole_bytes(tree->levels[i].files[f]);
    return bytes;
}

static bool must_go(const struct tree_files *tree, const struct file *file, uint64_t bytes,
                    const struct pick_context *context) {
    const struct engine_tree_kind *kind = tree->kind;
    if (file->meta.first_sequence <= context->newest_snapshot) return false;
    if (context->oldest_transaction != 0 && file->meta.last_sequence > context->oldest_transaction) return false;
    if (kind->fifo_bytes > 0 && bytes > kind->fifo_bytes) return true;
    return kind->fifo_age_ms > 0 && file->meta.created_ms <= context->mark_time_ms - kind->fifo_age_ms;
}

/* The file of a level below 0 that another policy left there, and whose data is oldest. */
static uint32_t oldest_of(const struct level *level) {
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < level->count; i++)
        if (level->files[i]->meta.last_sequence < level->files[oldest]->meta.last_sequence) oldest = i;
    return oldest;
}

void pick_fifo(const struct tree_files *tree, const struct pick_context *context, struct pick *best) {
    struct pick choice = {.kind = PICK_DROP, .reason = PICK_OLD, .tree = tree, .level = PICK_LAST, .score = PICK_DUE};
    uint64_t bytes = tree_bytes(tree);
    if (best->kind != PICK_NONE && best->score >= choice.score) return;
    while (choice.level > 0 && tree->levels[choice.level].count == 0) choice.level--;
    const struct level *level = &tree->levels[choice.level];
    choice.output_level = choice.level;
    if (choice.level > 0) {
        choice.from = oldest_of(level);
        choice.to = choice.from + 1;
        if (must_go(tree, level->files[choice.from], bytes, context)) *best = choice;
        return;
    }
    choice.from = choice.to = level->count;
    while (choice.from > 0 && must_go(tree, level->files[choice.from - 1], bytes, context))
        bytes -= file_whole_bytes(level->files[--choice.from]);
    if (choice.from < choice.to) *best = choice;
}
