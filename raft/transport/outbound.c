/* outbound: our connection to a peer: dialing, the handshake's near end, sending by lanes. */
#include <stdlib.h>

#include "raft/message/message_codec.h"
#include "raft/transport/transport_internal.h"

enum {
    REDIAL_DOUBLINGS = 4,
    SEND_BYTES = 512 << 10, /* of one send operation, about: what comes later can overtake the rest */
};

struct outbound *outbound_find(const struct transport *transport, uint64_t id) {
    for (size_t i = 0; i < transport->peer_count; i++)
        if (transport->peers[i]->member.id == id && !transport->peers[i]->gone) return transport->peers[i];
    return NULL;
}

void outbound_free(struct outbound *peer) {
    io_socket_close(peer->socket);
    for (int lane = 0; lane < TRANSPORT_LANES; lane++) buf_deinit(&peer->lanes[lane].frames);
    buf_deinit(&peer->control);
    buf_deinit(&peer->leaving);
    buf_deinit(&peer->receiver.in);
    free(peer);
}

/* ---- dialing and the handshake's near end ---- */

static void rest_outbound(struct outbound *peer) {
    if (peer->connecting || peer->sending || peer->receiver.busy) return;
    io_socket_close(peer->socket);
    peer->socket = NULL;
    peer->state = DIAL_IDLE;
}

void outbound_break(struct outbound *peer, const char *why) {
    struct transport *transport = peer->transport;
    if (peer->state == DIAL_IDLE || peer->state == DIAL_BREAKING) return;
    bool was_up = peer->state == DIAL_UP;
    if (was_up) transport->stats.broken_links++;
    if (!peer->failure_told && !transport->closing)
        log_info(transport->options.log, "link to node %llu at %s: %s; trying again",
                 (unsigned long long)peer->member.id, peer->member.peer_address, why);
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
    if (was_up && !transport->closing) transport->options.on_link(transport->options.context, peer->member.id, false);
    rest_outbound(peer);
}

static enum status send_hello(struct outbound *peer, const struct frame_challenge *challenge) {
    struct transport *transport = peer->transport;
    io_entropy(transport->io, peer->nonce, sizeof peer->nonce);
    struct frame_hello hello = {.version_min = MESSAGE_VERSION_MIN,
                                .version_max = MESSAGE_VERSION_MAX,
                                .from = transport->options.identity,
                                .to = peer->member.id,
                                .members_hash = transport->options.members_hash};
    memcpy(hello.nonce, peer->nonce, sizeof hello.nonce);
    memcpy(hello.peer_address, transport->options.self.peer_address, sizeof hello.peer_address);
    memcpy(hello.client_address, transport->options.self.client_address, sizeof hello.client_address);
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
    if (!same_cluster || welcome.from.node_id != peer->member.id) return STATUS_MISMATCH;
    const struct transport_greeting greeting = {
        .identity = welcome.from, .joined = welcome.members_hash == 0, .member = {.id = welcome.from.node_id}};
    status = transport->options.admit(transport->options.context, &greeting);
    if (status) return status;
    peer->state = DIAL_UP;
    peer->refusals = 0;
    peer->failure_told = false;
    log_info(transport->options.log, "link to node %llu at %s is up", (unsigned long long)peer->member.id,
             peer->member.peer_address);
    transport->options.on_link(transport->options.context, peer->member.id, true);
    return STATUS_OK;
}

static enum status take_refusal(struct outbound *peer, const struct frame *frame) {
    struct slice text;
    if (frame_decode_refusal(frame->payload, &text)) return STATUS_CORRUPT;
    if (!peer->failure_told)
        log_warn(peer->transport->options.log, "node %llu at %s refuses this node: %.*s",
                 (unsigned long long)peer->member.id, peer->member.peer_address, (int)text.size,
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
        status = receiver_take_frames(&peer->receiver, take_outbound_frame, peer);
    }
    if (status == STATUS_OK && peer->state != DIAL_BREAKING)
        status = receiver_receive(peer->transport->io, &peer->receiver, peer->socket, outbound_received, peer);
    if (status) outbound_break(peer, status_text(status));
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
        status = receiver_receive(peer->transport->io, &peer->receiver, peer->socket, outbound_received, peer);
    }
    if (status) outbound_break(peer, status_text(status));
}

void outbound_dial(struct outbound *peer) {
    struct transport *transport = peer->transport;
    peer->state = DIAL_CONNECTING;
    peer->handshake_deadline_ns = io_now_ns(transport->io) + HANDSHAKE_NS;
    memcpy(peer->dialed, peer->member.peer_address, sizeof peer->dialed);
    peer->connect = (struct io_op){.kind = IO_OP_CONNECT, .address = peer->dialed, .done = connected, .context = peer};
    peer->connecting = true;
    io_submit(transport->io, &peer->connect);
}

void outbound_dial_soon(struct outbound *peer) {
    peer->refusals = 0;
    peer->redial_ns = io_now_ns(peer->transport->io);
}

/* ---- sending ---- */

static void outbound_sent(struct io_op *op) {
    struct outbound *peer = op->context;
    peer->sending = false;
    peer->transport->stats.bytes_sent += peer->leaving.size;
    buf_clear(&peer->leaving);
    receiver_trim(&peer->leaving);
    if (peer->state == DIAL_BREAKING) {
        rest_outbound(peer);
        return;
    }
    if (op->status)
        outbound_break(peer, status_text(op->status));
    else
        outbound_flush(peer);
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

static bool has_queued(const struct outbound *peer) {
    size_t queued = peer->control.size + peer->leaving.size;
    for (int lane = 0; lane < TRANSPORT_LANES; lane++) queued += peer->lanes[lane].frames.size;
    return queued > 0;
}

void outbound_flush(struct outbound *peer) {
    if (!has_queued(peer)) return;
    if (peer->sending || peer->state < DIAL_CHALLENGE || peer->state == DIAL_BREAKING) return;
    enum status status = move_frames(&peer->control, &peer->leaving, SEND_BYTES);
    for (int lane = 0; status == STATUS_OK && lane < TRANSPORT_LANES && peer->leaving.size < SEND_BYTES; lane++)
        if (peer->lanes[lane].frames.size)
            status = move_frames(&peer->lanes[lane].frames, &peer->leaving, SEND_BYTES - peer->leaving.size);
    if (status) {
        outbound_break(peer, status_text(status));
        return;
    }
    peer->send = (struct io_op){.kind = IO_OP_SEND,
                                .socket = peer->socket,
                                .data = peer->leaving.data,
                                .size = peer->leaving.size,
                                .done = outbound_sent,
                                .context = peer,
                                .is_quiet = true};
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
    struct outbound *peer = outbound_find(transport, id);
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
