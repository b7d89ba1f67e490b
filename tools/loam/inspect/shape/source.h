/*
 * source: what `loam inspect --lsm` is pointed at: a store's directory, that of a node, or a manifest alone; which
 * manifest of a directory rules (engine/lsm/FORMAT.md, "superblock"), and what to show where that can't be told. Reads
 * only and takes no lock; what looks damaged or torn is looked at again, since an owner may be at work.
 */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_SOURCE_H
#define TOOLS_LOAM_INSPECT_SHAPE_SOURCE_H

#include "engine/look.h"
#include "engine/lsm/superblock_format.h"
#include "tools/loam/inspect/shape/edit_history.h"
#include "tools/loam/inspect/shape/findings.h"

#define SUPERBLOCK_NAME "SUPERBLOCK"

struct shape_source {
    struct io *io;                          /* borrowed */
    char dir[IO_PATH_BYTES];                /* the store; "" = a manifest alone */
    char manifest_name[FINDING_NAME_BYTES]; /* the one that is shown; "" = none can be */
    bool is_node;                           /* the store lies in a node's directory */
    bool is_older;                          /* the manifest that rules is gone, an older one is shown */
    bool has_superblock;                    /* one of its slots is sound */
    bool is_foreign;                        /* the manifest is not of the superblock's store */
    struct superblock superblock;
    struct shape_history history;
    struct look_rest *rest; /* the manifest is damaged: what the edits behind the damage say, each for itself */
};

/*
 * Opens and reads; deinit in any case. What is wrong with superblock and manifest goes to *findings. OK, also when no
 * edit can be read; NOT_FOUND (nothing there, or no store); IO; TOO_LARGE; NO_MEMORY; INVALID (a file that is no
 * manifest), with words.
 */
MUST_CHECK enum status source_open(struct shape_source *source, struct io *io, const char *given,
                                   struct findings *findings, struct error *error);
void source_deinit(struct shape_source *source);

/* What to do about a store that is damaged, for an advice. */
const char *source_advice(const struct shape_source *source);

#endif
