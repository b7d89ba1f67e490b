/*
 * plan: what a local cluster is made of, kept in DIR/cluster.conf, and the names that follow from it.
 *
 *   DIR/cluster.conf   "nodes 3" and "base-port 7000", one to a line
 *   DIR/node-I         data of node I          DIR/node-I.log   what it printed          DIR/node-I.pid   its process,
 * while it runs
 *
 * Node I serves clients on base + I, peers on base + 100 + I, /metrics on base + 200 + I.
 */
#ifndef TOOLS_LOAM_CLUSTER_PLAN_H
#define TOOLS_LOAM_CLUSTER_PLAN_H

#include "engine/base/buf.h"
#include "engine/io.h"

enum {
    PLAN_NODES_DEFAULT = 3,
    PLAN_NODES_MAX = 9,
    PLAN_BASE_PORT_DEFAULT = 7000,
    PLAN_BASE_PORT_MAX = 65535 - 200 - PLAN_NODES_MAX,
    PLAN_DIR_BYTES = IO_PATH_BYTES - 64, /* so that every name below it fits */
};

enum plan_port { PLAN_CLIENTS, PLAN_PEERS, PLAN_HTTP, PLAN_PORT_KINDS };

struct plan {
    char dir[PLAN_DIR_BYTES];
    unsigned nodes; /* ids 1..nodes */
    unsigned base_port;
};

/* INVALID if the path is too long or empty. */
MUST_CHECK enum status plan_init(struct plan *plan, const char *dir, struct error *error);
/* NOT_FOUND if no cluster was started in the directory; SYNTAX if the file is damaged. */
MUST_CHECK enum status plan_load(struct plan *plan, struct io *io, struct error *error);
/* Makes the directory, and those above it, and writes the file. */
MUST_CHECK enum status plan_save(const struct plan *plan, struct io *io, struct error *error);

void plan_address(const struct plan *plan, unsigned node, enum plan_port kind, char address[IO_ADDRESS_BYTES]);
/* For loamd's --cluster: "1@127.0.0.1:7101@7001,...". */
MUST_CHECK enum status plan_members(const struct plan *plan, struct buf *to);
/* DIR/node-I + suffix ("", ".log", ".pid"). */
void plan_path(const struct plan *plan, unsigned node, const char *suffix, char path[IO_PATH_BYTES]);

/* The process in node-I.pid; 0 if there is none. */
long plan_read_pid(const struct plan *plan, struct io *io, unsigned node);
MUST_CHECK enum status plan_write_pid(const struct plan *plan, struct io *io, unsigned node, long pid,
                                      struct error *error);

/*
 * "1,2/3": groups of nodes that hear each other; nodes that are not named form one more. group[i] is that of node i
 * + 1. SYNTAX with words for anything else.
 */
MUST_CHECK enum status plan_parse_groups(const struct plan *plan, const char *text, unsigned group[PLAN_NODES_MAX],
                                         struct error *error);

#endif
