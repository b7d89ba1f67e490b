/*
 * transport: see transport.h.
 *
 * Invariant: a struct with operations in flight is neither freed nor used for a new dial; breaking it cancels them, and
 * the last one's done frees or resets it.
 */
#include "raft/transport.h"

#include <stdlib.h>

#include "raft/message/frame.h"
#include "raft/message/message_codec.h"

enum {
    DEFAULT_MESSAGE_BYTES = 16 << 20,
    DEFAULT_QUEUE_BYTES = 32 << 20,
    DEFAULT_REDIAL_MS = 50,
    REDIAL_DOUBLINGS = 4,
    RECEIVE_BYTES = 128 << 10,
    SEND_BYTES = 512 << 10, /* of one send operation, about: what comes later can overtake the rest */
    INBOUND_MAX = 64,
    HANDSHAKE_NS = 5 * 1000 * 1000 * 1000ll,
    CLOSE_ROUNDS = 200,
    CLOSE_ROUND_NS = 10 * 1000 * 1000,
    KEEP_BUFFER_BYTES = 1 << 20,
};

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
    const struct raft_member *member;
    enum dial_state state;
    struct io_socket *socket;
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
    struct outbound *peers;
    size_t peer_count;
    struct transport_stats stats;
};

static void break_outbound(struct outbound *peer, const char *why);
static void break_inbound(struct inbound *inbound);

static struct outbound *find_peer(const struct transport *transport, uint64_t id) {
    for (size_t i = 0; i < transport->peer_count; i++)
        if (transport->peers[i].member->id == id) return &transport->peers[i];
    return NULL;
}

static void trim(struct buf *buf) {
    if (buf->size == 0 && buf->capacity > KEEP_BUFFER_BYTES) buf_deinit(buf);
}

/* Starts the next receive into the receiver's buffer. NO_MEMORY. */
static enum status receive_more(struct transport *transport, struct receiver *receiver, struct io_socket *socket,
                                void (*done)(struct io_op *op), void *context) {
    trim(&receiver->in);
    enum status status = buf_reserve(&receiver->in, RECEIVE_BYTES);
    if (status) return status;
    receiver->op = (struct io_op){.kind = IO_OP_RECEIVE,
                                  .socket = socket,
                                  .data = receiver->in.data + receiver->in.size,
                                  .size = receiver->in.capacity - receiver->in.size,
                                  .done = done,
                                  .context = context};
    receiver->busy = true;
    io_submit(transport->io, &receiver->op);
    return STATUS_OK;
}

/* Hands every whole frame that arrived to `take`; a status of its that is not OK ends it. CORRUPT when the stream can't
 * be read on. */
static enum status take_frames(struct receiver *receiver, enum status (*take)(void *context, const struct frame *frame),
                               void *context) {
    size_t start = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        struct frame frame;
        size_t size = 0;
        status = frame_decode(slice_from(buf_slice(&receiver->in), start), &frame, &size);
        if (status) break;
        status = take(context, &frame);
        start += size;
    }
    buf_consume(&receiver->in, start);
    return status == STATUS_END ? STATUS_OK : status;
}

/* ---- outbound: dialing and the handshake's near end ---- */

static void rest_outbound(struct outbound *peer) {
    if (peer->connecting || peer->sending || peer->receiver.busy) return;
    io_socket_close(peer->socket);
    peer->socket = NULL;
    peer->state = DIAL_IDLE;
}

static void break_outbound(struct outbound *peer, const char *why) {
    struct transport *transport = peer->transport;
    if (peer->state == DIAL_IDLE || peer->state == DIAL_BREAKING) return;
    bool was_up = peer->state == DIAL_UP;
    if (was_up) transport->stats.broken_links++;
    if (!peer->failure_told && !transport->closing)
        log_info(transport->options.log, "link to node %llu at %s: %s; trying again",
                 (unsigned long long)peer->member->id, peer->member->peer_address, why);
    peer->failure_told = true;
    peer->state = DIAL_BREAKING;
    for (int lane = 0; lane < TRANSPORT_LANES; lane++) buf_clear(&peer->lanes[lane].frames);
    buf_clear(&peer->control);
    buf_clear(&peer->receiver.in);
    unsigned doublings = peer->refusals < REDIAL_DOUBLINGS ? peer->refusals : REDIAL_DOUBLINGS;
    peer->refusals++;
    peer->redial_ns = io_now_ns(transport->io) + ((uint64_t)transport->options.redial_ms * 1000 * 1000 << doublings);
    if (peer->connecting) io_cancel(transport->io, &peer->connect);
    if (peer->sending) io_cancel(transport->io, &peer->send);
    if (peer->receiver.busy) io_cancel(transport->io, &peer->receiver.op);
    if (was_up && !transport->closing) transport->options.on_link(transport->options.context, peer->member->id, false);
    rest_outbound(peer);
}

static enum status send_hello(struct outbound *peer, const struct frame_challenge *challenge) {
    struct transport *transport = peer->transport;
    io_entropy(transport->io, peer->nonce, sizeof peer->nonce);
    struct frame_hello hello = {.version_min = MESSAGE_VERSION_MIN,
                                .version_max = MESSAGE_VERSION_MAX,
                                .from = transport->options.identity,
                                .to = peer->member->id,
                                .members_hash = transport->options.members_hash};
    memcpy(hello.nonce, peer->nonce, sizeof hello.nonce);
    return frame_encode_hello(&peer->control, &hello, transport->options.secret, challenge->nonce);
}

static enum status take_challenge(struct outbound *peer, const struct frame *frame) {
    struct frame_challenge challenge;
    enum status status = frame_decode_challenge(frame->payload, &challenge);
    if (status) return status;
    if (challenge.version_min > MESSAGE_VERSION_MAX || challenge.version_max < MESSAGE_VERSION_MIN)
        return STATUS_VERSION;
    status = send_hello(peer, &challenge);
    if (status == STATUS_OK) peer->state = DIAL_WELCOME;
    return status;
}

static enum status take_welcome(struct outbound *peer, const struct frame *frame) {
    struct transport *transport = peer->transport;
    struct frame_welcome welcome;
    enum status status = frame_decode_welcome(frame->payload, &welcome, transport->options.secret, peer->nonce);
    if (status) return status;
    bool same_cluster = welcome.from.cluster_id == transport->options.identity.cluster_id;
    if (!same_cluster || welcome.from.node_id != peer->member->id) return STATUS_MISMATCH;
    status = transport->options.admit(transport->options.context, &welcome.from);
    if (status) return status;
    peer->state = DIAL_UP;
    peer->refusals = 0;
    peer->failure_told = false;
    log_info(transport->options.log, "link to node %llu at %s is up", (unsigned long long)peer->member->id,
             peer->member->peer_address);
    transport->options.on_link(transport->options.context, peer->member->id, true);
    return STATUS_OK;
}

static enum status take_refusal(struct outbound *peer, const struct frame *frame) {
    struct slice text;
    if (frame_decode_refusal(frame->payload, &text)) return STATUS_CORRUPT;
    if (!peer->failure_told)
        log_warn(peer->transport->options.log, "node %llu at %s refuses this node: %.*s",
                 (unsigned long long)peer->member->id, peer->member->peer_address, (int)text.size,
                 (const char *)text.data);
    peer->failure_told = true;
    return STATUS_DENIED;
}

/* What a peer says on our own connection to it: the handshake, then nothing. */
static enum status take_outbound_frame(void *context, const struct frame *frame) {
    struct outbound *peer = context;
    if (frame->type == FRAME_REFUSAL) return take_refusal(peer, frame);
    if (frame->type == FRAME_CHALLENGE && peer->state == DIAL_CHALLENGE) return take_challenge(peer, frame);
    if (frame->type == FRAME_WELCOME && peer->state == DIAL_WELCOME) return take_welcome(peer, frame);
    return STATUS_CORRUPT;
}

static void outbound_received(struct io_op *op) {
    struct outbound *peer = op->context;
    peer->receiver.busy = false;
    if (peer->state == DIAL_BREAKING) {
        rest_outbound(peer);
        return;
    }
    enum status status = op->status;
    if (status == STATUS_OK) {
        peer->receiver.in.size += op->bytes;
        status = take_frames(&peer->receiver, take_outbound_frame, peer);
    }
    if (status == STATUS_OK && peer->state != DIAL_BREAKING)
        status = receive_more(peer->transport, &peer->receiver, peer->socket, outbound_received, peer);
    if (status) break_outbound(peer, status_text(status));
}

static void connected(struct io_op *op) {
    struct outbound *peer = op->context;
    peer->connecting = false;
    if (op->status == STATUS_OK) peer->socket = op->accepted;
    if (peer->state == DIAL_BREAKING) {
        rest_outbound(peer);
        return;
    }
    enum status status = op->status;
    if (status == STATUS_OK) {
        peer->state = DIAL_CHALLENGE;
        status = receive_more(peer->transport, &peer->receiver, peer->socket, outbound_received, peer);
    }
    if (status) break_outbound(peer, status_text(status));
}

static void dial(struct outbound *peer) {
    struct transport *transport = peer->transport;
    peer->state = DIAL_CONNECTING;
    peer->handshake_deadline_ns = io_now_ns(transport->io) + (uint64_t)HANDSHAKE_NS;
    peer->connect = (struct io_op){
        .kind = IO_OP_CONNECT, .address = peer->member->peer_address, .done = connected, .context = peer};
    peer->connecting = true;
    io_submit(transport->io, &peer->connect);
}

/* ---- outbound: sending ---- */

static void start_outbound_send(struct outbound *peer);

static void outbound_sent(struct io_op *op) {
    struct outbound *peer = op->context;
    peer->sending = false;
    peer->transport->stats.bytes_sent += peer->leaving.size;
    buf_clear(&peer->leaving);
    trim(&peer->leaving);
    if (peer->state == DIAL_BREAKING) {
        rest_outbound(peer);
        return;
    }
    if (op->status)
        break_outbound(peer, status_text(op->status));
    else
        start_outbound_send(peer);
}

/* Moves whole frames from the front of a lane. */
static enum status move_frames(struct buf *from, struct buf *to, size_t budget) {
    if (to->size == 0 && from->size <= budget) { /* the usual case: the whole lane, without a copy */
        struct buf swap = *to;
        *to = *from;
        *from = swap;
        return STATUS_OK;
    }
    size_t size = 0;
    while (size < from->size && size < budget) size += (size_t)coding_get_u32(from->data + size) + 4;
    enum status status = buf_append(to, from->data, size);
    if (status == STATUS_OK) buf_consume(from, size);
    return status;
}

static void start_outbound_send(struct outbound *peer) {
    if (peer->sending || peer->state < DIAL_CHALLENGE || peer->state == DIAL_BREAKING) return;
    enum status status = move_frames(&peer->control, &peer->leaving, SEND_BYTES);
    for (int lane = 0; status == STATUS_OK && lane < TRANSPORT_LANES && peer->leaving.size < SEND_BYTES; lane++)
        if (peer->lanes[lane].frames.size)
            status = move_frames(&peer->lanes[lane].frames, &peer->leaving, SEND_BYTES - peer->leaving.size);
    if (status) {
        break_outbound(peer, status_text(status));
        return;
    }
    if (peer->leaving.size == 0) return;
    peer->send = (struct io_op){.kind = IO_OP_SEND,
                                .socket = peer->socket,
                                .data = peer->leaving.data,
                                .size = peer->leaving.size,
                                .done = outbound_sent,
                                .context = peer};
    peer->sending = true;
    io_submit(peer->transport->io, &peer->send);
}

/* Cuts a message, given in parts, into frames. On failure the lane is as it was. */
static enum status queue_message(struct lane *lane, enum transport_lane number, const struct slice *parts,
                                 size_t part_count, size_t size) {
    size_t before = lane->frames.size;
    struct buf piece = BUF_EMPTY;
    size_t part = 0, at = 0, offset = 0;
    enum status status = STATUS_OK;
    do {
        size_t wanted = size - offset < FRAME_PAYLOAD_MAX_BYTES ? size - offset : FRAME_PAYLOAD_MAX_BYTES;
        struct slice payload;
        if (part < part_count && parts[part].size - at >= wanted) { /* lies in one part: no copy in between */
            payload = slice_make(wanted ? parts[part].data + at : NULL, wanted);
            at += wanted;
        } else {
            buf_clear(&piece);
            while (status == STATUS_OK && piece.size < wanted) {
                size_t run = parts[part].size - at;
                if (run > wanted - piece.size) run = wanted - piece.size;
                status = buf_append(&piece, parts[part].data + at, run);
                at += run;
                if (at == parts[part].size) {
                    part++;
                    at = 0;
                }
            }
            payload = buf_slice(&piece);
        }
        struct frame frame = {.type = FRAME_DATA,
                              .lane = (uint8_t)number,
                              .last = offset + wanted == size,
                              .message = lane->next_message,
                              .offset = (uint32_t)offset,
                              .payload = payload};
        if (status == STATUS_OK) status = frame_encode(&lane->frames, &frame);
        offset += wanted;
    } while (status == STATUS_OK && offset < size);
    buf_deinit(&piece);
    if (status)
        lane->frames.size = before;
    else
        lane->next_message++;
    return status;
}

enum status transport_send(struct transport *transport, uint64_t id, enum transport_lane lane,
                           const struct slice *parts, size_t part_count) {
    struct outbound *peer = find_peer(transport, id);
    if (!peer) return STATUS_NOT_FOUND;
    size_t size = 0;
    for (size_t i = 0; i < part_count; i++) size += parts[i].size;
    if (size > transport->options.message_limit_bytes) return STATUS_TOO_LARGE;
    size_t queued = peer->lanes[lane].frames.size;
    if (peer->state != DIAL_UP || (queued && queued + size > transport->options.queue_limit_bytes)) {
        transport->stats.dropped_busy++;
        return STATUS_BUSY;
    }
    if (peer->drop_out) {
        transport->stats.dropped_by_fault++;
        return STATUS_OK;
    }
    enum status status = queue_message(&peer->lanes[lane], lane, parts, part_count, size);
    if (status == STATUS_OK) transport->stats.messages_sent++;
    return status;
}

/* ---- inbound ---- */

static void free_inbound(struct inbound *inbound) {
    list_remove(&inbound->link);
    inbound->transport->inbound_count--;
    io_socket_close(inbound->socket);
    buf_deinit(&inbound->receiver.in);
    buf_deinit(&inbound->out);
    buf_deinit(&inbound->leaving);
    for (int lane = 0; lane < TRANSPORT_LANES; lane++) frame_joiner_deinit(&inbound->joiners[lane]);
    free(inbound);
}

/* Not freed here: a caller up the stack may still look at it. transport_turn frees what has nothing in flight. */
static void break_inbound(struct inbound *inbound) {
    if (inbound->doomed) return;
    inbound->doomed = true;
    if (inbound->sending) io_cancel(inbound->transport->io, &inbound->send);
    if (inbound->receiver.busy) io_cancel(inbound->transport->io, &inbound->receiver.op);
}

static void start_inbound_send(struct inbound *inbound);

static void inbound_sent(struct io_op *op) {
    struct inbound *inbound = op->context;
    inbound->sending = false;
    buf_clear(&inbound->leaving);
    if (op->status)
        break_inbound(inbound);
    else
        start_inbound_send(inbound);
}

static void start_inbound_send(struct inbound *inbound) {
    if (inbound->sending || inbound->doomed) return;
    if (inbound->out.size == 0) {
        if (inbound->draining) break_inbound(inbound);
        return;
    }
    struct buf swap = inbound->leaving;
    inbound->leaving = inbound->out;
    inbound->out = swap;
    inbound->send = (struct io_op){.kind = IO_OP_SEND,
                                   .socket = inbound->socket,
                                   .data = inbound->leaving.data,
                                   .size = inbound->leaving.size,
                                   .done = inbound_sent,
                                   .context = inbound};
    inbound->sending = true;
    io_submit(inbound->transport->io, &inbound->send);
}

/* Why a peer that said hello may not speak; NULL = it may. */
static const char *objection(struct transport *transport, const struct frame_hello *hello) {
    const struct raft_identity *own = &transport->options.identity;
    if (hello->version_min > MESSAGE_VERSION_MAX || hello->version_max < MESSAGE_VERSION_MIN)
        return "its message versions and ours do not meet: upgrade one of them";
    if (hello->from.cluster_id != own->cluster_id) return "it belongs to another cluster";
    if (hello->to != own->node_id) return "it meant to reach another node: its --cluster list differs";
    if (!find_peer(transport, hello->from.node_id)) return "it is no member";
    if (hello->members_hash != transport->options.members_hash) return "its list of members differs";
    if (transport->options.admit(transport->options.context, &hello->from) != STATUS_OK)
        return "its directory was made anew under an old id: replace it by a membership change";
    return NULL;
}

static enum status refuse(struct inbound *inbound, uint64_t node, const char *why) {
    struct transport *transport = inbound->transport;
    char address[IO_ADDRESS_BYTES];
    io_socket_remote(inbound->socket, address);
    transport->stats.refused_handshakes++;
    log_warn(transport->options.log, "refused peer at %s, node %llu: %s", address, (unsigned long long)node, why);
    inbound->draining = true;
    enum status status = frame_encode_refusal(&inbound->out, why);
    if (status == STATUS_OK) start_inbound_send(inbound);
    return status;
}

static enum status take_hello(struct inbound *inbound, const struct frame *frame) {
    struct transport *transport = inbound->transport;
    struct frame_hello hello;
    enum status status = frame_decode_hello(frame->payload, &hello, transport->options.secret, inbound->nonce);
    if (status == STATUS_DENIED) return refuse(inbound, hello.from.node_id, "it does not know the peer secret");
    if (status) return status;
    const char *why = objection(transport, &hello);
    if (why) return refuse(inbound, hello.from.node_id, why);
    struct frame_welcome welcome = {.version = hello.version_max < MESSAGE_VERSION_MAX ? hello.version_max
                                                                                       : MESSAGE_VERSION_MAX,
                                    .from = transport->options.identity};
    status = frame_encode_welcome(&inbound->out, &welcome, transport->options.secret, hello.nonce);
    if (status) return status;
    inbound->peer = find_peer(transport, hello.from.node_id);
    start_inbound_send(inbound);
    /* A peer speaks on one connection: an older one is a leftover. */
    for (struct list *link = transport->inbounds.next; link != &transport->inbounds; link = link->next) {
        struct inbound *other = list_entry(link, struct inbound, link);
        if (other != inbound && other->peer == inbound->peer) break_inbound(other);
    }
    return STATUS_OK;
}

static enum status take_data(struct inbound *inbound, const struct frame *frame) {
    struct transport *transport = inbound->transport;
    if (frame->lane >= TRANSPORT_LANES) return STATUS_CORRUPT;
    struct slice message;
    enum status status =
        frame_join(&inbound->joiners[frame->lane], frame, transport->options.message_limit_bytes, &message);
    if (status == STATUS_END) return STATUS_OK;
    if (status) return status;
    if (inbound->peer->drop_in) {
        transport->stats.dropped_by_fault++;
        return STATUS_OK;
    }
    transport->stats.messages_received++;
    transport->options.on_message(transport->options.context, inbound->peer->member->id, message);
    return STATUS_OK;
}

static enum status take_inbound_frame(void *context, const struct frame *frame) {
    struct inbound *inbound = context;
    if (inbound->doomed || inbound->draining) return STATUS_CLOSED;
    if (!inbound->peer) return frame->type == FRAME_HELLO ? take_hello(inbound, frame) : STATUS_CORRUPT;
    return frame->type == FRAME_DATA ? take_data(inbound, frame) : STATUS_CORRUPT;
}

static void inbound_received(struct io_op *op) {
    struct inbound *inbound = op->context;
    struct transport *transport = inbound->transport;
    inbound->receiver.busy = false;
    if (inbound->doomed) return;
    enum status status = op->status;
    if (status == STATUS_OK) {
        inbound->receiver.in.size += op->bytes;
        transport->stats.bytes_received += op->bytes;
        status = take_frames(&inbound->receiver, take_inbound_frame, inbound);
    }
    if (status == STATUS_OK && !inbound->doomed)
        status = receive_more(transport, &inbound->receiver, inbound->socket, inbound_received, inbound);
    if (status == STATUS_CORRUPT) {
        char address[IO_ADDRESS_BYTES];
        io_socket_remote(inbound->socket, address);
        log_warn(transport->options.log, "peer connection from %s closed: what arrived is no frame", address);
    }
    if (status && !inbound->draining) break_inbound(inbound);
}

static enum status greet(struct inbound *inbound) {
    struct transport *transport = inbound->transport;
    struct frame_challenge challenge = {.version_min = MESSAGE_VERSION_MIN, .version_max = MESSAGE_VERSION_MAX};
    io_entropy(transport->io, inbound->nonce, sizeof inbound->nonce);
    memcpy(challenge.nonce, inbound->nonce, sizeof challenge.nonce);
    enum status status = frame_encode_challenge(&inbound->out, &challenge);
    if (status == STATUS_OK)
        status = receive_more(transport, &inbound->receiver, inbound->socket, inbound_received, inbound);
    if (status == STATUS_OK) start_inbound_send(inbound);
    return status;
}

static void add_inbound(struct transport *transport, struct io_socket *socket) {
    struct inbound *inbound = transport->inbound_count < INBOUND_MAX ? calloc(1, sizeof *inbound) : NULL;
    if (!inbound) {
        log_warn(transport->options.log, "peer connection refused: %u are open (limit %d) or out of memory",
                 transport->inbound_count, INBOUND_MAX);
        io_socket_close(socket);
        return;
    }
    inbound->transport = transport;
    inbound->socket = socket;
    inbound->deadline_ns = io_now_ns(transport->io) + (uint64_t)HANDSHAKE_NS;
    list_push_back(&transport->inbounds, &inbound->link);
    transport->inbound_count++;
    if (greet(inbound)) break_inbound(inbound);
}

static void start_accept(struct transport *transport);

static void accepted(struct io_op *op) {
    struct transport *transport = op->context;
    transport->accepting = false;
    if (op->status == STATUS_OK) {
        if (transport->closing)
            io_socket_close(op->accepted);
        else
            add_inbound(transport, op->accepted);
    } else if (op->status != STATUS_CANCELLED) {
        log_warn(transport->options.log, "peer accept failed: %s; trying again", status_text(op->status));
        transport->accept_retry_ns = io_now_ns(transport->io) + (uint64_t)transport->options.redial_ms * 1000 * 1000;
        return;
    }
    if (!transport->closing) start_accept(transport);
}

static void start_accept(struct transport *transport) {
    transport->accept =
        (struct io_op){.kind = IO_OP_ACCEPT, .socket = transport->listener, .done = accepted, .context = transport};
    transport->accepting = true;
    transport->accept_retry_ns = 0;
    io_submit(transport->io, &transport->accept);
}

/* ---- life ---- */

static void free_transport(struct transport *transport) {
    while (!list_is_empty(&transport->inbounds))
        free_inbound(list_entry(transport->inbounds.next, struct inbound, link));
    for (size_t i = 0; i < transport->peer_count; i++) {
        struct outbound *peer = &transport->peers[i];
        io_socket_close(peer->socket);
        for (int lane = 0; lane < TRANSPORT_LANES; lane++) buf_deinit(&peer->lanes[lane].frames);
        buf_deinit(&peer->control);
        buf_deinit(&peer->leaving);
        buf_deinit(&peer->receiver.in);
    }
    io_socket_close(transport->listener);
    free(transport->peers);
    free(transport);
}

enum status transport_open(struct io *io, const struct transport_options *options, struct transport **transport,
                           struct error *error) {
    struct transport *made = calloc(1, sizeof *made);
    if (made) made->peers = calloc(options->member_count, sizeof *made->peers);
    if (!made || !made->peers) {
        free(made);
        return error_set(error, STATUS_NO_MEMORY, "transport: out of memory");
    }
    made->io = io;
    made->options = *options;
    if (!made->options.message_limit_bytes) made->options.message_limit_bytes = DEFAULT_MESSAGE_BYTES;
    if (!made->options.queue_limit_bytes) made->options.queue_limit_bytes = DEFAULT_QUEUE_BYTES;
    if (!made->options.redial_ms) made->options.redial_ms = DEFAULT_REDIAL_MS;
    list_init(&made->inbounds);
    for (size_t i = 0; i < options->member_count; i++) {
        if (options->members[i].id == options->identity.node_id) continue;
        struct outbound *peer = &made->peers[made->peer_count++];
        peer->transport = made;
        peer->member = &options->members[i];
    }
    if (made->peer_count) {
        enum status status = io_listen(io, options->listen, &made->listener, error);
        if (status) {
            free_transport(made);
            return status;
        }
        start_accept(made);
    }
    *transport = made;
    return STATUS_OK;
}

/* Frees what has ended; true when nothing is in flight any more. */
static bool is_at_rest(const struct transport *transport) {
    for (size_t i = 0; i < transport->peer_count; i++)
        if (transport->peers[i].state != DIAL_IDLE) return false;
    return !transport->accepting && list_is_empty(&transport->inbounds);
}

static void sweep_inbounds(struct transport *transport, uint64_t now_ns) {
    struct list *next = NULL;
    for (struct list *link = transport->inbounds.next; link != &transport->inbounds; link = next) {
        next = link->next;
        struct inbound *inbound = list_entry(link, struct inbound, link);
        if (!inbound->peer && now_ns >= inbound->deadline_ns) break_inbound(inbound);
        if (inbound->doomed && !inbound->sending && !inbound->receiver.busy) free_inbound(inbound);
    }
}

void transport_close(struct transport *transport) {
    if (!transport) return;
    transport->closing = true;
    if (transport->accepting) io_cancel(transport->io, &transport->accept);
    for (size_t i = 0; i < transport->peer_count; i++) break_outbound(&transport->peers[i], "closing");
    for (struct list *link = transport->inbounds.next; link != &transport->inbounds; link = link->next)
        break_inbound(list_entry(link, struct inbound, link));
    /* An io that is dead (a simulated power cut) delivers nothing, and nothing can arrive any more. */
    for (int i = 0; i < CLOSE_ROUNDS; i++) {
        sweep_inbounds(transport, 0);
        if (is_at_rest(transport)) break;
        (void)io_run(transport->io, io_now_ns(transport->io) + CLOSE_ROUND_NS);
    }
    free_transport(transport);
}

uint64_t transport_turn(struct transport *transport) {
    uint64_t now_ns = io_now_ns(transport->io), next_ns = UINT64_MAX;
    if (transport->accept_retry_ns && now_ns >= transport->accept_retry_ns) start_accept(transport);
    if (transport->accept_retry_ns && transport->accept_retry_ns < next_ns) next_ns = transport->accept_retry_ns;
    for (size_t i = 0; i < transport->peer_count; i++) {
        struct outbound *peer = &transport->peers[i];
        bool handshakes = peer->state > DIAL_IDLE && peer->state < DIAL_UP;
        if (handshakes && now_ns >= peer->handshake_deadline_ns) break_outbound(peer, "no handshake in time");
        if (peer->state == DIAL_IDLE && now_ns >= peer->redial_ns) dial(peer);
        start_outbound_send(peer);
        uint64_t wake_ns = peer->state == DIAL_IDLE ? peer->redial_ns : peer->handshake_deadline_ns;
        if (peer->state != DIAL_UP && peer->state != DIAL_BREAKING && wake_ns < next_ns) next_ns = wake_ns;
    }
    sweep_inbounds(transport, now_ns);
    return next_ns;
}

bool transport_is_up(const struct transport *transport, uint64_t id) {
    const struct outbound *peer = find_peer(transport, id);
    return peer && peer->state == DIAL_UP;
}

size_t transport_queued(const struct transport *transport, uint64_t id, enum transport_lane lane) {
    const struct outbound *peer = find_peer(transport, id);
    return peer ? peer->lanes[lane].frames.size : 0;
}

enum status transport_set_link(struct transport *transport, uint64_t id, bool drop_in, bool drop_out) {
    struct outbound *peer = find_peer(transport, id);
    if (!peer) return STATUS_NOT_FOUND;
    peer->drop_in = drop_in;
    peer->drop_out = drop_out;
    return STATUS_OK;
}

void transport_get_stats(const struct transport *transport, struct transport_stats *stats) {
    *stats = transport->stats;
}
