/*
 * pick_parts: what the policies share: spans and overlaps, what makes a file urgent, how a choice is completed. Private
 * to engine/lsm/pick*.c. Pure, as pick.h says.
 */
#ifndef ENGINE_LSM_PICK_PARTS_H
#define ENGINE_LSM_PICK_PARTS_H

#include "engine/lsm/pick.h"

enum { PICK_LAST = ENGINE_LEVELS - 1, PICK_DUE = 1000 };

/* The files of a level below 0 that share a key with [first, the end of `last`'s span]. */
void pick_find_overlap(const struct level *level, struct slice first, const struct file *last, uint32_t *from,
                       uint32_t *to);
bool pick_any_damaged(const struct level *level, uint32_t from, uint32_t to);

bool pick_is_droppable(const struct file *file, const struct pick_context *context);
/* So many versions that newer ones hide, and that no snapshot sees any more, that writing the file anew pays. */
bool pick_has_hidden(const struct file *file, const struct pick_context *context);
/* Deletes in the last level have nothing left to hide, once no snapshot needs them. */
bool pick_has_spent_deletes(const struct file *file, const struct pick_context *context);
/* The file is worth a compaction whatever the size of its level. */
bool pick_is_urgent(const struct file *file, const struct pick_context *context, enum pick_reason *reason);

/* What would have to be rewritten anyway does not move: the last level holds no deletes and has a compression of its
 * own. */
bool pick_may_move(const struct tree_files *tree, const struct file *file, uint32_t output_level,
                   const struct pick_context *context);

/* Finds what a choice overlaps in its output level, and whether it moves or merges. Its tree, levels, files and
 * `between` are set. False: a damaged file is in the way. */
bool pick_complete(struct pick *choice, const struct pick_context *context);
/* Takes a choice that is due and better than the best so far. */
void pick_consider(struct pick *best, struct pick *choice, const struct pick_context *context);

/* The cheapest file of a level that is over its target. */
void pick_cheapest(const struct tree_files *tree, uint32_t level, uint64_t target, const struct pick_context *context,
                   struct pick *best);
/* A reason for level 0 to go down before it is full: false = none. */
bool pick_level0_is_urgent(const struct tree_files *tree, const struct pick_context *context, enum pick_reason *reason);

/* ---- Policies ---------------------------------------------------------------------------------------------------- */

void pick_leveled(const struct tree_files *tree, const struct pick_context *context, struct pick *best);
uint64_t pick_leveled_debt(const struct tree_files *tree, const struct engine_options *options);
/* share: 1/share of the last level may lie above it. */
void pick_runs(const struct tree_files *tree, uint64_t share, const struct pick_context *context, struct pick *best);
uint64_t pick_runs_debt(const struct tree_files *tree, uint64_t share, const struct engine_options *options);
/* A LAZY tree with more above its last level than may stay there while nobody writes. */
bool pick_rest_is_due(const struct tree_files *tree);
void pick_rest(const struct tree_files *tree, const struct pick_context *context, struct pick *best);
void pick_fifo(const struct tree_files *tree, const struct pick_context *context, struct pick *best);

#endif
