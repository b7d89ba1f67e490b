/*
 * server: a node as its clients see it: RESP connections over a raft_driver. The same server runs in loamd and in the
 * simulator (DESIGN R5): it is handed a struct io, and whoever owns the loop calls server_turn after every io_run.
 *
 * A command's life: connection reads bytes, tools/resp cuts commands, dispatch finds the row, checks and starts the
 * call; a write is encoded and proposed, a read waits for its barrier, a local command answers at once; replies leave
 * in the order of the commands.
 */
#ifndef TOOLS_LOAMD_SERVER_H
#define TOOLS_LOAMD_SERVER_H

#include "engine/io.h"
#include "raft/driver.h"

struct server;

struct server_limits {           /* 0 = the default in brackets */
    uint32_t clients;            /* [10000] */
    size_t query_buffer_bytes;   /* of one client: what was read and is not yet a command [entry limit + 1 MiB] */
    size_t output_buffer_bytes;  /* of one client; commands stop being read at half of it [64 MiB] */
    uint32_t pipeline;           /* calls of one client in flight [1024] */
    size_t query_memory_bytes;   /* of one graph query [256 MiB] */
    size_t queries_memory_bytes; /* of all of them together [1 GiB] */
    uint64_t query_timeout_ms;   /* of one graph query, waiting included; a query may ask for less [300000] */
};

struct server_options {
    struct log *log;
    const char *dir;
    const char *listen;   /* "127.0.0.1:7001"; borrowed for the call */
    const char *password; /* requirepass; NULL or "" = none */
    bool lab;             /* DEBUG and link control answer */
    struct server_limits limits;
    struct raft_driver_options raft; /* node_id, members, sizes; machines are filled in by the server */
};

MUST_CHECK enum status server_open(struct io *io, const struct server_options *options, struct server **server,
                                   struct error *error);
/* Connections are closed, requests end, nothing is flushed; what is acknowledged is in the log. */
void server_close(struct server *server);

/* After every io_run: proposes, applies, answers. Returns the latest time of the next turn (io_now_ns). */
uint64_t server_turn(struct server *server);

/* A client asked for SHUTDOWN, server_stop was called or the node is to be opened anew, and every reply has left. */
bool server_is_stopped(const struct server *server);
/* Why it has stopped, or stops: its node is to be opened anew (raft_driver_wants_reopen): close it, open it again. */
bool server_wants_reopen(const struct server *server);
/* Takes no more commands; lets those in flight end for at most `grace_ms`. */
void server_stop(struct server *server, uint32_t grace_ms);

/* Reads that this node could not serve, and that another one answered for it. */
uint64_t server_reads_elsewhere(const struct server *server);
struct raft_driver *server_driver(struct server *server);
/* The stores that this server carries: `*count` rows, as long as it lives. */
const struct state_machine *server_machines(const struct server *server, size_t *count);

/* Text for /metrics, made from this turn's figures. */
MUST_CHECK enum status server_print_metrics(struct server *server, struct buf *to);

#endif
