/* command_connection: commands about the connection itself. */
#include <ctype.h>

#include "tools/loamd/commands.h"
#include "tools/loamd/connection.h"
#include "tools/loamd/info.h"

enum status cmd_ping(struct call *call) {
    if (call->arg_count == 1) return reply_status(&call->reply, "PONG");
    if (call->arg_count == 2) return reply_bulk(&call->reply, call->args[1]);
    return reply_error(&call->reply, "ERR wrong number of arguments for 'ping' command");
}

enum status cmd_echo(struct call *call) {
    return reply_bulk(&call->reply, call->args[1]);
}

enum status cmd_quit(struct call *call) {
    return reply_ok(&call->reply);
}

enum status cmd_select(struct call *call) {
    enum status status = STATUS_OK;
    return call_database(call, 1, &status) ? reply_ok(&call->reply) : status;
}

enum status cmd_readonly(struct call *call) {
    if (raft_driver_is_witness(call->server->driver)) return STATUS_WITNESS; /* what it has is not old: it is nothing */
    call->connection->stale_reads = true;
    return reply_ok(&call->reply);
}

enum status cmd_readwrite(struct call *call) {
    call->connection->stale_reads = false;
    return reply_ok(&call->reply);
}

enum status cmd_reset(struct call *call) {
    struct connection *connection = call->connection;
    connection->protocol = call->protocol = 2;
    connection->stale_reads = false;
    connection->authenticated = call->server->password.size == 0;
    buf_clear(&connection->name);
    return reply_status(&call->reply, "RESET");
}

/* ---- AUTH and HELLO ---------------------------------------------------------------------------------------------- */

/* Every byte is looked at, whatever differs first: the time tells nothing about the password. */
static bool password_matches(const struct server *server, struct slice given) {
    struct slice password = buf_slice(&server->password);
    unsigned difference = given.size != password.size;
    for (size_t i = 0; i < given.size && password.size; i++)
        difference |= given.data[i] ^ password.data[i % password.size];
    return difference == 0;
}

/* `user` may be empty: "default". Answers the error and returns false in *passed. */
static enum status authenticate(struct call *call, struct slice user, struct slice password, bool *passed) {
    bool known_user = user.size == 0 || slice_equal(user, slice_from_text("default"));
    bool open = call->server->password.size == 0;
    *passed = known_user && (open || password_matches(call->server, password));
    if (*passed) {
        call->connection->authenticated = true;
        return STATUS_OK;
    }
    return reply_error(&call->reply, "WRONGPASS invalid username-password pair or user is disabled.");
}

enum status cmd_auth(struct call *call) {
    if (call->arg_count > 3) return call_syntax_error(call);
    if (call->arg_count == 2 && call->server->password.size == 0)
        return reply_error(&call->reply,
                           "ERR AUTH <password> called without any password configured for the default user. "
                           "Are you sure your configuration is correct?");
    struct slice user = call->arg_count == 3 ? call->args[1] : slice_make(NULL, 0);
    bool passed = false;
    enum status status = authenticate(call, user, call->args[call->arg_count - 1], &passed);
    return status || !passed ? status : reply_ok(&call->reply);
}

static bool name_is_sound(struct slice name) {
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < '!' || name.data[i] > '~') return false;
    return true;
}

static enum status reply_bad_name(struct call *call) {
    return reply_error(&call->reply, "ERR Client names cannot contain spaces, newlines or special characters.");
}

static enum status reply_hello(struct call *call) {
    struct raft_driver_status node;
    raft_driver_get_status(call->server->driver, &node);
    struct buf *reply = &call->reply;
    enum status status = reply_map(reply, 7);
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text("server"));
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text("loam"));
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text("version"));
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text(LOAM_REDIS_VERSION));
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text("proto"));
    if (status == STATUS_OK) status = reply_integer(reply, call->protocol);
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text("id"));
    if (status == STATUS_OK) status = reply_integer(reply, (int64_t)call->connection->id);
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text("mode"));
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text("standalone"));
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text("role"));
    if (status == STATUS_OK)
        status = reply_bulk(reply, slice_from_text(node.role == RAFT_LEADER ? "master" : "replica"));
    if (status == STATUS_OK) status = reply_bulk(reply, slice_from_text("modules"));
    if (status == STATUS_OK) status = reply_array(reply, 0);
    return status;
}

enum status cmd_hello(struct call *call) {
    struct connection *connection = call->connection;
    int64_t version = connection->protocol;
    if (call->arg_count > 1 && call_integer(call, 1, &version))
        return reply_error(&call->reply, "ERR Protocol version is not an integer or out of range");
    if (version != 2 && version != 3) return reply_error(&call->reply, "NOPROTO unsupported protocol version");
    struct slice name = {0};
    bool has_name = false;
    for (size_t i = 2; i < call->arg_count; i++) {
        if (call_arg_is(call, i, "auth") && i + 2 < call->arg_count) {
            bool passed = false;
            enum status status = authenticate(call, call->args[i + 1], call->args[i + 2], &passed);
            if (status || !passed) return status;
            i += 2;
        } else if (call_arg_is(call, i, "setname") && i + 1 < call->arg_count) {
            name = call->args[++i];
            has_name = true;
            if (!name_is_sound(name)) return reply_bad_name(call);
        } else {
            return reply_error(&call->reply, "ERR Syntax error in HELLO option '%.*s'", (int)call->args[i].size,
                               (const char *)call->args[i].data);
        }
    }
    if (!connection->authenticated)
        return reply_error(
            &call->reply,
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH "
            "<user> <pass> option can be used to authenticate the client and select the RESP protocol version at "
            "the same time");
    if (has_name) {
        enum status status = buf_assign(&connection->name, name);
        if (status) return status;
    }
    connection->protocol = call->protocol = (int)version;
    return reply_hello(call);
}

/* ---- CLIENT ------------------------------------------------------------------------------------------------------ */

static enum status client_id(struct call *call) {
    return reply_integer(&call->reply, (int64_t)call->connection->id);
}

static enum status client_getname(struct call *call) {
    struct slice name = buf_slice(&call->connection->name);
    return name.size ? reply_bulk(&call->reply, name) : reply_null(&call->reply);
}

static enum status client_setname(struct call *call) {
    if (!name_is_sound(call->args[2])) return reply_bad_name(call);
    enum status status = buf_assign(&call->connection->name, call->args[2]);
    return status ? status : reply_ok(&call->reply);
}

static enum status client_setinfo(struct call *call) {
    struct buf *to = NULL;
    if (call_arg_is(call, 2, "lib-name"))
        to = &call->connection->library_name;
    else if (call_arg_is(call, 2, "lib-ver"))
        to = &call->connection->library_version;
    else
        return reply_error(&call->reply, "ERR Unrecognized option '%.*s'", (int)call->args[2].size,
                           (const char *)call->args[2].data);
    if (!name_is_sound(call->args[3]))
        return reply_error(&call->reply, "ERR %s cannot contain spaces, newlines or special characters.",
                           to == &call->connection->library_name ? "lib-name" : "lib-ver");
    enum status status = buf_assign(to, call->args[3]);
    return status ? status : reply_ok(&call->reply);
}

static enum status print_client(struct buf *to, const struct connection *connection) {
    uint64_t now_ns = io_now_ns(connection->server->io);
    const struct buf *name = &connection->name;
    return buf_append_format(to,
                             "id=%llu addr=%s laddr=%s name=%.*s age=%llu idle=%llu flags=%s db=0 qbuf=%zu "
                             "qbuf-free=%zu obl=%zu omem=%zu calls=%u "
                             "cmd=%s user=default resp=%d lib-name=%.*s lib-ver=%.*s\n",
                             (unsigned long long)connection->id, connection->address, connection->local_address,
                             (int)name->size, name->size ? (const char *)name->data : "",
                             (unsigned long long)((now_ns - connection->created_ns) / 1000000000u),
                             (unsigned long long)((now_ns - connection->active_ns) / 1000000000u),
                             connection->stale_reads ? "r" : "N", connection->in.size,
                             connection->in.capacity - connection->in.size, connection->out.size,
                             connection->out.capacity + connection->leaving.capacity, connection->call_count,
                             connection->last_command ? connection->last_command->name : "NULL", connection->protocol,
                             (int)connection->library_name.size,
                             connection->library_name.size ? (const char *)connection->library_name.data : "",
                             (int)connection->library_version.size,
                             connection->library_version.size ? (const char *)connection->library_version.data : "");
}

static enum status client_info(struct call *call) {
    struct buf *scratch = &call->server->scratch;
    buf_clear(scratch);
    enum status status = print_client(scratch, call->connection);
    return status ? status : reply_bulk(&call->reply, buf_slice(scratch));
}

static enum status client_list(struct call *call) {
    struct server *server = call->server;
    buf_clear(&server->scratch);
    for (struct list *link = server->connections.next; link != &server->connections; link = link->next) {
        enum status status = print_client(&server->scratch, list_entry(link, struct connection, link));
        if (status) return status;
    }
    return reply_bulk(&call->reply, buf_slice(&server->scratch));
}

enum status cmd_client(struct call *call) {
    static const struct subcommand table[] = {
        {"getname", 2, client_getname}, {"id", 2, client_id},           {"info", 2, client_info},
        {"list", 2, client_list},       {"setinfo", 4, client_setinfo}, {"setname", 3, client_setname},
    };
    return call_subcommand(call, table, sizeof table / sizeof table[0]);
}
