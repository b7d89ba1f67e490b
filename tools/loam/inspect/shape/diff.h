/*
 * diff: what two states do not have in common. A file is the same where store and number that it was built with are:
 * so it is found again on another level, and in another store that has it by a link or a backup.
 */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_DIFF_H
#define TOOLS_LOAM_INSPECT_SHAPE_DIFF_H

#include "tools/loam/inspect/shape/state.h"

enum diff_kind { DIFF_REMOVED, DIFF_ADDED, DIFF_MOVED };

struct diff_item {
    enum diff_kind kind;
    const struct edit_file *before, *after; /* one is NULL unless it moved; borrowed from the histories */
};

struct diff {
    struct diff_item *items; /* by kind, tree, level, key as the states have them */
    size_t count;
    size_t counts[DIFF_MOVED + 1];
    uint64_t same_files, same_bytes;
};

/* deinit in any case. NO_MEMORY. */
MUST_CHECK enum status diff_make(struct diff *diff, const struct state *before, const struct state *after);
void diff_deinit(struct diff *diff);

const char *diff_kind_name(enum diff_kind kind); /* "removed", "added", "moved" */

#endif
