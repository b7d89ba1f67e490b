/*
 * node_state: the superblock: who a node is, and what it has promised: identity, term and vote, which engine directory
 * and which part of the log are its own. Two slots in one file, written one after the other: a torn slot leaves the
 * other. Bytes: raft/log/FORMAT.md.
 *
 * Invariant: the file always holds one sound slot, the newest that was ever reported durable, or a newer one; both
 * slots hold what was reported durable, so that it outlives the loss of either.
 */
#ifndef RAFT_LOG_NODE_STATE_H
#define RAFT_LOG_NODE_STATE_H

#include "raft/log/node_state_format.h"

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
/* It is as if it had not been met. */
void node_state_forget_incarnation(struct node_state *superblock, uint64_t node_id);

#endif
