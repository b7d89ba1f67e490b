/*
 * long_call: a command that may take long. It works on a snapshot behind the read barrier, in bounded steps, in the
 * pool for long reads; a write is computed there, too, and proposed at the end (DESIGN section 3). It ends early when
 * its time is up, when its client closes the connection, and when the server stops.
 *
 * A command of kind LATER embeds struct long_call, fills in `verbs` and what is said below, and calls long_call_start.
 * Life: begin, step .. step, end: in pool threads, one at a time; then answer, on the loop thread; then destroy. When
 * answer says AGAIN (what it proposed has met a conflict) all of it comes once more, on a later snapshot.
 */
#ifndef TOOLS_LOAMD_LONG_CALL_H
#define TOOLS_LOAMD_LONG_CALL_H

#include <stdatomic.h>

#include "tools/loamd/call.h"

enum {
    LONG_CALLS_MAX = 128,  /* of one server, waiting ones included; one more is BUSY */
    LONG_ATTEMPTS_MAX = 64 /* conflicts until the client is told to try again */
};

enum long_stop { LONG_RUNS, LONG_CLIENT_GONE, LONG_TIME_UP };

struct long_call;

enum long_answer {
    LONG_ANSWERED, /* call->reply is the answer */
    LONG_PROPOSE,  /* call->operation is a write of the command's store; its reply is judged by `applied` */
};

struct long_call_verbs {
    /* view->snapshot is set; borrowed until end. The status of a fault ends the call with it. */
    enum status (*begin)(struct long_call *work, const struct names_view *view);
    /* About a millisecond of work; sets *done. Looks at work->cancelled where one piece of work may grow beyond that.
     */
    enum status (*step)(struct long_call *work, bool *done);
    /* Lets go of all that begin took from the snapshot; after every begin, also a failed one. */
    void (*end)(struct long_call *work);
    enum status (*answer)(struct long_call *work, enum long_answer *answer);
    /* The proposed write's reply is in call->reply, and may be replaced. *again: it was refused for a conflict, and
     * changed nothing. */
    enum status (*applied)(struct long_call *work, bool *again);
    /* Writes the error of a run that was stopped, into call->reply. */
    enum status (*stopped)(struct long_call *work, enum long_stop why);
    void (*destroy)(struct long_call *work); /* its own memory, too */
};

struct long_call {
    const struct long_call_verbs *verbs;
    uint64_t timeout_ms; /* 0 = none */
    size_t held_bytes;   /* memory that it takes from start to destroy; with the others' at most query-memory-bytes */
    struct slice turn;   /* works with the same turn run one after another; empty = none; borrowed until destroy */

    /* long_call's own */
    struct call *call;
    struct list link; /* in server->long_calls, oldest first */
    struct names_view view;
    struct io_job job;
    _Atomic int stop;      /* enum long_stop */
    atomic_bool cancelled; /* true with it, for those who look in the middle of a step */
    uint64_t deadline_ns;
    unsigned attempts;
    bool waits; /* for its turn */
    bool begun;
    enum status status;
};

/* Takes the work; from a handler, whose status it is. */
MUST_CHECK enum status long_call_start(struct long_call *work, struct call *call);
/* The client has gone. */
void long_call_stop(struct long_call *work);
/* Ends those whose client went or whose time was up while they waited for their turn. When to look again; 0 = no need.
 */
uint64_t long_calls_turn(struct server *server);
/* The server is stopping, and nothing runs any more: ends those that wait for their turn. */
void long_calls_close(struct server *server);

#endif
