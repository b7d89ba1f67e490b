/* inbound: connections that peers send on: accepting, judging who is there, putting messages together. */
#include <stdlib.h>

#include "raft/message/message_codec.h"
#include "raft/transport/transport_internal.h"

enum { INBOUND_MAX = 64 };

void inbound_free(struct inbound *inbound) {
    list_remove(&inbound->link);
    inbound->transport->inbound_count--;
    io_socket_close(inbound->socket);
    buf_deinit(&inbound->receiver.in);
    buf_deinit(&inbound->out);
    buf_deinit(&inbound->leaving);
    for (int lane = 0; lane < TRANSPORT_LANES; lane++) frame_joiner_deinit(&inbound->joiners[lane]);
    free(inbound);
}

void inbound_break(struct inbound *inbound) {
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
        inbound_break(inbound);
    else
        start_inbound_send(inbound);
}

static void start_inbound_send(struct inbound *inbound) {
    if (inbound->sending || inbound->doomed) return;
    if (inbound->out.size == 0) {
        if (inbound->draining) inbound_break(inbound);
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
    if (hello->from.node_id == 0 || hello->from.node_id == own->node_id) return "it has the number of this node";
    const uint64_t founders = transport->options.members_hash;
    if (hello->members_hash && founders && hello->members_hash != founders) return "its list of founders differs";
    struct transport_greeting greeting = {
        .identity = hello->from, .joined = hello->members_hash == 0, .member = {.id = hello->from.node_id}};
    memcpy(greeting.member.peer_address, hello->peer_address, sizeof hello->peer_address);
    memcpy(greeting.member.client_address, hello->client_address, sizeof hello->client_address);
    const bool known = outbound_find(transport, hello->from.node_id) != NULL;
    if (!known && hello->peer_address[0] == 0) return "it is no member, and does not say where it is";
    if (transport->options.admit(transport->options.context, &greeting) != STATUS_OK)
        return known ? "its directory was made anew under an old id: replace it by a membership change"
                     : "it is no member";
    if (!known && transport_add_peer(transport, &greeting.member) != STATUS_OK) return "there are too many peers";
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
                                    .from = transport->options.identity,
                                    .members_hash = transport->options.members_hash};
    status = frame_encode_welcome(&inbound->out, &welcome, transport->options.secret, hello.nonce);
    if (status) return status;
    inbound->peer = outbound_find(transport, hello.from.node_id);
    outbound_dial_soon(inbound->peer);
    start_inbound_send(inbound);
    /* A peer speaks on one connection: an older one is a leftover. */
    for (struct list *link = transport->inbounds.next; link != &transport->inbounds; link = link->next) {
        struct inbound *other = list_entry(link, struct inbound, link);
        if (other != inbound && other->peer == inbound->peer) inbound_break(other);
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
    transport->options.on_message(transport->options.context, inbound->peer->member.id, message);
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
        status = receiver_take_frames(&inbound->receiver, take_inbound_frame, inbound);
    }
    if (status == STATUS_OK && !inbound->doomed)
        status = receiver_receive(transport->io, &inbound->receiver, inbound->socket, inbound_received, inbound);
    if (status == STATUS_CORRUPT) {
        char address[IO_ADDRESS_BYTES];
        io_socket_remote(inbound->socket, address);
        log_warn(transport->options.log, "peer connection from %s closed: what arrived is no frame", address);
    }
    if (status && !inbound->draining) inbound_break(inbound);
}

static enum status greet(struct inbound *inbound) {
    struct transport *transport = inbound->transport;
    struct frame_challenge challenge = {.version_min = MESSAGE_VERSION_MIN, .version_max = MESSAGE_VERSION_MAX};
    io_entropy(transport->io, inbound->nonce, sizeof inbound->nonce);
    memcpy(challenge.nonce, inbound->nonce, sizeof challenge.nonce);
    enum status status = frame_encode_challenge(&inbound->out, &challenge);
    if (status == STATUS_OK)
        status = receiver_receive(transport->io, &inbound->receiver, inbound->socket, inbound_received, inbound);
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
    inbound->deadline_ns = io_now_ns(transport->io) + HANDSHAKE_NS;
    list_push_back(&transport->inbounds, &inbound->link);
    transport->inbound_count++;
    if (greet(inbound)) inbound_break(inbound);
}

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
    if (!transport->closing) inbound_start_accept(transport);
}

void inbound_start_accept(struct transport *transport) {
    transport->accept =
        (struct io_op){.kind = IO_OP_ACCEPT, .socket = transport->listener, .done = accepted, .context = transport};
    transport->accepting = true;
    transport->accept_retry_ns = 0;
    io_submit(transport->io, &transport->accept);
}

void inbound_sweep(struct transport *transport, uint64_t now_ns) {
    struct list *next = NULL;
    for (struct list *link = transport->inbounds.next; link != &transport->inbounds; link = next) {
        next = link->next;
        struct inbound *inbound = list_entry(link, struct inbound, link);
        if (!inbound->peer && now_ns >= inbound->deadline_ns) inbound_break(inbound);
        if (inbound->doomed && !inbound->sending && !inbound->receiver.busy) inbound_free(inbound);
    }
}
