/*
 * dump_names: the names of a store in the order of their bytes. They lie by hashes, which differ from cluster to
 * cluster; so the store is gone through once for each run of as many names as memory may hold: the least of those
 * behind the last run. No file is written for it.
 */
#ifndef TOOLS_LOAM_DUMP_DUMP_NAMES_H
#define TOOLS_LOAM_DUMP_DUMP_NAMES_H

#include "engine/base/buf.h"
#include "engine/names.h"
#include "tools/loam/dump/dump_damage.h"

struct dump_name {
    uint8_t *text; /* owned by the run */
    size_t size;
    uint8_t type; /* enum name_type */
    int64_t expire_ms;
};

/* All zero but for what the caller sets. */
struct dump_names {
    const struct names_view *view; /* set; borrowed */
    size_t limit_bytes;            /* set: of a run; one name at least */
    struct dump_damage *damage;    /* set; borrowed */

    struct dump_name *items; /* the run, ascending */
    size_t count, capacity, bytes;
    uint64_t runs;

    struct buf last; /* the greatest name of the runs before */
    bool more;       /* this run left names out */
    uint64_t from;   /* hash behind which this scan has not been */
};

/* The next run; without any names in it: that was all. */
MUST_CHECK enum status dump_names_next(struct dump_names *names, struct error *error);
void dump_names_deinit(struct dump_names *names);

#endif
