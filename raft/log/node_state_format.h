/*
 * node_state_format: one slot of the node's superblock as bytes. Pure. Bytes: raft/log/FORMAT.md.
 */
#ifndef RAFT_LOG_NODE_STATE_FORMAT_H
#define RAFT_LOG_NODE_STATE_FORMAT_H

#include "engine/io.h"

enum {
    NODE_STATE_SLOT_BYTES = IO_SECTOR_BYTES,
    NODE_STATE_STRIDE = IO_PAGE_BYTES, /* slot n begins at n * stride */
    NODE_STATE_BYTES = 2 * NODE_STATE_STRIDE,
    NODE_STATE_PEERS_MAX = 16,
    NODE_STATE_VERSION_PLAIN = 1,
    NODE_STATE_VERSION_REPAIRED = 2, /* with what a repair left behind; written only where there is such */
    NODE_STATE_VERSION = 3,          /* of a witness, which a program of version 2 would let lead */
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
    uint64_t doubt_term;     /* not 0: of what was acknowledged in terms up to this one, some may be missing */
    uint64_t log_number;     /* which directory holds the log; 0 = "log" */
    uint64_t damaged_engine; /* number of a store that was set aside, 0 = none */
    uint64_t damaged_log;    /* 1 + number of a log that was, 0 = none */
    bool is_witness;         /* it votes, and keeps no data */
    struct node_state_peer peers[NODE_STATE_PEERS_MAX]; /* incarnations met */
};

void node_state_encode(const struct node_state *superblock, uint8_t slot[NODE_STATE_SLOT_BYTES]);
/* NOT_FOUND: all zero, never written; VERSION; CORRUPT. */
MUST_CHECK enum status node_state_decode(struct slice slot, struct node_state *superblock);

#endif
