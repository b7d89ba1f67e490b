/*
 * procedure_table: what CALL runs. A procedure is a row in the table of procedure_table.c: what the checks need to know
 * of it (struct cypher_procedure), and three functions: open makes its state for one call, step does bounded work and
 * gives a row now and then, close frees.
 *
 * It reads the graph's handle of the query (a snapshot, with the query's own edits seen), counts its memory against the
 * budget (value_arena, or value_budget_charge for what it takes from malloc), and looks at `cancelled` where a step may
 * be long. A call and its state belong to the query's thread of the moment.
 */
#ifndef GRAPH_CYPHER_PROCEDURE_TABLE_H
#define GRAPH_CYPHER_PROCEDURE_TABLE_H

#include <stdatomic.h>

#include "engine/base/prng.h"
#include "graph/cypher/fault.h"
#include "graph/cypher/procedure.h"
#include "graph/graph.h"
#include "graph/value.h"

struct procedure_call {
    const struct graph_procedure *procedure;
    struct graph *graph;
    const struct value *arguments; /* argument_count of them; live as long as the call */
    uint32_t argument_count;
    struct cypher_place place;    /* of the CALL */
    struct value_arena *arena;    /* the call's own, reset when it ends; for its state and its rows */
    struct value_budget *budget;  /* of the query */
    const atomic_bool *cancelled; /* may be NULL */
    struct cypher_fault *fault;
    struct prng *prng;
    uint64_t work; /* for a step: how much it may do */
};

struct graph_procedure {
    struct cypher_procedure head;
    /* *state is handed to step and close; NULL is allowed. A failed open is not closed. */
    enum status (*open)(struct procedure_call *call, void **state);
    /* OK: a row in fields[0..head.field_count), which live until the next step; END: there are no more; BUSY: the work
     * of this step is done, ask again; else a failure, with a fault if it is the user's. */
    enum status (*step)(struct procedure_call *call, void *state, struct value *fields);
    void (*close)(struct procedure_call *call, void *state); /* may be NULL */
};

/* The procedures of every graph, by name without regard to case; NULL: there is none. */
const struct graph_procedure *graph_procedure_find(struct slice name);
/* The same for the checks; each cypher_procedure in it is the head of a graph_procedure. */
extern const struct cypher_catalogue graph_procedures;
static inline const struct graph_procedure *graph_procedure_of(const struct cypher_procedure *head) {
    return (const struct graph_procedure *)(const void *)head;
}
/* By number, for lists; NULL behind the last. */
const struct graph_procedure *graph_procedure_at(size_t number);

/* A fault for an argument of a type or value that the procedure does not take. */
enum status procedure_refuse(struct procedure_call *call, uint32_t argument, const char *expected);

#endif
