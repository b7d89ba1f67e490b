/*
 * parser: from a query's text to its tree (ast.h), by recursive descent with an operator table.
 *
 * The grammar is that of openCypher 9. What this subset leaves out is named: "FOREACH is not supported yet (line 1,
 * column 20)". Time and memory are bounded: no token is read more than a fixed number of times, nesting ends at
 * CYPHER_DEPTH_MAX, the arena grows by at most CYPHER_MEMORY_MAX_BYTES. Names are not resolved here (check.h).
 */
#ifndef GRAPH_CYPHER_PARSER_H
#define GRAPH_CYPHER_PARSER_H

#include "engine/base/arena.h"
#include "graph/cypher/ast.h"

/* The text may be freed afterwards: the tree lies in the arena. SYNTAX, UNSUPPORTED, TOO_LARGE, NO_MEMORY; *fault says
 * what and where. */
MUST_CHECK enum status cypher_parse(struct arena *arena, struct slice text, struct cypher_statement *statement,
                                    struct cypher_fault *fault);

#endif
