/*
 * progress: what a leader knows of one member, and how it may send to it.
 *
 *     PROBE ------ack------> REPLICATE        PROBE: one append at a time, until a reply or a heartbeat's reply
 *       ^ <--reject, link---     |            REPLICATE: appends are sent ahead, as far as the window has room
 *       |                        |            SEND_SNAPSHOT: nothing but heartbeats, until the stream is reported or
 * the
 *       +------ SEND_SNAPSHOT <--+                           member acknowledges an index that the log still follows
 *
 * Lost messages are no event: whatever stops the flow (a probe on its way, a full window) is loosened by the next
 * heartbeat's reply.
 */
#ifndef RAFT_CORE_PROGRESS_H
#define RAFT_CORE_PROGRESS_H

#include "raft/core/log_time.h"
#include "raft/raft.h"

/* Appends on their way, oldest first: the last index of each, and its bytes. */
struct inflight {
    uint64_t last;
    size_t bytes;
};

struct inflights {
    struct inflight *ring; /* borrowed: limit_messages of them */
    unsigned head, count, limit_messages;
    size_t bytes, limit_bytes;
};

enum progress_vote { PROGRESS_VOTE_NONE, PROGRESS_VOTE_GRANTED, PROGRESS_VOTE_REFUSED };

struct progress {
    uint64_t id;
    enum raft_progress state;
    uint64_t match;          /* durable there and equal to our log up to here */
    uint64_t next;           /* the next entry to send; > match */
    uint64_t sent_commit;    /* the greatest commit index sent that it can use */
    uint64_t commit;         /* what it said of its own commit index */
    uint64_t snapshot_index; /* SEND_SNAPSHOT: what it will have at least */
    bool paused;     /* PROBE: an append is on its way. REPLICATE: the window was full when it was last looked at */
    bool append_due; /* send an append, even an empty one */
    bool heartbeat_due;
    bool snapshot_due;    /* the driver has not been told to stream yet */
    bool recently_active; /* heard since the last check of the quorum */
    struct inflights inflights;

    enum progress_vote vote; /* of this member, in our campaign */
    bool vote_due;           /* we have not asked yet */
    uint64_t acked_round;    /* latest read round of this term that it has answered */
    struct log_time_clock clock;
    bool is_witness;   /* as it said: leadership is offered to others */
    uint64_t guard_ms; /* what it said last; of any term. 0 = nothing */
};

/* All that a new term forgets. */
void progress_reset(struct progress *progress, uint64_t match, uint64_t next);

void progress_become_probe(struct progress *progress);
void progress_become_replicate(struct progress *progress);
void progress_become_snapshot(struct progress *progress, uint64_t index);

bool progress_is_paused(const struct progress *progress);
/* Would the commit index tell it something that it can use? */
bool progress_wants_commit(const struct progress *progress, uint64_t commit);

/* An append with `entries` entries was sent. */
void progress_sent(struct progress *progress, unsigned entries, size_t bytes, uint64_t commit);
/* It acknowledged up to index. False: nothing new. */
bool progress_acknowledge(struct progress *progress, uint64_t index);
/* It lost what it had above index. */
void progress_lose(struct progress *progress, uint64_t index);
/* It refused the append after `rejected`; its log may match at `hint`. False: late, nothing changed. */
bool progress_refuse(struct progress *progress, uint64_t rejected, uint64_t hint);

bool inflights_are_full(const struct inflights *inflights);
void inflights_add(struct inflights *inflights, uint64_t last, size_t bytes);
void inflights_free(struct inflights *inflights, uint64_t index); /* all that end at or below index */
void inflights_clear(struct inflights *inflights);

#endif
