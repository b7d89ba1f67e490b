/*
 * procedure: what a CALL has to know of a procedure before it runs: its name, its arguments, its fields.
 *
 * The checks ask a catalogue that the caller of the parser brings; how a procedure runs is the executor's business.
 */
#ifndef GRAPH_CYPHER_PROCEDURE_H
#define GRAPH_CYPHER_PROCEDURE_H

#include "graph/cypher/ast.h"

struct cypher_field {
    const char *name;
    uint16_t type; /* set of enum cypher_type */
};

/* Static or owned by the catalogue for as long as plans that name it live. */
struct cypher_procedure {
    const char *name; /* with its dots; found without regard to case */
    const struct cypher_field *arguments;
    uint32_t argument_count;
    uint32_t fewest_arguments; /* the rest may be left out */
    const struct cypher_field *fields;
    uint32_t field_count;
    bool is_update;
};

struct cypher_catalogue {
    const struct cypher_procedure *(*find)(void *context, struct slice name); /* NULL: there is none */
    void *context;
};

#endif
