/*
 * terminal: standard input and output of the toolbox; the one place beside engine/io that reads and writes bytes.
 */
#ifndef TOOLS_LOAM_TERMINAL_H
#define TOOLS_LOAM_TERMINAL_H

#include "engine/base/buf.h"

/* All bytes, at once, to standard output. */
void terminal_print(struct slice text);

/* The next line of standard input with its end, replacing *line. END when there is none; NO_MEMORY. */
MUST_CHECK enum status terminal_read_line(struct buf *line);

/* Bytes of standard input, at most `room`, as they come; *got = 0 at its end. IO. */
MUST_CHECK enum status terminal_read(void *to, size_t room, size_t *got);

/* Whether a person types, reads, or watches errors. */
bool terminal_has_input(void);
bool terminal_has_output(void);
bool terminal_has_errors(void);

/* Of the terminal that output goes to; 100 where it goes elsewhere. */
unsigned terminal_columns(void);

#endif
