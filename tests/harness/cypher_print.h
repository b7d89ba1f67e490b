/*
 * cypher_print: a parsed statement as text again, every name quoted and every operator in brackets: what reads back as
 * the same tree.
 */
#ifndef TESTS_HARNESS_CYPHER_PRINT_H
#define TESTS_HARNESS_CYPHER_PRINT_H

#include "engine/base/buf.h"
#include "graph/cypher/ast.h"

/* Appends; ends the program when memory ends. */
void cypher_print_statement(const struct cypher_statement *statement, struct buf *to);
void cypher_print_expression(const struct cypher_expr *expr, struct buf *to);

#endif
