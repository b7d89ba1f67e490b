/*
 * world_clients: simulated clients of RESP, each with one connection and one command under way. What is asked is drawn;
 * what was answered goes into the history. A client that waits too long gives its connection up, takes the outcome as
 * unknown and turns to another node.
 */
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "tools/resp/resp_write.h"
#include "tools/sim/world_action.h"
#include "tools/sim/world_private.h"

enum {
    THINK_MS_MAX = 30,
    PATIENCE_MS = 1500,
    IMPATIENT_ONE_IN = 10, /* queries of graphs: the client hangs up soon */
    IMPATIENT_MS = 20,
    AFTER_HEAL = 6, /* answers that each client wants to see */
    SCRIPT_THINK_MS = 1,
    ARENA_BYTES = 16384,
};

#define NONE SIZE_MAX

/* ---- The answer -------------------------------------------------------------------------------------------------- */

static void strange(struct world_client *client, const struct world_operation *operation,
                    const struct resp_reply *reply) {
    world_break(client->world, WORLD_BROKEN,
                "client %u got a reply of type %d (%.*s) to '%s' on object %u from node %u", client->number,
                (int)reply->type, reply->text.size < 60 ? (int)reply->text.size : 60, (const char *)reply->text.data,
                world_action_row(operation->action)->name, operation->key, client->target);
}

static bool begins_with(struct slice text, const char *words) {
    size_t size = strlen(words);
    return text.size >= size && memcmp(text.data, words, size) == 0;
}

/*
 * A disk that can't be read is told to who reads; everything else that is not known to be harmless is PENDING: no
 * answer that may be given.
 */
static enum world_outcome judge_error(const struct world_operation *operation, struct slice text) {
    const struct world_action_row *row = world_action_row(operation->action);
    char words[160];
    if (row->nothing != NULL && begins_with(text, row->nothing)) return WORLD_DONE;
    if (row->refused != NULL && begins_with(text, row->refused)) return WORLD_REFUSED;
    if (begins_with(text, "UNKNOWN ")) return WORLD_UNKNOWN;
    bool reads = !row->is_write || row->reads_first;
    if (reads && begins_with(text, "ERR input/output error")) return WORLD_REFUSED;
    size_t size = text.size < sizeof words - 1 ? text.size : sizeof words - 1;
    memcpy(words, text.data, size);
    words[size] = '\0';
    return strstr(words, "not applied") != NULL ? WORLD_REFUSED : WORLD_PENDING;
}

/* ---- Life of an operation ---------------------------------------------------------------------------------------- */

static void wake_later(struct world_client *client, uint64_t ms) {
    uint64_t now = sim_now_ns(client->world->sim);
    sim_schedule(client->world->sim, &client->alarm, now + ms * WORLD_MS + prng_below(&client->prng, WORLD_MS));
}

static void think(struct world_client *client) {
    wake_later(client, prng_below(&client->prng, client->world->is_ending ? SCRIPT_THINK_MS : THINK_MS_MAX));
}

static void end_operation(struct world_client *client, enum world_outcome outcome) {
    struct world *world = client->world;
    if (client->operation == NONE) return;
    struct world_operation *operation = &world->history[client->operation];
    operation->outcome = outcome;
    operation->returned_ns = sim_now_ns(world->sim);
    client->operation = NONE;
    if (outcome == WORLD_DONE) {
        if (world->is_ending && operation >= world->history + world->final_from) world->script_at++;
        world->completed++;
        if (operation->action == WORLD_SERIES_ADD) world->series_there |= 1U << operation->key;
        if (world_is_healed(world)) client->done_since_heal++;
    }
    sim_note(world->sim, (int)world->plan->nodes, "answer", client->number << 4 | (unsigned)outcome,
             operation->invoked_ns);
}

static void begin_receive(struct world_client *client);
static void go_on_leaving(struct world_client *client);

/* A witness has nothing to tell a client: the one behind it. */
static unsigned keeper(const struct world *world, unsigned node) {
    return node == world->plan->witness ? 1 + node % world->plan->nodes : node;
}

/* At the end one client reads everything from one node after the other. */
static unsigned script_target(const struct world *world) {
    unsigned node = world->script_at / world->script_steps;
    return keeper(world, 1 + (node < world->plan->nodes ? node : 0));
}

static unsigned next_target(struct world_client *client) {
    if (client->world->is_ending) return script_target(client->world);
    return keeper(client->world, 1 + (unsigned)prng_below(&client->prng, client->world->plan->nodes));
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
    bool is_error = reply->type == RESP_ERROR;
    if (is_error) outcome = judge_error(operation, reply->text);
    bool is_fine = is_error ? outcome != WORLD_PENDING : world_action_row(operation->action)->take(reply, operation);
    if (!is_fine) {
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

/* By weight, from what the nodes' stores offer. */
static const struct world_action_row *draw_action(const struct world *world, struct prng *prng) {
    uint64_t draw = prng_below(prng, world->weights);
    for (unsigned action = 0;; action++) {
        const struct world_action_row *row = world_action_row(action);
        if (!(world->options->nodes->stores & row->store)) continue;
        if (draw < row->weight) return row;
        draw -= row->weight;
    }
}

static uint64_t draw_patience_ms(struct world_client *client, const struct world_action_row *row) {
    if (row->store != WORLD_GRAPHS || client->world->is_ending) return PATIENCE_MS;
    return prng_chance(&client->prng, 1, IMPATIENT_ONE_IN) ? prng_below(&client->prng, IMPATIENT_MS) : PATIENCE_MS;
}

static void ask(struct world_client *client, const struct world_action_row *row, unsigned key) {
    struct world *world = client->world;
    struct world_command command = {.count = 0};
    struct world_operation *operation = world_history_add(world, row->action, client->number);
    operation->key = key;
    if (row->is_write) operation->token = ++world->next_token;
    if (row->draw != NULL) row->draw(world, &client->prng, operation);
    row = world_action_row(operation->action);
    client->operation = world->history_count - 1;
    row->make(operation, &command);
    buf_clear(&client->out);
    struct resp_writer writer = resp_writer_make(&client->out, 2);
    resp_write_command(&writer, command.args, command.count);
    check(writer.status == STATUS_OK);
    sim_note(world->sim, (int)world->plan->nodes, row->name, client->number, operation->token);
    begin_send(client);
    if (!client->is_receiving) begin_receive(client);
    wake_later(client, draw_patience_ms(client, row));
}

static void ask_something(struct world_client *client) {
    const struct world_action_row *row = draw_action(client->world, &client->prng);
    ask(client, row, (unsigned)prng_below(&client->prng, row->keys));
}

static bool others_are_idle(const struct world *world) {
    for (unsigned i = 1; i < world->plan->clients; i++) {
        if (world->clients[i].operation != NONE) return false;
    }
    return true;
}

/* Whether a row is read at the end; then it has as many steps as keys. */
static bool is_in_script(const struct world *world, const struct world_action_row *row) {
    return row->is_read_last && (world->options->nodes->stores & row->store) != 0;
}

static void ask_step(struct world_client *client, unsigned step) {
    unsigned action = 0;
    const struct world_action_row *row = world_action_row(action);
    while (!is_in_script(client->world, row) || step >= row->keys) {
        if (is_in_script(client->world, row)) step -= row->keys;
        row = world_action_row(++action);
    }
    ask(client, row, step);
}

static void follow_script(struct world_client *client) {
    struct world *world = client->world;
    if (client->number != 0 || world_clients_have_finished(world)) return;
    if (!others_are_idle(world)) {
        think(client);
    } else if (client->target != script_target(world)) {
        leave(client);
    } else {
        ask_step(client, world->script_at % world->script_steps);
    }
}

static void note_hanging_up(const struct world_client *client) {
    const struct world *world = client->world;
    if (client->operation == NONE) return;
    const struct world_action_row *row = world_action_row(world->history[client->operation].action);
    world->report->hung_up += row->store == WORLD_GRAPHS;
}

/* It is asked for no more once all faults are lifted. */
static bool has_done_its_share(const struct world_client *client) {
    return client->world->completed >= client->world->plan->operations && client->done_since_heal >= AFTER_HEAL;
}

/* Time to do something, or to lose patience. */
static void alarm_fires(struct sim_event *event) {
    struct world_client *client = event->context;
    if (client->is_leaving) return;
    if (client->operation != NONE || client->is_connecting) {
        note_hanging_up(client);
        leave(client);
    } else if (client->socket == NULL) {
        if (!client->world->is_ending || client->number == 0) begin_connect(client);
    } else if (client->is_sending) {
        think(client); /* the last answer overtook the end of the sending */
    } else if (client->world->is_ending) {
        follow_script(client);
    } else if (has_done_its_share(client)) {
        think(client); /* others still wait for an answer */
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

static void add_up(struct world *world) {
    for (unsigned action = 0; action < WORLD_ACTIONS; action++) {
        const struct world_action_row *row = world_action_row(action);
        if (world->options->nodes->stores & row->store) world->weights += row->weight;
        if (is_in_script(world, row)) world->script_steps += row->keys;
    }
}

void world_clients_start(struct world *world) {
    add_up(world);
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
        client->target = keeper(world, 1 + i % world->plan->nodes);
        wake_later(client, 50 + prng_below(&client->prng, 300));
    }
}

void world_clients_read_all(struct world *world) {
    struct world_client *reader = &world->clients[0];
    world->script_at = 0;
    if (!sim_is_scheduled(&reader->alarm) && !reader->is_leaving && !reader->is_connecting) think(reader);
}

bool world_clients_have_finished(const struct world *world) {
    return world->script_at >= world->plan->nodes * world->script_steps;
}

bool world_clients_are_content(const struct world *world) {
    for (unsigned i = 0; i < world->plan->clients; i++) {
        if (!has_done_its_share(&world->clients[i])) return false;
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
