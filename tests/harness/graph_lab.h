/*
 * graph_lab: an engine with the trees of names and graphs, and a store that applies operations to it as a node would:
 * from memory first, after reading ahead if something was missing. For tests of graphs and of queries on them.
 */
#ifndef TESTS_HARNESS_GRAPH_LAB_H
#define TESTS_HARNESS_GRAPH_LAB_H

#include "graph/edit.h"
#include "graph/import.h"

enum { GRAPH_LAB_OWNERS = 2 };

struct graph_lab {
    struct io *io; /* borrowed or owned */
    bool owns_io;
    struct engine *engine;
    struct engine_options options;
    struct engine_tree_kind kinds[16];
    struct name_owner owners[GRAPH_LAB_OWNERS];
    struct graph_store *store;
    struct engine_batch batch;
    struct buf operation, reply;
    uint64_t index; /* of the last entry */
    int64_t now_ms; /* log time of the next one */
    uint64_t prefetches;
    struct graph *graph; /* graph_lab_open's */
};

/* io NULL: a machine of its own. options: kinds are filled in; NULL = small limits. Failures fail the test. */
void graph_lab_init(struct graph_lab *lab, struct io *io, uint64_t seed, const struct engine_options *options);
void graph_lab_deinit(struct graph_lab *lab);
/* Opens the engine (in "db") after init or close; what it answered. */
MUST_CHECK enum status graph_lab_open_engine(struct graph_lab *lab, struct error *error);
void graph_lab_close_engine(struct graph_lab *lab);

struct names_view graph_lab_view(const struct graph_lab *lab, const struct engine_snapshot *snapshot);

/* Applies and writes one operation: what apply or the engine answered; the reply is in lab->reply. */
MUST_CHECK enum status graph_lab_try(struct graph_lab *lab, struct slice operation);
void graph_lab_apply(struct graph_lab *lab, struct slice operation); /* OK, or the test fails */

/* Writes lab->batch as the next entry, whoever filled it. */
MUST_CHECK enum status graph_lab_write(struct graph_lab *lab, bool sync);

/* lab->graph, opened on the latest state; a name that is not there is allowed. */
struct graph *graph_lab_open(struct graph_lab *lab, const char *name);
/* Applies the edits of the handle; the reply is no error. */
void graph_lab_commit(struct graph_lab *lab, const struct graph *graph);
void graph_lab_delete(struct graph_lab *lab, const char *name);

/* graph_verify finds nothing, or the test fails with its words. */
void graph_lab_expect_whole(const struct graph_lab *lab);
uint64_t graph_lab_hash(const struct graph_lab *lab);

#endif
