/*
 * links: partitions, by telling each node which peers it must not hear (DEBUG LINK, which answers with --lab only). A
 * node that does not run is passed over: it starts with all links open, but its peers keep their side closed.
 */
#include <stdio.h>

#include "tools/loam/client.h"
#include "tools/loam/cluster/cluster.h"

enum { LINK_TIMEOUT_MS = 2000 };

static enum status set_link(struct client *client, unsigned node, unsigned peer, bool drop, struct error *error) {
    char id[16];
    const struct resp_reply *reply;
    (void)snprintf(id, sizeof id, "%u", peer);
    const char *words[] = {"DEBUG", "LINK", id, "both", drop ? "drop" : "pass"};
    enum status status = client_call(client, words, 5, &reply, error);
    if (status != STATUS_OK || reply->type != RESP_ERROR) return status;
    return error_set(error, STATUS_UNSUPPORTED, "node %u, link to %u: %.*s", node, peer, (int)reply->text.size,
                     (const char *)reply->text.data);
}

static enum status set_links_of(const struct cluster *cluster, unsigned node, const unsigned *group,
                                struct error *error) {
    char address[IO_ADDRESS_BYTES];
    struct client *client;
    plan_address(&cluster->plan, node, PLAN_CLIENTS, address);
    enum status status = client_open(cluster->io, address, LINK_TIMEOUT_MS, &client, error);
    for (unsigned peer = 0; status == STATUS_OK && (peer = plan_next(&cluster->plan, peer)) != 0;)
        if (peer != node) status = set_link(client, node, peer, group && group[peer - 1] != group[node - 1], error);
    client_close(client);
    return status;
}

enum status cluster_set_links(const struct cluster *cluster, const unsigned *group, struct error *error) {
    enum status status = STATUS_OK;
    for (unsigned node = 0; status == STATUS_OK && (node = plan_next(&cluster->plan, node)) != 0;) {
        long pid;
        if (cluster_node_process(cluster, node, &pid) == PROCESS_RUNNING)
            status = set_links_of(cluster, node, group, error);
        else
            (void)fprintf(stderr, "node %u does not run: its links stay as they are\n", node);
    }
    return status;
}
