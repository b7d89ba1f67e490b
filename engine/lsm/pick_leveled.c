/* pick_leveled: see pick.h. A level over its target gives its cheapest file to the next. */
#include "engine/lsm/pick_parts.h"

void pick_targets(const struct tree_files *tree, const struct engine_options *options, struct pick_targets *targets) {
    uint64_t largest = options->level_base_bytes;
    *targets = (struct pick_targets){.base = PICK_LAST};
    for (uint32_t i = 1; i < ENGINE_LEVELS; i++)
        if (tree->levels[i].bytes > largest) largest = tree->levels[i].bytes;
    targets->bytes[PICK_LAST] = largest;
    while (targets->bytes[targets->base] > options->level_base_bytes && targets->base > 1) {
        const uint64_t bytes = targets->bytes[targets->base] / options->level_ratio;
        targets->bytes[--targets->base] = bytes;
    }
}

/* Level 0 must not jump over data: it goes to the base, or to a level above it that still holds something. */
static uint32_t level0_output(const struct tree_files *tree, const struct pick_targets *targets) {
    for (uint32_t i = 1; i < targets->base; i++)
        if (tree->levels[i].count > 0) return i;
    return targets->base;
}

uint64_t pick_leveled_debt(const struct tree_files *tree, const struct engine_options *options) {
    const struct level *level0 = &tree->levels[0];
    struct pick_targets targets;
    pick_targets(tree, options, &targets);
    uint64_t debt = level0->count >= options->level0_trigger ? level0->bytes : 0;
    for (uint32_t i = 1; i < PICK_LAST; i++)
        if (tree->levels[i].bytes > targets.bytes[i]) debt += tree->levels[i].bytes - targets.bytes[i];
    return debt;
}

/* The oldest files of level 0, as many as make a compaction of bounded size. */
static uint32_t level0_from(const struct level *level0, const struct pick_context *context) {
    uint32_t from = level0->count;
    uint64_t bytes = 0;
    while (from > 0 && (level0->count - from < context->options->level0_trigger ||
                        bytes < context->options->level_base_bytes * 2)) {
        from--;
        bytes += level0->files[from]->meta.bytes;
    }
    return from;
}

static void consider_level0(const struct tree_files *tree, const struct pick_targets *targets,
                            const struct pick_context *context, struct pick *best) {
    const struct level *level0 = &tree->levels[0];
    if (level0->count == 0) return;
    struct pick choice = {.tree = tree, .reason = PICK_SIZE, .to = level0->count};
    choice.output_level =
        context->all ? level0_output(tree, &(struct pick_targets){.base = PICK_LAST}) : level0_output(tree, targets);
    choice.score = (uint64_t)level0->count * PICK_DUE / context->options->level0_trigger;
    const uint64_t by_bytes = level0->bytes * PICK_DUE / (context->options->level_base_bytes * 2);
    if (by_bytes > choice.score) choice.score = by_bytes;
    if (choice.score < PICK_DUE && pick_level0_is_urgent(tree, context, &choice.reason)) choice.score = PICK_DUE;
    if (context->all && choice.score < PICK_DUE) {
        choice.reason = PICK_ALL;
        choice.score = PICK_DUE;
    }
    choice.from = level0_from(level0, context);
    pick_consider(best, &choice, context);
}

void pick_leveled(const struct tree_files *tree, const struct pick_context *context, struct pick *best) {
    struct pick_targets targets;
    pick_targets(tree, context->options, &targets);
    consider_level0(tree, &targets, context, best);
    for (uint32_t i = 1; i < PICK_LAST; i++) pick_cheapest(tree, i, targets.bytes[i], context, best);
}
