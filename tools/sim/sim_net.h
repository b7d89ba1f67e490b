/*
 * sim_net: what lies between simulated machines. Connections are byte streams that lose nothing in the middle, as TCP's
 * are: a lost packet is a stall, a dead host is silence, a reset ends the stream at both ends. Links have two
 * directions, each with its own faults.
 *
 * For connections whose bytes are frames (u32 little-endian length of the rest, then the rest) there is a filter
 * besides: it can drop, repeat, delay and so reorder whole frames inside a connection that stays up.
 */
#ifndef TOOLS_SIM_SIM_NET_H
#define TOOLS_SIM_SIM_NET_H

#include "engine/base/slice.h"
#include "tools/sim/sim.h"

/* Nodes that a sim_io_options.node may name. */
enum { SIM_NET_NODES = 32 };

struct sim_link {
    bool is_cut;         /* nothing passes; what was sent waits, and passes once the link is whole, as TCP repeats it */
    uint32_t latency_us; /* at least this */
    uint32_t jitter_us;  /* and up to this more, the same for all; now and then ten times as much */
    uint32_t stall_ppm;  /* of a million segments: a packet was lost, all behind it waits 200 ms more */
};

void sim_net_set_link(struct sim *sim, int from, int to, const struct sim_link *link);
void sim_net_get_link(const struct sim *sim, int from, int to, struct sim_link *link);
/* Resets every connection between the two; returns how many. */
size_t sim_net_reset(struct sim *sim, int a, int b);

enum sim_frame_fate { SIM_FRAME_PASS, SIM_FRAME_DROP, SIM_FRAME_REPEAT };
struct sim_frame {
    int from;
    int to;
    uint64_t number;    /* in its connection and direction, from 0 */
    struct slice bytes; /* with the length prefix */
    uint64_t delay_ns;  /* out: frames sent later may overtake it */
};
typedef enum sim_frame_fate sim_net_filter(void *context, struct sim_frame *frame);

/* Connections to a listener at this address are framed from now on. The text is copied. */
void sim_net_frame_address(struct sim *sim, const char *address);
void sim_net_set_filter(struct sim *sim, sim_net_filter *filter, void *context);

/* ---- Looked at, and changed by hand ------------------------------------------------------------------------------ */

struct sim_frame_sight {
    uint64_t number; /* unique in the sim */
    int from, to;
    uint64_t sent_ns, arrives_ns; /* arrives: later, if the link is cut then or what was sent before is held up */
    struct slice bytes;           /* borrowed for the call */
};
typedef void sim_net_frame_visit(void *context, const struct sim_frame_sight *frame);
/* Frames on their way, by connection. */
void sim_net_visit_frames(const struct sim *sim, sim_net_frame_visit *visit, void *context);
/* False: no such frame is on its way. The copy arrives right behind the frame. */
bool sim_net_drop_frame(struct sim *sim, uint64_t number);
bool sim_net_repeat_frame(struct sim *sim, uint64_t number, uint64_t *copy);

struct sim_connection_sight {
    int from, to; /* who dialed, who listened */
    bool is_framed, is_open;
    size_t segments_out, segments_back; /* on their way */
};
typedef void sim_net_connection_visit(void *context, const struct sim_connection_sight *connection);
void sim_net_visit_connections(const struct sim *sim, sim_net_connection_visit *visit, void *context);

/* Tells the sim's record of the frames that are on their way: it ends. */
void sim_net_record_transit(struct sim *sim);

struct sim_net_stats {
    uint64_t connections;
    uint64_t resets;
    uint64_t segments;
    uint64_t bytes;
    uint64_t frames_dropped;
    uint64_t frames_repeated;
    uint64_t frames_delayed;
    uint64_t stalls;
};
void sim_net_stats(const struct sim *sim, struct sim_net_stats *stats);

#endif
