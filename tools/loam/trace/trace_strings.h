/*
 * trace_strings: texts of a page, each once, numbered in the order in which they came; 0 is "". Memory is the table's
 * own.
 */
#ifndef TOOLS_LOAM_TRACE_TRACE_STRINGS_H
#define TOOLS_LOAM_TRACE_TRACE_STRINGS_H

#include "engine/base/buf.h"

struct trace_strings {
    struct buf texts;  /* each with an end byte */
    struct buf starts; /* uint32_t, by number */
    struct buf slots;  /* uint32_t, a table with open addresses: number + 1 */
    uint32_t count;
};

/* NO_MEMORY. */
MUST_CHECK enum status trace_strings_add(struct trace_strings *strings, const char *text, uint32_t *number);
/* A list of JSON strings, in order. Fit for a script element: '<', '>', '&' and all that is not plain ASCII are
 * escaped. NO_MEMORY. */
MUST_CHECK enum status trace_strings_print(struct buf *to, const struct trace_strings *strings);
MUST_CHECK enum status trace_string_print(struct buf *to, const char *text);
void trace_strings_deinit(struct trace_strings *strings);

#endif
