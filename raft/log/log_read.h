/*
 * log_read: entries read back from disk, a piece at a time, by a job. A few pieces are kept, so that a follower that
 * catches up and an apply that is behind do not disturb each other. What a piece holds counts only while the log says
 * the same term of it.
 */
#ifndef RAFT_LOG_LOG_READ_H
#define RAFT_LOG_LOG_READ_H

#include "engine/wal.h"
#include "raft/log/log_index.h"
#include "raft/raft.h"

enum {
    LOG_PIECES = 4,
    LOG_PIECE_BYTES = 1 << 20,
    LOG_PIECE_ENTRIES = 8192,
    LOG_READ_STEP_ENTRIES = 256,
};

struct log_piece_entry {
    uint64_t term;
    enum raft_entry_kind kind;
    size_t offset, size; /* of its bytes in the piece */
};

struct log_piece {
    uint64_t first; /* 0 = empty */
    unsigned count;
    uint64_t used;                   /* when, by the reader's counter */
    struct log_piece_entry *entries; /* owned: LOG_PIECE_ENTRIES, made at first use */
    struct buf bytes;
};

struct log_reader {
    struct io *io;
    struct wal *wal;
    struct log *log;
    void (*on_read)(void *context);
    void *context;

    struct log_piece pieces[LOG_PIECES];
    uint64_t counter;
    enum status status; /* of the last read that failed */

    bool runs; /* the job; fields below are its own while it does */
    struct io_job job;
    struct log_piece *target;
    uint64_t next, last; /* wanted */
    uint64_t lsn, pinned;
    struct log_points terms; /* copy of the runs for what is wanted */
    struct buf scratch;
    enum status result;
    struct error error;
};

void log_reader_init(struct log_reader *reader, struct io *io, struct wal *wal, struct log *log);
/* Waits for the job. */
void log_reader_deinit(struct log_reader *reader);
/* The entry, if a piece holds it with that term. */
bool log_reader_find(struct log_reader *reader, uint64_t index, uint64_t term, struct raft_entry *entry);
/* Starts reading first.. (at most up to last, which is durable) from a place at or before it. Does nothing while a read
 * is under way. */
void log_reader_start(struct log_reader *reader, uint64_t first, uint64_t last, uint64_t lsn,
                      const struct log_points *terms);

#endif
