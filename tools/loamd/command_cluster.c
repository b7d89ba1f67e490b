/* command_cluster: what changes the cluster itself: RAFT.TRANSFER; what its nodes ask of each other: RAFT.RELAY. */
#include "tools/loamd/commands.h"
#include "tools/loamd/connection.h"
#include "tools/loamd/dispatch.h"

static enum status reply_transfer(struct call *call, enum status status) {
    struct raft_driver_status facts;
    int64_t node = 0;
    if (status == STATUS_OK) return reply_ok(&call->reply);
    if (call_integer(call, 1, &node)) return call_integer_error(call);
    raft_driver_get_status(call->server->driver, &facts);
    const unsigned long long leader = (unsigned long long)facts.leader;
    switch (status) {
    case STATUS_NOT_LEADER:
        if (leader == 0) return reply_error(&call->reply, "CLUSTERDOWN no leader is known");
        return reply_error(&call->reply, "NOTLEADER node %llu leads; ask it to give leadership away", leader);
    case STATUS_INVALID:
        return reply_error(&call->reply, "ERR node %lld has no vote in this cluster, or keeps no data",
                           (long long)node);
    case STATUS_BUSY:
        return reply_error(&call->reply,
                           "TRYAGAIN leadership is being given away already, or node %lld is being sent a snapshot",
                           (long long)node);
    case STATUS_TIMED_OUT:
        return reply_error(&call->reply, "TIMEOUT node %lld did not take over in time; the leader is node %llu",
                           (long long)node, leader);
    default: return status;
    }
}

static void transferred(struct raft_request *request, enum status status, struct slice reply) {
    struct call *call = request->context;
    (void)reply;
    status = reply_transfer(call, status);
    if (status)
        call_fail(call, status);
    else
        call_finish(call);
}

enum status cmd_raft_transfer(struct call *call) {
    int64_t node = 0;
    if (call_integer(call, 1, &node)) {
        const enum status status = call_integer_error(call);
        if (status == STATUS_OK) call_finish(call);
        return status;
    }
    call->request = (struct raft_request){.done = transferred, .context = call};
    raft_driver_transfer(call->server->driver, (uint64_t)node, &call->request);
    return STATUS_OK;
}

/* False: *status is that of having answered what is wrong. */
static bool may_relay(struct call *call, const struct command *command, int64_t protocol, enum status *status) {
    const struct slice name = call->args[2];
    const int count = (int)call->arg_count - 2, shown = name.size < 128 ? (int)name.size : 128;
    if (protocol != 2 && protocol != 3)
        *status = reply_error(&call->reply, "ERR RAFT.RELAY: the protocol is 2 or 3");
    else if (!command || (command->kind != COMMAND_READ && !(command->flags & COMMAND_QUERY)))
        *status = reply_error(&call->reply, "ERR RAFT.RELAY: '%.*s' is no command that reads", shown,
                              (const char *)name.data);
    else if (command->arity > 0 ? command->arity != count : count < -command->arity)
        *status = reply_error(&call->reply, "ERR wrong number of arguments for '%s' command", command->name);
    else
        return true;
    return false;
}

/* The call becomes one of the command that it names (elsewhere.h). */
enum status cmd_raft_relay(struct call *call) {
    const struct command *command = command_find(call->args[2]);
    int64_t protocol = 0;
    enum status status = STATUS_OK;
    if (call_integer(call, 1, &protocol) != STATUS_OK || !may_relay(call, command, protocol, &status)) {
        if (call->reply.size == 0 && status == STATUS_OK) status = call_integer_error(call);
        if (status == STATUS_OK) call_finish(call);
        return status;
    }
    call->command = command;
    call->args += 2;
    call->arg_count -= 2;
    call->protocol = (int)protocol;
    call->is_relayed = true;
    call->stale = false;
    if (command->kind != COMMAND_READ) return command->handler(call);
    call_start_read(call);
    return STATUS_OK;
}
