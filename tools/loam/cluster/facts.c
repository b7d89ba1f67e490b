/* facts: what nodes say of themselves (INFO), and what their directories weigh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "tools/loam/client.h"
#include "tools/loam/cluster/cluster.h"
#include "tools/loam/info_text.h"
#include "tools/resp/resp_parse.h"

enum { ASK_TIMEOUT_MS = 500, POLL_NS = 20 * 1000 * 1000 };

/* ---- INFO -------------------------------------------------------------------------------------------------------- */

bool cluster_facts_parse(struct node_facts *facts, struct slice info) {
    if (info_field(info, "raft_role").size == 0) return false;
    info_copy(info_field(info, "raft_role"), facts->role, sizeof facts->role);
    if (strcmp(facts->role, "pre-candidate") == 0) (void)snprintf(facts->role, sizeof facts->role, "candidate");
    if (slice_equal(info_field(info, "raft_witness"), slice_from_text("1")))
        (void)snprintf(facts->role, sizeof facts->role, "witness");
    if (slice_equal(info_field(info, "raft_membership"), slice_from_text("waiting")))
        (void)snprintf(facts->role, sizeof facts->role, "waiting");
    if (slice_equal(info_field(info, "raft_membership"), slice_from_text("removed")))
        (void)snprintf(facts->role, sizeof facts->role, "removed");
    info_copy(info_field(info, "raft_state_hash"), facts->state_hash, sizeof facts->state_hash);
    facts->term = info_number(info_field(info, "raft_term"));
    facts->commit = info_number(info_field(info, "raft_commit"));
    facts->applied = info_number(info_field(info, "raft_applied"));
    facts->leader = info_number(info_field(info, "raft_leader"));
    return true;
}

/* "peer_4:...,voter=1,learner=0,...". */
enum cluster_place cluster_place_of(struct slice info, unsigned node) {
    char name[24], value[512];
    (void)snprintf(name, sizeof name, "peer_%u", node);
    info_copy(info_field(info, name), value, sizeof value);
    if (strstr(value, ",voter=1")) return PLACE_VOTER;
    return strstr(value, ",learner=1") ? PLACE_LEARNER : PLACE_NONE;
}

/* ---- Weight ------------------------------------------------------------------------------------------------------ */

struct weighing {
    struct io *io;
    const char *path;
    uint64_t bytes;
};

static uint64_t weigh(struct io *io, const char *path);

static enum status weigh_entry(void *context, const struct io_entry *entry) {
    struct weighing *weighing = context;
    char path[IO_PATH_BYTES];
    weighing->bytes += entry->size;
    if (entry->kind != IO_ENTRY_DIR) return STATUS_OK;
    if (snprintf(path, sizeof path, "%s/%s", weighing->path, entry->name) < (int)sizeof path)
        weighing->bytes += weigh(weighing->io, path);
    return STATUS_OK;
}

/* Files come and go meanwhile: what cannot be read weighs nothing. */
static uint64_t weigh(struct io *io, const char *path) {
    struct weighing weighing = {.io = io, .path = path};
    enum status status = io_dir_list(io, path, weigh_entry, &weighing);
    return status == STATUS_OK ? weighing.bytes : 0;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

static bool ask(struct io *io, const char *address, struct node_facts *facts) {
    struct client *client = NULL;
    const struct resp_reply *reply = NULL;
    const char *words[] = {"INFO", "raft"};
    enum status status = client_open(io, address, ASK_TIMEOUT_MS, &client, NULL);
    if (status == STATUS_OK) status = client_call(client, words, 2, &reply, NULL);
    const bool known = status == STATUS_OK && reply->type != RESP_ERROR && cluster_facts_parse(facts, reply->text);
    client_close(client);
    return known;
}

void cluster_node_ask(const struct cluster *cluster, unsigned node, struct node_facts *facts) {
    char address[IO_ADDRESS_BYTES], dir[IO_PATH_BYTES];
    *facts = (struct node_facts){.node = node, .role = "down"};
    facts->process = cluster_node_process(cluster, node, &facts->pid);
    plan_address(&cluster->plan, node, PLAN_CLIENTS, address);
    plan_path(&cluster->plan, node, "", dir);
    facts->disk_bytes = weigh(cluster->io, dir);
    facts->answers = facts->process == PROCESS_RUNNING && ask(cluster->io, address, facts);
}

void cluster_ask_all(const struct cluster *cluster, struct node_facts *facts) {
    for (unsigned node = 1; node <= cluster->plan.nodes; node++) {
        facts[node - 1] = (struct node_facts){.node = node};
        if (plan_has(&cluster->plan, node)) cluster_node_ask(cluster, node, &facts[node - 1]);
    }
}

/* ---- Readiness --------------------------------------------------------------------------------------------------- */

/* True if every node that runs answers and follows the same leader; `why` says what is missing else. */
static bool is_ready(const struct cluster *cluster, const struct node_facts *facts, char why[128]) {
    uint64_t leader = 0;
    bool any = false;
    for (unsigned i = 0; i < cluster->plan.nodes; i++) {
        if (facts[i].process != PROCESS_RUNNING || strcmp(facts[i].role, "waiting") == 0) continue;
        any = true;
        if (!facts[i].answers)
            (void)snprintf(why, 128, "node %u does not answer yet", facts[i].node);
        else if (facts[i].leader == 0)
            (void)snprintf(why, 128, "node %u knows no leader yet", facts[i].node);
        else if (leader != 0 && facts[i].leader != leader)
            (void)snprintf(why, 128, "nodes do not agree on a leader yet");
        else {
            leader = facts[i].leader;
            continue;
        }
        return false;
    }
    (void)snprintf(why, 128, "no node runs");
    return any && facts[leader - 1].process == PROCESS_RUNNING && strcmp(facts[leader - 1].role, "leader") == 0;
}

/* A node whose pid file stands and whose process is gone. */
static unsigned find_crashed(const struct cluster *cluster, const struct node_facts *facts) {
    for (unsigned i = 0; i < cluster->plan.nodes; i++)
        if (plan_has(&cluster->plan, i + 1) && facts[i].process == PROCESS_GONE &&
            plan_read_pid(&cluster->plan, cluster->io, i + 1) != 0)
            return i + 1;
    return 0;
}

enum status cluster_wait_ready(const struct cluster *cluster, uint32_t timeout_ms, struct error *error) {
    const uint64_t give_up_ns = io_now_ns(cluster->io) + (uint64_t)timeout_ms * 1000000u;
    struct node_facts facts[PLAN_NODES_MAX];
    char why[128] = "", log[IO_PATH_BYTES];
    for (;;) {
        cluster_ask_all(cluster, facts);
        const unsigned crashed = find_crashed(cluster, facts);
        if (crashed) {
            plan_path(&cluster->plan, crashed, ".log", log);
            return error_set(error, STATUS_CLOSED, "node %u has ended; %s says why", crashed, log);
        }
        if (is_ready(cluster, facts, why)) return STATUS_OK;
        if (io_now_ns(cluster->io) > give_up_ns)
            return error_set(error, STATUS_TIMED_OUT, "not ready after %u ms: %s", timeout_ms, why);
        io_sleep(cluster->io, POLL_NS);
    }
}
