/*
 * run: the run of a plan: one row of slots that all operators share, and the operators' states.
 *
 * Pull: an operator asks its child for a row, writes its own slots and returns; slots belong to one operator each, so
 * that what an operator higher up wrote stays while one lower down goes on. A pull ends with PULL_MORE once the step's
 * work is used up; the next pull goes on where it was. Operators therefore keep everything that outlives a pull in
 * their state.
 *
 * Memory: values in slots lie in the run's arena of passing values, or in what lives as long as the run (tree,
 * parameters, words of the graph). Between steps the run copies what slots and operators still hold into a fresh arena
 * and drops the old one, when it has grown enough. So a value must not point into memory that an operator resets: what
 * an operator keeps over rows it copies into memory of its own, and out of it again when it passes it on.
 */
#ifndef GRAPH_CYPHER_RUN_H
#define GRAPH_CYPHER_RUN_H

#include "graph/cypher/evaluate.h"
#include "graph/cypher/plan.h"

enum pull {
    PULL_ROW,  /* the row is in the slots */
    PULL_END,  /* no more rows, until restarted */
    PULL_MORE, /* pull again later */
    PULL_FAIL, /* run->status says why; the run is over */
};

struct run;
struct stage;

/* What a kind of operator does. NULL where there is nothing to do. */
struct operator_class {
    size_t state_bytes;
    enum status (*start)(struct run *run, struct stage *stage); /* state is zeros */
    enum pull (*pull)(struct run *run, struct stage *stage);
    void (*restart)(struct run *run, struct stage *stage); /* for another row of the argument; children follow */
    void (*stop)(struct run *run, struct stage *stage);    /* frees; also after a start that failed */
    /* Copies the passing values that the state holds into `arena`. */
    enum status (*keep)(struct run *run, struct stage *stage, struct value_arena *arena);
};

struct stage {
    const struct operator_class *class;
    const struct plan_operator *plan; /* NULL: an Argument that the plan left out */
    struct stage **children;
    uint32_t child_count;
    struct plan_slots carried; /* for operators that keep rows: the slots to keep (slots.h) */
    void *state;
};

struct run {
    const struct plan *plan;
    struct evaluation evaluation;
    struct reader reader;
    struct graph *graph;
    struct value_budget *budget;
    struct value_arena passing; /* values on their way */
    size_t passing_limit;       /* used bytes at which it is renewed */
    struct value_arena frame;   /* operators, their states, the row: as long as the run */
    struct value *row;
    struct stage *root;
    struct stage **operators; /* all, in the plan's preorder */
    uint32_t operator_count;
    uint64_t work_end;  /* evaluation.work at which the step ends */
    uint64_t hash_seed; /* of tables; never decides an order that anyone sees */
    enum status status; /* of PULL_FAIL */
};

/* Counts one unit of work that was done. False: the step is over, return PULL_MORE once the state says where to go on.
 * Asked after the work, never before, so that every pull gets further however small a step is. */
bool run_work(struct run *run);
/* Sets the status; a NO_MEMORY without a fault becomes one. */
enum pull run_fail(struct run *run, enum status status);
/* One pull of an operator. */
enum pull operator_pull(struct run *run, struct stage *stage);
/* Makes the operator and all below it begin anew. */
void operator_restart(struct run *run, struct stage *stage);

/* A limit of a single operation of the log, or another edit that failed, as a fault. */
enum status run_edit_failed(struct run *run, struct cypher_place place, enum status status);

/* SKIP's and LIMIT's number: a non-negative integer, else a fault (operator_row.c). */
enum status run_evaluate_amount(struct run *run, const struct cypher_expr *expr, uint64_t *amount);

/* The classes, by kind of the plan's operators. */
extern const struct operator_class argument_class;
const struct operator_class *operator_class_of(enum plan_kind kind);

extern const struct operator_class scan_class, id_seek_class;       /* operator_scan.c */
extern const struct operator_class traverse_class, edge_ends_class; /* operator_traverse.c */
extern const struct operator_class variable_traverse_class;         /* operator_variable.c */
extern const struct operator_class shortest_path_class;             /* operator_shortest.c */
extern const struct operator_class filter_class, project_class, distinct_class, skip_class, limit_class, unwind_class,
    results_class; /* operator_row.c */
extern const struct operator_class apply_class, product_class, optional_class, semi_apply_class, roll_up_class,
    union_class;                                                             /* operator_apply.c */
extern const struct operator_class aggregate_class;                          /* operator_aggregate.c */
extern const struct operator_class sort_class;                               /* operator_sort.c */
extern const struct operator_class create_class, update_class, delete_class; /* operator_write.c */
extern const struct operator_class merge_class;                              /* operator_merge.c */
extern const struct operator_class procedure_class;                          /* operator_procedure.c */

#endif
