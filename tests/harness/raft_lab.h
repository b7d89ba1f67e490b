/*
 * raft_lab: several pure cores with a memory log, a disk and a state machine each, and a network between them, all in
 * memory and all under the test's thumb: every message, every work of a disk, every applied entry moves only when the
 * test says so. What a driver does with a core, a lab node does in its simplest form.
 *
 * Checked at every event, whoever drives: the five safety properties of the Raft paper (figure 3.2 of the dissertation)
 * by way of what all nodes ever did, that what is committed is durable on a majority, that commit and applied indexes
 * never fall, that reads are linearizable, that nobody commits while another holds a lease, that stamps of log time
 * never fall along the log, and the core's own invariants. The first violation is kept as a sentence in lab->failure;
 * nothing moves after it.
 */
#ifndef TESTS_HARNESS_RAFT_LAB_H
#define TESTS_HARNESS_RAFT_LAB_H

#include <stdbool.h>

#include "engine/base/prng.h"
#include "raft/raft.h"

enum {
    LAB_NODES_MAX = 7,
    LAB_INDEX_MAX = 4096, /* the lab ends quietly before a log grows past it: lab_is_full */
    LAB_TERM_MAX = 4096,
    LAB_CONFIGURATIONS_MAX = 256,
    LAB_MESSAGES_MAX = 512,
    LAB_ENTRIES_MAX = 1 << 16, /* entries copied into messages, in a ring */
    LAB_STREAMS_MAX = 32,
    LAB_WORKS_MAX = 16,
    LAB_READS_MAX = 16,
    LAB_WIRE_BYTES = 1 << 16,
};

struct lab_entry {
    uint64_t term;
    enum raft_entry_kind kind;
    uint64_t value;       /* COMMAND: unique; CONFIGURATION: its number in lab->configurations */
    uint64_t log_time_ms; /* COMMAND: the stamp */
};

/* A store at an index. */
struct lab_state {
    uint64_t index, term;
    uint64_t hash; /* chain over all applied entries */
    uint64_t log_time_ms;
    struct raft_configuration configuration;
};

struct lab_work {
    uint64_t number;
    bool has_hard_state;
    struct raft_hard_state hard_state;
    uint64_t append_first, append_last, commit_note;
    struct lab_entry *entries; /* a copy: the memory log may change before the disk is done */
    struct lab_state install;  /* index 0 = none */
};

struct lab_node {
    uint64_t id;
    struct raft *raft; /* NULL while it is down */
    uint64_t lives;
    uint64_t clock_offset_ms; /* of its wall clock */
    uint64_t clock_permille;  /* of true time: how fast its clocks run */

    /* Memory. */
    struct lab_entry log[LAB_INDEX_MAX];
    uint64_t log_start, last;
    struct lab_state state;
    uint64_t commit;           /* handed out to apply */
    uint64_t seen_commit;      /* the core's, at the last event */
    struct lab_state arriving; /* the snapshot that was stepped last */
    bool applying;
    bool installing; /* until the store is replaced by it nothing is applied */
    enum raft_role role;
    uint64_t term;

    /* Disk. */
    struct lab_entry durable_log[LAB_INDEX_MAX];
    uint64_t durable_start, durable_start_term, durable_last;
    struct raft_hard_state durable_hard_state;
    uint64_t durable_commit;
    struct lab_state durable_state; /* the last flush */
    /* After lab_damage_log: up to which term something may be missing, 0 = nothing; what was there; the least value of
     * an entry that was proposed since; and where one stands. */
    uint64_t doubt_term, lost_last, doubt_value, whole_index;
    struct lab_work works[LAB_WORKS_MAX];
    unsigned work_count;
    struct lab_entry work_entries[LAB_WORKS_MAX][LAB_INDEX_MAX / 8];

    /* Reads that wait: context, and what was committed anywhere when it was asked. */
    struct {
        uint64_t context, floor;
    } reads[LAB_READS_MAX];
    unsigned read_count;
    uint64_t next_context; /* begins anew with each life, as a driver's does */
    uint64_t reads_served;

    /* Of this life: ticks, when something came from each node, and for how long no majority was heard by a leader. */
    uint64_t ticks, heard[LAB_NODES_MAX + 1], unheard_ticks;
};

struct lab_message {
    struct raft_message message;
    bool was_cut; /* the link was cut when it was sent */
};

/* A snapshot on its way. */
struct lab_stream {
    uint64_t from, to;
    uint64_t from_life;
    uint64_t term;
    struct lab_state state;
};

struct lab_options {
    unsigned nodes, voters; /* nodes 1..voters start as voters; the others wait to be added */
    uint64_t seed;
    bool no_pre_vote, no_check_quorum;
    bool by_hand;         /* works and applies wait for lab_persist and lab_apply, else they are done at once */
    uint64_t start_index; /* the log begins after this index of term 1; 0 = empty */
    unsigned election_ticks, heartbeat_ticks, terms_max, inflight_messages_max, messages_max;
    size_t append_bytes_max, uncommitted_bytes_max;
    uint32_t guard_ms, drift_permille; /* leases: clocks run within that bound, drawn from the seed */
    bool guards_differ;                /* between a half and the whole of guard_ms, drawn likewise */
    uint64_t witness;                  /* a voter that never leads; 0 = none */
    bool late_arrivals;                /* what was on its way when a link was cut may still arrive */
    struct buf *trace;                 /* NULL = none */
};

struct lab {
    struct lab_options options;
    struct lab_node nodes[LAB_NODES_MAX + 1];     /* by id */
    struct lab_message network[LAB_MESSAGES_MAX]; /* oldest first */
    unsigned message_count;
    struct raft_entry entries[LAB_ENTRIES_MAX];
    uint64_t entry_values[LAB_ENTRIES_MAX][2]; /* the bytes of commands: value, stamp */
    unsigned entry_next;
    struct buf wire; /* owned: the message at work */
    struct lab_stream streams[LAB_STREAMS_MAX];
    unsigned stream_count;
    bool cut[LAB_NODES_MAX + 1][LAB_NODES_MAX + 1]; /* [from][to] */
    uint64_t now_ms;
    uint64_t next_value;
    struct raft_configuration configurations[LAB_CONFIGURATIONS_MAX];
    uint8_t configuration_bytes[LAB_CONFIGURATIONS_MAX][RAFT_CONFIGURATION_BYTES_MAX];
    size_t configuration_sizes[LAB_CONFIGURATIONS_MAX];
    unsigned configuration_count;

    /* What all nodes ever did. */
    uint64_t leader_of[LAB_TERM_MAX];
    struct lab_entry committed[LAB_INDEX_MAX];
    uint64_t committed_in[LAB_INDEX_MAX];   /* the term in which it first was */
    uint64_t committed_hash[LAB_INDEX_MAX]; /* the state after it, once somebody has applied it */
    uint64_t committed_last;
    struct {
        uint64_t term, value, before_term;
    } seen[LAB_INDEX_MAX][8]; /* every (index, term) that ever stood in a log, and what it was */
    uint8_t seen_count[LAB_INDEX_MAX];

    /* Counters, so that a green run can show what it met. */
    struct {
        uint64_t events, elections, leader_changes, commits, crashes, restarts, snapshots, cuts_of_log, reads, changes,
            dropped, repeated, partitions, handed, lease_reads, guarded, damages, repairs;
    } met;

    char failure[512]; /* "" = all is well */
};

/* Too large for a stack: one allocation, used for many seeds. NULL = out of memory. */
struct lab *lab_create(void);
void lab_start(struct lab *lab, const struct lab_options *options);
void lab_stop(struct lab *lab); /* ends the cores; the lab can start again */
void lab_destroy(struct lab *lab);

/* One event into a node that is up, with all that a driver does around it. */
enum status lab_step(struct lab *lab, uint64_t node, const struct raft_event *event);
void lab_drain(struct lab *lab, uint64_t node); /* takes the readies; lab_step does it too */

enum status lab_propose(struct lab *lab, uint64_t node, unsigned count);
enum status lab_propose_change(struct lab *lab, uint64_t node, const struct raft_change *change);
enum status lab_read(struct lab *lab, uint64_t node);
void lab_campaign(struct lab *lab, uint64_t node);
void lab_tick(struct lab *lab, uint64_t node);
void lab_clock(struct lab *lab, uint64_t node);
uint64_t lab_steady_ms(const struct lab *lab, uint64_t node); /* what its clock shows now, seen or not */

void lab_persist(struct lab *lab, uint64_t node, unsigned count); /* the oldest works become durable */
void lab_apply(struct lab *lab, uint64_t node, unsigned count);   /* of what is committed */
void lab_flush(struct lab *lab, uint64_t node);                   /* the store becomes durable, as far as the log is */
void lab_compact(struct lab *lab, uint64_t node, uint64_t index); /* at most up to the last flush */

void lab_deliver(struct lab *lab,
                 unsigned position); /* of lab->network; lost where the link is cut or the receiver is down */
void lab_drop(struct lab *lab, unsigned position);
void lab_repeat(struct lab *lab, unsigned position);
void lab_stream_end(struct lab *lab, unsigned position, bool arrives);

/* Power goes: works under way are lost but for the first `kept`, which the disk had finished without saying so. */
void lab_crash(struct lab *lab, uint64_t node, unsigned kept);
void lab_restart(struct lab *lab, uint64_t node);
/* Of a node that is down: its log is gone above `kept`, as far as the store does not hold it, and it knows that. */
void lab_damage_log(struct lab *lab, uint64_t node, uint64_t kept);
void lab_isolate(struct lab *lab, uint64_t node);
void lab_heal(struct lab *lab);

/* Delivers, persists, applies until nothing moves any more. Ticks nobody. */
void lab_settle(struct lab *lab);

bool lab_is_full(const struct lab *lab);
uint64_t lab_leader(const struct lab *lab); /* the live leader of the greatest term, 0 = none */
struct raft_status lab_status(const struct lab *lab, uint64_t node);
/* All live nodes as numbers; equal runs give equal hashes. */
uint64_t lab_hash(const struct lab *lab);

#endif
