/* vertex_show: a node that was read, for people and for programs. Printed as it is made: memory does not grow with it.
 * In text long tables are cut, and said to be, unless all was asked for. */
#ifndef TOOLS_LOAM_INSPECT_VERTEX_VERTEX_SHOW_H
#define TOOLS_LOAM_INSPECT_VERTEX_VERTEX_SHOW_H

#include "tools/loam/inspect/vertex/vertex_view.h"

struct vertex_choice {
    bool levels;    /* each version */
    bool all;       /* long tables whole */
    bool has_block; /* one block, entry by entry */
    uint32_t block;
    bool was_shown; /* out: the block was there */
};

/* NO_MEMORY, or what a walk met. */
MUST_CHECK enum status vertex_show_text(struct vertex_view *view, struct vertex_choice *choice);
/* failure: why no more is told; NULL: it is all. */
MUST_CHECK enum status vertex_show_json(struct vertex_view *view, struct vertex_choice *choice, const char *failure);

/* "memtable", "memtable 1", "level 0, file 12" */
enum { VERTEX_PLACE_BYTES = 64 };
const char *vertex_place_name(const struct vertex_source *source, char text[VERTEX_PLACE_BYTES]);
/* What a version's value says: "250 entries", "3 put in, 1 taken out". */
enum { VERTEX_SAYS_BYTES = 80 };
const char *vertex_says(const struct vertex_version *version, char text[VERTEX_SAYS_BYTES]);

#endif
