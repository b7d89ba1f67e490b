/* load_send: see load_send.h. */
#include "tools/loam/dump/load_send.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 10000, PAUSE_NS = 50 * 1000 * 1000 };

struct round {
    size_t *replies; /* that each request gets */
    size_t done;     /* requests, of all rounds */
    size_t sent;     /* requests that were sent at least once */
    bool stopped;    /* in this round: what comes behind is sent again */
};

void load_sender_close(struct load_sender *sender) {
    client_close(sender->client);
    sender->client = NULL;
}

/* The connection is of no use any more, or the node has no leader: the next node's turn. */
static void go_to_next(struct load_sender *sender) {
    load_sender_close(sender);
    sender->node = (sender->node + 1) % sender->node_count;
}

enum status load_judge_error(const struct resp_reply *reply, struct error *error) {
    static const char *const again[] = {"CLUSTERDOWN", "TRYAGAIN", "UNKNOWN", "LOADING", "READONLY", "BUSY"};
    if (reply->type != RESP_ERROR) return error_set(error, STATUS_INVALID, "the server's reply is not understood");
    (void)error_set(error, STATUS_INVALID, "the server says: %.*s", (int)reply->text.size,
                    (const char *)reply->text.data);
    for (size_t i = 0; i < sizeof again / sizeof *again; i++) {
        const struct slice word = slice_from_text(again[i]);
        const bool is_word = slice_has_prefix(reply->text, word) &&
                             (reply->text.size == word.size || reply->text.data[word.size] == ' ');
        if (is_word) return error->status = STATUS_BUSY;
    }
    return STATUS_INVALID;
}

static enum status send_from(struct load_sender *sender, const struct load_exchange *exchange, struct round *round,
                             struct error *error) {
    enum status status = STATUS_OK;
    for (size_t i = round->done; status == STATUS_OK && i < exchange->count; i++) {
        round->replies[i] = 1;
        status = exchange->queue(exchange->context, sender->client, i, i < round->sent, &round->replies[i]);
        if (status != STATUS_OK) return error_set(error, status, "%s", status_text(status));
        sender->resent += i < round->sent;
    }
    return client_flush(sender->client, error);
}

/* A failure of the connection is a TIMED_OUT here: it is not the request's. */
static enum status receive_from(struct load_sender *sender, const struct load_exchange *exchange, struct round *round,
                                size_t sent_before, struct error *error) {
    const size_t from = round->done;
    for (size_t i = from; i < exchange->count; i++) {
        for (size_t r = 0; r < round->replies[i]; r++) {
            const struct resp_reply *reply;
            struct error judged = {.status = STATUS_OK};
            if (client_receive(sender->client, &reply, error) != STATUS_OK) return STATUS_TIMED_OUT;
            if (round->stopped) continue;
            const enum status status = exchange->judge(exchange->context, i, i < sent_before, reply, &judged);
            if (status == STATUS_OK) continue;
            *error = judged;
            if (status != STATUS_BUSY) return status;
            round->stopped = true;
        }
        if (!round->stopped) round->done = i + 1;
    }
    return round->stopped ? STATUS_BUSY : STATUS_OK;
}

/* DENIED: the next node would not take the password either. */
static enum status connect_node(struct load_sender *sender, struct error *error) {
    if (sender->client != NULL) return STATUS_OK;
    enum status status = client_open(sender->io, sender->nodes[sender->node], TIMEOUT_MS, &sender->client, error);
    if (status == STATUS_OK) status = client_authenticate(sender->client, sender->password, error);
    return status == STATUS_OK || status == STATUS_DENIED ? status : STATUS_TIMED_OUT;
}

static enum status run_round(struct load_sender *sender, const struct load_exchange *exchange, struct round *round,
                             struct error *error) {
    const size_t sent_before = round->sent;
    round->stopped = false;
    enum status status = connect_node(sender, error);
    if (status != STATUS_OK) return status;
    status = send_from(sender, exchange, round, error);
    round->sent = exchange->count;
    if (status == STATUS_NO_MEMORY) return status;
    return status == STATUS_OK ? receive_from(sender, exchange, round, sent_before, error) : STATUS_TIMED_OUT;
}

static enum status run_rounds(struct load_sender *sender, const struct load_exchange *exchange, struct round *round,
                              struct error *error) {
    uint64_t moved_ns = io_now_ns(sender->io);
    for (;;) {
        const size_t before = round->done;
        const enum status status = run_round(sender, exchange, round, error);
        if (status != STATUS_BUSY && status != STATUS_TIMED_OUT) return status;
        go_to_next(sender);
        if (round->done > before) moved_ns = io_now_ns(sender->io);
        if (io_now_ns(sender->io) - moved_ns > sender->patience_ms * 1000000u)
            return error_prefix(error, STATUS_TIMED_OUT, "nothing has gone on for %" PRIu64 " s",
                                sender->patience_ms / 1000);
        io_sleep(sender->io, PAUSE_NS);
    }
}

enum status load_send(struct load_sender *sender, const struct load_exchange *exchange, size_t *done,
                      struct error *error) {
    struct round round = {.replies = calloc(exchange->count + 1, sizeof *round.replies)};
    *done = 0;
    if (round.replies == NULL) return error_set(error, STATUS_NO_MEMORY, "%s", status_text(STATUS_NO_MEMORY));
    const enum status status = exchange->count > 0 ? run_rounds(sender, exchange, &round, error) : STATUS_OK;
    *done = round.done;
    free(round.replies);
    return status;
}
