/*
 * node_state: the superblock: who a node is, and what it has promised: identity, term and vote, which engine directory
 * and which part of the log are its own. Two slots in one file, written in turn: a torn slot leaves the other. Bytes:
 * raft/log/FORMAT.md.
 *
 * Invariant: the file always holds one sound slot, the newest that was ever reported durable, or a newer one.
 */
#ifndef RAFT_LOG_NODE_STATE_H
#define RAFT_LOG_NODE_STATE_H

#include "engine/io.h"

enum {
    NODE_STATE_SLOT_BYTES = IO_SECTOR_BYTES,
    NODE_STATE_STRIDE = IO_PAGE_BYTES, /* slot n begins at n * stride */
    NODE_STATE_BYTES = 2 * NODE_STATE_STRIDE,
    NODE_STATE_PEERS_MAX = 16,
    NODE_STATE_VERSION = 1,
};

struct node_state_peer {
    uint64_t node_id; /* 0 = no more */
    uint64_t incarnation;
};

struct node_state {
    uint64_t generation; /* of this state; the greater one counts */
    uint64_t cluster_id;
    uint64_t node_id;
    uint64_t incarnation;
    uint64_t members_hash; /* of the members that the directory was made with */
    uint64_t term;
    uint64_t vote;
    uint64_t engine_number; /* which directory holds the store */
    uint64_t log_from;      /* records of the log below this position don't count */
    uint64_t log_start;     /* index and term on which the log stood when log_from was set */
    uint64_t log_start_term;
    struct node_state_peer peers[NODE_STATE_PEERS_MAX]; /* incarnations met */
};

void node_state_encode(const struct node_state *superblock, uint8_t slot[NODE_STATE_SLOT_BYTES]);
/* NOT_FOUND: all zero, never written; VERSION; CORRUPT. */
MUST_CHECK enum status node_state_decode(struct slice slot, struct node_state *superblock);

/* Chooses among the slots of a whole file. CORRUPT when none is sound; VERSION when a slot is of a version that this
 * program does not know. */
MUST_CHECK enum status node_state_choose(struct slice file, struct node_state *superblock, struct error *error);

/* Blocking: makes the file with its first state, durable, name included (dir is the file's directory). EXISTS. */
MUST_CHECK enum status node_state_create(struct io *io, const char *dir, const struct node_state *superblock,
                                         struct error *error);
MUST_CHECK enum status node_state_read(struct io *io, const char *dir, struct node_state *superblock,
                                       struct error *error);
/* Opens for writing; the file is the caller's. Writes of a next state go to the slot of its generation:
 * superblock_offset. */
MUST_CHECK enum status node_state_open(struct io *io, const char *dir, struct io_file **file);

static inline uint64_t node_state_offset(const struct node_state *superblock) {
    return superblock->generation % 2 * NODE_STATE_STRIDE;
}

/* The incarnation of a node as met before; 0 = not met. */
uint64_t node_state_incarnation(const struct node_state *superblock, uint64_t node_id);
/* False when there is no room. */
bool node_state_note_incarnation(struct node_state *superblock, uint64_t node_id, uint64_t incarnation);

#endif
