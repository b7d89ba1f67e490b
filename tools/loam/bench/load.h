/*
 * load: a closed-loop load generator: so many connections, so many requests in flight on each, random keys, one thread
 * on a struct io. What is spoken is a load_protocol's matter, so that every server gets the same keys, values and loop.
 */
#ifndef TOOLS_LOAM_BENCH_LOAD_H
#define TOOLS_LOAM_BENCH_LOAD_H

#include "engine/base/buf.h"
#include "engine/base/hist.h"
#include "engine/io.h"

enum { LOAD_KEY_BYTES = 16 };

enum load_operation { LOAD_SET, LOAD_GET };

struct load_options {
    const char *const *addresses; /* connection i goes to address i % address_count */
    size_t address_count;
    unsigned clients;
    unsigned pipeline; /* requests in flight per connection */
    enum load_operation operation;
    uint64_t operations;  /* in all; 0 = as many as duration_ns lets through */
    uint64_t duration_ns; /* no request is started later; 0 = no end but operations */
    uint64_t keys;        /* key space; uniform */
    bool sequential;      /* keys 0, 1, 2, ... instead (to fill) */
    size_t value_bytes;
    uint64_t seed;
    uint64_t limit_ns; /* gives up then: TIMED_OUT, with what was measured */
};

struct load_result {
    uint64_t operations, errors;
    uint64_t elapsed_ns;
    uint64_t client_cpu_ns;
    struct hist latency_ns;
    char first_error[128];
};

/* One connection's protocol state. */
struct load_protocol {
    const char *name;
    /* *state is the protocol's, made per connection; what must be sent first goes to *out. */
    enum status (*open)(void **state, struct buf *out);
    void (*close)(void *state);
    enum status (*request)(void *state, enum load_operation operation, struct slice key, struct slice value,
                           struct buf *out);
    /* Takes bytes that arrived, tells how many requests they completed, in which order does not matter, and how many of
     * these failed; may answer with bytes of its own. *error: first error's words, if any. */
    enum status (*receive)(void *state, struct slice bytes, struct buf *out, unsigned *completed, unsigned *failed,
                           char error[128]);
};

extern const struct load_protocol load_resp;
extern const struct load_protocol load_etcd;

MUST_CHECK enum status load_run(struct io *io, const struct load_protocol *protocol, const struct load_options *options,
                                struct load_result *result, struct error *error);

/* User and system time of a process, from /proc; pid 0 = this one. 0 if it cannot be read. */
uint64_t load_cpu_ns(struct io *io, int pid);

#endif
