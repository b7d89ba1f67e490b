/* info: figures as text. A section is a function; INFO prints it as Redis does, /metrics takes what a scraper wants. */
#include "tools/loamd/info.h"
#include "tools/loamd/long_call.h"

#include <malloc.h>

#include "tools/loamd/server_state.h"

typedef unsigned long long ull;

static uint64_t uptime_s(const struct server *server) {
    return (io_now_ns(server->io) - server->stats.started_ns) / 1000000000u;
}

static enum status print_server(struct server *server, struct buf *to) {
    struct raft_driver_status node;
    raft_driver_get_status(server->driver, &node);
    return buf_append_format(
        to,
        "# Server\r\nredis_version:%s\r\nloam_version:%s\r\nredis_mode:standalone\r\nio_backend:%s\r\n"
        "node_id:%llu\r\ncluster_id:%016llx\r\nincarnation:%016llx\r\nuptime_in_seconds:%llu\r\nlab:%d\r\n",
        LOAM_REDIS_VERSION, LOAM_VERSION, io_backend_name(server->io), (ull)node.identity.node_id,
        (ull)node.identity.cluster_id, (ull)node.identity.incarnation, (ull)uptime_s(server), server->lab);
}

static enum status print_clients(struct server *server, struct buf *to) {
    return buf_append_format(to, "# Clients\r\nconnected_clients:%u\r\nmaxclients:%u\r\n", server->connection_count,
                             server->limits.clients);
}

/* What the program has asked of the allocator and not given back, in all of its arenas. */
static uint64_t heap_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static enum status print_memory(struct server *server, struct buf *to) {
    struct engine *engine = raft_driver_engine(server->driver);
    struct engine_stats stats;
    engine_get_stats(engine, &stats);
    return buf_append_format(to,
                             "# "
                             "Memory\r\nused_memory:%llu\r\nused_memory_heap:%llu\r\nmemtable_bytes:%llu\r\nmemtable_"
                             "count:%llu\r\nblock_cache_bytes:%llu"
                             "\r\nblock_cache_pinned_bytes:%llu\r\nmaxmemory:0\r\n",
                             (ull)(stats.memtable_bytes + stats.cache_bytes), (ull)heap_bytes(),
                             (ull)stats.memtable_bytes, (ull)stats.memtable_count, (ull)stats.cache_bytes,
                             (ull)engine_cache_pinned_bytes(engine));
}

static enum status print_persistence(struct server *server, struct buf *to) {
    struct raft_driver_status node;
    raft_driver_get_status(server->driver, &node);
    struct engine_mark installed = engine_installed(raft_driver_engine(server->driver));
    return buf_append_format(to,
                             "# Persistence\r\nloading:0\r\naof_enabled:1\r\nlog_commits:%llu\r\nlog_syncs:%llu\r\n"
                             "log_written_bytes:%llu\r\nlog_bytes:%llu\r\nflushed_index:%llu\r\n",
                             (ull)node.log_commits, (ull)node.log_syncs, (ull)node.log_written_bytes,
                             (ull)node.log_bytes, (ull)installed.index);
}

static enum status print_stats(struct server *server, struct buf *to) {
    const struct server_stats *stats = &server->stats;
    return buf_append_format(
        to,
        "# Stats\r\ntotal_connections_received:%llu\r\nrejected_connections:%llu\r\ntotal_commands_processed:%llu\r\n"
        "total_net_input_bytes:%llu\r\ntotal_net_output_bytes:%llu\r\nreads_in_memory:%llu\r\nreads_from_disk:%llu\r\n"
        "reads_elsewhere:%llu\r\nreads_elsewhere_answered:%llu\r\n"
        "client_query_buffer_limit_disconnections:%llu\r\nclient_output_buffer_limit_disconnections:%llu\r\n",
        (ull)stats->connections_received, (ull)stats->connections_rejected, (ull)stats->commands_processed,
        (ull)stats->input_bytes, (ull)stats->output_bytes, (ull)stats->reads_in_memory, (ull)stats->reads_from_disk,
        (ull)server->elsewhere.asked, (ull)server->elsewhere.answered, (ull)stats->query_buffer_limit_closes,
        (ull)stats->output_buffer_limit_closes);
}

static enum status print_window(struct latency *latency, uint64_t now_ns, const char *name, struct buf *to) {
    const struct hist *window = latency_window(latency, now_ns);
    return buf_append_format(to, "latency_%s:p50_us=%.1f,p99_us=%.1f,p999_us=%.1f,max_us=%.1f,timed=%llu\r\n", name,
                             (double)hist_quantile(window, 0.5) / 1e3, (double)hist_quantile(window, 0.99) / 1e3,
                             (double)hist_quantile(window, 0.999) / 1e3,
                             window->count ? (double)window->max / 1e3 : 0.0, (ull)window->count);
}

static enum status print_latency(struct server *server, struct buf *to) {
    const uint64_t now_ns = io_now_ns(server->io);
    enum status status = buf_append_format(to, "# Latency\r\nlatency_window_ms:%d\r\n", LATENCY_WINDOW_MS);
    if (status == STATUS_OK) status = print_window(&server->reads, now_ns, "reads", to);
    return status == STATUS_OK ? print_window(&server->writes, now_ns, "writes", to) : status;
}

static enum status print_replication(struct server *server, struct buf *to) {
    struct raft_driver_status node;
    raft_driver_get_status(server->driver, &node);
    uint64_t connected = 0;
    for (size_t i = 0; i < node.peer_count; i++) connected += node.peers[i].connected;
    return buf_append_format(to, "# Replication\r\nrole:%s\r\nconnected_slaves:%llu\r\nmaster_repl_offset:%llu\r\n",
                             node.role == RAFT_LEADER ? "master" : "slave",
                             (ull)(node.role == RAFT_LEADER ? connected : 0), (ull)node.applied);
}

static enum status print_peer(const struct raft_peer_status *peer, uint64_t last_index, struct buf *to) {
    return buf_append_format(
        to,
        "peer_%llu:address=%s,client_address=%s,connected=%d,voter=%d,learner=%d,witness=%d,match=%llu,next=%"
        "llu,lag=%llu,progress=%s,"
        "in_flight_messages=%llu,in_flight_bytes=%llu,last_heard_ms=%lld,guard_ms=%u,priority=%u\r\n",
        (ull)peer->member.id, peer->member.peer_address, peer->member.client_address, peer->connected, peer->voter,
        peer->learner, peer->witness, (ull)peer->match, (ull)peer->next,
        (ull)(last_index > peer->match ? last_index - peer->match : 0), peer->progress ? peer->progress : "",
        (ull)peer->in_flight_messages, (ull)peer->in_flight_bytes, (long long)peer->last_heard_ms, peer->guard_ms,
        peer->priority);
}

/* Who has a say; membership: "member", "removed", or "waiting" to be added. */
static enum status print_members(const struct raft_driver_status *node, struct buf *to) {
    const char *membership = node->removed ? "removed" : node->configuration.voter_count == 0 ? "waiting" : "member";
    enum status status = buf_append_format(
        to,
        "raft_cluster_id:%016llx\r\nraft_incarnation:%016llx\r\nraft_membership:%s\r\nraft_witness:%d\r\n"
        "raft_configuration:",
        (ull)node->identity.cluster_id, (ull)node->identity.incarnation, membership, node->witness);
    if (status == STATUS_OK) status = raft_configuration_print(to, &node->configuration);
    return status == STATUS_OK ? buf_append_format(to, "\r\n") : status;
}

/* How the log's disk does. */
static enum status print_disk(const struct raft_driver_status *node, struct buf *to) {
    return buf_append_format(to,
                             "raft_disk:%s\r\nraft_disk_waiting_ms:%llu\r\nraft_slow_disk_ms:%llu\r\n"
                             "raft_gave_way:%llu\r\nraft_doubt_term:%llu\r\nraft_repairs:%llu\r\n"
                             "raft_set_aside_store:%llu\r\nraft_set_aside_log:%llu\r\n",
                             node->disk_failed ? "failed"
                             : node->disk_slow ? "slow"
                                               : "well",
                             (ull)node->disk_waiting_ms, (ull)node->slow_disk_ms, (ull)node->gave_way,
                             (ull)node->doubt_term, (ull)node->repairs, (ull)node->set_aside_store,
                             (ull)node->set_aside_log);
}

/* Who may read alone, and who should lead. */
static enum status print_leases(const struct raft_driver_status *node, struct buf *to) {
    return buf_append_format(to,
                             "raft_lease_ms:%llu\r\nraft_lease_reads:%llu\r\nraft_guard_ms:%u\r\nraft_guards:%d\r\n"
                             "raft_priority:%u\r\nraft_gave_to_higher:%llu\r\n",
                             (ull)node->lease_ms, (ull)node->lease_reads, node->guard_ms, node->guards, node->priority,
                             (ull)node->gave_to_higher);
}

/* What has been read again, to see whether it is sound. */
static enum status print_scrub(const struct raft_driver_status *node, struct buf *to) {
    return buf_append_format(to,
                             "raft_scrub_passes:%llu\r\nraft_scrub_findings:%llu\r\nraft_scrub_ended_ms:%lld\r\n"
                             "raft_scrub_bytes:%llu\r\nraft_scrub_rate_bytes:%llu\r\nraft_scrub_interval_s:%llu\r\n",
                             (ull)node->scrub_passes, (ull)node->scrub_findings, (long long)node->scrub_ended_ms,
                             (ull)node->scrub_bytes, (ull)node->scrub_rate_bytes, (ull)node->scrub_interval_s);
}

static enum status print_raft(struct server *server, struct buf *to) {
    struct raft_driver_status node;
    raft_driver_get_status(server->driver, &node);
    enum status status = buf_append_format(
        to,
        "# Raft\r\nraft_node_id:%llu\r\nraft_role:%s\r\nraft_term:%llu\r\nraft_vote:%llu\r\nraft_leader:%llu\r\n"
        "raft_commit:%llu\r\nraft_applied:%llu\r\nraft_first_index:%llu\r\nraft_last_index:%llu\r\nraft_durable_index:%"
        "llu\r\n"
        "raft_commit_waiting_ms:%llu\r\nraft_log_time_ms:%lld\r\nraft_state_hash:%016llx\r\nraft_elections:%"
        "llu\r\nraft_leader_changes:%llu\r\n"
        "raft_snapshots_sent:%llu\r\nraft_snapshots_installed:%llu\r\nraft_proposals:%llu\r\nraft_applied_entries:%"
        "llu\r\n"
        "raft_reads:%llu\r\nraft_read_rounds:%llu\r\nraft_apply_stalls:%llu\r\nraft_prefetch_looks:%llu\r\n"
        "raft_prefetched_entries:%llu\r\nraft_prefetch_lost:%llu\r\n",
        (ull)node.identity.node_id, raft_role_name(node.role), (ull)node.term, (ull)node.vote, (ull)node.leader,
        (ull)node.commit, (ull)node.applied, (ull)node.first_index, (ull)node.last_index, (ull)node.durable_index,
        (ull)node.commit_waiting_ms, (long long)node.log_time_ms, (ull)node.state_hash, (ull)node.elections,
        (ull)node.leader_changes, (ull)node.snapshots_sent, (ull)node.snapshots_installed, (ull)node.proposals,
        (ull)node.applied_entries, (ull)node.reads, (ull)node.read_rounds, (ull)node.apply_stalls,
        (ull)node.prefetch_looks, (ull)node.prefetched_entries, (ull)node.prefetch_lost);
    if (status == STATUS_OK) status = print_members(&node, to);
    if (status == STATUS_OK) status = print_disk(&node, to);
    if (status == STATUS_OK) status = print_scrub(&node, to);
    if (status == STATUS_OK) status = print_leases(&node, to);
    for (size_t i = 0; status == STATUS_OK && i < node.peer_count; i++)
        status = print_peer(&node.peers[i], node.last_index, to);
    return status;
}

static enum status print_engine(struct server *server, struct buf *to) {
    struct engine_stats stats;
    engine_get_stats(raft_driver_engine(server->driver), &stats);
    enum status status = buf_append_format(
        to,
        "# Engine\r\nflushes:%llu\r\ncompactions:%llu\r\ntrivial_moves:%llu\r\ndebt_bytes:%llu\r\ndisk_bytes:%llu\r\n"
        "cache_hits:%llu\r\ncache_misses:%llu\r\nfilter_asked:%llu\r\nfilter_negative:%llu\r\n",
        (ull)stats.flushes, (ull)stats.compactions, (ull)stats.trivial_moves, (ull)stats.debt_bytes,
        (ull)stats.disk_bytes, (ull)stats.cache_hits, (ull)stats.cache_misses, (ull)stats.filter_asked,
        (ull)stats.filter_negative);
    for (int level = 0; status == STATUS_OK && level < ENGINE_LEVELS; level++)
        if (stats.levels[level].files)
            status = buf_append_format(to, "level%d:files=%llu,bytes=%llu\r\n", level, (ull)stats.levels[level].files,
                                       (ull)stats.levels[level].bytes);
    return status;
}

/* Every limit with its present use (DESIGN §4). */
static enum status print_limits(struct server *server, struct buf *to) {
    struct raft_driver_status node;
    raft_driver_get_status(server->driver, &node);
    return buf_append_format(
        to,
        "# Limits\r\nclients:use=%u,limit=%u\r\nlog_bytes:use=%llu,limit=%llu\r\n"
        "uncommitted_bytes:use=%llu,limit=%llu\r\nrequests:use=%llu,limit=%llu\r\n"
        "sessions:use=%llu,limit=%llu\r\nsession_reply_bytes:use=%llu,limit=%llu\r\n"
        "prefetch:use=%llu,limit=%llu\r\npressure:use=%u,limit=1000\r\nengine_pressure:use=%u,limit=1000\r\n"
        "client_query_buffer:limit=%zu\r\nclient_output_buffer:limit=%zu\r\nclient_pipeline:limit=%u\r\n"
        "queries:use=%u,limit=%d\r\nquery_plan_bytes:use=%zu,limit=%zu\r\nquery_memory_bytes:limit=%zu\r\n"
        "queries_memory_bytes:use=%zu,limit=%zu\r\nquery_timeout_ms:limit=%llu\r\n",
        server->connection_count, server->limits.clients, (ull)node.log_bytes, (ull)node.log_limit_bytes,
        (ull)node.uncommitted_bytes, (ull)node.uncommitted_limit_bytes, (ull)node.requests, (ull)node.request_limit,
        (ull)node.sessions, (ull)node.session_limit, (ull)node.reply_bytes, (ull)node.reply_limit_bytes,
        (ull)node.prefetch_ahead, (ull)node.prefetch_window, raft_driver_pressure(server->driver),
        engine_pressure(raft_driver_engine(server->driver)), server->limits.query_buffer_bytes,
        server->limits.output_buffer_bytes, server->limits.pipeline, server->long_call_count, LONG_CALLS_MAX,
        server->long_call_bytes, server->limits.query_memory_bytes, server->limits.query_memory_bytes,
        atomic_load(&server->query_memory.used_bytes), server->limits.queries_memory_bytes,
        (ull)server->limits.query_timeout_ms);
}

/* What time series take on disk, by tree: samples, and what finds them. */
static enum status print_tsdb(struct server *server, struct buf *to) {
    static const struct {
        uint32_t tree;
        const char *name;
    } trees[] = {{TREE_CHUNKS, "chunks"}, {TREE_SERIES, "series"}, {TREE_LABELS, "labels"}};
    enum status status = buf_append_format(to, "# Tsdb\r\n");
    for (size_t i = 0; status == STATUS_OK && i < sizeof trees / sizeof trees[0]; i++) {
        struct engine_tree_info info;
        status = engine_tree_info(raft_driver_engine(server->driver), trees[i].tree, &info);
        if (status == STATUS_NOT_FOUND) info = (struct engine_tree_info){0}; /* nothing was written yet */
        if (status == STATUS_OK || status == STATUS_NOT_FOUND)
            status = buf_append_format(to, "tsdb_%s:entries=%llu,files=%llu,disk_bytes=%llu\r\n", trees[i].name,
                                       (ull)info.entries, (ull)info.files, (ull)info.disk_bytes);
    }
    return status;
}

static enum status print_keyspace(struct server *server, struct buf *to) {
    struct names_view view = kv_machine_view(server->stores.kv);
    view.memory_only = true;
    uint64_t count = 0;
    enum status status = buf_append_format(to, "# Keyspace\r\n");
    if (status) return status;
    status = names_count(&view, &count);
    if (status == STATUS_WOULD_BLOCK) return STATUS_OK; /* INFO does not wait for a disk; DBSIZE does */
    if (status || count == 0) return status;
    return buf_append_format(to, "db0:keys=%llu\r\n", (ull)count);
}

const char *const info_sections[] = {"server",      "clients", "memory", "persistence", "stats",    "latency", "raft",
                                     "replication", "engine",  "limits", "tsdb",        "keyspace", NULL};

enum status info_print_section(struct server *server, const char *section, struct buf *to) {
    static const struct {
        const char *name;
        enum status (*print)(struct server *server, struct buf *to);
    } table[] = {{"server", print_server}, {"clients", print_clients},
                 {"memory", print_memory}, {"persistence", print_persistence},
                 {"stats", print_stats},   {"latency", print_latency},
                 {"raft", print_raft},     {"replication", print_replication},
                 {"engine", print_engine}, {"limits", print_limits},
                 {"tsdb", print_tsdb},     {"keyspace", print_keyspace}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].name, section) == 0) return table[i].print(server, to);
    return STATUS_OK;
}

/* ---- /metrics ---------------------------------------------------------------------------------------------------- */

static enum status metric(struct buf *to, const char *name, const char *type, const char *help, uint64_t value) {
    return buf_append_format(to, "# HELP loam_%s %s\n# TYPE loam_%s %s\nloam_%s %llu\n", name, help, name, type, name,
                             (ull)value);
}

enum status server_print_metrics(struct server *server, struct buf *to) {
    struct raft_driver_status node;
    struct engine_stats engine;
    raft_driver_get_status(server->driver, &node);
    engine_get_stats(raft_driver_engine(server->driver), &engine);
    const struct {
        const char *name, *type, *help;
        uint64_t value;
    } rows[] = {
        {"up_seconds", "counter", "Seconds since the server started.", uptime_s(server)},
        {"connected_clients", "gauge", "Client connections open.", server->connection_count},
        {"connections_total", "counter", "Client connections accepted.", server->stats.connections_received},
        {"commands_total", "counter", "Commands processed.", server->stats.commands_processed},
        {"network_input_bytes_total", "counter", "Bytes read from clients.", server->stats.input_bytes},
        {"network_output_bytes_total", "counter", "Bytes sent to clients.", server->stats.output_bytes},
        {"raft_is_leader", "gauge", "1 if this node leads.", node.role == RAFT_LEADER},
        {"raft_term", "gauge", "Current term.", node.term},
        {"raft_commit_index", "gauge", "Commit index.", node.commit},
        {"raft_applied_index", "gauge", "Applied index.", node.applied},
        {"raft_last_index", "gauge", "Last index of the log.", node.last_index},
        {"raft_leader_changes_total", "counter", "Changes of leader seen.", node.leader_changes},
        {"raft_applied_entries_total", "counter", "Entries applied since start.", node.applied_entries},
        {"raft_read_rounds_total", "counter", "Read barriers run.", node.read_rounds},
        {"raft_lease_reads_total", "counter", "Read rounds that a lease saved the leader.", node.lease_reads},
        {"raft_apply_stalls_total", "counter", "Entries whose apply waited for a read.", node.apply_stalls},
        {"raft_prefetched_entries_total", "counter", "Entries whose rows were read ahead.", node.prefetched_entries},
        {"log_commits_total", "counter", "Groups written to the log.", node.log_commits},
        {"log_syncs_total", "counter", "Barriers asked of the device for the log.", node.log_syncs},
        {"log_written_bytes_total", "counter", "Bytes written to the log, padding included.", node.log_written_bytes},
        {"log_bytes", "gauge", "Bytes of live log.", node.log_bytes},
        {"pressure", "gauge", "Tightest limit, 0 to 1000.", raft_driver_pressure(server->driver)},
        {"memtable_bytes", "gauge", "Bytes in memtables.", engine.memtable_bytes},
        {"flushes_total", "counter", "Flushes installed.", engine.flushes},
        {"compactions_total", "counter", "Compactions installed.", engine.compactions},
        {"compaction_debt_bytes", "gauge", "Bytes that compaction still has to move.", engine.debt_bytes},
        {"cache_bytes", "gauge", "Block cache.", engine.cache_bytes},
        {"cache_hits_total", "counter", "Blocks found in the cache.", engine.cache_hits},
        {"cache_misses_total", "counter", "Blocks read from files.", engine.cache_misses},
        {"disk_bytes", "gauge", "Bytes of the engine's files.", engine.disk_bytes},
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof rows / sizeof rows[0]; i++)
        status = metric(to, rows[i].name, rows[i].type, rows[i].help, rows[i].value);
    return status;
}
