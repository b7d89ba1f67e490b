/* cluster_load: see cluster_load.h. */
#include "tests/harness/cluster_load.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tools/judge/models.h"
#include "tools/resp/resp_reply.h"
#include "tools/resp/resp_write.h"

enum { RECEIVE_BYTES = 16384, TEXT_BYTES = 48, MS = 1000000 };

enum client_state { CLIENT_IDLE, CLIENT_CONNECTING, CLIENT_SENDING, CLIENT_RECEIVING, CLIENT_RESTING };

struct client {
    struct cluster_load *load;
    enum client_state state;
    struct io_op op;    /* the one in flight */
    struct io_op timer; /* the answer's time-out, or the end of a rest */
    bool op_flies, timer_flies;
    bool broken; /* close the connection once nothing flies */
    struct io_socket *socket;
    size_t address;
    uint32_t id;  /* in the history */
    bool asking;  /* an operation is open */
    size_t asked; /* its index */
    bool writes;  /* it changes something */
    struct buf out;
    struct buf in;
    struct resp_reply_parser parser;
};

struct cluster_load {
    struct cluster_load_options options;
    struct prng prng;
    struct history history;
    struct arena arena;
    uint64_t clock; /* events so far: the history's time */
    uint64_t values;
    uint32_t next_id;
    uint64_t last_write_ns;
    uint64_t answered;
    bool stopping;
    struct client *clients;
};

static void step(struct client *client);

/* ---- Questions --------------------------------------------------------------------------------------------------- */

static const struct {
    uint32_t kind;
    const char *command;
    bool number;   /* on "n:" keys, else on "s:" */
    bool argument; /* takes one */
    bool writes;
    unsigned weight;
} questions[] = {
    {MODEL_REDIS_GET, "GET", false, false, false, 30},      {MODEL_REDIS_SET, "SET", false, true, true, 20},
    {MODEL_REDIS_APPEND, "APPEND", false, true, true, 8},   {MODEL_REDIS_GETSET, "GETSET", false, true, true, 6},
    {MODEL_REDIS_DEL, "DEL", false, false, true, 3},        {MODEL_REDIS_SETNX, "SETNX", false, true, true, 5},
    {MODEL_REDIS_STRLEN, "STRLEN", false, false, false, 4}, {MODEL_REDIS_INCRBY, "INCRBY", true, true, true, 16},
    {MODEL_REDIS_GET, "GET", true, false, false, 8},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static size_t draw_question(struct prng *prng) {
    unsigned total = 0;
    for (size_t i = 0; i < QUESTIONS; i++) total += questions[i].weight;
    unsigned at = (unsigned)prng_below(prng, total);
    size_t question = 0;
    while (at >= questions[question].weight) at -= questions[question++].weight;
    return question;
}

/* Notes the question in the history and puts its bytes into client->out. */
static void ask(struct client *client, size_t question, const char *key) {
    struct cluster_load *load = client->load;
    char argument[TEXT_BYTES] = "";
    if (questions[question].number)
        snprintf(argument, sizeof argument, "%" PRIu64, prng_between(&load->prng, 1, 9));
    else
        snprintf(argument, sizeof argument, "v%" PRIu64 ".", ++load->values);
    const size_t count = questions[question].argument ? 3 : 2;
    const struct slice args[3] = {slice_from_text(questions[question].command), slice_from_text(key),
                                  slice_from_text(argument)};
    const struct history_op op = {.client = client->id,
                                  .kind = questions[question].kind,
                                  .key = args[1],
                                  .arguments = {count == 3 ? args[2] : slice_make(NULL, 0)},
                                  .invoked = ++load->clock};
    assert_int_equal(history_invoke(&load->history, &op, &client->asked), STATUS_OK);
    client->asking = true;
    client->writes = questions[question].writes;
    buf_clear(&client->out);
    struct resp_writer writer = resp_writer_make(&client->out, 2);
    resp_write_command(&writer, args, count);
    assert_int_equal(writer.status, STATUS_OK);
}

static void ask_something(struct client *client) {
    struct cluster_load *load = client->load;
    char key[TEXT_BYTES];
    const size_t question = draw_question(&load->prng);
    snprintf(key, sizeof key, "%s:%" PRIu64, questions[question].number ? "n" : "s",
             prng_below(&load->prng, load->options.keys));
    ask(client, question, key);
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

static bool says(struct slice text, const char *words) {
    return memmem(text.data, text.size, words, strlen(words)) != NULL;
}

/* False if the answer says that the outcome is unknown. */
static bool note_answer(struct client *client, const struct resp_reply *reply) {
    struct cluster_load *load = client->load;
    char number[32];
    struct slice text = reply->text;
    enum history_result type = HISTORY_TEXT;
    if (reply->type == RESP_ERROR && says(text, "not applied")) {
        history_refuse(&load->history, client->asked);
        return true;
    }
    if (reply->type == RESP_ERROR && says(text, "UNKNOWN")) return false;
    if (reply->type == RESP_ERROR) type = HISTORY_ERROR;
    if (reply->type == RESP_NULL) type = HISTORY_NIL;
    if (reply->type == RESP_INTEGER) {
        const int size = snprintf(number, sizeof number, "%" PRId64, reply->integer);
        text = slice_make(number, (size_t)size);
    }
    assert_int_equal(history_return(&load->history, client->asked, ++load->clock, type, text), STATUS_OK);
    load->answered++;
    if (client->writes && type != HISTORY_ERROR) load->last_write_ns = io_now_ns(load->options.io);
    return true;
}

/* ---- The life of a connection ------------------------------------------------------------------------------------ */

static void note_op(struct io_op *op) {
    struct client *client = op->context;
    client->op_flies = false;
    if (op->status != STATUS_OK)
        client->broken = true;
    else if (client->state == CLIENT_CONNECTING)
        client->socket = op->accepted;
    else if (client->state == CLIENT_RECEIVING)
        client->in.size += op->bytes;
    step(client);
}

static void note_timer(struct io_op *op) {
    struct client *client = op->context;
    client->timer_flies = false;
    if (op->status == STATUS_OK && client->state != CLIENT_RESTING) client->broken = true;
    step(client);
}

static void fly(struct client *client, enum client_state state) {
    client->state = state;
    client->op.done = note_op;
    client->op.context = client;
    client->op_flies = true;
    io_submit(client->load->options.io, &client->op);
}

static void set_timer(struct client *client, uint32_t ms) {
    struct io *io = client->load->options.io;
    client->timer =
        (struct io_op){.kind = IO_OP_TIMER, .deadline_ns = io_now_ns(io) + (uint64_t)ms * MS, .context = client};
    client->timer.done = note_timer;
    client->timer_flies = true;
    io_submit(io, &client->timer);
}

static void start_connect(struct client *client) {
    set_timer(client, client->load->options.timeout_ms);
    client->op = (struct io_op){.kind = IO_OP_CONNECT, .address = client->load->options.addresses[client->address]};
    fly(client, CLIENT_CONNECTING);
}

static void start_send(struct client *client) {
    set_timer(client, client->load->options.timeout_ms);
    client->op = (struct io_op){
        .kind = IO_OP_SEND, .socket = client->socket, .data = client->out.data, .size = client->out.size};
    fly(client, CLIENT_SENDING);
}

static void start_receive(struct client *client) {
    assert_int_equal(buf_reserve(&client->in, RECEIVE_BYTES), STATUS_OK);
    client->op = (struct io_op){.kind = IO_OP_RECEIVE,
                                .socket = client->socket,
                                .data = client->in.data + client->in.size,
                                .size = client->in.capacity - client->in.size};
    fly(client, CLIENT_RECEIVING);
}

/* What is open stays pending; the next connection is another client's, to the next node. */
static void give_up(struct client *client) {
    struct cluster_load *load = client->load;
    io_socket_close(client->socket);
    client->socket = NULL;
    client->broken = client->asking = false;
    client->id = load->next_id++;
    client->address = (client->address + 1) % load->options.address_count;
    buf_clear(&client->in);
    resp_reply_parser_init(&client->parser);
    client->state = CLIENT_RESTING;
    set_timer(client, load->options.pause_ms + 20);
}

static void rest(struct client *client) {
    client->state = CLIENT_RESTING;
    set_timer(client, client->load->options.pause_ms);
}

/* True if an answer was complete. */
static bool take_answer(struct client *client) {
    struct cluster_load *load = client->load;
    struct resp_reply *reply;
    arena_reset(&load->arena);
    const enum status status = resp_reply_next(&client->parser, buf_slice(&client->in), &load->arena, &reply, NULL);
    if (status == STATUS_END) return false;
    assert_int_equal(status, STATUS_OK);
    if (!note_answer(client, reply)) client->broken = true;
    client->asking = false;
    buf_consume(&client->in, client->parser.consumed);
    return true;
}

/* One place decides what comes next, once nothing flies that must end first. */
static void step(struct client *client) {
    struct io *io = client->load->options.io;
    const bool answered =
        client->state == CLIENT_RECEIVING && !client->op_flies && !client->broken && take_answer(client);
    if ((client->broken || answered) && client->timer_flies) {
        io_cancel(io, &client->timer);
        if (answered) client->state = CLIENT_IDLE;
        return;
    }
    if (client->broken && client->op_flies) {
        io_cancel(io, &client->op);
        return;
    }
    if (client->op_flies || (client->timer_flies && client->state == CLIENT_RESTING)) return;
    if (client->broken) {
        give_up(client);
        return;
    }
    switch (client->state) {
    case CLIENT_CONNECTING: /* connected: the time-out of connecting must end first */
        if (client->timer_flies)
            io_cancel(io, &client->timer);
        else
            rest(client);
        break;
    case CLIENT_SENDING:
    case CLIENT_RECEIVING: start_receive(client); break;
    case CLIENT_IDLE: rest(client); break;
    case CLIENT_RESTING:
        if (client->load->stopping)
            client->state = CLIENT_IDLE;
        else if (!client->socket)
            start_connect(client);
        else {
            ask_something(client);
            start_send(client);
        }
        break;
    }
}

/* ---- All clients ------------------------------------------------------------------------------------------------- */

struct cluster_load *cluster_load_start(const struct cluster_load_options *options) {
    struct cluster_load *load = calloc(1, sizeof *load);
    assert_non_null(load);
    load->options = *options;
    prng_init(&load->prng, options->seed);
    history_init(&load->history);
    arena_init(&load->arena, 4096);
    load->clients = calloc(options->clients, sizeof *load->clients);
    assert_non_null(load->clients);
    for (unsigned i = 0; i < options->clients; i++) {
        struct client *client = &load->clients[i];
        client->load = load;
        client->id = load->next_id++;
        client->address = i % options->address_count;
        resp_reply_parser_init(&client->parser);
        rest(client);
    }
    return load;
}

void cluster_load_run(struct cluster_load *load, uint64_t deadline_ns) {
    while (io_now_ns(load->options.io) < deadline_ns) (void)io_run(load->options.io, deadline_ns);
}

static bool all_idle(const struct cluster_load *load) {
    for (unsigned i = 0; i < load->options.clients; i++) {
        const struct client *client = &load->clients[i];
        if (client->op_flies || client->timer_flies || client->state != CLIENT_IDLE) return false;
    }
    return true;
}

void cluster_load_stop(struct cluster_load *load) {
    load->stopping = true;
    while (!all_idle(load)) (void)io_run(load->options.io, UINT64_MAX);
}

/* One question of a client that nobody else uses, answered before it returns. */
static void ask_and_wait(struct client *client, size_t question, const char *key) {
    ask(client, question, key);
    const size_t asked = client->asked;
    start_send(client);
    while (client->asking && !client->broken) (void)io_run(client->load->options.io, UINT64_MAX);
    while (client->op_flies || client->timer_flies) (void)io_run(client->load->options.io, UINT64_MAX);
    assert_int_equal(client->load->history.ops[asked].outcome, HISTORY_RETURNED);
}

void cluster_load_read_all(struct cluster_load *load, size_t address) {
    enum { GET_TEXT = 0, GET_NUMBER = QUESTIONS - 1 };
    struct client client = {.load = load, .id = load->next_id++, .address = address, .state = CLIENT_IDLE};
    char key[TEXT_BYTES];
    assert_true(load->stopping);
    resp_reply_parser_init(&client.parser);
    start_connect(&client);
    while (client.op_flies || client.timer_flies) (void)io_run(load->options.io, UINT64_MAX);
    assert_non_null(client.socket);
    for (unsigned i = 0; i < 2 * load->options.keys; i++) {
        snprintf(key, sizeof key, "%s:%u", i % 2 ? "n" : "s", i / 2);
        ask_and_wait(&client, i % 2 ? GET_NUMBER : GET_TEXT, key);
    }
    io_socket_close(client.socket);
    buf_deinit(&client.out);
    buf_deinit(&client.in);
}

const struct history *cluster_load_history(const struct cluster_load *load) {
    return &load->history;
}

uint64_t cluster_load_last_write_ns(const struct cluster_load *load) {
    return load->last_write_ns;
}

uint64_t cluster_load_answered(const struct cluster_load *load) {
    return load->answered;
}

void cluster_load_destroy(struct cluster_load *load) {
    cluster_load_stop(load);
    for (unsigned i = 0; i < load->options.clients; i++) {
        io_socket_close(load->clients[i].socket);
        buf_deinit(&load->clients[i].out);
        buf_deinit(&load->clients[i].in);
    }
    free(load->clients);
    arena_deinit(&load->arena);
    history_deinit(&load->history);
    free(load);
}
