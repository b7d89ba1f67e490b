/* pick: see pick.h. Invariant: a choice takes, of every level between input and output, all files that overlap it, so
 * that newer data never comes to lie below older. */
#include "engine/lsm/pick.h"

enum { LAST = ENGINE_LEVELS - 1, DUE = 1000 };

const char *pick_reason_text(enum pick_reason reason) {
    switch (reason) {
    case PICK_SIZE: return "the level is over its target";
    case PICK_DELETES: return "the file is mostly deletes";
    case PICK_RANGE_DELETES: return "range deletes cover whole files";
    case PICK_DROPPABLE: return "the filter drops from it";
    case PICK_ALL: return "it was asked for";
    }
    return "unknown";
}

/* ---- Targets
 * ----------------------------------------------------------------------------------------------------------------------------
 */

void pick_targets(const struct tree_files *tree, const struct engine_options *options, struct pick_targets *targets) {
    uint64_t largest = options->level_base_bytes;
    *targets = (struct pick_targets){.base = LAST};
    for (uint32_t i = 1; i < ENGINE_LEVELS; i++)
        if (tree->levels[i].bytes > largest) largest = tree->levels[i].bytes;
    targets->bytes[LAST] = largest;
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

uint64_t pick_debt(const struct version *version, const struct engine_options *options, uint64_t *level0_most) {
    uint64_t debt = 0;
    *level0_most = 0;
    for (size_t t = 0; t < version->count; t++) {
        const struct tree_files *tree = version->trees[t];
        const struct level *level0 = &tree->levels[0];
        struct pick_targets targets;
        pick_targets(tree, options, &targets);
        if (level0->count > *level0_most) *level0_most = level0->count;
        if (level0->count >= options->level0_trigger) debt += level0->bytes;
        for (uint32_t i = 1; i < LAST; i++)
            if (tree->levels[i].bytes > targets.bytes[i]) debt += tree->levels[i].bytes - targets.bytes[i];
    }
    return debt;
}

/* ---- What overlaps
 * --------------------------------------------------------------------------------------------------------------------------
 */

/* The files of a level below 0 that share a key with [first, the end of `last`'s span]. */
static void find_overlap(const struct level *level, struct slice first, const struct file *last, uint32_t *from,
                         uint32_t *to) {
    *from = level_find(level, first);
    *to = *from;
    while (*to < level->count && file_locate(last, level->files[*to]->meta.first) <= 0) (*to)++;
}

/* The span of files [from, to) of a level: where it begins, and the file that ends last. */
static const struct file *find_span(const struct level *level, uint32_t from, uint32_t to, struct slice *first) {
    const struct file *last = level->files[from];
    *first = last->meta.first;
    for (uint32_t i = from + 1; i < to; i++) {
        const struct file *file = level->files[i];
        if (slice_compare(file->meta.first, *first) < 0) *first = file->meta.first;
        if (file_compare_last(file, last) > 0) last = file;
    }
    return last;
}

static uint64_t bytes_of(const struct level *level, uint32_t from, uint32_t to) {
    uint64_t bytes = 0;
    for (uint32_t i = from; i < to; i++) bytes += level->files[i]->meta.bytes;
    return bytes;
}

static bool any_damaged(const struct level *level, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; i++)
        if (atomic_load_explicit(&level->files[i]->damaged, memory_order_relaxed)) return true;
    return false;
}

/* ---- What is due
 * -------------------------------------------------------------------------------------------------------------------------------
 */

/* A filter takes nothing that a snapshot sees. */
static bool is_droppable(const struct file *file, const struct pick_context *context) {
    return context->oldest_snapshot == UINT64_MAX && file->meta.droppable_ms <= context->mark_time_ms;
}

static bool covers_much(const struct file *file, const struct pick_context *context) {
    return file->meta.range_deletes > 0 && file->covered_bytes > 0 && file->covered_bytes >= file->meta.bytes &&
           file->covered_bytes * 2 >= context->options->file_bytes;
}

/* Deletes in the last level have nothing left to hide, once no snapshot needs them. */
static bool has_spent_deletes(const struct file *file, const struct pick_context *context) {
    const struct edit_file *meta = &file->meta;
    if (meta->deletes + meta->range_deletes == 0 || meta->last_sequence > context->oldest_snapshot) return false;
    return context->all || meta->range_deletes > 0 || meta->deletes * PICK_BOTTOM_SHARE >= meta->entries;
}

static bool is_urgent(const struct file *file, const struct pick_context *context, enum pick_reason *reason) {
    if (covers_much(file, context))
        *reason = PICK_RANGE_DELETES;
    else if (is_droppable(file, context))
        *reason = PICK_DROPPABLE;
    else if (file->meta.entries > 0 && file->meta.deletes * PICK_DELETE_SHARE >= file->meta.entries)
        *reason = PICK_DELETES;
    else
        return false;
    return true;
}

/* ---- Moving as it is
 * -----------------------------------------------------------------------------------------------------------------------------
 */

/* What would have to be rewritten anyway does not move: the last level holds no deletes and has a compression of its
 * own. */
static bool may_move(const struct tree_files *tree, const struct file *file, uint32_t output_level,
                     const struct pick_context *context) {
    if (is_droppable(file, context)) return false;
    if (output_level < LAST) return true;
    return file->meta.deletes == 0 && file->meta.range_deletes == 0 && file->meta.operands == 0 &&
           file->meta.codec == (uint32_t)tree->kind->bottom;
}

static bool level0_is_disjoint(const struct level *level0, uint32_t from) {
    for (uint32_t i = from; i < level0->count; i++)
        for (uint32_t j = i + 1; j < level0->count; j++)
            if (file_overlaps_file(level0->files[i], level0->files[j])) return false;
    return true;
}

/* ---- Choices
 * ----------------------------------------------------------------------------------------------------------------------------------------
 */

/* Completes a choice whose level and files are set; false: a damaged file is in the way. */
static bool complete(struct pick *choice, const struct pick_context *context) {
    const struct level *level = &choice->tree->levels[choice->level];
    const struct level *next = &choice->tree->levels[choice->output_level];
    struct slice first;
    choice->kind = PICK_MERGE;
    choice->next_from = choice->next_to = 0;
    if (choice->level != choice->output_level) {
        const struct file *last = find_span(level, choice->from, choice->to, &first);
        find_overlap(next, first, last, &choice->next_from, &choice->next_to);
        bool movable = choice->next_from == choice->next_to;
        for (uint32_t i = choice->from; i < choice->to && movable; i++)
            movable = may_move(choice->tree, level->files[i], choice->output_level, context);
        if (movable && (choice->level > 0 || level0_is_disjoint(level, choice->from))) choice->kind = PICK_MOVE;
    }
    return !any_damaged(level, choice->from, choice->to) && !any_damaged(next, choice->next_from, choice->next_to);
}

static void consider(struct pick *best, struct pick *choice, const struct pick_context *context) {
    if (choice->score < DUE || (best->kind != PICK_NONE && choice->score <= best->score)) return;
    if (complete(choice, context)) *best = *choice;
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
        context->all ? level0_output(tree, &(struct pick_targets){.base = LAST}) : level0_output(tree, targets);
    choice.score = (uint64_t)level0->count * DUE / context->options->level0_trigger;
    const uint64_t by_bytes = level0->bytes * DUE / (context->options->level_base_bytes * 2);
    if (by_bytes > choice.score) choice.score = by_bytes;
    for (uint32_t i = 0; i < level0->count && choice.score < DUE; i++) {
        enum pick_reason reason;
        if (!is_urgent(level0->files[i], context, &reason) || reason == PICK_DELETES) continue;
        choice.reason = reason;
        choice.score = DUE;
    }
    if (context->all && choice.score < DUE) {
        choice.reason = PICK_ALL;
        choice.score = DUE;
    }
    choice.from = level0_from(level0, context);
    consider(best, &choice, context);
}

/* What moving file `i` down costs for a byte of it, in thousandths: bytes below that must be rewritten and are not
 * simply covered. */
static uint64_t cost_of(const struct level *level, const struct level *next, uint32_t i) {
    const struct file *file = level->files[i];
    uint32_t from, to;
    find_overlap(next, file->meta.first, file, &from, &to);
    uint64_t bytes = bytes_of(next, from, to);
    bytes -= file->covered_bytes < bytes ? file->covered_bytes : bytes;
    return bytes * DUE / (file->meta.bytes ? file->meta.bytes : 1);
}

/* More files beside a moving one that can move too, while the level is over its target. */
static void widen_move(struct pick *choice, uint64_t excess, const struct pick_context *context) {
    const struct level *level = &choice->tree->levels[choice->level];
    const struct level *next = &choice->tree->levels[choice->output_level];
    uint64_t bytes = level->files[choice->from]->meta.bytes;
    while (choice->to < level->count && choice->to - choice->from < PICK_MOVE_FILES && bytes < excess) {
        const struct file *file = level->files[choice->to];
        uint32_t from, to;
        find_overlap(next, file->meta.first, file, &from, &to);
        if (from != to || any_damaged(level, choice->to, choice->to + 1) ||
            !may_move(choice->tree, file, choice->output_level, context))
            return;
        bytes += file->meta.bytes;
        choice->to++;
    }
}

/* The cheapest file of a level that is over its target. */
static void consider_size(const struct tree_files *tree, uint32_t i, uint64_t target,
                          const struct pick_context *context, struct pick *best) {
    const struct level *level = &tree->levels[i];
    const uint64_t score = target ? level->bytes * DUE / target : DUE + level->count;
    if (level->count == 0 || score <= DUE || (best->kind != PICK_NONE && score <= best->score)) return;
    uint64_t cheapest = UINT64_MAX;
    struct pick found = {.kind = PICK_NONE};
    for (uint32_t f = 0; f < level->count; f++) {
        const uint64_t cost = cost_of(level, &tree->levels[i + 1], f);
        if (cost >= cheapest) continue;
        struct pick choice = {.tree = tree,
                              .reason = PICK_SIZE,
                              .level = i,
                              .output_level = i + 1,
                              .from = f,
                              .to = f + 1,
                              .score = score};
        if (!complete(&choice, context)) continue;
        cheapest = cost;
        found = choice;
    }
    if (found.kind == PICK_NONE) return;
    if (found.kind == PICK_MOVE) widen_move(&found, level->bytes - target, context);
    *best = found;
}

static void consider_urgent(const struct tree_files *tree, uint32_t i, const struct pick_context *context,
                            struct pick *best) {
    const struct level *level = &tree->levels[i];
    for (uint32_t f = 0; f < level->count && (best->kind == PICK_NONE || best->score < DUE); f++) {
        struct pick choice = {.tree = tree, .level = i, .output_level = i + 1, .from = f, .to = f + 1, .score = DUE};
        if (is_urgent(level->files[f], context, &choice.reason)) consider(best, &choice, context);
    }
}

static void consider_all(const struct tree_files *tree, uint32_t i, const struct pick_context *context,
                         struct pick *best) {
    if (!context->all || tree->levels[i].count == 0) return;
    struct pick choice = {
        .tree = tree, .reason = PICK_ALL, .level = i, .output_level = i + 1, .to = tree->levels[i].count, .score = DUE};
    consider(best, &choice, context);
}

/* The last level has nowhere to go: files are written anew where that frees something. */
static void consider_last(const struct tree_files *tree, const struct pick_context *context, struct pick *best) {
    const struct level *level = &tree->levels[LAST];
    for (uint32_t f = 0; f < level->count && best->kind == PICK_NONE; f++) {
        const struct file *file = level->files[f];
        const bool droppable = is_droppable(file, context);
        if (!droppable && !has_spent_deletes(file, context)) continue;
        struct pick choice = {.tree = tree,
                              .reason = droppable ? PICK_DROPPABLE : PICK_DELETES,
                              .level = LAST,
                              .output_level = LAST,
                              .from = f,
                              .to = f + 1,
                              .score = DUE};
        consider(best, &choice, context);
    }
}

void pick(const struct version *version, const struct pick_context *context, struct pick *choice) {
    *choice = (struct pick){.kind = PICK_NONE};
    for (size_t t = 0; t < version->count; t++) {
        const struct tree_files *tree = version->trees[t];
        struct pick_targets targets;
        pick_targets(tree, context->options, &targets);
        consider_level0(tree, &targets, context, choice);
        for (uint32_t i = 1; i < LAST; i++) {
            consider_size(tree, i, targets.bytes[i], context, choice);
            consider_urgent(tree, i, context, choice);
            consider_all(tree, i, context, choice);
        }
        consider_last(tree, context, choice);
    }
}
