/*
 * call: one command of one client, from its row in the table to its reply.
 *
 * A handler gets the call and fills in call->reply; what else it does depends on the row's kind:
 *  LOCAL: answers at once, from the server's own state.
 *  READ:  runs after the read barrier, on call->view; may answer WOULD_BLOCK (return it as it comes) and is then run
 * again, from the start, by a pool thread that may block. So it touches nothing but args, view and reply. WRITE: checks
 * the arguments, and either answers (an error) or encodes into call->operation; the entry's reply is then the answer.
 *  LATER: starts something and calls call_finish when it is done.
 * The status is for faults (NO_MEMORY, CORRUPT, ...): a user's error is a reply.
 */
#ifndef TOOLS_LOAMD_CALL_H
#define TOOLS_LOAMD_CALL_H

#include "engine/base/reply.h"
#include "engine/names.h"
#include "raft/driver.h"

struct server;
struct connection;
struct call;
struct long_call;

enum command_kind { COMMAND_LOCAL, COMMAND_READ, COMMAND_WRITE, COMMAND_LATER };

enum command_flag {
    COMMAND_SLOW = 1 << 0,    /* READ: walks much; goes to the pool without trying on the loop */
    COMMAND_NO_AUTH = 1 << 1, /* answers before AUTH */
    COMMAND_FAST = 1 << 2,    /* for COMMAND INFO */
    COMMAND_ADMIN = 1 << 3,
    COMMAND_LAB = 1 << 4,      /* only with --lab */
    COMMAND_ENDS = 1 << 5,     /* the connection closes behind the reply */
    COMMAND_DENY_OOM = 1 << 6, /* for COMMAND INFO */
    COMMAND_SIZED = 1 << 7, /* with SLOW: is tried on the loop all the same; the handler answers WOULD_BLOCK there for
                               all that is not small */
    COMMAND_QUERY = 1 << 8, /* LATER: says in call->reads_only whether it reads */
};

struct command {
    const char *name; /* lower case */
    enum command_kind kind;
    uint8_t store; /* WRITE: whose operation */
    int arity;     /* with the name; negative: at least */
    unsigned flags;
    int first_key, last_key, key_step; /* as COMMAND INFO tells; 0 = none */
    enum status (*handler)(struct call *call);
    const char *group, *since, *summary, *complexity;
};

/* The table of commands.def; NULL if there is none of that name, in any case. */
const struct command *command_find(struct slice name);
const struct command *command_at(size_t i); /* NULL behind the last */

/* elsewhere.h: its own. */
struct call_elsewhere {
    struct list link;
    enum status status;   /* why it could not be read here; OK = it was not tried */
    uint64_t deadline_ns; /* no other node is asked behind it */
    unsigned asked;       /* nodes */
    bool is_over;         /* nobody answered */
};

struct call_wait {
    int64_t wanted, held; /* voters */
    uint64_t index;
    uint64_t deadline_ns; /* 0 = none */
};

struct call {
    const struct command *command;
    struct connection *connection; /* NULL: the client has gone */
    struct server *server;
    struct list link; /* in the connection, in order */
    int protocol;     /* at the time of the command */
    bool finished;
    bool stale;        /* READONLY: no barrier */
    bool is_relayed;   /* RAFT.RELAY: another node asks, which could not read it itself */
    bool reads_only;   /* LATER: nothing that it does is proposed */
    uint64_t began_ns; /* 0: it is not timed */

    const struct slice *args; /* args[0] = the name; borrowed: LOCAL and WRITE from the input, for the handler's call;
                                 READ and LATER from `copy` */
    size_t arg_count;
    struct buf copy;

    struct names_view view; /* READ */
    bool late;              /* view.late points here */
    uint64_t random;        /* READ: drawn at its start */
    struct buf operation;   /* WRITE */
    struct buf reply;

    struct raft_request request;
    struct io_job job;
    struct engine_snapshot *snapshot;
    struct io_op timer;
    struct call_wait wait; /* WAIT */
    struct call_elsewhere elsewhere;
    struct long_call *long_call; /* NULL unless one is under way */
    enum status job_status;
};

/* The reply stands in call->reply: hands it to the client when its turn comes. The call is gone afterwards. */
void call_finish(struct call *call);
/* The same with an error reply made from a fault. */
void call_fail(struct call *call, enum status status);

/* Starts a read; its end is call_finish or call_fail. */
void call_start_read(struct call *call);
/* The same on this node, whatever it lacks: other nodes did not answer. */
void call_read_here(struct call *call);

/* Fills in call->view for a read of the latest state, and empties the reply. */
void call_set_view(struct call *call, bool memory_only);
/* The client's last write is the entry that call->request has become (WAIT). */
void call_note_write(struct call *call);

/* Whether argument i is this word, in any case. */
bool call_arg_is(const struct call *call, size_t i, const char *word);
/* Reads argument i as an integer; SYNTAX if it is none, and the caller returns call_integer_error. */
MUST_CHECK enum status call_integer(const struct call *call, size_t i, int64_t *value);
MUST_CHECK enum status call_integer_error(struct call *call);
/* True if argument i names the one database, 0; else *status is that of having answered what is wrong with it. */
bool call_database(struct call *call, size_t i, enum status *status);
MUST_CHECK enum status call_syntax_error(struct call *call);

/* Commands of commands: args[1] picks the row; HELP lists them; Redis' errors for an unknown one and for its arity
 * (which counts both names). */
struct subcommand {
    const char *name;
    int arity;
    enum status (*handler)(struct call *call);
};
MUST_CHECK enum status call_subcommand(struct call *call, const struct subcommand *table, size_t count);

#endif
