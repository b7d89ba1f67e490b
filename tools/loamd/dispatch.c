/*
 * dispatch: checks a command against its row and starts its call.
 *
 * Invariant: every call that was started is finished exactly once, by its handler, its request's done, or its job's
 * done; a call without a connection (the client has gone) is freed by whoever finishes it.
 */
#include "tools/loamd/dispatch.h"
#include "engine/base/decimal.h"
#include "tools/loamd/long_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { FREE_CALLS_MAX = 1024, KEEP_CALL_BUFFER_BYTES = 16 << 10, UNKNOWN_ARGS_BYTES = 128 };

/* ---- memory of calls --------------------------------------------------------------------------------------------- */

static void deinit_call(struct call *call) {
    buf_deinit(&call->copy);
    buf_deinit(&call->operation);
    buf_deinit(&call->reply);
    free(call);
}

static void keep_buffer(struct buf *buf) {
    if (buf->capacity > KEEP_CALL_BUFFER_BYTES) buf_deinit(buf);
    buf_clear(buf);
}

static struct call *acquire_call(struct connection *connection, const struct command *command) {
    struct server *server = connection->server;
    struct list *link = list_pop_front(&server->free_calls);
    struct call *call = link ? list_entry(link, struct call, link) : calloc(1, sizeof *call);
    if (!call) return NULL;
    if (link) server->free_call_count--;
    struct buf copy = call->copy, operation = call->operation, reply = call->reply;
    *call = (struct call){.command = command,
                          .connection = connection,
                          .server = server,
                          .protocol = connection->protocol,
                          .stale = connection->stale_reads,
                          .copy = copy,
                          .operation = operation,
                          .reply = reply};
    list_init(&call->link);
    return call;
}

static void release_call(struct call *call) {
    struct server *server = call->server;
    list_remove(&call->link);
    if (server->free_call_count >= FREE_CALLS_MAX) {
        deinit_call(call);
        return;
    }
    keep_buffer(&call->copy);
    keep_buffer(&call->operation);
    keep_buffer(&call->reply);
    list_push_back(&server->free_calls, &call->link);
    server->free_call_count++;
}

void dispatch_deinit(struct server *server) {
    struct list *link = NULL;
    while ((link = list_pop_front(&server->free_calls)) != NULL) deinit_call(list_entry(link, struct call, link));
    server->free_call_count = 0;
}

/* ---- the end of a call ------------------------------------------------------------------------------------------- */

/* Reads and writes; NULL: what is answered from the server's own state. */
static struct latency *latency_of(struct server *server, const struct command *command) {
    if (!command) return NULL;
    return command->kind == COMMAND_READ ? &server->reads : command->kind == COMMAND_WRITE ? &server->writes : NULL;
}

/* As the node that asked for it takes it: in one piece, in its own form. */
static enum status wrap_reply(struct call *call) {
    struct buf wrapped = BUF_EMPTY;
    const enum status status = reply_bulk(&wrapped, buf_slice(&call->reply));
    if (status == STATUS_OK) {
        buf_deinit(&call->reply);
        call->reply = wrapped;
    }
    return status;
}

void call_finish(struct call *call) {
    if (call->is_relayed && wrap_reply(call) != STATUS_OK) {
        call_fail(call, STATUS_NO_MEMORY);
        return;
    }
    struct latency *latency = call->began_ns ? latency_of(call->server, call->command) : NULL;
    if (latency) latency_add(latency, call->began_ns, io_now_ns(call->server->io));
    call->finished = true;
    if (call->connection)
        connection_mark(call->connection);
    else
        release_call(call);
}

/* What a client reads when a command could not be served. The first word is a code of its own for each kind of outcome.
 */
static enum status reply_fault(struct call *call, enum status status) {
    switch (status) {
    case STATUS_WITNESS: return reply_error(&call->reply, "WITNESS this node votes and keeps no data: ask another one");
    case STATUS_NOT_LEADER:
    case STATUS_TIMED_OUT:
        return reply_error(&call->reply, "CLUSTERDOWN no leader was found in time; the command was not applied");
    case STATUS_BUSY:
        return reply_error(&call->reply,
                           "TRYAGAIN this node is at a limit (see INFO limits); the command was not applied");
    case STATUS_TOO_LARGE:
        return reply_error(&call->reply,
                           "ERR the command is over the entry limit (entry-limit-bytes); it was not applied");
    case STATUS_NO_SPACE:
        return reply_error(
            &call->reply, "MISCONF the disk reserve is reached; the command was not applied. Delete data or add space");
    case STATUS_READ_ONLY:
        return reply_error(&call->reply, "READONLY this node went read-only after a failed write or sync (see its "
                                         "log); the command was not applied");
    case STATUS_CORRUPT:
    case STATUS_FAULTY:
        return reply_error(&call->reply, "CORRUPT the store of this node is damaged (its log says where); the command "
                                         "was not applied");
    case STATUS_CANCELLED:
    case STATUS_SESSION_LOST:
        return reply_error(&call->reply,
                           "UNKNOWN the outcome is unknown: the command may or may not have been applied");
    default: return reply_error(&call->reply, "ERR %s", status_text(status));
    }
}

/* What others may be able to read, and what it costs nothing to ask for again. */
static bool may_be_read_elsewhere(const struct call *call, enum status status) {
    if (!call->command || (call->command->kind != COMMAND_READ && !call->reads_only)) return false;
    return status == STATUS_CORRUPT || status == STATUS_FAULTY || status == STATUS_IO || status == STATUS_READ_ONLY ||
           status == STATUS_WITNESS;
}

void call_fail(struct call *call, enum status status) {
    if (may_be_read_elsewhere(call, status) && elsewhere_take(&call->server->elsewhere, call, status)) return;
    buf_clear(&call->reply);
    call->is_relayed = false; /* a fault is told as it is */
    if (status != STATUS_NO_MEMORY && reply_fault(call, status) == STATUS_OK) {
        call_finish(call);
        return;
    }
    /* No memory even for the words: the connection ends, which is an unknown outcome to the client. */
    struct connection *connection = call->connection;
    call->connection = NULL;
    if (connection) {
        list_remove(&call->link);
        connection->call_count--;
        connection_drop(connection);
    }
    release_call(call);
}

static void finish_or_fail(struct call *call, enum status status) {
    if (status)
        call_fail(call, status);
    else
        call_finish(call);
}

void dispatch_abandon(struct call *call) {
    call->connection = NULL;
    if (call->finished) {
        release_call(call);
        return;
    }
    list_init(&call->link); /* whoever finishes it frees it */
    if (call->long_call) long_call_stop(call->long_call);
}

void dispatch_input_ended(struct connection *connection) {
    for (struct list *link = connection->calls.next; link != &connection->calls; link = link->next) {
        struct call *call = list_entry(link, struct call, link);
        if (call->long_call) long_call_stop(call->long_call);
    }
}

/* ---- writes ------------------------------------------------------------------------------------------------------ */

static void write_done(struct raft_request *request, enum status status, struct slice reply) {
    struct call *call = request->context;
    if (status == STATUS_OK) status = buf_assign(&call->reply, reply);
    if (status == STATUS_OK) call_note_write(call);
    finish_or_fail(call, status);
}

void call_note_write(struct call *call) {
    if (call->connection) call->connection->last_write_index = call->request.index;
}

static void start_write(struct call *call) {
    call->request = (struct raft_request){.done = write_done, .context = call};
    raft_driver_propose(call->server->driver, call->command->store, buf_slice(&call->operation), &call->request);
    keep_buffer(&call->operation);
}

/* ---- reads ------------------------------------------------------------------------------------------------------- */

static void run_read(struct call *call);

static void tick_done(struct raft_request *request, enum status status, struct slice reply) {
    struct call *call = request->context;
    (void)reply;
    if (status) {
        call_fail(call, status);
        return;
    }
    /* Log time has passed what the voters' clocks said. A clock of ours that runs ahead of theirs decides nothing: from
     * here on log time alone judges. */
    call->stale = true;
    run_read(call);
}

/* The read met a name that is due by the clock, and not yet by log time: time must move first (names.h). */
static bool needs_tick(struct call *call) {
    if (!call->late || call->stale) return false;
    call->request = (struct raft_request){.done = tick_done, .context = call};
    raft_driver_tick_time(call->server->driver, &call->request);
    return true;
}

void call_set_view(struct call *call, bool memory_only) {
    struct server *server = call->server;
    call->view = kv_machine_view(server->stores.kv);
    call->view.log_time_ms = raft_driver_log_time(server->driver);
    call->view.clock_ms = call->stale ? 0 : io_clock_ms(server->io);
    call->view.late = &call->late;
    call->view.memory_only = memory_only;
    call->late = false;
    buf_clear(&call->reply);
}

static enum io_job_state read_job_step(struct io_job *job) {
    struct call *call = job->context;
    call->job_status = call->command->handler(call);
    return IO_JOB_DONE;
}

static void read_job_done(struct io_job *job) {
    struct call *call = job->context;
    struct server *server = call->server;
    engine_snapshot_release(raft_driver_engine(server->driver), call->snapshot);
    raft_driver_unpin_engine(server->driver);
    call->snapshot = NULL;
    server->job_count--;
    if (call->job_status || !needs_tick(call)) finish_or_fail(call, call->job_status);
}

static void ask_for_barrier(struct call *call);

static void start_read_job(struct call *call) {
    struct server *server = call->server;
    if (!raft_driver_pin_engine(server->driver)) {
        ask_for_barrier(call); /* a stale read waits, too, while another engine moves in */
        return;
    }
    call->snapshot = engine_snapshot_acquire(raft_driver_engine(server->driver));
    if (!call->snapshot) {
        raft_driver_unpin_engine(server->driver);
        call_fail(call, STATUS_NO_MEMORY);
        return;
    }
    call_set_view(call, false);
    call->view.snapshot = call->snapshot;
    enum io_pool pool = call->command->flags & COMMAND_SLOW ? IO_POOL_LONG : IO_POOL_READ;
    call->job = (struct io_job){.pool = pool, .step = read_job_step, .done = read_job_done, .context = call};
    server->job_count++;
    server->stats.reads_from_disk++;
    io_job_start(server->io, &call->job);
}

static void run_read(struct call *call) {
    if ((call->command->flags & (COMMAND_SLOW | COMMAND_SIZED)) == COMMAND_SLOW) {
        start_read_job(call);
        return;
    }
    call_set_view(call, true);
    enum status status = call->command->handler(call);
    if (status == STATUS_WOULD_BLOCK) {
        start_read_job(call);
        return;
    }
    call->server->stats.reads_in_memory++;
    if (status || !needs_tick(call)) finish_or_fail(call, status);
}

static void barrier_done(struct raft_request *request, enum status status, struct slice reply) {
    struct call *call = request->context;
    (void)reply;
    if (status)
        call_fail(call, status);
    else if (!call->connection)
        release_call(call);
    else
        run_read(call);
}

static void ask_for_barrier(struct call *call) {
    call->request = (struct raft_request){.done = barrier_done, .context = call};
    raft_driver_read(call->server->driver, &call->request);
}

void call_read_here(struct call *call) {
    if (call->stale && !raft_driver_is_in_doubt(call->server->driver))
        run_read(call);
    else
        ask_for_barrier(call);
}

void call_start_read(struct call *call) {
    struct server *server = call->server;
    call->random = prng_next(&server->prng);
    if (!raft_driver_is_in_doubt(server->driver))
        call_read_here(call);
    else if (call->is_relayed)
        call_fail(call, STATUS_CORRUPT); /* who asks can ask another one */
    else if (!elsewhere_take(&server->elsewhere, call, STATUS_OK))
        call_read_here(call);
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

/* Copies the arguments, so that they outlive the input: the array of slices first, then the bytes. */
static enum status keep_args(struct call *call, const struct slice *args, size_t count) {
    size_t bytes = count * sizeof(struct slice);
    for (size_t i = 0; i < count; i++) bytes += args[i].size;
    buf_clear(&call->copy);
    enum status status = buf_reserve(&call->copy, bytes);
    if (status) return status;
    struct slice *copies = (struct slice *)(void *)call->copy.data;
    uint8_t *to = call->copy.data + count * sizeof(struct slice);
    for (size_t i = 0; i < count; i++) {
        if (args[i].size) memcpy(to, args[i].data, args[i].size);
        copies[i] = slice_make(to, args[i].size);
        to += args[i].size;
    }
    call->args = copies;
    return STATUS_OK;
}

static enum connection_phase phase_of(const struct command *command) {
    switch (command->kind) {
    case COMMAND_READ: return PHASE_READS;
    case COMMAND_WRITE: return PHASE_WRITES;
    case COMMAND_LATER: return PHASE_ALONE;
    default: return PHASE_IDLE;
    }
}

static bool may_start(const struct connection *connection, enum connection_phase phase) {
    if (phase == PHASE_IDLE || connection->phase == PHASE_IDLE) return true;
    return phase == connection->phase && phase != PHASE_ALONE;
}

static void start_call(struct call *call, const struct slice *args, size_t count) {
    const enum command_kind kind = call->command->kind;
    call->args = args;
    call->arg_count = count;
    enum status status = STATUS_OK;
    if (kind == COMMAND_READ || kind == COMMAND_LATER) status = keep_args(call, args, count);
    if (status == STATUS_OK && kind == COMMAND_READ) {
        call_start_read(call);
        return;
    }
    if (status == STATUS_OK) status = call->command->handler(call);
    if (status)
        call_fail(call, status);
    else if (kind == COMMAND_LATER)
        return;
    else if (kind == COMMAND_WRITE && call->operation.size)
        start_write(call);
    else
        call_finish(call);
}

/* A call that is an error from the start. NULL after having dropped the connection for want of memory. */
static struct call *add_call(struct connection *connection, const struct command *command) {
    struct call *call = acquire_call(connection, command);
    if (!call) {
        connection_drop(connection);
        return NULL;
    }
    list_push_back(&connection->calls, &call->link);
    connection->call_count++;
    return call;
}

void dispatch_error(struct connection *connection, struct slice text) {
    struct call *call = add_call(connection, NULL);
    if (call) finish_or_fail(call, reply_error(&call->reply, "%.*s", (int)text.size, (const char *)text.data));
}

/* An argument's bytes up to a NUL, at most `room`. */
static size_t shown_bytes(struct slice arg, size_t room) {
    size_t size = arg.size < room ? arg.size : room;
    const uint8_t *nul = size ? memchr(arg.data, 0, size) : NULL;
    return nul ? (size_t)(nul - arg.data) : size;
}

/* "unknown command 'x', with args beginning with: 'a' 'b' ", as Redis words it: at most 128 bytes of name and of
 * arguments. */
static enum status reply_unknown(struct call *call, const struct slice *args, size_t count) {
    char text[UNKNOWN_ARGS_BYTES + 64];
    size_t size = 0;
    for (size_t i = 1; i < count && size < UNKNOWN_ARGS_BYTES; i++) {
        size_t shown = shown_bytes(args[i], UNKNOWN_ARGS_BYTES - size);
        text[size++] = '\'';
        if (shown) memcpy(text + size, args[i].data, shown);
        size += shown;
        text[size++] = '\'';
        text[size++] = ' ';
    }
    size_t name = args[0].size < 128 ? args[0].size : 128;
    return reply_error(&call->reply, "ERR unknown command '%.*s', with args beginning with: %.*s", (int)name,
                       (const char *)args[0].data, (int)size, text);
}

/* Answers what forbids the command: true if something did. */
static bool is_refused(struct call *call, const struct slice *args, size_t count, enum status *status) {
    const struct command *command = call->command;
    const struct connection *connection = call->connection;
    if (!command) {
        *status = reply_unknown(call, args, count);
    } else if ((command->arity > 0 && (size_t)command->arity != count) ||
               (command->arity < 0 && count < (size_t)-command->arity)) {
        *status = reply_error(&call->reply, "ERR wrong number of arguments for '%s' command", command->name);
    } else if (!connection->authenticated && !(command->flags & COMMAND_NO_AUTH)) {
        *status = reply_error(&call->reply, "NOAUTH Authentication required.");
    } else if (command->flags & COMMAND_LAB && !connection->server->lab) {
        *status =
            reply_error(&call->reply, "ERR '%s' answers only on a server that was started with --lab", command->name);
    } else {
        return false;
    }
    return true;
}

bool dispatch_command(struct connection *connection) {
    const struct slice *args = connection->parser.args;
    size_t count = connection->parser.arg_count;
    const struct command *command = command_find(args[0]);
    enum connection_phase phase = command ? phase_of(command) : PHASE_IDLE;
    if (!may_start(connection, phase)) return false;
    struct call *call = add_call(connection, command);
    if (!call) return true;
    connection->server->stats.commands_processed++;
    connection->last_command = command;
    enum status status = STATUS_OK;
    if (is_refused(call, args, count, &status)) {
        call->command = NULL;
        finish_or_fail(call, status);
        return true;
    }
    if (phase != PHASE_IDLE) connection->phase = phase;
    struct latency *latency = latency_of(call->server, command);
    if (latency && latency_wants(latency)) call->began_ns = io_now_ns(call->server->io);
    start_call(call, args, count);
    return true;
}

/* ---- for handlers ------------------------------------------------------------------------------------------------ */

bool call_arg_is(const struct call *call, size_t i, const char *word) {
    struct slice arg = call->args[i];
    return arg.size == strlen(word) && strncasecmp((const char *)arg.data, word, arg.size) == 0;
}

enum status call_syntax_error(struct call *call) {
    return reply_error(&call->reply, "ERR syntax error");
}

enum status call_integer(const struct call *call, size_t i, int64_t *value) {
    return decimal_parse(call->args[i], value) ? STATUS_OK : STATUS_SYNTAX;
}

enum status call_integer_error(struct call *call) {
    return reply_error(&call->reply, "ERR value is not an integer or out of range");
}

bool call_database(struct call *call, size_t i, enum status *status) {
    int64_t number = 0;
    if (call_integer(call, i, &number))
        *status = call_integer_error(call);
    else if (number < INT32_MIN || number > INT32_MAX)
        *status =
            reply_error(&call->reply, "ERR value is out of range, value must between %d and %d", INT32_MIN, INT32_MAX);
    else if (number != 0)
        *status = reply_error(&call->reply, "ERR DB index is out of range");
    else
        return true;
    return false;
}

static enum status reply_help(struct call *call, const struct subcommand *table, size_t count) {
    enum status status = reply_array(&call->reply, count + 1);
    char text[128];
    int size = snprintf(text, sizeof text, "%s <subcommand> [<arg> ...]. Subcommands are:", call->command->name);
    if (status == STATUS_OK) status = reply_bulk(&call->reply, slice_make(text, (size_t)size));
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = reply_bulk(&call->reply, slice_from_text(table[i].name));
    return status;
}

enum status call_subcommand(struct call *call, const struct subcommand *table, size_t count) {
    const char *name = call->command->name;
    if (call->arg_count == 2 && call_arg_is(call, 1, "help")) return reply_help(call, table, count);
    for (size_t i = 0; i < count; i++) {
        if (!call_arg_is(call, 1, table[i].name)) continue;
        int arity = table[i].arity;
        if ((arity > 0 && (size_t)arity != call->arg_count) || (arity < 0 && call->arg_count < (size_t)-arity))
            return reply_error(&call->reply, "ERR wrong number of arguments for '%s|%s' command", name, table[i].name);
        return table[i].handler(call);
    }
    size_t shown = call->args[1].size < 128 ? call->args[1].size : 128;
    char upper[32] = {0};
    for (size_t i = 0; name[i] && i + 1 < sizeof upper; i++) upper[i] = (char)(name[i] - 'a' + 'A');
    return reply_error(&call->reply, "ERR unknown subcommand '%.*s'. Try %s HELP.", (int)shown,
                       (const char *)call->args[1].data, upper);
}
