/*
 * elsewhere: what this node can't read, another one reads for it. A read goes to another node, the leader first, when
 * it meets damage or a file that can't be read here, when this node has halted or keeps no data, and while what was
 * damaged is still being had from the others (raft/README.md). Only when none of them answers is the fault the client's
 * to see.
 *
 * The other node is asked as a client would ask it, by RAFT.RELAY PROTOCOL COMMAND ..; it reads behind a barrier of its
 * own, so the answer is as fresh as any, and answers in the form of engine/base/reply.h. What it can't read either goes
 * nowhere else. Loop thread.
 */
#ifndef TOOLS_LOAMD_ELSEWHERE_H
#define TOOLS_LOAMD_ELSEWHERE_H

#include "tools/loamd/call.h"
#include "tools/resp/asker.h"

enum { ELSEWHERE_ASKERS = 8 /* questions under way; others wait for their turn */ };

struct server;

struct elsewhere {
    struct elsewhere_question {
        struct asker asker;
        struct elsewhere *elsewhere;
        struct call *call; /* NULL: free */
    } questions[ELSEWHERE_ASKERS];
    struct server *server;
    struct list waiting; /* struct call.elsewhere.link */
    bool closing;
    uint64_t asked, answered; /* reads that went to others, and that one of them answered */
};

/* The server's password is said to the others: all nodes have the same. */
void elsewhere_init(struct elsewhere *elsewhere, struct server *server);
/* Ends what is under way; the calls fail. Some turns of the io later elsewhere_is_idle. */
void elsewhere_close(struct elsewhere *elsewhere);
bool elsewhere_is_idle(const struct elsewhere *elsewhere);
/* Frees it, whatever flies: idle, or its io runs no more. After the connections have gone. */
void elsewhere_deinit(struct elsewhere *elsewhere);

/*
 * Takes a read that this node could not serve for `status`; OK: that it has not tried yet. False: it can't go
 * elsewhere, and is the caller's. Its end is call_finish, or, if nobody answered, call_fail with that status, or
 * call_read_here where it was not tried.
 */
MUST_CHECK bool elsewhere_take(struct elsewhere *elsewhere, struct call *call, enum status status);

#endif
