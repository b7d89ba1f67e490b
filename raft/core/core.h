/*
 * core: the state of one node, and the verbs that its parts call of one another. Private to raft/core.
 *
 * Who owns what: election.c role, term, vote; append.c the log as the core knows it, on either side of an append;
 * replication.c what leaders send; commit.c the commit index; persist.c what is durable, and what waits for it;
 * read_index.c reads; lease.c who may commit, and read, when; transfer.c the leader's wish for another; snapshot.c
 * restore and compaction; membership.c the configuration; ready.c effects.
 */
#ifndef RAFT_CORE_CORE_H
#define RAFT_CORE_CORE_H

#include "engine/base/prng.h"
#include "raft/core/lease.h"
#include "raft/core/progress.h"
#include "raft/core/quorum.h"
#include "raft/core/term_table.h"
#include "raft/raft.h"

enum { CONFIGURATION_MARKS_MAX = 8 };

/* A persist work that was handed out and is not durable yet. */
struct work {
    uint64_t number;
    struct raft_hard_state hard_state; /* as of this work */
    uint64_t commit_note;              /* the commit index as of this work */
    uint64_t last; /* once it is durable, so is the log up to here; lowered when a later cut replaces part of it */
    uint64_t install_index; /* 0 = none */
};

/* A read that waits on the leader. */
struct pending_read {
    uint64_t from, context, life; /* from == our id: asked here */
    uint64_t round;               /* 0 = not in a round yet */
    uint64_t index;
    uint64_t clocks; /* CLOCK events before it came */
};

enum install_state { INSTALL_NONE, INSTALL_WAITING, INSTALL_HANDED };

struct raft {
    struct raft_options options; /* defaults filled in; configuration is not kept */
    struct prng prng;
    uint64_t life;
    bool started; /* the first event has been taken: recovery is over */
    bool halted;
    uint64_t doubt_term; /* not 0: entries that were acknowledged in terms up to this one may be missing */
    bool reluctant;      /* the disk is slow: others go first in elections */

    /* election.c */
    uint64_t term, vote, leader;
    enum raft_role role; /* never LEARNER: that is a follower's name for people */
    unsigned election_elapsed, heartbeat_elapsed, election_timeout; /* ticks */
    unsigned silence; /* ticks; the link to the leader broke, and so long after its last word voters stick to it; 0 = no
                         such suspicion: election_ticks */
    bool is_handed;   /* a candidate's: the leader told it to campaign */

    /* transfer.c: a leader's */
    uint64_t transfer_to;      /* 0 = none is under way */
    unsigned transfer_elapsed; /* ticks */
    bool transfer_is_told;     /* in this tick */

    /* append.c, commit.c: the log. log_start <= applied <= commit <= last; stable <= last */
    struct term_table terms; /* terms.last is the last index */
    uint64_t log_start, stable, commit, applied;
    uint64_t verified; /* a follower's log equals its leader's up to here: what may be acknowledged once it is stable */
    bool acknowledge_due;
    uint64_t acknowledged;    /* what the last acknowledgement in this term said */
    size_t uncommitted_bytes; /* a leader's */

    /* persist.c */
    struct work *works; /* ring of works_max */
    unsigned work_head, work_count;
    uint64_t last_number;
    struct raft_hard_state handed, durable; /* hard state: handed out last; durable */
    uint64_t unhanded_first;                /* entries from here to last are to be handed out; last + 1 = none */
    bool vote_reply_due;                    /* to `vote`, once {term, vote} is durable */
    uint64_t commit_note_due; /* a configuration entry up to here is committed: that must outlive a crash */
    uint64_t handed_commit, durable_commit; /* commit index as noted: handed out last; durable */
    enum install_state install;
    uint64_t install_term;
    struct raft_configuration install_configuration;

    /* membership.c */
    struct raft_configuration configuration; /* applied */
    struct progress peers[RAFT_MEMBERS_MAX]; /* all members, self too, by id */
    unsigned peer_count;
    uint64_t configuration_index; /* of the entry that it came from, or of the snapshot */
    uint64_t pending_change_index;
    uint64_t configuration_marks[CONFIGURATION_MARKS_MAX]; /* ascending: configuration entries above applied */
    unsigned configuration_mark_count;
    uint64_t configuration_unmarked; /* one that found no place above stands at or below; 0 = none */

    /* read_index.c */
    struct pending_read *reads; /* ring of reads_max */
    unsigned read_head, read_count;
    uint64_t read_round;

    struct lease lease; /* lease.c */

    /* log_time: what time it is, and the greatest given out or seen */
    uint64_t steady_ms, wall_ms, log_time_ms;

    /* ready.c: effects that pile up. drained: what stands in them was handed out and goes at the next call. */
    bool drained;
    struct raft_message *messages;
    unsigned message_count;
    uint64_t messages_dropped;
    struct raft_read_state *read_states;
    unsigned read_state_count;
    uint64_t snapshots[RAFT_MEMBERS_MAX];
    unsigned snapshot_count;
    uint64_t commit_handed;
    enum raft_role noted_role;
    uint64_t noted_term, noted_leader;

    /* The outcome of the event at work. */
    uint64_t put_first;
    const struct raft_entry *put;
    unsigned put_count;
    bool install_taken;
    struct raft_entry made; /* an entry of the core's own */
    uint8_t made_bytes[RAFT_MADE_ENTRY_BYTES];
};

static inline uint64_t core_least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}
static inline uint64_t core_most(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}
static inline uint64_t core_last(const struct raft *raft) {
    return raft->terms.last;
}

/* election.c */
void election_tick(struct raft *raft);
void election_hear_leader(struct raft *raft);     /* a word of the leader has come */
void election_suspect_leader(struct raft *raft);  /* the link to it broke */
void election_campaign(struct raft *raft);        /* starts one, unless that is not allowed */
void election_campaign_handed(struct raft *raft); /* the same, without asking before */
void election_become_follower(struct raft *raft, uint64_t term, uint64_t leader);
/* The same, for a candidate's word: a follower goes on waiting where it was until it gives its vote (3.4). */
void election_enter_term(struct raft *raft, uint64_t term);
void election_set_reluctance(struct raft *raft, bool is_reluctant);
bool election_voter_sticks(const struct raft *raft); /* heard a live leader: votes are ignored */
void election_handle_vote_request(struct raft *raft, const struct raft_message *message);
void election_handle_vote_reply(struct raft *raft, const struct raft_message *message);
void election_refuse(struct raft *raft, enum raft_message_kind kind,
                     uint64_t to);               /* a candidate of a lower term, or a lesser log */
void election_count_own_vote(struct raft *raft); /* the vote for ourselves has become durable */
void election_send_requests(struct raft *raft);
void election_send_reply(struct raft *raft);

/* append.c */
MUST_CHECK enum status append_propose(struct raft *raft, struct raft_entry *entries, unsigned count);
bool append_has_room_for_term(const struct raft *raft, uint64_t term);
void append_made_entry(struct raft *raft, enum raft_entry_kind kind, size_t bytes); /* of made_bytes */
MUST_CHECK enum status append_handle(struct raft *raft, const struct raft_message *message);
void append_send_acknowledgement(struct raft *raft);

/* replication.c */
void replication_handle_reply(struct raft *raft, struct progress *peer, const struct raft_message *message);
void replication_handle_heartbeat_reply(struct raft *raft, struct progress *peer, const struct raft_message *message);
void replication_heartbeat_all(struct raft *raft);
bool replication_quorum_is_active(struct raft *raft); /* and begins the next interval */
void replication_send_heartbeats(struct raft *raft);
void replication_send_appends(struct raft *raft);

/* commit.c */
void commit_to(struct raft *raft, uint64_t index);
void commit_by_counting(struct raft *raft); /* a leader's match has changed */
bool commit_has_own_term(const struct raft *raft);

/* persist.c */
void persist_cut(struct raft *raft, uint64_t index); /* the log from here on is replaced */
bool persist_term_is_durable(const struct raft *raft);
MUST_CHECK enum status persist_handle_done(struct raft *raft, uint64_t number);
void persist_hand_out(struct raft *raft, struct raft_ready *ready);

/* read_index.c */
MUST_CHECK enum status read_index_ask(struct raft *raft, uint64_t context);
void read_index_handle_request(struct raft *raft, const struct raft_message *message);
void read_index_handle_reply(struct raft *raft, const struct raft_message *message);
void read_index_start_round(struct raft *raft);
void read_index_confirm(struct raft *raft);
void read_index_fail_all(struct raft *raft);

/* lease.c */
void lease_clock(struct raft *raft, uint64_t steady_ms, uint64_t wall_ms);
void lease_end_changed(struct raft *raft);           /* the log ends with another entry */
void lease_lead(struct raft *raft, bool was_handed); /* before the first entry of the term is made */
void lease_end(struct raft *raft);                   /* leadership, or a term, is over */
/* It started so short a time ago that, leading now, it would guard against what its former life may have promised. */
bool lease_is_young(const struct raft *raft);
bool lease_is_guarding(const struct raft *raft);    /* nothing may be committed yet */
void lease_made(struct raft *raft, uint64_t first); /* a leader's entries from `first` on */
void lease_committed(struct raft *raft);
void lease_begin_anew(struct raft *raft); /* the configuration is another one */
void lease_give_up(struct raft *raft);    /* for the rest of the term */
void lease_wanted(struct raft *raft);     /* a read has come; may make an entry */
/* May a read be served that came after so many CLOCKs? */
bool lease_covers(const struct raft *raft, uint64_t clocks_before);

/* transfer.c */
MUST_CHECK enum status transfer_start(struct raft *raft, uint64_t to);
void transfer_tick(struct raft *raft);
void transfer_send(struct raft *raft);
void transfer_end(struct raft *raft);
void transfer_before_leaving(struct raft *raft);

/* snapshot.c */
MUST_CHECK enum status snapshot_handle(struct raft *raft, const struct raft_message *message);
MUST_CHECK enum status snapshot_handle_report(struct raft *raft, uint64_t peer, uint64_t index, bool ok);
MUST_CHECK enum status snapshot_handle_compacted(struct raft *raft, uint64_t index);
void snapshot_begin(struct raft *raft, struct progress *peer);

/* membership.c */
void membership_adopt(struct raft *raft, const struct raft_configuration *configuration);
MUST_CHECK enum status membership_propose(struct raft *raft, const struct raft_change *change);
MUST_CHECK enum status membership_apply(struct raft *raft, uint64_t index,
                                        const struct raft_configuration *configuration);
void membership_applied(struct raft *raft); /* applied has moved: marks, the automatic leave */
void membership_mark(struct raft *raft, uint64_t index);
void membership_unmark_from(struct raft *raft, uint64_t index);
uint64_t membership_last_mark(const struct raft *raft, uint64_t from,
                              uint64_t to);                    /* in (from, to], 0 = none; possibly one too many */
bool membership_has_committed_change(const struct raft *raft); /* possibly: one that is committed and not applied */
void membership_step_down_if_replaced(struct raft *raft);      /* a leader, when it learns how far others know */
bool membership_is_voter(const struct raft *raft);
struct progress *membership_find(struct raft *raft, uint64_t id); /* NULL if no member */
struct progress *membership_self(struct raft *raft);
unsigned membership_tally(const struct raft *raft,
                          uint64_t (*index_of)(const struct raft *raft, const struct progress *peer),
                          struct quorum_tally tallies[static RAFT_MEMBERS_MAX]);

/* ready.c */
struct raft_message *ready_add_message(struct raft *raft, enum raft_message_kind kind,
                                       uint64_t to); /* NULL: no room; else zero but for kind, from, to, term */
void ready_add_read_state(struct raft *raft, uint64_t context, enum status status, uint64_t index);
bool ready_has_read_room(const struct raft *raft);
void ready_reclaim(struct raft *raft); /* what was handed out is gone */

#endif
