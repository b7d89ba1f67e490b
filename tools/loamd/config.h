/* config: the parameters that CONFIG GET shows and CONFIG SET changes, one row each (config.c). */
#ifndef TOOLS_LOAMD_CONFIG_H
#define TOOLS_LOAMD_CONFIG_H

#include "engine/base/buf.h"

struct server;

/* Replies a map of every parameter that matches one of the patterns. */
MUST_CHECK enum status config_reply(struct server *server, const struct slice *patterns, size_t count,
                                    struct buf *reply);
/* Sets name, value, ...: all, or none and an error. */
MUST_CHECK enum status config_assign(struct server *server, const struct slice *pairs, size_t count, struct buf *reply);

#endif
