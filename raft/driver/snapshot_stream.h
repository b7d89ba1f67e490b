/*
 * snapshot_stream: the head of a snapshot's stream: what it stands for, and which files follow, one after another.
 * Bytes: raft/message/FORMAT.md.
 */
#ifndef RAFT_DRIVER_SNAPSHOT_STREAM_H
#define RAFT_DRIVER_SNAPSHOT_STREAM_H

#include "raft/driver/driver_internal.h"

enum {
    SNAPSHOT_PIECE_BYTES = 128 << 10,
    SNAPSHOT_NAME_BYTES = 64, /* of a file, with the end */
    SNAPSHOT_FILES_MAX = 1 << 20,
    SNAPSHOT_HEAD_FIXED_BYTES = 44,
};

struct snapshot_file {
    char name[SNAPSHOT_NAME_BYTES];
    uint64_t size;
};

struct snapshot_head {
    uint64_t index, term;
    struct snapshot_file *files; /* owned */
    uint32_t file_count, capacity;
};

void snapshot_head_deinit(struct snapshot_head *head);
/* INVALID when the name can't be sent. */
MUST_CHECK enum status snapshot_head_add(struct snapshot_head *head, const char *name, uint64_t size);
MUST_CHECK enum status snapshot_head_encode(struct buf *to, const struct snapshot_head *head);
/* From the beginning of a stream: END while more bytes are needed; *used = length of the head. CORRUPT, VERSION,
 * NO_MEMORY. */
MUST_CHECK enum status snapshot_head_decode(struct slice bytes, struct snapshot_head *head, size_t *used);

MUST_CHECK enum status snapshot_file_path(const char *dir, const char *name, char path[IO_PATH_BYTES]);

#endif
