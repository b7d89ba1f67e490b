#include "tools/loam/top/top_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/cluster/cluster.h"
#include "tools/loam/info_text.h"

static double real(struct slice value) {
    char text[32];
    info_copy(value, text, sizeof text);
    return strtod(text, NULL);
}

static void parse_latency(struct slice value, struct top_latency *to) {
    to->p50_us = real(info_part(value, "p50_us"));
    to->p99_us = real(info_part(value, "p99_us"));
    to->max_us = real(info_part(value, "max_us"));
    to->timed = info_number(info_part(value, "timed"));
}

static void parse_levels(struct slice info, struct top_sample *sample) {
    char name[16];
    for (unsigned level = 0; level < TOP_LEVELS; level++) {
        (void)snprintf(name, sizeof name, "level%u", level);
        const struct slice value = info_field(info, name);
        sample->levels[level].files = info_number(info_part(value, "files"));
        sample->levels[level].bytes = info_number(info_part(value, "bytes"));
    }
}

static void parse_peers(struct slice info, struct top_sample *sample) {
    char name[24];
    sample->peer_count = 0;
    for (unsigned node = 1; node <= PLAN_NODES_MAX && sample->peer_count < TOP_PEERS_MAX; node++) {
        (void)snprintf(name, sizeof name, "peer_%u", node);
        const struct slice address = info_part(info_field(info, name), "client_address");
        if (address.size > 0 && address.size < IO_ADDRESS_BYTES)
            info_copy(address, sample->peers[sample->peer_count++], IO_ADDRESS_BYTES);
    }
}

static void parse_limits(struct slice info, struct top_sample *sample) {
    const struct slice limits = info_section(info, "# Limits");
    sample->log_limit_bytes = info_number(info_part(info_field(limits, "log_bytes"), "limit"));
    sample->pressure = info_number(info_part(info_field(limits, "pressure"), "use"));
    sample->engine_pressure = info_number(info_part(info_field(limits, "engine_pressure"), "use"));
}

bool top_sample_parse(struct top_sample *sample, struct slice info) {
    struct node_facts facts = {.role = ""};
    if (!cluster_facts_parse(&facts, info)) return false;
    *sample = (struct top_sample){.answers = true, .at_ns = sample->at_ns};
    (void)snprintf(sample->role, sizeof sample->role, "%s", facts.role);
    sample->term = facts.term;
    sample->commit = facts.commit;
    sample->applied = facts.applied;
    sample->leader = facts.leader;
    const struct {
        uint64_t *to;
        const char *name;
    } numbers[] = {
        {&sample->uptime_s, "uptime_in_seconds"},
        {&sample->node, "raft_node_id"},
        {&sample->elections, "raft_leader_changes"},
        {&sample->commands, "total_commands_processed"},
        {&sample->input_bytes, "total_net_input_bytes"},
        {&sample->output_bytes, "total_net_output_bytes"},
        {&sample->clients, "connected_clients"},
        {&sample->log_written_bytes, "log_written_bytes"},
        {&sample->log_syncs, "log_syncs"},
        {&sample->log_bytes, "log_bytes"},
        {&sample->heap_bytes, "used_memory_heap"},
        {&sample->memtable_bytes, "memtable_bytes"},
        {&sample->cache_bytes, "block_cache_bytes"},
        {&sample->cache_hits, "cache_hits"},
        {&sample->cache_misses, "cache_misses"},
        {&sample->disk_bytes, "disk_bytes"},
        {&sample->debt_bytes, "debt_bytes"},
        {&sample->flushes, "flushes"},
        {&sample->compactions, "compactions"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i].to = info_number(info_field(info, numbers[i].name));
    info_copy(info_field(info, "raft_disk"), sample->disk, sizeof sample->disk);
    sample->keys = info_number(info_part(info_field(info, "db0"), "keys"));
    parse_latency(info_field(info, "latency_reads"), &sample->reads);
    parse_latency(info_field(info, "latency_writes"), &sample->writes);
    parse_levels(info, sample);
    parse_peers(info, sample);
    parse_limits(info, sample);
    return true;
}

double top_rate(const struct top_sample *before, const struct top_sample *now, uint64_t counter_before,
                uint64_t counter_now) {
    if (!before->answers || !now->answers || now->at_ns <= before->at_ns || counter_now < counter_before ||
        now->uptime_s < before->uptime_s)
        return 0;
    return (double)(counter_now - counter_before) * 1e9 / (double)(now->at_ns - before->at_ns);
}
