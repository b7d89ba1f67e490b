/*
 * world_action: what simulated clients may ask, as rows: the words of the command, what the answer says, how often.
 * Each store brings its rows in a file of its own; what clients were told is judged by world_history.c and
 * world_sets.c.
 */
#ifndef TOOLS_SIM_WORLD_ACTION_H
#define TOOLS_SIM_WORLD_ACTION_H

#include "engine/base/prng.h"
#include "tools/resp/resp_reply.h"
#include "tools/sim/world.h"

enum { WORLD_ARGS_MAX = 16, WORLD_ARG_BYTES = 768 };

struct world_command {
    struct slice args[WORLD_ARGS_MAX];
    size_t count;
    char texts[WORLD_ARGS_MAX][WORLD_ARG_BYTES];
};
void world_command_add(struct world_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct world_action_row {
    enum world_action action;
    enum world_store store;
    const char *name;
    unsigned weight;   /* of the sum of all that a node's stores offer */
    unsigned keys;     /* objects that it may concern */
    bool is_write;     /* gets a token */
    bool is_read_last; /* at the end, of every node */
    bool reads_first;  /* a write that is refused when what it reads can't be read */
    /* Chooses more than key and token; may choose another action. NULL: there is no more. */
    void (*draw)(struct world *world, struct prng *prng, struct world_operation *operation);
    void (*make)(const struct world_operation *operation, struct world_command *command);
    /* False: a reply of no kind that this action may get. */
    bool (*take)(const struct resp_reply *reply, struct world_operation *operation);
    const char *refused; /* beginning of another error that says: not done, and nothing changed; or NULL */
    const char *nothing; /* beginning of the error that says: there is no such object, so nothing in it; or NULL */
};

const struct world_action_row *world_action_row(enum world_action action);

/* The rows of one store. */
struct world_action_rows {
    const struct world_action_row *rows;
    size_t count;
};
extern const struct world_action_rows world_kv_actions, world_series_actions, world_graph_actions;

/* In such a run what is held is compared with what is there after a restart of all nodes: nothing may end meanwhile. */
bool world_restarts_at_the_end(const struct world *world);

/* ---- For answers ------------------------------------------------------------------------------------------------- */

/* Decimal digits alone. */
bool world_read_number(struct slice text, int64_t *number);
/* Room for `count` tokens; owned by the history. */
void world_take_tokens(struct world_operation *operation, size_t count);
/* Ascending, as world_sets.c wants them: those from `first` on. */
void world_sort_tokens(struct world_operation *operation, size_t first);

/* ---- Time series ------------------------------------------------------------------------------------------------- */

/* When the sample of a write stands: most at the end, some earlier than what is there; unique. */
int64_t world_series_time(uint64_t token);

#endif
