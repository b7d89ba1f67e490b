/* options: see options.h. Every option is a row; numbers take k, m, g suffixes. */
#include "tools/loamd/options.h"
#include "engine/base/decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv/kv.h"

const char options_usage[] =
    "usage: loamd --dir DIR --listen HOST:PORT [options]\n"
    "\n"
    "  --dir DIR               data directory (made on first start of a cluster of one, or with --init)\n"
    "  --listen HOST:PORT      clients (RESP)\n"
    "  --peer-listen HOST:PORT peers, if other than the address in --cluster\n"
    "  --http-listen HOST:PORT /metrics\n"
    "  --cluster LIST          ID@HOST:PEERPORT@CLIENTPORT,... ; without it a cluster of one\n"
    "  --node-id N             which of them this is (1)\n"
    "  --init                  make the data directory and exit\n"
    "  --join ID               the cluster's id (raft_cluster_id in INFO): this node will be added to it by "
    "RAFT.CHANGE;\n"
    "                          with --init, and --cluster names whom it may hear from, and itself\n"
    "  --witness               with --init: the node votes and keeps no data (raft/README.md, Witnesses)\n"
    "  --requirepass TEXT      clients must AUTH\n"
    "  --peer-secret TEXT      peers must prove that they know it\n"
    "  --lab                   DEBUG and link control answer\n"
    "  --io uring|posix        instead of choosing by a probe\n"
    "  --log-level debug|info|warn|error\n"
    "  --memtable-bytes N --cache-bytes N --log-limit-bytes N --log-segment-bytes N --entry-limit-bytes N\n"
    "  --disk-reserve-bytes N --maxclients N --election-ticks N --heartbeat-ticks N --tick-ms N\n"
    "  --priority N            a leader gives its place to a node of higher priority (100)\n"
    "  --guard-ms N --clock-drift-permille N --no-lease\n"
    "                          reads without a round (raft/README.md, Leases)\n"
    "  --slow-disk-ms N        a leader whose disk owes a write for so long gives its place away (1000)\n"
    "  --scrub-rate-bytes N    read again per second, to see whether it is sound (8388608)\n"
    "  --scrub-interval-s N    between two passes over all that the node holds (86400)\n"
    "  --query-memory-bytes N  a GRAPH query may hold (268435456)\n"
    "  --queries-memory-bytes N  all of them together (1073741824)\n"
    "  --query-timeout-ms N    it may take, and ask for with TIMEOUT (300000)\n"
    "  --help --version\n";

static bool parse_size(const char *text, uint64_t *value) {
    size_t size = strlen(text);
    unsigned shift = 0;
    if (size > 1) {
        char unit = text[size - 1];
        if (unit == 'k' || unit == 'K') shift = 10;
        if (unit == 'm' || unit == 'M') shift = 20;
        if (unit == 'g' || unit == 'G') shift = 30;
        if (shift) size--;
    }
    int64_t number = 0;
    if (!decimal_parse(slice_make(text, size), &number) || number < 0 || number > (INT64_MAX >> shift)) return false;
    *value = (uint64_t)number << shift;
    return true;
}

/* One member: ID@HOST:PEERPORT@CLIENTPORT. */
static bool parse_member(const char *text, size_t size, struct raft_member *member) {
    const char *end = text + size;
    const char *first = memchr(text, '@', size);
    const char *second = first ? memchr(first + 1, '@', (size_t)(end - first - 1)) : NULL;
    const char *colon = NULL;
    for (const char *c = second; c && c > first; c--) {
        if (*c != ':') continue;
        colon = c;
        break;
    }
    int64_t id = 0, client_port = 0;
    if (!second || !colon || !decimal_parse(slice_make(text, (size_t)(first - text)), &id) || id <= 0) return false;
    if (!decimal_parse(slice_make(second + 1, (size_t)(end - second - 1)), &client_port)) return false;
    size_t peer_size = (size_t)(second - first - 1), host_size = (size_t)(colon - first - 1);
    if (peer_size == 0 || peer_size >= IO_ADDRESS_BYTES || host_size + 7 >= IO_ADDRESS_BYTES) return false;
    if (client_port <= 0 || client_port > 65535) return false;
    *member = (struct raft_member){.id = (uint64_t)id};
    memcpy(member->peer_address, first + 1, peer_size);
    memcpy(member->client_address, first + 1, host_size);
    int printed = snprintf(member->client_address + host_size, IO_ADDRESS_BYTES - host_size, ":%d", (int)client_port);
    return printed > 0 && (size_t)printed < IO_ADDRESS_BYTES - host_size;
}

enum status options_parse_cluster(const char *text, struct raft_driver_options *raft, struct error *error) {
    while (*text) {
        size_t size = strcspn(text, ",");
        if (raft->member_count == RAFT_NODES_MAX)
            return error_set(error, STATUS_INVALID, "--cluster: more than %d members", RAFT_NODES_MAX);
        struct raft_member *member = &raft->members[raft->member_count];
        if (!parse_member(text, size, member))
            return error_set(error, STATUS_INVALID, "--cluster: '%.*s' is not ID@HOST:PEERPORT@CLIENTPORT", (int)size,
                             text);
        if (!io_address_is_valid(member->peer_address) || !io_address_is_valid(member->client_address))
            return error_set(error, STATUS_INVALID,
                             "--cluster: '%.*s': the host has to be a number, as 127.0.0.1 or [::1]", (int)size, text);
        for (size_t i = 0; i < raft->member_count; i++)
            if (raft->members[i].id == member->id)
                return error_set(error, STATUS_INVALID, "--cluster: node %llu is named twice",
                                 (unsigned long long)member->id);
        raft->member_count++;
        text += size;
        if (*text == ',') text++;
    }
    return raft->member_count ? STATUS_OK : error_set(error, STATUS_INVALID, "--cluster: no member");
}

static enum status parse_cluster_id(const char *text, uint64_t *id, struct error *error) {
    const size_t size = strlen(text);
    char *end = NULL;
    *id = size > 0 && size <= 16 && strspn(text, "0123456789abcdefABCDEF") == size ? strtoull(text, &end, 16) : 0;
    return *id ? STATUS_OK
               : error_set(error, STATUS_INVALID, "--join: '%s' is not a cluster's id (16 hexadecimal digits)", text);
}

static bool parse_word(const char *text, const char *const *words, int *choice) {
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) != 0) continue;
        *choice = i;
        return true;
    }
    return false;
}

/* Options with a size or count; true if `name` is one. */
static bool find_number(struct options *options, const char *name, uint64_t **u64, size_t **size, uint32_t **u32) {
    struct raft_driver_options *raft = &options->server.raft;
    *u64 = NULL;
    *size = NULL;
    *u32 = NULL;
    if (strcmp(name, "--memtable-bytes") == 0)
        *size = &raft->engine.memtable_bytes;
    else if (strcmp(name, "--cache-bytes") == 0)
        *size = &raft->engine.cache_bytes;
    else if (strcmp(name, "--entry-limit-bytes") == 0)
        *size = &raft->entry_limit_bytes;
    else if (strcmp(name, "--log-limit-bytes") == 0)
        *u64 = &raft->log_limit_bytes;
    else if (strcmp(name, "--log-segment-bytes") == 0)
        *u64 = &raft->log_segment_bytes;
    else if (strcmp(name, "--disk-reserve-bytes") == 0)
        *u64 = &raft->engine.disk_reserve_bytes;
    else if (strcmp(name, "--node-id") == 0)
        *u64 = &raft->node_id;
    else if (strcmp(name, "--query-memory-bytes") == 0)
        *size = &options->server.limits.query_memory_bytes;
    else if (strcmp(name, "--queries-memory-bytes") == 0)
        *size = &options->server.limits.queries_memory_bytes;
    else if (strcmp(name, "--query-timeout-ms") == 0)
        *u64 = &options->server.limits.query_timeout_ms;
    else if (strcmp(name, "--maxclients") == 0)
        *u32 = &options->server.limits.clients;
    else if (strcmp(name, "--election-ticks") == 0)
        *u32 = &raft->election_ticks;
    else if (strcmp(name, "--heartbeat-ticks") == 0)
        *u32 = &raft->heartbeat_ticks;
    else if (strcmp(name, "--tick-ms") == 0)
        *u32 = &raft->tick_ms;
    else if (strcmp(name, "--priority") == 0)
        *u32 = &raft->priority;
    else if (strcmp(name, "--guard-ms") == 0)
        *u32 = &raft->guard_ms;
    else if (strcmp(name, "--clock-drift-permille") == 0)
        *u32 = &raft->drift_permille;
    else if (strcmp(name, "--scrub-rate-bytes") == 0)
        *u64 = &raft->scrub_rate_bytes;
    else if (strcmp(name, "--scrub-interval-s") == 0)
        *u32 = &raft->scrub_interval_s;
    else if (strcmp(name, "--slow-disk-ms") == 0)
        *u32 = &raft->slow_disk_ms;
    else
        return false;
    return true;
}

static enum status set_number(struct options *options, const char *name, const char *text, bool *known,
                              struct error *error) {
    uint64_t *u64 = NULL;
    size_t *size = NULL;
    uint32_t *u32 = NULL;
    *known = find_number(options, name, &u64, &size, &u32);
    if (!*known) return STATUS_OK;
    uint64_t value = 0;
    if (!parse_size(text, &value) || value == 0 || (u32 && value > UINT32_MAX))
        return error_set(error, STATUS_INVALID, "%s: '%s' is not a number above 0 (k, m, g may follow)", name, text);
    if (u64) *u64 = value;
    if (size) *size = (size_t)value;
    if (u32) *u32 = (uint32_t)value;
    return STATUS_OK;
}

static enum status set_word(struct options *options, const char *name, const char *text, struct error *error) {
    static const char *const backends[] = {"probe", "uring", "posix", NULL};
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
    bool is_io = strcmp(name, "--io") == 0;
    int choice = 0;
    if (!parse_word(text, is_io ? backends : levels, &choice))
        return error_set(error, STATUS_INVALID, "%s: '%s' is not one of its words", name, text);
    if (is_io)
        options->backend = (enum io_backend_choice)choice;
    else
        options->log_level = (enum log_level)choice;
    return STATUS_OK;
}

static enum status set_value(struct options *options, const char *name, const char *text, struct error *error) {
    bool known = false;
    enum status status = set_number(options, name, text, &known, error);
    if (known) return status;
    if (strcmp(name, "--dir") == 0)
        options->dir = text;
    else if (strcmp(name, "--listen") == 0)
        options->listen = text;
    else if (strcmp(name, "--http-listen") == 0)
        options->http_listen = text;
    else if (strcmp(name, "--peer-listen") == 0)
        options->server.raft.peer_listen = text;
    else if (strcmp(name, "--requirepass") == 0)
        options->password = text;
    else if (strcmp(name, "--peer-secret") == 0)
        options->peer_secret = text;
    else if (strcmp(name, "--cluster") == 0)
        return options_parse_cluster(text, &options->server.raft, error);
    else if (strcmp(name, "--join") == 0)
        return parse_cluster_id(text, &options->join_cluster_id, error);
    else if (strcmp(name, "--io") == 0 || strcmp(name, "--log-level") == 0)
        return set_word(options, name, text, error);
    else
        return error_set(error, STATUS_UNSUPPORTED, "unknown option '%s'; --help lists them", name);
    return STATUS_OK;
}

static bool set_switch(struct options *options, const char *name) {
    if (strcmp(name, "--lab") == 0)
        options->lab = true;
    else if (strcmp(name, "--no-lease") == 0)
        options->server.raft.no_lease = true;
    else if (strcmp(name, "--witness") == 0)
        options->kind = RAFT_NODE_WITNESS;
    else if (strcmp(name, "--init") == 0)
        options->init_only = true;
    else if (strcmp(name, "--help") == 0)
        options->help = true;
    else if (strcmp(name, "--version") == 0)
        options->version = true;
    else
        return false;
    return true;
}

static bool is_loopback(const char *address) {
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]:", 6) == 0;
}

/* A cluster of one, if none was given: its peers' port is never used. */
static enum status finish(struct options *options, struct error *error) {
    struct raft_driver_options *raft = &options->server.raft;
    if (!options->dir) return error_set(error, STATUS_INVALID, "--dir is missing; --help lists the options");
    if (!options->listen && !options->init_only)
        return error_set(error, STATUS_INVALID, "--listen is missing; --help lists the options");
    if (raft->node_id == 0) raft->node_id = 1;
    if (raft->member_count == 0) {
        raft->members[0] = (struct raft_member){.id = raft->node_id};
        struct raft_member *member = &raft->members[0];
        const char *peer = raft->peer_listen ? raft->peer_listen : "127.0.0.1:0";
        const char *client = options->listen ? options->listen : "127.0.0.1:0";
        if (strlen(peer) >= IO_ADDRESS_BYTES || strlen(client) >= IO_ADDRESS_BYTES)
            return error_set(error, STATUS_INVALID, "an address is longer than %d bytes", IO_ADDRESS_BYTES - 1);
        memcpy(member->peer_address, peer, strlen(peer) + 1);
        memcpy(member->client_address, client, strlen(client) + 1);
        raft->member_count = 1;
    }
    bool named = false, loopback = !options->listen || is_loopback(options->listen);
    for (size_t i = 0; i < raft->member_count; i++) {
        named |= raft->members[i].id == raft->node_id;
        loopback &= is_loopback(raft->members[i].peer_address);
    }
    if (raft->peer_listen) loopback &= is_loopback(raft->peer_listen);
    if (options->http_listen) loopback &= is_loopback(options->http_listen);
    if (options->join_cluster_id && !options->init_only)
        return error_set(error, STATUS_INVALID, "--join goes with --init: the directory remembers it");
    const bool is_witness = options->kind == RAFT_NODE_WITNESS;
    if (is_witness && !options->init_only)
        return error_set(error, STATUS_INVALID, "--witness goes with --init: the directory remembers it");
    if (is_witness && raft->member_count < 3 && !options->join_cluster_id)
        return error_set(error, STATUS_INVALID,
                         "--witness needs --cluster with two nodes that keep data, and this one");
    if (options->join_cluster_id && raft->member_count < 2)
        return error_set(error, STATUS_INVALID, "--join needs --cluster: this node, and a member of the cluster");
    if (!named)
        return error_set(error, STATUS_INVALID, "--node-id %llu is not in --cluster",
                         (unsigned long long)raft->node_id);
    if (!loopback && !(options->password && options->peer_secret))
        return error_set(error, STATUS_DENIED,
                         "an address other than loopback needs --requirepass and --peer-secret; else anybody who "
                         "reaches it owns the data");
    if (options->peer_secret) raft->peer_secret = slice_from_text(options->peer_secret);
    options->server.dir = options->dir;
    options->server.listen = options->listen;
    options->server.password = options->password;
    options->server.lab = options->lab;
    return STATUS_OK;
}

enum status options_parse(int argc, char **argv, struct options *options, struct error *error) {
    *options = (struct options){.log_level = LOG_INFO};
    for (int i = 1; i < argc; i++) {
        if (set_switch(options, argv[i])) continue;
        if (i + 1 == argc) {
            enum status status = set_value(options, argv[i], "", error);
            if (status == STATUS_UNSUPPORTED) return status;
            return error_set(error, STATUS_INVALID, "%s needs a value", argv[i]);
        }
        enum status status = set_value(options, argv[i], argv[i + 1], error);
        if (status) return status;
        i++;
    }
    if (options->help || options->version) return STATUS_OK;
    return finish(options, error);
}
