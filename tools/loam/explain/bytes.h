/* bytes: a key as it is typed. */
#ifndef TOOLS_LOAM_EXPLAIN_BYTES_H
#define TOOLS_LOAM_EXPLAIN_BYTES_H

#include "engine/base/buf.h"

/* Replaces *to by the text's bytes, in which \xHH is a byte, \\ a backslash and \" a quote. SYNTAX, NO_MEMORY. */
MUST_CHECK enum status bytes_from_text(struct buf *to, const char *text);

#endif
