/*
 * wal_ahead: reads and verifies segments ahead of who opens the log, so that a record is taken while those behind it
 * are checked. Private to engine/wal.
 *
 * A job does the work where a thread is free for it, and else whoever waits for it. Verified records come in stretches,
 * in the order of the log; how many are ready at a time is bounded, however large the segments are.
 */
#ifndef ENGINE_WAL_WAL_AHEAD_H
#define ENGINE_WAL_WAL_AHEAD_H

#include "engine/wal/wal_internal.h"

/* A segment's file in memory. */
struct wal_bytes {
    uint8_t *data; /* owned */
    size_t size, room;
    size_t index; /* which segment's they are, if size > 0 */
};

/* Reads the segment whole. *error says what failed. */
MUST_CHECK enum status wal_bytes_read(struct wal_bytes *bytes, const struct wal_segment *segment, size_t index,
                                      struct error *error);
void wal_bytes_deinit(struct wal_bytes *bytes);

struct wal_stretch {
    struct wal_record *records; /* payloads lie in `bytes` */
    size_t count, record_room;
    uint8_t *bytes;
    size_t used, room;

    /* A segment ends with it, or the reading of it. */
    bool ends;
    size_t index;             /* which segment */
    enum status status;       /* of reading it; not OK: nothing below but the words for it. IO comes behind all records
                                 that could be read */
    struct error error;       /* "" = none */
    enum wal_verdict verdict; /* what follows its last group */
    struct wal_scan scan;     /* as it stood then; its bytes are those of wal_ahead_begin as long as no more are read */
};

struct wal_ahead;

/*
 * Segments [first, count) of `files`, with `headers` in the same order; both borrowed until the end, as is *bytes, in
 * which the segment that was read last stays. Reading ends with the first segment that does not end where the next one
 * says. NULL when out of memory.
 */
struct wal_ahead *wal_ahead_begin(struct io *io, struct wal_segment *const *files,
                                  const struct wal_segment_header *headers, size_t first, size_t count,
                                  struct wal_bytes *bytes);
/* The next stretch, good until the next call. Blocking. NULL behind the one with which reading ended. */
const struct wal_stretch *wal_ahead_next(struct wal_ahead *ahead);
/* Ends at the next step. NULL is allowed. */
void wal_ahead_end(struct wal_ahead *ahead);

#endif
