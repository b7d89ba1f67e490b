/*
 * raft_log: the entries of one node, on engine/wal. The newest are in memory; older ones are read back in pieces by a
 * job. It follows the core (raft/raft.h): entries are put when the core says so, and written when a persist work says
 * so.
 *
 * What is kept of each entry that is on disk alone: nothing; terms by runs, places by marks (a mark at the first entry
 * of a segment, after a cut and every MARK_BYTES between). Loop thread only, but for the read-back job.
 */
#ifndef RAFT_LOG_RAFT_LOG_H
#define RAFT_LOG_RAFT_LOG_H

#include "engine/wal.h"
#include "raft/raft.h"

struct raft_log;

enum raft_log_record_kind {
    RAFT_LOG_ENTRY = 1,
    RAFT_LOG_CUT = 2,
    RAFT_LOG_COMMIT = 3,
};

/* One record of the log as it stands in the wal (FORMAT.md). */
struct raft_log_record {
    enum raft_log_record_kind kind;
    uint64_t index; /* CUT: entries from here on are gone; COMMIT: entries up to here are committed */
    uint64_t term;
    enum raft_entry_kind entry_kind;
    struct slice bytes; /* borrowed */
};
enum { RAFT_LOG_ENTRY_HEAD_BYTES = 17, RAFT_LOG_INDEX_BYTES = 8 /* of a cut and of a commit note */ };
void raft_log_entry_head_encode(uint8_t head[RAFT_LOG_ENTRY_HEAD_BYTES], const struct raft_log_record *record);
/* CORRUPT. */
MUST_CHECK enum status raft_log_record_decode(uint8_t type, struct slice payload, struct raft_log_record *record);

struct raft_log_options {
    struct log *log;
    uint64_t owner;
    uint64_t segment_bytes;
    bool must_exist;    /* CORRUPT if nothing of it is there */
    size_t cache_bytes; /* of applied entries kept in memory for followers that are a little behind; 0 = 16 MiB */
    uint64_t from;      /* superblock: records below don't count */
    uint64_t start;     /* superblock: index and term before the first entry, when none is there */
    uint64_t start_term;
    void (*on_commit)(void *context, enum status status); /* a commit ended; raft_log_durable has moved */
    void (*on_read)(void *context); /* entries that were asked for are there, or failed: ask again */
    void *context;
};

/* Blocking. FAULTY, CORRUPT, ... from the wal; CORRUPT when the records contradict each other. */
MUST_CHECK enum status raft_log_open(struct io *io, const char *dir, const struct raft_log_options *options,
                                     struct raft_log **log, struct error *error);
void raft_log_close(struct raft_log *log); /* NULL is allowed */

uint64_t
raft_log_start(const struct raft_log *log); /* the last index that is gone; entries start+1 .. last are there */
uint64_t raft_log_start_term(const struct raft_log *log);
uint64_t raft_log_last(const struct raft_log *log);
uint64_t raft_log_durable(const struct raft_log *log);              /* entries up to here are on disk */
uint64_t raft_log_term(const struct raft_log *log, uint64_t index); /* 0 = not there */
/* The greatest commit note that was found; 0 = none. */
uint64_t raft_log_recovered_commit(const struct raft_log *log);
/* Of an entry that was recovered: CONFIGURATION, or COMMAND for anything else. */
enum raft_entry_kind raft_log_recovered_kind(const struct raft_log *log, uint64_t index);
/* Entries up to index are in the store already: the log may begin there (at open, before the core is made). */
MUST_CHECK enum status raft_log_settle_start(struct raft_log *log, uint64_t index, uint64_t term, struct error *error);

/* ---- putting ---- */

/* Bytes of entries that are to be put: one allocation, shared by them, let go by the last. */
struct raft_log_chunk {
    uint32_t references;
    size_t size;
    uint8_t data[];
};
MUST_CHECK enum status raft_log_chunk_create(size_t size, struct raft_log_chunk **chunk);
void raft_log_chunk_release(struct raft_log_chunk *chunk); /* NULL is allowed */

/* Room for so many entries more, and for one that the core makes. Before each event. */
MUST_CHECK enum status raft_log_reserve(struct raft_log *log, unsigned count);
/* The core's outcome: the log from `first` on is replaced. Entries whose bytes lie in chunk (may be NULL) hold on to
 * it, others are copied. Never fails after reserve. */
void raft_log_put(struct raft_log *log, uint64_t first, const struct raft_entry *entries, unsigned count,
                  struct raft_log_chunk *chunk);

/* ---- writing ---- */

/*
 * Appends entries up to last that are not written yet to the open group, with a cut before them if something else was
 * written there, and behind them the note that entries up to commit_note are committed (0 = none). BUSY, NO_MEMORY: it
 * went as far as it could, call again later. READ_ONLY: never again. *end_lsn: all of it is durable once
 * raft_log_durable_lsn has reached that.
 */
MUST_CHECK enum status raft_log_write(struct raft_log *log, uint64_t last, uint64_t commit_note, uint64_t *end_lsn);
void raft_log_commit_start(struct raft_log *log);
bool raft_log_is_idle(const struct raft_log *log); /* nothing in flight, nothing waits */
uint64_t raft_log_end_lsn(const struct raft_log *log);
uint64_t raft_log_durable_lsn(const struct raft_log *log);

/* ---- reading ---- */

/* In memory: the entry, borrowed until entries are put, cut or applied further, or a read-back ends. False: it is not;
 * a read-back has been started, on_read follows. */
bool raft_log_get(struct raft_log *log, uint64_t index, struct raft_entry *entry);
/* The same, but no read-back is started. */
bool raft_log_peek(struct raft_log *log, uint64_t index, struct raft_entry *entry);
/* As raft_options.measure. */
unsigned raft_log_measure(void *log, uint64_t first, uint64_t last, size_t limit, size_t *bytes);
/* The status of the last read-back that failed; OK if none did. */
enum status raft_log_read_status(const struct raft_log *log);

/* ---- looking for damage ---- */

/* A walk over what is durable, in portions; the caller's memory. */
struct raft_log_scrub {
    uint64_t next, until; /* positions */
    uint64_t bytes;
    uint64_t pinned;
    struct buf scratch;
    struct error error;
};
void raft_log_scrub_begin(const struct raft_log *log, struct raft_log_scrub *scrub);
void raft_log_scrub_deinit(struct raft_log_scrub *scrub);
/* Loop thread, around each step: what is to be read stays meanwhile. */
void raft_log_scrub_pin(struct raft_log *log, struct raft_log_scrub *scrub);
void raft_log_scrub_unpin(struct raft_log *log, struct raft_log_scrub *scrub);
/* Any thread, blocking: reads some records. OK: go on; END: that was all; CORRUPT and others with scrub->error. */
MUST_CHECK enum status raft_log_scrub_step(struct raft_log *log, struct raft_log_scrub *scrub);

/* ---- the prefix ---- */

/* Entries up to index are applied: their bytes need not stay in memory. */
void raft_log_applied(struct raft_log *log, uint64_t index);
/* Drops what lies below index in whole segments; returns the new start. */
uint64_t raft_log_compact(struct raft_log *log, uint64_t index);
/*
 * A snapshot takes the log's place, in two steps. restart: from now on nothing is in it, it begins after index; what
 * the wal holds stays, for the case that the power goes. Then, when the log is idle, place: where the superblock's
 * log_from is to be; and once that is durable, forget: what lies before it goes.
 */
void raft_log_restart(struct raft_log *log, uint64_t index, uint64_t term);
uint64_t raft_log_place(const struct raft_log *log);
void raft_log_forget(struct raft_log *log, uint64_t place);

uint64_t raft_log_live_bytes(const struct raft_log *log); /* from start to end, on disk */
void raft_log_get_stats(const struct raft_log *log, struct wal_stats *stats);

#endif
