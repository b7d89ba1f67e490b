/*
 * transport: messages between nodes over streams. Each node dials every peer and sends on that connection alone; what
 * it accepts it only reads. So a link can be cut one way, and no two dials must agree on a winner.
 *
 * A handshake proves who is at the other end: cluster, node, incarnation, versions, members' hash, and knowledge of the
 * secret where there is one (both ways). Messages travel in checksummed frames in three lanes, so that a heartbeat
 * overtakes a large append, and both overtake a snapshot. Within a lane order is kept; a broken connection loses what
 * was queued and in flight, and says so by on_link. Bytes: raft/message/FORMAT.md.
 *
 * Loop thread. Nothing queues without a bound: transport_send answers BUSY, the message is then lost, which every
 * caller must live with anyway.
 */
#ifndef RAFT_TRANSPORT_H
#define RAFT_TRANSPORT_H

#include "engine/base/buf.h"
#include "engine/io.h"
#include "raft/driver.h"

#pragma GCC visibility push(default)

struct transport;

enum transport_lane {
    TRANSPORT_CONTROL, /* votes, heartbeats, acknowledgements: small */
    TRANSPORT_DATA,    /* appends, forwarded commands */
    TRANSPORT_BULK,    /* snapshots */
    TRANSPORT_LANES,
};

/* Who is at the other end, by its own words and by the secret where there is one. */
struct transport_greeting {
    struct raft_identity identity;
    bool joined;               /* its directory was made for a node that is added later */
    struct raft_member member; /* where it is, if it dialed us; else the addresses are empty */
};

struct transport_options {
    struct log *log;
    struct raft_identity identity;
    const struct raft_member *members; /* copied; peers and this node: transport_set_members */
    size_t member_count;
    struct raft_member self;    /* told to others, who may not know it */
    const char *listen;         /* port 0: this node is alone, and nobody can reach it */
    struct slice secret;        /* borrowed; empty = none */
    uint64_t members_hash;      /* of the founders; must be equal at both ends, where both are not 0 */
    size_t message_limit_bytes; /* 0 = 16 MiB; a larger one is refused at both ends */
    size_t queue_limit_bytes;   /* per peer and lane; 0 = 32 MiB; one message always fits an empty lane */
    uint32_t redial_ms;         /* 0 = 50, doubled up to 16 times as much while refused */

    /* May this one speak? MISMATCH refuses it, with a line in the log. One that is no peer and may speak becomes a peer
     * at the place that it names. */
    enum status (*admit)(void *context, const struct transport_greeting *greeting);
    /* A whole message; borrowed for the call. */
    void (*on_message)(void *context, uint64_t peer, struct slice message);
    /* Our connection to the peer stands, or broke. */
    void (*on_link)(void *context, uint64_t peer, bool up);
    void *context;
};

/* Listens, unless there is no port to listen on, and starts to dial. */
MUST_CHECK enum status transport_open(struct io *io, const struct transport_options *options,
                                      struct transport **transport, struct error *error);
void transport_close(struct transport *transport); /* NULL is allowed */

enum { TRANSPORT_PEERS_MAX = 2 * RAFT_NODES_MAX };
/*
 * From now on these are the peers (this node may be among them): new ones are dialed, the connections of others are
 * broken, one with another address is dialed there. NO_MEMORY: those that are new may be missing. Not from inside a
 * callback of this transport.
 */
MUST_CHECK enum status transport_set_members(struct transport *transport, const struct raft_member *members,
                                             size_t member_count);

/* Queues a message that is the parts one after another. BUSY (queue full, or no connection), TOO_LARGE, NO_MEMORY,
 * NOT_FOUND (no such peer). */
MUST_CHECK enum status transport_send(struct transport *transport, uint64_t peer, enum transport_lane lane,
                                      const struct slice *parts, size_t part_count);
/* End of a turn: what was queued leaves. Returns when it wants to be called at the latest (redials), io_now_ns clock.
 */
uint64_t transport_turn(struct transport *transport);

bool transport_is_up(const struct transport *transport, uint64_t peer);
size_t transport_queued(const struct transport *transport, uint64_t peer, enum transport_lane lane);

/* Fault injection: whole messages to or from the peer are dropped while set. NOT_FOUND. */
MUST_CHECK enum status transport_set_link(struct transport *transport, uint64_t peer, bool drop_in, bool drop_out);

struct transport_stats {
    uint64_t messages_sent, messages_received, bytes_sent, bytes_received;
    uint64_t dropped_busy, dropped_by_fault, refused_handshakes, broken_links;
};
void transport_get_stats(const struct transport *transport, struct transport_stats *stats);

#pragma GCC visibility pop

#endif
