/*
 * tck: scenarios of the openCypher TCK, read from its feature files and judged against a subject.
 *
 * A subject runs a query on a graph that belongs to it and hands back rows of cells, each as the TCK writes values:
 * (:A {name: 'x'}), [:T {w: 1}], <(:A)-[:T]->()>, 1.5, 'text', [1, 2], {a: null}. Cells are compared after both sides
 * were brought to one form (order of labels and keys, spelling of floats). Side effects are found as the TCK does, by
 * reading the graph before and after.
 */
#ifndef TESTS_HARNESS_TCK_H
#define TESTS_HARNESS_TCK_H

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "graph/cypher/fault.h"

/* --- feature files --- */

struct tck_table {
    struct slice *cells; /* row by row */
    size_t rows;
    size_t columns;
};

struct tck_step {
    struct slice text; /* without its keyword */
    struct slice document;
    struct tck_table table;
    struct tck_step *next;
};

/* One per row of examples for an outline; the steps of the background come first. */
struct tck_scenario {
    struct slice name;
    struct tck_step *steps;
    struct tck_scenario *next;
};

/* Everything lies in the arena, `text` included. SYNTAX for what is no feature file. */
MUST_CHECK enum status tck_feature_parse(struct arena *arena, struct slice text, struct tck_scenario **first);

/* --- values --- */

/* A cell in the one form; SYNTAX if it is no value as the TCK writes them. `sort_lists`: lists count as bags. */
MUST_CHECK enum status tck_value_normalize(struct slice cell, bool sort_lists, struct buf *to);

/* --- subjects --- */

enum tck_outcome { TCK_ROWS, TCK_FAULT };

struct tck_result {
    enum tck_outcome outcome;
    struct cypher_fault fault; /* of TCK_FAULT */
    struct arena arena;        /* of names and cells; emptied by the harness */
    struct tck_table rows;     /* the first row holds the names */
};

/* name -> value as the TCK writes it */
struct tck_parameter {
    struct slice name;
    struct slice value;
};

struct tck_subject {
    void *context;
    void (*clear)(void *context); /* an empty graph */
    void (*run)(void *context, struct slice query, const struct tck_parameter *parameters, size_t count,
                struct tck_result *result);
    /* A procedure test.x(a :: TYPE) :: (b :: TYPE) that gives the rows of the table whose first cells are its
     * arguments. False: the subject can't. */
    bool (*procedure)(void *context, struct slice signature, const struct tck_table *table);
};

/* --- judging --- */

enum tck_verdict { TCK_PASSED, TCK_UNSUPPORTED, TCK_WRONG };

/* `reason` (never longer than its buffer) says why it was not PASSED. `graphs`: the folder of named
 * graphs. */
enum tck_verdict tck_judge(const struct tck_subject *subject, const struct tck_scenario *scenario, const char *graphs,
                           char *reason, size_t reason_size);

#endif
