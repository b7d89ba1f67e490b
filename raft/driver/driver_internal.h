/*
 * driver_internal: the state of a driver, and the verbs that its parts call of one another. Private to raft/driver.
 *
 * Who owns what: open.c the directory; members.c who is there and where; change.c a change of that; turn.c events and
 * effects of the core; disk_work.c what goes to disk, and in which order; prefetch.c what entries will read; apply.c
 * what is committed; requests.c writes of this node's clients, and their way to the leader; reads.c read barriers and
 * counts; snapshot_send.c and snapshot_take.c state that travels whole; hand_over.c leadership that is given away,
 * slow_disk.c because the disk is slow, priority.c because another should lead; about.c what nodes tell of themselves;
 * witness.c what a voter without data keeps; repair.c, scrub.c and recover.c what is damaged or lost;
 * keep.c the length of the log and whether the store can be written; driver_status.c what people see; reading.c a
 * directory without its node.
 */
#ifndef RAFT_DRIVER_DRIVER_INTERNAL_H
#define RAFT_DRIVER_DRIVER_INTERNAL_H

#include "engine/base/prng.h"
#include "engine/names.h"
#include "raft/driver.h"
#include "raft/driver/prefetch.h"
#include "raft/log/envelope.h"
#include "raft/log/node_state.h"
#include "raft/log/raft_log.h"
#include "raft/message/driver_codec.h"
#include "raft/session.h"
#include "raft/transport.h"

enum {
    DRIVER_WORKS_MAX = 64,
    MS_NS = 1000000,
    /* An append holds at most so many bytes by raft_log_measure, and so many entries by its overhead for each. */
    DRIVER_APPEND_BYTES = 252 << 10,
    DRIVER_APPEND_ENTRIES = 8192,
};

/* ---- disk_work.c ---- */

enum work_stage { WORK_NEW, WORK_INSTALLED, WORK_PROMISED, WORK_WRITTEN };

/* Persist work of one ready: install, then hard state, then entries. */
struct driver_work {
    uint64_t number;
    enum work_stage stage;
    bool install, has_hard_state;
    struct raft_hard_state hard_state;
    uint64_t last;        /* of its entries; 0 = none */
    uint64_t commit_note; /* 0 = none */
    uint64_t end_lsn;     /* WRITTEN: done when the log is durable up to here */
    uint64_t queued_ns;
};

/* ---- repair.c ---- */

enum repair_part { REPAIR_LOG, REPAIR_STORE, REPAIR_PARTS };

enum repair_state {
    REPAIR_NONE,
    REPAIR_HELPLESS, /* damaged, and nobody has it; or it could not be set aside */
    REPAIR_BEGUN,    /* the node has halted */
    REPAIR_NAMES,    /* the superblock is being written that names other directories */
    REPAIR_REOPENS,  /* it is durable: the node is to be opened anew */
};

struct repair {
    enum repair_state state;
    enum repair_part part;
    uint64_t looked_tick;
    uint64_t warn_ns; /* in doubt without a leader: when that is said next */
};

/* ---- scrub.c ---- */

enum scrub_phase { SCRUB_RESTS, SCRUB_STORE, SCRUB_LOG, SCRUB_SUPERBLOCK };

struct scrub {
    enum scrub_phase phase;
    uint64_t next_ns;  /* of the next portion, or pass */
    uint64_t ended_ns; /* the last pass; 0 = none yet */
    struct engine_scrub store;
    struct raft_log_scrub log;
    uint64_t bytes, done_bytes, findings;
    uint64_t generation; /* of the superblock, when it was read */
    bool slot_damaged;
    struct io_job job;
    bool runs;
    enum status status;
};

/* ---- slow_disk.c ---- */

struct slow_disk {
    bool is_slow;
    uint64_t since_tick;  /* when it was seen */
    uint64_t until_ns;    /* not before is it called well again */
    uint64_t term;        /* the last one in which this node was seen to lead */
    uint64_t give_way_ns; /* not before */
    uint64_t last_to;     /* whom leadership was offered last */
    uint64_t ahead_tick;  /* since when it leads and others hold more than its disk does; 0 = not so */
};

/* ---- priority.c ---- */

struct priority {
    uint64_t to;         /* who should lead instead; 0 = nobody */
    uint64_t since_tick; /* that is so without a break */
    uint64_t wait_tick;  /* not before: one was asked already */
    uint64_t looked_tick;
};

/* ---- apply.c ---- */

/* An entry whose batch is built and must be written: what is to be done when it is. */
struct staged {
    uint64_t index; /* 0 = nothing is staged */
    uint64_t chain;
    uint64_t session, serial; /* an operation of a session was applied; 0 = not so */
    bool sessions_changed;
    uint64_t opened_node;  /* this entry opened a session of that node; 0 = not so */
    uint64_t opened_nonce; /* and that is this one */
    uint64_t term;
    bool configuration; /* it is one: driver.staged_configuration */
    bool member;        /* it tells where driver.staged_member is */
};

/* ---- requests.c ---- */

enum request_kind {
    REQUEST_NONE,
    REQUEST_WRITE,
    REQUEST_REFUSED,
    REQUEST_READ,
    REQUEST_COUNT,
    REQUEST_TICK,
    REQUEST_TRANSFER,
    REQUEST_CHANGE
};

/* What stands in raft_request.driver. */
enum { REQUEST_KIND, REQUEST_PENDING, REQUEST_DEADLINE, REQUEST_ARGUMENT };

/* An operation of this node on its way. */
struct pending {
    struct list link;             /* in the queue until it has a serial */
    struct raft_request *request; /* NULL: nobody waits any more */
    uint64_t deadline_ns;
    uint8_t store;
    size_t size;
    uint8_t operation[];
};

struct requests {
    struct list queue;   /* no serial yet */
    struct list refused; /* of raft_request */
    size_t queued, refused_count;
    struct pending **window; /* ring by serial % limit: serials answered + 1 .. assigned */
    uint64_t limit;
    uint64_t answered, assigned;
    uint64_t sent;           /* given to the present leader up to here */
    uint64_t session, nonce; /* session 0 = not open yet */
    uint64_t open_asked_ns;
    uint64_t progress_ns; /* last answer, or last sending */
    uint64_t taker_ns;    /* when there was a leader to send to last */
    /* The leader's: what it has proposed of each session in its term. */
    struct forwarded {
        uint64_t session, next;
    } forwarded[SESSIONS_MAX];
    unsigned forwarded_count;
    /* Callers of tick_time: those whose entry is under way, and those that came after it. */
    struct list ticks_now, ticks_next;
    bool tick_under_way;
    struct proposal *proposal; /* owned: room for one batch */
};

/* ---- reads.c ---- */

enum { READ_BATCHES_MAX = 64, READ_ROUNDS_MAX = 8 };

struct read_batch {
    uint64_t context; /* 0 = free */
    uint64_t asked_ns, index;
    bool confirmed;
    struct list requests;
};

struct reads {
    struct list waiting;
    size_t waiting_count;
    struct read_batch batches[READ_BATCHES_MAX];
    unsigned batches_used, unconfirmed; /* the second are some of the first */
    uint64_t last_context;
    struct list counts;
    uint64_t last_count;
    uint64_t counts_asked_ns;
};

/* ---- members.c ---- */

enum { DRIVER_MEMBERS_MAX = 2 * RAFT_NODES_MAX };

/* Somebody whom this node knows and talks with. */
struct driver_member {
    struct raft_member member;
    bool has_row;        /* it stands in the system tree */
    uint64_t retired_ns; /* in no configuration any more since then; 0 = not so */
    uint64_t speaks;     /* incarnation of whoever speaks under this id; 0 = nobody has yet ... */
    bool speaks_joined;  /* ... whose directory was made to join */
    uint64_t heard_ns;
    uint32_t priority; /* as it told; 0 = it did not, or should not lead */
    bool is_witness;   /* as it told */
    uint32_t guard_ms; /* likewise, over the connection that there is */
};

struct members {
    struct driver_member rows[DRIVER_MEMBERS_MAX]; /* by id */
    size_t count;
    uint64_t founders_hash; /* of options.members */
    uint64_t told_index;    /* of the last entry that told of members, since the engine was opened */
    bool changed;           /* the transport does not know yet */
};

/* ---- change.c ---- */

struct membership_change {
    struct raft_request *request; /* NULL = none is under way */
    uint64_t index, term;         /* of its configuration entry */
    bool applied, leaves;         /* leaves: by itself */
    uint64_t deadline_ns;
};

/* ---- hand_over.c ---- */

struct hand_over {
    struct raft_request *request; /* NULL = none is under way */
    uint64_t to, term;            /* in which it was asked */
    uint64_t deadline_ns;
};

/* ---- snapshots ---- */

struct snapshot_sender;
struct snapshot_taker;

/* ---- the driver ---- */

struct raft_driver {
    struct io *io;
    struct log *log;
    char dir[IO_PATH_BYTES];
    struct raft_driver_options options; /* defaults filled in */
    struct io_lock *lock;
    struct raft_identity identity;
    struct members members;
    struct engine_tree_kind *kinds; /* owned */
    size_t kind_count;

    struct engine *engine;
    struct raft_log *raft_log;
    struct raft *raft;
    struct transport *transport;
    enum status failed; /* not OK: halted for good */
    bool closing;

    struct raft_entry *in, *out; /* owned: DRIVER_APPEND_ENTRIES each, of the message at work */
    struct buf scratch;
    struct prng prng; /* seeds of envelopes */

    uint64_t next_tick_ns, tick_ns;
    uint64_t ticks;
    enum raft_role role;
    uint64_t term, leader;
    bool wants_turn;    /* something is left to do without waiting */
    bool stepped;       /* the core took an event since its effects were last drained */
    bool install_taken; /* the last step took a snapshot */

    /* disk_work.c */
    struct node_state superblock;
    struct io_file *superblock_file;
    struct io_op superblock_op;
    uint8_t superblock_bytes[NODE_STATE_SLOT_BYTES];
    bool superblock_writing, superblock_dirty;
    bool superblock_second;                     /* the slot being written is the second with the same state */
    struct driver_work works[DRIVER_WORKS_MAX]; /* ring */
    unsigned work_head, work_count;
    uint64_t last_end_lsn;
    uint64_t commit_retry_ns; /* the disk was full: not before */

    /* apply.c */
    uint64_t commit, applied;
    uint64_t written; /* the last entry of a session that was applied in this life; 0 = none */
    int64_t log_time_ms;
    uint64_t chain;
    bool trees_ready;
    struct staged staged;
    struct raft_configuration staged_configuration;
    struct raft_member staged_member;
    bool installing; /* the engine is being replaced: nothing is applied */
    struct sessions *sessions;
    struct engine_batch batch;
    struct buf reply;
    struct raft_configuration configuration;
    struct io_job prefetch;
    bool prefetching;
    uint64_t prefetched_index; /* the entry whose rows were last brought in */
    const struct state_machine *prefetch_machine;
    struct engine_snapshot *prefetch_snapshot;
    struct buf prefetch_operation;
    enum status prefetch_status;
    uint64_t apply_retry_ns;
    struct prefetch ahead;
    unsigned engine_pins;

    struct requests requests;
    struct reads reads;
    struct hand_over hand_over;
    struct membership_change change;
    struct slow_disk slow_disk;
    uint64_t commit_seen, commit_since_ns; /* driver_status.c: the commit index, and since when it stands still */
    struct priority priority;
    uint64_t about_tick; /* about.c: when all are told again */
    bool forgets;        /* witness.c: data was dropped, and a flush is to take it from the disk */
    struct repair repair;
    struct scrub scrub;
    uint64_t whole_index; /* repair.c: once this entry is durable here nothing is missing any more; 0 = unknown */
    struct snapshot_sender *senders[RAFT_NODES_MAX];
    unsigned sender_count;
    struct snapshot_taker *taker;
    uint64_t answered_from;     /* the last stream that was taken or refused: whose, 0 = none ... */
    struct driver_ack answered; /* ... and what was said */
    uint64_t snapshot_counter;

    /* keep.c */
    uint64_t flush_asked_ns, maintained_ns;
    struct buf maintenance;

    struct {
        uint64_t elections, leader_changes, snapshots_sent, snapshots_installed;
        uint64_t proposals, applied_entries, read_rounds, reads;
        uint64_t gave_way, gave_to_higher, repairs;
        uint64_t scrub_passes, scrub_findings;
    } counts;
};

static inline uint64_t driver_now(const struct raft_driver *driver) {
    return io_now_ns(driver->io);
}

/* turn.c */

/* Steps the core and follows the outcome; entries' bytes may lie in chunk. */
MUST_CHECK enum status driver_step(struct raft_driver *driver, const struct raft_event *event, unsigned entry_count,
                                   struct raft_log_chunk *chunk);
void driver_on_message(void *context, uint64_t from, struct slice message);
void driver_on_link(void *context, uint64_t peer, bool up);
void driver_look_at_clock(struct raft_driver *driver);
enum status driver_admit(void *context, const struct transport_greeting *greeting);
/* Something that can't be mended: no more votes, writes, acknowledgements. */
void driver_fail(struct raft_driver *driver, enum status status, const char *what);

/* disk_work.c */
void persist_queue(struct raft_driver *driver, const struct raft_ready *ready);
/* The log from `first` on was replaced: works that were not written yet end before. */
void persist_trim(struct raft_driver *driver, uint64_t first);
void persist_pump(struct raft_driver *driver);
void persist_on_commit(void *context, enum status status);
void persist_on_read(void *context);
/* The install at the head of the queue is done; superblock included. */
void persist_installed(struct raft_driver *driver);
/* How long the oldest work has waited for the disk. */
uint64_t persist_oldest_ns(const struct raft_driver *driver);
/* Writes the superblock as it stands in memory; `done` is disk_work.c's. */
void persist_write_superblock(struct raft_driver *driver);

/* apply.c */
const struct state_machine *driver_find_machine(const struct raft_driver *driver, uint8_t store); /* NULL = none */
bool apply_slice(struct raft_driver *driver); /* true: more can be applied at once */
MUST_CHECK enum status apply_load_state(struct raft_driver *driver, struct engine *engine,
                                        struct error *error); /* from the system tree */
/* The configuration that an engine holds: its row, or the members while there is none. */
MUST_CHECK enum status apply_read_configuration(const struct raft_driver *driver, struct engine *engine,
                                                struct raft_configuration *configuration);
/* One entry of a log that is only read: no core and no client hears of it. Blocking. */
MUST_CHECK enum status apply_replayed(struct raft_driver *driver, uint64_t index, const struct raft_entry *entry);
void apply_deinit(struct raft_driver *driver);
MUST_CHECK enum status apply_restore_machines(struct raft_driver *driver, struct error *error);

/* requests.c */
MUST_CHECK enum status requests_init(struct raft_driver *driver);
void requests_deinit(struct raft_driver *driver);
void requests_dispatch(struct raft_driver *driver);
void requests_leader_changed(struct raft_driver *driver);
void requests_take_forward(struct raft_driver *driver, struct slice payload);
void requests_applied(struct raft_driver *driver, uint64_t serial, uint64_t index, struct slice reply);
/* The entry at index has opened a session with this nonce. */
void requests_session_opened(struct raft_driver *driver, uint64_t nonce, uint64_t index);
/* Sessions have changed in a way that may concern this node's: eviction, or a snapshot that jumped over entries. */
void requests_check_session(struct raft_driver *driver);
void requests_fail_all(struct raft_driver *driver, enum status status);
void requests_deliver_refused(struct raft_driver *driver);
uint64_t requests_count(const struct raft_driver *driver);
/* Proposes an operation without a session, as leader. */
MUST_CHECK enum status requests_propose_own(struct raft_driver *driver, uint8_t store, struct slice operation);
void request_refuse(struct raft_driver *driver, struct raft_request *request, enum status status);

/* reads.c */
void reads_init(struct raft_driver *driver);
void reads_ask(struct raft_driver *driver);
void reads_take_states(struct raft_driver *driver, const struct raft_read_state *states, unsigned count);
void reads_serve(struct raft_driver *driver);
void reads_leader_changed(struct raft_driver *driver);
void reads_fail_all(struct raft_driver *driver, enum status status);
void reads_take_count(struct raft_driver *driver, uint64_t from, struct slice payload);
void reads_take_counted(struct raft_driver *driver, struct slice payload);

/* members.c */
/* By id, each once, and this node among them: into options.members. */
MUST_CHECK enum status members_settle(struct raft_driver *driver, const struct raft_driver_options *options,
                                      struct error *error);
/* 1 to RAFT_NODES_MAX of them, ids not 0 and sorted: *hash says who they are and where they talk to each other; where
 * clients find them may change. Never 0. */
MUST_CHECK enum status members_hash(const struct raft_member *members, size_t count, uint64_t *hash);
MUST_CHECK enum status members_sort(struct raft_member *to, const struct raft_member *members, size_t count,
                                    uint64_t node_id, struct error *error);
/* The founders, unless this node was added later: then an empty one. */
void members_founding_configuration(const struct raft_driver *driver, struct raft_configuration *configuration);
/* As the engine's rows and its configuration say, whom the options named where they are silent. */
MUST_CHECK enum status members_load(struct raft_driver *driver, struct engine *engine);
/* MISMATCH: the options contradict the log, or what the directory was made with. */
MUST_CHECK enum status members_check_options(const struct raft_driver *driver, struct error *error);
struct driver_member *members_find(struct raft_driver *driver, uint64_t id); /* NULL = unknown */
MUST_CHECK enum status members_stage(struct raft_driver *driver, const struct raft_member *member);
void members_told(struct raft_driver *driver, const struct raft_member *member, uint64_t index);
/* Rows of those who are in no list of the staged configuration go; then they are retired. */
MUST_CHECK enum status members_stage_configuration(struct raft_driver *driver);
void members_configured(struct raft_driver *driver, uint64_t index);
void members_turn(struct raft_driver *driver);
/* Who says so is from now on heard under its id, known to this node or not. MISMATCH: it may not speak. */
MUST_CHECK enum status members_greet(struct raft_driver *driver, const struct transport_greeting *greeting);
/* Known by its own word only: what it asks is heard, what it answers does not count. */
bool members_is_guest(const struct driver_member *member);
/* Copies of all, or of those only that are not retired. */
size_t members_list(const struct raft_driver *driver, struct raft_member members[DRIVER_MEMBERS_MAX], bool retired);

/* change.c */
void change_applied(struct raft_driver *driver, uint64_t index, uint64_t term);
void change_turn(struct raft_driver *driver);
void change_end(struct raft_driver *driver, enum status status); /* if one is under way */

/* hand_over.c */
void hand_over_turn(struct raft_driver *driver);
void hand_over_end(struct raft_driver *driver, enum status status); /* if one is under way */

/* witness.c */
struct slice witness_keeps(const struct raft_entry *entry); /* of its bytes, borrowed */
bool witness_is(const struct raft_driver *driver, uint64_t node);
/* Of a witness's store: after it was opened, before the machines take it up. */
enum status witness_forget_data(struct raft_driver *driver);
void witness_turn(struct raft_driver *driver);
static inline uint64_t witness_hash(const struct raft_driver *driver) {
    return driver->superblock.is_witness ? 0 : driver->chain; /* it has no state to compare */
}

/* about.c */
void about_turn(struct raft_driver *driver);
void about_send(struct raft_driver *driver, uint64_t to);
void about_take(struct raft_driver *driver, uint64_t from, struct slice payload);
void about_forget(struct raft_driver *driver, uint64_t peer); /* its link came up: it may be another program by now */
/* Members came or went: what was told before the core knew them it is told now, and this node tells all once more. */
void about_configured(struct raft_driver *driver);

/* priority.c */
void priority_turn(struct raft_driver *driver);
/* repair.c */
bool repair_is_damage(enum status status);
/*
 * The part is damaged, as status and error say: it is set aside, and the node is in doubt until it has everything from
 * its peers. Blocking; log, store and core are closed. OK: open them anew. Else the node can't be helped: the status
 * and error that were given, with what may be lost.
 */
MUST_CHECK enum status repair_set_aside(struct raft_driver *driver, enum repair_part part, enum status status,
                                        struct error *error);
void repair_session_opened(struct raft_driver *driver, uint64_t index); /* by this life of the node */
void repair_log_is_damaged(struct raft_driver *driver);
void repair_written(struct raft_driver *driver, enum status status); /* the superblock, both slots */
void repair_turn(struct raft_driver *driver);

/* scrub.c */
void scrub_init(struct raft_driver *driver);
void scrub_turn(struct raft_driver *driver);
void scrub_deinit(struct raft_driver *driver);

/* slow_disk.c */
void slow_disk_turn(struct raft_driver *driver);

/* ---- driver_status.c ---- */

void status_turn(struct raft_driver *driver); /* since when commit stands still */

/* snapshot_send.c */
void snapshot_send_start(struct raft_driver *driver, uint64_t peer);
void snapshot_send_turn(struct raft_driver *driver);
void snapshot_send_take_ack(struct raft_driver *driver, uint64_t from, struct slice payload);
void snapshot_send_link_down(struct raft_driver *driver, uint64_t peer);
/* The lowest index that a snapshot under way stands for: the log behind it is still needed. UINT64_MAX = none. */
uint64_t snapshot_send_needs(const struct raft_driver *driver);
void snapshot_send_deinit(struct raft_driver *driver);

/* snapshot_take.c */
void snapshot_take_chunk(struct raft_driver *driver, uint64_t from, struct slice payload);
void snapshot_take_install(struct raft_driver *driver);  /* the work at the head of the queue */
void snapshot_take_switched(struct raft_driver *driver); /* the superblock names the new engine */
bool snapshot_take_is_switching(
    const struct raft_driver *driver); /* the superblock being written is the one that does */
void snapshot_take_turn(struct raft_driver *driver);
void snapshot_take_deinit(struct raft_driver *driver);

/* keep.c */
void keep_log_short(struct raft_driver *driver);
void keep_machines(struct raft_driver *driver);
void keep_look_at_store(struct raft_driver *driver);

/* open.c */
MUST_CHECK enum status
driver_collect_kinds(struct raft_driver *driver); /* the machines' kinds of trees, and raft's own */
MUST_CHECK enum status driver_path(const struct raft_driver *driver, const char *format, uint64_t number,
                                   char path[IO_PATH_BYTES]);
MUST_CHECK enum status driver_open_engine(struct raft_driver *driver, uint64_t number, bool must_exist, bool read_only,
                                          struct engine **engine, struct error *error);
bool driver_has_had_log(const struct node_state *superblock);
MUST_CHECK enum status driver_log_path(const struct raft_driver *driver, uint64_t number, char path[IO_PATH_BYTES]);
/* Blocking: engine, log, core and transport; damage is repaired where others can. */
MUST_CHECK enum status driver_open_parts(struct raft_driver *driver, struct error *error);
MUST_CHECK enum status driver_settle_superblock(struct raft_driver *driver); /* blocking: both slots, durable */
MUST_CHECK enum status driver_remove_leftovers(struct raft_driver *driver);  /* blocking: what nothing names */
/* Blocking: removes a directory and what is in it; failures are logged. */
void driver_remove_dir(struct io *io, struct log *log, const char *path);

#endif
