/* load: see load.h. A connection sends when something completed and nothing is on its way, so requests of one turn
 * leave together. */
#include "tools/loam/bench/load.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/prng.h"

enum { RECEIVE_BYTES = 64 << 10 };

struct load;

struct client {
    struct load *load;
    const char *address;
    struct io_socket *socket;
    void *state;
    struct io_op connect, send, receive;
    bool connecting, sending, receiving;
    struct buf out, leaving;
    uint8_t *in;
    uint64_t *started_ns; /* ring of `pipeline` starts: replies come in order, or (HTTP/2) nearly so */
    unsigned first, in_flight;
};

struct load {
    struct io *io;
    const struct load_protocol *protocol;
    const struct load_options *options;
    struct load_result *result;
    struct prng prng;
    struct buf value;
    struct client *clients;
    uint64_t started, completed;
    uint64_t stop_ns; /* 0 = none */
    unsigned connected;
    enum status status;
    struct error *error;
};

static void fail(struct load *load, enum status status, const char *what, const struct client *client) {
    if (load->status) return;
    load->status = error_set(load->error, status, "%s %s: %s", client->address, what, status_text(status));
}

static void start_receive(struct client *client);

static void flush_out(struct client *client);

static void send_done(struct io_op *op) {
    struct client *client = op->context;
    client->sending = false;
    if (op->status && op->status != STATUS_CANCELLED) fail(client->load, op->status, "send", client);
    buf_clear(&client->leaving);
    if (!client->load->status) flush_out(client);
}

static void flush_out(struct client *client) {
    if (client->sending || client->out.size == 0) return;
    struct buf swap = client->leaving;
    client->leaving = client->out;
    client->out = swap;
    client->send = (struct io_op){.kind = IO_OP_SEND,
                                  .socket = client->socket,
                                  .data = client->leaving.data,
                                  .size = client->leaving.size,
                                  .done = send_done,
                                  .context = client};
    client->sending = true;
    io_submit(client->load->io, &client->send);
}

/* No further request is to be started. */
static bool is_over(const struct load *load) {
    if (load->options->operations && load->started >= load->options->operations) return true;
    return load->stop_ns && io_now_ns(load->io) >= load->stop_ns;
}

static void add_requests(struct client *client) {
    struct load *load = client->load;
    const struct load_options *options = load->options;
    while (!load->status && client->in_flight < options->pipeline && !is_over(load)) {
        char key[LOAD_KEY_BYTES + 1];
        uint64_t number = options->sequential ? load->started % options->keys : prng_below(&load->prng, options->keys);
        (void)snprintf(key, sizeof key, "key:%012llu", (unsigned long long)number);
        enum status status = load->protocol->request(client->state, options->operation, slice_make(key, LOAD_KEY_BYTES),
                                                     buf_slice(&load->value), &client->out);
        if (status) {
            fail(load, status, "request", client);
            return;
        }
        client->started_ns[(client->first + client->in_flight) % options->pipeline] = io_now_ns(load->io);
        client->in_flight++;
        load->started++;
    }
}

static void take_completed(struct client *client, unsigned completed) {
    struct load *load = client->load;
    uint64_t now_ns = io_now_ns(load->io);
    for (unsigned i = 0; i < completed && client->in_flight; i++) {
        hist_add(&load->result->latency_ns, now_ns - client->started_ns[client->first]);
        client->first = (client->first + 1) % load->options->pipeline;
        client->in_flight--;
        load->completed++;
    }
}

static void receive_done(struct io_op *op) {
    struct client *client = op->context;
    struct load *load = client->load;
    client->receiving = false;
    if (load->status || op->status == STATUS_CANCELLED) return;
    if (op->status) {
        fail(load, op->status, "receive", client);
        return;
    }
    unsigned completed = 0, failed = 0;
    char words[128] = "";
    enum status status = load->protocol->receive(client->state, slice_make(client->in, op->bytes), &client->out,
                                                 &completed, &failed, words);
    if (status) {
        fail(load, status, "reply", client);
        return;
    }
    if (failed && load->result->errors == 0) memcpy(load->result->first_error, words, sizeof words);
    load->result->errors += failed;
    take_completed(client, completed);
    add_requests(client);
    flush_out(client);
    start_receive(client);
}

static void start_receive(struct client *client) {
    client->receive = (struct io_op){.kind = IO_OP_RECEIVE,
                                     .socket = client->socket,
                                     .data = client->in,
                                     .size = RECEIVE_BYTES,
                                     .done = receive_done,
                                     .context = client};
    client->receiving = true;
    io_submit(client->load->io, &client->receive);
}

static void connect_done(struct io_op *op) {
    struct client *client = op->context;
    client->connecting = false;
    if (op->status) {
        if (op->status != STATUS_CANCELLED) fail(client->load, op->status, "connect", client);
        return;
    }
    client->socket = op->accepted;
    enum status status = client->load->protocol->open(&client->state, &client->out);
    if (status) fail(client->load, status, "open", client);
    client->load->connected++;
}

static enum status start_clients(struct load *load) {
    const struct load_options *options = load->options;
    load->clients = calloc(options->clients, sizeof *load->clients);
    if (!load->clients) return STATUS_NO_MEMORY;
    for (unsigned i = 0; i < options->clients; i++) {
        struct client *client = &load->clients[i];
        client->load = load;
        client->address = options->addresses[i % options->address_count];
        client->in = malloc(RECEIVE_BYTES);
        client->started_ns = calloc(options->pipeline, sizeof *client->started_ns);
        if (!client->in || !client->started_ns) return STATUS_NO_MEMORY;
        client->connect =
            (struct io_op){.kind = IO_OP_CONNECT, .address = client->address, .done = connect_done, .context = client};
        client->connecting = true;
        io_submit(load->io, &client->connect);
    }
    return STATUS_OK;
}

static bool anything_in_flight(const struct load *load) {
    for (unsigned i = 0; i < load->options->clients; i++) {
        const struct client *client = &load->clients[i];
        if (client->connecting || client->sending || client->receiving) return true;
    }
    return false;
}

static void end_clients(struct load *load) {
    if (!load->clients) return;
    for (unsigned i = 0; i < load->options->clients; i++) {
        struct client *client = &load->clients[i];
        if (client->connecting) io_cancel(load->io, &client->connect);
        if (client->sending) io_cancel(load->io, &client->send);
        if (client->receiving) io_cancel(load->io, &client->receive);
    }
    while (anything_in_flight(load)) (void)io_run(load->io, io_now_ns(load->io) + 10 * 1000 * 1000);
    for (unsigned i = 0; i < load->options->clients; i++) {
        struct client *client = &load->clients[i];
        io_socket_close(client->socket);
        if (client->state) load->protocol->close(client->state);
        buf_deinit(&client->out);
        buf_deinit(&client->leaving);
        free(client->in);
        free(client->started_ns);
    }
    free(load->clients);
}

static void run_until(struct load *load, uint64_t deadline_ns, bool (*over)(const struct load *load)) {
    while (!load->status && !over(load)) {
        (void)io_run(load->io, deadline_ns);
        if (!over(load) && io_now_ns(load->io) >= deadline_ns && !load->status)
            load->status =
                error_set(load->error, STATUS_TIMED_OUT, "%llu of %llu operations were answered within the time limit",
                          (unsigned long long)load->completed, (unsigned long long)load->started);
    }
}

static bool all_connected(const struct load *load) {
    return load->connected == load->options->clients;
}

static bool all_completed(const struct load *load) {
    return load->completed == load->started && is_over(load);
}

enum status load_run(struct io *io, const struct load_protocol *protocol, const struct load_options *options,
                     struct load_result *result, struct error *error) {
    struct load load = {.io = io, .protocol = protocol, .options = options, .result = result, .error = error};
    *result = (struct load_result){0};
    hist_init(&result->latency_ns);
    prng_init(&load.prng, options->seed);
    enum status status = buf_reserve(&load.value, options->value_bytes);
    if (status == STATUS_OK) {
        load.value.size = options->value_bytes;
        prng_fill(&load.prng, load.value.data, options->value_bytes);
        status = start_clients(&load);
    }
    load.status = status;
    uint64_t deadline_ns = io_now_ns(io) + options->limit_ns;
    run_until(&load, deadline_ns, all_connected);
    uint64_t start_ns = io_now_ns(io), start_cpu_ns = load_cpu_ns(io, 0);
    if (options->duration_ns) load.stop_ns = start_ns + options->duration_ns;
    for (unsigned i = 0; !load.status && i < options->clients; i++) {
        add_requests(&load.clients[i]);
        flush_out(&load.clients[i]);
        start_receive(&load.clients[i]);
    }
    run_until(&load, deadline_ns, all_completed);
    result->elapsed_ns = io_now_ns(io) - start_ns;
    result->client_cpu_ns = load_cpu_ns(io, 0) - start_cpu_ns;
    result->operations = load.completed;
    end_clients(&load);
    buf_deinit(&load.value);
    return load.status;
}

uint64_t load_cpu_ns(struct io *io, int pid) {
    char path[64] = "/proc/self/stat", text[1024];
    if (pid) (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    struct io_file *file = NULL;
    size_t got = 0;
    if (io_file_open(io, path, IO_OPEN_READ, &file)) return 0;
    enum status status = io_file_read(file, 0, text, sizeof text - 1, &got);
    io_file_close(file);
    text[got] = 0;
    /* Behind the name's last parenthesis: state, then fields 4 on; 14 and 15 are user and system time in ticks of 10
     * ms. */
    const char *cursor = status ? NULL : strrchr(text, ')');
    unsigned long long user = 0, system = 0;
    if (!cursor || sscanf(cursor + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
        return 0;
    return (user + system) * 10 * 1000 * 1000;
}
