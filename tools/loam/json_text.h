/* json_text: text as a string of JSON. */
#ifndef TOOLS_LOAM_JSON_TEXT_H
#define TOOLS_LOAM_JSON_TEXT_H

#include "engine/base/buf.h"

/* Appends the text in double quotes, what may not stand there escaped. */
MUST_CHECK enum status json_text_append(struct buf *to, const char *text);

#endif
