/* info: the server's figures as text: INFO for people and clients, /metrics for Prometheus. */
#ifndef TOOLS_LOAMD_INFO_H
#define TOOLS_LOAMD_INFO_H

#include "engine/base/buf.h"

struct server;

#define LOAM_REDIS_VERSION "7.0.0" /* the Redis whose commands, replies and texts are followed */

/* Appends one section ("server", "raft", ...) or nothing if there is none of that name. */
MUST_CHECK enum status info_print_section(struct server *server, const char *section, struct buf *to);
/* Names of all sections, in order, NULL behind the last. */
extern const char *const info_sections[];

#endif
