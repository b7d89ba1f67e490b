/*
 * elsewhere: see elsewhere.h. Invariant: a call is in `waiting`, in one question, or ended; it is asked of each node
 * once at most.
 */
#include "tools/loamd/elsewhere.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/reply.h"
#include "tools/loamd/server_state.h"

enum {
    ANSWER_MS = 5000, /* a node's time to answer */
    ASK_MS = 2000,    /* so long a call is asked of one node after the other */
    MS = 1000000,
};

/* ---- Whom to ask ------------------------------------------------------------------------------------------------- */

static bool may_answer(const struct raft_driver_status *node, const struct raft_peer_status *peer) {
    return peer->member.id != node->identity.node_id && (peer->voter || peer->learner) && !peer->witness &&
           peer->member.client_address[0] != '\0';
}

/* Before which other one: the leader, then by number from this node's own on, so that not all go to the same. */
static uint64_t order_of(const struct raft_driver_status *node, uint64_t id) {
    if (id == node->leader) return 0;
    return id > node->identity.node_id ? 1 + (id - node->identity.node_id) : (UINT64_MAX >> 1) + id;
}

/* The one that `before` others are to be asked before; false if there are no more. */
static bool find_node(struct raft_driver *driver, unsigned before, char address[IO_ADDRESS_BYTES]) {
    struct raft_driver_status node;
    raft_driver_get_status(driver, &node);
    for (size_t i = 0; i < node.peer_count; i++) {
        unsigned earlier = 0;
        if (!may_answer(&node, &node.peers[i])) continue;
        for (size_t k = 0; k < node.peer_count; k++)
            earlier += may_answer(&node, &node.peers[k]) &&
                       order_of(&node, node.peers[k].member.id) < order_of(&node, node.peers[i].member.id);
        if (earlier != before) continue;
        memcpy(address, node.peers[i].member.client_address, IO_ADDRESS_BYTES);
        return true;
    }
    return false;
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

static void give_up(struct call *call) {
    const enum status status = call->elsewhere.status;
    call->elsewhere.is_over = true;
    if (status == STATUS_OK)
        call_read_here(call);
    else
        call_fail(call, status);
}

static enum status ask(struct elsewhere_question *question, const char *address) {
    struct call *call = question->call;
    const size_t count = call->arg_count + 2;
    char protocol[12];
    struct slice *words = malloc(count * sizeof *words);
    if (!words) return STATUS_NO_MEMORY;
    (void)snprintf(protocol, sizeof protocol, "%d", call->protocol);
    words[0] = slice_from_text("RAFT.RELAY");
    words[1] = slice_from_text(protocol);
    memcpy(words + 2, call->args, call->arg_count * sizeof *words);
    question->asker.password = buf_slice(&call->server->password);
    const enum status status = asker_ask(&question->asker, address, words, count);
    free(words);
    return status;
}

/* The next node is asked, or the call is at its end here. */
static void go_on(struct elsewhere_question *question) {
    struct elsewhere *elsewhere = question->elsewhere;
    struct server *server = elsewhere->server;
    struct call *call = question->call;
    char address[IO_ADDRESS_BYTES];
    const bool is_late = io_now_ns(server->io) >= call->elsewhere.deadline_ns;
    if (!elsewhere->closing && !is_late && find_node(server->driver, call->elsewhere.asked, address)) {
        call->elsewhere.asked++;
        if (ask(question, address) == STATUS_OK) return;
    }
    question->call = NULL;
    give_up(call);
}

static void serve(struct elsewhere *elsewhere, struct elsewhere_question *question) {
    while (!question->call && !list_is_empty(&elsewhere->waiting)) {
        question->call = list_entry(list_pop_front(&elsewhere->waiting), struct call, elsewhere.link);
        go_on(question);
    }
}

static void answered(struct asker *asker, enum asker_end end, const struct resp_reply *reply) {
    struct elsewhere_question *question = asker->context;
    struct elsewhere *elsewhere = question->elsewhere;
    struct call *call = question->call;
    /* An error means that it can't serve the read either, or does not know how: a user's error is in an answer. */
    if (end != ASKER_ANSWERED || reply->type != RESP_BULK || buf_assign(&call->reply, reply->text) != STATUS_OK) {
        go_on(question);
    } else {
        elsewhere->answered++;
        question->call = NULL;
        call_finish(call);
    }
    serve(elsewhere, question);
}

bool elsewhere_take(struct elsewhere *elsewhere, struct call *call, enum status status) {
    struct server *server = elsewhere->server;
    char address[IO_ADDRESS_BYTES];
    if (elsewhere->closing || call->is_relayed || call->elsewhere.is_over || !call->connection) return false;
    if (!find_node(server->driver, 0, address)) return false;
    call->elsewhere =
        (struct call_elsewhere){.status = status, .deadline_ns = io_now_ns(server->io) + (uint64_t)ASK_MS * MS};
    elsewhere->asked++;
    list_push_back(&elsewhere->waiting, &call->elsewhere.link);
    for (unsigned i = 0; i < ELSEWHERE_ASKERS; i++) {
        if (elsewhere->questions[i].call || !asker_is_idle(&elsewhere->questions[i].asker)) continue;
        serve(elsewhere, &elsewhere->questions[i]);
        break;
    }
    return true;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

void elsewhere_init(struct elsewhere *elsewhere, struct server *server) {
    *elsewhere = (struct elsewhere){.server = server};
    list_init(&elsewhere->waiting);
    for (unsigned i = 0; i < ELSEWHERE_ASKERS; i++) {
        struct elsewhere_question *question = &elsewhere->questions[i];
        asker_init(&question->asker, server->io, ANSWER_MS);
        question->asker.answered = answered;
        question->asker.context = question;
        question->elsewhere = elsewhere;
    }
}

void elsewhere_close(struct elsewhere *elsewhere) {
    elsewhere->closing = true;
    while (!list_is_empty(&elsewhere->waiting))
        give_up(list_entry(list_pop_front(&elsewhere->waiting), struct call, elsewhere.link));
    for (unsigned i = 0; i < ELSEWHERE_ASKERS; i++) asker_give_up(&elsewhere->questions[i].asker);
}

bool elsewhere_is_idle(const struct elsewhere *elsewhere) {
    for (unsigned i = 0; i < ELSEWHERE_ASKERS; i++)
        if (!asker_is_idle(&elsewhere->questions[i].asker)) return false;
    return true;
}

void elsewhere_deinit(struct elsewhere *elsewhere) {
    for (unsigned i = 0; i < ELSEWHERE_ASKERS; i++) {
        struct elsewhere_question *question = &elsewhere->questions[i];
        if (question->call) call_finish(question->call); /* its client has gone */
        question->call = NULL;
        asker_abandon(&question->asker);
    }
}
