/* pick_parts: see pick_parts.h. Invariant: a choice takes, of every level between input and output, all files that
 * overlap it, so that newer data never comes to lie below older. */
#include "engine/lsm/pick_parts.h"

/* ---- What overlaps ----------------------------------------------------------------------------------------------- */

void pick_find_overlap(const struct level *level, struct slice first, const struct file *last, uint32_t *from,
                       uint32_t *to) {
    *from = level_find(level, first);
    *to = *from;
    while (*to < level->count && file_locate(last, level->files[*to]->meta.first) <= 0) (*to)++;
}

/* Widens a span by files [from, to) of a level; *last NULL = there is none yet. */
static void widen_span(const struct level *level, uint32_t from, uint32_t to, struct slice *first,
                       const struct file **last) {
    for (uint32_t i = from; i < to; i++) {
        const struct file *file = level->files[i];
        if (!*last || slice_compare(file->meta.first, *first) < 0) *first = file->meta.first;
        if (!*last || file_compare_last(file, *last) > 0) *last = file;
    }
}

/* The span of a choice without its output level: where it begins, and the file that ends last. */
static const struct file *find_span(const struct pick *choice, struct slice *first) {
    const struct file *last = NULL;
    widen_span(&choice->tree->levels[choice->level], choice->from, choice->to, first, &last);
    for (uint32_t i = choice->level + 1; i < choice->output_level && choice->between; i++)
        widen_span(&choice->tree->levels[i], 0, choice->tree->levels[i].count, first, &last);
    return last;
}

static uint64_t bytes_of(const struct level *level, uint32_t from, uint32_t to) {
    uint64_t bytes = 0;
    for (uint32_t i = from; i < to; i++) bytes += level->files[i]->meta.bytes;
    return bytes;
}

bool pick_any_damaged(const struct level *level, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; i++)
        if (atomic_load_explicit(&level->files[i]->damaged, memory_order_relaxed)) return true;
    return false;
}

static bool any_damaged_between(const struct pick *choice) {
    for (uint32_t i = choice->level + 1; i < choice->output_level && choice->between; i++)
        if (pick_any_damaged(&choice->tree->levels[i], 0, choice->tree->levels[i].count)) return true;
    return false;
}

/* ---- What is due ------------------------------------------------------------------------------------------------- */

/* A filter takes nothing that a snapshot sees. */
bool pick_is_droppable(const struct file *file, const struct pick_context *context) {
    return context->oldest_snapshot == UINT64_MAX && file->meta.droppable_ms <= context->mark_time_ms;
}

static bool covers_much(const struct file *file, const struct pick_context *context) {
    return file->meta.range_deletes > 0 && file->covered_bytes > 0 && file->covered_bytes >= file->meta.bytes &&
           file->covered_bytes * 2 >= context->options->file_bytes;
}

bool pick_has_spent_deletes(const struct file *file, const struct pick_context *context) {
    const struct edit_file *meta = &file->meta;
    if (meta->deletes + meta->range_deletes == 0 || meta->last_sequence > context->oldest_snapshot) return false;
    return context->all || meta->range_deletes > 0 || meta->deletes * PICK_BOTTOM_SHARE >= meta->entries;
}

bool pick_has_hidden(const struct file *file, const struct pick_context *context) {
    const struct edit_file *meta = &file->meta;
    if (meta->hidden == 0 || meta->last_sequence > context->oldest_snapshot) return false;
    return context->all || meta->hidden * PICK_BOTTOM_SHARE >= meta->entries;
}

static bool hurts_scans(const struct file *file, const struct pick_context *context) {
    return context->scans_hurt && file->meta.deletes >= PICK_SCAN_DELETES;
}

static bool has_many_deletes(const struct file *file) {
    return file->meta.entries > 0 && file->meta.deletes * PICK_DELETE_SHARE >= file->meta.entries;
}

bool pick_is_urgent(const struct file *file, const struct pick_context *context, enum pick_reason *reason) {
    if (covers_much(file, context))
        *reason = PICK_RANGE_DELETES;
    else if (pick_is_droppable(file, context))
        *reason = PICK_DROPPABLE;
    else if (file_stale_bytes(file) > 0)
        *reason = PICK_VALUES;
    else if (hurts_scans(file, context))
        *reason = PICK_SCANS;
    else if (has_many_deletes(file))
        *reason = PICK_DELETES;
    else
        return false;
    return true;
}

/* Deletes slow every scan over them until they have gone down; what that costs is the rewriting of the tree. */
static bool deletes_pay(const struct tree_files *tree, const struct file *file) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < ENGINE_LEVELS; i++) bytes += tree->levels[i].bytes;
    return bytes <= file->meta.deletes * PICK_DELETE_COST;
}

bool pick_level0_is_urgent(const struct tree_files *tree, const struct pick_context *context,
                           enum pick_reason *reason) {
    const struct level *level0 = &tree->levels[0];
    for (uint32_t i = 0; i < level0->count; i++) {
        const struct file *file = level0->files[i];
        if (!pick_is_urgent(file, context, reason)) continue;
        if (*reason != PICK_DELETES && *reason != PICK_SCANS) return true;
        if (deletes_pay(tree, file) && file->meta.last_sequence <= context->oldest_snapshot) return true;
    }
    return false;
}

/* ---- Moving as it is --------------------------------------------------------------------------------------------- */

bool pick_may_move(const struct tree_files *tree, const struct file *file, uint32_t output_level,
                   const struct pick_context *context) {
    if (pick_is_droppable(file, context) || file_stale_bytes(file) > 0) return false;
    if (output_level < PICK_LAST) return true;
    return file->meta.deletes == 0 && file->meta.range_deletes == 0 && file->meta.operands == 0 &&
           file->meta.codec == (uint32_t)tree->kind->bottom;
}

static bool level0_is_disjoint(const struct level *level0, uint32_t from) {
    for (uint32_t i = from; i < level0->count; i++)
        for (uint32_t j = i + 1; j < level0->count; j++)
            if (file_overlaps_file(level0->files[i], level0->files[j])) return false;
    return true;
}

static bool is_movable(const struct pick *choice, const struct pick_context *context) {
    const struct level *level = &choice->tree->levels[choice->level];
    if (choice->next_from != choice->next_to) return false;
    for (uint32_t i = choice->level + 1; i < choice->output_level && choice->between; i++)
        if (choice->tree->levels[i].count > 0) return false;
    for (uint32_t i = choice->from; i < choice->to; i++)
        if (!pick_may_move(choice->tree, level->files[i], choice->output_level, context)) return false;
    return choice->level > 0 || level0_is_disjoint(level, choice->from);
}

/* ---- Choices ----------------------------------------------------------------------------------------------------- */

bool pick_complete(struct pick *choice, const struct pick_context *context) {
    const struct level *level = &choice->tree->levels[choice->level];
    const struct level *next = &choice->tree->levels[choice->output_level];
    struct slice first = {0};
    choice->kind = PICK_MERGE;
    choice->next_from = choice->next_to = 0;
    if (choice->level != choice->output_level) {
        const struct file *last = find_span(choice, &first);
        pick_find_overlap(next, first, last, &choice->next_from, &choice->next_to);
        if (is_movable(choice, context)) choice->kind = PICK_MOVE;
    }
    return !pick_any_damaged(level, choice->from, choice->to) && !any_damaged_between(choice) &&
           !pick_any_damaged(next, choice->next_from, choice->next_to);
}

void pick_consider(struct pick *best, struct pick *choice, const struct pick_context *context) {
    if (choice->score < PICK_DUE || (best->kind != PICK_NONE && choice->score <= best->score)) return;
    if (pick_complete(choice, context)) *best = *choice;
}

/* What moving file `i` down costs for a byte of it, in thousandths: bytes below that must be rewritten and are not
 * simply covered. */
static uint64_t cost_of(const struct level *level, const struct level *next, uint32_t i) {
    const struct file *file = level->files[i];
    uint32_t from, to;
    pick_find_overlap(next, file->meta.first, file, &from, &to);
    uint64_t bytes = bytes_of(next, from, to);
    bytes -= file->covered_bytes < bytes ? file->covered_bytes : bytes;
    return bytes * PICK_DUE / (file->meta.bytes ? file->meta.bytes : 1);
}

/* More files beside a moving one that can move too, while the level is over its target. */
static void widen_move(struct pick *choice, uint64_t excess, const struct pick_context *context) {
    const struct level *level = &choice->tree->levels[choice->level];
    const struct level *next = &choice->tree->levels[choice->output_level];
    uint64_t bytes = level->files[choice->from]->meta.bytes;
    while (choice->to < level->count && choice->to - choice->from < PICK_MOVE_FILES && bytes < excess) {
        const struct file *file = level->files[choice->to];
        uint32_t from, to;
        pick_find_overlap(next, file->meta.first, file, &from, &to);
        if (from != to || pick_any_damaged(level, choice->to, choice->to + 1) ||
            !pick_may_move(choice->tree, file, choice->output_level, context))
            return;
        bytes += file->meta.bytes;
        choice->to++;
    }
}

void pick_cheapest(const struct tree_files *tree, uint32_t i, uint64_t target, const struct pick_context *context,
                   struct pick *best) {
    const struct level *level = &tree->levels[i];
    const uint64_t score = target ? level->bytes * PICK_DUE / target : PICK_DUE + level->count;
    if (level->count == 0 || score <= PICK_DUE || (best->kind != PICK_NONE && score <= best->score)) return;
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
        if (!pick_complete(&choice, context)) continue;
        cheapest = cost;
        found = choice;
    }
    if (found.kind == PICK_NONE) return;
    if (found.kind == PICK_MOVE) widen_move(&found, level->bytes - target, context);
    *best = found;
}
