/*
 * verify_node: what a node's directory holds besides the engine's files: the superblock's slots, every record of its
 * log, what superblock, log and store say of each other; and what its stores mean: counts, indexes, both ends of what
 * has two. The node may run: what does not fit is looked at again, and counts when it says the same every time.
 */
#ifndef TOOLS_LOAM_VERIFY_VERIFY_NODE_H
#define TOOLS_LOAM_VERIFY_VERIFY_NODE_H

#include "engine/engine.h"

struct verify_node_report {
    char store[IO_PATH_BYTES]; /* the engine's directory; "": which one can't be told, or it is not there */
    bool has_promise;          /* its superblock tells who it is; without, the node does not start */
    bool is_torn;              /* a write that was cut and never acknowledged: the next start takes it away */
    bool is_witness;           /* its stores hold nothing */
    uint64_t log_entries;      /* that stand in it and count */
    uint64_t findings;
    bool stores_were_read;
    uint64_t applied; /* as of which entry */
};

struct verify_node_teller {
    void (*visit)(void *context, const struct engine_finding *finding);
    void *context;
    struct verify_node_report *report; /* all zero at first */
};

/* Superblock and log. OK, whatever is found; NOT_FOUND: it is no node's directory, nothing was looked at; or, with
 * words, why it could not be done. */
MUST_CHECK enum status verify_node_log(struct io *io, const char *dir, const struct verify_node_teller *teller,
                                       struct error *error);
/* What its stores mean; of a directory in which nothing else is wrong. */
MUST_CHECK enum status verify_node_stores(const char *dir, const struct verify_node_teller *teller,
                                          struct error *error);

#endif
