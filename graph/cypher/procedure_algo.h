/*
 * procedure_algo: what the procedures on whole graphs share: a CSR is built from the handle's snapshot in steps, the
 * algorithm runs on it in steps, then rows come out. Memory (the CSR, the algorithm's arrays, the rows) counts against
 * the query's budget.
 *
 * Each gives the log index of what it saw: the index of the entry that changed the graph last. A query that has changed
 * the graph itself can't call them: a CSR knows stored state only.
 */
#ifndef GRAPH_CYPHER_PROCEDURE_ALGO_H
#define GRAPH_CYPHER_PROCEDURE_ALGO_H

#include "graph/algo/algo.h"
#include "graph/csr_build.h"
#include "graph/cypher/procedure_table.h"

struct algo_run;

/* What an algorithm brings. `bytes_per_node` bounds the memory of its arrays. */
struct algo_class {
    size_t bytes_per_node;
    /* The CSR is there. *empty: there is nothing to run on, and no row. */
    enum status (*begin)(struct procedure_call *call, struct algo_run *run, size_t limit_bytes, bool *empty);
    enum status (*step)(struct procedure_call *call, struct algo_run *run, uint64_t work, bool *done);
    /* The next row: OK, END, BUSY. */
    enum status (*emit)(struct procedure_call *call, struct algo_run *run, struct value *fields);
    void (*end)(struct algo_run *run); /* after any begin */
};

enum algo_phase { ALGO_BUILDS, ALGO_RUNS, ALGO_EMITS };

struct algo_run {
    const struct algo_class *class;
    struct csr_build_options options;
    struct csr csr;
    struct csr_build build;
    enum algo_phase phase;
    bool begun;
    size_t csr_charged, arrays_charged;
    uint32_t next; /* node whose row comes next */
    uint64_t source, target;
    bool weighted;
    int64_t max_level;
    struct pagerank_options rank_options;
    struct value *nodes, *edges; /* BFS: what it has found */
    uint64_t edge;               /* BFS: cursor in the row of `next` */
    uint32_t edge_count;
    union {
        struct bfs bfs;
        struct sssp sssp;
        struct wcc wcc;
        struct pagerank pagerank;
    };
};

/* An algorithm's state in the call's arena. */
MUST_CHECK enum status algo_make(struct procedure_call *call, const struct algo_class *class, struct algo_run **run);
/* Arguments are read: starts the build. */
MUST_CHECK enum status algo_start(struct procedure_call *call, struct algo_run *run);
/* For the procedures' table. */
enum status algo_step(struct procedure_call *call, void *state, struct value *fields);
void algo_close(struct procedure_call *call, void *state);

struct value algo_log_index(const struct algo_run *run);

/* ---- Arguments --------------------------------------------------------------------------------------------------- */

/* NULL if it was left out or is null. */
const struct value *algo_argument(const struct procedure_call *call, uint32_t number);

/* A word, or a list of words, as ids for the options; GRAPH_NONE stands for one that the graph has not. */
MUST_CHECK enum status algo_take_words(struct procedure_call *call, const struct value *value,
                                       enum graph_vocabulary vocabulary, const char *what, struct algo_run *run);

/* One entry of a map of settings. */
struct algo_setting {
    const char *key;
    /* The value is not null. */
    enum status (*take)(struct procedure_call *call, struct algo_run *run, const struct value *value, const char *key);
};
/* Takes argument `number`, a map, entry by entry; a key that is not in the table is a fault. */
MUST_CHECK enum status algo_take_settings(struct procedure_call *call, uint32_t number, struct algo_run *run,
                                          const struct algo_setting *settings, size_t count);

enum status algo_set_labels(struct procedure_call *call, struct algo_run *run, const struct value *value,
                            const char *key);
enum status algo_set_types(struct procedure_call *call, struct algo_run *run, const struct value *value,
                           const char *key);
enum status algo_set_direction(struct procedure_call *call, struct algo_run *run, const struct value *value,
                               const char *key);
enum status algo_set_weight(struct procedure_call *call, struct algo_run *run, const struct value *value,
                            const char *key);
/* "algo.WCC: nodeLabels is to be a list of strings, not Integer" */
enum status algo_refuse(struct procedure_call *call, const char *key, const char *wanted, const struct value *value);

/* The rows of the table (procedure_rank.c, procedure_paths.c). */
extern const struct graph_procedure algo_pagerank_procedure, algo_wcc_procedure;
extern const struct graph_procedure algo_bfs_procedure, algo_distances_procedure, algo_sp_paths_procedure;

#endif
