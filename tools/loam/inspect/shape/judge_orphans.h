/* judge_orphans: what lies in a store's directory and no edit names. Private to judge.c. */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_JUDGE_ORPHANS_H
#define TOOLS_LOAM_INSPECT_SHAPE_JUDGE_ORPHANS_H

#include "engine/look.h"
#include "tools/loam/inspect/shape/judge.h"

/* Ascending. */
struct judge_numbers {
    uint64_t *items;
    size_t count;
};
bool judge_has_number(const struct judge_numbers *numbers, uint64_t number);

/* Tables of a directory by the store that built them. */
struct judge_stores {
    uint64_t tables, of_superblock, of_manifest;
    uint64_t named; /* built by a store that built a table which the manifest names */
};
/*
 * Whether the tables here are to be compared with what the manifest says: not, if it is told as the stranger among
 * them, or superblock and manifest together as strangers to all of them. IO.
 */
MUST_CHECK enum status judge_stores(struct shape_source *source, bool *is_compared, struct findings *findings,
                                    struct error *error);

/* is_compared: the tables were judged by this manifest. values: files of values that tables refer to. Where manifest or
 * superblock is damaged, tables are asked for their own word. IO, NO_MEMORY. */
MUST_CHECK enum status judge_orphans(struct judgement *judgement, struct shape_source *source, bool is_compared,
                                     struct look *look, const struct judge_numbers *values, struct findings *findings,
                                     struct error *error);

#endif
