/*
 * sim_private: how the simulator's parts see each other.
 *
 *   sim.c      time, events, trace            io_sim.c     a machine: life, files, clocks
 *   net_sim.c  links, connections, sockets    io_sim_op.c  operations and io_run       io_sim_job.c  jobs
 */
#ifndef TOOLS_SIM_SIM_PRIVATE_H
#define TOOLS_SIM_SIM_PRIVATE_H

#include "engine/base/list.h"
#include "engine/io_backend.h"
#include "tools/sim/sim_io.h"
#include "tools/sim/sim_net.h"

struct net {
    uint64_t seed;
    struct prng prngs[SIM_NET_NODES][SIM_NET_NODES]; /* of each link: what one carries changes no other; zeros: not
                                                        asked for yet */
    struct list places;
    struct list sockets; /* that listen */
    struct list connections;
    struct sim_link links[SIM_NET_NODES][SIM_NET_NODES];
    sim_net_filter *filter;
    void *filter_context;
    uint64_t next_port;
    struct sim_net_stats stats;
};

struct sim {
    uint64_t seed;
    uint64_t now_ns;
    struct prng prng;
    struct sim_event **heap;
    size_t count;
    size_t capacity;
    uint64_t sequence;
    uint64_t fired;
    struct list ios;
    uint64_t lives[SIM_NET_NODES]; /* machines that were made, by node */
    struct net net;
    uint64_t hash;
    void (*trace)(void *context, const char *text);
    void *trace_context;
    struct record *record; /* NULL: nobody listens */
};

enum { SIM_WORKERS_MAX = 8 };

struct io_sim;

struct worker {
    struct sim_event event;
    struct io_sim *io;
    enum io_pool pool;
    bool is_idle;
    struct io_job *kept; /* with a stated device: it has more to do once its last step's time has passed */
};

struct io_sim {
    struct io base;
    struct list link; /* sim.ios */
    struct sim *sim;
    struct sim_disk *disk;
    uint64_t boot; /* of the disk, when this machine started */
    int node;
    bool is_killed;
    bool is_paused;
    bool owns_world; /* sim and disk end with it */
    struct prng prng;

    struct list files;
    struct list queued; /* io_op: submitted, not handed over */
    struct list flying; /* flight: in the works */
    struct list ready;  /* flight, job or both done: waiting for io_run */
    struct list spare;  /* flights that have landed: the next ones */
    struct sim_event timer_wake;
    bool is_woken;
    uint64_t deadline_ns; /* of the last io_run, in the sim's time */
    void (*wanted)(void *context);
    void *wanted_context;

    uint64_t lead_ns; /* the running thread is ahead of the sim by so much */
    uint32_t slowness;
    bool has_device;
    struct sim_device device;
    uint64_t device_free_ns; /* when its last transfer ends */

    uint64_t clock_sim_ns; /* since then the clock runs at clock_ppm ... */
    uint64_t clock_ns;     /* ... from this value on */
    int32_t clock_ppm;
    int64_t wall_offset_ms; /* to the monotonic clock */

    struct list jobs[IO_POOL_COUNT]; /* not running, by priority and order of start */
    uint64_t assists;                /* steps that waiting callers ran, since there was none to run */
    struct worker workers[IO_POOL_COUNT][SIM_WORKERS_MAX];
    unsigned worker_count[IO_POOL_COUNT];
    uint64_t job_sequence;

    struct log log;
};

/* One operation between submit and done. */
struct flight {
    struct list link; /* io.flying, then io.ready */
    struct io_sim *io;
    struct io_op *op;   /* NULL: a job's done call */
    struct io_job *job; /* NULL: an operation */
    struct sim_event event;
    uint64_t begun_ns;             /* a file's operation, for the record */
    struct list wait;              /* at a socket; of its own while it waits at none */
    size_t sent;                   /* SEND: bytes handed over; CONNECT: tries */
    struct connection *connection; /* CONNECT: made, not yet known here */
};

static inline struct io_sim *io_sim_of(struct io *io) {
    return (struct io_sim *)(void *)io;
}

/* ---- Machine ----------------------------------------------------------------------------------------------------- */

bool io_sim_is_on(const struct io_sim *io);    /* the machine has power, since this boot */
bool io_sim_alive(const struct io_sim *io);    /* and the process lives */
uint64_t io_sim_time(const struct io_sim *io); /* the sim's time plus the lead */
uint64_t io_sim_clock(const struct io_sim *io, uint64_t sim_ns);
uint64_t io_sim_clock_to_sim(const struct io_sim *io, uint64_t clock_ns);
void io_sim_charge(struct io_sim *io, uint64_t ns);
uint64_t io_sim_disk_cost(struct io_sim *io, enum io_op_kind kind, size_t size);
void io_sim_want(struct io_sim *io);
struct inode *io_sim_inode(struct io_file *file);

/* ---- Operations -------------------------------------------------------------------------------------------------- */

void ops_init(struct io_sim *io);
void ops_deinit(struct io_sim *io);
/* Writes in flight when the power goes or the process dies: each may have reached the disk. */
void ops_spill(struct io_sim *io, bool all);
/* The machine is off: all that is under way ends, with IO, CLOSED or CANCELLED. */
void ops_abort(struct io_sim *io);
void op_submit(struct io *io, struct io_op *op);
void op_flush(struct io *io);
void op_cancel(struct io *io, struct io_op *op);
size_t op_run(struct io *io, uint64_t deadline_ns);
void op_wake(struct io *io);
/* One for an operation or a job; the other is NULL. */
struct flight *flight_make(struct io_sim *io, struct io_op *op, struct io_job *job);
/* The operation has ended; done is called by the next io_run. */
void flight_finish(struct flight *flight, enum status status);

/* ---- Jobs -------------------------------------------------------------------------------------------------------- */

void jobs_init(struct io_sim *io, const struct sim_io_options *options);
void jobs_deinit(struct io_sim *io);
void job_start(struct io *io, struct io_job *job);
bool job_assist(struct io *io);

/* ---- Net --------------------------------------------------------------------------------------------------------- */

void net_init(struct net *net, uint64_t seed);
void net_deinit(struct net *net);
void net_start(struct flight *flight);  /* ACCEPT, CONNECT, RECEIVE, SEND */
void net_forget(struct flight *flight); /* it ends before its time: whoever keeps it lets go */
bool net_holds(const struct flight *flight);
void net_end_machine(struct io_sim *io, bool is_silent); /* silent: the power went, peers hear nothing */
void net_forget_machine(struct io_sim *io);              /* takes back the sockets that it still holds */
enum status net_listen(struct io *io, const char *address, struct io_socket **socket, struct error *error);
void net_close(struct io_socket *socket);
void net_local(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]);
void net_remote(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]);

#endif
