/* status: the state of a cluster as a table for people and as JSON for scripts. */
#include <inttypes.h>

#include "tools/loam/cluster/cluster.h"

static uint64_t highest_commit(const struct plan *plan, const struct node_facts *facts) {
    uint64_t highest = 0;
    for (unsigned i = 0; i < plan->nodes; i++)
        if (facts[i].commit > highest) highest = facts[i].commit;
    return highest;
}

static uint64_t lag_of(const struct node_facts *facts, uint64_t highest) {
    return highest > facts->applied ? highest - facts->applied : 0;
}

static const char *process_word(enum process_state state) {
    return state == PROCESS_RUNNING ? "running" : state == PROCESS_PAUSED ? "paused" : "stopped";
}

enum status status_print_table(struct buf *to, const struct plan *plan, const struct node_facts *facts) {
    const uint64_t highest = highest_commit(plan, facts);
    enum status status = buf_append_format(to, "%-5s %-10s %-8s %6s %10s %10s %8s %10s  %-16s %s\n", "node", "role",
                                           "process", "term", "commit", "applied", "lag", "size", "clients", "pid");
    for (unsigned i = 0; status == STATUS_OK && i < plan->nodes; i++) {
        const struct node_facts *node = &facts[i];
        char address[IO_ADDRESS_BYTES];
        if (!plan_has(plan, i + 1)) continue;
        plan_address(plan, node->node, PLAN_CLIENTS, address);
        status = buf_append_format(to, "%-5u %-10s %-8s ", node->node, node->role, process_word(node->process));
        if (status == STATUS_OK && node->answers)
            status = buf_append_format(to, "%6" PRIu64 " %10" PRIu64 " %10" PRIu64 " %8" PRIu64, node->term,
                                       node->commit, node->applied, lag_of(node, highest));
        else if (status == STATUS_OK)
            status = buf_append_format(to, "%6s %10s %10s %8s", "-", "-", "-", "-");
        if (status == STATUS_OK)
            status = buf_append_format(to, " %7.1f MB  %-16s ", (double)node->disk_bytes / 1e6, address);
        if (status == STATUS_OK && node->pid != 0)
            status = buf_append_format(to, "%ld\n", node->pid);
        else if (status == STATUS_OK)
            status = buf_append_format(to, "-\n");
    }
    return status;
}

enum status status_print_json(struct buf *to, const struct plan *plan, const struct node_facts *facts) {
    const uint64_t highest = highest_commit(plan, facts);
    const char *comma = "";
    enum status status = buf_append_format(to, "{\"nodes\":[");
    for (unsigned i = 0; status == STATUS_OK && i < plan->nodes; i++) {
        const struct node_facts *node = &facts[i];
        char address[IO_ADDRESS_BYTES];
        if (!plan_has(plan, i + 1)) continue;
        plan_address(plan, node->node, PLAN_CLIENTS, address);
        status = buf_append_format(to,
                                   "%s{\"id\":%u,\"role\":\"%s\",\"term\":%" PRIu64 ",\"commit\":%" PRIu64
                                   ",\"applied\":%" PRIu64 ",\"lag\":%" PRIu64 ",\"leader\":%" PRIu64
                                   ",\"size_bytes\":%" PRIu64 ",\"process\":\"%s\",\"pid\":%ld,\"clients\":\"%s\"}",
                                   comma, node->node, node->role, node->term, node->commit, node->applied,
                                   node->answers ? lag_of(node, highest) : 0, node->leader, node->disk_bytes,
                                   process_word(node->process), node->pid, address);
        comma = ",";
    }
    return status == STATUS_OK ? buf_append_format(to, "]}\n") : status;
}
