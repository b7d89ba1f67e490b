/*
 * cluster: what the actions of `loam cluster` share: the plan, an io, and what is known of each node.
 */
#ifndef TOOLS_LOAM_CLUSTER_CLUSTER_H
#define TOOLS_LOAM_CLUSTER_CLUSTER_H

#include "tools/loam/cluster/plan.h"
#include "tools/loam/cluster/process.h"

enum { CLUSTER_EXTRA_MAX = 32 };

struct cluster {
    struct io *io;
    struct plan plan;
    const char *server; /* path of loamd; NULL: beside this program */
    bool json;          /* status */
    bool follow;        /* logs */
    bool learner;       /* add: no vote */
    bool witness;       /* start: the last node, add: the new one keeps no data */
    bool force;         /* recover: do it */
    uint64_t lines;
    char cluster_id[20];      /* for nodes that are added; empty = not asked yet */
    unsigned joining;         /* a founder that comes back with a new directory, to be added; 0 = none */
    char secret[40];          /* of clients and peers of nodes beyond loopback; "": none */
    const char *const *extra; /* start, restart: handed on to loamd */
    int extra_count;
};

/* What a node says of itself; zero where it does not answer. */
struct node_facts {
    unsigned node;
    enum process_state process;
    long pid;
    bool answers;
    char role[16]; /* "leader", "follower", "candidate", "learner", "witness", "waiting", "removed", "down" */
    uint64_t term, commit, applied, leader;
    char state_hash[20]; /* in hexadecimal: equal on nodes that have applied the same entries */
    uint64_t disk_bytes;
};

/* ---- nodes.c: processes of nodes --------------------------------------------------------------------------------- */

/* The process of the node; *pid 0 if there is none. */
enum process_state cluster_node_process(const struct cluster *cluster, unsigned node, long *pid);
/* Starts it, making its directory first if there is none. OK if it runs already. */
MUST_CHECK enum status cluster_node_start(const struct cluster *cluster, unsigned node, struct error *error);
/* Asks it to end, if it runs, and does not wait. */
void cluster_node_ask_to_end(const struct cluster *cluster, unsigned node);
/* Asks it to end and waits; kills it after ten seconds, and says so. OK if it does not run. */
MUST_CHECK enum status cluster_node_stop(const struct cluster *cluster, unsigned node, struct error *error);
MUST_CHECK enum status cluster_node_kill(const struct cluster *cluster, unsigned node, struct error *error);
/* BUSY, naming the port, if another program has one of the node's ports. */
MUST_CHECK enum status cluster_node_check_ports(const struct cluster *cluster, unsigned node, struct error *error);

/* ---- reset.c ----------------------------------------------------------------------------------------------------- */

/* Kills all nodes and takes away what start made, and nothing else. *is_gone: the directory held nothing more, and is
 * removed too. */
MUST_CHECK enum status cluster_reset(struct cluster *cluster, bool *is_gone, struct error *error);

/* Takes away what the node holds, but not its log and its .pid. OK if it holds nothing. REQUIRES: it does not run. */
MUST_CHECK enum status cluster_node_wipe(const struct cluster *cluster, unsigned node, struct error *error);

/* ---- facts.c: what nodes say ------------------------------------------------------------------------------------- */

/* Asks the node, for half a second at most. */
void cluster_node_ask(const struct cluster *cluster, unsigned node, struct node_facts *facts);
/* Fills in role, term, commit, applied, leader, state_hash from an INFO text. False if it has no raft section. */
bool cluster_facts_parse(struct node_facts *facts, struct slice info);
/* What a node, of whom info is the word, holds another to be: by the configuration that it has applied. */
enum cluster_place { PLACE_NONE, PLACE_LEARNER, PLACE_VOTER };
enum cluster_place cluster_place_of(struct slice info, unsigned node);
/* All nodes of the plan; facts has room for PLAN_NODES_MAX. */
void cluster_ask_all(const struct cluster *cluster, struct node_facts *facts);
/* Waits until all running nodes answer and agree on one leader. TIMED_OUT with the state of things. */
MUST_CHECK enum status cluster_wait_ready(const struct cluster *cluster, uint32_t timeout_ms, struct error *error);

/* ---- status.c ---------------------------------------------------------------------------------------------------- */

MUST_CHECK enum status status_print_table(struct buf *to, const struct plan *plan, const struct node_facts *facts);
MUST_CHECK enum status status_print_json(struct buf *to, const struct plan *plan, const struct node_facts *facts);

/* ---- links.c: partitions ----------------------------------------------------------------------------------------- */

/* group[i] is that of node i + 1; nodes of different groups do not hear each other. NULL: all do. */
MUST_CHECK enum status cluster_set_links(const struct cluster *cluster, const unsigned *group, struct error *error);

/* ---- transfer.c -------------------------------------------------------------------------------------------------- */

/* Has the leader give its place to node `to`, 0 = to whoever is furthest; prints who leads and how long it took. */
MUST_CHECK enum status cluster_transfer(const struct cluster *cluster, unsigned to, struct error *error);

/* The node that leads in the highest term; 0 = none. */
unsigned cluster_find_leader(const struct cluster *cluster, const struct node_facts *facts);

/* ---- members.c --------------------------------------------------------------------------------------------------- */

/*
 * Each goes on where it was broken off when it is said again, and prints what holds then. INVALID with the leader's
 * words; TIMED_OUT when the cluster does not get there.
 *
 * add: node 0 makes and starts a new one; it becomes a learner and, unless cluster->learner, a voter once it has caught
 * up. remove: ends the node's process once all others know. replace: a new node takes a vote, and this one loses its
 * own, in one change.
 */
MUST_CHECK enum status cluster_add(struct cluster *cluster, unsigned node, struct error *error);
MUST_CHECK enum status cluster_promote(struct cluster *cluster, unsigned node, struct error *error);
MUST_CHECK enum status cluster_remove(struct cluster *cluster, unsigned node, struct error *error);
/* The survivors ("1,2") end, and what they hold is told; with cluster->force they go on without the others. INVALID:
 * another node runs, or they are a majority. */
MUST_CHECK enum status cluster_recover(struct cluster *cluster, const char *survivors, struct error *error);
MUST_CHECK enum status cluster_replace(struct cluster *cluster, unsigned node, struct error *error);

/* ---- logs.c ------------------------------------------------------------------------------------------------------ */

/* The last lines of one node's log, or of all (node 0); goes on until interrupted if cluster->follow. */
MUST_CHECK enum status cluster_print_logs(const struct cluster *cluster, unsigned node, struct error *error);

#endif
