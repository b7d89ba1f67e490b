/*
 * world_action_graph: edges whose property tells which write they are, between a hub and a sink (parallel ones) or a
 * node of their own; they are read along their direction and against it. Counters that a query reads, and writes with
 * what it has read: an answer tells the place of each increment, as INCR does.
 *
 * Two graphs, each with hubs of both shapes; from the hubs of the second edges are deleted.
 */
#include <inttypes.h>

#include "tools/sim/world_action.h"
#include "tools/sim/world_private.h"

enum {
    HUBS = 4, /* hub k stands in graph k / 2; odd ones have a node for each edge */
    DELETED_FROM = 2,
    TIMEOUT_MS_MAX = 10,
    COUNTERS = 2, /* counter k stands in graph k */
};

static const char no_graph[] = "ERR Invalid graph operation on empty key";

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

static void begin(struct world_command *command, bool is_write, unsigned graph) {
    world_command_add(command, is_write ? "GRAPH.QUERY" : "GRAPH.RO_QUERY");
    world_command_add(command, "graph%u", graph);
}

static bool has_nodes(unsigned hub) {
    return hub % 2 == 1;
}

static void make_add(const struct world_operation *operation, struct world_command *command) {
    unsigned hub = operation->key;
    begin(command, true, hub / 2);
    if (has_nodes(hub)) {
        world_command_add(command,
                          "MERGE (h:Hub {key: %u}) CREATE (h)-[:Edge {token: %" PRIu64
                          "}]->(:Node {key: %u, token: %" PRIu64 "})",
                          hub, operation->token, hub, operation->token);
    } else {
        world_command_add(
            command, "MERGE (h:Hub {key: %u}) MERGE (s:Sink {key: %u}) CREATE (h)-[:Edge {token: %" PRIu64 "}]->(s)",
            hub, hub, operation->token);
    }
}

static void make_delete(const struct world_operation *operation, struct world_command *command) {
    unsigned hub = operation->key;
    begin(command, true, hub / 2);
    if (has_nodes(hub)) {
        world_command_add(command, "MATCH (n:Node {key: %u, token: %" PRId64 "}) DETACH DELETE n", hub,
                          operation->from);
    } else {
        world_command_add(command, "MATCH (:Hub {key: %u})-[e:Edge {token: %" PRId64 "}]->() DELETE e", hub,
                          operation->from);
    }
}

/* Along the edges. */
static void make_out(const struct world_operation *operation, struct world_command *command) {
    begin(command, false, operation->key / 2);
    world_command_add(command, "MATCH (:Hub {key: %u})-[e:Edge]->() RETURN e.token", operation->key);
}

/* Against them. */
static void make_in(const struct world_operation *operation, struct world_command *command) {
    begin(command, false, operation->key / 2);
    world_command_add(command, "MATCH (:%s {key: %u})<-[e:Edge]-() RETURN e.token",
                      has_nodes(operation->key) ? "Node" : "Sink", operation->key);
}

/* A read that takes several steps: all pairs of edges, by one snapshot. */
static void make_squared(const struct world_operation *operation, struct world_command *command) {
    begin(command, false, operation->key / 2);
    world_command_add(command, "MATCH (:Hub {key: %u})-[:Edge]->() MATCH (:Hub {key: %u})-[:Edge]->() RETURN count(*)",
                      operation->key, operation->key);
    if (operation->to == 0) return;
    world_command_add(command, "TIMEOUT");
    world_command_add(command, "%" PRId64, operation->to);
}

static void make_count(const struct world_operation *operation, struct world_command *command) {
    begin(command, true, operation->key);
    world_command_add(
        command,
        "MERGE (c:Counter {key: %u}) ON CREATE SET c.value = 1 ON MATCH SET c.value = c.value + 1 RETURN c.value",
        operation->key);
}

static void make_read_count(const struct world_operation *operation, struct world_command *command) {
    begin(command, false, operation->key);
    world_command_add(command, "MATCH (c:Counter {key: %u}) RETURN c.value", operation->key);
}

/* Some write's edge, which may be none of this hub's. */
static void draw_edge(struct world *world, struct prng *prng, struct world_operation *operation) {
    operation->key += DELETED_FROM;
    operation->from = operation->to = (int64_t)prng_between(prng, 1, world->next_token);
}

/* Now and then with little time. */
static void draw_time(struct world *world, struct prng *prng, struct world_operation *operation) {
    (void)world;
    operation->to = prng_chance(prng, 1, 2) ? (int64_t)prng_between(prng, 1, TIMEOUT_MS_MAX) : 0;
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

/* [header, rows, statistics], of a query that returns; else [statistics]. */
static const struct resp_reply *rows_of(const struct resp_reply *reply) {
    bool has_rows = reply->type == RESP_ARRAY && reply->count == 3 && reply->elements[1].type == RESP_ARRAY;
    return has_rows ? &reply->elements[1] : NULL;
}

static bool take_integer(const struct resp_reply *row, int64_t *number) {
    if (row->type != RESP_ARRAY || row->count != 1 || row->elements[0].type != RESP_INTEGER) return false;
    *number = row->elements[0].integer;
    return true;
}

static bool take_done(const struct resp_reply *reply, struct world_operation *operation) {
    (void)operation;
    return reply->type == RESP_ARRAY && reply->count == 1;
}

static bool take_edges(const struct resp_reply *reply, struct world_operation *operation) {
    const struct resp_reply *rows = rows_of(reply);
    if (rows == NULL) return false;
    world_take_tokens(operation, rows->count);
    for (size_t i = 0; i < rows->count; i++) {
        int64_t token;
        if (!take_integer(&rows->elements[i], &token)) return false;
        operation->tokens[i] = (uint64_t)token;
    }
    world_sort_tokens(operation, 0);
    return true;
}

/* One row, or, where nobody has counted yet, none. */
static bool take_counter(const struct resp_reply *reply, struct world_operation *operation) {
    const struct resp_reply *rows = rows_of(reply);
    if (rows == NULL || rows->count > 1) return false;
    if (rows->count == 0) return operation->action == WORLD_READ_COUNT;
    return take_integer(&rows->elements[0], &operation->number);
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

#define READ .store = WORLD_GRAPHS, .nothing = no_graph
#define WRITE .store = WORLD_GRAPHS, .is_write = true, .reads_first = true
#define LAST .is_read_last = true

static const struct world_action_row rows[] = {
    {WRITE, .action = WORLD_EDGE_ADD, .name = "add edge", .weight = 13, .keys = HUBS, .make = make_add,
     .take = take_done},
    {WRITE, .action = WORLD_EDGE_DELETE, .name = "delete edge", .weight = 3, .keys = HUBS - DELETED_FROM,
     .draw = draw_edge, .make = make_delete, .take = take_done},
    {READ, LAST, .action = WORLD_EDGES_OUT, .name = "read edges out", .weight = 4, .keys = HUBS, .make = make_out,
     .take = take_edges},
    {READ, LAST, .action = WORLD_EDGES_IN, .name = "read edges in", .weight = 4, .keys = HUBS, .make = make_in,
     .take = take_edges},
    {READ, .action = WORLD_EDGES_SQUARED, .name = "read pairs of edges", .weight = 4, .keys = HUBS,
     .refused = "ERR Query timed out", .draw = draw_time, .make = make_squared, .take = take_counter},
    {WRITE, .action = WORLD_COUNT, .name = "count", .weight = 6, .keys = COUNTERS, .make = make_count,
     .take = take_counter},
    {READ, LAST, .action = WORLD_READ_COUNT, .name = "read counter", .weight = 2, .keys = COUNTERS,
     .make = make_read_count, .take = take_counter},
};

const struct world_action_rows world_graph_actions = {rows, sizeof rows / sizeof rows[0]};
