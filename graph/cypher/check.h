/*
 * check: what a parsed query means: scopes, slots, types, the rules of aggregation; errors that show before it runs.
 *
 * Fills in every slot, type and flag of the tree that ast.h leaves to the checks, expands `*`, arguments that CALL
 * leaves out and the parts of ORDER BY that repeat a returned column. The kinds of errors are those that the openCypher
 * TCK expects at compile time.
 */
#ifndef GRAPH_CYPHER_CHECK_H
#define GRAPH_CYPHER_CHECK_H

#include "engine/base/arena.h"
#include "graph/cypher/ast.h"
#include "graph/cypher/procedure.h"

/* catalogue: NULL for no procedures. SYNTAX, UNSUPPORTED, TOO_LARGE, NO_MEMORY. */
MUST_CHECK enum status cypher_check(struct arena *arena, struct cypher_statement *statement,
                                    const struct cypher_catalogue *catalogue, struct cypher_fault *fault);

#endif
