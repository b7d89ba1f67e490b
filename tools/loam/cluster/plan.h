/*
 * plan: what a local cluster is made of, kept in DIR/cluster.conf, and the names that follow from it.
 *
 *   DIR/cluster.conf   "nodes 3" and "base-port 7000", one to a line; where members came or went also "founders 3" and
 *                      "removed 2" for each who went
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
    PLAN_START_MAX = 9,  /* nodes of a new cluster */
    PLAN_NODES_MAX = 64, /* ids that were ever given */
    PLAN_BASE_PORT_DEFAULT = 7000,
    PLAN_BASE_PORT_MAX = 65535 - 200 - PLAN_NODES_MAX,
    PLAN_DIR_BYTES = IO_PATH_BYTES - 64, /* so that every name below it fits */
    PLAN_SPACE_BYTES = 24,
};

enum plan_port { PLAN_CLIENTS, PLAN_PEERS, PLAN_HTTP, PLAN_PORT_KINDS };

struct plan {
    char dir[PLAN_DIR_BYTES];
    unsigned nodes;                   /* ids 1..nodes were given, and none is given twice */
    unsigned founders;                /* 1..founders were there at the start; 0 = all */
    bool removed[PLAN_NODES_MAX + 1]; /* by id */
    unsigned base_port;
    unsigned net; /* not kept in the file. Not 0: node I is at 10.99.net.I, in a network namespace of its own */
};

/* INVALID if the path is too long or empty. */
MUST_CHECK enum status plan_init(struct plan *plan, const char *dir, struct error *error);
/* NOT_FOUND if no cluster was started in the directory; SYNTAX if the file is damaged. */
MUST_CHECK enum status plan_load(struct plan *plan, struct io *io, struct error *error);
/* Makes the directory, and those above it, and writes the file. */
MUST_CHECK enum status plan_save(const struct plan *plan, struct io *io, struct error *error);

void plan_address(const struct plan *plan, unsigned node, enum plan_port kind, char address[IO_ADDRESS_BYTES]);
/* Where all of the node's ports are. */
void plan_host(const struct plan *plan, unsigned node, char host[IO_ADDRESS_BYTES]);
/* With plan->net: the name of its network namespace, "loam171-2". */
void plan_space(const struct plan *plan, unsigned node, char name[PLAN_SPACE_BYTES]);
/* The next node behind `node` (0: the first) that was not removed; 0 = no more. */
unsigned plan_next(const struct plan *plan, unsigned node);
bool plan_has(const struct plan *plan, unsigned node);
unsigned plan_count(const struct plan *plan);
unsigned plan_founders(const struct plan *plan);
/* For loamd's --cluster: "1@127.0.0.1:7101@7001,...": the founders for one of them, for others all that are there. */
MUST_CHECK enum status plan_members(const struct plan *plan, unsigned node, struct buf *to);
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
