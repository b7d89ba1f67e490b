/* command_server: commands about the server: INFO, CONFIG, COMMAND, TIME, WAIT, SHUTDOWN, and DEBUG for the lab. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/loamd/commands.h"
#include "tools/loamd/config.h"
#include "tools/loamd/connection.h"
#include "tools/loamd/dispatch.h"
#include "tools/loamd/info.h"

enum { STOP_GRACE_MS = 5000, WAIT_POLL_NS = 5 * 1000 * 1000, DISK_DELAY_MS_MAX = 60 * 1000 };
#define CLOCK_OFFSET_MS_MAX ((int64_t)100 * 365 * 86400 * 1000)

/* ---- INFO and TIME ----------------------------------------------------------------------------------------------- */

enum status cmd_info(struct call *call) {
    struct server *server = call->server;
    struct buf *text = &server->scratch;
    buf_clear(text);
    bool all = call->arg_count == 1;
    for (size_t i = 1; i < call->arg_count && !all; i++)
        all = call_arg_is(call, i, "all") || call_arg_is(call, i, "default") || call_arg_is(call, i, "everything");
    for (size_t s = 0; info_sections[s]; s++) {
        bool wanted = all;
        for (size_t i = 1; i < call->arg_count && !wanted; i++) wanted = call_arg_is(call, i, info_sections[s]);
        if (!wanted) continue;
        enum status status = text->size ? buf_append(text, "\r\n", 2) : STATUS_OK;
        if (status == STATUS_OK) status = info_print_section(server, info_sections[s], text);
        if (status) return status;
    }
    return reply_bulk(&call->reply, buf_slice(text));
}

enum status cmd_time(struct call *call) {
    int64_t now_ms = io_clock_ms(call->server->io);
    char seconds[32], micros[32];
    int a = snprintf(seconds, sizeof seconds, "%lld", (long long)(now_ms / 1000));
    int b = snprintf(micros, sizeof micros, "%lld", (long long)(now_ms % 1000 * 1000));
    enum status status = reply_array(&call->reply, 2);
    if (status == STATUS_OK) status = reply_bulk(&call->reply, slice_make(seconds, (size_t)a));
    return status ? status : reply_bulk(&call->reply, slice_make(micros, (size_t)b));
}

/* ---- SHUTDOWN ---------------------------------------------------------------------------------------------------- */

enum status cmd_shutdown(struct call *call) {
    for (size_t i = 1; i < call->arg_count; i++) {
        bool known = call_arg_is(call, i, "nosave") || call_arg_is(call, i, "save") || call_arg_is(call, i, "now") ||
                     call_arg_is(call, i, "force");
        if (!known) return call_syntax_error(call);
    }
    log_info(call->server->log, "shutdown asked for by client id=%llu addr=%s",
             (unsigned long long)call->connection->id, call->connection->address);
    server_stop(call->server, STOP_GRACE_MS);
    return reply_ok(&call->reply);
}

/* ---- WAIT -------------------------------------------------------------------------------------------------------- */

static void wait_ask(struct call *call);

static void wait_timer(struct io_op *op) {
    struct call *call = op->context;
    if (call->connection)
        wait_ask(call);
    else
        call_finish(call);
}

static void wait_counted(struct raft_request *request, enum status status, struct slice reply) {
    struct call *call = request->context;
    struct call_wait *state = &call->wait;
    struct decoder decoder = decoder_make(reply);
    struct reply_value value;
    /* Without a leader to ask, what was last heard is what can be said. */
    if (status == STATUS_OK && reply_decode(&decoder, &value) == STATUS_OK && value.tag == REPLY_INTEGER)
        state->held = value.integer;
    uint64_t now_ns = io_now_ns(call->server->io);
    bool over = state->deadline_ns && now_ns >= state->deadline_ns;
    if (state->held >= state->wanted || over || !call->connection || call->server->stopping) {
        status = reply_integer(&call->reply, state->held);
        if (status)
            call_fail(call, status);
        else
            call_finish(call);
        return;
    }
    call->timer =
        (struct io_op){.kind = IO_OP_TIMER, .deadline_ns = now_ns + WAIT_POLL_NS, .done = wait_timer, .context = call};
    io_submit(call->server->io, &call->timer);
}

static void wait_ask(struct call *call) {
    call->request = (struct raft_request){.done = wait_counted, .context = call};
    raft_driver_count_durable(call->server->driver, call->wait.index, &call->request);
}

static enum status finish_now(struct call *call, enum status status) {
    if (status) return status;
    call_finish(call);
    return STATUS_OK;
}

enum status cmd_wait(struct call *call) {
    int64_t wanted = 0, timeout_ms = 0;
    if (call_integer(call, 1, &wanted)) return finish_now(call, call_integer_error(call));
    if (call_integer(call, 2, &timeout_ms))
        return finish_now(call, reply_error(&call->reply, "ERR timeout is not an integer or out of range"));
    if (timeout_ms < 0) return finish_now(call, reply_error(&call->reply, "ERR timeout is negative"));
    call->wait = (struct call_wait){.wanted = wanted, .index = call->connection->last_write_index};
    if (timeout_ms) call->wait.deadline_ns = io_now_ns(call->server->io) + (uint64_t)timeout_ms * 1000 * 1000;
    wait_ask(call);
    return STATUS_OK;
}

/* ---- DEBUG (only with --lab) ------------------------------------------------------------------------------------- */

static enum status debug_sleep(struct call *call) {
    long double seconds = 0;
    char text[32] = {0};
    struct slice arg = call->args[2];
    if (arg.size == 0 || arg.size >= sizeof text) return reply_error(&call->reply, "ERR value is not a valid float");
    memcpy(text, arg.data, arg.size);
    char *end = NULL;
    seconds = strtold(text, &end);
    if (*end || !(seconds >= 0) || seconds > 3600) return reply_error(&call->reply, "ERR value is not a valid float");
    /* The whole node stands still, as it would in a debugger: that is what it is for. */
    io_sleep(call->server->io, (uint64_t)(seconds * 1e9L));
    return reply_ok(&call->reply);
}

static enum status debug_link(struct call *call) {
    int64_t peer = 0;
    if (call_integer(call, 2, &peer)) return call_integer_error(call);
    bool both = call_arg_is(call, 3, "both");
    bool in = both || call_arg_is(call, 3, "in"), out = both || call_arg_is(call, 3, "out");
    bool drop = call_arg_is(call, 4, "drop");
    if ((!in && !out) || (!drop && !call_arg_is(call, 4, "pass"))) return call_syntax_error(call);
    enum status status = raft_driver_set_link(call->server->driver, (uint64_t)peer, in && drop, out && drop);
    if (status == STATUS_NOT_FOUND) return reply_error(&call->reply, "ERR no such peer");
    return status ? status : reply_ok(&call->reply);
}

static enum status debug_flush(struct call *call) {
    enum status status = raft_driver_flush_start(call->server->driver);
    return status ? status : reply_ok(&call->reply);
}

/* DEBUG DISK FULL 0|1, DEBUG DISK SLOW MS: each barrier waits so much longer. */
static enum status debug_disk(struct call *call) {
    struct server *server = call->server;
    int64_t number = 0;
    if (call_integer(call, 3, &number)) return call_integer_error(call);
    const bool full = call_arg_is(call, 2, "full"), slow = call_arg_is(call, 2, "slow");
    if ((!full && !slow) || number < 0 || number > (full ? 1 : DISK_DELAY_MS_MAX)) return call_syntax_error(call);
    if (full) server->faults.is_full = number == 1;
    if (slow) server->faults.sync_delay_ns = (uint64_t)number * 1000 * 1000;
    io_set_faults(server->io, &server->faults);
    return reply_ok(&call->reply);
}

/* DEBUG CLOCK MS: the wall clock shows so much more than the machine's. */
static enum status debug_clock(struct call *call) {
    struct server *server = call->server;
    int64_t offset_ms = 0;
    if (call_integer(call, 2, &offset_ms)) return call_integer_error(call);
    if (offset_ms < -CLOCK_OFFSET_MS_MAX || offset_ms > CLOCK_OFFSET_MS_MAX) return call_syntax_error(call);
    server->faults.clock_offset_ms = offset_ms;
    io_set_faults(server->io, &server->faults);
    return reply_ok(&call->reply);
}

enum status cmd_debug(struct call *call) {
    static const struct subcommand table[] = {{"clock", 3, debug_clock},
                                              {"disk", 4, debug_disk},
                                              {"flush", 2, debug_flush},
                                              {"link", 5, debug_link},
                                              {"sleep", 3, debug_sleep}};
    return finish_now(call, call_subcommand(call, table, sizeof table / sizeof table[0]));
}

/* ---- COMMAND ----------------------------------------------------------------------------------------------------- */

static enum status reply_flags(struct buf *reply, const struct command *command) {
    const char *words[8];
    size_t count = 0;
    if (command->kind == COMMAND_WRITE) words[count++] = "write";
    if (command->kind == COMMAND_READ) words[count++] = "readonly";
    if (command->flags & COMMAND_DENY_OOM) words[count++] = "denyoom";
    if (command->flags & COMMAND_ADMIN) words[count++] = "admin";
    if (command->flags & COMMAND_NO_AUTH) words[count++] = "no_auth";
    if (command->flags & COMMAND_FAST) words[count++] = "fast";
    enum status status = reply_set(reply, count);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) status = reply_status(reply, words[i]);
    return status;
}

static enum status reply_command_info(struct buf *reply, const struct command *command) {
    enum status status = reply_array(reply, 10);
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text(command->name));
    if (status == STATUS_OK) status = reply_integer(reply, command->arity);
    if (status == STATUS_OK) status = reply_flags(reply, command);
    if (status == STATUS_OK) status = reply_integer(reply, command->first_key);
    if (status == STATUS_OK) status = reply_integer(reply, command->last_key);
    if (status == STATUS_OK) status = reply_integer(reply, command->key_step);
    for (int i = 0; status == STATUS_OK && i < 4; i++) status = i == 0 ? reply_set(reply, 0) : reply_array(reply, 0);
    return status;
}

static enum status reply_command_docs(struct buf *reply, const struct command *command) {
    const char *pairs[][2] = {{"summary", command->summary},
                              {"since", command->since},
                              {"group", command->group},
                              {"complexity", command->complexity}};
    enum status status = reply_bulk(reply, slice_from_text(command->name));
    if (status == STATUS_OK) status = reply_map(reply, 4);
    for (size_t i = 0; status == STATUS_OK && i < 4; i++) {
        status = reply_bulk(reply, slice_from_text(pairs[i][0]));
        if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text(pairs[i][1]));
    }
    return status;
}

static uint64_t count_commands(void) {
    uint64_t count = 0;
    while (command_at(count)) count++;
    return count;
}

static enum status command_count(struct call *call) {
    return reply_integer(&call->reply, (int64_t)count_commands());
}

static enum status command_info(struct call *call) {
    bool all = call->arg_count <= 2;
    uint64_t count = all ? count_commands() : call->arg_count - 2;
    enum status status = reply_array(&call->reply, count);
    for (uint64_t i = 0; status == STATUS_OK && i < count; i++) {
        const struct command *command = all ? command_at(i) : command_find(call->args[i + 2]);
        status = command ? reply_command_info(&call->reply, command) : reply_null(&call->reply);
    }
    return status;
}

/* Names that are none of ours are left out, as Redis does. */
static enum status command_docs(struct call *call) {
    bool all = call->arg_count == 2;
    uint64_t asked = all ? count_commands() : call->arg_count - 2, known = 0;
    for (uint64_t i = 0; i < asked; i++) known += all || command_find(call->args[i + 2]) != NULL;
    enum status status = reply_map(&call->reply, known);
    for (uint64_t i = 0; status == STATUS_OK && i < asked; i++) {
        const struct command *command = all ? command_at(i) : command_find(call->args[i + 2]);
        if (command) status = reply_command_docs(&call->reply, command);
    }
    return status;
}

static enum status command_list(struct call *call) {
    uint64_t count = count_commands();
    enum status status = reply_array(&call->reply, count);
    for (uint64_t i = 0; status == STATUS_OK && i < count; i++)
        status = reply_bulk(&call->reply, slice_from_text(command_at(i)->name));
    return status;
}

enum status cmd_command(struct call *call) {
    static const struct subcommand table[] = {
        {"count", 2, command_count}, {"docs", -2, command_docs}, {"info", -2, command_info}, {"list", 2, command_list}};
    if (call->arg_count == 1) return command_info(call);
    return call_subcommand(call, table, sizeof table / sizeof table[0]);
}

/* ---- CONFIG ------------------------------------------------------------------------------------------------------ */

static enum status config_get(struct call *call) {
    return config_reply(call->server, call->args + 2, call->arg_count - 2, &call->reply);
}

static enum status config_set(struct call *call) {
    return config_assign(call->server, call->args + 2, call->arg_count - 2, &call->reply);
}

static enum status config_resetstat(struct call *call) {
    uint64_t started_ns = call->server->stats.started_ns;
    call->server->stats = (struct server_stats){.started_ns = started_ns};
    return reply_ok(&call->reply);
}

static enum status config_rewrite(struct call *call) {
    return reply_error(&call->reply, "ERR The server is running without a config file");
}

enum status cmd_config(struct call *call) {
    static const struct subcommand table[] = {{"get", -3, config_get},
                                              {"resetstat", 2, config_resetstat},
                                              {"rewrite", 2, config_rewrite},
                                              {"set", -4, config_set}};
    return call_subcommand(call, table, sizeof table / sizeof table[0]);
}
