/*
 * asker: one command at a time to a server, on the loop of a struct io: connects where it has to, sends, waits for the
 * reply. What went wrong tells whether the command may have been carried out.
 *
 * Caller's memory, not movable. Loop thread.
 */
#ifndef TOOLS_RESP_ASKER_H
#define TOOLS_RESP_ASKER_H

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/io.h"
#include "tools/resp/resp_reply.h"

enum asker_end {
    ASKER_ANSWERED, /* with a reply, which may be an error */
    ASKER_NOT_SENT, /* no connection came about: nothing was asked */
    ASKER_UNKNOWN,  /* it broke, took too long, or answered nonsense after something was sent */
};

enum asker_state { ASKER_IDLE, ASKER_CONNECTING, ASKER_SENDING, ASKER_RECEIVING };

struct asker {
    struct io *io;       /* borrowed */
    uint32_t timeout_ms; /* from asking to the reply */
    /* The reply is borrowed for the call, NULL if there is none. May ask again. */
    void (*answered)(struct asker *asker, enum asker_end end, const struct resp_reply *reply);
    void *context;         /* the caller's */
    struct slice password; /* said first on each connection; empty: none. Borrowed */

    enum asker_state state;
    bool is_over, is_telling, wants_more; /* the question at hand has ended; answered() runs; it asked again */
    enum asker_end end;
    struct io_op op, timer;
    bool op_flies, timer_flies, awaits_welcome;
    struct io_socket *socket;
    char address[IO_ADDRESS_BYTES]; /* of the socket */
    struct buf out, in;
    struct resp_reply_parser parser;
    struct arena arena;
    struct resp_reply *reply;
};

void asker_init(struct asker *asker, struct io *io, uint32_t timeout_ms);
/* REQUIRES: idle. */
void asker_deinit(struct asker *asker);
/* The same whatever flies, for an io that runs no more: answered() does not come. */
void asker_abandon(struct asker *asker);
/* Asks; answered() follows, never inside this call. A connection to another address is closed. NO_MEMORY: nothing was
 * done. REQUIRES: idle, or inside answered(). */
MUST_CHECK enum status asker_ask(struct asker *asker, const char *address, const struct slice *words, size_t count);
/* Ends what is under way: answered() comes with UNKNOWN or NOT_SENT, unless the reply was there. */
void asker_give_up(struct asker *asker);
bool asker_is_idle(const struct asker *asker);

#endif
