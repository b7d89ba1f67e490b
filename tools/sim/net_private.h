/*
 * net_private: connections as net_sim.c keeps them, for the two files that know them.
 *
 * net_sim.c: how segments travel; net_transit.c: what is under way, as a record tells it and as a hand may change it.
 */
#ifndef TOOLS_SIM_NET_PRIVATE_H
#define TOOLS_SIM_NET_PRIVATE_H

#include "tools/sim/record.h"
#include "tools/sim/sim_private.h"

enum segment_kind { SEGMENT_DATA, SEGMENT_END, SEGMENT_RESET };

struct segment {
    struct list link;
    uint64_t arrives_ns;
    enum segment_kind kind;
    unsigned marks;   /* RECORD_REPEATED, RECORD_DELAYED */
    uint64_t number;  /* unique in the sim */
    uint64_t sent_ns; /* for the record */
    size_t size;
    size_t read;
    uint8_t bytes[];
};

struct socket_sim {
    struct io_socket base;
    bool is_listener;
    struct io_sim *io; /* NULL: the machine or the process is gone */
};

/* One end; what is said of segments is about those that come towards it. */
struct end {
    struct socket_sim socket;
    struct connection *connection;
    struct end *peer;
    int node;
    char address[IO_ADDRESS_BYTES];
    struct io_sim *home; /* the machine whose program holds this end */
    bool is_held;        /* ... and has not closed it */
    bool is_open;        /* ... and is alive: it receives and sends */
    bool is_silent;      /* its machine lost power */
    bool has_ended;      /* the stream's end has arrived */
    bool is_reset;
    struct list transit;
    struct list arrived;
    struct sim_event arrival;
    uint64_t last_arrival_ns;
    size_t window_used;
    struct list receives; /* flights */
    struct list sends;    /* flights, of its own program */
    uint8_t *frame;       /* of a framed connection: sent by its program, not yet complete */
    size_t frame_size;
    size_t frame_capacity;
    uint64_t frames;
};

struct connection {
    struct list link; /* net.connections */
    struct sim *sim;
    bool is_framed;
    struct end ends[2]; /* who connected, who listened */
};

struct listener {
    struct socket_sim socket;
    struct list link; /* net.sockets */
    struct io_sim *home;
    struct place *place; /* NULL: listens no more */
    struct list backlog; /* pending */
    struct list accepts; /* flights */
};

/* An address that somebody has listened at. */
struct place {
    struct list link; /* net.places */
    char address[IO_ADDRESS_BYTES];
    int node;
    struct listener *listener; /* NULL: nobody now */
    bool is_silent;            /* the machine is off: no refusal comes back */
    bool is_framed;
};

struct pending {
    struct list link;
    struct end *end;
};

static inline struct sim *net_sim_of(const struct end *end) {
    return end->connection->sim;
}

/* ---- net_sim.c ---- */

/* The head of what is in transit towards this end has changed. */
void net_plan_arrival(struct end *end);
void net_transit_insert(struct end *end, struct segment *segment);
/* There is room in the window towards the peer. */
void net_pump_sends(struct end *from);

/* ---- net_transit.c: for the record, if there is one ---- */

/* What became of a frame that was sent towards this end; of all that are under way. */
void net_record_frame(const struct end *to, const struct segment *segment, enum record_fate fate);
void net_record_transit(const struct end *to, enum record_fate fate);
/* A filter kept it back. */
void net_record_dropped(const struct end *from, const struct sim_frame *frame);

#endif
