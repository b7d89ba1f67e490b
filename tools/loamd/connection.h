/*
 * connection: one client's socket, its bytes in and out, and its calls in order.
 *
 * Commands of one connection take effect in their order: calls in flight together are all reads or all writes; the
 * first of the other kind is held, unread bytes behind it, until they have ended. So at most one kind of barrier stands
 * between a client's pipelined commands.
 *
 * The input buffer is parsed only while no receive is in flight, so borrowed arguments stay where they are. Loop
 * thread.
 */
#ifndef TOOLS_LOAMD_CONNECTION_H
#define TOOLS_LOAMD_CONNECTION_H

#include "tools/loamd/call.h"
#include "tools/loamd/server_state.h"
#include "tools/resp/resp_parse.h"

enum connection_phase { PHASE_IDLE, PHASE_READS, PHASE_WRITES, PHASE_ALONE };

struct connection {
    struct server *server;
    struct io_socket *socket;
    struct list link;      /* server.connections */
    struct list work_link; /* server.dirty */
    uint64_t id;
    char address[IO_ADDRESS_BYTES];
    char local_address[IO_ADDRESS_BYTES];
    struct buf name, library_name, library_version;
    int protocol;
    bool authenticated;
    bool stale_reads; /* READONLY */
    uint64_t last_write_index;
    uint64_t created_ns, active_ns;
    const struct command *last_command;

    struct resp_parser parser;
    struct buf in;
    struct buf ahead; /* what came behind a held command while a long call runs: RECEIVE_BYTES at most */
    bool receives_ahead;
    bool held;     /* the parser's present command waits for calls of the other kind */
    size_t parsed; /* bytes at the front of `in` that were commands which have started */
    struct io_op receive;
    bool receiving;
    size_t discards; /* when it closes: bytes of a refused argument that are on their way; they are read and dropped,
                        since a socket that is closed before resets the connection, and the client loses the reply */

    struct buf out, leaving; /* out gathers; leaving is with the send in flight */
    struct io_op send;
    bool sending;

    struct list calls;
    uint32_t call_count;
    enum connection_phase phase;
    bool input_ended; /* the client sends no more; what it sent is still run and answered */
    bool closes;      /* no more commands; closes once everything has been answered and sent */
    bool doomed;      /* the socket is dead; freed when its operations have ended */
};

/* Takes the socket. NULL when out of memory (the socket is closed). */
struct connection *connection_create(struct server *server, struct io_socket *socket);
/* Work at the end of a turn: answers, reads on, sends, closes. May free it. */
void connection_turn(struct connection *connection);
/* Remembers it for the end of this turn. */
void connection_mark(struct connection *connection);
/* Ends it without waiting for replies. */
void connection_drop(struct connection *connection);
/* Frees it whatever is in flight; only when its io runs no more. */
void connection_destroy(struct connection *connection);

#endif
