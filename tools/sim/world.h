/*
 * world: a whole simulated cluster: nodes of any kind (whole servers; a toy in tests), simulated clients that speak
 * RESP, a plan of faults, checks at every step.
 *
 * A run is a function of its plan: boot, work under faults, heal, work again. It ends when every client has done its
 * share after healing and all nodes hold the same, or when a promise is broken, or when the bound for healing has
 * passed (that is a broken promise, too).
 */
#ifndef TOOLS_SIM_WORLD_H
#define TOOLS_SIM_WORLD_H

#include "engine/io.h"
#include "tools/sim/fault_plan.h"
#include "tools/sim/sim.h"

struct world;

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

/* Stores that a kind of node may serve. */
enum world_store { WORLD_KV = 1 << 0, WORLD_SERIES = 1 << 1, WORLD_GRAPHS = 1 << 2 };

enum { WORLD_AUDIT_STORES_MAX = 8 };

/* What a node shows of itself after a turn. */
struct world_view {
    bool is_leader;
    bool is_halted; /* its disk failed: it waits to be restarted */
    uint64_t term;
    uint64_t commit;
    uint64_t applied;
    uint64_t first_index; /* of its log */
    uint64_t last_index;
    uint64_t state_hash; /* chain over everything applied up to `applied` */
    uint64_t snapshots_installed;
    uint64_t written;       /* the last index that a client wrote, applied in this life; 0 = none */
    uint64_t lease_ends_ns; /* by its own clock: until then it may serve reads alone; 0 = it may not */
    uint64_t lease_reads;   /* in this life */
    uint64_t gave_way;      /* leadership given away because its disk is slow */
    uint64_t elsewhere;     /* reads that other nodes answered for it, in this life */
    uint64_t scrub_passes;
    uint64_t repairs; /* of its log or store, from others */
    bool is_joint;    /* the configuration that it goes by is */
};

/* Who has a say, by what a node has applied; bit i: node i + 1. */
struct world_membership {
    uint32_t voters, outgoing, learners; /* outgoing: not 0 in a joint configuration */
    bool leaves;                         /* that by itself */
    bool pending;                        /* another may stand in its log */
    uint64_t incarnation;                /* the node's own */
};

enum world_change_how {
    WORLD_CHANGE_PLAIN,    /* one vote in a step, more by a joint configuration */
    WORLD_CHANGE_JOINT,    /* joint in any case */
    WORLD_CHANGE_EXPLICIT, /* and left by the operator */
    WORLD_CHANGE_DEMOTES,  /* who loses a vote goes on as a learner */
};

struct world_change {
    uint32_t add, promote, demote, remove;
    bool joint, explicitly;
    bool leave;                                  /* the joint configuration; nothing else then */
    uint64_t incarnations[FAULT_PLAN_NODES_MAX]; /* of those who are added */
};

/* More of it, for pictures and people. */
struct world_look {
    const char *role; /* static; "" while the node is down */
    uint64_t vote, leader;
    uint64_t stable; /* its log is durable up to here */
    char configuration[256];
};

/* All that a node holds, read in full. */
struct world_audit {
    uint64_t index; /* of the log, that it stands for */
    size_t count;
    struct world_store_hash {
        const char *store; /* static */
        uint64_t hash;
    } stores[WORLD_AUDIT_STORES_MAX];
};

/* How a world drives a node. `number` is 1.. . */
struct world_node_kind {
    const char *name;
    unsigned stores; /* enum world_store: what clients may ask of it */
    /* Makes the directory of a node that never ran, durably; joins: it is no member until a change says so. */
    enum status (*make)(void *context, struct io *io, unsigned number, bool joins, struct error *error);
    enum status (*boot)(void *context, struct io *io, unsigned number, void **node, struct error *error);
    /* Raises the format level of the store of a node that is made and not running; may be NULL. */
    enum status (*upgrade)(void *context, struct io *io, struct error *error);
    /* After io_run; returns when it wants the next one (io_now_ns). */
    uint64_t (*turn)(void *context, void *node);
    /* Frees it. The io may be dead: then this is the end of its memory only. */
    void (*destroy)(void *context, void *node);
    void (*view)(void *context, void *node, struct world_view *view);
    /* The term of an entry in its log; 0 = compacted or not there. */
    uint64_t (*term_at)(void *context, void *node, uint64_t index);
    /* NULL or a static sentence: an invariant of its own that does not hold. May be NULL. */
    const char *(*complaint)(void *context, void *node);
    /* Reads the whole state, blocking: a hash for each store, equal on all nodes at an equal index, whatever a node has
     * been through. OK; IO: its disk does not let it; CORRUPT with words: a store is not whole. May be NULL. */
    enum status (*audit)(void *context, void *node, struct world_audit *audit, struct error *error);
    /* The node, which leads, is to give its place to node `to`; adds 1 to *handed, which outlives it, once that one
     * leads. May be NULL. */
    void (*transfer)(void *context, void *node, unsigned to, uint64_t *handed);
    /* Begins to write what it has applied to its store, so that its log may go. May be NULL. */
    enum status (*snapshot)(void *context, void *node);
    /* May both be NULL: members don't change. The node leads; true: it has taken the change, and
     * world_members_change_ended is called once, at its own end at the latest. */
    void (*membership)(void *context, void *node, struct world_membership *shown);
    bool (*change)(void *context, void *node, const struct world_change *change, struct world *world);
    /* Not asked for in an ordinary run. May be NULL: then the view has to do. */
    void (*look)(void *context, void *node, struct world_look *look);
    /* A frame between nodes that faults may drop, repeat or delay (a handshake is not). NULL = any. */
    bool (*may_lose)(void *context, struct slice frame);
    void *context;
};

void world_members_change_ended(struct world *world, bool holds);

/* Addresses of node `number`, as boot must use them. */
void world_client_address(unsigned number, char address[IO_ADDRESS_BYTES]);
void world_peer_address(unsigned number, char address[IO_ADDRESS_BYTES]);

/* ---- The history ------------------------------------------------------------------------------------------------- */

enum world_action {
    WORLD_APPEND,
    WORLD_READ_LIST,
    WORLD_ADD,
    WORLD_READ_SUM,
    WORLD_SET,
    WORLD_GET,
    WORLD_SET_PAIR,
    WORLD_GET_PAIR,
    WORLD_SET_BRIEFLY,
    WORLD_GET_BRIEF,
    WORLD_SERIES_ADD,
    WORLD_SERIES_ADD_TWO,
    WORLD_SERIES_DELETE,
    WORLD_SERIES_READ,
    WORLD_SERIES_READ_BACK,
    WORLD_SERIES_READ_TWO,
    WORLD_EDGE_ADD,
    WORLD_EDGE_DELETE,
    WORLD_EDGES_OUT,
    WORLD_EDGES_IN,
    WORLD_EDGES_SQUARED,
    WORLD_COUNT,
    WORLD_READ_COUNT,
    WORLD_ACTIONS
};
enum world_outcome { WORLD_PENDING, WORLD_DONE, WORLD_REFUSED, WORLD_UNKNOWN };

struct world_operation {
    enum world_action action;
    enum world_outcome outcome;
    unsigned client;
    unsigned key;   /* of the action's own keys */
    uint64_t token; /* written: unique in the run */
    uint64_t invoked_ns;
    uint64_t returned_ns; /* DONE and REFUSED */
    int64_t number;       /* reply of APPEND: the length; ADD, READ_SUM and COUNT, READ_COUNT: the sum (of nothing: 0);
                             EDGES_SQUARED: pairs of edges; GET:       the   token, 0 = nothing */
    int64_t from, to; /* SERIES_DELETE: times; EDGE_DELETE: tokens; both inclusive. EDGES_SQUARED: to = its time, ms */
    uint64_t
        *tokens; /* READ_LIST: what the list holds, in order; reads of series and edges: ascending; the history's */
    size_t token_count;
    size_t split; /* SERIES_READ_TWO: so many are the first series' */
};

/* ---- A run ------------------------------------------------------------------------------------------------------- */

enum world_verdict {
    WORLD_KEPT,   /* every promise */
    WORLD_BROKEN, /* a promise was broken: see text */
    WORLD_STUCK,  /* healed, and yet no progress within the bound */
};

struct world_report {
    enum world_verdict verdict;
    char text[1024];     /* what, where, when; "" if all is well */
    const char *promise; /* static: the same for all breaks of one kind, in any run (complaints of nodes, of whatever
                            sentence, are one kind); NULL if all is well */
    uint64_t broken_ms;  /* when it was seen */
    uint64_t trace_hash;
    uint64_t events;
    uint64_t virtual_ms;
    uint64_t completed; /* operations: answered with success */
    uint64_t series;    /* of them: of time series */
    uint64_t graphs;    /* of graphs */
    uint64_t hung_up;   /* queries of graphs whose client left while they ran */
    uint64_t timed_out; /* queries of graphs that ran out of their time */
    uint64_t refused;   /* answered: not applied */
    uint64_t unknown;   /* no answer, or one that does not know */
    uint64_t faults;    /* struck */
    uint64_t kinds;     /* of faults */
    uint64_t leader_changes;
    uint64_t scrubs;         /* passes over all that a node holds */
    uint64_t repairs;        /* nodes that had a damaged log or store again from the others */
    uint64_t lease_reads;    /* rounds that a leader did without */
    uint64_t transfers;      /* of them: because the leader gave its place away */
    uint64_t member_changes; /* that held when they were answered */
    uint64_t joint_crashes;  /* nodes that went down in a joint configuration */
    uint64_t wiped;
    uint64_t misdirected; /* writes that stood elsewhere behind a power cut */
    uint64_t upgraded;    /* stores whose format level was raised */
    uint64_t witnesses;   /* 1: there was one */
    uint64_t gave_way;    /* leaders whose disk was slow */
    uint64_t elsewhere;   /* reads that another node answered for the one that was asked */
    uint64_t restarts;
    uint64_t snapshots; /* installed from a peer */
    uint64_t max_term;
    uint64_t audits; /* whole states that were read and compared */
    uint64_t power_cuts;
    uint64_t disk_faults;
    uint64_t frames_dropped, frames_repeated, frames_delayed, connections_reset;
};

struct world_options {
    const struct fault_plan *plan;                  /* borrowed */
    const struct world_node_kind *nodes;            /* borrowed */
    void (*trace)(void *context, const char *line); /* NULL = no text */
    void *trace_context;
    /* Each operation of the history once it is over, in order of invocation, at the end; may be NULL. */
    void (*history)(void *context, const struct world_operation *operation);
    void *history_context;
    struct record *record; /* listens to the run (record.h); changes nothing; NULL: nobody does. Borrowed */
};

/* Runs the plan. Every run of the same plan and kind gives the same report, hash included. */
void world_run(const struct world_options *options, struct world_report *report);

/*
 * The same, event by event; world_hand.h looks at it between two of them. options and report are borrowed until
 * world_close. A run that is closed before it is over was not judged: its verdict is that of what was seen.
 */
struct world *world_open(const struct world_options *options, struct world_report *report);
/* The next event; false: the run is over, and the report says how. */
bool world_step(struct world *world);
bool world_is_over(const struct world *world);
/* Fills in the figures of the report. */
void world_close(struct world *world);

#endif
