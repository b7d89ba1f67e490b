/*
 * raft_strip: a log as a row of cells, each a stretch of indexes; for terminals, and for pages where every entry has
 * no room. Pure.
 */
#ifndef TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_STRIP_H
#define TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_STRIP_H

#include "tools/loam/inspect/raftview/raft_view.h"
#include "tools/loam/inspect/raftview/raft_words.h"

enum { RAFT_STRIP_CELLS_MAX = 400 };

struct raft_cell {
    uint64_t first, last; /* indexes */
    uint64_t entries, bytes;
    uint64_t first_term, last_term; /* of its entries */
    bool has_noop, has_configuration, has_lost, has_unknown, has_store;
};

/* Which indexes are shown, in how many cells. */
struct raft_strip {
    uint64_t first, last;
    unsigned width;
    uint64_t terms[26]; /* those that have a letter, ascending: a, b, c .. */
    unsigned term_count;
    bool more_terms; /* letters come again */
};

/* For logs side by side: of all views, in at most `width` cells. */
void raft_strip_make(struct raft_strip *strip, const struct raft_view *const *views, size_t count, unsigned width);
void raft_strip_cell(const struct raft_strip *strip, const struct raft_view *view, unsigned number,
                     struct raft_cell *cell);
/* Lines, each with `indent` before it: terms, kinds, sizes, marks. */
void raft_strip_print(struct out *out, const struct raft_strip *strip, const struct raft_view *view,
                      const char *indent);
/* What the letters mean; once for all. */
void raft_strip_print_key(struct out *out, const struct raft_strip *strip, const char *indent);

#endif
