/*
 * reply_text: a reply as text for people (numbered, quoted) or for pipes (raw), as redis-cli 7 prints it.
 */
#ifndef TOOLS_LOAM_REPLY_TEXT_H
#define TOOLS_LOAM_REPLY_TEXT_H

#include "engine/base/buf.h"
#include "tools/resp/resp_reply.h"

/* Appends the reply and a line end. NO_MEMORY only. */
MUST_CHECK enum status reply_text_for_people(struct buf *to, const struct resp_reply *reply);
MUST_CHECK enum status reply_text_raw(struct buf *to, const struct resp_reply *reply);

/* Appends the bytes in double quotes, what cannot be printed as \n, \r, \t, \a, \b or \xHH. */
MUST_CHECK enum status reply_text_quote(struct buf *to, struct slice bytes);

#endif
