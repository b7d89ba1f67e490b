/* transfer: leadership given to another node, by asking the one that leads (RAFT.TRANSFER). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/client.h"
#include "tools/loam/cluster/cluster.h"

enum { TRANSFER_TIMEOUT_MS = 10000 };

static const struct node_facts *leader_of(const struct cluster *cluster, const struct node_facts *facts) {
    const struct node_facts *leader = NULL;
    for (unsigned i = 0; i < cluster->plan.nodes; i++) { /* nothing is known of those that were removed */
        const bool leads = facts[i].answers && strcmp(facts[i].role, "leader") == 0;
        if (leads && (!leader || facts[i].term > leader->term)) leader = &facts[i];
    }
    return leader;
}

unsigned cluster_find_leader(const struct cluster *cluster, const struct node_facts *facts) {
    const struct node_facts *leader = leader_of(cluster, facts);
    return leader ? leader->node : 0;
}

/* Of those who follow it, the one that has applied most. */
static unsigned best_follower(const struct cluster *cluster, const struct node_facts *facts, unsigned leader) {
    const struct node_facts *best = NULL;
    for (unsigned i = 0; i < cluster->plan.nodes; i++)
        if (facts[i].answers && facts[i].node != leader && facts[i].leader == leader &&
            strcmp(facts[i].role, "follower") == 0 && (!best || facts[i].applied > best->applied))
            best = &facts[i];
    return best ? best->node : 0;
}

static enum status ask_for_transfer(const struct cluster *cluster, unsigned leader, unsigned to, double *took_ms,
                                    struct error *error) {
    char address[IO_ADDRESS_BYTES], id[16];
    struct client *client = NULL;
    const struct resp_reply *reply = NULL;
    const char *words[] = {"RAFT.TRANSFER", id};
    (void)snprintf(id, sizeof id, "%u", to);
    plan_address(&cluster->plan, leader, PLAN_CLIENTS, address);
    enum status status = client_open(cluster->io, address, TRANSFER_TIMEOUT_MS, &client, error);
    const uint64_t start_ns = io_now_ns(cluster->io);
    if (status == STATUS_OK) status = client_call(client, words, 2, &reply, error);
    *took_ms = (double)(io_now_ns(cluster->io) - start_ns) / 1e6;
    if (status == STATUS_OK && reply->type == RESP_ERROR)
        status = error_set(error, STATUS_INVALID, "node %u: %.*s", leader, (int)reply->text.size,
                           (const char *)reply->text.data);
    client_close(client);
    return status;
}

enum status cluster_transfer(const struct cluster *cluster, unsigned to, struct error *error) {
    struct node_facts facts[PLAN_NODES_MAX];
    double took_ms = 0;
    cluster_ask_all(cluster, facts);
    const struct node_facts *leader = leader_of(cluster, facts);
    if (!leader) return error_set(error, STATUS_NOT_FOUND, "no node leads now; `loam cluster status` shows them");
    if (to == 0) to = best_follower(cluster, facts, leader->node);
    if (to == 0) return error_set(error, STATUS_NOT_FOUND, "no other node follows node %u", leader->node);
    if (to == leader->node) {
        (void)printf("node %u leads already\n", to);
        return STATUS_OK;
    }
    enum status status = ask_for_transfer(cluster, leader->node, to, &took_ms, error);
    if (status == STATUS_OK)
        (void)printf("node %u leads in place of node %u; it took %.1f ms\n", to, leader->node, took_ms);
    return status;
}
