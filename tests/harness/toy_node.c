#include "tests/harness/toy_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "engine/base/prng.h"
#include "engine/io_backend.h"
#include "tools/resp/resp_parse.h"
#include "tools/resp/resp_write.h"

enum { KEYS = 32, RECORDS = 1 << 14, HEADER = 16, RECORD_MAX = 4096, CONNECTIONS = 64 };

struct toy;

struct toy_connection {
    struct toy *toy;
    struct io_socket *socket;
    struct io_op receive, send;
    bool is_receiving, is_sending, is_closing;
    struct resp_parser parser;
    struct buf in, out;
    uint8_t bytes[2048];
};

struct toy {
    struct io *io;
    enum toy_bug bug;
    struct prng prng;
    struct io_file *log;
    uint64_t log_size;
    uint64_t terms[RECORDS];
    uint64_t last;
    uint64_t term;
    uint64_t hash;
    unsigned writes;
    struct {
        char key[16];
        struct buf value, old;
    } rows[KEYS];
    struct io_socket *listener;
    struct io_op accept;
    bool is_accepting;
    struct toy_connection *connections[CONNECTIONS];
};

const char *toy_bug_name(enum toy_bug bug) {
    static const char *const names[TOY_BUG_COUNT] = {"sound",        "no sync",     "replays twice",  "stale reads",
                                                     "lies refused", "tears pairs", "rewrites terms", "shrinks",
                                                     "stays down",   "garbles"};
    return names[bug];
}

static void must(enum status status) {
    check(status == STATUS_OK);
}

/* ---- State ------------------------------------------------------------------------------------------------------- */

static struct buf *row(struct toy *toy, struct slice key, bool old) {
    size_t at = 0;
    while (toy->rows[at].key[0] != '\0' && !slice_equal(slice_from_text(toy->rows[at].key), key)) at++;
    check(at < KEYS && key.size < sizeof toy->rows[at].key);
    memcpy(toy->rows[at].key, key.data, key.size);
    return old ? &toy->rows[at].old : &toy->rows[at].value;
}

static int64_t number_of(const struct buf *value) {
    char text[32] = "0";
    if (value->size > 0 && value->size < sizeof text) memcpy(text, value->data, value->size);
    return strtoll(text, NULL, 10);
}

/* A record: one write. Returns what INCR and APPEND answer. */
static int64_t apply(struct toy *toy, struct slice command, struct slice key, struct slice argument) {
    struct buf *value = row(toy, key, false);
    must(buf_assign(row(toy, key, true), buf_slice(value)));
    toy->hash = hash_mix(toy->hash, hash64(argument, hash64(key, command.size)));
    if (slice_equal(command, slice_from_text("INCR"))) {
        int64_t number = number_of(value) + 1;
        buf_clear(value);
        must(buf_append_format(value, "%lld", (long long)number));
        return number;
    }
    if (!slice_equal(command, slice_from_text("APPEND"))) buf_clear(value);
    must(buf_append_slice(value, argument));
    if (toy->bug == TOY_GARBLES && value->size > 40 && prng_chance(&toy->prng, 1, 10)) value->data[30] ^= 1;
    return (int64_t)value->size;
}

static enum status append_record(struct toy *toy, struct slice payload) {
    uint8_t record[HEADER + RECORD_MAX];
    check(payload.size <= RECORD_MAX && toy->last + 1 < RECORDS);
    coding_put_u32(record, (uint32_t)payload.size);
    coding_put_u32(record + 4, hash32(payload, toy->log_size ^ toy->term));
    coding_put_u64(record + 8, toy->term);
    if (payload.size > 0) memcpy(record + HEADER, payload.data, payload.size);
    enum status status = io_file_write(toy->log, toy->log_size, record, HEADER + payload.size);
    if (status == STATUS_OK && toy->bug != TOY_NO_SYNC) status = io_file_sync(toy->log);
    if (status != STATUS_OK) return status;
    toy->log_size += HEADER + payload.size;
    toy->terms[++toy->last] = toy->term;
    return STATUS_OK;
}

static enum status write_one(struct toy *toy, struct slice command, struct slice key, struct slice argument,
                             int64_t *answer) {
    struct buf payload = BUF_EMPTY;
    must(encode_string(&payload, command));
    must(encode_string(&payload, key));
    must(encode_string(&payload, argument));
    enum status status = append_record(toy, buf_slice(&payload));
    buf_deinit(&payload);
    if (status == STATUS_OK) *answer = apply(toy, command, key, argument);
    return status;
}

static void replay_record(struct toy *toy, struct slice payload, bool twice) {
    struct decoder decoder = decoder_make(payload);
    struct slice command = decode_string(&decoder);
    while (decoder_left(&decoder) > 0) {
        struct slice key = decode_string(&decoder);
        struct slice argument = decode_string(&decoder);
        for (int i = 0; i <= twice; i++) (void)apply(toy, command, key, argument);
    }
}

/* Reads records until one does not verify: what lies behind was never acknowledged. */
static enum status replay(struct toy *toy) {
    static uint8_t content[4 << 20];
    size_t size = 0;
    enum status status = io_file_read(toy->log, 0, content, sizeof content, &size);
    while (status == STATUS_OK && size - toy->log_size >= HEADER) {
        const uint8_t *record = content + toy->log_size;
        uint32_t bytes = coding_get_u32(record);
        uint64_t term = coding_get_u64(record + 8);
        struct slice payload = slice_make(record + HEADER, bytes);
        if (bytes > RECORD_MAX || bytes > size - toy->log_size - HEADER) break;
        if (hash32(payload, toy->log_size ^ term) != coding_get_u32(record + 4)) break;
        if (bytes == 0 && term == 0) break; /* zeros */
        toy->log_size += HEADER + bytes;
        bool is_last = size - toy->log_size < HEADER;
        if (bytes > 0) replay_record(toy, payload, is_last && toy->bug == TOY_REPLAYS_TWICE);
        toy->term = term;
        toy->terms[++toy->last] = term + (toy->bug == TOY_REWRITES_TERMS);
    }
    /* What is read may not be durable: a sync may have failed in the life before. So it is all written anew. */
    if (status == STATUS_OK) status = io_file_truncate(toy->log, toy->log_size);
    if (status == STATUS_OK) status = io_file_write(toy->log, 0, content, toy->log_size);
    if (status == STATUS_OK) status = io_file_sync(toy->log);
    return status;
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

static void answer_read(struct toy *toy, struct resp_writer *writer, struct slice key) {
    bool is_old = toy->bug == TOY_STALE_READS && prng_chance(&toy->prng, 1, 4);
    const struct buf *value = row(toy, key, is_old);
    if (value->size == 0) {
        resp_write_null(writer);
    } else {
        resp_write_bulk(writer, buf_slice(value));
    }
}

static enum status write_pair(struct toy *toy, const struct slice *args) {
    struct buf payload = BUF_EMPTY;
    for (int i = 0; i < 5; i++) must(encode_string(&payload, args[i]));
    enum status status = append_record(toy, buf_slice(&payload));
    if (status == STATUS_OK) replay_record(toy, buf_slice(&payload), false);
    buf_deinit(&payload);
    return status;
}

static enum status run_write(struct toy *toy, const struct slice *args, size_t count, int64_t *answer) {
    if (count != 5) return write_one(toy, args[0], args[1], count > 2 ? args[2] : slice_make(NULL, 0), answer);
    if (toy->bug != TOY_TEARS_PAIRS) return write_pair(toy, args);
    enum status status = write_one(toy, args[0], args[1], args[2], answer);
    if (toy->writes++ % 2 == 0) return STATUS_IO; /* and there it ends */
    return status == STATUS_OK ? write_one(toy, args[0], args[3], args[4], answer) : status;
}

static void run_command(struct toy *toy, struct toy_connection *connection, const struct slice *args, size_t count) {
    struct resp_writer writer = resp_writer_make(&connection->out, 2);
    int64_t answer = 0;
    if (slice_equal(args[0], slice_from_text("GET"))) {
        answer_read(toy, &writer, args[1]);
    } else if (slice_equal(args[0], slice_from_text("MGET"))) {
        resp_write_array(&writer, 2);
        answer_read(toy, &writer, args[1]);
        answer_read(toy, &writer, args[2]);
    } else if (run_write(toy, args, count, &answer) != STATUS_OK) {
        resp_write_error(&writer, slice_from_text("UNKNOWN the outcome is unknown"));
    } else if (toy->bug == TOY_LIES_REFUSED && prng_chance(&toy->prng, 1, 10)) {
        resp_write_error(&writer, slice_from_text("CLUSTERDOWN not applied"));
    } else if (args[0].data[0] == 'I' || args[0].data[0] == 'A') {
        resp_write_integer(&writer, answer);
    } else {
        resp_write_simple(&writer, "OK");
    }
    must(writer.status);
}

/* ---- Connections ------------------------------------------------------------------------------------------------- */

static void connection_step(struct toy_connection *connection);

static void received(struct io_op *op) {
    struct toy_connection *connection = op->context;
    connection->is_receiving = false;
    if (op->status != STATUS_OK) {
        connection->is_closing = true;
    } else {
        must(buf_append(&connection->in, connection->bytes, op->bytes));
    }
    connection_step(connection);
}

static void sent(struct io_op *op) {
    struct toy_connection *connection = op->context;
    connection->is_sending = false;
    buf_clear(&connection->out);
    if (op->status != STATUS_OK) connection->is_closing = true;
    connection_step(connection);
}

static void connection_free(struct toy_connection *connection) {
    struct toy *toy = connection->toy;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (toy->connections[i] == connection) toy->connections[i] = NULL;
    }
    io_socket_close(connection->socket);
    resp_parser_deinit(&connection->parser);
    buf_deinit(&connection->in);
    buf_deinit(&connection->out);
    free(connection);
}

static void connection_step(struct toy_connection *connection) {
    struct io *io = connection->toy->io;
    if (connection->is_closing) {
        if (connection->is_receiving) io_cancel(io, &connection->receive);
        if (!connection->is_receiving && !connection->is_sending) connection_free(connection);
        return;
    }
    while (resp_parser_next(&connection->parser, buf_slice(&connection->in)) == STATUS_OK) {
        run_command(connection->toy, connection, connection->parser.args, connection->parser.arg_count);
        buf_consume(&connection->in, connection->parser.consumed);
    }
    if (!connection->is_receiving) {
        connection->is_receiving = true;
        connection->receive = (struct io_op){.kind = IO_OP_RECEIVE,
                                             .socket = connection->socket,
                                             .data = connection->bytes,
                                             .size = sizeof connection->bytes,
                                             .done = received,
                                             .context = connection};
        io_submit(io, &connection->receive);
    }
    if (connection->is_sending || connection->out.size == 0) return;
    connection->is_sending = true;
    connection->send = (struct io_op){.kind = IO_OP_SEND,
                                      .socket = connection->socket,
                                      .data = connection->out.data,
                                      .size = connection->out.size,
                                      .done = sent,
                                      .context = connection};
    io_submit(io, &connection->send);
}

static void start_accept(struct toy *toy);

static void accepted(struct io_op *op) {
    struct toy *toy = op->context;
    size_t at = 0;
    toy->is_accepting = false;
    if (op->status != STATUS_OK) return;
    while (toy->connections[at] != NULL) check(++at < CONNECTIONS);
    struct toy_connection *connection = calloc(1, sizeof *connection);
    check(connection != NULL);
    connection->toy = toy;
    connection->socket = op->accepted;
    resp_parser_init(&connection->parser, RECORD_MAX);
    toy->connections[at] = connection;
    connection_step(connection);
    start_accept(toy);
}

static void start_accept(struct toy *toy) {
    toy->accept = (struct io_op){.kind = IO_OP_ACCEPT, .socket = toy->listener, .done = accepted, .context = toy};
    toy->is_accepting = true;
    io_submit(toy->io, &toy->accept);
}

/* ---- The kind ---------------------------------------------------------------------------------------------------- */

static enum status make(void *context, struct io *io, unsigned number, bool joins, struct error *error) {
    (void)joins;
    struct io_file *file = NULL;
    (void)context;
    (void)number;
    enum status status = io_file_open(io, "/log", IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE, &file);
    if (status == STATUS_OK) status = io_file_sync(file);
    io_file_close(file);
    if (status == STATUS_OK) status = io_dir_sync(io, "/");
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "make: %s", status_text(status));
}

static void destroy(void *context, void *node) {
    struct toy *toy = node;
    (void)context;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (toy->connections[i] == NULL) continue;
        toy->connections[i]->is_closing = true;
        connection_step(toy->connections[i]);
    }
    for (int i = 0; i < 4; i++) io_run(toy->io, 0);
    io_socket_close(toy->listener);
    io_file_close(toy->log);
    for (size_t i = 0; i < KEYS; i++) {
        buf_deinit(&toy->rows[i].value);
        buf_deinit(&toy->rows[i].old);
    }
    free(toy);
}

static enum status open_toy(struct toy *toy, unsigned number, struct error *error) {
    char address[IO_ADDRESS_BYTES];
    enum status status = io_file_open(toy->io, "/log", IO_OPEN_READ | IO_OPEN_WRITE, &toy->log);
    if (status == STATUS_OK) status = replay(toy);
    if (status == STATUS_OK && toy->bug == TOY_STAYS_DOWN && toy->term > 1) status = STATUS_CORRUPT;
    toy->term++;
    if (status == STATUS_OK) status = append_record(toy, slice_make(NULL, 0));
    world_client_address(number, address);
    if (status == STATUS_OK) return io_listen(toy->io, address, &toy->listener, error);
    return error_set(error, status, "boot: %s", status_text(status));
}

static enum status boot(void *context, struct io *io, unsigned number, void **node, struct error *error) {
    struct toy *toy = calloc(1, sizeof *toy);
    check(toy != NULL);
    uint64_t seed;
    toy->io = io;
    toy->bug = *(const enum toy_bug *)context;
    io_entropy(io, &seed, sizeof seed);
    prng_init(&toy->prng, seed);
    enum status status = open_toy(toy, number, error);
    if (status != STATUS_OK) {
        destroy(context, toy);
        return status;
    }
    start_accept(toy);
    *node = toy;
    return STATUS_OK;
}

static uint64_t turn(void *context, void *node) {
    struct toy *toy = node;
    (void)context;
    if (toy->bug == TOY_SHRINKS && toy->last > 40 && prng_chance(&toy->prng, 1, 100)) toy->last -= 2;
    return io_now_ns(toy->io) + 1000000000;
}

static void view(void *context, void *node, struct world_view *shown) {
    const struct toy *toy = node;
    (void)context;
    *shown = (struct world_view){.is_leader = true,
                                 .is_halted = io_file_is_poisoned(toy->log),
                                 .term = toy->term,
                                 .commit = toy->last,
                                 .applied = toy->last,
                                 .written = toy->last,
                                 .first_index = 1,
                                 .last_index = toy->last,
                                 .state_hash = hash_mix(toy->hash, toy->last)};
}

static uint64_t term_at(void *context, void *node, uint64_t index) {
    const struct toy *toy = node;
    (void)context;
    return index <= toy->last ? toy->terms[index] : 0;
}

struct world_node_kind toy_node_kind(const enum toy_bug *bug) {
    return (struct world_node_kind){.name = "toy",
                                    .stores = WORLD_KV,
                                    .make = make,
                                    .boot = boot,
                                    .turn = turn,
                                    .destroy = destroy,
                                    .view = view,
                                    .term_at = term_at,
                                    .context = (void *)(uintptr_t)bug};
}
