/*
 * members: nodes that come to a cluster that runs, and go. Each step asks the leader how things are, says what is
 * missing (RAFT.CHANGE), and looks again: so an action that was broken off can be said once more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/client.h"
#include "tools/loam/cluster/cluster.h"
#include "tools/loam/info_text.h"

enum {
    STEP_MS = 60000,
    LEADER_MS = 5000,
    CALL_MS = 12000,
    POLL_NS = 20 * 1000 * 1000,
    WORDS_MAX = 16,
    INFO_BYTES = 16 << 10
};

/* A node's own words. */
struct word_of {
    unsigned node;
    char info[INFO_BYTES];
    size_t size;
};

static bool ask_info(const struct cluster *cluster, unsigned node, struct word_of *word) {
    char address[IO_ADDRESS_BYTES];
    const char *words[] = {"INFO", "raft"};
    struct client *client = NULL;
    const struct resp_reply *reply = NULL;
    plan_address(&cluster->plan, node, PLAN_CLIENTS, address);
    enum status status = client_open(cluster->io, address, 1000, &client, NULL);
    if (status == STATUS_OK) status = client_call(client, words, 2, &reply, NULL);
    const bool known = status == STATUS_OK && reply->type != RESP_ERROR && reply->text.size < sizeof word->info;
    if (known) {
        memcpy(word->info, reply->text.data, reply->text.size);
        word->size = reply->text.size;
        word->node = node;
    }
    client_close(client);
    return known;
}

static struct slice field_of(const struct word_of *word, const char *name) {
    return info_field(slice_make(word->info, word->size), name);
}

static void copy_field(const struct word_of *word, const char *name, char *to, size_t size) {
    const struct slice value = field_of(word, name);
    (void)snprintf(to, size, "%.*s", (int)value.size, (const char *)value.data);
}

/* Whoever leads in the highest term of those that answer. */
static bool ask_leader(const struct cluster *cluster, struct word_of *word) {
    struct node_facts facts[PLAN_NODES_MAX];
    cluster_ask_all(cluster, facts);
    const unsigned leader = cluster_find_leader(cluster, facts);
    return leader != 0 && ask_info(cluster, leader, word);
}

static enum cluster_place place_of(const struct word_of *word, unsigned node) {
    return cluster_place_of(slice_make(word->info, word->size), node);
}

/* ---- One step ---------------------------------------------------------------------------------------------------- */

/* Words to the leader. OK with why[0] = 0: it holds. OK with words in `why`: not now, ask again. */
static enum status say(const struct cluster *cluster, unsigned leader, const char *const *words, size_t count,
                       char why[256], struct error *error) {
    static const char *const later[] = {"TRYAGAIN", "NOTLEADER", "TIMEOUT", "CLUSTERDOWN", "UNKNOWN"};
    char address[IO_ADDRESS_BYTES];
    struct client *client = NULL;
    const struct resp_reply *reply = NULL;
    struct error failure = {0};
    why[0] = 0;
    plan_address(&cluster->plan, leader, PLAN_CLIENTS, address);
    enum status status = client_open(cluster->io, address, CALL_MS, &client, &failure);
    if (status == STATUS_OK) status = client_call(client, words, count, &reply, &failure);
    if (status != STATUS_OK) {
        (void)snprintf(why, 256, "%.250s", failure.text);
        status = STATUS_OK; /* the leader has gone: there will be another */
    } else if (reply->type == RESP_ERROR) {
        (void)snprintf(why, 256, "%.*s", (int)(reply->text.size < 250 ? reply->text.size : 250),
                       (const char *)reply->text.data);
        status = error_set(error, STATUS_INVALID, "node %u: %s", leader, why);
        for (size_t i = 0; i < sizeof later / sizeof *later; i++)
            if (strncmp(why, later[i], strlen(later[i])) == 0) status = STATUS_OK;
    }
    client_close(client);
    return status;
}

struct step {
    const char *words[WORDS_MAX];
    size_t count;
    unsigned node;             /* of whom it is about, and .. */
    enum cluster_place wanted; /* .. what it is then */
};

/* Until the leader says that it is so. */
static enum status take_step(const struct cluster *cluster, const struct step *step, struct error *error) {
    const uint64_t give_up_ns = io_now_ns(cluster->io) + (uint64_t)STEP_MS * 1000000u;
    char why[256] = "no node leads";
    for (;;) {
        struct word_of leader;
        if (ask_leader(cluster, &leader)) {
            if (place_of(&leader, step->node) == step->wanted) return STATUS_OK;
            enum status status = say(cluster, leader.node, step->words, step->count, why, error);
            if (status != STATUS_OK) return status;
            if (why[0] == 0) continue;
        }
        if (io_now_ns(cluster->io) > give_up_ns)
            return error_set(error, STATUS_TIMED_OUT, "%s %s: not within %d s: %s", step->words[0], step->words[1],
                             STEP_MS / 1000, why);
        io_sleep(cluster->io, POLL_NS);
    }
}

static enum status change_one(const struct cluster *cluster, const char *word, unsigned node, enum cluster_place wanted,
                              struct error *error) {
    char id[16];
    (void)snprintf(id, sizeof id, "%u", node);
    const struct step step = {.words = {"RAFT.CHANGE", word, id}, .count = 3, .node = node, .wanted = wanted};
    return take_step(cluster, &step, error);
}

/* ---- Coming ------------------------------------------------------------------------------------------------------ */

static enum status wait_for_word(const struct cluster *cluster, unsigned node, struct word_of *word,
                                 struct error *error) {
    const uint64_t give_up_ns = io_now_ns(cluster->io) + (uint64_t)STEP_MS * 1000000u;
    char log[IO_PATH_BYTES];
    long pid;
    while (!ask_info(cluster, node, word)) {
        plan_path(&cluster->plan, node, ".log", log);
        if (cluster_node_process(cluster, node, &pid) == PROCESS_GONE || io_now_ns(cluster->io) > give_up_ns)
            return error_set(error, STATUS_CLOSED, "node %u does not serve; %s says why", node, log);
        io_sleep(cluster->io, POLL_NS);
    }
    return STATUS_OK;
}

/* There may be an election just now. */
static enum status wait_for_leader(const struct cluster *cluster, struct word_of *word, struct error *error) {
    const uint64_t give_up_ns = io_now_ns(cluster->io) + (uint64_t)LEADER_MS * 1000000u;
    while (!ask_leader(cluster, word)) {
        if (io_now_ns(cluster->io) > give_up_ns)
            return error_set(error, STATUS_NOT_FOUND, "no node leads; `loam cluster status` shows them");
        io_sleep(cluster->io, POLL_NS);
    }
    return STATUS_OK;
}

/* A learner, with a process that runs. *node 0: a new one, whose number is given out. */
static enum status bring_in(struct cluster *cluster, unsigned *node, struct error *error) {
    struct plan *plan = &cluster->plan;
    struct word_of leader, newcomer;
    char peer[IO_ADDRESS_BYTES], client[IO_ADDRESS_BYTES], incarnation[24], id[16];
    enum status status = wait_for_leader(cluster, &leader, error);
    if (status != STATUS_OK) return status;
    copy_field(&leader, "raft_cluster_id", cluster->cluster_id, sizeof cluster->cluster_id);
    if (*node == 0) {
        if (plan->nodes == PLAN_NODES_MAX)
            return error_set(error, STATUS_TOO_LARGE, "%d ids were given out, which is all there are", PLAN_NODES_MAX);
        status = cluster_node_check_ports(cluster, plan->nodes + 1, error);
        if (status != STATUS_OK) return status;
        plan->founders = plan_founders(plan);
        *node = ++plan->nodes;
        status = plan_save(plan, cluster->io, error);
        if (status != STATUS_OK) return status;
    }
    if (place_of(&leader, *node) != PLACE_NONE) return STATUS_OK;
    status = cluster_node_start(cluster, *node, error);
    if (status == STATUS_OK) status = wait_for_word(cluster, *node, &newcomer, error);
    if (status != STATUS_OK) return status;
    plan_address(plan, *node, PLAN_PEERS, peer);
    plan_address(plan, *node, PLAN_CLIENTS, client);
    copy_field(&newcomer, "raft_incarnation", incarnation, sizeof incarnation);
    (void)snprintf(id, sizeof id, "%u", *node);
    const struct step step = {.words = {"RAFT.CHANGE", "ADD", id, peer, client, incarnation},
                              .count = 6,
                              .node = *node,
                              .wanted = PLACE_LEARNER};
    return take_step(cluster, &step, error);
}

enum status cluster_add(struct cluster *cluster, unsigned node, struct error *error) {
    char address[IO_ADDRESS_BYTES];
    enum status status = bring_in(cluster, &node, error);
    if (status == STATUS_OK && !cluster->learner) status = change_one(cluster, "PROMOTE", node, PLACE_VOTER, error);
    if (status != STATUS_OK) return status;
    plan_address(&cluster->plan, node, PLAN_CLIENTS, address);
    if (cluster->witness)
        (void)printf("node %u is a witness now: it %s, and keeps no data\n", node,
                     cluster->learner ? "gets all entries, has no vote yet" : "votes");
    else
        (void)printf("node %u is a %s now, and serves clients on %s\n", node, cluster->learner ? "learner" : "voter",
                     address);
    return STATUS_OK;
}

enum status cluster_promote(struct cluster *cluster, unsigned node, struct error *error) {
    enum status status = change_one(cluster, "PROMOTE", node, PLACE_VOTER, error);
    if (status == STATUS_OK) (void)printf("node %u is a voter now\n", node);
    return status;
}

/* ---- Going ------------------------------------------------------------------------------------------------------- */

/* Leadership is given away first: a leader that is removed takes no writes while the others learn of it. */
static enum status give_way(struct cluster *cluster, unsigned node, struct error *error) {
    struct node_facts facts[PLAN_NODES_MAX];
    cluster_ask_all(cluster, facts);
    if (cluster_find_leader(cluster, facts) != node) return STATUS_OK;
    const enum status status = cluster_transfer(cluster, 0, error);
    return status != STATUS_NOT_FOUND
               ? status
               : error_set(error, STATUS_INVALID,
                           "node %u leads, and nobody could in its place: bring back a node that is down, or add one "
                           "(`loam cluster add`), before it goes",
                           node);
}

/* True if each node that answers and stays knows that `node` has gone. */
static bool all_know(const struct cluster *cluster, unsigned node) {
    for (unsigned other = 0; (other = plan_next(&cluster->plan, other)) != 0;) {
        struct word_of word;
        long pid;
        const bool runs = cluster_node_process(cluster, other, &pid) == PROCESS_RUNNING;
        if (other == node || !runs || !ask_info(cluster, other, &word)) continue;
        if (place_of(&word, node) != PLACE_NONE) return false;
    }
    return true;
}

/* It goes when the others know: before that it may be the one who can tell them (raft/README.md). */
static enum status let_go(struct cluster *cluster, unsigned node, struct error *error) {
    const uint64_t give_up_ns = io_now_ns(cluster->io) + (uint64_t)STEP_MS * 1000000u;
    char dir[IO_PATH_BYTES];
    while (!all_know(cluster, node)) {
        if (io_now_ns(cluster->io) > give_up_ns)
            return error_set(error, STATUS_TIMED_OUT,
                             "node %u is removed, but another node does not know it yet: say it again", node);
        io_sleep(cluster->io, POLL_NS);
    }
    enum status status = cluster_node_stop(cluster, node, error);
    if (status != STATUS_OK) return status;
    cluster->plan.founders = plan_founders(&cluster->plan);
    cluster->plan.removed[node] = true;
    status = plan_save(&cluster->plan, cluster->io, error);
    plan_path(&cluster->plan, node, "", dir);
    if (status == STATUS_OK)
        (void)printf("node %u is no member any more and has ended; %s is of no further use\n", node, dir);
    return status;
}

enum status cluster_remove(struct cluster *cluster, unsigned node, struct error *error) {
    enum status status = give_way(cluster, node, error);
    if (status == STATUS_OK) status = change_one(cluster, "REMOVE", node, PLACE_NONE, error);
    return status == STATUS_OK ? let_go(cluster, node, error) : status;
}

/* The newcomer's vote comes and the old one's goes in one change. */
enum status cluster_replace(struct cluster *cluster, unsigned node, struct error *error) {
    char id[16], new_id[16];
    unsigned newcomer = 0;
    enum status status = bring_in(cluster, &newcomer, error);
    if (status == STATUS_OK) status = give_way(cluster, node, error);
    if (status != STATUS_OK) return status;
    (void)snprintf(id, sizeof id, "%u", node);
    (void)snprintf(new_id, sizeof new_id, "%u", newcomer);
    const struct step step = {
        .words = {"RAFT.CHANGE", "PROMOTE", new_id, "REMOVE", id}, .count = 5, .node = newcomer, .wanted = PLACE_VOTER};
    status = take_step(cluster, &step, error);
    if (status == STATUS_OK) (void)printf("node %u is a voter in place of node %u\n", newcomer, node);
    return status == STATUS_OK ? let_go(cluster, node, error) : status;
}
