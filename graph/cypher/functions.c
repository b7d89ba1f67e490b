/* functions: the rows of functions.def as a table. */
#include "graph/cypher/ast.h"

const struct cypher_function_row cypher_functions[CYPHER_FUNCTION_COUNT_OF_ALL] = {
#define AGGREGATE(id, text, fewest, most, first, others, result)                                                       \
    {text, fewest, most, CYPHER_TYPE_##first, CYPHER_TYPE_##others, CYPHER_TYPE_##result, true},
#define FUNCTION(id, text, fewest, most, first, others, result)                                                        \
    {text, fewest, most, CYPHER_TYPE_##first, CYPHER_TYPE_##others, CYPHER_TYPE_##result, false},
#include "graph/cypher/functions.def"
};
