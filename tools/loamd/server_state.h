/* server_state: the server's parts as its own files see them; nobody else includes this. */
#ifndef TOOLS_LOAMD_SERVER_STATE_H
#define TOOLS_LOAMD_SERVER_STATE_H

#include "engine/base/prng.h"
#include "graph/value.h"
#include "tools/loamd/elsewhere.h"
#include "tools/loamd/latency.h"
#include "tools/loamd/server.h"
#include "tools/loamd/stores.h"

struct connection;

struct server_stats {
    uint64_t started_ns;
    uint64_t connections_received, connections_rejected;
    uint64_t commands_processed;
    uint64_t input_bytes, output_bytes;
    uint64_t reads_in_memory, reads_from_disk;
    uint64_t query_buffer_limit_closes, output_buffer_limit_closes;
};

struct server {
    struct io *io;
    struct log *log;
    struct stores stores;
    struct raft_driver *driver;
    struct server_limits limits;
    struct buf dir, password; /* NUL-terminated; password empty = none */
    bool lab;
    struct io_faults faults; /* as DEBUG has set them */
    struct prng prng;

    struct io_socket *listener;
    struct io_op accept;
    bool accepting;
    uint64_t accept_retry_ns; /* 0 = none */

    struct list connections; /* struct connection.link */
    struct list dirty;       /* connections with something to do at the end of the turn */
    bool throttled;          /* a limit is reached: no socket is read until pressure falls */
    struct list free_calls;  /* for reuse */
    uint32_t free_call_count, job_count;
    struct list long_calls; /* struct long_call.link, oldest first */
    uint32_t long_call_count;
    size_t long_call_bytes; /* that they hold */
    struct elsewhere elsewhere;
    struct value_pool query_memory; /* what runs of queries hold, in pool threads */
    uint32_t connection_count;
    uint64_t next_client_id;

    bool stopping, stopped;
    uint64_t stop_deadline_ns;
    struct server_stats stats;
    struct latency reads, writes;
    struct buf scratch;
};

#endif
