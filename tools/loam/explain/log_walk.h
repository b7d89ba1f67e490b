/*
 * log_walk: every record of a log that can still be read, segment by segment, beside whoever writes it. Behind a
 * damaged place the walk goes on with the next segment: for looking back, not for recovery, which stops there.
 */
#ifndef TOOLS_LOAM_EXPLAIN_LOG_WALK_H
#define TOOLS_LOAM_EXPLAIN_LOG_WALK_H

#include "engine/wal_scan.h"

enum { LOG_SEGMENT_BYTES_MAX = 1 << 30, LOG_SEGMENTS_MAX = 1 << 16 };

struct log_walk {
    struct io *io;
    const char *dir;
    uint64_t owner; /* of the log; 0 = not known */
    uint32_t from;  /* segments of a lower number are left out */
    enum status (*record)(void *context, const struct wal_record *record);
    /* What can't be read: file, offset and what is wrong; torn: it was never acknowledged, and is no damage. */
    enum status (*damage)(void *context, const char *text, bool torn);
    void *context;
    uint64_t segments, records; /* out */
    uint32_t last;              /* out: number of the last segment; 0 = none */
};

/* A callback's status, if not OK, ends it. NOT_FOUND: there is no such directory; IO, NO_MEMORY. Blocking; one segment
 * in memory at a time. */
MUST_CHECK enum status log_walk_run(struct log_walk *walk);

#endif
