/*
 * load_send: commands to a cluster that lasts over what happens to its nodes: pipelined, answered in order; when one is
 * refused for now, or nobody can say what became of it, it is sent again with all that were sent behind it, to the same
 * node or the next. So every command must be one that may be sent again.
 */
#ifndef TOOLS_LOAM_DUMP_LOAD_SEND_H
#define TOOLS_LOAM_DUMP_LOAD_SEND_H

#include "tools/loam/client.h"

enum { LOAD_ADDRESSES_MAX = 16 };

struct load_sender {
    struct io *io;            /* set; borrowed */
    uint64_t patience_ms;     /* set: how long nothing may go on */
    const char *const *nodes; /* set: HOST:PORT of each; borrowed */
    size_t node_count;
    const char *password; /* set: NULL = none; borrowed */

    struct client *client; /* NULL: none is open */
    size_t node;           /* that it is open to, or will be */
    uint64_t resent;       /* commands */
};

/* Of requests 0 .. count-1. */
struct load_exchange {
    /* Queues request i; `again`: it may have been done before. *replies: how many will come (1 unless set). */
    enum status (*queue)(void *context, struct client *client, size_t i, bool again, size_t *replies);
    /* One of them. OK; BUSY: to be sent again; another status with words ends the exchange. */
    enum status (*judge)(void *context, size_t i, bool again, const struct resp_reply *reply, struct error *error);
    void *context;
    size_t count;
};

/* OK: all were judged OK. Otherwise *error says why; *done requests were, the others may have been. */
MUST_CHECK enum status load_send(struct load_sender *sender, const struct load_exchange *exchange, size_t *done,
                                 struct error *error);
void load_sender_close(struct load_sender *sender);

/* BUSY for an error that says that the command may be sent again; else INVALID with the server's words. */
MUST_CHECK enum status load_judge_error(const struct resp_reply *reply, struct error *error);

#endif
