/* transport: opening, turning, closing; see raft/transport.h. */
#include <stdlib.h>

#include "raft/transport/transport_internal.h"

enum {
    DEFAULT_MESSAGE_BYTES = 16 << 20,
    DEFAULT_QUEUE_BYTES = 32 << 20,
    DEFAULT_REDIAL_MS = 50,
    CLOSE_ROUNDS = 200,
    CLOSE_ROUND_NS = 10 * 1000 * 1000,
};

static void free_transport(struct transport *transport) {
    while (!list_is_empty(&transport->inbounds))
        inbound_free(list_entry(transport->inbounds.next, struct inbound, link));
    for (size_t i = 0; i < transport->peer_count; i++) {
        outbound_free(transport->peers[i]);
    }
    io_socket_close(transport->listener);
    free(transport);
}

/* ---- Members ---- */

static const struct raft_member *find_member(const struct raft_member *members, size_t count, uint64_t id) {
    for (size_t i = 0; i < count; i++)
        if (members[i].id == id) return &members[i];
    return NULL;
}

/* What it said is no member's word any more. */
static void part_with(struct outbound *peer) {
    struct transport *transport = peer->transport;
    peer->gone = true;
    for (struct list *link = transport->inbounds.next; link != &transport->inbounds; link = link->next) {
        struct inbound *inbound = list_entry(link, struct inbound, link);
        if (inbound->peer != peer) continue;
        inbound->peer = NULL;
        inbound_break(inbound);
    }
    outbound_break(peer, "it is no member any more");
}

static void follow(struct outbound *peer, const struct raft_member *member) {
    const bool moved = strcmp(peer->member.peer_address, member->peer_address) != 0;
    if (moved) outbound_break(peer, "it has another address");
    peer->member = *member;
}

static bool has_room(const struct transport *transport) {
    return transport->peer_count < sizeof transport->peers / sizeof *transport->peers;
}

enum status transport_add_peer(struct transport *transport, const struct raft_member *member) {
    struct outbound *peer = has_room(transport) ? calloc(1, sizeof *peer) : NULL;
    if (!peer) return STATUS_NO_MEMORY;
    peer->transport = transport;
    peer->member = *member;
    transport->peers[transport->peer_count++] = peer;
    return STATUS_OK;
}

enum status transport_set_members(struct transport *transport, const struct raft_member *members, size_t member_count) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < transport->peer_count; i++) {
        struct outbound *peer = transport->peers[i];
        if (peer->gone) continue;
        const struct raft_member *member = find_member(members, member_count, peer->member.id);
        if (member)
            follow(peer, member);
        else
            part_with(peer);
    }
    for (size_t i = 0; status == STATUS_OK && i < member_count; i++) {
        const bool own = members[i].id == transport->options.identity.node_id;
        if (!own && !outbound_find(transport, members[i].id)) status = transport_add_peer(transport, &members[i]);
    }
    return status;
}

static void forget_the_gone(struct transport *transport) {
    size_t kept = 0;
    for (size_t i = 0; i < transport->peer_count; i++) {
        struct outbound *peer = transport->peers[i];
        if (peer->gone && peer->state == DIAL_IDLE)
            outbound_free(peer);
        else
            transport->peers[kept++] = peer;
    }
    transport->peer_count = kept;
}

/* ---- Life ---- */

/* "127.0.0.1:0": no peer could know where that is. */
static bool has_port(const char *address) {
    const char *colon = address ? strrchr(address, ':') : NULL;
    return colon && strcmp(colon, ":0") != 0;
}

enum status transport_open(struct io *io, const struct transport_options *options, struct transport **transport,
                           struct error *error) {
    struct transport *made = calloc(1, sizeof *made);
    if (!made) return error_set(error, STATUS_NO_MEMORY, "transport: out of memory");
    made->io = io;
    made->options = *options;
    if (!made->options.message_limit_bytes) made->options.message_limit_bytes = DEFAULT_MESSAGE_BYTES;
    if (!made->options.queue_limit_bytes) made->options.queue_limit_bytes = DEFAULT_QUEUE_BYTES;
    if (!made->options.redial_ms) made->options.redial_ms = DEFAULT_REDIAL_MS;
    list_init(&made->inbounds);
    made->options.members = NULL;
    enum status status = transport_set_members(made, options->members, options->member_count);
    if (status) error_set(error, status, "transport: %s", status_text(status));
    if (status == STATUS_OK && (made->peer_count || has_port(options->listen)))
        status = io_listen(io, options->listen, &made->listener, error);
    if (status) {
        free_transport(made);
        return status;
    }
    if (made->listener) inbound_start_accept(made);
    *transport = made;
    return STATUS_OK;
}

/* Nothing is in flight any more. */
static bool is_at_rest(const struct transport *transport) {
    for (size_t i = 0; i < transport->peer_count; i++)
        if (transport->peers[i]->state != DIAL_IDLE) return false;
    return !transport->accepting && list_is_empty(&transport->inbounds);
}

void transport_close(struct transport *transport) {
    if (!transport) return;
    transport->closing = true;
    if (transport->accepting) io_cancel(transport->io, &transport->accept);
    for (size_t i = 0; i < transport->peer_count; i++) outbound_break(transport->peers[i], "closing");
    for (struct list *link = transport->inbounds.next; link != &transport->inbounds; link = link->next)
        inbound_break(list_entry(link, struct inbound, link));
    /* An io that is dead (a simulated power cut) delivers nothing, and nothing can arrive any more. */
    for (int i = 0; i < CLOSE_ROUNDS; i++) {
        inbound_sweep(transport, 0);
        if (is_at_rest(transport)) break;
        (void)io_run(transport->io, io_now_ns(transport->io) + CLOSE_ROUND_NS);
    }
    free_transport(transport);
}

uint64_t transport_turn(struct transport *transport) {
    uint64_t now_ns = io_now_ns(transport->io), next_ns = UINT64_MAX;
    if (transport->accept_retry_ns && now_ns >= transport->accept_retry_ns) inbound_start_accept(transport);
    if (transport->accept_retry_ns && transport->accept_retry_ns < next_ns) next_ns = transport->accept_retry_ns;
    forget_the_gone(transport);
    for (size_t i = 0; i < transport->peer_count; i++) {
        struct outbound *peer = transport->peers[i];
        if (peer->gone) continue;
        bool handshakes = peer->state > DIAL_IDLE && peer->state < DIAL_UP;
        if (handshakes && now_ns >= peer->handshake_deadline_ns) outbound_break(peer, "no handshake in time");
        if (peer->state == DIAL_IDLE && now_ns >= peer->redial_ns) outbound_dial(peer);
        outbound_flush(peer);
        uint64_t wake_ns = peer->state == DIAL_IDLE ? peer->redial_ns : peer->handshake_deadline_ns;
        if (peer->state != DIAL_UP && peer->state != DIAL_BREAKING && wake_ns < next_ns) next_ns = wake_ns;
    }
    inbound_sweep(transport, now_ns);
    return next_ns;
}

bool transport_is_up(const struct transport *transport, uint64_t id) {
    const struct outbound *peer = outbound_find(transport, id);
    return peer && peer->state == DIAL_UP;
}

size_t transport_queued(const struct transport *transport, uint64_t id, enum transport_lane lane) {
    const struct outbound *peer = outbound_find(transport, id);
    return peer ? peer->lanes[lane].frames.size : 0;
}

enum status transport_set_link(struct transport *transport, uint64_t id, bool drop_in, bool drop_out) {
    struct outbound *peer = outbound_find(transport, id);
    if (!peer) return STATUS_NOT_FOUND;
    peer->drop_in = drop_in;
    peer->drop_out = drop_out;
    return STATUS_OK;
}

void transport_get_stats(const struct transport *transport, struct transport_stats *stats) {
    *stats = transport->stats;
}
