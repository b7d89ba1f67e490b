/*
 * net_transit: what is under way between machines, seen and touched from outside: told to a record, shown and changed
 * by hand. Invariant: nothing here changes a run unless a hand does.
 */
#include <string.h>

#include "tools/sim/net_private.h"
#include "tools/sim/sim_alloc.h"

/* ---- The record -------------------------------------------------------------------------------------------------- */

void net_record_frame(const struct end *to, const struct segment *segment, enum record_fate fate) {
    const struct sim *sim = net_sim_of(to);
    if (sim->record == NULL || !to->connection->is_framed || segment->kind != SEGMENT_DATA) return;
    const struct record_message message = {.from = to->peer->node,
                                           .to = to->node,
                                           .sent_ns = segment->sent_ns,
                                           .ended_ns = segment->sent_ns > sim->now_ns ? segment->sent_ns : sim->now_ns,
                                           .fate = fate,
                                           .marks = segment->marks,
                                           .bytes = slice_make(segment->bytes, segment->size)};
    record_message(sim->record, &message);
}

void net_record_transit(const struct end *to, enum record_fate fate) {
    if (net_sim_of(to)->record == NULL) return;
    for (const struct list *link = to->transit.next; link != &to->transit; link = link->next)
        net_record_frame(to, list_entry(link, struct segment, link), fate);
}

void net_record_dropped(const struct end *from, const struct sim_frame *frame) {
    const struct sim *sim = net_sim_of(from);
    if (sim->record == NULL) return;
    const uint64_t now = from->socket.io != NULL ? io_sim_time(from->socket.io) : sim->now_ns;
    const struct record_message message = {.from = frame->from,
                                           .to = frame->to,
                                           .sent_ns = now,
                                           .ended_ns = now,
                                           .fate = RECORD_DROPPED,
                                           .bytes = frame->bytes};
    record_message(sim->record, &message);
}

void sim_net_record_transit(struct sim *sim) {
    for (struct list *link = sim->net.connections.next; link != &sim->net.connections; link = link->next) {
        const struct connection *connection = list_entry(link, struct connection, link);
        for (int i = 0; i < 2; i++) net_record_transit(&connection->ends[i], RECORD_UNDER_WAY);
    }
}

/* ---- By hand ----------------------------------------------------------------------------------------------------- */

static void visit_transit(const struct end *to, sim_net_frame_visit *visit, void *context) {
    for (const struct list *link = to->transit.next; link != &to->transit; link = link->next) {
        const struct segment *segment = list_entry(link, struct segment, link);
        if (segment->kind != SEGMENT_DATA) continue;
        const struct sim_frame_sight sight = {.number = segment->number,
                                              .from = to->peer->node,
                                              .to = to->node,
                                              .sent_ns = segment->sent_ns,
                                              .arrives_ns = segment->arrives_ns,
                                              .bytes = slice_make(segment->bytes, segment->size)};
        visit(context, &sight);
    }
}

void sim_net_visit_frames(const struct sim *sim, sim_net_frame_visit *visit, void *context) {
    const struct list *all = &sim->net.connections;
    for (const struct list *link = all->next; link != all; link = link->next) {
        const struct connection *connection = list_entry(link, struct connection, link);
        for (int i = 0; connection->is_framed && i < 2; i++) visit_transit(&connection->ends[i], visit, context);
    }
}

static size_t transit_count(const struct end *to) {
    size_t count = 0;
    for (const struct list *link = to->transit.next; link != &to->transit; link = link->next) count++;
    return count;
}

void sim_net_visit_connections(const struct sim *sim, sim_net_connection_visit *visit, void *context) {
    const struct list *all = &sim->net.connections;
    for (const struct list *link = all->next; link != all; link = link->next) {
        const struct connection *connection = list_entry(link, struct connection, link);
        const struct end *dialer = &connection->ends[0], *listener = &connection->ends[1];
        const struct sim_connection_sight sight = {.from = dialer->node,
                                                   .to = listener->node,
                                                   .is_framed = connection->is_framed,
                                                   .is_open = dialer->is_open && listener->is_open && !dialer->is_reset,
                                                   .segments_out = transit_count(listener),
                                                   .segments_back = transit_count(dialer)};
        visit(context, &sight);
    }
}

static struct segment *find_frame(struct sim *sim, uint64_t number, struct end **to) {
    const struct list *all = &sim->net.connections;
    for (struct list *link = all->next; link != all; link = link->next) {
        struct connection *connection = list_entry(link, struct connection, link);
        for (int i = 0; connection->is_framed && i < 2; i++) {
            *to = &connection->ends[i];
            for (struct list *at = (*to)->transit.next; at != &(*to)->transit; at = at->next) {
                struct segment *segment = list_entry(at, struct segment, link);
                if (segment->number == number && segment->kind == SEGMENT_DATA) return segment;
            }
        }
    }
    return NULL;
}

bool sim_net_drop_frame(struct sim *sim, uint64_t number) {
    struct end *to;
    struct segment *segment = find_frame(sim, number, &to);
    if (segment == NULL) return false;
    net_record_frame(to, segment, RECORD_DROPPED);
    sim->net.stats.frames_dropped++;
    list_remove(&segment->link);
    to->window_used -= segment->size;
    sim_free(segment);
    sim_unschedule(sim, &to->arrival);
    net_plan_arrival(to);
    if (to->peer->is_open) net_pump_sends(to->peer);
    return true;
}

bool sim_net_repeat_frame(struct sim *sim, uint64_t number, uint64_t *copy) {
    struct end *to;
    const struct segment *segment = find_frame(sim, number, &to);
    if (segment == NULL) return false;
    struct segment *again = sim_alloc_dirty(sizeof *again + segment->size);
    memcpy(again, segment, sizeof *again + segment->size);
    again->marks |= RECORD_REPEATED;
    *copy = again->number = ++sim->net.stats.segments;
    sim->net.stats.bytes += again->size;
    sim->net.stats.frames_repeated++;
    to->window_used += again->size;
    net_transit_insert(to, again);
    return true;
}
