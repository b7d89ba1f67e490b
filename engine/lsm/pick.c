/* pick: see pick.h. Each tree by its policy, and what is due under all that merge. */
#include "engine/lsm/pick_parts.h"

const char *pick_reason_text(enum pick_reason reason) {
    switch (reason) {
    case PICK_SIZE: return "there is too much in the level";
    case PICK_DELETES: return "the file is mostly deletes";
    case PICK_SCANS: return "scans pass over its deletes";
    case PICK_RANGE_DELETES: return "range deletes cover whole files";
    case PICK_DROPPABLE: return "the filter drops from it";
    case PICK_VALUES: return "it refers to files of values that are mostly garbage";
    case PICK_HIDDEN: return "versions in it were kept for snapshots that are gone";
    case PICK_ALL: return "it was asked for";
    case PICK_OLD: return "it is the oldest, or too old";
    case PICK_REST: return "nobody writes, and fewer runs are read faster";
    }
    return "unknown";
}

uint64_t pick_debt(const struct version *version, const struct engine_options *options, uint64_t *level0_most) {
    uint64_t debt = 0;
    *level0_most = 0;
    for (size_t t = 0; t < version->count; t++) {
        const struct tree_files *tree = version->trees[t];
        switch (tree->kind->policy) {
        case ENGINE_POLICY_LEVELED: debt += pick_leveled_debt(tree, options); break;
        case ENGINE_POLICY_LAZY: debt += pick_runs_debt(tree, PICK_LAZY_SHARE, options); break;
        case ENGINE_POLICY_TIERED: debt += pick_runs_debt(tree, PICK_TIERED_SHARE, options); break;
        case ENGINE_POLICY_FIFO: continue;
        }
        if (tree->levels[0].count > *level0_most) *level0_most = tree->levels[0].count;
    }
    return debt;
}

uint64_t pick_rest_debt(const struct version *version) {
    uint64_t debt = 0;
    for (size_t t = 0; t < version->count; t++) {
        const struct tree_files *tree = version->trees[t];
        if (!pick_rest_is_due(tree)) continue;
        for (uint32_t i = 0; i < PICK_LAST; i++) debt += tree->levels[i].bytes;
    }
    return debt;
}

static void consider_urgent(const struct tree_files *tree, uint32_t i, const struct pick_context *context,
                            struct pick *best) {
    const struct level *level = &tree->levels[i];
    for (uint32_t f = 0; f < level->count && (best->kind == PICK_NONE || best->score < PICK_DUE); f++) {
        struct pick choice = {
            .tree = tree, .level = i, .output_level = i + 1, .from = f, .to = f + 1, .score = PICK_DUE};
        if (pick_is_urgent(level->files[f], context, &choice.reason)) pick_consider(best, &choice, context);
    }
}

static void consider_all(const struct tree_files *tree, uint32_t i, const struct pick_context *context,
                         struct pick *best) {
    if (!context->all || tree->levels[i].count == 0) return;
    struct pick choice = {.tree = tree,
                          .reason = PICK_ALL,
                          .level = i,
                          .output_level = i + 1,
                          .to = tree->levels[i].count,
                          .score = PICK_DUE};
    pick_consider(best, &choice, context);
}

/* The last level has nowhere to go: files are written anew where that frees something. */
static void consider_last(const struct tree_files *tree, const struct pick_context *context, struct pick *best) {
    const struct level *level = &tree->levels[PICK_LAST];
    for (uint32_t f = 0; f < level->count && best->kind == PICK_NONE; f++) {
        const struct file *file = level->files[f];
        const bool droppable = pick_is_droppable(file, context), stale = file_stale_bytes(file) > 0;
        const bool hidden = pick_has_hidden(file, context);
        if (!droppable && !stale && !hidden && !pick_has_spent_deletes(file, context)) continue;
        struct pick choice = {.tree = tree,
                              .reason = droppable ? PICK_DROPPABLE
                                        : stale   ? PICK_VALUES
                                        : hidden  ? PICK_HIDDEN
                                                  : PICK_DELETES,
                              .level = PICK_LAST,
                              .output_level = PICK_LAST,
                              .from = f,
                              .to = f + 1,
                              .score = PICK_DUE};
        pick_consider(best, &choice, context);
    }
}

/* Everything above the last level, at once; level by level where a damaged file forbids it. */
static void consider_whole(const struct tree_files *tree, const struct pick_context *context, struct pick *best) {
    struct pick choice = {
        .tree = tree, .reason = PICK_ALL, .output_level = PICK_LAST, .between = true, .score = UINT64_MAX};
    while (choice.level < PICK_LAST && tree->levels[choice.level].count == 0) choice.level++;
    choice.to = tree->levels[choice.level].count;
    if (context->all && choice.level < PICK_LAST) pick_consider(best, &choice, context);
}

static void consider_policy(const struct tree_files *tree, const struct pick_context *context, struct pick *best) {
    switch (tree->kind->policy) {
    case ENGINE_POLICY_LEVELED: pick_leveled(tree, context, best); break;
    case ENGINE_POLICY_LAZY: pick_runs(tree, PICK_LAZY_SHARE, context, best); break;
    case ENGINE_POLICY_TIERED: pick_runs(tree, PICK_TIERED_SHARE, context, best); break;
    case ENGINE_POLICY_FIFO: pick_fifo(tree, context, best); break;
    }
}

void pick(const struct version *version, const struct pick_context *context, struct pick *choice) {
    *choice = (struct pick){.kind = PICK_NONE};
    for (size_t t = 0; t < version->count; t++) {
        const struct tree_files *tree = version->trees[t];
        if (tree->kind->policy != ENGINE_POLICY_FIFO && context->all) consider_whole(tree, context, choice);
        consider_policy(tree, context, choice);
        if (tree->kind->policy == ENGINE_POLICY_FIFO) continue;
        for (uint32_t i = 1; i < PICK_LAST; i++) {
            consider_urgent(tree, i, context, choice);
            consider_all(tree, i, context, choice);
        }
        consider_last(tree, context, choice);
        pick_rest(tree, context, choice);
    }
}
