/*
 * wal: a segmented, checksummed log with group commit (DESIGN §2). Two users: the bare engine, which commits by
 * blocking calls from whichever writer leads its queue, and raft, which commits by operations on the loop. Bytes:
 * engine/wal/FORMAT.md.
 *
 * Records are appended to a group in memory; a commit writes the group and makes it durable as one. One commit is in
 * flight at a time; what is appended meanwhile forms the next group. Acknowledge nothing before wal_durable has passed
 * it.
 *
 * Positions (lsn) are segment number << 32 | byte offset in the segment: they grow, and never rewind. Taking back a
 * suffix is a record of the user's, not a cut of the file; taking back a prefix drops whole segments.
 *
 * Recovery tells apart, by sector stamps {segment generation, group} with a check of their own:
 *  - never written: an older stamp or zeros. A tail whose last group lacks sectors is *torn*: it was never acknowledged
 * and is cut.
 *  - faulty: our own stamp, and a bad sum; or a hole below a group that is known to be durable. It may have been
 * acknowledged: neither present nor absent. wal_open answers FAULTY, says where, changes nothing.
 *
 * Not thread-safe: the owner calls from one thread at a time (wal_read and wal_durable: see there).
 */
#ifndef ENGINE_WAL_H
#define ENGINE_WAL_H

#include "engine/base/buf.h"
#include "engine/io.h"

#pragma GCC visibility push(default)

struct wal;

enum {
    WAL_RECORD_MAX_BYTES = 64 << 20, /* payload of one record */
    WAL_PARTS_MAX = 8,
};

struct wal_record {
    uint64_t lsn;
    uint8_t type;         /* the user's, 1..255 */
    struct slice payload; /* borrowed: for the call, or until the scratch buffer is used again */
};

/* What recovery met; also filled in when wal_open fails with FAULTY or CORRUPT, for people and for tools. */
struct wal_recovery {
    uint64_t segments;
    uint32_t version; /* the highest of a segment */
    uint64_t records;
    uint64_t bytes;       /* payload bytes */
    uint64_t end_lsn;     /* where the next record goes */
    uint64_t torn_groups; /* cut at the tail: 0 or 1 */
    uint64_t torn_lsn;
    uint64_t faulty_groups; /* > 0 only with FAULTY */
    uint64_t faulty_lsn;    /* the first */
};

struct wal_options {
    uint64_t owner;             /* salts every check: a segment of another store does not verify, it answers MISMATCH */
    uint64_t segment_bytes;     /* multiple of IO_PAGE_BYTES, 64 KiB .. 1 GiB; 0 = 64 MiB */
    unsigned recycle_segments;  /* dropped segments kept for reuse; 0 = 2 */
    size_t pending_limit_bytes; /* appended and not yet committed; 0 = 64 MiB; a single record may always exceed it when
                                   nothing else is pending */
    struct log *log;            /* borrowed; NULL = silence */
    bool compact; /* segments to come are of version 2: what wal_put writes takes less room. Older programs refuse them
                   */
    bool loose;   /* and of version 3: while nobody asks for durability, nothing is synced when one is full; the first
                     durable commit then syncs all of them. Not with on_commit */
    bool must_exist;   /* a directory without a segment is CORRUPT: the log was there, and is gone */
    bool read_only;    /* only calls visit: nothing is made, changed or opened for writing, and *wal stays NULL */
    uint64_t from_lsn; /* with read_only: a record that was told before. Where its segment is there yet, only headers
                          are read of those before it; records below may be told again. 0 = from the oldest on */

    /* Called by wal_open with visit_context behind the last visit, before anything of the log is changed; what is not
     * OK ends the opening. NULL = nothing is waited for. */
    enum status (*before_change)(void *visit_context);

    /* For wal_commit_start: on the loop thread, after each commit; lsn = what is durable now, or the failure (see
     * wal_commit). May append and start the next one. */
    void (*on_commit)(void *context, enum status status, uint64_t durable_lsn);
    void *context;
};

/*
 * Opens the log in directory `dir` (made if absent, its parent synced) and calls visit for every record from the oldest
 * kept to the end, in order. A status from visit that is not OK ends the opening with it. On FAULTY, CORRUPT, VERSION,
 * MISMATCH the directory is left as it was; *recovery (may be NULL) and *error tell. IO: a segment can't be read to its
 * end; visit was called for what comes before. Blocking.
 */
MUST_CHECK enum status wal_open(struct io *io, const char *dir, const struct wal_options *options,
                                enum status (*visit)(void *context, const struct wal_record *record),
                                void *visit_context, struct wal **wal, struct wal_recovery *recovery,
                                struct error *error);
/* Commits nothing: what was not committed is gone. Blocking until an operation in flight ended. NULL is allowed. */
void wal_close(struct wal *wal);

/*
 * Adds a record, whose payload is the parts one after another, to the open group; copies. BUSY at the pending limit,
 * TOO_LARGE, NO_MEMORY, READ_ONLY after a failed commit.
 */
MUST_CHECK enum status wal_append(struct wal *wal, uint8_t type, const struct slice *parts, unsigned part_count,
                                  uint64_t *lsn);

/*
 * Adds a record and commits it without a sync, as a group of its own (compact, where the segment allows it): as
 * wal_append and wal_commit(wal, false), for less. What they answer; a record that was refused has no place, unless
 * NO_SPACE or NO_MEMORY left it appended: wal_discard takes it back. Not for an owner that uses wal_commit_start.
 */
MUST_CHECK enum status wal_put(struct wal *wal, uint8_t type, const struct slice *parts, unsigned part_count,
                               uint64_t *lsn);

/* Loop: starts a commit of the open group if there is one and none is in flight. The answer comes through on_commit. */
void wal_commit_start(struct wal *wal);

/*
 * Blocking commit of the open group. With sync, durable when it returns OK, and all before it. Without, the bytes are
 * handed to the system (they outlive the process, not the power) and wal_durable does not move. A failure makes the log
 * READ_ONLY for good; but NO_SPACE and NO_MEMORY, met before anything was written, leave the group as it is: commit
 * again later.
 */
MUST_CHECK enum status wal_commit(struct wal *wal, bool sync);
/* Takes back what was appended and is not written yet: those records get no place. For an owner that would rather
 * answer NO_SPACE than commit again later. What lies below wal_end is written. REQUIRES: no wal_commit_start in flight.
 */
void wal_discard(struct wal *wal);

uint64_t wal_end(const struct wal *wal);     /* lsn of the next record */
uint64_t wal_durable(const struct wal *wal); /* everything below is durable; any thread */
uint64_t wal_start(const struct wal *wal);   /* lsn of the oldest segment kept */
size_t wal_pending(const struct wal *wal);   /* bytes appended and not yet committed */
bool wal_is_idle(const struct wal *wal);     /* no commit in flight */

/*
 * Reads the first record at or after lsn, also one that is only in memory yet; payload is borrowed from *scratch,
 * *next_lsn is where to go on. END behind the last one; CORRUPT with place; COMPACTED if below wal_start. Blocking; for
 * a record that is durable and pinned (wal_pin) it may be called from a job while the owner appends: such a job must
 * know by itself which record is its last.
 */
MUST_CHECK enum status wal_read(struct wal *wal, uint64_t lsn, struct buf *scratch, struct wal_record *record,
                                uint64_t *next_lsn, struct error *error);

/* Drops every segment that lies wholly below lsn; recycles or removes it. Never fails: what can't be removed now is
 * removed later. Segments pinned are kept until unpinned. */
void wal_drop_before(struct wal *wal, uint64_t lsn);
void wal_pin(struct wal *wal, uint64_t lsn);
void wal_unpin(struct wal *wal, uint64_t lsn);

struct wal_stats {
    uint64_t records, payload_bytes; /* appended since open */
    uint64_t commits, syncs;         /* groups written; barriers asked of the device */
    uint64_t written_bytes;          /* handed to the device, padding included */
    uint64_t segments_live, segments_spare, segments_created, segments_recycled;
    uint64_t disk_bytes; /* of all files */
};
void wal_get_stats(const struct wal *wal, struct wal_stats *stats);

/* Of these, what grows with every commit; cheap enough to be asked after each. */
struct wal_totals {
    uint64_t commits, syncs, written_bytes;
};
void wal_get_totals(const struct wal *wal, struct wal_totals *totals);
/* As in the stats, for those who ask at every turn. */
uint64_t wal_live_segments(const struct wal *wal);
/* Memory of its buffers. The owner's thread. */
size_t wal_memory_bytes(const struct wal *wal);

#pragma GCC visibility pop

#endif
