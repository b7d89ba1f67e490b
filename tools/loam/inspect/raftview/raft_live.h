/*
 * raft_live: what a running node says of its replicated log (INFO raft, INFO limits), and what that means: what commit
 * waits for now, and who is behind by how much. Parsing and judging are pure.
 */
#ifndef TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_LIVE_H
#define TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_LIVE_H

#include "engine/io.h"
#include "raft/raft.h"
#include "tools/loam/inspect/raftview/raft_words.h"

enum { RAFT_LIVE_SILENT_MS = 400 /* so long unheard a peer counts as silent: an election timeout, many heartbeats */ };

struct raft_live_peer {
    uint64_t id, match, lag;
    bool connected, voter, learner, witness;
    int64_t last_heard_ms; /* -1: never, or the node itself */
    uint64_t in_flight_messages, in_flight_bytes;
    char progress[16]; /* "probe", "replicate", "snapshot"; "" where it does not lead */
    char client_address[IO_ADDRESS_BYTES];
};

struct raft_live {
    char address[IO_ADDRESS_BYTES]; /* that was asked */
    char role[16], disk[16], membership[16], cluster[24];
    uint64_t id, term, vote, leader, commit, applied, first, last, durable;
    uint64_t commit_waiting_ms, disk_waiting_ms, slow_disk_ms, doubt_term, guard_ms;
    bool guards, witness;
    struct raft_configuration configuration; /* voters and outgoing alone; */
    char members[512];                       /* all of it, as the node prints it */
    uint64_t log_bytes, log_limit_bytes, uncommitted_bytes, uncommitted_limit_bytes;
    struct raft_live_peer peers[RAFT_MEMBERS_MAX];
    size_t peer_count;
};

/* INFO's text, of the sections raft and limits. False: it has no raft section. */
bool raft_live_parse(struct raft_live *live, struct slice info);

/* Asks, for two seconds at most. TIMED_OUT, CLOSED, INVALID, DENIED, ... with words. */
MUST_CHECK enum status raft_live_ask(struct io *io, const char *address, const char *password, struct raft_live *live,
                                     struct error *error);

/* Of a leader: whose word the next commit waits for. */
struct raft_live_wait {
    uint64_t index;  /* the first entry that is not committed; 0 = all are */
    uint64_t last;   /* the last of the log */
    unsigned needed; /* acknowledgements more that a majority needs; in a joint configuration of the worse half */
    unsigned count;
    uint64_t ids[RAFT_MEMBERS_MAX]; /* voters who have not acknowledged `index` */
};
struct raft_live_wait raft_live_wait(const struct raft_live *live);

/* For people; and one object of JSON, without a newline. */
void raft_live_print(struct out *out, const struct raft_live *live);
void raft_live_json(struct out *out, const struct raft_live *live);

#endif
