/*
 * world_clients: simulated clients of RESP, each with one connection and one command under way. What is asked is drawn;
 * what was answered goes into the history. A client that waits too long gives its connection up, takes the outcome as
 * unknown and turns to another node.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "tools/resp/resp_reply.h"
#include "tools/resp/resp_write.h"
#include "tools/sim/sim_alloc.h"
#include "tools/sim/world_private.h"

enum {
    THINK_MS_MAX = 60,
    PATIENCE_MS = 4000,
    AFTER_HEAL = 6, /* answers that each client wants to see */
    FILLER_MAX = 600,
    ARENA_BYTES = 16384,
    ARGS_MAX = 5,
    TEXT_BYTES = 768,
};

#define NONE SIZE_MAX

/* ---- The command ------------------------------------------------------------------------------------------------- */

struct command {
    struct slice args[ARGS_MAX];
    size_t count;
    char texts[ARGS_MAX][TEXT_BYTES];
};

static void add_arg(struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_arg(struct command *command, const char *format, ...) {
    va_list arguments;
    char *text = command->texts[command->count];
    va_start(arguments, format);
    vsnprintf(text, TEXT_BYTES, format, arguments);
    va_end(arguments);
    command->args[command->count] = slice_from_text(text);
    command->count++;
}

/* A value that tells which write it is and whether it is whole: "token:" and filler that follows from it. */
static void add_value(struct command *command, uint64_t token) {
    char text[TEXT_BYTES];
    uint64_t state = hash_mix(token, 1);
    size_t at = (size_t)snprintf(text, sizeof text, "%" PRIu64 ":", token);
    for (size_t left = (size_t)(state % FILLER_MAX); left > 0; left--) {
        state = hash_mix(state, left);
        text[at++] = (char)('a' + state % 26);
    }
    text[at] = '\0';
    add_arg(command, "%s", text);
}

static bool value_token(struct slice text, uint64_t *token) {
    struct command wanted = {.count = 0};
    char number[24];
    const uint8_t *colon = memchr(text.data, ':', text.size);
    size_t size = colon != NULL ? (size_t)(colon - text.data) : 0;
    if (size == 0 || size >= sizeof number) return false;
    memcpy(number, text.data, size);
    number[size] = '\0';
    *token = strtoull(number, NULL, 10);
    add_value(&wanted, *token);
    return slice_equal(text, wanted.args[0]);
}

static void make_command(const struct world_operation *operation, struct command *command) {
    command->count = 0;
    switch (operation->action) {
    case WORLD_APPEND:
        add_arg(command, "APPEND");
        add_arg(command, "list%u", operation->key);
        add_arg(command, "%08" PRIu64, operation->token);
        break;
    case WORLD_READ_LIST:
        add_arg(command, "GET");
        add_arg(command, "list%u", operation->key);
        break;
    case WORLD_ADD:
        add_arg(command, "INCR");
        add_arg(command, "sum%u", operation->key);
        break;
    case WORLD_READ_SUM:
        add_arg(command, "GET");
        add_arg(command, "sum%u", operation->key);
        break;
    case WORLD_SET:
        add_arg(command, "SET");
        add_arg(command, "register%u", operation->key);
        add_value(command, operation->token);
        break;
    case WORLD_GET:
        add_arg(command, "GET");
        add_arg(command, "register%u", operation->key);
        break;
    case WORLD_SET_PAIR:
        add_arg(command, "MSET");
        add_arg(command, "left");
        add_arg(command, "%" PRIu64, operation->token);
        add_arg(command, "right");
        add_arg(command, "%" PRIu64, operation->token);
        break;
    case WORLD_GET_PAIR:
        add_arg(command, "MGET");
        add_arg(command, "left");
        add_arg(command, "right");
        break;
    }
}

static bool is_write(enum world_action action) {
    return action == WORLD_APPEND || action == WORLD_ADD || action == WORLD_SET || action == WORLD_SET_PAIR;
}

/* ---- The answer -------------------------------------------------------------------------------------------------- */

static void strange(struct world_client *client, const struct world_operation *operation,
                    const struct resp_reply *reply) {
    world_break(client->world, WORLD_BROKEN,
                "client %u got a reply of type %d (%.*s) to action %d on key %u from node %u", client->number,
                (int)reply->type, reply->text.size < 60 ? (int)reply->text.size : 60, (const char *)reply->text.data,
                (int)operation->action, operation->key, client->target);
}

/* Decimal digits alone. */
static bool text_number(struct slice text, int64_t *number) {
    char digits[24];
    char *end;
    if (text.size == 0 || text.size >= sizeof digits) return false;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    *number = strtoll(digits, &end, 10);
    return *end == '\0';
}

static bool take_list(const struct resp_reply *reply, struct world_operation *operation) {
    if (reply->type == RESP_NULL) return true;
    if (reply->type != RESP_BULK || reply->text.size % 8 != 0) return false;
    operation->token_count = reply->text.size / 8;
    operation->tokens = sim_alloc((operation->token_count + 1) * sizeof *operation->tokens);
    for (size_t i = 0; i < operation->token_count; i++) {
        int64_t number;
        if (!text_number(slice_make(reply->text.data + 8 * i, 8), &number)) return false;
        operation->tokens[i] = (uint64_t)number;
    }
    return true;
}

static bool take_pair(const struct resp_reply *reply, struct world_operation *operation) {
    int64_t values[2] = {0, 0};
    if (reply->type != RESP_ARRAY || reply->count != 2) return false;
    for (int i = 0; i < 2; i++) {
        const struct resp_reply *element = &reply->elements[i];
        if (element->type != RESP_NULL && (element->type != RESP_BULK || !text_number(element->text, &values[i])))
            return false;
    }
    operation->number = values[0];
    operation->token = (uint64_t)values[1];
    return true;
}

/* False when the reply is of no kind that this action may get. */
static bool take_reply(const struct resp_reply *reply, struct world_operation *operation) {
    uint64_t token = 0;
    bool is_fine;
    switch (operation->action) {
    case WORLD_APPEND:
    case WORLD_ADD: operation->number = reply->integer; return reply->type == RESP_INTEGER;
    case WORLD_READ_LIST: return take_list(reply, operation);
    case WORLD_READ_SUM:
        if (reply->type == RESP_NULL) return true;
        return reply->type == RESP_BULK && text_number(reply->text, &operation->number);
    case WORLD_SET:
    case WORLD_SET_PAIR: return reply->type == RESP_SIMPLE;
    case WORLD_GET:
        if (reply->type == RESP_NULL) return true;
        is_fine = reply->type == RESP_BULK && value_token(reply->text, &token);
        operation->number = (int64_t)token;
        return is_fine;
    default: return take_pair(reply, operation);
    }
}

/*
 * A disk that can't be read is told to who reads; everything else that is not known to be harmless is PENDING: no
 * answer that may be given.
 */
static enum world_outcome judge_error(const struct world_operation *operation, struct slice text) {
    char words[160];
    size_t size = text.size < sizeof words - 1 ? text.size : sizeof words - 1;
    memcpy(words, text.data, size);
    words[size] = '\0';
    if (strncmp(words, "UNKNOWN ", 8) == 0) return WORLD_UNKNOWN;
    if (!is_write(operation->action) && strncmp(words, "ERR input/output error", 22) == 0) return WORLD_REFUSED;
    return strstr(words, "not applied") != NULL ? WORLD_REFUSED : WORLD_PENDING;
}

/* ---- Life of an operation ---------------------------------------------------------------------------------------- */

static void wake_later(struct world_client *client, uint64_t ms) {
    uint64_t now = sim_now_ns(client->world->sim);
    sim_schedule(client->world->sim, &client->alarm, now + ms * WORLD_MS + prng_below(&client->prng, WORLD_MS));
}

static void think(struct world_client *client) {
    wake_later(client, prng_below(&client->prng, THINK_MS_MAX));
}

static void end_operation(struct world_client *client, enum world_outcome outcome) {
    struct world *world = client->world;
    if (client->operation == NONE) return;
    struct world_operation *operation = &world->history[client->operation];
    operation->outcome = outcome;
    operation->returned_ns = sim_now_ns(world->sim);
    client->operation = NONE;
    if (outcome == WORLD_DONE) {
        if (world->is_ending && client->number == 0) world->script_at++;
        world->completed++;
        if (world_is_healed(world)) client->done_since_heal++;
    }
    sim_note(world->sim, (int)world->plan->nodes, "answer", client->number << 4 | (unsigned)outcome,
             operation->invoked_ns);
}

static void begin_receive(struct world_client *client);
static void go_on_leaving(struct world_client *client);

/* At the end one client reads everything from one node after the other. */
static unsigned script_target(const struct world *world) {
    unsigned node = world->script_at / (WORLD_LISTS + WORLD_SUMS);
    return 1 + (node < world->plan->nodes ? node : 0);
}

static unsigned next_target(struct world_client *client) {
    if (client->world->is_ending) return script_target(client->world);
    return 1 + (unsigned)prng_below(&client->prng, client->world->plan->nodes);
}

/* Gives the connection up; the next command goes to another node. */
static void leave(struct world_client *client) {
    struct io *io = client->world->client_io;
    end_operation(client, WORLD_UNKNOWN);
    client->is_leaving = true;
    if (client->is_connecting) io_cancel(io, &client->connect);
    if (client->is_sending) io_cancel(io, &client->send);
    if (client->is_receiving) io_cancel(io, &client->receive);
    go_on_leaving(client);
}

static void go_on_leaving(struct world_client *client) {
    if (client->is_connecting || client->is_sending || client->is_receiving) return;
    io_socket_close(client->socket);
    client->socket = NULL;
    client->is_leaving = false;
    client->target = next_target(client);
    buf_clear(&client->in);
    think(client);
}

static void take_answer(struct world_client *client, const struct resp_reply *reply) {
    struct world_operation *operation = &client->world->history[client->operation];
    enum world_outcome outcome = WORLD_DONE;
    if (reply->type == RESP_ERROR) outcome = judge_error(operation, reply->text);
    if (outcome == WORLD_PENDING || (outcome == WORLD_DONE && !take_reply(reply, operation))) {
        strange(client, operation, reply);
        outcome = WORLD_UNKNOWN;
    }
    end_operation(client, outcome);
    think(client);
}

static void parse_answer(struct world_client *client) {
    struct resp_reply_parser parser;
    struct resp_reply *reply;
    struct error error = {0};
    resp_reply_parser_init(&parser);
    enum status status = resp_reply_next(&parser, buf_slice(&client->in), &client->world->arena, &reply, &error);
    if (status == STATUS_END) {
        begin_receive(client);
        return;
    }
    if (status != STATUS_OK) {
        world_break(client->world, WORLD_BROKEN, "client %u: not RESP from node %u: %s", client->number, client->target,
                    error.text);
        return;
    }
    bool is_asked = client->operation != NONE && parser.consumed == client->in.size;
    if (!is_asked)
        world_break(client->world, WORLD_BROKEN, "client %u got an answer that it did not ask for", client->number);
    if (is_asked) take_answer(client, reply);
    buf_clear(&client->in);
    arena_reset(&client->world->arena);
}

/* ---- Operations of the io ---------------------------------------------------------------------------------------- */

static void received(struct io_op *op) {
    struct world_client *client = op->context;
    client->is_receiving = false;
    if (client->is_leaving) {
        go_on_leaving(client);
    } else if (op->status != STATUS_OK) {
        leave(client);
    } else {
        check(buf_append(&client->in, client->received, op->bytes) == STATUS_OK);
        parse_answer(client);
    }
}

static void begin_receive(struct world_client *client) {
    client->receive = (struct io_op){.kind = IO_OP_RECEIVE,
                                     .socket = client->socket,
                                     .data = client->received,
                                     .size = sizeof client->received,
                                     .done = received,
                                     .context = client};
    client->is_receiving = true;
    io_submit(client->world->client_io, &client->receive);
}

static void sent(struct io_op *op) {
    struct world_client *client = op->context;
    client->is_sending = false;
    if (client->is_leaving) {
        go_on_leaving(client);
    } else if (op->status != STATUS_OK) {
        leave(client);
    }
}

static void begin_send(struct world_client *client) {
    client->send = (struct io_op){.kind = IO_OP_SEND,
                                  .socket = client->socket,
                                  .data = client->out.data,
                                  .size = client->out.size,
                                  .done = sent,
                                  .context = client};
    client->is_sending = true;
    io_submit(client->world->client_io, &client->send);
}

static void connected(struct io_op *op) {
    struct world_client *client = op->context;
    client->is_connecting = false;
    client->socket = op->status == STATUS_OK ? op->accepted : NULL;
    if (client->is_leaving || client->socket == NULL) {
        client->is_leaving = true;
        go_on_leaving(client);
        return;
    }
    think(client);
}

static void begin_connect(struct world_client *client) {
    static const char *const addresses[] = {"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003",
                                            "127.0.0.1:7004", "127.0.0.1:7005", "127.0.0.1:7006",
                                            "127.0.0.1:7007", "127.0.0.1:7008", "127.0.0.1:7009"};
    client->connect = (struct io_op){
        .kind = IO_OP_CONNECT, .address = addresses[client->target - 1], .done = connected, .context = client};
    client->is_connecting = true;
    io_submit(client->world->client_io, &client->connect);
    wake_later(client, PATIENCE_MS);
}

/* ---- What is asked ----------------------------------------------------------------------------------------------- */

static enum world_action draw_action(struct prng *prng) {
    static const struct {
        enum world_action action;
        unsigned weight;
    } menu[] = {{WORLD_APPEND, 28}, {WORLD_READ_LIST, 14}, {WORLD_ADD, 10},     {WORLD_READ_SUM, 6},
                {WORLD_SET, 22},    {WORLD_GET, 12},       {WORLD_SET_PAIR, 4}, {WORLD_GET_PAIR, 4}};
    uint64_t draw = prng_below(prng, 100);
    size_t at = 0;
    while (draw >= menu[at].weight) draw -= menu[at++].weight;
    return menu[at].action;
}

static unsigned draw_key(struct prng *prng, enum world_action action) {
    if (action <= WORLD_READ_LIST) return (unsigned)prng_below(prng, WORLD_LISTS);
    if (action <= WORLD_READ_SUM) return (unsigned)prng_below(prng, WORLD_SUMS);
    if (action <= WORLD_GET) return (unsigned)prng_below(prng, WORLD_REGISTERS);
    return 0;
}

static void ask(struct world_client *client, enum world_action action, unsigned key) {
    struct world *world = client->world;
    struct command command;
    struct world_operation *operation = world_history_add(world, action, client->number);
    operation->key = key;
    if (is_write(action)) operation->token = ++world->next_token;
    client->operation = world->history_count - 1;
    make_command(operation, &command);
    buf_clear(&client->out);
    struct resp_writer writer = resp_writer_make(&client->out, 2);
    resp_write_command(&writer, command.args, command.count);
    check(writer.status == STATUS_OK);
    sim_note(world->sim, (int)world->plan->nodes, "asks", (uint64_t)client->number << 8 | action, operation->token);
    begin_send(client);
    if (!client->is_receiving) begin_receive(client);
    wake_later(client, PATIENCE_MS);
}

static void ask_something(struct world_client *client) {
    enum world_action action = draw_action(&client->prng);
    ask(client, action, draw_key(&client->prng, action));
}

static bool others_are_idle(const struct world *world) {
    for (unsigned i = 1; i < world->plan->clients; i++) {
        if (world->clients[i].operation != NONE) return false;
    }
    return true;
}

static void follow_script(struct world_client *client) {
    struct world *world = client->world;
    unsigned step = world->script_at % (WORLD_LISTS + WORLD_SUMS);
    if (client->number != 0 || world_clients_have_finished(world)) return;
    if (!others_are_idle(world)) {
        think(client);
    } else if (client->target != script_target(world)) {
        leave(client);
    } else if (step < WORLD_LISTS) {
        ask(client, WORLD_READ_LIST, step);
    } else {
        ask(client, WORLD_READ_SUM, step - WORLD_LISTS);
    }
}

/* Time to do something, or to lose patience. */
static void alarm_fires(struct sim_event *event) {
    struct world_client *client = event->context;
    if (client->is_leaving) return;
    if (client->operation != NONE || client->is_connecting) {
        leave(client);
    } else if (client->socket == NULL) {
        if (!client->world->is_ending || client->number == 0) begin_connect(client);
    } else if (client->is_sending) {
        think(client); /* the last answer overtook the end of the sending */
    } else if (client->world->is_ending) {
        follow_script(client);
    } else {
        ask_something(client);
    }
}

/* ---- All clients ------------------------------------------------------------------------------------------------- */

static void clients_wanted(void *context) {
    struct world *world = context;
    if (!sim_is_scheduled(&world->client_turn)) sim_schedule(world->sim, &world->client_turn, sim_now_ns(world->sim));
}

static void clients_turn(struct sim_event *event) {
    struct world *world = event->context;
    (void)io_run(world->client_io, 0);
    (void)sim_io_take_lead_ns(world->client_io);
    if (sim_io_is_ready(world->client_io)) clients_wanted(world);
}

void world_clients_start(struct world *world) {
    struct sim_io_options options = {.node = (int)world->plan->nodes};
    world->client_disk = sim_disk_create(world->plan->seed);
    world->client_io = sim_io_create(world->sim, world->client_disk, &options);
    world->client_turn = (struct sim_event){.fire = clients_turn, .context = world};
    sim_io_set_owner(world->client_io, clients_wanted, world);
    arena_init(&world->arena, ARENA_BYTES);
    for (unsigned i = 0; i < world->plan->clients; i++) {
        struct world_client *client = &world->clients[i];
        client->world = world;
        client->number = i;
        client->operation = NONE;
        client->alarm = (struct sim_event){.fire = alarm_fires, .context = client};
        prng_init(&client->prng, hash_mix(world->plan->seed, 0x636c0000U + i));
        client->target = 1 + i % world->plan->nodes;
        wake_later(client, 50 + prng_below(&client->prng, 300));
    }
}

bool world_clients_have_finished(const struct world *world) {
    return world->script_at >= world->plan->nodes * (WORLD_LISTS + WORLD_SUMS);
}

bool world_clients_are_content(const struct world *world) {
    if (world->completed < world->plan->operations) return false;
    for (unsigned i = 0; i < world->plan->clients; i++) {
        if (world->clients[i].done_since_heal < AFTER_HEAL) return false;
    }
    return true;
}

void world_clients_stop(struct world *world) {
    io_destroy(world->client_io);
    for (unsigned i = 0; i < world->plan->clients; i++) {
        sim_unschedule(world->sim, &world->clients[i].alarm);
        buf_deinit(&world->clients[i].in);
        buf_deinit(&world->clients[i].out);
    }
    sim_unschedule(world->sim, &world->client_turn);
    sim_disk_destroy(world->client_disk);
    arena_deinit(&world->arena);
}
