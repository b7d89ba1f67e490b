/*
 * world_private: the parts of a world.
 *
 *   world.c          the run: phases, nodes that boot, turn and go down
 *   world_faults.c   the plan at work: what holds now follows from the faults that are active
 *   world_members.c  members that come and go
 *   world_clients.c  simulated clients
 *   world_record.c   what a picture of the run is drawn from
 *   world_check.c    what must hold at every step
 *   world_audit.c    whole states, read and compared
 *   world_history.c  what must hold of all that clients were told
 */
#ifndef TOOLS_SIM_WORLD_PRIVATE_H
#define TOOLS_SIM_WORLD_PRIVATE_H

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "tools/sim/sim_disk.h"
#include "tools/sim/sim_io.h"
#include "tools/sim/sim_net.h"
#include "tools/sim/world.h"

enum {
    WORLD_MS = 1000000,
    WORLD_INDEX_MAX = 1 << 14, /* of the log, in one run; checks of entries end there */
    WORLD_TERM_MAX = 1 << 12,
};

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

struct world_node {
    struct world *world;
    unsigned number; /* 1.. */
    struct sim_disk *disk;
    struct io *io; /* NULL: down */
    void *handle;  /* NULL: down */
    bool is_made;
    bool joins; /* its directory is of one who is no founder */
    bool in_turn;
    bool is_paused;
    bool is_held;    /* down by hand: it boots by hand */
    bool is_stopped; /* paused by hand */
    struct sim_event turn;
    struct sim_event boot;
    uint64_t busy_until_ns;
    uint64_t deadline_ns; /* of the next turn, by the node's clock, as the last one said */
    struct prng prng;     /* of the present life, for how late its loop wakes ... */
    uint64_t wake_ns;     /* ... at most */
    uint64_t down_until_ns;
    unsigned boots;
    char last_error[256];

    /* Of the present life, for the checks. */
    struct world_view view;
    bool has_view;
    uint64_t *terms;     /* of its log, by index; 0 = not known */
    uint64_t known_last; /* terms are known up to here */
    bool is_rotten;      /* a bit of what it holds has changed at some time */
    bool is_upgraded;    /* it is to be, at its next boot */
    uint64_t audited;    /* the last index that was */
};

/* ---- What all nodes ever showed ---------------------------------------------------------------------------------- */

struct world_ledger {
    unsigned leaders[WORLD_TERM_MAX]; /* by term; 0 = none seen */
    uint64_t max_leader_term;
    uint64_t max_commit;
    uint64_t *committed_terms; /* by index; 0 = not committed */
    uint64_t *state_hashes;    /* by applied index; 0 = not seen */
    struct world_link {        /* by (index, term), a table with open addresses: the term before it */
        uint64_t index, term, before;
    } * links;
    size_t link_count;
    size_t link_capacity;
    unsigned last_leader;
    uint64_t last_leader_term;
    struct world_audit *audits; /* one for each index that was audited, in the order of the first */
    size_t audit_count;
    size_t audit_capacity;
};

/* ---- Members ------------------------------------------------------------------------------------------------------
 */

struct world_members {
    struct sim_event looks; /* fire is NULL: nobody changes members in this run */
    struct prng prng;
    uint32_t wanted; /* voters */
    enum world_change_how how;
    uint32_t replaced; /* wiped, and not yet taken out */
    bool wiped;        /* there was one */
    bool under_way, settled;
};

/* ---- Clients ----------------------------------------------------------------------------------------------------- */

struct world_client {
    struct world *world;
    unsigned number;
    unsigned target; /* node that it talks to, or will */
    struct prng prng;
    struct io_socket *socket;
    struct io_op connect, send, receive;
    bool is_connecting, is_sending, is_receiving;
    bool is_leaving; /* the connection is being given up */
    struct sim_event alarm;
    struct buf out, in;
    size_t operation; /* in the history; SIZE_MAX = none under way */
    uint64_t done_since_heal;
    uint8_t received[4096];
};

struct world {
    const struct world_options *options;
    const struct fault_plan *plan;
    struct world_report *report;
    struct sim *sim;
    struct prng prng;
    struct world_node nodes[FAULT_PLAN_NODES_MAX];
    struct world_ledger ledger;
    struct world_members members;

    struct sim_event strikes[FAULT_PLAN_FAULTS_MAX];
    struct sim_event lifts[FAULT_PLAN_FAULTS_MAX];
    bool is_active[FAULT_PLAN_FAULTS_MAX];
    struct fault struck[FAULT_PLAN_FAULTS_MAX];                      /* as it struck: with the leader of that moment */
    size_t recorded[FAULT_PLAN_FAULTS_MAX];                          /* its number in the record */
    uint32_t frame_drop[FAULT_PLAN_NODES_MAX][FAULT_PLAN_NODES_MAX]; /* of a million */
    uint32_t frame_repeat[FAULT_PLAN_NODES_MAX][FAULT_PLAN_NODES_MAX];
    uint32_t frame_delay[FAULT_PLAN_NODES_MAX][FAULT_PLAN_NODES_MAX];
    bool hand_cut[FAULT_PLAN_NODES_MAX + 1][FAULT_PLAN_NODES_MAX + 1]; /* links, by hand; the last is the clients' */
    size_t hand_recorded[FAULT_PLAN_NODES_MAX + 1][FAULT_PLAN_NODES_MAX + 1];
    struct prng frames[FAULT_PLAN_NODES_MAX][FAULT_PLAN_NODES_MAX]; /* of each link, for the fates of its frames */
    struct sim_link base_link;

    struct sim_disk *client_disk;
    struct io *client_io;
    struct sim_event client_turn;
    struct world_client clients[FAULT_PLAN_CLIENTS_MAX];
    struct arena arena; /* of replies */
    struct world_operation *history;
    size_t history_count;
    size_t history_capacity;
    uint64_t next_token;
    unsigned weights;      /* of all that may be asked */
    unsigned series_there; /* bit k: an answer has told that series k exists */
    uint64_t completed;

    uint64_t heal_ns;           /* when the last fault is lifted */
    bool is_over;               /* a verdict stands */
    bool is_ending;             /* clients begin nothing new; one reads everything from each node */
    unsigned script_steps;      /* for each node */
    unsigned script_at;         /* how far that is */
    size_t final_from;          /* operations of the history from here on are its */
    uint64_t final_commit;      /* the last index that was committed when it began */
    bool met_rot;               /* an audit did */
    bool is_restarted;          /* all has been read, and all nodes have been down once more */
    struct world_audit settled; /* what they held before that */
    uint64_t bound_ns;          /* by then all has to be well */
    uint64_t next_check_ns;
};

/* The first broken promise ends the run. */
void world_break(struct world *world, enum world_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool world_is_healed(const struct world *world);

void world_node_power_cut(struct world_node *node, enum sim_cut cut, uint64_t for_ns);
void world_node_kill(struct world_node *node, uint64_t for_ns);
void world_node_pause(struct world_node *node, bool is_paused);
void world_node_boot_now(struct world_node *node);
bool world_node_is_up(const struct world_node *node);

/* Somebody interfered: the run has as long as after healing to be well again. */
void world_give_time(struct world *world);

void world_faults_start(struct world *world);
void world_faults_stop(struct world *world);
/* What holds at links, disks and clocks is computed anew. */
void world_faults_refresh(struct world *world);
/* Brings a node that has just booted under the faults that are active. */
void world_faults_refresh_node(struct world *world, struct world_node *node);

void world_members_start(struct world *world);
void world_members_stop(struct world *world);
bool world_members_change(const struct world *world); /* in this run */
void world_members_want(struct world *world, const struct fault *fault);
void world_members_wipe(struct world *world, struct world_node *node);
/* A node goes down. */
void world_members_note_down(struct world *world, const struct world_node *node);
/* All nodes are voters, and that is all. */
bool world_members_are_settled(const struct world *world);

void world_clients_start(struct world *world);
void world_clients_stop(struct world *world);
/* Everybody has had answers since the healing. */
bool world_clients_are_content(const struct world *world);
/* The first of them reads everything from every node, from the beginning. */
void world_clients_read_all(struct world *world);
/* Everything was read from every node. */
bool world_clients_have_finished(const struct world *world);

/* "up", "down", "paused", "halted". */
const char *world_node_condition(const struct world_node *node);
void world_node_look(const struct world_node *node, struct world_look *look);
/* Of its log: "12:3,40:4" is term 3 from entry 12 on, 4 from 40 on; the newest terms. */
void world_node_terms(const struct world_node *node, char *text, size_t size);

/* What a record is told, if there is one. */
void world_record_start(struct world *world);
void world_record_stop(struct world *world);
void world_record_node(const struct world_node *node);
void world_record_boot_failure(const struct world_node *node);
void world_record_strike(struct world *world, size_t number);
void world_record_lift(struct world *world, size_t number);

void world_check_start(struct world *world);
void world_check_stop(struct world *world);
/* After a node's turn. */
void world_check_node(struct world *world, struct world_node *node);
/* A node's memory is gone. */
void world_check_forget(struct world_node *node);

/* After a node's turn: now and then. */
void world_audit_node(struct world *world, struct world_node *node);
/* Every node, at rest: the second time what the first time was held. */
void world_audit_all(struct world *world);
void world_audit_stop(struct world *world);

/* ---- Judging the history ----------------------------------------------------------------------------------------- */

/* An operation on one object, in terms of its states, which are numbered in their order. */
struct world_step {
    uint64_t invoked_ns;
    uint64_t returned_ns; /* UINT64_MAX: never */
    uint64_t shows;       /* the state after it */
    uint64_t above;     /* by so much at least it is above whatever it saw: 1 for a write that has a place of its own */
    uint64_t operation; /* its number in the history, for words */
};
struct world_steps {
    struct world_step *items; /* room for the whole history */
    size_t count;
};
void world_steps_add(struct world *world, struct world_steps *steps, size_t number, uint64_t shows, uint64_t above);
/* Whatever ended before a step began is in the state that it saw. */
void world_steps_judge(struct world *world, const char *object, unsigned key, struct world_steps *steps);

/* The last read of an object, after all nodes gave the same; NULL: none was asked for it. */
const struct world_operation *world_last_read(struct world *world, enum world_action action, unsigned key);

/* Series and edges. */
void world_sets_judge(struct world *world, struct world_steps *steps);

/* At the end: judges the history. */
void world_history_judge(struct world *world);
/* PENDING, invoked now. Valid until the next one. */
struct world_operation *world_history_add(struct world *world, enum world_action action, unsigned client);
void world_history_clear(struct world *world);

#endif
