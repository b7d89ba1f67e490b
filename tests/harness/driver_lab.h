/*
 * driver_lab: one or three simulated nodes that run raft_driver with a toy store on the real engine, log and transport.
 * For facts about the driver: the test turns the nodes itself, so that it can stop between any two turns.
 *
 * The toy store takes "key=value" and answers how often the key has been put. Failures fail the fact.
 */
#ifndef TESTS_HARNESS_DRIVER_LAB_H
#define TESTS_HARNESS_DRIVER_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/names.h"
#include "raft/driver.h"
#include "tools/sim/sim_io.h"

enum { NODES = 3, NODES_MOST = 8, TOY_STORE = 1, TOY_TREE = TREE_STORES, TOY_KIND = KIND_STORES, MS = 1000000 };

struct toy {
    struct engine *engine;
    uint64_t applied;
};

struct node {
    unsigned number;
    struct sim_disk *disk;
    struct io *io; /* NULL: down */
    struct raft_driver *driver;
    struct toy toy;
    struct state_machine machine;
    uint64_t wake_ns;
};

struct cluster {
    struct sim *sim;
    struct node nodes[NODES_MOST];
    struct raft_driver_options options;
    size_t count;
};

struct call {
    struct raft_request request;
    unsigned answers;
    enum status status;
    int64_t integer;
};

/* cmocka's set-up and tear-down: *state is a struct cluster. */
int driver_lab_set_up(void **state); /* three nodes that run */
int driver_lab_set_up_one(void **state);
int driver_lab_set_up_witness(void **state); /* three, of which the last is a witness */
int driver_lab_tear_down(void **state);
/* A test that opened node->io itself says so before the nodes turn again. */
void driver_lab_own(struct node *node);

/* ---- Nodes ---- */

void node_start(struct cluster *cluster, struct node *node); /* opens its directory */
/* A new node with a directory that waits to be added, started. *identity is what the cluster must be told. */
struct node *cluster_newcomer(struct cluster *cluster, enum raft_node_kind kind, struct raft_identity *identity);
/* Where the n-th node is. */
struct raft_member cluster_member(uint64_t id);
void node_end(struct node *node);  /* closes what is there */
void node_kill(struct node *node); /* the process dies, its disk lives on */
void node_cut(struct node *node);  /* the power fails */

/* One turn of every node that is up; then time passes to the next thing that happens. */
void cluster_turn(struct cluster *cluster);
void cluster_run(struct cluster *cluster, uint64_t ms);
struct node *cluster_leader(struct cluster *cluster); /* NULL = none */
struct node *cluster_wait_for_leader(struct cluster *cluster);
void cluster_kill_others(struct cluster *cluster, const struct node *than);
void cluster_start_others(struct cluster *cluster, const struct node *than);
struct node *cluster_another(struct cluster *cluster, const struct node *than);
/* Until all that are up have applied the same; then they must hold the same. */
void cluster_wait_until_equal(struct cluster *cluster);

/* ---- Requests ---- */

void call_done(struct raft_request *request, enum status status, struct slice reply);
void node_put(struct node *node, struct call *call,
              const char *text); /* call is overwritten, borrowed until answered */
void cluster_wait_for(struct cluster *cluster, const struct call *call);
void cluster_must_put(struct cluster *cluster, struct node *node, const char *text);
/* Many puts of keys that are told apart by prefix and number; all must be answered with 1. */
void cluster_must_put_many(struct cluster *cluster, struct node *node, const char *prefix, unsigned count,
                           size_t value_bytes);

uint64_t node_count(struct node *node, const char *key); /* how often it was put, by this node's store; 0 = never */
struct raft_driver_status node_status(struct node *node);

#endif
