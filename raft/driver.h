/*
 * driver: a node's replicated log at work. It owns the engine, the log, the hard state, the sessions and the peer
 * connections, runs the pure core (raft/raft.h), and is the only place where the order persist -> send -> apply
 * stands.
 *
 * Everything happens on the loop thread of its io: completions of its operations, and raft_driver_turn, which the loop
 * calls once per turn after it has handed in requests. All that one turn brings becomes one group of the log: one
 * write, one barrier.
 *
 * A request's life: the client's node gives it a serial of the node's session, forwards it to the leader in one hop
 * (or proposes it itself), sends it again after a change of leader, and answers when its own apply has passed the
 * entry. Each is applied once.
 */
#ifndef RAFT_DRIVER_H
#define RAFT_DRIVER_H

#include "engine/engine.h"
#include "raft/raft.h"
#include "raft/state_machine.h"

#pragma GCC visibility push(default)

struct raft_driver;

enum {
    RAFT_NODES_MAX = 16,
    RAFT_RETIRED_MS = 10000,
    RAFT_ENTRY_LIMIT_BYTES = 8 << 20, /* default for one operation */
};

struct raft_member {
    uint64_t id; /* 1.. */
    char peer_address[IO_ADDRESS_BYTES];
    char client_address[IO_ADDRESS_BYTES];
    uint64_t incarnation; /* of its directory; 0 = that of whoever comes first under this id */
};

/* A directory's identity: made once, never changed but for the incarnation of a wiped node. */
struct raft_identity {
    uint64_t cluster_id;
    uint64_t node_id;
    uint64_t incarnation; /* drawn when the directory is made */
};

/* What a node is, for good: its directory remembers. */
enum raft_node_kind {
    RAFT_NODE_FULL,
    RAFT_NODE_WITNESS, /* votes, acknowledges entries and keeps nothing of what they do; never leads, serves no client
                        */
};

/*
 * Makes a node's directory: identity, empty log, no state. EXISTS if one is there. cluster_id 0 = drawn from the
 * members' list, so that nodes of one start agree. Blocking.
 */
MUST_CHECK enum status raft_directory_create(struct io *io, const char *dir, enum raft_node_kind kind,
                                             uint64_t cluster_id, uint64_t node_id, const struct raft_member *members,
                                             size_t member_count, struct error *error);
/*
 * The same for a node that is to be added to a cluster that runs: it belongs to no configuration until it reads in the
 * log that it does (raft_driver_change), and neither votes nor campaigns before. INVALID without a cluster's id.
 * *identity is what the cluster must be told of it.
 */
MUST_CHECK enum status raft_directory_create_joining(struct io *io, const char *dir, enum raft_node_kind kind,
                                                     uint64_t cluster_id, uint64_t node_id,
                                                     struct raft_identity *identity, struct error *error);

struct raft_driver_options {
    struct log *log;
    uint64_t node_id;
    /* Who was there at the beginning: what the directory was made with, and nothing that contradicts the log once that
     * says who the members are. For a node that waits to be added: itself, and whom it may hear of it from. */
    struct raft_member members[RAFT_NODES_MAX];
    size_t member_count;
    const char *peer_listen;              /* NULL = the member's peer_address */
    struct slice peer_secret;             /* empty = none (loopback only) */
    const struct state_machine *machines; /* borrowed; one row per store */
    size_t machine_count;
    struct engine_options engine; /* kinds, wal, owner_seals and log are filled in by the driver */
    /* 0 = the default in brackets. */
    uint32_t tick_ms;               /* [20] */
    uint32_t heartbeat_ticks;       /* [3] */
    uint32_t election_ticks;        /* [20]; randomised up to twice */
    size_t entry_limit_bytes;       /* [RAFT_ENTRY_LIMIT_BYTES] */
    uint64_t log_limit_bytes;       /* live log; forces a flush, then pushes back [256 MiB] */
    uint64_t log_segment_bytes;     /* [16 MiB] */
    size_t uncommitted_limit_bytes; /* [32 MiB] */
    uint32_t pending_requests;      /* of this node, unanswered: the session's window [4096] */
    size_t reply_memory_bytes;      /* kept replies of sessions between two flushes; then they become rows [4 MiB] */
    uint64_t snapshot_rate_bytes;   /* per second and receiver [64 MiB] */
    uint64_t scrub_rate_bytes;      /* per second, of what is read again only to see whether it is sound [8 MiB] */
    uint32_t scrub_interval_s;      /* between two passes over all; the first begins within ten minutes [86400] */
    uint32_t slow_disk_ms;          /* a leader whose disk owes a write for so long, while a majority has it, gives its
                                       place to another [1000] */
    /*
     * Leases (raft/README.md): a new leader commits nothing until guard_ms after the last entry of former terms came
     * [heartbeat_ticks + 1 ticks, at most RAFT_GUARD_MS_MAX]; a leader reads without a round for the shortest guard of
     * all members after its last entry, less what two steady clocks may part that are each off by drift_permille [50].
     */
    uint32_t guard_ms, drift_permille;
    bool no_lease; /* reads at this node, while it leads, take a round each time */
    /* Who should lead: a leader gives its place to a voter of higher priority that is well, caught up, and has been so
     * for five election timeouts [100]. */
    uint32_t priority;
    uint32_t leaderless_wait_ms; /* a request waits so long for a leader, then NOT_LEADER: not applied [2000] */
    /* Something that a person would want to know changed (role, leader). May be NULL. */
    void (*on_change)(void *context);
    void *context;
};

/*
 * Opens the directory, replays the log into the engine, calls each machine's after_restore, listens for peers.
 * Blocking. FAULTY, CORRUPT, LOCKED, MISMATCH, ... with words.
 */
MUST_CHECK enum status raft_driver_open(struct io *io, const char *dir, const struct raft_driver_options *options,
                                        struct raft_driver **driver, struct error *error);
/* Ends it: pending requests are answered CANCELLED (outcome unknown), connections closed, nothing flushed. */
void raft_driver_close(struct raft_driver *driver);
/*
 * While it ran, the node met damage in its log or store, has halted, and has set aside what is damaged: it is to be
 * closed and opened anew, and has all again from the others then (raft/README.md).
 */
bool raft_driver_wants_reopen(const struct raft_driver *driver);

/*
 * A node's directory, read without the node: what the store has flushed, and after it the entries of the log that are
 * known to be committed, applied in memory; nothing on disk is changed, no lock is taken. The node may run meanwhile:
 * what is open stays readable, but opening may meet what does not fit together, as damage: open it again then.
 * Blocking; one thread.
 */
struct raft_reading;

struct raft_reading_options {
    struct log *log;
    const struct state_machine *machines; /* borrowed; the node's table */
    size_t machine_count;
    const struct raft_member *founders; /* borrowed; NULL = not known */
    size_t founder_count;
    bool explains; /* engine_options.explains, of its store */
    /* Told of each batch that an entry of the log became, in order; borrowed for the call. What it answers, if not OK,
     * ends the opening. NULL = nobody. */
    enum status (*on_batch)(void *context, const struct engine_batch *batch);
    void *context;    /* of on_batch */
    bool uncommitted; /* also entries that are in the log and not known to be committed: a leader may replace them */
};

struct raft_reading_facts {
    struct raft_identity identity;
    uint64_t flushed; /* index up to which the store's files go */
    uint64_t applied; /* what is shown */
    uint64_t commit;  /* known to be committed; a node notes that behind the next entries, so more may be */
    uint64_t last;    /* of the log */
    int64_t log_time_ms;
    uint64_t state_hash;
    bool witness; /* it has the log's order, and none of the data */
};

/* Which directory in a node's is its store: `path`, as the node's superblock says, whether or not it is there.
 * NOT_FOUND: `dir` is no node's; CORRUPT, VERSION with words. Blocking. */
MUST_CHECK enum status raft_store_path(struct io *io, const char *dir, char path[IO_PATH_BYTES], struct error *error);

/* What a node's superblock says of its directory. As raft_store_path; for tools. */
struct raft_directory {
    struct raft_identity identity;
    char store[IO_PATH_BYTES];
    char log[IO_PATH_BYTES];
    uint64_t log_from;  /* records below this position do not count */
    uint64_t log_start; /* index on which the log stood there */
};
MUST_CHECK enum status raft_directory_read(struct io *io, const char *dir, struct raft_directory *directory,
                                           struct error *error);

/* FAULTY, CORRUPT, NOT_FOUND (no node's directory), BUSY (the log has more changes than memory should hold), ... with
 * words. */
MUST_CHECK enum status raft_reading_open(struct io *io, const char *dir, const struct raft_reading_options *options,
                                         struct raft_reading **reading, struct error *error);
struct engine *raft_reading_engine(struct raft_reading *reading);
void raft_reading_get_facts(const struct raft_reading *reading, struct raft_reading_facts *facts);
/* As of what is applied; borrowed from the reading. Without voters where the founders are not known: while no change
 * of members is in the directory, they are in the options of the node alone. */
const struct raft_configuration *raft_reading_configuration(const struct raft_reading *reading);
void raft_reading_close(struct raft_reading *reading); /* NULL is allowed */

/*
 * A majority is lost for good: the survivors go on without it, from what this directory holds. *found tells what that
 * is; with `write` the directory's log gets the configuration of the survivors (sorted, this node among them) as its
 * last entry, committed by decree. Do so to one directory only, whose (last_term, last) is the greatest of all
 * survivors', with all nodes ended, and never start the others again.
 *
 * What may be lost: entries that are not in this log and were committed all the same, by those who are gone; and what
 * is in this log and was never committed will be. Blocking; takes the directory's lock. INVALID with words: the
 * survivors are a majority, or no members; LOCKED: the node runs; FAULTY, CORRUPT.
 */
struct raft_recovery {
    struct raft_identity identity;
    uint64_t last, last_term; /* of the log */
    uint64_t known_commit;    /* entries above may never have been acknowledged to anybody */
    uint64_t term;            /* of the new entry */
    struct raft_configuration before, after;
};
MUST_CHECK enum status raft_directory_recover(struct io *io, const char *dir,
                                              const struct raft_reading_options *options, const uint64_t *survivors,
                                              size_t count, bool write, struct raft_recovery *found,
                                              struct error *error);

/*
 * One write, or one read barrier, of a client; the caller's memory until done was called or raft_driver_cancel
 * returned. done runs on the loop thread, never inside the call that handed the request in.
 *
 * propose: OK and the reply of apply (borrowed for the call). Not applied: BUSY (a limit), NOT_LEADER (none for too
 *          long), READ_ONLY (the disk failed: this node halted), TOO_LARGE, INVALID. Outcome unknown: CANCELLED,
 *          SESSION_LOST. TIMED_OUT does not happen: a request with a leader is answered.
 * read:    OK when this node has applied all that was committed when the read was handed in: read the engine now, in
 *          this call. BUSY, NOT_LEADER, READ_ONLY as above.
 */
struct raft_request {
    void (*done)(struct raft_request *request, enum status status, struct slice reply);
    void *context;
    uint64_t index; /* out, propose: the entry's; WAIT compares it with voters' durable indexes */

    struct list link;   /* the driver's */
    uint64_t driver[4]; /* the driver's */
};
/* Takes a copy of operation. */
void raft_driver_propose(struct raft_driver *driver, uint8_t store, struct slice operation,
                         struct raft_request *request);
void raft_driver_read(struct raft_driver *driver, struct raft_request *request);
/* Commits an entry that does nothing but carry the time, so that log time passes what the clocks say now; done when
 * this node has applied one that was proposed after the call. Many callers share one entry in flight. */
void raft_driver_tick_time(struct raft_driver *driver, struct raft_request *request);
/*
 * Gives leadership to a voter: it is brought up to date, told to campaign, and answers for itself. Writes wait
 * meanwhile. done: OK, `to` leads (this node itself: it leads on, and gives up what it was about to do); NOT_LEADER,
 * this node does not; INVALID, no voter; BUSY, another is under way, or the voter is being sent a snapshot; READ_ONLY
 * as above; TIMED_OUT, it did not come about: the leader is who the status says; CANCELLED, this node closes.
 */
void raft_driver_transfer(struct raft_driver *driver, uint64_t to, struct raft_request *request);

/* Another set of members: raft.h says what a change may be. */
struct raft_driver_change {
    struct raft_change change;
    struct raft_member added[RAFT_MEMBERS_MAX]; /* who is new, or has moved: both addresses; incarnation 0 = what is
                                                   known stays */
    unsigned added_count;
};
/*
 * Proposes it, as leader. First the log learns where all members are, then who they are; each node connects to a
 * newcomer once it has applied the first, and counts it by the second. A member that is to have a vote must have caught
 * up as a learner (4.2.1). One that is gone from the configuration is still heard for RAFT_RETIRED_MS, as it may know
 * of the change what others don't.
 *
 * OK: done is called once: OK, this node has applied the change, and a joint configuration that leaves by itself was
 * left; TIMED_OUT, CANCELLED: the outcome is unknown, the status tells what holds. Anything else: nothing was proposed,
 * done will not be called, *error says why: NOT_LEADER, READ_ONLY, INVALID, BUSY (another change or a transfer is under
 * way, a new voter is behind, the log is full).
 */
MUST_CHECK enum status raft_driver_change(struct raft_driver *driver, const struct raft_driver_change *change,
                                          struct raft_request *request, struct error *error);
/* The client has gone: done will not be called. The write may still happen. */
void raft_driver_cancel(struct raft_driver *driver, struct raft_request *request);

/*
 * End of a loop turn: proposes, sends, starts the commit, applies what is committed (a bounded slice). Returns when it
 * wants the next turn at the latest (io_now_ns clock).
 */
uint64_t raft_driver_turn(struct raft_driver *driver);

/*
 * 0..1000: how close the tightest limit is (uncommitted tail, log cap, engine pressure, request window). At 1000 stop
 * reading client sockets until it falls.
 */
unsigned raft_driver_pressure(const struct raft_driver *driver);

struct engine *
raft_driver_engine(struct raft_driver *driver); /* may change with a snapshot install, between turns: ask each time */
/* Starts a flush of all that is applied; engine_installed tells when it is there. Nothing new is OK. */
MUST_CHECK enum status raft_driver_flush_start(struct raft_driver *driver);
/*
 * A pool job that reads the engine pins it for as long: a snapshot install waits for the last unpin before it replaces
 * the engine. False, and nothing is pinned: an install is under way, which no newcomer may hold up; raft_driver_read
 * answers when it has ended. Loop thread.
 */
MUST_CHECK bool raft_driver_pin_engine(struct raft_driver *driver);
void raft_driver_unpin_engine(struct raft_driver *driver);
int64_t raft_driver_log_time(const struct raft_driver *driver); /* of the last applied entry */
/* Asks the leader how many voters hold index; done's reply is a REPLY_INTEGER. */
void raft_driver_count_durable(struct raft_driver *driver, uint64_t index, struct raft_request *request);

struct raft_driver_status {
    struct raft_identity identity;
    enum raft_role role;
    uint64_t term, vote, leader; /* leader 0 = unknown */
    uint64_t commit, applied, first_index, last_index, durable_index;
    uint64_t commit_waiting_ms; /* so long commit has stood still while entries above it are in the log; 0 = none are */
    int64_t log_time_ms;
    uint64_t state_hash; /* chain over every applied batch; 0 of a witness */
    uint64_t log_bytes, log_limit_bytes;
    uint64_t uncommitted_bytes, uncommitted_limit_bytes;
    uint64_t requests, request_limit;
    uint64_t sessions, session_limit;
    uint64_t reply_bytes, reply_limit_bytes; /* kept replies that are no rows yet */
    uint64_t elections, leader_changes, snapshots_sent, snapshots_installed;
    uint64_t proposals, applied_entries, read_rounds, reads;
    uint64_t lease_ms;    /* so long is the lease that it holds now; 0 = none */
    uint64_t lease_reads; /* of the read rounds that this node was asked for as leader: done without one */
    uint32_t guard_ms, priority;
    bool guards;                              /* it leads, and commits nothing yet */
    uint64_t gave_to_higher;                  /* leadership was offered to a node of higher priority */
    uint64_t apply_stalls;                    /* entries whose apply waited for a read, its own or one ahead */
    uint64_t prefetch_looks;                  /* entries that were looked at when they were appended */
    uint64_t prefetched_entries;              /* of these: whose rows were not in memory, and were read ahead */
    uint64_t prefetch_lost;                   /* of these: whose blocks had gone again when apply came */
    uint64_t prefetch_ahead, prefetch_window; /* entries read ahead and not applied yet, and their present limit */
    uint64_t log_commits, log_syncs, log_written_bytes;
    struct raft_configuration configuration; /* in force; without voters: this node waits to be added */
    bool witness;                            /* it votes, and keeps no data */
    bool removed;                            /* the configuration is known, and this node has no place in it */
    bool disk_failed;                        /* this node has halted */
    bool disk_slow;                          /* it campaigns only where nobody else does ... */
    uint64_t disk_slow_ms;                   /* ... for so long, of the time that this process had */
    uint64_t disk_ahead_ms;                  /* so long it has led while others held more than its disk, by that time */
    bool disk_rests;          /* it leads on for a while, slow or not: it was elected so, or has offered leadership */
    uint64_t disk_waiting_ms; /* how long the oldest write has waited, and what is called slow */
    uint64_t slow_disk_ms;
    uint64_t doubt_term; /* not 0: something was damaged, and is being had from the others */
    uint64_t scrub_passes, scrub_findings;
    int64_t scrub_ended_ms; /* so long ago the last pass ended; -1: none yet */
    uint64_t scrub_bytes;   /* of the pass under way, or of the last one */
    uint64_t scrub_rate_bytes, scrub_interval_s;
    bool repairing;                          /* damage was met: raft_driver_wants_reopen says when it is set aside */
    uint64_t repairs;                        /* since this node was opened */
    uint64_t set_aside_store, set_aside_log; /* numbers of directories kept for people: 0 = none; log: 1 + number */
    uint64_t gave_way;                       /* how often this node gave leadership away because its disk was slow */
    size_t peer_count;
    struct raft_peer_status {
        struct raft_member member;
        bool connected;
        bool voter;           /* now or, in a joint configuration, until it is left */
        bool witness;         /* as it told */
        bool learner;         /* neither: no configuration names it yet, or none is known */
        uint64_t match, next; /* known on the leader */
        uint64_t in_flight_messages, in_flight_bytes;
        const char *progress;        /* "probe", "replicate", "snapshot", "" when not leader */
        uint32_t guard_ms, priority; /* as it told; 0 = it did not; of the node itself its own */
        int64_t last_heard_ms;       /* so long ago; -1: never, or the node itself */
    } peers[RAFT_NODES_MAX];
};
void raft_driver_get_status(const struct raft_driver *driver, struct raft_driver_status *status);
/* It was damaged, and lacks what it does not have from the others yet: its store may be an empty one. */
bool raft_driver_is_in_doubt(const struct raft_driver *driver);
bool raft_driver_is_witness(const struct raft_driver *driver); /* its engine holds nothing that could be served */
/* Of the status, what changes with every entry; cheap. */
struct raft_driver_applied {
    uint64_t index, state_hash, snapshots_installed, gave_way, repairs, scrub_passes;
    uint64_t written; /* the last entry that a client wrote, applied in this life; 0 = none */
    bool repairing;
    bool disk_slow;
    bool is_joint; /* the configuration in force */
};
struct raft_driver_applied raft_driver_get_applied(const struct raft_driver *driver);
/* NULL, or a static sentence that names what does not hold of core and driver together. */
const char *raft_driver_check_invariants(const struct raft_driver *driver);
/* The core, to look at: terms of entries, invariants. For the simulator and for tests. */
const struct raft *raft_driver_core(const struct raft_driver *driver);

/* Fault injection for --lab: frames to (out) or from (in) a peer are dropped until passed again. */
MUST_CHECK enum status raft_driver_set_link(struct raft_driver *driver, uint64_t peer, bool drop_in, bool drop_out);

#pragma GCC visibility pop

#endif
