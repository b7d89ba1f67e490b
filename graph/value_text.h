/*
 * value_text: values as text, as FalkorDB writes them: strings without quotes, NULL, true, floats with 15 digits,
 * [1, a], {key: value}, a node as (id), an edge as [id], a path as the list of these.
 */
#ifndef GRAPH_VALUE_TEXT_H
#define GRAPH_VALUE_TEXT_H

#include "engine/base/buf.h"
#include "graph/value.h"

/* Appends. Only NO_MEMORY can fail. */
MUST_CHECK enum status value_print(struct buf *to, struct value value);

/* A float with 15 digits: "1", "0.1", "1e+300", "nan", "inf"; returns its length. */
enum { VALUE_FLOAT_TEXT_BYTES = 32 };
size_t value_float_text(double number, char text[VALUE_FLOAT_TEXT_BYTES]);

#endif
