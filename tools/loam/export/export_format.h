/*
 * export_format: the seam between `loam export` and what it writes: a format appends its text for the head, each row
 * and the foot. A new one is a file write_NAME.c and a row in export.c.
 */
#ifndef TOOLS_LOAM_EXPORT_EXPORT_FORMAT_H
#define TOOLS_LOAM_EXPORT_EXPORT_FORMAT_H

#include "tools/loam/export/export_keys.h"

struct export_writing {
    const char *graph;
    struct buf text; /* emptied by the frame from time to time */
    struct buf value;
    struct export_keys keys; /* if the format needs them: noted before the head */
    uint64_t replaced;       /* characters that the format can't hold */
};

struct export_format {
    const char *name;
    bool needs_keys; /* the graph is read two times */
    enum status (*head)(struct export_writing *writing);
    enum status (*node)(struct export_writing *writing, const struct resp_reply *row);
    enum status (*edge)(struct export_writing *writing, const struct resp_reply *row);
    enum status (*foot)(struct export_writing *writing);
};

extern const struct export_format export_graphml, export_dot;

#endif
