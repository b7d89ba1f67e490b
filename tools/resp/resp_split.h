/*
 * resp_split: a line of text becomes arguments, by the quoting rules of Redis' inline commands and of redis-cli.
 *
 * A word ends at space, tab, \n or \r; before a word \v and \f are skipped too. "..." takes \xHH \n \r \t \b \a and \c
 * for any other c;
 * '...' takes \' only. A closing quote must be followed by a blank or the end; a quote within a word opens a quoted
 * part. A NUL is an ordinary byte (Redis, which reads the line as a C string, would wait for more).
 */
#ifndef TOOLS_RESP_RESP_SPLIT_H
#define TOOLS_RESP_RESP_SPLIT_H

#include "engine/base/buf.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

/*
 * Reads the word at *position: OK with its bytes appended to `text` and *position behind it, END when no word is left,
 * SYNTAX for unbalanced quotes, NO_MEMORY (position and text as they were).
 */
MUST_CHECK enum status resp_split_next(struct slice line, size_t *position, struct buf *text);

#endif
