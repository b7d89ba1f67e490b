/*
 * command_members: RAFT.CHANGE, another set of members:
 *
 *   RAFT.CHANGE [JOINT | EXPLICIT] item...
 *     ADD id peer-address client-address incarnation   a newcomer, as a learner
 *     PROMOTE id                                        a learner that has caught up gets a vote
 *     DEMOTE id                                         a voter becomes a learner
 *     REMOVE id
 *     MOVE id peer-address client-address               a member is somewhere else now
 *   RAFT.CHANGE LEAVE                                   ends a joint configuration that was made with EXPLICIT
 *
 * One item that moves at most one vote is made in one step, several by a joint configuration that is left by itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loamd/commands.h"
#include "tools/loamd/connection.h"

static const struct item {
    const char *name;
    size_t words; /* behind the name */
    enum raft_change_kind kind;
    bool tells; /* where the member is */
} items[] = {
    {"ADD", 4, RAFT_CHANGE_ADD_LEARNER, true},     {"PROMOTE", 1, RAFT_CHANGE_ADD_VOTER, false},
    {"DEMOTE", 1, RAFT_CHANGE_ADD_LEARNER, false}, {"REMOVE", 1, RAFT_CHANGE_REMOVE, false},
    {"MOVE", 3, RAFT_CHANGE_UPDATE, true},
};

static const struct item *find_item(const struct call *call, size_t at) {
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (call_arg_is(call, at, items[i].name)) return &items[i];
    return NULL;
}

/* ---- Arguments ---- */

static bool copy_address(char to[IO_ADDRESS_BYTES], struct slice text) {
    if (text.size == 0 || text.size >= IO_ADDRESS_BYTES || memchr(text.data, 0, text.size)) return false;
    memcpy(to, text.data, text.size);
    return true;
}

/* Hexadecimal, as INFO and `loamd --init` print it. */
static bool parse_incarnation(struct slice text, uint64_t *value) {
    char digits[20] = "", *end = NULL;
    if (text.size == 0 || text.size > 16) return false;
    memcpy(digits, text.data, text.size);
    if (strspn(digits, "0123456789abcdefABCDEF") != text.size) return false;
    *value = strtoull(digits, &end, 16);
    return *value != 0;
}

static bool parse_member(const struct call *call, size_t at, const struct item *item, struct raft_member *member) {
    if (!copy_address(member->peer_address, call->args[at + 2])) return false;
    if (!copy_address(member->client_address, call->args[at + 3])) return false;
    return item->words < 4 || parse_incarnation(call->args[at + 4], &member->incarnation);
}

/* The item at argument `at`; 0 = it is none, else how many arguments it takes. */
static size_t parse_item(const struct call *call, size_t at, struct raft_driver_change *change) {
    const struct item *item = find_item(call, at);
    int64_t id = 0;
    if (!item || at + item->words >= call->arg_count || change->change.count == RAFT_MEMBERS_MAX) return 0;
    if (call_integer(call, at + 1, &id) || id <= 0) return 0;
    const unsigned number = change->change.count++;
    change->change.items[number].kind = item->kind;
    change->change.items[number].id = (uint64_t)id;
    if (item->tells) {
        struct raft_member *member = &change->added[change->added_count++];
        *member = (struct raft_member){.id = (uint64_t)id};
        if (!parse_member(call, at, item, member)) return 0;
    }
    return 1 + item->words;
}

static bool parse_change(const struct call *call, struct raft_driver_change *change) {
    *change = (struct raft_driver_change){.change = {.transition = RAFT_TRANSITION_AUTO}};
    size_t at = 1;
    if (call->arg_count == 2 && call_arg_is(call, 1, "LEAVE")) return true;
    if (call_arg_is(call, at, "JOINT")) change->change.transition = RAFT_TRANSITION_JOINT_IMPLICIT;
    if (call_arg_is(call, at, "EXPLICIT")) change->change.transition = RAFT_TRANSITION_JOINT_EXPLICIT;
    if (change->change.transition != RAFT_TRANSITION_AUTO) at++;
    while (at < call->arg_count) {
        const size_t used = parse_item(call, at, change);
        if (used == 0) return false;
        at += used;
    }
    return change->change.count > 0;
}

/* ---- Answers ---- */

static enum status reply_refusal(struct call *call, enum status status, const struct error *error) {
    switch (status) {
    case STATUS_NOT_LEADER: return reply_error(&call->reply, "NOTLEADER %s", error->text);
    case STATUS_INVALID: return reply_error(&call->reply, "ERR %s", error->text);
    case STATUS_BUSY: return reply_error(&call->reply, "TRYAGAIN %s", error->text);
    default: return status;
    }
}

static void changed(struct raft_request *request, enum status status, struct slice reply) {
    struct call *call = request->context;
    (void)reply;
    if (status == STATUS_OK)
        status = reply_ok(&call->reply);
    else if (status == STATUS_TIMED_OUT)
        status = reply_error(&call->reply, "TIMEOUT it is not known whether the change holds: INFO raft tells");
    if (status)
        call_fail(call, status);
    else
        call_finish(call);
}

enum status cmd_raft_change(struct call *call) {
    struct raft_driver_change change;
    struct error error = {0};
    enum status status;
    if (parse_change(call, &change)) {
        call->request = (struct raft_request){.done = changed, .context = call};
        status = raft_driver_change(call->server->driver, &change, &call->request, &error);
        if (status == STATUS_OK) return STATUS_OK;
        status = reply_refusal(call, status, &error);
    } else {
        status = reply_error(&call->reply,
                             "ERR RAFT.CHANGE takes [JOINT|EXPLICIT] and ADD id peer client incarnation, PROMOTE id, "
                             "DEMOTE id, REMOVE id, MOVE id peer client; or LEAVE");
    }
    if (status == STATUS_OK) call_finish(call);
    return status;
}
