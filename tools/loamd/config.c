/* config: a row per parameter: how it reads, and how it is set (NULL: fixed at start). */
#include "tools/loamd/config.h"
#include "engine/base/decimal.h"

#include <stdio.h>
#include <strings.h>

#include "kv/kv.h"
#include "tools/loamd/server_state.h"

enum { VALUE_BYTES = 256 };

struct parameter {
    const char *name;
    void (*print)(const struct server *server, char value[VALUE_BYTES]);
    /* INVALID with a sentence in *why. With apply false it only checks. */
    enum status (*set)(struct server *server, struct slice value, bool apply, const char **why);
};

static void print_text(char value[VALUE_BYTES], const char *text) {
    (void)snprintf(value, VALUE_BYTES, "%s", text);
}

static void print_number(char value[VALUE_BYTES], uint64_t number) {
    (void)snprintf(value, VALUE_BYTES, "%llu", (unsigned long long)number);
}

static void print_yes(const struct server *server, char value[VALUE_BYTES]) {
    (void)server;
    print_text(value, "yes");
}
static void print_always(const struct server *server, char value[VALUE_BYTES]) {
    (void)server;
    print_text(value, "always");
}
static void print_empty(const struct server *server, char value[VALUE_BYTES]) {
    (void)server;
    print_text(value, "");
}
static void print_zero(const struct server *server, char value[VALUE_BYTES]) {
    (void)server;
    print_text(value, "0");
}
static void print_one(const struct server *server, char value[VALUE_BYTES]) {
    (void)server;
    print_text(value, "1");
}
static void print_dir(const struct server *server, char value[VALUE_BYTES]) {
    (void)snprintf(value, VALUE_BYTES, "%.*s", (int)server->dir.size, (const char *)server->dir.data);
}
static void print_password(const struct server *server, char value[VALUE_BYTES]) {
    (void)snprintf(value, VALUE_BYTES, "%.*s", (int)server->password.size,
                   server->password.size ? (const char *)server->password.data : "");
}
static void print_clients(const struct server *server, char value[VALUE_BYTES]) {
    print_number(value, server->limits.clients);
}
static void print_query_buffer(const struct server *server, char value[VALUE_BYTES]) {
    print_number(value, server->limits.query_buffer_bytes);
}
static void print_output_buffer(const struct server *server, char value[VALUE_BYTES]) {
    print_number(value, server->limits.output_buffer_bytes);
}
static void print_query_memory(const struct server *server, char value[VALUE_BYTES]) {
    print_number(value, server->limits.query_memory_bytes);
}
static void print_queries_memory(const struct server *server, char value[VALUE_BYTES]) {
    print_number(value, server->limits.queries_memory_bytes);
}
static void print_query_timeout(const struct server *server, char value[VALUE_BYTES]) {
    print_number(value, server->limits.query_timeout_ms);
}
static void print_pipeline(const struct server *server, char value[VALUE_BYTES]) {
    print_number(value, server->limits.pipeline);
}
static void print_log_level(const struct server *server, char value[VALUE_BYTES]) {
    static const char *const names[] = {"debug", "notice", "warning", "nothing"};
    print_text(value, server->log ? names[server->log->level] : "nothing");
}

static enum status parse_bounded(struct slice value, int64_t low, int64_t high, int64_t *number, const char **why) {
    *why = "argument must be an integer within its limits";
    return decimal_parse(value, number) && *number >= low && *number <= high ? STATUS_OK : STATUS_INVALID;
}

static enum status set_clients(struct server *server, struct slice value, bool apply, const char **why) {
    int64_t number = 0;
    enum status status = parse_bounded(value, 1, 1000000, &number, why);
    if (status == STATUS_OK && apply) server->limits.clients = (uint32_t)number;
    return status;
}

static enum status set_query_buffer(struct server *server, struct slice value, bool apply, const char **why) {
    int64_t number = 0;
    enum status status = parse_bounded(value, 1 << 20, 1LL << 40, &number, why);
    if (status == STATUS_OK && apply) server->limits.query_buffer_bytes = (size_t)number;
    return status;
}

static enum status set_output_buffer(struct server *server, struct slice value, bool apply, const char **why) {
    int64_t number = 0;
    enum status status = parse_bounded(value, 1 << 20, 1LL << 40, &number, why);
    if (status == STATUS_OK && apply) server->limits.output_buffer_bytes = (size_t)number;
    return status;
}

static enum status set_pipeline(struct server *server, struct slice value, bool apply, const char **why) {
    int64_t number = 0;
    enum status status = parse_bounded(value, 1, 1 << 20, &number, why);
    if (status == STATUS_OK && apply) server->limits.pipeline = (uint32_t)number;
    return status;
}

static enum status set_query_memory(struct server *server, struct slice value, bool apply, const char **why) {
    int64_t number = 0;
    enum status status = parse_bounded(value, 64 << 10, INT64_MAX, &number, why);
    if (status == STATUS_OK && apply) server->limits.query_memory_bytes = (size_t)number;
    return status;
}

static enum status set_queries_memory(struct server *server, struct slice value, bool apply, const char **why) {
    int64_t number = 0;
    enum status status = parse_bounded(value, 64 << 10, INT64_MAX, &number, why);
    if (status != STATUS_OK || !apply) return status;
    server->limits.queries_memory_bytes = (size_t)number;
    atomic_store(&server->query_memory.limit_bytes, (size_t)number);
    return STATUS_OK;
}

static enum status set_query_timeout(struct server *server, struct slice value, bool apply, const char **why) {
    int64_t number = 0;
    enum status status = parse_bounded(value, 1, INT64_C(1) << 40, &number, why);
    if (status == STATUS_OK && apply) server->limits.query_timeout_ms = (uint64_t)number;
    return status;
}

static enum status set_password(struct server *server, struct slice value, bool apply, const char **why) {
    *why = "argument must be at most 255 bytes";
    if (value.size >= VALUE_BYTES) return STATUS_INVALID;
    return apply ? buf_assign(&server->password, value) : STATUS_OK;
}

static enum status set_log_level(struct server *server, struct slice value, bool apply, const char **why) {
    static const char *const names[] = {"debug", "notice", "warning", "nothing"};
    *why = "argument must be one of the following: debug, notice, warning, nothing";
    for (int i = 0; i < 4; i++) {
        if (value.size != strlen(names[i]) || strncasecmp((const char *)value.data, names[i], value.size) != 0)
            continue;
        if (apply && server->log) server->log->level = (enum log_level)i;
        return STATUS_OK;
    }
    return STATUS_INVALID;
}

static const struct parameter parameters[] = {
    {"appendfsync", print_always, NULL},
    {"appendonly", print_yes, NULL},
    {"client-output-buffer-bytes", print_output_buffer, set_output_buffer},
    {"client-pipeline", print_pipeline, set_pipeline},
    {"client-query-buffer-limit", print_query_buffer, set_query_buffer},
    {"databases", print_one, NULL},
    {"dir", print_dir, NULL},
    {"loglevel", print_log_level, set_log_level},
    {"maxclients", print_clients, set_clients},
    {"maxmemory", print_zero, NULL},
    {"query-memory-bytes", print_query_memory, set_query_memory},
    {"queries-memory-bytes", print_queries_memory, set_queries_memory},
    {"query-timeout-ms", print_query_timeout, set_query_timeout},
    {"requirepass", print_password, set_password},
    {"save", print_empty, NULL},
    {"timeout", print_zero, NULL},
};
enum { PARAMETER_COUNT = sizeof parameters / sizeof parameters[0] };

static bool matches_any(const char *name, const struct slice *patterns, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (kv_glob_match(patterns[i], slice_from_text(name))) return true;
    return false;
}

enum status config_reply(struct server *server, const struct slice *patterns, size_t count, struct buf *reply) {
    uint64_t matching = 0;
    for (size_t i = 0; i < PARAMETER_COUNT; i++) matching += matches_any(parameters[i].name, patterns, count);
    enum status status = reply_map(reply, matching);
    for (size_t i = 0; status == STATUS_OK && i < PARAMETER_COUNT; i++) {
        if (!matches_any(parameters[i].name, patterns, count)) continue;
        char value[VALUE_BYTES];
        parameters[i].print(server, value);
        status = reply_bulk(reply, slice_from_text(parameters[i].name));
        if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text(value));
    }
    return status;
}

static const struct parameter *find_parameter(struct slice name) {
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        const char *text = parameters[i].name;
        if (name.size == strlen(text) && strncasecmp((const char *)name.data, text, name.size) == 0)
            return &parameters[i];
    }
    return NULL;
}

/* One pass over the pairs: checks, or (apply) sets. *answered when an error has been answered. */
static enum status assign_pass(struct server *server, const struct slice *pairs, size_t count, bool apply,
                               struct buf *reply, bool *answered) {
    for (size_t i = 0; i + 1 < count; i += 2) {
        const struct parameter *parameter = find_parameter(pairs[i]);
        const char *why = "can't set immutable config";
        if (!parameter) {
            *answered = true;
            return reply_error(reply, "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
                               (int)pairs[i].size, (const char *)pairs[i].data);
        }
        enum status status = parameter->set ? parameter->set(server, pairs[i + 1], apply, &why) : STATUS_INVALID;
        if (status == STATUS_INVALID) {
            *answered = true;
            return reply_error(reply, "ERR CONFIG SET failed (possibly related to argument '%s') - %s", parameter->name,
                               why);
        }
        if (status) return status;
    }
    return STATUS_OK;
}

enum status config_assign(struct server *server, const struct slice *pairs, size_t count, struct buf *reply) {
    if (count % 2) return reply_error(reply, "ERR wrong number of arguments for 'config|set' command");
    bool answered = false;
    enum status status = assign_pass(server, pairs, count, false, reply, &answered);
    if (status == STATUS_OK && !answered) status = assign_pass(server, pairs, count, true, reply, &answered);
    return status || answered ? status : reply_ok(reply);
}
