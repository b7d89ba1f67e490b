/*
 * pick_runs: see pick.h. A small tree is merged as a whole: level 0 and the runs between go to the last level at once,
 * nothing is written twice. A large one gathers runs, and the lowest of them goes to the last level file by file, so
 * that no compaction is ever longer than a few runs.
 */
#include "engine/lsm/pick_parts.h"

/* Bytes of the levels between the first and the last. */
static uint64_t between_bytes(const struct tree_files *tree) {
    uint64_t bytes = 0;
    for (uint32_t i = 1; i < PICK_LAST; i++) bytes += tree->levels[i].bytes;
    return bytes;
}

static bool is_small(const struct tree_files *tree, const struct engine_options *options) {
    return tree->levels[0].bytes + between_bytes(tree) + tree->levels[PICK_LAST].bytes <=
           options->level_base_bytes * PICK_WHOLE_FACTOR;
}

/* What may lie between the first and the last level. */
static uint64_t between_target(const struct tree_files *tree, uint64_t share, const struct engine_options *options) {
    const uint64_t target = tree->levels[PICK_LAST].bytes / share;
    return target > options->level_base_bytes ? target : options->level_base_bytes;
}

/* Each file of level 0 is one more run for readers, and one less time that what lies below is written again. */
static uint64_t level0_limit(const struct engine_options *options) {
    return (uint64_t)options->level0_trigger * PICK_RUNS_LEVEL0;
}

uint64_t pick_runs_debt(const struct tree_files *tree, uint64_t share, const struct engine_options *options) {
    const uint64_t between = between_bytes(tree), target = between_target(tree, share, options);
    uint64_t debt = tree->levels[0].count >= level0_limit(options) ? tree->levels[0].bytes : 0;
    if (between > target) debt += between - target;
    return debt;
}

/* No file of a level below 0 shares a key with the span of level 0. */
static bool level0_is_apart(const struct tree_files *tree) {
    const struct level *level0 = &tree->levels[0];
    for (uint32_t i = 1; i < ENGINE_LEVELS; i++) {
        for (uint32_t f = 0; f < level0->count; f++) {
            uint32_t from, to;
            pick_find_overlap(&tree->levels[i], level0->files[f]->meta.first, level0->files[f], &from, &to);
            if (from < to) return false;
        }
    }
    return true;
}

/* The level that takes level 0 and the runs that go with it: those that what is newer has caught up with. The rest keep
 * their place; the result lies right above them. */
static uint32_t run_output(const struct tree_files *tree) {
    uint64_t bytes = tree->levels[0].bytes;
    uint32_t output = 0;
    for (uint32_t i = 1; i < PICK_LAST; i++) {
        const uint64_t run = tree->levels[i].bytes;
        if (run > bytes * PICK_RUN_RATIO && output > 0) break; /* the highest place is left in any case */
        bytes += run;
        output = i;
    }
    return output;
}

static void consider_level0(const struct tree_files *tree, uint64_t share, const struct pick_context *context,
                            struct pick *best) {
    const struct level *level0 = &tree->levels[0];
    if (level0->count == 0) return;
    struct pick choice = {.tree = tree, .reason = PICK_SIZE, .to = level0->count, .between = true};
    choice.score = level0->count * PICK_DUE / level0_limit(context->options);
    if (choice.score < PICK_DUE && pick_level0_is_urgent(tree, context, &choice.reason)) choice.score = PICK_DUE;
    if (context->all && choice.score < PICK_DUE) {
        choice.reason = PICK_ALL;
        choice.score = PICK_DUE;
    }
    if (choice.score < PICK_DUE) return; /* where it would go need not be known */
    const uint64_t above = level0->bytes + between_bytes(tree);
    if (level0_is_apart(tree)) {
        choice.output_level = PICK_LAST;
        choice.between = false;
    } else if (is_small(tree, context->options) &&
               (above * share >= tree->levels[PICK_LAST].bytes || choice.reason != PICK_SIZE)) {
        choice.output_level = PICK_LAST;
    } else {
        choice.output_level = run_output(tree);
    }
    pick_consider(best, &choice, context);
}

/* Too much lies between. The lowest run goes down file by file; before that, when it is the lesser part, the others
 * join it. */
static void consider_between(const struct tree_files *tree, uint64_t share, const struct pick_context *context,
                             struct pick *best) {
    const uint32_t lowest = PICK_LAST - 1;
    const uint64_t bytes = between_bytes(tree), target = between_target(tree, share, context->options);
    if (bytes <= target) return;
    if (tree->levels[lowest].bytes * 2 >= bytes) {
        const uint64_t excess = bytes - target;
        pick_cheapest(tree, lowest, tree->levels[lowest].bytes > excess ? tree->levels[lowest].bytes - excess : 0,
                      context, best);
        return;
    }
    struct pick choice = {.tree = tree,
                          .reason = PICK_SIZE,
                          .level = 1,
                          .output_level = lowest,
                          .between = true,
                          .score = bytes * PICK_DUE / target};
    while (tree->levels[choice.level].count == 0) choice.level++;
    choice.to = tree->levels[choice.level].count;
    pick_consider(best, &choice, context);
}

bool pick_rest_is_due(const struct tree_files *tree) {
    const uint64_t above = tree->levels[0].bytes + between_bytes(tree);
    return tree->kind->policy == ENGINE_POLICY_LAZY && above > 0 &&
           above * PICK_REST_SHARE > tree->levels[PICK_LAST].bytes;
}

/* Everything above the last level of a small tree goes there, unless something is due anyway; in a large one level 0
 * becomes a run, and runs go down until they are the part that may stay. */
void pick_rest(const struct tree_files *tree, const struct pick_context *context, struct pick *best) {
    struct pick choice = {
        .tree = tree, .reason = PICK_REST, .output_level = PICK_LAST, .between = true, .score = PICK_DUE};
    if (!context->at_rest || best->kind != PICK_NONE || !pick_rest_is_due(tree)) return;
    while (tree->levels[choice.level].count == 0) choice.level++;
    if (!is_small(tree, context->options)) {
        choice.output_level = run_output(tree);
        if (choice.level > 0) {
            consider_between(tree, PICK_REST_SHARE, context, best);
            return;
        }
    }
    choice.to = tree->levels[choice.level].count;
    pick_consider(best, &choice, context);
}

void pick_runs(const struct tree_files *tree, uint64_t share, const struct pick_context *context, struct pick *best) {
    consider_level0(tree, share, context, best);
    consider_between(tree, share, context, best);
}
