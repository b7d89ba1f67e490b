/*
 * raft: consensus as a pure state machine (Ongaro, "Consensus: Bridging Theory and Practice", 2014; details as in
 * etcd's core).
 *
 * An event goes in (raft_step), effects are drained in batches (raft_ready). No I/O, no clock, no entropy, no global
 * state, and no allocation after raft_create: the same events give the same effects, the same prints and the same hash
 * on every machine.
 *
 * The core keeps no entries. It knows the terms of the log by a bounded table of (term, first index), and where the log
 * starts, ends, is durable, is committed, is applied. The *log* (the bytes) is the caller's: it follows the core by
 * struct raft_outcome, and answers raft_options.measure.
 *
 * The caller's duties (raft/README.md argues each):
 *  1. Before an event that brings entries (MESSAGE of kind APPEND, PROPOSE), reserve the memory to take them; if that
 *     fails, don't step: drop the message, refuse the proposal. Have room for one entry of RAFT_MADE_ENTRY_BYTES at
 *     every event: the core makes entries of its own (no-op, leave joint).
 *  2. After each event with outcome.put_count > 0, at once: forget the log from outcome.put_first on, and take
 *     outcome.put there.
 *  3. Drain raft_ready until it says false, once per loop turn or more often. In a ready: start the persist work, send
 *     the messages, apply what is committed; these three need not wait for each other: what must not be sent before it
 *     is durable is kept back by the core.
 *  4. Persist work of ready number n is: the install, then the hard state, then the entries [append_first, append_last]
 *     after cutting what was written from append_first on, then the note of the commit index: a few bytes in the log,
 *     that cost no barrier of their own. Works are carried out in order of number; PERSISTED n is stepped when 1..n are
 *     durable, never before. After a failure: HALT.
 *  5. Apply committed entries in order, each once; say APPLIED. For a CONFIGURATION entry step APPLY_CONFIGURATION at
 *     its place in that order.
 *  6. Read contexts are never used twice while the core lives.
 *  7. CLOCK is stepped before the TICKs of a turn, and once more after the READs of a turn: a lease serves only reads
 *     that came before the last CLOCK. steady_ms comes from a clock that runs, also while the process is paused, within
 *     drift_permille of true time; reads by lease are linearizable if that holds on the node that leads and on the node
 *     that leads next, and nothing else hangs on it. GUARD is stepped with what each member says of itself.
 *  8. Messages come from a transport that knows who is at the other end: message.from is true, and message.to is this
 *     node in this incarnation.
 *
 * Not thread-safe; one owner. Pointers in an event are borrowed for the call; pointers in an outcome until the next
 * event; in a ready until the next call of any function that takes a non-const struct raft.
 */
#ifndef RAFT_RAFT_H
#define RAFT_RAFT_H

#include "engine/base/buf.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

#pragma GCC visibility push(default)

struct raft;

enum {
    RAFT_MEMBERS_MAX = 16, /* voters of both halves of a joint configuration and learners, together */
    RAFT_CONFIGURATION_BYTES_MAX = 8 + 4 * (1 + 8 * RAFT_MEMBERS_MAX), /* of an encoded configuration */
    RAFT_MADE_ENTRY_BYTES = RAFT_CONFIGURATION_BYTES_MAX,
    RAFT_GUARD_MS_MAX = 400, /* the longest guard, and so the longest lease: the same in every version */
};

/* ---- entries and configurations ---------------------------------------------------------------------------------- */

enum raft_entry_kind {
    RAFT_ENTRY_NOOP = 1,          /* the first entry of a term, or one that renews a lease; no bytes */
    RAFT_ENTRY_COMMAND = 2,       /* the state machine's */
    RAFT_ENTRY_CONFIGURATION = 3, /* the whole configuration that holds from here on: raft_configuration_encode */
};

struct raft_entry {
    uint64_t term; /* written by the core in a proposal */
    enum raft_entry_kind kind;
    struct slice bytes; /* borrowed */
};

/*
 * Members by node id (never 0), each list sorted ascending without repeats. While outgoing_count > 0 the configuration
 * is joint: decisions need a majority of voters and a majority of outgoing (dissertation 4.3). A voter of outgoing that
 * becomes a learner waits in learners_next. A learner receives entries and decides nothing.
 */
struct raft_configuration {
    uint64_t voters[RAFT_MEMBERS_MAX];
    uint64_t outgoing[RAFT_MEMBERS_MAX];
    uint64_t learners[RAFT_MEMBERS_MAX];
    uint64_t learners_next[RAFT_MEMBERS_MAX];
    uint8_t voter_count, outgoing_count, learner_count, learner_next_count;
    bool auto_leave; /* the leader leaves the joint configuration by itself once it is applied */
};

enum raft_change_kind { RAFT_CHANGE_ADD_VOTER, RAFT_CHANGE_ADD_LEARNER, RAFT_CHANGE_REMOVE, RAFT_CHANGE_UPDATE };
enum raft_transition {
    RAFT_TRANSITION_AUTO,
    RAFT_TRANSITION_JOINT_IMPLICIT,
    RAFT_TRANSITION_JOINT_EXPLICIT,
    RAFT_TRANSITION_SIMPLE, /* in one step: INVALID when that moves more than one voter */
};

struct raft_change {
    enum raft_transition
        transition; /* AUTO: one change is made in one step, more by a joint configuration that is left by itself */
    unsigned count; /* 0 = leave the joint configuration */
    struct {
        enum raft_change_kind kind;
        uint64_t id;
    } items[RAFT_MEMBERS_MAX];
};

/*
 * No null or repeated id, lists sorted, learners apart from voters, learners_next within outgoing, at most
 * RAFT_MEMBERS_MAX members, at least one voter.
 */
bool raft_configuration_is_valid(const struct raft_configuration *configuration);
bool raft_configuration_equal(const struct raft_configuration *a, const struct raft_configuration *b);
bool raft_configuration_has(const struct raft_configuration *configuration, uint64_t id); /* in any list */
bool raft_configuration_has_voter(const struct raft_configuration *configuration,
                                  uint64_t id); /* in voters or outgoing */
/*
 * *to = what `from` becomes by the change. INVALID with a static sentence in *why (may be NULL) when the change is not
 * allowed.
 */
MUST_CHECK enum status raft_configuration_change(const struct raft_configuration *from,
                                                 const struct raft_change *change, struct raft_configuration *to,
                                                 const char **why);
/*
 * Bytes: raft/message/FORMAT.md. encode writes at most RAFT_CONFIGURATION_BYTES_MAX and returns how many; decode:
 * CORRUPT unless valid.
 */
size_t raft_configuration_encode(const struct raft_configuration *configuration, uint8_t *to);
MUST_CHECK enum status raft_configuration_decode(struct slice bytes, struct raft_configuration *configuration);
MUST_CHECK enum status
raft_configuration_print(struct buf *to,
                         const struct raft_configuration *configuration); /* "voters=(1 2 3)&&(1) autoleave" */

/* ---- messages ---------------------------------------------------------------------------------------------------- */

/* The numbers are on the wire. */
enum raft_message_kind {
    RAFT_PRE_VOTE = 1,
    RAFT_PRE_VOTE_REPLY = 2,
    RAFT_VOTE = 3,
    RAFT_VOTE_REPLY = 4,
    RAFT_APPEND = 5,
    RAFT_APPEND_REPLY = 6,
    RAFT_HEARTBEAT = 7,
    RAFT_HEARTBEAT_REPLY = 8,
    RAFT_SNAPSHOT = 9, /* never among the effects: the driver streams, and the receiving driver steps this once the
                          whole snapshot is there and verified */
    RAFT_READ = 10,
    RAFT_READ_REPLY = 11,
    RAFT_TIMEOUT_NOW = 12, /* to whom the leader gives its place: campaign at once */
};

/* One struct for all kinds; a field that a kind does not name is 0. Every kind has kind, from, to, term. */
struct raft_message {
    enum raft_message_kind kind;
    uint64_t from, to;
    uint64_t term; /* the sender's; PRE_VOTE and its granting reply: the term that would be campaigned for */

    uint64_t index; /* (PRE_)VOTE: last index. APPEND: index before the first entry. APPEND_REPLY: what is durable and
                       matches, or the refused index. SNAPSHOT: its index. READ_REPLY: the read index */
    uint64_t log_term; /* (PRE_)VOTE: term of the last entry. APPEND: of the entry at `index`. SNAPSHOT: of its index */
    uint64_t commit;   /* APPEND, HEARTBEAT: what the receiver may commit. (PRE_)VOTE_REPLY: the sender's commit index.
                          APPEND_REPLY, HEARTBEAT_REPLY: as far as it is durable there */

    bool handed; /* VOTE: the candidate campaigns because the leader told it to */
    bool reject; /* (PRE_)VOTE_REPLY, APPEND_REPLY */
    bool lost;   /* APPEND_REPLY that rejects: entries that were acknowledged are gone, what was said of them does
                    not hold */
    uint64_t hint_index; /* APPEND_REPLY that rejects: the follower's log may match here, and nowhere above ... */
    uint64_t hint_term;  /* ... and this is its term there (0 = unknown or none). (PRE_)VOTE_REPLY: term of its commit
                            index */

    uint64_t round;   /* HEARTBEAT and its reply: the leader's latest read round in this term, 0 = none yet; the reply
                         copies it */
    uint64_t context; /* READ and its reply: the asking caller's */
    uint64_t life;    /* READ and its reply: which life of the asking node; an answer to a former life is dropped */

    uint64_t clock_ms;    /* HEARTBEAT_REPLY, APPEND_REPLY: the sender's wall clock */
    uint64_t log_time_ms; /* APPEND, HEARTBEAT: the greatest log time the leader has given out */

    unsigned entry_count; /* APPEND: the entries index+1 .. index+entry_count */
    const struct raft_entry
        *entries; /* APPEND: given in an event. Among the effects it is NULL: the driver fills in from its log */

    const struct raft_configuration *configuration; /* SNAPSHOT: as of its index; borrowed */
};

const char *raft_message_kind_name(enum raft_message_kind kind);

/* ---- events ------------------------------------------------------------------------------------------------------ */

struct raft_hard_state {
    uint64_t term;
    uint64_t vote; /* 0 = none in this term */
};

enum raft_event_kind {
    RAFT_EVENT_CLOCK, /* what time it is; before TICK, before PROPOSE where log time should be fresh, after READ */
    RAFT_EVENT_TICK,  /* one tick of the caller's timer has passed */
    RAFT_EVENT_MESSAGE,
    RAFT_EVENT_PROPOSE,        /* COMMAND entries, all or none: NOT_LEADER, BUSY (uncommitted tail full, a transfer is
                                  under way) */
    RAFT_EVENT_PROPOSE_CHANGE, /* NOT_LEADER, BUSY (one is pending, or a transfer), INVALID */
    RAFT_EVENT_READ, /* NOT_LEADER (none is known), BUSY. The answer comes as a read state; none comes if a message is
                        lost: ask again, new context */
    RAFT_EVENT_PERSISTED,           /* all works up to `number` are durable */
    RAFT_EVENT_APPLIED,             /* all entries up to `index` are applied */
    RAFT_EVENT_APPLY_CONFIGURATION, /* the configuration entry at `index` is being applied */
    RAFT_EVENT_COMPACTED,           /* the log has dropped everything up to and including `index`, which is applied */
    RAFT_EVENT_SNAPSHOT_REPORT,     /* the stream to `peer` ended: `ok`, and which index it had */
    RAFT_EVENT_LINK,  /* the connection to `peer` came up (ok) or broke; a leader whose link broke and who is not heard
                         over another one soon is taken for gone before the timeout */
    RAFT_EVENT_GUARD, /* `peer` has told its guard_ms, and whether it is a witness; the former is forgotten when its
                         LINK comes up */
    RAFT_EVENT_TRANSFER, /* give leadership to `to`: NOT_LEADER, INVALID (no voter), BUSY (another transfer is under
                            way, or the voter is being sent a snapshot). This node itself: give up a transfer. It is
                            over with a new leader, or after election_ticks: raft_transfer_target */
    RAFT_EVENT_CAMPAIGN, /* start an election now, where it is allowed: tools, tests */
    RAFT_EVENT_HALT,  /* the disk failed: give up leadership; vote, acknowledge and persist nothing any more. For good.
                         A leader's last word tells the voter who holds most to campaign at once */
    RAFT_EVENT_WHOLE, /* the log holds all again that this node has acknowledged: doubt_term is over */
    RAFT_EVENT_DISK,  /* the disk is slow, or no longer: while it is, the node campaigns only when nobody else does */
};

struct raft_event {
    enum raft_event_kind kind;
    union {
        struct {
            uint64_t steady_ms; /* never goes back */
            uint64_t wall_ms;   /* since the Unix epoch; may jump */
        } clock;
        const struct raft_message *message;
        struct {
            struct raft_entry *entries; /* kind COMMAND; the core writes term */
            unsigned count;
        } propose;
        const struct raft_change *change;
        struct {
            uint64_t context;
        } read;
        struct {
            uint64_t number;
        } persisted;
        struct {
            uint64_t peer, guard_ms;
            bool is_witness;
        } guard;
        struct {
            uint64_t to;
        } transfer;
        struct {
            bool is_slow;
        } disk;
        struct {
            uint64_t index;
        } applied, compacted;
        struct {
            uint64_t index;
            const struct raft_configuration *configuration;
        } apply;
        struct {
            uint64_t peer;
            uint64_t index; /* of the snapshot; for SNAPSHOT_REPORT */
            bool ok;
        } report;
    };
};

/* What must be done at once after an event; everything else waits in the ready. */
struct raft_outcome {
    uint64_t put_first;           /* the log from here on is replaced by put[0..put_count) */
    unsigned put_count;           /* 0 = the log stays as it is */
    const struct raft_entry *put; /* part of the event's entries, or made by the core; borrowed until the next event */
    uint64_t term;                /* the node's, after the event */
    uint64_t leader;              /* the leader known after the event, 0 = none: where to go with NOT_LEADER. This node
                                     itself: it is being replaced, and none that takes proposals is known yet */
    bool install; /* SNAPSHOT was taken: an install comes with the next ready. False: the snapshot is of no use, delete
                     it */
};

/* ---- effects ----------------------------------------------------------------------------------------------------- */

enum raft_role { RAFT_FOLLOWER, RAFT_PRE_CANDIDATE, RAFT_CANDIDATE, RAFT_LEADER, RAFT_LEARNER };

const char *raft_role_name(enum raft_role role);

struct raft_read_state {
    uint64_t context;
    enum status
        status; /* OK; NOT_LEADER: leadership was lost before the read was confirmed, ask again with a new context */
    uint64_t index; /* serve the read once this is applied */
};

struct raft_ready {
    /* Persist (duty 4). number 0 = no work. */
    uint64_t number;
    bool has_hard_state;
    struct raft_hard_state hard_state;
    uint64_t append_first, append_last; /* append_first 0 = none */
    uint64_t commit_note;               /* 0 = none; recovery gives the greatest back as raft_options.commit */
    struct {
        uint64_t index, term; /* index 0 = none: replace store and log by the snapshot that was stepped last */
        const struct raft_configuration *configuration;
    } install;

    /* Send, in order, now. A message that can't be sent may be lost: nothing here is needed twice. */
    const struct raft_message *messages;
    unsigned message_count;

    /*
     * Apply the entries commit_first .. commit_last (commit_first 0 = none); they may still be on their way to the
     * local disk.
     */
    uint64_t commit_first, commit_last;

    const struct raft_read_state *reads;
    unsigned read_count;

    /*
     * Stream a snapshot to these peers, at an applied index of your choice, and end with SNAPSHOT_REPORT. The peer is
     * paused until then.
     */
    const uint64_t *snapshots;
    unsigned snapshot_count;

    /* True when role, term or leader differ from the ready before. */
    bool note;
    enum raft_role role;
    uint64_t term, leader;
};

/* ---- the core ---------------------------------------------------------------------------------------------------- */

struct raft_options {
    uint64_t id;   /* not 0 */
    uint64_t seed; /* from entropy in production: spreads election timeouts, names this life of the node */

    unsigned heartbeat_ticks; /* 0 = 1 */
    unsigned election_ticks;  /* 0 = 10 * heartbeat_ticks; a node waits between once and twice as long */
    bool no_pre_vote;         /* dissertation 9.6 off; for tests that follow the paper without it */
    bool no_check_quorum; /* dissertation 6.2 (a leader without a quorum steps down) and 4.2.3 (voters stick to a live
                             leader) off */

    /*
     * A witness: it votes, and acknowledges entries by their terms; it never campaigns, because it has not got what
     * they hold. The caller keeps of commands what it likes.
     */
    bool is_witness;

    /*
     * Leases (core/lease.h). A new leader commits nothing until guard_ms after it received the last entry of former
     * terms, and after a start until guard_recovered_ms (no less than guard_ms) after the first CLOCK: what any former
     * life may have promised. 0 = it does not guard, and then no member may read by lease. At most RAFT_GUARD_MS_MAX;
     * not longer than an election timeout, or every fail-over waits for it.
     */
    uint32_t guard_ms, guard_recovered_ms;
    uint32_t drift_permille; /* how much faster or slower than true time any member's steady clock may run */
    bool no_lease;           /* reads take a round each time; it guards all the same */

    /* Limits; 0 = the default in brackets. All memory follows from them at raft_create. */
    unsigned inflight_messages_max; /* appends on their way to a peer [64] */
    size_t inflight_bytes_max;      /* [16 MiB] */
    size_t append_bytes_max;        /* entries in one append, but at least one entry [1 MiB] */
    size_t uncommitted_bytes_max; /* proposals not committed yet; one larger proposal passes when nothing else waits [64
                                     MiB] */
    unsigned terms_max;           /* pairs in the term table [256] */
    unsigned reads_max;           /* reads that wait [1024] */
    unsigned messages_max;        /* in one ready [256] */
    unsigned works_max;           /* persist works handed out and not durable [64] */

    /*
     * How many of the log's entries first .. last fit into limit bytes, and how large they are together; at least one
     * where first is in the log. 0 = they can't be had without waiting: the core asks again at the next event. Sizes
     * are the caller's measure (payload plus its overhead), the same at each call. Called inside raft_step and
     * raft_ready, for entries that the log holds.
     */
    unsigned (*measure)(void *context, uint64_t first, uint64_t last, size_t limit, size_t *bytes);
    void *measure_context;

    /* What was recovered. Entries after log_start follow by raft_recover_entry. */
    struct raft_hard_state hard_state;
    uint64_t log_start, log_start_term; /* the last index that the log has dropped, and its term: 0, 0 for a new log */
    uint64_t applied;                   /* what the store holds; >= log_start */
    uint64_t commit;                    /* the greatest commit note, 0 = none was found */
    uint64_t doubt_term;  /* 0, or entries that were acknowledged in terms up to this one may be missing from
                             the log: RAFT_EVENT_WHOLE ends that */
    uint64_t log_time_ms; /* as of the store or, if known, of the last entry */
    const struct raft_configuration *
        configuration; /* as of applied; borrowed for the call. NULL or without voters: a node that waits to be added */
};

/*
 * Takes memory for all limits, once. INVALID (options that contradict each other), NO_MEMORY. The node starts as a
 * follower.
 */
MUST_CHECK enum status raft_create(const struct raft_options *options, struct raft **raft);
void raft_destroy(struct raft *raft); /* NULL is allowed */

/*
 * After raft_create and before the first event, for each entry in the log after log_start, ascending. All are durable.
 * INVALID: not the next index, a term that goes back.
 */
MUST_CHECK enum status raft_recover_entry(struct raft *raft, uint64_t index, uint64_t term, enum raft_entry_kind kind);

/*
 * Takes one event in. Every status but OK means that nothing was changed: see the event kinds. INVALID: no sane caller
 * or peer does that (an unknown kind, a message for another node, an index out of place). A message that is merely late
 * or useless is OK.
 */
MUST_CHECK enum status raft_step(struct raft *raft, const struct raft_event *event, struct raft_outcome *outcome);

/* Hands out what piled up. False (and *ready all zero) when there is nothing; what was handed out is not repeated. */
bool raft_ready(struct raft *raft, struct raft_ready *ready);

/*
 * The time to stamp a proposal with: the median of the voters' clocks as far as they are known, never less than what
 * was given out or seen in the log before.
 */
uint64_t raft_log_time(struct raft *raft);
/* Tells of a stamp met in the log (recovery, apply). */
void raft_observe_log_time(struct raft *raft, uint64_t log_time_ms);

enum raft_progress { RAFT_PROBE, RAFT_REPLICATE, RAFT_SEND_SNAPSHOT };

const char *raft_progress_name(enum raft_progress progress);

struct raft_peer {
    uint64_t id;
    bool voter, learner, self;
    /* Of a leader's peers only: */
    enum raft_progress progress;
    uint64_t match, next;
    uint64_t commit; /* what it said last: durable there */
    bool paused, recently_active;
    unsigned inflight_messages;
    size_t inflight_bytes;
    uint64_t snapshot_index; /* pending, in RAFT_SEND_SNAPSHOT */
    uint64_t clock_ms;       /* last heard, 0 = never */
    uint64_t guard_ms;       /* as it told, in any role; 0 = it did not */
};

struct raft_status {
    uint64_t id, term, vote, leader;
    enum raft_role role;
    bool halted;
    uint64_t log_start, last, stable, commit, applied; /* stable: the log is durable up to here */
    uint64_t durable_commit;
    uint64_t doubt_term;       /* 0 = the log is whole */
    uint64_t terms_known_from; /* terms below are forgotten: a peer that far behind gets a snapshot */
    unsigned terms, terms_max;
    size_t uncommitted_bytes, uncommitted_bytes_max;
    unsigned reads, reads_max;
    unsigned works, works_max;
    uint64_t messages_dropped; /* for want of room in a ready */
    uint64_t log_time_ms;
    bool guards;            /* a new leader that commits nothing yet */
    uint64_t lease_ends_ms; /* raft_lease_ends_ms */
    uint64_t lease_reads;   /* served by lease in this life, for others too */
    struct raft_configuration configuration;
    uint64_t pending_change_index; /* a change may stand in the log up to here, unapplied */
    unsigned peer_count;
    struct raft_peer peers[RAFT_MEMBERS_MAX];
};

void raft_get_status(const struct raft *raft, struct raft_status *status);
/* Of the status what moves, cheap enough for every turn. A learner shows as what it is. */
struct raft_position {
    enum raft_role role;
    bool halted;
    uint64_t term, log_start, last, stable, commit;
    uint64_t lease_reads;
};
struct raft_position raft_get_position(const struct raft *raft);
const struct raft_configuration *raft_get_configuration(const struct raft *raft); /* in force; borrowed */
size_t raft_uncommitted_bytes(const struct raft *raft);                           /* of the status, alone and cheap */
uint64_t raft_transfer_target(const struct raft *raft); /* of the transfer under way; 0 = none is */
/* By this node's steady clock; 0 = it holds no lease, which may be about to begin. Before that moment no other node
 * commits anything that this one has not. */
uint64_t raft_lease_ends_ms(const struct raft *raft);
/* Term of an entry; 0 when it is compacted, forgotten or not there. */
uint64_t raft_term_at(const struct raft *raft, uint64_t index);

/* ---- for tests, simulator, traces -------------------------------------------------------------------------------- */

/* NULL, or a static sentence that names the invariant that does not hold. */
const char *raft_check_invariants(const struct raft *raft);
/* Of everything that decides what the core does next; equal states have equal hashes, on every machine. */
uint64_t raft_hash(const struct raft *raft);

/* One line each, no newline: what a transcript is made of. NO_MEMORY. */
MUST_CHECK enum status raft_event_print(struct buf *to, const struct raft_event *event);
MUST_CHECK enum status raft_message_print(struct buf *to, const struct raft_message *message);
/* Without from, to, kind and term: ": has up to 12". */
MUST_CHECK enum status raft_message_print_content(struct buf *to, const struct raft_message *message);
MUST_CHECK enum status raft_state_print(struct buf *to, const struct raft *raft);
/* Several lines, each with a newline and `indent` spaces before it. */
MUST_CHECK enum status raft_ready_print(struct buf *to, const struct raft_ready *ready, unsigned indent);

#pragma GCC visibility pop

#endif
