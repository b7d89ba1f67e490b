/*
 * net_sim: connections as two streams of segments, each in transit in order.
 *
 * Invariant: what waits in a stream's transit is delivered in order of arrival time, one event for its head. A cut link
 * or a dead host holds the head, and with it all behind it, and tries again, as TCP does. A connection lives until both
 * programs have let go of their end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "tools/sim/net_private.h"
#include "tools/sim/sim_alloc.h"

enum {
    WINDOW_BYTES = 512 * 1024,
    RETRY_NS = 200000000,    /* a lost segment is sent again */
    CONNECT_TRIES_MAX = 300, /* then TIMED_OUT */
    FRAME_BYTES_MAX = 1 << 26,
    FIRST_PORT = 40000,
    PPM = 1000000,
};

/* ---- Links ------------------------------------------------------------------------------------------------------- */

void net_init(struct net *net, uint64_t seed) {
    net->seed = seed;
    list_init(&net->places);
    list_init(&net->connections);
    list_init(&net->sockets);
    net->next_port = FIRST_PORT;
    for (int from = 0; from < SIM_NET_NODES; from++) {
        for (int to = 0; to < SIM_NET_NODES; to++)
            net->links[from][to] = (struct sim_link){.latency_us = 50, .jitter_us = 100};
    }
}

void sim_net_set_link(struct sim *sim, int from, int to, const struct sim_link *link) {
    sim->net.links[from][to] = *link;
}

void sim_net_get_link(const struct sim *sim, int from, int to, struct sim_link *link) {
    *link = sim->net.links[from][to];
}

void sim_net_set_filter(struct sim *sim, sim_net_filter *filter, void *context) {
    sim->net.filter = filter;
    sim->net.filter_context = context;
}

void sim_net_stats(const struct sim *sim, struct sim_net_stats *stats) {
    *stats = sim->net.stats;
}

static struct prng *prng_of(struct net *net, int from, int to) {
    static const struct prng unasked;
    struct prng *prng = &net->prngs[from][to];
    if (memcmp(prng, &unasked, sizeof unasked) == 0)
        prng_init(prng, hash_mix(hash_mix(net->seed, 0x6e6574U), (uint64_t)from << 8 | (uint64_t)to));
    return prng;
}

/* As many numbers for each, whatever the link is like. */
static uint64_t draw_latency(struct net *net, int from, int to) {
    const struct sim_link *link = &net->links[from][to];
    struct prng *prng = prng_of(net, from, to);
    uint64_t us = link->latency_us + prng_below(prng, (uint64_t)link->jitter_us + 1);
    if (prng_below(prng, 128) == 0) us += 10 * (uint64_t)link->jitter_us;
    uint64_t ns = us * 1000 + prng_below(prng, 1000);
    if (prng_below(prng, PPM) < link->stall_ppm) {
        net->stats.stalls++;
        ns += RETRY_NS;
    }
    return ns;
}

static bool machine_is_up(struct sim *sim, int node) {
    for (struct list *link = sim->ios.next; link != &sim->ios; link = link->next) {
        const struct io_sim *io = list_entry(link, struct io_sim, link);
        if (io->node == node && io_sim_is_on(io)) return true;
    }
    return false;
}

/* ---- Segments ---------------------------------------------------------------------------------------------------- */

void net_plan_arrival(struct end *end) {
    if (list_is_empty(&end->transit)) return;
    const struct segment *head = list_entry(end->transit.next, struct segment, link);
    sim_schedule(net_sim_of(end), &end->arrival, head->arrives_ns);
}

void net_transit_insert(struct end *end, struct segment *segment) {
    struct list *at = end->transit.prev;
    while (at != &end->transit && list_entry(at, struct segment, link)->arrives_ns > segment->arrives_ns) at = at->prev;
    list_insert_before(at->next, &segment->link);
    if (end->transit.next == &segment->link) net_plan_arrival(end);
}

static struct segment *send_segment(struct end *to, enum segment_kind kind, const uint8_t *bytes, size_t size,
                                    uint64_t delay_ns) {
    struct sim *sim = net_sim_of(to);
    const struct io_sim *sender = to->peer->socket.io;
    uint64_t now = sender != NULL ? io_sim_time(sender) : sim->now_ns;
    uint64_t arrives = now + draw_latency(&sim->net, to->peer->node, to->node);
    if (arrives < to->last_arrival_ns) arrives = to->last_arrival_ns;
    if (delay_ns == 0) to->last_arrival_ns = arrives;
    struct segment *segment = sim_alloc_dirty(sizeof *segment + size);
    *segment = (struct segment){.arrives_ns = arrives + delay_ns, .kind = kind, .sent_ns = now, .size = size};
    if (delay_ns > 0) segment->marks = RECORD_DELAYED;
    if (size > 0) memcpy(segment->bytes, bytes, size);
    to->window_used += size;
    segment->number = ++sim->net.stats.segments;
    sim->net.stats.bytes += size;
    net_transit_insert(to, segment);
    return segment;
}

static void segments_clear(struct list *segments) {
    struct list *link;
    while ((link = list_pop_front(segments)) != NULL) sim_free(list_entry(link, struct segment, link));
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

static void frame_reserve(struct end *from, size_t more) {
    if (from->frame_size + more <= from->frame_capacity) return;
    size_t grown = (from->frame_size + more) * 2;
    from->frame = sim_grow(from->frame, from->frame_capacity, grown);
    from->frame_capacity = grown;
}

static void send_frame(struct end *from, const uint8_t *bytes, size_t size) {
    struct net *net = &net_sim_of(from)->net;
    struct sim_frame frame = {.from = from->node,
                              .to = from->peer->node,
                              .number = from->frames++,
                              .bytes = slice_make(bytes, size),
                              .delay_ns = 0};
    enum sim_frame_fate fate = net->filter != NULL ? net->filter(net->filter_context, &frame) : SIM_FRAME_PASS;
    if (fate == SIM_FRAME_DROP) {
        net->stats.frames_dropped++;
        net_record_dropped(from, &frame);
        return;
    }
    if (frame.delay_ns > 0) net->stats.frames_delayed++;
    (void)send_segment(from->peer, SEGMENT_DATA, bytes, size, frame.delay_ns);
    if (fate != SIM_FRAME_REPEAT) return;
    net->stats.frames_repeated++;
    send_segment(from->peer, SEGMENT_DATA, bytes, size, frame.delay_ns)->marks |= RECORD_REPEATED;
}

/* Collects what the program sends until frames are whole. */
static void send_framed(struct end *from, const uint8_t *bytes, size_t size) {
    frame_reserve(from, size);
    memcpy(from->frame + from->frame_size, bytes, size);
    from->frame_size += size;
    size_t at = 0;
    while (from->frame_size - at >= 4) {
        size_t whole = (size_t)coding_get_u32(from->frame + at) + 4;
        check(whole <= FRAME_BYTES_MAX); /* else the connection does not carry frames */
        if (from->frame_size - at < whole) break;
        send_frame(from, from->frame + at, whole);
        at += whole;
    }
    from->frame_size -= at;
    memmove(from->frame, from->frame + at, from->frame_size);
}

/* ---- Ends of connections ----------------------------------------------------------------------------------------- */

static void finish_all(struct list *waiting, enum status status) {
    struct list *link;
    while ((link = list_pop_front(waiting)) != NULL) flight_finish(list_entry(link, struct flight, wait), status);
}

static void head_arrives(struct sim_event *event);

static void end_init(struct connection *connection, int which, struct io_sim *io) {
    struct end *end = &connection->ends[which];
    end->socket = (struct socket_sim){.base = {.io = &io->base}, .io = io};
    end->connection = connection;
    end->peer = &connection->ends[1 - which];
    end->node = io->node;
    end->home = io;
    end->is_held = end->is_open = true;
    end->arrival.fire = head_arrives;
    end->arrival.context = end;
    list_init(&end->transit);
    list_init(&end->arrived);
    list_init(&end->receives);
    list_init(&end->sends);
}

static void end_clear(struct end *end) {
    sim_unschedule(net_sim_of(end), &end->arrival);
    net_record_transit(end, RECORD_LOST);
    segments_clear(&end->transit);
    segments_clear(&end->arrived);
}

/* The program knows it no longer. */
static void end_release(struct end *end) {
    struct connection *connection = end->connection;
    end->is_held = false;
    if (end->peer->is_held) return;
    for (int i = 0; i < 2; i++) {
        end_clear(&connection->ends[i]);
        sim_free(connection->ends[i].frame);
    }
    list_remove(&connection->link);
    sim_free(connection);
}

static void end_reset(struct end *end) {
    if (end->is_reset) return;
    end->is_reset = true;
    net_sim_of(end)->net.stats.resets++;
    sim_note(net_sim_of(end), end->node, "reset by", (uint64_t)end->peer->node, 0);
    end_clear(end);
    finish_all(&end->receives, STATUS_CLOSED);
    finish_all(&end->sends, STATUS_CLOSED);
}

/* Its program closes it, or dies. */
static void end_let_go(struct end *end, bool is_silent) {
    if (!end->is_open) return;
    bool is_abrupt = !list_is_empty(&end->arrived) || !list_is_empty(&end->sends);
    end->is_open = false;
    end->is_silent = is_silent;
    finish_all(&end->receives, STATUS_CLOSED);
    finish_all(&end->sends, STATUS_CLOSED);
    if (!is_silent) end_clear(end);
    if (!is_silent && end->peer->is_open && !end->is_reset) {
        (void)send_segment(end->peer, is_abrupt ? SEGMENT_RESET : SEGMENT_END, NULL, 0, 0);
    }
    end->socket.io = NULL;
}

static void end_close(struct end *end) {
    end_let_go(end, false);
    end_release(end);
}

/* ---- Receiving --------------------------------------------------------------------------------------------------- */

void net_pump_sends(struct end *from);

/* As much as fits, at times less, as a network does. */
static size_t take_arrived(struct end *end, uint8_t *to, size_t size) {
    struct prng *prng = prng_of(&net_sim_of(end)->net, end->peer->node, end->node);
    size_t done = 0;
    if (size > 1 && prng_below(prng, 16) == 0) size = 1 + (size_t)prng_below(prng, size);
    while (done < size && !list_is_empty(&end->arrived)) {
        struct segment *segment = list_entry(end->arrived.next, struct segment, link);
        size_t part = segment->size - segment->read < size - done ? segment->size - segment->read : size - done;
        memcpy(to + done, segment->bytes + segment->read, part);
        done += part;
        segment->read += part;
        if (segment->read < segment->size) continue;
        list_remove(&segment->link);
        sim_free(segment);
    }
    end->window_used -= done;
    return done;
}

static void pump_receives(struct end *end) {
    while (!list_is_empty(&end->receives)) {
        struct flight *flight = list_entry(end->receives.next, struct flight, wait);
        bool has_bytes = !list_is_empty(&end->arrived);
        if (!has_bytes && !end->has_ended && !end->is_reset) return;
        list_remove(&flight->wait);
        if (has_bytes) flight->op->bytes = take_arrived(end, flight->op->data, flight->op->size);
        flight_finish(flight, has_bytes ? STATUS_OK : STATUS_CLOSED);
    }
    if (end->peer->is_open) net_pump_sends(end->peer);
}

static void arrive(struct end *end, struct segment *segment) {
    struct sim *sim = net_sim_of(end);
    sim_note(sim, end->node, "arrives", (uint64_t)end->peer->node,
             (uint64_t)segment->size << 2 | (uint64_t)segment->kind);
    net_record_frame(end, segment, end->is_reset ? RECORD_LOST : RECORD_ARRIVED);
    if (segment->kind == SEGMENT_DATA && !end->is_reset) {
        list_push_back(&end->arrived, &segment->link);
        return;
    }
    bool is_reset = segment->kind == SEGMENT_RESET;
    sim_free(segment);
    end->has_ended = true;
    if (is_reset) end_reset(end);
}

/* Nobody is there: if the host is up it says so. */
static void arrive_nowhere(struct end *end, struct segment *segment) {
    bool is_data = segment->kind == SEGMENT_DATA;
    net_record_frame(end, segment, RECORD_LOST);
    sim_free(segment);
    if (is_data && end->peer->is_open) (void)send_segment(end->peer, SEGMENT_RESET, NULL, 0, 0);
}

static bool is_held(struct end *end) {
    struct sim *sim = net_sim_of(end);
    return sim->net.links[end->peer->node][end->node].is_cut || (end->is_silent && !machine_is_up(sim, end->node));
}

static void head_arrives(struct sim_event *event) {
    struct end *end = event->context;
    struct sim *sim = net_sim_of(end);
    if (is_held(end)) {
        sim_schedule(sim, event,
                     sim->now_ns + RETRY_NS / 2 + prng_below(prng_of(&sim->net, end->peer->node, end->node), RETRY_NS));
        return;
    }
    while (!list_is_empty(&end->transit)) {
        struct segment *segment = list_entry(end->transit.next, struct segment, link);
        if (segment->arrives_ns > sim->now_ns) break;
        list_remove(&segment->link);
        if (end->is_open) {
            arrive(end, segment);
        } else {
            arrive_nowhere(end, segment);
        }
    }
    net_plan_arrival(end);
    if (end->is_open) pump_receives(end);
}

/* ---- Sending ----------------------------------------------------------------------------------------------------- */

void net_pump_sends(struct end *from) {
    struct end *to = from->peer;
    while (!list_is_empty(&from->sends)) {
        struct flight *flight = list_entry(from->sends.next, struct flight, wait);
        struct io_op *op = flight->op;
        if (to->window_used >= WINDOW_BYTES) return;
        size_t room = WINDOW_BYTES - to->window_used;
        size_t part = op->size - flight->sent < room ? op->size - flight->sent : room;
        const uint8_t *bytes = (const uint8_t *)op->data + flight->sent;
        flight->sent += part;
        if (from->connection->is_framed) {
            send_framed(from, bytes, part);
        } else {
            (void)send_segment(to, SEGMENT_DATA, bytes, part, 0);
        }
        if (flight->sent < op->size) continue;
        list_remove(&flight->wait);
        flight_finish(flight, STATUS_OK);
    }
}

/* ---- Connecting -------------------------------------------------------------------------------------------------- */

static struct place *find_place(struct net *net, const char *address) {
    for (struct list *link = net->places.next; link != &net->places; link = link->next) {
        struct place *place = list_entry(link, struct place, link);
        if (strcmp(place->address, address) == 0) return place;
    }
    return NULL;
}

static struct place *make_place(struct net *net, const char *address) {
    struct place *place = find_place(net, address);
    if (place != NULL) return place;
    place = sim_alloc(sizeof *place);
    snprintf(place->address, sizeof place->address, "%s", address);
    place->node = SIM_NOBODY;
    list_push_back(&net->places, &place->link);
    return place;
}

void sim_net_frame_address(struct sim *sim, const char *address) {
    make_place(&sim->net, address)->is_framed = true;
}

static void offer(struct listener *listener) {
    while (!list_is_empty(&listener->accepts) && !list_is_empty(&listener->backlog)) {
        struct flight *flight = list_entry(list_pop_front(&listener->accepts), struct flight, wait);
        struct pending *pending = list_entry(list_pop_front(&listener->backlog), struct pending, link);
        flight->op->accepted = &pending->end->socket.base;
        sim_free(pending);
        flight_finish(flight, STATUS_OK);
    }
}

static struct connection *connection_create(struct io_sim *client, struct listener *listener) {
    struct sim *sim = client->sim;
    struct connection *connection = sim_alloc(sizeof *connection);
    connection->sim = sim;
    connection->is_framed = listener->place->is_framed;
    end_init(connection, 0, client);
    end_init(connection, 1, listener->home);
    snprintf(connection->ends[0].address, IO_ADDRESS_BYTES, "127.0.0.1:%" PRIu64, sim->net.next_port++);
    snprintf(connection->ends[1].address, IO_ADDRESS_BYTES, "%s", listener->place->address);
    list_push_back(&sim->net.connections, &connection->link);
    sim->net.stats.connections++;
    return connection;
}

static void connect_again(struct flight *flight) {
    struct sim *sim = flight->io->sim;
    if (++flight->sent > CONNECT_TRIES_MAX) {
        flight_finish(flight, STATUS_TIMED_OUT);
        return;
    }
    sim_schedule(sim, &flight->event,
                 sim->now_ns + RETRY_NS / 2 +
                     prng_below(prng_of(&sim->net, flight->io->node, flight->io->node), RETRY_NS));
}

/* The answer has come back. */
static void connect_ends(struct sim_event *event) {
    struct flight *flight = event->context;
    struct sim *sim = flight->io->sim;
    struct connection *connection = flight->connection;
    if (!io_sim_alive(flight->io)) {
        net_forget(flight);
        flight_finish(flight, STATUS_CLOSED);
        return;
    }
    if (sim->net.links[connection->ends[1].node][connection->ends[0].node].is_cut) {
        connect_again(flight);
        return;
    }
    flight->connection = NULL;
    flight->op->accepted = &connection->ends[0].socket.base;
    sim_note(sim, flight->io->node, "connected to", (uint64_t)connection->ends[1].node, 0);
    flight_finish(flight, STATUS_OK);
}

/* The request has reached the other host. */
static void connect_reaches(struct sim_event *event) {
    struct flight *flight = event->context;
    struct sim *sim = flight->io->sim;
    const struct place *place = find_place(&sim->net, flight->op->address);
    int node = place != NULL && place->node >= 0 ? place->node : flight->io->node;
    if (sim->net.links[flight->io->node][node].is_cut ||
        (place != NULL && place->is_silent && !machine_is_up(sim, node))) {
        connect_again(flight);
        return;
    }
    if (place == NULL || place->listener == NULL || !io_sim_alive(flight->io)) {
        flight_finish(flight, STATUS_CLOSED);
        return;
    }
    struct pending *pending = sim_alloc(sizeof *pending);
    flight->connection = connection_create(flight->io, place->listener);
    pending->end = &flight->connection->ends[1];
    list_push_back(&place->listener->backlog, &pending->link);
    event->fire = connect_ends;
    sim_schedule(sim, event, sim->now_ns + draw_latency(&sim->net, node, flight->io->node));
    offer(place->listener);
}

static void start_connect(struct flight *flight) {
    struct sim *sim = flight->io->sim;
    const struct place *place = find_place(&sim->net, flight->op->address);
    int node = place != NULL && place->node >= 0 ? place->node : flight->io->node;
    flight->event.fire = connect_reaches;
    sim_schedule(sim, &flight->event, io_sim_time(flight->io) + draw_latency(&sim->net, flight->io->node, node));
}

/* Numeric: "127.0.0.1:7001" or "[::1]:7001". */
static bool address_is_valid(const char *address) {
    const char *colon = strrchr(address, ':');
    size_t host = colon != NULL ? (size_t)(colon - address) : 0;
    if (host == 0 || strlen(address) >= IO_ADDRESS_BYTES) return false;
    bool is_v6 = address[0] == '[' && address[host - 1] == ']';
    if (address[0] == '[' && !is_v6) return false;
    if (strspn(address, is_v6 ? "[]:.0123456789abcdefABCDEF" : ".0123456789") < host) return false;
    size_t digits = strspn(colon + 1, "0123456789");
    return digits > 0 && digits <= 5 && colon[1 + digits] == '\0' && strtoul(colon + 1, NULL, 10) <= UINT16_MAX;
}

/* ---- What io_sim calls ------------------------------------------------------------------------------------------- */

static struct listener *listener_of(struct io_socket *socket) {
    return (struct listener *)(void *)socket;
}

static struct end *end_of(struct io_socket *socket) {
    return (struct end *)(void *)socket;
}

static void start_stream(struct flight *flight, struct end *end) {
    bool is_receive = flight->op->kind == IO_OP_RECEIVE;
    list_push_back(is_receive ? &end->receives : &end->sends, &flight->wait);
    if (!end->is_open || end->is_reset) {
        finish_all(is_receive ? &end->receives : &end->sends, STATUS_CLOSED);
    } else if (is_receive) {
        pump_receives(end);
    } else {
        net_pump_sends(end);
    }
}

void net_start(struct flight *flight) {
    if (!io_sim_alive(flight->io)) {
        flight_finish(flight, STATUS_CLOSED);
    } else if (flight->op->kind == IO_OP_CONNECT && !address_is_valid(flight->op->address)) {
        flight_finish(flight, STATUS_INVALID);
    } else if (flight->op->kind == IO_OP_CONNECT) {
        start_connect(flight);
    } else if (flight->op->kind == IO_OP_ACCEPT) {
        list_push_back(&listener_of(flight->op->socket)->accepts, &flight->wait);
        offer(listener_of(flight->op->socket));
    } else {
        start_stream(flight, end_of(flight->op->socket));
    }
}

bool net_holds(const struct flight *flight) {
    return !list_is_empty(&flight->wait) || sim_is_scheduled(&flight->event);
}

void net_forget(struct flight *flight) {
    list_remove(&flight->wait);
    sim_unschedule(flight->io->sim, &flight->event);
    if (flight->connection != NULL) end_close(&flight->connection->ends[0]);
    flight->connection = NULL;
}

static struct listener *listener_create(struct io_sim *io, struct place *place) {
    struct listener *listener = sim_alloc(sizeof *listener);
    listener->socket = (struct socket_sim){.base = {.io = &io->base}, .is_listener = true, .io = io};
    listener->home = io;
    listener->place = place;
    list_push_back(&io->sim->net.sockets, &listener->link);
    list_init(&listener->backlog);
    list_init(&listener->accepts);
    place->listener = listener;
    place->node = io->node;
    place->is_silent = false;
    return listener;
}

enum status net_listen(struct io *base, const char *address, struct io_socket **socket, struct error *error) {
    struct io_sim *io = io_sim_of(base);
    char wanted[IO_ADDRESS_BYTES];
    if (!io_sim_alive(io)) return error_set(error, STATUS_IO, "%s: the machine is off", address);
    if (!address_is_valid(address)) return error_set(error, STATUS_INVALID, "%s: not a numeric host:port", address);
    snprintf(wanted, sizeof wanted, "%s", address);
    char *port = strrchr(wanted, ':') + 1;
    if (strcmp(port, "0") == 0) {
        snprintf(port, sizeof wanted - (size_t)(port - wanted), "%" PRIu64, io->sim->net.next_port++);
    }
    struct place *place = make_place(&io->sim->net, wanted);
    if (place->listener != NULL) return error_set(error, STATUS_BUSY, "%s: address in use", address);
    *socket = &listener_create(io, place)->socket.base;
    return STATUS_OK;
}

/* Nobody listens any more; who waited to be accepted is turned away. */
static void listener_end(struct listener *listener, bool is_silent) {
    struct list *link;
    if (listener->place != NULL) {
        listener->place->listener = NULL;
        listener->place->is_silent = is_silent;
    }
    listener->place = NULL;
    listener->socket.io = NULL;
    finish_all(&listener->accepts, STATUS_CLOSED);
    while ((link = list_pop_front(&listener->backlog)) != NULL) {
        struct pending *pending = list_entry(link, struct pending, link);
        end_let_go(pending->end, is_silent);
        end_release(pending->end);
        sim_free(pending);
    }
}

static void listener_close(struct listener *listener) {
    listener_end(listener, false);
    list_remove(&listener->link);
    sim_free(listener);
}

void net_close(struct io_socket *socket) {
    if (((struct socket_sim *)(void *)socket)->is_listener) {
        listener_close(listener_of(socket));
    } else {
        end_close(end_of(socket));
    }
}

void net_end_machine(struct io_sim *io, bool is_silent) {
    struct net *net = &io->sim->net;
    for (struct list *link = net->sockets.next; link != &net->sockets; link = link->next) {
        struct listener *listener = list_entry(link, struct listener, link);
        if (listener->home == io) listener_end(listener, is_silent);
    }
    for (struct list *link = net->connections.next, *next; link != &net->connections; link = next) {
        next = link->next;
        struct connection *connection = list_entry(link, struct connection, link);
        for (int i = 0; i < 2; i++) {
            if (connection->ends[i].socket.io == io) end_let_go(&connection->ends[i], is_silent);
        }
    }
}

void net_forget_machine(struct io_sim *io) {
    struct net *net = &io->sim->net;
    for (struct list *link = net->sockets.next, *next; link != &net->sockets; link = next) {
        next = link->next;
        struct listener *listener = list_entry(link, struct listener, link);
        if (listener->home == io) listener_close(listener);
    }
    for (struct list *link = net->connections.next, *next; link != &net->connections; link = next) {
        next = link->next;
        struct connection *connection = list_entry(link, struct connection, link);
        bool is_ours[2];
        for (int i = 0; i < 2; i++) is_ours[i] = connection->ends[i].home == io && connection->ends[i].is_held;
        if (is_ours[0] && is_ours[1]) end_close(&connection->ends[0]);
        if (is_ours[0] || is_ours[1]) end_close(&connection->ends[is_ours[1] ? 1 : 0]);
    }
}

size_t sim_net_reset(struct sim *sim, int a, int b) {
    size_t count = 0;
    for (struct list *link = sim->net.connections.next; link != &sim->net.connections; link = link->next) {
        struct connection *connection = list_entry(link, struct connection, link);
        int from = connection->ends[0].node;
        int to = connection->ends[1].node;
        if (!((from == a && to == b) || (from == b && to == a))) continue;
        for (int i = 0; i < 2; i++) {
            if (connection->ends[i].is_open) end_reset(&connection->ends[i]);
        }
        count++;
    }
    return count;
}

void net_local(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]) {
    const struct socket_sim *base = (const struct socket_sim *)(const void *)socket;
    const struct place *place = base->is_listener ? ((const struct listener *)(const void *)socket)->place : NULL;
    const char *text = "";
    if (base->is_listener) {
        if (place != NULL) text = place->address;
    } else {
        text = ((const struct end *)(const void *)socket)->address;
    }
    snprintf(address, IO_ADDRESS_BYTES, "%s", text);
}

void net_remote(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]) {
    const struct socket_sim *base = (const struct socket_sim *)(const void *)socket;
    snprintf(address, IO_ADDRESS_BYTES, "%s",
             base->is_listener ? "" : ((const struct end *)(const void *)socket)->peer->address);
}

void net_deinit(struct net *net) {
    struct list *link;
    while ((link = list_pop_front(&net->places)) != NULL) sim_free(list_entry(link, struct place, link));
    check(list_is_empty(&net->connections));
}
