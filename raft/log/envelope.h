/*
 * envelope: what a COMMAND entry holds: a head that is the same on every replica, and one operation of one store
 * (FORMAT.md). Operations of store 0 are raft's own.
 */
#ifndef RAFT_LOG_ENVELOPE_H
#define RAFT_LOG_ENVELOPE_H

#include "raft/log/system_row.h"
#include "raft/state_machine.h"

enum { ENVELOPE_HEAD_BYTES = 34, ENVELOPE_VERSION = 1 };

/* session 0: none, serial is 0, too. */
void envelope_encode(uint8_t head[ENVELOPE_HEAD_BYTES], const struct envelope *envelope, uint8_t store);
/* index and term are the caller's to fill in. VERSION, CORRUPT. */
MUST_CHECK enum status envelope_decode(struct slice bytes, struct envelope *envelope, uint8_t *store,
                                       struct slice *operation);

enum own_kind {
    OWN_OPEN_SESSION = 1, /* by a node that takes writes; nonce tells it which opening is its own */
    OWN_TICK = 2,         /* carries the time, and nothing else */
    OWN_MEMBER = 3,       /* where a node is; ahead of the configuration that names it */
};
enum { OWN_BYTES_MAX = 1 + SYSTEM_MEMBER_BYTES_MAX };

struct own_operation {
    enum own_kind kind;
    uint64_t node_id, nonce;   /* OPEN_SESSION */
    struct raft_member member; /* MEMBER */
};
size_t own_encode(uint8_t to[OWN_BYTES_MAX], const struct own_operation *operation);
/* UNSUPPORTED: of a kind that this version does not know; CORRUPT. */
MUST_CHECK enum status own_decode(struct slice bytes, struct own_operation *operation);

#endif
