#include "tools/loam/top/top_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "tools/loam/cluster/cluster.h"

enum { LINE_BYTES = 640 };

static uint64_t number(struct slice info, const char *name) {
    int64_t value = 0;
    return decimal_parse(info_field(info, name), &value) && value > 0 ? (uint64_t)value : 0;
}

static void text(struct slice info, const char *name, char *to, size_t room) {
    const struct slice value = info_field(info, name);
    (void)snprintf(to, room, "%.*s", (int)(value.size < room ? value.size : room - 1), (const char *)value.data);
}

/* Of "a=1,b=2": what stands behind "b=". NULL if there is no b. */
static const char *part(const char *line, const char *name) {
    const size_t size = strlen(name);
    for (const char *at = line; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, size) == 0 && at[size] == '=') return at + size + 1;
    }
    return NULL;
}

static uint64_t part_number(const char *line, const char *name) {
    const char *at = part(line, name);
    return at ? strtoull(at, NULL, 10) : 0;
}

static double part_real(const char *line, const char *name) {
    const char *at = part(line, name);
    return at ? strtod(at, NULL) : 0;
}

static void parse_latency(struct slice info, const char *name, struct top_latency *to) {
    char line[LINE_BYTES];
    text(info, name, line, sizeof line);
    to->p50_us = part_real(line, "p50_us");
    to->p99_us = part_real(line, "p99_us");
    to->max_us = part_real(line, "max_us");
    to->timed = part_number(line, "timed");
}

static void parse_levels(struct slice info, struct top_sample *sample) {
    char name[16], line[LINE_BYTES];
    for (unsigned level = 0; level < TOP_LEVELS; level++) {
        (void)snprintf(name, sizeof name, "level%u", level);
        text(info, name, line, sizeof line);
        sample->levels[level].files = part_number(line, "files");
        sample->levels[level].bytes = part_number(line, "bytes");
    }
}

static void parse_peers(struct slice info, struct top_sample *sample) {
    char name[24], line[LINE_BYTES];
    sample->peer_count = 0;
    for (unsigned node = 1; node <= TOP_PEERS_MAX * 4 && sample->peer_count < TOP_PEERS_MAX; node++) {
        (void)snprintf(name, sizeof name, "peer_%u", node);
        text(info, name, line, sizeof line);
        const char *at = part(line, "client_address");
        const size_t size = at ? strcspn(at, ",") : 0;
        if (size == 0 || size >= IO_ADDRESS_BYTES) continue;
        (void)snprintf(sample->peers[sample->peer_count++], IO_ADDRESS_BYTES, "%.*s", (int)size, at);
    }
}

static void parse_limits(struct slice info, struct top_sample *sample) {
    static const char mark[] = "# Limits";
    const uint8_t *at = info.size ? memmem(info.data, info.size, mark, sizeof mark - 1) : NULL;
    const struct slice limits = at ? slice_from(info, (size_t)(at - info.data)) : slice_make(NULL, 0);
    char line[LINE_BYTES];
    text(limits, "log_bytes", line, sizeof line);
    sample->log_limit_bytes = part_number(line, "limit");
    text(limits, "pressure", line, sizeof line);
    sample->pressure = part_number(line, "use");
    text(limits, "engine_pressure", line, sizeof line);
    sample->engine_pressure = part_number(line, "use");
}

bool top_sample_parse(struct top_sample *sample, struct slice info) {
    struct node_facts facts = {.role = ""};
    char keys[LINE_BYTES];
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
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) *numbers[i].to = number(info, numbers[i].name);
    text(info, "raft_disk", sample->disk, sizeof sample->disk);
    text(info, "db0", keys, sizeof keys);
    sample->keys = part_number(keys, "keys");
    parse_latency(info, "latency_reads", &sample->reads);
    parse_latency(info, "latency_writes", &sample->writes);
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
