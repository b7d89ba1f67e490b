/*
 * transport_internal: the state of a transport, and the verbs that its files call of one another. Private to
 * raft/transport.
 *
 * outbound.c dials and sends; inbound.c accepts, judges who is there and reads; receiver.c cuts what arrives into
 * frames; transport.c opens, turns and closes.
 *
 * Invariant: a struct with operations in flight is neither freed nor used for a new dial; breaking it cancels them, and
 * the last one's done frees or resets it.
 */
#ifndef RAFT_TRANSPORT_TRANSPORT_INTERNAL_H
#define RAFT_TRANSPORT_TRANSPORT_INTERNAL_H

#include "raft/message/frame.h"
#include "raft/transport.h"

#define HANDSHAKE_NS (5 * 1000 * 1000 * 1000ull)

/* Bytes that arrive on either kind of connection. */
struct receiver {
    struct buf in;
    struct io_op op;
    bool busy;
};

enum dial_state { DIAL_IDLE, DIAL_CONNECTING, DIAL_CHALLENGE, DIAL_WELCOME, DIAL_UP, DIAL_BREAKING };

struct lane {
    struct buf frames; /* whole frames, in order */
    uint32_t next_message;
};

/* Our connection to a peer: the one that we send on. */
struct outbound {
    struct transport *transport;
    struct raft_member member;
    enum dial_state state;
    struct io_socket *socket;
    char dialed[IO_ADDRESS_BYTES]; /* the address, for as long as a connect borrows it */
    struct io_op connect, send;
    bool connecting, sending;
    struct receiver receiver;
    struct buf control; /* handshake frames */
    struct lane lanes[TRANSPORT_LANES];
    struct buf leaving;
    uint8_t nonce[FRAME_NONCE_BYTES];
    uint64_t redial_ns, handshake_deadline_ns;
    unsigned refusals;
    bool drop_in, drop_out;
    bool failure_told; /* one line per outage */
    bool gone;         /* no member any more: freed when nothing is in flight */
};

/* A connection that a peer sends on. */
struct inbound {
    struct transport *transport;
    struct list link;
    struct io_socket *socket;
    struct receiver receiver;
    struct io_op send;
    bool sending;
    struct buf out, leaving;
    struct outbound *peer; /* NULL until the handshake is through */
    uint8_t nonce[FRAME_NONCE_BYTES];
    uint64_t deadline_ns;
    struct frame_joiner joiners[TRANSPORT_LANES];
    bool doomed;   /* freed when its operations have ended */
    bool draining; /* doomed once what is queued has left (a refusal) */
};

struct transport {
    struct io *io;
    struct transport_options options;
    struct io_socket *listener;
    struct io_op accept;
    bool accepting, closing;
    uint64_t accept_retry_ns;
    struct list inbounds;
    unsigned inbound_count;
    struct outbound *peers[TRANSPORT_PEERS_MAX + RAFT_NODES_MAX]; /* owned; those that are gone, too */
    size_t peer_count;
    struct transport_stats stats;
};

/* ---- receiver.c ---- */

/* Starts the next receive into the receiver's buffer. NO_MEMORY. */
MUST_CHECK enum status receiver_receive(struct io *io, struct receiver *receiver, struct io_socket *socket,
                                        void (*done)(struct io_op *op), void *context);
/*
 * Hands every whole frame that arrived to `take`; a status of its that is not OK ends it. CORRUPT when the stream can't
 * be read on.
 */
MUST_CHECK enum status receiver_take_frames(struct receiver *receiver,
                                            enum status (*take)(void *context, const struct frame *frame),
                                            void *context);
/* Gives back memory that one large message made an empty buffer keep. */
void receiver_trim(struct buf *buf);

/* ---- transport.c ---- */

/* NO_MEMORY: also when there are too many. */
MUST_CHECK enum status transport_add_peer(struct transport *transport, const struct raft_member *member);

/* ---- outbound.c ---- */

/* NULL if there is no such peer, or it is gone. */
struct outbound *outbound_find(const struct transport *transport, uint64_t id);
void outbound_dial(struct outbound *peer);
void outbound_dial_soon(struct outbound *peer); /* it has spoken to us: it is there */
void outbound_free(struct outbound *peer);      /* nothing is in flight */
/* Starts a send if something is queued and nothing is on its way. */
void outbound_flush(struct outbound *peer);
/* Ends the connection; dialed again later. */
void outbound_break(struct outbound *peer, const char *why);

/* ---- inbound.c ---- */

void inbound_start_accept(struct transport *transport);
/* Not freed here: a caller up the stack may still look at it. inbound_sweep frees what has nothing in flight. */
void inbound_break(struct inbound *inbound);
void inbound_sweep(struct transport *transport, uint64_t now_ns);
void inbound_free(struct inbound *inbound);

#endif
